"""Errors and escalations: who of those around a node hears of them, and what that does."""

from typing import Literal

import msgspec

from fabloop.process.acts import cancel, clear, leave
from fabloop.process.commands import NodeCompleted, Variables
from fabloop.process.definition import (
    NOWHERE,
    BoundaryEscalation,
    ErrorEnd,
    Escalate,
    Node,
    Respond,
)
from fabloop.process.evaluate import Stuck
from fabloop.process.state import Act, Frame, Phase, Role, State
from fabloop.process.step import Step

Kind = Literal["catches", "escalations"]
"""The table of a node or scope in which a code is looked up."""


class Hearer(msgspec.Struct, frozen=True):
    """What hears of an error or escalation.

    Attributes
    ----------
    frame : where it stands
    act : the activity whose boundary event it is; None for an event sub-process of the frame
    event : the boundary event, or the event sub-process
    """

    frame: Frame
    act: Act | None
    event: Node

    @property
    def interrupts(self) -> bool:
        """Whether what it belongs to ends."""
        action = self.event.action
        return not isinstance(action, BoundaryEscalation | Respond) or action.interrupting


def hearer_of(state: State, frame: Frame, act: Act | None, code: str, kind: Kind) -> Hearer | None:
    """Return who hears first of what `act`, or a node of `frame` without one, throws.

    From the inside outwards: events on the boundary of an activity, then event sub-processes of
    the scope that it stands in, and so on; out of a called process to the call activity.
    """
    while True:
        if act is not None and act.transition < 0 and act.phase is not Phase.UNDOING:
            number = _listed(getattr(state.node_of(act), kind), code)
            if number != NOWHERE:
                return Hearer(frame, act, state.definition_of(frame).nodes[number])
        number = _response(state, frame, act, code, kind)
        if number != NOWHERE:
            return Hearer(frame, None, state.definition_of(frame).nodes[number])
        outer = frame.act or state.instances[frame.instance].caller
        if not outer:
            return None
        act = state.acts[outer]
        frame = state.frames[act.frame]


def _listed(table: dict[str, int], code: str, apart_from: int = NOWHERE) -> int:
    for name in (code, ""):
        number = table.get(name, NOWHERE)
        if number not in (NOWHERE, apart_from):
            return number
    return NOWHERE


def _response(state: State, frame: Frame, act: Act | None, code: str, kind: Kind) -> int:
    """Return the event sub-process of a frame that hears of what comes out of `act` in it.

    None does of what it throws itself, nor when another one has interrupted the frame, nor when
    the frame is there to undo something.
    """
    table = getattr(state.scope_of(frame), kind)
    if not table or frame.role is not Role.RUNS:
        return NOWHERE
    source = state.node_of(act) if act is not None else None
    if source is None or not isinstance(source.action, Respond):
        return _listed(table, code)
    return NOWHERE if source.action.interrupting else _listed(table, code, source.number)


def catch(
    step: Step, hearer: Hearer, variables: Variables, told: Variables, known_to: int = 0
) -> None:
    """Interrupt what a hearer belongs to, if it does so, and go on at its event.

    `told` is what its output mappings may read besides the variables that are handed over.
    """
    if _begun_by(step.state, hearer).outputs:
        variables = {**told, **variables}
    if hearer.interrupts and hearer.act is not None:
        cancel(step, hearer.act, known_to)
    elif hearer.interrupts:
        clear(step, hearer.frame, known_to)
    step.agenda.append((hearer.frame.key, hearer.event, variables))


def _begun_by(state: State, hearer: Hearer) -> Node:
    """Return the event whose mappings say what is kept; an event sub-process has it inside."""
    action = hearer.event.action
    if not isinstance(action, Respond):
        return hearer.event
    definition = state.definition_of(hearer.frame)
    return definition.nodes[definition.scopes[action.scope].start]


def error_told(code: str, message: str = "") -> Variables:
    """Return what an event that catches an error may read of it."""
    return {"errorCode": code, "errorMessage": message}


def throw_end(step: Step, frame: Frame, node: Node, end: ErrorEnd) -> None:
    """Throw an error to what encloses an end event."""
    hearer = hearer_of(step.state, frame, None, end.code, "catches")
    if hearer is None:
        text = f"Expected an event that catches error '{end.code}', but no enclosing scope has one."
        raise Stuck("uncaught error", text)
    step.passed(frame, node)
    catch(step, hearer, {}, error_told(end.code))


def escalate(step: Step, frame: Frame, node: Node, told: Escalate) -> None:
    """Let the innermost that listens hear of an escalation; where none does, nothing happens."""
    step.passed(frame, node)
    hearer = hearer_of(step.state, frame, None, told.code, "escalations")
    if hearer is not None:
        catch(step, hearer, {}, {"escalationCode": told.code})
        if hearer.interrupts:
            step.notices.append(NodeCompleted(instance=frame.instance, node=node.id))
            return
    leave(step, frame, node)
