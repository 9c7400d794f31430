"""What the engine is asked to do, what it answers, and what it tells the layer above."""

from enum import IntEnum

import msgspec

from fabloop.base.instant import Instant
from fabloop.process.bpmn.model import BpmnProcess
from fabloop.process.cpn.model import NetDocument
from fabloop.process.definition import DefinitionKey
from fabloop.process.operations import OperatorCommand, OperatorReply

Variables = dict[str, object]
"""Process variables: names to plain values (None, bool, int, float, str, list, dict)."""


class InstanceState(IntEnum):
    """How an instance stands."""

    ACTIVE = 0
    COMPLETED = 1
    CANCELLED = 2


# -- commands -----------------------------------------------------------------------------------


class Deploy(msgspec.Struct, frozen=True, kw_only=True):
    """Make a process known, or all executable ones of a BPMN document; the same keeps its version.

    All processes of a document become known, or none. `decisions` are DMN documents; they can come
    without a process.
    """

    process: BpmnProcess | bytes | None = None
    nets: tuple[NetDocument, ...] = ()
    decisions: tuple[bytes, ...] = ()


class StartInstance(msgspec.Struct, frozen=True, kw_only=True):
    """Start the latest or the given version of a process."""

    process: str
    version: int | None = None
    variables: Variables = {}
    business_key: str = ""


class ActivateJobs(msgspec.Struct, frozen=True, kw_only=True):
    """Hand up to `limit` waiting jobs of a type to a worker, who holds them for `lease_ns`.

    Jobs that belong to somebody else (`AssignJob`) are passed over.
    """

    type: str
    worker: str
    limit: int = 1
    lease_ns: int


class AssignJob(msgspec.Struct, frozen=True, kw_only=True):
    """Give a job to a person or worker; an empty assignee takes it away."""

    job: int
    assignee: str


class CompleteJob(msgspec.Struct, frozen=True, kw_only=True):
    """Report the result; `epoch` must be that of the lease where the caller holds one."""

    job: int
    variables: Variables = {}
    epoch: int | None = None


class FailJob(msgspec.Struct, frozen=True, kw_only=True):
    """Report a failed attempt; no `retries` left raises an incident."""

    job: int
    retries: int
    backoff_ns: int = 0
    message: str = ""
    epoch: int | None = None


class ThrowError(msgspec.Struct, frozen=True, kw_only=True):
    """Report a business error for a boundary event to catch."""

    job: int
    code: str
    message: str = ""
    variables: Variables = {}
    epoch: int | None = None


class ExtendLease(msgspec.Struct, frozen=True, kw_only=True):
    """Hold a job for `lease_ns` from now."""

    job: int
    epoch: int
    lease_ns: int


class ResolveIncident(msgspec.Struct, frozen=True, kw_only=True):
    """Try again what failed; a job gets `retries` attempts."""

    incident: int
    retries: int = 1


class SetVariables(msgspec.Struct, frozen=True, kw_only=True):
    """Set variables of an instance, of one of its frames or of an act, by key."""

    target: int
    variables: Variables


class PublishMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Give a message to at most one waiting instance per process, or let it start one.

    With a key, an instance that it starts is the only one of its process with that key. It is kept
    for `time_to_live_ns` for others to come. While it is kept, another one with the same name, key
    and `message_id` is ignored.
    """

    name: str
    correlation_key: str = ""
    time_to_live_ns: int = 0
    message_id: str = ""
    variables: Variables = {}


class CorrelateMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Give a message as `PublishMessage` does, but only if somebody waits for it now."""

    name: str
    correlation_key: str
    variables: Variables = {}


class BroadcastSignal(msgspec.Struct, frozen=True, kw_only=True):
    """Give a signal to all that wait for it, and start what it starts; it is not kept."""

    name: str
    variables: Variables = {}


class ReportKpis(msgspec.Struct, frozen=True, kw_only=True):
    """Tell the values of KPIs, by name; conditions read them as ``kpi.<name>``."""

    values: Variables


class AdvanceTo(msgspec.Struct, frozen=True, kw_only=True):
    """Fire what is due at `now`; `Advanced.next_due` tells when to come back."""

    now: Instant


class CancelInstance(msgspec.Struct, frozen=True, kw_only=True):
    """End an instance and all that runs in it."""

    instance: int


class Activate(msgspec.Struct, frozen=True, kw_only=True):
    """Enter a node; frames that enclose it are opened where they do not run.

    `frame` chooses one where several run. `variables` are set in the frame of the node.
    """

    node: str
    frame: int = 0
    variables: Variables = {}


class TokenAt(msgspec.Struct, frozen=True, kw_only=True, tag="token"):
    """A token that waits on a flow into a join."""

    frame: int
    flow: str


class ActAt(msgspec.Struct, frozen=True, kw_only=True, tag="act"):
    """A node in progress, by the key of its act."""

    key: int


Spot = TokenAt | ActAt


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """Cancel at one spot and enter a node instead."""

    spot: Spot
    node: str


class Modify(msgspec.Struct, frozen=True, kw_only=True):
    """Change where an instance stands, all at once or not at all."""

    instance: int
    activate: tuple[Activate, ...] = ()
    cancel: tuple[Spot, ...] = ()
    move: tuple[Move, ...] = ()


class Migrate(msgspec.Struct, frozen=True, kw_only=True):
    """Let an instance go on by another definition; `nodes` maps ids where the plan errs.

    `restart` maps nodes in progress, by id, to nodes of the target that are entered instead: what
    had begun at them is cancelled, in the same step. Events that are armed stay so, with their
    dates, names and keys, but for `renew`, by ids of the target: those are told anew.
    """

    instance: int
    target: DefinitionKey
    nodes: dict[str, str] = {}
    restart: dict[str, str] = {}
    renew: tuple[str, ...] = ()


Command = (
    Deploy
    | StartInstance
    | ActivateJobs
    | AssignJob
    | CompleteJob
    | FailJob
    | ThrowError
    | ExtendLease
    | ResolveIncident
    | SetVariables
    | PublishMessage
    | CorrelateMessage
    | BroadcastSignal
    | ReportKpis
    | AdvanceTo
    | CancelInstance
    | Modify
    | Migrate
    | OperatorCommand
)


# -- replies ------------------------------------------------------------------------------------


class Done(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """It is done, and there is nothing more to say."""


class VersionDeployed(msgspec.Struct, frozen=True, array_like=True):
    """One definition; `known` when its content was deployed before."""

    key: DefinitionKey
    known: bool


class ProcessDeployed(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """The definition to start; `known` when the content was deployed before.

    `others` are those of the further processes of the document, in its order; `decisions` those
    of the decisions that were deployed with them.
    """

    key: DefinitionKey
    known: bool
    others: tuple[VersionDeployed, ...] = ()
    decisions: tuple[VersionDeployed, ...] = ()


class DecisionsKnown(msgspec.Struct, frozen=True, array_like=True, tag=43):
    """The decisions that were deployed without a process."""

    decisions: tuple[VersionDeployed, ...]


class InstanceCreated(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """The key of the new instance, and the version it runs by."""

    instance: int
    definition: DefinitionKey


class ActiveJob(msgspec.Struct, frozen=True, array_like=True):
    """A job in the hands of a worker; `variables` are shared with the engine: do not change."""

    key: int
    type: str
    instance: int
    node: str
    transition: str
    headers: dict[str, str]
    variables: Variables
    retries: int
    epoch: int
    until: Instant
    business_key: str


class JobsActivated(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """The jobs that the worker now holds."""

    jobs: tuple[ActiveJob, ...]


class LeaseExtended(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """The job is held until then."""

    until: Instant


class MessagePublished(msgspec.Struct, frozen=True, array_like=True, tag=6):
    """The instances that took it; `duplicate` when it was ignored."""

    instances: tuple[int, ...]
    duplicate: bool


class SignalBroadcast(msgspec.Struct, frozen=True, array_like=True, tag=9):
    """The instances that heard it or were started by it."""

    instances: tuple[int, ...]


class Advanced(msgspec.Struct, frozen=True, array_like=True, tag=7):
    """How many things were due; `next_due` may be past when the limit was reached."""

    fired: int
    next_due: Instant | None


class InstanceMigrated(msgspec.Struct, frozen=True, array_like=True, tag=8):
    """Which node went where, by id."""

    nodes: dict[str, str]


Reply = (
    Done
    | ProcessDeployed
    | DecisionsKnown
    | InstanceCreated
    | JobsActivated
    | LeaseExtended
    | MessagePublished
    | SignalBroadcast
    | Advanced
    | InstanceMigrated
    | OperatorReply
)


# -- notices ------------------------------------------------------------------------------------


class JobCreated(msgspec.Struct, frozen=True, kw_only=True):
    """Work waits for a worker or a person. `variables` are shared with the engine."""

    instance: int
    node: str
    transition: str
    job: int
    type: str
    person: bool
    headers: dict[str, str]
    variables: Variables
    assignee: str
    candidates: tuple[str, ...]
    business_key: str


class JobCompleted(msgspec.Struct, frozen=True, kw_only=True):
    """Work is done."""

    instance: int
    node: str
    job: int
    type: str


class JobCancelled(msgspec.Struct, frozen=True, kw_only=True):
    """Work is no longer wanted: whoever holds it should stop."""

    instance: int
    node: str
    job: int
    type: str
    worker: str


class NodeCompleted(msgspec.Struct, frozen=True, kw_only=True):
    """A token left a node."""

    instance: int
    node: str


class InstanceFinished(msgspec.Struct, frozen=True, kw_only=True):
    """An instance completed or was cancelled; `variables` are those of its root."""

    instance: int
    definition: DefinitionKey
    state: InstanceState
    variables: Variables
    business_key: str


class IncidentOpened(msgspec.Struct, frozen=True, kw_only=True):
    """An instance cannot go on at a node without a person."""

    instance: int
    node: str
    incident: int
    kind: str
    text: str


class TimerFired(msgspec.Struct, frozen=True, kw_only=True):
    """A timer event happened, `due` at this instant."""

    instance: int
    node: str
    due: Instant


class DatesSkipped(msgspec.Struct, frozen=True, kw_only=True):
    """A cycle was behind by too many dates: those from `first` on, before `until`, do not happen.

    For the start event of a process there is no `instance` (0).
    """

    process: str
    instance: int
    node: str
    first: Instant
    until: Instant


class InstanceBegun(msgspec.Struct, frozen=True, kw_only=True):
    """A start event has started an instance."""

    instance: int
    definition: DefinitionKey
    node: str


class LeaseExpired(msgspec.Struct, frozen=True, kw_only=True):
    """A worker did not report in time; the job may be taken again."""

    instance: int
    node: str
    job: int
    worker: str


class MigratedTo(msgspec.Struct, frozen=True, kw_only=True):
    """An instance runs by another definition."""

    instance: int
    source: DefinitionKey
    target: DefinitionKey


Notice = (
    JobCreated
    | JobCompleted
    | JobCancelled
    | NodeCompleted
    | InstanceFinished
    | IncidentOpened
    | TimerFired
    | DatesSkipped
    | InstanceBegun
    | LeaseExpired
    | MigratedTo
)
