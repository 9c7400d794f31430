"""The loop itself: closed by facts, pure in every step."""

import copy
from typing import get_args, get_type_hints

import pytest

from app.stories import told
from fabloop.app.house import STEPS_BY_FACT
from fabloop.app.loop import (
    STEPS,
    go_back,
    keep_free,
    open_again,
    weigh_breakdown,
    weigh_disturbance,
)
from fabloop.app.snapshot import Snapshot
from fabloop.model.disturbance import UnitBroken
from fabloop.model.facts import (
    AdaptationApproved,
    AdaptationDeclined,
    AdaptationImpossible,
    AdaptationProposed,
    AdaptationUndone,
    AdaptationWithheld,
    Fact,
    GoalEndangered,
    GoalMet,
    GoalRestored,
    GoalViolated,
    JobAnswered,
    JobBound,
    JobFailed,
    JobKeptWaiting,
    KnowledgeRead,
    LotMade,
    MaintenanceAdvised,
    MaintenanceDeclined,
    OrderRefused,
    PersonAsked,
    PlanRevalidated,
    PlansFound,
    ProcessMigrated,
    ProcessReleased,
    ProcessStarted,
    RiskForeseen,
    RungTried,
    UndoRefused,
)

CONDUCTED = {
    ProcessReleased,
    JobBound,
    JobAnswered,
    JobFailed,
    AdaptationApproved,
    AdaptationUndone,
}
"""What `Conductor.conduct` hears: the process engine has something to do."""

ASKED = {PlansFound, AdaptationProposed}
"""What a person is asked about; the answer is a fact from outside."""

ENDS = {
    KnowledgeRead,  # only known
    OrderRefused,  # the order's end
    ProcessStarted,  # only known
    PlanRevalidated,  # only known
    JobKeptWaiting,  # until somebody becomes free or time passes
    LotMade,  # asked for by genealogy and recall
    AdaptationImpossible,  # a person has to change product or factory
    AdaptationDeclined,  # the order waits
    AdaptationWithheld,  # until a permissive changes
    UndoRefused,  # the order goes on
    RungTried,  # a person reads it
    PersonAsked,  # with the proposal; the house looks at the time
    RiskForeseen,  # a person reads it
    MaintenanceAdvised,  # a person is asked
    MaintenanceDeclined,  # only known
    GoalEndangered,  # told to people
    GoalRestored,
    GoalMet,
    GoalViolated,
}
"""Where the loop ends, or waits for the world outside."""


def members(annotation) -> tuple[type, ...]:
    return get_args(annotation) or (annotation,)


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    return told(tmp_path_factory.mktemp("loop") / "wg")


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_every_step_is_annotated_with_facts_in_and_facts_out(step):
    hints = get_type_hints(step)
    assert set(hints) == {"fact", "at", "return"}
    assert hints["at"] is Snapshot
    follows, rest = get_args(hints["return"])
    assert rest is Ellipsis
    facts = set(members(Fact))
    assert set(members(hints["fact"])) <= facts
    assert set(members(follows)) <= facts


def test_every_fact_is_heard_conducted_asked_about_or_an_end():
    heard = set(STEPS_BY_FACT) | CONDUCTED | ASKED
    assert heard | ENDS == set(members(Fact))
    assert not heard & ENDS


def test_every_end_and_question_of_the_list_is_really_heard_by_no_step():
    assert not (ENDS | ASKED) & set(STEPS_BY_FACT)


def test_steps_change_nothing_and_give_the_same_facts_again(story):
    """On the recorded history, every step that hears a fact is asked twice."""
    snapshot = Snapshot(knowledge=story.scenario.knowledge)
    knowledge = copy.deepcopy(snapshot.knowledge)
    asked = set()
    for at, fact in story.house.history:
        snapshot.tell(fact, at)
        steps = STEPS_BY_FACT.get(type(fact), ())
        before = copy.deepcopy(snapshot, {id(snapshot.knowledge): snapshot.knowledge})
        for step in steps:
            follows = step(fact, snapshot)
            if step not in asked:
                assert step(fact, snapshot) == follows
            asked.add(step)
            assert all(isinstance(each, members(Fact)) for each in follows)
        assert snapshot == before
    unheard = {weigh_breakdown, weigh_disturbance, keep_free, open_again, go_back}
    assert asked == set(STEPS) - unheard, "nothing breaks in the story"
    assert snapshot.knowledge == knowledge


def test_the_state_follows_from_the_facts_alone(story):
    snapshot = Snapshot(knowledge=story.scenario.knowledge)
    for at, fact in story.house.history:
        snapshot.tell(fact, at)
    assert snapshot == story.house.snapshot


def test_the_plans_that_are_watched_are_kept_up_as_if_they_were_read_anew(story):
    """After every fact, each work unit's breakdown endangers the same by both."""
    kept = Snapshot(knowledge=story.scenario.knowledge)
    kept.watch()
    hits = 0
    for at, fact in story.house.history:
        kept.tell(fact, at)
        if not isinstance(fact, JobBound | JobAnswered | JobFailed | ProcessMigrated):
            continue
        anew = copy.deepcopy(kept, {id(kept.knowledge): kept.knowledge})
        for unit in story.scenario.knowledge.network.work_units():
            broken, outlook = UnitBroken(work_unit=unit, since=at), kept.world().outlook()
            found = [kept.watch().endangered(broken, outlook)]
            found.append(anew.watch().endangered(broken, outlook))
            one, other = ([(each.order, each.reasons) for each in row] for row in found)
            assert one == other
            hits += len(one)
    assert hits > 100
