"""Other plans for orders on their way: what changes, by how much, and why."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from fabloop.adapt.world import means_of
from fabloop.app.plans_at_risk import Case, Condition, Dangers, condition_of, urgency
from fabloop.app.underway import Underway
from fabloop.base.instant import SECOND, Instant
from fabloop.base.money import money_text
from fabloop.base.quantity import Dimension
from fabloop.model.disturbance import DueMoved, ShipmentLate, StepOverran
from fabloop.model.explanation import DangerCode, Evidence, Explanation
from fabloop.model.ids import OrderId
from fabloop.model.plan import NotDecided, Plan, PlanAnswer, PlanComparison, Producible
from fabloop.plan.engagements import draws, engagements
from fabloop.plan.running.because import Grounds, StepChange, step_changes
from fabloop.plan.running.impact import compare
from fabloop.plan.running.replan import replans
from fabloop.plan.running.watchlist import Watchlist
from fabloop.plan.statement.problem import Objective
from fabloop.plan.terms.objectives import lead_of

replace = msgspec.structs.replace


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """How plans are to be changed; `price_minor` is for each operation that moves."""

    objective: Objective | None = None
    price_minor: int | None = None
    changes_max: int | None = None


class Mended(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one order: another plan with what it changes and why, or why there is none.

    `fewest` is how many operations any plan has to move; `hurried` tells that the plan was made to
    be done soon, since the order would be late otherwise.
    """

    order: OrderId
    before: Plan | None
    reasons: tuple[Explanation, ...]
    answer: PlanAnswer
    comparison: PlanComparison | None = None
    changes: tuple[StepChange, ...] = ()
    fewest: int = 0
    hurried: bool = False

    @property
    def plan(self) -> Plan | None:
        """The plan to go on by."""
        return self.answer.plans[0] if isinstance(self.answer, Producible) else None


def mended(
    case: Case, dangers: Dangers, wanted: Wanted, chosen: frozenset[OrderId] = frozenset()
) -> Iterator[Mended]:
    """Yield what becomes of each plan in danger, and of those `chosen`: the most urgent one first.

    Each keeps clear of the plans that stay, of those that were changed before it, and of what the
    others may still do as they had planned.
    """
    condition = condition_of(case)
    reasons = {each.order: each.reasons for each in dangers.plans}
    changed: dict[OrderId, Plan] = {}
    for each in sorted(case.underway, key=lambda it: urgency(it.order)):
        key = each.order.id
        if key not in reasons and key not in chosen:
            continue
        others = [
            changed.get(it.order.id) or _left_of(it, reasons.get(it.order.id, ()), condition)
            for it in case.underway
            if it.order.id != key
        ]
        found = _mended(each, reasons.get(key, ()), (*dangers.rush, *others), condition, wanted)
        if found.plan is not None:
            changed[key] = found.plan
        yield found


def _left_of(each: Underway, reasons: Sequence[Explanation], condition: Condition) -> Plan:
    """Return the plan without what cannot stay as it was planned: that is in nobody's way."""
    gone = condition.lost(each) | {it.subject for it in reasons}
    begun = {**each.done, **each.running}
    steps = (begun.get(it.operation, it) for it in each.plan.steps)
    return replace(
        each.plan,
        steps=tuple(it for it in steps if it.operation not in gone),
        movements=tuple(it for it in each.plan.movements if it.taken_by not in gone),
    )


def _mended(
    each: Underway,
    reasons: tuple[Explanation, ...],
    others: Sequence[Plan],
    condition: Condition,
    wanted: Wanted,
) -> Mended:
    """Return another plan; one that is done sooner where the order would get late by this one."""
    first, last = _asked(each, others, condition, wanted)
    hurried = False
    if isinstance(last, Producible) and wanted.objective is None:
        due, after = each.order.due_at, last.plans[0]
        if _ready(after) > due and (_ready(each.plan) <= due or _is_hurry(reasons)):
            soon = replace(wanted, objective=Objective.MAKESPAN, price_minor=None)
            one, other = _asked(each, others, condition, soon)
            if isinstance(other, Producible) and _ready(other.plans[0]) < _ready(after):
                first, last, hurried = one, other, True
    found = Mended(
        order=each.order.id, before=each.plan, reasons=reasons, answer=last, hurried=hurried
    )
    if not isinstance(last, Producible) or not isinstance(first, Producible):
        return found
    plan = last.plans[0]
    comparison = compare(each.plan, plan, each.order)
    fewest = len(compare(each.plan, first.plans[0], each.order).moved)
    grounds = Grounds(
        product=each.order.product,
        reasons=reasons,
        fewest=fewest,
        gain=_gain(first.plans[0], plan),
        busy=engagements(others, condition.world.now),
    )
    changes = step_changes(each.plan, plan, grounds)
    return replace(found, comparison=comparison, changes=changes, fewest=fewest)


def _is_hurry(reasons: Sequence[Explanation]) -> bool:
    return any(each.code == DangerCode.DUE_MISSED for each in reasons)


def _ready(plan: Plan) -> Instant:
    return max(each.end for each in plan.steps)


def _gain(first: Plan, last: Plan) -> tuple[Evidence, ...]:
    """Return what a plan with more changes is better in than the one with the fewest."""
    lead, one, other = lead_of(last), first.totals, last.totals
    pairs: Mapping[Objective, tuple[float | str, float | str, Dimension | None]] = {
        Objective.COST: (
            money_text(other.cost_minor, other.currency),
            money_text(one.cost_minor, one.currency),
            None,
        ),
        Objective.MAKESPAN: (
            other.makespan_ns / SECOND,
            one.makespan_ns / SECOND,
            Dimension.TIME,
        ),
        Objective.ENERGY: (other.energy_j, one.energy_j, Dimension.ENERGY),
        Objective.CO2: (other.co2_kg, one.co2_kg, Dimension.MASS),
    }
    value, instead, dimension = pairs[lead]
    parameter = f"{lead} with the fewest moves"
    return (
        Evidence(subject=last.id, parameter=str(lead), value=value, dimension=dimension),
        Evidence(subject=first.id, parameter=parameter, value=instead, dimension=dimension),
    )


def _asked(
    each: Underway, others: Sequence[Plan], condition: Condition, wanted: Wanted
) -> tuple[PlanAnswer, PlanAnswer]:
    """Return the first and the last answer; what is ahead counts at once where it hits the plan."""
    found: list[PlanAnswer] = []
    for ahead in (False, True):
        found = _under(each, others, condition, wanted, ahead=ahead)
        last = found[-1]
        if not isinstance(last, Producible) or not _is_hit(each, last.plans[0], condition):
            return found[0], last
    return found[0], NotDecided(limit="what is told endangers every plan that was found")


def _is_hit(each: Underway, plan: Plan, condition: Condition) -> bool:
    """Tell whether something reported stands against the plan."""
    world = condition.world
    watch = Watchlist(world.network, world.vocabulary)
    watch.put(replace(each, plan=plan).carried(world.now))
    agreed = DueMoved | StepOverran | ShipmentLate
    told = (it for it in world.standing if not isinstance(it, agreed))
    return any(watch.endangered(it, world.outlook(it)) for it in told)


def _under(
    each: Underway,
    others: Sequence[Plan],
    condition: Condition,
    wanted: Wanted,
    *,
    ahead: bool,
) -> list[PlanAnswer]:
    world, lost = condition.world, condition.lost(each)
    means = means_of(world, each.order.product, ahead=ahead)
    found = replans(
        each.order,
        each.plan,
        each.done,
        {key: step for key, step in each.running.items() if key not in lost},
        means.network,
        world.vocabulary,
        world.kpis,
        world.now,
        objective=wanted.objective,
        change_price_minor=wanted.price_minor,
        busy=means.besides(engagements(others, world.now)),
        moved=each.moved,
        unavailable=world.unavailable | (condition.failing if ahead else frozenset()),
        not_before=means.not_before,
        plant=means.plant,
        changes_max=wanted.changes_max,
        drawn=draws(others),
    )
    return list(found)
