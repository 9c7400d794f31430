"""Exact minimum of any additive measure, and the contention-free makespan, over an in-tree.

The recursion is ``best[job][unit] = takes[job][unit] + sum over inputs of min(best[input][other]
+ movement)``; `max` in place of the sum gives the makespan without contention. Where alternatives
make an input, the least of them counts. One edge is a few numpy calls, because movements depend
on areas and gates only. Sources: dynamic programming on trees as in `Problem`; the best
alternatives by splitting the space at the best min-marginal (Yanover and Weiss, 2004), exact on
trees.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

import msgspec
import numpy as np

from fabloop.plan.statement.candidates import Columns
from fabloop.plan.statement.grid import Grid, grid_of_places
from fabloop.plan.statement.layout import Bools, Floats, Moves, Spots, message, ways_to
from fabloop.plan.statement.problem import ABSENT, Job, Problem
from fabloop.plan.statement.roads import Place, Weights


class Tables(msgspec.Struct, frozen=True):
    """A problem under one measure.

    `nodes[j]` (shape (n_j,)) is what job j takes at each of its choices, ready inputs from
    settled operations included where the measure is additive; `ready[j]` holds, for the
    makespan, when such inputs arrive. `inputs[j]` are the open jobs it takes from. Where
    alternatives make an input, `groups` holds for the taker, per input, the jobs of which one
    makes it; the others, and what leads to them alone, are then not carried out.
    """

    inputs: tuple[tuple[int, ...], ...]
    spots: tuple[Spots, ...]
    nodes: tuple[Floats, ...]
    ready: tuple[Floats, ...]
    moves: Moves
    adds: bool
    free_edges: frozenset[int] = frozenset()
    """Jobs whose output may be anywhere at once: their edge is left out of account."""
    groups: dict[int, tuple[tuple[int, ...], ...]] = {}

    def feeds(self, job: int) -> tuple[tuple[int, ...], ...]:
        """Return, per input of a job, the jobs of which one makes it."""
        known = self.groups.get(job)
        return tuple((each,) for each in self.inputs[job]) if known is None else known


class Found(msgspec.Struct, frozen=True):
    """The best value, and for each job the number of its chosen candidate.

    `ABSENT` stands for a job that another one is carried out instead of.
    """

    value: float
    choice: tuple[int, ...]


Masks: TypeAlias = dict[int, Bools]
"""For some jobs, which choices are allowed."""


class _Seats:
    """Where the candidates of a problem are, all of them numbered alike."""

    def __init__(self, problem: Problem) -> None:
        columns = [each.candidates for each in problem.jobs if isinstance(each.candidates, Columns)]
        if columns:
            self.grid = columns[0].plant.grid
        else:
            every = [each.place for job in problem.jobs for each in job.candidates]
            self.grid = grid_of_places(problem.roads, every)

    def of(self, job: Job) -> Spots:
        """Return where a job's candidates are."""
        if isinstance(job.candidates, Columns):
            return job.candidates.spots
        return self.grid.spots([each.place for each in job.candidates])


def _taken(job: Job, weights: Weights) -> Floats:
    """Return what the job takes at each of its candidates."""
    if isinstance(job.candidates, Columns):
        return weights.of(job.candidates.takes)
    return np.array([weights.of(each.takes) for each in job.candidates], dtype=np.float64)


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
    rows = [*rows_of(problem, range(len(problem.jobs)), weights, adds=adds, extra=extra)]
    return Tables(
        inputs=tuple(tuple(job.feeding()) for job in problem.jobs),
        spots=tuple(spots for spots, _, _ in rows),
        nodes=tuple(node for _, node, _ in rows),
        ready=tuple(ready for _, _, ready in rows),
        moves=problem.roads.moves(weights),
        adds=adds,
        groups=groups_of(problem),
    )


def rows_of(
    problem: Problem,
    numbers: Iterable[int],
    weights: Weights,
    *,
    adds: bool = True,
    extra: Sequence[Floats] | None = None,
) -> Iterator[tuple[Spots, Floats, Floats]]:
    """Yield, for some jobs, the spots, nodes and ready inputs of the tables."""
    seats = _Seats(problem)
    moves = problem.roads.moves(weights)
    for number in numbers:
        job = problem.jobs[number]
        here = seats.of(job)
        node = _taken(job, weights)
        if extra is not None:
            node = node + extra[number]
        arrival = np.zeros(len(node))
        for source in job.sources:
            if source.place is None:
                continue
            way = from_place(source.place, seats.grid, here, moves)
            if adds:
                node = node + way
            else:
                arrival = np.maximum(arrival, source.ready + way)
        yield here, node, arrival


def groups_of(problem: Problem) -> dict[int, tuple[tuple[int, ...], ...]]:
    """Return the feeds of the jobs that alternatives lead to."""
    return {
        number: job.feeds()
        for number, job in enumerate(problem.jobs)
        if any(source.others for source in job.sources)
    }


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


def _masked(tables: Tables, job: int, masks: Masks) -> Floats:
    mask = masks.get(job)
    return tables.nodes[job] if mask is None else np.where(mask, tables.nodes[job], np.inf)


Sent: TypeAlias = dict[tuple[int, int], Floats]
"""What a job contributes to a taker, per choice of the taker, by both numbers."""


def heads(tables: Tables, masks: Masks | None = None) -> tuple[list[Floats], Sent]:
    """Return, per job, the best value up to and with it at each choice, and the messages."""
    masks = masks or {}
    best: list[Floats] = []
    sent: Sent = {}
    for job in range(len(tables.nodes)):
        arrival = tables.ready[job]
        for makers in tables.feeds(job):
            for maker in makers:
                sent[maker, job] = send(tables, best[maker], maker, job)
            got = got_of(sent, makers, job)
            arrival = arrival + got if tables.adds else np.maximum(arrival, got)
        best.append(_masked(tables, job, masks) + arrival)
    return best, sent


def got_of(sent: Sent, makers: tuple[int, ...], job: int) -> Floats:
    """Return the least that an input takes, by whichever maker."""
    found = sent[makers[0], job]
    for maker in makers[1:]:
        found = np.minimum(found, sent[maker, job])
    return found


def send(tables: Tables, value: Floats, child: int, job: int) -> Floats:
    """Return what a maker contributes to each choice of its taker."""
    if child in tables.free_edges:
        return np.full(len(tables.nodes[job]), value.min(initial=np.inf))
    return message(value, tables.spots[child], tables.spots[job], tables.moves)


def optimum(tables: Tables, masks: Masks | None = None) -> Found | None:
    """Return the best choice of all, or None where there is none.

    A problem without open jobs has the empty choice and value 0.
    """
    if not tables.nodes:
        return Found(0.0, ())
    best, sent = heads(tables, masks)
    if not np.isfinite(best[-1].min(initial=np.inf)):
        return None

    def pick(maker: int, job: int, chosen: int) -> int:
        return best_maker(tables, best[maker], maker, job, chosen)

    return Found(float(best[-1].min()), picked(tables, best, sent, pick))


def picked(
    tables: Tables, best: Sequence[Floats], sent: Sent, pick: Callable[[int, int, int], int]
) -> tuple[int, ...]:
    """Return the best choice of each job; `pick` tells a maker's, given its taker's."""
    choice = [ABSENT] * len(best)
    choice[-1] = int(best[-1].argmin())
    for job in range(len(best) - 1, -1, -1):
        if choice[job] == ABSENT:
            continue
        for makers in tables.feeds(job):
            maker = min(makers, key=lambda each: sent[each, job][choice[job]])
            choice[maker] = pick(maker, job, choice[job])
    return tuple(choice)


def best_maker(tables: Tables, value: Floats, child: int, job: int, chosen: int) -> int:
    """Return the child's best choice given its taker's; of equals, one without a movement."""
    if child in tables.free_edges:
        return int(value.argmin())
    here, spots = tables.spots[job], tables.spots[child]
    total = value + ways_to(chosen, spots, here, tables.moves)
    best = int(total.argmin())
    same = np.flatnonzero(spots.unit == here.unit[chosen])
    if len(same) and total[same[0]] <= total[best]:
        return int(same[0])
    return best


def is_possible(tables: Tables, masks: Masks | None = None) -> bool:
    """Tell whether any plan exists."""
    if not tables.nodes:
        return True
    best, _ = heads(tables, masks)
    return bool(np.isfinite(best[-1].min(initial=np.inf)))


def tails(tables: Tables, masks: Masks | None = None) -> list[Floats]:
    """Return, per job and choice, the least time from its end to the end of the product.

    Other inputs are not looked at, so this is a lower bound that heads complement.
    """
    masks = masks or {}
    back = tables.moves.reversed()
    tail = [np.full(len(node), np.inf) for node in tables.nodes]
    if tail:
        tail[-1][:] = 0.0
    for job in range(len(tables.nodes) - 1, -1, -1):
        if job in masks:
            tail[job] = np.where(masks[job], tail[job], np.inf)
        through = tail[job] + tables.nodes[job]
        for maker in tables.inputs[job]:
            down = message(through, tables.spots[job], tables.spots[maker], back)
            np.minimum(tail[maker], down, out=tail[maker])
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
    there = {**space.masks, job: only, **_without_rivals(tables, job)}
    chosen = optimum(tables, there)
    assert chosen is not None, "a min-marginal promised a plan"
    return chosen, (
        _Space(there, chosen),
        _Space({**space.masks, job: without}, space.best),
    )


def _without_rivals(tables: Tables, job: int) -> Masks:
    """Forbid every job that can only be carried out where this one is not."""
    rivals: set[int] = set()
    for groups in tables.groups.values():
        for makers in groups:
            if len(makers) > 1:
                under = {maker: _under(tables, maker) for maker in makers}
                for maker in makers:
                    for other in makers:
                        if job in under[maker] - under[other]:
                            rivals |= under[other] - under[maker]
    return {each: np.zeros(len(tables.nodes[each]), dtype=np.bool_) for each in rivals}


def _under(tables: Tables, job: int) -> frozenset[int]:
    """Return the jobs that lead to this one, and itself."""
    seen = {job}
    stack = [job]
    while stack:
        for maker in tables.inputs[stack.pop()]:
            if maker not in seen:
                seen.add(maker)
                stack.append(maker)
    return frozenset(seen)


def _look_ahead(tables: Tables, space: _Space) -> _Space:
    for job, marginal in enumerate(marginals(tables, space.masks)):
        others = marginal.copy()
        if space.best.choice[job] != ABSENT:
            others[space.best.choice[job]] = np.inf
        if not len(others):
            continue
        pick = int(others.argmin())
        if others[pick] < space.next_value:
            space.next_value, space.next_job, space.next_choice = float(others[pick]), job, pick
    return space


def marginals(tables: Tables, masks: Masks | None = None) -> list[Floats]:
    """Return, per job and choice, the best value of any plan that chooses it."""
    masks = masks or {}
    best, sent = heads(tables, masks)
    back = tables.moves.reversed()
    outer = [np.full(len(node), np.inf) for node in tables.nodes]
    if outer:
        outer[-1][:] = 0.0
    for job in range(len(tables.nodes) - 1, -1, -1):
        own = _masked(tables, job, masks) + tables.ready[job] + outer[job]
        feeds = tables.feeds(job)
        for makers in feeds:
            rest = own
            for others in feeds:
                if others is not makers:
                    rest = rest + got_of(sent, others, job)
            for maker in makers:
                down = _sent_back(tables, rest, job, maker, back)
                np.minimum(outer[maker], down, out=outer[maker])
    return [up + down for up, down in zip(best, outer, strict=True)]


def _sent_back(tables: Tables, value: Floats, job: int, maker: int, back: Moves) -> Floats:
    if maker in tables.free_edges:
        return np.full(len(tables.nodes[maker]), value.min(initial=np.inf))
    return message(value, tables.spots[job], tables.spots[maker], back)
