"""Orders on their way as the command line tells them: plans, progress, and what has happened."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from fabloop.app.asked import asked_in, orders_in
from fabloop.app.happened import Happened, happened_in, joined, known_of, report_of
from fabloop.app.plans_at_risk import Case, as_told
from fabloop.app.reports import Known
from fabloop.app.underway import Progress, Underway, progress_of, told_of, underway
from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant, iso_of
from fabloop.base.names import did_you_mean
from fabloop.cli.given import instant_given, read_bytes
from fabloop.cli.plans_given import fitting, plans_in
from fabloop.cli.report_options import ENDS, KINDS, NEEDS_UNTIL

KINDS_TOLD = ("broken", "late", "absent", "closed", "tool", "stopped", "due")
"""What may be told by options, as in a report to a running house."""


class CaseGiven(msgspec.Struct, frozen=True, kw_only=True):
    """What was typed: where the documents are, the plans, and what has happened."""

    folder: Path
    plans: tuple[Path, ...]
    plan: int
    facts: tuple[Path, ...]
    told: dict[str, tuple[str, ...]]
    since: str
    until: str
    progress: tuple[Path, ...]
    tenant: str


def case_given(given: CaseGiven, now: Instant) -> Case:
    """Return the orders with how far they are and what has happened.

    Raises
    ------
    Invalid
        Something that was given cannot be read, is not known, or cannot be.
    """
    together = orders_in(given.folder, given.tenant)
    alone = asked_in(given.folder, given.tenant) if together is None else None
    orders = together.orders if together is not None else (alone.order,) if alone else ()
    asked = together or alone
    assert asked is not None, "one of them was read"
    plans = [(plan, file) for file in given.plans for plan in plans_in(file, given.plan)]
    pairs = fitting(plans, orders)
    progress = _progress(given.progress, {order.id for order, _ in pairs})
    carried = tuple(
        underway(order, plan, now, told_of(order.id, progress) if progress else None)
        for order, plan in pairs
    )
    known = known_of(asked.knowledge, carried, now)
    told = [happened_in(str(it), read_bytes(it), known, asked.knowledge, now) for it in given.facts]
    told.append(_by_options(given, known, now))
    case = Case(knowledge=asked.knowledge, underway=carried, happened=joined(told), now=now)
    _refuse_twice(case.underway, case.happened)
    return as_told(case)


def _progress(files: tuple[Path, ...], orders: set[str]) -> tuple[Progress, ...]:
    found = []
    for file in files:
        for each in progress_of(str(file), read_bytes(file)):
            named = each.order in orders or (not each.order and len(orders) == 1)
            if not named:
                raise Invalid(
                    Fault(
                        source=str(file),
                        path="$.order",
                        expected=f"one of the orders {', '.join(sorted(orders))}",
                        found=repr(each.order),
                        hint=did_you_mean(each.order, orders),
                    )
                )
            found.append(each)
    return tuple(found)


def _by_options(given: CaseGiven, known: Known, now: Instant) -> Happened:
    if not any(given.told.values()) and (given.since or given.until):
        option = "--since" if given.since else "--until"
        names = ", ".join(f"--{name}" for name in KINDS_TOLD)
        raise _invalid(option, f"one of {names} beside it", "none")
    told = [
        report_of(f"--{name}", fields, known)
        for name, subjects in given.told.items()
        for fields in _reports(name, subjects, given, now)
    ]
    return Happened(told=tuple(told))


def _reports(
    name: str, subjects: tuple[str, ...], given: CaseGiven, now: Instant
) -> Iterator[dict[str, object]]:
    for each in subjects:
        if name in NEEDS_UNTIL and not given.until:
            raise _invalid(f"--{name}", "--until beside it", "none", "Tell until when.")
        kind, subject = KINDS[name]
        fields: dict[str, object] = {"disturbance": kind, subject: each}
        if name not in ENDS:
            since = instant_given("--since", given.since) if given.since else now
            fields["since"] = iso_of(since)
        if given.until:
            fields[ENDS.get(name, "until")] = iso_of(instant_given("--until", given.until))
        yield fields


def _refuse_twice(carried: tuple[Underway, ...], happened: Happened) -> None:
    """Refuse two orders of one name that go first."""
    names = [each.id for each in happened.rush]
    again = sorted({each for each in names if names.count(each) > 1})
    if again:
        raise _invalid("--fact", "each order once", f"'{again[0]}' again")
    assert not {each.order.id for each in carried} & set(names), "refused where it was read"


def _invalid(source: str, expected: str, found: str, hint: str = "") -> Invalid:
    return Invalid(Fault(source=source, path="", expected=expected, found=found, hint=hint))
