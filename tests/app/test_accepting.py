"""Between the offer of a plan and its acceptance the world goes on."""

import msgspec
import pytest

from app import stories
from fabloop.app.demo import begin
from fabloop.app.snapshot import Stage
from fabloop.base.instant import HOUR, Instant
from fabloop.base.journal import MemoryJournal
from fabloop.model.facts import (
    KnowledgeRead,
    KpiChanged,
    OrderReceived,
    PlanAccepted,
    PlanRevalidated,
    PlansFound,
    ProcessReleased,
    ProcessStarted,
    TestMeasured,
)
from fabloop.model.kpi import TOTAL_POSITION_ERROR

U630 = ("graz-u630", TOTAL_POSITION_ERROR)


@pytest.fixture
def offered(tmp_path):
    """A house in which plans were offered for the order, on a machine that is fit."""
    demo = begin(tmp_path / "data", stories.settings(), open_journal=lambda _: MemoryJournal())
    begun = demo.scenario.simulation.begins_at
    demo.house.hears(KnowledgeRead(digest=demo.scenario.digest, seed=1), begun)
    known = next(iter(demo.scenario.knowledge.kpis))
    value = msgspec.structs.replace(known, work_unit=U630[0], value=13e-6, upper=14e-6)
    demo.house.hears(TestMeasured(work_unit=U630[0], at=value.at, value=value), value.at)
    demo.house.hears(OrderReceived(order=demo.order), demo.order.received_at)
    assert demo.house.snapshot.orders[demo.order.id].stage is Stage.CHOOSING
    return demo


def accept(demo):
    state = demo.house.snapshot.orders[demo.order.id]
    plan = state.offered.plans[0]
    heard = demo.house.hears(
        PlanAccepted(order=demo.order.id, plan=plan, by="planner"), demo.house.snapshot.now
    )
    return plan, [type(fact) for fact in heard]


def test_a_plan_that_still_holds_is_released_and_started(offered):
    _, heard = accept(offered)
    assert heard[:3] == [PlanAccepted, ProcessReleased, ProcessStarted]


def test_a_plan_that_the_machine_no_longer_allows_is_not_started_but_sought_again(offered):
    old = offered.house.snapshot.kpis[U630]
    at = offered.house.snapshot.now
    worn = msgspec.structs.replace(old, value=16e-6, upper=16.8e-6, at=at)
    heard = offered.house.hears(TestMeasured(work_unit=U630[0], at=at, value=worn), at)
    assert [type(fact) for fact in heard] == [TestMeasured, KpiChanged]
    plan, heard = accept(offered)
    assert heard == [PlanAccepted, PlanRevalidated, PlansFound]
    state = offered.house.snapshot.orders[offered.order.id]
    assert (state.stage, state.plan, state.followed) == (Stage.CHOOSING, None, ())
    assert plan.step("ream-stabilizer").work_unit == "graz-u630"
    again, heard = accept(offered)
    assert again.step("ream-stabilizer").work_unit == "vienna-emco"
    assert ProcessStarted in heard


def test_a_plan_that_waited_is_carried_out_later_and_that_is_said(offered):
    state = offered.house.snapshot.orders[offered.order.id]
    plan = state.offered.plans[0]
    at = Instant(offered.house.snapshot.now + 2 * HOUR)
    accepted = PlanAccepted(order=offered.order.id, plan=plan, by="planner")
    heard = offered.house.hears(accepted, at)
    (told,) = [each for each in heard if isinstance(each, PlanRevalidated)]
    assert told.found.verdict == "retimed"
    assert state.plan == told.found.instead
    assert min(each.start for each in state.plan.steps) >= at
    assert {each.operation: each.work_unit for each in state.plan.steps} == {
        each.operation: each.work_unit for each in plan.steps
    }
    assert state.stage is Stage.RUNNING


def test_a_value_that_moved_without_harm_is_told_before_the_plan_is_carried_out(offered):
    old = offered.house.snapshot.kpis[U630]
    at = offered.house.snapshot.now
    told = msgspec.structs.replace(old, value=14e-6, upper=14.6e-6, at=at)
    offered.house.hears(TestMeasured(work_unit=U630[0], at=at, value=told), at)
    state = offered.house.snapshot.orders[offered.order.id]
    accepted = PlanAccepted(order=offered.order.id, plan=state.offered.plans[0], by="planner")
    heard = offered.house.hears(accepted, at)
    (asked,) = [each for each in heard if isinstance(each, PlanRevalidated)]
    assert asked.found.verdict == "valid"
    assert [each.code for each in asked.found.changes] == ["kpi-changed"]
    assert state.stage is Stage.RUNNING


def test_a_rejected_test_widens_the_bound_at_once_and_plans_reckon_with_it(offered):
    old = offered.house.snapshot.kpis[U630]
    at = offered.house.snapshot.now
    vendor = msgspec.structs.replace(old, value=8e-6, upper=10e-6, at=at, source="vendor, widened")
    reason = "coherence 0.612, at least 0.950 is needed"
    rejected = TestMeasured(work_unit=U630[0], at=at, value=None, rejected=reason, vendor=vendor)
    heard = offered.house.hears(rejected, at)
    assert [type(fact) for fact in heard] == [TestMeasured, KpiChanged]
    now = offered.house.snapshot.kpis[U630]
    assert (now.value, now.at, now.valid_for_ns) == (old.value, old.at, old.valid_for_ns)
    assert now.upper == pytest.approx(1.25 * old.upper)
    assert now.doubt == reason
    again = offered.house.hears(rejected, at)
    assert [type(fact) for fact in again] == [TestMeasured]  # once, however many are rejected
    plan, _ = accept(offered)
    assert plan.step("ream-stabilizer").work_unit == "graz-u630"
    instead = offered.house.snapshot.orders[offered.order.id].offered.plans[0]
    assert instead.step("ream-stabilizer").work_unit == "vienna-emco"
    good = msgspec.structs.replace(old, at=at)
    back = offered.house.hears(TestMeasured(work_unit=U630[0], at=at, value=good), at)
    assert isinstance(back[1], KpiChanged)
    assert offered.house.snapshot.kpis[U630] == good


def test_a_rejected_test_makes_no_machine_usable(offered):
    old = offered.house.snapshot.kpis[U630]
    late = Instant(old.at + old.valid_for_ns + HOUR)
    vendor = msgspec.structs.replace(old, value=4e-6, upper=5e-6, at=late)
    told = TestMeasured(work_unit=U630[0], at=late, value=None, rejected="lost", vendor=vendor)
    heard = offered.house.hears(told, late)
    assert not [each for each in heard if isinstance(each, KpiChanged)]
    assert offered.house.snapshot.kpis[U630] == old


def test_the_trend_goes_on_past_a_value_in_doubt(offered):
    before = offered.house.snapshot.series[U630]
    at = offered.house.snapshot.now
    offered.house.hears(TestMeasured(work_unit=U630[0], at=at, value=None, rejected="lost"), at)
    assert offered.house.snapshot.kpis[U630].doubt == "lost"
    assert offered.house.snapshot.series[U630] == before
