"""Every field of a plan counts: each mutation of each field is named by the checker."""

from typing import NamedTuple

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from fabloop.base.instant import DAY, MINUTE, SECOND, Instant
from fabloop.model.ids import LaneId, PersonId, SiteId
from fabloop.model.plan import (
    Batch,
    EnergyRate,
    Movement,
    MovementKind,
    PartTaken,
    Plan,
    PlannedStep,
    Producible,
    SetUp,
    Totals,
)
from fabloop.plan.checker import Grounds, check_plan
from fabloop.plan.floors.orders_search import OrdersObjective
from fabloop.plan.orders import plan_orders
from fabloop.plan.producible import check
from fabloop.plan.statement.problem import Objective
from plan.instances import NOW, gear, graz_and_vienna, random_instance, vocabulary


class Mutation(NamedTuple):
    """One change of one field of one part of the plan."""

    part: str
    index: int
    field: str
    value: object

    def of(self, plan: Plan) -> Plan:
        if self.part == "totals":
            return replace(plan, totals=replace(plan.totals, **{self.field: self.value}))
        rows = list(getattr(plan, self.part))
        rows[self.index] = replace(rows[self.index], **{self.field: self.value})
        return replace(plan, **{self.part: tuple(rows)})


def other(value, known):
    """Return values of the same kind that differ: others of the plan, and unknown ones."""
    return [each for each in known if each != value] + ["nowhere"]


def numbers(value):
    return [value + 1, value - 1, -value - 1, value * 2 + 1]


def instants(value):
    return [Instant(value + step) for step in (2 * SECOND, -2 * SECOND, MINUTE, -DAY, DAY)]


def set_ups(told):
    """Return set-ups that differ in each of their fields."""
    return [
        replace(told, before=told.before + "x"),
        replace(told, duration_ns=told.duration_ns + MINUTE),
        replace(told, cost_minor=told.cost_minor + 1),
        replace(told, energy_j=told.energy_j + 1.0),
        replace(told, co2_kg=told.co2_kg + 1.0),
    ]


STEP = {
    "operation": lambda each, plan: other(each.operation, [s.operation for s in plan.steps]),
    "work_unit": lambda each, plan: other(each.work_unit, [s.work_unit for s in plan.steps]),
    "site": lambda each, plan: other(each.site, [s.site for s in plan.steps]),
    "start": lambda each, _: instants(each.start),
    "end": lambda each, _: instants(each.end),
    "cost_minor": lambda each, _: numbers(each.cost_minor),
    "energy_j": lambda each, _: numbers(each.energy_j),
    "co2_kg": lambda each, _: numbers(each.co2_kg),
    "frozen": lambda each, _: [not each.frozen],
    "rates": lambda each, _: [
        (
            *each.rates,
            EnergyRate(start=each.start, end=each.end, energy_minor_per_j=9.0, co2_kg_per_j=9.0),
        )
    ],
    "persons": lambda each, _: [
        (*each.persons, PersonId("nobody")),
        *([each.persons[1:]] if each.persons else []),
    ],
    "setup_family": lambda each, _: [each.setup_family + "x", *([""] if each.setup_family else [])],
    "parts": lambda each, _: [(*each.parts, PartTaken(material="m", pieces=1))],
    "setup": lambda each, _: [
        *([None] if each.setup else []),
        *set_ups(
            each.setup or SetUp(before="", duration_ns=0, cost_minor=0, energy_j=0.0, co2_kg=0.0)
        ),
    ],
    "batch": lambda each, _: [Batch(family="none", pieces=1, together=2)],
    "tools": lambda each, _: [(*each.tools, "none"), each.tools[1:]][: 1 + bool(each.tools)],
}
"""Per field, values that make the plan another one."""

MOVEMENT = {
    "made_by": lambda each, plan: other(each.made_by, [s.operation for s in plan.steps]),
    "taken_by": lambda each, plan: other(each.taken_by, [s.operation for s in plan.steps]),
    "leg": lambda each, _: [each.leg + 1, each.leg - 1, each.leg + 7],
    "kind": lambda each, _: [kind for kind in MovementKind if kind is not each.kind],
    "origin": lambda each, plan: other(each.origin, [s.work_unit for s in plan.steps]),
    "destination": lambda each, plan: other(each.destination, [s.work_unit for s in plan.steps]),
    "origin_site": lambda each, plan: other(each.origin_site, [s.site for s in plan.steps]),
    "destination_site": lambda each, plan: other(
        each.destination_site, [s.site for s in plan.steps]
    ),
    "by": lambda each, plan: other(each.by, [m.by for m in plan.movements]),
    "start": lambda each, _: instants(each.start),
    "end": lambda each, _: instants(each.end),
    "cost_minor": lambda each, _: numbers(each.cost_minor),
    "energy_j": lambda each, _: numbers(each.energy_j),
    "co2_kg": lambda each, _: numbers(each.co2_kg),
    "lane": lambda each, plan: [
        lane
        for lane in {*(m.lane for m in plan.movements), None, LaneId("none")}
        if lane != each.lane
    ],
    "frozen": lambda each, _: [not each.frozen],
    "goods": lambda each, _: [2, 0, -1],
}

TOTALS = {
    "cost_minor": lambda each, _: numbers(each.cost_minor),
    "currency": lambda each, _: ["XAU", ""],
    "makespan_ns": lambda each, _: numbers(each.makespan_ns),
    "energy_j": lambda each, _: numbers(each.energy_j),
    "co2_kg": lambda each, _: numbers(each.co2_kg),
    "sites": lambda each, _: [(), (*each.sites, SiteId("more")), each.sites[1:]],
    "shipments": lambda each, _: [each.shipments + 1, each.shipments - 1],
}


def mutations(plan: Plan) -> list[Mutation]:
    found = [
        Mutation("totals", 0, field, value)
        for field, values in TOTALS.items()
        for value in values(plan.totals, plan)
    ]
    for part, table in (("steps", STEP), ("movements", MOVEMENT)):
        found += [
            Mutation(part, index, field, value)
            for index, each in enumerate(getattr(plan, part))
            for field, values in table.items()
            for value in values(each, plan)
        ]
    return found


def grounds_of(request, plant, values) -> Grounds:
    return Grounds(
        product=request.product, network=plant, vocabulary=vocabulary(), kpis=values, now=NOW
    )


def test_the_mutations_cover_every_field():
    assert {each.name for each in fields(PlannedStep)} == set(STEP)
    assert {each.name for each in fields(Movement)} == set(MOVEMENT)
    assert {each.name for each in fields(Totals)} == set(TOTALS)


def test_every_single_mutation_of_a_shipped_plan_is_named():
    request = gear()
    plant, values = graz_and_vienna(graz_tpe=16.2e-6)
    answer = check(request, plant, vocabulary(), values, NOW)
    assert isinstance(answer, Producible)
    grounds = grounds_of(request, plant, values)
    for plan in answer.plans:
        assert check_plan(plan, grounds) == ()
        silent = [each for each in mutations(plan) if not check_plan(each.of(plan), grounds)]
        assert silent == []


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 100_000),
    objective=st.sampled_from(Objective),
    data=st.data(),
)
def test_every_plan_is_accepted_and_every_mutated_plan_rejected(seed, objective, data):
    request, plant, values = random_instance(seed)
    answer = check(request, plant, vocabulary(), values, NOW, plans_max=1, objective=objective)
    assume(isinstance(answer, Producible))
    plan, grounds = answer.plans[0], grounds_of(request, plant, values)
    assert check_plan(plan, grounds) == ()
    mutation = data.draw(st.sampled_from(mutations(plan)))
    assert check_plan(mutation.of(plan), grounds), mutation


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 100_000), data=st.data())
def test_two_orders_of_a_plan_for_many_never_pass_in_each_others_place(seed, data):
    first, plant, values = random_instance(seed, operations=3)
    second = replace(first, id="second")
    objective = data.draw(st.sampled_from(OrdersObjective))
    answer = plan_orders(
        [first, second], plant, vocabulary(), values, NOW, objective=objective, effort=0.05
    )
    assume(len(answer.plans) == 2)
    one, two = answer.plans
    grounds = grounds_of(first, plant, values)
    assert check_plan(one, grounds) == check_plan(two, grounds) == ()
    taken = {each.work_unit: ((each.start, each.end),) for each in one.steps}
    engaged = replace(grounds, busy=taken)
    assert check_plan(two, engaged) == ()
    assert check_plan(one, engaged)
