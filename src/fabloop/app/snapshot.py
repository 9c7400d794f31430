"""What the loop knows at a moment: orders, jobs, KPI values, lots; folded from facts alone."""

import msgspec

from fabloop.adapt.propose import Situation
from fabloop.adapt.world import World, absences, in_force, stops, waits
from fabloop.app.job_facts import tell_job
from fabloop.app.ready import Ready
from fabloop.app.shifts import worked_now
from fabloop.app.states import JobState as JobState
from fabloop.app.states import OrderState as OrderState
from fabloop.app.states import Stage as Stage
from fabloop.app.states import tell_order
from fabloop.app.upkeep import MaintenanceFact, Upkeep, series_with
from fabloop.app.whereabouts import Leg, as_begun, begun_legs, leg_key
from fabloop.base.instant import Instant
from fabloop.model.disturbance import (
    DueMoved,
    LaneClosed,
    Reported,
    ShipmentLate,
    StepOverran,
    ToolBroken,
    over_at,
    subject_of,
)
from fabloop.model.explanation import Explanation
from fabloop.model.facts import (
    AdaptationProposed,
    DisturbanceEnded,
    DisturbanceReported,
    Fact,
    GoalEndangered,
    GoalFact,
    GoalMet,
    GoalRestored,
    GoalViolated,
    JobAnswered,
    JobBound,
    JobFailed,
    JobKeptWaiting,
    JobOffered,
    JobWithdrawn,
    KnowledgeRead,
    KpiChanged,
    LotMade,
    MaintenanceAdvised,
    MaintenanceDeclined,
    MaintenancePlanned,
    MaintenanceReported,
    OrderFinished,
    PermissiveChanged,
    ProcessMigrated,
    ProcessStarted,
    RiskForeseen,
    TestMeasured,
    UndoAsked,
    UndoRefused,
    WorkUnitBroke,
    WorkUnitRepaired,
)
from fabloop.model.ids import GoalId, KpiId, OperationId, OrderId, PersonId, SkillId, WorkUnitId
from fabloop.model.knowledge import Knowledge
from fabloop.model.kpi import TOTAL_POSITION_ERROR, KpiValue
from fabloop.model.lot import LotRecord
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import Plan
from fabloop.plan.running.dangers import Carried, LegKey
from fabloop.plan.running.watchlist import Watchlist
from fabloop.run.dispatch import Floor
from fabloop.sense.kpi import in_doubt
from fabloop.services.permissions import Permissions
from fabloop.services.registry import Registry, Reservation


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
    standing: dict[tuple[str, ...], Reported] = {}
    series: dict[tuple[WorkUnitId, KpiId], tuple[KpiValue, ...]] = {}
    upkeep: Upkeep = msgspec.field(default_factory=Upkeep)
    goals: dict[tuple[GoalId, str], GoalFact] = {}
    permissives: dict[tuple[WorkUnitId, tuple[str, ...]], tuple[Explanation, ...]] = {}
    ready: Ready = msgspec.field(default_factory=Ready)

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
            permissions=self.permissions(),
        )

    def permissions(self) -> Permissions:
        """Return what may be commanded now, as far as it was told."""
        return Permissions(rules=self.knowledge.safety, told=self.permissives)

    def unavailable(self) -> frozenset[WorkUnitId]:
        """Return the work units that cannot work now."""
        return frozenset(self.broken)

    def waiting_orders(self) -> tuple[OrderState, ...]:
        """Return the orders whose plan does not hold and for which no other was taken."""
        stuck = (each for each in self.orders.values() if each.stage is Stage.STUCK)
        return tuple(each for each in stuck if each.waits is not None)

    def floor(self, order: OrderId) -> Floor:
        """Return the shop floor as it is now for an order."""
        standing = tuple(self.standing.values())
        force = [each for each in standing if in_force(each, self.now)]
        return Floor(
            registry=self.registry(),
            kpis=self.kpis,
            load=self.load,
            running=self.running(),
            now=self.now,
            closed=frozenset(each.lane for each in force if isinstance(each, LaneClosed)),
            absent=frozenset(absences(force, self.knowledge.network)),
            stops=stops(standing),
            tools_out=frozenset(each.tool for each in force if isinstance(each, ToolBroken)),
            waits=waits(self.orders[order].order.product, self.world()),
            worked=worked_now(self.knowledge, self.jobs.values(), self.now),
        )

    def over(self, at: Instant) -> tuple[Reported, ...]:
        """Return the reported disturbances whose time is over, first ones first."""
        ends = [(over_at(each), each) for each in self.standing.values()]
        due = [(end, each) for end, each in ends if end is not None and end <= at]
        return tuple(each for _, each in sorted(due, key=lambda row: row[0]))

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
                end=self._ends(bound),
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
                state.plan,
                state.recipe,
                self._legs(order),
                {*state.done, *running},
                self.now,
                self._late(order),
            ),
        )

    def _ends(self, bound: JobBound) -> Instant:
        """Return when a running step is expected to end."""
        told = self.standing.get(("step", bound.order, bound.operation))
        ends = Instant(bound.begun_at + bound.duration_ns)
        return max(ends, told.ends_at) if isinstance(told, StepOverran) else ends

    def _late(self, order: OrderId) -> dict[LegKey, Instant]:
        """Return when movements of an order arrive that are told to be late."""
        return {
            (each.made_by, each.taken_by, each.leg): each.arrives_at
            for each in self.standing.values()
            if isinstance(each, ShipmentLate) and each.order == order
        }

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

    def plans_before(self, order: ProductionOrder) -> tuple[Plan, ...]:
        """Return what a new order has to keep clear of.

        That is the plans of orders which are as urgent, and of the others what has begun.
        """
        return tuple(
            plan if self.orders[plan.order].order.priority >= order.priority else self._begun(plan)
            for plan in self.other_plans(order.id)
        )

    def _begun(self, plan: Plan) -> Plan:
        carried = self.carried(plan.order)
        return msgspec.structs.replace(
            plan,
            steps=tuple(each for each in plan.steps if not carried.is_open(each)),
            movements=tuple(each for each in plan.movements if carried.has_left(each)),
        )

    def behind(self, order: OrderId) -> frozenset[OrderId]:
        """Return the orders that are less urgent than another one."""
        urgency = self.orders[order].order.priority
        return frozenset(
            key for key, state in self.orders.items() if state.order.priority < urgency
        )

    def proposals(self) -> tuple[AdaptationProposed, ...]:
        """Return the proposals that nobody has answered."""
        return tuple(
            state.proposal
            for state in self.orders.values()
            if state.stage is Stage.CHANGING and state.proposal is not None
        )

    def followed(self) -> frozenset[OrderId]:
        """Return the orders that are being carried out as planned."""
        return frozenset(
            order for order, state in self.orders.items() if state.stage is Stage.RUNNING
        )

    def world(self) -> World:
        """Return what there is to plan with now."""
        return World(
            network=self.knowledge.network,
            vocabulary=self.knowledge.vocabulary,
            kpis=self.kpis,
            now=self.now,
            unavailable=self.unavailable(),
            standing=tuple(self.standing.values()),
            plant=self.ready.plant(self.knowledge, self.kpis),
        )

    def watch(self) -> Watchlist:
        """Return the plans that are being carried out, ready to be asked about a disturbance."""
        if self.ready.watch is None:
            network, vocabulary = self.knowledge.network, self.knowledge.vocabulary
            self.ready.watch = Watchlist(network, vocabulary)
            for order, state in self.orders.items():
                if state.instance is not None and state.finished_at is None:
                    self.ready.watch.put(self.carried(order))
        return self.ready.watch

    def carried(self, order: OrderId) -> Carried:
        """Return the plan of a running order, and how far it has come."""
        state = self.orders[order]
        assert state.plan is not None, "only a planned order is carried out"
        jobs = [job for job in self.jobs.values() if job.bound is not None and not job.withdrawn]
        mine = [job for job in jobs if job.offered.order == order]
        ops = (job.offered.operation for job in mine if job.offered.main and job.is_running)
        keys = [(job, self.leg(job.offered.job)) for job in mine]
        running, done = frozenset(ops), frozenset(state.done)
        left = frozenset(leg for _, leg in keys if leg is not None)
        over = (leg for job, leg in keys if leg is not None and job.ended_at is not None)
        return Carried(
            plan=as_begun(state.plan, running | done, left),
            product=state.order.product,
            running=running,
            done=done,
            left=left,
            arrived=frozenset(over),
        )

    def as_planned_now(self, offered: JobOffered) -> JobOffered:
        """Return a job with the lane that the plan has for it by now: it may have been changed."""
        leg, plan = self.leg(offered.job), self.orders[offered.order].plan
        if offered.lane is None or leg is None or plan is None:
            return offered
        lanes = (
            each.lane
            for each in plan.movements
            if (each.made_by, each.taken_by, each.leg) == leg and each.lane is not None
        )
        return msgspec.structs.replace(offered, lane=next(lanes, offered.lane))

    def leg(self, job: int) -> LegKey | None:
        """Return which leg of its order's plan a job is; None for an operation."""
        offered = self.jobs[job].offered
        recipe = self.orders[offered.order].recipe
        return None if offered.main or recipe is None else leg_key(recipe, offered)

    def skills(self) -> dict[tuple[OrderId, OperationId], SkillId]:
        """Return which skill each operation of each order requires."""
        return {
            (state.order.id, operation.id): operation.requirement.skill
            for state in self.orders.values()
            for operation in state.order.product.operations
        }

    def _follow(self, value: KpiValue) -> None:
        """Take a value into the series that its trend rests on; one in doubt was not measured."""
        if value.doubt:
            return
        key = (value.work_unit, value.kpi)
        self.series[key] = series_with(self.series.get(key, ()), value)

    def doubted(self, fact: TestMeasured) -> KpiValue | None:
        """Return what is left of the last value after a rejected test; None: nothing to be used."""
        key = (fact.work_unit, TOTAL_POSITION_ERROR)
        known, series = self.kpis.get(key), self.series.get(key, ())
        if known is not None and series and series[-1].at > known.at:
            known = series[-1]
        if known is None or not known.is_valid(fact.at):
            return None
        return in_doubt(known, fact.vendor, fact.rejected)

    def _tell_upkeep(self, fact: MaintenanceFact) -> None:
        """Note what was foreseen and advised; a job that was done begins the trend anew."""
        self.upkeep.tell(fact)
        if not isinstance(fact, MaintenanceReported) or not fact.done.changed_something:
            return
        for rule in self.knowledge.maintenance:
            if (rule.work_unit, rule.job) == (fact.done.work_unit, fact.done.job):
                self.series.pop((rule.work_unit, rule.kpi), None)

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
                tell_job(self.jobs, self.orders, self.kpis.values(), fact, at)
                if isinstance(fact, JobBound) and fact.person is not None:
                    load = self.load.get(fact.person, 0)
                    self.load[fact.person] = load + fact.duration_ns
            case TestMeasured():
                self.tests[fact.work_unit] = (*self.tests.get(fact.work_unit, ()), fact.at)
                if fact.value is not None:
                    self._follow(fact.value)
            case KpiChanged():
                self.kpis[fact.value.work_unit, fact.value.kpi] = fact.value
                self._follow(fact.value)
            case (
                RiskForeseen()
                | MaintenanceAdvised()
                | MaintenancePlanned()
                | MaintenanceDeclined()
                | MaintenanceReported()
            ):
                self._tell_upkeep(fact)
            case PermissiveChanged():
                self.permissives[fact.work_unit, fact.only] = fact.reasons
            case WorkUnitBroke() | WorkUnitRepaired() | DisturbanceReported() | DisturbanceEnded():
                _tell_report(self, fact)
            case UndoAsked() | UndoRefused():
                pass
            case GoalEndangered() | GoalRestored() | GoalMet() | GoalViolated():
                self.goals[fact.goal, fact.key] = fact
            case LotMade():
                self.records.append(fact.record)
                self.orders[fact.record.order].lots[fact.record.operation] = fact.record.lot
            case _:
                tell_order(self.orders, fact)
        if self.ready.watch is not None:
            _keep_up(self, self.ready.watch, fact)


def _tell_report(
    snapshot: Snapshot,
    fact: WorkUnitBroke | WorkUnitRepaired | DisturbanceReported | DisturbanceEnded,
) -> None:
    match fact:
        case WorkUnitBroke():
            snapshot.broken[fact.work_unit] = fact
        case WorkUnitRepaired():
            snapshot.broken.pop(fact.work_unit, None)
        case DisturbanceReported():
            _tell_disturbance(snapshot, fact.disturbance)
        case DisturbanceEnded():
            snapshot.standing.pop(subject_of(fact.disturbance), None)


def _tell_disturbance(snapshot: Snapshot, disturbance: Reported) -> None:
    """Note what was reported; one whose time is over already only ends an earlier one."""
    if isinstance(disturbance, DueMoved):
        state = snapshot.orders[disturbance.order]
        state.order = msgspec.structs.replace(state.order, due_at=disturbance.due_at)
        return
    subject, until = subject_of(disturbance), over_at(disturbance)
    snapshot.standing.pop(subject, None)
    if until is None or until > snapshot.now:
        snapshot.standing[subject] = disturbance


def _keep_up(snapshot: Snapshot, watch: Watchlist, fact: Fact) -> None:
    """Let the plans that are watched go on as the fact says."""
    match fact:
        case ProcessStarted() | ProcessMigrated():
            watch.put(snapshot.carried(fact.order))
        case OrderFinished():
            watch.drop(fact.order)
        case JobFailed():
            watch.put(snapshot.carried(snapshot.jobs[fact.job].offered.order))
        case JobBound(main=True):
            watch.begin(fact.order, fact.operation)
        case JobBound():
            leg = snapshot.leg(fact.job)
            if leg is not None:
                watch.leave(fact.order, *leg)
        case JobAnswered():
            offered, leg = snapshot.jobs[fact.job].offered, snapshot.leg(fact.job)
            if offered.main:
                watch.end(offered.order, offered.operation)
            elif leg is not None:
                watch.arrive(offered.order, *leg)
        case _:
            return
