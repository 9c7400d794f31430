"""Records the daily test program of a machine, and tells its total position error."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from fabloop.app.edge.app import TRIGGER, Bulk, Lane, Manifest, Outbox, Output
from fabloop.app.edge.evaluation import evaluated
from fabloop.base.instant import Instant
from fabloop.base.quantity import Dimension
from fabloop.sense import edge
from fabloop.sense.monitoring import MonitoredUnit
from fabloop.sense.program import daily_program
from fabloop.sense.recording import Bulk as Recorded
from fabloop.sense.recording import series_of

FACT = "test"
READINGS = ("tpe", "tpe.upper")


class DailyTest:
    """Records while the program's user variable is set; evaluates when it is cleared.

    Settings are those of a `MonitoredUnit`, in SI units. Tells the fact ``test`` (a
    `TestMeasured`), and the readings ``tpe`` and ``tpe.upper``: of bad quality where the test
    gave no value.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._unit = msgspec.convert(dict(settings), MonitoredUnit)
        axes = tuple(self._unit.calibration.axes)
        self.manifest = Manifest(
            inputs=(TRIGGER, *(name for axis in axes for name in series_of(axis))),
            outputs=(
                Output(name=FACT),
                *(Output(name=each, dimension=Dimension.LENGTH) for each in READINGS),
            ),
            lane=Lane.SLOW,
        )
        self._edge = edge.Edge(program=daily_program(axes))

    def on_bulk(self, bulk: Bulk, out: Outbox) -> None:
        """Follow the program."""
        assert bulk.trigger is not None, "the manifest asks for it"
        recorded = Recorded(
            sequence=bulk.sequence,
            start=bulk.start,
            step_ns=bulk.step_ns,
            series=bulk.series,
            trigger=bulk.trigger.copy(),
            values=bulk.values.astype(np.float64),
        )
        self._edge, ended = edge.advance(self._edge, recorded)
        if ended is not None:
            found = evaluated(self._unit, ended)
            value = found.value
            both = (np.nan, np.nan) if value is None else (value.value, value.upper)
            out.fact(FACT, found, found.at)
            out.readings(READINGS, np.array(both), Instant(found.at))
