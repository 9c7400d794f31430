"""The independent check of persons, from the nouns alone, to the nanosecond."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.calendar import Spans, open_spans
from fabloop.model.explanation import Explanation, ReasonCode
from fabloop.model.ids import PersonId, WorkUnitId
from fabloop.model.plan import Plan, PlannedStep
from fabloop.model.product import Operation
from fabloop.model.site import Network, Person, Site
from fabloop.model.skill import SkillVocabulary
from fabloop.plan.names import crew_name
from fabloop.services.matching import offers_skill

Busy = Mapping[WorkUnitId, tuple[tuple[Instant, Instant], ...]]


def _wrong(code: ReasonCode, subject: str, **details: object) -> Explanation:
    texts = {key: str(value) for key, value in details.items()}
    return Explanation(code=code, subject=subject, details=texts)


def crew_faults(
    step: PlannedStep, operation: Operation, site: Site, vocabulary: SkillVocabulary
) -> Iterator[Explanation]:
    """A step that needs a person has a whole crew: all of the site who have the same skills."""
    skill = operation.person_skill
    if skill is None:
        right = not step.persons
    else:
        members = [each for each in site.persons if each.id in set(step.persons)]
        kinds = {frozenset(each.skills) for each in members}
        alike = [each.id for each in site.persons if frozenset(each.skills) in kinds]
        known = any(offers_skill(each, skill, vocabulary) for kind in kinds for each in kind)
        right = len(kinds) == 1 and known and sorted(alike) == list(step.persons)
    if not right:
        yield _wrong(ReasonCode.PERSON_MISSING, operation.id, site=site.id, skill=skill)


def presence_faults(plan: Plan, network: Network, busy: Busy) -> Iterator[Explanation]:
    """At no instant a crew carries out more than persons of it are there."""
    crews: dict[tuple[PersonId, ...], list[PlannedStep]] = defaultdict(list)
    for step in plan.steps:
        if step.persons and step.end > step.start:
            crews[step.persons].append(step)
    for persons, steps in crews.items():
        open_steps = [each for each in steps if not each.frozen]
        if open_steps:
            site = network.sites[open_steps[0].site]
            others = busy.get(crew_name(persons), ())
            yield from _sweep(persons, steps, others, site)


class _Event(msgspec.Struct, frozen=True, order=True):
    """At an instant: how many more are at work, how many more are there, which step begins."""

    at: Instant
    works: int = 0
    there: int = 0
    step: str = ""
    is_open: bool = False


def _sweep(
    persons: Sequence[PersonId],
    steps: Sequence[PlannedStep],
    others: Iterable[tuple[Instant, Instant]],
    site: Site,
) -> Iterator[Explanation]:
    first = min(each.start for each in steps if not each.frozen)
    last = max(each.end for each in steps if not each.frozen)
    events = []
    for each in steps:
        events.append(_Event(each.start, 1, step=each.operation, is_open=not each.frozen))
        events.append(_Event(each.end, -1, step=each.operation, is_open=not each.frozen))
    for start, end in others:
        events += [_Event(start, 1), _Event(end, -1)]
    for person in site.persons:
        if person.id in persons:
            for start, end in _present(person, site, first, last):
                events += [_Event(start, there=1), _Event(end, there=-1)]
    works = there = 0
    running: set[str] = set()
    events.sort()
    for number, event in enumerate(events):
        works, there = works + event.works, there + event.there
        if event.is_open:
            (running.add if event.works > 0 else running.discard)(event.step)
        following = events[number + 1].at if number + 1 < len(events) else None
        if following != event.at and running and works > there:
            code = ReasonCode.PERSON_OVERLAP if there else ReasonCode.PERSON_OFF_SHIFT
            yield _wrong(code, ", ".join(persons), operation=min(running))


def _present(person: Person, site: Site, first: Instant, last: Instant) -> Spans:
    if all(each.id != person.shift for each in site.shifts):
        return ((first, last),)
    return open_spans(site.working_time(person), site.time_zone, first, last)
