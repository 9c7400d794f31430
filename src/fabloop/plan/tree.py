"""Exact minimum of any additive measure, and the contention-free makespan, over an in-tree.

The recursion is ``best[job][unit] = takes[job][unit] + sum over inputs of min(best[input][other]
+ movement)``; `max` in place of the sum gives the makespan without contention. One edge is one
numpy call, because movements depend on areas and gates only. Sources: dynamic programming on
trees as in `Problem`; the best alternatives by splitting the space at the best min-marginal
(Yanover and Weiss, 2004), exact on trees.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from fabloop.plan.problem import Problem
from fabloop.plan.roads import Place, Roads, Weights

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]


class Grid(msgspec.Struct, frozen=True):
    """Numbers for sites, areas (within their site) and work units."""

    site: dict[str, int]
    area: dict[tuple[str, str], int]
    unit: dict[str, int]

    def spots(self, places: Sequence[Place]) -> "Spots":
        """Return the places as arrays; a place without a work unit has unit -1."""
        return Spots(
            np.array([self.site[each.site] for each in places], dtype=np.int64),
            np.array([self.area[each.site, each.area] for each in places], dtype=np.int64),
            np.array([self.unit.get(each.unit or "", -1) for each in places], dtype=np.int64),
        )


class Spots(msgspec.Struct, frozen=True):
    """Places as arrays of site, area and work unit numbers, shape (n,)."""

    site: Ints
    area: Ints
    unit: Ints


class Moves(msgspec.Struct, frozen=True):
    """What moving takes under one measure; inf is impossible.

    Attributes
    ----------
    link : float64, shape (sites, areas, areas), from the first area to the second
    out, into : float64, shape (sites, areas), to and from the gate; 0 at the gate
    lane : float64, shape (sites, sites)
    """

    link: Floats
    out: Floats
    into: Floats
    lane: Floats

    def reversed(self) -> "Moves":
        """Return the same movements from destination to origin."""
        return Moves(self.link.transpose(0, 2, 1), self.into, self.out, self.lane.T)


class Tables(msgspec.Struct, frozen=True):
    """A problem under one measure.

    `nodes[j]` (shape (n_j,)) is what job j takes at each of its choices, ready inputs from
    settled operations included where the measure is additive; `ready[j]` holds, for the
    makespan, when such inputs arrive. `inputs[j]` are the open jobs it takes from.
    """

    inputs: tuple[tuple[int, ...], ...]
    spots: tuple[Spots, ...]
    nodes: tuple[Floats, ...]
    ready: tuple[Floats, ...]
    moves: Moves
    units: int
    adds: bool
    free_edges: frozenset[int] = frozenset()
    """Jobs whose output may be anywhere at once: their edge is left out of account."""


class Found(msgspec.Struct, frozen=True):
    """The best value, and for each job the number of its chosen candidate."""

    value: float
    choice: tuple[int, ...]


Masks: TypeAlias = dict[int, Bools]
"""For some jobs, which choices are allowed."""


def grid_of(roads: Roads, places: Sequence[Place]) -> Grid:
    """Number the sites and areas of the roads, and the work units of the places."""
    site = {str(each): index for index, each in enumerate(roads.areas)}
    area = {
        (str(site), str(area)): index
        for site, areas in roads.areas.items()
        for index, area in enumerate(areas)
    }
    units = dict.fromkeys(each.unit for each in places if each.unit is not None)
    return Grid(site, area, {unit: index for index, unit in enumerate(units)})


def moves_of(roads: Roads, grid: Grid, weights: Weights) -> Moves:
    """Return the movement arrays; of parallel hops the best one under `weights` counts."""
    sites = len(grid.site)
    areas = max((len(each) for each in roads.areas.values()), default=0)
    link = np.full((sites, areas, areas), np.inf)
    for (site, origin, destination), hops in roads.links.items():
        key = grid.site[site], grid.area[site, origin], grid.area[site, destination]
        link[key] = min(weights.of(hop.takes) for hop in hops)
    lane = np.full((sites, sites), np.inf)
    for (start, end), hops in roads.lanes.items():
        lane[grid.site[start], grid.site[end]] = min(weights.of(hop.takes) for hop in hops)
    out, into = np.full((sites, areas), np.inf), np.full((sites, areas), np.inf)
    for name, gate in roads.gates.items():
        s, g = grid.site[name], grid.area[name, gate]
        out[s], into[s] = link[s, :, g], link[s, g, :]
        out[s, g] = into[s, g] = 0.0
    return Moves(link, out, into, lane)


def tables_of(
    problem: Problem,
    weights: Weights,
    *,
    adds: bool = True,
    extra: Sequence[Floats] | None = None,
) -> Tables:
    """Return the problem under a measure; `extra` is added to what each choice takes.

    `adds` is False for the makespan, where inputs run side by side.
    """
    every = [each.place for job in problem.jobs for each in job.candidates]
    grid = grid_of(problem.roads, every)
    moves = moves_of(problem.roads, grid, weights)
    spots, nodes, ready = [], [], []
    for number, job in enumerate(problem.jobs):
        here = grid.spots([each.place for each in job.candidates])
        node = np.array([weights.of(each.takes) for each in job.candidates], dtype=np.float64)
        if extra is not None:
            node = node + extra[number]
        arrival = np.zeros(len(node))
        for source in job.sources:
            if source.place is None:
                continue
            way = from_place(source.place, grid, here, moves)
            if adds:
                node = node + way
            else:
                arrival = np.maximum(arrival, source.ready + way)
        spots.append(here)
        nodes.append(node)
        ready.append(arrival)
    inputs = tuple(tuple(job.feeding()) for job in problem.jobs)
    return Tables(inputs, tuple(spots), tuple(nodes), tuple(ready), moves, len(grid.unit), adds)


def from_place(place: Place, grid: Grid, here: Spots, moves: Moves) -> Floats:
    """Return what moving from one place to each of the spots takes, shape (n,)."""
    start = grid.spots([place])
    site, area, unit = int(start.site[0]), int(start.area[0]), int(start.unit[0])
    way = _between(site, area, unit, here, moves.reversed())
    if place.unit is None:
        at_gate = (here.site == start.site[0]) & (here.area == start.area[0])
        way[at_gate] = 0.0
    return way


def _between(site: int, area: int, unit: int, others: Spots, moves: Moves) -> Floats:
    """Return what moving from each of the others to one spot takes, shape (n,)."""
    over = (
        moves.out[others.site, others.area] + moves.lane[others.site, site] + moves.into[site, area]
    )
    way: Floats = np.where(others.site == site, moves.link[site, others.area, area], over)
    if unit >= 0:
        way[others.unit == unit] = 0.0
    return way


def message(value: Floats, start: Spots, end: Spots, moves: Moves, units: int) -> Floats:
    """Return ``min over starts of value + movement`` for each end, shape (len(end),)."""
    per_area = np.full(moves.out.shape, np.inf)
    np.minimum.at(per_area, (start.site, start.area), value)
    live = np.flatnonzero(np.isfinite(per_area).any(axis=1))
    reach = np.full(moves.out.shape, np.inf)
    if len(live):
        reach[live] = (per_area[live, :, None] + moves.link[live]).min(axis=1)
        gate = (per_area[live] + moves.out[live]).min(axis=1)
        arrive = (gate[:, None] + moves.lane[live]).min(axis=0)
        np.minimum(reach, arrive[:, None] + moves.into, out=reach)
    stay = np.full(units, np.inf)
    stay[start.unit] = value
    found: Floats = np.minimum(reach[end.site, end.area], stay[end.unit])
    return found


def _masked(tables: Tables, job: int, masks: Masks) -> Floats:
    mask = masks.get(job)
    return tables.nodes[job] if mask is None else np.where(mask, tables.nodes[job], np.inf)


def heads(tables: Tables, masks: Masks | None = None) -> tuple[list[Floats], list[Floats]]:
    """Return, per job, the best value up to and with it at each choice, and its messages.

    The second list holds what each job contributes to its taker, per choice of the taker.
    """
    masks = masks or {}
    best: list[Floats] = []
    sent: list[Floats] = [np.zeros(0)] * len(tables.nodes)
    for job in range(len(tables.nodes)):
        arrival = tables.ready[job]
        for child in tables.inputs[job]:
            sent[child] = _send(tables, best[child], child, job)
            arrival = arrival + sent[child] if tables.adds else np.maximum(arrival, sent[child])
        best.append(_masked(tables, job, masks) + arrival)
    return best, sent


def _send(tables: Tables, value: Floats, child: int, job: int) -> Floats:
    if child in tables.free_edges:
        return np.full(len(tables.nodes[job]), value.min(initial=np.inf))
    return message(value, tables.spots[child], tables.spots[job], tables.moves, tables.units)


def optimum(tables: Tables, masks: Masks | None = None) -> Found | None:
    """Return the best choice of all, or None where there is none.

    A problem without open jobs has the empty choice and value 0.
    """
    if not tables.nodes:
        return Found(0.0, ())
    best, _ = heads(tables, masks)
    if not np.isfinite(best[-1].min(initial=np.inf)):
        return None
    choice = [-1] * len(best)
    choice[-1] = int(best[-1].argmin())
    for job in range(len(best) - 1, -1, -1):
        for child in tables.inputs[job]:
            choice[child] = _argbest(tables, best[child], child, job, choice[job])
    return Found(float(best[-1].min()), tuple(choice))


def _argbest(tables: Tables, value: Floats, child: int, job: int, chosen: int) -> int:
    """Return the child's best choice given its taker's; of equals, one without a movement."""
    if child in tables.free_edges:
        return int(value.argmin())
    here, spots = tables.spots[job], tables.spots[child]
    site, area, unit = int(here.site[chosen]), int(here.area[chosen]), int(here.unit[chosen])
    total = value + _between(site, area, unit, spots, tables.moves)
    same = np.flatnonzero(spots.unit == unit)
    if len(same) and total[same[0]] <= total.min():
        return int(same[0])
    return int(total.argmin())


def is_possible(tables: Tables, masks: Masks | None = None) -> bool:
    """Tell whether any plan exists."""
    if not tables.nodes:
        return True
    best, _ = heads(tables, masks)
    return bool(np.isfinite(best[-1].min(initial=np.inf)))


def tails(tables: Tables) -> list[Floats]:
    """Return, per job and choice, the least time from its end to the end of the product.

    Other inputs are not looked at, so this is a lower bound that heads complement.
    """
    back = tables.moves.reversed()
    tail: list[Floats] = [np.zeros(len(node)) for node in tables.nodes]
    for job in range(len(tables.nodes) - 1, -1, -1):
        through = tail[job] + tables.nodes[job]
        for child in tables.inputs[job]:
            tail[child] = message(
                through, tables.spots[job], tables.spots[child], back, tables.units
            )
    return tail


class _Space(msgspec.Struct, eq=False):
    """A part of all plans: its best one, and where the next best one departs from it."""

    masks: Masks
    best: Found
    next_value: float = np.inf
    next_job: int = -1
    next_choice: int = -1


def best_plans(tables: Tables, masks: Masks | None = None) -> Iterator[Found]:
    """Yield all different choices, best first; each further one is only sought when asked for.

    For additive measures only.
    """
    assert tables.adds, "the best alternatives are defined for sums"
    first = optimum(tables, masks)
    if first is None:
        return
    yield first
    if not tables.nodes:
        return
    spaces = [_look_ahead(tables, _Space(dict(masks or {}), first))]
    while True:
        space = min(spaces, key=lambda each: each.next_value)
        if not np.isfinite(space.next_value):
            return
        found, parts = _split(tables, space)
        spaces.remove(space)
        yield found
        spaces.extend(_look_ahead(tables, each) for each in parts)


def _split(tables: Tables, space: _Space) -> tuple[Found, tuple[_Space, _Space]]:
    """Divide a space where its second best plan departs; return that plan and both parts."""
    job, pick = space.next_job, space.next_choice
    allowed = space.masks.get(job, np.ones(len(tables.nodes[job]), dtype=np.bool_))
    only, without = np.zeros_like(allowed), allowed.copy()
    only[pick], without[pick] = True, False
    chosen = optimum(tables, {**space.masks, job: only})
    assert chosen is not None, "a min-marginal promised a plan"
    return chosen, (
        _Space({**space.masks, job: only}, chosen),
        _Space({**space.masks, job: without}, space.best),
    )


def _look_ahead(tables: Tables, space: _Space) -> _Space:
    for job, marginal in enumerate(marginals(tables, space.masks)):
        others = marginal.copy()
        others[space.best.choice[job]] = np.inf
        pick = int(others.argmin())
        if others[pick] < space.next_value:
            space.next_value, space.next_job, space.next_choice = float(others[pick]), job, pick
    return space


def marginals(tables: Tables, masks: Masks | None = None) -> list[Floats]:
    """Return, per job and choice, the best value of any plan that chooses it."""
    masks = masks or {}
    best, sent = heads(tables, masks)
    back = tables.moves.reversed()
    outer = [np.zeros(len(node)) for node in tables.nodes]
    for job in range(len(tables.nodes) - 1, -1, -1):
        own = _masked(tables, job, masks) + tables.ready[job] + outer[job]
        for child in tables.inputs[job]:
            rest = own
            for sibling in tables.inputs[job]:
                if sibling != child:
                    rest = rest + sent[sibling]
            if child in tables.free_edges:
                outer[child] = np.full(len(tables.nodes[child]), rest.min(initial=np.inf))
            else:
                outer[child] = message(
                    rest, tables.spots[job], tables.spots[child], back, tables.units
                )
    return [up + down for up, down in zip(best, outer, strict=True)]
