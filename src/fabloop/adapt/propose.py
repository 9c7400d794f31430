"""Which plans a changed KPI endangers, and another way to finish an order whose plan is."""

from collections import Counter
from collections.abc import Mapping

import msgspec

from fabloop.adapt.difference import changes_between
from fabloop.base.instant import Instant
from fabloop.model.explanation import Explanation
from fabloop.model.facts import AdaptationImpossible, AdaptationProposed
from fabloop.model.ids import KpiId, OperationId, WorkUnitId
from fabloop.model.knowledge import Knowledge
from fabloop.model.kpi import KpiValue
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import Movement, MovementKind, NotDecided, Plan, PlannedStep, Producible
from fabloop.model.recipe import ProductionRecipe
from fabloop.plan.engagements import engagements
from fabloop.plan.producible import compare, impact, replan
from fabloop.run.recipe import recipe_of
from fabloop.run.release import compose_and_verify, composed


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """An order on its way: what is done, what has begun, and by which process.

    `kitted` are those of the running ones to which parts were brought but where nobody works yet;
    `others` are the plans of other orders, whose work units are taken at those times; `moved` are
    the movements that have begun, by maker and taker.
    """

    order: ProductionOrder
    plan: Plan
    recipe: ProductionRecipe
    process: str
    done: Mapping[OperationId, PlannedStep]
    running: Mapping[OperationId, PlannedStep]
    kitted: frozenset[OperationId] = frozenset()
    others: tuple[Plan, ...] = ()
    moved: Mapping[tuple[OperationId, OperationId], tuple[Movement, ...]] = {}

    @property
    def at_work(self) -> frozenset[OperationId]:
        """The operations that are done or that somebody is doing: no condition touches them."""
        return frozenset((*self.done, *(self.running.keys() - self.kitted)))


def holds(
    plan: Plan,
    situation: Situation,
    knowledge: Knowledge,
    kpis: Mapping[tuple[WorkUnitId, KpiId], KpiValue],
    now: Instant,
    unavailable: frozenset[WorkUnitId],
) -> bool:
    """Tell whether every step at which nobody works yet may still be done where it is planned."""
    left = [each for each in plan.steps if each.operation not in situation.at_work]
    return not any(each.work_unit in unavailable for each in left) and not impact(
        plan,
        situation.order.product,
        knowledge.network,
        knowledge.vocabulary,
        kpis,
        now,
        begun=situation.at_work,
    )


def _is_shipped_on(situation: Situation, after: Plan, now: Instant) -> bool:
    """Tell whether a part whose shipment is over would need further legs of the same shipment.

    The process has left that shipment; entered again it would ask for all its legs again.
    """
    legs = Counter((each.made_by, each.taken_by) for each in after.movements)
    return any(
        way[1] not in situation.at_work
        and any(each.kind is MovementKind.SHIPPING for each in chain)
        and chain[-1].end <= now
        and legs[way] > len(chain)
        for way, chain in situation.moved.items()
        if len(chain) == sum((m.made_by, m.taken_by) == way for m in situation.plan.movements)
    )


def propose(
    situation: Situation,
    reasons: tuple[Explanation, ...],
    knowledge: Knowledge,
    kpis: Mapping[tuple[WorkUnitId, KpiId], KpiValue],
    now: Instant,
    unavailable: frozenset[WorkUnitId] = frozenset(),
) -> AdaptationProposed | AdaptationImpossible:
    """Re-plan what has not begun, and say what would change in plan and process.

    A new process that does not verify is as little a way out as no plan at all.
    """
    order, before = situation.order, situation.plan
    answer = replan(
        order,
        before,
        done=situation.done,
        running=situation.running,
        network=knowledge.network,
        vocabulary=knowledge.vocabulary,
        kpis=kpis,
        now=now,
        busy=engagements(situation.others, now),
        moved=situation.moved,
        unavailable=unavailable,
    )
    if not isinstance(answer, Producible):
        return AdaptationImpossible(order=order.id, plan=before.id, reasons=reasons, answer=answer)
    after = answer.plans[0]
    if not holds(after, situation, knowledge, kpis, now, unavailable):
        limit = NotDecided(limit="parts that were brought together for a step stay where they are")
        return AdaptationImpossible(order=order.id, plan=before.id, reasons=reasons, answer=limit)
    if _is_shipped_on(situation, after, now):
        limit = NotDecided(limit="a part that was shipped to where it waits is not shipped on")
        return AdaptationImpossible(order=order.id, plan=before.id, reasons=reasons, answer=limit)
    recipe = recipe_of(after, order.product, knowledge.network, priority=order.priority)
    network, vocabulary = knowledge.network, knowledge.vocabulary
    was = composed(situation.recipe, network, vocabulary, situation.process)
    becomes = compose_and_verify(recipe, network, vocabulary, situation.process)
    if not becomes.released:
        unsure = ", ".join(each.name for each in becomes.properties if each.verdict != "holds")
        limit = NotDecided(limit=f"the changed process was not proven to be sound: {unsure}")
        return AdaptationImpossible(order=order.id, plan=before.id, reasons=reasons, answer=limit)
    return AdaptationProposed(
        order=order.id,
        before=before.id,
        plan=after,
        comparison=compare(before, after, order),
        reasons=reasons,
        recipe=recipe,
        changes=changes_between(was.process, becomes.composition.process, situation.recipe, recipe),
        properties=becomes.properties,
        markings=becomes.markings,
    )
