"""Listeners: jobs before an element begins and after its work is done."""

import pytest
from msgspec.structs import replace

from fabloop.base.errors import Invalid
from fabloop.process.bpmn.compile import compile_process
from fabloop.process.bpmn.model import (
    AdHoc,
    EndEvent,
    FlowNode,
    Listener,
    ListenerEvent,
    Mapping,
    MultiInstance,
    StartEvent,
    SubProcess,
)
from fabloop.process.bpmn.read import read_bpmn
from fabloop.process.bpmn.triggers import EscalationTrigger, MessageTrigger
from fabloop.process.bpmn.write import write
from fabloop.process.commands import (
    CancelInstance,
    Deploy,
    FailJob,
    InstanceState,
    Migrate,
    PublishMessage,
    ResolveIncident,
    StartInstance,
)
from fabloop.process.definition import DefinitionKey
from fabloop.process.verify.report import verify
from process.driver import (
    START,
    Plant,
    both,
    call,
    first,
    flows,
    hear,
    job,
    kill,
    message,
    on,
    page,
    person,
    process,
    script,
    some,
    sub,
    timer,
    undo,
    undoing,
    undone_by,
    wait,
    xor,
)
from process.test_pages import station

BEFORE = Listener(event=ListenerEvent.START, type="before")
BEHIND = Listener(event=ListenerEvent.END, type="behind")
OTHER = Listener(event=ListenerEvent.START, type="other")


def told(node: FlowNode, *listeners: Listener) -> FlowNode:
    return replace(node, listeners=listeners or (BEFORE, BEHIND))


def steps(plant: Plant, key: int) -> list[str]:
    """Complete job after job; return their types in order."""
    found = []
    while jobs := plant.engine.jobs(instance=key):
        found.append(jobs[0].type)
        plant.completes_job(jobs[0].key)
    return found


@pytest.mark.parametrize(
    ("node", "work"),
    [
        (job("a"), ["do-a"]),
        (script("a", "1", "x"), []),
        (person("a"), ["fabloop:person"]),
        (sub("a", job("b"), links=flows("a.s b a.e")), ["do-b"]),
        (page("a", "n"), ["weld"]),
        (message("a", "M", '"k"'), []),
        (wait("a", "PT0S"), []),
    ],
)
def test_listeners_are_asked_before_and_behind_an_element(node, work):
    plant = Plant()
    if node.id == "a" and work == ["weld"]:
        node = replace(node, inputs=(Mapping(source="1", target="lot"),))
    key = plant.starts(process(told(node), links=flows("start a end")), {},
                       (station("n").document(),))  # fmt: skip
    found = []
    for _ in range(6):
        found += steps(plant, key)
        if plant.engine.state.subscriptions:
            plant.does(PublishMessage(name="M", correlation_key="k"))
        if plant.engine.next_due() is not None:
            plant.passes(60)
    assert (found[0], found[-1]) == ("before", "behind")
    assert [each for each in found[1:-1] if each in work] == work
    assert plant.ended(key) is InstanceState.COMPLETED


def test_several_are_asked_one_after_the_other_and_see_the_inputs():
    plant = Plant()
    node = job("a", inputs=(Mapping(source="n + 1", target="more"),))
    plant.starts(process(told(node, BEFORE, OTHER), links=flows("start a end")), {"n": 1})
    assert plant.job("a/start/1").variables == {"n": 1, "more": 2}
    plant.completes("a/start/1", {"n": 5})
    assert plant.job("a/start/2").type == "other"
    plant.completes("a/start/2")
    assert plant.job("a").variables["more"] == 6


def test_one_that_fails_is_an_incident():
    plant = Plant()
    plant.starts(process(told(job("a")), links=flows("start a end")))
    plant.does(FailJob(job=plant.job("a/start/1").key, retries=0, message="no"))
    (incident,) = plant.engine.incidents()
    plant.does(ResolveIncident(incident=incident.key))
    plant.completes("a/start/1")
    assert plant.open_nodes() == ["a"]


def test_events_of_a_task_are_told_inside_those_of_its_element():
    plant = Plant()
    creating = Listener(event=ListenerEvent.CREATING, type="creating")
    completing = Listener(event=ListenerEvent.COMPLETING, type="completing")
    node = told(person("a"), creating, BEFORE, BEHIND, completing)
    key = plant.starts(process(node, links=flows("start a end")))
    assert steps(plant, key) == ["before", "creating", "fabloop:person", "completing", "behind"]


def test_conditions_behind_an_activity_are_read_after_its_listeners():
    plant = Plant()
    model = process(replace(told(job("a"), BEHIND), default="a-c"), job("b"), job("c"),
                    links=flows("start a b end: x", "a b: n > 1", "a c end"))  # fmt: skip
    model = replace(model, flows=flows("start a", "a b: n > 1", "a c", "b end", "c end"))
    plant.starts(model, {"n": 1})
    plant.completes("a")
    plant.completes("a/end/1", {"n": 2})
    assert plant.open_nodes() == ["b"]


@pytest.mark.parametrize("gate", [both, some])
def test_a_gateway_joins_before_its_listeners(gate):
    plant = Plant()
    join = told(gate("j"), BEFORE)
    model = process(both("f"), job("a"), job("b"), join, job("c"),
                    links=flows("start f a j c end", "f b j"))  # fmt: skip
    key = plant.starts(model)
    plant.completes("a")
    assert plant.open_nodes() == ["b"]
    plant.completes("b")
    assert plant.open_nodes() == ["j/start/1"]
    assert steps(plant, key) == ["before", "do-c"]


def test_a_gateway_decides_after_its_listeners():
    plant = Plant()
    model = process(told(xor("x", default="x-b"), BEFORE), job("a"), job("b"),
                    links=flows("start x", "x a: n > 1", "x b end", "a end"))  # fmt: skip
    plant.starts(model, {"n": 1})
    plant.completes("x/start/1", {"n": 2})
    assert plant.open_nodes() == ["a"]


def test_events_on_a_boundary_and_at_both_ends_can_be_told():
    plant = Plant()
    late = told(timer("t", "a", "PT5S"), BEHIND)
    model = process(job("a"), late, links=flows("start a end", "t end"))
    ends = (told(START, BEHIND), *model.nodes[1:-1], told(EndEvent(id="end"), BEFORE, BEHIND))
    key = plant.starts(replace(model, nodes=ends))
    plant.completes("start/end/1")
    plant.passes(6)
    assert steps(plant, key) == ["behind", "before", "behind"]


def test_an_activity_with_a_loop_has_them_around_all_rounds():
    plant = Plant()
    loop = MultiInstance(collection="[1, 2]", element="x")
    node = told(job("a", loop=loop, inputs=(Mapping(source="x", target="y"),)))
    key = plant.starts(process(node, links=flows("start a end")))
    assert steps(plant, key) == ["before", "do-a", "do-a", "behind"]


def test_a_waiting_listener_migrates():
    plant = Plant()
    key = plant.starts(process(told(job("a")), links=flows("start a end")))
    plant.does(Deploy(process=process(told(job("a", name="new")), links=flows("start a end"))))
    plant.does(Migrate(instance=key, target=DefinitionKey("p", 2)))
    assert steps(plant, key) == ["before", "do-a", "behind"]


def test_an_element_with_listeners_is_verified_as_what_it_is():
    model = process(both("f"), told(job("a")), told(both("j"), BEFORE),
                    links=flows("start f a j end", "f j"))  # fmt: skip
    assert verify(compile_process(model, {}, 1)).sound


def test_listeners_are_written_and_read():
    creating = Listener(event=ListenerEvent.CREATING, type="c", retries=2)
    nodes = (
        told(job("a")),
        told(xor("x"), BEFORE),
        told(wait("w", "PT1S")),
        told(person("b"), BEFORE, creating),
    )
    model = process(*nodes, links=flows("start a x w b end"))
    read, _ = read_bpmn(write(model))
    assert {node.id: node.listeners for node in read.nodes} == {
        node.id: node.listeners for node in model.nodes
    }


def behind_events(node: FlowNode):
    return process(
        first("g"), node, message("m", "M", "k"), links=flows("start g w end", "g m end")
    )


@pytest.mark.parametrize(
    ("model", "found"),
    [
        (process(told(both("f"), BEHIND), links=flows("start f end")), "no end listener"),
        (behind_events(told(wait("w", "PT1S"), BEFORE)), "flow into it"),
        (process(told(job("a"), *[BEFORE] * 21), links=flows("start a end")), "at most 20"),
        (process(told(job("a"), replace(BEFORE, type="")), links=flows("start a end")), "job type"),
        (process(told(job("a"), replace(BEFORE, retries=0)), links=flows("start a end")), "retry"),
        (process(SubProcess(id="b", nodes=(told(job("a"), BEFORE),), flows=(), ad_hoc=AdHoc()),
                 links=flows("start b end")), "flow into it"),
        (replace(process(job("a"), links=flows("start a end")),
                 nodes=(told(StartEvent(id="start"), BEFORE), job("a"), EndEvent(id="end"))),
         "flow into it"),
    ],
)  # fmt: skip
def test_listeners_that_cannot_be_asked_are_refused(model, found):
    with pytest.raises(Invalid, match=found):
        Plant().does(Deploy(process=model))


def test_events_of_a_task_that_nobody_tells_are_refused_by_name():
    xml = write(process(told(person("a"), Listener(event=ListenerEvent.CREATING, type="x")),
                        links=flows("start a end")))  # fmt: skip
    with pytest.raises(Invalid, match="assigning"):
        read_bpmn(xml.replace(b'"creating"', b'"assigning"'))


AROUND = (BEFORE, BEHIND)


def test_a_process_tells_its_listeners_when_it_has_begun_and_once_when_all_of_it_ended():
    plant = Plant()
    model = process(both("f"), job("a"), job("b"), links=flows("start f a end", "f b end"))
    key = plant.starts(replace(model, listeners=AROUND), {"n": 1})
    plant.completes("start/end/1")
    assert plant.open_nodes() == ["a", "b"]
    plant.completes("a", {"made": 2})
    assert plant.open_nodes() == ["b"]
    plant.completes("b")
    assert plant.job("p/end/1").variables == {"n": 1, "made": 2}
    plant.completes("p/end/1", {"told": True})
    assert plant.result(key) == {"n": 1, "made": 2, "told": True}


def test_a_terminated_process_tells_its_end_and_a_cancelled_one_does_not():
    plant = Plant()
    model = process(both("f"), job("a"), kill("k"), links=flows("start f k", "f a end"))
    key = plant.starts(replace(model, listeners=(BEHIND,)))
    plant.rehearses(CancelInstance(instance=key))
    assert steps(plant, key) == ["behind"]
    other = plant.does(StartInstance(process="p")).instance
    plant.does(CancelInstance(instance=other))
    assert not plant.engine.jobs(instance=other)


def test_the_events_of_a_process_are_heard_until_its_end_is_told():
    plant = Plant()
    alarm = on("e", MessageTrigger(name="M", correlation_key='"k"'), job("x"))
    model = process(job("a"), alarm, links=flows("start a end"))
    key = plant.starts(replace(model, listeners=(BEHIND,)))
    plant.does(PublishMessage(name="M", correlation_key="k"))
    assert plant.open_nodes() == ["x"]
    plant.restores()
    assert steps(plant, key) == ["do-x", "behind"]
    assert plant.ended(key) is InstanceState.COMPLETED


@pytest.mark.parametrize("interrupting", [True, False])
def test_an_event_sub_process_tells_its_listeners(interrupting):
    plant = Plant()
    alarm = told(on("e", MessageTrigger(name="M", correlation_key='"k"'), job("x"),
                    interrupting=interrupting))  # fmt: skip
    key = plant.starts(process(job("a"), alarm, links=flows("start a end")))
    plant.does(PublishMessage(name="M", correlation_key="k"))
    if not interrupting:
        plant.completes("a")
    assert steps(plant, key) == ["before", "do-x", "behind"]
    assert plant.ended(key) is InstanceState.COMPLETED


def test_an_end_event_that_throws_tells_its_end_behind_that():
    plant = Plant()
    loud = told(EndEvent(id="l", trigger=EscalationTrigger(code="H")), BEFORE, BEHIND)
    inner = sub("u", job("b"), links=flows("u.s b u.e"))
    inner = replace(inner, nodes=(inner.nodes[0], inner.nodes[1], loud), flows=flows("u.s b l"))
    model = process(inner, hear("h", "u", interrupting=False), job("c"),
                    links=flows("start u end", "h c end"))  # fmt: skip
    key = plant.starts(model)
    plant.completes("b")
    plant.completes("l/start/1")
    assert plant.open_nodes() == ["c", "l/end/1"]
    plant.completes("c")
    assert steps(plant, key) == ["behind"]
    assert plant.ended(key) is InstanceState.COMPLETED


def test_an_end_event_that_terminates_tells_all_before():
    plant = Plant()
    key = plant.starts(process(told(kill("k")), job("a"), both("f"),
                               links=flows("start f k", "f a end")))  # fmt: skip
    plant.completes("k/start/1")
    plant.completes("k/end/1")
    assert plant.ended(key) is InstanceState.COMPLETED


def test_a_called_process_tells_its_end_before_its_caller_goes_on():
    plant = Plant()
    plant.does(Deploy(process=replace(process(job("a"), links=flows("start a end"), id="q"),
                                      listeners=AROUND)))  # fmt: skip
    key = plant.starts(process(call("c", "q"), job("b"), links=flows("start c b end")))
    for node in ("start/end/1", "a", "q/end/1", "b"):
        plant.completes(node)
    assert plant.ended(key) is InstanceState.COMPLETED


def test_a_process_with_listeners_is_written_read_and_verified():
    model = replace(process(job("a"), links=flows("start a end")), listeners=AROUND)
    read, _ = read_bpmn(write(model))
    assert read.listeners == AROUND
    assert verify(compile_process(model, {}, 1)).sound


def test_a_process_that_several_events_begin_cannot_tell_its_end():
    second = StartEvent(id="s2", trigger=MessageTrigger(name="M"))
    model = process(second, job("a"), links=flows("start a end", "s2 a"))
    with pytest.raises(Invalid, match="one start event"):
        Plant().does(Deploy(process=replace(model, listeners=(BEHIND,))))
    Plant().does(Deploy(process=replace(model, listeners=(BEFORE,))))


def test_an_activity_for_compensation_tells_its_listeners():
    plant = Plant()
    model = process(job("a"), undone_by("u", "a", "z"), told(undoing("z")), undo("t"), job("b"),
                    links=flows("start a t b end"))  # fmt: skip
    key = plant.starts(model)
    plant.completes("a")
    plant.restores()
    assert plant.open_nodes() == ["z/work/start/1"]
    assert steps(plant, key) == ["before", "do-z", "behind", "do-b"]
    assert plant.ended(key) is InstanceState.COMPLETED
    assert verify(compile_process(model, {}, 1)).sound
