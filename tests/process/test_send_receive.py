"""Messages that instances send to each other; receive tasks; links."""

import pytest

from fabloop.base.errors import Invalid
from fabloop.base.instant import SECOND
from fabloop.process.bpmn.model import (
    BpmnProcess,
    CatchEvent,
    EndEvent,
    JobWork,
    Mapping,
    ReceiveTask,
    SendTask,
    StartEvent,
    ThrowEvent,
)
from fabloop.process.bpmn.read import read_bpmn
from fabloop.process.bpmn.triggers import LinkTrigger, MessageTrigger
from fabloop.process.bpmn.write import write
from fabloop.process.commands import Deploy, InstanceState, PublishMessage, StartInstance
from process.driver import (
    Plant,
    both,
    first,
    flows,
    job,
    message,
    process,
    script,
    some,
    timer,
    undo,
    undoing,
    undone_by,
    wait,
    xor,
)


@pytest.fixture
def plant():
    return Plant()


def receive(id: str, name: str = "M", key: str = '"k"', **more: object) -> ReceiveTask:  # noqa: A002
    return ReceiveTask(id=id, message=MessageTrigger(name=name, correlation_key=key), **more)


def send(id: str, name: str = "M", key: str = '"k"', **more: object) -> SendTask:  # noqa: A002
    return SendTask(id=id, message=MessageTrigger(name=name, correlation_key=key), **more)


def jump(id: str, name: str) -> ThrowEvent:  # noqa: A002
    return ThrowEvent(id=id, trigger=LinkTrigger(name=name))


def link(id: str, name: str) -> CatchEvent:  # noqa: A002
    return CatchEvent(id=id, trigger=LinkTrigger(name=name))


HEARS = process(receive("r"), job("a"), links=flows("start r a end"), id="hears")


def test_a_receive_task_waits_for_its_message_and_maps_what_it_brings(plant):
    r = receive("r", key="lot", inputs=(Mapping(source='"L" + id', target="lot"),),
                outputs=(Mapping(source="n + 1", target="m"),))  # fmt: skip
    key = plant.starts(process(r, links=flows("start r end")), {"id": "7"})
    assert plant.engine.instance(key).frames[0].acts[0].waits[0].correlation == "L7"
    plant.does(PublishMessage(name="M", correlation_key="L7", variables={"n": 1}))
    assert plant.result(key) == {"id": "7", "m": 2}


def test_a_receive_task_has_boundary_events_and_stands_behind_gateways(plant):
    p = process(receive("r"), timer("late", "r", "PT5S"), job("b"),
                links=flows("start r end", "late b end"))  # fmt: skip
    plant.starts(p)
    plant.passes(5)
    assert plant.open_nodes() == ["b"]
    raced = process(first("g"), receive("r"), wait("w", "PT5S"), job("a"), job("c"), id="raced",
                    links=flows("start g r a end", "g w c end"))  # fmt: skip
    plant.starts(raced)
    plant.does(PublishMessage(name="M", correlation_key="k"))
    assert plant.open_nodes() == ["a", "b"]


def test_a_message_that_is_sent_arrives_before_the_sender_goes_on(plant):
    other = plant.starts(HEARS)
    before = len(plant.rows)
    sends = process(send("s", inputs=(Mapping(source="n", target="m"),)), job("after"),
                    links=flows("start s after end"), id="sends")  # fmt: skip
    sender = plant.starts(sends, {"n": 4})
    assert plant.engine.instance(other).variables == {"m": 4}
    assert plant.open_nodes() == ["a", "after"]
    streams = [row.stream for row in plant.rows[before + 1 :]]
    assert streams == [f"instance/{key}" for key in (sender, other, sender)]


def test_a_message_that_is_sent_is_lost_or_kept_as_its_event_says(plant):
    for number, life in enumerate(("", "PT10S", '"PT1" + "0S"')):
        trigger = MessageTrigger(name="M", correlation_key='"k"', time_to_live=life)
        throws = ThrowEvent(id="t", trigger=trigger)
        plant.starts(process(throws, links=flows("start t end"), id=f"sends{number}"))
        assert len(plant.engine.state.messages) == number
    plant.does(Deploy(process=HEARS))
    keys = [plant.does(StartInstance(process="hears")).instance for _ in range(3)]
    assert [plant.at_nodes(key) for key in keys] == [["a"], ["a"], ["r"]]


def test_a_message_may_be_sent_by_a_job(plant):
    events = (
        ThrowEvent(id="t", trigger=MessageTrigger(name="M"), work=JobWork(type="mail")),
        SendTask(id="s", work=JobWork(type="mail")),
    )
    end = EndEvent(id="e", trigger=MessageTrigger(name="M"), work=JobWork(type="mail"))
    p = BpmnProcess(id="p", nodes=(StartEvent(id="start"), *events, end),
                    flows=flows("start t s e"))  # fmt: skip
    key = plant.starts(p)
    for node in ("t", "s", "e"):
        assert plant.open_nodes() == [node]
        plant.completes(node, {node: True})
    assert plant.result(key) == {"t": True, "s": True, "e": True}


def test_an_instance_may_send_a_message_to_itself(plant):
    p = process(both("f"), receive("r"), send("s"), both("j"),
                links=flows("start f r j end", "f s j"))  # fmt: skip
    assert plant.ended(plant.starts(p)) is InstanceState.COMPLETED


def test_a_sent_message_is_undone_by_its_handler(plant):
    p = process(send("s"), undone_by("c", "s", "-s"), undoing("-s"), undo("u"),
                links=flows("start s u end"))  # fmt: skip
    key = plant.starts(p)
    assert plant.open_nodes() == ["-s"]
    plant.completes("-s")
    assert plant.ended(key) is InstanceState.COMPLETED


@pytest.mark.parametrize(("name", "kind"), [('="" + who', "name"), ("M", "correlation")])
def test_a_message_without_a_name_or_key_is_an_incident(plant, name, kind):
    key = plant.starts(process(send("s", name, "missing"), links=flows("start s end")))
    assert [each.kind for each in plant.engine.incidents(key)] == [kind]


def test_a_time_to_live_comes_back_from_xml():
    trigger = MessageTrigger(name="=who", correlation_key="lot", time_to_live="PT1H")
    p = process(ThrowEvent(id="t", trigger=trigger), SendTask(id="s", message=trigger),
                links=flows("start t s end"))  # fmt: skip
    read, _ = read_bpmn(write(p))
    assert read.nodes == p.nodes


# -- links --------------------------------------------------------------------------------------


def test_a_token_goes_on_at_the_link_of_the_same_name(plant):
    p = process(xor("x", default="x-one"), jump("one", "A"), jump("two", "B"), link("a", "A"),
                link("b", "B"), script("s", '"a"', "way"), script("t", '"b"', "way"), xor("m"),
                links=flows("start x", "x one", "x two: n > 1", "a s m end", "b t m"))  # fmt: skip
    assert plant.result(plant.starts(p, {"n": 1}))["way"] == "a"
    assert plant.result(plant.does(StartInstance(process="p", variables={"n": 2})).instance)[
        "way"] == "b"  # fmt: skip


def test_an_inclusive_join_waits_for_what_comes_by_a_link(plant):
    p = process(some("f", default="f-a"), job("a"), job("b"), jump("j1", "A"), link("l", "A"),
                some("m"), job("after"),
                links=flows("start f", "f a m", "f b j1: n > 0", "l m after end"))  # fmt: skip
    p = BpmnProcess(id="p", nodes=p.nodes, flows=tuple(
        type(each)(id=each.id, source=each.source, target=each.target, condition="n > 1")
        if each.id == "f-a" else each for each in p.flows))  # fmt: skip
    p = BpmnProcess(id="p", nodes=tuple(some("f") if n.id == "f" else n for n in p.nodes),
                    flows=p.flows)  # fmt: skip
    plant.starts(p, {"n": 2})
    plant.completes("a")
    assert plant.open_nodes() == ["b"], "the join still waits"
    plant.completes("b")
    assert plant.open_nodes() == ["after"]


@pytest.mark.parametrize(
    ("nodes", "links", "words"),
    [
        ((jump("j", "A"),), ("start j", "start end"), "a link to go on at"),
        ((link("l", "A"),), ("start end", "l end"), "a link that leads here"),
        ((jump("j", "A"), link("l", "A"), link("l2", "A")), ("start j", "l end", "l2 end"),
         "one link of a name"),
        ((jump("j", "A"), link("l", "A")), ("start j end", "l end"), "no flow out of a link"),
        ((jump("j", "A"), link("l", "A")), ("start j", "start l end"), "no flow into"),
    ],
)  # fmt: skip
def test_links_without_a_counterpart_are_refused(plant, nodes, links, words):
    with pytest.raises(Invalid, match=words):
        plant.starts(process(*nodes, links=flows(*links)))


def test_a_kept_message_lives_as_long_as_it_says(plant):
    plant.does(PublishMessage(name="M", correlation_key="k", time_to_live_ns=SECOND))
    plant.passes(1)
    assert plant.at_nodes(plant.starts(HEARS)) == ["r"]


def test_two_pools_talk_to_each_other(plant):
    """An order starts a supplier, whose answer the buyer waits for."""
    on = StartEvent(id="on", trigger=MessageTrigger(name="order"))
    supplier = BpmnProcess(
        id="supplier", flows=flows("on make answer"),
        nodes=(on, job("make"), EndEvent(
            id="answer", trigger=MessageTrigger(name="done", correlation_key="order"))),
    )  # fmt: skip
    plant.does(Deploy(process=supplier))
    buyer = process(send("ask", "order", "order"), message("wait", "done", "order"),
                    links=flows("start ask wait end"), id="buyer")  # fmt: skip
    key = plant.starts(buyer, {"order": "O1"})
    plant.completes("make", {"price": 7})
    assert plant.result(key) == {"order": "O1", "price": 7}
    assert plant.engine.instances() == ()
