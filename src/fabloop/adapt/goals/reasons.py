"""Explanations of how goals stand: claim, evidence, consequence, and what would help."""

from collections.abc import Iterable
from typing import assert_never

from fabloop.adapt.goals.risk import Risk
from fabloop.adapt.goals.verdict import Verdict
from fabloop.base.instant import SECOND, Instant, iso_of
from fabloop.base.quantity import Dimension
from fabloop.model.explanation import Evidence, Explanation, GoalCode, Option, ReliefCode
from fabloop.model.goal import Count, Goal, Kpi, MeanTime, Measure, Relation, Share
from fabloop.model.ids import GoalId


def of_verdict(goal: Goal, key: str, verdict: Verdict, zone: str, follows: str) -> Explanation:
    """Return why a goal is met or missed, with what happened and when."""
    assert verdict.code is not None, "what is decided has a reason"
    details = _details(goal, key)
    if verdict.event:
        details["event"] = verdict.event.partition("(")[0]
    if verdict.deadline is not None:
        details["deadline"] = iso_of(verdict.deadline, zone)
    if verdict.count:
        details["times"] = str(verdict.count)
    details["since"] = iso_of(verdict.since, zone)
    return Explanation(
        code=verdict.code,
        subject=goal.id,
        details=details,
        evidence=_evidence(verdict, key, verdict.happened),
        consequence="" if verdict.code is GoalCode.MET else follows,
    )


def of_bound(
    goal: Goal, key: str, verdict: Verdict, soonest: Instant, zone: str, follows: str
) -> Explanation:
    """Return why a goal cannot be met any more although its time is not over."""
    assert verdict.deadline is not None, "what cannot be reached has an end"
    details = _details(goal, key) | {
        "event": verdict.event.partition("(")[0],
        "deadline": iso_of(verdict.deadline, zone),
        "soonest": iso_of(soonest, zone),
    }
    return Explanation(
        code=GoalCode.UNREACHABLE,
        subject=goal.id,
        details=details,
        evidence=_evidence(verdict, key, soonest),
        consequence=follows,
        options=(_more_time(verdict, key, soonest),),
    )


def of_risk(
    goal: Goal, key: str, verdict: Verdict, found: Risk, now: Instant, zone: str, follows: str
) -> Explanation:
    """Return why a goal is in danger: what is expected, who says so, and what would help."""
    assert verdict.deadline is not None, "only what has an end runs out of time"
    details = _details(goal, key) | {
        "event": verdict.event.partition("(")[0],
        "risk": f"{found.risk:.0%}",
        "deadline": iso_of(verdict.deadline, zone),
        "source": found.source,
    }
    if found.mark:
        details["node"] = found.mark.lstrip(">")
    if found.cases:
        details["cases"] = str(found.cases)
    if found.expected is None:
        return Explanation(
            code=GoalCode.TIME_RUNS_OUT,
            subject=goal.id,
            details=details,
            evidence=_evidence(verdict, key, now),
            consequence=follows,
        )
    details["expected"] = iso_of(found.expected, zone)
    left, needed = verdict.deadline - now, found.expected - now
    speed = Option(
        code=ReliefCode.SPEED_UP,
        subject=key,
        parameter=details["event"],
        before=needed / SECOND,
        after=left / SECOND,
        dimension=Dimension.TIME,
    )
    options = (speed, _more_time(verdict, key, found.expected)) if needed > left else ()
    return Explanation(
        code=GoalCode.AT_RISK,
        subject=goal.id,
        details=details,
        evidence=_evidence(verdict, key, found.expected),
        consequence=follows,
        options=options,
    )


def of_parts(
    goal: Goal, key: str, parts: tuple[GoalId, ...], follows: str, *, lost: bool
) -> Explanation:
    """Return that a goal is missed, or in danger, because of goals that serve it."""
    return Explanation(
        code=GoalCode.PARTS_LOST if lost else GoalCode.PARTS_AT_RISK,
        subject=goal.id,
        details=_details(goal, key) | {"parts": ", ".join(parts)},
        consequence=follows,
    )


def restored(goal: Goal | Kpi, key: str, before: Explanation | None) -> Explanation:
    """Return that a goal is out of danger, and what it was in danger of."""
    details = _details(goal, key)
    if before is not None:
        details["before"] = before.code
    return Explanation(code=GoalCode.RESTORED, subject=goal.id, details=details)


def of_kpi(kpi: Kpi, key: str, value: float, code: GoalCode, cases: int) -> Explanation:
    """Return how a KPI stands to its limit, or will."""
    wanted = {
        Relation.AT_LEAST: "at least",
        Relation.AT_MOST: "at most",
        Relation.ABOVE: "above",
        Relation.BELOW: "below",
    }[kpi.relation]
    evidence = Evidence(
        subject=key,
        parameter=kpi.written.split(">")[0].split("<")[0].strip() or kpi.id,
        relation=wanted,
        value=value,
        limit=kpi.limit,
        dimension=_dimension(kpi.measure),
    )
    return Explanation(
        code=code,
        subject=kpi.id,
        details=_details(kpi, key) | {"cases": str(cases)},
        evidence=(evidence,),
    )


def _details(goal: Goal | Kpi, key: str) -> dict[str, str]:
    what = str(goal.over) if isinstance(goal, Kpi) else goal.subject
    return {"key": key, "what": what, "title": goal.title or goal.written}


def _dimension(measure: Measure) -> Dimension | None:
    match measure:
        case Share():
            return Dimension.RATIO
        case MeanTime():
            return Dimension.TIME
        case Count():
            return None
        case _:
            assert_never(measure)


def consequence(goal: Goal, kpis: Iterable[GoalId]) -> str:
    """Return what follows when a goal is missed: for what it serves, and for KPIs that count it."""
    found = [f"{each} counts it as missed" for each in kpis]
    if goal.part_of is not None:
        found.insert(0, f"{goal.part_of} {'cannot be met' if goal.needed else 'is in danger'}")
    return "; ".join(found)


def _evidence(verdict: Verdict, key: str, value: Instant | None) -> tuple[Evidence, ...]:
    """Return the time from where it counts against the time that is allowed, in seconds."""
    begun, deadline = verdict.begun, verdict.deadline
    if begun is None or deadline is None:
        return ()
    told = verdict.event.partition("(")[0]
    return (
        Evidence(
            subject=key,
            parameter=f"time to {told}",
            relation="at least" if verdict.code is GoalCode.TOO_EARLY else "at most",
            value=None if value is None else (value - begun) / SECOND,
            limit=(deadline - begun) / SECOND,
            dimension=Dimension.TIME,
        ),
    )


def _more_time(verdict: Verdict, key: str, needed: Instant) -> Option:
    assert verdict.deadline is not None, "only what has an end can be given more time"
    begun = verdict.begun or verdict.deadline
    return Option(
        code=ReliefCode.GIVE_TIME,
        subject=key,
        parameter=verdict.event.partition("(")[0],
        before=(verdict.deadline - begun) / SECOND,
        after=(needed - begun) / SECOND,
        dimension=Dimension.TIME,
    )
