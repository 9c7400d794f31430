"""The loop of the product on one screen: which fact leads to which, step by step.

A step is a pure function from one fact and a snapshot to the facts that follow. The return
annotations are the architecture: the picture in the docs is drawn from `STEPS`. What the process
engine does between the steps (start, complete, migrate) is in `fabloop.app.conductor`.
"""

from collections.abc import Callable
from typing import Any

from fabloop.adapt.foresee import risks_ahead, stop_advised
from fabloop.adapt.propose import holds, is_overtaken, objections, propose
from fabloop.adapt.undo import undo
from fabloop.adapt.weigh import limits_on, weigh
from fabloop.adapt.world import means_of
from fabloop.app.goal_watch import weigh_goals
from fabloop.app.permissions import change_against
from fabloop.app.plan_ladder import climbed
from fabloop.app.snapshot import Snapshot, Stage
from fabloop.model.disturbance import KpiMoved, RushOrder, UnitBroken, UnitClosed
from fabloop.model.explanation import Explanation, UndoCode
from fabloop.model.facts import (
    AdaptationApproved,
    AdaptationImpossible,
    AdaptationProposed,
    AdaptationUndone,
    AdaptationWithheld,
    DisturbanceEnded,
    DisturbanceReported,
    Fact,
    JobAnswered,
    JobBound,
    JobFailed,
    JobKeptWaiting,
    JobOffered,
    JobWithdrawn,
    KpiChanged,
    LotMade,
    MaintenanceAdvised,
    MaintenancePlanned,
    MaintenanceReported,
    OrderReceived,
    OrderRefused,
    PermissiveChanged,
    PersonAsked,
    PlanAccepted,
    PlanEndangered,
    PlanRestored,
    PlanRevalidated,
    PlansFound,
    ProcessMigrated,
    ProcessReleased,
    ReleaseRefused,
    RiskForeseen,
    RungTried,
    TestMeasured,
    UndoAsked,
    UndoRefused,
    WorkUnitBroke,
    WorkUnitRepaired,
)
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import Plan, Producible
from fabloop.model.revalidation import Revalidation, Verdict
from fabloop.plan.engagements import engagements
from fabloop.plan.producible import check
from fabloop.plan.revalidate import revalidate
from fabloop.run.dispatch import Nobody, dispatch
from fabloop.run.recipe import recipe_of
from fabloop.run.release import compose_and_verify
from fabloop.sense.watch import worth_telling
from fabloop.trace.genealogy import record_of

PLANS_OFFERED_MAX = 4


def seek_plans(fact: OrderReceived, at: Snapshot) -> tuple[PlansFound | OrderRefused, ...]:
    """Plan: can it be made, where, when and at what cost, on the machines as they are now?"""
    world = at.world()
    means = means_of(world, fact.order.product, ahead=True)
    answer = check(
        fact.order,
        means.network,
        world.vocabulary,
        world.kpis,
        world.now,
        plans_max=PLANS_OFFERED_MAX,
        busy=means.besides(engagements(at.plans_before(fact.order), at.now)),
        unavailable=world.unavailable,
        not_before=means.not_before,
        plant=means.plant,
    )
    if isinstance(answer, Producible):
        return (PlansFound(order=fact.order.id, answer=answer),)
    return (OrderRefused(order=fact.order.id, answer=answer),)


def release(
    fact: PlanAccepted, at: Snapshot
) -> tuple[PlanRevalidated | ProcessReleased | ReleaseRefused | PlansFound | OrderRefused, ...]:
    """Plan to run: ask the plan again, say what changed, write the recipe, compose, verify.

    A plan that holds at other times only is carried out at these. One that has been overtaken
    since it was offered is not: plans are sought again.
    """
    order = at.orders[fact.order].order
    network, vocabulary = at.knowledge.network, at.knowledge.vocabulary
    found = _asked_again(order, fact.plan, at)
    told = (PlanRevalidated(order=order.id, found=found),) if _says_something(found) else ()
    if found.verdict not in (Verdict.VALID, Verdict.RETIMED):
        return (*told, *seek_plans(OrderReceived(order=order), at))
    plan = found.instead or fact.plan
    recipe = recipe_of(plan, order.product, network, priority=order.priority)
    checked = compose_and_verify(recipe, network, vocabulary, at.orders[fact.order].process_id)
    if not checked.released:
        refused = ReleaseRefused(order=order.id, plan=plan.id, properties=checked.properties)
        return (*told, refused)
    released = ProcessReleased(
        order=order.id,
        plan=plan.id,
        recipe=recipe,
        properties=checked.properties,
        markings=checked.markings,
    )
    return (*told, released)


def _asked_again(order: ProductionOrder, plan: Plan, at: Snapshot) -> Revalidation:
    world = at.world()
    means = means_of(world, order.product, ahead=True)
    return revalidate(
        order,
        plan,
        means.network,
        world.vocabulary,
        world.kpis,
        world.now,
        busy=means.besides(engagements(at.plans_before(order), at.now)),
        unavailable=world.unavailable,
        not_before=means.not_before,
        plant=means.plant,
    )


def _says_something(found: Revalidation) -> bool:
    return found.verdict is not Verdict.VALID or bool(found.changes) or found.better is not None


def give_job(
    fact: JobOffered, at: Snapshot
) -> tuple[JobBound | JobKeptWaiting | PlanEndangered, ...]:
    """Run: bind work to a machine, person or carrier at the moment it is reached.

    A machine that is no longer fit is refused whatever the plan says, and the plan with it. A job
    that was given or withdrawn since it was offered is left alone.
    """
    job, state = at.jobs[fact.job], at.orders[fact.order]
    if not job.is_waiting:
        return ()
    assert state.plan is not None, "jobs are offered for planned orders"
    order = state.order
    fact = at.as_planned_now(fact)
    found = dispatch(fact, order.product, state.plan, at.begun(order.id), at.floor(order.id))
    if not isinstance(found, Nobody):
        return (found,)
    kept = JobKeptWaiting(
        order=fact.order,
        job=fact.job,
        operation=fact.operation,
        reasons=found.reasons,
        look_again_at=found.look_again_at,
    )
    if found.only_time or state.stage is not Stage.RUNNING:
        return (kept,)
    return (
        kept,
        PlanEndangered(order=fact.order, plan=state.plan.id, reasons=found.reasons),
    )


def offer_again(
    fact: JobAnswered
    | JobFailed
    | JobWithdrawn
    | KpiChanged
    | ProcessMigrated
    | WorkUnitRepaired
    | DisturbanceEnded
    | PermissiveChanged
    | PlanRestored,
    at: Snapshot,
) -> tuple[JobOffered, ...]:
    """Run: somebody has become free or fit, so look again at what was kept waiting."""
    del fact
    return tuple(job.offered for job in at.waiting())


def record_lot(fact: JobAnswered, at: Snapshot) -> tuple[LotMade, ...]:
    """Trace: an operation is finished, so a lot has come to be; what was rejected is none."""
    job = at.jobs[fact.job]
    done = job.bound
    assert done is not None, "a job is answered after it was bound"
    if not done.main or fact.results.get("passed") is False:
        return ()
    state = at.orders[done.order]
    record = record_of(
        state.order,
        done,
        site=state.done[done.operation].site,
        ended_at=fact.at,
        supplier_lot=str(fact.results.get("supplier_lot", "")),
        condition=job.condition,
        lots=state.lots,
        process=f"{state.process} v{state.version}",
    )
    return (LotMade(record=record),)


def watch_kpi(fact: TestMeasured, at: Snapshot) -> tuple[KpiChanged, ...]:
    """Sense: does the measured value differ enough from the known one to be told?

    A rejected test puts the known value in doubt; one that may no longer be used stays unusable.
    """
    value = at.doubted(fact) if fact.value is None else fact.value
    if value is None:
        return ()
    known = at.kpis.get((value.work_unit, value.kpi))
    unit = at.knowledge.network.work_units()[value.work_unit]
    limits = limits_on(value, at.watch().carried(), unit, at.knowledge.vocabulary)
    if not worth_telling(value, known, limits):
        return ()
    return (KpiChanged(value=value, previous=known),)


def weigh_kpi(fact: KpiChanged, at: Snapshot) -> tuple[PlanEndangered, ...]:
    """Sense to adapt: does the change touch a plan that is being carried out?"""
    return weigh(KpiMoved(value=fact.value), at.watch(), at.world().outlook(), at.followed())


def weigh_breakdown(fact: WorkUnitBroke, at: Snapshot) -> tuple[PlanEndangered, ...]:
    """Sense to adapt: which plans that are being carried out still need what is broken?"""
    broken = UnitBroken(work_unit=fact.work_unit, since=fact.at)
    return weigh(broken, at.watch(), at.world().outlook(), at.followed())


def weigh_disturbance(fact: DisturbanceReported, at: Snapshot) -> tuple[PlanEndangered, ...]:
    """Sense to adapt: which plans that are being carried out does a report put in danger?"""
    outlook = at.world().outlook(besides=fact.disturbance)
    return weigh(fact.disturbance, at.watch(), outlook, at.followed())


def weigh_rush(fact: PlanAccepted, at: Snapshot) -> tuple[PlanEndangered, ...]:
    """Plan to adapt: which plans have to give way to one of an order that goes before them?"""
    plan, behind = at.orders[fact.order].plan, at.followed() & at.behind(fact.order)
    if plan is None:  # it was overtaken, and plans were sought again
        return ()
    return weigh(RushOrder(plan=plan), at.watch(), at.world().outlook(), behind)


def foresee(
    fact: TestMeasured | KpiChanged, at: Snapshot
) -> tuple[RiskForeseen | MaintenanceAdvised, ...]:
    """Sense to adapt: which steps begin after a trend passes their limit, and is a stop due?

    Nothing is planned anew for what may come: a person decides on a stop that restores the KPI.
    """
    value = fact.value
    if value is None:
        return ()
    values = at.series.get((value.work_unit, value.kpi), ())
    risks = risks_ahead(values, at.watch(), at.now, at.followed(), at.upkeep.foreseen)
    rules = [
        each
        for each in at.knowledge.maintenance
        if (each.work_unit, each.kpi) == (value.work_unit, value.kpi)
    ]
    upkeep = at.upkeep
    stops = (
        stop_advised(each, values, at.watch(), at.world(), upkeep.advised, upkeep.declined)
        for each in rules
    )
    return (*risks, *(each for each in stops if each is not None))


def keep_free(fact: MaintenancePlanned, at: Snapshot) -> tuple[DisturbanceReported, ...]:
    """Adapt: a stop that somebody wants is kept free, and plans give way to it."""
    proposal = at.upkeep.advised.get((fact.work_unit, fact.job))
    if proposal is None:
        return ()
    closed = UnitClosed(
        work_unit=fact.work_unit, since=proposal.start, until=proposal.end, job=fact.job
    )
    return (DisturbanceReported(disturbance=closed, at=at.now),)


def open_again(fact: MaintenanceReported, at: Snapshot) -> tuple[DisturbanceEnded, ...]:
    """Adapt: a work unit whose job is done is free again, however long it was kept."""
    done = fact.done
    return tuple(
        DisturbanceEnded(disturbance=each, at=at.now)
        for each in at.standing.values()
        if isinstance(each, UnitClosed) and (each.work_unit, each.job) == (done.work_unit, done.job)
    )


def look_again(
    fact: KpiChanged
    | WorkUnitBroke
    | WorkUnitRepaired
    | DisturbanceReported
    | DisturbanceEnded
    | PermissiveChanged,
    at: Snapshot,
) -> tuple[PlanRestored | AdaptationProposed | AdaptationImpossible, ...]:
    """Adapt: does a plan hold again that was given up, or is there another way now?

    A person who wanted no other plan is not asked again. A proposal that something has overtaken
    before it was answered is made anew; so is one that was withheld after it had been approved, as
    soon as it would not be withheld any more.
    """
    del fact
    world = at.world()
    found: list[PlanRestored | AdaptationProposed | AdaptationImpossible] = []
    for state in at.waiting_orders():
        assert state.plan is not None, "only a planned order waits for another plan"
        situation = at.situation(state.order.id)
        if holds(state.plan, situation, world):
            found.append(PlanRestored(order=state.order.id, plan=state.plan.id))
        elif isinstance(state.waits, AdaptationImpossible):
            answer = propose(situation, state.waits.reasons, world)
            if isinstance(answer, AdaptationProposed):
                found.append(answer)
        elif isinstance(state.waits, AdaptationWithheld) and state.proposal is not None:
            answer = propose(situation, state.proposal.reasons, world)
            free = isinstance(answer, AdaptationProposed) and not change_against(
                at, state.order.id, answer.plan
            )
            if free:
                found.append(answer)
    for proposal in at.proposals():
        situation = at.situation(proposal.order)
        against = objections(proposal.plan, situation, world)
        if against:
            reasons = [each for each in against if each not in proposal.reasons]
            found.append(propose(situation, (*proposal.reasons, *reasons), world))
    return tuple(found)


def keep_current(
    fact: JobBound, at: Snapshot
) -> tuple[AdaptationProposed | AdaptationImpossible, ...]:
    """Run to adapt: is a proposal made anew because work has begun that it places elsewhere?"""
    state = at.orders[fact.order]
    proposal = state.proposal if state.stage is Stage.CHANGING else None
    if proposal is None or not is_overtaken(proposal.plan, fact, at.leg(fact.job)):
        return ()
    return (propose(at.situation(fact.order), proposal.reasons, at.world()),)


def go_back(fact: UndoAsked, at: Snapshot) -> tuple[AdaptationUndone | UndoRefused, ...]:
    """Adapt: can the order go on as before the last adaptation, and is all of that permitted?"""
    state = at.orders[fact.order]
    if state.stage is not Stage.RUNNING or len(state.followed) < 2:  # a plan before and one after
        reason = Explanation(code=UndoCode.NOTHING_TO_UNDO, subject=fact.order)
        plan = None if state.plan is None else state.plan.id
        return (UndoRefused(order=fact.order, plan=plan, by=fact.by, reasons=(reason,)),)
    found = undo(at.situation(fact.order), state.followed[-2], fact.by, at.world())
    if isinstance(found, AdaptationUndone):
        against = change_against(at, fact.order, found.plan)
        if against:
            plan = found.before
            return (UndoRefused(order=fact.order, plan=plan, by=fact.by, reasons=against),)
    return (found,)


def seek_another_way(
    fact: PlanEndangered, at: Snapshot
) -> tuple[
    RungTried
    | PlanRestored
    | AdaptationProposed
    | AdaptationApproved
    | PersonAsked
    | AdaptationImpossible,
    ...,
]:
    """Adapt: climb the policy's ladder; without a policy re-plan what has not begun."""
    return climbed(fact, at)


STEPS: tuple[Callable[[Any, Snapshot], tuple[Fact, ...]], ...] = (
    seek_plans,
    release,
    give_job,
    offer_again,
    record_lot,
    watch_kpi,
    weigh_kpi,
    foresee,
    keep_free,
    open_again,
    weigh_breakdown,
    weigh_disturbance,
    weigh_rush,
    look_again,
    keep_current,
    go_back,
    weigh_goals,
    seek_another_way,
)
"""Every step of the loop, in the order in which steps hear a fact."""
