"""The only code that changes the state: one small function per delta, for live run and replay.

It never judges, searches or evaluates. What a released delta does here never changes.
"""

# ruff: noqa: ARG001  # all appliers are called alike; few need the instant

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from fabloop.base.instant import Instant
from fabloop.process.commands import InstanceState, Reply
from fabloop.process.cpn.bag import Bag
from fabloop.process.cpn.compiled import Place
from fabloop.process.cpn.token import freeze
from fabloop.process.definition import NOWHERE, Definition, DefinitionKey, Scope
from fabloop.process.deltas import (
    ActClosed,
    ActHeld,
    ActOpened,
    Delta,
    Deployed,
    Deposit,
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
    MessageDropped,
    MessageKept,
    MessageTaken,
    Migrated,
    PageFed,
    PageMap,
    PageWaits,
    Passed,
    Subscribed,
    TimerCleared,
    TimerSet,
    TokenAdded,
    TokenTaken,
    VariablesSet,
)
from fabloop.process.deployment import definition_of_source
from fabloop.process.state import (
    FINISHED_REMEMBERED_MAX,
    NO_TIME,
    REQUESTS_REMEMBERED_MAX,
    Act,
    Alarm,
    Finished,
    Frame,
    Incident,
    Instance,
    JobRecord,
    JobState,
    Message,
    Phase,
    State,
    Subscription,
    Timer,
)


def apply(state: State, delta: Delta, at: Instant) -> None:
    """Change the state by one delta that was decided at instant `at`."""
    _APPLIERS[type(delta)](state, delta, at)


def remember(state: State, request: str, reply: Reply) -> None:
    """Keep the reply to a request; the oldest is forgotten beyond `REQUESTS_REMEMBERED_MAX`."""
    state.put(state.requests, request, reply)
    if len(state.requests) > REQUESTS_REMEMBERED_MAX:
        state.drop(state.requests, next(iter(state.requests)))


# -- definitions and instances ------------------------------------------------------------------


def _deployed(state: State, delta: Deployed, at: Instant) -> None:
    definition = definition_of_source(delta.source, delta.version)
    state.put(state.definitions, definition.key, definition)
    state.put(state.versions, delta.id, delta.version)
    state.put(state.digests, (delta.id, delta.digest), delta.version)


def _instance_started(state: State, delta: InstanceStarted, at: Instant) -> None:
    definition = state.definitions[DefinitionKey(delta.id, delta.version)]
    instance = Instance(
        key=state.saw(delta.key),
        definition=definition.key,
        business_key=delta.business_key,
        frame=state.saw(delta.frame),
        started_at=at,
        stream=f"instance/{delta.key}",
        frames={delta.frame: None},
        pages={},
        shared=shared_bags(definition, at),
    )
    frame = Frame(delta.frame, delta.key, 0, 0, dict(delta.variables), {}, {})
    state.put(state.instances, delta.key, instance)
    state.put(state.frames, delta.frame, frame)


def shared_bags(definition: Definition, at: Instant) -> tuple[Bag, ...]:
    """Return the bags of a definition's fusion places with their initial tokens."""
    bags = []
    for shared in definition.shared:
        net = definition.scopes[shared.page].net
        assert net is not None, "a fusion place belongs to a page"
        bags.append(_initial_bag(net.places[shared.place], at))
    return tuple(bags)


def _initial_bag(place: Place, at: Instant) -> Bag:
    return Bag(
        (value, Instant(at + ready) if place.timed else ready) for value, ready in place.initial
    )


def _instance_ended(state: State, delta: InstanceEnded, at: Instant) -> None:
    instance = state.instances[delta.key]
    variables = state.frames[instance.frame].variables
    _drop_frame(state, instance.frame)
    state.drop(state.instances, delta.key)
    finished = Finished(
        delta.key,
        instance.definition,
        instance.business_key,
        InstanceState(delta.state),
        instance.started_at,
        at,
        variables,
    )
    state.put(state.finished, delta.key, finished)
    if len(state.finished) > FINISHED_REMEMBERED_MAX:
        state.drop(state.finished, next(iter(state.finished)))


# -- frames -------------------------------------------------------------------------------------


def _frame_opened(state: State, delta: FrameOpened, at: Instant) -> None:
    act = state.acts[delta.act]
    instance = state.instance_of(act)
    scope = state.definitions[instance.definition].scopes[delta.scope]
    frame = Frame(
        key=state.saw(delta.key),
        instance=instance.key,
        scope=delta.scope,
        act=delta.act,
        variables=dict(delta.variables),
        tokens={},
        acts={},
        bags=_page_bags(scope, instance, at),
    )
    state.put(state.frames, delta.key, frame)
    state.put(instance.frames, delta.key, None)
    if frame.bags:
        state.put(instance.pages, delta.key, None)
    state.put(state.acts, delta.act, replace(act, child=delta.key))


def _page_bags(scope: Scope, instance: Instance, at: Instant) -> tuple[Bag, ...]:
    if scope.net is None:
        return ()
    return tuple(
        _initial_bag(place, at) if shared == NOWHERE else instance.shared[shared]
        for place, shared in zip(scope.net.places, scope.fusion, strict=True)
    )


def _frame_closed(state: State, delta: FrameClosed, at: Instant) -> None:
    act = state.acts[state.frames[delta.key].act]
    _drop_frame(state, delta.key)
    state.put(state.acts, act.key, replace(act, child=0))


def _drop_frame(state: State, key: int) -> None:
    frame = state.frames[key]
    for act in tuple(frame.acts):
        _drop_act(state, state.acts[act])
    if frame.incident:
        state.drop(state.incidents, frame.incident)
    state.drop(state.instances[frame.instance].frames, key)
    if frame.bags:
        state.drop(state.instances[frame.instance].pages, key)
    state.drop(state.frames, key)


def _variables_set(state: State, delta: VariablesSet, at: Instant) -> None:
    variables = state.frames[delta.frame].variables
    for name, value in delta.values.items():
        state.put(variables, name, value)


def _passed(state: State, delta: Passed, at: Instant) -> None:
    """The trail is for the history; the state does not hold it."""


def _token_added(state: State, delta: TokenAdded, at: Instant) -> None:
    tokens = state.frames[delta.frame].tokens
    state.put(tokens, delta.flow, tokens.get(delta.flow, 0) + 1)


def _token_taken(state: State, delta: TokenTaken, at: Instant) -> None:
    _take(state, state.frames[delta.frame].tokens, delta.flow)


def _take(state: State, tokens: dict[int, int], flow: int) -> None:
    if tokens[flow] == 1:
        state.drop(tokens, flow)
    else:
        state.put(tokens, flow, tokens[flow] - 1)


def _joined(state: State, delta: Joined, at: Instant) -> None:
    frame = state.frames[delta.frame]
    for flow in state.definition_of(frame).nodes[delta.node].incoming:
        _take(state, frame.tokens, flow)


# -- acts ---------------------------------------------------------------------------------------


def _act_opened(state: State, delta: ActOpened, at: Instant) -> None:
    act = Act(state.saw(delta.key), delta.frame, delta.node, Phase(delta.phase), dict(delta.locals))
    state.put(state.acts, delta.key, act)
    state.put(state.frames[delta.frame].acts, delta.key, None)


def _act_closed(state: State, delta: ActClosed, at: Instant) -> None:
    _drop_act(state, state.acts[delta.key])


def _act_held(state: State, delta: ActHeld, at: Instant) -> None:
    act = state.acts[delta.key]
    _drop_job(state, delta.key)
    _drop_subscription(state, act)
    held = replace(act, phase=Phase.LEAVING, result=dict(delta.result), subscription=0)
    state.put(state.acts, delta.key, held)


def _locals_set(state: State, delta: LocalsSet, at: Instant) -> None:
    local = state.acts[delta.act].locals
    for name, value in delta.values.items():
        state.put(local, name, value)


def _drop_act(state: State, act: Act) -> None:
    """Take an act out with all that hangs on it; a firing gives back what it took."""
    if act.child:
        _drop_frame(state, act.child)
    if act.consumed:
        _deposit(state, state.frames[act.frame], act.consumed)
    _forget_act(state, act)


def _forget_act(state: State, act: Act) -> None:
    _drop_job(state, act.key)
    for timer in act.timers:
        state.drop(state.timers, timer)
    _drop_subscription(state, act)
    if act.incident:
        state.drop(state.incidents, act.incident)
    state.drop(state.acts, act.key)
    state.drop(state.frames[act.frame].acts, act.key)


def _drop_subscription(state: State, act: Act) -> None:
    if act.subscription:
        gone = state.subscriptions[act.subscription]
        state.leave_index(state.waiting, (gone.name, gone.correlation), gone.key)
        state.drop(state.subscriptions, gone.key)


# -- pages --------------------------------------------------------------------------------------


def _deposit(state: State, frame: Frame, tokens: Iterable[Deposit]) -> None:
    for place, value, ready_at in tokens:
        state.deposit(frame.bags[place], freeze(value), ready_at)


def _withdraw(state: State, frame: Frame, tokens: Iterable[Deposit]) -> None:
    for place, value, ready_at in tokens:
        state.withdraw(frame.bags[place], freeze(value), ready_at)


def _fired(state: State, delta: Fired, at: Instant) -> None:
    frame = state.frames[delta.frame]
    _withdraw(state, frame, delta.consumed)
    _deposit(state, frame, delta.produced)


def _firing_started(state: State, delta: FiringStarted, at: Instant) -> None:
    frame = state.frames[delta.frame]
    _withdraw(state, frame, delta.consumed)
    act = Act(
        key=state.saw(delta.key),
        frame=delta.frame,
        node=state.acts[frame.act].node,
        phase=Phase.WAITING,
        locals=dict(delta.locals),
        transition=delta.transition,
        consumed=tuple((place, freeze(value), ready) for place, value, ready in delta.consumed),
    )
    state.put(state.acts, delta.key, act)
    state.put(frame.acts, delta.key, None)


def _firing_ended(state: State, delta: FiringEnded, at: Instant) -> None:
    act = state.acts[delta.key]
    _deposit(state, state.frames[act.frame], delta.produced)
    _forget_act(state, act)


def _page_fed(state: State, delta: PageFed, at: Instant) -> None:
    _deposit(state, state.frames[delta.frame], (delta.token,))


def _page_waits(state: State, delta: PageWaits, at: Instant) -> None:
    frame = state.frames[delta.frame]
    state.put(state.frames, delta.frame, replace(frame, wake=delta.wake))
    if delta.wake:
        state.alarm(delta.wake, delta.frame, Alarm.PAGE)


# -- jobs ---------------------------------------------------------------------------------------


def _job_offered(state: State, delta: JobOffered, at: Instant) -> None:
    job = JobRecord(
        delta.key, delta.job_type, delta.person, delta.retries, delta.assignee, delta.candidates
    )
    state.put(state.jobs, delta.key, job)
    state.join_index(state.ready, job.type, job.key)


def _change_job(state: State, old: JobRecord, new: JobRecord) -> None:
    state.put(state.jobs, old.key, new)
    if old.state is JobState.READY and new.state is not JobState.READY:
        state.leave_index(state.ready, old.type, old.key)
    if old.state is not JobState.READY and new.state is JobState.READY:
        state.join_index(state.ready, new.type, new.key)
    if new.until:
        state.alarm(new.until, new.key, Alarm.JOB)


def _drop_job(state: State, key: int) -> None:
    job = state.jobs.get(key)
    if job is not None:
        state.drop(state.jobs, key)
        if job.state is JobState.READY:
            state.leave_index(state.ready, job.type, key)


def _job_leased(state: State, delta: JobLeased, at: Instant) -> None:
    job = state.jobs[delta.key]
    leased = replace(
        job, state=JobState.LEASED, worker=delta.worker, epoch=delta.epoch, until=delta.until
    )
    _change_job(state, job, leased)


def _job_ready(state: State, delta: JobReady, at: Instant) -> None:
    job = state.jobs[delta.key]
    ready = replace(job, state=JobState.READY, worker="", until=NO_TIME, retries=delta.retries)
    _change_job(state, job, ready)


def _job_failed(state: State, delta: JobFailed, at: Instant) -> None:
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


def _job_assigned(state: State, delta: JobAssigned, at: Instant) -> None:
    job = state.jobs[delta.key]
    state.put(state.jobs, delta.key, replace(job, assignee=delta.assignee))


# -- timers and messages ------------------------------------------------------------------------


def _timer_set(state: State, delta: TimerSet, at: Instant) -> None:
    timer = Timer(state.saw(delta.key), delta.act, delta.node, delta.due)
    act = state.acts[delta.act]
    state.put(state.timers, delta.key, timer)
    state.put(state.acts, act.key, replace(act, timers=(*act.timers, delta.key)))
    state.alarm(delta.due, delta.key, Alarm.TIMER)


def _timer_cleared(state: State, delta: TimerCleared, at: Instant) -> None:
    act = state.acts[state.timers[delta.key].act]
    left = tuple(timer for timer in act.timers if timer != delta.key)
    state.drop(state.timers, delta.key)
    state.put(state.acts, act.key, replace(act, timers=left))


def _subscribed(state: State, delta: Subscribed, at: Instant) -> None:
    subscription = Subscription(state.saw(delta.key), delta.act, delta.name, delta.correlation)
    act = state.acts[delta.act]
    state.put(state.subscriptions, delta.key, subscription)
    state.put(state.acts, act.key, replace(act, subscription=delta.key))
    state.join_index(state.waiting, (delta.name, delta.correlation), delta.key)


def _message_kept(state: State, delta: MessageKept, at: Instant) -> None:
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


def _message_taken(state: State, delta: MessageTaken, at: Instant) -> None:
    message = state.messages[delta.key]
    takers = (*message.takers, delta.taker)
    state.put(state.messages, delta.key, replace(message, takers=takers))


def _message_dropped(state: State, delta: MessageDropped, at: Instant) -> None:
    message = state.messages[delta.key]
    state.leave_index(state.kept, (message.name, message.correlation), delta.key)
    state.drop(state.messages, delta.key)


# -- incidents ----------------------------------------------------------------------------------


def _incident_raised(state: State, delta: IncidentRaised, at: Instant) -> None:
    incident = Incident(
        state.saw(delta.key), delta.frame, delta.act, delta.node, delta.kind, delta.text, at
    )
    state.put(state.incidents, delta.key, incident)
    _note_incident(state, incident, delta.key)


def _incident_cleared(state: State, delta: IncidentCleared, at: Instant) -> None:
    _note_incident(state, state.incidents[delta.key], 0)
    state.drop(state.incidents, delta.key)


def _note_incident(state: State, incident: Incident, key: int) -> None:
    if incident.act:
        act = state.acts[incident.act]
        state.put(state.acts, act.key, replace(act, incident=key))
    else:
        frame = state.frames[incident.frame]
        state.put(state.frames, frame.key, replace(frame, incident=key))


# -- migration ----------------------------------------------------------------------------------


def _migrated(state: State, delta: Migrated, at: Instant) -> None:
    old = state.instances[delta.instance]
    target = state.definitions[DefinitionKey(delta.id, delta.version)]
    shared = list(shared_bags(target, at))
    for bag, number in zip(old.shared, delta.shared, strict=True):
        if number != NOWHERE:
            shared[number] = bag
    instance = replace(old, definition=target.key, shared=tuple(shared))
    state.put(state.instances, old.key, instance)
    for key in instance.frames:
        _migrate_frame(state, state.frames[key], instance, delta, at)


def _migrate_frame(
    state: State, frame: Frame, instance: Instance, delta: Migrated, at: Instant
) -> None:
    scope = state.definitions[instance.definition].scopes[delta.scopes[frame.scope]]
    page = delta.pages.get(frame.scope)
    tokens = {delta.flows[flow]: count for flow, count in frame.tokens.items()}
    bags = _migrated_bags(frame, page, _page_bags(scope, instance, at), scope) if page else ()
    moved = replace(frame, scope=scope.number, tokens=tokens, bags=bags)
    state.put(state.frames, frame.key, moved)
    if frame.incident:
        _migrate_incident(state, frame.incident, delta.nodes)
    for key in frame.acts:
        _migrate_act(state, state.acts[key], page, delta.nodes)


def _migrated_bags(
    frame: Frame, page: PageMap, fresh: tuple[Bag, ...], scope: Scope
) -> tuple[Bag, ...]:
    kept = {new: old for old, new in enumerate(page.places) if new != NOWHERE}
    return tuple(
        frame.bags[kept[place]] if place in kept and shared == NOWHERE else fresh[place]
        for place, shared in enumerate(scope.fusion)
    )


def _migrate_act(state: State, act: Act, page: PageMap | None, nodes: dict[int, int]) -> None:
    moved = replace(act, node=nodes[act.node])
    if page is not None and act.transition >= 0:
        consumed = tuple((page.places[place], value, at) for place, value, at in act.consumed)
        moved = replace(moved, transition=page.transitions[act.transition], consumed=consumed)
    state.put(state.acts, act.key, moved)
    for key in act.timers:
        timer = state.timers[key]
        state.put(state.timers, key, replace(timer, node=nodes[timer.node]))
    if act.incident:
        _migrate_incident(state, act.incident, nodes)


def _migrate_incident(state: State, key: int, nodes: dict[int, int]) -> None:
    incident = state.incidents[key]
    state.put(state.incidents, key, replace(incident, node=nodes[incident.node]))


# Each applier takes its own delta; a table typed by that cannot be written, hence Any.
_APPLIERS: dict[type[Any], Callable[[State, Any, Instant], None]] = {
    Deployed: _deployed,
    InstanceStarted: _instance_started,
    InstanceEnded: _instance_ended,
    FrameOpened: _frame_opened,
    FrameClosed: _frame_closed,
    VariablesSet: _variables_set,
    Passed: _passed,
    TokenAdded: _token_added,
    TokenTaken: _token_taken,
    Joined: _joined,
    ActOpened: _act_opened,
    ActClosed: _act_closed,
    ActHeld: _act_held,
    LocalsSet: _locals_set,
    Fired: _fired,
    FiringStarted: _firing_started,
    FiringEnded: _firing_ended,
    PageFed: _page_fed,
    PageWaits: _page_waits,
    JobOffered: _job_offered,
    JobLeased: _job_leased,
    JobReady: _job_ready,
    JobFailed: _job_failed,
    JobAssigned: _job_assigned,
    TimerSet: _timer_set,
    TimerCleared: _timer_cleared,
    Subscribed: _subscribed,
    MessageKept: _message_kept,
    MessageTaken: _message_taken,
    MessageDropped: _message_dropped,
    IncidentRaised: _incident_raised,
    IncidentCleared: _incident_cleared,
    Migrated: _migrated,
}
