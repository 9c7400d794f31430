"""All that happened in a story as one document, and its outcome in a few figures."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import pairwise

import msgspec

from fabloop.adapt.goals.tracks import Standing
from fabloop.adapt.weigh import limited_operations
from fabloop.app.conductor import Adapted
from fabloop.app.demo import Demo
from fabloop.app.goal_watch import standings
from fabloop.app.snapshot import OrderState, Stage
from fabloop.base.instant import Instant, iso_of
from fabloop.model.explanation import Explanation
from fabloop.model.facts import (
    AdaptationImpossible,
    Fact,
    KpiChanged,
    OrderRefused,
    PlanEndangered,
    RungTried,
)
from fabloop.model.goal import Goal, GoalStatus
from fabloop.model.ids import GoalId, PlanId, SiteId
from fabloop.model.kpi import KpiValue
from fabloop.model.plan import MovementKind, Plan, PlanComparison
from fabloop.model.product import ChoiceConflict, NotConfigurable
from fabloop.trace.genealogy import LotNode, finished_products, tree_of
from fabloop.trace.recall import ContainsLot, MadeWhile, RecallAnswer, RecallQuery, recall

FORMAT = "fabloop/demo/1"


class Outcome(StrEnum):
    """How a story ended."""

    FINISHED = "finished"
    NOT_CONFIGURABLE = "not configurable"
    REJECTED = "rejected"
    REFUSED = "refused"
    STUCK = "stuck"
    UNDECIDED = "undecided"


class PlanSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A plan in figures; energy in joules, durations in nanoseconds, money in minor units."""

    id: PlanId
    sites: tuple[SiteId, ...]
    cost_minor: int
    currency: str
    makespan_ns: int
    energy_j: float
    co2_kg: float
    shipments: int
    proven_optimal_for: tuple[str, ...]


class Breach(msgspec.Struct, frozen=True, kw_only=True):
    """A KPI that endangered a plan."""

    value: KpiValue
    limit: float
    plan: PlanId
    reasons: tuple[Explanation, ...]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One adaptation: the plan before and after, and the difference."""

    before: PlanSummary
    after: PlanSummary
    comparison: PlanComparison


class GoalSummary(msgspec.Struct, frozen=True, kw_only=True):
    """How a goal of the order stands, since when and why; `risk` (0..1) that it is missed."""

    goal: GoalId
    title: str
    statement: str
    status: GoalStatus
    since: str
    deadline: str | None
    expected: str | None
    risk: float
    because: Explanation | None


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The story in a few figures."""

    outcome: Outcome
    plan_1: PlanSummary | None = None
    breaches: tuple[Breach, ...] = ()
    rungs: tuple[RungTried, ...] = ()
    adaptations: tuple[Change, ...] = ()
    plan_2: PlanSummary | None = None
    refusal: AdaptationImpossible | OrderRefused | None = None
    conflicts: tuple[ChoiceConflict, ...] = ()
    operations_done: int = 0
    goals: tuple[GoalSummary, ...] = ()
    finished_at: str | None = None
    due_at: str | None = None


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A fact and when it was heard (ISO 8601, UTC)."""

    at: str
    fact: Fact


class Volatile(msgspec.Struct, frozen=True, kw_only=True):
    """What differs from run to run although nothing else does."""

    wall_s: float
    data: str
    exhibits: tuple[str, ...]
    fabloop: str
    resumed: bool


class Chronicle(msgspec.Struct, frozen=True, kw_only=True):
    """The document that ``--json`` writes; everything but `volatile` follows from the seed."""

    format: str
    story: str
    seed: int
    knowledge: str
    summary: Summary
    genealogy: LotNode | None
    recalls: tuple[RecallAnswer, ...]
    facts: tuple[Recorded, ...]
    volatile: Volatile


def chronicle_of(demo: Demo, volatile: Volatile) -> Chronicle:
    """Return all that happened so far."""
    records = demo.house.snapshot.records
    placed = not isinstance(demo.order, NotConfigurable)
    products = finished_products(records) if placed and _state(demo).finished_at else ()
    return Chronicle(
        format=FORMAT,
        story=demo.settings.story,
        seed=demo.settings.seed,
        knowledge=demo.scenario.digest,
        summary=summary_of(demo),
        genealogy=tree_of(records, products[0].lot) if products else None,
        recalls=recalls_of(demo),
        facts=tuple(Recorded(at=iso_of(at), fact=fact) for at, fact in demo.house.history),
        volatile=volatile,
    )


def summary_of(demo: Demo) -> Summary:
    """Return the story in a few figures."""
    if isinstance(demo.order, NotConfigurable):
        return Summary(outcome=Outcome.NOT_CONFIGURABLE, conflicts=demo.order.conflicts)
    state = _state(demo)
    facts = [fact for _, fact in demo.house.history]
    proposals = {each.plan.id: each for each in facts if isinstance(each, Adapted)}
    plans = state.followed
    changes = tuple(
        Change(
            before=plan_summary(before),
            after=plan_summary(after),
            comparison=proposals[after.id].comparison,
        )
        for before, after in pairwise(plans)
    )
    refusals = [each for each in facts if isinstance(each, OrderRefused | AdaptationImpossible)]
    return Summary(
        outcome=_outcome(state),
        plan_1=plan_summary(plans[0]) if plans else None,
        breaches=tuple(_breaches(demo.house.history)),
        rungs=tuple(each for each in facts if isinstance(each, RungTried)),
        adaptations=changes,
        plan_2=plan_summary(plans[-1]) if changes else None,
        refusal=refusals[-1] if refusals else None,
        operations_done=len(state.done),
        goals=tuple(goal_summary(*each) for each in standings(state, demo.house.snapshot)),
        finished_at=iso_of(state.finished_at) if state.finished_at else None,
        due_at=iso_of(state.order.due_at),
    )


def _state(demo: Demo) -> OrderState:
    assert not isinstance(demo.order, NotConfigurable), "an order was placed"
    known = demo.house.snapshot.orders.get(demo.order.id)
    return known or OrderState(order=demo.order)


def _outcome(state: OrderState) -> Outcome:
    match state.stage:
        case Stage.FINISHED:
            return Outcome.FINISHED
        case Stage.REJECTED:
            return Outcome.REJECTED
        case Stage.REFUSED:
            return Outcome.REFUSED
        case Stage.STUCK:
            return Outcome.STUCK
        case _:
            return Outcome.UNDECIDED


def goal_summary(goal: Goal, standing: Standing) -> GoalSummary:
    """Return how a goal stands, for people and other programs."""
    return GoalSummary(
        goal=goal.id,
        title=goal.title,
        statement=goal.written,
        status=standing.status,
        since=iso_of(standing.since),
        deadline=None if standing.deadline is None else iso_of(standing.deadline),
        expected=None if standing.expected is None else iso_of(standing.expected),
        risk=standing.risk,
        because=standing.because,
    )


def plan_summary(plan: Plan) -> PlanSummary:
    """Return a plan in figures."""
    return PlanSummary(
        id=plan.id,
        sites=plan.totals.sites,
        cost_minor=plan.totals.cost_minor,
        currency=plan.totals.currency,
        makespan_ns=plan.totals.makespan_ns,
        energy_j=plan.totals.energy_j,
        co2_kg=plan.totals.co2_kg,
        shipments=sum(each.kind is MovementKind.SHIPPING for each in plan.movements),
        proven_optimal_for=tuple(str(each.objective) for each in plan.optimality if each.proven),
    )


def _breaches(history: Sequence[tuple[Instant, Fact]]) -> Iterator[Breach]:
    """Yield each KPI change with the plan that it endangered: one is heard after the other."""
    last: KpiChanged | None = None
    for _, fact in history:
        if isinstance(fact, KpiChanged):
            last = fact
        if isinstance(fact, PlanEndangered) and last is not None:
            limits = [
                each.limit
                for reason in fact.reasons
                for each in reason.evidence
                if isinstance(each.limit, float) and each.subject == last.value.work_unit
            ]
            if limits:
                yield Breach(
                    value=last.value, limit=min(limits), plan=fact.plan, reasons=fact.reasons
                )


# -- recall ---------------------------------------------------------------------------------------


def recalls_of(demo: Demo) -> tuple[RecallAnswer, ...]:
    """Answer the two questions a quality engineer asks first, on what this story made.

    Which products contain the first bought lot? Which were made on a monitored work unit while
    its KPI was above what the operation allows?
    """
    if isinstance(demo.order, NotConfigurable) or not _state(demo).finished_at:
        return ()
    snapshot = demo.house.snapshot
    return tuple(
        recall(query, snapshot.records, snapshot.skills(), demo.scenario.knowledge.vocabulary)
        for query in recall_queries(demo)
    )


def recall_queries(demo: Demo) -> tuple[RecallQuery, ...]:
    """Return the questions of `recalls_of`."""
    assert not isinstance(demo.order, NotConfigurable), "an order was placed"
    bought = {each.id for each in demo.order.product.materials if each.third_party}
    records = demo.house.snapshot.records
    lots = [each.lot for each in records if each.material in bought][:1]
    queries: list[RecallQuery] = [ContainsLot(lot=lot) for lot in lots]
    product, knowledge = demo.order.product, demo.scenario.knowledge
    units = knowledge.network.work_units()
    for monitored in demo.scenario.monitored:
        for operation, above in limited_operations(
            product.operations, units[monitored.work_unit], monitored.kpi, knowledge.vocabulary
        ):
            requirement = product.operation(operation).requirement
            queries.append(
                MadeWhile(
                    skill=requirement.skill,
                    work_unit=monitored.work_unit,
                    kpi=monitored.kpi,
                    above=above,
                )
            )
    return tuple(queries)
