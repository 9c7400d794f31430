"""Event sub-processes, compensation and transactions are verified, faults in them found."""

import pytest

from fabloop.process.bpmn.compile import compile_process
from fabloop.process.bpmn.model import BoundaryEvent, EndEvent, SubProcess, SubProcessKind
from fabloop.process.bpmn.triggers import (
    CancelTrigger,
    CompensateTrigger,
    ErrorTrigger,
    EscalationTrigger,
    MessageTrigger,
    TimerTrigger,
)
from fabloop.process.verify.environment import CLOSED, OPEN
from fabloop.process.verify.explore import Property
from fabloop.process.verify.report import verify
from fabloop.process.verify.verdict import LeftOut, Verdict
from process.driver import (
    both,
    call,
    error,
    flows,
    hear,
    job,
    on,
    process,
    some,
    sub,
    tell,
    undo,
    undoing,
    undone_by,
    xor,
)

M = MessageTrigger(name="M", correlation_key='"k"')
E, H = ErrorTrigger(code="E"), EscalationTrigger(code="H")
DEADLOCK = (xor("g"), both("h"))


def broken(model, environment=OPEN) -> set[Property]:
    """Return what does not hold; the same with and without reduction."""
    definition = compile_process(model, {}, 1)
    full = verify(definition, environment=environment, reduced=False)
    small = verify(definition, environment=environment)
    verdicts = {each.property: each.verdict for each in small.findings}
    assert {each.property: each.verdict for each in full.findings} == verdicts
    assert Verdict.UNKNOWN not in verdicts.values()
    return {which for which, verdict in verdicts.items() if verdict is Verdict.VIOLATED}


def stuck(name: str) -> tuple:
    """Return what waits for ever, with its flows: a join of which one way is never taken."""
    fork = xor(f"{name}x", default=f"{name}x-{name}j")
    nodes = (fork, both(f"{name}j"), job(name))
    return nodes, (f"{name}x {name}j", f"{name}x {name} {name}j: n > 0")


TRIGGERS = (M, TimerTrigger(duration="PT1S"), E, H)


@pytest.mark.parametrize("interrupting", [True, False])
@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda each: type(each).__name__)
def test_a_sound_one_is_sound_and_one_that_gets_stuck_is_found(trigger, interrupting):
    if trigger is E and not interrupting:
        return
    for inside in (True, False):
        nodes, lines = stuck("s")
        answers = (
            on("r", trigger, job("x"), interrupting=interrupting),
            on("r", trigger, *nodes, interrupting=interrupting,
               links=flows(f"r.s {lines[0]} r.e", lines[1])),
        )  # fmt: skip
        for fine, answer in zip((True, False), answers, strict=True):
            work = (xor("g", default="g-a"), tell("t"), xor("m"), job("a"), job("b"))
            line = ("g a m b", "g t m: n > 0")
            if inside:
                box = sub("box", *work, answer, links=flows(f"box.s {line[0]} box.e", line[1]))
                model = process(box, links=flows("start box end"))
            else:
                model = process(*work, answer, links=flows(f"start {line[0]} end", line[1]))
            found = broken(model)
            assert found == set() if fine else Property.OPTION_TO_COMPLETE in found


def test_a_closed_environment_sends_no_message():
    nodes, lines = stuck("s")
    answer = on("r", M, *nodes, links=flows(f"r.s {lines[0]} r.e", lines[1]))
    found = broken(process(job("a"), answer, links=flows("start a end")), CLOSED)
    assert found == {Property.NO_DEAD_ELEMENT}


def test_an_error_goes_to_the_event_sub_process_and_then_out():
    end = EndEvent(id="bad", trigger=E)
    again = EndEvent(id="again", trigger=E)
    r = on("r", E, job("x"), links=flows("r.s x again"))
    r = SubProcess(id="r", kind=r.kind, flows=r.flows,
                   nodes=(*(n for n in r.nodes if n.id != "r.e"), again))  # fmt: skip
    box = sub("box", job("a"), xor("g", default="g-box.e"), end, r,
              links=flows("box.s a g box.e", "g bad: n > 1"))  # fmt: skip
    model = process(box, error("e", "box", "E"), job("caught"),
                    links=flows("start box end", "e caught end"))  # fmt: skip
    assert broken(model) == set()
    uncaught = process(box, links=flows("start box end"))
    assert Property.OPTION_TO_COMPLETE in broken(uncaught)


def test_a_called_process_may_escalate():
    for event in (hear("h", "c"), hear("h", "c", interrupting=False)):
        model = process(call("c", "q"), event, job("x"), EndEvent(id="end2"),
                        links=flows("start c end", "h x end2"))  # fmt: skip
        assert broken(model) == set()
    box = sub("box", call("c", "q"), links=flows("box.s c box.e"))
    model = process(box, hear("h", "box"), job("x"), links=flows("start box end", "h x end"))
    assert broken(model) == set()


def test_inclusive_joins_go_together_with_listening():
    model = process(some("f", default="f-a"), job("a"), job("b"), some("j"),
                    on("r", M, job("x"), interrupting=False),
                    links=flows("start f a j end", "f b j: n > 0"))  # fmt: skip
    assert broken(model) == set()


def worked(name: str) -> tuple:
    return job(name), undone_by(f"c{name}", name, f"-{name}"), undoing(f"-{name}")


def test_what_is_undone_is_sound_and_named_as_left_out():
    box = sub("box", *worked("a"), *worked("b"), links=flows("box.s a b box.e"))
    model = process(box, *worked("c"), undo("u"), links=flows("start box c u end"))
    assert broken(model) == set()
    assert LeftOut.UNDOING in verify(compile_process(model, {}, 1)).left_out


def test_a_handler_that_gets_stuck_is_found():
    nodes, lines = stuck("s")
    handler = sub("-a", *nodes, links=flows(f"-a.s {lines[0]} -a.e", lines[1]),
                  for_compensation=True)  # fmt: skip
    model = process(job("a"), undone_by("c", "a", "-a"), handler, undo("u"),
                    links=flows("start a u end"))  # fmt: skip
    assert Property.OPTION_TO_COMPLETE in broken(model)
    own = on("own", CompensateTrigger(), *nodes, links=flows(f"own.s {lines[0]} own.e", lines[1]))
    box = sub("box", job("a"), own, links=flows("box.s a box.e"))
    model = process(box, undo("u"), links=flows("start box u end"))
    assert Property.OPTION_TO_COMPLETE in broken(model)


def test_what_nothing_undoes_is_dead():
    model = process(*worked("a"), links=flows("start a end"))
    assert broken(model) == {Property.NO_DEAD_ELEMENT}


def test_a_transaction_is_cancelled_and_left_at_its_boundary():
    inner = sub("tx", both("f"), *worked("a"), job("slow"), xor("g", default="g-cancel"),
                both("j"), EndEvent(id="cancel", trigger=CancelTrigger()),
                links=flows("tx.s f a g cancel", "f slow j tx.e", "g j: n > 0"))  # fmt: skip
    tx = SubProcess(id="tx", nodes=inner.nodes, flows=inner.flows,
                    kind=SubProcessKind.TRANSACTION)  # fmt: skip
    event = BoundaryEvent(id="x", attached_to="tx", trigger=CancelTrigger())
    model = process(tx, event, job("no"), links=flows("start tx end", "x no end"))
    assert broken(model) == set()
