"""The way back: may an order be finished by the plan that the last adaptation changed?"""

from collections.abc import Iterator

import msgspec

from fabloop.adapt.propose import Situation, drawn_up, is_impassable, objections, replanned
from fabloop.adapt.world import World
from fabloop.model.explanation import Explanation, UndoCode
from fabloop.model.facts import AdaptationUndone, UndoRefused
from fabloop.model.plan import MovementKind, NotDecided, Plan, Producible
from fabloop.plan.producible import compare


def undo(
    situation: Situation, former: Plan, by: str, world: World
) -> AdaptationUndone | UndoRefused:
    """Return the former plan as it can be carried out now, or why there is no way back.

    What is to come is done where the former plan had it, at times that still can be. Refused is
    what would have to call back work that has begun elsewhere or goods that have left, and a plan
    that does not hold (what endangered it is not over).
    """
    order, plan = situation.order, situation.plan
    reasons = (*_irreversible(situation, former), *objections(former, situation, world))
    if reasons:
        return UndoRefused(order=order.id, plan=plan.id, by=by, reasons=reasons)
    asked = msgspec.structs.replace(former, id=plan.id)
    answer = replanned(msgspec.structs.replace(situation, plan=asked), world)
    after = answer.plans[0] if isinstance(answer, Producible) else None
    if after is None or compare(former, after, order).moved:
        return _refused(situation, by, UndoCode.NO_WAY_BACK)
    if is_impassable(situation, after, world):
        return _refused(situation, by, UndoCode.NO_WAY_BACK)
    drawn = drawn_up(situation, after, world)
    if isinstance(drawn, NotDecided) or objections(after, situation, world):
        return _refused(situation, by, UndoCode.NO_WAY_BACK)
    return AdaptationUndone(
        order=order.id,
        before=plan.id,
        plan=after,
        comparison=compare(plan, after, order),
        by=by,
        recipe=drawn.recipe,
        changes=drawn.changes,
        properties=drawn.properties,
        markings=drawn.markings,
    )


def _refused(situation: Situation, by: str, code: UndoCode) -> UndoRefused:
    order, plan = situation.order.id, situation.plan.id
    reason = Explanation(code=code, subject=order, details={"plan": plan})
    return UndoRefused(order=order, plan=plan, by=by, reasons=(reason,))


def _irreversible(situation: Situation, former: Plan) -> Iterator[Explanation]:
    """Yield what has happened since that the former plan has no place for."""
    planned = {step.operation: step for step in former.steps}
    begun = {**situation.running, **situation.done}
    for key in sorted(situation.at_work):
        was = planned.get(key)
        if was is None or was.work_unit != begun[key].work_unit:
            details = {"work_unit": str(begun[key].work_unit)}
            yield Explanation(code=UndoCode.BEGUN_ELSEWHERE, subject=key, details=details)
    ways = {(each.made_by, each.taken_by, each.lane) for each in former.movements}
    for chain in situation.moved.values():
        for leg in chain:
            way = (leg.made_by, leg.taken_by, leg.lane)
            if leg.kind is MovementKind.SHIPPING and way not in ways:
                details = {"destination": leg.destination, "by": leg.by}
                yield Explanation(code=UndoCode.SHIPPED_AWAY, subject=leg.made_by, details=details)
