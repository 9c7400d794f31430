"""The answer of the planner as pictures and as a report of one page."""

from collections.abc import Iterator, Mapping, Sequence

from fabloop.app.account import exclusion_table, plan_table, refusal_texts, undecided_text
from fabloop.app.asked import Asked
from fabloop.app.caveats import finish_text
from fabloop.app.dealings import dealings
from fabloop.app.labels import choices_text, zone_in
from fabloop.app.pictures.conflict import conflict_picture
from fabloop.app.pictures.gantt import gantt_picture
from fabloop.app.pictures.pareto import pareto_picture
from fabloop.app.pictures.plan import plan_picture
from fabloop.app.pictures.report import Figure, Note, Section, Table, report
from fabloop.app.pictures.shipments import shipment_picture
from fabloop.app.sentences import instant_text, labels_of
from fabloop.app.step_table import step_table
from fabloop.model.facts import OrderRefused
from fabloop.model.plan import NotDecided, NotProducible, Plan, PlanAnswer, Producible
from fabloop.plan.critical import criticality
from fabloop.plan.tradeoffs.front import Front

PLANS_DRAWN_MAX = 5
"""Plans that are drawn one by one; the plot shows all."""

POINTS = (
    "Each point is a plan, numbered as in the table where there is room; lower left is better; "
    "the tick marks the first plan"
)
"""Caption of the plot."""
DEMANDS = (
    "What cannot hold together, and by how much: bars are values, a dashed line is their limit"
)
"""Caption of the conflict view."""
LEFT_OUT_MAX = 100
"""Work units left out that the page tells."""

Exhibit = tuple[str, str, str]
"""File name, caption, SVG."""


def exhibits_of(
    answer: PlanAnswer | Front, plans: Sequence[Plan], asked: Asked
) -> Iterator[Exhibit]:
    """Yield the pictures of an answer: plot, then swimlanes, steps and shipments of each plan."""
    order, network = asked.order, asked.knowledge.network
    if len(plans) > 1:
        yield "pareto.svg", POINTS, pareto_picture(plans, chosen=1)
    for number, plan in enumerate(plans[:PLANS_DRAWN_MAX], 1):
        lanes = plan_picture(plan, order.product, network)
        yield f"plan-{number}.svg", f"Plan {number}: who does what when", lanes
        found = criticality(plan, order.product)
        steps = gantt_picture(plan, order.product, network, found, due_at=order.due_at)
        yield f"gantt-{number}.svg", f"Plan {number}: what decides its finish", steps
        ways = shipment_picture(plan, order.product, network)
        yield f"shipments-{number}.svg", f"Plan {number}: what is shipped", ways
    if isinstance(answer, NotProducible) and answer.conflicts:
        labels = labels_of(network, order.product)
        drawn = conflict_picture(answer, order.received_at, labels)
        yield "conflicts.svg", DEMANDS, drawn


def report_of(
    answer: PlanAnswer | Front,
    plans: Sequence[Plan],
    asked: Asked,
    exhibits: Sequence[Exhibit],
) -> str:
    """Return one HTML page: the answer in words, tables and pictures."""
    order = asked.order
    labels = labels_of(asked.knowledge.network, order.product)
    sections = [_verdict(answer, plans, asked, exhibits)]
    for number, plan in enumerate(plans[:PLANS_DRAWN_MAX], 1):
        own = tuple(
            Figure(svg=svg, caption=f"{caption}.")
            for name, caption, svg in exhibits
            if name.endswith(f"-{number}.svg")
        )
        late = max(step.end for step in plan.steps) > order.due_at
        told = finish_text(order, plan, asked.knowledge.network)
        note = Note(kind="bad" if late else "good", text=f"{told[0].upper()}{told[1:]}.")
        tables = (_steps(plan, asked, labels), *dealings(plan, asked.knowledge.network, labels))
        title = f"Plan {number}: {plan.id}"
        sections.append(Section(title=title, notes=(note,), tables=tables, pictures=own))
    title = f"{order.quantity} × {order.product.label}"
    if isinstance(answer, Producible) and answer.exclusions:
        left_out = exclusion_table(
            answer, order.received_at, labels, LEFT_OUT_MAX, "; the JSON has all"
        )
        sections.append(Section(title="Who is left out, and why?", tables=(left_out,)))
    return report(title, sections, subtitle=_subtitle(asked))


def _subtitle(asked: Asked) -> str:
    """Return what was ordered: its choices, when it came in and when it is due."""
    order, zone = asked.order, zone_in(asked.knowledge.network)
    choices = choices_text(order.product)
    told = f"Order {order.id}{f' ({choices})' if choices else ''}"
    received, due = (instant_text(each, zone) for each in (order.received_at, order.due_at))
    return f"{told}, received {received}, due {due}. Times are local times of the sites."


def _steps(plan: Plan, asked: Asked, labels: Mapping[str, str]) -> Table:
    product = asked.order.product
    found = criticality(plan, product)
    return step_table(plan, product, asked.knowledge.network, found, labels)


def _verdict(
    answer: PlanAnswer | Front,
    plans: Sequence[Plan],
    asked: Asked,
    exhibits: Sequence[Exhibit],
) -> Section:
    now, labels = asked.order.received_at, labels_of(asked.knowledge.network, asked.order.product)
    shared = tuple(
        Figure(svg=svg, caption=f"{caption}.")
        for name, caption, svg in exhibits
        if name in ("pareto.svg", "conflicts.svg")
    )
    title = "Can it be made, where, when and at what cost?"
    if isinstance(answer, NotDecided):
        note = Note(kind="attention", text=undecided_text(answer))
        return Section(title=title, notes=(note,))
    if isinstance(answer, NotProducible):
        refused = OrderRefused(order=asked.order.id, answer=answer)
        note = Note(kind="bad", text="It cannot be made as it is wished.")
        texts = tuple(refusal_texts(refused, now, labels))
        return Section(title=title, notes=(note,), paragraphs=texts, pictures=shared)
    count = f"{len(plans)} plans" if len(plans) > 1 else "one plan"
    best = "no other one beats any of them" if isinstance(answer, Front) else "the first is best"
    best = f", {best}" if len(plans) > 1 else ""
    notes = [Note(kind="good", text=f"It can be made: {count}{best}.")]
    if len(plans) > PLANS_DRAWN_MAX:
        words = f"Pictures follow of the first {PLANS_DRAWN_MAX} plans; the table has all."
        notes.append(Note(kind="attention", text=words))
    return Section(
        title=title, notes=tuple(notes), tables=(plan_table(plans, labels),), pictures=shared
    )
