"""Suspension: an instance stands still and catches up later; a process takes no new instances."""

from fabloop.base.errors import Conflict
from fabloop.process.acts import announce_job
from fabloop.process.awaited import SignalWait, Subscription
from fabloop.process.commands import Done
from fabloop.process.event_deltas import HeldTaken
from fabloop.process.jobs import yield_result
from fabloop.process.operate import definition_named, instance_named
from fabloop.process.operation_deltas import (
    InstanceResumed,
    InstanceSuspended,
    ProcessResumed,
    ProcessSuspended,
)
from fabloop.process.operations import (
    ResumeInstance,
    ResumeProcess,
    SuspendInstance,
    SuspendProcess,
)
from fabloop.process.state import JobState, Phase, State
from fabloop.process.step import Step
from fabloop.process.walk import run
from fabloop.process.watch import event_of, happen

PROCESSES = "definitions"


def suspend(step: Step, command: SuspendInstance) -> Done:
    """Let an instance stand still; once is enough."""
    instance = instance_named(step.state, command.instance)
    if instance.key not in step.state.suspended:
        step.trigger(instance)
        step.emit(InstanceSuspended(instance.key))
    return Done()


def resume(step: Step, command: ResumeInstance) -> Done:
    """Let an instance go on with what was kept for it; its timers follow with `AdvanceTo`."""
    state = step.state
    instance = instance_named(state, command.instance)
    if instance.key not in state.suspended:
        raise Conflict(f"Expected instance {instance.key} to be suspended, but it is not.")
    step.trigger(instance)
    step.emit(InstanceResumed(instance.key))
    standing = [
        act
        for frame in state.subtree(instance)
        if not state.is_suspended(state.instances[frame.instance])
        for act in frame.acts
    ]
    for key in standing:
        if key in state.acts:
            _catch_up(step, key)
            run(step)
    return Done()


def _catch_up(step: Step, key: int) -> None:
    """Give an act what came for it: its result, a message, or somebody to take its job."""
    state = step.state
    act = state.acts[key]
    if act.phase is Phase.LEAVING and not act.incident:
        yield_result(step, act, act.result)
        return
    job = state.jobs.get(key)
    if job is not None and job.state is JobState.READY:
        announce_job(step, key)
    step.pending.update(dict.fromkeys(act.conditions))
    waiting: list[Subscription | SignalWait] = [state.subscriptions[k] for k in act.subscriptions]
    waiting += [state.signals[each] for each in act.signals]
    for waits in waiting:
        if waits.held and key in state.acts:
            _give_held(step, key, waits)


def _give_held(step: Step, key: int, waits: Subscription | SignalWait) -> None:
    """Let happen what came for an event of an act; several times where the event stays."""
    step.emit(HeldTaken(waits.key))
    for variables in waits.held:
        act = step.state.acts.get(key)
        if act is None or act.phase is Phase.LEAVING:
            return
        happen(step, act, event_of(step.state, act, waits.node), variables)
        run(step)


def suspend_process(step: Step, command: SuspendProcess) -> Done:
    """Refuse new instances; those that run go on."""
    name = _named(step.state, command.process, command.version)
    if name not in step.state.stopped:
        step.focus(PROCESSES)
        step.emit(ProcessSuspended(*name))
    return Done()


def resume_process(step: Step, command: ResumeProcess) -> Done:
    """Take new instances again."""
    name = _named(step.state, command.process, command.version)
    if name not in step.state.stopped:
        of = f" version {command.version}" if command.version is not None else ""
        raise Conflict(f"Expected process '{command.process}'{of} to be suspended, but it is not.")
    step.focus(PROCESSES)
    step.emit(ProcessResumed(*name))
    return Done()


def _named(state: State, process: str, version: int | None) -> tuple[str, int]:
    definition_named(state, process, version)
    return process, version or 0
