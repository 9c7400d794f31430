"""The service registry: who offers which skill, who holds whom, and late binding to one of them."""

from collections.abc import Iterable, Mapping

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.explanation import DispatchCode, Evidence, Explanation, ReasonCode
from fabloop.model.ids import KpiId, SiteId, SkillId, WorkUnitId
from fabloop.model.kpi import KpiValue
from fabloop.model.site import Network, WorkUnit
from fabloop.model.skill import Requirement, SkillVocabulary
from fabloop.services.matching import Match, Mismatch, match_unit, unit_offers
from fabloop.services.permissions import Permissions


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """A work unit is held by a job until that ends or the reservation is taken away."""

    work_unit: WorkUnitId
    job: int
    since: Instant


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """The work unit chosen for a job, and why it may do it."""

    work_unit: WorkUnit
    because: Explanation


class Registry(msgspec.Struct, frozen=True, kw_only=True):
    """All work units that offer anything, with the reservations that stand now.

    Those that are `unavailable`, broken ones for instance, take no job; nor do those that
    `permissions` withholds.
    """

    network: Network
    vocabulary: SkillVocabulary
    reservations: tuple[Reservation, ...] = ()
    unavailable: frozenset[WorkUnitId] = frozenset()
    permissions: Permissions = Permissions()

    def holder(self, work_unit: WorkUnitId) -> Reservation | None:
        """Return the reservation that stands for a work unit."""
        return next((each for each in self.reservations if each.work_unit == work_unit), None)

    def offering(self, skill: SkillId, site: SiteId | None = None) -> Iterable[WorkUnit]:
        """Yield the work units that offer a skill or a narrower one, at one site or anywhere."""
        for unit in self.network.work_units().values():
            if site is not None and unit.site != site:
                continue
            if unit_offers(unit, skill, self.vocabulary):
                yield unit


def bind(
    registry: Registry,
    requirement: Requirement,
    preference: WorkUnitId,
    kpis: Mapping[tuple[WorkUnitId, KpiId], KpiValue],
    now: Instant,
) -> Binding | tuple[Explanation, ...]:
    """Bind a job to the planned work unit, or to another of the same area and type.

    The requirement is matched again at this moment: a machine that has worn out since the plan
    was made is refused here, whatever the plan says. Another work unit is taken only where the
    work piece could be brought without a new transport decision: same area, same equipment type.
    The reasons of the preferred work unit are returned where nobody may.
    """
    units = registry.network.work_units()
    preferred = units[preference]
    alike = [
        unit
        for unit in registry.offering(requirement.skill, preferred.site)
        if unit.id != preference
        and unit.area == preferred.area
        and unit.equipment_type == preferred.equipment_type
    ]
    first = _may(registry, requirement, preferred, kpis, now)
    if isinstance(first, Binding):
        return first
    others = (_may(registry, requirement, unit, kpis, now) for unit in alike)
    return next((each for each in others if isinstance(each, Binding)), first)


def _may(
    registry: Registry,
    requirement: Requirement,
    unit: WorkUnit,
    kpis: Mapping[tuple[WorkUnitId, KpiId], KpiValue],
    now: Instant,
) -> Binding | tuple[Explanation, ...]:
    """Match one work unit and look whether it is there and free."""
    if unit.id in registry.unavailable:
        details = {"skill": requirement.skill, "parameter": "availability"}
        return (Explanation(code=ReasonCode.UNIT_UNAVAILABLE, subject=unit.id, details=details),)
    found = match_unit(requirement, unit, registry.vocabulary, kpis, now)
    if isinstance(found, Mismatch):
        return found.reasons
    held = registry.holder(unit.id)
    if held is not None:
        return (
            Explanation(
                code=DispatchCode.RESERVED,
                subject=unit.id,
                details={"job": str(held.job)},
                evidence=(Evidence(subject=unit.id, parameter="reserved since", at=held.since),),
            ),
        )
    withheld = registry.permissions.against(unit.id, requirement.skill)
    return withheld or Binding(work_unit=unit, because=_bound(unit, found))


def _bound(unit: WorkUnit, match: Match) -> Explanation:
    return Explanation(
        code=DispatchCode.BOUND,
        subject=unit.id,
        details={"label": unit.label},
        evidence=match.evidence,
    )
