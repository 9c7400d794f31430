"""Condenses every signal of a machine: statistics, spectrum in bands, EWMA and CUSUM."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from fabloop.app.edge.app import Bulk, Manifest, Outbox, Output, Window
from fabloop.sense.streams.drift import Cusum, Ewma
from fabloop.sense.streams.spectrum import BandPower
from fabloop.sense.streams.statistics import STATISTICS, statistics


class FeatureSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is condensed, and how.

    Attributes
    ----------
    signals : names and patterns
    window_samples : of the spectrum
    every_samples : how often it is told; statistics cover the same samples
    bands : of the spectrum, from 0 to half of the sample rate
    ewma_weight : of a new sample
    cusum_slack, learn_samples : the CUSUM counts from the mean and deviation of the first samples
        on, in deviations, beyond the slack
    """

    signals: tuple[str, ...] = ("*",)
    window_samples: int = 512
    every_samples: int = 50
    bands: int = 8
    ewma_weight: float = 0.05
    cusum_slack: float = 0.5
    learn_samples: int = 512


class Features:
    """Tells, of each signal, eight statistics, the power in each band, the EWMA and the CUSUM."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = msgspec.convert(dict(settings), FeatureSettings)
        self.manifest = Manifest(
            inputs=self._settings.signals,
            outputs=(Output(name="*"),),
            window_samples=self._settings.window_samples,
            every_samples=self._settings.every_samples,
        )
        self._bands = BandPower(self._settings.window_samples, self._settings.bands)
        self._series: tuple[str, ...] = ()
        self._names: dict[str, tuple[str, ...]] = {}
        self._ewma = Ewma(0, self._settings.ewma_weight)
        self._cusum: Cusum | None = None
        self._learnt: list[Any] = []

    def on_bulk(self, bulk: Bulk, out: Outbox) -> None:
        """Follow drifts; they go on over lost samples."""
        if bulk.series != self._series:
            self._begin(bulk.series)
        end = bulk.start + len(bulk.values) * bulk.step_ns
        out.readings(self._names["ewma"], self._ewma.take(bulk.values), type(bulk.start)(end))
        if self._cusum is None:
            self._learn(bulk)
        else:
            out.readings(self._names["cusum"], self._cusum.take(bulk.values), type(bulk.start)(end))

    def on_window(self, window: Window, out: Outbox) -> None:
        """Condense the window."""
        last = window.values[:, -self._settings.every_samples :]
        out.readings(self._names["statistics"], statistics(last).values, window.end)
        out.readings(self._names["bands"], self._bands.of(window.values), window.end)

    def _begin(self, series: tuple[str, ...]) -> None:
        self._series = series
        bands = [f"band-{number}" for number in range(1, self._settings.bands + 1)]
        kinds = (
            ("statistics", STATISTICS), ("bands", bands), ("ewma", ["ewma"]), ("cusum", ["cusum"]),
        )  # fmt: skip
        self._names = {
            kind: tuple(f"{name}.{each}" for name in series for each in columns)
            for kind, columns in kinds
        }
        self._ewma = Ewma(len(series), self._settings.ewma_weight)
        self._cusum, self._learnt = None, []

    def _learn(self, bulk: Bulk) -> None:
        self._learnt.append(np.array(bulk.values, dtype=np.float64))
        samples = np.concatenate(self._learnt)
        if len(samples) < self._settings.learn_samples:
            return
        known = np.isfinite(samples)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, samples, 0.0).sum(axis=0) / count
        spread = np.where(known, samples - mean, 0.0)
        sigma = np.sqrt((spread * spread).sum(axis=0) / count)
        # What never moved while it was learnt gives no measure of a deviation.
        self._cusum = Cusum(mean, np.where(sigma > 0, sigma, np.nan), self._settings.cusum_slack)
        self._learnt = []
