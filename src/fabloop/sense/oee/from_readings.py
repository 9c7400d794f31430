"""Events from readings: a series of states, and counters of parts, as machines publish them."""

from collections.abc import Iterator, Sequence

import numpy as np

from fabloop.base.instant import Instant
from fabloop.model.ids import WorkUnitId
from fabloop.sense.oee.events import PartsCounted, StateTold
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.quality import is_good
from fabloop.sense.readings.summary import steps

SILENT = ""
"""The state of a unit that tells none: its readings are bad. No table knows it."""


def state_events(work_unit: WorkUnitId, states: Sequence[str], told: Batch) -> Iterator[StateTold]:
    """Yield an event for each change of a state.

    Parameters
    ----------
    states : texts that the numbers stand for
    told : readings of one series, in any order; a bad one makes the state unknown
    """
    ordered = told.by_time()
    good = is_good(ordered.quality)
    last: str | None = None
    for at, value, sure in zip(
        ordered.times.tolist(), ordered.values.tolist(), good.tolist(), strict=True
    ):
        known = sure and value == value and 0 <= value < len(states) and value == int(value)
        state = states[int(value)] if known else SILENT
        if state != last:
            yield StateTold(id=f"state@{at}", work_unit=work_unit, at=Instant(at), state=state)
            last = state


def parts_events(
    work_unit: WorkUnitId,
    good: Batch,
    scrap: Batch | None = None,
    *,
    rollover: float | None = None,
    product: str = "",
) -> Iterator[PartsCounted]:
    """Yield what counters of good and scrapped parts counted, from reading to reading.

    A counter that fell rolled over at `rollover`, or began anew and then counted at least what
    it shows. Its first reading counts nothing: nobody knows from where it came.
    """
    for name, batch in (("good", good), ("scrap", scrap)):
        if batch is None:
            continue
        ordered = batch.by_time()
        ordered = ordered.where(is_good(ordered.quality) & np.isfinite(ordered.values))
        limit = np.full(max(len(ordered) - 1, 0), np.nan if rollover is None else rollover)
        counted, _ = steps(ordered.values[:-1], ordered.values[1:], limit)
        for at, count in zip(ordered.times[1:].tolist(), counted.tolist(), strict=True):
            if count >= 1:
                yield PartsCounted(
                    id=f"{name}@{at}",
                    work_unit=work_unit,
                    at=Instant(at),
                    good=round(count) if name == "good" else 0,
                    scrap=round(count) if name == "scrap" else 0,
                    product=product,
                )
