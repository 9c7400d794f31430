"""What the engine knows: tables of immutable records, changed only by `apply`, undoable."""

from collections import OrderedDict
from collections.abc import Iterator
from enum import IntEnum
from heapq import heapify, heappop, heappush
from typing import Any, Final, TypeVar

import msgspec
from msgspec.structs import replace

from fabloop.base.instant import Instant
from fabloop.feel.dmn import Model
from fabloop.process.awaited import Condition, Opening, SignalWait, Subscription, Timer
from fabloop.process.commands import Reply, Variables
from fabloop.process.cpn.bag import Bag
from fabloop.process.cpn.token import Token
from fabloop.process.decision_model import DecisionModel
from fabloop.process.definition import Definition, DefinitionKey, Node, Scope
from fabloop.process.deployment import Deployment
from fabloop.process.kept import Completed, Kept
from fabloop.process.operations import Batch
from fabloop.process.remembered import Finished, Message
from fabloop.process.repetition import Repetition
from fabloop.process.shelf import Shelf

K = TypeVar("K")
V = TypeVar("V")

NO_TIME = Instant(0)
PARTITION_SHIFT = 51
"""Keys carry their partition above this bit, so that partitions never mint the same key."""

ROOT_STREAM = "instance/"
"""Begins the name of the stream of an instance and of those it calls; its key follows."""

RESTING_TABLES = 8
"""Tables whose records may rest as bytes."""

REQUESTS_REMEMBERED_MAX = 100_000
STALE_ALARMS_MAX = 10_000

_ABSENT: Final = object()


class Phase(IntEnum):
    """Where an act stands."""

    WAITING = 0
    ENTERING = 1
    """It could not be entered; an incident tells why, a retry enters again."""
    LEAVING = 2
    """Its work is done, but its outputs failed; a retry leaves with the kept result."""
    UNDOING = 3
    """It has what was completed undone, one after another, and then goes on."""
    LISTENING = 4
    """It is no work: it waits for what begins an event sub-process, as long as its frame runs."""
    QUEUED = 5
    """It was chosen in an ad-hoc sub-process, and has its turn after others."""


class Role(IntEnum):
    """What a frame is there for."""

    RUNS = 0
    UNDOES = 1
    """The activity that undoes another runs in it, over what that one knew."""
    REOPENED = 2
    """It was complete; what was completed in it is undone in it, on its variables of then."""


class JobState(IntEnum):
    """Whether a job may be taken."""

    READY = 0
    LEASED = 1
    BACKOFF = 2
    FAILED = 3


class Instance(msgspec.Struct, frozen=True):
    """A running process instance.

    Attributes
    ----------
    stream : where its rows go
    frames : keys of its frames, outer ones before inner ones
    pages : those of them that are pages
    shared : the bags of its fusion places
    caller : the act that called it, or 0
    correlation : the key of the message that started it: no second one starts meanwhile
    """

    key: int
    definition: DefinitionKey
    business_key: str
    frame: int
    started_at: Instant
    stream: str
    frames: dict[int, None]
    pages: dict[int, None]
    shared: tuple[Bag, ...]
    caller: int = 0
    correlation: str = ""


class Frame(msgspec.Struct, frozen=True):
    """One activation of a scope.

    Attributes
    ----------
    act : the act that opened it (0 for the root)
    variables : its own variables
    tokens : flow number -> tokens that wait there
    acts : keys of what is in progress in it
    bags : per place of a page; those of fusion places are the instance's own objects
    wake : when a page can go on by itself (0: never)
    incident : key of an incident of the whole frame, or 0
    done : completed activities that can be undone, by key
    role : whether it runs, or something is undone in it
    """

    key: int
    instance: int
    scope: int
    act: int
    variables: Variables
    tokens: dict[int, int]
    acts: dict[int, None]
    bags: tuple[Bag, ...] = ()
    wake: Instant = NO_TIME
    incident: int = 0
    done: dict[int, Completed] = {}
    role: Role = Role.RUNS


class Act(msgspec.Struct, frozen=True):
    """A node, or a transition of a page, in progress.

    Attributes
    ----------
    node : number of the node (of the page's owner for a firing)
    transition : number of the transition, or -1
    locals : variables seen by this act alone; for a firing, its bound variables
    result : what its work has yielded, while it cannot be left
    consumed : tokens that a firing took
    child : frame it opened, or 0
    called : instance it called, or 0
    timers : keys of timers that run for it
    subscriptions : keys of the messages it waits for
    signals, conditions : the same for signals and conditions
    incident : key of its incident, or 0
    kept : what is left of its frame when that has completed, while the act itself has not
    undo : what it still has to have undone, the next one last
    """

    key: int
    frame: int
    node: int
    phase: Phase
    locals: Variables
    transition: int = -1
    consumed: tuple[tuple[int, Token, Instant], ...] = ()
    result: Variables = {}
    child: int = 0
    called: int = 0
    timers: tuple[int, ...] = ()
    subscriptions: tuple[int, ...] = ()
    signals: tuple[int, ...] = ()
    conditions: tuple[int, ...] = ()
    incident: int = 0
    kept: Kept | None = None
    undo: tuple[Completed, ...] = ()


class JobRecord(msgspec.Struct, frozen=True):
    """Work of the act with the same key; `until` ends the lease or the back-off."""

    key: int
    type: str
    person: bool
    retries: int
    assignee: str
    candidates: tuple[str, ...]
    state: JobState = JobState.READY
    worker: str = ""
    epoch: int = 0
    until: Instant = NO_TIME
    message: str = ""


class Incident(msgspec.Struct, frozen=True):
    """Something that needs a person."""

    key: int
    frame: int
    act: int
    node: int
    kind: str
    text: str
    raised_at: Instant


class Alarm(IntEnum):
    """What an entry of the calendar is about."""

    TIMER = 0
    JOB = 1
    PAGE = 2
    MESSAGE = 3
    ROUNDS = 4
    OPENING = 5


Entry = tuple[Instant, int, Alarm]
"""When, which key, what kind."""


class State:
    """All tables of one partition. Two states are equal when their records are.

    Every change goes through `put`, `drop`, `deposit` or `withdraw`, which remember how to undo it
    until `commit`. Indexes follow the records; the calendar may hold entries that no longer apply
    (`holds` tells), so that nothing is searched when a timer is cleared.
    """

    def __init__(self, partition: int = 0) -> None:
        self.partition = partition
        self.last_key = partition << PARTITION_SHIFT
        self.definitions: dict[DefinitionKey, Definition] = {}
        self.deployments: dict[DefinitionKey, Deployment] = {}
        self.versions: dict[str, int] = {}
        self.models: dict[int, Model] = {}
        self.decision_models: dict[int, DecisionModel] = {}
        self.decisions: dict[tuple[str, int], int] = {}
        self.decision_versions: dict[str, int] = {}
        self.model_digests: dict[str, int] = {}
        self.digests: dict[tuple[str, str], int] = {}
        self.instances: dict[int, Instance] = {}
        self.frames: dict[int, Frame] = {}
        self.acts: dict[int, Act] = {}
        self.jobs: dict[int, JobRecord] = {}
        self.timers: dict[int, Timer] = {}
        self.subscriptions: dict[int, Subscription] = {}
        self.signals: dict[int, SignalWait] = {}
        self.conditions: dict[int, Condition] = {}
        self.openings: dict[int, Opening] = {}
        self.messages: dict[int, Message] = {}
        self.incidents: dict[int, Incident] = {}
        self.repetitions: dict[int, Repetition] = {}
        # Where the oldest goes first, a dict would walk over all that have gone before it.
        self.finished: OrderedDict[int, Finished] = OrderedDict()
        self.suspended: dict[int, Instant] = {}
        self.stopped: dict[tuple[str, int], Instant] = {}
        self.batches: dict[int, Batch] = {}
        self.requests: OrderedDict[str, Reply] = OrderedDict()
        self.ready: dict[str, dict[int, None]] = {}
        self.waiting: dict[tuple[str, str], dict[int, None]] = {}
        self.kept: dict[tuple[str, str], dict[int, None]] = {}
        self.listening: dict[str, dict[int, None]] = {}
        self.readers: dict[tuple[int, str], dict[int, None]] = {}
        self.opened: dict[tuple[int, str], dict[int, None]] = {}
        self.openings_of: dict[str, dict[int, None]] = {}
        self.locks: dict[tuple[str, str], int] = {}
        self.kpis: dict[str, object] = {}
        self.calendar: list[Entry] = []
        self.touched: OrderedDict[str, None] = OrderedDict()
        self.shelf = Shelf(RESTING_TABLES)
        self._undo: list[tuple[Any, Any, object]] = []  # tables of many types
        self._rung: list[Entry] = []
        self._mark = self.last_key

    # -- changes, undoable until commit -------------------------------------------------------

    def put(self, table: dict[K, V], key: K, value: V) -> None:
        """Set an entry of a table."""
        self._undo.append((table, key, table.get(key, _ABSENT)))
        table[key] = value

    def drop(self, table: dict[K, V], key: K) -> None:
        """Take an entry out of a table."""
        self._undo.append((table, key, table.pop(key)))

    def drop_oldest(self, table: OrderedDict[K, V]) -> None:
        """Take the oldest entry out of a table; a rollback makes it the oldest again."""
        key, value = table.popitem(last=False)
        self._undo.append((table, key, value))

    def deposit(self, bag: Bag, value: Token, ready_at: Instant) -> None:
        """Put a token into a bag."""
        bag.add(value, ready_at)
        self._undo.append((bag, (value, ready_at), True))

    def withdraw(self, bag: Bag, value: Token, ready_at: Instant) -> None:
        """Take a token from a bag."""
        bag.remove(value, ready_at)
        self._undo.append((bag, (value, ready_at), False))

    def join_index(self, index: dict[K, dict[int, None]], name: K, key: int) -> None:
        """List a key under a name of an index."""
        listed = index.get(name)
        if listed is None:
            self.put(index, name, listed := {})
        self.put(listed, key, None)

    def leave_index(self, index: dict[K, dict[int, None]], name: K, key: int) -> None:
        """Take a key from an index; a name without keys goes."""
        listed = index[name]
        self.drop(listed, key)
        if not listed:
            self.drop(index, name)

    def saw(self, key: int) -> int:
        """Note that a key is in use, and return it."""
        if key > self.last_key:
            self.last_key = key
        return key

    def touch(self, stream: str) -> None:
        """Note that something happens in a stream: the instance in it does not rest."""
        if stream.startswith(ROOT_STREAM):
            self.touched[stream] = None
            self.touched.move_to_end(stream)

    def alarm(self, at: Instant, key: int, kind: Alarm) -> None:
        """Enter a date into the calendar."""
        heappush(self.calendar, (at, key, kind))

    def drop_alarm(self) -> None:
        """Take the first date out of the calendar; a rollback enters it again."""
        self._rung.append(heappop(self.calendar))

    def commit(self) -> None:
        """Forget how to undo."""
        self._undo.clear()
        self._rung.clear()
        self._mark = self.last_key
        entries = len(self.calendar)
        if entries > STALE_ALARMS_MAX and entries > STALE_ALARMS_MAX + 2 * self._alarms_max():
            self._prune_calendar()

    def rollback(self) -> None:
        """Undo everything since the last commit."""
        self.rollback_to((0, self._mark))
        for entry in self._rung:  # what was entered since stays: it does not apply any more
            heappush(self.calendar, entry)
        self._rung.clear()

    def savepoint(self) -> tuple[int, int]:
        """Return a mark to which `rollback_to` can undo."""
        return len(self._undo), self.last_key

    def rollback_to(self, mark: tuple[int, int]) -> None:
        """Undo what was changed since a mark; no date may have left the calendar since."""
        kept, self.last_key = mark
        for table, key, old in reversed(self._undo[kept:]):
            if isinstance(table, Bag):
                value, ready_at = key
                (table.remove if old else table.add)(value, ready_at)
            elif old is _ABSENT:
                del table[key]
            elif isinstance(table, OrderedDict) and key not in table:
                table[key] = old
                table.move_to_end(key, last=False)
            else:
                table[key] = old
        del self._undo[kept:]

    # -- the calendar -------------------------------------------------------------------------

    def holds(self, entry: Entry) -> bool:
        """Whether a calendar entry applies: it still does, and its instance is not suspended."""
        return self._applies(entry) and not (self.suspended and self._rests(entry))

    def _rests(self, entry: Entry) -> bool:
        _, key, kind = entry
        match kind:
            case Alarm.TIMER:
                return self.is_suspended(self.instance_of(self.acts[self.timers[key].act]))
            case Alarm.JOB | Alarm.ROUNDS:
                return self.is_suspended(self.instance_of(self.acts[key]))
            case Alarm.PAGE:
                return self.is_suspended(self.instances[self.frames[key].instance])
            case Alarm.MESSAGE | Alarm.OPENING:
                return False

    def _applies(self, entry: Entry) -> bool:
        at, key, kind = entry
        match kind:
            case Alarm.TIMER:
                timer = self.timers.get(key)
                return timer is not None and timer.due == at
            case Alarm.JOB:
                job = self.jobs.get(key)
                return job is not None and job.until == at and job.state in _TIMED
            case Alarm.PAGE:
                frame = self.frames.get(key)
                return frame is not None and frame.wake == at
            case Alarm.MESSAGE:
                message = self.messages.get(key)
                return message is not None and message.until == at
            case Alarm.ROUNDS:
                repetition = self.repetitions.get(key)
                return repetition is not None and repetition.wake == at
            case Alarm.OPENING:
                opening = self.openings.get(key)
                return opening is not None and opening.due == at

    def dates(self) -> Iterator[Entry]:
        """Yield the entries of the calendar that still apply, and those of what rests."""
        for entry in self.calendar:
            if entry[1] in self.shelf or self._applies(entry):
                yield entry

    def _prune_calendar(self) -> None:
        self.calendar = list(self.dates())
        heapify(self.calendar)

    def _alarms_max(self) -> int:
        most = len(self.timers) + len(self.jobs) + len(self.frames) + len(self.openings)
        return most + len(self.messages) + len(self.repetitions)

    # -- reading ------------------------------------------------------------------------------

    def definition_of(self, frame: Frame) -> Definition:
        """Return the definition that a frame runs by."""
        return self.definitions[self.instances[frame.instance].definition]

    def scope_of(self, frame: Frame) -> Scope:
        """Return the scope that a frame activates."""
        return self.definition_of(frame).scopes[frame.scope]

    def node_of(self, act: Act) -> Node:
        """Return the node of an act."""
        return self.definition_of(self.frames[act.frame]).nodes[act.node]

    def instance_of(self, act: Act) -> Instance:
        """Return the instance an act belongs to."""
        return self.instances[self.frames[act.frame].instance]

    def lineage(self, frame: Frame) -> Iterator[Frame]:
        """Yield a frame and the frames that enclose it, innermost first."""
        while True:
            yield frame
            if not frame.act:
                return
            frame = self.frames[self.acts[frame.act].frame]

    def is_suspended(self, instance: Instance) -> bool:
        """Whether an instance, or one that has called it, is suspended."""
        if not self.suspended:
            return False
        while instance.key not in self.suspended:
            if not instance.caller:
                return False
            instance = self.instance_of(self.acts[instance.caller])
        return True

    def is_stopped(self, key: DefinitionKey) -> bool:
        """Whether a definition takes no new instances."""
        if not self.stopped:
            return False
        return (key.id, 0) in self.stopped or (key.id, key.version) in self.stopped

    def subtree(self, instance: Instance) -> Iterator[Frame]:
        """Yield the frames of an instance and of those it has called."""
        for key in instance.frames:
            frame = self.frames[key]
            yield frame
            for act in frame.acts:
                if called := self.acts[act].called:
                    yield from self.subtree(self.instances[called])

    def visible(self, frame: Frame) -> Variables:
        """Return the variables seen from a frame; for the root these are its own, not a copy."""
        if not frame.act:
            return frame.variables
        seen: Variables = {}
        for each in reversed(list(self.lineage(frame))):
            seen.update(each.variables)
        return seen

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, State):
            return NotImplemented
        names = [name for name in vars(self) if name not in _DERIVED and not name.startswith("_")]
        return all(getattr(self, name) == getattr(other, name) for name in names)

    __hash__ = None  # type: ignore[assignment]  # a state changes


_TIMED = (JobState.LEASED, JobState.BACKOFF)
_DERIVED = ("definitions", "models", "calendar", "touched", "shelf")


def amended(state: State, act: Act, **changes: object) -> None:
    """Put an act with some fields changed."""
    state.put(state.acts, act.key, replace(act, **changes))
