"""Conditional events: looked at again when something they read has changed, and only then."""

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.process.acts import seen_by
from fabloop.process.commands import Done, ReportKpis, Variables
from fabloop.process.evaluate import Stuck, value_of
from fabloop.process.event_deltas import KpisSet
from fabloop.process.state import Act, State
from fabloop.process.step import Step
from fabloop.process.trigger import OnCondition
from fabloop.process.variables import admit

KPIS_MAX = 10_000
STREAM = "kpis"


def seen_at(state: State, act: Act) -> Variables:
    """Return what the triggers of events at an act may read: also the inputs of what it opened."""
    if act.child and not state.frames[act.child].bags:
        return state.visible(state.frames[act.child])
    return seen_by(state, act)


def holds(trigger: OnCondition, state: State, seen: Variables, at: Instant) -> bool:
    """Whether a condition is true; one that has no value, or cannot be evaluated, is not."""
    try:
        return value_of(trigger.formula, {"kpi": state.kpis, **seen}, at) is True
    except Stuck:
        return False


def report(step: Step, command: ReportKpis) -> Done:
    """Set KPIs; the conditions that read them are looked at when the step runs on."""
    values = admit(command.values, "the report of KPIs")
    if len(step.state.kpis.keys() | values.keys()) > KPIS_MAX:
        fault = Fault(
            source="ReportKpis",
            path="values",
            expected=f"at most {KPIS_MAX} KPIs",
            found="more",
            hint="Report only what conditions read.",
        )
        raise Invalid(fault)
    if values:
        step.focus(STREAM)
        step.emit(KpisSet(values))
    return Done()
