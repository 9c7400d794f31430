"""Messages and signals on their way to those who wait: from outside, or thrown by an instance."""

from collections.abc import Iterator

import msgspec

from fabloop.base.instant import Instant
from fabloop.process.acts import leave, note_passed, outputs_of
from fabloop.process.awaited import OpeningKind, SignalWait, Subscription
from fabloop.process.begin import begin, may_begin
from fabloop.process.commands import Variables
from fabloop.process.definition import Node, SendMessage, SendSignal
from fabloop.process.deltas import MessageKept, MessageTaken
from fabloop.process.evaluate import Stuck, correlation_of, dates_of, inputs_of, name_of
from fabloop.process.event_deltas import EventHeld
from fabloop.process.messages import STREAM
from fabloop.process.state import Frame, State
from fabloop.process.step import Step
from fabloop.process.watch import event_of, happen, stays

THROWN_PER_COMMAND_MAX = 10_000
"""Messages and signals that one command may let instances throw."""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A message on its way; it is kept until an instant, if that is to come."""

    name: str
    correlation: str
    variables: Variables
    until: Instant
    id: str = ""


def takers_of(state: State, name: str, correlation: str) -> dict[str, int]:
    """Return what waits for a message, by process: its first instance, else a start event."""
    takers: dict[str, int] = {}
    for key in state.waiting.get((name, correlation), ()):
        act = state.acts[state.subscriptions[key].act]
        takers.setdefault(state.instance_of(act).definition.id, key)
    for key in state.opened.get((OpeningKind.MESSAGE, name), ()):
        opening = state.openings[key]
        if may_begin(state, opening, correlation):
            takers.setdefault(opening.definition.id, key)
    return takers


def hand_over(step: Step, letter: Letter) -> Iterator[int]:
    """Give a message to all takers, one after the other, and yield their instances.

    One that is gone when its turn comes, or has had it meanwhile, is passed over. What a taker
    runs next may be run between.
    """
    takers = takers_of(step.state, letter.name, letter.correlation)
    kept = _keep(step, letter, tuple(takers)[:1]) if letter.until > step.at else 0
    for number, (process, key) in enumerate(takers.items()):
        waits = step.state.subscriptions.get(key)
        opening = step.state.openings.get(key)
        if waits is None and (
            opening is None or not may_begin(step.state, opening, letter.correlation)
        ):
            continue
        if kept and number:  # the first one is among its takers from the beginning
            if process in step.state.messages[kept].takers:
                continue
            step.emit_to(STREAM, MessageTaken(kept, process))
        if waits is not None:
            yield reach(step, waits, letter.variables)
        elif opening is not None:
            yield begin(step, opening, letter.variables, letter.correlation)


def _keep(step: Step, letter: Letter, takers: tuple[str, ...]) -> int:
    """Keep a message for those who come; return its key."""
    key = step.mint()
    kept = MessageKept(
        key,
        letter.name,
        letter.correlation,
        letter.id,
        letter.until,
        letter.variables,
        takers,
    )
    step.emit_to(STREAM, kept)
    return key


def reach(step: Step, waits: Subscription | SignalWait, variables: Variables) -> int:
    """Let what somebody waits for happen, or keep it for them while they are suspended."""
    state = step.state
    act = state.acts[waits.act]
    instance, event = state.instance_of(act), event_of(state, act, waits.node)
    step.visit(instance.stream)
    if state.is_suspended(instance):
        step.emit(EventHeld(waits.key, variables, stays(state, act, event)))
    else:
        happen(step, act, event, variables)
    return instance.key


def tell(step: Step, name: str, variables: Variables) -> Iterator[int]:
    """Give a signal to all that wait for it now, one after the other; yield their instances."""
    state = step.state
    for key in tuple(state.listening.get(name, ())):
        if waits := state.signals.get(key):
            yield reach(step, waits, variables)
    for key in tuple(state.opened.get((OpeningKind.SIGNAL, name), ())):
        opening = state.openings.get(key)
        if opening is not None and may_begin(state, opening):
            yield begin(step, opening, variables)


# -- thrown by instances ------------------------------------------------------------------------


def send_message(step: Step, frame: Frame, node: Node, send: SendMessage) -> None:
    """Publish a message; what it lets happen goes before the token that has sent it."""
    payload, context = _payload(step, frame, node)
    name = name_of(send.name, context, step.at)
    correlation = ""
    if send.correlation_key is not None:
        correlation = correlation_of(send.correlation_key, context, step.at)
    until = step.at
    if send.time_to_live is not None:
        until = dates_of(send.time_to_live, context, step.at).due
    made = outputs_of(step, frame, node, payload, {}) if node.outputs else {}
    ways = note_passed(step, frame, node, made, payload if node.inputs else {})
    letter = Letter(name=name, correlation=correlation, variables=payload, until=until)
    for _ in hand_over(step, letter):
        pass
    _go_on(step, frame, node, ways)


def send_signal(step: Step, frame: Frame, node: Node, send: SendSignal) -> None:
    """Broadcast a signal; what it lets happen goes before the token that has sent it."""
    payload, context = _payload(step, frame, node)
    name = name_of(send.name, context, step.at)
    made = outputs_of(step, frame, node, payload, {}) if node.outputs else {}
    ways = note_passed(step, frame, node, made, payload if node.inputs else {})
    for _ in tell(step, name, payload):
        pass
    _go_on(step, frame, node, ways)


def _payload(step: Step, frame: Frame, node: Node) -> tuple[Variables, Variables]:
    """Return what is thrown, the inputs or all that is seen, and what its name may read."""
    step.thrown += 1
    if step.thrown > THROWN_PER_COMMAND_MAX:
        text = f"Expected at most {THROWN_PER_COMMAND_MAX} messages and signals of one command."
        raise Stuck("limit", text)
    seen = step.state.visible(frame)
    local = inputs_of(node, seen, step.at)
    return (local if node.inputs else dict(seen)), {**seen, **local}


def _go_on(step: Step, frame: Frame, node: Node, ways: tuple[int, ...]) -> None:
    """Let the token leave, unless what it has thrown has ended its scope."""
    instance = step.state.instances.get(frame.instance)
    if instance is not None and frame.key in step.state.frames:
        step.focus(instance.stream)
        leave(step, frame, node, ways)
