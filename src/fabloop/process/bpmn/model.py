"""A BPMN 2.0 process as data: what the reader yields, the composer builds and the writer saves.

Names are those of the standard. Expressions are FEEL, without the leading ``=`` of the XML.
Ids are unique over the whole definition, sub-processes included.
"""

from enum import StrEnum

import msgspec

from fabloop.process.bpmn.triggers import Attached, Caught, Ended, MessageTrigger, Started, Thrown


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """One ``zeebe:input`` or ``zeebe:output``: FEEL `source` evaluated into variable `target`."""

    source: str
    target: str


class JobWork(msgspec.Struct, frozen=True, kw_only=True, tag_field="work", tag="job"):
    """What a worker is asked to do: the ``zeebe:taskDefinition`` and its headers."""

    type: str
    retries: int = 3
    headers: dict[str, str] = {}


class PageWork(msgspec.Struct, frozen=True, kw_only=True, tag_field="work", tag="page"):
    """A coloured Petri net page that carries out the task (``fabloop:page``).

    The task's local variables become the token put on the page's entry port; the token on its
    exit port becomes the task's result. `headers` are handed to each job of the page.
    """

    net: str
    headers: dict[str, str] = {}


class MultiInstance(msgspec.Struct, frozen=True, kw_only=True, tag="multiInstance"):
    """Carries an activity out once per item of FEEL list `collection`, or `cardinality` times.

    Each round sees its item as `element` and its number, from 1, as ``loopCounter``;
    `output_element` (FEEL, read at the end of a round) is collected at the round's index into
    list `output_collection`. No further round begins, and the others end, once
    `completion_condition` (FEEL) is true after a round.
    """

    sequential: bool = False
    collection: str = ""
    element: str = ""
    cardinality: str = ""
    output_collection: str = ""
    output_element: str = ""
    completion_condition: str = ""


class StandardLoop(msgspec.Struct, frozen=True, kw_only=True, tag="standardLoop"):
    """Carries an activity out again while FEEL `condition` is true, at most `maximum` times.

    The condition is read after each round, and before the first one if `before`; `maximum` is
    FEEL, or empty.
    """

    condition: str = ""
    before: bool = False
    maximum: str = ""


Loop = MultiInstance | StandardLoop


class ListenerEvent(StrEnum):
    """When a listener is asked: before an element begins, or after its work is done.

    The last two are those of a person's task (``zeebe:taskListener``).
    """

    START = "start"
    END = "end"
    CREATING = "creating"
    COMPLETING = "completing"


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    """A job that must be done before an element begins or ends (``zeebe:executionListener``)."""

    event: ListenerEvent
    type: str
    retries: int = 3


class DataObject(msgspec.Struct, frozen=True, kw_only=True):
    """A variable of the scope it stands in, null from the beginning (``dataObject``)."""

    id: str
    name: str
    collection: bool = False


class SubProcessKind(StrEnum):
    """What a sub-process is besides a scope of its own."""

    EMBEDDED = "embedded"
    EVENT = "event"
    TRANSACTION = "transaction"


class AdHoc(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a sub-process ad hoc: its activities need no flow to begin.

    FEEL list `activities` names those that begin with it (empty: a person or a command chooses);
    it completes when FEEL `completion_condition` is true after one of them or, without a
    condition, when none is in progress. `cancels`: what still runs then is cancelled.
    """

    sequential: bool = False
    activities: str = ""
    completion_condition: str = ""
    cancels: bool = True


class StartEvent(msgspec.Struct, frozen=True, kw_only=True, tag="startEvent"):
    """Where a token appears when its process or sub-process is entered, or its trigger happens.

    One of an event sub-process ends everything else in the scope around it if `interrupting`.
    """

    id: str
    name: str = ""
    trigger: Started | None = None
    interrupting: bool = True
    outputs: tuple[Mapping, ...] = ()
    listeners: tuple[Listener, ...] = ()


class EndEvent(msgspec.Struct, frozen=True, kw_only=True, tag="endEvent"):
    """Where a token is consumed, after what its trigger says.

    One that sends a message does so itself or, with `work`, by a job.
    """

    id: str
    name: str = ""
    trigger: Ended | None = None
    work: JobWork | None = None
    inputs: tuple[Mapping, ...] = ()
    outputs: tuple[Mapping, ...] = ()
    listeners: tuple[Listener, ...] = ()


class ServiceTask(msgspec.Struct, frozen=True, kw_only=True, tag="serviceTask"):
    """Work for a machine or software: one job, or a page of them."""

    id: str
    name: str = ""
    work: JobWork | PageWork
    inputs: tuple[Mapping, ...] = ()
    outputs: tuple[Mapping, ...] = ()
    loop: Loop | None = None
    for_compensation: bool = False
    listeners: tuple[Listener, ...] = ()
    default: str = ""


class UserTask(msgspec.Struct, frozen=True, kw_only=True, tag="userTask"):
    """Work for a person (``zeebe:userTask``); candidates are chosen when the task is reached.

    `assignee` and each of `candidate_groups` are plain text, or FEEL where they begin with ``=``
    (a candidate expression may yield a list).
    """

    id: str
    name: str = ""
    assignee: str = ""
    candidate_groups: tuple[str, ...] = ()
    headers: dict[str, str] = {}
    inputs: tuple[Mapping, ...] = ()
    outputs: tuple[Mapping, ...] = ()
    loop: Loop | None = None
    for_compensation: bool = False
    listeners: tuple[Listener, ...] = ()
    default: str = ""


class ScriptTask(msgspec.Struct, frozen=True, kw_only=True, tag="scriptTask"):
    """Evaluates a FEEL expression into one variable (``zeebe:script``)."""

    id: str
    name: str = ""
    expression: str
    result_variable: str
    inputs: tuple[Mapping, ...] = ()
    outputs: tuple[Mapping, ...] = ()
    loop: Loop | None = None
    for_compensation: bool = False
    listeners: tuple[Listener, ...] = ()
    default: str = ""


class BusinessRuleTask(msgspec.Struct, frozen=True, kw_only=True, tag="businessRuleTask"):
    """Evaluates deployed DMN `decision` into `result_variable` (``zeebe:calledDecision``).

    `decision` is plain text, or FEEL where it begins with ``=``: its latest version, the latest
    with `version_tag`, number `version` (digits, or FEEL behind ``=``), or the one deployed
    `together` with the process. With `work` it is a job instead.
    """

    id: str
    name: str = ""
    decision: str = ""
    result_variable: str = ""
    version_tag: str = ""
    version: str = ""
    together: bool = False
    work: JobWork | None = None
    inputs: tuple[Mapping, ...] = ()
    outputs: tuple[Mapping, ...] = ()
    loop: Loop | None = None
    for_compensation: bool = False
    listeners: tuple[Listener, ...] = ()
    default: str = ""


class SendTask(msgspec.Struct, frozen=True, kw_only=True, tag="sendTask"):
    """Sends a message with its inputs as variables or, with `work`, is a job."""

    id: str
    name: str = ""
    message: MessageTrigger | None = None
    work: JobWork | None = None
    inputs: tuple[Mapping, ...] = ()
    outputs: tuple[Mapping, ...] = ()
    loop: Loop | None = None
    for_compensation: bool = False
    listeners: tuple[Listener, ...] = ()
    default: str = ""


class ReceiveTask(msgspec.Struct, frozen=True, kw_only=True, tag="receiveTask"):
    """Waits for a message."""

    id: str
    name: str = ""
    message: MessageTrigger
    inputs: tuple[Mapping, ...] = ()
    outputs: tuple[Mapping, ...] = ()
    loop: Loop | None = None
    for_compensation: bool = False
    listeners: tuple[Listener, ...] = ()
    default: str = ""


class ManualTask(msgspec.Struct, frozen=True, kw_only=True, tag="manualTask"):
    """Work that nobody reports: a token passes at once."""

    id: str
    name: str = ""
    inputs: tuple[Mapping, ...] = ()
    outputs: tuple[Mapping, ...] = ()
    loop: Loop | None = None
    for_compensation: bool = False
    listeners: tuple[Listener, ...] = ()
    default: str = ""


class Task(msgspec.Struct, frozen=True, kw_only=True, tag="task"):
    """A task of no type: a token passes at once."""

    id: str
    name: str = ""
    inputs: tuple[Mapping, ...] = ()
    outputs: tuple[Mapping, ...] = ()
    loop: Loop | None = None
    for_compensation: bool = False
    listeners: tuple[Listener, ...] = ()
    default: str = ""


class ExclusiveGateway(msgspec.Struct, frozen=True, kw_only=True, tag="exclusiveGateway"):
    """Takes the first outgoing flow whose condition is true, else the `default` flow."""

    id: str
    name: str = ""
    default: str = ""
    listeners: tuple[Listener, ...] = ()


class ParallelGateway(msgspec.Struct, frozen=True, kw_only=True, tag="parallelGateway"):
    """Waits for a token on every incoming flow, then puts one on every outgoing flow."""

    id: str
    name: str = ""
    listeners: tuple[Listener, ...] = ()


class InclusiveGateway(msgspec.Struct, frozen=True, kw_only=True, tag="inclusiveGateway"):
    """Waits for every token that can still come, then takes all flows whose condition is true.

    Where none is, it takes the `default` flow.
    """

    id: str
    name: str = ""
    default: str = ""
    listeners: tuple[Listener, ...] = ()


class EventBasedGateway(msgspec.Struct, frozen=True, kw_only=True, tag="eventBasedGateway"):
    """Waits for the catch events behind it; a token goes on behind the one that happens first."""

    id: str
    name: str = ""
    listeners: tuple[Listener, ...] = ()


class CatchEvent(msgspec.Struct, frozen=True, kw_only=True, tag="intermediateCatchEvent"):
    """Holds a token until its trigger happens; a link takes it over from elsewhere."""

    id: str
    name: str = ""
    trigger: Caught
    outputs: tuple[Mapping, ...] = ()
    listeners: tuple[Listener, ...] = ()


class ThrowEvent(msgspec.Struct, frozen=True, kw_only=True, tag="intermediateThrowEvent"):
    """Throws what its trigger says and goes on; without one it only passes.

    One that sends a message does so itself or, with `work`, by a job.
    """

    id: str
    name: str = ""
    trigger: Thrown | None = None
    work: JobWork | None = None
    inputs: tuple[Mapping, ...] = ()
    outputs: tuple[Mapping, ...] = ()
    listeners: tuple[Listener, ...] = ()


class BoundaryEvent(msgspec.Struct, frozen=True, kw_only=True, tag="boundaryEvent"):
    """What is caught while the activity `attached_to` is in progress.

    One that catches a compensation names its `handler`, the activity that undoes the other.
    """

    id: str
    name: str = ""
    attached_to: str
    trigger: Attached
    interrupting: bool = True
    handler: str = ""
    outputs: tuple[Mapping, ...] = ()
    listeners: tuple[Listener, ...] = ()


class SubProcess(msgspec.Struct, frozen=True, kw_only=True, tag="subProcess"):
    """A sub-process with nodes, flows and variables of its own; `ad_hoc` makes it an ad-hoc one.

    An event sub-process has no flows of its own scope: the trigger of its start event begins it.
    """

    id: str
    name: str = ""
    nodes: "tuple[FlowNode, ...]"
    flows: "tuple[SequenceFlow, ...]"
    kind: SubProcessKind = SubProcessKind.EMBEDDED
    ad_hoc: AdHoc | None = None
    data: tuple[DataObject, ...] = ()
    inputs: tuple[Mapping, ...] = ()
    outputs: tuple[Mapping, ...] = ()
    loop: Loop | None = None
    for_compensation: bool = False
    listeners: tuple[Listener, ...] = ()
    default: str = ""


class CallActivity(msgspec.Struct, frozen=True, kw_only=True, tag="callActivity"):
    """Runs another deployed process and waits for its end (``zeebe:calledElement``).

    `process` is a process id, or FEEL where it begins with ``=``; the latest version is called, the
    latest with `version_tag`, number `version` (digits, or FEEL behind ``=``), or the one deployed
    `together` with the caller. The called process gets all variables that are seen here
    (`hands_in`) and the inputs; without outputs it gives all of its own back (`hands_back`). Its
    business key is `business_key` (plain text, or FEEL behind ``=``), else that of its caller.
    ``cpn:NET`` runs a page of that net instead, with the inputs alone.
    """

    id: str
    name: str = ""
    process: str
    version_tag: str = ""
    version: str = ""
    together: bool = False
    business_key: str = ""
    hands_in: bool = True
    hands_back: bool = True
    inputs: tuple[Mapping, ...] = ()
    outputs: tuple[Mapping, ...] = ()
    loop: Loop | None = None
    for_compensation: bool = False
    listeners: tuple[Listener, ...] = ()
    default: str = ""


FlowNode = (
    StartEvent
    | EndEvent
    | ServiceTask
    | UserTask
    | ScriptTask
    | BusinessRuleTask
    | SendTask
    | ReceiveTask
    | ManualTask
    | Task
    | ExclusiveGateway
    | ParallelGateway
    | InclusiveGateway
    | EventBasedGateway
    | CatchEvent
    | ThrowEvent
    | BoundaryEvent
    | SubProcess
    | CallActivity
)

Activity = (
    ServiceTask
    | UserTask
    | ScriptTask
    | BusinessRuleTask
    | SendTask
    | ReceiveTask
    | ManualTask
    | Task
    | SubProcess
    | CallActivity
)
"""What can be repeated, interrupted and compensated.

A token leaves on every flow without a condition and on those whose condition holds; on `default`
where none does.
"""


class SequenceFlow(msgspec.Struct, frozen=True, kw_only=True):
    """A directed connection; `condition` is FEEL, behind an activity or a deciding gateway."""

    id: str
    source: str
    target: str
    name: str = ""
    condition: str = ""


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """A named group of flow nodes: a factory, a work centre, a role."""

    id: str
    name: str
    nodes: tuple[str, ...]


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """A rectangle of the diagram, in pixels; y grows downwards."""

    x: float
    y: float
    width: float
    height: float


class Diagram(msgspec.Struct, frozen=True, kw_only=True):
    """Diagram interchange: where each element stands (by element id)."""

    shapes: dict[str, Bounds] = {}
    edges: dict[str, tuple[tuple[float, float], ...]] = {}


class BpmnProcess(msgspec.Struct, frozen=True, kw_only=True):
    """One executable process with its lanes and, where the author drew it, its diagram."""

    id: str
    name: str = ""
    version_tag: str = ""
    nodes: tuple[FlowNode, ...]
    flows: tuple[SequenceFlow, ...]
    data: tuple[DataObject, ...] = ()
    listeners: tuple[Listener, ...] = ()
    lanes: tuple[Lane, ...] = ()
    diagram: Diagram = Diagram()
