"""How two versions of a process differ, by element."""

import msgspec

from fabloop.adapt.difference import changes_between
from fabloop.process.bpmn.outline import all_nodes
from fabloop.run.compose import compose
from fabloop.run.recipe import recipe_of
from run.wave_gear import network, plan_in_graz, plan_over_vienna, product


def versions(*plans):
    recipes = [recipe_of(plan, product(), network()) for plan in plans]
    return recipes, [compose(each, process_id="p").process for each in recipes]


def difference(before, after):
    (old, new), (was, becomes) = versions(before, after)
    return changes_between(was, becomes, old, new)


def test_the_same_plan_changes_nothing():
    found = difference(plan_in_graz(), plan_in_graz())
    assert (found.added, found.removed, found.changed) == ((), (), ())


def test_shipments_are_added_and_moved_steps_are_changed():
    found = difference(plan_in_graz(), plan_over_vienna())
    assert set(found.added) >= {
        "ship-drill-generator-ream-generator",
        "ship-ream-generator-clean-generator",
    }
    assert found.removed == ()
    assert "op-ream-generator" in found.changed
    assert not {"op-mill-base", "op-mill-generator", "op-inspect"} & set(found.changed)


def test_the_way_back_removes_what_the_way_there_added():
    there = difference(plan_in_graz(), plan_over_vienna())
    back = difference(plan_over_vienna(), plan_in_graz())
    assert set(back.removed) == set(there.added)
    assert set(back.added) == set(there.removed)
    assert set(back.changed) == set(there.changed)


def test_other_times_alone_do_not_make_a_step_a_different_one():
    plan = plan_in_graz()
    later = msgspec.structs.replace(
        plan,
        steps=tuple(
            msgspec.structs.replace(each, start=each.start + 10**12, end=each.end + 10**12)
            for each in plan.steps
        ),
    )
    assert difference(plan, later).changed == ()


def test_another_work_unit_on_the_same_site_is_a_change():
    plan = plan_in_graz()
    steps = tuple(
        msgspec.structs.replace(each, work_unit="nlx-2") if each.operation == "mill-base" else each
        for each in plan.steps
    )
    assert difference(plan, msgspec.structs.replace(plan, steps=steps)).changed == ("op-mill-base",)


def test_nodes_inside_sub_processes_count_too():
    (_, recipe), (was, becomes) = versions(plan_in_graz(), plan_over_vienna())
    found = changes_between(was, becomes, recipe, recipe)
    names = {node.id for node in all_nodes(becomes)} - {node.id for node in all_nodes(was)}
    assert set(found.added) == names
    assert len(names) > 0
