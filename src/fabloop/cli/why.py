"""``fabloop plan --why``: why a machine or a site is not chosen, or what choosing it would cost."""

import sys
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console

from fabloop.app.asked import Asked
from fabloop.app.caveats import unknown_name
from fabloop.app.pictures.report import Table
from fabloop.app.sentences import labels_of, money_text, sentence
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.base.instant import span_text
from fabloop.base.names import did_you_mean
from fabloop.base.quantity import Dimension, quantity_text
from fabloop.cli.grid import grid_of
from fabloop.model.ids import OperationId, SiteId, WorkUnitId
from fabloop.plan.engine import TREE, Bound, Timed
from fabloop.plan.reasons.why import Answer, Dearer, Difference, Sums, Unfit, why_not, why_not_site
from fabloop.plan.statement.problem import Objective, Problem, Setting, problem_of
from fabloop.plan.timetable.sequence import is_in_sequence
from fabloop.plan.tradeoffs.request import best_sequence

DIFFERENCES_SHOWN = 12
"""Changed steps and ways that are told, the dearest first; the JSON has all."""


def print_why(asked: Asked, choices: Sequence[str], *, as_json: bool) -> ExitCode:
    """Print the answer for operations on work units, or for one site; exit 1 where impossible."""
    answer = plain_answer(asked, choices)
    if as_json:
        sys.stdout.write(to_json_pretty(answer).decode())
    else:
        show(answer, asked, choices)
    return ExitCode.FINE if isinstance(answer, Dearer) else ExitCode.NOT_PRODUCIBLE


def plain_answer(asked: Asked, choices: Sequence[str]) -> Answer | None:
    """Return the answer without wishes, the cost being what counts."""
    order, knowledge = asked.order, asked.knowledge
    now = order.received_at
    setting = Setting(
        knowledge.network,
        knowledge.vocabulary,
        asked.kpis,
        now,
        now,
        quantity=order.quantity,
    )
    problem = problem_of(order.product, setting)
    site, pins = chosen(asked, choices)
    if site is not None:
        return why_not_site(problem, site, improve=_improved)
    return why_not(problem, pins, improve=_improved)


def _improved(problem: Problem, objective: Objective, found: Timed) -> tuple[Timed, Bound]:
    """Return the plan with the best sequence of set-ups, where they depend on it."""
    if not is_in_sequence(problem):
        return found, Bound(0.0, TREE)
    return best_sequence(problem, objective, found)


def chosen(
    asked: Asked, choices: Sequence[str]
) -> tuple[SiteId | None, dict[OperationId, WorkUnitId]]:
    """Return what was typed: one site, or operations on work units."""
    known = asked.knowledge.network.sites
    sites = [each for each in choices if "=" not in each]
    if sites and len(choices) > 1:
        raise _invalid("one site, or operations on work units", ", ".join(choices))
    if sites:
        if sites[0] not in known:
            hint = unknown_name(sites[0], known, asked.hidden)
            raise _invalid("OPERATION=WORK-UNIT, or the id of a site", sites[0], hint)
        return SiteId(sites[0]), {}
    return None, dict(_pin(each, asked) for each in choices)


def _pin(text: str, asked: Asked) -> tuple[OperationId, WorkUnitId]:
    operation, _, unit = text.partition("=")
    operations = {each.id for each in asked.order.product.operations}
    units = asked.knowledge.network.work_units()
    if operation not in operations:
        hint = did_you_mean(operation, operations)
        raise _invalid("an operation of the product", operation, hint)
    if unit not in units:
        raise _invalid("the id of a work unit", unit, unknown_name(unit, units, asked.hidden))
    return OperationId(operation), WorkUnitId(unit)


def _invalid(expected: str, found: str, hint: str = "") -> Invalid:
    return Invalid(Fault(source="--why", path="", expected=expected, found=repr(found), hint=hint))


def show(answer: Answer | None, asked: Asked, choices: Sequence[str]) -> None:
    """Print an answer below what was asked."""
    labels = labels_of(asked.knowledge.network, asked.order.product)
    console = Console(highlight=False, markup=False)
    console.print(_headline(answer, asked, choices, labels))
    if answer is None:
        console.print("There is no plan at all: see `fabloop check`.")
    elif isinstance(answer, Unfit):
        for text in _unfit_texts(answer, asked, labels):
            console.print(text)
    else:
        show_dearer(answer, asked)


def _headline(
    answer: Answer | None, asked: Asked, choices: Sequence[str], labels: Mapping[str, str]
) -> str:
    """Return what was asked for; of what cannot be, how much of it."""
    site, pins = chosen(asked, choices)
    if site is None:
        told = ", ".join(f"{labels[each]} on {labels[unit]}" for each, unit in pins.items())
        return f"Why not {told}?" + (" It cannot be:" if isinstance(answer, Unfit) else "")
    asking = f"Why not everything at {labels[site]}?"
    if not isinstance(answer, Unfit):
        return asking
    count, of = len(answer.reasons), len(asked.order.product.operations)
    return f"{asking} " + (f"{count} of {of} operations cannot be done there:" if count else "")


def show_dearer(answer: Dearer, asked: Asked) -> None:
    """Print what a choice would take more, and where that comes from."""
    console, currency = Console(highlight=False, markup=False), asked.knowledge.currency
    console.print(_told(answer.more, currency))
    if answer.differences:
        labels = labels_of(asked.knowledge.network, asked.order.product)
        console.print(grid_of(_table(answer, currency, labels)))


def _unfit_texts(answer: Unfit, asked: Asked, labels: Mapping[str, str]) -> Iterator[str]:
    now = asked.order.received_at
    for operation, reasons in answer.reasons.items():
        for reason in reasons:
            yield f"{labels.get(operation, operation)}: {sentence(reason, now, labels)}"
    for each in answer.clash:
        yield sentence(each, now, labels)


def _told(more: Sums, currency: str) -> str:
    if more == Sums():
        return "It is chosen already, or as good as what is."
    return (
        f"Possible, but it would take {_signed_money(more.cost_minor, currency)}, "
        f"{_signed_time(more.makespan_ns)}, {_signed(more.energy_j, Dimension.ENERGY)}, "
        f"{_signed(more.co2_kg, Dimension.MASS)} CO2."
    )


def _table(answer: Dearer, currency: str, labels: Mapping[str, str]) -> Table:
    ranked = sorted(answer.differences, key=lambda each: -abs(each.more.cost_minor))
    shown = ranked[:DIFFERENCES_SHOWN]
    rows = tuple(_row(each, currency, labels) for each in shown)
    left = len(ranked) > len(shown)
    more = f" ({len(shown)} of {len(ranked)} shown; --json tells all)" if left else ""
    return Table(
        caption="Where the difference comes from" + more,
        heads=("What", "Best plan", "With the choice", "Cost", "Time"),
        rows=rows,
        numeric=(3, 4),
    )


def _row(each: Difference, currency: str, labels: Mapping[str, str]) -> tuple[str, ...]:
    what = labels.get(each.operation, each.operation)
    if each.made_by:
        what = f"way of {labels.get(each.made_by, each.made_by)} to {what}"
    best, pinned = (_place(name, labels) for name in (each.best, each.pinned))
    if each.after is not None:
        best, pinned = (
            f"{name}, set up from {before or 'anything'}"
            for name, before in zip((best, pinned), each.after, strict=True)
        )
    return (
        what,
        best,
        pinned,
        _signed_money(each.more.cost_minor, currency),
        _signed_time(each.more.makespan_ns),
    )


def _place(name: str, labels: Mapping[str, str]) -> str:
    if not name:
        return "–"
    return " → ".join(labels.get(part, part) for part in name.split(" - "))


def _signed_money(minor: int, currency: str) -> str:
    return f"{'+' if minor >= 0 else ''}{money_text(minor, currency)}"


def _signed_time(span_ns: int) -> str:
    return f"{'+' if span_ns >= 0 else '-'}{span_text(abs(span_ns))}"


def _signed(value: float, dimension: Dimension) -> str:
    return f"{'+' if value >= 0 else '-'}{quantity_text(abs(value), dimension)}"
