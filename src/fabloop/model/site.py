"""Sites (factories): work units, transport between areas, shipping lanes, shifts and persons."""

import msgspec

from fabloop.model.ids import (
    AreaId,
    EquipmentTypeId,
    LaneId,
    PersonId,
    SiteId,
    SkillId,
    WorkUnitId,
)
from fabloop.model.skill import Offer


class WorkUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A machine or station. Offers of its equipment type are already merged in.

    Attributes
    ----------
    cost_per_hour_minor : while it works, minor currency units
    power_w : base load while it works, added to the energy of the operation itself
    speed : a nominal duration is divided by this
    setup_ns : added to each operation
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
    """Carriage from the gate of one site to the gate of another, in one direction."""

    id: LaneId
    carrier: str
    origin: SiteId
    destination: SiteId
    duration_ns: int
    cost_minor: int
    energy_j: float
    co2_kg: float


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """Working time of each day in the site's time zone, as spans since local midnight.

    A shift over midnight has `end_ns` beyond one day.
    """

    id: str
    label: str
    start_ns: int
    end_ns: int


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A member of the staff, known by role and number; `skills` as in the vocabulary."""

    id: PersonId
    label: str
    site: SiteId
    skills: tuple[SkillId, ...]
    shift: str


class Tariff(msgspec.Struct, frozen=True, kw_only=True):
    """What a site pays: energy (minor units per joule), its CO2 (kg per joule), labour."""

    currency: str
    energy_minor_per_j: float
    co2_kg_per_j: float
    labour_cost_per_hour_minor: int


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """One factory (IEC 62264 site). `gate` is the area where shipments arrive and leave."""

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


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """The sites that may produce and the lanes between them."""

    sites: dict[SiteId, Site]
    lanes: tuple[ShippingLane, ...] = ()

    def work_units(self) -> dict[WorkUnitId, WorkUnit]:
        """Return all work units of all sites by id."""
        return {unit.id: unit for site in self.sites.values() for unit in site.work_units}
