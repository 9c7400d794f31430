"""Appliers for definitions, instances, frames and acts."""

# ruff: noqa: ARG001, D103  # appliers are called alike, and do what their deltas say

from collections.abc import Iterable

from msgspec.structs import replace

from fabloop.base.instant import Instant
from fabloop.process.appliers.events import disarmed
from fabloop.process.appliers.work import drop_job
from fabloop.process.commands import InstanceState
from fabloop.process.cpn.bag import Bag
from fabloop.process.cpn.compiled import Place
from fabloop.process.cpn.token import freeze
from fabloop.process.definition import NOWHERE, Definition, DefinitionKey, Scope
from fabloop.process.deltas import (
    ActClosed,
    ActHeld,
    ActOpened,
    Called,
    Deployed,
    Deposit,
    FrameClosed,
    FrameOpened,
    InstanceEnded,
    InstanceStarted,
    Joined,
    LocalsSet,
    Merged,
    Passed,
    TokenAdded,
    TokenTaken,
    VariablesSet,
)
from fabloop.process.deployment import read_deployment, recompiled
from fabloop.process.remembered import FINISHED_REMEMBERED_MAX, Finished
from fabloop.process.state import (
    Act,
    Frame,
    Instance,
    Phase,
    State,
)

_PHASES = tuple(Phase)
_ENDS = tuple(InstanceState)
"""Members by their number: a look-up is quicker than making one of them."""


def deployed(state: State, delta: Deployed, at: Instant) -> None:
    deployment = read_deployment(delta.source)
    definition = recompiled(deployment, delta.version)
    state.put(state.definitions, definition.key, definition)
    state.put(state.deployments, definition.key, deployment)
    state.put(state.versions, delta.id, delta.version)
    state.put(state.digests, (delta.id, delta.digest), delta.version)


def instance_started(state: State, delta: InstanceStarted, at: Instant) -> None:
    named = DefinitionKey(delta.id, delta.version)
    definition = state.definitions[named]
    instance = Instance(
        key=state.saw(delta.key),
        definition=named,
        business_key=delta.business_key,
        frame=state.saw(delta.frame),
        started_at=at,
        stream=f"instance/{delta.key}",
        frames={delta.frame: None},
        pages={},
        shared=shared_bags(definition, at) if definition.shared else (),
    )
    frame = Frame(delta.frame, delta.key, 0, 0, dict(delta.variables), {}, {})
    state.put(state.instances, delta.key, instance)
    state.put(state.frames, delta.frame, frame)


def called(state: State, delta: Called, at: Instant) -> None:
    definition = state.definitions[DefinitionKey(delta.id, delta.version)]
    act = state.acts[delta.act]
    caller = state.instance_of(act)
    instance = Instance(
        key=state.saw(delta.key),
        definition=definition.key,
        business_key=delta.business_key,
        frame=state.saw(delta.frame),
        started_at=at,
        stream=caller.stream,
        frames={delta.frame: None},
        pages={},
        shared=shared_bags(definition, at),
        caller=delta.act,
    )
    frame = Frame(delta.frame, delta.key, 0, 0, dict(delta.variables), {}, {})
    state.put(state.instances, delta.key, instance)
    state.put(state.frames, delta.frame, frame)
    state.put(state.acts, act.key, replace(act, called=delta.key))


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


def instance_ended(state: State, delta: InstanceEnded, at: Instant) -> None:
    instance = state.instances[delta.key]
    variables = state.frames[instance.frame].variables
    drop_frame(state, instance.frame)
    state.drop(state.instances, delta.key)
    if delta.key in state.suspended:
        state.drop(state.suspended, delta.key)
    if instance.caller:
        act = state.acts[instance.caller]
        state.put(state.acts, act.key, replace(act, called=0))
    else:
        state.touched.pop(instance.stream, None)
    if instance.correlation:
        state.drop(state.locks, (instance.definition.id, instance.correlation))
    finished = Finished(
        delta.key,
        instance.definition,
        instance.business_key,
        _ENDS[delta.state],
        instance.started_at,
        at,
        variables,
    )
    state.put(state.finished, delta.key, finished)
    if len(state.finished) > FINISHED_REMEMBERED_MAX:
        state.drop_oldest(state.finished)


def frame_opened(state: State, delta: FrameOpened, at: Instant) -> None:
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
        bags=page_bags(scope, instance, at),
    )
    state.put(state.frames, delta.key, frame)
    state.put(instance.frames, delta.key, None)
    if frame.bags:
        state.put(instance.pages, delta.key, None)
    state.put(state.acts, delta.act, replace(act, child=delta.key))


def page_bags(scope: Scope, instance: Instance, at: Instant) -> tuple[Bag, ...]:
    """Return the bags of a new page: its own, and those it shares."""
    if scope.net is None:
        return ()
    return tuple(
        _initial_bag(place, at) if shared == NOWHERE else instance.shared[shared]
        for place, shared in zip(scope.net.places, scope.fusion, strict=True)
    )


def frame_closed(state: State, delta: FrameClosed, at: Instant) -> None:
    act = state.acts[state.frames[delta.key].act]
    drop_frame(state, delta.key)
    state.put(state.acts, act.key, replace(act, child=0))


def drop_frame(state: State, key: int) -> None:
    """Take a frame out with all that runs in it."""
    frame = state.frames[key]
    for act in tuple(frame.acts):
        drop_act(state, state.acts[act])
    if frame.incident:
        state.drop(state.incidents, frame.incident)
    state.drop(state.instances[frame.instance].frames, key)
    if frame.bags:
        state.drop(state.instances[frame.instance].pages, key)
    state.drop(state.frames, key)


def variables_set(state: State, delta: VariablesSet, at: Instant) -> None:
    variables = state.frames[delta.frame].variables
    for name, value in delta.values.items():
        state.put(variables, name, value)


def passed(state: State, delta: Passed, at: Instant) -> None:
    """The trail is for the history; the state does not hold it."""


def token_added(state: State, delta: TokenAdded, at: Instant) -> None:
    tokens = state.frames[delta.frame].tokens
    state.put(tokens, delta.flow, tokens.get(delta.flow, 0) + 1)


def token_taken(state: State, delta: TokenTaken, at: Instant) -> None:
    _take(state, state.frames[delta.frame].tokens, delta.flow)


def _take(state: State, tokens: dict[int, int], flow: int) -> None:
    if tokens[flow] == 1:
        state.drop(tokens, flow)
    else:
        state.put(tokens, flow, tokens[flow] - 1)


def joined(state: State, delta: Joined, at: Instant) -> None:
    frame = state.frames[delta.frame]
    for flow in state.definition_of(frame).nodes[delta.node].incoming:
        _take(state, frame.tokens, flow)


def merged(state: State, delta: Merged, at: Instant) -> None:
    tokens = state.frames[delta.frame].tokens
    for flow in delta.flows:
        _take(state, tokens, flow)


def deposit(state: State, frame: Frame, tokens: Iterable[Deposit]) -> None:
    """Put tokens into the bags of a page."""
    for place, value, ready_at in tokens:
        state.deposit(frame.bags[place], freeze(value), ready_at)


def withdraw(state: State, frame: Frame, tokens: Iterable[Deposit]) -> None:
    """Take tokens from the bags of a page."""
    for place, value, ready_at in tokens:
        state.withdraw(frame.bags[place], freeze(value), ready_at)


def act_opened(state: State, delta: ActOpened, at: Instant) -> None:
    phase = _PHASES[delta.phase]
    act = Act(state.saw(delta.key), delta.frame, delta.node, phase, dict(delta.locals))
    state.put(state.acts, delta.key, act)
    state.put(state.frames[delta.frame].acts, delta.key, None)


def act_closed(state: State, delta: ActClosed, at: Instant) -> None:
    drop_act(state, state.acts[delta.key])


def act_held(state: State, delta: ActHeld, at: Instant) -> None:
    act = state.acts[delta.key]
    drop_job(state, delta.key)
    act = disarmed(state, act, act.node)
    held = replace(act, phase=Phase.LEAVING, result=dict(delta.result))
    state.put(state.acts, delta.key, held)


def locals_set(state: State, delta: LocalsSet, at: Instant) -> None:
    local = state.acts[delta.act].locals
    for name, value in delta.values.items():
        state.put(local, name, value)


def drop_act(state: State, act: Act) -> None:
    """Take an act out with all that hangs on it; a firing gives back what it took."""
    if act.child:
        drop_frame(state, act.child)
    if act.consumed:
        deposit(state, state.frames[act.frame], act.consumed)
    if act.key in state.repetitions:
        for frame in state.repetitions[act.key].active:
            drop_frame(state, frame)
        state.drop(state.repetitions, act.key)
    forget_act(state, act)


def forget_act(state: State, act: Act) -> None:
    """Take an act out with its job, what it waits for and its incident."""
    drop_job(state, act.key)
    disarmed(state, act)
    if act.incident:
        state.drop(state.incidents, act.incident)
    state.drop(state.acts, act.key)
    state.drop(state.frames[act.frame].acts, act.key)
