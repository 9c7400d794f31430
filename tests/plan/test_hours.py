"""What hours make of a plan: the bound holds for every plan in time, and small plans meet it."""

from random import Random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.instant import DAY, HOUR, Instant
from fabloop.base.zones import local_day
from fabloop.model.calendar import Shift, WorkCalendar
from fabloop.model.plan import Producible
from fabloop.plan.checker import Grounds, check_plan
from fabloop.plan.producible import Objective, check
from fabloop.plan.statement.bands import Bands, averages
from fabloop.plan.statement.hourly import Hourly, Slots
from fabloop.plan.statement.problem import MEASURE, Setting, problem_of
from fabloop.plan.statement.roads import TICK
from fabloop.plan.tradeoffs import hours as hours_module
from fabloop.plan.tradeoffs.hours import hours_of
from plan.crewed import random_crewed, with_operations, with_sites
from plan.instances import NOW, network, operation, order, site, unit, vocabulary
from plan.instances import offer as offered
from plan.test_bands import KWH, NIGHTS, band, told, with_bands
from plan.test_parts import due, stocked, taking_bars

SEEDS = st.integers(0, 1_000_000)
NOONS = (band(10 * HOUR, 14 * HOUR, 5.0 / KWH, 0.02 / KWH),)
EARLY = WorkCalendar(shifts=(Shift(id="e", label="E", start_ns=6 * HOUR, end_ns=14 * HOUR),))
SUMS = (Objective.COST, Objective.CO2)


def problem_for(asked, plant, values=None):
    setting = Setting(
        plant, vocabulary(), values or {}, NOW, NOW, quantity=asked.quantity, due_at=asked.due_at
    )
    return problem_of(asked.product, setting)


def chain(minutes, *, calendar, bands, days):
    """Steps one after another, all on one work unit that is open at certain hours."""
    names = [f"o{number}" for number in range(len(minutes))]
    steps = [
        operation(name, "mill", *names[max(0, number - 1) : number], minutes=minutes[number])
        for number, name in enumerate(names)
    ]
    machine = unit("u", "s", "hall", offered("mill"), rate=0)
    machine = msgspec.structs.replace(machine, calendar=calendar)
    plant = with_bands(network(site("s", [machine, unit("v", "s", "hall")], ())), bands, power=5e4)
    links = msgspec.structs.replace(plant.sites["s"], transport=())
    return due(order(*steps), days * DAY), with_sites(plant, lambda _: links)


def least_by_hand(problem, plant, until):
    """Return the least CO2 of a chain, all starts tried at which anything bends."""
    noun = plant.sites["s"]
    bands = Bands(noun.tariff, noun.time_zone)
    lasts, busy = [job.candidates[0].takes.ticks for job in problem.jobs], problem.busy.get("u", ())
    edges = {(each - NOW) // TICK for each in bands.edges(NOW, Instant(NOW + 4 * DAY))}
    edges |= {0, until, *(edge for span in busy for edge in span)}
    sums = {0}
    for ticks in lasts:
        sums |= {each + ticks for each in sums}
    points = {edge + way * each for edge in edges for each in sums for way in (1, -1)}
    best = {0: 0.0}
    for job, ticks in zip(problem.jobs, lasts, strict=True):
        after = {}
        for start in sorted(each for each in points if 0 <= each <= until - ticks):
            before = [value for end, value in best.items() if end <= start]
            if before and not any(a < start + ticks and start < b for a, b in busy):
                begin = Instant(NOW + start * TICK)
                rates = averages(bands.rates(begin, Instant(begin + ticks * TICK)))
                value = min(before) + job.candidates[0].takes.energy * rates[1]
                after[start + ticks] = min(value, after.get(start + ticks, value))
        best = after
    return min(best.values())


@settings(max_examples=8)
@given(
    st.lists(st.sampled_from([45, 90, 180, 300]), min_size=1, max_size=3),
    st.sampled_from([NOONS, NIGHTS]),
    st.sampled_from([None, EARLY]),
    st.sampled_from([2, 3]),
)
def test_bound_and_plan_are_what_trying_every_start_gives(minutes, bands, calendar, days):
    asked, plant = chain(minutes, bands=bands, calendar=calendar, days=days)
    problem, until = problem_for(asked, plant), days * DAY // TICK
    by_hand = least_by_hand(problem, plant, until)
    slack = 2 * len(minutes) * (until // 1_000) * 90_000.0 * 0.2 / KWH  # slots at the dearest hour
    bound = hours_of(problem, MEASURE[Objective.CO2], until).bound()
    assert by_hand - slack <= bound <= by_hand * (1 + 1e-9)
    answer = check(asked, plant, vocabulary(), {}, NOW, plans_max=1, objective=Objective.CO2)
    (plan,) = answer.plans
    assert by_hand * (1 - 1e-9) <= plan.totals.co2_kg <= by_hand + slack
    assert told(plan, "co2").bound <= by_hand * (1 + 1e-9)


def test_steps_that_want_the_same_hours_of_one_work_unit_take_those_of_two_days():
    asked, plant = chain([180, 180, 30], bands=NOONS, calendar=EARLY, days=4)

    def beside(number, each):
        return msgspec.structs.replace(each, inputs=("o0", "o1") if number == 2 else ())

    asked = with_operations(asked, beside)
    answer = check(asked, plant, vocabulary(), {}, NOW, plans_max=1, objective=Objective.CO2)
    (plan,) = answer.plans
    cheap = {each.co2_kg_per_j for step in plan.steps for each in step.rates}
    assert cheap == {0.02 / KWH}
    assert told(plan, "co2").proven
    days = {local_day(step.start, "Europe/Vienna") for step in plan.steps[:2]}
    assert len(days) == 2


def test_what_is_too_large_for_hours_is_planned_without_them(monkeypatch):
    asked, plant, values = mixed(7)
    whole = check(asked, plant, vocabulary(), values, NOW, plans_max=1)
    monkeypatch.setattr(hours_module, "CELLS_MAX", 10)
    rough = check(asked, plant, vocabulary(), values, NOW, plans_max=1)
    assert told(rough.plans[0], "cost").scope == "all plans"
    assert told(rough.plans[0], "cost").bound <= told(whole.plans[0], "cost").value


def mixed(seed):
    """Return an instance with persons, set-ups, hours, dear energy and parts of every kind."""
    roll = Random(seed)
    asked, plant, values = random_crewed(seed, operations=roll.randint(3, 5))
    plant = with_bands(plant, roll.choice([NOONS, NIGHTS, (*NOONS, *NIGHTS)]), power=2e4)
    stock = {each: [(roll.randint(1, 2), NOW + roll.randint(0, 9) * HOUR)] for each in plant.sites}
    outputs = [each.output for each in asked.product.operations]
    asked = taking_bars(asked, *roll.sample(outputs, 2), amount=roll.randint(1, 2))
    return due(asked, roll.randint(1, 6) * DAY), stocked(plant, **stock), values


@settings(max_examples=6)
@given(SEEDS)
def test_no_plan_in_time_is_below_the_bound_and_every_plan_passes_the_check(seed):
    asked, plant, values = mixed(seed)
    answers = [
        check(asked, plant, vocabulary(), values, NOW, plans_max=2, objective=each)
        for each in (*SUMS, Objective.MAKESPAN)
    ]
    plans = [plan for it in answers if isinstance(it, Producible) for plan in it.plans]
    grounds = Grounds(
        product=asked.product,
        network=plant,
        vocabulary=vocabulary(),
        kpis=values,
        now=NOW,
        quantity=asked.quantity,
    )
    for plan in plans:
        assert check_plan(plan, grounds) == ()
        for each in SUMS:
            mine = told(plan, each)
            last = max(asked.due_at - NOW, plan.totals.makespan_ns)
            in_time = [it for it in plans if it.totals.makespan_ns <= last]
            for other in in_time if mine.scope.startswith("plans that are ready") else ():
                assert told(other, each).value >= mine.bound * (1 - 1e-9)


@settings(max_examples=10)
@given(SEEDS)
def test_what_a_start_takes_at_least_is_what_the_step_is_charged_then(seed):
    asked, plant, values = mixed(seed)
    problem = problem_for(asked, plant, values).waiting(until_due=True)
    hourly = Hourly(problem, Slots(3_600, 48))
    for job in problem.jobs:
        for each in job.candidates:
            starts = hourly.of(job, each)
            for place in range(0, len(starts.tick), 7):
                tick, takes = int(starts.tick[place]), starts.takes.row(place)
                families = [None]
                if job.operation.setup_family and each.unit.setups and takes.ticks:
                    before = {"", *(it.before for it in each.unit.setups)}
                    family = job.operation.setup_family
                    apart = {it: each.unit.setup_between(it, family) for it in before}
                    families = [it for it in before if apart[it] >= each.apart_ns]
                end = tick + takes.ticks
                found = [problem.charges.of(job.operation, each, tick, end, it) for it in families]
                assert takes.cost <= min(it.cost for it in found)
                assert takes.co2 <= min(it.co2 for it in found) * (1 + 1e-9)
                assert takes.energy <= min(it.energy for it in found) * (1 + 1e-9)
                if families == [None]:
                    assert 0 <= found[0].cost - takes.cost <= 1  # halves are rounded down
