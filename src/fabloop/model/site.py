"""Sites (factories): work units, tools, transport between areas, shipping lanes and persons."""

import msgspec

from fabloop.base.instant import DAY, Instant
from fabloop.model.calendar import EVERY_DAY, Shift, WorkCalendar
from fabloop.model.disclosure import Disclosure
from fabloop.model.duties import Qualification
from fabloop.model.ids import (
    AreaId,
    EquipmentTypeId,
    LaneId,
    MaterialId,
    PersonId,
    SiteId,
    SkillId,
    ToolId,
    WorkUnitId,
)
from fabloop.model.skill import Offer


class SetupTime(msgspec.Struct, frozen=True, kw_only=True):
    """What it takes to go from operations of one set-up family to those of another."""

    before: str
    after: str
    duration_ns: int


class WorkUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A machine or station. Offers of its equipment type are already merged in.

    Attributes
    ----------
    cost_per_hour_minor : while it works, minor currency units
    power_w : base load while it works, added to the energy of the operation itself
    speed : a nominal duration is divided by this
    setup_ns : before each operation, unless `setups` tell otherwise
    setups : between set-up families; where there are any, an operation that follows one of its
        own family needs none, and pairs not listed take `setup_ns`
    batch_max : pieces of one batch family that it processes at once
    calendar : when it works, None is always; an operation has to fit into one open span
    """

    id: WorkUnitId
    label: str
    equipment_type: EquipmentTypeId
    site: SiteId
    area: AreaId
    offers: tuple[Offer, ...]
    cost_per_hour_minor: int
    power_w: float
    speed: float = 1.0
    setup_ns: int = 0
    setups: tuple[SetupTime, ...] = ()
    batch_max: int = 1
    calendar: WorkCalendar | None = None

    def setup_between(self, before: str, after: str) -> int:
        """Return the set-up before an operation of family `after` that follows one of `before`.

        An operation without a set-up family (an empty text), or the first one (nothing known
        before it), takes `setup_ns`.
        """
        if not self.setups or not before or not after:
            return self.setup_ns
        if before == after:
            return 0
        given = (
            each.duration_ns
            for each in self.setups
            if each.before == before and each.after == after
        )
        return next(given, self.setup_ns)


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool or fixture of the site: one resource, `count` of them alike.

    `kind` is what operations ask for; `fits` names the work units that can take it, empty is any.
    """

    id: ToolId
    label: str
    kind: str
    fits: tuple[WorkUnitId, ...] = ()
    count: int = 1

    def names(self) -> tuple[str, ...]:
        """Return a name for each of those alike: the id, with a number where there are several."""
        if self.count == 1:
            return (self.id,)
        return tuple(f"{self.id}#{number}" for number in range(1, self.count + 1))

    def fits_on(self, work_unit: WorkUnitId) -> bool:
        """Tell whether the work unit can take it."""
        return not self.fits or work_unit in self.fits


class Stock(msgspec.Struct, frozen=True, kw_only=True):
    """Material on hand at the site, or announced for an instant; pieces."""

    material: MaterialId
    quantity: int
    available_at: Instant = Instant(0)


class TransportLink(msgspec.Struct, frozen=True, kw_only=True):
    """A way for work pieces between two areas of one site, in both directions unless `one_way`.

    A link from an area to itself says what moving between two of its work units takes.
    """

    origin: AreaId
    destination: AreaId
    by: WorkUnitId
    duration_ns: int
    cost_minor: int
    energy_j: float
    one_way: bool = False


class ShippingLane(msgspec.Struct, frozen=True, kw_only=True):
    """Carriage from the gate of one site to the gate of another, in one direction.

    Attributes
    ----------
    departures : times of day since local midnight at the origin, ascending; empty is any time
    cut_off_ns : how long before a departure the goods have to be at the gate
    weekdays : the days of the departures, 0 is Monday
    goods_max : goods that leave together in one shipment at most, which pay it in equal parts
    """

    id: LaneId
    carrier: str
    origin: SiteId
    destination: SiteId
    duration_ns: int
    cost_minor: int
    energy_j: float
    co2_kg: float
    departures: tuple[int, ...] = ()
    cut_off_ns: int = 0
    weekdays: tuple[int, ...] = EVERY_DAY
    goods_max: int = 1

    def part(self, goods: int) -> tuple[int, float, float]:
        """Return money (rounded up), energy and CO2 of one of so many goods in a shipment."""
        return -(-self.cost_minor // goods), self.energy_j / goods, self.co2_kg / goods


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A member of the staff, known by role and number; `skills` as in the vocabulary."""

    id: PersonId
    label: str
    site: SiteId
    skills: tuple[SkillId, ...]
    shift: str
    qualifications: tuple[Qualification, ...] = ()


class EnergyBand(msgspec.Struct, frozen=True, kw_only=True):
    """Other prices of energy at a time of day, as a span since local midnight within one day."""

    weekdays: tuple[int, ...] = EVERY_DAY
    start_ns: int = 0
    end_ns: int = DAY
    energy_minor_per_j: float
    co2_kg_per_j: float


class Tariff(msgspec.Struct, frozen=True, kw_only=True):
    """What a site pays: energy (minor units per joule), its CO2 (kg per joule), labour.

    The first of the `bands` that holds at an instant replaces both figures of energy.
    """

    currency: str
    energy_minor_per_j: float
    co2_kg_per_j: float
    labour_cost_per_hour_minor: int
    bands: tuple[EnergyBand, ...] = ()


class UpgradePrice(msgspec.Struct, frozen=True, kw_only=True):
    """What a change of the site takes, minor currency units; per hour for `open-longer`.

    Attributes
    ----------
    change : the kind of change, an `OptionCode`
    of : the tool, skill, KPI parameter or destination that it is about; empty is any
    work_unit : the work unit that it is about; None is any of the site
    """

    change: str
    cost_minor: int
    of: str = ""
    work_unit: WorkUnitId | None = None


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """One factory (IEC 62264 site). `gate` is the area where shipments arrive and leave.

    Attributes
    ----------
    calendar : the working time of the site, None is always; what a work unit works by stands
        in its own `calendar`
    upgrades : what changes of the site take, where that is known
    tenant : whose factory it is; the planner of another tenant sees what `disclosure` allows
    """

    id: SiteId
    label: str
    time_zone: str
    gate: AreaId
    areas: dict[AreaId, str]
    work_units: tuple[WorkUnit, ...]
    transport: tuple[TransportLink, ...]
    shifts: tuple[Shift, ...]
    persons: tuple[Person, ...]
    tariff: Tariff
    calendar: WorkCalendar | None = None
    tools: tuple[Tool, ...] = ()
    stock: tuple[Stock, ...] = ()
    upgrades: tuple[UpgradePrice, ...] = ()
    tenant: str = ""
    disclosure: Disclosure = Disclosure.FULL

    def working_time(self, person: Person) -> WorkCalendar:
        """Return when a person of the staff works: the shift, and the site's exceptions."""
        shifts = tuple(each for each in self.shifts if each.id == person.shift)
        exceptions = self.calendar.exceptions if self.calendar is not None else ()
        return WorkCalendar(shifts=shifts, exceptions=exceptions)


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """The sites that may produce and the lanes between them."""

    sites: dict[SiteId, Site]
    lanes: tuple[ShippingLane, ...] = ()

    def work_units(self) -> dict[WorkUnitId, WorkUnit]:
        """Return all work units of all sites by id."""
        return {unit.id: unit for site in self.sites.values() for unit in site.work_units}
