"""Events at every position are part of the net that is verified."""

import pytest

from fabloop.process.bpmn.compile import compile_process
from fabloop.process.bpmn.model import (
    BoundaryEvent,
    BpmnProcess,
    CatchEvent,
    EndEvent,
    ReceiveTask,
    SendTask,
    StartEvent,
    ThrowEvent,
)
from fabloop.process.bpmn.triggers import (
    ConditionTrigger,
    LinkTrigger,
    MessageTrigger,
    SignalTrigger,
    TimerTrigger,
)
from fabloop.process.verify.environment import CLOSED, OPEN, Environment, Openness
from fabloop.process.verify.explore import Property
from fabloop.process.verify.report import verify
from fabloop.process.verify.verdict import Verdict
from process.driver import END, both, first, flows, job, process, xor

M = MessageTrigger(name="M", correlation_key="lot")
S = SignalTrigger(name="S")
C = ConditionTrigger(condition="n > 1")
SHUT = Environment(signals=Openness.CLOSED, conditions=Openness.CLOSED, messages=Openness.CLOSED)


def wrong(model: BpmnProcess, environment: Environment = OPEN) -> set[Property]:
    report = verify(compile_process(model, {}, 1), environment=environment)
    assert all(each.verdict is not Verdict.UNKNOWN for each in report.findings)
    return {each.property for each in report.findings if each.verdict is Verdict.VIOLATED}


def catch(id: str, trigger) -> CatchEvent:  # noqa: A002
    return CatchEvent(id=id, trigger=trigger)


@pytest.mark.parametrize("trigger", [M, S, C])
def test_what_the_outside_never_lets_happen_is_waited_for_in_vain(trigger):
    p = process(catch("c", trigger), links=flows("start c end"))
    assert not wrong(p)
    assert Property.OPTION_TO_COMPLETE in wrong(p, SHUT)


def test_a_receive_task_waits_for_the_outside_unless_something_interrupts_it():
    late = BoundaryEvent(id="late", attached_to="r", trigger=TimerTrigger(duration="PT1S"))
    plain = process(ReceiveTask(id="r", message=M), links=flows("start r end"))
    assert not wrong(plain)
    assert Property.OPTION_TO_COMPLETE in wrong(plain, CLOSED)
    p = process(ReceiveTask(id="r", message=M), late, links=flows("start r end", "late end"))
    assert not wrong(p)
    assert Property.OPTION_TO_COMPLETE not in wrong(p, CLOSED)


@pytest.mark.parametrize(("caught", "thrown"), [(M, M), (S, S), (S, SignalTrigger(name="=who"))])
def test_what_a_process_throws_it_may_hear_itself(caught, thrown):
    p = process(both("f"), catch("c", caught), ThrowEvent(id="t", trigger=thrown), both("j"),
                links=flows("start f c j end", "f t j"))  # fmt: skip
    assert not wrong(p, SHUT)
    other = ThrowEvent(id="t", trigger=SignalTrigger(name="other"))
    p = process(both("f"), catch("c", caught), other, both("j"),
                links=flows("start f c j end", "f t j"))  # fmt: skip
    assert Property.OPTION_TO_COMPLETE in wrong(p, SHUT)


def test_any_of_several_starts_may_begin_a_process():
    on = StartEvent(id="on", trigger=M)
    nodes = (StartEvent(id="start"), on, xor("x"), job("a"), END)
    p = BpmnProcess(id="p", nodes=nodes, flows=flows("start x", "on x", "x a end"))
    assert not wrong(p)
    joined = tuple(both("x") if each.id == "x" else each for each in nodes)
    p = BpmnProcess(id="p", nodes=joined, flows=p.flows)
    assert Property.OPTION_TO_COMPLETE in wrong(p), "one start never brings both tokens"


def test_a_token_goes_on_at_the_link_of_its_name():
    p = process(xor("x", default="x-j"), ThrowEvent(id="j", trigger=LinkTrigger(name="A")),
                CatchEvent(id="l", trigger=LinkTrigger(name="A")), xor("m"),
                links=flows("start x", "x j", "x m: n > 1", "l m end"))  # fmt: skip
    assert not wrong(p)


def test_messages_are_sent_and_events_race_without_fault():
    p = process(SendTask(id="s", message=M), first("g"), catch("m", M), catch("s2", S),
                catch("c", C), ReceiveTask(id="r", message=M), xor("x"),
                links=flows("start s g", "g m x end", "g s2 x", "g c x", "g r x"))  # fmt: skip
    assert not wrong(p)
    ends = BpmnProcess(id="p", nodes=(StartEvent(id="start"), EndEvent(id="e", trigger=S)),
                       flows=flows("start e"))  # fmt: skip
    assert not wrong(ends)


@pytest.mark.parametrize("trigger", [M, S, C, TimerTrigger(cycle="R/PT1H")])
def test_an_event_that_does_not_interrupt_may_not_lead_back_into_the_main_way(trigger):
    event = BoundaryEvent(id="e", attached_to="a", trigger=trigger, interrupting=False)
    p = process(job("a"), event, xor("x"), job("b"), links=flows("start a x b end", "e x"))
    assert wrong(p), "two tokens come to the end"
    p = process(job("a"), event, EndEvent(id="done"), links=flows("start a end", "e done"))
    assert not wrong(p)
