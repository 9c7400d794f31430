"""Compensation: what was completed is undone, the last first, when a throw event asks for it."""

from collections.abc import Iterator

from fabloop.process.acts import cancel, clear, leave, open_act
from fabloop.process.commands import NodeCompleted
from fabloop.process.definition import NOWHERE, CancelEnd, Compensate, Node, ScopeKind
from fabloop.process.deltas import ActClosed
from fabloop.process.state import Act, Frame, Phase, State
from fabloop.process.step import Step
from fabloop.process.undo_deltas import FrameKept, RoundKept, UndoBegan, UndoOpened

# -- while work is done: keeping what may be needed to undo it ------------------------------------


def keep(step: Step, frame: Frame, node: Node) -> None:
    """Keep what a frame that is about to close leaves for undoing its node."""
    if node.handler != NOWHERE:
        step.emit(FrameKept(frame.key, whole=False))
    elif frame.done or step.state.scope_of(frame).undo != NOWHERE:
        step.emit(FrameKept(frame.key, whole=True))


def keep_round(step: Step, frame: Frame) -> None:
    """Keep what a round leaves for undoing it, until all rounds are done."""
    if frame.done:
        step.emit(RoundKept(step.mint(), frame.key))


# -- undoing --------------------------------------------------------------------------------------


def compensate(step: Step, frame: Frame, node: Node, action: Compensate) -> None:
    """Undo what was completed in the scope of a throw event; a token goes on when that is done."""
    done = {key: each for scope in _reached(step.state, frame) for key, each in scope.done.items()}
    chosen = [key for key, each in done.items() if action.activity in (NOWHERE, each.node)]
    if chosen:
        _begin(step, frame, node, chosen)
        return
    step.passed(frame, node)
    leave(step, frame, node)


def _reached(state: State, frame: Frame) -> Iterator[Frame]:
    """Yield a frame and, from inside an event sub-process, the one that it belongs to."""
    yield frame
    while state.scope_of(frame).kind is ScopeKind.EVENT:
        frame = state.frames[state.acts[frame.act].frame]
        yield frame


def cancel_transaction(step: Step, frame: Frame, node: Node) -> None:
    """End what is in progress in a transaction, undo what was completed, and leave it."""
    clear(step, frame)
    step.notices.append(NodeCompleted(instance=frame.instance, node=node.id))
    if frame.done:
        _begin(step, frame, node, list(frame.done))
        return
    step.passed(frame, node)
    _leave_cancelled(step, frame)


def _leave_cancelled(step: Step, frame: Frame) -> None:
    host = step.state.acts[frame.act]
    event = step.state.definition_of(frame).nodes[step.state.node_of(host).cancelled]
    cancel(step, host)
    step.agenda.append((host.frame, event, {}))


def _begin(step: Step, frame: Frame, node: Node, done: list[int]) -> None:
    act = open_act(step, frame, node, {}, Phase.UNDOING)
    step.emit(UndoBegan(act, tuple(sorted(done))))
    go_on(step, step.state.acts[act])


def go_on(step: Step, act: Act) -> None:
    """Undo the next of what an act has to have undone; with none left, end the act."""
    if not act.undo:
        _finish(step, act)
        return
    definition = step.state.definition_of(step.state.frames[act.frame])
    last = act.undo[-1]
    node = definition.nodes[last.node]
    key = step.mint()
    if node.handler != NOWHERE:
        handler = definition.nodes[node.handler]
        step.emit(UndoOpened(key, act.key, handler.scope, whole=False))
        step.agenda.append((key, handler, {}))
        return
    assert last.kept is not None, "what has no handler of its own has some inside"
    scope = definition.scopes[last.kept.scope]
    step.emit(UndoOpened(key, act.key, scope.number, whole=True))
    frame = step.state.frames[key]
    if scope.undo != NOWHERE:
        step.agenda.append((key, definition.nodes[scope.undo], {}))
    else:
        _begin(step, frame, node, list(frame.done))


def _finish(step: Step, act: Act) -> None:
    frame = step.state.frames[act.frame]
    node = step.state.node_of(act)
    match node.action:
        case CancelEnd():
            step.emit(ActClosed(act.key, completed=True))
            _leave_cancelled(step, frame)
        case Compensate():
            step.emit(ActClosed(act.key, completed=True))
            leave(step, frame, node)
        case _:  # a sub-process of which all activities are undone
            step.emit(ActClosed(act.key, completed=True))
            step.touched[frame.key] = None
