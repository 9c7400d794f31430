"""Who can make it, where, at what least cost: figures at full size, HiGHS beside the tree.

Run ``python bench/producibility.py``; ``--products N`` registers more or fewer products,
``--sites N`` sizes the marketplace. Figures are process times, since the machine may be shared;
the public instances are those of ``FABLOOP_DATA/planning/multifactory``.
"""

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Callable
from itertools import count
from random import Random
from typing import TypeVar

import msgspec
from multifactory import Instance, generated, instance_of, load_exact, paths

import plan as drawn
from fabloop.base.instant import MINUTE, Instant
from fabloop.model.ids import WorkUnitId
from fabloop.model.kpi import TOTAL_POSITION_ERROR
from fabloop.model.product import (
    ByFeature,
    ConfiguredProduct,
    Feature,
    Material,
    ParametricOperation,
    ProductFamily,
)
from fabloop.plan.catalogue.catalogue import Catalogue
from fabloop.plan.catalogue.survey import Surveyor
from fabloop.plan.catalogue.variants import survey_family
from fabloop.plan.checker import Grounds, check_plan
from fabloop.plan.engine import is_possible_now, least
from fabloop.plan.quick import drafted
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.problem import Objective, Problem, Setting, problem_of
from fabloop.plan.statement.roads import Weights
from fabloop.plan.terms.blend import Blend, case_of
from fabloop.plan.tradeoffs.gates import GateNetwork

Answer = TypeVar("Answer")
HIGHS_SIZES = ("1x10x20", "3x20x50", "5x20x100")
SUMS = (Objective.COST, Objective.ENERGY, Objective.CO2)


def spent(ask: Callable[[], Answer]) -> tuple[float, Answer]:
    """Return process time in ms, and the answer."""
    start = time.process_time()
    answer = ask()
    return (time.process_time() - start) * 1e3, answer


def timed(what: str, ask: Callable[[], Answer], runs: int = 1) -> Answer:
    """Print the process time of `ask` (median and largest of several runs); return its answer."""
    every = [spent(ask) for _ in range(runs)]
    times = [each for each, _ in every]
    most = f"   at most {max(times):8.1f} ms" if runs > 1 else ""
    print(f"  {what:<62} {statistics.median(times):9.1f} ms{most}")
    return every[-1][1]


def setting_of(it: Instance, plant: Plant | None = None) -> Setting:
    """Return everything around the product."""
    return Setting(it.network, it.vocabulary, it.kpis, it.now, it.now, plant=plant)


def grounds_of(it: Instance) -> Grounds:
    """Return what plans of the instance are checked against."""
    return Grounds(
        product=it.product, network=it.network, vocabulary=it.vocabulary, kpis=it.kpis, now=it.now
    )


def published() -> None:
    """Compare with what is published of every public instance; each plan is checked."""
    found = [load_exact(path) for path in paths()]
    if not found:
        print("public instances: none here (set FABLOOP_DATA)")
        return
    right = {"cost": 0, "finish": 0, "impossible": 0, "checked": 0}
    possible = [it for it in found if it.reference["producible"]]
    for it in found:
        plant = Plant(it.network, it.vocabulary, it.kpis)
        setting = setting_of(it, plant)
        can = Surveyor(plant, it.now).can_make(it.product)
        if not it.reference["producible"]:
            right["impossible"] += not can and drafted(it.order(), setting, Objective.COST) is None
            continue
        assert can
        problem = problem_of(it.product, setting)
        plans = [drafted(it.order(), setting, each) for each in SUMS]
        right["cost"] += plans[0].totals.cost_minor == it.reference["min_cost"]
        finish = least(problem, Objective.MAKESPAN)
        right["finish"] += finish == it.reference["makespan_lower_bound"]
        right["checked"] += all(check_plan(plan, grounds_of(it)) == () for plan in plans)
    count = len(possible)
    planted = len(found) - count
    print(f"public instances: {count} producible, {planted} planted impossible ones")
    print(f"  least cost as published                        {right['cost']:3d} of {count}")
    print(f"  least finish without contention as published   {right['finish']:3d} of {count}")
    print(f"  cheapest, least energy, least CO2 pass check   {right['checked']:3d} of {count}")
    print(f"  impossible ones found                          {right['impossible']:3d} of {planted}")


def full_size() -> None:
    """Measure one product at 20 sites x 50 work units x 200 operations."""
    it = instance_of(generated(20, 50, 200, seed=11), "20x50x200")
    print("20 sites x 50 work units x 200 operations, drawn anew")
    plant = timed("make the network ready: once", lambda: Plant(it.network, it.vocabulary, it.kpis))
    timed("  its ways, 49,000 links: once", lambda: plant.roads.moves(Weights()))
    surveyor = timed("  where work pieces get to: once", lambda: Surveyor(plant, it.now))
    timed("can it be made? first time", lambda: surveyor.can_make(it.product))
    can = timed(
        "can it be made? every operation matched again",
        lambda: Surveyor.can_make(_afresh(surveyor), it.product),
        runs=20,
    )
    assert can
    for objective in SUMS:
        plan = timed(
            f"plan with least {objective}, exact, with transport and shipping",
            lambda objective=objective: drafted(it.order(), setting_of(it, plant), objective),
            runs=20,
        )
        grounds = grounds_of(it)
        violations = timed(
            "  the independent check of it",
            lambda plan=plan, grounds=grounds: check_plan(plan, grounds),
        )
        assert violations == ()
    making = timed(
        "where: sites, work units, fewest sites with proof", lambda: surveyor.where(it.product)
    )
    print(f"    {len(making.alone)} sites alone, {len(making.taking_part)} can take part")
    return it


def _afresh(surveyor: Surveyor) -> Surveyor:
    """Return the surveyor without what it remembers of operations."""
    surveyor.forget()
    return surveyor


def producible_one(size: str) -> Problem:
    """Return the first instance drawn of a size that can be made."""
    sites, units, steps = map(int, size.split("x"))
    for seed in count(11):
        it = instance_of(generated(sites, units, steps, seed), size)
        problem = problem_of(it.product, setting_of(it))
        if is_possible_now(problem):
            return problem
    raise AssertionError("counting never ends")


def peers() -> None:
    """Put HiGHS on the gate network beside the tree, where it ends in seconds."""
    print("least cost: the tree beside HiGHS on the gate network (HiGHS of OR-Tools)")
    for size in HIGHS_SIZES:
        problem = producible_one(size)
        ours, value = spent(lambda problem=problem: least(problem, Objective.COST))
        case = case_of(problem)
        theirs, found = spent(
            lambda case=case: GateNetwork(case).solve(Blend(cost=1.0), (), effort=60.0)
        )
        same = "same value" if abs(found.bound - value) < 0.5 else f"{found.standing} {found.bound}"
        print(f"  {size:<12} tree {ours:8.1f} ms   HiGHS {theirs:10.1f} ms   {value:8.0f}, {same}")


def wanted(seed: int) -> ConfiguredProduct:
    """Return a product; every fourth one asks for more than most machines can at one step."""
    it = drawn.tree(Random(seed), 200)
    if seed % 4:
        return it
    operations = list(it.operations)
    fine = {**operations[100].requirement.constraints, "error": 5.2e-6}
    needed = msgspec.structs.replace(operations[100].requirement, constraints=fine)
    operations[100] = msgspec.structs.replace(operations[100], requirement=needed)
    return msgspec.structs.replace(it, operations=tuple(operations))


def registered(number: int) -> None:
    """Register products at full size, change KPIs, and ask in both directions."""
    _, network, kpis = drawn.big(20, 50, 200)
    plant = Plant(network, drawn.vocabulary(), kpis)
    catalogue = Catalogue(plant, drawn.NOW)
    print(f"{number:,} registered products x 200 steps, 20 sites x 50 work units")
    products = [wanted(seed) for seed in range(number)]
    timed(
        "register them all",
        lambda: [catalogue.register(f"p{n}", each) for n, each in enumerate(products)],
    )
    times, turned, touched = [], 0, 0
    units = Random(5).sample([each.id for each in plant.units], 20)
    for unit in units:
        value = kpis[unit, TOTAL_POSITION_ERROR]
        for error in (45e-6, 3e-6, value.value):
            changed = msgspec.structs.replace(value, value=error, upper=error)
            ms, answer = spent(lambda changed=changed: catalogue.hear(changed))
            times.append(ms)
            turned += len(answer.producible) + len(answer.not_producible)
            touched = max(touched, answer.touched)
    print(
        f"  {'one KPI changes: all are known again':<62} {statistics.median(times):9.1f} ms"
        f"   at most {max(times):8.1f} ms"
    )
    print(f"    up to {touched:,} products touched by one change, {turned} turned in {len(times)}")
    whole = timed(
        "all values grow stale at once", lambda: catalogue.let_be(Instant(drawn.NOW + 10**18))
    )
    print(f"    {len(whole.not_producible):,} cannot be made any more")
    catalogue.let_be(drawn.NOW)
    site = next(iter(network.sites))
    timed(
        f"one site: which of {number:,} products it makes alone",
        lambda: list(catalogue.made_at(site)),
    )
    timed("one product: which sites make it alone", lambda: catalogue.alone("p0"))


def family() -> None:
    """Survey a family whose combinations nobody would look at one by one."""
    _, network, kpis = drawn.big(20, 50, 200)
    features = [Feature(id=f"feature-{n}", label="", options=("a", "b", "c")) for n in range(9)]
    operations, last = [], ()
    for number, feature in enumerate(features):
        sizes = {"a": 0.1, "b": 0.4, "c": 2.0 if number % 2 else 0.6}
        operation = ParametricOperation(
            id=f"step-{number}",
            label="",
            skill=drawn.SKILLS[number],
            constraints={"size": ByFeature(feature=feature.id, of=sizes)},
            inputs=last,
            output=f"part-{number}",
            duration_ns=MINUTE,
            energy_j=1.0,
            cost_minor=1,
        )
        operations.append(operation)
        last = (operation.id,)
    it = ProductFamily(
        id="family",
        label="",
        version="1",
        currency="EUR",
        features=tuple(features),
        rules=(),
        materials=tuple(Material(id=each.output, label="") for each in operations),
        operations=tuple(operations),
    )
    surveyor = Surveyor(Plant(network, drawn.vocabulary(), kpis), drawn.NOW)
    print("a family of 19,683 variants, 9 operations each, 20 sites x 50 work units")
    survey = timed("which can be made, and where", lambda: survey_family(it, surveyor))
    made = sum(1 for _ in survey.producible())
    print(
        f"    {made} can; {len(survey.variants)} looked at, the others ruled out by "
        f"{len(survey.ruled_out)} groups of choices; complete: {survey.complete}"
    )


def marketplace(sites: int) -> None:
    """Ask 1,000 factories about one product."""
    order, network, kpis = drawn.big(sites, 50, 200)
    lanes = len(network.lanes)
    print(
        f"marketplace: {sites:,} factories x 50 machines, {lanes:,} lanes, one product of 200 steps"
    )
    plant = timed("make the network ready: once", lambda: Plant(network, drawn.vocabulary(), kpis))
    surveyor = timed("  where work pieces get to: once", lambda: Surveyor(plant, drawn.NOW))
    timed(
        "can it be made? first time, columns of 12 skills made",
        lambda: surveyor.can_make(order.product),
    )
    products = [drawn.tree(Random(seed), 200) for seed in range(10)]
    left = iter(products)
    timed(
        "can it be made? another product each time", lambda: surveyor.can_make(next(left)), runs=10
    )
    timed("the fewest factories that can, with proof", lambda: surveyor.fewest(order.product))
    timed("the factories that can alone", lambda: surveyor.alone(order.product))
    slot = WorkUnitId("site-0-unit-0"), TOTAL_POSITION_ERROR
    timed("one KPI changes", lambda: plant.offers.hear(kpis[slot]))


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=1_000)
    parser.add_argument("--sites", type=int, default=1_000)
    asked = parser.parse_args()
    gc.disable()  # collections of what the bench itself holds would fall on whoever comes next
    print(f"Python {sys.version.split()[0]}")
    published()
    full_size()
    peers()
    registered(asked.products)
    family()
    marketplace(asked.sites)


if __name__ == "__main__":
    main()
