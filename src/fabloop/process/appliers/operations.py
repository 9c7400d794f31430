"""Appliers for suspension and batches."""

# ruff: noqa: ARG001, D103  # appliers are called alike, and do what their deltas say

from msgspec.structs import replace

from fabloop.base.instant import Instant
from fabloop.process.appliers.work import offer, withhold
from fabloop.process.operation_deltas import (
    BatchMoved,
    BatchOpened,
    BatchTurned,
    InstanceResumed,
    InstanceSuspended,
    ProcessResumed,
    ProcessSuspended,
)
from fabloop.process.operations import Batch, BatchState
from fabloop.process.state import Alarm, Frame, JobState, State

BATCHES_REMEMBERED_MAX = 100
"""Ended batches that are kept for queries."""

FAILURES_KEPT_MAX = 1_000
"""Reasons that a batch keeps; more are counted only."""


def instance_suspended(state: State, delta: InstanceSuspended, at: Instant) -> None:
    state.put(state.suspended, delta.key, at)
    for frame in state.subtree(state.instances[delta.key]):
        for act in frame.acts:
            withhold(state, act)


def instance_resumed(state: State, delta: InstanceResumed, at: Instant) -> None:
    state.drop(state.suspended, delta.key)
    for frame in state.subtree(state.instances[delta.key]):
        if not state.is_suspended(state.instances[frame.instance]):
            _wake(state, frame)


def _wake(state: State, frame: Frame) -> None:
    """Offer the jobs of a frame again, and enter its dates into the calendar again."""
    if frame.wake:
        state.alarm(frame.wake, frame.key, Alarm.PAGE)
    for act in frame.acts:
        job = state.jobs.get(act)
        if job is not None and job.state is JobState.READY:
            offer(state, job)
        elif job is not None and job.until:
            state.alarm(job.until, job.key, Alarm.JOB)
        for timer in state.acts[act].timers:
            state.alarm(state.timers[timer].due, timer, Alarm.TIMER)
        if act in state.repetitions and (wake := state.repetitions[act].wake):
            state.alarm(wake, act, Alarm.ROUNDS)


def process_suspended(state: State, delta: ProcessSuspended, at: Instant) -> None:
    state.put(state.stopped, (delta.id, delta.version), at)


def process_resumed(state: State, delta: ProcessResumed, at: Instant) -> None:
    state.drop(state.stopped, (delta.id, delta.version))


def batch_opened(state: State, delta: BatchOpened, at: Instant) -> None:
    key = state.saw(delta.key)
    state.put(
        state.batches,
        key,
        Batch(
            key=key,
            action=delta.action,
            targets=delta.targets,
            started_at=at,
            state=BatchState.RUNNING if delta.targets else BatchState.FINISHED,
        ),
    )
    ended = [each.key for each in state.batches.values() if each.state >= BatchState.FINISHED]
    for old in ended[:-BATCHES_REMEMBERED_MAX]:
        state.drop(state.batches, old)


def batch_moved(state: State, delta: BatchMoved, at: Instant) -> None:
    old = state.batches[delta.key]
    position = old.position + delta.count
    moved = replace(
        old,
        position=position,
        failed=old.failed + len(delta.failures),
        failures=(*old.failures, *delta.failures)[:FAILURES_KEPT_MAX],
        state=BatchState.FINISHED if position == len(old.targets) else old.state,
    )
    state.put(state.batches, delta.key, moved)


def batch_turned(state: State, delta: BatchTurned, at: Instant) -> None:
    old = state.batches[delta.key]
    state.put(state.batches, delta.key, replace(old, state=BatchState(delta.state)))
