"""Documents that nobody should send: every one is read or refused with reasons, never worse."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.base.xml import XML_ELEMENTS_MAX
from fabloop.process.bpmn.read import read_processes
from fabloop.process.bpmn.validate import DEPTH_MAX, NODES_MAX
from fabloop.process.bpmn.write import write
from fabloop.process.deployment import Deployment, definition_of
from process.bpmn.mutations import OPERATIONS, mutated
from process.test_read import EVERYTHING

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
JAVA = f"""<definitions xmlns="{BPMN}" xmlns:c="http://camunda.org/schema/1.0/bpmn">
  <message id="m" name="${{n}}"/><signal id="sg" name="s-${{n}}"/><error id="er" errorCode="E"/>
  <interface id="i"><operation id="op" name="weld"/></interface>
  <collaboration id="col"><participant id="pool" processRef="p"/></collaboration>
  <process id="p" isExecutable="true" c:versionTag="v"><laneSet id="ls"><lane id="l">
    <flowNodeRef>a</flowNodeRef></lane></laneSet>
  <startEvent id="s" c:initiator="i"/><sequenceFlow sourceRef="s" targetRef="a"/>
  <serviceTask id="a" c:class="A"><extensionElements><c:field name="f"><c:string>x</c:string>
    </c:field><c:inputOutput><c:inputParameter name="x"><c:list><c:value>${{y}}</c:value></c:list>
    </c:inputParameter><c:outputParameter name="o"><c:map><c:entry key="k">1</c:entry></c:map>
    </c:outputParameter></c:inputOutput><c:failedJobRetryTimeCycle>R3/PT1M
    </c:failedJobRetryTimeCycle></extensionElements></serviceTask>
  <boundaryEvent id="b" attachedToRef="a"><errorEventDefinition errorRef="er"
    c:errorCodeVariable="ec"/></boundaryEvent><sequenceFlow id="bf" sourceRef="b" targetRef="e"/>
  <sequenceFlow id="f1" sourceRef="a" targetRef="g"/><exclusiveGateway id="g" default="f3"/>
  <sequenceFlow id="f2" sourceRef="g" targetRef="u"><conditionExpression>${{x &gt; 1 and not y}}
    </conditionExpression></sequenceFlow><sequenceFlow id="f3" sourceRef="g" targetRef="sub"/>
  <userTask id="u" c:assignee="${{who}}" c:candidateGroups="a,${{b}}"><extensionElements>
    <c:taskListener event="create" class="L"/></extensionElements>
    <multiInstanceLoopCharacteristics c:collection="parts" c:elementVariable="part">
    <completionCondition>${{nrOfInstances == 2}}</completionCondition>
    </multiInstanceLoopCharacteristics></userTask>
  <sequenceFlow id="f4" sourceRef="u" targetRef="e"/>
  <subProcess id="sub"><scriptTask id="sc" scriptFormat="juel" c:resultVariable="z">
    <script>${{1 + 2}}</script></scriptTask><sequenceFlow id="sf" sourceRef="sc" targetRef="ca"/>
    <callActivity id="ca" calledElement="${{q}}"><extensionElements><c:in source="a" target="b"/>
    <c:out variables="all"/></extensionElements></callActivity></subProcess>
  <boundaryEvent id="tb" attachedToRef="sub"><timerEventDefinition><timeDuration>PT${{n}}S
    </timeDuration></timerEventDefinition></boundaryEvent><sequenceFlow id="f6" sourceRef="tb"
    targetRef="e"/><sequenceFlow id="f5" sourceRef="sub" targetRef="t"/>
  <intermediateThrowEvent id="t"><messageEventDefinition messageRef="m" c:topic="x"
    c:type="external"/></intermediateThrowEvent><sequenceFlow id="f7" sourceRef="t" targetRef="e"/>
  <endEvent id="e"/></process></definitions>""".encode()
NATIVE = write(EVERYTHING)

CHANGES = st.lists(
    st.tuples(
        st.sampled_from(OPERATIONS), st.integers(0, 999), st.integers(0, 999), st.integers(0, 99)
    ),
    min_size=1,
    max_size=6,
)


def outcome(data: bytes) -> list[str]:
    """Return the reasons against a document, none if every process of it compiles."""
    try:
        processes, lines = read_processes(data)
        for process in processes:
            definition_of(Deployment(process, ()), 0, lines)
    except Invalid as error:
        return [fault.sentence() for fault in error.faults]
    return []


@settings(deadline=None)
@given(st.sampled_from([NATIVE, JAVA]), CHANGES)
def test_a_document_changed_anywhere_compiles_or_is_refused_with_reasons(data, changes):
    assert all(outcome(mutated(data, changes)))


@settings(deadline=None)
@given(st.sampled_from([NATIVE, JAVA]), st.integers(0, 5000), st.binary(max_size=8))
def test_a_document_with_bytes_overwritten_compiles_or_is_refused(data, place, noise):
    at = place % len(data)
    assert all(outcome(data[:at] + noise + data[at + len(noise) :]))


def process(content: str) -> bytes:
    head = f'<definitions xmlns="{BPMN}"><process id="p" isExecutable="true">'
    return f"{head}{content}</process></definitions>".encode()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("<task id='t'/>" * XML_ELEMENTS_MAX, "elements, but found more"),
        ("".join(f"<task id='t{n}'/>" for n in range(NODES_MAX + 1)), f"at most {NODES_MAX} nodes"),
        (
            "".join(f"<subProcess id='s{n}'>" for n in range(DEPTH_MAX))
            + "<task id='t'/>" + "</subProcess>" * DEPTH_MAX,
            f"at most {DEPTH_MAX} nested sub-processes",
        ),
        ("<task id='t'/><task id='t'/>", "2 with this id"),
        ("<task id='p'/>", "2 with this id"),
        ("<task/>", "an id, but found none"),
        (f"<task id='t' name='{'x' * 1_000_000}'/>", "characters in name"),
        (("<boundaryEvent id='b' attachedToRef='b'><timerEventDefinition><timeDuration>PT1S"
         "</timeDuration></timerEventDefinition></boundaryEvent>"), "an event attached to"),
        ("<sequenceFlow id='f' sourceRef='f' targetRef='f'/>", "a source in the same scope"),
    ],
    ids=["all", "nodes", "nesting", "twice", "like-process", "no-id", "text", "itself", "flow"],
)  # fmt: skip
def test_what_is_too_much_or_refers_to_itself_is_refused(content, reason):
    found = outcome(process(content))
    assert any(reason in each for each in found), [each[:200] for each in found[:5]]
    assert all(len(each) < 2_000 for each in found)
