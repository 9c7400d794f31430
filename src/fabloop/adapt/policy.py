"""What may be done about a deviation by itself, up to what, and who decides beyond that."""

from enum import IntEnum, StrEnum

import msgspec

from fabloop.base.instant import HOUR, MINUTE, SECOND
from fabloop.model.documents.collect import Sheet
from fabloop.model.documents.policy_structs import AdaptationPolicyDocument, RungEntry
from fabloop.model.documents.values import duration_ns, money


class Rung(StrEnum):
    """What can be done about a deviation, the mildest first."""

    TOLERATE = "tolerate"
    RETRY = "retry"
    REBIND = "rebind"
    REPLAN = "re-plan"
    REPAIR = "repair"
    ASK = "ask"


BUDGET_NS = 2 * SECOND
RETRY_BUDGET_NS = 2 * HOUR
"""Calls are tried again with pauses, as long as this after the first one."""


class Severity(IntEnum):
    """How bad a deviation is; below the first nothing is automatic."""

    NONE = 0
    MINOR = 1
    MAJOR = 2
    CRITICAL = 3


class Instead(StrEnum):
    """What is safe when every rung has failed or nobody answers."""

    HOLD = "hold"
    CANCEL = "cancel"


class RungRule(msgspec.Struct, frozen=True, kw_only=True):
    """One rung.

    Attributes
    ----------
    up_to : it is tried for deviations up to this severity
    automatic_up_to, cost_minor_max, delay_ns_max : what it may do unasked; None is no limit
    approver : who is asked beyond that; empty for nobody: the next rung is tried
    answer_within_ns : after that, silence is taken for the safe default
    attempts : how often it is tried
    budget_ns : how long looking for a way out may take; trying again, since the first try
    """

    rung: Rung
    up_to: Severity = Severity.CRITICAL
    automatic_up_to: Severity = Severity.MINOR
    cost_minor_max: int | None = None
    delay_ns_max: int | None = None
    approver: str = ""
    answer_within_ns: int = 15 * MINUTE
    attempts: int = 1
    budget_ns: int = BUDGET_NS


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The rungs in the order in which they are tried, and what is done when all have failed."""

    rungs: tuple[RungRule, ...]
    safe_default: Instead = Instead.HOLD
    currency: str = "EUR"


def policy_of(document: AdaptationPolicyDocument, sheet: Sheet) -> Policy:
    """Return what a document says; what is wrong with it is noted on the sheet."""
    currencies: dict[str, None] = {}
    rules: list[RungRule] = []
    for number, entry in enumerate(document.rungs):
        place = sheet.at("rungs", number)
        rule = _rule(entry, place, currencies)
        if any(each.rung is rule.rung for each in rules):
            place.fault("each rung once", f"'{rule.rung}' again")
        if rule.rung is Rung.ASK and not rule.approver:
            place.fault("an approver to ask", "none")
        rules.append(rule)
    if len(currencies) > 1:
        sheet.at("rungs").fault("money of one currency", ", ".join(currencies))
    return Policy(
        rungs=tuple(rules),
        safe_default=Instead(document.safe_default),
        currency=next(iter(currencies), "EUR"),
    )


def _rule(entry: RungEntry, sheet: Sheet, currencies: dict[str, None]) -> RungRule:
    most = None
    if entry.automatic_cost is not None:
        stated = money(entry.automatic_cost, sheet.at("automatic_cost"))
        most = int(stated.minor)
        currencies[stated.currency] = None
    delay = entry.automatic_delay
    unasked = entry.automatic_up_to
    return RungRule(
        rung=Rung(entry.rung),
        up_to=Severity[entry.up_to.upper()],
        automatic_up_to=Severity.NONE if unasked == "never" else Severity[unasked.upper()],
        cost_minor_max=most,
        delay_ns_max=(
            None
            if delay is None
            else duration_ns(delay, sheet.at("automatic_delay"), zero_allowed=True)
        ),
        approver=entry.approver or "",
        answer_within_ns=duration_ns(entry.answer_within, sheet.at("answer_within")),
        attempts=entry.attempts,
        budget_ns=_budget_ns(entry, sheet),
    )


def _budget_ns(entry: RungEntry, sheet: Sheet) -> int:
    if entry.budget is None:
        return RETRY_BUDGET_NS if Rung(entry.rung) is Rung.RETRY else BUDGET_NS
    return duration_ns(entry.budget, sheet.at("budget"))
