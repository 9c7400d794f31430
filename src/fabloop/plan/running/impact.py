"""What a changed condition endangers in a plan, and what a new plan changes."""

from collections.abc import Collection, Iterator

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.explanation import Explanation, ReasonCode
from fabloop.model.ids import OperationId, WorkUnitId
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import (
    CompanyChanged,
    MovedOperation,
    Movement,
    MovementKind,
    Plan,
    PlanComparison,
)
from fabloop.model.product import ConfiguredProduct
from fabloop.model.site import Network
from fabloop.model.skill import SkillVocabulary
from fabloop.services.matching import KpiValues, Mismatch, match_unit


def impact(
    plan: Plan,
    product: ConfiguredProduct,
    network: Network,
    vocabulary: SkillVocabulary,
    kpis: KpiValues,
    now: Instant,
    *,
    begun: Collection[OperationId] = (),
    work_unit: WorkUnitId | None = None,
) -> tuple[Explanation, ...]:
    """Return one explanation for each step not begun that its work unit may no longer do.

    `kpis` are the values as they are now; `work_unit` narrows the question to one unit, whose
    value has changed. The evidence is that of the mismatches, all of them.
    """
    units = network.work_units()
    found = []
    for step in plan.steps:
        asked = work_unit is None or step.work_unit == work_unit
        if step.frozen or step.operation in begun or not asked:
            continue
        operation = product.operation(step.operation)
        answer = match_unit(operation.requirement, units[step.work_unit], vocabulary, kpis, now)
        if isinstance(answer, Mismatch):
            found.append(
                Explanation(
                    code=ReasonCode.STEP_ENDANGERED,
                    subject=step.operation,
                    details={
                        "plan": plan.id,
                        "work_unit": step.work_unit,
                        "reasons": ", ".join(each.code for each in answer.reasons),
                    },
                    evidence=tuple(each for reason in answer.reasons for each in reason.evidence),
                    consequence="re-plan",
                )
            )
    return tuple(found)


def compare(before: Plan, after: Plan, order: ProductionOrder) -> PlanComparison:
    """Return what `after` changes of `before`: operations, shipments, figures, finish."""
    old = {step.operation: step for step in before.steps}
    pairs = [(old[step.operation], step) for step in after.steps if step.operation in old]
    new = {step.operation for step in after.steps}
    finish_before = max(step.end for step in before.steps)
    finish_after = max(step.end for step in after.steps)
    return PlanComparison(
        before=before.id,
        after=after.id,
        moved=tuple(
            MovedOperation(
                operation=step.operation,
                before=was.work_unit,
                before_site=was.site,
                after=step.work_unit,
                after_site=step.site,
            )
            for was, step in pairs
            if was.work_unit != step.work_unit
        ),
        retimed=tuple(
            step.operation
            for was, step in pairs
            if was.work_unit == step.work_unit and was.start != step.start
        ),
        shipments_added=_shipments_added(before, after),
        shipments_dropped=_shipments_added(after, before),
        operations_added=tuple(step.operation for step in after.steps if step.operation not in old),
        operations_dropped=tuple(
            step.operation for step in before.steps if step.operation not in new
        ),
        affected=_affected(before, after),
        company=tuple(_company(before, after)),
        cost_minor=after.totals.cost_minor - before.totals.cost_minor,
        currency=after.totals.currency,
        makespan_ns=after.totals.makespan_ns - before.totals.makespan_ns,
        energy_j=after.totals.energy_j - before.totals.energy_j,
        co2_kg=after.totals.co2_kg - before.totals.co2_kg,
        finish_before=finish_before,
        finish_after=finish_after,
        due_at=order.due_at,
        late_ns=max(0, finish_after - order.due_at),
    )


def _company(before: Plan, after: Plan) -> Iterator[CompanyChanged]:
    """Yield steps in both plans whose run, and goods whose shipment, others share otherwise."""
    old = {step.operation: step.batch for step in before.steps}
    for step in after.steps:
        was = old.get(step.operation)
        runs = [0 if each is None else each.together for each in (was, step.batch)]
        if step.operation in old and runs[0] != runs[1]:
            yield CompanyChanged(operation=step.operation, before=runs[0], after=runs[1])
    goods = {(each.made_by, each.taken_by, each.lane): each.goods for each in before.movements}
    for move in after.movements:
        key = move.made_by, move.taken_by, move.lane
        if move.lane is not None and goods.get(key, move.goods) != move.goods:
            yield CompanyChanged(
                operation=move.taken_by, made_by=move.made_by, before=goods[key], after=move.goods
            )


def _affected(before: Plan, after: Plan) -> tuple[str, ...]:
    """Return who has something else to do, or at another time."""
    was, becomes = _work(before), _work(after)
    names = was.keys() | becomes.keys()
    return tuple(sorted(each for each in names if was.get(each) != becomes.get(each)))


def _work(plan: Plan) -> dict[str, set[tuple[str, Instant, Instant]]]:
    """Return what each work unit, vehicle and carrier does for the plan, and when."""
    work: dict[str, set[tuple[str, Instant, Instant]]] = {}
    for step in plan.steps:
        work.setdefault(step.work_unit, set()).add((step.operation, step.start, step.end))
    for each in plan.movements:
        work.setdefault(each.by, set()).add((each.made_by, each.start, each.end))
    return work


def _shipments_added(before: Plan, after: Plan) -> tuple[Movement, ...]:
    had = {_carriage(each) for each in before.movements}
    return tuple(
        each
        for each in after.movements
        if each.kind is MovementKind.SHIPPING and _carriage(each) not in had
    )


def _carriage(movement: Movement) -> tuple[object, ...]:
    """Return what makes two shipments the same one, whenever they leave."""
    return msgspec.structs.astuple(
        msgspec.structs.replace(
            movement,
            leg=0,
            start=Instant(0),
            end=Instant(0),
            origin="",
            destination="",
            frozen=False,
            goods=1,
            cost_minor=0,
            energy_j=0.0,
            co2_kg=0.0,
        )
    )
