"""Instances that are started by events: messages, signals, dates and conditions."""

from collections.abc import Mapping

from fabloop.base.errors import Fault, Invalid
from fabloop.process.awaited import Opening, OpeningKind
from fabloop.process.commands import InstanceBegun, Variables
from fabloop.process.conditions import holds
from fabloop.process.definition import Definition, Node, StartOn
from fabloop.process.deltas import InstanceStarted, MessageTaken
from fabloop.process.evaluate import Stuck, dates_of, name_of
from fabloop.process.event_deltas import Locked, OpeningMade, OpeningsClosed, OpeningTurned
from fabloop.process.messages import STREAM
from fabloop.process.state import State
from fabloop.process.step import Step
from fabloop.process.trigger import OnCondition, OnMessage, OnSignal, OnTimer
from fabloop.process.variables import with_data


def reopen(step: Step, definition: Definition, lines: Mapping[str, int]) -> None:
    """Arm the start events of a new version; those of the version before are no longer armed.

    Raises
    ------
    Invalid
        The name of an event, or its dates, cannot be told without an instance.
    """
    if definition.id in step.state.openings_of:
        step.emit(OpeningsClosed(definition.id))
    faults = []
    for number in definition.scopes[0].starts:
        node = definition.nodes[number]
        try:
            step.emit(_opening(step, definition, node))
        except Stuck as stuck:
            line = f", line {lines[node.id]}" if node.id in lines else ""
            faults.append(
                Fault(
                    source=f"process '{definition.id}'",
                    path=f"element '{node.id}'{line}",
                    expected="a start event that needs no variables",
                    found=stuck.text,
                )
            )
    if faults:
        raise Invalid(faults)


def _opening(step: Step, definition: Definition, node: Node) -> OpeningMade:
    assert isinstance(node.action, StartOn), "only these are armed at deployment"
    trigger = node.action.trigger
    of = (step.mint(), definition.id, definition.version, node.number)
    match trigger:
        case OnMessage():
            return OpeningMade(*of, OpeningKind.MESSAGE, name_of(trigger.name, {}, step.at))
        case OnSignal():
            return OpeningMade(*of, OpeningKind.SIGNAL, name_of(trigger.name, {}, step.at))
        case OnTimer():
            dates = dates_of(trigger.due, {}, step.at)
            return OpeningMade(*of, OpeningKind.TIMER, "", dates.due, dates.rule, dates.left)
        case OnCondition():
            now = holds(trigger, step.state, {}, step.at)
            return OpeningMade(*of, OpeningKind.CONDITION, holds=now, reads=trigger.kpis)


def may_begin(state: State, opening: Opening, correlation: str = "") -> bool:
    """Whether a start event may start an instance now: of each key, one at a time."""
    if state.is_stopped(opening.definition):
        return False
    return not correlation or (opening.definition.id, correlation) not in state.locks


def begin(step: Step, opening: Opening, variables: Variables, correlation: str = "") -> int:
    """Start an instance at a start event; the key of its message becomes its business key."""
    definition = step.state.definitions[opening.definition]
    node = definition.nodes[opening.node]
    key, frame = step.mint(), step.mint()
    step.visit(f"instance/{key}")
    own = with_data(definition.scopes[0], {} if node.outputs else variables, correlation)
    step.emit(InstanceStarted(key, definition.id, definition.version, correlation, frame, own))
    if correlation:
        step.emit(Locked(key, correlation))
    notice = InstanceBegun(instance=key, definition=definition.key, node=node.id)
    step.notices.append(notice)
    step.agenda.append((frame, node, variables if node.outputs else {}))
    return key


def begin_next(step: Step, process: str, correlation: str) -> None:
    """Start an instance with the oldest kept message of a key whose instance has ended."""
    state = step.state
    waiting = [
        (key, opening)
        for opening in (state.openings[each] for each in state.openings_of.get(process, ()))
        if opening.kind is OpeningKind.MESSAGE and may_begin(state, opening, correlation)
        for key in state.kept.get((opening.name, correlation), ())
        if state.messages[key].until > step.at and process not in state.messages[key].takers
    ]
    if not waiting:
        return
    key, opening = min(waiting, key=lambda each: each[0])
    step.emit_to(STREAM, MessageTaken(key, process))
    begin(step, opening, state.messages[key].variables, correlation)


def reconsider(step: Step, opening: Opening) -> None:
    """Look at the condition of a start event again; an instance starts when it becomes true."""
    definition = step.state.definitions[opening.definition]
    action = definition.nodes[opening.node].action
    assert isinstance(action, StartOn), "only these are armed at deployment"
    assert isinstance(action.trigger, OnCondition), "only conditions read something"
    now = holds(action.trigger, step.state, {}, step.at)
    if now == opening.holds:
        return
    step.emit_to("definitions", OpeningTurned(opening.key, now))
    if now and may_begin(step.state, opening):
        begin(step, opening, {})
