"""How long planning takes: the wave gear over three sites, and a tree at full size.

Run ``python bench/plan.py``; figures are medians of several runs, in process time, since the
machine may be shared.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import TypeVar

import msgspec

from fabloop.base.instant import DAY, HOUR, MINUTE, Instant
from fabloop.base.quantity import Dimension
from fabloop.model.documents import resolve, resolve_order
from fabloop.model.ids import (
    AreaId,
    EquipmentTypeId,
    LaneId,
    MaterialId,
    OperationId,
    ProductId,
    SiteId,
    SkillId,
    WorkUnitId,
)
from fabloop.model.kpi import TOTAL_POSITION_ERROR, KpiValue
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import NotProducible, Plan, PlanAnswer, Producible
from fabloop.model.product import Configured, ConfiguredProduct, Operation
from fabloop.model.site import Network, ShippingLane, Site, Tariff, TransportLink, WorkUnit
from fabloop.model.skill import (
    LiveRating,
    Offer,
    ParameterDefinition,
    Requirement,
    Rule,
    Skill,
    SkillVocabulary,
    Span,
)
from fabloop.plan.configure import configure
from fabloop.plan.engine import cheapest, fastest, least
from fabloop.plan.producible import check, compare, replan
from fabloop.plan.reasons.conflicts import conflicts_of
from fabloop.plan.statement.problem import Objective, Problem, Setting, problem_of

WAVE_GEAR = Path(__file__).parent.parent / "src/fabloop/app/demos/wavegear"
NOW = Instant(1_790_000_000_000_000_000)
Answer = TypeVar("Answer")
SKILLS = [SkillId(f"skill-{number}") for number in range(12)]


def timed(what: str, ask: Callable[[], Answer], runs: int = 5) -> Answer:
    """Print the median process time of `ask`, and return its answer."""
    spent = []
    for _ in range(runs):
        start = time.process_time()
        answer = ask()
        spent.append(time.process_time() - start)
    print(f"{what:<66} {statistics.median(spent) * 1e3:9.1f} ms")
    return answer


def proof(plan: Plan) -> str:
    """Return value, bound and proof of cost and makespan."""
    told = {each.objective: each for each in plan.optimality}
    parts = []
    for name in ("cost", "makespan"):
        each = told[name]
        gap = (each.value - each.bound) / each.value if each.value else 0.0
        parts.append(f"{name} {'proven' if each.proven else f'within {gap:.1%}'}")
    return ", ".join(parts)


def wave_gear() -> None:
    """Producibility, re-planning and refusal of the demo product."""
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
    now = wish.received_at
    steps = len(order.product.operations)

    def kpis(error_m: float, others: float | None = None) -> dict:
        found = {(each.work_unit, each.kpi): each for each in known.kpis}
        if others is not None:
            found = {k: msgspec.structs.replace(v, upper=others) for k, v in found.items()}
        unit = WorkUnitId("graz-u630")
        found[unit, TOTAL_POSITION_ERROR] = value(unit, error_m, now)
        return found

    def ask(values: dict) -> PlanAnswer:
        return check(order, known.network, known.vocabulary, values, now)

    print(f"wave gear: {steps} operations, {len(known.network.sites)} sites")
    good = timed("  four plans, U630 at 12 µm", lambda: ask(kpis(12e-6)))
    assert isinstance(good, Producible)
    for plan in good.plans:
        print(f"    {plan.id}: {plan.totals.cost_minor / 100:.2f} EUR, {proof(plan)}")
    worn = timed("  four plans, U630 at 16.2 µm", lambda: ask(kpis(16.2e-6)))
    assert isinstance(worn, Producible)
    for plan in worn.plans:
        print(f"    {plan.id}: {plan.totals.cost_minor / 100:.2f} EUR, {proof(plan)}")
    one = timed(
        "  one plan, cost proven",
        lambda: check(order, known.network, known.vocabulary, kpis(12e-6), now, plans_max=1),
    )
    assert one.plans[0].optimality[0].proven
    plan = good.plans[0]
    ream = next(each for each in plan.steps if each.operation.startswith("ream"))
    later = Instant(ream.start - 20 * MINUTE)
    done = {each.operation: each for each in plan.steps if each.end <= later}
    running = {each.operation: each for each in plan.steps if each.start < later < each.end}
    new = timed(
        "  re-plan 20 min before reaming, U630 at 16.2 µm",
        lambda: replan(
            order, plan, done, running, known.network, known.vocabulary, kpis(16.2e-6), later
        ),
    )
    moved = ", ".join(
        f"{each.operation} to {each.after}" for each in compare(plan, new.plans[0], order).moved
    )
    print(f"    moves {moved}; {proof(new.plans[0])}")
    refused = timed("  refusal with options, all reamers at 30 µm", lambda: ask(kpis(3e-5, 3e-5)))
    assert isinstance(refused, NotProducible)
    print(f"    {len(refused.conflicts)} conflict, {len(refused.options)} verified options")


def value(unit: WorkUnitId, error_m: float, now: Instant) -> KpiValue:
    """Return a fresh total position error."""
    return KpiValue(
        work_unit=unit,
        kpi=TOTAL_POSITION_ERROR,
        value=error_m,
        upper=error_m,
        dimension=Dimension.LENGTH,
        at=Instant(now - HOUR),
        valid_for_ns=DAY,
        source="bench",
    )


def vocabulary() -> SkillVocabulary:
    """Return twelve skills with a size and a live tolerance."""
    length = Dimension.LENGTH
    parameters = (
        ParameterDefinition(name="size", label="Size", rule=Rule.WITHIN, dimension=length),
        ParameterDefinition(name="error", label="Error", rule=Rule.AT_MOST, dimension=length),
    )
    return SkillVocabulary(
        skills={each: Skill(id=each, label=each, parameters=parameters) for each in SKILLS}
    )


def big(sites: int, units: int, steps: int, seed: int = 1) -> tuple:
    """Return a random order, network and KPI values."""
    roll = Random(seed)
    made, kpis = {}, {}
    areas = [AreaId(f"area-{number}") for number in range(8)]
    for number in range(sites):
        site = SiteId(f"site-{number}")
        machines = []
        for count in range(units):
            unit = WorkUnitId(f"{site}-unit-{count}")
            kpis[unit, TOTAL_POSITION_ERROR] = value(unit, roll.uniform(5e-6, 30e-6), NOW)
            machines.append(machine(roll, unit, site, roll.choice(areas)))
        made[site] = Site(
            id=site,
            label=site,
            time_zone="UTC",
            gate=areas[0],
            areas={each: each for each in areas},
            work_units=tuple(machines),
            transport=tuple(links(roll, site, areas)),
            shifts=(),
            persons=(),
            tariff=Tariff(
                currency="EUR",
                energy_minor_per_j=roll.uniform(5e-6, 9e-6),
                co2_kg_per_j=roll.uniform(2e-8, 1e-7),
                labour_cost_per_hour_minor=4000,
            ),
        )
    lanes = tuple(lane(roll, a, b) for a in made for b in made if a != b and roll.random() < 0.95)
    order = ProductionOrder(
        id="big",
        product=tree(roll, steps),
        received_at=NOW,
        due_at=Instant(NOW + 9 * DAY),
    )
    return order, Network(sites=made, lanes=lanes), kpis


def machine(roll: Random, unit: WorkUnitId, site: SiteId, area: AreaId) -> WorkUnit:
    """Return a work unit with one to three skills."""
    values = {
        "size": Span(low=0.0, high=roll.uniform(0.2, 1.0)),
        "error": LiveRating(kpi=TOTAL_POSITION_ERROR, vendor=1e-5, monitored=True),
    }
    skills = roll.sample(SKILLS, roll.randint(1, 3))
    return WorkUnit(
        id=unit,
        label=unit,
        equipment_type=EquipmentTypeId("machine"),
        site=site,
        area=area,
        offers=tuple(Offer(skill=each, values=values) for each in skills),
        cost_per_hour_minor=roll.randint(3000, 20000),
        power_w=roll.uniform(5e3, 3e4),
        speed=roll.uniform(0.7, 1.3),
    )


def links(roll: Random, site: SiteId, areas: list[AreaId]) -> Iterator[TransportLink]:
    """Yield a link for each pair of areas."""
    for first, origin in enumerate(areas):
        for destination in areas[first:]:
            yield TransportLink(
                origin=origin,
                destination=destination,
                by=WorkUnitId(f"{site}-agv-{roll.randint(0, 9)}"),
                duration_ns=roll.randint(1, 6) * MINUTE,
                cost_minor=roll.randint(5, 60),
                energy_j=1e4,
            )


def lane(roll: Random, origin: SiteId, destination: SiteId) -> ShippingLane:
    """Return a lane between two sites."""
    return ShippingLane(
        id=LaneId(f"{origin}-{destination}"),
        carrier="carrier",
        origin=origin,
        destination=destination,
        duration_ns=roll.randint(2, 20) * HOUR,
        cost_minor=roll.randint(2_000, 30_000),
        energy_j=1e8,
        co2_kg=roll.uniform(5, 60),
    )


def tree(roll: Random, steps: int) -> ConfiguredProduct:
    """Return chains joined by binary steps."""
    operations, open_ones = [], []
    for number in range(steps):
        left = steps - number
        joins = len(open_ones) > 1 and (len(open_ones) >= left or roll.random() < 0.15)
        starts = not open_ones or (roll.random() < 0.15 and len(open_ones) + 1 < left)
        inputs = (
            [open_ones.pop(0), open_ones.pop(0)] if joins else [] if starts else [open_ones.pop()]
        )
        name = OperationId(f"step-{number}")
        limits = {"size": roll.uniform(0.05, 0.4), "error": roll.uniform(12e-6, 40e-6)}
        operations.append(
            Operation(
                id=name,
                label=name,
                requirement=Requirement(skill=roll.choice(SKILLS), constraints=limits),
                inputs=tuple(inputs),
                output=MaterialId(name),
                duration_ns=roll.randint(5, 60) * MINUTE,
                energy_j=1e6,
                cost_minor=50,
            )
        )
        open_ones.append(name)
    return ConfiguredProduct(
        product=ProductId("big"),
        label="big",
        version="1",
        choices={},
        materials=(),
        operations=tuple(operations),
    )


def full_size() -> None:
    """The tree at 20 sites x 50 work units x 200 steps."""
    order, network, kpis = big(20, 50, 200)
    words = vocabulary()

    def state() -> Problem:
        return problem_of(order.product, Setting(network, words, kpis, NOW, NOW))

    print("20 sites x 50 work units x 200 operations")
    problem = timed("  match all operations with all work units", state, runs=3)
    print(f"    {sum(len(each.candidates) for each in problem.jobs)} candidates")
    timed("  exact minimum of the cost", lambda: least(problem, Objective.COST))
    timed(
        "  exact minimum of the makespan without contention",
        lambda: least(problem, Objective.MAKESPAN),
    )
    timed("  cheapest plan with its routes", lambda: cheapest(problem, Objective.COST))
    found = timed("  makespan with contention", lambda: fastest(problem), runs=1)
    assert found is not None
    finish = found.table.finish(problem)
    print(f"    finish {finish} s, bound {found.bound} s, gap {1 - found.bound / finish:.2%}")
    answer = timed(
        "  check, one plan", lambda: check(order, network, words, kpis, NOW, plans_max=1), runs=1
    )
    assert isinstance(answer, Producible)
    tight = msgspec.structs.replace(
        order.product.operations[41].requirement, constraints={"size": 0.1, "error": 4e-6}
    )
    operations = list(order.product.operations)
    operations[41] = msgspec.structs.replace(operations[41], requirement=tight)
    product = msgspec.structs.replace(order.product, operations=tuple(operations))
    wrong = problem_of(product, Setting(network, words, kpis, NOW, NOW))
    conflicts = timed("  minimal conflict", lambda: conflicts_of(wrong))
    print(f"    {len(conflicts)} conflict of {len(conflicts[0])} reason")


if __name__ == "__main__":
    print(f"Python {sys.version.split()[0]}")
    wave_gear()
    full_size()
