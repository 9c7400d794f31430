"""What is said of alarms: claim, evidence, consequence."""

from collections.abc import Sequence

from fabloop.base.instant import MINUTE, Instant
from fabloop.model.explanation import ConditionCode, Evidence, Explanation
from fabloop.sense.condition.alarm_facts import AlarmRule, Hiding, Shelved, Side


def raised(
    rule: AlarmRule, value: float, at: Instant, members: Sequence[str], repeats: int
) -> Explanation:
    """Say why a person has to do something."""
    details = {"alarm": rule.id, "action": rule.action, "repeats": str(repeats)}
    if members:
        details["members"] = ", ".join(members)
    return _said(ConditionCode.ALARM, rule, details, (_value(rule, value, at),))


def cleared(rule: AlarmRule, value: float, at: Instant) -> Explanation:
    """Say why there is nothing to be done any more."""
    return _said(ConditionCode.ALARM_OVER, rule, {"alarm": rule.id}, (_value(rule, value, at),))


def hidden(rule: AlarmRule, why: Hiding, shelf: Shelved | None) -> Explanation:
    """Say why an alarm that is on is not told by itself."""
    details = {"alarm": rule.id, "why": why.value}
    if shelf is not None:
        details |= {"why": f"shelved by {shelf.by}: {shelf.reason}"}
    elif why is Hiding.GROUPED:
        details |= {"why": f"a consequence of {rule.root}"}
    return _said(ConditionCode.ALARM_HIDDEN, rule, details)


def declined(rule: AlarmRule, why: str) -> Explanation:
    """Say why what a person asked for cannot be done."""
    return _said(ConditionCode.ALARM_DECLINED, rule, {"alarm": rule.id, "why": why})


def off_the_shelf(rule: AlarmRule, shelf: Shelved) -> Explanation:
    """Say that the span for which somebody put the alarm aside is over."""
    details = {"alarm": rule.id, "by": shelf.by, "reason": shelf.reason}
    return _said(ConditionCode.SHELF_EXPIRED, rule, details)


def escalated(rule: AlarmRule, role: str, waited_ns: int) -> Explanation:
    """Say that nobody has answered."""
    details = {"alarm": rule.id, "role": role, "minutes": f"{waited_ns / MINUTE:.0f}"}
    return _said(ConditionCode.ALARM_UNANSWERED, rule, details)


def flood(count: int, limit: int, span_ns: int, at: Instant) -> Explanation:
    """Say that there are more alarms than a person can answer."""
    return _rate(ConditionCode.ALARM_FLOOD, count, limit, span_ns, at)


def flood_over(count: int, limit: int, span_ns: int, at: Instant) -> Explanation:
    """Say that alarms are few enough again."""
    return _rate(ConditionCode.ALARM_FLOOD_OVER, count, limit, span_ns, at)


def _rate(code: ConditionCode, count: int, limit: int, span_ns: int, at: Instant) -> Explanation:
    details = {
        "count": str(count),
        "limit": str(limit),
        "minutes": f"{span_ns / MINUTE:.0f}",
    }
    seen = Evidence(
        subject="desk",
        parameter="alarms raised",
        relation="at most",
        value=count,
        limit=limit,
        at=at,
    )
    return Explanation(code=code, subject="desk", details=details, evidence=(seen,))


def _value(rule: AlarmRule, value: float, at: Instant) -> Evidence:
    return Evidence(
        subject=rule.subject,
        parameter=rule.id,
        relation="at most" if rule.side is Side.ABOVE else "at least",
        value=value,
        limit=rule.limit,
        at=at,
    )


def _said(
    code: ConditionCode,
    rule: AlarmRule,
    details: dict[str, str],
    evidence: tuple[Evidence, ...] = (),
) -> Explanation:
    return Explanation(
        code=code,
        subject=rule.subject,
        details=details,
        evidence=evidence,
        consequence=rule.action,
    )
