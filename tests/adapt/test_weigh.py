"""Which plans does a changed KPI endanger, which limits are watched, and what is proposed then?"""

import msgspec
import pytest

from fabloop.adapt.propose import Situation, propose
from fabloop.adapt.weigh import limits_on, weigh
from fabloop.adapt.world import World
from fabloop.base.instant import DAY, HOUR, MINUTE, Instant
from fabloop.base.quantity import Dimension
from fabloop.model.disturbance import KpiMoved
from fabloop.model.explanation import ReasonCode
from fabloop.model.facts import AdaptationImpossible, AdaptationProposed, PlanEndangered
from fabloop.model.ids import KpiId, OperationId, OrderId
from fabloop.model.knowledge import Knowledge
from fabloop.model.kpi import TOTAL_POSITION_ERROR
from fabloop.model.plan import NotProducible, Producible
from fabloop.plan.producible import check
from fabloop.plan.running.watchlist import Watchlist
from fabloop.run.recipe import recipe_of
from plan.instances import NOW, gear, graz_and_vienna, kpis, offer, tpe, unit, vocabulary

REAM = OperationId("ream-a")
LIMIT = 15e-6


@pytest.fixture(scope="module")
def knowledge():
    network, _ = graz_and_vienna()
    return Knowledge(
        currency="EUR",
        vocabulary=vocabulary(),
        kpi_definitions={},
        equipment_types={},
        network=network,
        families={},
    )


def situation(knowledge, *, limit=LIMIT, done=(), running=(), name="order"):
    order = msgspec.structs.replace(gear(limit), id=OrderId(name))
    values = condition(12e-6)
    answer = check(order, knowledge.network, knowledge.vocabulary, values, NOW)
    assert isinstance(answer, Producible)
    plan = msgspec.structs.replace(answer.plans[0], order=order.id)
    frozen = {each.operation: msgspec.structs.replace(each, frozen=True) for each in plan.steps}
    return Situation(
        order=order,
        plan=plan,
        recipe=recipe_of(plan, order.product, knowledge.network),
        process="produce-order",
        done={OperationId(each): frozen[each] for each in done},
        running={OperationId(each): frozen[each] for each in running},
    )


def condition(graz, vienna=9e-6, **more):
    return kpis(tpe("g-ream", graz, **more), tpe("v-ream", vienna))


def judged(knowledge, *situations, value=18e-6, now=NOW, **more):
    values = condition(value, **more)
    return asked("g-ream", values, knowledge, situations, Instant(now))


def asked(unit_id, values, knowledge, situations, now=NOW):
    watch = Watchlist(knowledge.network, knowledge.vocabulary)
    for each in situations:
        watch.put(each.carried(each.plan))
    moved = KpiMoved(value=values[unit_id, TOTAL_POSITION_ERROR])
    orders = {each.order.id for each in situations}
    return weigh(moved, watch, world(knowledge, values, now).outlook(), orders)


def world(knowledge, values, now=NOW, **more):
    return World(
        network=knowledge.network,
        vocabulary=knowledge.vocabulary,
        kpis=values,
        now=Instant(now),
        **more,
    )


def test_a_value_above_the_limit_endangers_a_plan_with_the_step_to_come(knowledge):
    (found,) = judged(knowledge, situation(knowledge))
    assert isinstance(found, PlanEndangered)
    (reason,) = found.reasons
    assert (reason.code, reason.subject) == (ReasonCode.STEP_ENDANGERED, REAM)
    (evidence,) = reason.evidence
    assert (evidence.subject, evidence.value, evidence.limit) == ("g-ream", 18e-6, LIMIT)
    assert (evidence.at, evidence.source) == (NOW - HOUR, "tpe/1")


def test_a_value_at_the_limit_endangers_nothing(knowledge):
    assert judged(knowledge, situation(knowledge), value=LIMIT) == ()


def test_what_is_done_or_has_begun_is_not_touched(knowledge):
    assert judged(knowledge, situation(knowledge, done=["mill-a", "ream-a"])) == ()
    assert judged(knowledge, situation(knowledge, done=["mill-a"], running=["ream-a"])) == ()


def test_a_plan_on_other_machines_is_not_touched(knowledge):
    each = situation(knowledge)
    values = condition(12e-6, vienna=30e-6)
    assert asked("v-ream", values, knowledge, [each]) == ()


def test_each_plan_is_weighed_by_its_own_limit(knowledge):
    strict = situation(knowledge, name="strict")
    loose = situation(knowledge, name="loose", limit=20e-6)
    assert [each.order for each in judged(knowledge, strict, loose)] == ["strict"]


def test_a_value_that_has_expired_endangers_as_much_as_a_bad_one(knowledge):
    (found,) = judged(knowledge, situation(knowledge), value=9e-6, now=NOW + 2 * DAY)
    assert found.reasons[0].details["reasons"] == ReasonCode.KPI_STALE


# -- limits to watch -----------------------------------------------------------------------------


def limits(knowledge, *situations, unit_id="g-ream", kpi=TOTAL_POSITION_ERROR):
    value = msgspec.structs.replace(tpe(unit_id, 10e-6), kpi=kpi)
    machine = knowledge.network.work_units()[unit_id]
    carried = [each.carried(each.plan) for each in situations]
    return limits_on(value, carried, machine, knowledge.vocabulary)


def test_the_limits_of_open_orders_are_watched_each_once_in_order(knowledge):
    orders = [situation(knowledge, limit=each) for each in (20e-6, LIMIT, 20e-6)]
    assert limits(knowledge, *orders) == (LIMIT, 20e-6)


def test_limits_count_wherever_the_operation_is_planned(knowledge):
    assert limits(knowledge, situation(knowledge), unit_id="v-ream") == (LIMIT,)


def test_limits_of_operations_that_are_done_are_watched_no_more(knowledge):
    assert limits(knowledge, situation(knowledge, done=["mill-a", "ream-a"])) == ()


def test_a_machine_without_the_skill_or_a_kpi_that_rates_nothing_has_no_limits(knowledge):
    assert limits(knowledge, situation(knowledge), unit_id="g-mill") == ()
    assert limits(knowledge, situation(knowledge), kpi=KpiId("spindle-temperature")) == ()


# -- another way ---------------------------------------------------------------------------------


def test_the_operation_moves_to_the_other_site_and_what_has_begun_stays(knowledge):
    each = situation(knowledge, running=["mill-a"])
    values = condition(18e-6)
    now = Instant(NOW + MINUTE)
    answer = propose(each, (), world(knowledge, values, now))
    assert isinstance(answer, AdaptationProposed)
    assert answer.before == each.plan.id
    assert {step.operation: step.after for step in answer.comparison.moved}[REAM] == "v-ream"
    assert answer.plan.step(OperationId("mill-a")) == each.running["mill-a"]
    assert "op-ream-a" in answer.changes.changed
    assert "op-mill-a" not in answer.changes.changed
    assert set(answer.changes.added) <= {step.flow_id for step in answer.recipe.steps}
    assert {prop.verdict for prop in answer.properties} == {"holds"}


def test_where_no_machine_is_fit_any_more_the_reasons_and_options_are_told(knowledge):
    each = situation(knowledge)
    answer = propose(each, (), world(knowledge, condition(18e-6, vienna=19e-6)))
    assert isinstance(answer, AdaptationImpossible)
    assert isinstance(answer.answer, NotProducible)
    ((reason,),) = answer.answer.conflicts
    assert reason.subject == REAM
    assert {(e.subject, e.value) for e in reason.evidence} == {
        ("g-ream", 18e-6),
        ("v-ream", 19e-6),
    }
    assert any(option.verified for option in answer.answer.options)


def test_a_unit_of_the_tests_offers_what_the_limits_are_read_from():
    """The offers of the test machines rest on the KPI; otherwise nothing above says anything."""
    machine = unit("m", "graz", "hall", offer("ream"))
    assert machine.offers[0].values["tpe"].kpi == TOTAL_POSITION_ERROR
    assert tpe("m", 1e-6).dimension is Dimension.LENGTH
