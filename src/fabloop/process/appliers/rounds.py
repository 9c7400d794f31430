"""Appliers for activities that are carried out several times."""

# ruff: noqa: ARG001, D103  # appliers are called alike, and do what their deltas say

from msgspec.structs import replace

from fabloop.base.instant import Instant
from fabloop.process.appliers.scopes import drop_frame
from fabloop.process.definition import COUNTER, Again, Rounds
from fabloop.process.repetition import Repetition
from fabloop.process.round_deltas import (
    RepetitionOpened,
    RoundEnded,
    RoundOpened,
    RoundsDropped,
    RoundsWait,
)
from fabloop.process.state import Alarm, Frame, State


def repetition_opened(state: State, delta: RepetitionOpened, at: Instant) -> None:
    made = Repetition(delta.act, delta.total, delta.items, {}, {})
    state.put(state.repetitions, delta.act, made)


def round_opened(state: State, delta: RoundOpened, at: Instant) -> None:
    act, repetition = state.acts[delta.act], state.repetitions[delta.act]
    instance = state.instance_of(act)
    action = state.definitions[instance.definition].nodes[act.node].action
    index = repetition.begun
    assert isinstance(action, Rounds | Again), "only these have rounds"
    variables: dict[str, object] = {**dict.fromkeys(action.own), COUNTER: index + 1}
    if isinstance(action, Rounds) and action.element:
        variables[action.element] = repetition.items[index]
    scope = action.scope
    frame = Frame(state.saw(delta.key), instance.key, scope, delta.act, variables, {}, {})
    state.put(state.frames, delta.key, frame)
    state.put(instance.frames, delta.key, None)
    state.put(repetition.active, delta.key, index)
    state.put(state.repetitions, delta.act, replace(repetition, begun=index + 1))


def round_ended(state: State, delta: RoundEnded, at: Instant) -> None:
    act = state.frames[delta.frame].act
    repetition = state.repetitions[act]
    index = repetition.active[delta.frame]
    state.drop(repetition.active, delta.frame)
    drop_frame(state, delta.frame)
    if delta.result is not None:
        state.put(repetition.results, index, delta.result)
    changed = (
        replace(repetition, completed=repetition.completed + 1)
        if delta.completed
        else replace(repetition, terminated=repetition.terminated + 1)
    )
    state.put(state.repetitions, act, changed)


def rounds_dropped(state: State, delta: RoundsDropped, at: Instant) -> None:
    repetition = state.repetitions[delta.act]
    for frame in tuple(repetition.active):
        state.drop(repetition.active, frame)
        drop_frame(state, frame)
    left = repetition.begun - repetition.completed
    changed = replace(repetition, terminated=left, wake=Instant(0))
    state.put(state.repetitions, delta.act, changed)


def rounds_wait(state: State, delta: RoundsWait, at: Instant) -> None:
    changed = replace(state.repetitions[delta.act], wake=delta.wake)
    state.put(state.repetitions, delta.act, changed)
    if delta.wake:
        state.alarm(delta.wake, delta.act, Alarm.ROUNDS)
