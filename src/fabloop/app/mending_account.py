"""Plans in danger, and what becomes of them, in sentences, tables and pictures."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isclose

import msgspec

from fabloop.app.account import refusal_texts
from fabloop.app.labels import labels_of
from fabloop.app.mending import Mended
from fabloop.app.pictures.gantt import gantt_picture
from fabloop.app.pictures.plan import plan_picture
from fabloop.app.pictures.report import Figure, Note, Section, Table, report
from fabloop.app.plans_at_risk import Case, Dangers
from fabloop.app.sentences import sentence
from fabloop.app.value_texts import instant_text, money_text
from fabloop.base.instant import Instant, span_text
from fabloop.base.quantity import Dimension, quantity_text
from fabloop.model.explanation import Explanation
from fabloop.model.facts import OrderRefused
from fabloop.model.ids import OrderId
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import MovementKind, NotDecided, NotProducible, Plan
from fabloop.model.site import Network
from fabloop.plan.critical import criticality

Exhibit = tuple[str, str, str]
"""File name, caption, SVG."""

CHANGES_SHOWN_MAX = 60
"""Changed steps of one order in a table; the JSON has all."""


def orders_of(case: Case) -> dict[OrderId, ProductionOrder]:
    """Return the orders, those that go before all others too."""
    known = (*(each.order for each in case.underway), *case.happened.rush)
    return {each.id: each for each in known}


def danger_texts(dangers: Dangers, case: Case) -> Iterator[str]:
    """Yield which plans are in danger and why, and which orders will be if KPIs go on so."""
    orders, network = orders_of(case), case.knowledge.network
    if not dangers.plans:
        yield f"None of {_plans(len(case.underway))} is in danger now."
    for each in dangers.plans:
        labels = labels_of(network, orders[each.order].product)
        yield f"{each.plan.id} (order {each.order}) is in danger:"
        for reason in each.reasons:
            yield f"  {sentence(reason, case.now, labels)}"
    for risk in dangers.ahead:
        labels = labels_of(network, orders[risk.order].product)
        word = "Ahead" if risk.likely else "Possible"
        yield f"{word}: {sentence(risk.because, case.now, labels)}"


def _plans(count: int) -> str:
    return "1 plan" if count == 1 else f"{count} plans"


def mended_texts(found: Sequence[Mended], case: Case) -> Iterator[str]:
    """Yield, per order, what has to move, what is late, and why nothing fits where nothing does."""
    orders, network = orders_of(case), case.knowledge.network
    for each in found:
        order = orders[each.order]
        labels = labels_of(network, order.product)
        if each.plan is None:
            yield from _no_plan(each, case, labels)
            continue
        comparison = each.comparison
        if comparison is None or each.before is None:
            yield f"{each.order} goes first: {_ready(each.plan, network)}{_late(each.plan, order)}."
            continue
        if not each.changes:
            yield f"{each.order}: nothing has to change, {each.plan.id} is as it was."
            continue
        moved, only = len(comparison.moved), len(comparison.retimed)
        counted = f"{_count(moved)} moved ({each.fewest} at least), {only} only at another time"
        yield f"{each.order}: {each.before.id} becomes {each.plan.id}; {counted}."
        if each.hurried:
            yield "  It would have been late otherwise, so the plan was made to be done soon."
        yield f"  {_ready(each.plan, network)}{_late(each.plan, order)}."


def _count(operations: int) -> str:
    return "1 operation" if operations == 1 else f"{operations} operations"


def _no_plan(each: Mended, case: Case, labels: Mapping[str, str]) -> Iterator[str]:
    answer = each.answer
    yield f"{each.order}: there is no other plan."
    if isinstance(answer, NotProducible | NotDecided):
        for text in refusal_texts(OrderRefused(order=each.order, answer=answer), case.now, labels):
            yield f"  {text}"


def _ready(plan: Plan, network: Network) -> str:
    last = max(plan.steps, key=lambda each: each.end)
    return f"ready {instant_text(last.end, network.sites[last.site].time_zone)}"


def _late(plan: Plan, order: ProductionOrder) -> str:
    late = max(each.end for each in plan.steps) - order.due_at
    return f", {span_text(late)} late" if late > 0 else ", in time"


def overview(found: Sequence[Mended], case: Case) -> Table:
    """Return all orders in figures, as they were and as they become."""
    orders, network = orders_of(case), case.knowledge.network
    rows = []
    for each in found:
        if each.plan is None:
            rows.append((str(each.order), "no other plan", "", "", "", "", ""))
            continue
        order, plan = orders[each.order], each.plan
        late = max(step.end for step in plan.steps) - order.due_at
        before = each.before
        rows.append(
            (
                str(each.order),
                str(plan.id),
                "–" if before is None else _ready(before, network).removeprefix("ready "),
                _ready(plan, network).removeprefix("ready "),
                span_text(late) if late > 0 else "no",
                str(len(each.comparison.moved) if each.comparison else 0),
                money_text(plan.totals.cost_minor, plan.totals.currency),
            )
        )
    return Table(
        caption="Orders",
        heads=("Order", "Plan", "Ready before", "Ready", "Late", "Moved", "Cost"),
        rows=tuple(rows),
        numeric=(5, 6),
    )


def figures_table(each: Mended) -> Table:
    """Return cost, times, energy and CO2 of an order before and after, with the difference."""
    before, plan = each.before, each.plan
    assert before is not None, "asked only of a plan that was changed"
    assert plan is not None, "asked only where there is another plan"
    old, new = before.totals, plan.totals
    ships = [
        sum(leg.kind is MovementKind.SHIPPING for leg in it.movements) for it in (before, plan)
    ]
    rows = (
        _row("cost", old.cost_minor, new.cost_minor, lambda v: money_text(round(v), new.currency)),
        _row("makespan", old.makespan_ns, new.makespan_ns, lambda v: span_text(round(v))),
        _row("energy", old.energy_j, new.energy_j, lambda v: quantity_text(v, Dimension.ENERGY)),
        _row("CO2", old.co2_kg, new.co2_kg, lambda v: quantity_text(v, Dimension.MASS)),
        _row("shipments", ships[0], ships[1], lambda v: f"{v:g}"),
    )
    return Table(
        caption=f"{before.id} and {plan.id}",
        heads=("What", "Before", "After", "Difference"),
        rows=rows,
        numeric=(1, 2, 3),
    )


def _row(
    name: str, old: float, new: float, text: Callable[[float], str]
) -> tuple[str, str, str, str]:
    more = 0.0 if isclose(new, old) else new - old
    sign = "+" if more > 0 else "-" if more < 0 else "±"
    return name, text(old), text(new), f"{sign}{text(abs(more))}"


def changes_table(each: Mended, case: Case) -> Table:
    """Return which steps change, from where and when to where and when, and why."""
    product = orders_of(case)[each.order].product
    labels = labels_of(case.knowledge.network, product)
    zones: dict[str, str] = {
        unit.id: site.time_zone
        for site in case.knowledge.network.sites.values()
        for unit in site.work_units
    }
    rows = tuple(
        (
            labels.get(it.operation, it.operation),
            _place(it.before, it.start_before, labels, zones),
            _place(it.after, it.start_after, labels, zones),
            " ".join(_why(why, case.now, labels) for why in it.because) or "It has begun so.",
        )
        for it in each.changes[:CHANGES_SHOWN_MAX]
    )
    more = len(each.changes) - len(rows)
    caption = f"What changes of order {each.order}" + (f" ({more} more not shown)" if more else "")
    return Table(caption=caption, heads=("Operation", "Before", "After", "Why"), rows=rows)


def _why(why: Explanation, now: Instant, labels: Mapping[str, str]) -> str:
    """Return the reason without what could be done, and without the name beside which it stands."""
    text = sentence(msgspec.structs.replace(why, options=()), now, labels)
    rest = text.removeprefix(labels.get(why.subject, why.subject))
    if rest.startswith(": "):
        return rest[2:]
    rest = rest.lstrip()
    return rest[:1].upper() + rest[1:]


def _place(
    unit: str | None, start: Instant | None, labels: Mapping[str, str], zones: Mapping[str, str]
) -> str:
    if unit is None or start is None:
        return "–"
    return f"{labels.get(unit, unit)}, {instant_text(start, zones.get(unit, 'UTC'))}"


def tables_of(found: Sequence[Mended], case: Case) -> Iterator[Table]:
    """Yield all tables of the account."""
    if found:
        yield overview(found, case)
    for each in found:
        if each.plan is not None and each.before is not None and each.changes:
            yield figures_table(each)
            yield changes_table(each, case)


def exhibits_of(found: Sequence[Mended], case: Case) -> Iterator[Exhibit]:
    """Yield the pictures: swimlanes with what moved marked, and the steps before and after."""
    network, orders = case.knowledge.network, orders_of(case)
    for number, each in enumerate(found, 1):
        plan, before, order = each.plan, each.before, orders[each.order]
        if plan is None:
            continue
        lanes = plan_picture(plan, order.product, network, before=before, now=case.now)
        caption = f"{plan.id}: what moves is marked, its old place dashed"
        yield f"change-{number}.svg", caption, lanes
        for word, it in (("before", before), ("after", plan)):
            if it is None:
                continue
            critical = criticality(it, order.product)
            drawn = gantt_picture(it, order.product, network, critical, due_at=order.due_at)
            yield f"gantt-{number}-{word}.svg", f"{it.id}: the steps {word}", drawn


def report_of(
    dangers: Dangers, found: Sequence[Mended], case: Case, exhibits: Sequence[Exhibit]
) -> str:
    """Return one HTML page: what is in danger, what becomes of it, tables and pictures."""
    told = tuple(danger_texts(dangers, case))
    sections = [Section(title="What is in danger?", paragraphs=told)]
    texts = tuple(mended_texts(found, case))
    good = all(each.plan is not None for each in found)
    words = "Everything can be made another way." if good else "Not everything can still be made."
    note = Note(kind="good" if good else "bad", text=words if found else "Nothing has to change.")
    summary = (overview(found, case),) if found else ()
    title = "What becomes of it?"
    sections.append(Section(title=title, notes=(note,), paragraphs=texts, tables=summary))
    for number, each in enumerate(found, 1):
        if each.plan is None:
            continue
        own = tuple(
            Figure(svg=svg, caption=f"{caption}.")
            for name, caption, svg in exhibits
            if name.startswith((f"change-{number}.", f"gantt-{number}-"))
        )
        both = each.before is not None and each.changes
        tables = (figures_table(each), changes_table(each, case)) if both else ()
        sections.append(Section(title=f"Order {each.order}", tables=tables, pictures=own))
    return report("Plans changed while they run", sections)
