"""A wave gear of seven operations, planned over one site and over two: material for tests."""

from fabloop.base.instant import HOUR, MINUTE, Instant, instant_of
from fabloop.model.calendar import Shift
from fabloop.model.ids import (
    AreaId,
    EquipmentTypeId,
    LaneId,
    MaterialId,
    OperationId,
    OrderId,
    PlanId,
    ProductId,
    SiteId,
    SkillId,
    WorkUnitId,
)
from fabloop.model.plan import Movement, MovementKind, Plan, PlannedStep, Totals
from fabloop.model.product import ConfiguredProduct, Material, Operation
from fabloop.model.site import Network, Site, Tariff, TransportLink, WorkUnit
from fabloop.model.skill import Requirement, Skill, SkillVocabulary

BEGIN = instant_of("2026-11-23T06:00:00Z")


def vocabulary() -> SkillVocabulary:
    kinds = {
        "cutting": None, "mill": "cutting", "drill": "cutting", "ream": "cutting",
        "clean": None, "manual": None, "assemble": None, "inspect": "manual",
        "transport": None, "shipping": None,
    }  # fmt: skip
    return SkillVocabulary(
        skills={
            SkillId(name): Skill(
                id=SkillId(name), label=name, broader=SkillId(broader) if broader else None
            )
            for name, broader in kinds.items()
        }
    )


def _operation(name, label, skill, inputs, output, minutes, person=None, **constraints):
    return Operation(
        id=OperationId(name),
        label=label,
        requirement=Requirement(skill=SkillId(skill), constraints=constraints),
        inputs=tuple(OperationId(each) for each in inputs),
        output=MaterialId(output),
        duration_ns=minutes * MINUTE,
        energy_j=3.6e6,
        cost_minor=500,
        person_skill=SkillId(person) if person else None,
    )


def product() -> ConfiguredProduct:
    operations = (
        _operation("mill-base", "Mill base", "mill", (), "base", 40),
        _operation("mill-generator", "Mill wave generator", "mill", (), "blank", 30),
        _operation("drill-generator", "Drill wave generator", "drill", ("mill-generator",),
                   "drilled", 15),
        _operation("ream-generator", "Ream wave generator bore", "ream", ("drill-generator",),
                   "reamed", 20, material="AISI 304", position_error=15e-6),
        _operation("clean-generator", "Clean wave generator", "clean", ("ream-generator",),
                   "clean generator", 10),
        _operation("assemble", "Assemble gear", "assemble", ("mill-base", "clean-generator"),
                   "assembled gear", 45, person="fitter"),
        _operation("inspect", "Inspect gear", "inspect", ("assemble",), "wave gear", 15,
                   person="inspector"),
    )  # fmt: skip
    return ConfiguredProduct(
        product=ProductId("wave-gear"),
        label="Wave gear 50 Nm",
        version="1",
        choices={"ratio": "1:80"},
        materials=tuple(
            Material(id=each.output, label=each.output.capitalize()) for each in operations
        ),
        operations=operations,
    )


UNITS = {
    "graz": (("nlx", "DMG NLX 2500", "mill"), ("u630", "Spinner U630", "ream"),
             ("wash", "Wash bay", "clean"), ("bench", "Assembly 1", "assemble")),
    "vienna": (("maxxmill", "EMCO MAXXMILL 750", "ream"),),
}  # fmt: skip


def network() -> Network:
    return Network(sites={SiteId(each): _site(each) for each in UNITS})


def _site(name: str) -> Site:
    gate, hall = AreaId(f"{name}-gate"), AreaId(f"{name}-hall")
    units = [*UNITS[name], (f"agv-{name}", "Vehicle 1", "transport")]
    return Site(
        id=SiteId(name),
        label={"graz": "Factory Graz", "vienna": "Factory Vienna"}[name],
        time_zone="Europe/Vienna",
        gate=gate,
        areas={gate: "Gate", hall: "Hall"},
        work_units=tuple(
            WorkUnit(
                id=WorkUnitId(unit), label=label, equipment_type=EquipmentTypeId(unit),
                site=SiteId(name), area=hall, offers=(), cost_per_hour_minor=6000, power_w=2000.0,
            )
            for unit, label, _ in units
        ),
        transport=(
            TransportLink(
                origin=hall, destination=gate, by=WorkUnitId(f"agv-{name}"),
                duration_ns=5 * MINUTE, cost_minor=50, energy_j=1e5,
            ),
        ),
        shifts=(
            Shift(id="early", label="Early", start_ns=6 * HOUR, end_ns=14 * HOUR),
            Shift(id="late", label="Late", start_ns=14 * HOUR, end_ns=22 * HOUR),
        ),
        persons=(),
        tariff=Tariff(
            currency="EUR", energy_minor_per_j=1e-5, co2_kg_per_j=3e-8,
            labour_cost_per_hour_minor=4000,
        ),
    )  # fmt: skip


def _at(minutes: int) -> Instant:
    return Instant(BEGIN + minutes * MINUTE)


def _step(operation, unit, site, start, minutes, *, frozen=False):
    return PlannedStep(
        operation=OperationId(operation), work_unit=WorkUnitId(unit), site=SiteId(site),
        start=_at(start), end=_at(start + minutes), cost_minor=1000, energy_j=3.6e6, co2_kg=1.0,
        frozen=frozen,
    )  # fmt: skip


def _move(made, taken, leg, places, sites, by, start, minutes, lane=None):
    return Movement(
        made_by=OperationId(made), taken_by=OperationId(taken), leg=leg,
        kind=MovementKind.SHIPPING if lane else MovementKind.TRANSPORT,
        origin=places[0], destination=places[1],
        origin_site=SiteId(sites[0]), destination_site=SiteId(sites[1]), by=by,
        start=_at(start), end=_at(start + minutes), cost_minor=100, energy_j=1e5, co2_kg=0.1,
        lane=LaneId(lane) if lane else None,
    )  # fmt: skip


def _plan(name, steps, movements, sites, replaces=None):
    ends = [each.end for each in steps]
    return Plan(
        id=PlanId(name), order=OrderId("order-1042"), made_at=BEGIN, steps=steps,
        movements=movements,
        totals=Totals(
            cost_minor=sum(e.cost_minor for e in (*steps, *movements)), currency="EUR",
            makespan_ns=max(ends) - BEGIN, energy_j=1e7, co2_kg=10.0,
            sites=tuple(SiteId(each) for each in sites),
            shipments=sum(e.kind is MovementKind.SHIPPING for e in movements),
        ),
        optimality=(),
        replaces=PlanId(replaces) if replaces else None,
    )  # fmt: skip


def plan_in_graz() -> Plan:
    g = ("graz", "graz")
    return _plan(
        "plan-1",
        (
            _step("mill-generator", "nlx", "graz", 0, 30),
            _step("mill-base", "nlx", "graz", 30, 40),
            _step("drill-generator", "u630", "graz", 35, 15),
            _step("ream-generator", "u630", "graz", 50, 20),
            _step("clean-generator", "wash", "graz", 75, 10),
            _step("assemble", "bench", "graz", 90, 45),
            _step("inspect", "bench", "graz", 135, 15),
        ),
        (
            _move("mill-generator", "drill-generator", 0, ("nlx", "u630"), g, "agv-graz", 30, 5),
            _move("ream-generator", "clean-generator", 0, ("u630", "wash"), g, "agv-graz", 70, 5),
            _move("mill-base", "assemble", 0, ("nlx", "bench"), g, "agv-graz", 75, 5),
            _move("clean-generator", "assemble", 0, ("wash", "bench"), g, "agv-graz", 85, 5),
        ),
        ("graz",),
    )


def plan_over_vienna() -> Plan:
    g, v = ("graz", "graz"), ("vienna", "vienna")
    there, back = ("graz", "vienna"), ("vienna", "graz")
    return _plan(
        "plan-2",
        (
            _step("mill-generator", "nlx", "graz", 0, 30, frozen=True),
            _step("mill-base", "nlx", "graz", 30, 40),
            _step("drill-generator", "u630", "graz", 35, 15, frozen=True),
            _step("ream-generator", "maxxmill", "vienna", 240, 25),
            _step("clean-generator", "wash", "graz", 460, 10),
            _step("assemble", "bench", "graz", 475, 45),
            _step("inspect", "bench", "graz", 520, 15),
        ),
        (
            _move("mill-generator", "drill-generator", 0, ("nlx", "u630"), g, "agv-graz", 30, 5),
            _move("drill-generator", "ream-generator", 0, ("u630", "graz-gate"), g, "agv-graz",
                  50, 5),
            _move("drill-generator", "ream-generator", 1, ("graz-gate", "vienna-gate"), there,
                  "Alpine Cargo", 55, 180, "graz-vienna"),
            _move("drill-generator", "ream-generator", 2, ("vienna-gate", "maxxmill"), v,
                  "agv-vienna", 235, 5),
            _move("ream-generator", "clean-generator", 0, ("maxxmill", "vienna-gate"), v,
                  "agv-vienna", 265, 5),
            _move("ream-generator", "clean-generator", 1, ("vienna-gate", "graz-gate"), back,
                  "Alpine Cargo", 270, 180, "vienna-graz"),
            _move("ream-generator", "clean-generator", 2, ("graz-gate", "wash"), g, "agv-graz",
                  450, 5),
            _move("mill-base", "assemble", 0, ("nlx", "bench"), g, "agv-graz", 75, 5),
            _move("clean-generator", "assemble", 0, ("wash", "bench"), g, "agv-graz", 470, 5),
        ),
        ("graz", "vienna"),
        replaces="plan-1",
    )  # fmt: skip
