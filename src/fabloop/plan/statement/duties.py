"""What a timetable has to wait for besides machines: tools, persons, set-ups, material, lanes."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from fabloop.base.instant import Instant, span_text
from fabloop.model.explanation import Explanation, ReasonCode
from fabloop.model.ids import (
    LaneId,
    MaterialId,
    OperationId,
    SiteId,
    SkillId,
    WorkUnitId,
)
from fabloop.model.product import ConfiguredProduct, Operation
from fabloop.model.site import Network, ShippingLane, Tool
from fabloop.plan.names import set_up_name
from fabloop.plan.statement.candidates import Candidate, Columns, Rejected
from fabloop.plan.statement.crews import NEVER, Crew, able
from fabloop.plan.statement.departures import Departures
from fabloop.plan.statement.materials import Materials
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.roads import TICK, Leg
from fabloop.plan.statement.setups import (
    Changeover,
    changeover_of,
    families_of,
    marks_of,
)

Spans = tuple[tuple[int, int], ...]


class Need(msgspec.Struct, frozen=True):
    """What an operation needs on one work unit besides that one.

    `tools` are, per kind asked for, the names of those that fit; `crews` are those of which one
    has to carry it out; `family` is what the work unit is set up for.
    """

    unit: WorkUnitId
    release: int = 0
    tools: tuple[tuple[str, ...], ...] = ()
    crews: tuple[Crew, ...] = ()
    family: str = ""


Closed = Mapping[WorkUnitId, tuple[tuple[Instant, Instant], ...]]
"""When work units are closed, by their calendars."""


class Around(msgspec.Struct, frozen=True):
    """From when on, for how many pieces and beside what a product is planned.

    `busy` is what others take, `until` the instant up to which calendars are read, `materials` what
    operations take from stock and suppliers; `not_before` is what they have to wait for, per site.
    """

    origin: Instant
    ordered_at: Instant
    quantity: int
    busy: Mapping[WorkUnitId, tuple[tuple[Instant, Instant], ...]]
    until: Instant
    materials: Materials | None = None
    not_before: Mapping[OperationId, Mapping[SiteId, Instant]] = {}


class Duties(msgspec.Struct, frozen=True):
    """What else has to be kept; ticks count from `origin`.

    Attributes
    ----------
    lanes : those that leave at certain times only, with the time zone of their origin
    tools : per site
    releases : per operation and site, the tick at which its material is there
    missing : per operation and site, material that never comes
    crews : per skill that persons need and site, who has it
    crowded : what others take of the crews
    changeovers : of the work units whose set-ups depend on what they did before
    """

    origin: Instant
    lanes: dict[LaneId, tuple[ShippingLane, str]]
    tools: dict[SiteId, tuple[Tool, ...]]
    releases: dict[OperationId, dict[SiteId, int]]
    missing: dict[OperationId, dict[SiteId, MaterialId]]
    crews: dict[SkillId, dict[SiteId, tuple[Crew, ...]]] = {}
    crowded: dict[str, Spans] = {}
    changeovers: dict[WorkUnitId, Changeover] = {}
    _needs: dict[tuple[OperationId, WorkUnitId], Need] = {}
    _departures: dict[LaneId, Departures] = {}

    def leaves(self, lane: LaneId | None, ready: int) -> int:
        """Return the tick at which a shipment that is at the gate at `ready` starts."""
        departures = self.departures(lane)
        return ready if departures is None else departures.first(ready)

    def departures(self, lane: LaneId | None) -> Departures | None:
        """Return when a lane is left; None is at any time."""
        if lane is None or lane not in self.lanes:
            return None
        if lane not in self._departures:
            self._departures[lane] = Departures(*self.lanes[lane], self.origin)
        return self._departures[lane]

    def arrival(self, legs: Sequence[Leg], ready: int) -> int:
        """Return when what is ready then arrives by these legs, if no vehicle is waited for."""
        for leg in legs:
            ready = self.leaves(leg.hop.lane, ready) + leg.hop.takes.ticks
        return ready

    def latest(self, legs: Sequence[Leg], by: int) -> int:
        """Return the last tick to be ready at to arrive by then; a negative one is never."""
        for leg in reversed(legs):
            by -= leg.hop.takes.ticks
            departures = self.departures(leg.hop.lane)
            by = by if departures is None or by < 0 else departures.latest(by)
        return by

    def shut(self, operation: Operation, candidate: Candidate) -> list[tuple[int, int]]:
        """Return when the operation cannot go on there besides what takes the work unit."""
        need = self.need(operation, candidate)
        shut = [(-1, need.release)] if need.release else []
        if len(need.crews) == 1:
            shut += need.crews[0].absent()
        return shut

    def release(self, operation: OperationId, site: SiteId) -> int:
        """Return the tick before which the operation cannot start there."""
        return self.releases.get(operation, {}).get(site, 0)

    @property
    def has_shifts(self) -> bool:
        """Whether who is there depends on the time."""
        return any(
            len(crew.there) > 1
            for row in self.crews.values()
            for several in row.values()
            for crew in several
        )

    @property
    def has_stores(self) -> bool:
        """Whether tools or material matter."""
        return bool(self.tools or self.releases or self.missing)

    def forgetful(self) -> "Duties":
        """Return the same for operations that may ask for something else."""
        return msgspec.structs.replace(self, _needs={})

    def need(self, operation: Operation, candidate: Candidate) -> Need:
        """Return what the operation needs on the candidate's work unit."""
        key = (operation.id, candidate.unit.id)
        if key not in self._needs:
            site = candidate.place.site
            apart = candidate.unit.id in self.changeovers
            self._needs[key] = Need(
                candidate.unit.id,
                self.release(operation.id, site),
                tuple(tuple(each) for each in self.tools_for(operation, candidate)),
                self.crews_for(operation, site),
                operation.setup_family if apart else "",
            )
        return self._needs[key]

    def crews_for(self, operation: Operation, site: SiteId) -> tuple[Crew, ...]:
        """Return the crews of which one has to carry the operation out there."""
        if operation.person_skill is None:
            return ()
        return self.crews.get(operation.person_skill, {}).get(site, ())

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
        self,
        operation: Operation,
        candidates: Sequence[Candidate],
        rejected: Sequence[Rejected],
        closed: Closed,
    ) -> tuple[Sequence[Candidate], Sequence[Rejected]]:
        """Return who may do it, without those that material, persons or tools never reach.

        `closed` is when work units are: a crew has to be there while the work unit is open.
        """
        missing = self.missing.get(operation.id, {})
        several = len(set(operation.tools)) < len(operation.tools)
        shifts = self._longest(operation)
        short = _longest_of(candidates) > min(shifts.values(), default=NEVER)
        manned = self._manned(operation, candidates, closed)
        if not missing and not several and not short and not manned:
            return candidates, rejected
        kept: list[Candidate] = []
        out: list[Rejected] = []
        for each in candidates:
            lacks = _missing(each, missing) if each.place.site in missing else None
            if lacks is None and several:
                lacks = self._too_few(operation, each)
            if lacks is None and each.takes.ticks > shifts.get(each.place.site, NEVER):
                lacks = _too_short(operation, each, shifts[each.place.site])
            if lacks is None and each.takes.ticks > manned.get(each.unit.id, NEVER):
                lacks = _too_short(operation, each, manned[each.unit.id])
            if lacks is None:
                kept.append(each)
            else:
                out.append(Rejected(each.unit, each.place, each.takes, (lacks,)))
        return tuple(kept), (*rejected, *out)

    def _longest(self, operation: Operation) -> dict[SiteId, int]:
        """Return, per site, for how many ticks at a stretch somebody is there at most."""
        skill = operation.person_skill
        crews = {} if skill is None else self.crews.get(skill, {})
        return {
            site: max(each.longest() for each in several)
            for site, several in crews.items()
            if several
        }

    def _manned(
        self, operation: Operation, candidates: Sequence[Candidate], closed: Closed
    ) -> dict[WorkUnitId, int]:
        """Return, for work units with hours, how long they are open with a crew there at most."""
        if operation.person_skill is None or not closed:
            return {}
        found: dict[WorkUnitId, int] = {}
        known: dict[tuple[SiteId, int], int] = {}
        for each in candidates:
            hours, site = closed.get(each.unit.id), each.place.site
            crews = self.crews_for(operation, site)
            if hours is None or not crews:
                continue
            key = site, id(hours)
            if key not in known:
                shut = _ticks(hours, self.origin)
                known[key] = max(_longest_gap((*shut, *crew.absent())) for crew in crews)
            found[each.unit.id] = known[key]
        return found

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


def _longest_gap(spans: Iterable[tuple[int, int]]) -> int:
    """Return how many ticks there are at most that none of the spans takes."""
    free, longest = 0, 0
    for start, end in sorted(spans):
        longest, free = max(longest, start - free), max(free, end)
    return max(longest, NEVER - free)


def _missing(candidate: Candidate, missing: Mapping[SiteId, MaterialId]) -> Explanation:
    site = candidate.place.site
    return Explanation(
        code=ReasonCode.MATERIAL_MISSING,
        subject=candidate.unit.id,
        details={"parameter": "material", "material": missing[site], "site": site},
    )


def _too_short(operation: Operation, candidate: Candidate, longest: int) -> Explanation:
    open_ns, takes = longest * TICK, candidate.takes.ticks * TICK
    return Explanation(
        code=ReasonCode.SHIFT_TOO_SHORT,
        subject=candidate.unit.id,
        details={
            "parameter": "shift",
            "skill": str(operation.person_skill),
            "site": candidate.place.site,
            "takes": span_text(takes),
            "open": span_text(open_ns),
        },
    )


def _longest_of(candidates: Sequence[Candidate]) -> int:
    if isinstance(candidates, Columns):
        return int(candidates.takes.ticks.max(initial=0.0))
    return max((each.takes.ticks for each in candidates), default=0)


def duties_of(product: ConfiguredProduct, plant: Plant, around: Around) -> Duties | None:
    """Return what else a plan has to keep; None where there is nothing."""
    network, origin = plant.network, around.origin
    lanes = {
        lane.id: (lane, network.sites[lane.origin].time_zone)
        for lane in network.lanes
        if lane.departures and lane.origin in network.sites
    }
    asks = any(each.tools for each in product.operations)
    skills = {each.person_skill for each in product.operations if each.person_skill is not None}
    releases, missing = _arrivals(around.materials, network, origin)
    for operation, sites in around.not_before.items():
        for site, instant in sites.items():
            _release(releases, operation, site, instant, origin)
    changeovers = _changeovers(product, plant, around)
    if not (lanes or asks or releases or missing or skills or changeovers):
        return None
    tools = {key: site.tools for key, site in network.sites.items() if site.tools}
    crews = {skill: _crews(plant, skill, around) for skill in sorted(skills)}
    names = {each.name for row in crews.values() for several in row.values() for each in several}
    crowded = {
        name: _ticks(around.busy[WorkUnitId(name)], origin)
        for name in sorted(names)
        if name in around.busy
    }
    return Duties(
        origin,
        lanes,
        tools,
        releases,
        missing,
        crews,
        crowded,
        changeovers,
        _needs={},
        _departures={},
    )


def _ticks(spans: Iterable[tuple[Instant, Instant]], origin: Instant) -> Spans:
    """Return the whole ticks that the spans touch, those before the origin too."""
    return tuple(((a - origin) // TICK, -(-(b - origin) // TICK)) for a, b in spans)


def _crews(plant: Plant, skill: SkillId, around: Around) -> dict[SiteId, tuple[Crew, ...]]:
    return {
        site: found
        for site in plant.network.sites
        if (found := able(plant.crews(site, around.origin, around.until), skill, plant.vocabulary))
    }


def _changeovers(
    product: ConfiguredProduct, plant: Plant, around: Around
) -> dict[WorkUnitId, Changeover]:
    """Return the set-ups that matter: of the product's families, or of what others do."""
    units = [each for each in plant.units if each.setups]
    own = {each.setup_family for each in product.operations} - {""}
    found = {}
    for unit in units:
        families = families_of(unit) | own | _busy_families(unit.id, around)
        busy = {
            key: _ticks(around.busy[key], around.origin)
            for key in (unit.id, *(set_up_name(unit.id, each) for each in families))
            if key in around.busy
        }
        if own or any(key != unit.id for key in busy):
            found[unit.id] = changeover_of(unit, marks_of(unit.id, families, busy))
    return found


def _busy_families(unit: WorkUnitId, around: Around) -> set[str]:
    prefix = set_up_name(unit, "")
    return {key.removeprefix(prefix) for key in around.busy if key.startswith(prefix)}


def no_duties(origin: Instant) -> Duties:
    """Return the duties of a product that has none itself, beside others that have."""
    return Duties(origin, {}, {}, {}, {}, _needs={}, _departures={})


Arrivals = dict[OperationId, dict[SiteId, int]]
Missing = dict[OperationId, dict[SiteId, MaterialId]]


def _arrivals(
    materials: Materials | None, network: Network, origin: Instant
) -> tuple[Arrivals, Missing]:
    releases: Arrivals = {}
    missing: Missing = {}
    for operation, needs in materials.needs.items() if materials else ():
        for need in needs:
            for site in network.sites.values():
                there = materials.there(operation, site.id, need) if materials else None
                if there is None:
                    missing.setdefault(operation, {})[site.id] = need.material.id
                else:
                    _release(releases, operation, site.id, there, origin)
    return releases, missing


def _release(
    releases: Arrivals, operation: OperationId, site: SiteId, there: Instant, origin: Instant
) -> None:
    """Note that the operation cannot start there before an instant."""
    row = releases.setdefault(operation, {})
    row[site] = max(row.get(site, 0), -(-(there - origin) // TICK), 0)
