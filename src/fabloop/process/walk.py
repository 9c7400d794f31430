"""Runs tokens to rest: enters nodes, fires pages, completes frames, until nothing moves."""

from collections.abc import Callable
from typing import Any

from fabloop.process import choice
from fabloop.process.acts import (
    clear,
    complete,
    hold_entry,
    leave,
    open_act,
    outputs_of,
    raise_incident,
    set_variables,
)
from fabloop.process.begin import begin_next, reconsider
from fabloop.process.calls import call, finish
from fabloop.process.commands import InstanceState, NodeCompleted, Variables
from fabloop.process.decide import decide
from fabloop.process.definition import (
    Again,
    Await,
    Boundary,
    BoundaryCancel,
    BoundaryError,
    BoundaryEscalation,
    Call,
    CancelEnd,
    Compensate,
    Decide,
    End,
    Enter,
    ErrorEnd,
    Escalate,
    EventBased,
    Exclusive,
    Inclusive,
    Job,
    Jump,
    Listen,
    Node,
    Nothing,
    Parallel,
    Pass,
    Person,
    Receive,
    Respond,
    Rounds,
    ScopeKind,
    Script,
    SendMessage,
    SendSignal,
    Start,
    StartOn,
    Terminate,
)
from fabloop.process.deltas import (
    FrameClosed,
    FrameOpened,
    IncidentCleared,
)
from fabloop.process.evaluate import (
    Stuck,
    inputs_of,
)
from fabloop.process.gateways import choose, merge, spread
from fabloop.process.pages import DEADLOCK, admit_entry, check_rest, feed, look_at_rest, run_page
from fabloop.process.post import send_message, send_signal
from fabloop.process.respond import ears_of, listen, only_listens, respond
from fabloop.process.rounds import begin_round, end_round, repeat
from fabloop.process.state import Frame, Phase, Role
from fabloop.process.step import Step
from fabloop.process.tasks import ask, do_nothing, offer, run_script
from fabloop.process.thrown import escalate, throw_end
from fabloop.process.undo import cancel_transaction, compensate, go_on, keep
from fabloop.process.variables import with_data
from fabloop.process.watch import arm, recheck, wait, watches_of


def run(step: Step) -> None:
    """Run until nothing moves: first tokens, then pages, then frames that came to their end."""
    state = step.state
    while True:
        if not step.agenda or step.pending:
            if not _run_rest(step):
                return
            continue
        key, node, brought = step.agenda.popleft()
        frame = state.frames.get(key)
        if frame is not None:
            if step.mixed:
                _turn(step, frame)
            enter(step, frame, node, brought)


def _run_rest(step: Step) -> bool:
    """Do the first that is due besides tokens on their way; tell whether there was something."""
    state = step.state
    if step.pending:
        _look_again(step, _first(step.pending))
    elif step.pages:
        if frame := state.frames.get(_first(step.pages)):
            _turn(step, frame)
            run_page(step, frame)
    elif step.touched:
        if frame := state.frames.get(_first(step.touched)):
            _turn(step, frame)
            settle(step, frame)
    elif step.rounds:
        key = _first(step.rounds)
        if key in state.repetitions:
            act = state.acts[key]
            _turn(step, state.frames[act.frame])
            begin_round(step, act)
    elif step.resting:
        if frame := state.frames.get(_first(step.resting)):
            _turn(step, frame)
            check_rest(step, frame)
    elif step.vacant:
        process, correlation = next(iter(step.vacant))
        del step.vacant[process, correlation]
        begin_next(step, process, correlation)
    else:
        return False
    return True


def _first(keys: dict[int, None]) -> int:
    """Take the first of some keys."""
    key = next(iter(keys))
    del keys[key]
    return key


def _turn(step: Step, frame: Frame) -> None:
    """Let what follows go to the row of a frame's instance, where several are changed in turn."""
    if step.mixed:
        step.focus(step.state.instances[frame.instance].stream)


def _look_again(step: Step, key: int) -> None:
    """Look at a condition that reads something that has changed; a suspended one waits."""
    state = step.state
    opening, condition = state.openings.get(key), state.conditions.get(key)
    if opening is not None:
        reconsider(step, opening)
    elif condition is not None:
        instance = state.instance_of(state.acts[condition.act])
        if not state.is_suspended(instance):
            step.focus(instance.stream)
            step.mixed = True
            recheck(step, key)


def enter(step: Step, frame: Frame, node: Node, brought: Variables) -> None:
    """Let a token into a node; one that cannot enter is held there with an incident."""
    try:
        step.budget -= 1
        if step.budget < 0:
            raise Stuck("limit", "Expected the process to come to rest, but it runs without end.")
        _ENTRIES[type(node.action)](step, frame, node, node.action, brought)
    except Stuck as stuck:
        hold_entry(step, frame, node, brought, stuck)


def _pass(step: Step, frame: Frame, node: Node) -> None:
    step.passed(frame, node)
    leave(step, frame, node)


def _begin(
    step: Step, frame: Frame, node: Node, action: Start | StartOn | Listen, brought: Variables
) -> None:
    ears = ears_of(step, frame)
    if isinstance(action, StartOn) and node.outputs:
        set_variables(step, frame, outputs_of(step, frame, node, {}, brought))
    _pass(step, frame, node)
    if ears:
        listen(step, frame, ears)


def _go_on(step: Step, frame: Frame, node: Node, brought: Variables) -> None:
    """Go on behind the event on a boundary, with what it brought."""
    set_variables(step, frame, outputs_of(step, frame, node, {}, brought))
    _pass(step, frame, node)


def _jump(step: Step, frame: Frame, node: Node, jump: Jump) -> None:
    step.passed(frame, node)
    step.notices.append(NodeCompleted(instance=frame.instance, node=node.id))
    target = step.state.definition_of(frame).nodes[jump.target]
    step.agenda.append((frame.key, target, {}))


def _end(step: Step, frame: Frame, node: Node) -> None:
    step.passed(frame, node)
    step.notices.append(NodeCompleted(instance=frame.instance, node=node.id))
    step.touched[frame.key] = None


def _open_frame(step: Step, frame: Frame, node: Node, action: Enter) -> None:
    scope = step.state.definition_of(frame).scopes[action.scope]
    seen = step.state.visible(frame)
    local = inputs_of(node, seen, step.at)
    token = admit_entry(scope, local) if scope.kind is ScopeKind.PAGE else None
    watches = watches_of(step, frame, node, {**seen, **local}) if node.watches else []
    definition = step.state.definition_of(frame)
    chosen = choice.chosen_at_entry(definition, scope, {**seen, **local}, step.at)
    act = open_act(step, frame, node, {})
    key = step.mint()
    step.emit(FrameOpened(key, act, scope.number, with_data(scope, local)))
    if scope.kind is ScopeKind.PAGE:
        feed(step, key, scope, token)
    elif scope.choice is not None:
        choice.begin(step, key, scope.choice, chosen)
    else:
        step.agenda.append((key, definition.nodes[scope.start], {}))
    arm(step, act, watches)


def _terminate(step: Step, frame: Frame, node: Node) -> None:
    """End everything else in a frame; it then completes."""
    clear(step, frame)
    _end(step, frame, node)


def settle(step: Step, frame: Frame) -> None:
    """Complete a frame in which nothing is left; ask for a person when only joins are left."""
    if frame.bags:
        return
    if frame.tokens and merge(step, frame):
        return
    if frame.act and frame.role is Role.RUNS:
        free = step.state.scope_of(frame).choice
        if free is not None and not choice.is_done(step, frame, free):
            return
    if frame.acts and not only_listens(step.state, frame):
        if frame.incident:
            step.emit(IncidentCleared(frame.incident))
        look_at_rest(step, frame.instance)
        return
    if frame.tokens:
        _note_deadlock(step, frame)
        return
    if frame.act:
        owner = step.state.acts[frame.act]
        if owner.key in step.state.repetitions:
            end_round(step, frame)
            return
        if owner.phase is Phase.UNDOING:
            step.emit(FrameClosed(frame.key))
            go_on(step, step.state.acts[owner.key])
            return
        node = step.state.node_of(owner)
        result = dict(frame.variables) if node.outputs else {}
        if node.keeps:
            result |= {k: frame.variables[k] for k in node.keeps if k in frame.variables}
        keep(step, frame, node)
        step.emit(FrameClosed(frame.key))
        complete(step, step.state.acts[owner.key], result)
        return
    finish(step, frame.instance, InstanceState.COMPLETED)


def _note_deadlock(step: Step, frame: Frame) -> None:
    if frame.incident:
        return
    definition = step.state.definition_of(frame)
    joins = [definition.nodes[definition.flows[flow].target] for flow in frame.tokens]
    node = next((each for each in joins if isinstance(each.action, Parallel)), joins[0])
    missing = [definition.flows[flow].id for flow in node.incoming if flow not in frame.tokens]
    text = (
        f"Expected tokens on flows {', '.join(map(repr, missing))} into '{node.id}', but nothing "
        "in its scope can bring them. Move a token there, or cancel the waiting one."
    )
    raise_incident(step, frame, 0, node, Stuck(DEADLOCK, text))


_Entry = Callable[[Step, Frame, Node, Any, Variables], None]


def _plain(enter: Callable[[Step, Frame, Node], None]) -> _Entry:
    return lambda step, frame, node, _action, _brought: enter(step, frame, node)


def _acting(enter: Callable[[Step, Frame, Node, Any], None]) -> _Entry:
    return lambda step, frame, node, action, _brought: enter(step, frame, node, action)


# Each entry takes its own action; a table typed by that cannot be written, hence Any. It is no
# `match`, since every token comes by here and the actions are many.
_ENTRIES: dict[type[Any], _Entry] = {
    Parallel: _plain(_pass),
    Pass: _plain(_pass),
    Start: _begin,
    StartOn: _begin,
    Listen: _begin,
    Jump: _acting(_jump),
    SendMessage: _acting(send_message),
    SendSignal: _acting(send_signal),
    ErrorEnd: _acting(throw_end),
    Escalate: _acting(escalate),
    Terminate: _plain(_terminate),
    End: _plain(_end),
    Exclusive: choose,
    Inclusive: _acting(spread),
    EventBased: _plain(wait),
    Await: _plain(wait),
    Receive: _plain(wait),
    Nothing: _plain(do_nothing),
    Decide: _acting(decide),
    Script: run_script,
    Job: offer,
    Person: ask,
    Enter: _acting(_open_frame),
    Call: _acting(call),
    Rounds: _acting(repeat),
    Again: _acting(repeat),
    Boundary: lambda step, frame, node, _, brought: _go_on(step, frame, node, brought),
    BoundaryError: lambda step, frame, node, _, brought: _go_on(step, frame, node, brought),
    BoundaryEscalation: lambda step, frame, node, _, brought: _go_on(step, frame, node, brought),
    Respond: respond,
    Compensate: _acting(compensate),
    CancelEnd: _plain(cancel_transaction),
    BoundaryCancel: _plain(_pass),
}
"""What a token does that comes to a node. None comes to an event that only names a handler."""
