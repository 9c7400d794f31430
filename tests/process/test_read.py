"""BPMN XML in: round trips, what is refused and where, and hostile documents."""

import pytest

from fabloop.base.errors import Invalid
from fabloop.base.xml import XML_BYTES_MAX, XML_DEPTH_MAX
from fabloop.process.bpmn.model import (
    BpmnProcess,
    CatchEvent,
    EndEvent,
    JobWork,
    Lane,
    Mapping,
    SequenceFlow,
    ServiceTask,
)
from fabloop.process.bpmn.read import read_bpmn
from fabloop.process.bpmn.triggers import ErrorTrigger, EscalationTrigger, TimerTrigger
from fabloop.process.bpmn.write import write
from fabloop.process.commands import Deploy
from process.driver import (
    Plant,
    both,
    call,
    error,
    first,
    flows,
    hear,
    kill,
    message,
    page,
    person,
    process,
    script,
    some,
    sub,
    tell,
    timer,
    wait,
    xor,
)

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:fabloop="urn:fabloop:bpmn:1"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
"""


def document(content: str, *beside: str) -> bytes:
    inside = f'<bpmn:process id="p" isExecutable="true">{content}\n</bpmn:process>'
    return (HEAD + inside + "\n".join(beside) + "</bpmn:definitions>").encode()


def refusal(data: bytes) -> list[str]:
    with pytest.raises(Invalid) as refused:
        read_bpmn(data)
    return [fault.sentence() for fault in refused.value.faults]


EVERYTHING = BpmnProcess(
    id="all",
    name="Everything & more",
    version_tag="v7",
    nodes=(
        *process(
            script("s", 'x + "é<"', "y", inputs=(Mapping(source="a.b", target="x"),)),
            xor("g", default="g-j"),
            ServiceTask(
                id="w",
                name="Weld",
                work=JobWork(type="weld", retries=5, headers={"tool": "gun", "n": "1"}),
                inputs=(Mapping(source="order", target="o"),),
                outputs=(Mapping(source="r + 1", target="result.value"),),
            ),
            page("pg", "net-1"),
            person("u", assignee="op-1", candidate_groups=("night", "day")),
            person("u2", assignee="=boss", candidate_groups=("=groups",)),
            both("f"),
            both("j"),
            message("m", "arrived", "order.id", outputs=(Mapping(source="m", target="n"),)),
            wait("pause", "PT5M"),
            CatchEvent(id="until", trigger=TimerTrigger(date="2030-01-01T00:00:00Z")),
            timer("t", "u", "deadline", interrupting=False),
            error("e1", "w", "BURNT", outputs=(Mapping(source="1", target="z"),)),
            error("e2", "w"),
            sub("box", wait("in", "PT1S"), links=flows("box.s in box.e")),
            EndEvent(id="bad", trigger=ErrorTrigger(code="BAD")),
            kill("stop"),
            tell("late-again", "LATE"),
            hear(
                "h1", "box", "LATE", interrupting=False, outputs=(Mapping(source="1", target="l"),)
            ),
            hear("h2", "box"),
            EndEvent(id="loud", trigger=EscalationTrigger(code="LOUD")),
            call(
                "sub",
                "other",
                inputs=(Mapping(source="1", target="a"),),
                outputs=(Mapping(source="a", target="b"),),
            ),
            call("tagged", "=which", version_tag="v2", hands_in=False, hands_back=False),
            some("or", default="or-race"),
            some("ro"),
            first("race"),
            message("heard", "arrived", "order.id"),
            wait("late", "PT9S"),
            links=(),
        ).nodes,
    ),
    flows=flows(
        "start s g",
        "g w: y > 1",
        "g j",
        "w pg u u2 f m j",
        "f pause until j",
        "j box end",
        "t bad",
        "e1 bad",
        "e2 bad",
        "t stop",
        "h1 late-again loud",
        "h2 bad",
        "e2 sub tagged or race heard ro stop",
        "or ro: a = b",
        "race late stop",
    ),
    lanes=(Lane(id="lane-1", name="Cell", nodes=("w", "pg")), Lane(id="lane-2", name="", nodes=())),
)


def test_what_is_written_is_read_back():
    once, lines = read_bpmn(write(EVERYTHING))
    assert once.diagram.shapes.keys() >= {"w", "box", "e1"}
    again, _ = read_bpmn(write(once))
    assert again == once
    plain = BpmnProcess(**{f: getattr(once, f) for f in once.__struct_fields__ if f != "diagram"})
    assert plain == EVERYTHING
    assert lines["w"] > 1


def test_a_document_from_xml_runs():
    plant = Plant()
    content = """
      <bpmn:startEvent id="start"/>
      <bpmn:serviceTask id="weld"><bpmn:extensionElements>
        <zeebe:taskDefinition type="weld"/>
        <zeebe:ioMapping><zeebe:input source="plain text" target="note"/>
          <zeebe:input source="= n * 2" target="m"/></zeebe:ioMapping>
      </bpmn:extensionElements></bpmn:serviceTask>
      <bpmn:endEvent id="end"/>
      <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="weld"/>
      <bpmn:sequenceFlow id="f2" sourceRef="weld" targetRef="end"/>"""
    plant.starts(read_bpmn(document(content))[0], {"n": 4})
    assert plant.job("weld").variables == {"n": 4, "note": "plain text", "m": 8}


def test_everything_that_is_not_carried_out_is_named_with_id_and_line():
    content = """<bpmn:startEvent id="s1"><bpmn:terminateEventDefinition/></bpmn:startEvent>
<bpmn:complexGateway id="or"/>
<bpmn:serviceTask id="bare"/>
<bpmn:subProcess id="evt" triggeredByEvent="true"><bpmn:complexGateway id="deep"/></bpmn:subProcess>
<bpmn:endEvent id="kill"><bpmn:signalEventDefinition/></bpmn:endEvent>
<bpmn:boundaryEvent id="two" attachedToRef="bare"><bpmn:signalEventDefinition/>
<bpmn:timerEventDefinition/></bpmn:boundaryEvent>
<bpmn:userTask id="u"><bpmn:extensionElements><zeebe:linkedResources/></bpmn:extensionElements>
</bpmn:userTask>
<bpmn:receiveTask id="r" instantiate="true"/>"""
    found = refusal(document(content))
    for place in ("'s1', line 5", "'or', line 6", "'bare', line 7", "'deep', line 8",
                  "'kill', line 9", "'two', line 10", "'u', line 12", "'r', line 14"):  # fmt: skip
        assert any(place in each for each in found), place
    assert len(found) == 9


def test_structural_faults_of_xml_carry_their_line():
    plant = Plant()
    content = """<bpmn:startEvent id="start"/>
<bpmn:userTask id="u"/>
<bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="nowhere"/>"""
    with pytest.raises(Invalid) as refused:
        plant.does(Deploy(process=document(content)))
    paths = [fault.path for fault in refused.value.faults]
    assert paths == ["element 'f1', line 7", "element 'u', line 6"]


def test_faulty_expressions_carry_their_line_all_at_once():
    plant = Plant()
    content = """<bpmn:startEvent id="start"/><bpmn:exclusiveGateway id="g" default="f3"/>
<bpmn:endEvent id="end"/>
<bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="g"/>
<bpmn:sequenceFlow id="f2" sourceRef="g" targetRef="end">
  <bpmn:conditionExpression>=x &gt; (</bpmn:conditionExpression></bpmn:sequenceFlow>
<bpmn:sequenceFlow id="f4" sourceRef="g" targetRef="end">
  <bpmn:conditionExpression>= ) </bpmn:conditionExpression></bpmn:sequenceFlow>
<bpmn:sequenceFlow id="f3" sourceRef="g" targetRef="end"/>"""
    with pytest.raises(Invalid) as refused:
        plant.does(Deploy(process=document(content)))
    paths = [fault.path for fault in refused.value.faults]
    assert paths == ["element 'f2', line 8", "element 'f4', line 10"]


@pytest.mark.parametrize(
    "hostile",
    [
        b'<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><d>&b;</d>',
        b'<!DOCTYPE d SYSTEM "http://127.0.0.1:9/x.dtd"><d/>',
        b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d>&x;</d>',
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE d [<!ENTITY a "b">]><d>&a;</d>'.encode(
            "utf-16"
        ),
        b"<a>" * (XML_DEPTH_MAX + 1) + b"</a>" * (XML_DEPTH_MAX + 1),
        b"<a>" * 100_000,
        b"<a/>" + b" " * XML_BYTES_MAX,
        b"",
        b"\x00\xff\xfe",
        b"<html/>",
        b"not xml",
    ],
)
def test_hostile_documents_are_refused_and_nothing_is_expanded_or_fetched(hostile):
    found = refusal(hostile)
    assert len(found) == 1
    assert "root:" not in found[0]
    assert "DTD" not in found[0] or "element '!DOCTYPE', line 1" in found[0]


def test_external_entities_in_attributes_of_a_process_do_not_resolve():
    data = document('<bpmn:startEvent id="s" name="&x;"/>')
    assert any("well-formed" in each for each in refusal(data))


def test_of_several_processes_exactly_one_may_be_executable():
    two = '<bpmn:process id="q" isExecutable="true"/>'
    assert "exactly one executable process" in refusal(document("", two))[0]
    other = '<bpmn:process id="q" isExecutable="false"/>'
    assert read_bpmn(document("", other))[0].id == "p"


def test_vendor_decorations_and_drawings_are_passed_over():
    content = """<bpmn:documentation>text</bpmn:documentation>
      <bpmn:extensionElements><zeebe:properties/><other xmlns="urn:x"/></bpmn:extensionElements>
      <bpmn:textAnnotation id="note"><bpmn:text>hi</bpmn:text></bpmn:textAnnotation>
      <bpmn:startEvent id="s"><bpmn:outgoing>f</bpmn:outgoing></bpmn:startEvent>"""
    read, _ = read_bpmn(document(content))
    assert [node.id for node in read.nodes] == ["s"]


def test_flows_keep_their_conditions_without_the_mark():
    content = """<bpmn:sequenceFlow id="f" name="n" sourceRef="a" targetRef="b">
      <bpmn:conditionExpression>= x &gt; 1</bpmn:conditionExpression></bpmn:sequenceFlow>"""
    read, _ = read_bpmn(document(content))
    assert read.flows == (
        SequenceFlow(id="f", name="n", source="a", target="b", condition="x > 1"),
    )
