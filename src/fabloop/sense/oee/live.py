"""Effectiveness while readings come in: states and counters of units become events as they come."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from fabloop.base.instant import Instant
from fabloop.model.ids import WorkUnitId
from fabloop.sense.oee.activity import MACHINERY, OWN, PACKML, StateMapping
from fabloop.sense.oee.engine import Oee, Taken
from fabloop.sense.oee.events import Event, PartsCounted, StateTold
from fabloop.sense.oee.from_readings import SILENT
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.described import SeriesRule
from fabloop.sense.readings.quality import is_good
from fabloop.sense.readings.series import Catalogue, Kind, Series
from fabloop.sense.readings.summary import steps


def _plain(table: StateMapping) -> list[str]:
    """Return the states of a table, without those that a mode narrows."""
    return [word for word in table.rules if "/" not in word]


def _modes(table: StateMapping) -> list[str]:
    return sorted({word.partition("/")[2] for word in table.rules if "/" in word} | {"None"})


STATE_NAMES: Final = {
    "packml": "packml.state",
    "opc-40001-1": "machinery.state",
    "opc-40501": "machinery.state",
}
"""Series that tells the state, by table; of other tables it is called ``state``."""
SERIES_RULES: Final = (
    SeriesRule(series="*/state", kind=Kind.STATE, states=tuple(OWN.rules)),
    SeriesRule(series="*/packml.state", kind=Kind.STATE, states=tuple(_plain(PACKML))),
    SeriesRule(series="*/machinery.state", kind=Kind.STATE, states=tuple(_plain(MACHINERY))),
    SeriesRule(series="*/machinery.mode", kind=Kind.STATE, states=tuple(_modes(MACHINERY))),
    SeriesRule(series="*/parts.good", kind=Kind.COUNTER),
    SeriesRule(series="*/parts.scrap", kind=Kind.COUNTER),
)
"""What is known of series by their names, for senders that describe nothing; states as texts."""
MODE_NAME: Final = "machinery.mode"
GOOD_NAME: Final = "parts.good"
SCRAP_NAME: Final = "parts.scrap"


class LiveOee:
    """Turns readings into events of an engine.

    A state that comes late holds from its time to the next change that is known; of a counter
    readings that come late count nothing, since the newer ones have counted it.

    Attributes
    ----------
    resets : how often a counter fell without rolling over, and began anew
    trouble : the last reset, as a sentence; empty: none
    """

    def __init__(self, engine: Oee, catalogue: Catalogue) -> None:
        self.engine = engine
        self._catalogue = catalogue
        self._looked_at = 0
        self._roles: dict[int, tuple[WorkUnitId, str]] = {}
        self._numbers = np.empty(0, dtype=np.int32)
        self._states: dict[WorkUnitId, str] = {}
        self._modes: dict[WorkUnitId, str] = {}
        self._counters: dict[int, tuple[int, float]] = {}
        self._told_so_far = 0
        self.resets = 0
        self.trouble = ""

    def hear(self, batch: Batch, now: Instant) -> Taken:
        """Take readings; those of other series are passed over."""
        self._look()
        chosen = batch.where(np.isin(batch.series, self._numbers))
        if not len(chosen):
            return Taken()
        ordered = chosen.by_time()
        good = is_good(ordered.quality) & np.isfinite(ordered.values)
        events: list[Event] = []
        for at, number, value, sure in zip(
            ordered.times.tolist(),
            ordered.series.tolist(),
            ordered.values.tolist(),
            good.tolist(),
            strict=True,
        ):
            events += self._told(number, Instant(at), value, sure=sure)
        return self.engine.take(events, now)

    def begin_anew(self, number: int) -> None:
        """Forget what a counter showed: its next reading counts nothing."""
        self._counters.pop(number, None)

    def _look(self) -> None:
        """Find the series of watched units among those that are new in the catalogue."""
        if self._looked_at == len(self._catalogue):
            return
        units = set(self.engine.units)
        for number in range(self._looked_at, len(self._catalogue)):
            series = self._catalogue[number]
            if series.work_unit in units and (role := self._role(series)):
                self._roles[number] = series.work_unit, role
        self._looked_at = len(self._catalogue)
        self._numbers = np.array(sorted(self._roles), dtype=np.int32)

    def _role(self, series: Series) -> str:
        table = self.engine.setting(series.work_unit).mapping.id
        if series.name == STATE_NAMES.get(table, "state"):
            return "state"
        if series.name == MODE_NAME and table in STATE_NAMES and table != "packml":
            return "mode"
        return {GOOD_NAME: "good", SCRAP_NAME: "scrap"}.get(series.name, "")

    def _told(self, number: int, at: Instant, value: float, *, sure: bool) -> Iterator[Event]:
        unit, role = self._roles[number]
        if role in ("good", "scrap"):
            yield from self._counted(number, unit, role, at, value, sure=sure)
            return
        text = _text(self._catalogue[number], value) if sure else SILENT
        held = self._states if role == "state" else self._modes
        if held.get(unit) == text:
            return
        held[unit] = text
        self._told_so_far += 1
        # Of two states of one instant the one that came last holds: its id is the greater one.
        yield StateTold(
            id=f"{role}@{at}.{self._told_so_far:012}",
            work_unit=unit,
            at=at,
            state=self._states.get(unit, SILENT),
            mode=self._modes.get(unit, ""),
        )

    def _counted(
        self, number: int, unit: WorkUnitId, role: str, at: Instant, value: float, *, sure: bool
    ) -> Iterator[PartsCounted]:
        last = self._counters.get(number)
        if not sure or (last is not None and at <= last[0]):
            return
        self._counters[number] = at, value
        if last is None:
            return
        rollover = self._catalogue[number].rollover
        step, reset = steps(
            np.array([last[1]]),
            np.array([value]),
            np.array([np.nan if rollover is None else rollover]),
        )
        if bool(reset[0]):
            self.resets += 1
            self.trouble = _reset(self._catalogue[number], last[1], value)
        count = round(float(step[0]))
        if count:
            yield PartsCounted(
                id=f"{role}@{at}",
                work_unit=unit,
                at=at,
                good=count if role == "good" else 0,
                scrap=count if role == "scrap" else 0,
            )


def _reset(series: Series, before: float, after: float) -> str:
    return (
        f"Expected the counter {series.work_unit}/{series.name} to go on, but found that it fell "
        f"from {before:g} to {after:g}: it counted at least that much since. If it rolls over, "
        "give its 'rollover'."
    )


def _text(series: Series, value: float) -> str:
    inside = 0 <= value < len(series.states) and value == int(value)
    return series.states[int(value)] if inside else SILENT
