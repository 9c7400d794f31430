"""What people who are away leave behind: crews with fewer hands, and times without anybody."""

from collections.abc import Iterable, Iterator, Mapping

from fabloop.base.instant import DAY, Instant
from fabloop.model.calendar import CALENDAR_DAYS_MAX, open_spans
from fabloop.model.ids import PersonId, SkillId, WorkUnitId
from fabloop.model.site import Person, Site
from fabloop.model.skill import SkillVocabulary
from fabloop.plan.names import crew_name
from fabloop.plan.statement.crews import members_of
from fabloop.services.matching import persons_with

Span = tuple[Instant, Instant]
Away = Mapping[PersonId, tuple[Span, ...]]


def bookings(site: Site, away: Away) -> dict[WorkUnitId, tuple[Span, ...]]:
    """Return when persons who are away are missed, as engagements of their crews."""
    found: dict[WorkUnitId, tuple[Span, ...]] = {}
    for members in members_of(site).values():
        name = crew_name([each.id for each in members])
        spans = [
            piece
            for person in members
            for span in away.get(person.id, ())
            for piece in _on_shift(site, person, span)
        ]
        if spans:
            found[name] = tuple(sorted(spans))
    return found


def deserted(
    site: Site, skill: SkillId, vocabulary: SkillVocabulary, away: Away
) -> tuple[Span, ...]:
    """Return the times at which nobody with the skill is there, but somebody would be on shift.

    Who works by no shift that the site knows is there at all times.
    """
    able = persons_with(site, skill, vocabulary)
    found: list[Span] = []
    for person in able:
        for span in away.get(person.id, ()):
            left = _on_shift(site, person, span)
            for other in able:
                if other.id != person.id:
                    left = _without(left, _present(site, other, span, away))
            found += left
    return tuple(sorted(found))


def _on_shift(site: Site, person: Person, span: Span) -> list[Span]:
    """Return the part of a span in which the person works."""
    since, until = span
    until = min(until, Instant(since + (CALENDAR_DAYS_MAX - 1) * DAY))
    calendar = site.working_time(person)
    if not calendar.shifts:
        return [(since, until)]
    return list(open_spans(calendar, site.time_zone, since, until))


def _present(site: Site, person: Person, span: Span, away: Away) -> list[Span]:
    """Return the part of a span in which the person works and is not away."""
    return _without(_on_shift(site, person, span), away.get(person.id, ()))


def _without(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """Return the spans less others."""
    left = list(spans)
    for since, until in taken:
        left = [piece for span in left for piece in _cut(span, since, until)]
    return left


def _cut(span: Span, since: Instant, until: Instant) -> Iterator[Span]:
    start, end = span
    if start < min(end, since):
        yield start, min(end, since)
    if max(start, until) < end:
        yield max(start, until), end
