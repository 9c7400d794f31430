"""A BPMN 2.0 process as data: what the reader yields, the composer builds and the writer saves.

Names are those of the standard. Expressions are FEEL, without the leading ``=`` of the XML.
Ids are unique over the whole definition, sub-processes included.
"""

import msgspec


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """One ``zeebe:input`` or ``zeebe:output``: FEEL `source` evaluated into variable `target`."""

    source: str
    target: str


class TimerTrigger(msgspec.Struct, frozen=True, kw_only=True, tag="timer"):
    """Fires after a duration or at a date; one of them is given, as FEEL or ISO 8601."""

    duration: str = ""
    date: str = ""


class ErrorTrigger(msgspec.Struct, frozen=True, kw_only=True, tag="error"):
    """Catches (or throws) a BPMN error; an empty code catches every error."""

    code: str = ""


class EscalationTrigger(msgspec.Struct, frozen=True, kw_only=True, tag="escalation"):
    """Catches (or throws) an escalation; an empty code catches every escalation."""

    code: str = ""


class MessageTrigger(msgspec.Struct, frozen=True, kw_only=True, tag="message"):
    """Waits for a message of this name whose key equals the FEEL `correlation_key`."""

    name: str
    correlation_key: str


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


class StartEvent(msgspec.Struct, frozen=True, kw_only=True, tag="startEvent"):
    """Where a token appears when its process or sub-process is entered."""

    id: str
    name: str = ""


class EndEvent(msgspec.Struct, frozen=True, kw_only=True, tag="endEvent"):
    """Where a token is consumed; with an error it is thrown to the enclosing scope.

    One that terminates ends everything else in its scope, too; an escalation is told outwards.
    """

    id: str
    name: str = ""
    error: ErrorTrigger | None = None
    terminate: bool = False
    escalation: EscalationTrigger | None = None


class ServiceTask(msgspec.Struct, frozen=True, kw_only=True, tag="serviceTask"):
    """Work for a machine or software: one job, or a page of them."""

    id: str
    name: str = ""
    work: JobWork | PageWork
    inputs: tuple[Mapping, ...] = ()
    outputs: tuple[Mapping, ...] = ()


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


class ScriptTask(msgspec.Struct, frozen=True, kw_only=True, tag="scriptTask"):
    """Evaluates a FEEL expression into one variable (``zeebe:script``)."""

    id: str
    name: str = ""
    expression: str
    result_variable: str
    inputs: tuple[Mapping, ...] = ()
    outputs: tuple[Mapping, ...] = ()


class ExclusiveGateway(msgspec.Struct, frozen=True, kw_only=True, tag="exclusiveGateway"):
    """Takes the first outgoing flow whose condition is true, else the `default` flow."""

    id: str
    name: str = ""
    default: str = ""


class ParallelGateway(msgspec.Struct, frozen=True, kw_only=True, tag="parallelGateway"):
    """Waits for a token on every incoming flow, then puts one on every outgoing flow."""

    id: str
    name: str = ""


class InclusiveGateway(msgspec.Struct, frozen=True, kw_only=True, tag="inclusiveGateway"):
    """Waits for every token that can still come, then takes all flows whose condition is true.

    Where none is, it takes the `default` flow.
    """

    id: str
    name: str = ""
    default: str = ""


class EventBasedGateway(msgspec.Struct, frozen=True, kw_only=True, tag="eventBasedGateway"):
    """Waits for the catch events behind it; a token goes on behind the one that happens first."""

    id: str
    name: str = ""


class CatchEvent(msgspec.Struct, frozen=True, kw_only=True, tag="intermediateCatchEvent"):
    """Holds a token until its message arrives or its timer is due."""

    id: str
    name: str = ""
    trigger: MessageTrigger | TimerTrigger
    outputs: tuple[Mapping, ...] = ()


class ThrowEvent(msgspec.Struct, frozen=True, kw_only=True, tag="intermediateThrowEvent"):
    """Tells an escalation to the sub-processes around it and goes on, unless it is interrupted."""

    id: str
    name: str = ""
    escalation: EscalationTrigger


class BoundaryEvent(msgspec.Struct, frozen=True, kw_only=True, tag="boundaryEvent"):
    """A timer, error or escalation caught while the activity `attached_to` is in progress."""

    id: str
    name: str = ""
    attached_to: str
    trigger: TimerTrigger | ErrorTrigger | EscalationTrigger
    interrupting: bool = True
    outputs: tuple[Mapping, ...] = ()


class SubProcess(msgspec.Struct, frozen=True, kw_only=True, tag="subProcess"):
    """An embedded sub-process with nodes, flows and variables of its own."""

    id: str
    name: str = ""
    nodes: "tuple[FlowNode, ...]"
    flows: "tuple[SequenceFlow, ...]"
    inputs: tuple[Mapping, ...] = ()
    outputs: tuple[Mapping, ...] = ()


class CallActivity(msgspec.Struct, frozen=True, kw_only=True, tag="callActivity"):
    """Runs another deployed process and waits for its end (``zeebe:calledElement``).

    `process` is a process id, or FEEL where it begins with ``=``; the latest version is called, or
    the latest with `version_tag`. The called process gets all variables that are seen here
    (`hands_in`) and the inputs; without outputs it gives all of its own back (`hands_back`).
    """

    id: str
    name: str = ""
    process: str
    version_tag: str = ""
    hands_in: bool = True
    hands_back: bool = True
    inputs: tuple[Mapping, ...] = ()
    outputs: tuple[Mapping, ...] = ()


FlowNode = (
    StartEvent
    | EndEvent
    | ServiceTask
    | UserTask
    | ScriptTask
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


class SequenceFlow(msgspec.Struct, frozen=True, kw_only=True):
    """A directed connection; `condition` is FEEL and read behind a gateway that decides."""

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
    lanes: tuple[Lane, ...] = ()
    diagram: Diagram = Diagram()
