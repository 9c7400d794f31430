"""Who is there to carry steps out: crews, and how many of each are on shift when."""

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import msgspec

from fabloop.base.instant import DAY, Instant
from fabloop.model.calendar import Spans, WorkCalendar, open_spans
from fabloop.model.ids import PersonId, SkillId
from fabloop.model.site import Person, Site
from fabloop.model.skill import SkillVocabulary
from fabloop.plan.names import crew_name
from fabloop.plan.statement.roads import TICK
from fabloop.services.matching import offers_skill

NEVER = 2**60
"""A tick after all that is planned."""

SHIFTS_MAX = 256
"""Shifts whose spans are kept from one question to the next: on the same day they are the same."""

Changes = tuple[tuple[int, int], ...]
"""Ticks, ascending from 0 on, with how many are there from each on."""


class Crew(msgspec.Struct, frozen=True):
    """Persons of a site who have the same skills; they take turns at the change of shifts.

    `there` tells how many of them are on shift: somebody counts for whole ticks only.
    """

    persons: tuple[PersonId, ...]
    skills: tuple[SkillId, ...]
    there: Changes

    @property
    def name(self) -> str:
        """What the crew is called among the resources of a plan."""
        return crew_name(self.persons)

    def absent(self) -> list[tuple[int, int]]:
        """Return the spans of ticks in which nobody of them is there."""
        ends = [tick for tick, _ in self.there[1:]] + [NEVER]
        return [
            (tick, end)
            for (tick, count), end in zip(self.there, ends, strict=True)
            if not count and tick < end
        ]

    def longest(self) -> int:
        """Return for how many ticks at a stretch somebody is there at most."""
        edges = [0, *(tick for span in self.absent() for tick in span), NEVER]
        return max(end - start for start, end in zip(edges[::2], edges[1::2], strict=True))


def members_of(site: Site) -> dict[tuple[SkillId, ...], list[Person]]:
    """Return the persons of a site by their skills."""
    found: dict[tuple[SkillId, ...], list[Person]] = {}
    for each in sorted(site.persons, key=lambda it: it.id):
        found.setdefault(tuple(sorted(set(each.skills))), []).append(each)
    return found


def crews_of(site: Site, origin: Instant, until: Instant) -> tuple[Crew, ...]:
    """Return the crews of a site, with who is there from `origin` on; afterwards nobody is.

    Somebody whose shift the site does not know is always there.
    """
    known = {each.id for each in site.shifts}
    spans: dict[str, Spans] = {}
    crews = []
    for skills, persons in members_of(site).items():
        present: list[Spans] = []
        for each in persons:
            if each.shift not in known:
                present.append(((origin, Instant(origin + NEVER * TICK)),))
                continue
            if each.shift not in spans:
                spans[each.shift] = _open(site.working_time(each), site.time_zone, origin, until)
            present.append(spans[each.shift])
        ids = tuple(each.id for each in persons)
        crews.append(Crew(ids, skills, _counted(present, origin)))
    return tuple(crews)


def _open(calendar: WorkCalendar, time_zone: str, origin: Instant, until: Instant) -> Spans:
    """Return when work is possible between the instants."""
    first, last = Instant(origin - origin % DAY), Instant(until - until % DAY)
    spans = _days(calendar, time_zone, first, last)
    return tuple((max(start, origin), end) for start, end in spans if end > origin)


@lru_cache(maxsize=SHIFTS_MAX)
def _days(calendar: WorkCalendar, time_zone: str, first: Instant, last: Instant) -> Spans:
    return open_spans(calendar, time_zone, first, last)


def _counted(present: Sequence[Spans], origin: Instant) -> Changes:
    """Return how many are there, a tick counting for those who are there all through it."""
    steps: dict[int, int] = {origin: 0}
    for spans in present:
        for start, end in spans:
            steps[max(start, origin)] = steps.get(max(start, origin), 0) + 1
            steps[end] = steps.get(end, 0) - 1
    counts: list[tuple[int, int]] = []
    count = 0
    for instant in sorted(steps):
        count += steps[instant]
        if not counts or steps[instant]:
            counts.append((instant, count))
    found: dict[int, int] = {0: counts[0][1]}
    for (_, before), (instant, after) in pairwise(counts):
        ticks, rest = divmod(instant - origin, TICK)
        tick = ticks + (1 if rest and after > before else 0)
        found[tick] = min(after, found.get(tick, after)) if rest else after
    changes: list[tuple[int, int]] = []
    for tick, number in sorted(found.items()):
        if not changes or number != changes[-1][1]:
            changes.append((tick, number))
    return tuple(changes)


def able(crews: Sequence[Crew], skill: SkillId, vocabulary: SkillVocabulary) -> tuple[Crew, ...]:
    """Return the crews whose members have a skill."""
    return tuple(
        crew for crew in crews if any(offers_skill(each, skill, vocabulary) for each in crew.skills)
    )


class Crowd:
    """How many of a crew are free when; what is booked is taken off.

    Bookings of others may exceed who is there: then nobody is free.
    """

    def __init__(self, there: Changes, taken: Sequence[tuple[int, int]] = ()) -> None:
        self._ticks = [tick for tick, _ in there]
        self._free = [count for _, count in there]
        for start, end in taken:
            self._add(start, end, -1)

    def first(self, ready: int, ticks: int) -> int:
        """Return the first start at or after `ready` from which somebody is free so long."""
        if ticks == 0:
            return ready
        at = max(0, bisect_right(self._ticks, ready) - 1)
        start = ready
        while at < len(self._ticks) and self._ticks[at] < start + ticks:
            if self._free[at] <= 0:
                start = self._ticks[at + 1] if at + 1 < len(self._ticks) else NEVER
            at += 1
        return start

    def profile(self) -> list[tuple[int, int]]:
        """Return how many are free from which tick on."""
        return list(zip(self._ticks, self._free, strict=True))

    def book(self, start: int, ticks: int) -> None:
        """Take somebody."""
        self._add(start, start + ticks, -1)

    def free(self, start: int, ticks: int) -> None:
        """Give somebody back."""
        self._add(start, start + ticks, 1)

    def _add(self, start: int, end: int, count: int) -> None:
        start = max(start, 0)
        if end <= start:
            return
        first, last = self._cut(start), self._cut(end)
        for at in range(first, last):
            self._free[at] += count

    def _cut(self, tick: int) -> int:
        """Return the place at which the tick begins a span, made one if it did not."""
        at = bisect_right(self._ticks, tick) - 1
        if self._ticks[at] == tick:
            return at
        self._ticks.insert(at + 1, tick)
        self._free.insert(at + 1, self._free[at])
        return at + 1
