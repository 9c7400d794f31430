"""Another way to finish an order whose plan is in danger."""

from collections import Counter
from collections.abc import Mapping

import msgspec

from fabloop.adapt.difference import changes_between
from fabloop.adapt.world import World, means_of
from fabloop.base.instant import Instant
from fabloop.model.disturbance import DueMoved, UnitBroken
from fabloop.model.explanation import DangerCode, Explanation
from fabloop.model.facts import (
    AdaptationImpossible,
    AdaptationProposed,
    JobBound,
    ProcessChanges,
    PropertyChecked,
)
from fabloop.model.ids import OperationId
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import (
    Movement,
    MovementKind,
    NotDecided,
    Plan,
    PlanAnswer,
    PlannedStep,
    Producible,
)
from fabloop.model.recipe import ProductionRecipe
from fabloop.plan.engagements import engagements
from fabloop.plan.producible import Objective, compare, impact, replan
from fabloop.plan.running.dangers import Carried, LegKey, dangers
from fabloop.run.recipe import recipe_of
from fabloop.run.release import compose_and_verify, composed

KITTED = "parts that were brought together for a step stay where they are"
OVERTAKEN = "what is reported endangers every plan that was found"


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

    def carried(self, plan: Plan) -> Carried:
        """Return how far a plan for this order has come, as dangers are judged by it."""
        return Carried(
            plan=plan,
            product=self.order.product,
            running=frozenset(self.running.keys() - self.kitted),
            done=frozenset(self.done),
            left=frozenset(
                (each.made_by, each.taken_by, each.leg)
                for chain in self.moved.values()
                for each in chain
            ),
        )


def holds(plan: Plan, situation: Situation, world: World) -> bool:
    """Tell whether everything at which nobody works yet may still be done as it is planned."""
    return not objections(plan, situation, world)


def objections(plan: Plan, situation: Situation, world: World) -> tuple[Explanation, ...]:
    """Return why the plan cannot be carried out as it stands; none means that it can."""
    carried, outlook = situation.carried(plan), world.outlook()
    to_come = msgspec.structs.replace(
        carried,
        running=frozenset[OperationId](),
        done=situation.at_work,
        arrived=carried.left,
    )
    broken = (UnitBroken(work_unit=each, since=Instant(0)) for each in sorted(world.unavailable))
    found = [reason for each in broken for reason in dangers(each, to_come, outlook)]
    for each in world.standing:
        if not isinstance(each, DueMoved):
            found += dangers(each, carried, world.outlook(each))
    return (
        *found,
        *impact(
            plan,
            situation.order.product,
            world.network,
            world.vocabulary,
            world.kpis,
            world.now,
            begun=situation.at_work,
        ),
    )


def is_overtaken(plan: Plan, begun: JobBound, leg: LegKey | None) -> bool:
    """Tell whether work has begun otherwise than the plan has it."""
    if begun.main:
        return plan.step(begun.operation).work_unit != begun.work_unit
    if leg is None:
        return False
    return not any((each.made_by, each.taken_by, each.leg) == leg for each in plan.movements)


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


def is_impassable(situation: Situation, after: Plan, world: World) -> bool:
    """Tell whether the running process cannot get from where it is to the plan."""
    return _is_shipped_on(situation, after, world.now) or _is_called_back(situation, after)


def _is_called_back(situation: Situation, after: Plan) -> bool:
    """Tell whether a part that was brought to be shipped would not be shipped any more.

    The process waits in that shipment, and has no way from there to the step that takes the part.
    """
    planned = situation.plan.movements
    shipped = {(m.made_by, m.taken_by) for m in planned if m.kind is MovementKind.SHIPPING}
    still = {(m.made_by, m.taken_by) for m in after.movements if m.kind is MovementKind.SHIPPING}
    return any(
        way in shipped and way not in still and way[1] not in situation.at_work
        for way in situation.moved
    )


def propose(
    situation: Situation, reasons: tuple[Explanation, ...], world: World
) -> AdaptationProposed | AdaptationImpossible:
    """Re-plan what has not begun, and say what would change in plan and process.

    A new process that does not verify is as little a way out as no plan at all.
    """
    order, before = situation.order, situation.plan
    answer = _answer(situation, reasons, world)
    if not isinstance(answer, Producible):
        return AdaptationImpossible(order=order.id, plan=before.id, reasons=reasons, answer=answer)
    drawn = drawn_up(situation, answer.plans[0], world)
    if isinstance(drawn, NotDecided):
        return AdaptationImpossible(order=order.id, plan=before.id, reasons=reasons, answer=drawn)
    return AdaptationProposed(
        order=order.id,
        before=before.id,
        plan=answer.plans[0],
        comparison=compare(before, answer.plans[0], order),
        reasons=reasons,
        recipe=drawn.recipe,
        changes=drawn.changes,
        properties=drawn.properties,
        markings=drawn.markings,
    )


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """How a plan is carried out by the running process, and what that changes."""

    recipe: ProductionRecipe
    changes: ProcessChanges
    properties: tuple[PropertyChecked, ...]
    markings: int


def drawn_up(situation: Situation, after: Plan, world: World) -> Drawn | NotDecided:
    """Return recipe and process for a plan that takes the place of the one that is followed."""
    order, network, vocabulary = situation.order, world.network, world.vocabulary
    recipe = recipe_of(after, order.product, network, priority=order.priority)
    was = composed(situation.recipe, network, vocabulary, situation.process)
    becomes = compose_and_verify(recipe, network, vocabulary, situation.process)
    if not becomes.released:
        unsure = ", ".join(each.name for each in becomes.properties if each.verdict != "holds")
        return NotDecided(limit=f"the changed process was not proven to be sound: {unsure}")
    return Drawn(
        recipe=recipe,
        changes=changes_between(was.process, becomes.composition.process, situation.recipe, recipe),
        properties=becomes.properties,
        markings=becomes.markings,
    )


def _answer(situation: Situation, reasons: tuple[Explanation, ...], world: World) -> PlanAnswer:
    """Return a plan that can be carried out, or what stands against one."""
    hurry = any(each.code == DangerCode.DUE_MISSED for each in reasons)
    answer = replanned(situation, world, Objective.MAKESPAN if hurry else None)
    if not isinstance(answer, Producible):
        return answer
    after, due = answer.plans[0], situation.order.due_at
    if not hurry and _ready(situation.plan) <= due < _ready(after):
        sooner = replanned(situation, world, Objective.MAKESPAN)
        if isinstance(sooner, Producible) and _ready(sooner.plans[0]) < _ready(after):
            answer, after = sooner, sooner.plans[0]
    if hurry and _ready(after) >= _ready(situation.plan):
        return NotDecided(limit="no plan was found that is done sooner")
    if against := objections(after, situation, world):
        return NotDecided(limit=KITTED if _is_kitted(against, situation) else OVERTAKEN)
    if _is_shipped_on(situation, after, world.now):
        return NotDecided(limit="a part that was shipped to where it waits is not shipped on")
    if _is_called_back(situation, after):
        return NotDecided(limit="a part that waits to be shipped is not called back")
    return answer


def _is_kitted(against: tuple[Explanation, ...], situation: Situation) -> bool:
    return any(each.subject in situation.kitted for each in against)


def _ready(plan: Plan) -> Instant:
    return max(each.end for each in plan.steps)


def replanned(situation: Situation, world: World, wish: Objective | None = None) -> PlanAnswer:
    """Return a plan under what is in force; if what is ahead hits that one, under it as well."""
    answer = _under(situation, world, wish, ahead=False)
    if isinstance(answer, Producible) and objections(answer.plans[0], situation, world):
        return _under(situation, world, wish, ahead=True)
    return answer


def _under(
    situation: Situation, world: World, wish: Objective | None, *, ahead: bool
) -> PlanAnswer:
    means = means_of(world, situation.order.product, ahead=ahead)
    return replan(
        situation.order,
        situation.plan,
        done=situation.done,
        running=situation.running,
        network=means.network,
        vocabulary=world.vocabulary,
        kpis=world.kpis,
        now=world.now,
        objective=wish,
        busy=means.besides(engagements(situation.others, world.now)),
        moved=situation.moved,
        unavailable=world.unavailable,
        not_before=means.not_before,
        plant=means.plant,
    )
