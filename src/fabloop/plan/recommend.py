"""What would help: the smallest changes to product or factory, each verified by solving again.

One tree solve finds the work units that need the least change altogether: a candidate takes
nothing, any other what its changes are worth. Changes that several operations share are counted
once for each in that solve, so what it finds is thinned out afterwards until every change is
needed; alternatives come from forbidding the hardest change and solving again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
import numpy as np

from fabloop.model.explanation import Explanation, Option, OptionCode
from fabloop.model.ids import SkillId, WorkUnitId
from fabloop.model.plan import Exclusion, NotProducible
from fabloop.model.product import ConfiguredProduct, Operation
from fabloop.model.site import WorkUnit
from fabloop.model.skill import SkillVocabulary
from fabloop.plan.change import (
    BASE_PRICE,
    Change,
    World,
    applied,
    factory_change,
    has_pattern,
    product_change,
    skill_change,
)
from fabloop.plan.conflicts import every_conflict
from fabloop.plan.engine import currency_of, is_possible_now, least
from fabloop.plan.grid import grid_of_places
from fabloop.plan.layout import Moves
from fabloop.plan.problem import (
    ABSENT,
    Job,
    Objective,
    Past,
    Problem,
    Setting,
    effort,
    problem_of,
)
from fabloop.plan.roads import Hop, Place, Roads, Weights
from fabloop.plan.tree import Tables, from_place, groups_of, optimum

ALTERNATIVES_MAX = 4
"""Alternative recommendations of each kind, for the product and for the factory."""

CHEAPNESS = 1e-9
"""Weight of a candidate's cost (minor units) against prices: it only breaks ties."""

Key = tuple[str, str, str, str]
Propose = Callable[[Explanation, Operation, WorkUnit], Change | None]


def not_producible(
    product: ConfiguredProduct,
    setting: Setting,
    problem: Problem,
    exclusions: tuple[Exclusion, ...],
    past: Past | None = None,
    spent_minor: int = 0,
) -> NotProducible:
    """Return the minimal conflicts with verified options, the easiest and cheapest first.

    `spent_minor` is what the past has cost already; costs of options are totals.
    """
    world = World(product, setting)
    why = every_conflict(problem)
    return NotProducible(
        conflicts=tuple(each.reasons for each in why.conflicts),
        complete=why.complete,
        options=recommend(world, problem, past, spent_minor),
        exclusions=exclusions,
    )


def recommend(
    world: World, problem: Problem, past: Past | None = None, spent_minor: int = 0
) -> tuple[Option, ...]:
    """Return options that make the product producible, each with the least cost it then has."""
    verify = _Verify(world, past)
    sets: dict[frozenset[Key], tuple[Change, ...]] = {}
    for search in (_Search(problem, product_change), _Search(problem, factory_change, world)):
        for changes in _alternatives(search, verify):
            sets.setdefault(frozenset(each.key for each in changes), changes)
    rated = [(_price(changes), verify.cost(changes) or 0, changes) for changes in sets.values()]
    rated.sort(key=lambda each: (each[0], each[1], sorted(change.key for change in each[2])))
    return tuple(_option(changes, spent_minor + cost, world) for _, cost, changes in rated)


def _price(changes: Iterable[Change]) -> float:
    return round(sum(each.price for each in changes), 9)


def _option(changes: Sequence[Change], cost: int, world: World) -> Option:
    """Return the first change with the others beside it; a cost without ground is left out."""
    first, *others = changes
    grounded = all(has_pattern(each, world.setting.network) for each in changes)
    return msgspec.structs.replace(
        first.option(),
        cost_minor=cost if grounded else None,
        currency=currency_of(world.setting.network),
        verified=True,
        also=tuple(each.option() for each in others),
    )


class _Verify:
    """Solves the changed input again; answers are kept, for the same sets come up repeatedly."""

    def __init__(self, world: World, past: Past | None) -> None:
        self._world = world
        self._past = past
        self._known: dict[frozenset[tuple[Key, object]], int | None] = {}

    def cost(self, changes: Iterable[Change]) -> int | None:
        """Return the least cost after the changes, or None where still nothing can be made."""
        changes = tuple(changes)
        key = frozenset((each.key, each.after) for each in changes)
        if key not in self._known:
            world = self._world
            for change in changes:
                world = applied(change, world)
            problem = problem_of(world.product, world.setting, self._past)
            possible = is_possible_now(problem)
            self._known[key] = round(least(problem, Objective.COST)) if possible else None
        return self._known[key]


def _alternatives(search: "_Search", verify: _Verify) -> list[tuple[Change, ...]]:
    """Return sets of changes that help, each one needed in its set."""
    banned: set[Key] = set()
    found: list[tuple[Change, ...]] = []
    for _ in range(ALTERNATIVES_MAX):
        changes = search.least_changes(banned)
        if not changes:
            break
        banned.add(max(changes, key=lambda each: (each.price, each.key)).key)
        if verify.cost(changes) is not None:
            found.append(_needed(changes, verify))
    return found


def _needed(changes: Sequence[Change], verify: _Verify) -> tuple[Change, ...]:
    """Drop changes, the hardest first, as long as the others help without them."""
    kept = list(changes)
    for change in sorted(changes, key=lambda each: (-each.price, each.key)):
        rest = [each for each in kept if each != change]
        if rest and verify.cost(rest) is not None:
            kept = rest
    return tuple(kept)


class _Search:
    """Finds the least changes by a tree solve over all work units that a change could bring in.

    Without a `world` only work units that have the skill count and ways stay as they are.
    """

    def __init__(self, problem: Problem, propose: Propose, world: World | None = None) -> None:
        self._problem = problem
        self._propose = propose
        self._extends = world is not None
        self._seats = [self._seats_of(job, world) for job in problem.jobs]
        places = [seat.place for row in self._seats for seat in row]
        self._grid = grid_of_places(problem.roads, places)
        self._spots = [self._grid.spots([seat.place for seat in row]) for row in self._seats]

    def _seats_of(self, job: Job, world: World | None) -> list["_Seat"]:
        seats = [_Seat(each.place, each.unit, each.takes.cost, ()) for each in job.candidates]
        for each in job.rejected:
            proposed = [self._propose(reason, job.operation, each.unit) for reason in each.reasons]
            changes = tuple(change for change in proposed if change is not None)
            if len(changes) == len(proposed):
                seats.append(_Seat(each.place, each.unit, each.takes.cost, changes))
        if world is not None:
            able = {each.unit.id for each in job.candidates}
            able |= {each.unit.id for each in job.rejected}
            seats.extend(_strangers(job.operation, world, able))
        return seats

    def least_changes(self, banned: set[Key]) -> tuple[Change, ...]:
        """Return the changes of the best choice; empty where none is possible or needed."""
        moves = self._moves(banned)
        tables = self._tables(banned, moves)
        if any(not len(node) for node in tables.nodes):
            return ()
        found = optimum(tables)
        if found is None:
            return ()
        chosen = {
            number: self._seats[number][pick]
            for number, pick in enumerate(found.choice)
            if pick != ABSENT
        }
        changes: dict[Key, Change] = {}
        for change in (
            *(c for seat in chosen.values() for c in seat.changes),
            *self._new_ways(chosen),
        ):
            known = changes.get(change.key)
            if known is None or _is_stricter(change, known):
                changes[change.key] = change
        return tuple(changes.values())

    def _tables(self, banned: set[Key], moves: Moves) -> Tables:
        nodes = []
        for number, row in enumerate(self._seats):
            node = np.array([_worth(seat, banned) for seat in row], dtype=np.float64)
            for source in self._problem.jobs[number].sources:
                if source.place is not None:
                    node = node + from_place(source.place, self._grid, self._spots[number], moves)
            nodes.append(node)
        return Tables(
            inputs=tuple(tuple(job.feeding()) for job in self._problem.jobs),
            spots=tuple(self._spots),
            nodes=tuple(nodes),
            ready=tuple(np.zeros(len(node)) for node in nodes),
            moves=moves,
            adds=True,
            groups=groups_of(self._problem),
        )

    def _moves(self, banned: set[Key]) -> Moves:
        """Return movements that take nothing; new ways take their price where they may be made."""
        roads = self._problem.roads
        moves = roads.moves(Weights())
        if not self._extends:
            return moves
        return _extended(roads, self._grid.site, moves, banned)

    def _new_ways(self, chosen: Mapping[int, "_Seat"]) -> list[Change]:
        changes: list[Change] = []
        for number, seat in chosen.items():
            for source in self._problem.jobs[number].sources:
                makers = (chosen[each].place for each in source.jobs if each in chosen)
                place = next(makers, source.place)
                assert place is not None, "an input is either open or somewhere"
                changes.extend(_missing_ways(self._problem.roads, place, seat.place))
        return changes


class _Seat(msgspec.Struct, frozen=True):
    """A work unit that could do an operation after some changes (none for a candidate)."""

    place: Place
    unit: WorkUnit
    cost: int
    changes: tuple[Change, ...]


def _strangers(operation: Operation, world: World, able: set[WorkUnitId]) -> list[_Seat]:
    """Return the work units that would have to learn the skill; those that move things do not.

    Where some do work of the same kind already, only they count: a mill may learn to ream, a
    store will not.
    """
    network, vocabulary = world.setting.network, world.setting.vocabulary
    movers = {link.by for site in network.sites.values() for link in site.transport}
    strangers = [
        unit
        for unit in network.work_units().values()
        if unit.id not in able | movers and unit.offers
    ]
    kind = _kind(operation.requirement.skill, vocabulary)
    akin = [
        unit
        for unit in strangers
        if any(_kind(each.skill, vocabulary) == kind for each in unit.offers)
    ]
    return [
        _Seat(
            Place(unit.site, unit.area, unit.id),
            unit,
            effort(operation, unit, network.sites[unit.site]).cost,
            (skill_change(operation, unit),),
        )
        for unit in akin or strangers
    ]


def _kind(skill: SkillId, vocabulary: SkillVocabulary) -> SkillId:
    """Return the broadest skill that this one is a kind of."""
    return next((each.id for each in reversed([*vocabulary.lineage(skill)])), skill)


def _worth(seat: _Seat, banned: set[Key]) -> float:
    if any(change.key in banned for change in seat.changes):
        return float("inf")
    return sum(change.price for change in seat.changes) + CHEAPNESS * seat.cost


def _is_stricter(change: Change, known: Change) -> bool:
    """Tell which of two amounts of the same change is the larger one: it serves both."""
    return change.price > known.price


def _extended(roads: Roads, numbers: dict[str, int], moves: Moves, banned: set[Key]) -> Moves:
    """Return the movements with every missing link and lane at its price."""
    link, lane = moves.link.copy(), moves.lane.copy()
    out, into = moves.out.copy(), moves.into.copy()
    for site, areas in roads.areas.items():
        s, count = numbers[site], len(areas)
        known = link[s, :count, :count]
        price = np.full((count, count), BASE_PRICE[OptionCode.ADD_LINK])
        for a, origin in enumerate(areas):
            for b, destination in enumerate(areas):
                if _link(site, origin, destination).key in banned:
                    price[a, b] = np.inf
        known[...] = np.minimum(known, price)
        gate = areas.index(roads.gates[site])
        out[s, :count], into[s, :count] = known[:, gate], known[gate, :]
        out[s, gate] = into[s, gate] = 0.0
        for other in roads.areas:
            if other != site and _lane(site, other).key not in banned:
                there = numbers[other]
                lane[s, there] = min(lane[s, there], BASE_PRICE[OptionCode.ADD_LANE])
    return Moves(link, out, into, lane)


def _link(site: str, origin: str, destination: str) -> Change:
    """Return the change that adds a link; it serves both directions."""
    first, second = sorted((origin, destination))
    return Change(
        OptionCode.ADD_LINK,
        site,
        f"{first} - {second}",
        first,
        second,
        price=BASE_PRICE[OptionCode.ADD_LINK],
    )


def _lane(origin: str, destination: str) -> Change:
    price = BASE_PRICE[OptionCode.ADD_LANE]
    return Change(OptionCode.ADD_LANE, origin, destination, price=price)


def _missing_ways(roads: Roads, origin: Place, destination: Place) -> list[Change]:
    """Return what has to be added so that a work piece gets from one place to the other."""
    if roads.route(origin, destination, Weights()) is not None:
        return []
    if origin.site == destination.site:
        return [_link(origin.site, origin.area, destination.area)]
    start, end = roads.gates[origin.site], roads.gates[destination.site]
    changes = []
    if origin.area != start and not _hops(roads, origin.site, origin.area, start):
        changes.append(_link(origin.site, origin.area, start))
    if not roads.lanes.get((origin.site, destination.site)):
        changes.append(_lane(origin.site, destination.site))
    if destination.area != end and not _hops(roads, destination.site, end, destination.area):
        changes.append(_link(destination.site, end, destination.area))
    return changes


def _hops(roads: Roads, site: str, origin: str, destination: str) -> tuple[Hop, ...]:
    return next(
        (hops for key, hops in roads.links.items() if key == (site, origin, destination)), ()
    )
