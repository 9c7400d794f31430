"""How far an order and a job have come, and how an order stands whose plan does not hold."""

from enum import StrEnum
from typing import assert_never

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.facts import (
    AdaptationApproved,
    AdaptationDeclined,
    AdaptationImpossible,
    AdaptationProposed,
    AdaptationUndone,
    AdaptationWithheld,
    IncidentRaised,
    JobBound,
    JobKeptWaiting,
    JobOffered,
    OrderFinished,
    OrderReceived,
    OrderRefused,
    PersonAsked,
    PlanAccepted,
    PlanEndangered,
    PlanRestored,
    PlanRevalidated,
    PlansFound,
    ProcessMigrated,
    ProcessReleased,
    ProcessStarted,
    ReleaseRefused,
    RungTried,
)
from fabloop.model.ids import LotId, OperationId, OrderId
from fabloop.model.kpi import KpiValue
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import Plan, PlannedStep, Producible
from fabloop.model.recipe import ProductionRecipe


class Stage(StrEnum):
    """How far an order has come."""

    RECEIVED = "received"
    CHOOSING = "choosing"
    RUNNING = "running"
    CHANGING = "changing"
    STUCK = "stuck"
    REFUSED = "refused"
    REJECTED = "rejected"
    FINISHED = "finished"


class OrderState(msgspec.Struct, kw_only=True):
    """One order and all that has been decided for it; `followed` are its plans, latest last.

    `waits` is why nothing is done for it although its plan does not hold: no other plan was found,
    or a person wanted none.
    """

    order: ProductionOrder
    stage: Stage = Stage.RECEIVED
    offered: Producible | None = None
    plan: Plan | None = None
    recipe: ProductionRecipe | None = None
    instance: int | None = None
    process: str = ""
    version: int = 0
    proposal: AdaptationProposed | None = None
    waits: AdaptationImpossible | AdaptationDeclined | AdaptationWithheld | None = None
    asked: PersonAsked | None = None
    followed: tuple[Plan, ...] = ()
    done: dict[OperationId, PlannedStep] = {}
    lots: dict[OperationId, LotId] = {}
    finished_at: Instant | None = None
    rejected: bool = False

    @property
    def process_id(self) -> str:
        """The id of the process that carries out this order; each order has its own."""
        return f"produce-{self.order.id}"


class JobState(msgspec.Struct, kw_only=True):
    """One job from offer to answer; `condition` is what was known of its work unit at the start.

    A job that `failed` rests until it is offered again.
    """

    offered: JobOffered
    bound: JobBound | None = None
    kept: JobKeptWaiting | None = None
    failed: bool = False
    withdrawn: bool = False
    condition: tuple[KpiValue, ...] = ()
    ended_at: Instant | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether the job is offered and nobody has begun it."""
        return self.bound is None and self.ended_at is None and not self.failed

    @property
    def is_running(self) -> bool:
        """Whether somebody is doing the job."""
        return self.bound is not None and self.ended_at is None


def note_done(state: OrderState, bound: JobBound, ended_at: Instant) -> None:
    """Note an operation as carried out, with the times and the work unit that really were."""
    assert state.plan is not None, "work is only done for a planned order"
    assert bound.work_unit is not None, "an operation is done on a work unit"
    planned = state.plan.step(bound.operation)
    state.done[bound.operation] = msgspec.structs.replace(
        planned,
        work_unit=bound.work_unit,
        start=bound.begun_at,
        end=ended_at,
        frozen=True,
    )


DangerFact = (
    PlanEndangered
    | PlanRestored
    | AdaptationProposed
    | AdaptationImpossible
    | AdaptationDeclined
    | AdaptationApproved
    | AdaptationUndone
    | AdaptationWithheld
    | IncidentRaised
)


def tell_danger(state: OrderState, fact: DangerFact) -> None:
    """Note how an order stands whose plan does not hold."""
    state.waits = state.asked = None
    match fact:
        case PlanEndangered() | IncidentRaised():
            state.stage = Stage.STUCK
        case PlanRestored():
            state.stage, state.proposal = Stage.RUNNING, None
        case AdaptationProposed():
            state.proposal, state.stage = fact, Stage.CHANGING
        case AdaptationImpossible() | AdaptationDeclined() | AdaptationWithheld():
            state.stage, state.waits = Stage.STUCK, fact
        case AdaptationApproved():
            assert state.proposal is not None, "only what was proposed can be approved"
        case AdaptationUndone():
            state.plan, state.recipe = fact.plan, fact.recipe
            state.followed = (*state.followed, state.plan)
        case _:
            assert_never(fact)


def adopt(state: OrderState, fact: ProcessMigrated) -> None:
    """Follow the plan that was proposed and approved, now that the process follows it."""
    if state.proposal is not None and state.proposal.plan.id == fact.plan:
        state.plan, state.recipe = state.proposal.plan, state.proposal.recipe
        state.followed = (*state.followed, state.plan)


OrderFact = (
    OrderReceived
    | RungTried
    | PersonAsked
    | OrderRefused
    | PlansFound
    | PlanAccepted
    | PlanRevalidated
    | ProcessReleased
    | ReleaseRefused
    | ProcessStarted
    | PlanEndangered
    | PlanRestored
    | AdaptationProposed
    | AdaptationImpossible
    | AdaptationApproved
    | AdaptationUndone
    | AdaptationDeclined
    | AdaptationWithheld
    | ProcessMigrated
    | IncidentRaised
    | OrderFinished
)


def tell_order(orders: dict[OrderId, OrderState], fact: OrderFact) -> None:
    """Note what becomes of an order."""
    match fact:
        case OrderReceived():
            orders[fact.order.id] = OrderState(order=fact.order)
            return
        case _:
            state = orders[fact.order]
    match fact:
        case RungTried():
            pass  # only known
        case PersonAsked():
            state.asked = fact
        case OrderRefused() | ReleaseRefused():
            state.stage = Stage.REFUSED
        case PlansFound():
            state.offered, state.plan, state.stage = fact.answer, None, Stage.CHOOSING
        case PlanAccepted():
            state.plan = fact.plan
        case PlanRevalidated():
            state.plan = fact.found.instead or state.plan
        case ProcessReleased():
            assert state.plan is not None, "only an accepted plan is released"
            state.recipe, state.followed = fact.recipe, (*state.followed, state.plan)
        case ProcessStarted():
            state.instance, state.process, state.version = fact.instance, fact.process, fact.version
            state.stage = Stage.RUNNING
        case (
            PlanEndangered()
            | PlanRestored()
            | AdaptationProposed()
            | AdaptationImpossible()
            | AdaptationDeclined()
            | AdaptationApproved()
            | AdaptationUndone()
            | AdaptationWithheld()
            | IncidentRaised()
        ):
            tell_danger(state, fact)
        case ProcessMigrated():
            adopt(state, fact)
            state.version, state.stage, state.proposal = fact.to_version, Stage.RUNNING, None
        case OrderFinished():
            state.stage = Stage.FINISHED if fact.passed else Stage.REJECTED
            state.finished_at = fact.at
        case _:
            assert_never(fact)
