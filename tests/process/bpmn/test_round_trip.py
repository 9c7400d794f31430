"""Documents of every element: written and read again they are the same."""

import pytest

from fabloop.process.bpmn.model import (
    AdHoc,
    BoundaryEvent,
    BpmnProcess,
    BusinessRuleTask,
    CallActivity,
    CatchEvent,
    DataObject,
    EndEvent,
    JobWork,
    Listener,
    ListenerEvent,
    ManualTask,
    Mapping,
    MultiInstance,
    ReceiveTask,
    SendTask,
    SequenceFlow,
    ServiceTask,
    StandardLoop,
    StartEvent,
    SubProcess,
    SubProcessKind,
    Task,
    ThrowEvent,
)
from fabloop.process.bpmn.read import read_bpmn
from fabloop.process.bpmn.triggers import (
    CancelTrigger,
    CompensateTrigger,
    ConditionTrigger,
    ErrorTrigger,
    EscalationTrigger,
    LinkTrigger,
    MessageTrigger,
    SignalTrigger,
    TerminateTrigger,
    TimerTrigger,
)
from fabloop.process.bpmn.write import write

TIMES = (
    TimerTrigger(duration="PT1H"),
    TimerTrigger(date="2026-11-22T08:00:00Z"),
    TimerTrigger(cycle="R3/PT10S"),
    TimerTrigger(cycle="0 0 6 * * MON-FRI"),
)
MESSAGE = MessageTrigger(name="part came", correlation_key="order")
CATCHES = (*TIMES, MESSAGE, SignalTrigger(name="stop"), ConditionTrigger(condition="x > 3"))
ENDS = (
    MESSAGE,
    SignalTrigger(name="=chosen"),
    EscalationTrigger(code="loud"),
    CompensateTrigger(activity="job"),
    ErrorTrigger(code="bad"),
    CancelTrigger(),
    TerminateTrigger(),
    None,
)
JOB = JobWork(type="weld", retries=2, headers={"h": "1"})
IN, OUT = (Mapping(source="a", target="b"),), (Mapping(source="b", target="c"),)
SEVERAL = MultiInstance(
    sequential=True,
    collection="items",
    element="item",
    output_collection="results",
    output_element="result + 1",
    completion_condition="enough",
)

ACTIVITIES = (
    ServiceTask(id="job", work=JOB, loop=SEVERAL),
    ServiceTask(id="job", work=JOB, loop=MultiInstance(cardinality="3")),
    ServiceTask(id="job", work=JOB, loop=StandardLoop(condition="more", before=True, maximum="5")),
    ServiceTask(id="job", work=JOB, for_compensation=True),
    BusinessRuleTask(id="job", decision="price", result_variable="p", inputs=IN, outputs=OUT),
    BusinessRuleTask(id="job", work=JOB),
    BusinessRuleTask(id="job", decision="price", result_variable="p", version="=v"),
    CallActivity(id="job", process="q", version="3", business_key="=key"),
    CallActivity(id="job", process="=q", together=True, business_key="k"),
    SendTask(id="job", message=MESSAGE, inputs=IN),
    SendTask(id="job", work=JOB),
    ReceiveTask(id="job", message=MESSAGE, outputs=OUT),
    ManualTask(id="job", name="Sweep"),
    Task(
        id="job",
        listeners=(
            Listener(event=ListenerEvent.START, type="begin"),
            Listener(event=ListenerEvent.END, type="done", retries=1),
        ),
    ),
)


def process(*nodes, **more) -> BpmnProcess:
    return BpmnProcess(
        id="p",
        nodes=(StartEvent(id="start"), *nodes),
        flows=(SequenceFlow(id="f", source="start", target=nodes[0].id),),
        **more,
    )


def same(made: BpmnProcess) -> None:
    read, _ = read_bpmn(write(made))
    assert BpmnProcess(id=read.id, nodes=read.nodes, flows=read.flows, data=read.data) == made


@pytest.mark.parametrize("activity", ACTIVITIES, ids=lambda each: type(each).__name__)
def test_an_activity_comes_back(activity):
    same(process(activity))


@pytest.mark.parametrize("trigger", CATCHES, ids=lambda each: type(each).__name__)
def test_what_is_waited_for_comes_back_at_every_position(trigger):
    same(process(CatchEvent(id="c", trigger=trigger, outputs=OUT)))
    same(
        process(
            ServiceTask(id="job", work=JOB),
            BoundaryEvent(id="b", attached_to="job", trigger=trigger, interrupting=False),
        )
    )
    inner = SubProcess(
        id="event",
        kind=SubProcessKind.EVENT,
        nodes=(StartEvent(id="on", trigger=trigger, interrupting=False, outputs=OUT),),
        flows=(),
    )
    same(process(ServiceTask(id="job", work=JOB), inner))


@pytest.mark.parametrize("trigger", ENDS, ids=lambda each: type(each).__name__)
def test_what_is_thrown_comes_back(trigger):
    same(process(EndEvent(id="e", trigger=trigger, outputs=OUT)))
    if isinstance(trigger, MessageTrigger | SignalTrigger | EscalationTrigger | CompensateTrigger):
        same(process(ThrowEvent(id="e", trigger=trigger, inputs=IN)))


def test_a_message_sent_by_a_job_comes_back():
    same(process(EndEvent(id="e", trigger=MESSAGE, work=JOB)))
    same(process(ThrowEvent(id="e", trigger=MESSAGE, work=JOB, inputs=IN, outputs=OUT)))


def test_links_come_back():
    same(
        process(
            ThrowEvent(id="e", trigger=LinkTrigger(name="A")),
            CatchEvent(id="c", trigger=LinkTrigger(name="A")),
        )
    )


def test_a_compensation_with_its_handler_comes_back():
    same(
        process(
            ServiceTask(id="job", work=JOB),
            BoundaryEvent(id="b", attached_to="job", trigger=CompensateTrigger(), handler="undo"),
            ServiceTask(id="undo", work=JOB, for_compensation=True),
        )
    )


@pytest.mark.parametrize(
    "more",
    [
        {"kind": SubProcessKind.TRANSACTION},
        {"kind": SubProcessKind.EVENT},
        {"loop": SEVERAL},
        {"data": (DataObject(id="d", name="order", collection=True),)},
        {"ad_hoc": AdHoc(sequential=True, activities='["a"]', completion_condition="n > 3")},
        {"ad_hoc": AdHoc(cancels=False)},
    ],
    ids=repr,
)
def test_a_sub_process_comes_back(more):
    inner = SubProcess(id="sub", nodes=(Task(id="a"), Task(id="b")), flows=(), **more)
    same(process(inner, data=(DataObject(id="top", name="top"),)))
