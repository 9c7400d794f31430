"""Plans: which work unit does what when, what moves where, and how good that is."""

from enum import StrEnum

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.explanation import Explanation, Option
from fabloop.model.ids import (
    LaneId,
    MaterialId,
    OperationId,
    OrderId,
    PersonId,
    PlanId,
    SiteId,
    WorkUnitId,
)
from fabloop.model.kpi import KpiValue


class EnergyRate(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a step in which one price of energy and one CO2 factor hold, each per joule."""

    start: Instant
    end: Instant
    energy_minor_per_j: float
    co2_kg_per_j: float


class Freight(msgspec.Struct, frozen=True, kw_only=True):
    """A shipment that brings parts from the gate of another site: the lane, when, what it takes.

    The parts have to be at the gate when it is `ready`, the cut-off before it starts.
    """

    origin: SiteId
    lane: LaneId
    by: str
    ready: Instant
    start: Instant
    end: Instant
    cost_minor: int
    energy_j: float
    co2_kg: float


class PartTaken(msgspec.Struct, frozen=True, kw_only=True):
    """Pieces of a material that a step takes: from stock, or bought of a `supplier`.

    They are at the step's site, or come there by `freight`: from the stock of its origin, or from
    where the supplier delivers. `cost_minor` and `co2_kg` are those of all pieces, without the
    freight; stock has neither.
    """

    material: MaterialId
    pieces: int
    supplier: str = ""
    cost_minor: int = 0
    co2_kg: float = 0.0
    freight: Freight | None = None

    @property
    def takes(self) -> tuple[int, float, float]:
        """Money, energy and CO2 of the pieces, with their freight."""
        if self.freight is None:
            return self.cost_minor, 0.0, self.co2_kg
        way = self.freight
        return self.cost_minor + way.cost_minor, way.energy_j, self.co2_kg + way.co2_kg

    def drawn(self, site: SiteId, start: Instant) -> tuple[SiteId, Instant]:
        """Return which site's stock gives the pieces up when, for a step there that starts then."""
        return (site, start) if self.freight is None else (self.freight.origin, self.freight.ready)


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A part in a run that steps share: own pieces, and those of all steps in it.

    Machine and energy of the run are paid by pieces.
    """

    family: str
    pieces: int
    together: int


class SetUp(msgspec.Struct, frozen=True, kw_only=True):
    """The set-up that lies before a step, for what its work unit did `before`.

    `before` is a set-up family; empty is nothing known, or a step without one. The figures are
    those of the work unit, of its energy and of who carries the step out, meanwhile.
    """

    before: str
    duration_ns: int
    cost_minor: int
    energy_j: float
    co2_kg: float


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True):
    """An operation on a work unit. `frozen` steps are done or running and may not change.

    Attributes
    ----------
    tools : held while it lasts, by the names of `Tool.names`
    rates : where energy has its price by time of day, which one counts when; a step takes its
        energy evenly
    parts : of materials of which stock or deliveries are known; what they and their freight take
        is part of the step's figures
    persons : the crew that carries it out; whoever of them is on shift does
    setup_family : what the work unit is set up for, where its set-ups depend on that
    setup : which set-up lies before it then; what that takes is part of the step's figures
    batch : its part in a run with other steps, which start and end with it; None is by itself
    """

    operation: OperationId
    work_unit: WorkUnitId
    site: SiteId
    start: Instant
    end: Instant
    cost_minor: int
    energy_j: float
    co2_kg: float
    frozen: bool = False
    tools: tuple[str, ...] = ()
    rates: tuple[EnergyRate, ...] = ()
    parts: tuple[PartTaken, ...] = ()
    persons: tuple[PersonId, ...] = ()
    setup_family: str = ""
    batch: Batch | None = None
    setup: SetUp | None = None


class MovementKind(StrEnum):
    """Inside a site, or between two."""

    TRANSPORT = "transport"
    SHIPPING = "shipping"


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """One leg of a work piece's way from the operation that made it to the one that takes it.

    Inside a site there is one leg. Between sites there are up to three: to the gate, the lane,
    from the gate; `leg` counts them from 0. Places are work unit ids, or area ids at the gates.
    `by` is the transport work unit, or the carrier. `goods` are in its shipment, which pay it in
    equal parts.
    """

    made_by: OperationId
    taken_by: OperationId
    leg: int
    kind: MovementKind
    origin: str
    destination: str
    origin_site: SiteId
    destination_site: SiteId
    by: str
    start: Instant
    end: Instant
    cost_minor: int
    energy_j: float
    co2_kg: float
    lane: LaneId | None = None
    frozen: bool = False
    goods: int = 1


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """A plan in four figures, and what it needs."""

    cost_minor: int
    currency: str
    makespan_ns: int
    energy_j: float
    co2_kg: float
    sites: tuple[SiteId, ...]
    shipments: int


class Optimality(msgspec.Struct, frozen=True, kw_only=True):
    """How good the plan is for `objective`: its value, the best any plan could have, and proof.

    `proven` means that value and bound meet. `scope` says which plans the bound speaks about.
    """

    objective: str
    value: float
    bound: float
    proven: bool
    engine: str
    scope: str = "all plans"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A checked plan for one order; `kpis` are the values that its choice rested on."""

    id: PlanId
    order: OrderId
    made_at: Instant
    steps: tuple[PlannedStep, ...]
    movements: tuple[Movement, ...]
    totals: Totals
    optimality: tuple[Optimality, ...]
    kpis: tuple[KpiValue, ...] = ()
    replaces: PlanId | None = None

    def step(self, operation: OperationId) -> PlannedStep:
        """Return the step that carries out this operation."""
        return next(each for each in self.steps if each.operation == operation)


class Exclusion(msgspec.Struct, frozen=True, kw_only=True):
    """A work unit with the right skill that may not do an operation, and every reason why."""

    operation: OperationId
    work_unit: WorkUnitId
    reasons: tuple[Explanation, ...]


class Producible(msgspec.Struct, frozen=True, kw_only=True, tag="producible"):
    """At least one plan exists; ranked, best first. Of `exclusions` the nearest ones are told."""

    plans: tuple[Plan, ...]
    exclusions: tuple[Exclusion, ...]


class NotProducible(msgspec.Struct, frozen=True, kw_only=True, tag="not-producible"):
    """No plan exists: minimal sets of reasons that cannot hold together, and what would help.

    Removing any one reason of a conflict would resolve that conflict. `complete` tells whether
    there are no other minimal conflicts. `grounds` say why wishes among the reasons cannot be met:
    what the best plan without one comes to, or what those who are left lack.
    """

    conflicts: tuple[tuple[Explanation, ...], ...]
    options: tuple[Option, ...]
    exclusions: tuple[Exclusion, ...] = ()
    complete: bool = True
    grounds: tuple[Explanation, ...] = ()


class NotDecided(msgspec.Struct, frozen=True, kw_only=True, tag="not-decided"):
    """The limit was reached before a plan was found or ruled out; never read it as a no."""

    limit: str


PlanAnswer = Producible | NotProducible | NotDecided


class MovedOperation(msgspec.Struct, frozen=True, kw_only=True):
    """An operation that another work unit carries out after a re-plan."""

    operation: OperationId
    before: WorkUnitId
    before_site: SiteId
    after: WorkUnitId
    after_site: SiteId


class CompanyChanged(msgspec.Struct, frozen=True, kw_only=True):
    """That a step, or a good on its way to one, has other company in its run or shipment.

    `made_by` is whose output the good is; empty for a step. `before` and `after` are pieces in the
    run, or goods in the shipment; 1 is a good alone, and 0 a step in no shared run.
    """

    operation: OperationId
    made_by: str = ""
    before: int
    after: int


class PlanComparison(msgspec.Struct, frozen=True, kw_only=True):
    """What a new plan changes; differences are after minus before.

    `retimed` are operations that stay on their work unit but start at another instant;
    `late_ns` is by how much the new plan misses the due instant, 0 where it does not. Operations
    are added and dropped where another option of a routing is taken. `affected` are the work units,
    vehicles and carriers, in order of their names, that have more, less or something else to do;
    `company` tells who shares a run or a shipment with more or fewer than before.
    """

    before: PlanId
    after: PlanId
    moved: tuple[MovedOperation, ...]
    retimed: tuple[OperationId, ...]
    shipments_added: tuple[Movement, ...]
    cost_minor: int
    currency: str
    makespan_ns: int
    energy_j: float
    co2_kg: float
    finish_before: Instant
    finish_after: Instant
    due_at: Instant
    late_ns: int
    shipments_dropped: tuple[Movement, ...] = ()
    operations_added: tuple[OperationId, ...] = ()
    operations_dropped: tuple[OperationId, ...] = ()
    affected: tuple[str, ...] = ()
    company: tuple[CompanyChanged, ...] = ()
