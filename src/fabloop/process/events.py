"""What happens to instances from outside their jobs: messages, signals, KPIs, passing time."""

from collections.abc import Iterator

from fabloop.base.errors import NotFound
from fabloop.base.instant import Instant
from fabloop.process.acts import announce_job
from fabloop.process.commands import (
    Advanced,
    AdvanceTo,
    BroadcastSignal,
    CorrelateMessage,
    Done,
    LeaseExpired,
    MessagePublished,
    PublishMessage,
    ReportKpis,
    SignalBroadcast,
)
from fabloop.process.conditions import report
from fabloop.process.deltas import JobReady, MessageDropped, PageWaits
from fabloop.process.messages import STREAM, is_kept
from fabloop.process.post import Letter, hand_over, tell
from fabloop.process.rounds import go_on
from fabloop.process.state import NO_TIME, Alarm, JobState, State
from fabloop.process.step import INSTRUCTIONS_PER_TRIGGER_MAX, Step
from fabloop.process.timers import fire_opening, fire_timer
from fabloop.process.variables import admit
from fabloop.process.walk import run

ALARMS_PER_COMMAND_MAX = 1_000


def publish(step: Step, command: PublishMessage) -> MessagePublished:
    """Give a message to those who wait for it; keep it while it lives."""
    variables = admit(command.variables, f"message '{command.name}'")
    address = (command.name, command.correlation_key)
    if command.message_id and is_kept(step, address, command.message_id):
        return MessagePublished((), duplicate=True)
    letter = Letter(
        name=command.name,
        correlation=command.correlation_key,
        variables=variables,
        until=Instant(step.at + max(0, command.time_to_live_ns)),
        id=command.message_id,
    )
    return MessagePublished(_run_each(step, hand_over(step, letter)), duplicate=False)


def correlate(step: Step, command: CorrelateMessage) -> MessagePublished:
    """Give a message to those who wait for it; without any it is refused."""
    variables = admit(command.variables, f"message '{command.name}'")
    letter = Letter(
        name=command.name,
        correlation=command.correlation_key,
        variables=variables,
        until=step.at,
    )
    instances = _run_each(step, hand_over(step, letter))
    if not instances:
        raise NotFound(
            f"Expected somebody to wait for message '{command.name}' with key "
            f"'{command.correlation_key}', but nobody does. Publish it with a time to live."
        )
    return MessagePublished(instances, duplicate=False)


def _run_each(step: Step, reached: Iterator[int]) -> tuple[int, ...]:
    """Let each instance that is reached run to rest before the next one is; each has its budget."""
    instances = []
    for instance in reached:
        step.budget = INSTRUCTIONS_PER_TRIGGER_MAX
        run(step)
        instances.append(instance)
    return tuple(instances)


def broadcast(step: Step, command: BroadcastSignal) -> SignalBroadcast:
    """Give a signal to all that wait for it now."""
    variables = admit(command.variables, f"signal '{command.name}'")
    return SignalBroadcast(_run_each(step, tell(step, command.name, variables)))


def report_kpis(step: Step, command: ReportKpis) -> Done:
    """Take the values of KPIs, and let happen what waits for them."""
    report(step, command)
    changed = tuple(step.pending)
    step.pending.clear()
    for key in changed:
        step.budget = INSTRUCTIONS_PER_TRIGGER_MAX
        step.pending[key] = None
        run(step)
    return Done()


def advance(step: Step, command: AdvanceTo) -> Advanced:
    """Let happen what is due, at most `ALARMS_PER_COMMAND_MAX` things."""
    fired = 0
    while fired < ALARMS_PER_COMMAND_MAX and step.rounds_left > 0:
        due = next_due(step.state)
        if due is None or due > command.now:
            break
        _, key, kind = step.state.calendar[0]
        _ring(step, key, kind, command.now)
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


def _ring(step: Step, key: int, kind: Alarm, now: Instant) -> None:
    match kind:
        case Alarm.TIMER:
            fire_timer(step, key, now)
        case Alarm.OPENING:
            fire_opening(step, key, now)
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
