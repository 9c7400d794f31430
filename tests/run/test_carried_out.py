"""Compositions carried out by the engine: every job done by hand, to a good or a bad end."""

import pytest

from fabloop.process.commands import Deploy, InstanceState, Migrate, NodeCompleted
from fabloop.process.definition import DefinitionKey
from fabloop.run.compose import compose
from fabloop.run.recipe import recipe_of
from process.driver import Plant
from run.wave_gear import network, plan_in_graz, plan_over_vienna, product, vocabulary


def composed(plan):
    return compose(recipe_of(plan, product(), network()), vocabulary(), process_id="wave-gear")


def begun(plan):
    plant, made = Plant(), composed(plan)
    return plant, plant.starts(made.process, {"order": "order-1042"}, made.nets)


def work_off(plant, answers=None, until=""):
    """Complete the oldest open job again and again; return ``step:skill`` in that order."""
    done = []
    while jobs := sorted(plant.engine.jobs(), key=lambda each: each.key):
        job = jobs[0]
        if job.node == until:
            break
        plant.now += int(job.headers["duration_ns"])
        done.append(f"{job.headers['step']}:{job.headers['skill']}")
        plant.completes(job.node, (answers or {}).get(job.node))
        assert len(done) < 100
    return done


def reached(plant, node):
    return any(each.node == node for each in plant.told(NodeCompleted))


@pytest.mark.parametrize("plan", [plan_in_graz(), plan_over_vienna()], ids=["graz", "vienna"])
def test_every_service_of_the_recipe_is_done_once_and_in_the_order_of_the_product(plan):
    plant, instance = begun(plan)
    done = work_off(plant, {"op-inspect": {"passed": True}})
    recipe = recipe_of(plan, product(), network())
    assert len(done) == sum(len(step.services) for step in recipe.steps)
    for step in recipe.steps:
        last = max(n for n, each in enumerate(done) if each.startswith(f"{step.flow_id}:"))
        for after in step.next:
            assert last < min(n for n, each in enumerate(done) if each.startswith(f"{after}:"))
    assert plant.result(instance)["op_assemble_done"] is True
    assert reached(plant, "judge-op-inspect-end")
    assert not reached(plant, "rejected")


def test_jobs_know_their_order():
    plant, _ = begun(plan_in_graz())
    jobs = plant.engine.jobs()
    assert {each.node for each in jobs} == {"op-mill-base", "op-mill-generator"}
    assert {each.variables["piece"]["order"] for each in jobs} == {"order-1042"}


def test_the_inspector_is_asked_among_those_with_the_skill():
    plant, _ = begun(plan_in_graz())
    work_off(plant, until="op-inspect")
    job = plant.job("op-inspect")
    assert job.person
    assert job.candidates == ("inspector",)
    assert job.headers["operation"] == "inspect"


@pytest.mark.parametrize("answer", [{"passed": False}, {}, {"passed": None}])
def test_whatever_is_not_a_yes_rejects_the_piece(answer):
    plant, instance = begun(plan_in_graz())
    work_off(plant, {"op-inspect": answer})
    assert plant.result(instance).get("op_inspect_passed") is not True
    assert plant.engine.incidents() == ()
    assert reached(plant, "rejected")
    assert not reached(plant, "judge-op-inspect-end")


def test_an_answer_that_is_neither_yes_nor_no_stops_at_the_check():
    plant, instance = begun(plan_in_graz())
    work_off(plant, {"op-inspect": {"passed": "perhaps"}})
    assert plant.ended(instance) is InstanceState.ACTIVE
    assert len(plant.engine.incidents()) == 1
    assert not reached(plant, "judge-op-inspect-end")


def test_a_verdict_left_by_somebody_else_does_not_pass_the_piece():
    plant, made = Plant(), composed(plan_in_graz())
    plant.starts(made.process, {"order": "order-1042", "passed": True}, made.nets)
    work_off(plant, {"op-inspect": {}})
    assert reached(plant, "rejected")
    assert not reached(plant, "judge-op-inspect-end")


def test_the_running_process_moves_to_the_process_of_another_plan():
    plant, instance = begun(plan_in_graz())
    work_off(plant, until="op-drill-generator")
    there = composed(plan_over_vienna())
    plant.does(Deploy(process=there.process, nets=there.nets))
    plant.does(Migrate(instance=instance, target=DefinitionKey("wave-gear", 2)))
    done = work_off(plant, {"op-inspect": {"passed": True}})
    assert "ship-drill-generator-ream-generator:shipping" in done
    assert "op-mill-generator:mill" not in done
    assert plant.ended(instance) is InstanceState.COMPLETED
