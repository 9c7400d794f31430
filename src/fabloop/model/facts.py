"""Facts: what capabilities tell each other, frozen and in the past tense.

A fact that cannot be recomputed (a solver's plan, a measurement, an answer from outside) carries
its content, so that replay never asks again.
"""

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.disturbance import Reported
from fabloop.model.explanation import Explanation
from fabloop.model.fact_form import FactForm as _Fact
from fabloop.model.goal_facts import GoalEndangered as GoalEndangered
from fabloop.model.goal_facts import GoalFact as GoalFact
from fabloop.model.goal_facts import GoalMet as GoalMet
from fabloop.model.goal_facts import GoalRestored as GoalRestored
from fabloop.model.goal_facts import GoalViolated as GoalViolated
from fabloop.model.ids import (
    KpiId,
    LaneId,
    OperationId,
    OrderId,
    PersonId,
    PlanId,
    SkillId,
    WorkUnitId,
)
from fabloop.model.kpi import KpiValue
from fabloop.model.lot import LotRecord
from fabloop.model.maintenance import MaintenanceDone, MaintenanceProposed
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import NotDecided, NotProducible, Plan, PlanComparison, Producible
from fabloop.model.recipe import ProductionRecipe
from fabloop.model.revalidation import Revalidation
from fabloop.model.rung_facts import PersonAsked as PersonAsked
from fabloop.model.rung_facts import RungTried as RungTried


class KnowledgeRead(_Fact, frozen=True, kw_only=True):
    """The documents were read; `digest` (SHA-256) tells whether they are still the same."""

    digest: str
    seed: int


class OrderReceived(_Fact, frozen=True, kw_only=True):
    """A customer wants a configured product."""

    order: ProductionOrder


class OrderRefused(_Fact, frozen=True, kw_only=True):
    """No plan can be made for the order, or none was found within the limit."""

    order: OrderId
    answer: NotProducible | NotDecided


class PlansFound(_Fact, frozen=True, kw_only=True):
    """The order can be produced; somebody has to choose."""

    order: OrderId
    answer: Producible


class PlanAccepted(_Fact, frozen=True, kw_only=True):
    """Somebody chose a plan."""

    order: OrderId
    plan: Plan
    by: str


class PlanRevalidated(_Fact, frozen=True, kw_only=True):
    """Before an accepted plan was carried out it was asked again: what changed, does it hold?"""

    order: OrderId
    found: Revalidation


class PropertyChecked(msgspec.Struct, frozen=True, kw_only=True):
    """One property of a process model: ``holds``, ``violated`` or ``unknown``."""

    name: str
    verdict: str
    counterexample: tuple[str, ...] = ()


class ProcessReleased(_Fact, frozen=True, kw_only=True):
    """The order's process model was verified and may run."""

    order: OrderId
    plan: PlanId
    recipe: ProductionRecipe
    properties: tuple[PropertyChecked, ...]
    markings: int


class ReleaseRefused(_Fact, frozen=True, kw_only=True):
    """The composed process model is not sound; it never runs."""

    order: OrderId
    plan: PlanId
    properties: tuple[PropertyChecked, ...]


class ProcessStarted(_Fact, frozen=True, kw_only=True):
    """A process instance carries out the order."""

    order: OrderId
    instance: int
    process: str
    version: int


class JobOffered(_Fact, frozen=True, kw_only=True):
    """The process has reached work that somebody must do.

    `skill` is what is asked for; `work_unit` or `lane` is what the plan prefers; `operation` is
    the production step served, directly (`main`) or by a transport or shipment to it; `service`
    is its number in the recipe's step, from 1.
    """

    order: OrderId
    job: int
    step: str
    service: int
    skill: str
    operation: OperationId
    work_unit: WorkUnitId | None
    lane: LaneId | None
    person_skill: SkillId | None
    main: bool
    duration_ns: int


class JobBound(_Fact, frozen=True, kw_only=True):
    """A job was given to a work unit (and a person) or a carrier, with the reason; it begins now.

    `main` tells the operation itself from the transports around it.
    """

    order: OrderId
    job: int
    step: str
    skill: str
    operation: OperationId
    work_unit: WorkUnitId | None
    lane: LaneId | None
    person: PersonId | None
    main: bool
    begun_at: Instant
    duration_ns: int
    because: Explanation


class JobKeptWaiting(_Fact, frozen=True, kw_only=True):
    """Nobody may or can do the job now; the reasons, and when to look again if that is known."""

    order: OrderId
    job: int
    operation: OperationId
    reasons: tuple[Explanation, ...]
    look_again_at: Instant | None


class JobWithdrawn(_Fact, frozen=True, kw_only=True):
    """The work is no longer wanted; whoever does it should stop."""

    order: OrderId
    job: int


class JobAnswered(_Fact, frozen=True, kw_only=True):
    """The work unit or person reports the job as done, with results (lot numbers, verdicts)."""

    job: int
    at: Instant
    results: dict[str, str | int | float | bool | None]


class JobFailed(_Fact, frozen=True, kw_only=True):
    """The work unit or person could not do the job."""

    job: int
    at: Instant
    reason: str


class LotMade(_Fact, frozen=True, kw_only=True):
    """An operation finished and left a lot."""

    record: LotRecord


class TestMeasured(_Fact, frozen=True, kw_only=True):
    """A work unit's test program was evaluated, or rejected with a reason.

    Attributes
    ----------
    vendor : what the vendor promises, widened; where a test was rejected and it is known
    """

    __test__ = False  # not a test class, whatever its name looks like to pytest

    work_unit: WorkUnitId
    at: Instant
    value: KpiValue | None
    rejected: str = ""
    vendor: KpiValue | None = None


class KpiChanged(_Fact, frozen=True, kw_only=True):
    """A KPI moved enough to matter, or for the first time has a value."""

    value: KpiValue
    previous: KpiValue | None


class RiskForeseen(_Fact, frozen=True, kw_only=True):
    """A KPI goes on as its trend says, and a step begins after it may have passed the limit.

    Attributes
    ----------
    passes_at, soonest, latest : by the best estimate and the slope's 95 % interval; None is never
    likely : the best estimate passes before the step begins, not only the steepest slope
    """

    order: OrderId
    plan: PlanId
    operation: OperationId
    work_unit: WorkUnitId
    kpi: KpiId
    starts_at: Instant
    passes_at: Instant | None
    soonest: Instant
    latest: Instant | None
    likely: bool
    because: Explanation


class MaintenanceAdvised(_Fact, frozen=True, kw_only=True):
    """A machine should be stopped for a job before a KPI passes a limit; somebody decides."""

    proposal: MaintenanceProposed
    at: Instant


class MaintenancePlanned(_Fact, frozen=True, kw_only=True):
    """Somebody wants the job to be done as advised: the work unit is kept free for it."""

    job: str
    work_unit: WorkUnitId
    by: str


class MaintenanceDeclined(_Fact, frozen=True, kw_only=True):
    """Somebody does not want the job to be done as advised."""

    job: str
    work_unit: WorkUnitId
    at: Instant
    by: str


class MaintenanceReported(_Fact, frozen=True, kw_only=True):
    """The job was done: the work unit is free again, and its trend begins anew."""

    done: MaintenanceDone


class WorkUnitBroke(_Fact, frozen=True, kw_only=True):
    """A work unit cannot work any more; `until` is when it is expected back, if known."""

    work_unit: WorkUnitId
    at: Instant
    until: Instant | None = None


class WorkUnitRepaired(_Fact, frozen=True, kw_only=True):
    """A work unit that was broken can work again."""

    work_unit: WorkUnitId
    at: Instant


class DisturbanceReported(_Fact, frozen=True, kw_only=True):
    """Something happened that plans did not reckon with; it takes the place of the last report.

    Of two reports about the same thing (a lane, a person, a material ...) the later one counts.
    """

    disturbance: Reported
    at: Instant


class DisturbanceEnded(_Fact, frozen=True, kw_only=True):
    """What was reported is over."""

    disturbance: Reported
    at: Instant


class PermissiveChanged(_Fact, frozen=True, kw_only=True):
    """Commands to a work unit are permitted from now on, or withheld for these reasons.

    `only` are the skills that it speaks of; empty is all of them.
    """

    work_unit: WorkUnitId
    only: tuple[str, ...]
    reasons: tuple[Explanation, ...]
    at: Instant


class AdaptationWithheld(_Fact, frozen=True, kw_only=True):
    """An approved plan was not applied: a permissive of what it has yet to command does not hold.

    The order goes on waiting; when the permissive holds, a person is asked again.
    """

    order: OrderId
    plan: PlanId
    reasons: tuple[Explanation, ...]


class PlanRestored(_Fact, frozen=True, kw_only=True):
    """A plan that was endangered, and for which no other was found or wanted, holds again."""

    order: OrderId
    plan: PlanId


class PlanEndangered(_Fact, frozen=True, kw_only=True):
    """A plan that is being carried out can no longer be carried out as it stands."""

    order: OrderId
    plan: PlanId
    reasons: tuple[Explanation, ...]


class ProcessChanges(msgspec.Struct, frozen=True, kw_only=True):
    """How a process model differs from the one before, by element id."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


class AdaptationProposed(_Fact, frozen=True, kw_only=True):
    """Another way to finish the order, waiting for a person's answer."""

    order: OrderId
    before: PlanId
    plan: Plan
    comparison: PlanComparison
    reasons: tuple[Explanation, ...]
    recipe: ProductionRecipe
    changes: ProcessChanges
    properties: tuple[PropertyChecked, ...]
    markings: int


class AdaptationImpossible(_Fact, frozen=True, kw_only=True):
    """There is no other way to finish the order; the minimal reasons and what would help."""

    order: OrderId
    plan: PlanId
    reasons: tuple[Explanation, ...]
    answer: NotProducible | NotDecided


class AdaptationApproved(_Fact, frozen=True, kw_only=True):
    """A person agreed to the proposed plan."""

    order: OrderId
    plan: PlanId
    by: str


class AdaptationDeclined(_Fact, frozen=True, kw_only=True):
    """A person refused the proposed plan; the order waits."""

    order: OrderId
    plan: PlanId
    by: str


class UndoAsked(_Fact, frozen=True, kw_only=True):
    """A person wants the plan back that the last adaptation changed."""

    order: OrderId
    by: str


class AdaptationUndone(_Fact, frozen=True, kw_only=True):
    """The order goes on as before the last adaptation; nothing stood against that."""

    order: OrderId
    before: PlanId
    plan: Plan
    comparison: PlanComparison
    by: str
    recipe: ProductionRecipe
    changes: ProcessChanges
    properties: tuple[PropertyChecked, ...]
    markings: int


class UndoRefused(_Fact, frozen=True, kw_only=True):
    """There is no way back to the plan before, for these reasons; the order goes on as it is."""

    order: OrderId
    plan: PlanId | None
    by: str
    reasons: tuple[Explanation, ...]


class ProcessMigrated(_Fact, frozen=True, kw_only=True):
    """The running instance now follows another version; no token was lost."""

    order: OrderId
    plan: PlanId
    instance: int
    process: str
    from_version: int
    to_version: int
    tokens_before: int
    tokens_after: int


class IncidentRaised(_Fact, frozen=True, kw_only=True):
    """The process cannot go on at an element until somebody resolves it."""

    order: OrderId
    node: str
    message: str


class OrderFinished(_Fact, frozen=True, kw_only=True):
    """The process instance came to its end; `passed` unless a person rejected the product."""

    order: OrderId
    at: Instant
    passed: bool


Fact = (
    KnowledgeRead
    | OrderReceived
    | OrderRefused
    | PlansFound
    | PlanAccepted
    | PlanRevalidated
    | ProcessReleased
    | ReleaseRefused
    | ProcessStarted
    | JobOffered
    | JobBound
    | JobKeptWaiting
    | JobWithdrawn
    | JobAnswered
    | JobFailed
    | LotMade
    | TestMeasured
    | KpiChanged
    | RiskForeseen
    | MaintenanceAdvised
    | MaintenancePlanned
    | MaintenanceDeclined
    | MaintenanceReported
    | WorkUnitBroke
    | WorkUnitRepaired
    | DisturbanceReported
    | DisturbanceEnded
    | PermissiveChanged
    | AdaptationWithheld
    | PlanRestored
    | PlanEndangered
    | RungTried
    | PersonAsked
    | AdaptationProposed
    | AdaptationImpossible
    | AdaptationApproved
    | AdaptationDeclined
    | UndoAsked
    | AdaptationUndone
    | UndoRefused
    | ProcessMigrated
    | IncidentRaised
    | OrderFinished
    | GoalEndangered
    | GoalRestored
    | GoalMet
    | GoalViolated
)
