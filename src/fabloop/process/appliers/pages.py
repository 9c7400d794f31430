"""Appliers for the firings and tokens of pages."""

# ruff: noqa: ARG001, D103  # appliers are called alike, and do what their deltas say

from msgspec.structs import replace

from fabloop.base.instant import Instant
from fabloop.process.appliers.scopes import deposit, forget_act, withdraw
from fabloop.process.cpn.token import freeze
from fabloop.process.deltas import Fired, FiringEnded, FiringStarted, PageFed, PageWaits
from fabloop.process.state import Act, Alarm, Phase, State


def fired(state: State, delta: Fired, at: Instant) -> None:
    frame = state.frames[delta.frame]
    withdraw(state, frame, delta.consumed)
    deposit(state, frame, delta.produced)


def firing_started(state: State, delta: FiringStarted, at: Instant) -> None:
    frame = state.frames[delta.frame]
    withdraw(state, frame, delta.consumed)
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


def firing_ended(state: State, delta: FiringEnded, at: Instant) -> None:
    act = state.acts[delta.key]
    deposit(state, state.frames[act.frame], delta.produced)
    forget_act(state, act)


def page_fed(state: State, delta: PageFed, at: Instant) -> None:
    deposit(state, state.frames[delta.frame], (delta.token,))


def page_waits(state: State, delta: PageWaits, at: Instant) -> None:
    frame = state.frames[delta.frame]
    state.put(state.frames, delta.frame, replace(frame, wake=delta.wake))
    if delta.wake:
        state.alarm(delta.wake, delta.frame, Alarm.PAGE)
