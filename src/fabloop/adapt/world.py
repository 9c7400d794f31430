"""What there is to plan with now: sites, their condition, and disturbances that are not over."""

from collections.abc import Iterable, Mapping

import msgspec

from fabloop.base.instant import DAY, Instant
from fabloop.model.disturbance import (
    LaneClosed,
    MaterialLate,
    PersonAbsent,
    Reported,
    ShiftCancelled,
    ToolBroken,
    UnitClosed,
    subject_of,
)
from fabloop.model.ids import OperationId, PersonId, SiteId, WorkUnitId
from fabloop.model.product import ConfiguredProduct
from fabloop.model.site import Network, Site
from fabloop.model.skill import SkillVocabulary
from fabloop.plan.running.dangers import Outlook, persons_of, shape_of
from fabloop.plan.running.presence import Span, bookings
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.problem import Busy
from fabloop.services.matching import KpiValues

GONE_NS = 3_650 * DAY
"""How long a tool counts as taken that nobody knows to come back, where others are like it."""


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Sites and their condition at an instant.

    Attributes
    ----------
    unavailable : work units that are broken
    standing : reported disturbances that are not over
    plant : the network made ready for planning
    """

    network: Network
    vocabulary: SkillVocabulary
    kpis: KpiValues
    now: Instant
    unavailable: frozenset[WorkUnitId] = frozenset()
    standing: tuple[Reported, ...] = ()
    plant: Plant | None = None

    def outlook(self, besides: Reported | None = None) -> Outlook:
        """Return what dangers are judged by; `besides` is not yet part of what is known."""
        known = [
            each
            for each in self.standing
            if besides is None or subject_of(each) != subject_of(besides)
        ]
        return Outlook(
            network=self.network,
            vocabulary=self.vocabulary,
            kpis=self.kpis,
            now=self.now,
            absent=absences(known, self.network),
        )


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What is left to plan with, in the words of planning."""

    network: Network
    engaged: Mapping[WorkUnitId, tuple[Span, ...]]
    not_before: Mapping[OperationId, Mapping[SiteId, Instant]]
    plant: Plant | None

    def besides(self, busy: Busy) -> dict[WorkUnitId, tuple[Span, ...]]:
        """Return what is taken by plans, and what cannot be taken because it is broken."""
        names = dict.fromkeys([*busy, *self.engaged])
        return {name: (*busy.get(name, ()), *self.engaged.get(name, ())) for name in names}


def means_of(world: World, product: ConfiguredProduct, *, ahead: bool) -> Means:
    """Return what is left to plan with under the disturbances that are in force now.

    With `ahead`, those still to begin count as if they were in force already: planning has no
    words for a lane that closes tomorrow.
    """
    force = [each for each in world.standing if ahead or in_force(each, world.now)]
    network = _left_of(world.network, force, world.unavailable)
    plant = None if world.plant is None else world.plant.of(network)
    return Means(
        network=network,
        engaged=_engaged(world),
        not_before=waits(product, world),
        plant=plant,
    )


def in_force(disturbance: Reported, now: Instant) -> bool:
    """Tell whether a disturbance that is not over has begun."""
    match disturbance:
        case LaneClosed() | PersonAbsent() | ShiftCancelled() | ToolBroken() | UnitClosed():
            return disturbance.since <= now
        case _:
            return True


def _left_of(network: Network, force: Iterable[Reported], broken: frozenset[WorkUnitId]) -> Network:
    """Return the network without closed lanes, ways of broken vehicles, and tools gone for good."""
    force = tuple(force)
    closed = {each.lane for each in force if isinstance(each, LaneClosed)}
    gone = {each.tool for each in force if isinstance(each, ToolBroken) and each.until is None}
    lanes, sites = network.lanes, network.sites
    if closed:
        lanes = tuple(each for each in lanes if each.id not in closed)
    if gone or broken:
        sites = {key: _without(site, gone, broken) for key, site in sites.items()}
    if lanes is network.lanes and all(sites[key] is site for key, site in network.sites.items()):
        return network
    return msgspec.structs.replace(network, sites=sites, lanes=lanes)


def _without(site: Site, gone: set[str], broken: frozenset[WorkUnitId]) -> Site:
    tools = tuple(each for each in site.tools if not gone.issuperset(each.names()))
    transport = tuple(each for each in site.transport if each.by not in broken)
    if len(tools) < len(site.tools):
        site = msgspec.structs.replace(site, tools=tools)
    if len(transport) < len(site.transport):
        site = msgspec.structs.replace(site, transport=transport)
    return site


def _engaged(world: World) -> dict[WorkUnitId, tuple[Span, ...]]:
    """Return when broken tools and closed units cannot be taken, and crews have fewer hands."""
    later = Instant(world.now + GONE_NS)
    taken: dict[WorkUnitId, tuple[Span, ...]] = {
        WorkUnitId(each.tool): ((each.since, each.until or later),)
        for each in world.standing
        if isinstance(each, ToolBroken)
    }
    taken |= stops(world.standing)
    away = absences(world.standing, world.network)
    for site in world.network.sites.values() if away else ():
        taken |= bookings(site, away)
    return taken


def stops(standing: Iterable[Reported]) -> dict[WorkUnitId, tuple[Span, ...]]:
    """Return when work units are kept free for maintenance."""
    found: dict[WorkUnitId, tuple[Span, ...]] = {}
    for each in standing:
        if isinstance(each, UnitClosed):
            found[each.work_unit] = (*found.get(each.work_unit, ()), (each.since, each.until))
    return found


def absences(standing: Iterable[Reported], network: Network) -> dict[PersonId, tuple[Span, ...]]:
    """Return when persons are away."""
    away: dict[PersonId, tuple[Span, ...]] = {}
    for each in standing:
        if isinstance(each, PersonAbsent | ShiftCancelled):
            for person in persons_of(each, network):
                away[person] = (*away.get(person, ()), (each.since, each.until))
    return away


def waits(product: ConfiguredProduct, world: World) -> dict[OperationId, dict[SiteId, Instant]]:
    """Return, per operation and site, until when it has to wait for its material there."""
    late = [each for each in world.standing if isinstance(each, MaterialLate)]
    found: dict[OperationId, dict[SiteId, Instant]] = {}
    taken = shape_of(product).materials if late else {}
    for operation, materials in taken.items():
        for site in world.network.sites:
            ends = [
                each.available_at
                for each in late
                if each.material in materials and each.site in (None, site)
            ]
            if max(ends, default=world.now) > world.now:
                found.setdefault(operation, {})[site] = max(ends)
    return found
