"""What an operator asks for many instances, or for a while: selections, batches, suspension."""

from enum import IntEnum

import msgspec

from fabloop.base.instant import Instant
from fabloop.process.definition import DefinitionKey

# -- suspension ---------------------------------------------------------------------------------


class SuspendInstance(msgspec.Struct, frozen=True, kw_only=True):
    """Let an instance, and those it called, stand still until it is resumed.

    No job of it is handed out, no timer fires, messages and results for it are kept.
    """

    instance: int


class ResumeInstance(msgspec.Struct, frozen=True, kw_only=True):
    """Let an instance go on, with what was kept for it meanwhile."""

    instance: int


class SuspendProcess(msgspec.Struct, frozen=True, kw_only=True):
    """Refuse new instances of a process, or of one version of it."""

    process: str
    version: int | None = None


class ResumeProcess(msgspec.Struct, frozen=True, kw_only=True):
    """Take new instances again; `version` as it was suspended."""

    process: str
    version: int | None = None


# -- batches ------------------------------------------------------------------------------------


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Running instances; a field that is left empty leaves nobody out.

    Attributes
    ----------
    instances : these and no others
    node : something is in progress at this node
    incident : an incident of this kind is open; ``*`` for any
    suspended : they are suspended, or are not
    """

    instances: tuple[int, ...] = ()
    process: str = ""
    version: int | None = None
    business_key: str = ""
    node: str = ""
    incident: str = ""
    suspended: bool | None = None


class CancelEach(msgspec.Struct, frozen=True, kw_only=True, tag="cancel"):
    """End each instance; called ones end with their callers."""


class SuspendEach(msgspec.Struct, frozen=True, kw_only=True, tag="suspend"):
    """Suspend each instance."""


class ResumeEach(msgspec.Struct, frozen=True, kw_only=True, tag="resume"):
    """Resume each instance."""


class ResolveEach(msgspec.Struct, frozen=True, kw_only=True, tag="resolve"):
    """Try again what failed: every incident of each instance, or those of `kind`."""

    retries: int = 1
    kind: str = ""


class SetEach(msgspec.Struct, frozen=True, kw_only=True, tag="set"):
    """Set variables of each instance."""

    variables: dict[str, object]


class ModifyEach(msgspec.Struct, frozen=True, kw_only=True, tag="modify"):
    """Change where each instance stands, by the ids of nodes, or of flows with waiting tokens.

    Attributes
    ----------
    move : what is in progress at the first goes to the second
    cancel : what is in progress there ends
    activate : entered as well
    """

    move: tuple[tuple[str, str], ...] = ()
    cancel: tuple[str, ...] = ()
    activate: tuple[str, ...] = ()


class MigrateEach(msgspec.Struct, frozen=True, kw_only=True, tag="migrate"):
    """Let each instance go on by another definition; as `Migrate` for one."""

    target: DefinitionKey
    nodes: dict[str, str] = {}
    restart: dict[str, str] = {}
    renew: tuple[str, ...] = ()


Action = CancelEach | SuspendEach | ResumeEach | ResolveEach | SetEach | ModifyEach | MigrateEach


class StartBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Do something to every selected instance, in steps of `AdvanceBatch`.

    Who is selected is settled now; who comes later is not in it.
    """

    action: Action
    where: Selection = Selection()


class AdvanceBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Do the next `limit` instances; each of them wholly or, with a reason, not at all."""

    batch: int
    limit: int = 100


class PauseBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Let a batch stand still."""

    batch: int


class ContinueBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Let a paused batch go on."""

    batch: int


class StopBatch(msgspec.Struct, frozen=True, kw_only=True):
    """End a batch; what it has done stays done."""

    batch: int


class ChooseActivities(msgspec.Struct, frozen=True, kw_only=True):
    """Let activities of an ad-hoc sub-process begin, by id; one may be named several times.

    `frame` is its frame, or the act that has opened it. `variables` are set in the frame.
    """

    frame: int
    activities: tuple[str, ...]
    variables: dict[str, object] = {}


OperatorCommand = (
    ChooseActivities
    | SuspendInstance
    | ResumeInstance
    | SuspendProcess
    | ResumeProcess
    | StartBatch
    | AdvanceBatch
    | PauseBatch
    | ContinueBatch
    | StopBatch
)


class BatchState(IntEnum):
    """How a batch stands."""

    RUNNING = 0
    PAUSED = 1
    FINISHED = 2
    STOPPED = 3


class BatchFailure(msgspec.Struct, frozen=True, array_like=True):
    """An instance to which it could not be done, and why; nothing of it has changed."""

    instance: int
    reason: str


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Something done to many instances.

    Attributes
    ----------
    position : how many of the targets have had their turn
    failed : to how many of them it could not be done
    failures : the first of those, with reasons
    """

    key: int
    action: Action
    targets: tuple[int, ...]
    started_at: Instant
    state: BatchState = BatchState.RUNNING
    position: int = 0
    failed: int = 0
    failures: tuple[BatchFailure, ...] = ()


class BatchStarted(msgspec.Struct, frozen=True, array_like=True, tag=80):
    """The key of the new batch, and how many instances are in it."""

    batch: int
    targets: int


class BatchAdvanced(msgspec.Struct, frozen=True, array_like=True, tag=81):
    """How far a batch has come."""

    batch: int
    state: BatchState
    done: int
    failed: int
    left: int


OperatorReply = BatchStarted | BatchAdvanced
