"""Before an order is placed by an older plan: ask its KPIs again, and whether it still holds."""

from collections.abc import Iterator
from typing import assert_never

import msgspec

from fabloop.base.instant import SECOND, Instant
from fabloop.base.money import money_text
from fabloop.base.quantity import Dimension
from fabloop.model.explanation import DangerCode, Evidence, Explanation
from fabloop.model.ids import WorkUnitId
from fabloop.model.kpi import KpiValue
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import NotDecided, NotProducible, Plan, Producible
from fabloop.model.revalidation import Revalidation, Verdict
from fabloop.model.site import Network
from fabloop.model.skill import SkillVocabulary
from fabloop.plan.producible import check
from fabloop.plan.running.impact import compare, impact
from fabloop.plan.running.replan import replan
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.problem import Busy, NotBefore, Objective
from fabloop.plan.terms.objectives import lead_of
from fabloop.services.matching import KpiValues

replace = msgspec.structs.replace

BETTER_RATIO = 1e-6
"""By what share of its value another plan must be better to be told."""


class _Today(msgspec.Struct, frozen=True):
    """The condition under which a plan is asked again."""

    network: Network
    vocabulary: SkillVocabulary
    kpis: KpiValues
    now: Instant
    busy: Busy
    unavailable: frozenset[WorkUnitId]
    not_before: NotBefore
    plant: Plant | None


def revalidate(  # noqa: PLR0913  # as `check`, by which it asks
    order: ProductionOrder,
    plan: Plan,
    network: Network,
    vocabulary: SkillVocabulary,
    kpis: KpiValues,
    now: Instant,
    *,
    busy: Busy | None = None,
    unavailable: frozenset[WorkUnitId] = frozenset(),
    not_before: NotBefore | None = None,
    plant: Plant | None = None,
) -> Revalidation:
    """Return whether a plan of which nothing has begun can still be ordered, and what changed.

    A plan whose first steps lie in the past is made for later, on the same work units if they
    still may. Beside it the question is asked anew: is there a better plan today?
    """
    today = _Today(network, vocabulary, kpis, now, busy or {}, unavailable, not_before or {}, plant)
    answer = replan(
        order,
        plan,
        {},
        {},
        network,
        vocabulary,
        kpis,
        now,
        busy=busy,
        moved={},
        unavailable=unavailable,
        not_before=not_before,
        plant=plant,
    )
    reasons = impact(plan, order.product, network, vocabulary, kpis, now)
    found = Revalidation(
        plan=plan.id,
        at=now,
        verdict=Verdict.VALID,
        changes=tuple(_changes(plan, kpis, now)),
        reasons=reasons,
    )
    match answer:
        case NotDecided():
            return replace(found, verdict=Verdict.NOT_DECIDED, refusal=answer)
        case NotProducible():
            return replace(found, verdict=Verdict.IMPOSSIBLE, refusal=answer)
        case Producible():
            answered = _with_answer(found, order, plan, answer.plans[0])
            return _with_better(answered, order, plan, today)


def _changes(plan: Plan, kpis: KpiValues, now: Instant) -> Iterator[Explanation]:
    """Yield each KPI value of the plan that is another one today, or may no longer be used."""
    for was in plan.kpis:
        known = kpis.get((was.work_unit, was.kpi))
        details = {"parameter": str(was.kpi)}
        if known is None or not known.is_valid(now):
            yield Explanation(
                code=DangerCode.KPI_GONE,
                subject=was.work_unit,
                details=details,
                evidence=(_evidence(was),),
            )
        elif (known.value, known.upper) != (was.value, was.upper):
            yield Explanation(
                code=DangerCode.KPI_CHANGED,
                subject=was.work_unit,
                details=details,
                evidence=(_evidence(was), _evidence(known)),
            )


def _evidence(value: KpiValue) -> Evidence:
    return Evidence(
        subject=value.work_unit,
        parameter=value.kpi,
        value=value.upper,
        dimension=value.dimension,
        at=value.at,
        source=value.source,
    )


def _with_answer(
    found: Revalidation, order: ProductionOrder, plan: Plan, new: Plan
) -> Revalidation:
    """Return what re-planning says: the plan holds, or this one does in its place."""
    if (new.steps, new.movements) == (plan.steps, plan.movements):
        return found
    comparison = compare(plan, new, order)
    other = comparison.moved or comparison.operations_added or comparison.operations_dropped
    verdict = Verdict.REPLACED if other else Verdict.RETIMED
    return replace(found, verdict=verdict, instead=new, comparison=comparison)


def _with_better(
    found: Revalidation, order: ProductionOrder, plan: Plan, today: _Today
) -> Revalidation:
    """Return the same with a plan that would be better today, if there is one."""
    lead = lead_of(plan)
    answer = check(
        order,
        today.network,
        today.vocabulary,
        today.kpis,
        today.now,
        plans_max=1,
        objective=lead,
        busy=today.busy,
        unavailable=today.unavailable,
        not_before=today.not_before,
        plant=today.plant,
    )
    if not isinstance(answer, Producible):
        return found
    best, value = answer.plans[0], _value(answer.plans[0], lead, today.now)
    limit = _value(found.instead or plan, lead, today.now)
    if value >= limit * (1.0 - BETTER_RATIO):
        return found
    evidence = _below(best, lead, value, limit)
    because = Explanation(
        code=DangerCode.CHEAPER_NOW,
        subject=plan.id,
        details={"parameter": str(lead)},
        evidence=(evidence,),
    )
    return replace(found, better=best, better_because=because)


def _below(best: Plan, lead: Objective, value: float, limit: float) -> Evidence:
    """Return the better value against the one that it beats, in units that people know."""
    evidence = Evidence(subject=best.id, parameter=lead, relation="below", value=value, limit=limit)
    match lead:
        case Objective.COST:
            texts = [money_text(round(each), best.totals.currency) for each in (value, limit)]
            return replace(evidence, value=texts[0], limit=texts[1])
        case Objective.ENERGY:
            return replace(evidence, dimension=Dimension.ENERGY)
        case Objective.CO2:
            return replace(evidence, dimension=Dimension.MASS)
        case Objective.MAKESPAN:
            spans = {"value": value / SECOND, "limit": limit / SECOND}
            return replace(evidence, **spans, dimension=Dimension.TIME)
        case _:
            assert_never(lead)


def _value(plan: Plan, lead: Objective, now: Instant) -> float:
    """Return what the plan is worth from now on."""
    totals = plan.totals
    match lead:
        case Objective.COST:
            return totals.cost_minor
        case Objective.ENERGY:
            return totals.energy_j
        case Objective.CO2:
            return totals.co2_kg
        case Objective.MAKESPAN:
            return max(each.end for each in plan.steps) - now
        case _:
            assert_never(lead)
