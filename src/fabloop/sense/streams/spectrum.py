"""The spectrum of a window in bands, for all its signals at once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


class BandPower:
    """Mean power per band of equal width, of windows of one length (Hann window, one-sided).

    The sum over the bands is the variance of a stationary signal, so that a band's power is what
    the band contributes to it. The mean of the window is left out.

    Parameters
    ----------
    samples : length of the windows
    bands : bands from 0 to half of the sample rate
    """

    def __init__(self, samples: int, bands: int) -> None:
        self._taper = np.hanning(samples + 1)[:-1].astype(np.float32)
        bins = samples // 2 + 1
        # Positions among real and imaginary parts, one after the other.
        self._edges = 2 * np.linspace(0, bins, bands + 1).astype(np.intp)[:-1]
        # Parseval for a one-sided spectrum under a taper.
        weight = np.full(bins, 2.0)
        weight[0] = 1.0
        if samples % 2 == 0:
            weight[-1] = 1.0
        taper_power = float((self._taper.astype(np.float64) ** 2).sum())
        self._weight = np.repeat(weight / (samples * taper_power), 2).astype(np.float32)

    def of(self, window: Floats) -> Floats:
        """Return shape (signals, bands); NaN for a signal with an unknown sample."""
        centred = window - window.mean(axis=1, keepdims=True)
        centred *= self._taper
        parts = np.fft.rfft(centred, axis=1).view(centred.dtype)
        np.multiply(parts, parts, out=parts)  # in place: a bulk is handled in a millisecond
        parts *= self._weight
        bands: Floats = np.add.reduceat(parts, self._edges, axis=1)
        return bands
