"""Public multi-factory instances with known optima, stated as problems of ours.

Machines become areas of their own, so that the instances' distances are links; matching is the
instances' own rule, because theirs is a vocabulary of four attributes without live values.
"""

import json
import os
from pathlib import Path

import pytest

from fabloop.base.instant import Instant
from fabloop.model.explanation import Evidence, Explanation, ReasonCode
from fabloop.model.ids import (
    AreaId,
    EquipmentTypeId,
    MaterialId,
    OperationId,
    SiteId,
    SkillId,
    WorkUnitId,
)
from fabloop.model.plan import MovementKind
from fabloop.model.product import Operation
from fabloop.model.site import WorkUnit
from fabloop.model.skill import Requirement
from fabloop.plan.engine import cheapest, least
from fabloop.plan.reasons.conflicts import conflicts_of
from fabloop.plan.statement.problem import Candidate, Job, Objective, Problem, Rejected, Source
from fabloop.plan.statement.roads import Figures, Hop, Place, Roads
from fabloop.plan.timetable.schedule import list_schedule

DATA = Path(os.environ.get("FABLOOP_DATA", "../shared/data")) / "planning" / "multifactory"
SIZES = ("mf_1x10x20", "mf_3x20x50", "mf_5x20x100", "mf_10x30x100", "mf_20x50x200_s1")
GATE = AreaId("gate")

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no planning instances at {DATA} (set FABLOOP_DATA)"
)


def names(*prefixes):
    return sorted(each.name for each in DATA.glob("*.json") if each.name.startswith(prefixes))


def site(number) -> SiteId:
    return SiteId(f"f{number}")


def place(machine) -> Place:
    return Place(
        site(machine["factory"]), AreaId(f"m{machine['id']}"), WorkUnitId(f"m{machine['id']}")
    )


def hop(cost, minutes, kind=MovementKind.TRANSPORT) -> Hop:
    return Hop(kind, f"{cost}/{minutes}", Figures(int(minutes), int(cost), 0.0, 0.0))


def roads(it) -> Roads:
    blocked = {tuple(each) for each in it["blocked_routes"]}
    links, areas = {}, {site(each["id"]): [GATE] for each in it["factories"]}
    by_factory = {}
    for machine in it["machines"]:
        here = place(machine)
        areas[here.site].append(here.area)
        by_factory.setdefault(machine["factory"], []).append(machine)
        gate = hop(machine["gate_cost"], machine["gate_min"])
        links[here.site, here.area, GATE] = links[here.site, GATE, here.area] = (gate,)
    for factory, machines in by_factory.items():
        for one in machines:
            for other in machines:
                if one is other or (factory, one["zone"], other["zone"]) in blocked:
                    continue
                far = sum(abs(a - b) for a, b in zip(one["xy"], other["xy"], strict=True))
                way = hop(int(0.05 * far), int(0.05 * far) + (far > 0))
                links[site(factory), place(one).area, place(other).area] = (way,)
    lanes = {
        (site(a), site(b)): (hop(cost, it["ship_min"][a][b], MovementKind.SHIPPING),)
        for a, row in enumerate(it["ship_cost"])
        for b, cost in enumerate(row)
        if a != b and cost is not None
    }
    return Roads(
        gates=dict.fromkeys(areas, GATE),
        areas={key: tuple(each) for key, each in areas.items()},
        links=links,
        lanes=lanes,
    )


def unit(machine) -> WorkUnit:
    here = place(machine)
    return WorkUnit(
        id=here.unit,
        label=here.unit,
        equipment_type=EquipmentTypeId("machine"),
        site=here.site,
        area=here.area,
        offers=(),
        cost_per_hour_minor=0,
        power_w=0.0,
    )


def failures(step, machine):
    tests = {
        "tpe": (machine["tpe_um"] <= step["max_tpe_um"], machine["tpe_um"], step["max_tpe_um"]),
        "size": (
            machine["work_space_mm"] >= step["size_mm"],
            machine["work_space_mm"],
            step["size_mm"],
        ),
        "material": (step["material"] in machine["materials"], None, None),
    }
    return tuple(
        Explanation(
            code=ReasonCode.TOO_HIGH,
            subject=f"m{machine['id']}",
            details={"parameter": name},
            evidence=(Evidence(subject="", parameter=name, value=value, limit=limit),),
        )
        for name, (fits, value, limit) in tests.items()
        if not fits
    )


def problem(name) -> Problem:
    it = json.loads((DATA / name).read_text())
    units = {machine["id"]: unit(machine) for machine in it["machines"]}
    inputs = {step["id"]: [] for step in it["steps"]}
    for step in it["steps"]:
        if step["successor"] is not None:
            inputs[step["successor"]].append(step["id"])
    order, stack = [], [each["id"] for each in it["steps"] if each["successor"] is None]
    while stack:
        order.append(stack.pop())
        stack.extend(inputs[order[-1]])
    number = {step: index for index, step in enumerate(reversed(order))}
    steps = {step["id"]: step for step in it["steps"]}
    jobs = []
    for each in reversed(order):
        step, able, unable = steps[each], [], []
        for machine in it["machines"]:
            if step["skill"] not in machine["skills"]:
                continue
            minutes = max(1, round(step["nominal_min"] / machine["speed"]))
            takes = Figures(minutes, round(minutes * machine["rate"]) + 1, 0.0, 0.0)
            reasons = failures(step, machine)
            here = units[machine["id"]], place(machine), takes
            if reasons:
                unable.append(Rejected(*here, reasons))
            else:
                able.append(Candidate(*here, ()))
        operation = Operation(
            id=OperationId(str(each)),
            label=str(each),
            requirement=Requirement(skill=SkillId(step["skill"])),
            inputs=tuple(OperationId(str(i)) for i in inputs[each]),
            output=MaterialId(str(each)),
            duration_ns=0,
            energy_j=0.0,
            cost_minor=0,
        )
        sources = tuple(Source(OperationId(str(i)), number[i]) for i in inputs[each])
        jobs.append(Job(operation, sources, tuple(able), tuple(unable)))
    return Problem(tuple(jobs), roads(it), Instant(0), {})


@pytest.mark.parametrize("name", names(*SIZES) or ["none"])
def test_the_minimum_cost_is_the_published_one(name):
    it, reference = problem(name), json.loads((DATA / name).read_text())["reference"]
    assert least(it, Objective.COST) == reference["min_cost"]
    found = cheapest(it, Objective.COST)
    assert found is not None
    made = sum(
        job.candidates[pick].takes.cost for job, pick in zip(it.jobs, found.choice, strict=True)
    )
    moved = sum(leg.hop.takes.cost for job in found.legs for legs in job for leg in legs)
    assert made + moved == reference["min_cost"]
    finish = list_schedule(it, found).finish(it)
    assert least(it, Objective.MAKESPAN) <= reference["makespan_lower_bound"] <= finish


@pytest.mark.parametrize("name", names("np_3x20x50", "np_20x50x200_s2") or ["none"])
def test_a_planted_impossibility_is_found_and_blamed_on_the_planted_step(name):
    it, reference = problem(name), json.loads((DATA / name).read_text())["reference"]
    assert cheapest(it, Objective.COST) is None
    conflicts = conflicts_of(it)
    planted = {
        (str(step), kind) for step, kind in reference["expected_conflict"] if kind != "skill"
    }
    blamed = [
        {(reason.subject, reason.details.get("parameter")) for reason in conflict}
        for conflict in conflicts
    ]
    assert planted in blamed
    nearest = conflicts[blamed.index(planted)][0].evidence[0].value
    assert nearest == pytest.approx(reference["min_relaxed_tolerance_um"], abs=1e-3)
