"""Energy by time of day: what steps pay, what they pay at least, and waits that pay."""

from datetime import timedelta
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.instant import DAY, HOUR, MINUTE, SECOND, Instant
from fabloop.base.zones import at_clock, local_day
from fabloop.model.calendar import Shift, WorkCalendar, open_spans
from fabloop.model.explanation import ReasonCode
from fabloop.model.ids import OrderId, SkillId
from fabloop.model.plan import NotProducible, Producible
from fabloop.model.site import EnergyBand, Tariff
from fabloop.model.timetable import energy_rates
from fabloop.plan.checker import Grounds, check_plan
from fabloop.plan.floors.orders_search import OrdersObjective
from fabloop.plan.orders import plan_orders
from fabloop.plan.producible import Objective, check, replan
from fabloop.plan.quick import quick_plan
from fabloop.plan.statement.bands import Bands, averages
from fabloop.plan.statement.open_bands import OpenBands
from fabloop.plan.statement.problem import Setting
from fabloop.plan.terms.wishes import Wishes
from fabloop.plan.tradeoffs.front import Front, front
from plan.crewed import EARLY, staffed, with_operations, with_sites
from plan.instances import NOW, gear, graz_and_vienna, random_instance, vocabulary

SEEDS = st.integers(0, 1_000_000)
KWH = 3.6e6
VIENNA = "Europe/Vienna"
LAGOS = "Africa/Lagos"
"""A time zone whose clocks never change."""
DAY_PRICE, NIGHT_PRICE = 30.0 / KWH, 10.0 / KWH


def band(start, end, price, co2, weekdays=(0, 1, 2, 3, 4, 5, 6)):
    return EnergyBand(
        weekdays=weekdays,
        start_ns=start,
        end_ns=end,
        energy_minor_per_j=price,
        co2_kg_per_j=co2,
    )


NIGHTS = (
    band(0, 6 * HOUR, NIGHT_PRICE, 0.05 / KWH),
    band(22 * HOUR, DAY, NIGHT_PRICE, 0.05 / KWH),
)


def with_bands(plant, bands, price=DAY_PRICE, power=None):
    def changed(site):
        tariff = msgspec.structs.replace(
            site.tariff, bands=bands, energy_minor_per_j=price, co2_kg_per_j=0.2 / KWH
        )
        units = site.work_units
        if power is not None:
            units = tuple(msgspec.structs.replace(each, power_w=power) for each in units)
        return msgspec.structs.replace(site, tariff=tariff, work_units=units)

    sites = {key: changed(site) for key, site in plant.sites.items()}
    return msgspec.structs.replace(plant, sites=sites)


def due(order, after):
    return msgspec.structs.replace(order, due_at=Instant(NOW + after))


def best(order, plant, values, **more):
    answer = check(order, plant, vocabulary(), values, NOW, plans_max=1, **more)
    return answer.plans[0] if isinstance(answer, Producible) else answer


def grounds(order, plant, values):
    return Grounds(
        product=order.product,
        network=plant,
        vocabulary=vocabulary(),
        kpis=values,
        now=NOW,
        quantity=order.quantity,
    )


def told(plan, objective):
    return next(each for each in plan.optimality if each.objective == objective)


@st.composite
def tariffs(draw):
    edges = sorted(draw(st.sets(st.integers(0, 96), min_size=2, max_size=5)))
    bands = tuple(
        band(
            start * 15 * MINUTE,
            end * 15 * MINUTE,
            draw(st.integers(0, 40)) / KWH,
            draw(st.integers(0, 40)) / KWH,
            tuple(draw(st.sets(st.integers(0, 6), min_size=1))),
        )
        for start, end in pairwise(edges)
    )
    return Tariff(
        currency="EUR",
        energy_minor_per_j=20 / KWH,
        co2_kg_per_j=20 / KWH,
        labour_cost_per_hour_minor=0,
        bands=bands,
    )


@given(tariffs(), st.integers(0, 400 * 96), st.integers(0, 3 * 96))
@settings(max_examples=40, deadline=None)
def test_rates_of_a_span_are_those_of_every_instant_of_it(tariff, quarters, length):
    start = Instant(NOW // (15 * MINUTE) * 15 * MINUTE + quarters * 15 * MINUTE)
    end = Instant(start + length * 15 * MINUTE)
    found = Bands(tariff, VIENNA).rates(start, end)
    assert (found[0].start, found[-1].end) == (start, end)
    assert all(before.end == after.start for before, after in pairwise(found))
    for each in found:
        for at in (each.start, Instant((each.start + each.end) // 2)):
            expected = energy_rates(tariff, VIENNA, at)
            assert expected == (each.energy_minor_per_j, each.co2_kg_per_j)


@given(
    tariffs(),
    st.integers(1, 40 * HOUR // SECOND),
    st.lists(st.integers(0, 300 * 96), min_size=9, max_size=20),
)
@settings(max_examples=25, deadline=None)
def test_no_start_pays_less_than_the_least(tariff, ticks, starts):
    bands = Bands(tariff, VIENNA)
    least = [float(bands.least(np.array([float(ticks)]), co2=each)[0]) for each in (False, True)]
    for quarter in starts:
        start = Instant(NOW + quarter * 15 * MINUTE)
        found = averages(bands.rates(start, Instant(start + ticks * SECOND)))
        assert all(low <= value + 1e-15 for low, value in zip(least, found, strict=True))


@given(tariffs(), st.integers(1, 96))
@settings(max_examples=10, deadline=None)
def test_the_least_of_whole_quarters_is_met_by_some_start(tariff, quarters):
    bands, length = Bands(tariff, LAGOS), quarters * 15 * MINUTE
    low = float(bands.least(np.array([length / SECOND]), co2=False)[0])
    day = at_clock(local_day(Instant(NOW), LAGOS), 0, LAGOS)
    starts = [Instant(day + each * 15 * MINUTE) for each in range(7 * 96)]
    found = min(averages(bands.rates(each, Instant(each + length)))[0] for each in starts)
    assert low <= found + 1e-15
    assert low == pytest.approx(found, abs=1e-15)


def test_a_step_over_the_edge_of_a_band_pays_each_part_at_its_price():
    plant, values = graz_and_vienna()
    plant = with_bands(plant, NIGHTS, power=4_000.0)
    order = gear()
    plan = best(order, plant, values, objective=Objective.MAKESPAN)
    assert check_plan(plan, grounds(order, plant, values)) == ()
    for step in plan.steps:
        parts = zip(step.rates, (each.end - each.start for each in step.rates), strict=True)
        shares = [(rate.co2_kg_per_j, took / (step.end - step.start)) for rate, took in parts]
        assert sum(share for _, share in shares) == pytest.approx(1.0)
        expected = step.energy_j * sum(rate * share for rate, share in shares)
        assert step.co2_kg == pytest.approx(expected, rel=1e-9)


def test_a_cheap_plan_waits_for_the_night_where_it_is_not_late_for_that():
    plant, values = graz_and_vienna()
    plant = with_bands(plant, NIGHTS, power=40_000.0)
    hurried, patient = due(gear(), HOUR), due(gear(), 3 * DAY)
    at_once, waiting = best(hurried, plant, values), best(patient, plant, values)
    assert waiting.totals.cost_minor < at_once.totals.cost_minor
    assert all(each.energy_minor_per_j == NIGHT_PRICE for s in waiting.steps for each in s.rates)
    assert told(waiting, "cost").proven
    assert told(waiting, "cost").scope == "all plans"
    assert told(at_once, "cost").scope == "plans that are ready no later"
    assert told(at_once, "cost").bound > told(waiting, "cost").value
    assert max(each.end for each in waiting.steps) <= patient.due_at


def test_the_fastest_plan_is_no_later_for_a_cheaper_hour():
    plant, values = graz_and_vienna()
    order = due(gear(), 3 * DAY)
    plain = best(order, plant, values, objective=Objective.MAKESPAN)
    plant = with_bands(plant, NIGHTS)
    banded = best(order, plant, values, objective=Objective.MAKESPAN)
    assert banded.totals.makespan_ns == plain.totals.makespan_ns


@given(
    tariffs(),
    st.integers(0, 95),
    st.integers(1, 95),
    st.integers(1, 14 * HOUR // SECOND),
    st.lists(st.floats(0, 1), min_size=6, max_size=12),
)
@settings(max_examples=25, deadline=None)
def test_no_start_while_open_pays_less_than_the_least_of_open_hours(
    tariff, opens, length, ticks, shares
):
    start, end = opens * 15 * MINUTE, min(DAY, (opens + length) * 15 * MINUTE)
    calendar = WorkCalendar(shifts=(Shift(id="s", label="S", start_ns=start, end_ns=end),))
    spans = open_spans(calendar, VIENNA, NOW, Instant(NOW + 40 * DAY))
    ends = [NOW, *(each for span in spans for each in span), Instant(NOW + 4_000 * DAY)]
    closed = tuple((a, b) for a, b in zip(ends[::2], ends[1::2], strict=True) if a < b)
    bands = Bands(tariff, VIENNA)
    within, took = OpenBands(bands, closed, NOW), ticks * SECOND
    for co2 in (False, True):
        (least,) = within.least(np.array([float(ticks)]), co2=co2)
        assert least >= bands.least(np.array([float(ticks)]), co2=co2)[0]
        for a, b in [span for span in spans if span[1] - span[0] >= took][:20]:
            edges = [each for each in bands.edges(a, b) if each + took <= b]
            free = [Instant(a + int(share * (b - a - took))) for share in shares[:3]]
            for at in (a, Instant(b - took), *edges, *free):
                paid = averages(bands.rates(at, Instant(at + took)))[int(co2)]
                assert least <= paid + 1e-15


def test_the_least_of_open_hours_is_what_the_best_of_them_takes():
    tariff = Tariff(
        currency="EUR",
        labour_cost_per_hour_minor=0,
        energy_minor_per_j=DAY_PRICE,
        co2_kg_per_j=0.2 / KWH,
        bands=NIGHTS,
    )
    bands = Bands(tariff, VIENNA)
    day = at_clock(local_day(NOW, VIENNA) + timedelta(days=1), 0, VIENNA)
    opens, closes = Instant(day + 5 * HOUR), Instant(day + 17 * HOUR)
    closed = ((NOW, opens), (closes, Instant(closes + 4_000 * DAY)))
    (least,) = OpenBands(bands, closed, NOW).least(np.array([2 * 3600.0]), co2=False)
    assert least == pytest.approx((NIGHT_PRICE + DAY_PRICE) / 2)
    assert bands.least(np.array([2 * 3600.0]), co2=False)[0] == pytest.approx(NIGHT_PRICE)


def test_a_step_just_as_long_as_the_longest_open_span_has_a_least_price():
    tariff = Tariff(
        currency="EUR",
        labour_cost_per_hour_minor=0,
        energy_minor_per_j=DAY_PRICE,
        co2_kg_per_j=0.2 / KWH,
        bands=NIGHTS,
    )
    bands = Bands(tariff, VIENNA)
    day = at_clock(local_day(NOW, VIENNA) + timedelta(days=1), 0, VIENNA)
    closed = ((NOW, Instant(day + HOUR)), (Instant(day + 3 * HOUR), Instant(day + 4_000 * DAY)))
    ticks = np.array([2 * 3600.0, 3 * 3600.0])
    least = OpenBands(bands, closed, NOW).least(ticks, co2=False)
    assert least == pytest.approx([NIGHT_PRICE, NIGHT_PRICE])


def test_a_cost_is_proven_by_the_hours_in_which_work_units_are_open():
    plant, values = graz_and_vienna()
    plant = with_bands(plant, NIGHTS, power=40_000.0)
    at_any_hour = plant
    shift = Shift(id="day", label="Day", start_ns=7 * HOUR, end_ns=19 * HOUR)
    calendar = WorkCalendar(shifts=(shift,))
    sites = {
        key: msgspec.structs.replace(
            site,
            work_units=tuple(
                msgspec.structs.replace(each, calendar=calendar) for each in site.work_units
            ),
        )
        for key, site in plant.sites.items()
    }
    plant = msgspec.structs.replace(plant, sites=sites)
    plan = best(due(gear(), 5 * DAY), plant, values)
    cost = told(plan, "cost")
    assert cost.proven
    assert cost.bound == cost.value
    anyhow = best(due(gear(), 5 * DAY), at_any_hour, values)
    assert told(anyhow, "cost").value < cost.value


def hours_and_shifts(site, shift, *persons):
    """Return the site whose work units are open in one shift, with persons of others."""
    calendar = WorkCalendar(shifts=(shift,))
    units = tuple(msgspec.structs.replace(e, calendar=calendar) for e in site.work_units)
    return staffed(msgspec.structs.replace(site, work_units=units, persons=()), *persons)


def manual(_, operation):
    return msgspec.structs.replace(operation, person_skill=SkillId("assembler"))


def test_a_step_for_which_nobody_is_ever_on_shift_cannot_be_made_beside_prices_by_the_hour():
    plant, values = graz_and_vienna()
    plant = with_sites(
        with_bands(plant, NIGHTS), lambda site: hours_and_shifts(site, EARLY, "late")
    )
    answer = best(with_operations(due(gear(), DAY), manual), plant, values)
    assert isinstance(answer, NotProducible)
    codes = {each.code for row in answer.exclusions for each in row.reasons}
    assert ReasonCode.SHIFT_TOO_SHORT in codes


def test_a_step_that_tells_other_rates_or_sums_is_refused():
    plant, values = graz_and_vienna()
    plant, order = with_bands(plant, NIGHTS, power=40_000.0), due(gear(), HOUR)
    plan = best(order, plant, values)
    first, *others = plan.steps
    for wrong in (
        {"rates": ()},
        {"rates": first.rates[:-1]},
        {"cost_minor": first.cost_minor - 5},
        {"co2_kg": first.co2_kg * 0.9},
        {"rates": (*(msgspec.structs.replace(e, energy_minor_per_j=0.0) for e in first.rates),)},
    ):
        step = msgspec.structs.replace(first, **wrong)
        mutated = msgspec.structs.replace(plan, steps=(step, *others))
        found = {each.code for each in check_plan(mutated, grounds(order, plant, values))}
        assert ReasonCode.STEP_FIGURE_WRONG in found


@given(SEEDS, tariffs(), st.integers(0, 60))
@settings(max_examples=20, deadline=None)
def test_plans_of_every_kind_hold_and_no_bound_exceeds_them(seed, tariff, hours):
    order, plant, values = random_instance(seed)
    plant, order = with_bands(plant, tariff.bands), due(order, hours * HOUR)
    answer = check(order, plant, vocabulary(), values, NOW)
    if not isinstance(answer, Producible):
        return
    for plan in answer.plans:
        assert check_plan(plan, grounds(order, plant, values)) == ()
        assert all(each.bound <= each.value * (1 + 1e-9) for each in plan.optimality)
    for objective in (Objective.COST, Objective.CO2):
        setting = Setting(plant, vocabulary(), values, NOW, NOW)
        quick = quick_plan(order, setting, objective)
        assert quick is not None
        assert check_plan(quick, grounds(order, plant, values)) == ()
    first = answer.plans[0]
    again = replan(order, first, {}, {}, plant, vocabulary(), values, NOW)
    assert isinstance(again, Producible)
    assert again.plans[0].steps == first.steps


@given(SEEDS, tariffs())
@settings(max_examples=8, deadline=None)
def test_budgets_and_fronts_count_what_the_hours_make_of_a_plan(seed, tariff):
    order, plant, values = random_instance(seed, operations=4)
    plant, order = with_bands(plant, tariff.bands), due(order, DAY)
    plan = best(order, plant, values)
    if not hasattr(plan, "steps"):
        return
    budget = plan.totals.cost_minor
    found = best(order, plant, values, wishes=Wishes(cost_max_minor=budget), effort=0.5)
    if hasattr(found, "steps"):
        assert found.totals.cost_minor <= budget
    points = front(order, plant, vocabulary(), values, NOW, effort=0.3)
    assert isinstance(points, Front)
    for point in points.points:
        assert check_plan(point.plan, grounds(order, plant, values)) == ()
    costs = [point.plan.totals.cost_minor for point in points.points]
    assert costs == sorted(costs)
    assert costs[0] <= budget  # the cheapest plan is on the front, though it waits for its hours


def test_orders_planned_together_wait_for_the_night_without_meeting():
    plant, values = graz_and_vienna()
    plant = with_bands(plant, NIGHTS, power=40_000.0)
    orders = [
        msgspec.structs.replace(due(gear(), 4 * DAY), id=OrderId(f"order-{number}"))
        for number in range(3)
    ]
    answer = plan_orders(
        orders, plant, vocabulary(), values, NOW, objective=OrdersObjective.COST, effort=1.0
    )
    assert len(answer.plans) == 3
    assert answer.optimality is not None
    assert answer.optimality.value == sum(each.totals.cost_minor for each in answer.plans)
    nights = [
        all(rate.energy_minor_per_j == NIGHT_PRICE for rate in step.rates)
        for plan in answer.plans
        for step in plan.steps
    ]
    assert sum(nights) > len(nights) / 2
