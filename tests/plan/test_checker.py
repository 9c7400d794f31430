"""The checker finds what is wrong: each planted fault is named."""

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabloop.base.errors import Broken
from fabloop.base.instant import MINUTE, SECOND, Instant
from fabloop.model.explanation import ReasonCode
from fabloop.model.ids import LaneId, OperationId, ToolId, WorkUnitId
from fabloop.model.plan import MovementKind, Plan, Producible
from fabloop.model.site import Tool
from fabloop.plan.assure import assure
from fabloop.plan.checker import Grounds, check_plan
from fabloop.plan.producible import check
from plan.instances import NOW, gear, graz_and_vienna, kpis, random_instance, tpe, vocabulary

replace = msgspec.structs.replace


def shipped():
    request = gear()
    plant, values = graz_and_vienna(graz_tpe=16.2e-6)
    answer = check(request, plant, vocabulary(), values, NOW)
    assert isinstance(answer, Producible)
    grounds = Grounds(
        product=request.product, network=plant, vocabulary=vocabulary(), kpis=values, now=NOW
    )
    return answer.plans[0], grounds


def codes(plan: Plan, grounds: Grounds):
    return {each.code for each in check_plan(plan, grounds)}


def with_step(plan: Plan, operation: str, **fields) -> Plan:
    steps = tuple(
        replace(each, **fields) if each.operation == operation else each for each in plan.steps
    )
    return replace(plan, steps=steps)


def with_movement(plan: Plan, index: int, **fields) -> Plan:
    movements = list(plan.movements)
    movements[index] = replace(movements[index], **fields)
    return replace(plan, movements=tuple(movements))


def index_of(plan: Plan, kind: MovementKind) -> int:
    return next(number for number, each in enumerate(plan.movements) if each.kind is kind)


def test_a_sound_plan_has_no_violation():
    assert check_plan(*shipped()) == ()


def test_a_plan_with_a_violation_does_not_get_out():
    plan, grounds = shipped()
    assure(plan, grounds)
    with pytest.raises(Broken, match="step-missing"):
        assure(replace(plan, steps=plan.steps[1:]), grounds)


def test_a_missing_and_a_doubled_step_are_found():
    plan, grounds = shipped()
    assert codes(replace(plan, steps=plan.steps[1:]), grounds) == {ReasonCode.STEP_MISSING}
    doubled = replace(plan, steps=(*plan.steps, plan.steps[0]))
    assert codes(doubled, grounds) == {ReasonCode.STEP_MISSING}


def test_a_step_on_an_unknown_work_unit_or_the_wrong_site_is_found():
    plan, grounds = shipped()
    unknown = with_step(plan, "clean", work_unit=WorkUnitId("nowhere"))
    assert ReasonCode.STEP_UNKNOWN in codes(unknown, grounds)
    elsewhere = with_step(plan, "clean", site="vienna")
    assert ReasonCode.STEP_UNKNOWN in codes(elsewhere, grounds)


def test_a_work_unit_that_may_not_do_the_step_is_found_with_its_value():
    plan, grounds = shipped()
    worn = replace(grounds, kpis=kpis(tpe("v-ream", 20e-6)))
    (found,) = check_plan(plan, worn)
    assert found.code == ReasonCode.STEP_UNFIT
    assert found.evidence[0].value == 20e-6


def test_a_site_without_a_tool_that_fits_is_found():
    plan, grounds = shipped()
    asking = tuple(
        replace(each, tools=("fixture F7",)) if each.id == "clean" else each
        for each in grounds.product.operations
    )
    grounds = replace(grounds, product=replace(grounds.product, operations=asking))
    assert codes(plan, grounds) == {ReasonCode.STEP_UNFIT, ReasonCode.STEP_WITHOUT_TOOL}
    at = next(each.site for each in plan.steps if each.operation == "clean")
    fixture = Tool(id=ToolId("f7"), label="F7", kind="fixture F7")
    site = replace(grounds.network.sites[at], tools=(fixture,))
    network = replace(grounds.network, sites={**grounds.network.sites, at: site})
    assert codes(plan, replace(grounds, network=network)) == {ReasonCode.STEP_WITHOUT_TOOL}
    steps = tuple(
        replace(each, tools=("f7",)) if each.operation == "clean" else each for each in plan.steps
    )
    assert codes(replace(plan, steps=steps), replace(grounds, network=network)) == set()


def test_a_work_unit_that_is_not_available_is_found():
    plan, grounds = shipped()
    broken = replace(grounds, unavailable=frozenset({WorkUnitId("v-ream")}))
    assert codes(plan, broken) == {ReasonCode.STEP_UNFIT}


@pytest.mark.parametrize("figure", ["cost_minor", "energy_j", "co2_kg"])
def test_a_wrong_figure_of_a_step_is_found_twice_in_step_and_total(figure):
    plan, grounds = shipped()
    wrong = with_step(
        plan, "clean", **{figure: getattr(plan.step(OperationId("clean")), figure) + 1}
    )
    assert codes(wrong, grounds) == {ReasonCode.STEP_FIGURE_WRONG, ReasonCode.TOTAL_WRONG}


def test_a_step_that_is_too_short_is_found():
    plan, grounds = shipped()
    short = with_step(plan, "clean", end=Instant(plan.step(OperationId("clean")).end - SECOND))
    assert ReasonCode.STEP_FIGURE_WRONG in codes(short, grounds)


def test_a_step_before_the_plan_was_made_is_found():
    plan, grounds = shipped()
    first = plan.steps[0]
    early = with_step(
        plan, first.operation, start=Instant(NOW - MINUTE), end=Instant(first.end - MINUTE)
    )
    assert ReasonCode.STEP_TOO_EARLY in codes(early, grounds)


def test_a_missing_movement_is_found():
    plan, grounds = shipped()
    bare = replace(plan, movements=())
    assert ReasonCode.MOVEMENT_MISSING in codes(bare, grounds)


def test_a_gap_in_the_way_is_found():
    plan, grounds = shipped()
    lane = index_of(plan, MovementKind.SHIPPING)
    gap = replace(plan, movements=(*plan.movements[:lane], *plan.movements[lane + 1 :]))
    assert ReasonCode.MOVEMENT_BROKEN in codes(gap, grounds)
    astray = with_movement(plan, lane, destination="hall")
    assert ReasonCode.MOVEMENT_BROKEN in codes(astray, grounds)


def test_a_movement_for_an_input_that_nobody_takes_is_found():
    plan, grounds = shipped()
    extra = replace(plan.movements[0], made_by=OperationId("clean"))
    found = codes(replace(plan, movements=(*plan.movements, extra)), grounds)
    assert ReasonCode.MOVEMENT_BROKEN in found


def test_a_lane_that_does_not_exist_or_takes_longer_is_found():
    plan, grounds = shipped()
    lane = index_of(plan, MovementKind.SHIPPING)
    unknown = with_movement(plan, lane, lane=LaneId("none"))
    assert ReasonCode.MOVEMENT_IMPOSSIBLE in codes(unknown, grounds)
    fast = with_movement(plan, lane, end=Instant(plan.movements[lane].end - 10 * SECOND))
    assert ReasonCode.MOVEMENT_FIGURE_WRONG in codes(fast, grounds)


def test_a_link_by_another_transporter_is_found():
    plan, grounds = shipped()
    leg = index_of(plan, MovementKind.TRANSPORT)
    assert ReasonCode.MOVEMENT_IMPOSSIBLE in codes(with_movement(plan, leg, by="x"), grounds)


def test_a_step_that_starts_before_its_input_is_there_is_found():
    plan, grounds = shipped()
    clean = plan.step(OperationId("clean"))
    early = with_step(
        plan, "clean", start=Instant(clean.start - MINUTE), end=Instant(clean.end - MINUTE)
    )
    assert ReasonCode.MOVEMENT_TOO_EARLY in codes(early, grounds)


def test_two_steps_on_one_work_unit_at_one_time_are_found():
    plan, grounds = shipped()
    first = plan.step(OperationId("mill-a"))
    both = with_step(plan, "mill-b", work_unit=first.work_unit, site=first.site, start=first.start)
    assert ReasonCode.UNIT_OVERLAP in codes(both, grounds)


def test_an_engagement_of_a_work_unit_is_respected():
    plan, grounds = shipped()
    clean = plan.step(OperationId("clean"))
    span = (Instant(clean.start + SECOND), Instant(clean.start + 2 * SECOND))
    engaged = replace(grounds, busy={clean.work_unit: (span,)})
    assert codes(plan, engaged) == {ReasonCode.UNIT_OVERLAP}


def test_a_frozen_step_must_be_what_has_happened():
    plan, grounds = shipped()
    step = plan.step(OperationId("mill-a"))
    kept = replace(grounds, kept={step.operation: step})
    assert codes(plan, kept) == {ReasonCode.STEP_NOT_KEPT}
    frozen = with_step(plan, "mill-a", frozen=True)
    assert codes(frozen, kept) == set()
    assert codes(frozen, grounds) == {ReasonCode.STEP_NOT_KEPT}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 100_000), data=st.data())
def test_a_mutated_plan_is_rejected(seed, data):
    request, plant, values = random_instance(seed)
    answer = check(request, plant, vocabulary(), values, NOW, plans_max=1)
    assume(isinstance(answer, Producible))
    plan = answer.plans[0]
    grounds = Grounds(
        product=request.product, network=plant, vocabulary=vocabulary(), kpis=values, now=NOW
    )
    parts = [("steps", n) for n in range(len(plan.steps))]
    parts += [("movements", n) for n in range(len(plan.movements))]
    field, index = data.draw(st.sampled_from(parts))
    row = list(getattr(plan, field))
    part = row[index]
    mutation = data.draw(st.sampled_from(["drop", "longer", "shorter", "cost", "energy", "double"]))
    if mutation == "drop":
        del row[index]
    elif mutation == "double":
        row.append(part)
    elif mutation == "longer":
        row[index] = replace(part, end=Instant(part.end + 5 * SECOND))
    elif mutation == "shorter":
        row[index] = replace(part, start=Instant(part.start + 5 * SECOND))
    elif mutation == "cost":
        row[index] = replace(part, cost_minor=part.cost_minor + 1)
    else:
        row[index] = replace(part, energy_j=part.energy_j * 1.001 + 1)
    assert check_plan(replace(plan, **{field: tuple(row)}), grounds)
