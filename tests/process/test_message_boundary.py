"""Messages at the boundary of an activity: they interrupt it, or stay armed beside it."""

import pytest

from fabloop.base.instant import SECOND
from fabloop.process.bpmn.model import BoundaryEvent, Mapping
from fabloop.process.bpmn.triggers import MessageTrigger
from fabloop.process.commands import InstanceState, JobCancelled, PublishMessage
from process.driver import Plant, flows, job, process, script, sub, timer, wait


@pytest.fixture
def plant():
    return Plant()


def heard(id: str, host: str, name: str = "M", key: str = '"k"', **more: object) -> BoundaryEvent:  # noqa: A002
    trigger = MessageTrigger(name=name, correlation_key=key)
    return BoundaryEvent(id=id, attached_to=host, trigger=trigger, **more)


def sent(name: str = "M", **more: object) -> PublishMessage:
    return PublishMessage(name=name, correlation_key="k", **more)


def test_a_message_ends_the_work_it_interrupts(plant):
    p = process(job("a"), heard("stop", "a"), job("b"), links=flows("start a end", "stop b end"))
    key = plant.starts(p)
    reply = plant.does(sent(variables={"why": "recall"}))
    assert reply.instances == (key,)
    assert plant.open_nodes() == ["b"]
    assert plant.engine.instance(key).variables == {"why": "recall"}
    assert [each.node for each in plant.told(JobCancelled)] == ["a"]
    assert not plant.engine.state.subscriptions


def test_a_message_that_does_not_interrupt_is_heard_again(plant):
    p = process(job("a"), heard("more", "a", interrupting=False), script("s", "n + 1", "n"),
                links=flows("start a end", "more s end"))  # fmt: skip
    key = plant.starts(p, {"n": 0})
    for _ in range(3):
        assert plant.does(sent()).instances == (key,)
    assert plant.engine.instance(key).variables == {"n": 3}
    plant.completes("a")
    assert plant.ended(key) is InstanceState.COMPLETED
    assert plant.does(sent()).instances == ()


def test_kept_messages_are_heard_as_soon_as_the_work_begins(plant):
    for number in range(3):
        plant.does(sent(time_to_live_ns=60 * SECOND, variables={"last": number}))
    p = process(job("a"), heard("more", "a", interrupting=False), script("s", "n + 1", "n"),
                links=flows("start a end", "more s end"))  # fmt: skip
    key = plant.starts(p, {"n": 0})
    assert plant.engine.instance(key).variables == {"n": 3, "last": 2}


def test_a_kept_message_interrupts_a_subprocess_before_its_first_step(plant):
    plant.does(sent(time_to_live_ns=60 * SECOND))
    box = sub("box", job("a"), links=flows("box.s a box.e"))
    p = process(box, heard("stop", "box"), links=flows("start box end", "stop end"))
    key = plant.starts(p)
    assert plant.ended(key) is InstanceState.COMPLETED
    assert not plant.engine.jobs()


def test_the_key_of_a_message_may_come_from_the_inputs_of_its_host(plant):
    box = sub("box", job("a"), links=flows("box.s a box.e"),
              inputs=(Mapping(source='"lot-" + id', target="lot"),))  # fmt: skip
    p = process(box, heard("stop", "box", key="lot"), links=flows("start box end", "stop end"))
    key = plant.starts(p, {"id": "7"})
    plant.does(PublishMessage(name="M", correlation_key="lot-7"))
    assert plant.ended(key) is InstanceState.COMPLETED


def test_a_boundary_message_is_still_heard_while_outputs_wait_for_a_person(plant):
    loops = (Mapping(source="for i in 1..n return i", target="y"),)
    p = process(job("a", outputs=loops), heard("stop", "a"), wait("w", "PT1S"),
                links=flows("start a end", "stop w end"))  # fmt: skip
    key = plant.starts(p, {"n": 10**9})
    plant.completes("a")
    assert plant.engine.incidents(key)
    plant.does(sent())
    assert plant.at_nodes(key) == ["w"]
    assert not plant.engine.incidents(key)


def test_whichever_of_a_message_and_a_timer_comes_first_interrupts(plant):
    p = process(job("a"), heard("stop", "a"), timer("late", "a", "PT5S"), job("b"), job("c"),
                links=flows("start a end", "stop b end", "late c end"))  # fmt: skip
    plant.starts(p)
    plant.does(sent())
    plant.passes(9)
    assert plant.open_nodes() == ["b"]
