"""Multi-factory planning instances: the public ones read into our nouns, and more of their kind.

The public files (schema ``multi-factory-plan/1``) count minutes; here one of theirs is one second,
so that their whole minutes are our whole seconds. Each machine is an area of its own, and each pair
of machines has a conveyor of its own, since their transport never waits.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from fabloop.base.instant import DAY, HOUR, SECOND, Instant
from fabloop.base.quantity import Dimension
from fabloop.model.ids import (
    AreaId,
    EquipmentTypeId,
    KpiId,
    LaneId,
    MaterialId,
    OperationId,
    OrderId,
    ProductId,
    SiteId,
    SkillId,
    WorkUnitId,
)
from fabloop.model.kpi import TOTAL_POSITION_ERROR, KpiValue
from fabloop.model.order import ProductionOrder
from fabloop.model.product import ConfiguredProduct, Operation
from fabloop.model.site import Network, ShippingLane, Site, Tariff, TransportLink, WorkUnit
from fabloop.model.skill import (
    Choices,
    LiveRating,
    Offer,
    ParameterDefinition,
    Rating,
    Requirement,
    Rule,
    Skill,
    SkillVocabulary,
)

NOW = Instant(1_790_000_000 * SECOND)
MINUTE = SECOND
"""One minute of an instance."""

GATE = AreaId("gate")
ASSEMBLE = "assemble"
SKILLS = (
    *("mill", "turn", "drill", "ream", "grind", ASSEMBLE),
    *("clean", "inspect", "heat", "coat", "weld", "print"),
)
Document = Mapping[str, Any]


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """An instance in our nouns; `reference` is what is known about it."""

    name: str
    network: Network
    vocabulary: SkillVocabulary
    kpis: dict[tuple[WorkUnitId, KpiId], KpiValue]
    product: ConfiguredProduct
    now: Instant = NOW
    reference: dict[str, Any] = {}

    def order(self, name: str = "order", *, due_in: int = DAY) -> ProductionOrder:
        """Return an order for the product."""
        return ProductionOrder(
            id=OrderId(name),
            product=self.product,
            received_at=self.now,
            due_at=Instant(self.now + due_in),
        )


def folder() -> Path:
    """Return where the public instances are, if they are there."""
    return Path(os.environ.get("FABLOOP_DATA", "../shared/data")) / "planning" / "multifactory"


def paths(*prefixes: str) -> list[Path]:
    """Return the public instances whose names begin so (all where nothing is said)."""
    wanted = prefixes or ("mf_", "np_")
    return sorted(each for each in folder().glob("*.json") if each.name.startswith(wanted))


def load(path: Path) -> Instance:
    """Return the instance of a file."""
    return instance_of(json.loads(path.read_text()), path.stem)


def load_exact(path: Path) -> Instance:
    """Return the instance with its hourly rates to the last digit, as its reference was found."""
    document = json.loads(path.read_text())
    it = instance_of(document, path.stem)
    rates = {_unit_id(each): each["rate"] * (HOUR / MINUTE) for each in document["machines"]}
    sites = {
        name: msgspec.structs.replace(
            site,
            work_units=tuple(
                msgspec.structs.replace(each, cost_per_hour_minor=rates[each.id])
                for each in site.work_units
            ),
        )
        for name, site in it.network.sites.items()
    }
    return msgspec.structs.replace(it, network=msgspec.structs.replace(it.network, sites=sites))


def instance_of(document: Document, name: str) -> Instance:
    """Return the instance of a parsed file."""
    return Instance(
        name=name,
        network=network_of(document),
        vocabulary=vocabulary_of(document),
        kpis=kpis_of(document),
        product=product_of(document["steps"], name),
        reference=dict(document.get("reference", {})),
    )


def vocabulary_of(document: Document) -> SkillVocabulary:
    """Return the skills; all have the same three parameters."""
    length = Dimension.LENGTH
    parameters = (
        ParameterDefinition(name="tpe", label="Error", rule=Rule.AT_MOST, dimension=length),
        ParameterDefinition(name="size", label="Work space", rule=Rule.AT_LEAST, dimension=length),
        ParameterDefinition(name="material", label="Material", rule=Rule.AMONG),
    )
    names = [SkillId(each) for each in document["skills"]]
    return SkillVocabulary(
        skills={each: Skill(id=each, label=each, parameters=parameters) for each in names}
    )


def kpis_of(document: Document) -> dict[tuple[WorkUnitId, KpiId], KpiValue]:
    """Return the position error of each machine as measured an hour ago."""
    values = [
        KpiValue(
            work_unit=_unit_id(machine),
            kpi=TOTAL_POSITION_ERROR,
            value=machine["tpe_um"] * 1e-6,
            upper=machine["tpe_um"] * 1e-6,
            dimension=Dimension.LENGTH,
            at=Instant(NOW - HOUR),
            valid_for_ns=30 * DAY,
            source="tpe/1",
        )
        for machine in document["machines"]
    ]
    return {(each.work_unit, each.kpi): each for each in values}


def product_of(steps: Sequence[Document], name: str) -> ConfiguredProduct:
    """Return the steps as a product."""
    inputs: dict[int, list[OperationId]] = {step["id"]: [] for step in steps}
    for step in steps:
        if step["successor"] is not None:
            inputs[step["successor"]].append(OperationId(f"s{step['id']}"))
    return ConfiguredProduct(
        product=ProductId(name),
        label=name,
        version="1",
        choices={},
        materials=(),
        operations=tuple(_operation(step, inputs[step["id"]]) for step in steps),
    )


def _operation(step: Document, inputs: Sequence[OperationId]) -> Operation:
    limits = {
        "tpe": step["max_tpe_um"] * 1e-6,
        "size": step["size_mm"] * 1e-3,
        "material": f"m{step['material']}",
    }
    return Operation(
        id=OperationId(f"s{step['id']}"),
        label=f"{step['skill']} {step['id']}",
        requirement=Requirement(skill=SkillId(step["skill"]), constraints=limits),
        inputs=tuple(inputs),
        output=MaterialId(f"s{step['id']}"),
        duration_ns=round(step["nominal_min"] * MINUTE),
        energy_j=0.0,
        cost_minor=1,
    )


def network_of(document: Document) -> Network:
    """Return factories, machines and ways."""
    blocked = {tuple(each) for each in document["blocked_routes"]}
    machines: dict[int, list[Document]] = {each["id"]: [] for each in document["factories"]}
    for machine in document["machines"]:
        machines[machine["factory"]].append(machine)
    sites = [_site(each, machines[each["id"]], blocked) for each in document["factories"]]
    return Network(sites={each.id: each for each in sites}, lanes=tuple(_lanes(document)))


def _site(factory: Document, machines: Sequence[Document], blocked: set[tuple[int, ...]]) -> Site:
    name = SiteId(f"f{factory['id']}")
    gate = [
        _link(_area(each), GATE, each["gate_cost"], each["gate_min"], one_way=False)
        for each in machines
    ]
    inside = _links(factory["id"], machines, blocked)
    return Site(
        id=name,
        label=name,
        time_zone="UTC",
        gate=GATE,
        areas={GATE: GATE, **{_area(each): _area(each) for each in machines}},
        work_units=tuple(_unit(each, name) for each in machines),
        transport=(*gate, *inside),
        shifts=(),
        persons=(),
        tariff=Tariff(
            currency="EUR",
            energy_minor_per_j=0.0,
            co2_kg_per_j=factory["grid_gco2"] / 1e3 / 3.6e6,
            labour_cost_per_hour_minor=0,
        ),
    )


def _links(
    factory: int, machines: Sequence[Document], blocked: set[tuple[int, ...]]
) -> Iterator[TransportLink]:
    for count, one in enumerate(machines):
        for other in machines[count + 1 :]:
            far = sum(abs(a - b) for a, b in zip(one["xy"], other["xy"], strict=True))
            cost, minutes = int(0.05 * far), int(0.05 * far) + (far > 0)
            there = (factory, one["zone"], other["zone"]) not in blocked
            back = (factory, other["zone"], one["zone"]) not in blocked
            if there:
                yield _link(_area(one), _area(other), cost, minutes, one_way=not back)
            elif back:
                yield _link(_area(other), _area(one), cost, minutes, one_way=True)


def _link(
    origin: AreaId, destination: AreaId, cost: int, minutes: int, *, one_way: bool
) -> TransportLink:
    return TransportLink(
        origin=origin,
        destination=destination,
        by=WorkUnitId(f"{origin}~{destination}"),
        duration_ns=minutes * MINUTE,
        cost_minor=cost,
        energy_j=0.0,
        one_way=one_way,
    )


def _area(machine: Document) -> AreaId:
    return AreaId(f"m{machine['id']}")


def _unit_id(machine: Document) -> WorkUnitId:
    return WorkUnitId(f"m{machine['id']}")


def _unit(machine: Document, site: SiteId) -> WorkUnit:
    """Return the machine; half a second less set-up makes our rounding up their rounding."""
    values = {
        "tpe": LiveRating(
            kpi=TOTAL_POSITION_ERROR, vendor=machine["tpe_um"] * 1e-6, monitored=True
        ),
        "size": Rating(value=machine["work_space_mm"] * 1e-3),
        "material": Choices(values=tuple(f"m{each}" for each in machine["materials"])),
    }
    return WorkUnit(
        id=_unit_id(machine),
        label=_unit_id(machine),
        equipment_type=EquipmentTypeId("machine"),
        site=site,
        area=_area(machine),
        offers=tuple(Offer(skill=SkillId(each), values=values) for each in machine["skills"]),
        cost_per_hour_minor=round(machine["rate"] * HOUR / MINUTE),
        power_w=machine["kw"] * 60e3,
        speed=machine["speed"],
        setup_ns=-MINUTE // 2,
    )


def _lanes(document: Document) -> Iterator[ShippingLane]:
    for origin, row in enumerate(document["ship_cost"]):
        for destination, cost in enumerate(row):
            if origin == destination or cost is None:
                continue
            yield ShippingLane(
                id=LaneId(f"f{origin}-f{destination}"),
                carrier=f"carrier-{origin}-{destination}",
                origin=SiteId(f"f{origin}"),
                destination=SiteId(f"f{destination}"),
                duration_ns=document["ship_min"][origin][destination] * MINUTE,
                cost_minor=cost,
                energy_j=0.0,
                co2_kg=float(document["ship_co2"][origin][destination]),
            )


def generated(factories: int, machines: int, steps: int, seed: int) -> dict[str, Any]:
    """Return an instance of the same kind, drawn anew; `machines` are those of one factory."""
    roll = Random(seed)
    plant = _plant(roll, factories, machines)
    return {**plant, "steps": drawn_steps(roll, plant["machines"], steps)}


def generated_orders(
    factories: int, machines: int, steps: int, orders: int, seed: int, *, due_in: int = DAY
) -> tuple[Instance, list[ProductionOrder]]:
    """Return a plant with several orders, each for a product of its own."""
    roll = Random(seed)
    plant = _plant(roll, factories, machines)
    made = []
    for number in range(orders):
        drawn = {**plant, "steps": drawn_steps(roll, plant["machines"], steps)}
        if number == 0:
            first = instance_of(drawn, f"{factories}x{machines}x{steps}")
        name = f"p{number}"
        order = msgspec.structs.replace(
            first.order(f"order-{number}", due_in=due_in), product=product_of(drawn["steps"], name)
        )
        made.append(order)
    return first, made


def _plant(roll: Random, factories: int, machines: int) -> dict[str, Any]:
    made = [_machine(roll, number, number // machines) for number in range(factories * machines)]
    for skill in SKILLS:
        if not any(skill in each["skills"] for each in made):
            roll.choice(made)["skills"].append(skill)
    towns = [(roll.uniform(0, 1000), roll.uniform(0, 1000)) for _ in range(factories)]
    far = [[sum(abs(a - b) for a, b in zip(p, q, strict=True)) for q in towns] for p in towns]
    closed = {(a, b) for a in range(factories) for b in range(a, factories) if roll.random() < 0.05}

    def shipping(times: float, base: float) -> list[list[int | None]]:
        return [
            [
                0
                if a == b
                else None
                if (min(a, b), max(a, b)) in closed
                else round(base + times * far[a][b])
                for b in range(factories)
            ]
            for a in range(factories)
        ]

    return {
        "schema": "multi-factory-plan/1",
        "skills": list(SKILLS),
        "factories": [{"id": f, "grid_gco2": roll.uniform(30, 600)} for f in range(factories)],
        "machines": made,
        "blocked_routes": [
            [f, a, b] for f in range(factories) for a in range(3) for b in range(3)
            if a != b and roll.random() < 0.03
        ],
        "ship_cost": shipping(0.25, 50.0),
        "ship_min": shipping(1.0, 20.0),
        "ship_co2": shipping(0.4, 5.0),
    }  # fmt: skip


def _machine(roll: Random, number: int, factory: int) -> dict[str, Any]:
    x, y = roll.uniform(0, 100), roll.uniform(0, 100)
    gate = int(0.05 * (abs(x - 50) + abs(y - 50)) + roll.uniform(0, 2.5))
    return {
        "id": number,
        "factory": factory,
        "skills": roll.sample(SKILLS, roll.randint(1, 3)),
        "tpe_um": roll.uniform(4, 30),
        "work_space_mm": roll.uniform(100, 1000),
        "materials": [m for m in range(4) if roll.random() < 0.75] or [roll.randrange(4)],
        "speed": roll.uniform(0.7, 1.5),
        "rate": roll.uniform(0.5, 2.0) * roll.uniform(0.6, 1.2),
        "kw": roll.uniform(2, 40),
        "xy": [x, y],
        "zone": roll.randrange(3),
        "gate_cost": gate,
        "gate_min": gate + 1,
    }


def drawn_steps(roll: Random, machines: Sequence[Document], steps: int) -> list[dict[str, Any]]:
    """Return chains of two to five steps joined by assemblies; each step has a machine."""
    chains = max(1, round((steps + 1) / 4.5))
    joins = chains - 1
    lengths = [(steps - joins) // chains] * chains
    for extra in range(steps - joins - sum(lengths)):
        lengths[extra] += 1
    for _ in range(steps):
        giver, taker = roll.randrange(chains), roll.randrange(chains)
        if giver != taker and lengths[giver] > 2 and lengths[taker] < 6:
            lengths[giver], lengths[taker] = lengths[giver] - 1, lengths[taker] + 1
    made: list[dict[str, Any]] = []
    heads = []
    for length in lengths:
        for count in range(length):
            step = _drawn_step(roll, machines, len(made), roll.choice(SKILLS))
            step["successor"] = len(made) + 1 if count < length - 1 else None
            made.append(step)
        heads.append(made[-1])
    while len(heads) > 1:
        step = _drawn_step(roll, machines, len(made), ASSEMBLE)
        for _ in range(2):
            heads.pop(roll.randrange(len(heads)))["successor"] = step["id"]
        made.append(step)
        heads.append(step)
    return made


def _drawn_step(
    roll: Random, machines: Sequence[Document], number: int, skill: str
) -> dict[str, Any]:
    while True:
        step = {
            "id": number,
            "skill": skill,
            "max_tpe_um": roll.uniform(8, 30) if roll.random() < 0.25 else 99.0,
            "size_mm": roll.uniform(50, 500),
            "material": roll.randrange(4),
            "nominal_min": roll.uniform(5, 60),
            "successor": None,
        }
        if any(_fits(step, machine) for machine in machines):
            return step


def _fits(step: Document, machine: Document) -> bool:
    return (
        step["skill"] in machine["skills"]
        and machine["tpe_um"] <= step["max_tpe_um"]
        and machine["work_space_mm"] >= step["size_mm"]
        and step["material"] in machine["materials"]
    )
