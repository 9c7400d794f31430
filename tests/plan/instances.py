"""Plants, products and orders for planning tests: a hand-made small one and random ones."""

from random import Random

from fabloop.base.instant import DAY, HOUR, MINUTE, SECOND, Instant
from fabloop.base.quantity import Dimension
from fabloop.model.ids import (
    AreaId,
    EquipmentTypeId,
    KpiId,
    LaneId,
    MaterialId,
    OperationId,
    OrderId,
    PersonId,
    ProductId,
    SiteId,
    SkillId,
    WorkUnitId,
)
from fabloop.model.kpi import TOTAL_POSITION_ERROR, KpiValue
from fabloop.model.order import ProductionOrder
from fabloop.model.product import ConfiguredProduct, Operation
from fabloop.model.site import (
    Network,
    Person,
    ShippingLane,
    Site,
    Tariff,
    TransportLink,
    WorkUnit,
)
from fabloop.model.skill import (
    Choices,
    LiveRating,
    Offer,
    ParameterDefinition,
    Requirement,
    Rule,
    Skill,
    SkillVocabulary,
    Span,
)

NOW = Instant(1_790_000_000 * SECOND)
MACHINING = SkillId("machining")
NAMES = ("mill", "drill", "ream", "clean")


def vocabulary() -> SkillVocabulary:
    length = Dimension.LENGTH
    shared = (
        ParameterDefinition(name="material", label="Material", rule=Rule.AMONG),
        ParameterDefinition(name="size", label="Size", rule=Rule.WITHIN, dimension=length),
        ParameterDefinition(name="tpe", label="Error", rule=Rule.AT_MOST, dimension=length),
    )
    skills = [Skill(id=MACHINING, label="Machining", parameters=shared)]
    skills += [Skill(id=SkillId(each), label=each, broader=MACHINING) for each in NAMES]
    skills += [Skill(id=SkillId("assembler"), label="Assembler")]
    return SkillVocabulary(skills={each.id: each for each in skills})


def offer(skill: str, *, tpe: float = 10e-6, size: float = 0.5, monitored: bool = True) -> Offer:
    return Offer(
        skill=SkillId(skill),
        values={
            "material": Choices(values=("steel", "aluminium")),
            "size": Span(low=0.0, high=size),
            "tpe": LiveRating(kpi=TOTAL_POSITION_ERROR, vendor=tpe, monitored=monitored),
        },
    )


def unit(
    name: str, site: str, area: str, *offers: Offer, rate: int = 6000, speed: float = 1.0
) -> WorkUnit:
    return WorkUnit(
        id=WorkUnitId(name),
        label=name,
        equipment_type=EquipmentTypeId("any"),
        site=SiteId(site),
        area=AreaId(area),
        offers=offers,
        cost_per_hour_minor=rate,
        power_w=2000.0,
        speed=speed,
    )


def link(origin: str, destination: str, by: str, *, minutes: float = 2, cost: int = 10):
    return TransportLink(
        origin=AreaId(origin),
        destination=AreaId(destination),
        by=WorkUnitId(by),
        duration_ns=int(minutes * MINUTE),
        cost_minor=cost,
        energy_j=1e4,
    )


def site(name: str, units, links, *, persons=(), areas=("hall", "gate")) -> Site:
    return Site(
        id=SiteId(name),
        label=name,
        time_zone="Europe/Vienna",
        gate=AreaId("gate"),
        areas={AreaId(each): each for each in areas},
        work_units=tuple(units),
        transport=tuple(links),
        shifts=(),
        persons=tuple(persons),
        tariff=Tariff(
            currency="EUR",
            energy_minor_per_j=8e-6,
            co2_kg_per_j=5e-8,
            labour_cost_per_hour_minor=4000,
        ),
    )


def lane(origin: str, destination: str, *, hours: float = 4, cost: int = 5000, name: str = ""):
    return ShippingLane(
        id=LaneId(name or f"{origin}-{destination}"),
        carrier="carrier",
        origin=SiteId(origin),
        destination=SiteId(destination),
        duration_ns=int(hours * HOUR),
        cost_minor=cost,
        energy_j=1e7,
        co2_kg=3.0,
    )


def network(*sites: Site, lanes=()) -> Network:
    return Network(sites={each.id: each for each in sites}, lanes=tuple(lanes))


def operation(
    name: str, skill: str, *inputs: str, minutes: float = 30, person: str | None = None, **limits
) -> Operation:
    return Operation(
        id=OperationId(name),
        label=name,
        requirement=Requirement(skill=SkillId(skill), constraints=limits),
        inputs=tuple(OperationId(each) for each in inputs),
        output=MaterialId(f"{name}-out"),
        duration_ns=int(minutes * MINUTE),
        energy_j=1e6,
        cost_minor=100,
        person_skill=None if person is None else SkillId(person),
    )


def order(*operations: Operation, name: str = "order") -> ProductionOrder:
    product = ConfiguredProduct(
        product=ProductId("gear"),
        label="Gear",
        version="1",
        choices={},
        materials=(),
        operations=operations,
    )
    return ProductionOrder(
        id=OrderId(name), product=product, received_at=NOW, due_at=Instant(NOW + 3 * DAY)
    )


def tpe(name: str, value: float, *, at: int = NOW - HOUR, valid: int = DAY, upper: float = 0.0):
    return KpiValue(
        work_unit=WorkUnitId(name),
        kpi=TOTAL_POSITION_ERROR,
        value=value,
        upper=upper or value,
        dimension=Dimension.LENGTH,
        at=Instant(at),
        valid_for_ns=valid,
        source="tpe/1",
    )


def kpis(*values: KpiValue) -> dict[tuple[WorkUnitId, KpiId], KpiValue]:
    return {(each.work_unit, each.kpi): each for each in values}


def gear(limit: float = 15e-6) -> ProductionOrder:
    """A small gear: two machined parts, one of them reamed, cleaned and put together."""
    return order(
        operation("mill-a", "mill", material="steel", size=0.1, minutes=40),
        operation("ream-a", "ream", "mill-a", material="steel", size=0.05, tpe=limit),
        operation("mill-b", "mill", material="aluminium", size=0.2, minutes=25),
        operation("clean", "clean", "ream-a", "mill-b", minutes=10, person="assembler"),
    )


def graz_and_vienna(graz_tpe: float = 12e-6, vienna_tpe: float = 9e-6):
    """Two sites; both can ream, Graz is cheaper; only Graz cleans."""
    person = Person(
        id=PersonId("p1"),
        label="Assembler 1",
        site=SiteId("graz"),
        skills=(SkillId("assembler"),),
        shift="day",
    )
    graz = site(
        "graz",
        [
            unit("g-mill", "graz", "hall", offer("mill", monitored=False)),
            unit("g-mill-2", "graz", "hall", offer("mill", monitored=False), rate=7000),
            unit("g-ream", "graz", "hall", offer("ream"), offer("drill")),
            unit("g-wash", "graz", "gate", offer("clean", monitored=False), rate=1000),
            unit("g-agv", "graz", "hall"),
        ],
        [link("hall", "hall", "g-agv"), link("hall", "gate", "g-agv", minutes=5)],
        persons=[person],
    )
    vienna = site(
        "vienna",
        [
            unit("v-mill", "vienna", "hall", offer("mill", monitored=False), rate=9000),
            unit("v-ream", "vienna", "hall", offer("ream"), rate=8000),
            unit("v-agv", "vienna", "hall"),
        ],
        [link("hall", "hall", "v-agv"), link("hall", "gate", "v-agv")],
    )
    lanes = [lane("graz", "vienna"), lane("vienna", "graz")]
    values = kpis(tpe("g-ream", graz_tpe), tpe("v-ream", vienna_tpe))
    return network(graz, vienna, lanes=lanes), values


def random_instance(seed: int, *, operations: int = 6, sites: int = 2, units: int = 4):
    """A random in-tree over random sites; with luck producible. Also returns the KPI values."""
    roll = Random(seed)
    made, values = [], []
    for s in range(sites):
        name = f"s{s}"
        machines = []
        for u in range(units):
            skills = roll.sample(NAMES, roll.randint(1, 3))
            offers = [offer(each, size=roll.choice([0.1, 0.5]), monitored=True) for each in skills]
            area = roll.choice(["hall", "gate", "yard"])
            machines.append(
                unit(
                    f"{name}u{u}",
                    name,
                    area,
                    *offers,
                    rate=roll.randint(10, 200) * 60,
                    speed=roll.choice([0.7, 1.0, 1.3]),
                )
            )
            values.append(tpe(f"{name}u{u}", roll.choice([8e-6, 12e-6, 18e-6])))
        machines.append(unit(f"{name}agv", name, "hall"))
        pairs = [("hall", "hall"), ("hall", "gate"), ("yard", "gate"), ("yard", "yard")]
        pairs += [("hall", "yard")] if roll.random() < 0.7 else []
        pairs += [("gate", "gate")] if roll.random() < 0.8 else []
        links = [
            link(a, b, f"{name}agv", minutes=roll.randint(0, 6), cost=roll.randint(0, 50))
            for a, b in pairs
        ]
        made.append(site(name, machines, links, areas=("hall", "gate", "yard")))
    lanes = [
        lane(f"s{a}", f"s{b}", hours=roll.randint(1, 6), cost=roll.randint(100, 4000))
        for a in range(sites)
        for b in range(sites)
        if a != b and roll.random() < 0.8
    ]
    ops, open_ones = [], []
    for index in range(operations):
        last = index == operations - 1
        take = len(open_ones) if last else min(len(open_ones), roll.choice([0, 1, 1, 2]))
        inputs = [open_ones.pop(0) for _ in range(take)]
        limits = {"tpe": roll.choice([10e-6, 15e-6, 20e-6])} if roll.random() < 0.5 else {}
        if roll.random() < 0.5:
            limits["size"] = roll.choice([0.05, 0.3])
        ops.append(
            operation(
                f"o{index}", roll.choice(NAMES), *inputs, minutes=roll.randint(5, 90), **limits
            )
        )
        open_ones.append(f"o{index}")
    return order(*ops), network(*made, lanes=lanes), kpis(*values)
