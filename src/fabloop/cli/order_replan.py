"""``fabloop order impact`` and ``replan``: plans in danger, and other plans in their place."""

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from fabloop.app.durable import write_durably
from fabloop.app.mending import Mended, Wanted, mended
from fabloop.app.mending_account import (
    danger_texts,
    exhibits_of,
    mended_texts,
    report_of,
    tables_of,
)
from fabloop.app.plans_at_risk import Case, Dangers, dangers_of, rush_plans
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.base.names import did_you_mean
from fabloop.cli.given import money_given, writable_file, writable_folder
from fabloop.cli.grid import grid_of
from fabloop.cli.order_case import CaseGiven, case_given
from fabloop.cli.plans_given import Plans
from fabloop.model.ids import OrderId
from fabloop.model.plan import NotDecided, Plan, Producible
from fabloop.plan.statement.problem import Objective
from fabloop.plan.terms.objectives import lead_of


class ReplanGiven(msgspec.Struct, frozen=True, kw_only=True):
    """How plans are to be changed, as it was typed; a number below zero is not given."""

    orders: tuple[str, ...] = ()
    objective: str = ""
    stability_price: str = ""
    at_most_changes: int = -1
    out: Path | None = None
    report: Path | None = None


class ReplanReply(msgspec.Struct, frozen=True, kw_only=True):
    """The answer as JSON: what was in danger, what becomes of it, and all plans to go on by.

    `plans` is empty where some order is left without a plan: then nothing changes.
    """

    at: Instant
    dangers: Dangers
    orders: tuple[Mended, ...]
    plans: tuple[Plan, ...]


def print_impact(given: CaseGiven, now: Instant, *, as_json: bool) -> ExitCode:
    """Print which plans are in danger now, and which steps will be; exit 1 with any."""
    case = case_given(given, now)
    rush = rush_plans(case)
    lacking = [key for key, each in rush.items() if not isinstance(each, Producible)]
    taken = [each.plans[0] for each in rush.values() if isinstance(each, Producible)]
    found = dangers_of(case, taken)
    if as_json:
        sys.stdout.write(to_json_pretty(found).decode())
    else:
        for text in danger_texts(found, case):
            sys.stdout.write(text + "\n")
    for key in lacking:
        sys.stderr.write(f"{key}: no plan for this order was found, so it is in nobody's way.\n")
    return ExitCode.NOT_PRODUCIBLE if found.plans or found.ahead else ExitCode.FINE


def print_replan(given: CaseGiven, how: ReplanGiven, now: Instant, *, as_json: bool) -> ExitCode:
    """Print what becomes of the plans in danger; write the plans where all orders have one."""
    if how.out is not None:
        writable_file("--out", how.out)
    if how.report is not None:
        writable_folder("--report", how.report)
    case = case_given(given, now)
    wanted, chosen = _wanted(how, case), _chosen(how, case)
    dangers, found = _all_mended(case, wanted, chosen)
    whole = all(each.plan is not None for each in found)
    plans = _plans(case, found) if whole else ()
    if as_json:
        reply = ReplanReply(at=now, dangers=dangers, orders=tuple(found), plans=plans)
        sys.stdout.write(to_json_pretty(reply).decode())
    else:
        _show(dangers, found, case)
    if whole and how.out is not None:
        _write(how.out, to_json_pretty(Plans(plans=plans)))
    if how.report is not None:
        _write_report(how.report, dangers, found, case)
    return _exit_code(found)


def _all_mended(
    case: Case, wanted: Wanted, chosen: frozenset[OrderId]
) -> tuple[Dangers, list[Mended]]:
    """Return what is in danger and what becomes of it; orders that go first stand first."""
    rush = rush_plans(case)
    found = [
        Mended(order=key, before=None, reasons=(), answer=answer) for key, answer in rush.items()
    ]
    dangers = dangers_of(case, [each.plan for each in found if each.plan is not None])
    return dangers, [*found, *mended(case, dangers, wanted, chosen)]


def _plans(case: Case, found: Sequence[Mended]) -> tuple[Plan, ...]:
    """Return all plans to go on by: those that were changed, and those that stay."""
    plans = {each.order.id: each.plan for each in case.underway}
    plans |= {each.order: each.plan for each in found if each.plan is not None}
    return tuple(plans.values())


def _exit_code(found: Sequence[Mended]) -> ExitCode:
    if any(isinstance(each.answer, NotDecided) for each in found):
        return ExitCode.UNDECIDED
    if any(each.plan is None for each in found):
        return ExitCode.NOT_PRODUCIBLE
    return ExitCode.FINE


def _show(dangers: Dangers, found: Sequence[Mended], case: Case) -> None:
    console = Console(highlight=False)
    for text in (*danger_texts(dangers, case), *mended_texts(found, case)):
        sys.stdout.write(text + "\n")
    for table in tables_of(found, case):
        console.print(grid_of(table))
    if any(each.plan is None for each in found):
        sys.stdout.write("Nothing was changed: an order is left without a plan.\n")


# -- what was typed -----------------------------------------------------------------------------


def _wanted(how: ReplanGiven, case: Case) -> Wanted:
    names = [str(each) for each in Objective]
    if how.objective and how.objective not in names:
        hint = did_you_mean(how.objective, names)
        raise _invalid("--objective", f"one of {', '.join(names)}", repr(how.objective), hint)
    objective = Objective(how.objective) if how.objective else None
    price = money_given("--stability-price", how.stability_price, case.knowledge.currency)
    if price is not None and how.at_most_changes >= 0:
        hint = "A price lets changes pay, a number caps them: give one of both."
        raise _invalid("--stability-price", "no --at-most-changes beside it", "both", hint)
    leads = {objective or lead_of(each.plan) for each in case.underway}
    if price is not None and leads - {Objective.COST}:
        found = ", ".join(sorted(leads - {Objective.COST}))
        hint = "Add --objective cost, or use --at-most-changes."
        raise _invalid("--stability-price", "plans that are made for the cost", found, hint)
    most = how.at_most_changes if how.at_most_changes >= 0 else None
    return Wanted(objective=objective, price_minor=price, changes_max=most)


def _chosen(how: ReplanGiven, case: Case) -> frozenset[OrderId]:
    known = {each.order.id for each in case.underway}
    for name in how.orders:
        if name not in known:
            expected = f"one of the orders {', '.join(sorted(known))}"
            raise _invalid("--order", expected, repr(name), did_you_mean(name, known))
    return frozenset(OrderId(each) for each in how.orders)


# -- files --------------------------------------------------------------------------------------


def _write(file: Path, data: bytes) -> None:
    try:
        write_durably(file, data)
    except OSError as error:
        raise _unwritable("--out", file, error) from error
    sys.stderr.write(f"wrote {file}\n")


def _write_report(folder: Path, dangers: Dangers, found: Sequence[Mended], case: Case) -> None:
    exhibits = tuple(exhibits_of(found, case))
    files = [(name, svg) for name, _, svg in exhibits]
    files.append(("report.html", report_of(dangers, found, case, exhibits)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files:
            (folder / name).write_text(text, encoding="utf-8")
            sys.stderr.write(f"wrote {folder / name}\n")
    except OSError as error:
        raise _unwritable("--report", folder, error) from error


def _unwritable(option: str, path: Path, error: OSError) -> Invalid:
    found = error.strerror or type(error).__name__
    return Invalid(Fault(source=option, path=str(path), expected="a writable place", found=found))


def _invalid(source: str, expected: str, found: str, hint: str = "") -> Invalid:
    return Invalid(Fault(source=source, path="", expected=expected, found=found, hint=hint))
