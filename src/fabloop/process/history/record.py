"""Journal rows to events: a state is kept beside, so that every delta is told in its words."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fabloop.base.instant import Instant
from fabloop.base.journal import Row
from fabloop.process.apply import apply
from fabloop.process.bpmn.outline import all_nodes
from fabloop.process.commands import InstanceState, Variables
from fabloop.process.definition import DefinitionKey
from fabloop.process.deltas import (
    ROW_KIND,
    ActClosed,
    ActOpened,
    Called,
    EventHappened,
    Fired,
    FiringEnded,
    FiringStarted,
    FrameClosed,
    IncidentCleared,
    IncidentRaised,
    InstanceEnded,
    InstanceStarted,
    JobAssigned,
    JobFailed,
    JobLeased,
    Migrated,
    Passed,
    VariablesSet,
    decode_body,
)
from fabloop.process.history.event import EventKind, HistoryEvent
from fabloop.process.operation_deltas import InstanceResumed, InstanceSuspended
from fabloop.process.round_deltas import RoundEnded, RoundsDropped
from fabloop.process.state import Act, Frame, Instance, Phase, State


def history_of(rows: Iterable[tuple[int, Row]], partition: int = 0) -> Iterator[HistoryEvent]:
    """Yield what the rows of a journal tell, in their order; it begins with the first row.

    Rows of other kinds and partitions are passed over. Memory is bound by what runs at a time.

    Raises
    ------
    msgspec.DecodeError
        A row cannot be read.
    """
    recorder = Recorder(partition)
    for seq, row in rows:
        yield from recorder.take(seq, row)


class Recorder:
    """Follows one partition; `take` may be called as rows come."""

    def __init__(self, partition: int = 0) -> None:
        self.state = State(partition)
        self._seq = 0
        self._row: Row | None = None
        self._events: list[HistoryEvent] = []
        self._trails: dict[int, list[int]] = {}
        self._known: dict[DefinitionKey, dict[str, str]] = {}

    def take(self, seq: int, row: Row) -> list[HistoryEvent]:
        """Return the events of the next row."""
        if row.kind != ROW_KIND or row.partition != self.state.partition:
            return []
        self._seq, self._row, self._events = seq, row, []
        deltas = decode_body(row.body).deltas
        self._trails = {each.frame: each.nodes for each in deltas if isinstance(each, Passed)}
        for delta in deltas:
            tell = _TELLERS.get(type(delta))
            if tell is not None:
                tell(self, delta)
            apply(self.state, delta, row.at)
        self.state.commit()
        return self._events

    # -- instances ----------------------------------------------------------------------------

    def started(self, delta: InstanceStarted) -> None:
        """Tell that an instance began."""
        key = DefinitionKey(delta.id, delta.version)
        self._begun(delta.key, delta.key, key, delta.business_key, delta.variables)

    def called(self, delta: Called) -> None:
        """Tell that a called instance began."""
        caller = self.state.instance_of(self.state.acts[delta.act])
        key = DefinitionKey(delta.id, delta.version)
        self._begun(delta.key, _root(caller), key, caller.business_key, delta.variables)

    def _begun(
        self, key: int, root: int, definition: DefinitionKey, business_key: str, given: Variables
    ) -> None:
        row = self._row
        assert row is not None, "events are told of a row"
        event = HistoryEvent(
            seq=self._seq,
            at=row.at,
            kind=EventKind.INSTANCE_STARTED,
            instance=key,
            root=root,
            process=definition.id,
            version=definition.version,
            business_key=business_key,
            resource=row.actor,
            variables=dict(given),
        )
        self._events.append(event)

    def ended(self, delta: InstanceEnded) -> None:
        """Tell that an instance ended, and what was cancelled with it."""
        instance = self.state.instances[delta.key]
        self._dropped(self.state.frames[instance.frame])
        completed = delta.state == InstanceState.COMPLETED
        kind = EventKind.INSTANCE_COMPLETED if completed else EventKind.INSTANCE_CANCELLED
        self._tell(kind, instance, variables=dict(self.state.frames[instance.frame].variables))

    def migrated(self, delta: Migrated) -> None:
        """Tell that an instance runs by another definition."""
        instance = self.state.instances[delta.instance]
        text = f"{instance.definition.id} {instance.definition.version} to {delta.version}"
        self._tell(EventKind.INSTANCE_MIGRATED, instance, text=text)

    def suspended(self, delta: InstanceSuspended) -> None:
        """Tell that an instance stands still."""
        self._tell(EventKind.INSTANCE_SUSPENDED, self.state.instances[delta.key])

    def resumed(self, delta: InstanceResumed) -> None:
        """Tell that an instance goes on."""
        self._tell(EventKind.INSTANCE_RESUMED, self.state.instances[delta.key])

    # -- nodes --------------------------------------------------------------------------------

    def opened(self, delta: ActOpened) -> None:
        """Tell that a node began to wait; one that could not be entered has its incident."""
        self._pass(delta.frame)
        frame = self.state.frames[delta.frame]
        if self._is_told(frame, delta.node, Phase(delta.phase)):
            self._tell_node(EventKind.STARTED, frame, delta.node, delta.key)

    def closed(self, delta: ActClosed) -> None:
        """Tell that a node was left, or cancelled with all within it."""
        act = self.state.acts[delta.key]
        if not delta.completed:
            self._cancelled(act)
        elif self._is_told(self.state.frames[act.frame], act.node, act.phase):
            self._tell_act(EventKind.COMPLETED, act)

    def _is_told(self, frame: Frame, node: int, phase: Phase) -> bool:
        """Whether an act is an event of the history: not one that listens, or could not begin.

        Nor one by which a completed scope is undone: what is undone in it tells of itself.
        """
        if phase is Phase.UNDOING:
            return self.state.definition_of(frame).nodes[node].scope == frame.scope
        return phase in (Phase.WAITING, Phase.LEAVING)

    def _cancelled(self, act: Act) -> None:
        if act.child:
            self._dropped(self.state.frames[act.child])
        self._rounds_cancelled(act.key)
        if self._is_told(self.state.frames[act.frame], act.node, act.phase):
            self._tell_act(EventKind.CANCELLED, act)

    def _rounds_cancelled(self, key: int) -> None:
        rounds = self.state.repetitions.get(key)
        for frame in rounds.active if rounds is not None else ():
            self._dropped(self.state.frames[frame])

    def round_ended(self, delta: RoundEnded) -> None:
        """Tell what was passed in a round, or cancelled with it."""
        if delta.completed:
            self._pass(delta.frame)
        else:
            self._dropped(self.state.frames[delta.frame])

    def rounds_dropped(self, delta: RoundsDropped) -> None:
        """Tell that the rounds that were left are cancelled."""
        self._rounds_cancelled(delta.act)

    def _dropped(self, frame: Frame) -> None:
        self._pass(frame.key)
        for key in frame.acts:
            self._cancelled(self.state.acts[key])

    def happened(self, delta: EventHappened) -> None:
        """Tell that the first of several events has come: the act goes on at that event."""
        act = self.state.acts[delta.act]
        self._tell_act(EventKind.COMPLETED, act)
        frame = self.state.frames[act.frame]
        self._tell_node(EventKind.STARTED, frame, delta.node, act.key)

    def passed(self, delta: Passed) -> None:
        """Tell which nodes a token ran through, unless that was told already."""
        self._pass(delta.frame)

    def frame_closed(self, delta: FrameClosed) -> None:
        """Tell what was passed in a frame before it closed."""
        self._pass(delta.key)

    def _pass(self, key: int) -> None:
        """Tell where tokens ran, before their frame waits or ends; the journal does so after."""
        for node in self._trails.pop(key, ()):
            self._tell_node(EventKind.PASSED, self.state.frames[key], node, 0)

    # -- pages --------------------------------------------------------------------------------

    def fired(self, delta: Fired) -> None:
        """Tell that a transition fired at once."""
        frame = self.state.frames[delta.frame]
        owner = self.state.scope_of(frame).owner
        name = self._transition(frame, delta.transition)
        self._tell_node(EventKind.PASSED, frame, owner, 0, transition=name)

    def firing(self, delta: FiringStarted) -> None:
        """Tell that a transition waits for work."""
        frame = self.state.frames[delta.frame]
        owner = self.state.scope_of(frame).owner
        name, bound = self._transition(frame, delta.transition), dict(delta.locals)
        self._tell_node(
            EventKind.STARTED, frame, owner, delta.key, transition=name, variables=bound
        )

    def firing_ended(self, delta: FiringEnded) -> None:
        """Tell that the work of a transition is done."""
        self._tell_act(EventKind.COMPLETED, self.state.acts[delta.key])

    def _transition(self, frame: Frame, number: int) -> str:
        net = self.state.scope_of(frame).net
        return net.transitions[number].name if net is not None else ""

    # -- work ---------------------------------------------------------------------------------

    def leased(self, delta: JobLeased) -> None:
        """Tell who took a job; a longer lease is no news."""
        if delta.epoch != self.state.jobs[delta.key].epoch:
            self._tell_act(EventKind.TAKEN, self.state.acts[delta.key], resource=delta.worker)

    def assigned(self, delta: JobAssigned) -> None:
        """Tell to whom a job was given."""
        self._tell_act(EventKind.ASSIGNED, self.state.acts[delta.key], resource=delta.assignee)

    def failed(self, delta: JobFailed) -> None:
        """Tell that an attempt failed, and why."""
        self._tell_act(EventKind.FAILED, self.state.acts[delta.key], text=delta.message)

    def variables_set(self, delta: VariablesSet) -> None:
        """Tell which variables got a value."""
        frame = self.state.frames[delta.frame]
        instance = self.state.instances[frame.instance]
        self._tell(EventKind.VARIABLES_SET, instance, variables=dict(delta.values))

    def incident(self, delta: IncidentRaised) -> None:
        """Tell what needs a person."""
        frame = self.state.frames[delta.frame]
        text = f"{delta.kind}: {delta.text}"
        self._tell_node(EventKind.INCIDENT_RAISED, frame, delta.node, delta.act, text=text)

    def cleared(self, delta: IncidentCleared) -> None:
        """Tell that a person has dealt with it."""
        incident = self.state.incidents[delta.key]
        frame = self.state.frames[incident.frame]
        self._tell_node(EventKind.INCIDENT_CLEARED, frame, incident.node, incident.act)

    # -- telling ------------------------------------------------------------------------------

    def _tell_act(self, kind: EventKind, act: Act, *, resource: str = "", text: str = "") -> None:
        frame = self.state.frames[act.frame]
        transition = self._transition(frame, act.transition) if act.transition >= 0 else ""
        job = self.state.jobs.get(act.key)
        worker = resource or (job.worker or job.assignee if job is not None else "")
        self._tell_node(
            kind, frame, act.node, act.key, transition=transition, resource=worker, text=text
        )

    def _tell_node(self, kind: EventKind, frame: Frame, number: int, key: int, **more: Any) -> None:
        node = self.state.definition_of(frame).nodes[number]
        instance = self.state.instances[frame.instance]
        element = self._elements(instance.definition).get(node.id, "")
        self._tell(kind, instance, node=node.id, name=node.name, element=element, key=key, **more)

    def _elements(self, definition: DefinitionKey) -> dict[str, str]:
        """Return the BPMN element of each node, by id."""
        known = self._known.get(definition)
        if known is None:
            process = self.state.deployments[definition].process
            known = {node.id: str(type(node).__struct_config__.tag) for node in all_nodes(process)}
            self._known[definition] = known
        return known

    def _tell(self, kind: EventKind, instance: Instance, **more: Any) -> None:
        row = self._row
        assert row is not None, "events are told of a row"
        resource = more.pop("resource", "") or row.actor
        event = HistoryEvent(
            seq=self._seq,
            at=Instant(row.at),
            kind=kind,
            instance=instance.key,
            root=_root(instance),
            process=instance.definition.id,
            version=instance.definition.version,
            business_key=instance.business_key,
            resource=resource,
            **more,
        )
        self._events.append(event)


def _root(instance: Instance) -> int:
    return int(instance.stream.rpartition("/")[2])


# Each teller takes its own delta; a table typed by that cannot be written, hence Any.
_TELLERS: dict[type[Any], Callable[[Recorder, Any], None]] = {
    InstanceStarted: Recorder.started,
    Called: Recorder.called,
    InstanceEnded: Recorder.ended,
    Migrated: Recorder.migrated,
    InstanceSuspended: Recorder.suspended,
    InstanceResumed: Recorder.resumed,
    ActOpened: Recorder.opened,
    ActClosed: Recorder.closed,
    EventHappened: Recorder.happened,
    Passed: Recorder.passed,
    FrameClosed: Recorder.frame_closed,
    RoundEnded: Recorder.round_ended,
    RoundsDropped: Recorder.rounds_dropped,
    Fired: Recorder.fired,
    FiringStarted: Recorder.firing,
    FiringEnded: Recorder.firing_ended,
    JobLeased: Recorder.leased,
    JobAssigned: Recorder.assigned,
    JobFailed: Recorder.failed,
    VariablesSet: Recorder.variables_set,
    IncidentRaised: Recorder.incident,
    IncidentCleared: Recorder.cleared,
}
