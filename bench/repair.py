"""How fast a way out of a disturbance is found, how good it is, and what other engines say.

Run ``python bench/repair.py [SEEDS]``. Each seed is another bakery of 30 actions and 100 things in
which a batch came out burnt; prices, roads, machines and bakeries nearby differ. Told are the time
to the first plan that holds, the price of it and of the best one after 2 s, and the time from the
deviation to a proposal that is planned, woven in, verified, rehearsed in a running engine and
priced. Seconds are those of the processor, so that a busy machine tells the same. Engines of
unified-planning stand beside ours, by the clock on the wall, where ``FABLOOP_PLANNERS`` names
their Python.
"""

import statistics
import sys
import time
from collections.abc import Callable

from repair_world import so, world

from fabloop.adapt.repair.domain import Binder
from fabloop.adapt.repair.ground import CHEAP, ground
from fabloop.adapt.repair.many import plan_tokens
from fabloop.adapt.repair.placing import goal_of
from fabloop.adapt.repair.planner import plan
from fabloop.adapt.repair.proposal import Proposal, Situation
from fabloop.adapt.repair.propose import repair
from fabloop.adapt.repair.rehearse import rehearse
from fabloop.adapt.repair.sample import worlds
from fabloop.adapt.repair.search import Found, plans
from fabloop.adapt.repair.task import Budget
from fabloop.adapters.planners.engine import ENGINES, found_in_environment, plan_externally
from fabloop.base.errors import Unavailable
from fabloop.base.instant import Instant
from fabloop.process.commands import CompleteJob, Deploy, InstanceCreated, StartInstance
from fabloop.process.engine import Engine

SEEDS = 10
SECONDS = 2.0
PROPOSAL_SECONDS = 1.0
NOW = Instant(0)
ROW = "{:<34} {:>12} {:>12} {:>12}"


def lasting(seconds: float) -> Budget:
    """Return a budget of so many seconds from now."""
    end = time.process_time() + seconds
    return lambda: (end - time.process_time()) / seconds


def timed(ask: Callable[[], object]) -> float:
    """Return how many seconds it takes."""
    begun = time.process_time()
    ask()
    return time.process_time() - begun


def first_plan(situation: Situation) -> tuple[float, int]:
    """Return the seconds to the first plan, and what it costs in cents."""
    begun = time.process_time()
    goal, binder = goal_of(situation), Binder(situation.domain)
    for each in worlds(situation.domain, situation.physical, goal):
        task = ground(each.domain, each.initial, goal, CHEAP, lasting(SECONDS))
        for found in plans(task, lasting(SECONDS)):
            if isinstance(found, Found):
                steps = [binder(task.operators[n].step) for n in found.operators]
                cost = sum(step.cost_minor for step in steps)
                return time.process_time() - begun, cost
    return time.process_time() - begun, -1


def running(situation: Situation) -> tuple[Engine, Situation]:
    """Return an engine in which the instance stands before the toppings."""
    engine = Engine()
    engine.handle(Deploy(process=situation.process), at=NOW)
    reply = engine.handle(StartInstance(process="baking"), at=NOW).reply
    assert isinstance(reply, InstanceCreated)
    engine.handle(CompleteJob(job=engine.jobs()[0].key), at=NOW)
    assert reply.instance == situation.instance
    return engine, situation


def proposals(seeds: int) -> list[float]:
    """Return the seconds from each deviation to its proposal."""
    found = []
    for seed in range(seeds):
        engine, situation = running(world(seed))
        begun = time.process_time()
        answer = repair(
            situation,
            lasting(PROPOSAL_SECONDS),
            tried=lambda o, s=situation, e=engine: rehearse(o, s, e, NOW),  # type: ignore[misc]
        )
        found.append(time.process_time() - begun)
        assert isinstance(answer, Proposal), answer
    return found


def ours(seeds: int) -> None:
    """Tell how long the first plan takes and how good it is."""
    firsts = [first_plan(world(seed)) for seed in range(seeds)]
    bests, cpu = [], time.process_time()
    others = []
    for seed in range(seeds):
        situation = world(seed)
        goal = goal_of(situation)
        planned = plan(situation.domain, situation.physical, goal, lasting(SECONDS))
        bests.append(planned.courses[0].cost_minor)
        others.append(len(planned.courses) - 1)
    cpu = time.process_time() - cpu
    print(ROW.format("30 actions, 100 things, ours", "median", "worst", "aim"))
    seconds = [each for each, _ in firsts]
    print(ROW.format("first plan that holds, s", f"{statistics.median(seconds):.2f}",
                     f"{max(seconds):.2f}", "< 2"))  # fmt: skip
    gains = [1 - best / cost for (_, cost), best in zip(firsts, bests, strict=True)]
    print(ROW.format(f"cheaper after {SECONDS:g} s", f"{statistics.median(gains):.1%}",
                     f"best {max(gains):.1%}", "better"))  # fmt: skip
    print(ROW.format("other plans beside it", f"{statistics.median(others):g}",
                     f"least {min(others)}", ""))  # fmt: skip
    print(f"CPU {cpu / seeds:.2f} s each; price of the best in cents: {bests}")


def waiting(seeds: int) -> None:
    """Tell how long it takes from a deviation to a proposal."""
    found = sorted(proposals(seeds))
    p95 = found[min(len(found) - 1, round(0.95 * len(found)))]
    print(ROW.format("deviation to proposal, s", f"{statistics.median(found):.2f}",
                     f"p95 {p95:.2f}", "< 2"))  # fmt: skip


def several() -> None:
    """Tell how long recovering many batches takes to plan and to do."""
    for count in (2, 5, 10):
        situation = world(0, burnt=count)
        goal = tuple(
            each
            for n in range(count)
            for each in (
                so("baked", f"batch-{n}"),
                so("burnt", f"batch-{n}", value=False),
                so("at", f"batch-{n}", value="home"),
            )
        )
        begun = time.process_time()
        planned = plan_tokens(
            situation.domain, situation.physical, goal, lasting(SECONDS), tokens=situation.tokens
        )
        spent = time.process_time() - begun
        if not planned.courses:
            print(f"{count} batches: none ({planned.reason}) in {spent:.2f} s")
            continue
        best = planned.courses[0]
        alone = best.cost_minor / count
        print(f"{count} batches: {len(best.steps)} steps, {best.duration_ns / 6e10:.0f} min, "
              f"{alone:.0f} cents each, in {spent:.2f} s")  # fmt: skip


def theirs(seeds: int) -> None:
    """Tell what other engines find on the same tasks, in the same small worlds."""
    for name in ENGINES:
        external = found_in_environment(name)
        if external is None:
            print(f"{name}: not here (FABLOOP_PLANNERS)")
            continue
        for seed in range(min(seeds, 2)):
            situation = world(seed)
            goal = goal_of(situation)
            small = next(iter(worlds(situation.domain, situation.physical, goal)))
            begun = time.perf_counter()
            try:
                found = plan_externally(external, small.domain, small.initial, goal, 12.0)
            except Unavailable as error:
                print(f"{name}, seed {seed}: {error}")
                continue
            spent = time.perf_counter() - begun
            costs = [each.cost_minor for each in found.courses]
            print(f"{name}, seed {seed}: {costs or found.reason} in {spent:.1f} s")


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS
    ours(count)
    waiting(count)
    several()
    theirs(count)
