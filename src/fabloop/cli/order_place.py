"""``fabloop order place``: ask a plan again before it is ordered, and say what changed since."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from fabloop.app.account import local_text
from fabloop.app.asked import Asked, asked_in
from fabloop.app.sentences import labels_of, money_text, sentence
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.base.instant import Instant, span_text
from fabloop.cli.plans_given import fitting, plans_in
from fabloop.model.plan import NotDecided, NotProducible, Plan, PlanComparison
from fabloop.model.revalidation import Revalidation, Verdict
from fabloop.plan.revalidate import revalidate

SAID = {
    Verdict.VALID: "The plan holds as it was made.",
    Verdict.RETIMED: "The plan holds on the same work units, at other times.",
    Verdict.REPLACED: "The plan no longer holds; another one can take its place.",
    Verdict.IMPOSSIBLE: "The plan no longer holds, and no other one does.",
    Verdict.NOT_DECIDED: "Whether the plan still holds could not be decided.",
}


def place(
    folder: Path,
    plans: Path,
    number: int,
    now: Instant,
    out: Path | None,
    *,
    tenant: str,
    as_json: bool,
) -> ExitCode:
    """Print what has become of a plan; write the plan to be carried out where one is."""
    asked = asked_in(folder, tenant)
    ((_, plan),) = fitting([(it, plans) for it in plans_in(plans, number)], [asked.order])
    knowledge = asked.knowledge
    found = revalidate(asked.order, plan, knowledge.network, knowledge.vocabulary, asked.kpis, now)
    if as_json:
        sys.stdout.write(to_json_pretty(found).decode())
    else:
        for text in _sentences(found, asked, now):
            sys.stdout.write(text + "\n")
    if found.verdict is Verdict.NOT_DECIDED:
        return ExitCode.UNDECIDED
    if found.verdict is Verdict.IMPOSSIBLE:
        return ExitCode.NOT_PRODUCIBLE
    if out is not None:
        _write(out, found.instead or plan)
    return ExitCode.FINE


def _sentences(found: Revalidation, asked: Asked, now: Instant) -> Iterator[str]:
    labels = labels_of(asked.knowledge.network, asked.order.product)
    yield SAID[found.verdict]
    for each in (*found.changes, *found.reasons):
        yield sentence(each, now, labels)
    if found.comparison is not None:
        yield from _compared(found.comparison, asked, labels)
    if isinstance(found.refusal, NotProducible):
        for conflict in found.refusal.conflicts:
            yield " And: ".join(sentence(each, now, labels) for each in conflict)
    elif isinstance(found.refusal, NotDecided):
        yield f"Not decided: {found.refusal.limit}."
    if found.better is not None and found.better_because is not None:
        totals = found.better.totals
        yield sentence(found.better_because, now, labels)
        yield f"The better plan costs {money_text(totals.cost_minor, totals.currency)}."


def _compared(comparison: PlanComparison, asked: Asked, labels: Mapping[str, str]) -> Iterator[str]:
    cost = money_text(comparison.cost_minor, comparison.currency)
    zone = next(iter(asked.knowledge.network.sites.values())).time_zone
    yield f"Cost {'+' if comparison.cost_minor >= 0 else ''}{cost}."
    before, after = (
        local_text(each, zone) for each in (comparison.finish_before, comparison.finish_after)
    )
    late = f", {span_text(comparison.late_ns)} late" if comparison.late_ns else ""
    instead = f" instead of {before}" if after != before else ", as before"
    yield f"Ready {after}{instead}{late}."
    for each in comparison.moved:
        names = [labels.get(name, name) for name in (each.operation, each.before, each.after)]
        yield f"{names[0]} moves from {names[1]} to {names[2]}."


def _write(out: Path, plan: Plan) -> None:
    try:
        out.write_bytes(to_json_pretty(plan))
    except OSError as error:
        found = error.strerror or type(error).__name__
        raise _invalid("--out", "a file that can be written", found) from error
    sys.stderr.write(f"wrote {out}\n")


def _invalid(source: str, expected: str, found: str) -> Invalid:
    return Invalid(Fault(source=source, path="", expected=expected, found=found))
