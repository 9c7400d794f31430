"""Views of the state for queries: values that stay as they were when they were asked for."""

import msgspec

from fabloop.base.errors import NotFound
from fabloop.base.instant import Instant
from fabloop.process.acts import headers_of, seen_by
from fabloop.process.choice import choosable
from fabloop.process.commands import InstanceState, Variables
from fabloop.process.cpn.compiled import CompiledNet
from fabloop.process.cpn.token import thaw
from fabloop.process.definition import NOWHERE, DefinitionKey, ScopeKind
from fabloop.process.passive import glance
from fabloop.process.state import Act, Frame, Incident, JobRecord, JobState, Phase, Role, State
from fabloop.process.waits import TimerView, WaitView, timers_of, waits_of


class JobView(msgspec.Struct, frozen=True, kw_only=True):
    """An open job. Values inside `variables` are shared with the engine: do not change them."""

    key: int
    type: str
    person: bool
    state: JobState
    instance: int
    node: str
    transition: str
    headers: dict[str, str]
    variables: Variables
    retries: int
    worker: str
    epoch: int
    until: Instant
    assignee: str
    candidates: tuple[str, ...]
    message: str


class RoundsView(msgspec.Struct, frozen=True, kw_only=True):
    """How far a loop is; `total` is -1 where it has no bound."""

    total: int
    begun: int
    completed: int
    terminated: int


class ActView(msgspec.Struct, frozen=True, kw_only=True):
    """A node in progress; `transition` is set for a firing of a page.

    `called` is the instance that a call activity has started.

    `waits` are the events armed at it, `timers` apart; `message` names the messages among them,
    several separated by commas.
    """

    key: int
    node: str
    transition: str
    phase: Phase
    locals: Variables
    child: int
    called: int
    timers: tuple[TimerView, ...]
    waits: tuple[WaitView, ...]
    message: str
    incident: int
    rounds: RoundsView | None = None


class PlaceView(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens of a page's place: plain values, with the instants at which they are ready."""

    name: str
    fusion: str
    tokens: tuple[tuple[object, Instant], ...]


class FrameView(msgspec.Struct, frozen=True, kw_only=True):
    """One activation of a scope; `tokens` wait on flows (by id) into joins.

    `undoable` are the completed activities that can be undone, in the order of completion;
    `role` tells whether something is undone in it. `may_choose` are the activities of an ad-hoc
    sub-process that may begin.
    """

    key: int
    kind: ScopeKind
    owner: str
    act: int
    variables: Variables
    tokens: dict[str, int]
    acts: tuple[ActView, ...]
    places: tuple[PlaceView, ...]
    undoable: tuple[str, ...] = ()
    role: Role = Role.RUNS
    may_choose: tuple[str, ...] = ()


class InstanceView(msgspec.Struct, frozen=True, kw_only=True):
    """How an instance stands; one that has ended has no frames.

    `caller` is the instance that has called it, or 0. `suspended` also when a caller of it is.
    """

    key: int
    definition: DefinitionKey
    business_key: str
    state: InstanceState
    started_at: Instant
    ended_at: Instant | None
    variables: Variables
    frames: tuple[FrameView, ...]
    incidents: tuple[Incident, ...]
    caller: int = 0
    suspended: bool = False


def jobs_of(
    state: State, wanted: JobState | None, job_type: str, instance: int
) -> tuple[JobView, ...]:
    """Return open jobs in the order of their keys, filtered."""
    jobs = _jobs_in(state, instance) if instance else glance(state, "jobs")
    chosen = [
        job.key
        for job in jobs
        if (wanted is None or job.state is wanted) and (not job_type or job.type == job_type)
    ]
    return tuple(_job(state, key) for key in sorted(chosen))


def _jobs_in(state: State, instance: int) -> list[JobRecord]:
    running = state.instances.get(instance)
    frames = [state.frames[key] for key in running.frames] if running is not None else []
    found = [state.jobs.get(key) for frame in frames for key in frame.acts]
    return [job for job in found if job is not None]


def _job(state: State, key: int) -> JobView:
    job, act = state.jobs[key], state.acts[key]
    headers, transition = headers_of(state, act, state.node_of(act))
    return JobView(
        key=key,
        type=job.type,
        person=job.person,
        state=job.state,
        instance=state.instance_of(act).key,
        node=state.node_of(act).id,
        transition=transition,
        headers=headers,
        variables=seen_by(state, act),
        retries=job.retries,
        worker=job.worker,
        epoch=job.epoch,
        until=job.until,
        assignee=job.assignee,
        candidates=job.candidates,
        message=job.message,
    )


def instance_of(state: State, key: int) -> InstanceView:
    """Return an instance, running or lately ended."""
    ended = state.finished.get(key)
    if ended is not None:
        return InstanceView(
            key=key,
            definition=ended.definition,
            business_key=ended.business_key,
            state=ended.state,
            started_at=ended.started_at,
            ended_at=ended.ended_at,
            variables=dict(ended.variables),
            frames=(),
            incidents=(),
        )
    running = state.instances.get(key)
    if running is None:
        raise NotFound(f"Expected an instance {key}, but it is unknown or long ended.")
    return InstanceView(
        key=key,
        definition=running.definition,
        business_key=running.business_key,
        state=InstanceState.ACTIVE,
        started_at=running.started_at,
        ended_at=None,
        variables=dict(state.frames[running.frame].variables),
        frames=tuple(_frame(state, state.frames[each]) for each in running.frames),
        incidents=tuple(each for each in state.incidents.values() if each.frame in running.frames),
        caller=state.instance_of(state.acts[running.caller]).key if running.caller else 0,
        suspended=state.is_suspended(running),
    )


def _frame(state: State, frame: Frame) -> FrameView:
    definition = state.definition_of(frame)
    scope = definition.scopes[frame.scope]
    return FrameView(
        key=frame.key,
        kind=scope.kind,
        owner=definition.nodes[scope.owner].id if scope.owner != NOWHERE else definition.id,
        act=frame.act,
        variables=dict(frame.variables),
        tokens={definition.flows[flow].id: count for flow, count in frame.tokens.items()},
        acts=tuple(_act(state, state.acts[each]) for each in frame.acts),
        undoable=tuple(definition.nodes[frame.done[each].node].id for each in sorted(frame.done)),
        role=frame.role,
        places=_places(frame, scope.net) if scope.net else (),
        may_choose=tuple(choosable(definition, scope.choice)) if scope.choice else (),
    )


def _places(frame: Frame, net: CompiledNet) -> tuple[PlaceView, ...]:
    return tuple(
        PlaceView(
            name=place.name,
            fusion=place.fusion,
            tokens=tuple((thaw(value), ready_at) for value, ready_at in bag),
        )
        for place, bag in zip(net.places, frame.bags, strict=True)
    )


def _act(state: State, act: Act) -> ActView:
    definition = state.definition_of(state.frames[act.frame])
    net = definition.scopes[state.frames[act.frame].scope].net
    return ActView(
        key=act.key,
        node=definition.nodes[act.node].id,
        transition=net.transitions[act.transition].name if net else "",
        phase=act.phase,
        locals=dict(act.locals),
        child=act.child,
        called=act.called,
        timers=timers_of(state, act),
        waits=waits_of(state, act),
        message=", ".join(state.subscriptions[key].name for key in act.subscriptions),
        incident=act.incident,
        rounds=_rounds(state, act.key) if act.key in state.repetitions else None,
    )


def _rounds(state: State, key: int) -> RoundsView:
    found = state.repetitions[key]
    return RoundsView(
        total=found.total,
        begun=found.begun,
        completed=found.completed,
        terminated=found.terminated,
    )
