"""Orders of the loop have their due dates as goals: in danger with their plan, met at the end."""

import msgspec
import pytest

from app.stories import told
from fabloop.app.goal_watch import STANDARD, goal_sets, next_look, standings
from fabloop.app.snapshot import Snapshot
from fabloop.base.instant import HOUR, Instant
from fabloop.model.documents.goal_text import read_goals
from fabloop.model.facts import (
    GoalEndangered,
    GoalMet,
    GoalRestored,
    GoalViolated,
    PlanEndangered,
    ProcessMigrated,
)
from fabloop.model.goal import GoalStatus


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    return told(tmp_path_factory.mktemp("goals") / "wg")


def test_the_due_date_is_in_danger_while_no_plan_holds_and_met_at_the_end(story):
    facts = [fact for _, fact in story.house.history]
    kinds = [type(each) for each in facts]
    goals = [each for each in facts if isinstance(each, GoalEndangered | GoalRestored | GoalMet)]
    assert [type(each) for each in goals] == [GoalEndangered, GoalRestored, GoalMet]
    assert kinds.index(PlanEndangered) < kinds.index(GoalEndangered)
    assert kinds.index(ProcessMigrated) < kinds.index(GoalRestored)
    assert {each.goal for each in goals} == set(STANDARD.goals)


def test_an_order_that_is_not_done_misses_its_due_date_when_that_passes(story):
    snapshot = Snapshot(knowledge=story.scenario.knowledge)
    for at, fact in story.house.history:
        if isinstance(fact, PlanEndangered):
            break
        snapshot.tell(fact, at)
    (state,) = snapshot.orders.values()
    look = next_look(snapshot)
    assert look is not None
    assert snapshot.now < look <= state.order.due_at + 1
    snapshot.now = Instant(state.order.due_at + HOUR)
    (goal, standing) = standings(state, snapshot)[0]
    assert (goal.id, standing.status) == ("due", GoalStatus.VIOLATED)
    assert standing.since == state.order.due_at


def test_without_documents_of_goals_the_due_date_is_the_goal(story):
    (goals,) = goal_sets(Snapshot(knowledge=story.scenario.knowledge))
    assert goals.goals == STANDARD.goals
    assert goals.time_zone == "Europe/Vienna"
    assert not [fact for _, fact in story.house.history if isinstance(fact, GoalViolated)]


def test_goals_of_documents_take_the_place_of_the_due_date(story):
    written = b"""
goals shop version 1
zone Europe/Vienna
event received(order): fact
event done(order): fact
goal quick "done within a day" for each order: done within 24 h of received
goal careful for each order: done by date and time(due) + duration("PT1H")
"""
    knowledge = msgspec.structs.replace(
        story.scenario.knowledge, goals=(read_goals("shop.goals", written),)
    )
    snapshot = Snapshot(knowledge=knowledge)
    for at, fact in story.house.history:
        if not isinstance(fact, GoalEndangered | GoalRestored | GoalMet):
            snapshot.tell(fact, at)
    (state,) = snapshot.orders.values()
    found = {goal.id: standing for goal, standing in standings(state, snapshot)}
    assert {key: each.status for key, each in found.items()} == {
        "quick": GoalStatus.MET, "careful": GoalStatus.MET,
    }  # fmt: skip
    assert found["careful"].deadline == state.order.due_at + HOUR
