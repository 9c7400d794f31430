"""A story in words and tables: what the report and the terminal tell."""

from collections.abc import Iterator, Mapping, Sequence
from typing import assert_never

from fabloop.app.chronicle import Summary, recalls_of
from fabloop.app.demo import Demo
from fabloop.app.labels import NO_LABELS, choices_text
from fabloop.app.pictures.report import Figure, Note, Section, Table
from fabloop.app.sentences import instant_text, labels_of, money_text, option_sentence, sentence
from fabloop.app.snapshot import OrderState
from fabloop.base.instant import Instant, span_text
from fabloop.base.quantity import Dimension, quantity_text
from fabloop.model.explanation import ReasonCode
from fabloop.model.facts import (
    AdaptationImpossible,
    OrderRefused,
    ProcessReleased,
    PropertyChecked,
)
from fabloop.model.kpi import KpiTerm, KpiValue
from fabloop.model.lot import LotRecord
from fabloop.model.plan import (
    Exclusion,
    NotDecided,
    NotProducible,
    Optimality,
    Plan,
    PlanComparison,
    Producible,
)
from fabloop.model.product import NotConfigurable
from fabloop.model.site import Network
from fabloop.trace.genealogy import LotNode
from fabloop.trace.recall import ContainsLot, MadeWhile, RecallAnswer

Pictures = Mapping[str, tuple[str, str]]
"""Caption and SVG by file name."""


def sections_of(
    demo: Demo, state: OrderState, summary: Summary, pictures: Pictures
) -> list[Section]:
    """Return the parts of the report."""
    found = [_producibility(demo, state, pictures), _process(demo, pictures)]
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


def _producibility(demo: Demo, state: OrderState, pictures: Pictures) -> Section:
    order = state.order
    choices = choices_text(order.product)
    count = len(order.product.operations)
    ordered = f"Ordered: {order.product.label} ({choices}), {count} operations"
    return Section(
        title="Can it be made, where, when and at what cost?",
        paragraphs=(f"{ordered}, due {span_text(order.goal_ns)} after receipt.",),
        tables=(
            plan_table(state.offered.plans, labels_in(demo)),
            exclusion_table(state.offered, order.received_at, labels_in(demo)),
        )
        if state.offered
        else (),
        pictures=_figures(pictures, "plan-1"),
    )


def plan_table(plans: Sequence[Plan], labels: Mapping[str, str] = NO_LABELS) -> Table:
    """Return the plans in figures, best first; sites by what `labels` calls them."""
    return Table(
        caption="Plans, best first",
        heads=("Plan", "Cost", "Makespan", "Energy", "CO2", "Sites", "Shipments", "Optimal for"),
        rows=tuple(plan_row(plan, labels) for plan in plans),
        numeric=(1, 2, 3, 4, 6),
    )


def plan_row(plan: Plan, labels: Mapping[str, str] = NO_LABELS) -> tuple[str, ...]:
    """Return one plan in figures."""
    totals = plan.totals
    return (
        str(plan.id),
        money_text(totals.cost_minor, totals.currency),
        span_text(totals.makespan_ns),
        quantity_text(totals.energy_j, Dimension.ENERGY),
        quantity_text(totals.co2_kg, Dimension.MASS),
        ", ".join(labels.get(each, each) for each in totals.sites),
        str(totals.shipments),
        _best_at(_leading(plan.optimality)),
    )


def _best_at(found: Sequence[Optimality]) -> str:
    """Return what a plan is best at; what is proven is said so once for all of it."""
    proven = [_objective_name(each) for each in found if each.proven]
    told = [f"{', '.join(proven)} (proven)"] if proven else []
    return ", ".join(told + [optimality_text(each) for each in found if not each.proven])


def _leading(found: Sequence[Optimality]) -> Sequence[Optimality]:
    """Return what is proven of a plan, or else how good it is at what it leads with."""
    return [each for each in found if each.proven] or found[:1]


def optimality_text(optimality: Optimality) -> str:
    """Return what is proven, or how far the plan may be from the best."""
    name = _objective_name(optimality)
    if optimality.proven:
        return f"{name} (proven)"
    gap = (optimality.value - optimality.bound) / optimality.value if optimality.value else 0.0
    return f"{name} (within {max(gap, 0.001):.1%})"  # never 0.0 %: that would be a proof


def _objective_name(optimality: Optimality) -> str:
    later = " with the least " in optimality.scope
    return f"then {optimality.objective}" if later else optimality.objective


def labels_in(demo: Demo) -> dict[str, str]:
    """Return what people call everything in a story, by id."""
    product = None if isinstance(demo.order, NotConfigurable) else demo.order.product
    return labels_of(demo.scenario.knowledge.network, product)


def exclusion_table(
    answer: Producible | NotProducible,
    now: Instant,
    labels: Mapping[str, str],
    most: int = 12,
    rest: str = "",
) -> Table:
    """Return the work units that have the skill and yet may not do an operation.

    What is left out for its condition comes first, then for hours, people, tools and wishes:
    those may change, the data sheet will not. `rest` tells where those are that are not shown.
    """
    ranked = sorted(answer.exclusions, key=_lasting)
    rows = tuple(
        (
            labels.get(each.operation, each.operation),
            labels.get(each.work_unit, each.work_unit),
            " ".join(sentence(reason, now, labels) for reason in each.reasons),
        )
        for each in ranked
    )
    more = len(rows) - most
    return Table(
        caption="Left out" + (f" ({most} of {len(rows)} shown{rest})" if more > 0 else ""),
        heads=("Operation", "Work unit", "Why"),
        rows=rows[:most],
    )


_CONDITION = frozenset(
    {ReasonCode.KPI_TOO_HIGH, ReasonCode.KPI_TOO_LOW, ReasonCode.KPI_MISSING}
    | {ReasonCode.KPI_STALE, ReasonCode.KPI_FROM_FUTURE, ReasonCode.KPI_UNUSABLE}
)
_DATA_SHEET = frozenset(
    {ReasonCode.SKILL_NOT_OFFERED, ReasonCode.NOT_AMONG, ReasonCode.PARAMETER_NOT_STATED}
    | {ReasonCode.OUT_OF_SPAN, ReasonCode.TOO_HIGH, ReasonCode.TOO_LOW}
    | {ReasonCode.PARAMETER_UNKNOWN, ReasonCode.PARAMETER_UNUSABLE}
)


def _lasting(exclusion: Exclusion) -> tuple[bool, int]:
    """Return how far from being able to change the reasons are, taken together."""
    codes = [each.code for each in exclusion.reasons]
    return all(each not in _CONDITION for each in codes), sum(each in _DATA_SHEET for each in codes)


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
                Note(kind="bad", text=text)
                for text in refusal_texts(summary.refusal, now, labels_in(demo))
            ),
        )
    texts = dict.fromkeys(
        sentence(reason, each.value.at, labels_in(demo))
        for each in summary.breaches
        for reason in each.reasons
    )
    return Section(
        title="Another way is found",
        notes=tuple(Note(kind="attention", text=text) for text in texts),
        tables=tuple(
            comparison_table(each.comparison, zone_of(demo), labels_in(demo))
            for each in summary.adaptations
        ),
        pictures=_figures(pictures, "change-"),
    )


def refusal_texts(
    refusal: AdaptationImpossible | OrderRefused, now: Instant, labels: Mapping[str, str]
) -> Iterator[str]:
    """Yield why there is no plan, and what would help."""
    answer = refusal.answer
    if not isinstance(answer, NotProducible):
        yield f"Not decided within the limit: {answer.limit}. That does not mean that it cannot be."
        return
    for number, conflict in enumerate(answer.conflicts, start=1):
        told = " And: ".join(sentence(reason, now, labels) for reason in conflict)
        yield f"Conflict {number} of {len(answer.conflicts)}: {told}"
    for ground in answer.grounds:
        yield f"Why: {sentence(ground, now, labels)}"
    if not answer.complete:
        yield "There may be more conflicts than these."
    for option in answer.options:
        yield f"Would help: {option_sentence(option, labels)}"


def undecided_text(answer: NotDecided) -> str:
    """Return which limit was reached before a plan was found or ruled out, and what to do."""
    told = f"Not decided: {answer.limit}. That does not mean that it cannot be made"
    return f"{told}: give it more time with --effort SECONDS."


def zone_of(demo: Demo) -> str:
    """Return the time zone of the first site, for times that concern several."""
    return next(iter(demo.scenario.knowledge.network.sites.values())).time_zone


def local_text(at: Instant, zone: str) -> str:
    """Return a local date and time to the minute with its offset."""
    return instant_text(at, zone)


def comparison_table(comparison: PlanComparison, zone: str, labels: Mapping[str, str]) -> Table:
    """Return what a new plan changes, differences with their sign, times in a time zone."""

    def called(name: str) -> str:
        return labels.get(name, name)

    rows = [
        (
            f"{called(each.operation)}: moves",
            called(each.before),
            called(each.after),
        )
        for each in comparison.moved
    ]
    rows += [
        (
            "shipment added",
            "-",
            f"{called(each.origin_site)} to {called(each.destination_site)}, {each.by}",
        )
        for each in comparison.shipments_added
    ]
    rows += [
        (
            f"{called(each.made_by or each.operation)}: together in a "
            + ("shipment" if each.made_by else "run"),
            str(each.before or "-"),
            str(each.after or "-"),
        )
        for each in comparison.company
    ]
    return Table(
        caption=f"Plan {comparison.before} becomes {comparison.after}",
        heads=("What", "Before", "After"),
        rows=(*rows, *_differences(comparison, zone)),
    )


def _differences(comparison: PlanComparison, zone: str) -> Iterator[tuple[str, str, str]]:
    cost, energy = comparison.cost_minor, comparison.energy_j
    late = f"{span_text(comparison.late_ns)} late" if comparison.late_ns else "in time"
    yield "cost", "", _signed(cost, money_text(abs(cost), comparison.currency))
    yield "makespan", "", _signed(comparison.makespan_ns, span_text(abs(comparison.makespan_ns)))
    yield "energy", "", _signed(energy, quantity_text(abs(energy), Dimension.ENERGY))
    yield (
        "CO2",
        "",
        _signed(comparison.co2_kg, quantity_text(abs(comparison.co2_kg), Dimension.MASS)),
    )
    yield (
        "finish",
        local_text(comparison.finish_before, zone),
        f"{local_text(comparison.finish_after, zone)}, {late}",
    )


def _signed(value: float, text: str) -> str:
    return f"{'+' if value >= 0 else '-'}{text}"


def _trace(demo: Demo, pictures: Pictures) -> Section:
    records = demo.house.snapshot.records
    return Section(
        title="What became of what",
        paragraphs=tuple(recall_text(each, labels_in(demo)) for each in recalls_of(demo)),
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
                local_text(each.ended_at, network.sites[each.site].time_zone),
            )
            for each in records
        ),
    )


def condition_text(value: KpiValue) -> str:
    """Return a KPI value in short."""
    return f"{value.kpi} {quantity_text(value.upper, value.dimension)}"


def recall_text(answer: RecallAnswer, labels: Mapping[str, str]) -> str:
    """Return a recall question with its answer."""
    match answer.query:
        case ContainsLot(lot=lot):
            question = f"Which products contain lot {lot}?"
        case MadeWhile(skill=skill, work_unit=unit, kpi=kpi, above=above):
            limit = quantity_text(above, Dimension.LENGTH)
            question = (
                f"Which products saw '{skill}' on {labels.get(unit, unit)} while "
                f"{kpi} was above {limit}?"
            )
        case _:
            assert_never(answer.query)
    found = ", ".join(f"{hit.product} (by {', '.join(hit.because)})" for hit in answer.hits)
    return f"{question} {found or 'None'} of {answer.products_searched}."


def genealogy_lines(node: LotNode, network: Network, depth: int = 0) -> Iterator[str]:
    """Yield a lot and, indented below it, all that it was made of."""
    record = node.record
    persons = {p.id: p.label for site in network.sites.values() for p in site.persons}
    told = [network.work_units()[record.work_unit].label]
    told += [condition_text(value) for value in record.kpis]
    told += [persons[record.person]] if record.person is not None else []
    told += [record.process, local_text(record.ended_at, network.sites[record.site].time_zone)]
    yield f"{'   ' * depth}{record.lot}: {record.operation} ({', '.join(told)})"
    for part in node.parts:
        yield from genealogy_lines(part, network, depth + 1)
