"""Site and shipping documents as they are written."""

from typing import Annotated, Literal

import msgspec

from fabloop.model.disclosure import Disclosure
from fabloop.model.documents.entries import Entries, Entry, Header, OfferEntry
from fabloop.model.documents.texts import (
    EVERY_WEEKDAY,
    Co2IntensityText,
    DateText,
    DurationText,
    EnergyPriceText,
    EnergyText,
    Factor,
    HourlyRateText,
    Id,
    InstantText,
    Label,
    MassText,
    MoneyText,
    PieceCount,
    PowerText,
    Remark,
    SkillName,
    TimeOfDayText,
    TimeZoneText,
    Weekdays,
    Word,
)


class AreaEntry(Entry, frozen=True, kw_only=True):
    """A part of a site in which work units stand."""

    id: Id
    label: Label


class SpanOfDayEntry(Entry, frozen=True, kw_only=True):
    """Working time of one day; one that ends before it starts goes over midnight."""

    start: TimeOfDayText = msgspec.field(name="from")
    end: TimeOfDayText = msgspec.field(name="to")


class CalendarExceptionEntry(Entry, frozen=True, kw_only=True):
    """What holds on one date instead of the shifts that start on it; without `open`: closed."""

    date: DateText
    open: Annotated[tuple[SpanOfDayEntry, ...], Entries] = ()
    reason: Remark = ""


class CalendarEntry(Entry, frozen=True, kw_only=True):
    """Working time: the named shifts of the site (without `shifts` all of them), and exceptions."""

    shifts: Annotated[tuple[Id, ...], Entries] | None = None
    exceptions: Annotated[tuple[CalendarExceptionEntry, ...], Entries] = ()


class SetupTimeEntry(Entry, frozen=True, kw_only=True):
    """Set-up between operations of two set-up families."""

    before: Word
    after: Word
    duration: DurationText


class WorkUnitEntry(Entry, frozen=True, kw_only=True):
    """A machine or station of the site.

    What is left out stands in its equipment type; `offers` add to the type's offers or replace
    their values one by one. `monitors` names the KPIs that are measured here: their vendor
    figures may then no longer stand in for a measurement. Without a `calendar` of its own the
    unit works by the site's; the exceptions of the site hold for it too.
    """

    id: Id
    label: Label
    equipment_type: Id
    area: Id
    cost_per_hour: HourlyRateText
    power: PowerText | None = None
    speed: Factor | None = None
    setup: DurationText | None = None
    setups: Annotated[tuple[SetupTimeEntry, ...], Entries] = ()
    batch_max: PieceCount = 1
    calendar: CalendarEntry | Literal["always"] | None = None
    monitors: Annotated[tuple[Id, ...], Entries] = ()
    offers: Annotated[tuple[OfferEntry, ...], Entries] = ()
    description: Remark = ""


class TransportEntry(Entry, frozen=True, kw_only=True):
    """A way for work pieces between two areas, in both directions."""

    origin: Id
    destination: Id
    by: Id
    duration: DurationText
    cost: MoneyText
    energy: EnergyText


class ShiftEntry(Entry, frozen=True, kw_only=True):
    """Working time of the weekdays; a shift that ends before it starts goes over midnight."""

    id: Id
    label: Label
    start: TimeOfDayText = msgspec.field(name="from")
    end: TimeOfDayText = msgspec.field(name="to")
    weekdays: Weekdays = EVERY_WEEKDAY


class QualificationEntry(Entry, frozen=True, kw_only=True):
    """Something a person may do, up to the end of a date if one is given."""

    name: Word
    valid_until: DateText | None = None


class PersonEntry(Entry, frozen=True, kw_only=True):
    """A member of the staff, known by role and number."""

    id: Id
    label: Label
    skills: Annotated[tuple[SkillName, ...], Entries]
    shift: Id
    qualifications: Annotated[tuple[QualificationEntry, ...], Entries] = ()


class ToolEntry(Entry, frozen=True, kw_only=True):
    """Tools or fixtures of one kind; `fits` names the work units that can take them, else any."""

    id: Id
    label: Label
    kind: Word
    fits: Annotated[tuple[Id, ...], Entries] = ()
    count: PieceCount = 1


class StockEntry(Entry, frozen=True, kw_only=True):
    """Pieces of a material on hand, or announced for an instant."""

    material: Id
    quantity: PieceCount
    available_at: InstantText | None = None


class EnergyBandEntry(Entry, frozen=True, kw_only=True):
    """Other prices of energy at a time of day; the first band that holds counts."""

    start: TimeOfDayText = msgspec.field(name="from")
    end: TimeOfDayText = msgspec.field(name="to")
    weekdays: Weekdays = EVERY_WEEKDAY
    energy_price: EnergyPriceText
    co2_intensity: Co2IntensityText


class TariffEntry(Entry, frozen=True, kw_only=True):
    """What the site pays."""

    energy_price: EnergyPriceText
    co2_intensity: Co2IntensityText
    labour: HourlyRateText
    bands: Annotated[tuple[EnergyBandEntry, ...], Entries] = ()


UpgradeName = Literal[
    "add-tool",
    "add-person",
    "train-person",
    "restore-kpi",
    "measure-kpi",
    "release-unit",
    "open-longer",
    "upgrade-offer",
    "add-skill",
    "add-link",
    "add-lane",
]
"""Changes of a site that a recommendation may propose."""


class UpgradeEntry(Entry, frozen=True, kw_only=True):
    """What a change of the site takes: `cost`, or `cost_per_hour` for `open-longer`.

    `of` narrows it to a kind of tool, a skill, a KPI parameter or the destination of a lane,
    `work_unit` to one work unit. The narrowest entry counts.
    """

    change: UpgradeName
    of: Word | None = None
    work_unit: Id | None = None
    cost: MoneyText | None = None
    cost_per_hour: HourlyRateText | None = None


class SiteDocument(Header, frozen=True, kw_only=True, tag_field="document", tag="site"):
    """One factory (IEC 62264 site)."""

    id: Id
    label: Label
    time_zone: TimeZoneText
    gate: Id
    areas: Annotated[tuple[AreaEntry, ...], Entries]
    work_units: Annotated[tuple[WorkUnitEntry, ...], Entries]
    tariff: TariffEntry
    transport: Annotated[tuple[TransportEntry, ...], Entries] = ()
    shifts: Annotated[tuple[ShiftEntry, ...], Entries] = ()
    persons: Annotated[tuple[PersonEntry, ...], Entries] = ()
    calendar: CalendarEntry | None = None
    tools: Annotated[tuple[ToolEntry, ...], Entries] = ()
    stock: Annotated[tuple[StockEntry, ...], Entries] = ()
    upgrades: Annotated[tuple[UpgradeEntry, ...], Entries] = ()
    tenant: Id | None = None
    disclosure: Disclosure = Disclosure.FULL


class LaneEntry(Entry, frozen=True, kw_only=True):
    """Carriage from the gate of one site to the gate of another, in one direction.

    With `departures` goods leave at these local times of the origin only; they have to be at the
    gate by the `cut_off` before. Up to `goods_max` goods share a shipment and what it takes.
    """

    id: Id
    carrier: Label
    origin: Id
    destination: Id
    duration: DurationText
    cost: MoneyText
    energy: EnergyText
    co2: MassText
    departures: Annotated[tuple[TimeOfDayText, ...], Entries] = ()
    cut_off: DurationText | None = None
    weekdays: Weekdays | None = None
    goods_max: PieceCount = 1


class ShippingDocument(Header, frozen=True, kw_only=True, tag_field="document", tag="shipping"):
    """The lanes between sites."""

    lanes: Annotated[tuple[LaneEntry, ...], Entries]
