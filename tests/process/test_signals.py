"""Signals: heard by all that wait, wherever they wait, and thrown by instances."""

import pytest

from fabloop.process.bpmn.model import (
    BoundaryEvent,
    BpmnProcess,
    CatchEvent,
    EndEvent,
    Mapping,
    StartEvent,
    SubProcess,
    SubProcessKind,
    ThrowEvent,
)
from fabloop.process.bpmn.triggers import SignalTrigger
from fabloop.process.commands import (
    BroadcastSignal,
    Deploy,
    InstanceBegun,
    InstanceState,
    StartInstance,
)
from fabloop.process.operations import ResumeInstance, SuspendInstance, SuspendProcess
from process.driver import Plant, both, first, flows, job, process, script, sub, wait


@pytest.fixture
def plant():
    return Plant()


def hears(id: str, name: str = "S", **more: object) -> CatchEvent:  # noqa: A002
    return CatchEvent(id=id, trigger=SignalTrigger(name=name), **more)


def stops(id: str, host: str, name: str = "S", **more: object) -> BoundaryEvent:  # noqa: A002
    return BoundaryEvent(id=id, attached_to=host, trigger=SignalTrigger(name=name), **more)


def tells(id: str, name: str = "S", **more: object) -> ThrowEvent:  # noqa: A002
    return ThrowEvent(id=id, trigger=SignalTrigger(name=name), **more)


WAITS = process(hears("s"), job("a"), links=flows("start s a end"), id="waits")


def test_all_that_wait_hear_a_signal_and_nobody_later(plant):
    one = plant.starts(WAITS)
    two = plant.does(StartInstance(process="waits")).instance
    reply = plant.does(BroadcastSignal(name="S", variables={"n": 7}))
    assert reply.instances == (one, two)
    assert [plant.engine.instance(key).variables for key in (one, two)] == [{"n": 7}] * 2
    late = plant.does(StartInstance(process="waits")).instance
    assert plant.at_nodes(late) == ["s"]
    assert plant.does(BroadcastSignal(name="other")).instances == ()


def test_a_name_may_be_computed(plant):
    p = process(hears("s", '="line-" + line'), links=flows("start s end"))
    key = plant.starts(p, {"line": "3"})
    plant.does(BroadcastSignal(name="line-3"))
    assert plant.ended(key) is InstanceState.COMPLETED


def test_a_boundary_signal_interrupts_or_is_heard_again_and_again(plant):
    p = process(job("a"), stops("more", "a", "M", interrupting=False), stops("stop", "a"),
                script("count", "n + 1", "n"), job("b"),
                links=flows("start a end", "more count end", "stop b end"))  # fmt: skip
    key = plant.starts(p, {"n": 0})
    for _ in range(3):
        plant.does(BroadcastSignal(name="M"))
    plant.does(BroadcastSignal(name="S"))
    assert plant.open_nodes() == ["b"]
    assert plant.engine.instance(key).variables == {"n": 3}
    assert not plant.engine.state.signals
    assert not plant.engine.state.listening


def test_the_first_of_several_events_may_be_a_signal(plant):
    p = process(first("g"), hears("s"), wait("w", "PT5S"), job("a"), job("b"),
                links=flows("start g s a end", "g w b end"))  # fmt: skip
    plant.starts(p)
    plant.does(BroadcastSignal(name="S"))
    plant.passes(9)
    assert plant.open_nodes() == ["a"]
    assert plant.engine.next_due() is None


def test_a_signal_starts_an_instance_of_every_process_it_starts(plant):
    for name in ("p", "q"):
        start = StartEvent(id="on", trigger=SignalTrigger(name="S"))
        p = process(job("a"), links=flows("start a end", "on a"), id=name)
        p = BpmnProcess(id=name, nodes=(*p.nodes, start), flows=p.flows)
        plant.does(Deploy(process=p))
    one, two = plant.does(BroadcastSignal(name="S", variables={"n": 1})).instances
    assert plant.engine.instance(one).variables == {"n": 1}
    assert [(each.instance, each.node) for each in plant.told(InstanceBegun)] == [
        (one, "on"), (two, "on")]  # fmt: skip
    plant.does(SuspendProcess(process="p"))
    (third,) = plant.does(BroadcastSignal(name="S")).instances
    assert plant.engine.instance(third).definition.id == "q"


def test_an_event_sub_process_is_begun_by_a_signal(plant):
    box = SubProcess(
        id="box", kind=SubProcessKind.EVENT,
        nodes=(StartEvent(id="heard", trigger=SignalTrigger(name="S"), interrupting=False),
               script("count", "n + 1", "n"), EndEvent(id="done")),
        flows=flows("heard count done"),
    )  # fmt: skip
    p = process(job("a"), box, links=flows("start a end"))
    key = plant.starts(p, {"n": 0})
    plant.does(BroadcastSignal(name="S"))
    plant.does(BroadcastSignal(name="S"))
    assert plant.engine.instance(key).variables == {"n": 2}
    plant.completes("a")
    assert plant.ended(key) is InstanceState.COMPLETED


# -- thrown -------------------------------------------------------------------------------------


def test_a_signal_that_is_thrown_reaches_other_instances_in_one_group_of_rows(plant):
    keys = [plant.starts(WAITS), plant.does(StartInstance(process="waits")).instance]
    before = len(plant.rows)
    throws = process(tells("t", inputs=(Mapping(source="n * 2", target="m"),)), job("after"),
                     links=flows("start t after end"), id="throws")  # fmt: skip
    sender = plant.starts(throws, {"n": 4})
    assert [plant.engine.instance(key).variables for key in keys] == [{"m": 8}] * 2
    assert plant.open_nodes() == ["a", "a", "after"]
    streams = {row.stream for row in plant.rows[before + 1 :]}
    assert streams == {f"instance/{key}" for key in (*keys, sender)}


def test_all_variables_are_thrown_without_inputs(plant):
    key = plant.starts(WAITS)
    ends = process(EndEvent(id="done", trigger=SignalTrigger(name="S")),
                   links=flows("start f done", "f end"), id="ends")  # fmt: skip
    ends = BpmnProcess(id="ends", nodes=(*ends.nodes, both("f")), flows=ends.flows)
    sender = plant.starts(ends, {"n": 4})
    assert plant.engine.instance(key).variables == {"n": 4}
    assert plant.ended(sender) is InstanceState.COMPLETED


def test_a_thrown_signal_is_heard_by_branches_that_waited_before(plant):
    p = process(both("f"), hears("s"), tells("t"), both("j"),
                links=flows("start f s j end", "f t j"))  # fmt: skip
    assert plant.ended(plant.starts(p)) is InstanceState.COMPLETED


def test_a_signal_may_interrupt_the_scope_that_throws_it(plant):
    box = sub("box", tells("t"), job("never"), links=flows("box.s t never box.e"))
    p = process(box, stops("stop", "box"), job("b"), links=flows("start box end", "stop b end"))
    plant.starts(p)
    assert plant.open_nodes() == ["b"]


def test_what_instances_throw_at_each_other_without_end_is_stopped(plant):
    start = StartEvent(id="start", trigger=SignalTrigger(name="S"))
    loop = process(tells("t"), links=flows("start t end"))
    loop = BpmnProcess(id="p", nodes=(start, *loop.nodes[1:]), flows=loop.flows)
    plant.engine.handle(Deploy(process=loop), at=plant.now)
    plant.engine.handle(BroadcastSignal(name="S"), at=plant.now)
    (incident,) = plant.engine.incidents()
    assert incident.kind == "limit"


# -- suspended ----------------------------------------------------------------------------------


def test_a_suspended_instance_hears_what_came_when_it_goes_on(plant):
    p = process(job("a"), stops("more", "a", interrupting=False), script("count", "n + by", "n"),
                links=flows("start a end", "more count end"))  # fmt: skip
    key = plant.starts(p, {"n": 0})
    plant.does(SuspendInstance(instance=key))
    for by in (1, 10):
        assert plant.does(BroadcastSignal(name="S", variables={"by": by})).instances == (key,)
    assert plant.engine.instance(key).variables == {"n": 0}
    plant.does(ResumeInstance(instance=key))
    assert plant.engine.instance(key).variables["n"] == 11
    plant.does(BroadcastSignal(name="S", variables={"by": 100}))
    assert plant.engine.instance(key).variables["n"] == 111
