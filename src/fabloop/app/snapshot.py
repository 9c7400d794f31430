"""What the loop knows at a moment: orders, jobs, KPI values, lots; folded from facts alone."""

from enum import StrEnum
from typing import assert_never

import msgspec

from fabloop.adapt.propose import Situation
from fabloop.app.whereabouts import Leg, begun_legs
from fabloop.base.instant import Instant
from fabloop.model.facts import (
    AdaptationApproved,
    AdaptationDeclined,
    AdaptationImpossible,
    AdaptationProposed,
    Fact,
    IncidentRaised,
    JobAnswered,
    JobBound,
    JobFailed,
    JobKeptWaiting,
    JobOffered,
    JobWithdrawn,
    KnowledgeRead,
    KpiChanged,
    LotMade,
    OrderFinished,
    OrderReceived,
    OrderRefused,
    PlanAccepted,
    PlanEndangered,
    PlanRestored,
    PlansFound,
    ProcessMigrated,
    ProcessReleased,
    ProcessStarted,
    ReleaseRefused,
    TestMeasured,
    WorkUnitBroke,
    WorkUnitRepaired,
)
from fabloop.model.ids import KpiId, LotId, OperationId, OrderId, PersonId, SkillId, WorkUnitId
from fabloop.model.knowledge import Knowledge
from fabloop.model.kpi import KpiValue
from fabloop.model.lot import LotRecord
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import Plan, PlannedStep, Producible
from fabloop.model.recipe import ProductionRecipe
from fabloop.model.site import Network
from fabloop.run.dispatch import Floor
from fabloop.services.registry import Registry, Reservation


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
    waits: AdaptationImpossible | AdaptationDeclined | None = None
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


class Snapshot(msgspec.Struct, kw_only=True):
    """The state of the loop; `tell` is the only thing that changes it, live and on replay."""

    knowledge: Knowledge
    now: Instant = Instant(0)
    digest: str = ""
    seed: int = 0
    orders: dict[OrderId, OrderState] = {}
    kpis: dict[tuple[WorkUnitId, KpiId], KpiValue] = {}
    jobs: dict[int, JobState] = {}
    load: dict[PersonId, int] = {}
    tests: dict[WorkUnitId, tuple[Instant, ...]] = {}
    records: list[LotRecord] = []
    broken: dict[WorkUnitId, WorkUnitBroke] = {}

    def waiting(self) -> tuple[JobState, ...]:
        """Return the jobs that nobody has begun."""
        return tuple(job for job in self.jobs.values() if job.is_waiting)

    def running(self) -> tuple[JobBound, ...]:
        """Return the jobs that somebody is doing."""
        return tuple(
            job.bound for job in self.jobs.values() if job.is_running and job.bound is not None
        )

    def begun(self, order: OrderId) -> frozenset[OperationId]:
        """Return the operations of an order that are done or being done."""
        running = (each.operation for each in self.running() if each.order == order and each.main)
        return frozenset((*self.orders[order].done, *running))

    def registry(self) -> Registry:
        """Return the service registry with the reservations that stand."""
        held = tuple(
            Reservation(work_unit=bound.work_unit, job=bound.job, since=bound.begun_at)
            for bound in self.running()
            if bound.work_unit is not None
        )
        return Registry(
            network=self.knowledge.network,
            vocabulary=self.knowledge.vocabulary,
            reservations=held,
            unavailable=self.unavailable(),
        )

    def unavailable(self) -> frozenset[WorkUnitId]:
        """Return the work units that cannot work now."""
        return frozenset(self.broken)

    def working(self) -> Network:
        """Return the network in which a broken work unit offers nothing."""
        network = self.knowledge.network
        if not self.broken:
            return network
        sites = {
            site.id: msgspec.structs.replace(
                site,
                work_units=tuple(
                    msgspec.structs.replace(unit, offers=()) if unit.id in self.broken else unit
                    for unit in site.work_units
                ),
            )
            for site in network.sites.values()
        }
        return msgspec.structs.replace(network, sites=sites)

    def waiting_orders(self) -> tuple[OrderState, ...]:
        """Return the orders whose plan does not hold and for which no other was taken."""
        stuck = (each for each in self.orders.values() if each.stage is Stage.STUCK)
        return tuple(each for each in stuck if each.waits is not None)

    def floor(self) -> Floor:
        """Return the shop floor as it is now."""
        return Floor(
            registry=self.registry(),
            kpis=self.kpis,
            load=self.load,
            running=self.running(),
            now=self.now,
        )

    def situation(self, order: OrderId) -> Situation:
        """Return where a running order stands: what is done, and what has begun."""
        state = self.orders[order]
        assert state.plan is not None, "only a planned order has a situation"
        assert state.recipe is not None, "a planned order has its recipe"
        planned = {step.operation: step for step in state.plan.steps}
        running = {
            bound.operation: msgspec.structs.replace(
                planned[bound.operation],
                work_unit=bound.work_unit,
                start=bound.begun_at,
                end=Instant(bound.begun_at + bound.duration_ns),
                frozen=True,
            )
            for bound in self.running()
            if bound.order == order and bound.main and bound.work_unit is not None
        }
        kitted = self._kitted(state) - running.keys()
        running.update((each, planned[each]) for each in kitted)
        return Situation(
            order=state.order,
            plan=state.plan,
            recipe=state.recipe,
            process=state.process_id,
            done=state.done,
            running=running,
            kitted=kitted,
            others=self.other_plans(order),
            moved=begun_legs(
                state.plan, state.recipe, self._legs(order), {*state.done, *running}, self.now
            ),
        )

    def _legs(self, order: OrderId) -> tuple[Leg, ...]:
        """Return the transports and shipments of an order that were not withdrawn."""
        return tuple(
            Leg(offered=job.offered, bound=job.bound, ended_at=job.ended_at)
            for job in self.jobs.values()
            if job.offered.order == order and not job.offered.main and not job.withdrawn
        )

    def _kitted(self, state: OrderState) -> frozenset[OperationId]:
        """Return the operations to which several parts are being brought: they stay where they are.

        The parts have been joined to one piece of work in the process already.
        """
        several = {each.id for each in state.order.product.operations if len(each.inputs) > 1}
        entered = {
            job.offered.operation
            for job in self.jobs.values()
            if job.offered.order == state.order.id and job.offered.lane is None
        }
        return frozenset((several & entered) - set(state.done))

    def other_plans(self, order: OrderId) -> tuple[Plan, ...]:
        """Return the plans that other orders follow: what they hold cannot be planned again."""
        return tuple(
            state.plan
            for key, state in self.orders.items()
            if key != order and state.plan is not None and state.finished_at is None
        )

    def open_situations(self) -> tuple[Situation, ...]:
        """Return the situations of the orders that are being carried out as planned."""
        return tuple(
            self.situation(order)
            for order, state in self.orders.items()
            if state.stage is Stage.RUNNING
        )

    def skills(self) -> dict[tuple[OrderId, OperationId], SkillId]:
        """Return which skill each operation of each order requires."""
        return {
            (state.order.id, operation.id): operation.requirement.skill
            for state in self.orders.values()
            for operation in state.order.product.operations
        }

    def tell(self, fact: Fact, at: Instant) -> None:
        """Take in one fact. It judges nothing: what may happen was decided before."""
        self.now = max(self.now, at)
        match fact:
            case KnowledgeRead():
                self.digest, self.seed = fact.digest, fact.seed
                self.kpis.update(
                    {(value.work_unit, value.kpi): value for value in self.knowledge.kpis}
                )
            case (
                JobOffered()
                | JobBound()
                | JobKeptWaiting()
                | JobWithdrawn()
                | JobAnswered()
                | JobFailed()
            ):
                _tell_job(self, fact, at)
            case TestMeasured():
                self.tests[fact.work_unit] = (*self.tests.get(fact.work_unit, ()), fact.at)
            case KpiChanged():
                self.kpis[fact.value.work_unit, fact.value.kpi] = fact.value
            case WorkUnitBroke():
                self.broken[fact.work_unit] = fact
            case WorkUnitRepaired():
                self.broken.pop(fact.work_unit, None)
            case LotMade():
                self.records.append(fact.record)
                self.orders[fact.record.order].lots[fact.record.operation] = fact.record.lot
            case _:
                _tell_order(self, fact)


JobFact = JobOffered | JobBound | JobKeptWaiting | JobWithdrawn | JobAnswered | JobFailed
OrderFact = (
    OrderReceived
    | OrderRefused
    | PlansFound
    | PlanAccepted
    | ProcessReleased
    | ReleaseRefused
    | ProcessStarted
    | PlanEndangered
    | PlanRestored
    | AdaptationProposed
    | AdaptationImpossible
    | AdaptationApproved
    | AdaptationDeclined
    | ProcessMigrated
    | IncidentRaised
    | OrderFinished
)


def _tell_job(snapshot: Snapshot, fact: JobFact, at: Instant) -> None:
    match fact:
        case JobOffered():
            known = snapshot.jobs.get(fact.job)
            snapshot.jobs[fact.job] = known or JobState(offered=fact)
            snapshot.jobs[fact.job].failed = False
        case JobBound():
            job = snapshot.jobs[fact.job]
            job.bound, job.kept = fact, None
            job.condition = tuple(
                value for (unit, _), value in snapshot.kpis.items() if unit == fact.work_unit
            )
            if fact.person is not None:
                load = snapshot.load.get(fact.person, 0)
                snapshot.load[fact.person] = load + fact.duration_ns
        case JobKeptWaiting():
            snapshot.jobs[fact.job].kept = fact
        case JobWithdrawn():
            job = snapshot.jobs[fact.job]
            job.ended_at, job.withdrawn = at, True
        case JobFailed():
            job = snapshot.jobs[fact.job]
            job.bound, job.failed = None, True
        case JobAnswered():
            job = snapshot.jobs[fact.job]
            job.ended_at = fact.at
            assert job.bound is not None, "only bound jobs are answered"
            state = snapshot.orders[job.bound.order]
            state.rejected = state.rejected or fact.results.get("passed") is False
            if job.bound.main:
                _done(state, job.bound, fact.at)
        case _:
            assert_never(fact)


def _done(state: OrderState, bound: JobBound, ended_at: Instant) -> None:
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


def _tell_order(snapshot: Snapshot, fact: OrderFact) -> None:
    match fact:
        case OrderReceived():
            snapshot.orders[fact.order.id] = OrderState(order=fact.order)
            return
        case _:
            state = snapshot.orders[fact.order]
    match fact:
        case OrderRefused() | ReleaseRefused():
            state.stage = Stage.REFUSED
        case PlansFound():
            state.offered, state.plan, state.stage = fact.answer, None, Stage.CHOOSING
        case PlanAccepted():
            state.plan = fact.plan
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
            | IncidentRaised()
        ):
            _tell_danger(state, fact)
        case ProcessMigrated():
            state.version, state.stage, state.proposal = fact.to_version, Stage.RUNNING, None
        case OrderFinished():
            state.stage = Stage.FINISHED if fact.passed else Stage.REJECTED
            state.finished_at = fact.at
        case _:
            assert_never(fact)


DangerFact = (
    PlanEndangered
    | PlanRestored
    | AdaptationProposed
    | AdaptationImpossible
    | AdaptationDeclined
    | AdaptationApproved
    | IncidentRaised
)


def _tell_danger(state: OrderState, fact: DangerFact) -> None:
    """Note how an order stands whose plan does not hold."""
    state.waits = None
    match fact:
        case PlanEndangered() | IncidentRaised():
            state.stage = Stage.STUCK
        case PlanRestored():
            state.stage, state.proposal = Stage.RUNNING, None
        case AdaptationProposed():
            state.proposal, state.stage = fact, Stage.CHANGING
        case AdaptationImpossible() | AdaptationDeclined():
            state.stage, state.waits = Stage.STUCK, fact
        case AdaptationApproved():
            assert state.proposal is not None, "only what was proposed can be approved"
            state.plan, state.recipe = state.proposal.plan, state.proposal.recipe
            state.followed = (*state.followed, state.plan)
        case _:
            assert_never(fact)
