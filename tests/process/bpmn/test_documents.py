"""Whole BPMN documents: several processes, what is executable, encodings, what is left out."""

import pytest

from fabloop.base.errors import Invalid
from fabloop.process.bpmn.read import read_bpmn, read_processes
from fabloop.process.commands import Deploy, InstanceState, StartInstance
from fabloop.process.definition import DefinitionKey
from process.driver import Plant

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"


def process(name: str, executable: str = "", content: str = '<startEvent id="{}-s"/>') -> str:
    mark = f' isExecutable="{executable}"' if executable else ""
    return f'<process id="{name}"{mark}>{content.format(name)}</process>'


def document(*parts: str) -> bytes:
    return f'<definitions xmlns="{BPMN}">{"".join(parts)}</definitions>'.encode()


def names(*parts: str) -> list[str]:
    return [each.id for each in read_processes(document(*parts))[0]]


def refusals(data: bytes) -> list[str]:
    with pytest.raises(Invalid) as refused:
        read_processes(data)
    return [fault.sentence() for fault in refused.value.faults]


# -- several processes ---------------------------------------------------------------------------


def test_the_marked_processes_are_executable_else_the_unmarked_else_all_with_content():
    assert names(process("a", "true"), process("b"), process("c", "1")) == ["a", "c"]
    assert names(process("a", "false"), process("b"), process("c")) == ["b", "c"]
    assert names(process("a", "false"), process("pool", content=""), process("c", "0")) == [
        "a",
        "c",
    ]
    assert "a process with content" in refusals(document(process("pool", content="")))[0]
    assert "choreography" in refusals(document('<choreography id="c"/>'))[0]


def test_all_processes_of_a_document_are_deployed_at_once():
    plant = Plant()
    data = document(process("a", "true"), process("b", "true"))
    reply = plant.does(Deploy(process=data))
    found = [(reply.key, reply.known), *((each.key, each.known) for each in reply.others)]
    assert found == [(DefinitionKey("a", 1), False), (DefinitionKey("b", 1), False)]
    changed = document(process("a", "true"), process("b", "true", '<startEvent id="{}-t"/>'))
    reply = plant.does(Deploy(process=changed))
    assert (reply.key.version, reply.known) == (1, True)
    assert [(each.key.version, each.known) for each in reply.others] == [(2, False)]
    instance = plant.does(StartInstance(process="b")).instance
    assert plant.ended(instance) is InstanceState.COMPLETED


def test_one_faulty_process_keeps_all_of_a_document_out():
    plant = Plant()
    faulty = process("b", "true", '<startEvent id="{}-s"/><endEvent id="lost"/>')
    with pytest.raises(Invalid, match="lost"):
        plant.does(Deploy(process=document(process("a", "true"), faulty)))
    assert plant.engine.state.versions == {}


def test_faults_of_all_processes_come_together():
    content = '<complexGateway id="{}-g"/>'
    found = refusals(document(process("a", "true", content), process("b", "true", content)))
    assert len(found) == 2


def test_two_processes_of_one_id_are_refused():
    found = refusals(document(process("a", "true"), process("a", "true", '<task id="t"/>')))
    assert "2 with 'a'" in found[0]


def test_each_process_has_the_part_of_the_diagram_that_is_its_own():
    di = """<d:BPMNDiagram xmlns:d="http://www.omg.org/spec/BPMN/20100524/DI"
      xmlns:c="http://www.omg.org/spec/DD/20100524/DC"><d:BPMNPlane>
      <d:BPMNShape bpmnElement="a-s"><c:Bounds x="1" y="2" width="3" height="4"/></d:BPMNShape>
      <d:BPMNShape bpmnElement="b-s"><c:Bounds x="5" y="2" width="3" height="4"/></d:BPMNShape>
      </d:BPMNPlane></d:BPMNDiagram>"""
    both, _ = read_processes(document(process("a", "true"), process("b", "true"), di))
    assert [list(each.diagram.shapes) for each in both] == [["a-s"], ["b-s"]]


# -- what the standard leaves out ----------------------------------------------------------------


def test_flows_without_an_id_get_one_from_their_ends():
    flow = '<sequenceFlow sourceRef="a" targetRef="b"/>'
    read, _ = read_bpmn(document(process("p", content=flow * 2 + flow.replace('"b"', '"c"'))))
    assert [each.id for each in read.flows] == ["a-to-b", "a-to-b-2", "a-to-c"]


def test_a_scope_without_a_start_event_begins_with_what_no_flow_leads_to():
    content = """<task id="a"/><task id="b"/><sequenceFlow id="f" sourceRef="a" targetRef="b"/>
      <task id="undo" isForCompensation="true"/>
      <subProcess id="sub"><userTask id="in"/></subProcess>
      <intermediateCatchEvent id="link"><linkEventDefinition name="l"/></intermediateCatchEvent>"""
    read, _ = read_bpmn(document(process("p", content=content)))
    begun = [(each.source, each.target) for each in read.flows if each.source == "start-of-p"]
    assert begun == [("start-of-p", "a"), ("start-of-p", "sub")]
    inner = next(node for node in read.nodes if node.id == "sub")
    assert [each.target for each in inner.flows] == ["in"]


# -- forms of XML --------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_every_usual_encoding_is_read(encoding):
    said = encoding.removesuffix("-sig")
    text = f'<?xml version="1.0" encoding="{said}"?>' + document(
        '<process id="p" name="Schweißen"><startEvent id="s"/></process>'
    ).decode("utf-8")
    assert read_bpmn(text.encode(encoding))[0].name == "Schweißen"


@pytest.mark.parametrize("prefix", ["", "bpmn:", "semantic:"])
def test_any_prefix_comments_and_foreign_elements_make_no_difference(prefix):
    declared = f"xmlns:{prefix[:-1]}" if prefix else "xmlns"
    text = f"""<{prefix}definitions {declared}="{BPMN}" xmlns:v="urn:vendor" v:made="by"><?pi x?>
      <!-- note --><{prefix}import importType="x" location="y" namespace="z"/>
      <{prefix}itemDefinition id="i"/><{prefix}interface id="if" name="n"/>
      <{prefix}dataStore id="d"/><{prefix}category id="c"/><v:other/>
      <{prefix}collaboration id="k"><{prefix}participant id="q" processRef="p"/>
      </{prefix}collaboration><{prefix}process id="p" v:colour="red"><!-- inside -->
      <{prefix}property id="pr"/><{prefix}ioSpecification id="io"/><v:thing/>
      <{prefix}startEvent id="s" v:x="1"><{prefix}extensionElements><v:y/>
      </{prefix}extensionElements>
      </{prefix}startEvent></{prefix}process></{prefix}definitions>"""
    assert [node.id for node in read_bpmn(text.encode())[0].nodes] == ["s"]
