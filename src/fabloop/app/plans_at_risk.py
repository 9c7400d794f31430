"""Orders that are carried out by plans in files: which of them are in danger now, or will be."""

from collections.abc import Iterator, Sequence

import msgspec

from fabloop.adapt.world import GONE_NS, World, means_of
from fabloop.app.happened import Happened
from fabloop.app.underway import Underway
from fabloop.base.instant import Instant
from fabloop.model.disturbance import (
    Disturbance,
    DueMoved,
    KpiExpired,
    KpiMoved,
    Reported,
    RushOrder,
    ShipmentLate,
    StepOverran,
    UnitBroken,
    UnitClosed,
    UnitRepaired,
)
from fabloop.model.explanation import Explanation
from fabloop.model.ids import OrderId, WorkUnitId
from fabloop.model.knowledge import Knowledge
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import Plan, PlanAnswer, Producible
from fabloop.plan.engagements import draws, engagements
from fabloop.plan.producible import check
from fabloop.plan.running.forecast import StepAtRisk, forecast_risk
from fabloop.plan.running.impact import impact
from fabloop.plan.running.watchlist import Watchlist
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.problem import Objective

replace = msgspec.structs.replace


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Orders on their way, and what is known at an instant."""

    knowledge: Knowledge
    underway: tuple[Underway, ...]
    happened: Happened
    now: Instant


class AtRisk(msgspec.Struct, frozen=True, kw_only=True):
    """A plan in danger, and every reason."""

    order: OrderId
    plan: Plan
    reasons: tuple[Explanation, ...]


class Dangers(msgspec.Struct, frozen=True, kw_only=True):
    """Which plans are in danger now, and which steps will be if KPIs go on as they do.

    `rush` are the plans of orders that go before all others.
    """

    plans: tuple[AtRisk, ...]
    ahead: tuple[StepAtRisk, ...] = ()
    rush: tuple[Plan, ...] = ()


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """Sites after what has happened.

    Attributes
    ----------
    stopped : work units that are broken now: what they were doing is lost
    failing : work units that break later, and nobody knows until when
    """

    world: World
    stopped: frozenset[WorkUnitId]
    failing: frozenset[WorkUnitId]

    def lost(self, each: Underway) -> frozenset[str]:
        """Return the running steps of an order that have to be done again."""
        return frozenset(k for k, step in each.running.items() if step.work_unit in self.stopped)


def condition_of(case: Case) -> Condition:
    """Return sites and their condition after what has happened.

    A work unit that is broken for nobody knows how long is left out; one that comes back, or breaks
    later, is taken meanwhile.
    """
    kpis = {(each.work_unit, each.kpi): each for each in case.knowledge.kpis}
    standing: list[Reported] = []
    broken: list[UnitBroken] = []
    for told in case.happened.disturbances():
        match told:
            case KpiMoved():
                kpis[told.value.work_unit, told.value.kpi] = told.value
            case KpiExpired():
                kpis.pop((told.work_unit, told.kpi), None)
            case UnitBroken():
                broken.append(told)
            case UnitRepaired() | RushOrder():
                pass
            case _:
                standing.append(told)
    network, words, now = case.knowledge.network, case.knowledge.vocabulary, case.now
    out = {each.work_unit for each in broken if each.until is None and each.since <= now}
    standing += [_closed(each) for each in broken if each.work_unit not in out]
    world = World(
        network=network,
        vocabulary=words,
        kpis=kpis,
        now=now,
        unavailable=frozenset(out),
        standing=tuple(standing),
        plant=Plant(network, words, kpis),
    )
    stopped = (it for it in broken if it.since <= now and (it.until is None or now < it.until))
    failing = (it for it in broken if it.since > now and it.until is None)
    return Condition(
        world=world,
        stopped=frozenset(each.work_unit for each in stopped),
        failing=frozenset(each.work_unit for each in failing),
    )


def _closed(told: UnitBroken) -> UnitClosed:
    until = told.until or Instant(told.since + GONE_NS)
    return UnitClosed(work_unit=told.work_unit, since=told.since, until=until, job="repair")


def as_told(case: Case) -> Case:
    """Return the case with late steps and shipments, and due instants, as they were reported."""
    told = case.happened.told
    return replace(case, underway=tuple(_as_told(each, told) for each in case.underway))


def _as_told(found: Underway, told: Sequence[Disturbance]) -> Underway:
    order, running, moved = found.order, dict(found.running), dict(found.moved)
    for each in told:
        if isinstance(each, DueMoved) and each.order == order.id:
            order = replace(order, due_at=each.due_at)
        elif isinstance(each, StepOverran) and each.order == order.id:
            running[each.operation] = replace(running[each.operation], end=each.ends_at)
        elif isinstance(each, ShipmentLate) and each.order == order.id:
            way = each.made_by, each.taken_by
            moved[way] = tuple(
                replace(leg, end=each.arrives_at) if leg.leg == each.leg else leg
                for leg in moved.get(way, ())
            )
    return replace(found, order=order, running=running, moved=moved)


def dangers_of(case: Case, rush: Sequence[Plan] = ()) -> Dangers:
    """Return which plans what has happened endangers, and which steps trends will.

    A step that runs longer than planned counts as reported.
    """
    world, watch = condition_of(case).world, _watched(case)
    found: dict[OrderId, list[Explanation]] = {}
    rivals = (RushOrder(plan=each) for each in rush)
    for told in (*case.happened.disturbances(), *rivals, *_overruns(case)):
        for risk in watch.endangered(told, world.outlook(_reported(told))):
            found.setdefault(risk.order, []).extend(risk.reasons)
    for each in case.underway:
        if unfit := _unfit(each, world):
            found.setdefault(each.order.id, []).extend(unfit)
    plans = {each.order.id: each.plan for each in case.underway}
    at_risk = (
        AtRisk(order=key, plan=plan, reasons=_once(found[key]))
        for key, plan in plans.items()
        if key in found
    )
    ahead = forecast_risk(case.happened.trends(), watch, case.now)
    return Dangers(plans=tuple(at_risk), ahead=ahead, rush=tuple(rush))


def _overruns(case: Case) -> Iterator[StepOverran]:
    for each in case.underway:
        planned = {step.operation: step.end for step in each.plan.steps}
        for key, step in each.running.items():
            ends_at = max(step.end, case.now)
            if ends_at > planned[key]:
                yield StepOverran(
                    order=each.order.id,
                    operation=key,
                    work_unit=step.work_unit,
                    planned_end=planned[key],
                    ends_at=ends_at,
                )


def _watched(case: Case) -> Watchlist:
    watch = Watchlist(case.knowledge.network, case.knowledge.vocabulary)
    for each in case.underway:
        watch.put(each.carried(case.now))
    return watch


def _reported(told: Disturbance) -> Reported | None:
    others = KpiMoved | KpiExpired | UnitBroken | UnitRepaired | RushOrder
    return None if isinstance(told, others) else told


def _unfit(each: Underway, world: World) -> tuple[Explanation, ...]:
    """Return the steps that may not begin any more where they are planned, for whatever reason."""
    return impact(
        each.plan,
        each.order.product,
        world.network,
        world.vocabulary,
        world.kpis,
        world.now,
        begun=frozenset((*each.done, *each.running)),
    )


def _once(reasons: Sequence[Explanation]) -> tuple[Explanation, ...]:
    """Return each danger once: what a KPI does to a step may have been found in two ways."""
    found: dict[tuple[str, str, str], Explanation] = {}
    for each in reasons:
        key = each.code, each.subject, each.details.get("work_unit", "")
        found.setdefault(key, each)
    return tuple(found.values())


def rush_plans(case: Case) -> dict[OrderId, PlanAnswer]:
    """Return plans for the orders that go before all others: only what has begun is in their way.

    They are made to be done soon, the most urgent one first.
    """
    condition, answers = condition_of(case), dict[OrderId, PlanAnswer]()
    world = condition.world
    taken = [_begun(each, condition) for each in case.underway]
    for order in sorted(case.happened.rush, key=urgency):
        means = means_of(world, order.product, ahead=True)
        answer = check(
            order,
            means.network,
            world.vocabulary,
            world.kpis,
            case.now,
            plans_max=1,
            objective=Objective.MAKESPAN,
            busy=means.besides(engagements(taken, case.now)),
            unavailable=world.unavailable,
            not_before=means.not_before,
            claimed={key: sum(n for _, n in each) for key, each in draws(taken).items()},
        )
        answers[order.id] = answer
        if isinstance(answer, Producible):
            taken.append(answer.plans[0])
    return answers


def _begun(each: Underway, condition: Condition) -> Plan:
    """Return the plan with nothing but what has begun, as it goes on."""
    gone = condition.lost(each)
    begun = {**each.done, **each.running}
    moves = tuple(leg for chain in each.moved.values() for leg in chain)
    steps = tuple(step for key, step in begun.items() if key not in gone)
    return replace(each.plan, steps=steps, movements=moves)


def urgency(order: ProductionOrder) -> tuple[int, Instant, OrderId]:
    """Return by what orders go one after another: their priority, then when they are due."""
    return -order.priority, order.due_at, order.id
