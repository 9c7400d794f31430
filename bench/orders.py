"""The makespan of one large order, and many orders together: plan, proven bound, gap, seconds.

Run ``python bench/orders.py [--seeds N] [--effort S]``; seconds are process time, since the machine
may be shared. Beside our plans stands the list schedule on the choices of the tree, which is what
a planner without search has; with many orders, the first plans placed.
"""

import argparse
import sys
import time
from collections.abc import Iterator

import multifactory

from fabloop.model.order import ProductionOrder
from fabloop.plan.engine import LARGE_EFFORT, is_possible_now
from fabloop.plan.floors.decomposed import decomposed
from fabloop.plan.floors.orders_search import OrdersObjective
from fabloop.plan.orders import OrdersAnswer, plan_orders
from fabloop.plan.statement.problem import MEASURE, Objective, Problem, Setting, problem_of
from fabloop.plan.timetable.schedule import list_schedule, routing_of
from fabloop.plan.tree import optimum, tables_of


def stated(it: multifactory.Instance) -> Problem:
    """Return the problem of an instance."""
    return problem_of(it.product, Setting(it.network, it.vocabulary, it.kpis, it.now, it.now))


def instances(seeds: range) -> Iterator[multifactory.Instance]:
    """Yield the public instances at the largest sizes, then drawn ones at full size."""
    for path in multifactory.paths("mf_5x", "mf_10x", "mf_20x"):
        yield multifactory.load(path)
    for seed in seeds:
        yield multifactory.instance_of(
            multifactory.generated(20, 50, 200, seed), f"drawn_20x50x200_{seed}"
        )


def one_order(seeds: range) -> None:
    """Print the makespan of one order with contention."""
    print("one order, makespan with contention (minutes of the instance)")
    print(f"{'instance':<24}{'list':>7}{'plan':>7}{'bound':>7}{'gap':>8}{'seconds':>9}")
    gaps, spent = [], []
    for it in instances(seeds):
        problem = stated(it)
        if not is_possible_now(problem):
            continue
        found = optimum(tables_of(problem, MEASURE[Objective.MAKESPAN], adds=False))
        assert found is not None
        routing = routing_of(problem, found.choice, MEASURE[Objective.MAKESPAN])
        listed = list_schedule(problem, routing).finish(problem)
        start = time.process_time()
        answer = decomposed(problem, LARGE_EFFORT)
        spent.append(time.process_time() - start)
        assert answer is not None
        finish = answer.table.finish(problem)
        gaps.append(1 - answer.bound / finish)
        print(
            f"{it.name:<24}{listed:>7}{finish:>7}{answer.bound:>7}{gaps[-1]:>8.2%}{spent[-1]:>9.1f}"
        )
    good = sum(gap <= 0.01 and took <= 5 for gap, took in zip(gaps, spent, strict=True))
    print(f"within 1 % in 5 s: {good} of {len(gaps)}; worst {max(gaps):.2%}, {max(spent):.1f} s")


def told(answer: OrdersAnswer, seconds: float) -> str:
    """Return value, bound, gap and stages."""
    best = answer.optimality
    assert best is not None
    first = answer.incumbents[0]
    unit = 1 if best.objective == OrdersObjective.COST else 1e9
    gap = 1 - best.bound / best.value if best.value else 0.0
    return (
        f"{first.value / unit:>9.0f}{best.value / unit:>9.0f}{best.bound / unit:>9.0f}{gap:>8.2%}"
        f"{seconds:>9.1f}"
    )


def together(size: tuple[int, int, int, int], seeds: range, effort: float) -> None:
    """Print many orders planned together; each plan has passed the independent check."""
    factories, machines, steps, count = size
    print(f"\n{count} orders x {steps} operations over {factories} factories x {machines} machines")
    print(f"{'objective, seed':<24}{'first':>9}{'plan':>9}{'bound':>9}{'gap':>8}{'seconds':>9}")
    for seed in seeds:
        it, orders = multifactory.generated_orders(factories, machines, steps, count, seed)
        for objective in OrdersObjective if seed == seeds[0] else (OrdersObjective.MAKESPAN,):
            line(it, orders, objective, effort, seed)


def line(
    it: multifactory.Instance,
    orders: list[ProductionOrder],
    objective: OrdersObjective,
    effort: float,
    seed: int,
) -> None:
    """Print one row."""
    start = time.process_time()
    answer = plan_orders(
        orders, it.network, it.vocabulary, it.kpis, it.now, objective=objective, effort=effort
    )
    seconds = time.process_time() - start
    print(f"{objective.value + ', ' + str(seed):<24}{told(answer, seconds)}", flush=True)


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seeds", type=int, default=4, help="drawn instances of each kind")
    asked.add_argument("--first", type=int, default=1, help="the first seed")
    asked.add_argument("--one-order", action="store_true", help="leave out many orders")
    asked.add_argument("--effort", type=float, default=60.0, help="about seconds for many orders")
    given = asked.parse_args()
    print(f"Python {sys.version.split()[0]}")
    seeds = range(given.first, given.first + given.seeds)
    one_order(seeds)
    if not given.one_order:
        together((5, 20, 50, 20), seeds, given.effort)
        together((1, 10, 20, 20), seeds[:2], given.effort)
