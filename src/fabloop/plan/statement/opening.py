"""When work units are closed, by their calendars: what planning may not touch."""

from collections.abc import Collection, Iterable

import msgspec
import numpy as np

from fabloop.base.instant import DAY, SECOND, Instant
from fabloop.base.zones import local_day
from fabloop.model.calendar import Spans, WorkCalendar, open_spans
from fabloop.model.ids import WorkUnitId
from fabloop.model.site import Network
from fabloop.plan.statement.layout import Floats

CALENDAR_AHEAD = 200 * DAY
"""How far calendars are read at first."""

CALENDAR_AHEAD_MAX = 3_650 * DAY
"""How far they are read where a plan would go beyond; what is later still is not decided."""

AFTER_ALL = 36_500 * DAY
"""How long what lies beyond the calendars that were read counts as closed."""

ROUNDING = 2 * SECOND
"""By how much spans may shrink when they are counted in whole seconds of a plan."""


class Opening(msgspec.Struct, frozen=True):
    """When work units are closed from an instant on, and how long each is open at most."""

    closed: dict[WorkUnitId, Spans]
    longest: dict[WorkUnitId, int]

    def longest_of(self, units: Iterable[WorkUnitId]) -> Floats:
        """Return how many nanoseconds each is open at a stretch; endless without a calendar."""
        return np.array([self.longest.get(each, np.inf) for each in units], dtype=np.float64)


def opening_of(network: Network, since: Instant, until: Instant) -> Opening:
    """Return when the work units of a network are closed, for all time after `until`."""
    closed: dict[WorkUnitId, Spans] = {}
    longest: dict[WorkUnitId, int] = {}
    known: dict[tuple[int, str], Spans] = {}
    for site in network.sites.values():
        for unit in site.work_units:
            if unit.calendar is None:
                continue
            key = id(unit.calendar), site.time_zone
            if key not in known:
                known[key] = _closed(unit.calendar, site.time_zone, since, until)
            closed[unit.id] = known[key]
            longest[unit.id] = _longest(known[key], since)
    return Opening(closed, longest)


def longest_open(calendar: WorkCalendar, time_zone: str, since: Instant) -> int:
    """Return how many nanoseconds a calendar is open at a stretch, as far as it is read."""
    last = Instant(since + CALENDAR_AHEAD)
    return _longest(_closed(calendar, time_zone, since, last), since)


def ahead_of(network: Network, now: Instant) -> int:
    """Return how far calendars have to be read to know how long everybody is open at a stretch."""
    later = opens_after(network.work_units(), network, Instant(now + CALENDAR_AHEAD))
    return CALENDAR_AHEAD_MAX if later else CALENDAR_AHEAD


def opens_after(units: Collection[WorkUnitId], network: Network, instant: Instant) -> bool:
    """Tell whether a date after an instant opens for work units, or for persons beside them.

    Shifts repeat by weekday: what has been read of them is what there is.
    """
    for site in network.sites.values():
        here = [each for each in site.work_units if each.id in units]
        calendars = [each.calendar for each in here if each.calendar is not None]
        calendars += [site.calendar] if here and site.calendar is not None else []
        last = local_day(instant, site.time_zone).isoformat()
        if any(each.spans and each.date > last for it in calendars for each in it.exceptions):
            return True
    return False


def _closed(calendar: WorkCalendar, time_zone: str, since: Instant, last: Instant) -> Spans:
    spans = open_spans(calendar, time_zone, since, last)
    ends = [since, *(instant for span in spans for instant in span), Instant(last + AFTER_ALL)]
    pairs = zip(ends[::2], ends[1::2], strict=True)
    return tuple((start, end) for start, end in pairs if start < end)


def _longest(closed: Spans, since: Instant) -> int:
    ends = [since, *(end for _, end in closed)]
    starts = [start for start, _ in closed]
    gaps = [start - end for end, start in zip(ends, starts, strict=False)]
    whole = all(each % SECOND == since % SECOND for span in closed for each in span)
    return max(gaps, default=0) - (0 if whole else ROUNDING)


def joined(*several: Iterable[tuple[Instant, Instant]]) -> Spans:
    """Return spans of several kinds as one list, sorted and disjoint."""
    found: list[tuple[Instant, Instant]] = []
    for start, end in sorted(each for spans in several for each in spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return tuple(found)
