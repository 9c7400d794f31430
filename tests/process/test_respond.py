"""Event sub-processes: begun by an event of their scope, in its frame, once or again and again."""

import msgspec
import pytest

from fabloop.base.errors import Invalid
from fabloop.process.bpmn.model import (
    BoundaryEvent,
    EndEvent,
    Mapping,
    MultiInstance,
    StartEvent,
    SubProcess,
    SubProcessKind,
)
from fabloop.process.bpmn.triggers import (
    ConditionTrigger,
    ErrorTrigger,
    EscalationTrigger,
    MessageTrigger,
    SignalTrigger,
    TimerTrigger,
)
from fabloop.process.commands import (
    ActAt,
    Activate,
    BroadcastSignal,
    CancelInstance,
    CompleteJob,
    Deploy,
    InstanceState,
    Migrate,
    Modify,
    PublishMessage,
    SetVariables,
    ThrowError,
)
from fabloop.process.operations import ResumeInstance, SuspendInstance
from process.driver import (
    Plant,
    both,
    call,
    error,
    flows,
    hear,
    job,
    kill,
    on,
    process,
    script,
    sub,
    tell,
    xor,
)

M = MessageTrigger(name="M", correlation_key='"k"')
E, H = ErrorTrigger(code="E"), EscalationTrigger(code="H")


def say(plant: Plant, name: str = "M", **variables: object) -> None:
    plant.does(PublishMessage(name=name, correlation_key="k", variables=variables))


def finished(plant: Plant, instance: int) -> bool:
    state = plant.engine.state
    left = (state.frames, state.acts, state.jobs, state.timers, state.subscriptions)
    return plant.ended(instance) is InstanceState.COMPLETED and not any(left)


def test_an_interrupting_one_ends_all_else_in_its_scope_and_listening_too():
    plant = Plant()
    key = plant.starts(
        process(
            both("f"), job("a"), job("b"), both("j"),
            on("late", TimerTrigger(duration="PT5S"), job("x")), on("m", M, job("y")),
            links=flows("start f a j end", "f b j"),
        )
    )  # fmt: skip
    plant.completes("a")
    say(plant)
    assert plant.open_nodes() == ["y"]
    assert plant.engine.next_due() is None
    say(plant)
    plant.completes("y")
    assert finished(plant, key)


def test_a_patient_one_runs_as_often_as_its_event_happens_and_its_scope_waits_for_it():
    plant = Plant()
    outputs = (Mapping(source="part", target="mine"),)
    key = plant.starts(
        process(job("a"), on("m", M, job("y"), interrupting=False, outputs=outputs),
                links=flows("start a end"))
    )  # fmt: skip
    for part in (1, 2, 3):
        say(plant, part=part)
    seen = [each.variables["mine"] for each in plant.engine.jobs() if each.node == "y"]
    assert seen == [1, 2, 3]
    plant.completes("a")
    say(plant, part=4)
    assert plant.open_nodes() == ["y"] * 4
    while plant.open_nodes():
        assert not finished(plant, key)
        plant.does(CompleteJob(job=plant.engine.jobs()[0].key))
    assert finished(plant, key)


def test_listening_alone_keeps_no_scope_open():
    plant = Plant()
    box = sub("box", script("s", "1", "x"), on("m", M, job("y")), links=flows("box.s s box.e"))
    key = plant.starts(process(box, on("m2", M, job("z")), links=flows("start box end")))
    assert finished(plant, key)


def test_a_kept_message_begins_one_before_the_first_work():
    plant = Plant()
    plant.does(PublishMessage(name="M", correlation_key="k", time_to_live_ns=10**10))
    plant.starts(process(job("a"), on("m", M, job("y")), links=flows("start a end")))
    assert plant.open_nodes() == ["y"]


def test_an_error_is_caught_by_the_scope_before_the_boundary_around_it():
    plant = Plant()
    box = sub("box", job("a"), on("e", E, job("x")), links=flows("box.s a box.e"))
    model = process(box, error("b", "box"), job("outside"),
                    links=flows("start box end", "b outside end"))  # fmt: skip
    key = plant.starts(model)
    plant.does(ThrowError(job=plant.job("a").key, code="E", variables={"why": "worn"}))
    assert plant.open_nodes() == ["x"]
    assert plant.job("x").variables["why"] == "worn"
    plant.does(ThrowError(job=plant.job("x").key, code="E"))
    assert plant.open_nodes() == ["outside"]  # it does not catch what it throws itself
    plant.completes("outside")
    assert finished(plant, key)
    plant.starts(model)
    plant.does(ThrowError(job=plant.job("a").key, code="F"))
    assert plant.open_nodes() == ["outside"]


def test_an_error_of_a_called_process_reaches_the_event_sub_process_of_its_caller():
    plant = Plant()
    end = EndEvent(id="bad", trigger=E)
    called = process(job("a"), end, links=flows("start a bad"), id="called")
    called = msgspec.structs.replace(called, nodes=tuple(n for n in called.nodes if n.id != "end"))
    plant.does(Deploy(process=called))
    key = plant.starts(process(call("c", "called"), on("e", E, job("x")),
                               links=flows("start c end")))  # fmt: skip
    plant.completes("a")
    assert plant.open_nodes() == ["x"]
    plant.completes("x")
    assert finished(plant, key)


@pytest.mark.parametrize("interrupting", [True, False])
def test_an_escalation_goes_out_of_a_called_process(interrupting):
    plant = Plant()
    called = process(tell("t"), job("a"), links=flows("start t a end"), id="called")
    plant.does(Deploy(process=called))
    plant.starts(process(call("c", "called"), hear("h", "c", interrupting=interrupting), job("x"),
                         links=flows("start c end", "h x end")))  # fmt: skip
    assert plant.open_nodes() == (["x"] if interrupting else ["a", "x"])
    plant = Plant()
    plant.does(Deploy(process=called))
    key = plant.starts(
        process(call("c", "called"), on("h", H, job("x"), interrupting=interrupting),
                links=flows("start c end"))
    )  # fmt: skip
    assert plant.open_nodes() == (["x"] if interrupting else ["a", "x"])
    while plant.open_nodes():
        plant.does(CompleteJob(job=plant.engine.jobs()[0].key))
    assert finished(plant, key)


def test_one_that_escalates_itself_is_heard_outside():
    plant = Plant()
    inner = on("in", H, tell("again"), job("x"), interrupting=False)
    box = sub("box", tell("t"), job("a"), inner, links=flows("box.s t a box.e"))
    plant.starts(process(box, on("out", H, job("y"), interrupting=False),
                         links=flows("start box end")))  # fmt: skip
    assert plant.open_nodes() == ["a", "x", "y"]


def test_two_timers_due_at_once_begin_one_that_interrupts():
    plant = Plant()
    late = TimerTrigger(duration="PT5S")
    key = plant.starts(process(job("a"), on("m", late, job("x")), on("n", late, job("y")),
                               links=flows("start a end")))  # fmt: skip
    plant.passes(5)
    assert plant.open_nodes() == ["x"]
    plant.completes("x")
    assert finished(plant, key)


def test_in_a_loop_each_round_listens_anew():
    plant = Plant()
    box = sub("box", job("a"), on("m", M, job("y"), interrupting=False),
              links=flows("box.s a box.e"))  # fmt: skip
    key = plant.starts(process(box, xor("m1"), xor("g", default="g-end"),
                               links=flows("start m1 box g", "g m1: again", "g end")))  # fmt: skip
    for again in (True, True, False):
        say(plant)
        assert plant.open_nodes() == ["a", "y"]
        plant.completes("a", {"again": again})
        plant.completes("y")
    assert finished(plant, key)


def test_one_inside_another_listens_while_that_one_runs():
    plant = Plant()
    inner = on("in", MessageTrigger(name="N", correlation_key='"k"'), job("z"))
    outer = on("out", M, job("y"), inner, links=flows("out.s y out.e"))
    key = plant.starts(process(job("a"), outer, links=flows("start a end")))
    say(plant, "N")
    assert plant.open_nodes() == ["a"]
    say(plant)
    say(plant, "N")
    assert plant.open_nodes() == ["z"]
    plant.completes("z")
    assert finished(plant, key)


def test_terminate_ends_those_that_run_and_those_that_listen():
    plant = Plant()
    key = plant.starts(process(both("f"), job("a"), kill("k"), job("b"),
                               on("m", M, job("y"), interrupting=False),
                               links=flows("start f a k", "f b end")))  # fmt: skip
    say(plant)
    plant.completes("a")
    assert finished(plant, key)


def test_a_deadlock_is_told_while_the_scope_listens():
    plant = Plant()
    key = plant.starts(
        process(both("f"), xor("g", default="g-end"), both("j"), on("m", M, job("y")),
                     job("a"), links=flows("start f g end", "g j: false", "f a j end"))
    )  # fmt: skip
    plant.completes("a")
    assert [each.kind for each in plant.engine.incidents(key)] == ["deadlock"]
    say(plant)
    assert plant.engine.incidents(key) == ()
    plant.completes("y")
    assert finished(plant, key)


def test_an_operator_opens_a_scope_that_listens_and_cancelling_the_last_work_ends_it():
    plant = Plant()
    box = sub("box", job("a"), on("m", M, job("y"), interrupting=False),
              links=flows("box.s a box.e"))  # fmt: skip
    key = plant.starts(process(job("first"), box, links=flows("start first box end")))
    plant.does(Modify(instance=key, activate=(Activate(node="a"),)))
    say(plant)
    assert plant.open_nodes() == ["a", "first", "y"]
    plant.completes("y")
    act = next(a for f in plant.engine.instance(key).frames for a in f.acts if a.node == "a")
    plant.does(Modify(instance=key, cancel=(ActAt(key=act.key),)))
    assert plant.at_nodes(key) == ["first"]
    plant.does(CancelInstance(instance=key))
    assert not plant.engine.state.acts


def test_what_listens_and_what_runs_migrates():
    plant = Plant()
    late = on("late", TimerTrigger(duration="PT9S"), job("x"))
    patient = on("m", M, job("y"), interrupting=False)
    key = plant.starts(process(job("a"), late, patient, links=flows("start a end")))
    say(plant)
    plant.passes(4)
    fresh = on("n", MessageTrigger(name="N", correlation_key='"k"'), job("z"), interrupting=False)
    target = process(job("new"), fresh, job("a"), patient, late, links=flows("start new a end"))
    to = plant.does(Deploy(process=target)).key
    plant.rehearses(Migrate(instance=key, target=to))
    plant.does(Migrate(instance=key, target=to))
    say(plant)
    say(plant, "N")
    assert plant.open_nodes() == ["a", "y", "y", "z"]
    plant.passes(5)
    assert plant.open_nodes() == ["x"]
    plant.completes("x")
    assert finished(plant, key)
    bare = process(job("a"), links=flows("start a end"))
    key = plant.starts(target)
    to = plant.does(Deploy(process=bare)).key
    with pytest.raises(Invalid, match="'late'"):
        plant.does(Migrate(instance=key, target=to))


def box_with(start: StartEvent, **more: object) -> SubProcess:
    nodes = (start, job("x"), EndEvent(id="r.e"))
    return SubProcess(id="r", nodes=nodes, flows=flows(f"{start.id} x r.e"), **more)


EVENT = SubProcessKind.EVENT
REFUSED = {
    "no trigger": (box_with(StartEvent(id="s"), kind=EVENT), "a trigger"),
    "patient error": (box_with(StartEvent(id="s", trigger=E, interrupting=False), kind=EVENT),
                      "interrupts"),
    "for compensation": (box_with(StartEvent(id="s", trigger=H), kind=EVENT,
                                  for_compensation=True), "isForCompensation"),
    "event in an ordinary one": (box_with(StartEvent(id="s", trigger=M), for_compensation=True),
                                 "without a trigger"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_refused_when_it_is_deployed(case):
    node, text = case
    with pytest.raises(Invalid, match=text):
        Plant().does(Deploy(process=process(job("a"), node, links=flows("start a end"))))


def test_two_for_one_error_and_a_flow_into_one_are_refused():
    twice = process(job("a"), on("r1", E, job("x")), on("r2", E, job("y")),
                    links=flows("start a r1 end"))  # fmt: skip
    with pytest.raises(Invalid) as refused:
        Plant().does(Deploy(process=twice))
    assert "one event sub-process per event" in str(refused.value)
    assert "no flow into or out of an event sub-process" in str(refused.value)


def test_signals_conditions_and_cycles_begin_them():
    plant = Plant()
    again = TimerTrigger(cycle="R2/PT2S")
    key = plant.starts(
        process(
            job("a"),
            on("s", SignalTrigger(name="S"), job("x"), interrupting=False),
            on("c", ConditionTrigger(condition="heat > 80"), job("y"), interrupting=False),
            on("t", again, job("z"), interrupting=False),
            on("stop", ConditionTrigger(condition="heat > 100"), job("w")),
            links=flows("start a end"),
        ),
        {"heat": 20},
    )  # fmt: skip
    plant.does(BroadcastSignal(name="S"))
    plant.does(BroadcastSignal(name="S"))
    assert plant.open_nodes() == ["a", "x", "x"]
    plant.does(SetVariables(target=key, variables={"heat": 90}))
    assert plant.open_nodes() == ["a", "x", "x", "y"]
    for _ in range(3):
        plant.passes(2)
    assert plant.open_nodes() == ["a", "x", "x", "y", "z", "z"]
    plant.does(SetVariables(target=key, variables={"heat": 101}))
    assert plant.open_nodes() == ["w"]
    plant.does(BroadcastSignal(name="S"))
    plant.completes("w")
    assert finished(plant, key)


def test_one_signal_that_two_would_interrupt_for_begins_the_first():
    plant = Plant()
    signal = SignalTrigger(name="S")
    key = plant.starts(process(job("a"), on("m", signal, job("x")), on("n", signal, job("y")),
                               links=flows("start a end")))  # fmt: skip
    plant.does(BroadcastSignal(name="S"))
    assert plant.open_nodes() == ["x"]
    plant.completes("x")
    assert finished(plant, key)


def test_in_each_of_several_rounds_at_once_one_of_its_own_listens():
    plant = Plant()
    box = sub("box", job("a"), on("s", SignalTrigger(name="S"), job("x")),
              links=flows("box.s a box.e"),
              loop=MultiInstance(collection="[1, 2, 3]", element="item"))  # fmt: skip
    key = plant.starts(process(box, links=flows("start box end")))
    plant.does(CompleteJob(job=plant.engine.jobs()[0].key))
    plant.does(BroadcastSignal(name="S"))
    assert [(each.node, each.variables["item"]) for each in plant.engine.jobs()] == [
        ("x", 2),
        ("x", 3),
    ]
    for each in plant.engine.jobs():
        plant.does(CompleteJob(job=each.key))
    assert finished(plant, key)


def test_what_comes_while_suspended_begins_it_afterwards():
    plant = Plant()
    key = plant.starts(process(job("a"), on("m", M, job("y")), links=flows("start a end")))
    plant.does(SuspendInstance(instance=key))
    say(plant, part=1)
    assert plant.open_nodes() == ["a"]
    plant.does(ResumeInstance(instance=key))
    assert plant.open_nodes() == ["y"]
    assert plant.job("y").variables["part"] == 1
    plant.completes("y")
    assert finished(plant, key)


@pytest.mark.parametrize("interrupting", [True, False])
def test_what_happens_at_once_around_a_scope_that_an_operator_opens(interrupting):
    plant = Plant()
    trigger = ConditionTrigger(condition="heat > 80")
    event = BoundaryEvent(id="b", attached_to="box", trigger=M, interrupting=interrupting)
    box = sub("box", job("a"), on("c", trigger, job("y")), links=flows("box.s a box.e"))
    key = plant.starts(process(job("first"), box, event, job("x"), EndEvent(id="end2"),
                               links=flows("start first box end", "b x end2")))  # fmt: skip
    plant.does(PublishMessage(name="M", correlation_key="k", time_to_live_ns=10**10))
    plant.rehearses(Modify(instance=key, activate=(Activate(node="a"),)))
    plant.does(Modify(instance=key, activate=(Activate(node="a"),)))
    assert plant.open_nodes() == (["first", "x"] if interrupting else ["a", "first", "x"])
