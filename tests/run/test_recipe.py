import json

import msgspec
import pytest

from fabloop.base.errors import Invalid
from fabloop.base.instant import HOUR
from fabloop.model.ids import OperationId
from fabloop.run.recipe import recipe_of
from run.wave_gear import network, plan_in_graz, plan_over_vienna, product


def recipe(plan):
    return recipe_of(plan, product(), network())


def steps(plan):
    return {step.flow_id: step for step in recipe(plan).steps}


def test_every_operation_becomes_a_step_that_stands_behind_its_inputs():
    made = recipe(plan_over_vienna())
    place = {step.flow_id: number for number, step in enumerate(made.steps)}
    assert {f"op-{each.id}" for each in product().operations} <= place.keys()
    assert all(
        place[before] < place[step.flow_id] for step in made.steps for before in step.previous
    )


def test_previous_and_next_name_each_other():
    by_id = steps(plan_over_vienna())
    for step in by_id.values():
        assert all(step.flow_id in by_id[each].next for each in step.previous)
        assert all(step.flow_id in by_id[each].previous for each in step.next)


def test_transport_inside_a_site_is_a_service_before_the_skill():
    assert steps(plan_in_graz())["op-drill-generator"].services == ("Transport", "drill")
    assert steps(plan_in_graz())["op-assemble"].services == ("Transport", "Transport", "assemble")


def test_a_shipment_is_a_step_from_gate_to_gate():
    by_id = steps(plan_over_vienna())
    ship = by_id["ship-drill-generator-ream-generator"]
    assert ship.services == ("Transport", "Shipping", "Transport")
    assert ship.previous == ("op-drill-generator",)
    assert ship.next == ("op-ream-generator",)
    assert ship.production_step == "Ship Drilled to Factory Vienna"
    assert by_id["op-ream-generator"].services == ("ream",)


def test_ids_of_operations_stay_when_the_plan_changes():
    here, there = steps(plan_in_graz()), steps(plan_over_vienna())
    assert set(here) < set(there)
    assert {each for each in there if each not in here} == {
        "ship-drill-generator-ream-generator",
        "ship-ream-generator-clean-generator",
    }


def test_the_order_of_steps_does_not_depend_on_planned_times():
    plan = plan_in_graz()
    later = msgspec.structs.replace(
        plan,
        steps=tuple(
            msgspec.structs.replace(s, start=s.start + HOUR * n, end=s.end + HOUR * n)
            for n, s in enumerate(reversed(plan.steps))
        ),
    )
    assert [s.flow_id for s in recipe(plan).steps] == [s.flow_id for s in recipe(later).steps]


def test_parameters_tell_the_planned_unit_and_what_late_binding_needs():
    given = steps(plan_over_vienna())["op-ream-generator"].parameters
    assert given["work_unit"] == "maxxmill"
    assert given["site"] == "vienna"
    assert given["duration_1"] == "PT25M"
    assert given["planned_start"] == "2026-11-23T10:00:00Z"
    assert json.loads(given["constraints"]) == {"material": "AISI 304", "position_error": 15e-6}
    assert "person_skill" not in given


def test_operations_whose_shipments_would_share_an_id_are_refused():
    plan, made = plan_over_vienna(), product()
    operations = {each.id: each for each in made.operations}
    # 'drill' -> 'generator-ream' and 'drill-generator' -> 'ream' would both be the same text.
    names = {
        "drill-generator": "a-b", "ream-generator": "c", "mill-base": "a", "assemble": "b-c",
    }  # fmt: skip

    def named(operation):
        return OperationId(names.get(operation, operation))

    made = msgspec.structs.replace(
        made,
        operations=tuple(
            msgspec.structs.replace(
                each, id=named(each.id), inputs=tuple(named(i) for i in each.inputs)
            )
            for each in operations.values()
        ),
    )
    ships = [m for m in plan.movements if m.lane is not None]
    crossing = msgspec.structs.replace(
        ships[0], made_by=OperationId("mill-base"), taken_by=OperationId("assemble")
    )
    plan = msgspec.structs.replace(
        plan,
        steps=tuple(msgspec.structs.replace(s, operation=named(s.operation)) for s in plan.steps),
        movements=tuple(
            msgspec.structs.replace(m, made_by=named(m.made_by), taken_by=named(m.taken_by))
            for m in (*plan.movements, crossing)
        ),
    )
    with pytest.raises(Invalid, match="'ship-a-b-c' twice"):
        recipe_of(plan, made, network())
