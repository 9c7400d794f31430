"""Maintenance is proposed when waiting costs more, where it costs least, and plans keep clear."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.app.sentences import sentence
from fabloop.base.errors import Invalid
from fabloop.base.instant import DAY, HOUR, Instant
from fabloop.model.explanation import ConditionCode, Explanation
from fabloop.model.ids import WorkUnitId
from fabloop.model.maintenance import MaintenanceDone, PossibleStop, closing, closings
from fabloop.model.plan import Producible
from fabloop.plan.producible import check
from fabloop.plan.running.dangers import Carried, Outlook, dangers
from fabloop.plan.running.replan import replan
from fabloop.sense.condition.maintenance import (
    StopCosts,
    life_of,
    propose,
    risk_by_crossing,
    risk_by_lifetime,
    risk_by_remaining_life,
    since,
)
from fabloop.sense.condition.remaining_life import RemainingLife
from fabloop.sense.condition.weibull import Life, lifetime_of
from fabloop.sense.trend import Crossing, crossing_of, trend_of
from plan.instances import NOW, gear, graz_and_vienna, vocabulary

MILL = WorkUnitId("mill")
WORN = lifetime_of([Life(lived=90.0 + n, failed=True) for n in range(20)])
COSTS = StopCosts(
    planned_minor=100_000,
    failure_minor=200_000,
    downtime_ns=24 * HOUR,
    downtime_minor_per_hour=20_000,
    rate_minor_per_day=WORN.replacement(100_000, 680_000).cost_rate,
    currency="EUR",
)


def stop(day, lost=0, hours=4):
    start = Instant(NOW + int(day * DAY))
    return PossibleStop(start=start, end=Instant(start + hours * HOUR), lost_minor=lost)


def proposed(age, stops, costs=COSTS):
    return propose(MILL, "spindle", stops, risk_by_lifetime(WORN, age), costs, NOW)


def test_a_machine_with_a_young_part_is_left_alone():
    assert proposed(5.0, [stop(day) for day in range(7)]) is None


def test_a_worn_part_is_replaced_at_once_and_it_is_told_what_waiting_costs():
    told = proposed(95.0, [stop(day) for day in range(7)])
    assert told.start == NOW
    assert [each.start for each in told.waiting] == sorted(each.start for each in told.waiting)
    costs = [each.cost_minor for each in told.waiting]
    assert costs == sorted(costs)
    said = sentence(told.because, NOW)
    assert said.startswith("mill should be stopped for spindle from 2")
    assert f"{(costs[-1] - costs[0]) / 100:.2f} EUR more" in said


def test_a_gap_of_the_plan_is_worth_a_short_wait():
    busy = [stop(0, lost=300_000), stop(0.5, lost=300_000), stop(1.0)]
    told = proposed(80.0, busy)
    assert told.start == busy[2].start


@settings(max_examples=40, deadline=None)
@given(
    age=st.floats(1.0, 150.0),
    days=st.lists(st.floats(0.0, 20.0), min_size=1, max_size=8),
    lost=st.integers(0, 500_000),
)
def test_no_stop_that_was_looked_at_costs_less_than_the_one_proposed(age, days, lost):
    told = proposed(age, [stop(day, lost if n % 2 else 0) for n, day in enumerate(days)])
    if told is not None:
        chosen = min(each.cost_minor for each in told.waiting if each.start == told.start)
        assert chosen == min(each.cost_minor for each in told.waiting)
        assert chosen < told.waiting[-1].cost_minor
        assert all(0 <= each.risk <= 1 for each in told.waiting)


def test_every_stop_that_is_none_is_told():
    with pytest.raises(Invalid) as told:
        proposed(50.0, [stop(-1), stop(1), stop(2, hours=0)])
    assert [each.path for each in told.value.faults] == ["$.stops[0]", "$.stops[2]"]


def test_the_risk_by_cycles_left_goes_through_the_interval():
    nothing = Explanation(code=ConditionCode.REMAINING_LIFE, subject="u")
    life = RemainingLife(
        unit="u", cycles=40.0, low=20.0, high=70.0, coverage=0.9, at=NOW, because=nothing
    )
    risk = risk_by_remaining_life(life, HOUR)
    found = [risk(hours * HOUR) for hours in (0, 20, 40, 70, 1_000)]
    np.testing.assert_allclose(found, [0.0, 0.05, 0.5, 0.95, 1.0])
    open_end = risk_by_remaining_life(msgspec.structs.replace(life, high=None), HOUR)
    assert open_end(60 * HOUR) == pytest.approx(0.95)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.01, 100.0) | st.just(math.inf), min_size=3, max_size=3))
def test_the_risk_that_a_trend_crosses_only_grows(days):
    low, middle, high = sorted(days)
    risk = risk_by_crossing(Crossing(days=middle, days_low=low, days_high=high))
    found = [risk(int(day * DAY)) for day in np.linspace(0, 200, 50).tolist()]
    assert found == sorted(found)
    assert 0.0 <= found[0] <= found[-1] <= 1.0
    if low + 0.01 < middle < high - 0.01:
        assert risk(int(middle * DAY)) == pytest.approx(0.5, abs=1e-6)


def test_a_trend_towards_the_limit_of_an_order_proposes_the_stop_before_it():
    days = np.arange(20, dtype=np.int64) * DAY
    trend = trend_of(days, 10e-6 + 0.2e-6 * np.arange(20.0))
    risk = risk_by_crossing(crossing_of(trend, 14.5e-6))  # in three and a half days
    told = propose(MILL, "ball screw", [stop(day) for day in range(7)], risk, COSTS, NOW)
    assert NOW <= told.start < told.end < NOW + 3.5 * DAY
    assert (
        propose(
            MILL, "x", [stop(0), stop(1)], risk_by_crossing(crossing_of(trend, 1.0)), COSTS, NOW
        )
        is None
    )


def test_plans_keep_clear_of_the_proposed_stop():
    plant, values = graz_and_vienna(graz_tpe=12e-6)
    order = gear()
    answer = check(order, plant, vocabulary(), values, NOW, plans_max=1)
    assert isinstance(answer, Producible)
    plan = answer.plans[0]
    step = plan.steps[0]
    span = PossibleStop(start=step.start, end=Instant(step.end + HOUR))
    certain = propose(
        step.work_unit, "spindle", [span], lambda ahead: float(ahead > step.start - NOW), COSTS, NOW
    )
    assert certain is not None
    outlook = Outlook(network=plant, vocabulary=vocabulary(), kpis=values, now=NOW)
    endangered = dangers(closing(certain), Carried(plan=plan, product=order.product), outlook)
    assert {each.subject for each in endangered} >= {step.operation}
    again = replan(order, plan, {}, {}, plant, vocabulary(), values, NOW, busy=closings([certain]))
    assert isinstance(again, Producible)
    for each in again.plans[0].steps:
        if each.work_unit == certain.work_unit:
            assert each.end <= certain.start or each.start >= certain.end
    (spans,) = closings([certain, certain]).values()
    assert spans == ((certain.start, certain.end),) * 2


def done(day, **changed):
    told = {"job": "spindle", "work_unit": MILL, "at": Instant(day * DAY)}
    rest = {"installed_at": Instant(0), "failed": False, "replaced": True}
    return MaintenanceDone(**(told | rest | changed))


def test_after_a_job_the_trend_begins_with_what_was_left():
    days = np.arange(40, dtype=np.int64) * DAY
    values = np.where(days < 20 * DAY, 2.0 + 0.5 * days / DAY, 2.0 + 0.1 * (days / DAY - 20))
    before = trend_of(days[:20], values[:20])
    times, left = since(days, values, [done(20, as_found=12.0, as_left=2.0)])
    assert times[0] == 20 * DAY
    after = trend_of(times, left)
    assert before.slope_per_day == pytest.approx(0.5)
    assert after.slope_per_day == pytest.approx(0.1)
    assert crossing_of(after, 10.0).days > 5 * crossing_of(before, 17.0).days


def test_a_job_that_changed_nothing_leaves_the_trend_and_teaches_no_life():
    days, values = np.arange(5, dtype=np.int64) * DAY, np.arange(5.0)
    looked = done(3, replaced=False, as_found=3.0, as_left=3.0)
    np.testing.assert_array_equal(since(days, values, [looked])[1], values)
    assert life_of(looked) is None


def test_a_part_taken_out_in_good_order_is_a_life_that_goes_on():
    assert life_of(done(50)) == Life(lived=50.0, failed=False)
    assert life_of(done(60, failed=True)) == Life(lived=60.0, failed=True)
