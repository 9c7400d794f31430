"""Whatever changes a plan, each permissive of what it has yet to command is judged again."""

import json

import msgspec
import pytest

from app import stories
from app.safety.test_guarded_story import safety
from fabloop.app.snapshot import Stage
from fabloop.base.instant import MINUTE, Instant
from fabloop.model.explanation import Explanation, SafetyCode
from fabloop.model.facts import (
    AdaptationApproved,
    AdaptationProposed,
    AdaptationUndone,
    AdaptationWithheld,
    OrderReceived,
    PermissiveChanged,
    PlanAccepted,
    PlansFound,
    ProcessMigrated,
    TestMeasured,
    UndoAsked,
    UndoRefused,
    WorkUnitBroke,
)
from fabloop.model.ids import OrderId, WorkUnitId

LATE = WorkUnitId("graz-inspection")
"""Where the order is inspected at last, by every plan."""
OPEN = (Explanation(code=SafetyCode.SIGNAL_CONTRARY, subject="Cell"),)


@pytest.fixture
def running(tmp_path):
    """An order that has begun; the U630 and the inspection have guards, which are closed."""
    papers = stories.documents(tmp_path / "papers")
    text = json.dumps(safety(guarded=(stories.U630, LATE)))
    (papers / "safety.json").write_text(text, encoding="utf-8")
    demo = stories.begun(tmp_path / "data", papers=papers)
    guard(demo, stories.U630)
    guard(demo, LATE)
    return demo


def guard(demo, unit, reasons=()):
    return tells(demo, PermissiveChanged, work_unit=unit, only=(), reasons=reasons)


def tells(demo, kind, **fields):
    at = Instant(demo.house.snapshot.now + MINUTE)
    if kind in (WorkUnitBroke, PermissiveChanged):
        fields["at"] = at
    return demo.house.hears(kind(**fields), at)


def of(heard, kind):
    return [each for each in heard if isinstance(each, kind)]


def measured(demo, value):
    known = next(iter(demo.scenario.knowledge.kpis))
    at = Instant(demo.house.snapshot.now + MINUTE)
    told = msgspec.structs.replace(
        known, work_unit=stories.U630, value=value, upper=value + 0.5e-6, at=at
    )
    return demo.house.hears(TestMeasured(work_unit=stories.U630, at=at, value=told), at)


def state(demo, order=stories.ORDER):
    return demo.house.snapshot.orders[order]


def approve(demo, order=stories.ORDER):
    plan = state(demo, order).proposal.plan.id
    return tells(demo, AdaptationApproved, order=order, plan=plan, by="planner")


def undo(demo):
    return tells(demo, UndoAsked, order=stories.ORDER, by="planner")


def test_a_change_waits_for_a_guard_of_what_it_commands_as_before(running):
    """The inspection stays where it was, and yet it is asked about again."""
    measured(running, 17e-6)
    guard(running, LATE, OPEN)
    heard = approve(running)
    assert [each.reasons for each in of(heard, AdaptationWithheld)] == [OPEN]
    assert of(heard, ProcessMigrated) == []
    assert len(of(guard(running, LATE), AdaptationProposed)) == 1  # asked again
    assert len(of(approve(running), ProcessMigrated)) == 1


def test_a_change_for_a_breakdown_is_judged_likewise(running):
    tells(running, WorkUnitBroke, work_unit=stories.U630)
    guard(running, LATE, OPEN)
    assert [each.reasons for each in of(approve(running), AdaptationWithheld)] == [OPEN]


def test_there_is_no_way_back_to_a_machine_whose_guard_is_open(running):
    measured(running, 17e-6)
    approve(running)
    measured(running, 13e-6)
    followed = state(running).plan
    guard(running, stories.U630, OPEN)
    heard = undo(running)
    assert [each.reasons for each in of(heard, UndoRefused)] == [OPEN]
    assert of(heard, ProcessMigrated) == []
    assert (state(running).plan, state(running).stage) == (followed, Stage.RUNNING)
    guard(running, stories.U630)
    assert len(of(undo(running), AdaptationUndone)) == 1


def test_an_order_that_gives_way_to_a_rush_is_judged_anew_though_it_stays_on_its_machines(running):
    at = Instant(running.house.snapshot.now + MINUTE)
    rush = msgspec.structs.replace(running.order, id=OrderId("rush"), priority=9, received_at=at)
    (found,) = of(running.house.hears(OrderReceived(order=rush), at), PlansFound)
    tells(running, PlanAccepted, order=rush.id, plan=found.answer.plans[0], by="planner")
    assert state(running).stage is Stage.CHANGING
    guard(running, LATE, OPEN)
    assert [each.reasons for each in of(approve(running), AdaptationWithheld)] == [OPEN]
