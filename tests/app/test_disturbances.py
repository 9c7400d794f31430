"""What is reported from sites and roads endangers the right plans, and another way is proposed."""

import msgspec
import pytest

from app import stories
from fabloop.app.house import House
from fabloop.app.loop import give_job
from fabloop.app.snapshot import Stage
from fabloop.base.instant import HOUR, MINUTE, Instant
from fabloop.model.disturbance import (
    DueMoved,
    LaneClosed,
    MaterialLate,
    PersonAbsent,
    StepOverran,
    UnitClosed,
)
from fabloop.model.facts import (
    AdaptationApproved,
    AdaptationImpossible,
    AdaptationProposed,
    DisturbanceEnded,
    DisturbanceReported,
    JobBound,
    JobKeptWaiting,
    OrderReceived,
    PlanAccepted,
    PlanEndangered,
    PlanRestored,
    PlansFound,
    WorkUnitBroke,
)
from fabloop.model.ids import OperationId, OrderId

MOTOR, INSPECT = OperationId("supply-motor"), OperationId("inspect-wave-gear")


@pytest.fixture
def running(tmp_path):
    return stories.begun(tmp_path / "data")


def state(demo, order=stories.ORDER):
    return demo.house.snapshot.orders[order]


def now(demo):
    return demo.house.snapshot.now


def after(demo, span):
    return Instant(now(demo) + span)


def reported(demo, disturbance):
    at = after(demo, MINUTE)
    return demo.house.hears(DisturbanceReported(disturbance=disturbance, at=at), at)


def of(heard, kind):
    return [each for each in heard if isinstance(each, kind)]


def proposed(heard, code):
    """Return the only proposal; the only plan in danger is so for this reason."""
    (endangered,) = of(heard, PlanEndangered)
    assert {each.code for each in endangered.reasons} == {code}
    (proposal,) = of(heard, AdaptationProposed)
    return proposal


def starts(plan, operation):
    return plan.step(operation).start


def test_late_material_lets_the_step_that_takes_it_wait_and_nothing_more_than_needed(running):
    before, there = state(running).plan, after(running, 2 * HOUR)
    heard = reported(running, MaterialLate(material="motor", available_at=there))
    proposal = proposed(heard, "material-late")
    assert starts(before, MOTOR) < there <= starts(proposal.plan, MOTOR)
    assert not proposal.comparison.moved
    assert proposal.comparison.makespan_ns == 0, "the motor is not on the longest way"


def test_late_material_is_not_begun_with_before_it_is_there(running):
    there = after(running, 2 * HOUR)
    reported(running, MaterialLate(material="motor", available_at=there))
    snapshot = running.house.snapshot
    (motor,) = [job.offered for job in snapshot.waiting() if job.offered.operation == MOTOR]
    (kept,) = give_job(motor, snapshot)
    assert [each.code for each in kept.reasons] == ["material-awaited"]
    assert kept.look_again_at == there
    running.house.advance(there)
    assert not running.house.snapshot.standing, "it is over"


def test_material_that_comes_in_time_after_all_endangers_nothing(running):
    before = state(running).plan
    heard = reported(running, MaterialLate(material="motor", available_at=starts(before, MOTOR)))
    assert [type(each) for each in heard] == [DisturbanceReported]


def test_a_machine_kept_free_for_maintenance_is_planned_around_and_takes_nothing_meanwhile(running):
    before = state(running).plan
    step = before.step(INSPECT)
    until = Instant(step.start + HOUR)
    stop = UnitClosed(work_unit=step.work_unit, since=step.start, until=until, job="probe head")
    proposal = proposed(reported(running, stop), "unit-closed")
    inspected = proposal.plan.step(INSPECT)
    assert inspected.work_unit != step.work_unit or inspected.start >= until
    snapshot = running.house.snapshot
    assert snapshot.floor(stories.ORDER).stops == {step.work_unit: ((step.start, until),)}


def test_a_job_that_would_run_into_a_stop_waits_until_it_is_over(running):
    snapshot = running.house.snapshot
    (motor,) = [job.offered for job in snapshot.waiting() if job.offered.operation == MOTOR]
    since = after(running, motor.duration_ns - MINUTE)
    until = Instant(since + HOUR)
    snapshot.standing["closed", motor.work_unit, ""] = UnitClosed(
        work_unit=motor.work_unit, since=since, until=until
    )
    (kept,) = give_job(motor, snapshot)
    assert [each.code for each in kept.reasons] == ["unit-stopped"]
    assert kept.look_again_at == until


def test_an_absent_person_endangers_what_nobody_else_on_that_shift_can_do(running):
    until = after(running, 16 * HOUR)
    away = PersonAbsent(person="graz-quality-inspector-2", since=now(running), until=until)
    proposal = proposed(reported(running, away), "person-absent")
    assert starts(proposal.plan, INSPECT) > starts(state(running).plan, INSPECT)


def test_an_absent_person_who_has_a_colleague_on_the_shift_endangers_nothing(running):
    until = after(running, 16 * HOUR)
    away = PersonAbsent(person="graz-assembly-operator-3", since=now(running), until=until)
    assert not of(reported(running, away), PlanEndangered)


def test_an_absent_person_is_given_no_work(running):
    heard = []
    for person in ("graz-assembly-operator-1", "graz-assembly-operator-2"):
        until = after(running, 30 * HOUR)
        away = PersonAbsent(person=person, since=now(running), until=until)
        heard += reported(running, away)
    absent = running.house.snapshot.floor(stories.ORDER).absent
    assert absent == {"graz-assembly-operator-1", "graz-assembly-operator-2"}


def test_a_step_that_overruns_lets_what_follows_wait(running):
    snapshot = running.house.snapshot
    bound = next(each for each in snapshot.running() if each.main)
    planned = state(running).plan.step(bound.operation)
    over = StepOverran(
        order=stories.ORDER,
        operation=bound.operation,
        work_unit=planned.work_unit,
        planned_end=planned.end,
        ends_at=Instant(planned.end + 2 * HOUR),
    )
    proposal = proposed(reported(running, over), "step-overran")
    assert proposal.plan.step(bound.operation).end == over.ends_at


def test_a_deadline_that_comes_nearer_asks_for_a_faster_plan(running):
    ready = max(each.end for each in state(running).plan.steps)
    wanted = DueMoved(order=stories.ORDER, due_at=Instant(ready - HOUR // 2))
    proposal = proposed(reported(running, wanted), "due-missed")
    assert state(running).order.due_at == wanted.due_at
    assert proposal.comparison.late_ns == 0
    assert proposal.comparison.makespan_ns < 0


def test_a_deadline_that_nothing_can_meet_is_told_with_the_reason(running):
    reported(running, DueMoved(order=stories.ORDER, due_at=after(running, 2 * HOUR)))
    no = AdaptationApproved(order=stories.ORDER, plan=state(running).proposal.plan.id, by="planner")
    running.house.hears(no, after(running, MINUTE))
    heard = reported(running, DueMoved(order=stories.ORDER, due_at=after(running, HOUR)))
    (impossible,) = of(heard, AdaptationImpossible)
    assert "sooner" in impossible.answer.limit


def test_a_lane_that_no_plan_uses_may_close(running):
    lane = running.scenario.knowledge.network.lanes[0].id
    heard = reported(running, LaneClosed(lane=lane, since=now(running)))
    assert [type(each) for each in heard] == [DisturbanceReported]


def test_the_same_lane_is_open_again_when_its_closing_is_told_to_be_over(running):
    lane = running.scenario.knowledge.network.lanes[0].id
    reported(running, LaneClosed(lane=lane, since=now(running)))
    assert running.house.snapshot.floor(stories.ORDER).closed == {lane}
    reported(running, LaneClosed(lane=lane, since=now(running), until=now(running)))
    assert running.house.snapshot.floor(stories.ORDER).closed == set()


def test_what_was_reported_is_over_when_its_time_is(running):
    until = after(running, 3 * HOUR)
    lane = running.scenario.knowledge.network.lanes[0].id
    reported(running, LaneClosed(lane=lane, since=now(running), until=until))
    heard = running.house.advance(until)
    assert of(heard, DisturbanceEnded)
    assert not running.house.snapshot.standing


def test_an_order_that_goes_before_takes_the_machines_and_the_other_one_gives_way(running):
    rush = msgspec.structs.replace(
        running.order, id=OrderId("rush"), priority=9, received_at=after(running, MINUTE)
    )
    (found,) = of(running.house.hears(OrderReceived(order=rush), rush.received_at), PlansFound)
    alone = found.answer.plans[0]
    accepted = PlanAccepted(order=rush.id, plan=alone, by="planner")
    heard = running.house.hears(accepted, now(running))
    (proposal,) = of(heard, AdaptationProposed)
    assert proposal.order == stories.ORDER
    assert {each.code for each in proposal.reasons} == {"unit-taken"}
    taken = {(each.work_unit, each.start) for each in alone.steps}
    left = (each for each in proposal.plan.steps if not each.frozen)
    assert not taken & {(each.work_unit, each.start) for each in left}


def test_an_order_of_the_same_urgency_keeps_clear_of_the_first_one(running):
    second = msgspec.structs.replace(running.order, id=OrderId("next"), received_at=now(running))
    (found,) = of(running.house.hears(OrderReceived(order=second), now(running)), PlansFound)
    accepted = PlanAccepted(order=second.id, plan=found.answer.plans[0], by="planner")
    assert not of(running.house.hears(accepted, now(running)), PlanEndangered)


def test_a_proposal_that_something_overtakes_is_made_anew_with_both_reasons(running):
    reported(running, MaterialLate(material="motor", available_at=after(running, 2 * HOUR)))
    bearing = MaterialLate(material="output-bearing", available_at=after(running, 12 * HOUR))
    (proposal,) = of(reported(running, bearing), AdaptationProposed)
    assert {each.subject for each in proposal.reasons} >= {MOTOR, "supply-output-bearing"}
    assert state(running).proposal == proposal


def test_a_broken_vehicle_is_not_planned_with(running):
    at = after(running, MINUTE)
    heard = running.house.hears(WorkUnitBroke(work_unit="graz-agv", at=at), at)
    for each in of(heard, AdaptationProposed):
        open_ones = [leg for leg in each.plan.movements if not leg.frozen]
        assert all(leg.by != "graz-agv" for leg in open_ones)
    assert of(heard, AdaptationProposed) or of(heard, AdaptationImpossible)


def test_an_order_goes_on_when_what_stood_in_its_way_is_over(running):
    until = after(running, 90 * MINUTE)
    reported(running, MaterialLate(material="motor", available_at=until))
    assert state(running).stage is Stage.CHANGING
    heard = running.house.advance(until)
    assert of(heard, DisturbanceEnded)
    assert not of(heard, PlanRestored), "a proposal still waits for its answer"


def test_what_was_reported_is_known_again_after_a_restart(running):
    reported(running, MaterialLate(material="motor", available_at=after(running, 2 * HOUR)))
    again = House(running.scenario.knowledge, running.house._journal)
    assert again.snapshot == running.house.snapshot
    assert again.snapshot.standing
    asked = (JobBound, JobKeptWaiting)
    assert [type(fact) for _, fact in again.history if isinstance(fact, asked)]
