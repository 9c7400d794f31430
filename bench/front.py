"""Aims, wishes and fronts: how long they take and what is proven, HiGHS beside our own engines.

Run ``python bench/front.py``; arguments name multi-factory instances (``3x20x50``, files of
``FABLOOP_DATA/planning/multifactory`` by a part of their name). Figures are process times, since
the machine may be shared.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from multifactory import Instance, generated, instance_of, load, paths

from fabloop.base.instant import Instant
from fabloop.model.documents import resolve, resolve_order
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import Plan, PlanAnswer, Producible
from fabloop.model.product import Configured
from fabloop.plan.configure import configure
from fabloop.plan.producible import check
from fabloop.plan.statement.problem import Objective, Setting, problem_of
from fabloop.plan.terms.blend import Blend, Cap, case_of, sums_of
from fabloop.plan.terms.objectives import Measure, lexicographic, weighted
from fabloop.plan.terms.wishes import Wishes
from fabloop.plan.tradeoffs.constrained import least_within
from fabloop.plan.tradeoffs.front import Front, FrontPoint, front
from fabloop.plan.tradeoffs.gates import GateNetwork, columns_of

WAVE_GEAR = Path(__file__).parent.parent / "src/fabloop/app/demos/wavegear"
HIGHS_COLUMNS_MAX = 60_000
"""Larger gate networks are left out unless ``--highs`` is given: they take half a minute."""

OPENED = Blend(cost=1.0, opening=1.0)

Answer = TypeVar("Answer")


def timed(what: str, ask: Callable[[], Answer]) -> Answer:
    """Print the process time of `ask`, and return its answer."""
    start = time.process_time()
    answer = ask()
    print(f"  {what:<64} {(time.process_time() - start) * 1e3:9.1f} ms")
    return answer


def proofs(answer: PlanAnswer) -> str:
    """Return what is proven of the first plan's aim."""
    if not isinstance(answer, Producible):
        return type(answer).__name__
    first = answer.plans[0].optimality[0]
    return f"{first.objective} {first.value:g}, {gap(first.value, first.bound)}"


def gap(value: float, bound: float) -> str:
    """Return the proof or the gap."""
    return "proven" if value <= bound * (1 + 1e-9) else f"within {1 - bound / value:.2%}"


def wave_gear() -> None:
    """Every objective of the demo product over three sites."""
    documents = {each.name: each.read_bytes() for each in sorted(WAVE_GEAR.glob("*.json"))}
    known = resolve(documents)
    wish = resolve_order("order.json", documents["order.json"], known.families)
    configured = configure(known.families[wish.product], wish.choices)
    assert isinstance(configured, Configured)
    order = ProductionOrder(
        id=wish.id,
        product=configured.product,
        received_at=wish.received_at,
        due_at=wish.due_at,
    )
    kpis = {(each.work_unit, each.kpi): each for each in known.kpis}
    given = (order, known.network, known.vocabulary, kpis, wish.received_at)
    aims = {
        **{str(each): each for each in Objective},
        **{str(each): each for each in (Measure.TARDINESS, Measure.SITES)},
        "cost + CO2": weighted({Measure.COST: 1.0, Measure.CO2: 50.0}),
        "cost + makespan": weighted({Measure.COST: 1.0, Measure.MAKESPAN: 1e-10}),
        "tardiness, then cost": lexicographic(Measure.TARDINESS, Objective.COST),
    }
    print("wave gear, three sites")
    for name, aim in aims.items():
        found = timed(name, lambda aim=aim: check(*given, plans_max=1, objective=aim))
        print(f"      {proofs(found)}")
    first: list[float] = []
    start = time.process_time()

    def hear(plan: Plan) -> None:
        del plan
        first.append(time.process_time() - start)

    check(*given, on_incumbent=hear)
    print(f"  first incumbent of four plans after {first[0] * 1e3:.1f} ms")


def instances(names: list[str]) -> list[Instance]:
    """Return the public instances whose names hold one of `names`; else generated ones."""
    found = [
        load(path)
        for path in paths()
        if any(name in path.name for name in names) and not path.name.startswith("np_")
    ]
    drawn = [instance_of(generated(*_sizes(each), seed=1), f"drawn {each}") for each in names]
    return found or drawn


def _sizes(name: str) -> tuple[int, int, int]:
    first, second, third = (int(each) for each in name.partition("_")[0].split("x"))
    return first, second, third


def fronts(known: Instance) -> None:
    """The front of one instance, with the time to its first ten points."""
    heard: list[float] = []
    start = time.process_time()

    def hear(point: FrontPoint) -> None:
        del point
        heard.append(time.process_time() - start)

    order = known.order()
    answer = front(order, known.network, known.vocabulary, known.kpis, known.now, on_point=hear)
    spent = time.process_time() - start
    assert isinstance(answer, Front)
    proven = sum(each.proven for each in answer.points)
    tenth = f"{heard[9]:.2f} s" if len(heard) > 9 else "–"
    print(
        f"  {known.name}: {answer.found} plans that none beats, {len(answer.points)} shown, "
        f"{proven} of them proven, largest gap {max(each.gap for each in answer.points):.2%}; "
        f"ten after {tenth}, all after {spent:.2f} s"
    )


def wishes(known: Instance) -> None:
    """Deadline, budget and number of factories on one instance."""
    given = (known.order(), known.network, known.vocabulary, known.kpis, known.now)
    cheap = timed("cheapest", lambda: check(*given, plans_max=1))
    fast = timed("fastest", lambda: check(*given, plans_max=1, objective=Objective.MAKESPAN))
    assert isinstance(cheap, Producible)
    assert isinstance(fast, Producible)
    energy = cheap.plans[0].totals.energy_j
    end = Instant(known.now + int(1.05 * fast.plans[0].totals.makespan_ns))
    for name, wish in {
        "cheapest with four fifths of its energy": Wishes(energy_max_j=0.8 * energy),
        "cheapest by 1.05 x the least makespan": Wishes(deadline=end),
        "cheapest by then with nine tenths of its energy": Wishes(
            deadline=end, energy_max_j=0.9 * energy
        ),
        "cheapest with fees of a tenth of the cost per factory": Wishes(
            opening_minor=dict.fromkeys(known.network.sites, cheap.plans[0].totals.cost_minor // 10)
        ),
    }.items():
        found = timed(name, lambda wish=wish: check(*given, plans_max=1, wishes=wish))
        print(f"      {proofs(found)}")


def fees(known: Instance, *, highs: bool) -> None:
    """Fixed costs per factory: subsets over the tree, and HiGHS on the gate network."""
    setting = Setting(known.network, known.vocabulary, known.kpis, known.now, known.now)
    problem = problem_of(known.product, setting)
    plain = least_within(case_of(problem), Blend(cost=1.0), (), 5.0)
    for share in (0.01, 0.05):
        fee = round(share * plain.value)
        case = case_of(problem, fees=dict.fromkeys(known.network.sites, float(fee)))
        print(f"  {known.name}: {len(known.network.sites)} factories, {fee} each")
        ours = timed(
            "  subsets over the tree", lambda case=case: least_within(case, OPENED, (), 5.0)
        )
        assert ours.routing is not None
        used = sums_of(case, ours.routing).sites
        print(f"      {ours.value:g} with {used} factories, {gap(ours.value, ours.bound)}")
        if highs or columns_of(case) <= HIGHS_COLUMNS_MAX:
            theirs = timed(
                "  HiGHS on the gate network",
                lambda case=case: GateNetwork(case).solve(OPENED, (), 5.0),
            )
            print(f"      {theirs.standing}, bound {theirs.bound:g}")


def budget(known: Instance) -> None:
    """A cap on CO2: multipliers on the tree and HiGHS where they leave a gap."""
    setting = Setting(known.network, known.vocabulary, known.kpis, known.now, known.now)
    case = case_of(problem_of(known.product, setting))
    free = least_within(case, Blend(cost=1.0), (), 5.0)
    assert free.routing is not None
    cap = Cap("co2", Blend(co2=1.0), 0.8 * sums_of(case, free.routing).co2)
    found = timed(
        f"{known.name}: cheapest with four fifths of its CO2",
        lambda: least_within(case, Blend(cost=1.0), (cap,), 5.0),
    )
    print(
        f"      {found.standing}, {found.value:g}, {gap(found.value, found.bound)}, {found.engine}"
    )


if __name__ == "__main__":
    chosen = [each for each in sys.argv[1:] if not each.startswith("--")]
    print(f"Python {sys.version.split()[0]}")
    wave_gear()
    print("Pareto fronts of cost, makespan, energy and CO2")
    for each in instances(chosen or ["3x20x50"]):
        fronts(each)
    print("wishes")
    for each in instances(chosen or ["3x20x50_s1"])[:1]:
        wishes(each)
    print("fixed costs per opened factory")
    for each in instances(chosen or ["10x30x100_s3", "20x50x200_s1"]):
        fees(each, highs="--highs" in sys.argv)
        budget(each)
