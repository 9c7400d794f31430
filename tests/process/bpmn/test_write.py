import bpmn_io
import msgspec
import pytest
from bpmn_io.lint import Linter
from bpmn_io.lint.resolver import NodeResolver
from lxml import etree

from fabloop.base.errors import Invalid
from fabloop.process.bpmn.layout import layout
from fabloop.process.bpmn.model import (
    BoundaryEvent,
    BpmnProcess,
    CallActivity,
    CatchEvent,
    EndEvent,
    EventBasedGateway,
    ExclusiveGateway,
    InclusiveGateway,
    JobWork,
    Lane,
    Mapping,
    PageWork,
    ParallelGateway,
    ScriptTask,
    SequenceFlow,
    ServiceTask,
    StartEvent,
    SubProcess,
    ThrowEvent,
    UserTask,
)
from fabloop.process.bpmn.read import read_bpmn
from fabloop.process.bpmn.triggers import (
    ErrorTrigger,
    EscalationTrigger,
    MessageTrigger,
    TerminateTrigger,
    TimerTrigger,
)
from fabloop.process.bpmn.write import write

NS = {
    "b": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "z": "http://camunda.org/schema/zeebe/1.0",
    "f": "urn:fabloop:bpmn:1",
    "di": "http://www.omg.org/spec/BPMN/20100524/DI",
}


def flow(source, target, condition="", name=""):
    return SequenceFlow(
        id=f"flow-{source}-{target}", source=source, target=target, condition=condition, name=name
    )


def everything():
    """Return a process with every element of the model, laid out."""
    inner = SubProcess(
        id="sub",
        name="Rework",
        nodes=(StartEvent(id="sub-start", name="Begin"), CatchEvent(
            id="heard", name="Part ready",
            trigger=MessageTrigger(name="part ready", correlation_key='"a<b" + order'),
            outputs=(Mapping(source="part", target="p"),),
        ), EndEvent(id="sub-end", name="Broken", trigger=ErrorTrigger(code="broken"))),
        flows=(flow("sub-start", "heard"), flow("heard", "sub-end")),
        inputs=(Mapping(source="order", target="order"),),
    )  # fmt: skip
    nodes = (
        StartEvent(id="start", name="Begin & go"),
        ParallelGateway(id="fork"),
        ServiceTask(
            id="job",
            name='Weld "A" <1>',
            work=JobWork(type="weld", retries=5, headers={"unit": "r1", "limit": "≤ 15 µm"}),
            inputs=(Mapping(source="a.b", target="x"),),
            outputs=(Mapping(source="x + 1", target="y"),),
        ),
        ServiceTask(id="page", name="Mill", work=PageWork(net="page-1", headers={"k": "v"})),
        ParallelGateway(id="join"),
        ScriptTask(id="script", name="Add", expression="1 + 1", result_variable="two"),
        UserTask(
            id="user",
            name="Inspect",
            assignee="=chosen",
            candidate_groups=("inspector", "foreman"),
            headers={"h": "1"},
            inputs=(Mapping(source="null", target="passed"),),
        ),
        ExclusiveGateway(id="check", name="Passed?", default="flow-check-sub"),
        inner,
        BoundaryEvent(
            id="caught", name="Broken", attached_to="sub", trigger=ErrorTrigger(code="broken")
        ),
        BoundaryEvent(
            id="slow",
            name="Slow",
            attached_to="user",
            trigger=TimerTrigger(duration="PT15M"),
            interrupting=False,
        ),
        InclusiveGateway(id="some", name="What else?", default="flow-some-told"),
        EventBasedGateway(id="race", name="Which first?"),
        CatchEvent(id="late", name="Late", trigger=TimerTrigger(duration="PT1H")),
        CatchEvent(
            id="came",
            name="Came",
            trigger=MessageTrigger(name="part came", correlation_key="order"),
        ),
        EndEvent(id="killed", name="Off", trigger=TerminateTrigger()),
        CallActivity(id="call", name="Scrap", process="scrap", version_tag="v1"),
        BoundaryEvent(
            id="heard-late",
            name="Late",
            attached_to="sub",
            interrupting=False,
            trigger=EscalationTrigger(code="late"),
        ),
        ThrowEvent(id="tell", name="Tell", trigger=EscalationTrigger(code="late")),
        EndEvent(id="loud", name="Loud", trigger=EscalationTrigger(code="loud")),
        EndEvent(id="told", name="Told"),
        EndEvent(id="again", name="Reworked"),
        EndEvent(id="end", name="Done"),
        EndEvent(id="bad", name="Rejected", trigger=ErrorTrigger(code="rejected")),
    )
    flows = (
        flow("start", "fork"),
        flow("fork", "job"),
        flow("fork", "page"),
        flow("job", "join"),
        flow("page", "join"),
        flow("join", "script"),
        flow("script", "user"),
        flow("user", "check"),
        flow("check", "end", "passed = true", "passed"),
        flow("check", "sub", name="rework"),
        flow("sub", "again"),
        flow("caught", "bad"),
        flow("slow", "race"),
        flow("race", "late"),
        flow("race", "came"),
        flow("late", "killed"),
        flow("came", "some"),
        flow("call", "killed"),
        flow("heard-late", "tell"),
        flow("tell", "loud"),
        flow("some", "call", "order > 3", "large"),
        flow("some", "told", name="else"),
    )
    lanes = (
        Lane(id="lane-1", name="Graz", nodes=("start", "fork", "job", "page", "join", "script")),
        Lane(id="lane-2", name="Vienna", nodes=("user", "check", "sub", "caught", "slow", "told",
                                                "race", "late", "came", "killed", "some", "call",
                                                "heard-late",
                                                "tell", "loud",
                                                "again", "end", "bad")),
    )  # fmt: skip
    made = BpmnProcess(
        id="all", name="Everything", version_tag="7", nodes=nodes, flows=flows, lanes=lanes
    )
    return msgspec.structs.replace(made, diagram=layout(made))


def tree(process):
    return etree.fromstring(write(process))


def test_a_process_comes_back_from_xml_as_it_was():
    back, _ = read_bpmn(write(everything()))
    assert back == everything()


def test_a_process_without_lanes_comes_back_too():
    plain = msgspec.structs.replace(everything(), lanes=(), version_tag="")
    plain = msgspec.structs.replace(plain, diagram=layout(plain))
    assert read_bpmn(write(plain))[0] == plain


def test_one_without_a_diagram_is_laid_out():
    bare = msgspec.structs.replace(everything(), diagram=type(everything().diagram)())
    assert write(bare) == write(everything())


def test_equal_processes_give_equal_bytes():
    assert write(everything()) == write(everything())


def test_an_independent_reader_finds_no_fault():
    report = bpmn_io.check(write(everything()).decode())
    assert report.ok
    assert report.errors == []
    assert report.warnings == []


def lint_of(xml):
    root = bpmn_io.create_moddle().from_xml(xml).root_element
    linter = Linter(config={"extends": "bpmnlint:recommended"}, resolver=NodeResolver())
    return linter.lint(root)


def test_an_independent_linter_finds_no_error():
    found = {
        rule: [each for each in reports if each["category"] == "error"]
        for rule, reports in lint_of(write(everything()).decode()).items()
    }
    assert {rule: reports for rule, reports in found.items() if reports} == {}


def test_expressions_get_their_equals_sign():
    root = tree(everything())
    condition = root.find(".//b:conditionExpression", NS)
    assert condition.text == "=passed = true"
    assert root.find(".//z:input", NS).get("source") == "=a.b"
    assert root.find(".//z:script", NS).get("expression") == "=1 + 1"
    assert root.find(".//z:assignmentDefinition", NS).get("assignee") == "=chosen"
    assert root.find(".//z:subscription", NS).get("correlationKey") == '="a<b" + order'


def test_pages_are_written_in_our_namespace():
    page = tree(everything()).find(".//f:page", NS)
    assert page.get("net") == "page-1"
    assert [(h.get("key"), h.get("value")) for h in page] == [("k", "v")]


def test_every_reference_of_the_diagram_exists():
    root = tree(everything())
    ids = {each.get("id") for each in root.iter() if each.get("id")}
    for each in root.iter("{*}BPMNShape", "{*}BPMNEdge", "{*}BPMNPlane"):
        assert each.get("bpmnElement") in ids


def test_the_pool_encloses_its_lanes():
    root = tree(everything())
    box = {
        each.get("bpmnElement"): {k: float(v) for k, v in each[0].attrib.items()}
        for each in root.iter("{*}BPMNShape")
    }
    pool, lanes = box["participant-all"], [box["lane-1"], box["lane-2"]]
    assert pool["height"] == sum(lane["height"] for lane in lanes)
    assert all(pool["x"] < lane["x"] for lane in lanes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": "1st"}, "begins with a letter"),
        ({"id": "start"}, "'start' twice"),
        ({"name": "bell \x07"}, "characters that XML can carry"),
    ],
)
def test_what_xml_cannot_carry_is_refused(change, words):
    with pytest.raises(Invalid, match=words):
        write(msgspec.structs.replace(everything(), **change))


def test_groups_that_a_list_of_names_cannot_carry_are_refused():
    node = UserTask(id="u", candidate_groups=("=leads", "fitter"))
    made = BpmnProcess(id="p", nodes=(node,), flows=())
    with pytest.raises(Invalid, match="one FEEL expression, or plain names"):
        write(made)


def test_messages_of_one_name_with_different_keys_stay_apart():
    def wait(id_, key):
        return CatchEvent(id=id_, trigger=MessageTrigger(name="ready", correlation_key=key))

    made = BpmnProcess(
        id="p",
        nodes=(StartEvent(id="s"), wait("a", "x"), wait("b", "y"), EndEvent(id="e")),
        flows=(flow("s", "a"), flow("a", "b"), flow("b", "e")),
    )
    back, _ = read_bpmn(write(made))
    assert [node.trigger.correlation_key for node in back.nodes[1:3]] == ["x", "y"]
