"""Appliers for what waits for signals, conditions and dates, and for what starts instances."""

# ruff: noqa: ARG001, D103  # appliers are called alike, and do what their deltas say

from collections.abc import Iterable

from msgspec.structs import replace

from fabloop.base.instant import Instant
from fabloop.process.awaited import Condition, Opening, OpeningKind, SignalWait, Subscription, Timer
from fabloop.process.definition import NOWHERE, DefinitionKey
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
from fabloop.process.state import Act, Alarm, State, amended

KPIS = 0
"""Stands for a frame where KPIs are read."""


# -- signals and messages -----------------------------------------------------------------------


def signal_awaited(state: State, delta: SignalAwaited, at: Instant) -> None:
    act = state.acts[delta.act]
    key = state.saw(delta.key)
    state.put(state.signals, key, SignalWait(key, act.key, delta.node, delta.name))
    state.join_index(state.listening, delta.name, key)
    amended(state, act, signals=(*act.signals, key))


def event_held(state: State, delta: EventHeld, at: Instant) -> None:
    waits = state.subscriptions.get(delta.key) or state.signals[delta.key]
    held = (*waits.held, dict(delta.variables))
    if not delta.stays:
        _leave(state, waits)
    _put_waits(state, replace(waits, held=held))


def held_taken(state: State, delta: HeldTaken, at: Instant) -> None:
    waits = state.subscriptions.get(delta.key) or state.signals[delta.key]
    _put_waits(state, replace(waits, held=()))


def _put_waits(state: State, waits: Subscription | SignalWait) -> None:
    if isinstance(waits, Subscription):
        state.put(state.subscriptions, waits.key, waits)
    else:
        state.put(state.signals, waits.key, waits)


def _leave(state: State, waits: Subscription | SignalWait) -> None:
    """Let an act no longer be found by what it waits for, where it still is."""
    if isinstance(waits, Subscription):
        if waits.key in state.waiting.get((waits.name, waits.correlation), ()):
            state.leave_index(state.waiting, (waits.name, waits.correlation), waits.key)
    elif waits.key in state.listening.get(waits.name, ()):
        state.leave_index(state.listening, waits.name, waits.key)


# -- disarming ----------------------------------------------------------------------------------


def event_disarmed(state: State, delta: EventDisarmed, at: Instant) -> None:
    act = disarmed(state, state.acts[delta.act], delta.node)
    state.put(state.acts, act.key, act)


def disarmed(state: State, act: Act, event: int = NOWHERE) -> Act:
    """Take out what an act waits for, its timers included; only that of `event` where given.

    Its record is returned without them, and still to be put.
    """
    if not (act.timers or act.subscriptions or act.signals or act.conditions):
        return act
    every = event == NOWHERE
    timers = [k for k in act.timers if every or state.timers[k].node == event]
    messages = [k for k in act.subscriptions if every or state.subscriptions[k].node == event]
    signals = [k for k in act.signals if every or state.signals[k].node == event]
    conditions = [k for k in act.conditions if every or state.conditions[k].node == event]
    for key in timers:
        state.drop(state.timers, key)
    for key in messages:
        _leave(state, state.subscriptions[key])
        state.drop(state.subscriptions, key)
    for key in signals:
        _leave(state, state.signals[key])
        state.drop(state.signals, key)
    for key in conditions:
        _drop_condition(state, state.conditions[key])
    return replace(
        act,
        timers=_without(act.timers, timers),
        subscriptions=_without(act.subscriptions, messages),
        signals=_without(act.signals, signals),
        conditions=_without(act.conditions, conditions),
    )


def _without(keys: tuple[int, ...], gone: Iterable[int]) -> tuple[int, ...]:
    left = set(gone)
    return tuple(key for key in keys if key not in left) if left else keys


# -- timers -------------------------------------------------------------------------------------


def cycle_set(state: State, delta: CycleSet, at: Instant) -> None:
    act, key = state.acts[delta.act], state.saw(delta.key)
    timer = Timer(key, act.key, delta.node, delta.due, delta.rule, delta.left)
    state.put(state.timers, key, timer)
    state.alarm(delta.due, key, Alarm.TIMER)
    amended(state, act, timers=(*act.timers, key))


def timer_moved(state: State, delta: TimerMoved, at: Instant) -> None:
    moved = replace(state.timers[delta.key], due=delta.due, left=delta.left, late=delta.late)
    state.put(state.timers, delta.key, moved)
    state.alarm(delta.due, delta.key, Alarm.TIMER)


# -- conditions ---------------------------------------------------------------------------------


def condition_awaited(state: State, delta: ConditionAwaited, at: Instant) -> None:
    act, key = state.acts[delta.act], state.saw(delta.key)
    inner = state.frames[act.child or act.frame]
    frames = [frame.key for frame in state.lineage(inner)]
    reads = [(frame, name) for frame in frames for name in delta.names]
    reads += [(KPIS, name) for name in delta.kpis]
    made = Condition(key, act.key, delta.node, holds=False, reads=tuple(reads))
    state.put(state.conditions, key, made)
    for each in made.reads:
        state.join_index(state.readers, each, key)
    amended(state, act, conditions=(*act.conditions, key))


def condition_turned(state: State, delta: ConditionTurned, at: Instant) -> None:
    turned = replace(state.conditions[delta.key], holds=delta.holds)
    state.put(state.conditions, delta.key, turned)


def _drop_condition(state: State, condition: Condition) -> None:
    for each in condition.reads:
        state.leave_index(state.readers, each, condition.key)
    state.drop(state.conditions, condition.key)


def kpis_set(state: State, delta: KpisSet, at: Instant) -> None:
    for name, value in delta.values.items():
        state.put(state.kpis, name, value)


# -- start events of processes ------------------------------------------------------------------


def opening_made(state: State, delta: OpeningMade, at: Instant) -> None:
    made = Opening(
        key=state.saw(delta.key),
        definition=DefinitionKey(delta.id, delta.version),
        node=delta.node,
        kind=OpeningKind(delta.kind),
        name=delta.name,
        due=delta.due,
        rule=delta.rule,
        left=delta.left,
        holds=delta.holds,
        reads=delta.reads,
    )
    state.put(state.openings, made.key, made)
    state.join_index(state.openings_of, delta.id, made.key)
    if made.kind in (OpeningKind.MESSAGE, OpeningKind.SIGNAL):
        state.join_index(state.opened, (made.kind, made.name), made.key)
    for name in made.reads:
        state.join_index(state.readers, (KPIS, name), made.key)
    if made.due:
        state.alarm(made.due, made.key, Alarm.OPENING)


def opening_moved(state: State, delta: OpeningMoved, at: Instant) -> None:
    moved = replace(state.openings[delta.key], due=delta.due, left=delta.left, late=delta.late)
    state.put(state.openings, delta.key, moved)
    if delta.due:
        state.alarm(delta.due, delta.key, Alarm.OPENING)


def opening_turned(state: State, delta: OpeningTurned, at: Instant) -> None:
    turned = replace(state.openings[delta.key], holds=delta.holds)
    state.put(state.openings, delta.key, turned)


def openings_closed(state: State, delta: OpeningsClosed, at: Instant) -> None:
    for key in tuple(state.openings_of[delta.id]):
        gone = state.openings[key]
        if gone.kind in (OpeningKind.MESSAGE, OpeningKind.SIGNAL):
            state.leave_index(state.opened, (gone.kind, gone.name), key)
        for name in gone.reads:
            state.leave_index(state.readers, (KPIS, name), key)
        state.leave_index(state.openings_of, delta.id, key)
        state.drop(state.openings, key)


def locked(state: State, delta: Locked, at: Instant) -> None:
    instance = state.instances[delta.instance]
    state.put(state.locks, (instance.definition.id, delta.correlation), instance.key)
    state.put(state.instances, instance.key, replace(instance, correlation=delta.correlation))
