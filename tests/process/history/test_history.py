"""What the journal tells of processes: events, queries, and the logs made of them."""

import json

import pytest
from lxml import etree

from fabloop.base.codec import to_json
from fabloop.base.instant import SECOND
from fabloop.process.commands import (
    AssignJob,
    CancelInstance,
    CompleteJob,
    Deploy,
    FailJob,
    ResolveIncident,
)
from fabloop.process.history.event import EventKind, HistoryEvent
from fabloop.process.history.ocel import ocel_of
from fabloop.process.history.query import HistoryQuery, chosen
from fabloop.process.history.record import Recorder, history_of
from fabloop.process.history.xes import NAMESPACE, xes_of
from process.driver import (
    Plant,
    call,
    flows,
    job,
    page,
    person,
    process,
    script,
    sub,
    timer,
)
from process.test_pages import LOT, station

K = EventKind


def told(plant: Plant) -> list[HistoryEvent]:
    return list(history_of(enumerate(plant.rows, start=1)))


def words(plant: Plant) -> list[str]:
    return [f"{e.kind.value} {e.transition or e.node}".strip() for e in told(plant)]


def a_story() -> Plant:
    """A welding that fails once, is done by another robot, and is then judged by a person."""
    plant = Plant()
    plant.starts(
        process(
            script("price", "amount * 2", "cost"),
            job("weld", name="Weld seam"),
            person("judge"),
            links=flows("start price weld judge end"),
        ),
        {"amount": 3, "order": "O-7"},
    )
    [first] = plant.takes("do-weld", worker="robot 1")
    plant.now += 5 * SECOND
    plant.does(FailJob(job=first.key, retries=1, message="no gas", epoch=first.epoch))
    [again] = plant.takes("do-weld", worker="robot 2")
    plant.does(CompleteJob(job=again.key, variables={"seam": 4.5}, epoch=again.epoch))
    plant.does(AssignJob(job=plant.job("judge").key, assignee="inspector"))
    plant.completes("judge", {"good": True})
    return plant


def test_a_story_is_told_in_order_with_who_did_it():
    plant = a_story()
    assert words(plant) == [
        "instance started", "variables set", "passed start", "passed price", "started weld",
        "taken weld", "failed weld", "taken weld", "completed weld", "variables set",
        "started judge", "assigned judge", "completed judge", "variables set",
        "passed end", "instance completed",
    ]  # fmt: skip
    by_kind = {(e.kind, e.node): e for e in told(plant)}
    assert by_kind[K.TAKEN, "weld"].resource == "robot 2"
    assert by_kind[K.COMPLETED, "weld"].resource == "robot 2"
    assert by_kind[K.COMPLETED, "judge"].resource == "inspector"
    assert by_kind[K.FAILED, "weld"].text == "no gas"
    assert by_kind[K.STARTED, "weld"].name == "Weld seam"
    assert by_kind[K.STARTED, "weld"].element == "serviceTask"
    started, failed = by_kind[K.STARTED, "weld"], by_kind[K.FAILED, "weld"]
    assert failed.at - started.at == 5 * SECOND
    assert started.key == failed.key


def test_what_is_cancelled_with_its_scope_is_told_inner_first():
    plant = Plant()
    inner = sub("s", job("deep"), links=flows("s.s deep s.e"))
    late = process(inner, timer("late", "s", "PT1M"), links=flows("start s end", "late end"))
    plant.starts(late)
    plant.passes(61)
    found = [each for each in words(plant) if "cancelled" in each]
    assert found == ["cancelled deep", "cancelled s"]
    assert "passed late" in words(plant)


def test_a_called_instance_is_told_under_its_caller():
    plant = Plant()
    plant.does(Deploy(process=process(job("w"), links=flows("start w end"), id="called")))
    caller = plant.starts(process(call("c", "called"), links=flows("start c end")))
    plant.does(CancelInstance(instance=caller))
    events = told(plant)
    called = [e for e in events if e.process == "called"]
    assert called
    assert {e.root for e in events} == {caller}
    assert [f"{e.kind.value} {e.node}".strip() for e in events[-5:] if "cancelled" in e.kind] == [
        "cancelled w", "instance cancelled", "cancelled c", "instance cancelled",
    ]  # fmt: skip


def test_an_incident_and_its_end_are_told_with_the_reason():
    plant = Plant()
    plant.starts(process(job("w"), links=flows("start w end")))
    plant.does(FailJob(job=plant.job("w").key, retries=0, message="torn"))
    [incident] = plant.engine.incidents()
    plant.does(ResolveIncident(incident=incident.key))
    raised = [e for e in told(plant) if "incident" in e.kind]
    assert [e.kind for e in raised] == [K.INCIDENT_RAISED, K.INCIDENT_CLEARED]
    assert "torn" in raised[0].text


def test_a_page_tells_its_transitions_with_what_they_bound():
    plant = Plant()
    cell = process(page("cell", "n", inputs=LOT), links=flows("start cell end"))
    plant.starts(cell, {"lot": "L1"}, (station("n").document(),))
    plant.completes("cell", {"seam": 3})
    fired = [e for e in told(plant) if e.transition]
    assert [(e.kind, e.node, e.transition) for e in fired] == [
        (K.STARTED, "cell", "work"), (K.COMPLETED, "cell", "work"),
    ]  # fmt: skip
    assert fired[0].variables == {"o": {"lot": "L1"}, "r": {"id": "R1"}}


def test_taking_row_by_row_tells_the_same_as_all_at_once():
    plant = a_story()
    recorder, found = Recorder(), []
    for seq, row in enumerate(plant.rows, start=1):
        found += recorder.take(seq, row)
    assert found == told(plant)
    assert recorder.state == plant.engine.state


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        (HistoryQuery(node="weld", kinds=(K.TAKEN,)), 2),
        (HistoryQuery(resource="robot 1"), 2),
        (HistoryQuery(process="other"), 0),
        (HistoryQuery(since=1_005 * SECOND, kinds=(K.STARTED,)), 1),
        (HistoryQuery(until=1_005 * SECOND, kinds=(K.STARTED,)), 1),
    ],
)
def test_a_query_picks_its_events(query, wanted):
    assert len(list(chosen(told(a_story()), query))) == wanted


def test_xes_has_a_trace_with_the_life_of_each_job():
    log = etree.fromstring(xes_of(told(a_story())))
    space = {"x": NAMESPACE}
    assert len(log.findall("x:trace", space)) == 1
    value = "string(x:string[@key='{}']/@value)"
    life = [
        (event.xpath(value.format("concept:name"), namespaces=space),
         event.xpath(value.format("lifecycle:transition"), namespaces=space),
         event.xpath(value.format("org:resource"), namespaces=space))
        for event in log.iterfind("x:trace/x:event", space)
    ]  # fmt: skip
    assert [each for each in life if each[0] == "Weld seam"] == [
        ("Weld seam", "schedule", "test"), ("Weld seam", "start", "robot 1"),
        ("Weld seam", "ate_abort", "robot 1"), ("Weld seam", "start", "robot 2"),
        ("Weld seam", "complete", "robot 2"),
    ]  # fmt: skip
    [float_value] = log.xpath("//x:trace/x:float[@key='variable:seam']/@value", namespaces=space)
    assert float_value == "4.5"


def test_ocel_relates_events_to_instance_resource_and_named_objects():
    log = json.loads(to_json(ocel_of(told(a_story()), {"order": "Order"})))
    assert set(log) == {"objectTypes", "eventTypes", "objects", "events"}
    assert {each["name"] for each in log["objectTypes"]} == {"p", "Order", "resource"}
    objects = {each["id"]: each for each in log["objects"]}
    assert objects["Order:O-7"]["type"] == "Order"
    for event in log["events"]:
        ids = {each["objectId"] for each in event["relationships"]}
        assert "Order:O-7" in ids
        assert ids <= set(objects)
        assert event["type"] in {each["name"] for each in log["eventTypes"]}
    [instance] = [each for each in log["objects"] if each["type"] == "p"]
    named = {each["name"]: each["value"] for each in instance["attributes"]}
    assert named["cost"] == 6
    declared = next(each for each in log["objectTypes"] if each["name"] == "p")["attributes"]
    assert {each["name"]: each["type"] for each in declared}["seam"] == "float"


def test_an_empty_journal_gives_empty_logs():
    assert list(history_of([])) == []
    assert len(etree.fromstring(xes_of([])).findall(f"{{{NAMESPACE}}}trace")) == 0
    assert ocel_of([]).events == ()


def test_text_that_xml_cannot_carry_is_replaced():
    plant = Plant()
    plant.starts(process(links=flows("start end")), {"odd": "a\x00b"})
    assert "a\ufffdb".encode() in xes_of(told(plant))
