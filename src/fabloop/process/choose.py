"""The command that lets activities of an ad-hoc sub-process begin."""

from collections.abc import Iterable

from fabloop.base.errors import Conflict, NotFound
from fabloop.base.names import did_you_mean
from fabloop.process.choice import begin, choosable
from fabloop.process.commands import Done
from fabloop.process.deltas import VariablesSet
from fabloop.process.operations import ChooseActivities
from fabloop.process.state import Frame, Role, State
from fabloop.process.step import Step
from fabloop.process.variables import admit
from fabloop.process.walk import run


def choose_activities(step: Step, command: ChooseActivities) -> Done:
    """Let activities begin, all or none."""
    state = step.state
    variables = admit(command.variables, f"choice in {command.frame}")
    frame = _frame(state, command.frame)
    choice = state.scope_of(frame).choice
    if choice is None or frame.role is not Role.RUNS:
        raise Conflict(f"Expected a running ad-hoc sub-process, but {command.frame} is none.")
    known = choosable(state.definition_of(frame), choice)
    if not command.activities:
        raise Conflict(f"Expected activities to begin, but found none. {_listed(known)}")
    for name in command.activities:
        if name not in known:
            hint = did_you_mean(name, known) or _listed(known)
            raise NotFound(f"Expected an activity that may be chosen, but found '{name}'. {hint}")
    step.trigger(state.instances[frame.instance])
    if variables:
        step.emit(VariablesSet(frame.key, variables))
    begin(step, frame.key, choice, [known[name] for name in command.activities])
    run(step)
    return Done()


def _frame(state: State, key: int) -> Frame:
    act = state.acts.get(key)
    frame = state.frames.get(act.child if act is not None else key)
    if frame is None:
        raise NotFound(f"Expected an ad-hoc sub-process {key} in progress, but found none.")
    return frame


def _listed(known: Iterable[str]) -> str:
    return f"There are {', '.join(map(repr, known))}."
