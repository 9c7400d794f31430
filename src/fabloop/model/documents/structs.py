"""The documents as they are written: structs whose texts are not yet read."""

from typing import Annotated, Literal

import msgspec

from fabloop.base.quantity import Dimension
from fabloop.model.documents.texts import (
    ENTRIES_MAX,
    FEATURES_MAX,
    OPERATIONS_MAX,
    OPTIONS_MAX,
    Co2IntensityText,
    ConditionText,
    DurationText,
    EnergyPriceText,
    EnergyText,
    Factor,
    FeatureId,
    HourlyRateText,
    Id,
    InstantText,
    Label,
    MassText,
    MoneyText,
    PowerText,
    QuantityText,
    Remark,
    TimeOfDayText,
    TimeZoneText,
    ValueText,
    Word,
)
from fabloop.model.skill import Rule

Entries = msgspec.Meta(max_length=ENTRIES_MAX)
Options = msgspec.Meta(min_length=1, max_length=OPTIONS_MAX)


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Common form of all entries: a property that nobody reads is a fault."""


class Header(Entry, frozen=True, kw_only=True):
    """What every document says of itself."""

    version: Label
    context: Label = msgspec.field(name="@context")
    schema: str = msgspec.field(name="$schema", default="")
    description: Remark = ""


class ParameterEntry(Entry, frozen=True, kw_only=True):
    """A parameter of a skill: how an offer meets a requirement, and the dimension of both."""

    name: Word
    label: Label
    rule: Rule
    dimension: Dimension | None = None


class SkillEntry(Entry, frozen=True, kw_only=True):
    """A skill: what can be done; a kind of `broader`, whose parameters it shares."""

    id: Id
    label: Label
    broader: Id | None = None
    parameters: Annotated[tuple[ParameterEntry, ...], Entries] = ()
    description: Remark = ""


class KpiEntry(Entry, frozen=True, kw_only=True):
    """A kind of key performance indicator that work units may report."""

    id: Id
    label: Label
    dimension: Dimension
    description: Remark = ""


class SkillVocabularyDocument(
    Header, frozen=True, kw_only=True, tag_field="document", tag="skill-vocabulary"
):
    """The common words in which products require and equipment offers."""

    skills: Annotated[tuple[SkillEntry, ...], Entries]
    kpis: Annotated[tuple[KpiEntry, ...], Entries] = ()


class SpanEntry(Entry, frozen=True, kw_only=True, tag_field="kind", tag="span"):
    """An offered range, both ends included; an end left out is open."""

    low: QuantityText | None = msgspec.field(name="from", default=None)
    high: QuantityText | None = msgspec.field(name="to", default=None)


class LiveEntry(Entry, frozen=True, kw_only=True, tag_field="kind", tag="live"):
    """An offered value that wears: the vendor's figure, and the KPI that tells it as it is."""

    kpi: Id
    vendor: QuantityText


OfferedEntry = ValueText | Annotated[tuple[Word, ...], Options] | SpanEntry | LiveEntry


class OfferEntry(Entry, frozen=True, kw_only=True):
    """A skill offered, with what it can do by parameter name."""

    skill: Id
    values: dict[str, OfferedEntry] = {}


class EquipmentTypeEntry(Entry, frozen=True, kw_only=True):
    """A model of machine or station as its vendor describes it."""

    id: Id
    label: Label
    offers: Annotated[tuple[OfferEntry, ...], Entries]
    power: PowerText
    speed: Factor = 1.0
    setup: DurationText = "0 s"
    description: Remark = ""


class EquipmentTypesDocument(
    Header, frozen=True, kw_only=True, tag_field="document", tag="equipment-types"
):
    """What vendors offer: equipment types with their skills."""

    equipment_types: Annotated[tuple[EquipmentTypeEntry, ...], Entries]


class AreaEntry(Entry, frozen=True, kw_only=True):
    """A part of a site in which work units stand."""

    id: Id
    label: Label


class WorkUnitEntry(Entry, frozen=True, kw_only=True):
    """A machine or station of the site.

    What is left out stands in its equipment type; `offers` add to the type's offers or replace
    their values one by one. `monitors` names the KPIs that are measured here: their vendor
    figures may then no longer stand in for a measurement.
    """

    id: Id
    label: Label
    equipment_type: Id
    area: Id
    cost_per_hour: HourlyRateText
    power: PowerText | None = None
    speed: Factor | None = None
    setup: DurationText | None = None
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
    """Working time of each day; a shift that ends before it starts goes over midnight."""

    id: Id
    label: Label
    start: TimeOfDayText = msgspec.field(name="from")
    end: TimeOfDayText = msgspec.field(name="to")


class PersonEntry(Entry, frozen=True, kw_only=True):
    """A member of the staff, known by role and number."""

    id: Id
    label: Label
    skills: Annotated[tuple[Id, ...], Entries]
    shift: Id


class TariffEntry(Entry, frozen=True, kw_only=True):
    """What the site pays."""

    energy_price: EnergyPriceText
    co2_intensity: Co2IntensityText
    labour: HourlyRateText


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


class LaneEntry(Entry, frozen=True, kw_only=True):
    """Carriage from the gate of one site to the gate of another, in one direction."""

    id: Id
    carrier: Label
    origin: Id
    destination: Id
    duration: DurationText
    cost: MoneyText
    energy: EnergyText
    co2: MassText


class ShippingDocument(Header, frozen=True, kw_only=True, tag_field="document", tag="shipping"):
    """The lanes between sites."""

    lanes: Annotated[tuple[LaneEntry, ...], Entries]


class FeatureEntry(Entry, frozen=True, kw_only=True):
    """A choice the customer makes: one of `options`; none where it is not mandatory."""

    id: FeatureId
    label: Label
    options: Annotated[tuple[Word, ...], Options]
    default: Word | None = None
    mandatory: bool = True


class ChoiceEntry(Entry, frozen=True, kw_only=True):
    """One option of one feature."""

    feature: FeatureId
    option: Word


class FeatureRuleEntry(Entry, frozen=True, kw_only=True):
    """A choice that requires or excludes another one."""

    kind: Literal["requires", "excludes"]
    when: ChoiceEntry
    other: ChoiceEntry
    reason: Remark = ""


class ByEntry(Entry, frozen=True, kw_only=True):
    """A value that the chosen option of a mandatory feature decides."""

    by: FeatureId
    of: Annotated[dict[str, ValueText], Options]


class MaterialEntry(Entry, frozen=True, kw_only=True):
    """A material definition; where `when` does not hold, nothing makes it either."""

    id: Id
    label: Label
    made_of: Annotated[tuple[Id, ...], Entries] = ()
    third_party: bool = False
    when: ConditionText = ""


class OperationEntry(Entry, frozen=True, kw_only=True):
    """A production step.

    Where `when` does not hold, or its output is not part of the variant, the step is left out
    and the steps it takes from go straight to the step that takes from it.
    """

    id: Id
    label: Label
    skill: Id
    constraints: dict[str, ValueText | ByEntry] = {}
    inputs: Annotated[tuple[Id, ...], Entries] = ()
    output: Id
    duration: DurationText | ByEntry
    energy: EnergyText | ByEntry
    cost: MoneyText | ByEntry
    person_skill: Id | None = None
    when: ConditionText = ""


class ProductDocument(Header, frozen=True, kw_only=True, tag_field="document", tag="product"):
    """A product family: features, rules, bill of material and bill of process."""

    id: Id
    label: Label
    features: Annotated[tuple[FeatureEntry, ...], msgspec.Meta(max_length=FEATURES_MAX)] = ()
    rules: Annotated[tuple[FeatureRuleEntry, ...], Entries] = ()
    materials: Annotated[tuple[MaterialEntry, ...], Entries]
    operations: Annotated[
        tuple[OperationEntry, ...], msgspec.Meta(min_length=1, max_length=OPERATIONS_MAX)
    ]


class KpiValueEntry(Entry, frozen=True, kw_only=True):
    """A measured KPI: never without its instant, its validity and its source."""

    work_unit: Id
    kpi: Id
    value: QuantityText
    upper: QuantityText | None = None
    measured_at: InstantText
    valid_for: DurationText
    source: Label


class KpiValuesDocument(Header, frozen=True, kw_only=True, tag_field="document", tag="kpi-values"):
    """The latest measured KPIs of work units."""

    values: Annotated[tuple[KpiValueEntry, ...], Entries]


class OrderDocument(Header, frozen=True, kw_only=True, tag_field="document", tag="order"):
    """A customer's order for one piece of a product."""

    id: Id
    product: Id
    choices: dict[str, Word] = {}
    received_at: InstantText
    due_at: InstantText
    priority: Annotated[int, msgspec.Meta(ge=1, le=1_000, title="a priority, 1 is ordinary")] = 1


class TestRequirementEntry(Entry, frozen=True, kw_only=True):
    """For which use the error is stated."""

    skill: Literal["point positioning", "contouring"]
    approach: Literal["bidirectional", "unidirectional"]
    zone: Literal["radial", "diametral"]
    process_force: QuantityText
    temperature_departure: QuantityText


class CalibratedAxisEntry(Entry, frozen=True, kw_only=True):
    """Last calibration of one axis (ISO 230-2) and its data sheet."""

    systematic: QuantityText
    growth_per_day: QuantityText
    repeatability: QuantityText
    uncertainty: QuantityText
    compensated_reversal: QuantityText
    scale_feedback: bool
    structure_stiffness: QuantityText
    expansion: QuantityText
    length: QuantityText
    temperature_uncertainty: QuantityText
    motor_mass: QuantityText
    motor_friction: QuantityText
    pitch: QuantityText
    ball_order: Factor


class CalibrationEntry(Entry, frozen=True, kw_only=True):
    """A machine's last calibration."""

    reference: Label
    at: InstantText
    vendor_error: QuantityText
    vendor_widening: Factor
    axes: dict[str, CalibratedAxisEntry]


class MonitoredUnitEntry(Entry, frozen=True, kw_only=True):
    """A work unit that runs a test program every day at the given local times."""

    work_unit: Id
    kpi: Id
    times: Annotated[tuple[TimeOfDayText, ...], Options]
    valid_for: DurationText
    requirement: TestRequirementEntry
    calibration: CalibrationEntry


class MonitoringDocument(Header, frozen=True, kw_only=True, tag_field="document", tag="monitoring"):
    """Which work units are measured, when, and what is known of them beforehand."""

    units: Annotated[tuple[MonitoredUnitEntry, ...], Entries]


class SimulatedAxisEntry(Entry, frozen=True, kw_only=True):
    """What a simulated axis really is; nobody but the simulation reads it."""

    table_mass: QuantityText
    stiffness: QuantityText
    gap: QuantityText
    coulomb_friction: QuantityText
    static_friction: QuantityText
    stribeck_speed: QuantityText
    viscous_friction: QuantityText
    gap_growth_per_hour: QuantityText
    friction_growth_per_hour: QuantityText
    stiffness_loss_per_hour: QuantityText


class SimulatedMachineEntry(Entry, frozen=True, kw_only=True):
    """A machine that wears since `wears_since`, in the share `utilisation` of the time."""

    work_unit: Id
    wears_since: InstantText
    utilisation: QuantityText
    axes: dict[str, SimulatedAxisEntry]


class SimulationDocument(Header, frozen=True, kw_only=True, tag_field="document", tag="simulation"):
    """How the simulated plant behaves."""

    begins_at: InstantText
    duration_spread: QuantityText
    supplier_lots: dict[str, Word] = {}
    results: dict[str, dict[str, str | int | float | bool]] = {}
    machines: Annotated[tuple[SimulatedMachineEntry, ...], Entries] = ()


Document = (
    SkillVocabularyDocument
    | EquipmentTypesDocument
    | SiteDocument
    | ShippingDocument
    | ProductDocument
    | KpiValuesDocument
    | OrderDocument
    | MonitoringDocument
    | SimulationDocument
)
"""Any document; `document` tells which."""

DocumentKind = (
    type[SkillVocabularyDocument]
    | type[EquipmentTypesDocument]
    | type[SiteDocument]
    | type[ShippingDocument]
    | type[ProductDocument]
    | type[KpiValuesDocument]
    | type[OrderDocument]
    | type[MonitoringDocument]
    | type[SimulationDocument]
)

KINDS: dict[str, DocumentKind] = {
    "skill-vocabulary": SkillVocabularyDocument,
    "equipment-types": EquipmentTypesDocument,
    "site": SiteDocument,
    "shipping": ShippingDocument,
    "product": ProductDocument,
    "kpi-values": KpiValuesDocument,
    "order": OrderDocument,
    "monitoring": MonitoringDocument,
    "simulation": SimulationDocument,
}
"""The kinds of document by the name that stands in their property `document`."""
