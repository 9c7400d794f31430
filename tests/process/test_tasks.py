"""Tasks that nobody reports, flows with conditions out of activities, data objects, nets called."""

import pytest
from msgspec.structs import replace

from fabloop.base.errors import Invalid
from fabloop.process.bpmn.compile import compile_process
from fabloop.process.bpmn.model import DataObject, ManualTask, Mapping, MultiInstance, Task
from fabloop.process.bpmn.read import read_bpmn
from fabloop.process.bpmn.write import write
from fabloop.process.commands import (
    Deploy,
    InstanceState,
    NodeCompleted,
    ResolveIncident,
    SetVariables,
)
from fabloop.process.verify.explore import Property
from fabloop.process.verify.report import verify
from fabloop.process.verify.verdict import Verdict
from process.driver import Plant, both, call, flows, job, person, process, script, sub
from process.test_pages import station

MAPPED = {
    "inputs": (Mapping(source="n + 1", target="more"),),
    "outputs": (Mapping(source="more * 2", target="twice"),),
}


@pytest.mark.parametrize("kind", [ManualTask, Task])
def test_a_task_that_nobody_reports_passes_with_its_mappings(kind):
    plant = Plant()
    model = process(kind(id="a", **MAPPED), job("b"), links=flows("start a b end"))
    key = plant.starts(model, {"n": 3})
    assert plant.open_nodes() == ["b"]
    assert [told.node for told in plant.told(NodeCompleted)] == ["start", "a"]
    plant.completes("b")
    assert plant.result(key) == {"n": 3, "twice": 8}


# -- flows with conditions out of activities ----------------------------------------------------


def split(node, *conditions: str, default: str = ""):
    """Return a process in which flows with conditions lead from a node to jobs of their own."""
    jobs = [job(f"j{number}") for number in range(len(conditions))]
    lines = [f"a j{number}: {each}" for number, each in enumerate(conditions)]
    lines += [f"{each.id} end" for each in jobs]
    return process(replace(node, default=default), *jobs, links=flows("start a", *lines))


@pytest.mark.parametrize(
    ("x", "conditions", "default", "open_nodes"),
    [
        (5, ("x > 1", "x > 3", "x > 9"), "", ["j0", "j1"]),
        (5, ("x > 9", "x > 8", ""), "a-j2", ["j2"]),
        (5, ("x > 1", "x > 8", ""), "a-j2", ["j0"]),
        (5, ("x > 1", "", ""), "", ["j0", "j1", "j2"]),
        (5, ("x > 9", "", ""), "", ["j1", "j2"]),
        (5, ("x > 9", "", ""), "a-j2", ["j1", "j2"]),
        (5, ("x > 1", "", ""), "a-j2", ["j0", "j1"]),
    ],
)
@pytest.mark.parametrize("kind", ["job", "script", "task", "sub"])
def test_a_token_leaves_an_activity_on_every_flow_whose_condition_holds(
    kind, x, conditions, default, open_nodes
):
    plant = Plant()
    node = {
        "job": job("a"),
        "script": script("a", "given", "x"),
        "task": Task(id="a", outputs=(Mapping(source="given", target="x"),)),
        "sub": sub("a", script("s", "given", "x"), links=flows("a.s s a.e")),
    }[kind]
    key = plant.starts(split(node, *conditions, default=default), {"given": x, "x": 0})
    if kind == "job":
        plant.completes("a", {"x": x})
    assert plant.open_nodes() == open_nodes
    for each in open_nodes:
        plant.completes(each)
    assert plant.ended(key) is InstanceState.COMPLETED


@pytest.mark.parametrize("node", [job("a"), script("a", "n + 1", "n")])
def test_without_a_way_out_the_work_is_kept_and_done_once(node):
    plant = Plant()
    key = plant.starts(split(node, "x > 1"), {"x": 0, "n": 0})
    if plant.open_nodes():
        plant.completes("a", {"n": 1})
    (incident,) = plant.engine.incidents()
    assert incident.kind == "no flow"
    plant.does(SetVariables(target=key, variables={"x": 2}))
    plant.does(ResolveIncident(incident=incident.key))
    plant.completes("j0")
    assert plant.result(key)["n"] == 1


def test_conditions_behind_a_repeated_activity_are_read_once_all_is_done():
    plant = Plant()
    loop = MultiInstance(cardinality="2", output_collection="all", output_element="loopCounter")
    plant.starts(split(job("a", loop=loop), "count(all) = 2", "count(all) = 1"))
    for each in plant.engine.jobs():
        plant.completes_job(each.key)
    assert plant.open_nodes() == ["j0"]


def test_a_default_must_leave_its_activity():
    with pytest.raises(Invalid, match="default flow that leaves it"):
        Plant().does(Deploy(process=split(job("a"), "x > 1", default="start-a")))


def test_a_default_of_an_activity_is_written_and_read():
    model = split(job("a"), "x > 1", "", default="a-j1")
    read, _ = read_bpmn(write(model))
    assert {node.id: getattr(node, "default", "") for node in read.nodes}["a"] == "a-j1"


def test_several_ways_out_of_an_activity_are_verified():
    model = split(job("a"), "x > 1", "", default="a-j1")
    assert verify(compile_process(model, {}, 1)).sound
    jobs = [job("j0"), job("j1")]
    model = process(job("a"), *jobs, both("j"),
                    links=flows("start a j0 j end", "a j1: x > 1", "j1 j"))  # fmt: skip
    report = verify(compile_process(model, {}, 1))
    assert report.finding(Property.DEADLOCK_FREE).verdict is Verdict.VIOLATED


# -- data objects -------------------------------------------------------------------------------


def test_data_objects_are_variables_of_their_scope_and_null_at_first():
    plant = Plant()
    order, part = DataObject(id="d1", name="order"), DataObject(id="d2", name="part")
    box = replace(
        sub("box", script("s", "order", "part"), job("a"), links=flows("box.s s a box.e")),
        data=(part, DataObject(id="d3", name="not [a] name")),
    )
    model = replace(process(box, links=flows("start box end")), data=(order,))
    key = plant.starts(model)
    assert plant.job("a").variables == {"order": None, "part": None}
    plant.completes("a", {"part": 1, "order": 2})
    assert plant.result(key) == {"order": 2}


def test_what_is_given_at_the_start_is_not_lost_to_a_data_object():
    plant = Plant()
    model = replace(process(job("a"), links=flows("start a end")),
                    data=(DataObject(id="d", name="order"),))  # fmt: skip
    plant.starts(model, {"order": 7})
    assert plant.job("a").variables == {"order": 7}


# -- nets as called elements --------------------------------------------------------------------


def test_a_call_activity_can_run_a_net():
    plant = Plant()
    model = process(call("a", "cpn:n", inputs=(Mapping(source="count", target="lot"),)),
                    links=flows("start a end"))  # fmt: skip
    key = plant.starts(model, {"count": 2}, (station("n").document(),))
    while plant.engine.jobs():
        plant.completes_job(plant.engine.jobs()[0].key, {"seam_mm": 3})
        plant.passes(30)
    assert plant.ended(key) is InstanceState.COMPLETED
    assert plant.engine.incidents() == ()


@pytest.mark.parametrize(("called", "found"), [("cpn:m", "'m'"), ("cpn:", "id of a net")])
def test_a_net_that_is_not_deployed_is_refused(called, found):
    model = process(call("a", called), links=flows("start a end"))
    with pytest.raises(Invalid, match=found):
        Plant().does(Deploy(process=model, nets=(station("n").document(),)))


# -- what a person is shown ---------------------------------------------------------------------


def test_dates_priority_form_and_all_candidates_are_shown_with_a_job():
    plant = Plant()
    xml = write(process(person("a"), links=flows("start a end")))
    shown = b"""<zeebe:assignmentDefinition candidateUsers="ann, bob" candidateGroups="=night"/>
      <zeebe:taskSchedule dueDate="2026-12-01T08:00:00Z" followUpDate="=later"/>
      <zeebe:priorityDefinition priority="70"/><zeebe:formDefinition formId="weld-form"/>"""
    read, _ = read_bpmn(xml.replace(b"<zeebe:userTask/>", b"<zeebe:userTask/>" + shown))
    plant.starts(read, {"later": "2026-12-02T08:00:00Z", "night": ["n1", "n2"]})
    view = plant.job("a")
    assert view.candidates == ("ann", "bob", "n1", "n2")
    assert view.headers == {
        "formId": "weld-form", "priority": "70", "dueDate": "2026-12-01T08:00:00Z"
    }  # fmt: skip
    assert view.variables["followUpDate"] == "2026-12-02T08:00:00Z"
    again, _ = read_bpmn(write(read))
    assert again.nodes == read.nodes
