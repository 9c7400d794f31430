"""Adaptation policies out of their documents, with every fault."""

from collections.abc import Sequence

from fabloop.model.documents.collect import Sheet
from fabloop.model.documents.policy_structs import AdaptationPolicyDocument, RungEntry
from fabloop.model.documents.values import duration_ns, money
from fabloop.model.policy import (
    BUDGET_NS,
    RETRY_BUDGET_NS,
    Instead,
    Policy,
    Rung,
    RungRule,
    Severity,
)


def plan_policy_of(found: Sequence[tuple[Sheet, AdaptationPolicyDocument]]) -> Policy | None:
    """Return what may be done about plans in danger; None where no document says.

    A running order is changed by its plan alone: to repair its process would be to plan it anew,
    and nobody cancels it but a person.
    """
    if not found:
        return None
    for sheet, _ in found[1:]:
        sheet.fault("one adaptation policy", "another one")
    sheet, document = found[0]
    policy = policy_of(document, sheet)
    for number, rule in enumerate(policy.rungs):
        if rule.rung is Rung.REPAIR:
            hint = "The process of an order follows from its plan: 're-plan' changes both."
            sheet.at("rungs", number).fault("a rung for plans", "'repair'", hint)
        if rule.rung is Rung.TOLERATE and rule.approver:
            sheet.at("rungs", number, "approver").fault("nobody: it is tolerated or not", "one")
    if policy.safe_default is not Instead.HOLD:
        hint = "An order is cancelled by a person."
        sheet.at("safe_default").fault("'hold'", f"'{policy.safe_default}'", hint)
    return policy


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
        critical_budget_ns=_span(entry.critical_budget, sheet.at("critical_budget")),
        critical_answer_ns=_span(entry.critical_answer_within, sheet.at("critical_answer_within")),
    )


def _span(text: str | None, sheet: Sheet) -> int | None:
    return None if text is None else duration_ns(text, sheet)


def _budget_ns(entry: RungEntry, sheet: Sheet) -> int:
    if entry.budget is None:
        return RETRY_BUDGET_NS if Rung(entry.rung) is Rung.RETRY else BUDGET_NS
    return duration_ns(entry.budget, sheet.at("budget"))
