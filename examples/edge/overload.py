"""Tells the peak force of each axis, and asks the control to slow down when one is too high."""

from collections.abc import Mapping

import numpy as np

from fabloop.app.edge import Manifest, Outbox, Output, Window
from fabloop.base.quantity import Dimension


class Overload:
    """Settings: `limit_n`, the force in newtons beyond which the control is told."""

    manifest = Manifest(
        inputs=("*.force",),
        window_samples=250,  # half a second at 2 ms
        every_samples=50,  # once per bulk
        outputs=(Output(name="*.peak", dimension=Dimension.FORCE), Output(name="overload")),
        variables=("EDGE_SLOW_DOWN",),
    )

    def __init__(self, settings: Mapping[str, float]) -> None:
        self.limit_n = float(settings["limit_n"])
        self.too_high = False

    def on_window(self, window: Window, out: Outbox) -> None:
        """Look at the last half second, once per bulk."""
        peaks = np.abs(window.values).max(axis=1)  # shape (signals,)
        names = tuple(name.replace(".force", ".peak") for name in window.series)
        out.readings(names, peaks, window.end)
        too_high = bool((peaks > self.limit_n).any())
        if too_high != self.too_high:
            self.too_high = too_high
            out.set_variable("EDGE_SLOW_DOWN", float(too_high))
            worst = window.series[int(peaks.argmax())]
            out.fact("overload", {"begun": too_high, "signal": worst}, window.end)
