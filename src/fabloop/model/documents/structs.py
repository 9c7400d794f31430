"""The documents as they are written: structs whose texts are not yet read."""

from typing import Annotated, Literal

import msgspec

from fabloop.base.quantity import Dimension
from fabloop.model.disclosure import Disclosure
from fabloop.model.documents.alarm_structs import AlarmsDocument
from fabloop.model.documents.connection_structs import ConnectionsDocument, RegistersDocument
from fabloop.model.documents.data_structs import DataSourcesDocument
from fabloop.model.documents.effectiveness_structs import EffectivenessDocument
from fabloop.model.documents.entries import Entries, Entry, Header, OfferEntry, Options
from fabloop.model.documents.goal_structs import GoalsDocument
from fabloop.model.documents.policy_structs import AdaptationPolicyDocument
from fabloop.model.documents.product_structs import ProductDocument
from fabloop.model.documents.safety_structs import SafetyDocument
from fabloop.model.documents.site_structs import ShippingDocument, SiteDocument
from fabloop.model.documents.texts import (
    PARTS_MAX,
    DurationText,
    Factor,
    HourlyRateText,
    Id,
    InstantText,
    Label,
    MoneyText,
    PieceCount,
    PowerText,
    QuantityText,
    Remark,
    TimeOfDayText,
    Word,
)
from fabloop.model.skill import Rule


class ParameterEntry(Entry, frozen=True, kw_only=True):
    """A parameter of a skill: how an offer meets a requirement, and the dimension of both."""

    name: Word
    label: Label
    rule: Rule
    dimension: Dimension | None = None


class SkillEntry(Entry, frozen=True, kw_only=True):
    """A skill: what can be done; a kind of `broader`, whose parameters it shares.

    A skill with `parts` is composed: who offers all of them offers it. Documents may call it by
    one of its `synonyms`.
    """

    id: Id
    label: Label
    broader: Id | None = None
    parameters: Annotated[tuple[ParameterEntry, ...], Entries] = ()
    parts: Annotated[tuple[Id, ...], msgspec.Meta(max_length=PARTS_MAX)] = ()
    synonyms: Annotated[tuple[Word, ...], Entries] = ()
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


class EquipmentTypeEntry(Entry, frozen=True, kw_only=True):
    """A model of machine or station as its vendor describes it; a kind of `broader`.

    What the broader type offers, it offers too; its own offers replace values one by one.
    """

    id: Id
    label: Label
    broader: Id | None = None
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


class KpiValueEntry(Entry, frozen=True, kw_only=True):
    """A measured KPI: never without its instant, its validity and its source."""

    work_unit: Id
    kpi: Id
    value: QuantityText
    upper: QuantityText | None = None
    measured_at: InstantText
    valid_for: DurationText
    source: Label
    disclosure: Disclosure = Disclosure.FULL


class KpiValuesDocument(Header, frozen=True, kw_only=True, tag_field="document", tag="kpi-values"):
    """The latest measured KPIs of work units."""

    values: Annotated[tuple[KpiValueEntry, ...], Entries]


ChoiceText = Word | Annotated[tuple[Word, ...], Options]


class OrderDocument(Header, frozen=True, kw_only=True, tag_field="document", tag="order"):
    """A customer's order for pieces of a product."""

    id: Id
    product: Id
    quantity: PieceCount = 1
    choices: dict[str, Word | Annotated[tuple[Word, ...], Options]] = msgspec.field(
        default_factory=dict
    )
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
    reference_play: QuantityText | None = None
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


class MaintenanceEntry(Entry, frozen=True, kw_only=True):
    """The job that restores the KPI: planned it takes and costs this, after a failure that.

    `saved_per_day` is what each day of waiting saves: the cost of the part over its usual life.
    """

    job: Label
    takes: DurationText
    cost: MoneyText
    failure_cost: MoneyText
    downtime: DurationText
    downtime_cost: HourlyRateText
    saved_per_day: MoneyText
    window: DurationText = "14 d"


class MonitoredUnitEntry(Entry, frozen=True, kw_only=True):
    """A work unit that runs a test program every day at the given local times."""

    work_unit: Id
    kpi: Id
    times: Annotated[tuple[TimeOfDayText, ...], Options]
    valid_for: DurationText
    requirement: TestRequirementEntry
    calibration: CalibrationEntry
    maintenance: MaintenanceEntry | None = None


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


class SimulatedOpeningEntry(Entry, frozen=True, kw_only=True):
    """A signal of a safety controller is false from `from` to `to`.

    With `reset_at` its zone stands from then on until a person resets it at that instant.
    """

    signal: Word
    since: InstantText = msgspec.field(name="from")
    until: InstantText = msgspec.field(name="to")
    reset_at: InstantText | None = None


class SimulationDocument(Header, frozen=True, kw_only=True, tag_field="document", tag="simulation"):
    """How the simulated plant behaves."""

    begins_at: InstantText
    duration_spread: QuantityText
    supplier_lots: dict[str, Word] = msgspec.field(default_factory=dict)
    results: dict[str, dict[str, str | int | float | bool]] = msgspec.field(default_factory=dict)
    machines: Annotated[tuple[SimulatedMachineEntry, ...], Entries] = ()
    openings: Annotated[tuple[SimulatedOpeningEntry, ...], Entries] = ()


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
    | ConnectionsDocument
    | RegistersDocument
    | EffectivenessDocument
    | AlarmsDocument
    | GoalsDocument
    | AdaptationPolicyDocument
    | DataSourcesDocument
    | SafetyDocument
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
    | type[ConnectionsDocument]
    | type[RegistersDocument]
    | type[EffectivenessDocument]
    | type[AlarmsDocument]
    | type[GoalsDocument]
    | type[AdaptationPolicyDocument]
    | type[DataSourcesDocument]
    | type[SafetyDocument]
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
    "connections": ConnectionsDocument,
    "registers": RegistersDocument,
    "effectiveness": EffectivenessDocument,
    "alarms": AlarmsDocument,
    "goals": GoalsDocument,
    "adaptation-policy": AdaptationPolicyDocument,
    "data-sources": DataSourcesDocument,
    "safety": SafetyDocument,
}
"""The kinds of document by the name that stands in their property `document`."""
