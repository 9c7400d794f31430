"""A trend says which steps will be at risk and when, the nearest date first."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.app.sentences import sentence
from fabloop.base.instant import DAY, Instant
from fabloop.base.quantity import Dimension
from fabloop.model.ids import OperationId, OrderId, WorkUnitId
from fabloop.model.kpi import TOTAL_POSITION_ERROR, KpiTrend
from fabloop.plan.producible import check
from fabloop.plan.running.dangers import Carried
from fabloop.plan.running.forecast import forecast_risk
from fabloop.plan.running.watchlist import Watchlist
from plan.instances import NOW, gear, graz_and_vienna, vocabulary

replace = msgspec.structs.replace
UNIT = WorkUnitId("g-ream")


def trend(value=12e-6, slope=0.75e-6, low=0.4e-6, high=1.5e-6, at=NOW, margin=0.0):
    return KpiTrend(
        work_unit=UNIT,
        kpi=TOTAL_POSITION_ERROR,
        dimension=Dimension.LENGTH,
        at=Instant(at),
        value=value,
        slope_per_day=slope,
        slope_low=low,
        slope_high=high,
        margin=margin,
        source="Theil-Sen",
    )


def plans(*days, running=()):
    """Return plans for gears whose first steps begin so many days from now."""
    plant, values = graz_and_vienna()
    request = gear()
    plan = check(request, plant, vocabulary(), values, NOW, plans_max=1).plans[0]
    watch = Watchlist(plant, vocabulary())
    for number, day in enumerate(days):
        steps = tuple(
            replace(each, start=Instant(each.start + day * DAY), end=Instant(each.end + day * DAY))
            for each in plan.steps
        )
        later = replace(plan, order=OrderId(f"o{number}"), id=f"o{number}/plan-1", steps=steps)
        carried = Carried(plan=later, product=request.product, running=frozenset(running))
        watch.put(carried)
    return watch


def test_the_sentence_tells_machine_order_and_days():
    (risk,) = forecast_risk([trend()], plans(5), NOW)
    assert risk.likely
    assert risk.passes_at == pytest.approx(NOW + 4 * DAY)
    text = sentence(risk.because, NOW)
    assert "g-ream will pass the limit of ream-a (order o0) in about 4.0 days (2.0 to 7.5)" in text
    assert "limit 15 µm" in text
    assert [each.code for each in risk.because.options] == ["restore-kpi", "replan-before"]


def test_a_step_before_the_soonest_date_is_not_at_risk_and_one_before_the_best_is_not_likely():
    found = forecast_risk([trend()], plans(1, 3, 5), NOW)
    assert [(each.order, each.likely) for each in found] == [("o1", False), ("o2", True)]


def test_a_kpi_that_gets_better_or_a_step_that_runs_is_no_risk():
    assert forecast_risk([trend(slope=-1e-6, low=-2e-6, high=-1e-7)], plans(9), NOW) == ()
    assert forecast_risk([trend()], plans(9, running=[OperationId("ream-a")]), NOW) == ()


def test_a_slope_that_may_be_flat_has_no_latest_date():
    (risk,) = forecast_risk([trend(slope=0.0, low=-1e-6, high=1e-6)], plans(9), NOW)
    assert (risk.passes_at, risk.latest, risk.likely) == (None, None, False)
    assert risk.because.details["latest"] == "never"


def test_a_limit_that_is_passed_already_is_passed_now():
    (risk,) = forecast_risk([trend(value=16e-6)], plans(1), NOW)
    assert risk.passes_at == NOW


def test_the_margin_that_matching_reckons_with_counts():
    (risk,) = forecast_risk([trend(margin=1.5e-6)], plans(5), NOW)
    assert risk.passes_at == pytest.approx(NOW + 2 * DAY)


@settings(max_examples=50, deadline=None)
@given(
    value=st.floats(1e-6, 2e-5),
    slope=st.floats(-2e-6, 2e-6),
    spread=st.floats(0, 2e-6),
    days=st.lists(st.integers(0, 30), min_size=1, max_size=4),
)
def test_dates_are_in_order_and_a_wider_interval_warns_of_no_less(value, slope, spread, days):
    watch = plans(*days)
    narrow = trend(value, slope, slope - spread, slope + spread)
    wide = trend(value, slope, slope - 2 * spread, slope + 2 * spread)
    found = forecast_risk([narrow], watch, NOW)
    for each in found:
        assert each.soonest <= each.starts_at
        if each.passes_at is not None:
            assert each.soonest <= each.passes_at
        if each.latest is not None:
            assert each.passes_at is not None
            assert each.passes_at <= each.latest
    known = [each.passes_at for each in found if each.passes_at is not None]
    assert known == sorted(known)
    more = forecast_risk([wide], watch, NOW)
    assert {each.order for each in found} <= {each.order for each in more}
    likely = {each.order for each in found if each.likely}
    assert likely == {each.order for each in more if each.likely}
