"""Escalations: told outwards, heard by the innermost sub-process, ignored where nobody listens."""

import pytest

from fabloop.process.bpmn.model import EndEvent
from fabloop.process.bpmn.triggers import EscalationTrigger
from fabloop.process.commands import Deploy, InstanceState, JobCancelled, Migrate, NodeCompleted
from fabloop.process.definition import DefinitionKey
from process.driver import Plant, both, call, flows, hear, job, process, some, sub, tell


@pytest.fixture
def plant():
    return Plant()


def box(*more, code="H"):
    return sub("box", both("f"), job("a"), tell("t", code), job("on"), job("side"), *more,
               links=flows("box.s f a t on box.e", "f side box.e"))  # fmt: skip


def heard(*events):
    links = [f"{each.id} end" for each in events]
    return process(box(), *events, links=flows("start box end", *links))


def test_one_that_interrupts_ends_the_sub_process(plant):
    p = process(box(), hear("h", "box", "H"), job("look"),
                links=flows("start box end", "h look end"))  # fmt: skip
    key = plant.starts(p)
    plant.completes("a")
    assert plant.open_nodes() == ["look"]
    assert [each.node for each in plant.told(JobCancelled)] == ["side"]
    assert [each.node for each in plant.told(NodeCompleted)][-2:] == ["t", "h"]
    plant.completes("look")
    assert plant.ended(key) is InstanceState.COMPLETED


def test_one_that_does_not_interrupt_starts_a_branch_and_the_work_goes_on(plant):
    p = process(box(), hear("h", "box", interrupting=False), job("look"),
                links=flows("start box end", "h look end"))  # fmt: skip
    plant.starts(p)
    plant.completes("a")
    assert plant.open_nodes() == ["look", "on", "side"]


def test_the_code_decides_and_the_innermost_that_listens_hears_alone(plant):
    outer = sub("outer", box(), hear("not-mine", "box", "X"), job("wrong"),
                links=flows("outer.s box outer.e", "not-mine wrong outer.e"))  # fmt: skip
    p = process(outer, hear("h", "outer", interrupting=False), job("look"),
                links=flows("start outer end", "h look end"))  # fmt: skip
    plant.starts(p)
    plant.completes("a")
    assert plant.open_nodes() == ["look", "on", "side"]


def test_where_nobody_listens_nothing_happens(plant):
    key = plant.starts(process(box(), links=flows("start box end")))
    for node in ("a", "on", "side"):
        plant.completes(node)
    assert plant.ended(key) is InstanceState.COMPLETED
    assert plant.engine.incidents() == ()


@pytest.mark.parametrize("interrupting", [False, True])
def test_an_end_event_escalates_too(plant, interrupting):
    loud = EndEvent(id="loud", trigger=EscalationTrigger(code="H"))
    inner = sub("s", both("f"), job("slow"), loud, links=flows("s.s f slow s.e", "f loud"))
    p = process(inner, hear("h", "s", "H", interrupting=interrupting), job("look"),
                links=flows("start s end", "h look end"))  # fmt: skip
    plant.starts(p)
    assert plant.open_nodes() == (["look"] if interrupting else ["look", "slow"])


def test_it_goes_out_of_a_called_process_to_what_encloses_the_call(plant):
    inner = process(tell("t"), links=flows("start t end"), id="q")
    plant.does(Deploy(process=inner))
    outer = sub("s", call("c", "q"), links=flows("s.s c s.e"))
    p = process(outer, hear("h", "s"), job("look"), links=flows("start s end", "h look end"))
    key = plant.starts(p)
    assert plant.open_nodes() == ["look"]
    assert plant.at_nodes(key) == ["look"]
    assert plant.engine.instances() == (key,)


def test_an_inclusive_join_waits_for_what_an_escalation_may_still_send(plant):
    p = process(both("g"), job("b"), box(), hear("h", "box", "H"), some("j"), job("after"),
                links=flows("start g b j after end", "g box end", "h j"))  # fmt: skip
    plant.starts(p)
    plant.completes("b")
    assert "after" not in plant.open_nodes()
    plant.completes("a")
    assert plant.open_nodes() == ["after"]


def test_a_listener_of_the_new_definition_hears_after_a_migration(plant):
    key = plant.starts(process(box(), links=flows("start box end")))
    plant.does(Deploy(process=heard(hear("h", "box", "H"))))
    plant.does(Migrate(instance=key, target=DefinitionKey("p", 2)))
    plant.completes("a")
    assert plant.ended(key) is InstanceState.COMPLETED
