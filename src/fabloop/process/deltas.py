"""What one macro step changed, as the journal keeps it: version 1 of the format.

A row's body is MessagePack: who decided, the reply (when the command had a request id) and the
deltas, each an array that begins with its tag. A released delta never changes its meaning or
fields; what must differ gets a new tag, and a new `FORMAT` when old rows need another applier.
"""

import msgspec

from fabloop.base.instant import Instant
from fabloop.process.commands import Reply
from fabloop.process.decision_deltas import DecisionDelta
from fabloop.process.event_deltas import EventDelta
from fabloop.process.operation_deltas import OperationDelta
from fabloop.process.round_deltas import RoundDelta
from fabloop.process.undo_deltas import UndoDelta

FORMAT = 1
ROW_KIND = "process"

Deposit = tuple[int, object, Instant]
"""Place number, plain colour value, instant at which it is ready."""


class Deployed(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """A process became known; `source` is a MessagePack `Deployment`."""

    id: str
    version: int
    digest: str
    source: bytes


class InstanceStarted(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """An instance and its root frame opened."""

    key: int
    id: str
    version: int
    business_key: str
    frame: int
    variables: dict[str, object]


class InstanceEnded(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """An instance ended with everything that was left in it; `state` is an `InstanceState`."""

    key: int
    state: int


class FrameOpened(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """Act `act` opened a frame of `scope`."""

    key: int
    act: int
    scope: int
    variables: dict[str, object]


class FrameClosed(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """A frame came to its end; its act goes on."""

    key: int


class VariablesSet(msgspec.Struct, frozen=True, array_like=True, tag=6):
    """Variables of a frame got these values."""

    frame: int
    values: dict[str, object]


class Passed(msgspec.Struct, frozen=True, array_like=True, tag=7):
    """Nodes a token ran through without waiting; changes nothing, tells the history."""

    frame: int
    nodes: list[int]


class TokenAdded(msgspec.Struct, frozen=True, array_like=True, tag=8):
    """A token waits on a flow into a join."""

    frame: int
    flow: int


class TokenTaken(msgspec.Struct, frozen=True, array_like=True, tag=9):
    """A waiting token was taken away by an operator."""

    frame: int
    flow: int


class Joined(msgspec.Struct, frozen=True, array_like=True, tag=10):
    """A join took one token from each of its incoming flows."""

    frame: int
    node: int


class ActOpened(msgspec.Struct, frozen=True, array_like=True, tag=11):
    """A node began to wait; `phase` is a `Phase`."""

    key: int
    frame: int
    node: int
    phase: int
    locals: dict[str, object]


class ActClosed(msgspec.Struct, frozen=True, array_like=True, tag=12):
    """A node stopped waiting, with everything that hangs on it; a firing gives its tokens back."""

    key: int
    completed: bool


class ActHeld(msgspec.Struct, frozen=True, array_like=True, tag=13):
    """Work is done but could not be left: its result waits for a retry."""

    key: int
    result: dict[str, object]


class LocalsSet(msgspec.Struct, frozen=True, array_like=True, tag=14):
    """Local variables of an act got these values."""

    act: int
    values: dict[str, object]


class Fired(msgspec.Struct, frozen=True, array_like=True, tag=15):
    """A transition of a page fired at once."""

    frame: int
    transition: int
    consumed: tuple[Deposit, ...]
    produced: tuple[Deposit, ...]


class FiringStarted(msgspec.Struct, frozen=True, array_like=True, tag=16):
    """A transition took its tokens and waits for work; `locals` are its bound variables."""

    key: int
    frame: int
    transition: int
    consumed: tuple[Deposit, ...]
    locals: dict[str, object]


class FiringEnded(msgspec.Struct, frozen=True, array_like=True, tag=17):
    """The work of a firing is done; its tokens are put."""

    key: int
    produced: tuple[Deposit, ...]


class PageFed(msgspec.Struct, frozen=True, array_like=True, tag=18):
    """A token was put on a place of a page from outside."""

    frame: int
    token: Deposit


class PageWaits(msgspec.Struct, frozen=True, array_like=True, tag=19):
    """A page can go on at `wake` at the earliest without a change from outside (0: never)."""

    frame: int
    wake: Instant


class JobOffered(msgspec.Struct, frozen=True, array_like=True, tag=20):
    """Act `key` waits for work."""

    key: int
    job_type: str
    person: bool
    retries: int
    assignee: str = ""
    candidates: tuple[str, ...] = ()


class JobLeased(msgspec.Struct, frozen=True, array_like=True, tag=21):
    """A worker holds a job until `until`; `epoch` fences off earlier holders."""

    key: int
    worker: str
    epoch: int
    until: Instant


class JobReady(msgspec.Struct, frozen=True, array_like=True, tag=22):
    """A job may be taken (again): lease expired, back-off over, incident resolved."""

    key: int
    retries: int


class JobFailed(msgspec.Struct, frozen=True, array_like=True, tag=23):
    """An attempt failed; not offered before `retry_at` (0: not before an operator says so)."""

    key: int
    retries: int
    retry_at: Instant
    message: str


class JobAssigned(msgspec.Struct, frozen=True, array_like=True, tag=24):
    """A job belongs to someone (empty: to nobody)."""

    key: int
    assignee: str


class TimerSet(msgspec.Struct, frozen=True, array_like=True, tag=25):
    """A timer of `node` runs for an act."""

    key: int
    act: int
    node: int
    due: Instant


class TimerCleared(msgspec.Struct, frozen=True, array_like=True, tag=26):
    """A timer fired, and its act goes on."""

    key: int


class MessageKept(msgspec.Struct, frozen=True, array_like=True, tag=28):
    """A message waits for takers; each of `takers` (process ids) has had it."""

    key: int
    name: str
    correlation: str
    id: str
    until: Instant
    variables: dict[str, object]
    takers: tuple[str, ...]


class MessageTaken(msgspec.Struct, frozen=True, array_like=True, tag=29):
    """A kept message went to an instance of process `taker`."""

    key: int
    taker: str


class MessageDropped(msgspec.Struct, frozen=True, array_like=True, tag=30):
    """A kept message is past its time."""

    key: int


class IncidentRaised(msgspec.Struct, frozen=True, array_like=True, tag=31):
    """Something needs a person; `act` is 0 when it concerns the whole frame."""

    key: int
    frame: int
    act: int
    node: int
    kind: str
    text: str


class IncidentCleared(msgspec.Struct, frozen=True, array_like=True, tag=32):
    """A person has dealt with it."""

    key: int


class PageMap(msgspec.Struct, frozen=True, array_like=True):
    """Where the places and transitions of a page went, by old number."""

    places: tuple[int, ...]
    transitions: tuple[int, ...]


class Migrated(msgspec.Struct, frozen=True, array_like=True, tag=33):
    """An instance runs by another definition; the maps go from old to new numbers."""

    instance: int
    id: str
    version: int
    nodes: dict[int, int]
    flows: dict[int, int]
    scopes: dict[int, int]
    pages: dict[int, PageMap]
    shared: tuple[int, ...]


class MessageAwaited(msgspec.Struct, frozen=True, array_like=True, tag=34):
    """An act waits for a message; event `node` goes on with it."""

    key: int
    act: int
    node: int
    name: str
    correlation: str


class EventHappened(msgspec.Struct, frozen=True, array_like=True, tag=35):
    """An act that waited for several events goes on at `node`; it waits for none any more."""

    act: int
    node: int


class Merged(msgspec.Struct, frozen=True, array_like=True, tag=36):
    """An inclusive gateway took one token from each of these flows into it."""

    frame: int
    node: int
    flows: tuple[int, ...]


class Called(msgspec.Struct, frozen=True, array_like=True, tag=37):
    """Act `act` opened an instance of another process; it lives in the stream of its caller."""

    key: int
    act: int
    id: str
    version: int
    frame: int
    variables: dict[str, object]
    business_key: str


Delta = (
    Deployed
    | InstanceStarted
    | InstanceEnded
    | FrameOpened
    | FrameClosed
    | VariablesSet
    | Passed
    | TokenAdded
    | TokenTaken
    | Joined
    | ActOpened
    | ActClosed
    | ActHeld
    | LocalsSet
    | Fired
    | FiringStarted
    | FiringEnded
    | PageFed
    | PageWaits
    | JobOffered
    | JobLeased
    | JobReady
    | JobFailed
    | JobAssigned
    | TimerSet
    | TimerCleared
    | MessageKept
    | MessageTaken
    | MessageDropped
    | IncidentRaised
    | IncidentCleared
    | Migrated
    | MessageAwaited
    | EventHappened
    | Merged
    | Called
    | OperationDelta
    | UndoDelta
    | RoundDelta
    | DecisionDelta
    | EventDelta
)


class Body(msgspec.Struct, frozen=True, array_like=True):
    """The body of one row."""

    command: str
    reply: Reply | None
    deltas: list[Delta]


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Body)


def encode_body(body: Body) -> bytes:
    """Return the bytes of a row's body."""
    return _ENCODER.encode(body)


def decode_body(body: bytes) -> Body:
    """Return the body of a row of version `FORMAT`; raises msgspec.DecodeError."""
    return _DECODER.decode(body)
