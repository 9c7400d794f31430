"""What a timetable has to wait for besides machines: tools, material, departures of lanes."""

from collections.abc import Mapping, Sequence

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.explanation import Explanation, ReasonCode
from fabloop.model.ids import LaneId, MaterialId, OperationId, SiteId
from fabloop.model.product import ConfiguredProduct, Operation
from fabloop.model.site import Network, ShippingLane, Tool
from fabloop.model.supply import is_tracked, parts_taken, there_at
from fabloop.model.timetable import departure_after
from fabloop.plan.statement.candidates import Candidate, Rejected
from fabloop.plan.statement.roads import TICK


class Duties(msgspec.Struct, frozen=True):
    """What else has to be kept; ticks count from `origin`.

    Attributes
    ----------
    lanes : those that leave at certain times only, with the time zone of their origin
    tools : per site
    releases : per operation and site, the tick at which its material is there
    missing : per operation and site, material that never comes
    """

    origin: Instant
    lanes: dict[LaneId, tuple[ShippingLane, str]]
    tools: dict[SiteId, tuple[Tool, ...]]
    releases: dict[OperationId, dict[SiteId, int]]
    missing: dict[OperationId, dict[SiteId, MaterialId]]

    def leaves(self, lane: LaneId | None, ready: int) -> int:
        """Return the tick at which a shipment that is at the gate at `ready` starts."""
        if lane is None or lane not in self.lanes:
            return ready
        noun, zone = self.lanes[lane]
        leaves = departure_after(noun, zone, Instant(self.origin + ready * TICK))
        return -(-(leaves - self.origin) // TICK)

    def release(self, operation: OperationId, site: SiteId) -> int:
        """Return the tick before which the operation cannot start there."""
        return self.releases.get(operation, {}).get(site, 0)

    def tools_for(self, operation: Operation, candidate: Candidate) -> list[list[str]]:
        """Return, per kind that the operation asks for, the names of those that fit."""
        return [
            [
                name
                for tool in self.tools.get(candidate.place.site, ())
                if tool.kind == kind and tool.fits_on(candidate.unit.id)
                for name in tool.names()
            ]
            for kind in operation.tools
        ]

    def sorted_out(
        self, operation: Operation, candidates: Sequence[Candidate], rejected: Sequence[Rejected]
    ) -> tuple[Sequence[Candidate], Sequence[Rejected]]:
        """Return who may do it, without those that its material or enough tools never reach."""
        missing = self.missing.get(operation.id, {})
        several = len(set(operation.tools)) < len(operation.tools)
        if not missing and not several:
            return candidates, rejected
        kept: list[Candidate] = []
        out: list[Rejected] = []
        for each in candidates:
            lacks = _missing(each, missing) if each.place.site in missing else None
            if lacks is None and several:
                lacks = self._too_few(operation, each)
            if lacks is None:
                kept.append(each)
            else:
                out.append(Rejected(each.unit, each.place, each.takes, (lacks,)))
        return tuple(kept), (*rejected, *out)

    def _too_few(self, operation: Operation, candidate: Candidate) -> Explanation | None:
        """Return the kind of tool of which the operation asks for more than there are."""
        for kind, names in zip(operation.tools, self.tools_for(operation, candidate), strict=True):
            if operation.tools.count(kind) > len(names):
                details = {"skill": operation.requirement.skill, "parameter": "tool"}
                site = candidate.place.site
                return Explanation(
                    code=ReasonCode.TOOL_MISSING,
                    subject=candidate.unit.id,
                    details={**details, "tool": kind, "site": site},
                )
        return None


def _missing(candidate: Candidate, missing: Mapping[SiteId, MaterialId]) -> Explanation:
    site = candidate.place.site
    return Explanation(
        code=ReasonCode.MATERIAL_MISSING,
        subject=candidate.unit.id,
        details={"parameter": "material", "material": missing[site], "site": site},
    )


def duties_of(
    product: ConfiguredProduct,
    network: Network,
    origin: Instant,
    ordered_at: Instant,
    quantity: int,
) -> Duties | None:
    """Return what else a plan has to keep; None where there is nothing."""
    lanes = {
        lane.id: (lane, network.sites[lane.origin].time_zone)
        for lane in network.lanes
        if lane.departures and lane.origin in network.sites
    }
    asks = any(each.tools for each in product.operations)
    releases, missing = _arrivals(product, network, origin, ordered_at, quantity)
    if not lanes and not asks and not releases and not missing:
        return None
    tools = {key: site.tools for key, site in network.sites.items() if site.tools}
    return Duties(origin, lanes, tools, releases, missing)


Arrivals = dict[OperationId, dict[SiteId, int]]
Missing = dict[OperationId, dict[SiteId, MaterialId]]


def _arrivals(
    product: ConfiguredProduct,
    network: Network,
    origin: Instant,
    ordered_at: Instant,
    quantity: int,
) -> tuple[Arrivals, Missing]:
    materials = {each.id: each for each in product.materials}
    tracked = {key for key, each in materials.items() if is_tracked(each, network)}
    releases: Arrivals = {}
    missing: Missing = {}
    for operation in product.operations if tracked else ():
        for part, amount in parts_taken(product, operation, materials):
            for site in network.sites.values() if part.id in tracked else ():
                there = there_at(part, site, amount * quantity, ordered_at)
                if there is None:
                    missing.setdefault(operation.id, {})[site.id] = part.id
                else:
                    row = releases.setdefault(operation.id, {})
                    row[site.id] = max(row.get(site.id, 0), -(-(there - origin) // TICK), 0)
    return releases, missing
