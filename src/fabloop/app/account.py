"""A story in words and tables: what the report and the terminal tell."""

from collections.abc import Iterator, Mapping, Sequence
from typing import assert_never

from fabloop.app.chronicle import Summary, recalls_of
from fabloop.app.demo import Demo
from fabloop.app.pictures.report import Figure, Note, Section, Table
from fabloop.app.sentences import money_text, option_sentence, sentence
from fabloop.app.snapshot import OrderState
from fabloop.base.instant import Instant, iso_of, span_text
from fabloop.base.quantity import Dimension, quantity_text
from fabloop.model.facts import (
    AdaptationImpossible,
    JobBound,
    OrderRefused,
    ProcessReleased,
    PropertyChecked,
)
from fabloop.model.kpi import KpiTerm, KpiValue
from fabloop.model.lot import LotRecord
from fabloop.model.plan import NotProducible, Optimality, Plan, PlanComparison, Producible
from fabloop.model.site import Network
from fabloop.trace.recall import ContainsLot, MadeWhile, RecallAnswer

Pictures = Mapping[str, tuple[str, str]]
"""Caption and SVG by file name."""


def sections_of(
    demo: Demo, state: OrderState, summary: Summary, pictures: Pictures
) -> list[Section]:
    """Return the parts of the report."""
    found = [_producibility(state, pictures), _process(demo, pictures)]
    if summary.breaches:
        found.append(_condition(summary, pictures))
    if summary.adaptations or summary.refusal is not None:
        found.append(_adaptation(demo, summary, pictures))
    if demo.house.snapshot.records:
        found.append(_trace(demo, pictures))
    return found


def _figures(pictures: Pictures, prefix: str) -> tuple[Figure, ...]:
    return tuple(
        Figure(svg=svg, caption=caption[0].upper() + caption[1:] + ".")
        for name, (caption, svg) in pictures.items()
        if name.startswith(prefix)
    )


def _producibility(state: OrderState, pictures: Pictures) -> Section:
    order = state.order
    choices = ", ".join(f"{name} {option}" for name, option in order.product.choices.items())
    count = len(order.product.operations)
    ordered = f"Ordered: {order.product.label} ({choices}), {count} operations"
    return Section(
        title="Can it be made, where, when and at what cost?",
        paragraphs=(f"{ordered}, due {span_text(order.goal_ns)} after receipt.",),
        tables=(plan_table(state.offered), exclusion_table(state.offered, order.received_at))
        if state.offered
        else (),
        pictures=_figures(pictures, "plan-1"),
    )


def plan_table(answer: Producible) -> Table:
    """Return the plans in figures, best first."""
    return Table(
        caption="Plans, cheapest first",
        heads=("Plan", "Cost", "Makespan", "Energy", "CO2", "Sites", "Shipments", "Optimal for"),
        rows=tuple(plan_row(plan) for plan in answer.plans),
        numeric=(1, 2, 3, 4, 6),
    )


def plan_row(plan: Plan) -> tuple[str, ...]:
    """Return one plan in figures."""
    totals = plan.totals
    return (
        str(plan.id),
        money_text(totals.cost_minor, totals.currency),
        span_text(totals.makespan_ns),
        quantity_text(totals.energy_j, Dimension.ENERGY),
        quantity_text(totals.co2_kg, Dimension.MASS),
        ", ".join(totals.sites),
        str(totals.shipments),
        ", ".join(optimality_text(each) for each in plan.optimality if each.proven) or "-",
    )


def optimality_text(optimality: Optimality) -> str:
    """Return what is proven, or how far the plan may be from the best."""
    if optimality.proven:
        return f"{optimality.objective} (proven)"
    gap = (optimality.value - optimality.bound) / optimality.value if optimality.value else 0.0
    return f"{optimality.objective} (within {gap:.1%})"


def exclusion_table(answer: Producible | NotProducible, now: Instant, most: int = 40) -> Table:
    """Return the work units that have the skill and yet may not do an operation."""
    rows = tuple(
        (str(each.operation), str(each.work_unit), " ".join(sentence(r, now) for r in each.reasons))
        for each in answer.exclusions
    )
    more = len(rows) - most
    return Table(
        caption="Left out" + (f" ({most} of {len(rows)} shown)" if more > 0 else ""),
        heads=("Operation", "Work unit", "Why"),
        rows=rows[:most],
    )


def _process(demo: Demo, pictures: Pictures) -> Section:
    released = [f for _, f in demo.house.history if isinstance(f, ProcessReleased)]
    return Section(
        title="The process",
        paragraphs=tuple(verified_text(each.properties, each.markings) for each in released),
        pictures=_figures(pictures, "process-1"),
    )


def verified_text(properties: Sequence[PropertyChecked], markings: int) -> str:
    """Return what was verified of a process before it was released."""
    told = ", ".join(f"{each.name} {each.verdict}" for each in properties)
    return f"Verified before release over {markings} markings: {told}."


def _condition(summary: Summary, pictures: Pictures) -> Section:
    first = summary.breaches[0]
    return Section(
        title="The machine wears out",
        notes=(Note(kind="bad", text=breach_text(first.value, first.limit)),),
        tables=(term_table(first.value),),
        pictures=_figures(pictures, "kpi-"),
    )


def breach_text(value: KpiValue, limit: float) -> str:
    """Return by how much a KPI misses its limit."""
    return (
        f"{value.kpi} of {value.work_unit} is {quantity_text(value.upper, value.dimension)} "
        f"(upper 95 % bound; estimate {quantity_text(value.value, value.dimension)}), the limit is "
        f"{quantity_text(limit, value.dimension)}. Source: {value.source}."
    )


def term_table(value: KpiValue) -> Table:
    """Return the terms of a KPI, axis by axis."""
    axes = tuple(dict.fromkeys(term.axis for term in value.terms))
    names = tuple(dict.fromkeys(term.name for term in value.terms))
    terms: dict[tuple[str, str], KpiTerm] = {(each.name, each.axis): each for each in value.terms}
    return Table(
        caption=f"Terms of {value.kpi} ({value.source})",
        heads=("Term", *(f"Axis {axis}" for axis in axes)),
        rows=tuple((name, *(_term(terms.get((name, axis))) for axis in axes)) for name in names),
        numeric=tuple(range(1, len(axes) + 1)),
    )


def _term(term: KpiTerm | None) -> str:
    return quantity_text(term.value, term.dimension) if term is not None else "not measured"


def _adaptation(demo: Demo, summary: Summary, pictures: Pictures) -> Section:
    now = demo.house.snapshot.now
    if summary.refusal is not None:
        return Section(
            title="No way out",
            notes=tuple(
                Note(kind="bad", text=text) for text in refusal_texts(summary.refusal, now)
            ),
        )
    reasons = (reason for each in summary.breaches for reason in each.reasons)
    texts = dict.fromkeys(sentence(reason, now) for reason in reasons)
    return Section(
        title="Another way is found",
        notes=tuple(Note(kind="attention", text=text) for text in texts),
        tables=tuple(comparison_table(each.comparison) for each in summary.adaptations),
        pictures=_figures(pictures, "change-"),
    )


def refusal_texts(refusal: AdaptationImpossible | OrderRefused, now: Instant) -> Iterator[str]:
    """Yield why there is no plan, and what would help."""
    answer = refusal.answer
    if not isinstance(answer, NotProducible):
        yield f"Not decided within the limit: {answer.limit}. That does not mean that it cannot be."
        return
    for number, conflict in enumerate(answer.conflicts, start=1):
        told = " And: ".join(sentence(reason, now) for reason in conflict)
        yield f"Conflict {number} of {len(answer.conflicts)}: {told}"
    for option in answer.options:
        yield f"Would help: {option_sentence(option)}"


def comparison_table(comparison: PlanComparison) -> Table:
    """Return what a new plan changes, differences with their sign."""
    late = span_text(comparison.late_ns) + " late" if comparison.late_ns else "in time"
    rows = [
        (
            f"{each.operation} moves",
            f"{each.before} ({each.before_site})",
            f"{each.after} ({each.after_site})",
        )
        for each in comparison.moved
    ]
    rows += [
        ("shipment added", "-", f"{each.origin_site} to {each.destination_site}, {each.by}")
        for each in comparison.shipments_added
    ]
    rows += [
        (
            "cost",
            "",
            _signed(
                comparison.cost_minor, money_text(abs(comparison.cost_minor), comparison.currency)
            ),
        ),
        ("makespan", "", _signed(comparison.makespan_ns, span_text(abs(comparison.makespan_ns)))),
        (
            "energy",
            "",
            _signed(comparison.energy_j, quantity_text(abs(comparison.energy_j), Dimension.ENERGY)),
        ),
        (
            "CO2",
            "",
            _signed(comparison.co2_kg, quantity_text(abs(comparison.co2_kg), Dimension.MASS)),
        ),
        ("finish", iso_of(comparison.finish_before), f"{iso_of(comparison.finish_after)} ({late})"),
    ]
    return Table(
        caption=f"Plan {comparison.before} becomes {comparison.after}",
        heads=("What", "Before", "After"),
        rows=tuple(rows),
    )


def _signed(value: float, text: str) -> str:
    return f"{'+' if value >= 0 else '-'}{text}"


def _trace(demo: Demo, pictures: Pictures) -> Section:
    records = demo.house.snapshot.records
    return Section(
        title="What became of what",
        paragraphs=tuple(recall_text(each) for each in recalls_of(demo)),
        tables=(lot_table(records, demo.scenario.knowledge.network),),
        pictures=_figures(pictures, "genealogy"),
    )


def lot_table(records: Sequence[LotRecord], network: Network) -> Table:
    """Return the lots in the order in which they came to be."""
    units = network.work_units()
    persons = {p.id: p.label for site in network.sites.values() for p in site.persons}
    return Table(
        caption="Lots",
        heads=("Lot", "Made of", "Work unit", "Condition then", "Person", "Process", "Ended"),
        rows=tuple(
            (
                str(each.lot),
                ", ".join(each.consumed) or "bought",
                units[each.work_unit].label,
                ", ".join(condition_text(value) for value in each.kpis) or "not monitored",
                persons[each.person] if each.person is not None else "-",
                each.process,
                iso_of(each.ended_at, network.sites[each.site].time_zone)[:16].replace("T", " "),
            )
            for each in records
        ),
    )


def condition_text(value: KpiValue) -> str:
    """Return a KPI value in short."""
    return f"{value.kpi} {quantity_text(value.upper, value.dimension)}"


def recall_text(answer: RecallAnswer) -> str:
    """Return a recall question with its answer."""
    match answer.query:
        case ContainsLot(lot=lot):
            question = f"Which products contain lot {lot}?"
        case MadeWhile(skill=skill, work_unit=unit, kpi=kpi, above=above):
            limit = quantity_text(above, Dimension.LENGTH)
            question = f"Which products saw '{skill}' on {unit} while {kpi} was above {limit}?"
        case _:
            assert_never(answer.query)
    found = ", ".join(f"{hit.product} (by {', '.join(hit.because)})" for hit in answer.hits)
    return f"{question} {found or 'None'} of {answer.products_searched}."


def job_text(bound: JobBound, network: Network) -> str:
    """Return who does a job, for the running account."""
    unit = network.work_units().get(bound.work_unit) if bound.work_unit is not None else None
    return unit.label if unit is not None else str(bound.lane)
