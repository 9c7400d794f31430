"""What happens to an instance from outside its jobs: messages, and the passing of time."""

from fabloop.base.instant import Instant
from fabloop.process.acts import announce_job
from fabloop.process.commands import (
    Advanced,
    AdvanceTo,
    LeaseExpired,
    MessagePublished,
    PublishMessage,
    TimerFired,
)
from fabloop.process.deltas import (
    JobReady,
    MessageDropped,
    MessageKept,
    PageWaits,
    TimerCleared,
)
from fabloop.process.messages import STREAM, is_kept
from fabloop.process.operation_deltas import MessageHeld
from fabloop.process.rounds import go_on
from fabloop.process.state import NO_TIME, Alarm, JobState, State
from fabloop.process.step import Step
from fabloop.process.variables import admit
from fabloop.process.walk import run
from fabloop.process.watch import happen

ALARMS_PER_COMMAND_MAX = 1_000


def publish(step: Step, command: PublishMessage) -> MessagePublished:
    """Give a message to the first waiting instance of each process; keep it while it lives."""
    variables = admit(command.variables, f"message '{command.name}'")
    address = (command.name, command.correlation_key)
    if command.message_id and is_kept(step, address, command.message_id):
        return MessagePublished((), duplicate=True)
    takers = _takers(step.state, address)
    if command.time_to_live_ns > 0:
        step.focus(STREAM)
        until = Instant(step.at + command.time_to_live_ns)
        key = step.mint()
        step.emit(MessageKept(key, *address, command.message_id, until, variables, tuple(takers)))
    instances = []
    for key in takers.values():
        waits = step.state.subscriptions.get(key)
        if waits is None:  # it ended with its caller, which took the message first
            continue
        act = step.state.acts[waits.act]
        instance = step.state.instance_of(act)
        instances.append(instance.key)
        step.trigger(instance)
        if step.state.is_suspended(instance):
            step.emit(MessageHeld(key, variables))
            continue
        node = step.state.definition_of(step.state.frames[act.frame]).nodes[waits.node]
        happen(step, act, node, variables)
        run(step)
    return MessagePublished(tuple(instances), duplicate=False)


def _takers(state: State, address: tuple[str, str]) -> dict[str, int]:
    """Return the first waiting subscription per process id."""
    takers: dict[str, int] = {}
    for key in state.waiting.get(address, ()):
        act = state.acts[state.subscriptions[key].act]
        takers.setdefault(state.instance_of(act).definition.id, key)
    return takers


def advance(step: Step, command: AdvanceTo) -> Advanced:
    """Let happen what is due, at most `ALARMS_PER_COMMAND_MAX` things."""
    fired = 0
    while fired < ALARMS_PER_COMMAND_MAX and step.rounds_left > 0:
        due = next_due(step.state)
        if due is None or due > command.now:
            break
        _, key, kind = step.state.calendar[0]
        _ring(step, key, kind)
        run(step)
        fired += 1
    return Advanced(fired, next_due(step.state))


def next_due(state: State) -> Instant | None:
    """Return when the next thing is due; entries that no longer apply are dropped."""
    while state.calendar:
        if state.holds(state.calendar[0]):
            return state.calendar[0][0]
        state.drop_alarm()
    return None


def _ring(step: Step, key: int, kind: Alarm) -> None:
    match kind:
        case Alarm.TIMER:
            _fire_timer(step, key)
        case Alarm.JOB:
            _release_job(step, key)
        case Alarm.PAGE:
            frame = step.state.frames[key]
            step.trigger(step.state.instances[frame.instance])
            step.emit(PageWaits(key, NO_TIME))
            step.pages[key] = None
        case Alarm.ROUNDS:
            step.trigger(step.state.instance_of(step.state.acts[key]))
            go_on(step, key)
        case Alarm.MESSAGE:
            step.focus(STREAM)
            step.emit(MessageDropped(key))


def _fire_timer(step: Step, key: int) -> None:
    state = step.state
    timer = state.timers[key]
    act = state.acts[timer.act]
    frame = state.frames[act.frame]
    node = state.definition_of(frame).nodes[timer.node]
    step.trigger(state.instances[frame.instance])
    step.notices.append(TimerFired(instance=frame.instance, node=node.id, due=timer.due))
    step.emit(TimerCleared(key))
    happen(step, state.acts[act.key], node, {})


def _release_job(step: Step, key: int) -> None:
    state = step.state
    job = state.jobs[key]
    act = state.acts[key]
    instance = state.instance_of(act)
    step.trigger(instance)
    step.emit(JobReady(key, job.retries))
    if job.state is JobState.LEASED:
        notice = LeaseExpired(
            instance=instance.key, node=state.node_of(act).id, job=key, worker=job.worker
        )
        step.notices.append(notice)
    announce_job(step, key)
