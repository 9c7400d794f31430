"""All work units: each event once, figures at any instant, and shifts closed and restated."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from fabloop.base.errors import Fault, Invalid, NotFound
from fabloop.base.instant import DAY, MINUTE, Instant
from fabloop.base.names import did_you_mean
from fabloop.model.calendar import WorkCalendar
from fabloop.model.ids import WorkUnitId
from fabloop.sense.oee.activity import OWN, StateMapping
from fabloop.sense.oee.events import Event, PartsCounted, PlannedDowntime, ReasonBooked
from fabloop.sense.oee.periods import Break, Period, Periods
from fabloop.sense.oee.timeline import Timeline
from fabloop.sense.oee.totals import Totals

SPAN_DAYS_MAX = 366
"""Longest downtime or reason that is booked at once."""
PARTS_MAX = 10_000_000
"""Parts that one event may count."""
EARLY_MAX = 5 * MINUTE
"""How far before its time an event may be told: clocks differ, but nobody knows the future."""


class UnitSetting(msgspec.Struct, frozen=True, kw_only=True):
    """What the figures of a unit need besides its events.

    Attributes
    ----------
    rates : planned run time per item (PRI) by product, ns; under "" that of all others
    """

    work_unit: WorkUnitId
    time_zone: str
    calendar: WorkCalendar = WorkCalendar()
    breaks: tuple[Break, ...] = ()
    mapping: StateMapping = OWN
    rates: Mapping[str, int] = {}


class ShiftFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Sums of a shift as they were told; a later version restates an earlier one.

    Attributes
    ----------
    version : 1 when the shift was closed first
    mapping : name and version of the table of states
    """

    work_unit: WorkUnitId
    period: Period
    version: int
    totals: Totals
    mapping: str


class Taken(msgspec.Struct, frozen=True):
    """What became of events.

    Attributes
    ----------
    taken : counted
    repeated : known already, the same in every field
    refused : not counted, each with its reason
    earliest : by unit, from when on figures changed
    """

    taken: int = 0
    repeated: int = 0
    refused: tuple[tuple[Event, str], ...] = ()
    earliest: Mapping[WorkUnitId, Instant] = {}


class Oee:
    """The event-sourced engine of OEE and the KPIs of ISO 22400-2.

    Which figures an event changes does not depend on when it comes; see `Timeline`.

    Raises
    ------
    Invalid
        A unit stands twice among the settings, or a planned run time is not greater than 0.
    """

    def __init__(self, settings: Iterable[UnitSetting]) -> None:
        self._settings: dict[WorkUnitId, UnitSetting] = {}
        faults = []
        for number, each in enumerate(settings):
            if each.work_unit in self._settings:
                faults.append(
                    Fault(
                        source="oee",
                        path=f"$.units[{number}].work_unit",
                        expected="a unit once",
                        found=f"'{each.work_unit}' again",
                    )
                )
            faults += [
                Fault(
                    source="oee",
                    path=f"$.units[{number}].rates.{product}",
                    expected="a run time per item greater than 0",
                    found=f"{rate} ns",
                )
                for product, rate in each.rates.items()
                if rate <= 0
            ]
            self._settings[each.work_unit] = each
        if faults:
            raise Invalid(tuple(faults))
        self._periods: dict[tuple[WorkCalendar, str, tuple[Break, ...]], Periods] = {}
        self._timelines = {unit: self._timeline(each) for unit, each in self._settings.items()}
        self._seen: dict[WorkUnitId, dict[str, Event]] = {unit: {} for unit in self._settings}
        self._kept_from: dict[WorkUnitId, Instant] = {}
        self._stale: dict[tuple[WorkUnitId, Period], None] = {}
        self._told: dict[tuple[WorkUnitId, Period], ShiftFigures] = {}

    def _timeline(self, setting: UnitSetting) -> Timeline:
        key = (setting.calendar, setting.time_zone, setting.breaks)
        if key not in self._periods:
            self._periods[key] = Periods(*key)
        return Timeline(self._periods[key], setting.mapping)

    @property
    def units(self) -> tuple[WorkUnitId, ...]:
        """The units that are watched."""
        return tuple(self._settings)

    def timeline(self, work_unit: WorkUnitId) -> Timeline:
        """Return the timeline of a unit; NotFound where it is not watched."""
        found = self._timelines.get(work_unit)
        if found is None:
            raise NotFound(
                f"Expected a work unit that is watched, but found '{work_unit}'. "
                + did_you_mean(work_unit, self._timelines)
            )
        return found

    def setting(self, work_unit: WorkUnitId) -> UnitSetting:
        """Return the setting of a unit; NotFound where it is not watched."""
        self.timeline(work_unit)
        return self._settings[work_unit]

    def take(self, events: Iterable[Event], now: Instant) -> Taken:
        """Count events, in any order; what cannot be counted is told, never dropped silently."""
        taken = repeated = 0
        refused: list[tuple[Event, str]] = []
        earliest: dict[WorkUnitId, Instant] = {}
        for event in events:
            seen = self._seen.get(event.work_unit)
            known = None if seen is None else seen.get(event.id)
            if known is not None and known == event:
                repeated += 1
                continue
            wrong = self._wrong(event, known, now)
            if wrong or seen is None:
                refused.append((event, wrong))
                continue
            seen[event.id] = event
            timeline = self._timelines[event.work_unit]
            start, end = timeline.take(event)
            self._note(event.work_unit, timeline, start, end)
            taken += 1
            earliest[event.work_unit] = min(event.at, earliest.get(event.work_unit, event.at))
        return Taken(taken, repeated, tuple(refused), earliest)

    def _note(self, unit: WorkUnitId, timeline: Timeline, start: Instant, end: Instant) -> None:
        """Remember which shifts changed, so that closed ones are told again."""
        for period in timeline.periods.between(start, Instant(max(end, start + 1))):
            self._stale[unit, period] = None

    def _wrong(self, event: Event, known: Event | None, now: Instant) -> str:
        """Return why an event cannot be counted; empty: it can."""
        unit = event.work_unit
        if unit not in self._settings:
            return f"'{unit}' is not watched. {did_you_mean(unit, self._settings)}"
        if known is not None:
            return f"id '{event.id}' was told before with other content. Give it another id"
        if event.at < self._kept_from.get(unit, event.at):
            return "older than what is kept of this unit"
        match event:
            case ReasonBooked() | PlannedDowntime():
                if not event.at < event.end <= event.at + SPAN_DAYS_MAX * DAY:
                    return f"a span has to end after it begins, within {SPAN_DAYS_MAX} days"
                if isinstance(event, PlannedDowntime):
                    return ""  # planned ahead as a rule
            case PartsCounted():
                counts = (event.good, event.scrap, event.rework)
                if min(counts) < 0 or max(counts) > PARTS_MAX:
                    return f"counts have to be 0 to {PARTS_MAX}; a counter that starts anew is none"
            case _:
                pass
        if event.at > now + EARLY_MAX:
            return f"{(event.at - now) / MINUTE:.0f} min in the future. Set the clock of its source"
        return ""

    def totals(self, work_unit: WorkUnitId, start: Instant, end: Instant) -> Totals:
        """Return the sums of a unit over any span."""
        return self.timeline(work_unit).totals(start, end, self._settings[work_unit].rates)

    def shift(self, work_unit: WorkUnitId, as_of: Instant) -> tuple[Period, Totals]:
        """Return the shift in which an instant lies, and its sums up to then."""
        timeline = self.timeline(work_unit)
        period = timeline.periods.at(as_of)
        return period, timeline.shift_totals(period, as_of, self._settings[work_unit].rates)

    def closed(self, now: Instant, *, wait_ns: int = 0) -> Iterator[ShiftFigures]:
        """Yield figures of shifts that ended `wait_ns` ago or earlier and are new or restated.

        Each is told once for each version; the differences to the last one are in the totals.
        """
        due = [key for key in self._stale if key[1].end <= now - wait_ns]
        for unit, period in sorted(due, key=lambda key: (key[1].end, key[0])):
            del self._stale[unit, period]
            setting = self._settings[unit]
            totals = self._timelines[unit].shift_totals(period, period.end, setting.rates)
            last = self._told.get((unit, period))
            if last is not None and last.totals == totals:
                continue
            figures = ShiftFigures(
                work_unit=unit,
                period=period,
                version=last.version + 1 if last else 1,
                totals=totals,
                mapping=f"{setting.mapping.id}/{setting.mapping.version}",
            )
            self._told[unit, period] = figures
            yield figures

    def forget_before(self, instant: Instant) -> None:
        """Drop events before an instant; later ones of that time are refused by name."""
        for unit, timeline in self._timelines.items():
            timeline.forget_before(instant)
            self._kept_from[unit] = instant
            seen = self._seen[unit]
            self._seen[unit] = {key: each for key, each in seen.items() if each.at >= instant}
        self._told = {key: each for key, each in self._told.items() if key[1].end > instant}
        self._stale = {key: None for key in self._stale if key[1].end > instant}
