"""``fabloop plan`` for a folder with several orders: one plan each, free of conflicts."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.console import Console

from fabloop.app.account import refusal_texts
from fabloop.app.asked import AskedTogether
from fabloop.app.caveats import finish_text
from fabloop.app.dealings import part_table, run_table, setup_table
from fabloop.app.labels import choices_text, zone_in
from fabloop.app.pictures.orders import orders_picture
from fabloop.app.pictures.report import Figure, Note, Section, Table, report
from fabloop.app.sentences import instant_text, labels_of, money_text
from fabloop.app.step_table import step_table
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.base.instant import Instant, span_text
from fabloop.cli.grid import grid_of
from fabloop.model.facts import OrderRefused
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import NotDecided, Optimality, Plan
from fabloop.model.site import Network
from fabloop.plan.critical import criticality
from fabloop.plan.floors.orders_search import OrdersObjective
from fabloop.plan.orders import EFFORT, OrdersAnswer, plan_orders
from fabloop.plan.rerouting import Rerouted
from fabloop.plan.together import Incumbent


def print_together(
    asked: AskedTogether,
    objectives: Sequence[str],
    effort: float,
    out: Path | None,
    *,
    as_json: bool,
    steps: bool = False,
) -> ExitCode:
    """Print the plans of all orders, how good they are together, and who was refused and why."""
    objective = _objective(objectives)
    knowledge = asked.knowledge
    answer = plan_orders(
        asked.orders,
        knowledge.network,
        knowledge.vocabulary,
        asked.kpis,
        asked.now,
        objective=objective,
        effort=effort or EFFORT,
        on_incumbent=_progress(objective, knowledge.currency, as_json),
    )
    if as_json:
        sys.stdout.write(to_json_pretty(answer).decode())
    else:
        console = Console(highlight=False, markup=False)
        console.print(grid_of(_table(answer, asked)))
        for each in _sentences(answer, asked):
            console.print(each)
        for plan in answer.plans:
            told = [_steps(plan, asked)] if steps else []
            for table in (*told, *_parts(plan, asked)):
                console.print(grid_of(table))
    if out is not None and answer.plans:
        _write(out, answer, asked)
    if any(isinstance(each, NotDecided) for each in answer.refused.values()):
        return ExitCode.UNDECIDED
    return ExitCode.NOT_PRODUCIBLE if answer.refused else ExitCode.FINE


def _objective(names: Sequence[str]) -> OrdersObjective:
    known = [str(each) for each in OrdersObjective]
    if len(names) > 1 or (names and names[0] not in known):
        fault = Fault(
            source="--objective",
            path="",
            expected=f"one of {', '.join(known)} for several orders",
            found=", ".join(names),
        )
        raise Invalid(fault)
    return OrdersObjective(names[0]) if names else OrdersObjective.TARDINESS


def _progress(
    objective: OrdersObjective, currency: str, as_json: bool
) -> Callable[[Incumbent], None] | None:
    if as_json or not sys.stderr.isatty():
        return None

    def tell(found: Incumbent) -> None:
        value, bound = (_figure(objective, each, currency) for each in (found.value, found.bound))
        sys.stderr.write(f"found: {objective} {value}, at least {bound}\n")

    return tell


def _figure(objective: OrdersObjective, value: float, currency: str) -> str:
    if objective is OrdersObjective.COST:
        return money_text(round(value), currency)
    return span_text(round(value))


def _table(answer: OrdersAnswer, asked: AskedTogether) -> Table:
    due = {each.id: each.due_at for each in asked.orders}
    rows = tuple(_row(plan, due[plan.order], asked.knowledge.network) for plan in answer.plans)
    return Table(
        caption="Orders, planned together",
        heads=("Order", "Cost", "Ready", "Due", "Late", "Sites", "Shipments"),
        rows=rows,
        numeric=(1, 6),
    )


def _row(plan: Plan, due: Instant, network: Network) -> tuple[str, ...]:
    last = max(plan.steps, key=lambda each: each.end)
    end, zone = last.end, network.sites[last.site].time_zone
    return (
        plan.order,
        money_text(plan.totals.cost_minor, plan.totals.currency),
        instant_text(end, zone),
        instant_text(due, zone),
        span_text(end - due) if end > due else "no",
        ", ".join(network.sites[each].label for each in plan.totals.sites),
        str(plan.totals.shipments),
    )


def _order(plan: Plan, asked: AskedTogether) -> ProductionOrder:
    return next(each for each in asked.orders if each.id == plan.order)


def _steps(plan: Plan, asked: AskedTogether) -> Table:
    product, network = _order(plan, asked).product, asked.knowledge.network
    found, labels = criticality(plan, product), labels_of(network, product)
    return step_table(plan, product, network, found, labels)


def _parts(plan: Plan, asked: AskedTogether) -> Iterator[Table]:
    """Yield who delivers a plan's parts, which runs it shares, and its set-ups."""
    network = asked.knowledge.network
    labels = labels_of(network, _order(plan, asked).product)
    if any(step.parts for step in plan.steps):
        yield part_table(plan, network, labels)
    if any(step.batch for step in plan.steps):
        yield run_table(plan, network, labels)
    if any(step.setup for step in plan.steps):
        yield setup_table(plan, labels)


def _sentences(answer: OrdersAnswer, asked: AskedTogether) -> list[str]:
    told = [] if answer.optimality is None else [_quality(answer.optimality, asked)]
    by_id = {each.id: each for each in asked.orders}
    told += [_rerouted_text(each, by_id[each.order]) for each in answer.rerouted]
    for key, refused in answer.refused.items():
        order = by_id[key]
        labels = labels_of(asked.knowledge.network, order.product)
        fact = OrderRefused(order=key, answer=refused)
        told += [f"{key}: {each}" for each in refusal_texts(fact, asked.now, labels)]
    return told


def _rerouted_text(found: Rerouted, order: ProductionOrder) -> str:
    """Return which option an order takes for the sake of all."""
    way = next(each for each in order.product.alternatives if each.id == found.alternative)
    labels = {each.id: each.label for each in way.options}
    now, alone = (labels.get(each, "no option") for each in (found.option, found.instead_of))
    return f"{found.order}: {way.label} by {now}, which is better for all; alone it is {alone}."


def _quality(found: Optimality, asked: AskedTogether) -> str:
    objective = OrdersObjective(found.objective)
    value, bound = (
        _figure(objective, each, asked.knowledge.currency) for each in (found.value, found.bound)
    )
    if found.proven:
        return f"All together: {objective} {value}, proven best."
    return f"All together: {objective} {value}; nothing can be better than {bound}."


def _section(plan: Plan, asked: AskedTogether) -> Section:
    """Return the part of the page about one order: when it is ready, its steps and parts."""
    order = _order(plan, asked)
    late = max(step.end for step in plan.steps) > order.due_at
    told = finish_text(order, plan, asked.knowledge.network)
    choices = choices_text(order.product)
    return Section(
        title=f"Order {order.id}: {order.quantity} × {order.product.label}",
        notes=(Note(kind="bad" if late else "good", text=f"{told[0].upper()}{told[1:]}."),),
        paragraphs=(f"Chosen: {choices}.",) if choices else (),
        tables=(_steps(plan, asked), *_parts(plan, asked)),
    )


def _write(out: Path, answer: OrdersAnswer, asked: AskedTogether) -> None:
    orders = {each.id: each for each in asked.orders}
    drawn = orders_picture(answer.plans, orders, asked.knowledge.network)
    section = Section(
        title="What is made where and when?",
        paragraphs=tuple(_sentences(answer, asked)),
        tables=(_table(answer, asked),),
        pictures=(Figure(svg=drawn, caption="Letters are orders; bars are their steps."),),
    )
    planned = instant_text(asked.now, zone_in(asked.knowledge.network))
    page = report(
        f"{len(answer.plans)} orders",
        [section, *(_section(plan, asked) for plan in answer.plans)],
        subtitle=f"Planned together at {planned}. Times are local times of the sites.",
    )
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "orders.svg").write_text(drawn, encoding="utf-8")
        (out / "report.html").write_text(page, encoding="utf-8")
    except OSError as error:
        found = error.strerror or type(error).__name__
        fault = Fault(
            source="--out", path=str(out), expected="a folder that can be written", found=found
        )
        raise Invalid(fault) from error
    for name in ("orders.svg", "report.html"):
        sys.stderr.write(f"wrote {out / name}\n")
