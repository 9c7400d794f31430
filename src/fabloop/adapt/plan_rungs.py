"""What each rung of a policy can do about a plan in danger, and why the lower ones cannot."""

from collections.abc import Sequence

import msgspec

from fabloop.adapt.ladder import Offer
from fabloop.adapt.policy import Rung
from fabloop.adapt.propose import Situation
from fabloop.adapt.severity import Stake, Weighed, weighed
from fabloop.adapt.world import World
from fabloop.model.explanation import DangerCode, Explanation, ReasonCode, RungCode
from fabloop.model.facts import AdaptationImpossible, AdaptationProposed
from fabloop.services.registry import Binding, Registry, bind

STANDS_STILL = frozenset({DangerCode.UNIT_BROKEN, DangerCode.TOOL_BROKEN})
"""What makes a deviation critical: nothing can be done where it was planned."""

Why = tuple[Explanation, ...]


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What a rung has found: an offer with its reason, or why there is none."""

    why: Why
    offer: Offer | None = None


def weighed_of(reasons: Sequence[Explanation]) -> Weighed:
    """Return how bad a danger is: lateness is minor, a work unit that is not fit is more."""
    stands = dict.fromkeys(each.subject for each in reasons if each.code in STANDS_STILL)
    hit = (each for each in reasons if each.code == ReasonCode.STEP_ENDANGERED)
    unfit = dict.fromkeys(each.subject for each in hit)
    return weighed(Stake(stands=", ".join(stands), unfit=", ".join(unfit)))


def tolerated(situation: Situation, reasons: Why) -> Looked:
    """Offer to go on as planned where nothing is wrong but the time of delivery."""
    against = tuple(each for each in reasons if each.code != DangerCode.DUE_MISSED)
    plan = situation.plan
    if against:
        code = RungCode.NOT_TOLERABLE
        return Looked(why=(Explanation(code=code, subject=plan.id), *against))
    late_ns = max(0, max(each.end for each in plan.steps) - situation.order.due_at)
    why = Explanation(code=RungCode.LATE_ONLY, subject=plan.id, details={"late_ns": str(late_ns)})
    return Looked(why=(why,), offer=Offer(id=plan.id, rung=Rung.TOLERATE, delay_ns=late_ns))


def retried(situation: Situation) -> Looked:
    """Say that what is measured or reported does not change by doing a job again."""
    code = RungCode.NOTHING_TO_RETRY
    return Looked(why=(Explanation(code=code, subject=situation.plan.id),))


def rebound(
    situation: Situation,
    reasons: Why,
    registry: Registry,
    world: World,
    answer: AdaptationProposed | AdaptationImpossible,
) -> Looked:
    """Offer other work units of the same kind and area, where nothing else has to change."""
    plan, product = situation.plan, situation.order.product
    hit = {each.subject for each in reasons}
    endangered = [each for each in plan.steps if hit & {each.operation, each.work_unit}]
    none = Explanation(code=RungCode.NO_OTHER_UNIT, subject=plan.id)
    against: list[Explanation] = []
    for step in endangered:
        requirement = product.operation(step.operation).requirement
        bound = bind(registry, requirement, step.work_unit, world.kpis, world.now)
        if not isinstance(bound, Binding):
            against += bound
    if against or not endangered or isinstance(answer, AdaptationImpossible):
        return Looked(why=(none, *against))
    moved = answer.comparison
    alone = {each.operation for each in moved.moved} <= {each.operation for each in endangered}
    if not alone or moved.shipments_added or moved.shipments_dropped:
        return Looked(why=(none,))
    return _offered(RungCode.REBOUND, Rung.REBIND, answer)


def replanned(answer: AdaptationProposed | AdaptationImpossible) -> Looked:
    """Offer the other plan, or say that there is none."""
    if isinstance(answer, AdaptationImpossible):
        return Looked(why=(Explanation(code=RungCode.NO_OTHER_PLAN, subject=answer.plan),))
    return _offered(RungCode.REPLANNED, Rung.REPLAN, answer)


def _offered(code: RungCode, rung: Rung, answer: AdaptationProposed) -> Looked:
    compared = answer.comparison
    delay_ns = max(0, compared.finish_after - compared.finish_before)
    details = {
        "cost_minor": str(compared.cost_minor),
        "currency": compared.currency,
        "delay_ns": str(delay_ns),
    }
    why = Explanation(code=code, subject=answer.plan.id, details=details)
    offer = Offer(
        id=answer.plan.id, rung=rung, cost_minor=compared.cost_minor, delay_ns=delay_ns,
        reasons=(why,),
    )  # fmt: skip
    return Looked(why=(why,), offer=offer)
