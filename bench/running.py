"""How long it takes to see which plans a disturbance endangers, and to change a plan.

Run ``python bench/running.py [SEEDS]``; figures are process time, since the machine may be shared.
"""

import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

import msgspec
import numpy as np

from fabloop.base.collector import settle
from fabloop.base.instant import DAY, HOUR, MINUTE, Instant
from fabloop.model.disturbance import (
    Disturbance,
    KpiExpired,
    KpiMoved,
    LaneClosed,
    RushOrder,
    StepOverran,
    UnitBroken,
)
from fabloop.model.ids import OrderId, PlanId, WorkUnitId
from fabloop.model.kpi import TOTAL_POSITION_ERROR
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import Plan, Producible
from fabloop.plan.draft import Heading, draft
from fabloop.plan.engagements import engagements
from fabloop.plan.engine import cheapest
from fabloop.plan.producible import check
from fabloop.plan.running.dangers import Carried, Outlook, dangers
from fabloop.plan.running.impact import compare
from fabloop.plan.running.replan import replan, replans
from fabloop.plan.running.watchlist import Watchlist
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.problem import Objective, Setting, problem_of
from fabloop.plan.timetable.schedule import list_schedule
from plan import NOW, big, value, vocabulary

Answer = TypeVar("Answer")
SITES, UNITS, STEPS = 20, 50, 200
PRODUCTS, VARIANTS, PLANS = 10, 10, 1_000
SHAKE_MINOR = 40_000
OTHERS = (1, 4)


def spent(ask: Callable[[], Answer]) -> tuple[float, Answer]:
    """Return the process time of a question in milliseconds, and its answer."""
    start = time.process_time()
    answer = ask()
    return (time.process_time() - start) * 1e3, answer


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of the values does not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def shifted(plan: Plan, by: int, name: str) -> Plan:
    """Return the plan for another order, some time later."""

    def later(part: msgspec.Struct) -> msgspec.Struct:
        start, end = Instant(part.start + by), Instant(part.end + by)
        return msgspec.structs.replace(part, start=start, end=end)

    return msgspec.structs.replace(
        plan,
        id=PlanId(f"{name}/plan-1"),
        order=OrderId(name),
        steps=tuple(later(each) for each in plan.steps),
        movements=tuple(later(each) for each in plan.movements),
    )


def open_plans() -> tuple[list[Carried], Outlook]:
    """Return many plans of some products in one network, on work units that differ.

    What each candidate takes is shaken for each variant of a plan, so that the plans do not all
    crowd the cheapest work units; copies follow some days after one another.
    """
    _, network, kpis = big(SITES, UNITS, STEPS)
    words, roll, carried = vocabulary(), np.random.default_rng(3), []
    for number in range(PRODUCTS):
        order, _, _ = big(1, 1, STEPS, seed=100 + number)
        problem = problem_of(order.product, Setting(network, words, kpis, NOW, NOW))
        for variant in range(VARIANTS):
            extra = [roll.uniform(0, SHAKE_MINOR, len(job.candidates)) for job in problem.jobs]
            routing = cheapest(problem, Objective.COST, extra)
            assert routing is not None, "the network can make every product of the bench"
            heading = Heading(PlanId("plan"), OrderId("order"), NOW, "EUR")
            plan = draft(heading, problem, list_schedule(problem, routing))
            for copy in range(PLANS // PRODUCTS // VARIANTS):
                later = shifted(plan, copy * 3 * DAY, f"{number}-{variant}-{copy}")
                carried.append(Carried(plan=later, product=order.product))
    return carried, Outlook(network=network, vocabulary=words, kpis=kpis, now=NOW)


def happenings(carried: Sequence[Carried], count: int) -> list[Disturbance]:
    """Return disturbances of each kind that hit parts of random plans."""
    roll, found = Random(5), []
    for _ in range(count):
        plan = roll.choice(carried).plan
        step, movement = roll.choice(plan.steps), roll.choice(plan.movements)
        since = Instant(step.start - 20 * MINUTE)
        found += [
            KpiMoved(value=value(step.work_unit, roll.uniform(10e-6, 45e-6), NOW)),
            KpiExpired(work_unit=step.work_unit, kpi=TOTAL_POSITION_ERROR),
            UnitBroken(work_unit=step.work_unit, since=since),
            UnitBroken(work_unit=step.work_unit, since=since, until=Instant(since + 8 * HOUR)),
            RushOrder(plan=shifted(plan, HOUR, "rush")),
            StepOverran(
                order=plan.order,
                operation=step.operation,
                work_unit=step.work_unit,
                planned_end=step.end,
                ends_at=Instant(step.end + 2 * HOUR),
            ),
        ]
        if movement.lane is not None:
            found.append(LaneClosed(lane=movement.lane, since=since, until=Instant(since + DAY)))
    return found


def endangered() -> None:
    """Print how long the question takes with the index, and plan by plan beside it."""
    carried, outlook = open_plans()
    watch = Watchlist(outlook.network, outlook.vocabulary)
    puts = [spent(lambda each=each: watch.put(each))[0] for each in carried]
    settle()  # as a host does once it has started
    print(f"{len(watch):,} open plans of {STEPS} steps, {PRODUCTS} products")
    print(f"  a plan is taken in              {statistics.median(puts):8.2f} ms")
    times: dict[str, list[float]] = {}
    hits: dict[str, list[int]] = {}
    for happened in happenings(carried, 60):
        ms, answer = spent(lambda happened=happened: watch.endangered(happened, outlook))
        kind = type(happened).__name__
        times.setdefault(kind, []).append(ms)
        hits.setdefault(kind, []).append(len(answer))
    for kind, row in times.items():
        print(
            f"  {kind:<12} p50 {quantile(row, 0.5):7.2f} ms  p99 {quantile(row, 0.99):7.2f} ms"
            f"  plans hit: {statistics.mean(hits[kind]):6.1f}, at most {max(hits[kind])}"
        )
    every = [ms for row in times.values() for ms in row]
    print(f"  all          p50 {quantile(every, 0.5):7.2f} ms  p99 {quantile(every, 0.99):7.2f} ms")
    worn = next(each for each in happenings(carried, 1) if isinstance(each, KpiMoved))
    ms, plain = spent(lambda: [dangers(worn, each, outlook) for each in carried[:50]])
    print(f"  plan by plan, one {type(worn).__name__}: {ms * PLANS / 50:.0f} ms (from 50 plans)")
    assert plain


class Story(msgspec.Struct):
    """A plan on its way whose most used work unit breaks."""

    order: ProductionOrder
    plan: Plan
    plant: Plant
    kpis: dict
    now: Instant
    broken: WorkUnitId

    def begun(self) -> tuple[dict, dict]:
        """Return what is done and what is running."""
        done = {each.operation: each for each in self.plan.steps if each.end <= self.now}
        running = {
            each.operation: each for each in self.plan.steps if each.start < self.now < each.end
        }
        return done, running

    def ask(self, question: Callable[..., Answer], **more: object) -> Answer:
        """Ask for another plan without the broken work unit."""
        plant = self.plant
        return question(
            self.order,
            self.plan,
            *self.begun(),
            plant.network,
            plant.vocabulary,
            self.kpis,
            self.now,
            unavailable=frozenset({self.broken}),
            plant=plant,
            **more,
        )


def story(seed: int, objective: Objective, open_steps: int = 100) -> Story:
    """Return a plan at full size when so many steps have not begun."""
    order, network, kpis = big(SITES, UNITS, STEPS, seed)
    words = vocabulary()
    answer = check(order, network, words, kpis, NOW, plans_max=1, objective=objective)
    assert isinstance(answer, Producible)
    plan = answer.plans[0]
    steps = sorted(plan.steps, key=lambda each: each.start)
    now = steps[-open_steps].start
    left = Counter(each.work_unit for each in steps if each.start >= now)
    return Story(order, plan, Plant(network, words, kpis), kpis, now, left.most_common(1)[0][0])


def repaired(it: Story, **more: object) -> tuple[float, list[Plan]]:
    """Return when the first answer was there, and all answers."""
    start, first, plans = time.process_time(), 0.0, []
    for answer in it.ask(replans, **more):
        first = first or time.process_time() - start
        assert isinstance(answer, Producible)
        plans.append(answer.plans[0])
    return first * 1e3, plans


def changed(objective: Objective, seeds: int) -> None:
    """Print how fast a breach is mended and how much it moves; a full re-solve stands beside."""
    print(f"{SITES} x {UNITS} x {STEPS}, 100 open operations, made for {objective}")
    print("  seed  must move  first ms  moved   last ms  moved   ratio  proven | anew ms  moved")
    rows = []
    for seed in range(1, seeds + 1):
        it = story(seed, objective)
        ms, (first, plans) = spent(lambda it=it: repaired(it))
        anew_ms, anew = spent(
            lambda it=it: it.ask(replan, change_price_minor=0, objective=objective)
        )
        assert isinstance(anew, Producible)
        counts = [
            len(compare(it.plan, each, it.order).moved)
            for each in (plans[0], plans[-1], anew.plans[0])
        ]
        ratio = counts[1] / counts[0]
        proven = plans[-1].optimality[0].proven
        rows.append((first, ms, ratio))
        print(
            f"  {seed:4}  {counts[0]:9}  {first:8.0f}  {counts[0]:5}  {ms:8.0f}  {counts[1]:5}"
            f"  {ratio:6.2f}  {'yes' if proven else 'no':>6} | {anew_ms:7.0f}  {counts[2]:5}"
        )
    worst = [max(each) for each in zip(*rows, strict=True)]
    print(f"  worst            {worst[0]:8.0f}         {worst[1]:8.0f}         {worst[2]:6.2f}")


def crowded(seeds: int) -> None:
    """Print the same for makespan where other plans take the same work units around that time."""
    print(f"{SITES} x {UNITS} x {STEPS}, 100 open operations, beside plans of others, for makespan")
    print("  seed  others  first ms  last ms  proven     gap")
    for seed in range(1, seeds + 1):
        it = story(seed, Objective.MAKESPAN)
        for count in OTHERS:
            others = [
                shifted(it.plan, number * 45 * MINUTE, f"other-{number}")
                for number in range(1, count + 1)
            ]
            busy = engagements(others, it.now)
            ms, (first, plans) = spent(lambda it=it, busy=busy: repaired(it, busy=busy))
            told = plans[-1].optimality[0]
            gap = (told.value - told.bound) / told.bound
            proven = "yes" if told.proven else "no"
            print(f"  {seed:4}  {count:6}  {first:8.0f}  {ms:7.0f}  {proven:>6}  {gap:7.3%}")


if __name__ == "__main__":
    print(f"Python {sys.version.split()[0]}")
    endangered()
    for wish in (Objective.COST, Objective.MAKESPAN):
        changed(wish, int(sys.argv[1]) if len(sys.argv) > 1 else 5)
    crowded(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
