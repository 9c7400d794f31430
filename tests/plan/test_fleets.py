"""Several vehicles on the same way: who moves what, and when."""

from itertools import permutations, product
from random import Random

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.instant import MINUTE, Instant
from fabloop.model.ids import OrderId, WorkUnitId
from fabloop.model.plan import Producible
from fabloop.plan.catalogue.survey import Surveyor
from fabloop.plan.checker import Grounds, check_plan
from fabloop.plan.draft import Heading, draft
from fabloop.plan.floors.decomposed import decomposed
from fabloop.plan.floors.floor import Floor, Work
from fabloop.plan.floors.legs import waited_for
from fabloop.plan.floors.placing import Effort, Taste, place_all
from fabloop.plan.orders import plan_orders
from fabloop.plan.producible import Objective, check, replan
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.problem import Setting, problem_of
from fabloop.plan.statement.roads import TICK
from fabloop.plan.terms.wishes import Wishes
from plan.instances import NOW, link, network, offer, operation, order, site, unit, vocabulary

replace = msgspec.structs.replace
UNMONITORED = {"monitored": False}


def machine(name, area, skill="mill", **figures):
    return unit(name, "works", area, offer(skill, **UNMONITORED), **figures)


def works(links, *machines):
    """One site with a hall and a gate, and vehicles as the links name them."""
    movers = sorted({each.by for each in links})
    return network(
        site("works", [*machines, *(unit(each, "works", "hall") for each in movers)], links)
    )


def both_ways(*vehicles, minutes=10.0, cost=10):
    return [link("hall", "gate", each, minutes=minutes, cost=cost) for each in vehicles]


def three_parts(links):
    """Three parts, each made on a machine of its own in the hall, come together at the gate."""
    skills = ("mill", "drill", "ream")
    machines = [machine(f"m{n}", "hall", skill) for n, skill in enumerate(skills)]
    plant = works(links, *machines, machine("wash", "gate", "clean"))
    parts = [operation(f"o{n}", skill) for n, skill in enumerate(skills)]
    return order(*parts, operation("last", "clean", "o0", "o1", "o2")), plant


def problem(made, plant, **more):
    return problem_of(made.product, Setting(plant, vocabulary(), {}, NOW, NOW, **more))


def planned(made, plant, objective=Objective.MAKESPAN):
    answer = check(made, plant, vocabulary(), {}, NOW, objective=objective)
    assert isinstance(answer, Producible)
    return answer.plans[0]


def grounds(made, plant, **more):
    return Grounds(
        product=made.product, network=plant, vocabulary=vocabulary(), kpis={}, now=NOW, **more
    )


def minutes_of(plan):
    return plan.totals.makespan_ns / MINUTE


@pytest.mark.parametrize(("vehicles", "minutes"), [(1, 90), (2, 80), (3, 70), (4, 70)])
def test_alike_vehicles_share_the_moves(vehicles, minutes):
    made, plant = three_parts(both_ways(*(f"agv{n}" for n in range(vehicles))))
    plan = planned(made, plant)
    assert minutes_of(plan) == minutes
    assert plan.optimality[0].proven
    assert len({each.by for each in plan.movements}) == min(vehicles, 3)


def test_a_plan_for_money_shares_them_as_well():
    made, plant = three_parts(both_ways("agv1", "agv2", "agv3"))
    plan = planned(made, plant, Objective.COST)
    assert minutes_of(plan) == 70
    assert all(each.proven for each in plan.optimality)


def test_a_slower_vehicle_moves_what_would_wait_for_the_faster_one():
    links = [*both_ways("fast", minutes=10), *both_ways("slow", minutes=15, cost=1)]
    made, plant = three_parts(links)
    plan = planned(made, plant)
    assert minutes_of(plan) == 80
    assert sorted(each.by for each in plan.movements) == ["fast", "fast", "slow"]


def test_money_takes_the_cheap_vehicle_alone():
    links = [*both_ways("fast", minutes=10), *both_ways("slow", minutes=15, cost=1)]
    made, plant = three_parts(links)
    plan = planned(made, plant, Objective.COST)
    assert {each.by for each in plan.movements} == {"slow"}
    assert plan.optimality[0].proven


def test_equally_cheap_vehicles_share_though_one_is_slower():
    links = [*both_ways("fast", minutes=10), *both_ways("slow", minutes=12)]
    made, plant = three_parts(links)
    plan = planned(made, plant, Objective.COST)
    assert minutes_of(plan) == 80
    assert plan.optimality[0].proven


def test_a_vehicle_that_is_closed_leaves_its_moves_to_another():
    made, plant = three_parts(both_ways("agv1", "agv2"))
    busy = {WorkUnitId("agv1"): ((NOW, Instant(NOW + 500 * MINUTE)),)}
    answer = check(made, plant, vocabulary(), {}, NOW, objective=Objective.MAKESPAN, busy=busy)
    plan = answer.plans[0]
    assert {each.by for each in plan.movements} == {"agv2"}
    assert minutes_of(plan) == 90
    assert plan.optimality[0].proven


def test_the_checker_knows_every_vehicle_but_no_other():
    made, plant = three_parts(both_ways("agv1", "agv2"))
    plan = planned(made, plant)
    assert check_plan(plan, grounds(made, plant)) == ()
    other = replace(plan.movements[0], by="wash")
    assert check_plan(replace(plan, movements=(other, *plan.movements[1:])), grounds(made, plant))
    same = tuple(replace(each, by="agv1") for each in plan.movements)
    assert check_plan(replace(plan, movements=same), grounds(made, plant))
    gone = grounds(made, plant, unavailable=frozenset({WorkUnitId("agv1")}))
    assert check_plan(plan, gone)


def random_works(seed, vehicles):
    """Return an in-tree of three operations and the links of each vehicle, all drawn."""
    roll = Random(seed)
    machines = [
        machine(f"m{n}", roll.choice(["hall", "gate"]), roll.choice(["mill", "drill"]))
        for n in range(3)
    ]
    machines += [machine("m3", "hall", "mill"), machine("m4", "gate", "drill")]
    links = []
    for number in range(vehicles):
        alike = number and roll.random() < 0.4
        first = [link for link in links if link.by == "agv0"]
        if alike:
            links += [replace(each, by=WorkUnitId(f"agv{number}")) for each in first]
            continue
        for pair in (("hall", "hall"), ("hall", "gate"), ("gate", "gate")):
            if number == 0 or roll.random() < 0.7:
                minutes, cost = roll.choice([4, 7, 12]), roll.choice([1, 5, 9])
                links.append(link(*pair, f"agv{number}", minutes=minutes, cost=cost))
    shape = roll.choice([((), (), ("o0", "o1")), ((), ("o0",), ("o1",))])
    steps = [
        operation(f"o{n}", roll.choice(["mill", "drill"]), *inputs, minutes=roll.choice([5, 8, 20]))
        for n, inputs in enumerate(shape)
    ]
    return order(*steps), works(links, *machines)


def every_figure(it):
    """Yield ticks and cost of all choices, vehicles and sequences."""
    jobs = it.jobs
    edges = [(source.job, job) for job, each in enumerate(jobs) for source in each.sources]
    for picks in product(*(range(len(job.candidates)) for job in jobs)):
        places = [job.candidates[pick].place for job, pick in zip(jobs, picks, strict=True)]
        hops = [
            [None]
            if places[a].unit == places[b].unit
            else list(it.roads.links.get((places[a].site, places[a].area, places[b].area), ()))
            for a, b in edges
        ]
        for moved in product(*hops):
            takes = [job.candidates[pick].takes for job, pick in zip(jobs, picks, strict=True)]
            cost = sum(each.cost for each in takes) + sum(m.takes.cost for m in moved if m)
            yield finish_of(it, edges, places, takes, moved), cost


def finish_of(it, edges, places, takes, moved):
    """Return the least finish over all orders in which things could be begun."""
    tasks = [("job", n) for n in range(len(it.jobs))]
    tasks += [("move", n) for n, hop in enumerate(moved) if hop]
    best = np.inf
    for row in permutations(tasks):
        rank = {each: place for place, each in enumerate(row)}
        good = all(
            rank["job", a] < rank.get(("move", n), rank["job", b]) < rank["job", b] + (not moved[n])
            for n, (a, b) in enumerate(edges)
        )
        if good:
            best = min(best, run(row, edges, places, takes, moved))
    return best


def run(row, edges, places, takes, moved):
    free, there, ends = {}, {}, {}
    for kind, n in row:
        if kind == "job":
            came = [there.get(e, ends[a]) for e, (a, b) in enumerate(edges) if b == n]
            unit_of, ticks, ready = places[n].unit, takes[n].ticks, max(came, default=0)
        else:
            unit_of, ticks, ready = moved[n].by, moved[n].takes.ticks, ends[edges[n][0]]
        end = max(ready, free.get(unit_of, 0)) + ticks
        free[unit_of] = end
        (ends if kind == "job" else there)[n] = end
    return ends[len(ends) - 1]


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 100_000))
def test_time_and_money_are_what_trying_everything_gives(seed):
    made, plant = random_works(seed, 2)
    it = problem(made, plant)
    if not all(job.candidates for job in it.jobs):
        return
    figures = list(every_figure(it))
    fast = planned(made, plant)
    assert fast.totals.makespan_ns == min(ticks for ticks, _ in figures) * TICK
    assert fast.optimality[0].proven
    cheap = planned(made, plant, Objective.COST)
    least = min(cost for _, cost in figures)
    assert cheap.totals.cost_minor == least
    large = decomposed(it, 0.05)
    assert large is not None
    assert large.bound * TICK <= fast.totals.makespan_ns <= large.table.finish(it) * TICK


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 100_000))
def test_the_fastest_plan_for_so_much_money_is_what_trying_everything_gives(seed):
    made, plant = random_works(seed, 2)
    it = problem(made, plant)
    if not all(job.candidates for job in it.jobs):
        return
    figures = list(every_figure(it))
    costs = sorted({cost for _, cost in figures})
    limit = costs[len(costs) // 3]
    answer = check(
        made,
        plant,
        vocabulary(),
        {},
        NOW,
        objective=Objective.MAKESPAN,
        plans_max=1,
        wishes=Wishes(cost_max_minor=limit),
    )
    assert isinstance(answer, Producible)
    totals, told = answer.plans[0].totals, answer.plans[0].optimality[0]
    assert totals.cost_minor <= limit
    assert totals.makespan_ns == min(ticks for ticks, cost in figures if cost <= limit) * TICK
    assert told.proven


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 100_000))
def test_one_more_vehicle_never_makes_a_plan_worse(seed):
    made, plant = random_works(seed, 3)
    (here,) = plant.sites.values()
    fewer = tuple(each for each in here.transport if each.by != "agv2")
    without = network(replace(here, transport=fewer))
    if not all(job.candidates for job in problem(made, plant).jobs):
        return
    for objective, figure in ((Objective.MAKESPAN, "makespan_ns"), (Objective.COST, "cost_minor")):
        more, less = (planned(made, each, objective).totals for each in (plant, without))
        assert getattr(more, figure) <= getattr(less, figure)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 100_000))
def test_names_and_order_of_vehicles_are_nothing_to_the_figures(seed):
    made, plant = random_works(seed, 2)
    (here,) = plant.sites.values()
    names = {"agv0": WorkUnitId("zeppelin"), "agv1": WorkUnitId("ant")}
    turned = replace(
        here,
        transport=tuple(replace(each, by=names[each.by]) for each in reversed(here.transport)),
        work_units=tuple(
            replace(each, id=names.get(each.id, each.id)) for each in reversed(here.work_units)
        ),
    )
    if not all(job.candidates for job in problem(made, plant).jobs):
        return
    for objective in (Objective.MAKESPAN, Objective.COST):
        one, other = (planned(made, each, objective) for each in (plant, network(turned)))
        assert one.optimality[0] == other.optimality[0]


def test_a_broken_vehicle_leaves_its_moves_to_another_in_a_replan():
    made, plant = three_parts(both_ways("agv1", "agv2", "agv3"))
    plan = planned(made, plant)
    now = Instant(NOW + 5 * MINUTE)
    running = {each.operation: each for each in plan.steps if each.start <= now}
    broken = plan.movements[0].by
    answer = replan(
        made,
        plan,
        {},
        running,
        plant,
        vocabulary(),
        {},
        now,
        unavailable=frozenset({WorkUnitId(broken)}),
    )
    assert isinstance(answer, Producible)
    (new,) = answer.plans
    assert broken not in {each.by for each in new.movements}
    assert len({each.by for each in new.movements}) == 2
    assert [each.work_unit for each in new.steps] == [each.work_unit for each in plan.steps]
    assert minutes_of(new) == 80


def test_where_the_only_vehicle_is_broken_nobody_can_make_it():
    made, plant = three_parts(both_ways("agv"))
    broken = frozenset({WorkUnitId("agv")})
    answer = check(made, plant, vocabulary(), {}, NOW, unavailable=broken)
    assert not isinstance(answer, Producible)
    surveyor = Surveyor(Plant(plant, vocabulary(), {}), NOW, broken)
    assert not surveyor.can_make(made.product)
    assert Surveyor(Plant(plant, vocabulary(), {}), NOW).can_make(made.product)


def test_orders_together_share_the_vehicles():
    made, plant = three_parts(both_ways("agv1", "agv2", "agv3"))
    orders = [replace(made, id=OrderId(f"order-{n}")) for n in range(2)]
    many = plan_orders(orders, plant, vocabulary(), {}, NOW, effort=0.5)
    moves = [each for plan in many.plans for each in plan.movements]
    assert {each.by for each in moves} == {"agv1", "agv2", "agv3"}
    assert max(step.end for plan in many.plans for step in plan.steps) == NOW + 100 * MINUTE


def test_placing_a_large_order_uses_the_whole_fleet():
    made, plant = three_parts(both_ways("agv1", "agv2"))
    it = problem(made, plant)
    work = Work(it, Floor(it.roads, it.busy))
    assert place_all(work, Taste(roll=np.random.default_rng(0)), Effort())
    table = work.timetable()
    plan = draft(Heading("p", "order", NOW, "EUR"), it, table)
    assert check_plan(plan, grounds(made, plant)) == ()
    assert {each.by for each in plan.movements} == {"agv1", "agv2"}
    assert waited_for(work) == {"agv1", "agv2"}
