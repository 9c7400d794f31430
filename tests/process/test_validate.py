"""Structural faults of a process, each found, and all of them at once."""

import pytest

from fabloop.process.bpmn.model import (
    BoundaryEvent,
    BpmnProcess,
    EndEvent,
    JobWork,
    Lane,
    Mapping,
    SequenceFlow,
    ServiceTask,
    StartEvent,
)
from fabloop.process.bpmn.triggers import ErrorTrigger, TimerTrigger
from fabloop.process.bpmn.validate import DEPTH_MAX, faults_of
from process.driver import (
    END,
    START,
    call,
    error,
    first,
    flows,
    hear,
    job,
    message,
    process,
    script,
    some,
    sub,
    tell,
    timer,
    wait,
    xor,
)


def with_timer(trigger: TimerTrigger) -> BoundaryEvent:
    return BoundaryEvent(id="t", attached_to="a", trigger=trigger)


A = flows("start a end")
FAULTY = [
    (process(job("a"), links=flows("start a nowhere", "a end")), "'a-nowhere'", "target"),
    (BpmnProcess(id="p", nodes=(job("a"), END), flows=flows("a end")), "'p'", "one start"),
    (process(StartEvent(id="s2"), job("a"), links=(*A, *flows("s2 a"))), "'p'", "one start"),
    (process(job("a"), job("a"), links=A), "'a'", "an id of its own"),
    (process(job("a"), job("b"), links=A), "'b'", "a flow into the node"),
    (process(job("a"), links=(*A, *flows("end a"))), "'end'", "no flow out"),
    (process(job("a"), links=(*A, *flows("a start"))), "'start'", "no flow into"),
    (process(wait("a", "PT1S"), links=flows("start a", "a end: x")), "'a-end'", "exclusive"),
    (process(xor("a"), links=(*A, *flows("a end2")), ), "'a-end'", "a condition"),
    (process(xor("a", default="f9"), links=A), "'a'", "default"),
    (process(xor("a"), links=flows("start a")), "'a'", "out of the gateway"),
    (process(job("a"), timer("t", "b", "PT1S"), links=A), "'t'", "attached"),
    (process(xor("a"), timer("t", "a", "PT1S"), links=A), "'t'", "ExclusiveGateway"),
    (process(job("a"), error("e", "a", interrupting=False), links=A), "'e'", "interrupts"),
    (process(job("a"), error("e", "a", "X"), error("f", "a", "X"), links=A), "'f'", "per error"),
    (process(job("a"), with_timer(TimerTrigger()), links=A), "'t'", "neither"),
    (process(job("a"), with_timer(TimerTrigger(duration="PT1S", date="x")), links=A), "'t'",
     "both"),
    (process(wait("a", ""), links=A), "'a'", "duration or a date"),
    (process(EndEvent(id="a", trigger=ErrorTrigger()), links=A), "'a'", "an error with a code"),
    (process(some("a"), links=(*A, *flows("a end2")), ), "'a-end'", "a condition"),
    (process(some("a", default="f9"), links=A), "'a'", "default"),
    (process(job("a"), some("b"), links=(*A, *flows("start b end"),
             *(SequenceFlow(id=f"f{n}", source="a", target="b") for n in range(501)))), "'p'",
     "into inclusive"),
    (process(job("a"), hear("h", "a", "X"), links=(*A, *flows("h end"))), "'h'",
     "to a sub-process"),
    (process(sub("a", job("b"), links=flows("a.s b a.e")), hear("h", "a", "X"), hear("i", "a", "X"),
             links=(*A, *flows("h end", "i end"))), "'i'", "per escalation code"),
    (process(tell("a", ""), links=A), "'a'", "with a code"),
    (process(call("a", "="), links=A), "'a'", "process to call"),
    (process(first("a"), wait("b", "PT1S"), links=flows("start a b end")), "'a'", "two events"),
    (process(first("a"), wait("b", "PT1S"), job("c"), links=flows("start a b end", "a c end")),
     "'a-c'", "ServiceTask"),
    (process(first("a"), wait("b", "PT1S"), wait("c", "PT1S"),
             links=flows("start a b end", "a c b")), "'b'", "one flow"),
    (process(message("a", "", "k"), links=A), "'a'", "message name"),
    (process(message("a", "m", ""), links=A), "'a'", "correlation key"),
    (process(ServiceTask(id="a", work=JobWork(type="")), links=A), "'a'", "job type"),
    (process(ServiceTask(id="a", work=JobWork(type="x", retries=0)), links=A), "'a'", "retry"),
    (process(script("a", "1", ""), links=A), "'a'", "result variable"),
    (process(job("a", inputs=(Mapping(source="1", target="9 x"),)), links=A), "'a'", "inputs"),
    (process(sub("a", job("b"), links=flows("a.s b a.e", "b end")), links=A), "'b-end'",
     "same scope"),
]  # fmt: skip


@pytest.mark.parametrize(("faulty", "place", "words"), FAULTY)
def test_a_structural_fault_is_found_at_its_element(faulty, place, words):
    sentences = [fault.sentence() for fault in faults_of(faulty)]
    assert any(place in each and words in each for each in sentences), sentences


def test_all_faults_are_told_at_once():
    p = BpmnProcess(
        id="p",
        nodes=(START, xor("g"), BoundaryEvent(id="e", attached_to="g", trigger=ErrorTrigger())),
        flows=flows("start g", "g gone"),
        lanes=(Lane(id="l", name="", nodes=("ghost",)),),
    )
    places = {fault.path for fault in faults_of(p)}
    assert places == {"element 'g-gone'", "element 'e'", "element 'l'"}


def test_a_sound_process_has_none():
    assert faults_of(process(job("a"), timer("t", "a", "PT1S"), links=(*A, *flows("t end")))) == []


def test_nesting_is_bounded():
    inner = sub("s0", links=flows("s0.s s0.e"))
    for depth in range(1, DEPTH_MAX + 2):
        name = f"s{depth}"
        inner = sub(name, inner, links=flows(f"{name}.s s{depth - 1} {name}.e"))
    (fault,) = faults_of(process(inner, links=flows(f"start {inner.id} end")))
    assert "nested" in fault.expected
