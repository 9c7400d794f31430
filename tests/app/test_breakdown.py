"""A machine breaks and works again: plans are endangered, changed, given up and taken up again."""

import msgspec
import pytest

from app import stories
from fabloop.app.house import House
from fabloop.app.snapshot import Stage
from fabloop.base.instant import MINUTE, Instant
from fabloop.model.facts import (
    AdaptationDeclined,
    AdaptationImpossible,
    AdaptationProposed,
    JobBound,
    OrderReceived,
    OrderRefused,
    PlanEndangered,
    PlanRestored,
    PlansFound,
    WorkUnitBroke,
    WorkUnitRepaired,
)
from fabloop.model.ids import OperationId

REAM = OperationId("ream-stabilizer")


@pytest.fixture
def running(tmp_path):
    demo = stories.begun(tmp_path / "data")
    assert state(demo).stage is Stage.RUNNING
    return demo


def state(demo):
    return demo.house.snapshot.orders[demo.order.id]


def later(demo):
    return Instant(demo.house.snapshot.now + MINUTE)


def breaks(demo, *units):
    heard = []
    for unit in units:
        at = later(demo)
        heard += demo.house.hears(WorkUnitBroke(work_unit=unit, at=at), at)
    return heard


def works_again(demo, unit):
    at = later(demo)
    return demo.house.hears(WorkUnitRepaired(work_unit=unit, at=at), at)


def of(heard, kind):
    return [each for each in heard if isinstance(each, kind)]


def reamers(demo):
    """Return every machine that may ream, the planned one last."""
    network, planned = demo.scenario.knowledge.network, state(demo).plan.step(REAM).work_unit
    able = [
        unit.id
        for unit in network.work_units().values()
        if any(offer.skill == "ream" for offer in unit.offers)
    ]
    return [*(each for each in able if each != planned), planned]


def test_a_broken_machine_endangers_the_plan_and_another_one_is_proposed(running):
    planned = state(running).plan.step(REAM).work_unit
    heard = breaks(running, planned)
    (endangered,) = of(heard, PlanEndangered)
    assert REAM in {each.subject for each in endangered.reasons}
    assert {each.code for each in endangered.reasons} == {"unit-broken"}
    (proposed,) = of(heard, AdaptationProposed)
    assert proposed.plan.step(REAM).work_unit != planned
    assert state(running).stage is Stage.CHANGING


def test_a_machine_that_no_plan_needs_breaks_without_a_word(running):
    used = {each.work_unit for each in state(running).plan.steps}
    used |= {each.by for each in state(running).plan.movements}
    idle = next(
        each for each in running.scenario.knowledge.network.work_units() if each not in used
    )
    assert [type(each) for each in breaks(running, idle)] == [WorkUnitBroke]


def test_an_order_without_a_way_out_goes_on_when_its_machine_works_again(running):
    *others, planned = reamers(running)
    heard = breaks(running, *others, planned)
    assert of(heard, AdaptationImpossible)
    assert state(running).stage is Stage.STUCK
    heard = works_again(running, planned)
    assert [each.plan for each in of(heard, PlanRestored)] == [state(running).plan.id]
    assert state(running).stage is Stage.RUNNING


def test_an_order_without_a_way_out_is_given_another_one_when_another_machine_works_again(running):
    *others, planned = reamers(running)
    breaks(running, *others, planned)
    heard = [each for other in others for each in works_again(running, other)]
    proposals = of(heard, AdaptationProposed)
    assert proposals
    assert proposals[0].plan.step(REAM).work_unit in others
    assert state(running).stage is Stage.CHANGING


def test_who_declined_another_plan_is_not_asked_again_but_the_old_one_is_taken_up(running):
    planned = state(running).plan.step(REAM).work_unit
    (proposed,) = of(breaks(running, planned), AdaptationProposed)
    at = later(running)
    no = AdaptationDeclined(order=running.order.id, plan=proposed.plan.id, by="planner")
    running.house.hears(no, at)
    assert state(running).stage is Stage.STUCK
    other = next(each for each in reamers(running) if each != planned)
    breaks(running, other)
    assert not of(works_again(running, other), AdaptationProposed)
    assert of(works_again(running, planned), PlanRestored)
    assert state(running).stage is Stage.RUNNING


def test_a_broken_machine_is_given_no_job(running):
    planned = state(running).plan.step(REAM).work_unit
    breaks(running, planned)
    assert planned in running.house.snapshot.registry().unavailable
    bound = [each for each in running.house.snapshot.running() if each.work_unit == planned]
    assert not of(bound, JobBound)


def test_an_order_that_comes_while_a_machine_is_broken_is_planned_without_it(running):
    planned = state(running).plan.step(REAM).work_unit
    breaks(running, planned)
    second = msgspec.structs.replace(running.order, id="wg-9")
    heard = running.house.hears(OrderReceived(order=second), later(running))
    answers = of(heard, PlansFound) or of(heard, OrderRefused)
    assert answers
    for each in of(heard, PlansFound):
        for plan in each.answer.plans:
            assert plan.step(REAM).work_unit != planned


def test_what_broke_is_known_again_after_a_restart(running):
    planned = state(running).plan.step(REAM).work_unit
    breaks(running, planned)
    again = House(running.scenario.knowledge, running.house._journal)
    assert again.snapshot == running.house.snapshot
