"""What an engine tells as it decides, in the words of its history: where no journal is read."""

from collections.abc import Iterable, Sequence

import msgspec

from fabloop.base.instant import Instant
from fabloop.process.commands import (
    IncidentOpened,
    InstanceBegun,
    InstanceFinished,
    InstanceState,
    JobCancelled,
    JobCompleted,
    JobCreated,
    MigratedTo,
    NodeCompleted,
    Notice,
    Variables,
)
from fabloop.process.definition import DefinitionKey
from fabloop.process.history.event import EventKind, HistoryEvent


class _Known(msgspec.Struct, kw_only=True):
    definition: DefinitionKey
    business_key: str


class NoticeReader:
    """Turns notices into events of the history, as far as notices tell.

    They tell of jobs, nodes that were passed, ends and incidents; of variables those that a job
    sees when it is offered, and those at the end of an instance. What waits without a job (a timer,
    a message) is told when it is over. Of instances that were not named by `begun` nothing is told.
    """

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}
        self._rounds = 0

    def begun(
        self,
        instance: int,
        definition: DefinitionKey,
        business_key: str,
        variables: Variables,
        at: Instant,
    ) -> HistoryEvent:
        """Return that an instance was started by a command, whose reply names it."""
        self._known[instance] = _Known(definition=definition, business_key=business_key)
        self._rounds += 1
        return self._event(EventKind.INSTANCE_STARTED, instance, at, variables=dict(variables))

    def take(self, notices: Sequence[Notice], at: Instant) -> tuple[HistoryEvent, ...]:
        """Return what the notices of one command tell."""
        self._rounds += 1
        worked = {(each.instance, each.node) for each in notices if isinstance(each, JobCompleted)}
        found: list[HistoryEvent] = []
        for notice in notices:
            if isinstance(notice, InstanceBegun):
                known = _Known(definition=notice.definition, business_key="")
                self._known.setdefault(notice.instance, known)
            if notice.instance in self._known:
                found += self._told(notice, at, worked)
        return tuple(found)

    def _told(
        self, notice: Notice, at: Instant, worked: set[tuple[int, str]]
    ) -> Iterable[HistoryEvent]:
        own, node = notice.instance, getattr(notice, "node", "")
        match notice:
            case InstanceBegun():
                yield self._event(EventKind.INSTANCE_STARTED, own, at)
            case JobCreated(job=job, variables=variables, business_key=key):
                self._known[own].business_key = self._known[own].business_key or key
                seen = dict(variables)
                yield self._event(EventKind.VARIABLES_SET, own, at, variables=seen)
                yield self._event(EventKind.STARTED, own, at, node=node, key=job)
            case JobCompleted(job=job):
                yield self._event(EventKind.COMPLETED, own, at, node=node, key=job)
            case JobCancelled(job=job):
                yield self._event(EventKind.CANCELLED, own, at, node=node, key=job)
            case NodeCompleted() if (own, node) not in worked:
                yield self._event(EventKind.PASSED, own, at, node=node)
            case IncidentOpened(text=text):
                yield self._event(EventKind.INCIDENT_RAISED, own, at, node=node, text=text)
            case MigratedTo(target=target):
                self._known[own].definition = target
                yield self._event(EventKind.INSTANCE_MIGRATED, own, at)
            case InstanceFinished(state=state, variables=variables, business_key=key):
                self._known[own].business_key = self._known[own].business_key or key
                completed = state is InstanceState.COMPLETED
                kind = EventKind.INSTANCE_COMPLETED if completed else EventKind.INSTANCE_CANCELLED
                yield self._event(kind, own, at, variables=dict(variables))
                del self._known[own]
            case _:
                return

    def _event(
        self,
        kind: EventKind,
        instance: int,
        at: Instant,
        *,
        node: str = "",
        key: int = 0,
        variables: Variables | None = None,
        text: str = "",
    ) -> HistoryEvent:
        known = self._known[instance]
        return HistoryEvent(
            seq=self._rounds,
            at=at,
            kind=kind,
            instance=instance,
            root=instance,
            process=known.definition.id,
            version=known.definition.version,
            business_key=known.business_key,
            node=node,
            key=key,
            variables=variables or {},
            text=text,
        )
