"""Effectiveness while readings come in: states and counters of units become events as they come."""

from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from fabloop.base.instant import Instant
from fabloop.model.ids import WorkUnitId
from fabloop.sense.oee.activity import MACHINERY, OWN, PACKML, StateMapping
from fabloop.sense.oee.engine import Oee, Taken
from fabloop.sense.oee.events import Event, PartsCounted, StateTold
from fabloop.sense.oee.from_readings import SILENT
from fabloop.sense.readings.batch import Batch, SeriesNumbers, Times, Values
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
COUNTED: Final = ("good", "scrap")
NOWHERE: Final = -1
"""The place of a series that is not watched."""
NEVER: Final = np.iinfo(np.int64).min
SILENCE: Final = -1.0
"""The number of no state: what a series shows whose reading is bad."""


class _Part(msgspec.Struct, frozen=True):
    """What a series is to the figures."""

    number: int
    unit: WorkUnitId
    role: str


class LiveOee:
    """Turns readings into events of an engine.

    A state that comes late holds from its time to the next change that is known; of a counter
    readings that come late count nothing, since the newer ones have counted it. Machines tell the
    same state and the same count again and again: what is no news is passed over by columns.

    Attributes
    ----------
    resets : how often a counter fell without rolling over, and began anew
    trouble : the last reset, as a sentence; empty: none
    """

    def __init__(self, engine: Oee, catalogue: Catalogue) -> None:
        self.engine = engine
        self._catalogue = catalogue
        self._looked_at = 0
        self._parts: list[_Part] = []
        self._place = np.full(1, NOWHERE, np.int32)
        self._counts = np.zeros(0, np.bool_)
        self._shared = np.zeros(0, np.bool_)
        self._limit = np.zeros(0)
        self._last = np.zeros(0)
        self._last_at: Times = np.zeros(0, np.int64)
        self._states: dict[WorkUnitId, str] = {}
        self._modes: dict[WorkUnitId, str] = {}
        self._told_so_far = 0
        self.resets = 0
        self.trouble = ""

    def hear(self, batch: Batch, now: Instant) -> Taken:
        """Take readings; those of other series are passed over."""
        self._look()
        places = np.take(self._place, batch.series, mode="clip")
        chosen = np.flatnonzero(places != NOWHERE)
        if not len(chosen):
            return Taken()
        told = _Told(
            places[chosen], batch.times[chosen], batch.values[chosen],
            is_good(batch.quality[chosen]) & np.isfinite(batch.values[chosen]),
        )  # fmt: skip
        return self.engine.take(self._events(self._news(told)), now)

    def begin_anew(self, number: int) -> None:
        """Forget what a series showed: the next reading of a counter counts nothing."""
        self._look()
        place = int(np.take(self._place, number, mode="clip"))
        if place != NOWHERE:
            self._last[place], self._last_at[place] = np.nan, NEVER

    def _look(self) -> None:
        """Find the series of watched units among those that are new in the catalogue."""
        if self._looked_at == len(self._catalogue):
            return
        units = set(self.engine.units)
        found = [
            _Part(number, series.work_unit, role)
            for number in range(self._looked_at, len(self._catalogue))
            if (series := self._catalogue[number]).work_unit in units
            and (role := self._role(series))
        ]
        self._enter(found)
        self._looked_at = len(self._catalogue)

    def _enter(self, found: list[_Part]) -> None:
        """Make room for series; the last place stands for numbers beyond the end."""
        place = np.full(len(self._catalogue) + 1, NOWHERE, np.int32)
        place[: self._looked_at] = self._place[: self._looked_at]
        first = len(self._parts)
        place[[each.number for each in found]] = np.arange(first, first + len(found))
        self._place = place
        self._parts += found
        limits = [self._catalogue[each.number].rollover for each in found]
        counts = [each.role in COUNTED for each in found]
        self._counts = np.append(self._counts, np.array(counts, np.bool_))
        self._limit = np.append(self._limit, [np.nan if each is None else each for each in limits])
        self._last = np.append(self._last, np.full(len(found), np.nan))
        self._last_at = np.append(self._last_at, np.full(len(found), NEVER, np.int64))
        tellers = Counter((each.unit, each.role) for each in self._parts)
        several = [tellers[each.unit, each.role] > 1 for each in self._parts]
        self._shared = np.array(several, np.bool_) & ~self._counts

    def _role(self, series: Series) -> str:
        table = self.engine.setting(series.work_unit).mapping.id
        if series.name == STATE_NAMES.get(table, "state"):
            return "state"
        if series.name == MODE_NAME and table in STATE_NAMES and table != "packml":
            return "mode"
        return {GOOD_NAME: "good", SCRAP_NAME: "scrap"}.get(series.name, "")

    def _news(self, told: "_Told") -> "_News":
        """Return what differs from what each series showed before, by time."""
        arrived = np.arange(len(told.places))
        order = np.lexsort((told.times, told.places))  # what came first stays first
        counts = self._counts[told.places]
        kept = ~counts | (told.good & (told.times > self._last_at[told.places]))
        order = order[kept[order]]
        places, times = told.places[order], told.times[order]
        same = np.append(False, places[1:] == places[:-1])  # the first has no before
        again = np.append(False, times[1:] == times[:-1]) & same & counts[order]
        order, places, times = order[~again], places[~again], times[~again]
        values = np.where(counts | told.good, told.values, SILENCE)[order]
        first = np.append(True, places[1:] != places[:-1])[: len(places)]
        before = np.where(first, self._last[places], np.append(np.nan, values[:-1])[: len(values)])
        ends = np.append(first[1:], True)[: len(places)]
        self._last[places[ends]], self._last_at[places[ends]] = values[ends], times[ends]
        news = np.flatnonzero((values != before) | self._shared[places])
        news = news[np.lexsort((arrived[order[news]], times[news]))]
        return _News(places[news], times[news], before[news], values[news])

    def _events(self, news: "_News") -> Iterator[Event]:
        step, reset = steps(news.before, news.values, self._limit[news.places])
        for place, at, before, value, count, fell in zip(
            news.places.tolist(), news.times.tolist(), news.before.tolist(),
            news.values.tolist(), step.tolist(), reset.tolist(), strict=True,
        ):  # fmt: skip
            part = self._parts[place]
            if part.role not in COUNTED:
                yield from self._state(part, Instant(at), value)
                continue
            if fell:
                self.resets += 1
                self.trouble = _reset(self._catalogue[part.number], before, value)
            if count == count and round(count):
                yield PartsCounted(
                    id=f"{part.role}@{at}",
                    work_unit=part.unit,
                    at=Instant(at),
                    good=round(count) if part.role == "good" else 0,
                    scrap=round(count) if part.role == "scrap" else 0,
                )

    def _state(self, part: _Part, at: Instant, value: float) -> Iterator[StateTold]:
        text = _text(self._catalogue[part.number], value)
        held = self._states if part.role == "state" else self._modes
        if held.get(part.unit) == text:
            return
        held[part.unit] = text
        self._told_so_far += 1
        # Of two states of one instant the one that came last holds: its id is the greater one.
        yield StateTold(
            id=f"{part.role}@{at}.{self._told_so_far:012}",
            work_unit=part.unit,
            at=at,
            state=self._states.get(part.unit, SILENT),
            mode=self._modes.get(part.unit, ""),
        )


class _Told(NamedTuple):
    """Readings of watched units as they came, by columns."""

    places: SeriesNumbers
    times: Times
    values: Values
    good: NDArray[np.bool_]


class _News(NamedTuple):
    """Readings that differ from the one before; NaN before the first one of a series."""

    places: SeriesNumbers
    times: Times
    before: Values
    values: Values


def _reset(series: Series, before: float, after: float) -> str:
    return (
        f"Expected the counter {series.work_unit}/{series.name} to go on, but found that it fell "
        f"from {before:g} to {after:g}: it counted at least that much since. If it rolls over, "
        "give its 'rollover'."
    )


def _text(series: Series, value: float) -> str:
    inside = 0 <= value < len(series.states) and value == int(value)
    return series.states[int(value)] if inside else SILENT
