"""Appliers for work and waiting: jobs, timers, messages, incidents."""

# ruff: noqa: ARG001, D103  # appliers are called alike, and do what their deltas say

from msgspec.structs import replace

from fabloop.base.instant import Instant
from fabloop.process.appliers.events import disarmed
from fabloop.process.awaited import Subscription, Timer
from fabloop.process.deltas import (
    EventHappened,
    IncidentCleared,
    IncidentRaised,
    JobAssigned,
    JobFailed,
    JobLeased,
    JobOffered,
    JobReady,
    MessageAwaited,
    MessageDropped,
    MessageKept,
    MessageTaken,
    TimerCleared,
    TimerSet,
)
from fabloop.process.remembered import Message
from fabloop.process.state import NO_TIME, Alarm, Incident, JobRecord, JobState, State


def job_offered(state: State, delta: JobOffered, at: Instant) -> None:
    job = JobRecord(
        delta.key, delta.job_type, delta.person, delta.retries, delta.assignee, delta.candidates
    )
    state.put(state.jobs, delta.key, job)
    offer(state, job)


def _change_job(state: State, old: JobRecord, new: JobRecord) -> None:
    state.put(state.jobs, old.key, new)
    if new.state is not JobState.READY:
        withhold(state, old.key)
    elif old.state is not JobState.READY:
        offer(state, new)
    if new.until:
        state.alarm(new.until, new.key, Alarm.JOB)


def drop_job(state: State, key: int) -> None:
    """Take a job out, if the act has one."""
    job = state.jobs.get(key)
    if job is not None:
        _unlist(state, job)
        state.drop(state.jobs, key)


def offer(state: State, job: JobRecord) -> None:
    """List a ready job among those to hand out, unless its instance is suspended."""
    if not state.suspended or not state.is_suspended(state.instance_of(state.acts[job.key])):
        state.join_index(state.ready, job.type, job.key)


def withhold(state: State, key: int) -> None:
    """Take the job of an act off the list of those to hand out, where it is on it."""
    job = state.jobs.get(key)
    if job is not None:
        _unlist(state, job)


def _unlist(state: State, job: JobRecord) -> None:
    if job.key in state.ready.get(job.type, ()):
        state.leave_index(state.ready, job.type, job.key)


def job_leased(state: State, delta: JobLeased, at: Instant) -> None:
    job = state.jobs[delta.key]
    leased = replace(
        job, state=JobState.LEASED, worker=delta.worker, epoch=delta.epoch, until=delta.until
    )
    _change_job(state, job, leased)


def job_ready(state: State, delta: JobReady, at: Instant) -> None:
    job = state.jobs[delta.key]
    ready = replace(job, state=JobState.READY, worker="", until=NO_TIME, retries=delta.retries)
    _change_job(state, job, ready)


def job_failed(state: State, delta: JobFailed, at: Instant) -> None:
    job = state.jobs[delta.key]
    failed = replace(
        job,
        state=JobState.BACKOFF if delta.retry_at else JobState.FAILED,
        worker="",
        until=delta.retry_at,
        retries=delta.retries,
        message=delta.message,
    )
    _change_job(state, job, failed)


def job_assigned(state: State, delta: JobAssigned, at: Instant) -> None:
    job = state.jobs[delta.key]
    state.put(state.jobs, delta.key, replace(job, assignee=delta.assignee))


def timer_set(state: State, delta: TimerSet, at: Instant) -> None:
    timer = Timer(state.saw(delta.key), delta.act, delta.node, delta.due)
    act = state.acts[delta.act]
    state.put(state.timers, delta.key, timer)
    state.put(state.acts, act.key, replace(act, timers=(*act.timers, delta.key)))
    state.alarm(delta.due, delta.key, Alarm.TIMER)


def timer_cleared(state: State, delta: TimerCleared, at: Instant) -> None:
    act = state.acts[state.timers[delta.key].act]
    left = tuple(timer for timer in act.timers if timer != delta.key)
    state.drop(state.timers, delta.key)
    state.put(state.acts, act.key, replace(act, timers=left))


def message_awaited(state: State, delta: MessageAwaited, at: Instant) -> None:
    made = Subscription(delta.key, delta.act, delta.node, delta.name, delta.correlation)
    act = state.acts[made.act]
    state.put(state.subscriptions, state.saw(made.key), made)
    state.put(state.acts, act.key, replace(act, subscriptions=(*act.subscriptions, made.key)))
    state.join_index(state.waiting, (made.name, made.correlation), made.key)


def event_happened(state: State, delta: EventHappened, at: Instant) -> None:
    act = disarmed(state, state.acts[delta.act])
    state.put(state.acts, act.key, replace(act, node=delta.node))


def message_kept(state: State, delta: MessageKept, at: Instant) -> None:
    message = Message(
        state.saw(delta.key),
        delta.name,
        delta.correlation,
        delta.id,
        delta.until,
        dict(delta.variables),
        delta.takers,
    )
    state.put(state.messages, delta.key, message)
    state.join_index(state.kept, (delta.name, delta.correlation), delta.key)
    state.alarm(delta.until, delta.key, Alarm.MESSAGE)


def message_taken(state: State, delta: MessageTaken, at: Instant) -> None:
    message = state.messages[delta.key]
    takers = (*message.takers, delta.taker)
    state.put(state.messages, delta.key, replace(message, takers=takers))


def message_dropped(state: State, delta: MessageDropped, at: Instant) -> None:
    message = state.messages[delta.key]
    state.leave_index(state.kept, (message.name, message.correlation), delta.key)
    state.drop(state.messages, delta.key)


def incident_raised(state: State, delta: IncidentRaised, at: Instant) -> None:
    incident = Incident(
        state.saw(delta.key), delta.frame, delta.act, delta.node, delta.kind, delta.text, at
    )
    state.put(state.incidents, delta.key, incident)
    _note_incident(state, incident, delta.key)


def incident_cleared(state: State, delta: IncidentCleared, at: Instant) -> None:
    _note_incident(state, state.incidents[delta.key], 0)
    state.drop(state.incidents, delta.key)


def _note_incident(state: State, incident: Incident, key: int) -> None:
    if incident.act:
        act = state.acts[incident.act]
        state.put(state.acts, act.key, replace(act, incident=key))
    else:
        frame = state.frames[incident.frame]
        state.put(state.frames, frame.key, replace(frame, incident=key))
