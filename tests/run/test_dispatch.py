"""Dispatching: who does the job that the process has reached, at this moment?"""

import msgspec
import pytest

from fabloop.base.instant import HOUR, Instant
from fabloop.model.calendar import Shift
from fabloop.model.explanation import DispatchCode, Explanation, ReasonCode
from fabloop.model.facts import JobBound, JobOffered
from fabloop.model.ids import LaneId, OperationId, OrderId, PersonId, SkillId, WorkUnitId
from fabloop.model.plan import Producible
from fabloop.plan.producible import check
from fabloop.run.dispatch import Floor, Nobody, dispatch
from fabloop.services.registry import Registry, Reservation
from plan.instances import NOW, gear, graz_and_vienna, kpis, tpe, vocabulary

REASON = Explanation(code=DispatchCode.BOUND, subject="somebody")
DAY_AND_NIGHT = Shift(id="day", label="Day", start_ns=0, end_ns=24 * HOUR)


@pytest.fixture(scope="module")
def shop():
    """The small gear, its plan in Graz, and the shop floor when nothing has begun."""
    network, values = graz_and_vienna()
    sites = {
        name: msgspec.structs.replace(each, shifts=(DAY_AND_NIGHT,))
        for name, each in network.sites.items()
    }
    network = msgspec.structs.replace(network, sites=sites)
    order = gear()
    answer = check(order, network, vocabulary(), values, NOW)
    assert isinstance(answer, Producible)
    floor = Floor(
        registry=Registry(network=network, vocabulary=vocabulary()),
        kpis=values,
        load={},
        running=(),
        now=NOW,
    )
    return order.product, answer.plans[0], floor


def job(plan, operation, **other):
    step = plan.step(OperationId(operation))
    values = {
        "order": OrderId("order"),
        "job": 7,
        "step": f"op-{operation}",
        "service": 1,
        "skill": operation.split("-")[0],
        "operation": step.operation,
        "work_unit": step.work_unit,
        "lane": None,
        "person_skill": None,
        "main": True,
        "duration_ns": step.end - step.start,
    }
    return JobOffered(**{**values, **other})


def busy(floor, *held, persons=()):
    """Hold work units, and let persons be at work."""
    taken = tuple(
        Reservation(work_unit=WorkUnitId(each), job=number, since=floor.now)
        for number, each in enumerate(held, 100)
    )
    registry = msgspec.structs.replace(floor.registry, reservations=taken)
    running = tuple(
        JobBound(
            order=OrderId("other"), job=200 + number, step="s", skill="x",
            operation=OperationId("o"), work_unit=None, lane=None, person=PersonId(each),
            main=True, begun_at=floor.now, duration_ns=HOUR, because=REASON,
        )
        for number, each in enumerate(persons)
    )  # fmt: skip
    return msgspec.structs.replace(floor, registry=registry, running=running)


def bound(answer):
    assert isinstance(answer, JobBound), answer
    return answer


def refused(answer):
    assert isinstance(answer, Nobody), answer
    return [each.code for each in answer.reasons]


def test_a_job_goes_to_the_planned_work_unit_with_the_reason(shop):
    product, plan, floor = shop
    answer = bound(dispatch(job(plan, "ream-a"), product, plan, {"mill-a"}, floor))
    assert (answer.work_unit, answer.person, answer.begun_at) == ("g-ream", None, NOW)
    shown = {each.parameter: each.value for each in answer.because.evidence}
    assert shown["tpe"] == 12e-6
    assert answer.because.code == DispatchCode.BOUND


def test_a_machine_that_has_worn_out_since_is_refused_whatever_the_plan_says(shop):
    product, plan, floor = shop
    worn = msgspec.structs.replace(floor, kpis=kpis(tpe("g-ream", 16e-6), tpe("v-ream", 9e-6)))
    answer = dispatch(job(plan, "ream-a"), product, plan, {"mill-a"}, worn)
    assert refused(answer) == [ReasonCode.KPI_TOO_HIGH]
    assert not answer.only_time
    evidence = answer.reasons[0].evidence[0]
    assert (evidence.subject, evidence.value, evidence.limit) == ("g-ream", 16e-6, 15e-6)
    assert (evidence.at, evidence.source) == (NOW - HOUR, "tpe/1")


def test_a_worn_out_machine_still_does_what_needs_no_precision(shop):
    product, plan, floor = shop
    worn = msgspec.structs.replace(floor, kpis=kpis(tpe("g-ream", 16e-6)))
    other = job(plan, "ream-a", skill="drill", main=False)
    assert bound(dispatch(other, product, plan, (), worn)).work_unit == "g-ream"


def test_work_on_one_machine_keeps_the_sequence_of_the_plan(shop):
    product, plan, floor = shop
    first, second = sorted(
        (step for step in plan.steps if step.operation in ("mill-a", "mill-b")),
        key=lambda each: each.start,
    )
    assert first.work_unit == second.work_unit
    later = job(plan, second.operation)
    answer = dispatch(later, product, plan, (), floor)
    assert refused(answer) == [DispatchCode.TURN_NOT_COME]
    assert answer.reasons[0].details["before"] == first.operation
    assert answer.only_time
    assert bound(dispatch(job(plan, first.operation), product, plan, (), floor))
    assert bound(dispatch(later, product, plan, {first.operation}, floor))


def test_transports_are_not_kept_in_the_sequence_of_operations(shop):
    product, plan, floor = shop
    last = max((s for s in plan.steps if s.work_unit == "g-mill"), key=lambda each: each.start)
    moving = job(plan, last.operation, main=False, skill="machining")
    assert bound(dispatch(moving, product, plan, (), floor)).main is False


def test_a_machine_in_use_makes_the_job_wait_for_time_alone(shop):
    product, plan, floor = shop
    answer = dispatch(job(plan, "ream-a"), product, plan, {"mill-a"}, busy(floor, "g-ream"))
    assert refused(answer) == [DispatchCode.RESERVED]
    assert answer.only_time


def test_a_milling_machine_in_use_is_replaced_by_its_neighbour(shop):
    product, plan, floor = shop
    operation = min((s for s in plan.steps if s.work_unit == "g-mill"), key=lambda s: s.start)
    answer = dispatch(job(plan, operation.operation), product, plan, (), busy(floor, "g-mill"))
    assert bound(answer).work_unit == "g-mill-2"


def test_where_a_person_is_needed_machine_and_person_are_bound_together(shop):
    product, plan, floor = shop
    clean = job(plan, "clean", person_skill=SkillId("assembler"))
    answer = bound(dispatch(clean, product, plan, (), floor))
    assert (answer.work_unit, answer.person) == ("g-wash", "p1")
    assert answer.because.code == DispatchCode.BOUND_AND_ASSIGNED
    assert answer.because.details["person"] == "Assembler 1"


def test_a_person_at_work_anywhere_is_not_given_a_second_job(shop):
    product, plan, floor = shop
    clean = job(plan, "clean", person_skill=SkillId("assembler"))
    answer = dispatch(clean, product, plan, (), busy(floor, persons=["p1"]))
    assert refused(answer) == [DispatchCode.ALL_PERSONS_BUSY]
    assert answer.only_time


def test_where_nobody_is_on_shift_the_job_is_looked_at_again_when_somebody_is(shop):
    product, plan, floor = shop
    graz = floor.registry.network.sites["graz"]
    short = Shift(id="day", label="Day", start_ns=6 * HOUR, end_ns=7 * HOUR)
    sites = {"graz": msgspec.structs.replace(graz, shifts=(short,))}
    network = msgspec.structs.replace(floor.registry.network, sites=sites)
    later = msgspec.structs.replace(
        floor, registry=msgspec.structs.replace(floor.registry, network=network)
    )
    clean = job(plan, "clean", person_skill=SkillId("assembler"))
    answer = dispatch(clean, product, plan, (), later)
    assert refused(answer) == [DispatchCode.NOBODY_ON_SHIFT]
    assert answer.only_time
    then = msgspec.structs.replace(later, now=answer.look_again_at, kpis={})
    assert then.now > NOW
    assert bound(dispatch(clean, product, plan, (), then)).begun_at == then.now


def test_a_skill_that_nobody_has_is_no_matter_of_time(shop):
    product, plan, floor = shop
    answer = dispatch(job(plan, "clean", person_skill=SkillId("ream")), product, plan, (), floor)
    assert refused(answer) == [DispatchCode.NOBODY_SKILLED]
    assert not answer.only_time


def test_a_shipment_goes_to_the_carrier_of_its_lane(shop):
    product, plan, floor = shop
    shipment = job(
        plan, "ream-a", main=False, work_unit=None, lane=LaneId("graz-vienna"), skill="shipping"
    )
    answer = bound(dispatch(shipment, product, plan, (), floor))
    assert (answer.lane, answer.work_unit, answer.person) == ("graz-vienna", None, None)
    assert answer.because.details == {"carrier": "carrier"}


def test_a_lane_that_is_no_longer_there_is_refused(shop):
    product, plan, floor = shop
    shipment = job(plan, "ream-a", main=False, work_unit=None, lane=LaneId("graz-linz"))
    answer = dispatch(shipment, product, plan, (), floor)
    assert refused(answer) == [DispatchCode.NO_LANE]
    assert not answer.only_time


def test_the_instant_of_binding_is_when_the_job_begins(shop):
    product, plan, floor = shop
    later = msgspec.structs.replace(floor, now=Instant(NOW + HOUR))
    assert bound(dispatch(job(plan, "ream-a"), product, plan, (), later)).begun_at == NOW + HOUR
