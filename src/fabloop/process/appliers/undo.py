"""Appliers for compensation: what can be undone is kept, taken over and opened again."""

# ruff: noqa: ARG001, D103  # appliers are called alike, and do what their deltas say

from msgspec.structs import replace

from fabloop.base.instant import Instant
from fabloop.process.kept import Completed, Kept
from fabloop.process.state import Frame, Role, State
from fabloop.process.undo_deltas import FrameKept, RoundKept, Undoable, UndoBegan, UndoOpened


def frame_kept(state: State, delta: FrameKept, at: Instant) -> None:
    frame = state.frames[delta.frame]
    done = dict(frame.done) if delta.whole else {}
    act = state.acts[frame.act]
    kept = Kept(frame.scope, dict(frame.variables), done)
    state.put(state.acts, act.key, replace(act, kept=kept))


def round_kept(state: State, delta: RoundKept, at: Instant) -> None:
    frame = state.frames[delta.frame]
    act = state.acts[frame.act]
    kept = act.kept or Kept(frame.scope, {}, {})
    if act.kept is None:
        state.put(state.acts, act.key, replace(act, kept=kept))
    this = Kept(frame.scope, dict(frame.variables), dict(frame.done))
    state.put(kept.done, state.saw(delta.key), Completed(act.node, {}, this))


def undoable(state: State, delta: Undoable, at: Instant) -> None:
    kept = state.acts[delta.act].kept if delta.act else None
    made = Completed(delta.node, dict(delta.values), kept)
    state.put(state.frames[delta.frame].done, state.saw(delta.key), made)


def undo_began(state: State, delta: UndoBegan, at: Instant) -> None:
    act = state.acts[delta.act]
    taken: dict[int, Completed] = {}
    for frame in state.lineage(state.frames[act.frame]):
        for key in delta.done:
            if key in frame.done:
                taken[key] = frame.done[key]
                state.drop(frame.done, key)
    undo = tuple(taken[key] for key in delta.done)
    state.put(state.acts, act.key, replace(act, undo=undo))


def undo_opened(state: State, delta: UndoOpened, at: Instant) -> None:
    act = state.acts[delta.act]
    instance = state.instance_of(act)
    last = act.undo[-1]
    variables = {**last.kept.variables} if last.kept else {}
    if not delta.whole:
        variables.update(last.values)
    frame = Frame(
        key=state.saw(delta.key),
        instance=instance.key,
        scope=delta.scope,
        act=act.key,
        variables=variables,
        tokens={},
        acts={},
        done=dict(last.kept.done) if last.kept and delta.whole else {},
        role=Role.REOPENED if delta.whole else Role.UNDOES,
    )
    state.put(state.frames, frame.key, frame)
    state.put(instance.frames, frame.key, None)
    state.put(state.acts, act.key, replace(act, child=frame.key, undo=act.undo[:-1]))
