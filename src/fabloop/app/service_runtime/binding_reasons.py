"""Why a job goes to one service and not to others, as explanations."""

from collections.abc import Sequence

from fabloop.app.service_runtime.directory import Candidate
from fabloop.app.service_runtime.reality import said
from fabloop.app.service_runtime.wanted import Wanted
from fabloop.base.money import money_text
from fabloop.model.explanation import BindingCode, Evidence, Explanation
from fabloop.model.service import Literal
from fabloop.services.cloud.bind import Exclusion, Judged

_CODES = {
    Exclusion.LOCKED: BindingCode.HELD,
    Exclusion.UNAUTHORISED: BindingCode.NOT_GRANTED,
    Exclusion.BLACKLISTED: BindingCode.BLACKLISTED,
}


def bound(candidate: Candidate, wanted: Wanted) -> Explanation:
    """Return why it goes to this one: it can, and nobody who can is cheaper."""
    operation = candidate.operation
    cost = operation.cost_minor
    evidence = (
        Evidence(
            subject=candidate.name,
            parameter="cost",
            value=None if cost is None else cost / 100,
            source=f"description of {candidate.service.id}",
        ),
    )
    details = {"wanted": _what(wanted), "service": candidate.service.title}
    if cost is not None:
        details["price"] = money_text(cost, operation.currency)
    return Explanation(
        code=BindingCode.BOUND, subject=candidate.name, details=details, evidence=evidence
    )


def dearer(candidate: Candidate, best: Candidate) -> Explanation:
    """Return that another one could do it too, but costs more or takes longer."""
    evidence = Evidence(
        subject=candidate.name,
        parameter="cost",
        relation="at most",
        value=(candidate.operation.cost_minor or 0) / 100,
        limit=(best.operation.cost_minor or 0) / 100,
    )
    return Explanation(
        code=BindingCode.DEARER,
        subject=candidate.name,
        details={"than": best.name},
        evidence=(evidence,),
    )


def nobody(wanted: Wanted) -> Explanation:
    """Return that nobody offers what is wanted."""
    return Explanation(code=BindingCode.NOBODY_OFFERS, subject=_what(wanted))


def away(candidate: Candidate) -> Explanation:
    """Return that a service is known, but does not offer it now."""
    details = {"service": str(candidate.service.id)}
    return Explanation(code=BindingCode.AWAY, subject=candidate.name, details=details)


def declined(candidate: Candidate) -> Explanation:
    """Return that a service has said that it cannot do this."""
    return Explanation(code=BindingCode.DECLINED, subject=candidate.name)


def conditions(candidate: Candidate, unmet: Sequence[Literal]) -> tuple[Explanation, ...]:
    """Return what does not hold that would have to."""
    return tuple(
        Explanation(
            code=BindingCode.CONDITION_NOT_MET,
            subject=candidate.name,
            details={"condition": said(each)},
        )
        for each in unmet
    )


def against_of(candidate: Candidate, verdict: Judged, held_for: str) -> Explanation:
    """Return why the cloud does not give an offer out.

    `held_for` is what it is held for, where that is known here.
    """
    assert verdict.against is not None, "something speaks against it"
    code = _CODES.get(verdict.against, BindingCode.NOT_OFFERED)
    details = {"service": str(candidate.service.id)}
    if code is BindingCode.HELD:
        holder = verdict.lock.owner if verdict.lock is not None else ""
        details["by"] = held_for or holder
    elif code is BindingCode.NOT_OFFERED:
        details["why"] = verdict.against.value
    return Explanation(code=code, subject=candidate.name, details=details)


def _what(wanted: Wanted) -> str:
    return str(wanted.requirement.skill if wanted.requirement is not None else wanted.operation)
