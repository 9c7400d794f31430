"""Several orders planned together: free of conflicts, with bounds that hold."""

from itertools import pairwise, permutations, product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from fabloop.base.errors import Invalid
from fabloop.base.instant import HOUR, MINUTE, SECOND, Instant
from fabloop.model.calendar import CalendarException, WorkCalendar
from fabloop.model.plan import MovementKind, NotProducible
from fabloop.model.product import Alternative, RoutingOption
from fabloop.model.site import EnergyBand
from fabloop.plan.engine import is_possible_now, least
from fabloop.plan.floors.floor import Line
from fabloop.plan.floors.orders_search import OrdersObjective
from fabloop.plan.orders import plan_orders
from fabloop.plan.statement.problem import MEASURE, Objective, Setting, problem_of
from plan.instances import (
    NOW,
    link,
    network,
    offer,
    operation,
    order,
    random_instance,
    site,
    unit,
    vocabulary,
)
from plan.multifactory import generated_orders

MAKESPAN, TARDINESS, COST = OrdersObjective


def one_mill(*, mills=1):
    units = [unit(f"mill-{n}", "s", "hall", offer("mill", monitored=False)) for n in range(mills)]
    agv = unit("agv", "s", "hall")
    return network(site("s", [*units, agv], [link("hall", "hall", "agv")]))


def milled(name, *, minutes=30, due=HOUR, priority=1):
    made = order(operation("mill", "mill", minutes=minutes), name=name)
    return replace(made, due_at=Instant(NOW + due), priority=priority)


def asked(orders, plant, kpis=None, **more):
    return plan_orders(orders, plant, vocabulary(), kpis or {}, NOW, **{"effort": 0.2, **more})


def occupied(plans):
    taken = {}
    for plan in plans:
        for step in plan.steps:
            taken.setdefault(step.work_unit, []).append((step.start, step.end))
        for each in plan.movements:
            if each.kind is MovementKind.TRANSPORT:
                taken.setdefault(each.by, []).append((each.start, each.end))
    return taken


def no_conflicts(plans):
    return all(
        before[1] <= after[0]
        for spans in occupied(plans).values()
        for before, after in pairwise(sorted(each for each in spans if each[0] < each[1]))
    )


def small_instance(seed, count=2, sites=1):
    """Two small orders on one random network."""
    first, plant, kpis = random_instance(seed, operations=2, sites=sites, units=4 - sites)
    orders = [first]
    for number in range(1, count):
        other, _, _ = random_instance(
            seed + 1000 * number, operations=2, sites=sites, units=4 - sites
        )
        orders.append(replace(other, id=f"order-{number}"))
    return orders, plant, kpis


def problems(orders, plant, kpis):
    setting = Setting(plant, vocabulary(), kpis, NOW, NOW)
    return [problem_of(each.product, setting) for each in orders]


def best_by_trying(found):
    """Return the least finish over all choices and all sequences, each job at the end of a queue.

    It is the finish of a schedule that exists; nothing better may be proven impossible.
    """
    jobs = [(k, j) for k, problem in enumerate(found) for j in range(len(problem.jobs))]
    picks = [range(len(found[k].jobs[j].candidates)) for k, j in jobs]
    best = None
    for choice in product(*picks):
        chosen = dict(zip(jobs, choice, strict=True))
        for sequence in permutations(jobs):
            finish = _append(found, chosen, sequence)
            if finish is not None and (best is None or finish < best):
                best = finish
    return best


def _append(found, chosen, sequence):
    free, ends = {}, {}
    for k, j in sequence:
        job = found[k].jobs[j]
        candidate = job.candidates[chosen[k, j]]
        ready = 0
        for source in job.sources:
            if (k, source.job) not in ends:
                return None
            start = found[k].jobs[source.job].candidates[chosen[k, source.job]].place
            legs = found[k].roads.route(start, candidate.place, _TICKS)
            if legs is None:
                return None
            at = ends[k, source.job]
            for leg in legs:
                if leg.hop.kind is MovementKind.TRANSPORT:
                    at = max(at, free.get(leg.hop.by, 0))
                    free[leg.hop.by] = at + leg.hop.takes.ticks
                at += leg.hop.takes.ticks
            ready = max(ready, at)
        begin = max(ready, free.get(candidate.unit.id, 0))
        ends[k, j] = free[candidate.unit.id] = begin + candidate.takes.ticks
    return max(ends.values())


_TICKS = MEASURE[Objective.MAKESPAN]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 2))
def test_no_bound_excludes_a_schedule_that_exists(seed, sites):
    orders, plant, kpis = small_instance(seed, sites=sites)
    found = problems(orders, plant, kpis)
    assume(all(is_possible_now(each) for each in found))
    best = best_by_trying(found)
    assume(best is not None)
    answer = asked(orders, plant, kpis)
    assert answer.optimality.bound <= best * SECOND
    assert answer.optimality.value >= answer.optimality.bound
    assert no_conflicts(answer.plans)
    if answer.optimality.proven:
        assert answer.optimality.value <= best * SECOND


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(OrdersObjective))
def test_plans_together_are_free_of_conflicts(seed, objective):
    orders, plant, kpis = small_instance(seed, count=4)
    answer = asked(orders, plant, kpis, objective=objective)
    assert no_conflicts(answer.plans)
    assert {*answer.refused, *(each.order for each in answer.plans)} == {e.id for e in orders}


def test_orders_that_share_a_work_unit_queue_and_the_queue_is_proven():
    answer = asked([milled("a"), milled("b"), milled("c")], one_mill())
    assert answer.optimality.value == 90 * MINUTE
    assert answer.optimality.proven
    assert len(asked([milled("a")], one_mill()).plans) == 1


def test_two_work_units_halve_the_queue():
    answer = asked([milled(name) for name in "abcd"], one_mill(mills=2))
    assert answer.optimality.value == 60 * MINUTE
    assert answer.optimality.proven


def test_work_that_cannot_leave_a_site_loads_the_work_units_there():
    """Each site is fast at one of two steps, and nothing is carried from one to the other."""
    sites = []
    for name, quick, slow in (("graz", "mill", "clean"), ("wien", "clean", "mill")):
        units = [
            unit(f"{name}-{quick}", name, "hall", offer(quick, monitored=False), speed=3.0),
            unit(f"{name}-{slow}", name, "hall", offer(slow, monitored=False)),
            unit(f"{name}-agv", name, "hall"),
        ]
        sites.append(site(name, units, [link("hall", "hall", f"{name}-agv", minutes=0)]))
    steps = operation("a", "mill", minutes=30), operation("b", "clean", "a", minutes=30)
    orders = [order(*steps, name=f"order-{number}") for number in range(8)]
    answer = asked(orders, network(*sites))
    assert answer.optimality.bound >= 130 * MINUTE
    assert answer.optimality.proven


def test_the_urgent_order_goes_first_and_the_heavy_one_of_two_late_ones():
    late, urgent = milled("late", due=3 * HOUR), milled("urgent", due=HOUR // 2)
    answer = asked([late, urgent], one_mill(), objective=TARDINESS)
    assert answer.optimality.value == 0
    assert answer.optimality.proven
    ends = {plan.order: plan.steps[0].end for plan in answer.plans}
    assert ends["urgent"] == NOW + 30 * MINUTE
    light, heavy = milled("light", due=HOUR // 2), milled("heavy", due=HOUR // 2, priority=5)
    answer = asked([light, heavy], one_mill(), objective=TARDINESS)
    assert answer.optimality.value == 30 * MINUTE


def test_the_cost_of_orders_together_is_the_sum_of_the_cheapest_plans():
    it, orders = generated_orders(2, 10, 12, 3, seed=4)
    setting = Setting(it.network, it.vocabulary, it.kpis, it.now, it.now)
    found = [problem_of(each.product, setting) for each in orders]
    answer = plan_orders(
        orders, it.network, it.vocabulary, it.kpis, it.now, objective=COST, effort=0.2
    )
    paid = sum(each.totals.cost_minor for each in answer.plans)
    assert paid == answer.optimality.value == sum(least(each, Objective.COST) for each in found)
    assert answer.optimality.proven


def test_an_order_that_nobody_can_make_is_told_apart():
    odd = order(operation("ream", "ream"), name="odd")
    answer = asked([milled("a"), odd], one_mill())
    assert [each.order for each in answer.plans] == ["a"]
    assert isinstance(answer.refused["odd"], NotProducible)
    assert answer.refused["odd"].conflicts
    nothing = asked([odd], one_mill())
    assert nothing.plans == ()
    assert nothing.optimality is None


def test_orders_of_one_id_are_refused():
    with pytest.raises(Invalid, match="one order of this id"):
        asked([milled("a"), milled("a")], one_mill())


def test_engagements_of_other_plans_are_kept_clear_of():
    busy = {"mill-0": ((NOW, Instant(NOW + 20 * MINUTE)),)}
    answer = asked([milled("a"), milled("b")], one_mill(), busy=busy)
    assert min(plan.steps[0].start for plan in answer.plans) == NOW + 20 * MINUTE
    assert answer.optimality.value == 80 * MINUTE
    assert answer.optimality.proven


def test_pieces_of_an_order_take_their_time():
    answer = asked([replace(milled("a"), quantity=4)], one_mill())
    step = answer.plans[0].steps[0]
    assert step.end - step.start == 120 * MINUTE


def test_the_same_question_has_the_same_answer_and_each_incumbent_is_better():
    it, orders = generated_orders(2, 10, 12, 5, seed=3)
    told = []

    def ask():
        told.clear()
        return plan_orders(
            orders, it.network, it.vocabulary, it.kpis, it.now, effort=0.5, on_incumbent=told.append
        )

    first = ask()
    assert first == ask()
    assert tuple(told) == first.incumbents
    assert all(a.value >= b.value and a.bound <= b.bound for a, b in pairwise(told))
    assert no_conflicts(first.plans)


def test_twenty_orders_over_five_factories_are_within_ten_percent():
    it, orders = generated_orders(5, 20, 20, 20, seed=8)
    answer = plan_orders(orders, it.network, it.vocabulary, it.kpis, it.now, effort=3)
    assert len(answer.plans) == 20
    assert answer.optimality.bound >= 0.9 * answer.optimality.value


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), max_size=20))
def test_a_line_gives_the_first_gap_and_takes_spans_back(wishes):
    line, booked = Line(), []
    for ready, ticks in wishes:
        start = line.first(ready, ticks)
        assert all(start + ticks <= s or s + t <= start for s, t in booked if t and ticks)
        earlier = range(ready, start)
        assert all(any(s < at + ticks and at < s + t for s, t in booked if t) for at in earlier)
        line.book(start, ticks)
        booked.append((start, ticks))
    for start, ticks in booked:
        line.free(start, ticks)
    assert line.starts == line.ends == []


def test_an_order_chooses_one_of_its_routings():
    way = Alternative(
        id="way",
        label="Way",
        options=(
            RoutingOption(id="slow", label="Slow", operations=("slow",)),
            RoutingOption(id="quick", label="Quick", operations=("quick",)),
        ),
    )
    made = order(
        operation("slow", "mill", minutes=90),
        operation("quick", "drill", minutes=20),
        operation("last", "mill", "slow", "quick", minutes=10),
        name="ways",
    )
    made = replace(made, product=replace(made.product, alternatives=(way,)))
    units = [
        unit("mill", "s", "hall", offer("mill", monitored=False)),
        unit("drill", "s", "hall", offer("drill", monitored=False)),
        unit("agv", "s", "hall"),
    ]
    plant = network(site("s", units, [link("hall", "hall", "agv", minutes=1)]))
    for objective in OrdersObjective:
        answer = asked([made, milled("other")], plant, objective=objective)
        steps = {each.operation for plan in answer.plans for each in plan.steps}
        assert steps == {"quick", "last", "mill"}
        assert no_conflicts(answer.plans)


def with_ways(name, quick=20, slow=25):
    way = Alternative(
        id="way",
        label="Way",
        options=(
            RoutingOption(id="slow", label="Slow", operations=("slow",)),
            RoutingOption(id="quick", label="Quick", operations=("quick",)),
        ),
    )
    made = order(
        operation("slow", "mill", minutes=slow),
        operation("quick", "drill", minutes=quick),
        operation("last", "clean", "slow", "quick", minutes=1),
        name=name,
    )
    return replace(made, product=replace(made.product, alternatives=(way,)), due_at=NOW)


def ways_plant():
    units = [
        unit("mill", "s", "hall", offer("mill", monitored=False)),
        unit("drill", "s", "hall", offer("drill", monitored=False)),
        unit("wash", "s", "hall", offer("clean", monitored=False)),
        unit("agv", "s", "hall"),
    ]
    return network(site("s", units, [link("hall", "hall", "agv", minutes=1)]))


@pytest.mark.parametrize("objective", [OrdersObjective.MAKESPAN, OrdersObjective.TARDINESS])
def test_an_order_takes_another_routing_where_all_of_them_gain_by_that(objective):
    alone = asked([with_ways("only")], ways_plant(), objective=objective)
    assert alone.rerouted == ()
    heard = []
    answer = plan_orders(
        [with_ways("one"), with_ways("two")],
        ways_plant(),
        vocabulary(),
        {},
        NOW,
        objective=objective,
        effort=0.2,
        on_incumbent=heard.append,
    )
    (told,) = answer.rerouted
    assert (told.alternative, told.option, told.instead_of) == ("way", "slow", "quick")
    taken = {each.order: {step.operation for step in each.steps} for each in answer.plans}
    assert taken[told.order] == {"slow", "last"}
    ends = [max(step.end for step in each.steps) - NOW for each in answer.plans]
    assert max(ends) < 30 * MINUTE
    assert no_conflicts(answer.plans)
    assert heard == list(answer.incumbents)
    values = [each.value for each in answer.incumbents]
    assert values == sorted(values, reverse=True)
    assert all(each.bound <= each.value for each in answer.incumbents)


def test_the_cheapest_routing_of_each_is_kept_where_cost_alone_counts():
    orders = [with_ways("one"), with_ways("two")]
    answer = asked(orders, ways_plant(), objective=OrdersObjective.COST)
    assert answer.rerouted == ()
    assert answer.optimality.proven


def test_a_routing_that_no_open_hour_is_left_for_leaves_the_other_one():
    """The mill is open this one time, and when the parts get there it is closed for good."""
    made = with_ways("one")
    got = operation("got", "ream", minutes=30)
    steps = (
        got,
        *(replace(e, inputs=("got",)) if not e.inputs else e for e in made.product.operations),
    )
    made = replace(made, product=replace(made.product, operations=steps))
    today = CalendarException(date="2026-09-21", spans=((16 * HOUR, 17 * HOUR),))
    here = ways_plant().sites["s"]
    mill, drill, *others = here.work_units
    mill = replace(mill, calendar=WorkCalendar(exceptions=(today,)), cost_per_hour_minor=6_001)
    units = (mill, drill, *others, unit("ream", "s", "hall", offer("ream", monitored=False)))
    band = EnergyBand(energy_minor_per_j=9e-6, co2_kg_per_j=5e-8, end_ns=HOUR)
    here = replace(here, work_units=units, tariff=replace(here.tariff, bands=(band,)))
    for objective in OrdersObjective:
        answer = asked([made], network(here), objective=objective)
        (plan,) = answer.plans
        assert {step.operation for step in plan.steps} == {"got", "quick", "last"}


def test_where_siblings_cannot_meet_on_any_work_unit_the_tree_decides():
    """Each part's quickest mill reaches a washer that the other part's mill does not."""
    mills = [unit(f"mill-{n}", "s", f"a{n}", offer("mill", monitored=False)) for n in range(3)]
    washers = [unit(f"wash-{n}", "s", f"w{n}", offer("clean", monitored=False)) for n in range(2)]
    links = [
        replace(link("a0", "w0", "agv"), one_way=True),
        replace(link("a1", "w1", "agv"), one_way=True),
        replace(link("a2", "w0", "agv", minutes=30), one_way=True),
    ]
    areas = ("a0", "a1", "a2", "w0", "w1", "gate")
    plant = network(site("s", [*mills, *washers, unit("agv", "s", "gate")], links, areas=areas))
    made = order(
        operation("one", "mill", minutes=30),
        operation("two", "mill", minutes=30),
        operation("wash", "clean", "one", "two", minutes=5),
    )
    answer = asked([made], plant)
    assert len(answer.plans) == 1
    assert no_conflicts(answer.plans)
