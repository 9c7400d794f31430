"""``fabloop adapt policy``: what an adaptation policy allows, rung by rung."""

import sys
from pathlib import Path

from rich.console import Console

from fabloop.adapt.policy import Policy, Rung, RungRule, Severity
from fabloop.app.pictures.report import Table
from fabloop.app.service_runtime.policy import read_policy
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode
from fabloop.base.instant import span_text
from fabloop.base.money import money_text
from fabloop.cli.given import read_bytes
from fabloop.cli.grid import grid_of


def policy(file: Path, *, as_json: bool) -> ExitCode:
    """Read a policy and tell what it allows."""
    found = read_policy(str(file), read_bytes(file))
    if as_json:
        sys.stdout.write(to_json_pretty(found).decode())
    else:
        _tell(found)
    return ExitCode.FINE


def _tell(policy: Policy) -> None:
    heads = ("rung", "tried up to", "attempts", "looks for", "unasked", "beyond that")
    rows = tuple(
        (
            rule.rung.value,
            rule.up_to.name.lower(),
            str(rule.attempts),
            _spans(rule.budget_ns, rule.critical_budget_ns),
            _unasked(rule, policy.currency),
            _beyond(rule),
        )
        for rule in policy.rungs
    )
    caption = f"At last, or where nobody answers: {policy.safe_default}"
    Console().print(grid_of(Table(caption=caption, heads=heads, rows=rows)))


def _unasked(rule: RungRule, currency: str) -> str:
    if rule.automatic_up_to is Severity.NONE or rule.rung is Rung.ASK:
        return "never"
    parts = [f"up to {rule.automatic_up_to.name.lower()}"]
    if rule.cost_minor_max is not None:
        parts.append(money_text(rule.cost_minor_max, currency))
    if rule.delay_ns_max is not None:
        parts.append(span_text(rule.delay_ns_max))
    return ", ".join(parts)


def _beyond(rule: RungRule) -> str:
    if not rule.approver:
        return "the next rung"
    return f"{rule.approver}, within {_spans(rule.answer_within_ns, rule.critical_answer_ns)}"


def _spans(ordinary_ns: int, critical_ns: int | None) -> str:
    """Return a span, and the one for critical deviations where that is another one."""
    critical = "" if critical_ns is None else f" (critical: {span_text(critical_ns)})"
    return span_text(ordinary_ns) + critical
