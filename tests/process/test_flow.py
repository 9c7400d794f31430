"""Tokens through gateways, scripts, sub-processes and mappings."""

from typing import get_args

import pytest

from fabloop.process import walk
from fabloop.process.bpmn.model import EndEvent, Mapping
from fabloop.process.bpmn.triggers import ErrorTrigger
from fabloop.process.commands import InstanceState, JobCreated, NodeCompleted
from fabloop.process.definition import Action, BoundaryUndo
from process.driver import (
    Plant,
    both,
    error,
    flows,
    job,
    person,
    process,
    script,
    sub,
    xor,
)


@pytest.fixture
def plant():
    return Plant()


def test_a_script_sets_its_result_and_the_instance_ends(plant):
    p = process(script("twice", "2 * x", "y"), links=flows("start twice end"))
    key = plant.starts(p, {"x": 21})
    assert plant.result(key) == {"x": 21, "y": 42}


@pytest.mark.parametrize(("amount", "taken"), [(5, "small"), (50, "large"), (500, "huge")])
def test_an_exclusive_gateway_takes_the_first_flow_that_holds_else_the_default(
    plant, amount, taken
):
    p = process(
        xor("g", default="g-huge"), job("small"), job("large"), job("huge"),
        links=flows("start g", "g huge", "g small: amount < 10", "g large: amount < 100",
                    "small end", "large end", "huge end"),
    )  # fmt: skip
    plant.starts(p, {"amount": amount})
    assert plant.open_nodes() == [taken]


def test_a_token_waits_until_every_flow_has_arrived(plant):
    p = process(
        both("fork"), job("a"), job("b"), job("c"), both("join"), job("after"),
        links=flows("start fork a join", "fork b join", "fork c join", "join after end"),
    )  # fmt: skip
    key = plant.starts(p)
    assert plant.open_nodes() == ["a", "b", "c"]
    plant.completes("b")
    plant.completes("a")
    assert plant.open_nodes() == ["c"]
    assert plant.engine.instance(key).frames[0].tokens == {"a-join": 1, "b-join": 1}
    plant.completes("c")
    assert plant.open_nodes() == ["after"]
    plant.completes("after")
    assert plant.ended(key) is InstanceState.COMPLETED


def test_two_tokens_on_one_flow_join_with_one_each_and_the_rest_waits(plant):
    p = process(
        both("fork"), xor("merge"), job("a"), job("b"), job("c"), both("join"),
        links=flows("start fork a merge", "fork b merge", "fork c join", "merge join", "join end"),
    )  # fmt: skip
    key = plant.starts(p)
    plant.completes("a")
    plant.completes("b")
    assert plant.engine.instance(key).frames[0].tokens == {"merge-join": 2}
    plant.completes("c")
    assert plant.engine.instance(key).frames[0].tokens == {"merge-join": 1}
    assert [each.kind for each in plant.engine.incidents(key)] == ["deadlock"]


def test_several_flows_out_of_a_task_run_side_by_side(plant):
    p = process(job("a"), job("b"), job("c"), links=flows("start a b end", "a c end"))
    key = plant.starts(p)
    plant.completes("a")
    assert plant.open_nodes() == ["b", "c"]
    plant.completes("c")
    assert plant.ended(key) is InstanceState.ACTIVE
    plant.completes("b")
    assert plant.ended(key) is InstanceState.COMPLETED


def test_a_result_without_outputs_goes_to_the_instance(plant):
    p = process(job("a"), links=flows("start a end"))
    key = plant.starts(p, {"x": 1})
    plant.completes("a", {"x": 2, "good": True})
    assert plant.result(key) == {"x": 2, "good": True}


def test_inputs_are_seen_by_the_work_alone_and_outputs_by_the_instance(plant):
    a = job("a", inputs=(Mapping(source="order.id", target="id"),
                         Mapping(source="id + 1", target="next")),
            outputs=(Mapping(source="reading * next", target="verdict.value"),))  # fmt: skip
    key = plant.starts(process(a, links=flows("start a end")), {"order": {"id": 7}})
    seen = plant.told(JobCreated)[0].variables
    assert (seen["id"], seen["next"], seen["order"]) == (7, 8, {"id": 7})
    plant.completes("a", {"reading": 2, "noise": 9})
    assert plant.result(key) == {"order": {"id": 7}, "verdict": {"value": 16}}


def test_a_subprocess_has_variables_of_its_own_and_hands_out_what_it_maps(plant):
    inner = sub("box", script("inc", "n + 1", "n"), job("w"),
                links=flows("box.s inc w box.e"),
                inputs=(Mapping(source="count", target="n"),),
                outputs=(Mapping(source="n", target="total"),))  # fmt: skip
    key = plant.starts(process(inner, links=flows("start box end")), {"count": 4})
    assert len(plant.engine.instance(key).frames) == 2
    plant.completes("w", {"fresh": 1})
    assert plant.result(key) == {"count": 4, "total": 5, "fresh": 1}


def test_variables_of_a_subprocess_end_with_it_unless_they_are_mapped(plant):
    inner = sub("box", script("inc", "n + 1", "n"), links=flows("box.s inc box.e"),
                inputs=(Mapping(source="1", target="n"),))  # fmt: skip
    key = plant.starts(process(inner, links=flows("start box end")), {"n": 40})
    assert plant.result(key) == {"n": 40}


def test_an_error_end_is_caught_by_the_innermost_scope_with_its_code(plant):
    broken = EndEvent(id="broken", trigger=ErrorTrigger(code="E1"))
    inner = sub("inner", job("w"), broken, both("f"), job("other"),
                links=flows("inner.s f w broken", "f other inner.e"))  # fmt: skip
    outer = sub("outer", inner, error("not-mine", "inner", "E2"),
                links=flows("outer.s inner outer.e", "not-mine outer.e"))  # fmt: skip
    p = process(outer, error("mine", "outer", "E1"), job("repair"),
                links=flows("start outer end", "mine repair end"))  # fmt: skip
    key = plant.starts(p)
    plant.completes("w")
    assert plant.open_nodes() == ["repair"]
    assert len(plant.engine.instance(key).frames) == 1
    plant.completes("repair")
    assert plant.ended(key) is InstanceState.COMPLETED


def test_an_uncaught_error_end_asks_for_a_person(plant):
    p = process(EndEvent(id="bad", trigger=ErrorTrigger(code="E")), links=flows("start bad"))
    p = type(p)(id="p", nodes=p.nodes[:2], flows=p.flows)
    key = plant.starts(p)
    (incident,) = plant.engine.incidents(key)
    assert (incident.kind, plant.ended(key)) == ("uncaught error", InstanceState.ACTIVE)


def test_a_loop_runs_until_its_condition_ends_it(plant):
    p = process(
        script("inc", "i + 1", "i"), xor("more", default="more-inc"),
        links=flows("start inc more", "more inc", "more end: i >= 20"),
    )  # fmt: skip
    assert plant.result(plant.starts(p, {"i": 0})) == {"i": 20}


def test_an_endless_loop_is_stopped_with_an_incident(plant):
    p = process(xor("a"), xor("b"), links=flows("start a b a"))
    p = type(p)(id="p", nodes=p.nodes[:-1], flows=p.flows)
    key = plant.starts(p)
    (incident,) = plant.engine.incidents(key)
    assert incident.kind == "limit"


def test_a_person_gets_what_the_assignment_yields(plant):
    task = person("sign", assignee="=boss", candidate_groups=("night", "=groups"))
    plant.starts(process(task, links=flows("start sign end")),
                 {"boss": "op-1", "groups": ["day", "late"]})  # fmt: skip
    created = plant.told(JobCreated)[0]
    assert created.person
    assert (created.assignee, created.candidates) == ("op-1", ("night", "day", "late"))


def test_nodes_are_told_in_the_order_in_which_tokens_leave_them(plant):
    p = process(script("s1", "1", "a"), job("j"), links=flows("start s1 j end"))
    plant.starts(p)
    plant.completes("j")
    assert [each.node for each in plant.told(NodeCompleted)] == ["start", "s1", "j", "end"]


def test_a_token_can_enter_every_kind_of_node():
    known = set(get_args(Action)) - {BoundaryUndo}  # it only names a handler
    assert set(walk._ENTRIES) == known
