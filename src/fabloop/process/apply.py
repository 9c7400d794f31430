"""The only code that changes the state: one small function per delta, for live run and replay.

It never judges, searches or evaluates. What a released delta does here never changes.
"""

from collections.abc import Callable
from typing import Any

from fabloop.base.instant import Instant
from fabloop.process.appliers import (
    decisions,
    events,
    migration,
    operations,
    pages,
    rounds,
    scopes,
    undo,
    work,
)
from fabloop.process.commands import Reply
from fabloop.process.decision_deltas import DecisionsDeployed
from fabloop.process.deltas import (
    ActClosed,
    ActHeld,
    ActOpened,
    Called,
    Delta,
    Deployed,
    EventHappened,
    Fired,
    FiringEnded,
    FiringStarted,
    FrameClosed,
    FrameOpened,
    IncidentCleared,
    IncidentRaised,
    InstanceEnded,
    InstanceStarted,
    JobAssigned,
    JobFailed,
    JobLeased,
    JobOffered,
    JobReady,
    Joined,
    LocalsSet,
    Merged,
    MessageAwaited,
    MessageDropped,
    MessageKept,
    MessageTaken,
    Migrated,
    PageFed,
    PageWaits,
    Passed,
    TimerCleared,
    TimerSet,
    TokenAdded,
    TokenTaken,
    VariablesSet,
)
from fabloop.process.event_deltas import (
    ConditionAwaited,
    ConditionTurned,
    CycleSet,
    EventDisarmed,
    EventHeld,
    HeldTaken,
    KpisSet,
    Locked,
    OpeningMade,
    OpeningMoved,
    OpeningsClosed,
    OpeningTurned,
    SignalAwaited,
    TimerMoved,
)
from fabloop.process.operation_deltas import (
    BatchMoved,
    BatchOpened,
    BatchTurned,
    InstanceResumed,
    InstanceSuspended,
    ProcessResumed,
    ProcessSuspended,
)
from fabloop.process.round_deltas import (
    RepetitionOpened,
    RoundEnded,
    RoundOpened,
    RoundsDropped,
    RoundsWait,
)
from fabloop.process.state import REQUESTS_REMEMBERED_MAX, State
from fabloop.process.undo_deltas import FrameKept, RoundKept, Undoable, UndoBegan, UndoOpened


def apply(state: State, delta: Delta, at: Instant) -> None:
    """Change the state by one delta that was decided at instant `at`."""
    APPLIERS[type(delta)](state, delta, at)


def remember(state: State, request: str, reply: Reply) -> None:
    """Keep the reply to a request; the oldest is forgotten beyond `REQUESTS_REMEMBERED_MAX`."""
    state.put(state.requests, request, reply)
    if len(state.requests) > REQUESTS_REMEMBERED_MAX:
        state.drop_oldest(state.requests)


# Each applier takes its own delta; a table typed by that cannot be written, hence Any.
APPLIERS: dict[type[Any], Callable[[State, Any, Instant], None]] = {
    Deployed: scopes.deployed,
    InstanceStarted: scopes.instance_started,
    InstanceEnded: scopes.instance_ended,
    FrameOpened: scopes.frame_opened,
    FrameClosed: scopes.frame_closed,
    VariablesSet: scopes.variables_set,
    Passed: scopes.passed,
    TokenAdded: scopes.token_added,
    TokenTaken: scopes.token_taken,
    Joined: scopes.joined,
    ActOpened: scopes.act_opened,
    ActClosed: scopes.act_closed,
    ActHeld: scopes.act_held,
    LocalsSet: scopes.locals_set,
    Fired: pages.fired,
    FiringStarted: pages.firing_started,
    FiringEnded: pages.firing_ended,
    PageFed: pages.page_fed,
    PageWaits: pages.page_waits,
    JobOffered: work.job_offered,
    JobLeased: work.job_leased,
    JobReady: work.job_ready,
    JobFailed: work.job_failed,
    JobAssigned: work.job_assigned,
    TimerSet: work.timer_set,
    TimerCleared: work.timer_cleared,
    MessageKept: work.message_kept,
    MessageTaken: work.message_taken,
    MessageDropped: work.message_dropped,
    IncidentRaised: work.incident_raised,
    IncidentCleared: work.incident_cleared,
    Migrated: migration.migrated,
    Called: scopes.called,
    Merged: scopes.merged,
    MessageAwaited: work.message_awaited,
    EventHappened: work.event_happened,
    SignalAwaited: events.signal_awaited,
    EventHeld: events.event_held,
    HeldTaken: events.held_taken,
    CycleSet: events.cycle_set,
    TimerMoved: events.timer_moved,
    ConditionAwaited: events.condition_awaited,
    ConditionTurned: events.condition_turned,
    EventDisarmed: events.event_disarmed,
    KpisSet: events.kpis_set,
    OpeningMade: events.opening_made,
    OpeningMoved: events.opening_moved,
    OpeningTurned: events.opening_turned,
    OpeningsClosed: events.openings_closed,
    Locked: events.locked,
    InstanceSuspended: operations.instance_suspended,
    InstanceResumed: operations.instance_resumed,
    ProcessSuspended: operations.process_suspended,
    ProcessResumed: operations.process_resumed,
    BatchOpened: operations.batch_opened,
    BatchMoved: operations.batch_moved,
    BatchTurned: operations.batch_turned,
    FrameKept: undo.frame_kept,
    Undoable: undo.undoable,
    UndoBegan: undo.undo_began,
    UndoOpened: undo.undo_opened,
    RoundKept: undo.round_kept,
    DecisionsDeployed: decisions.decisions_deployed,
    RepetitionOpened: rounds.repetition_opened,
    RoundOpened: rounds.round_opened,
    RoundEnded: rounds.round_ended,
    RoundsDropped: rounds.rounds_dropped,
    RoundsWait: rounds.rounds_wait,
}
"""What each delta changes."""
