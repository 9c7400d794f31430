"""Ad-hoc sub-processes: what begins, who may choose, and when they are done."""

import pytest
from msgspec.structs import replace

from fabloop.base.errors import Conflict, Invalid, NotFound
from fabloop.process.bpmn.compile import compile_process
from fabloop.process.bpmn.model import AdHoc, EndEvent, FlowNode, StartEvent, SubProcess
from fabloop.process.bpmn.read import read_bpmn
from fabloop.process.bpmn.write import write
from fabloop.process.commands import (
    ActAt,
    Deploy,
    InstanceState,
    JobCancelled,
    Migrate,
    Modify,
    ResolveIncident,
    SetVariables,
)
from fabloop.process.definition import DefinitionKey, ScopeKind
from fabloop.process.operations import ChooseActivities
from fabloop.process.verify.report import verify
from process.driver import Plant, both, error, flows, job, process, script, sub, timer

ABC = (job("a"), job("b"), job("c"))


def free(*nodes: FlowNode, links: str = "", **ad_hoc: object):
    """Return a process with an ad-hoc sub-process between two others."""
    box = SubProcess(id="box", nodes=nodes or ABC, flows=flows(*filter(None, [links])),
                     ad_hoc=AdHoc(**ad_hoc))  # fmt: skip
    return process(box, job("after"), links=flows("start box after end"))


def frame_of(plant: Plant, key: int):
    return next(f for f in plant.engine.instance(key).frames if f.kind is ScopeKind.AD_HOC)


def choose(plant: Plant, key: int, *activities: str, **variables: object) -> None:
    frame = frame_of(plant, key).key
    command = ChooseActivities(frame=frame, activities=activities, variables=variables)
    plant.rehearses(command)
    plant.does(command)


def test_a_list_names_the_activities_that_begin():
    plant = Plant()
    key = plant.starts(free(activities="wanted"), {"wanted": ["c", "a"]})
    assert plant.open_nodes() == ["a", "c"]
    plant.completes("a")
    plant.completes("c")
    assert plant.open_nodes() == ["after"]
    plant.completes("after")
    assert plant.ended(key) is InstanceState.COMPLETED


def test_without_a_list_somebody_chooses_and_is_told_what_there_is():
    plant = Plant()
    key = plant.starts(free())
    frame = frame_of(plant, key)
    assert frame.may_choose == ("a", "b", "c")
    assert plant.open_nodes() == []
    plant.does(ChooseActivities(frame=frame.act, activities=("b", "b")))
    assert plant.open_nodes() == ["b", "b"]
    choose(plant, key, "a", n=1)
    assert plant.job("a").variables == {"n": 1}
    for each in plant.engine.jobs():
        plant.completes_job(each.key)
    assert plant.open_nodes() == ["after"]


def test_an_empty_list_is_done_at_once():
    plant = Plant()
    plant.starts(free(activities="[]"))
    assert plant.open_nodes() == ["after"]


def test_one_at_a_time_in_the_order_of_choice():
    plant = Plant()
    key = plant.starts(free(sequential=True, activities='["b", "a"]'))
    assert plant.open_nodes() == ["b"]
    choose(plant, key, "c", "a")
    for node in ("b", "a", "c", "a"):
        assert plant.open_nodes() == [node]
        plant.completes(node)
    assert plant.open_nodes() == ["after"]


def test_what_waits_for_its_turn_can_be_taken_away():
    plant = Plant()
    key = plant.starts(free(sequential=True, activities='["b", "a"]'))
    queued = next(act for act in frame_of(plant, key).acts if act.node == "a")
    plant.does(Modify(instance=key, cancel=(ActAt(key=queued.key),)))
    plant.completes("b")
    assert plant.open_nodes() == ["after"]


@pytest.mark.parametrize("cancels", [True, False])
def test_a_condition_completes_it_and_ends_what_runs_if_it_says_so(cancels):
    plant = Plant()
    key = plant.starts(
        free(activities='["a", "b"]', completion_condition="good", cancels=cancels),
        {"good": False},
    )
    plant.completes("a")
    choose(plant, key, "c")
    plant.completes("c", {"good": True})
    if not cancels:
        assert plant.open_nodes() == ["b"]
        plant.completes("b")
    assert plant.open_nodes() == ["after"]
    assert len(plant.told(JobCancelled)) == cancels


def test_while_its_condition_does_not_hold_it_waits_for_further_choices():
    plant = Plant()
    key = plant.starts(free(completion_condition="n > 1"), {"n": 0})
    choose(plant, key, "a")
    plant.completes("a", {"n": 1})
    assert plant.open_nodes() == []
    assert plant.ended(key) is InstanceState.ACTIVE
    choose(plant, key, "a")
    plant.completes("a", {"n": 2})
    assert plant.open_nodes() == ["after"]


def test_a_condition_that_is_neither_true_nor_false_asks_for_a_person():
    plant = Plant()
    key = plant.starts(free(completion_condition="done", activities='["a", "b"]'))
    plant.completes("a")
    (incident,) = plant.engine.incidents()
    plant.completes("b")
    assert len(plant.engine.incidents()) == 1
    plant.does(SetVariables(target=key, variables={"done": True}))
    plant.does(ResolveIncident(incident=incident.key))
    assert plant.open_nodes() == ["after"]


def test_flows_inside_lead_on_and_join():
    plant = Plant()
    model = free(*ABC, both("j"), script("s", "1", "x"), links="a j s")
    box = model.nodes[1]
    model = replace(model, nodes=(model.nodes[0], replace(box, flows=box.flows + flows("b j")),
                                  *model.nodes[2:]))  # fmt: skip
    key = plant.starts(model)
    choose(plant, key, "a")
    plant.completes("a")
    assert plant.engine.incidents() == ()
    choose(plant, key, "b")
    plant.completes("b")
    assert plant.open_nodes() == ["after"]
    assert plant.engine.instance(key).variables == {"x": 1}


@pytest.mark.parametrize("value", [None, "a", ["x"], [1]])
def test_what_names_no_activities_becomes_an_incident(value):
    plant = Plant()
    key = plant.starts(free(activities="wanted"), {"wanted": value})
    (incident,) = plant.engine.incidents()
    plant.does(SetVariables(target=key, variables={"wanted": ["a"]}))
    plant.does(ResolveIncident(incident=incident.key))
    assert plant.open_nodes() == ["a"]


def test_who_chooses_wrongly_is_told():
    plant = Plant()
    key = plant.starts(free())
    frame = frame_of(plant, key)
    root = plant.engine.instance(key).frames[0].key
    for command, fault in (
        (ChooseActivities(frame=frame.key, activities=("d",)), NotFound),
        (ChooseActivities(frame=frame.key, activities=("a", "after")), NotFound),
        (ChooseActivities(frame=frame.key, activities=()), Conflict),
        (ChooseActivities(frame=root, activities=("a",)), Conflict),
        (ChooseActivities(frame=99, activities=("a",)), NotFound),
    ):
        with pytest.raises(fault):
            plant.does(command)
    assert plant.open_nodes() == []


def test_events_on_its_boundary_end_it():
    plant = Plant()
    model = free(activities='["a", "b"]')
    late = (timer("t", "box", "PT5S"), error("e", "box", "E"))
    model = replace(model, nodes=(*model.nodes, *late),
                    flows=model.flows + flows("t end", "e end"))  # fmt: skip
    key = plant.starts(model)
    plant.passes(6)
    assert plant.ended(key) is InstanceState.COMPLETED


def test_it_migrates_with_what_runs_and_what_waits():
    plant = Plant()
    key = plant.starts(free(sequential=True, activities='["b", "a"]'))
    plant.does(Deploy(process=free(*ABC, job("d"), sequential=True, activities="[]")))
    plant.does(Migrate(instance=key, target=DefinitionKey("p", 2)))
    choose(plant, key, "d")
    for node in ("b", "a", "d"):
        plant.completes(node)
    assert plant.open_nodes() == ["after"]


@pytest.mark.parametrize(
    ("model", "found"),
    [
        (free(StartEvent(id="s"), job("a"), links="s a"), "start or end event"),
        (free(job("a"), EndEvent(id="e"), links="a e"), "start or end event"),
        (free(both("g"), job("a"), links="g a"), "a flow into"),
        (free(both("g")), "to be chosen"),
    ],
)
def test_what_cannot_be_chosen_from_is_refused(model, found):
    with pytest.raises(Invalid, match=found):
        Plant().does(Deploy(process=model))


def test_it_is_named_as_not_verified():
    report = verify(compile_process(free(), {}, 1))
    assert "'box' (a scope of kind ad hoc)" in report.findings[0].reason


@pytest.mark.parametrize("ad_hoc", [{}, {"sequential": True, "activities": "x", "cancels": False,
                                         "completion_condition": "y"}])  # fmt: skip
def test_it_is_written_and_read(ad_hoc):
    model = free(**ad_hoc)
    read, _ = read_bpmn(write(model))
    box = next(node for node in read.nodes if isinstance(node, SubProcess))
    assert box.ad_hoc == AdHoc(**ad_hoc)


def test_inside_a_sub_process_it_is_one_of_many():
    plant = Plant()
    box = SubProcess(id="box", nodes=ABC, flows=(), ad_hoc=AdHoc(activities="[which]"))
    outer = sub("out", box, links=flows("out.s box out.e"))
    key = plant.starts(process(outer, links=flows("start out end")), {"which": "b"})
    plant.completes("b")
    assert plant.ended(key) is InstanceState.COMPLETED
