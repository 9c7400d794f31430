"""What is known before an order arrives: vocabulary, equipment, sites, products, KPI values."""

import msgspec

from fabloop.base.quantity import Dimension
from fabloop.model.goal import GoalSet
from fabloop.model.ids import EquipmentTypeId, KpiId, ProductId
from fabloop.model.kpi import KpiValue
from fabloop.model.maintenance import MaintenanceRule
from fabloop.model.policy import Policy
from fabloop.model.product import ProductFamily
from fabloop.model.safety import SafetyRules
from fabloop.model.site import Network
from fabloop.model.skill import Offer, SkillVocabulary


class KpiDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of KPI that work units may report."""

    id: KpiId
    label: str
    dimension: Dimension


class EquipmentType(msgspec.Struct, frozen=True, kw_only=True):
    """A model of machine or station (IEC 62264 equipment class) as its vendor describes it.

    Its live ratings are never `monitored`: that is decided where a work unit stands. Offers of
    the `broader` type are already merged in.
    """

    id: EquipmentTypeId
    label: str
    offers: tuple[Offer, ...]
    power_w: float
    speed: float = 1.0
    setup_ns: int = 0
    broader: EquipmentTypeId | None = None


class Knowledge(msgspec.Struct, frozen=True, kw_only=True):
    """The checked content of all documents; every name in it is known in it.

    `kpis` are the values that documents carry, as they were written: whether one may still be
    used is asked of it at the instant of use. Without `safety` nothing was declared about which
    signals permit commands; without a `policy` every way out of a plan in danger is proposed.
    """

    currency: str
    vocabulary: SkillVocabulary
    kpi_definitions: dict[KpiId, KpiDefinition]
    equipment_types: dict[EquipmentTypeId, EquipmentType]
    network: Network
    families: dict[ProductId, ProductFamily]
    kpis: tuple[KpiValue, ...] = ()
    goals: tuple[GoalSet, ...] = ()
    maintenance: tuple[MaintenanceRule, ...] = ()
    safety: SafetyRules | None = None
    policy: Policy | None = None
