"""What facts about calls name and tell."""

from collections.abc import Sequence
from typing import TypedDict

from fabloop.app.service_runtime.binding import Choice
from fabloop.app.service_runtime.errands import HOLD_NS, Errand
from fabloop.app.service_runtime.facts import CallBound, CallWithheld, RuntimeFact
from fabloop.base.instant import Instant
from fabloop.model.explanation import Explanation


class CallNames(TypedDict):
    """What every fact about a call names."""

    job: int
    about: str
    node: str
    service: str
    operation: str


def names_of(errand: Errand) -> CallNames:
    """Return what every fact about a call names."""
    task, candidate = errand.task, errand.candidate
    return {
        "job": task.key,
        "about": task.about,
        "node": task.node,
        "service": str(candidate.service.id) if candidate else "",
        "operation": str(candidate.operation.name) if candidate else "",
    }


def withheld(
    errand: Errand, reasons: Sequence[Explanation], now: Instant
) -> tuple[RuntimeFact, ...]:
    """Let a command wait that is not permitted; told once, and again when the reasons change."""
    errand.due = Instant(now + HOLD_NS)
    codes = tuple(f"{each.code} {each.subject}" for each in reasons)
    if codes == errand.withheld_for:
        return ()
    errand.withheld_for = codes
    return (CallWithheld(**names_of(errand), reasons=tuple(reasons)),)


def short(reason: Explanation) -> str:
    """Return a reason in few words."""
    details = ", ".join(reason.details.values())
    return f"{reason.subject}: {reason.code} ({details})" if details else reason.subject


def bound_fact(errand: Errand, choice: Choice) -> CallBound:
    """Return to whom an errand goes, and why."""
    return CallBound(
        job=errand.task.key,
        epoch=errand.task.epoch,
        about=errand.task.about,
        node=errand.task.node,
        service=str(choice.candidate.service.id),
        operation=str(choice.candidate.operation.name),
        because=choice.because,
        others=choice.others,
        offer=choice.lease.offer if choice.lease is not None else "",
        held_until=choice.lease.until if choice.lease is not None else None,
    )


def told_of(errand: Errand) -> dict[str, object]:
    """Return what was handed over: the inputs of the operation."""
    candidate = errand.candidate
    assert candidate is not None, "it was called"
    names = [each.name for each in candidate.operation.inputs]
    return {name: errand.given[name] for name in names if name in errand.given}
