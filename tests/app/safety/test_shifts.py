"""What a person did is read off the jobs of the running shift; what was before counts no more."""

import msgspec
import pytest

from app.safety.test_guarded_story import SHAPING
from fabloop.app.demo import documents_of
from fabloop.app.safety.persons import person_standing
from fabloop.app.scenario import read_scenario
from fabloop.app.shifts import worked_now
from fabloop.app.snapshot import Snapshot
from fabloop.app.states import JobState
from fabloop.base.instant import HOUR, Instant, instant_of
from fabloop.model.duties import Duties, RestRule, Strain
from fabloop.model.explanation import Explanation
from fabloop.model.facts import JobBound, JobOffered
from fabloop.model.ids import OperationId, OrderId, WorkUnitId
from fabloop.model.safety import SafetyRules

NOON = instant_of("2026-11-23T12:00:00+01:00")


@pytest.fixture(scope="module")
def knowledge():
    found = read_scenario(documents_of("wavegear")).knowledge
    rules = SafetyRules(
        controllers={}, permissives=(),
        duties=Duties(rest=RestRule(longest_work_ns=HOUR, rest_ns=HOUR)),
    )  # fmt: skip
    return msgspec.structs.replace(found, safety=rules)


@pytest.fixture(scope="module")
def person(knowledge):
    """Somebody who is on shift at noon, and since when."""
    site = next(each for each in knowledge.network.sites.values() if each.persons)
    for each in site.persons:
        shift = next(one for one in site.shifts if one.id == each.shift)
        if shift.start_ns <= 12 * HOUR < shift.end_ns:
            return each.id, Instant(NOON - 12 * HOUR + shift.start_ns)
    pytest.fail("somebody works at noon")


def job(number, person, start, end=None, lasts_ns=HOUR):
    names = {"order": OrderId("o"), "job": number, "step": "s", "skill": "fit"}
    names |= {"operation": OperationId("op"), "work_unit": WorkUnitId(SHAPING), "lane": None}
    bound = JobBound(
        **names, person=person, main=True, begun_at=Instant(start), duration_ns=lasts_ns,
        because=Explanation(code="assigned", subject=person),
    )  # fmt: skip
    offered = JobOffered(**names, service=1, person_skill=None, main=True, duration_ns=lasts_ns)
    return JobState(offered=offered, bound=bound, ended_at=None if end is None else Instant(end))


def test_only_the_running_shift_counts_and_a_job_over_its_beginning_in_part(knowledge, person):
    who, began = person
    jobs = [
        job(1, who, began - 3 * HOUR, began - 2 * HOUR),
        job(2, who, began - HOUR, began + HOUR // 2),
        job(3, who, began + HOUR, began + 2 * HOUR),
    ]
    found = worked_now(knowledge, jobs, NOON)[who]
    assert [(each.start, each.end) for each in found] == [
        (began, began + HOUR // 2),
        (began + HOUR, began + 2 * HOUR),
    ]


def test_a_job_that_goes_on_counts_as_planned_or_as_long_as_it_has_taken(knowledge, person):
    who, _ = person
    ahead = worked_now(knowledge, [job(1, who, NOON - HOUR // 2)], NOON)[who]
    assert ahead[0].end == NOON + HOUR // 2
    over = worked_now(knowledge, [job(1, who, NOON - 2 * HOUR)], NOON)[who]
    assert over[0].end == NOON


def test_the_next_day_nothing_of_it_is_left(knowledge, person):
    who, began = person
    jobs = [job(1, who, began + HOUR, began + 2 * HOUR)]
    assert who in worked_now(knowledge, jobs, NOON)
    assert worked_now(knowledge, jobs, Instant(NOON + 24 * HOUR)) == {}


def test_where_nothing_is_declared_nobody_is_looked_at(knowledge, person):
    who, began = person
    without = msgspec.structs.replace(knowledge, safety=None)
    assert worked_now(without, [job(1, who, began + HOUR, began + 2 * HOUR)], NOON) == {}


def test_a_person_reads_at_each_task_why_it_is_given_or_not(knowledge, person):
    who, _ = person
    site = next(s for s in knowledge.network.sites.values() if who in {e.id for e in s.persons})
    skill = next(each.skills[0] for each in site.persons if each.id == who)
    unit = next(each.id for each in site.work_units)
    strained = Duties(
        strains=(Strain(work_unit=unit, only=("grind",), qualifications=("grinding",)),)
    )
    asks = msgspec.structs.replace(
        knowledge, safety=SafetyRules(controllers={}, permissives=(), duties=strained)
    )
    mine, waits, free = (job(number, who, NOON - HOUR) for number in (1, 2, 3))
    for each, name in ((waits, "grind"), (free, "fit")):
        each.bound = None
        each.offered = msgspec.structs.replace(each.offered, skill=name)
    for each in (mine, waits, free):
        each.offered = msgspec.structs.replace(each.offered, work_unit=unit, person_skill=skill)
    mine.bound = msgspec.structs.replace(mine.bound, work_unit=unit)
    snapshot = Snapshot(knowledge=asks, jobs={1: mine, 2: waits, 3: free}, now=NOON)
    tasks = {each.job: each for each in person_standing(snapshot, who).tasks}
    assert [tasks[number].given for number in (1, 2, 3)] == [True, False, False]
    assert [[why.code for why in tasks[number].why] for number in (1, 2, 3)] == [
        ["assigned"], ["qualification-missing"], [],
    ]  # fmt: skip
