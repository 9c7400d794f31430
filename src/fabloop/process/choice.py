"""Ad-hoc sub-processes: which of their activities begin, and when they are done."""

from fabloop.base.instant import Instant
from fabloop.base.names import did_you_mean
from fabloop.process.acts import cancel, clear, open_act, raise_incident
from fabloop.process.commands import Variables
from fabloop.process.definition import Choice, Definition, Node, Scope
from fabloop.process.deltas import ActClosed
from fabloop.process.evaluate import Stuck, reasons_of, shown, truth_of, value_of
from fabloop.process.pages import DEADLOCK
from fabloop.process.state import Frame, Phase
from fabloop.process.step import Step


def choosable(definition: Definition, choice: Choice) -> dict[str, Node]:
    """Return the activities that may be chosen, by id."""
    return {definition.nodes[number].id: definition.nodes[number] for number in choice.choosable}


def chosen_at_entry(
    definition: Definition, scope: Scope, context: Variables, at: Instant
) -> list[Node]:
    """Return the activities with which an ad-hoc sub-process begins; raises Stuck."""
    choice = scope.choice
    if choice is None or choice.activities is None:
        return []
    formula = choice.activities
    wanted = value_of(formula, context, at)
    if not isinstance(wanted, list):
        text = f"Expected a list of activities from '{formula.text}', but found {shown(wanted)}."
        raise Stuck("choice", f"{text} {reasons_of(formula, context, at)}".strip())
    known = choosable(definition, choice)
    for name in wanted:
        if name not in known:
            hint = did_you_mean(str(name), known)
            text = f"Expected activities that may be chosen, but found {shown(name)}. {hint}"
            raise Stuck("choice", text.strip())
    return [known[str(name)] for name in wanted]


def begin(step: Step, frame: int, choice: Choice, chosen: list[Node]) -> None:
    """Let chosen activities begin: at once or, where only one may run at a time, in turn."""
    if not choice.sequential:
        step.agenda.extend((frame, node, {}) for node in chosen)
    for node in chosen if choice.sequential else ():
        open_act(step, step.state.frames[frame], node, {}, Phase.QUEUED)
    if choice.sequential or (not chosen and choice.activities is not None):
        step.touched[frame] = None


def is_done(step: Step, frame: Frame, choice: Choice) -> bool:
    """Tell whether an ad-hoc frame that came to rest may be left; let the next in turn begin.

    Where it may not, it waits for what runs, or for somebody to choose.
    """
    state = step.state
    acts = [state.acts[key] for key in frame.acts]
    queued = [act for act in acts if act.phase is Phase.QUEUED]
    runs = len(acts) > len(queued)
    if frame.incident and state.incidents[frame.incident].kind != DEADLOCK:
        return False
    try:
        over = choice.until is not None and truth_of(choice.until, state.visible(frame), step.at)
    except Stuck as stuck:
        node = state.definition_of(frame).nodes[choice.choosable[0]]
        raise_incident(step, frame, 0, node, stuck)
        return False
    if over and (choice.cancels or not runs):
        clear(step, frame)
        return True
    if over:
        for act in queued:
            cancel(step, act)
        return False
    if queued and not runs:
        step.emit(ActClosed(queued[0].key, completed=False))
        step.agenda.append((frame.key, state.node_of(queued[0]), {}))
    return not acts and not frame.tokens and choice.until is None
