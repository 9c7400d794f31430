"""Which factories to use at all: branch and bound over subsets, each bounded by the tree.

Jobs pay prices for using a site, and sites are opened where prices paid exceed what opening takes:
any prices give a bound, and subgradient steps improve it (Lagrangian relaxation of the link
between jobs and sites). Each bound's own plan names a subset, and the tree over that subset alone
gives an answer.

Where the number of factories is limited, one of each *group* has to be open: the factories that can
carry out a job that every plan has, and those outside a set that was found not to do. A smallest
set that meets all groups says when no subset is small enough, and which one to try.
"""

import heapq
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from fabloop.plan.catalogue.hitting import smallest_hit
from fabloop.plan.catalogue.passage import bits_of
from fabloop.plan.statement.layout import Floats
from fabloop.plan.statement.problem import ABSENT
from fabloop.plan.tree import Found, Tables, optimum

STEPS_AT_ROOT = 40
STEPS_BELOW = 8
"""Subgradient steps for the first bound, and for each one after a branching."""

SOLVES_PER_EFFORT = 60
"""Tree solves that one unit of effort (about a CPU second at full size) allows."""

TRIES_MAX = 100
"""Sets of sites tried for being few enough, before the search begins."""

EXACT = 1e-9
"""Relative difference below which a bound meets a value."""


class Subset(msgspec.Struct, frozen=True):
    """The best choice found with its value, and a bound on all; no choice where none was found."""

    choice: tuple[int, ...] | None
    value: float
    bound: float
    solves: int


class _Node(msgspec.Struct, frozen=True):
    """A part of all subsets: which sites are open for sure, and which may not be used."""

    opened: frozenset[int]
    closed: frozenset[int]
    prices: Floats


class _Bounded(msgspec.Struct, frozen=True):
    """The best bound on a node, the prices that gave it, and how often each site was used."""

    bound: float
    prices: Floats
    votes: Floats


class _Search:
    """One search; arrays over sites are in the order of the tables' site numbers."""

    def __init__(self, tables: Tables, tolls: Floats, most: int, solves: int) -> None:
        self.tables = tables
        self.tolls = tolls
        self.most = most
        self.left = solves
        self.grain = _grain(tables, tolls)
        self.value = np.inf
        self.choice: tuple[int, ...] | None = None
        self._known: set[frozenset[int]] = set()
        self._all = frozenset(range(len(tolls)))
        self.can = np.zeros((len(tables.nodes), len(tolls)))
        for job, spots in enumerate(tables.spots):
            self.can[job, np.unique(spots.site)] = 1.0
        self._groups = sorted({_mask(np.flatnonzero(self.can[each])) for each in _always(tables)})

    def run(self) -> float:
        """Search as far as the solves last; return the bound on all plans."""
        if not self._begin():
            return np.inf
        share = self.tolls / np.maximum(1.0, self.can.sum(axis=0))
        root = _Node(frozenset(), frozenset(), self.can * share)
        count, known = 0, self._weigh(root, STEPS_AT_ROOT)
        heap = [(known.bound, count, known, root)]
        while heap:
            bound, _, known, node = heapq.heappop(heap)
            if self._meets(bound):
                return self.value
            if self.left <= 0:
                return min(bound, self.value)
            for child in self._branches(node, known):
                count += 1
                below = self._weigh(child, STEPS_BELOW)
                lower = max(below.bound, bound)
                if not self._meets(lower):
                    heapq.heappush(heap, (lower, count, below, child))
        return self.value

    def _begin(self) -> bool:
        """Try smallest sets that meet all groups; return False where none is small enough."""
        if self.most >= len(self.tolls):
            return True
        able = sorted(self._all, key=lambda site: -float(self.can[:, site].sum()))
        for _ in range(TRIES_MAX):
            hit = smallest_hit(self._groups)
            if hit is None or hit.at_least > self.most:
                return False
            sites = dict.fromkeys((*bits_of(hit.members), *able))
            if self._take(frozenset(list(sites)[: self.most])):
                return True
        return True

    def _is_hopeless(self, node: _Node) -> bool:
        """Tell whether more sites have to be opened than may be."""
        if self.most >= len(self.tolls):
            return False
        opened, closed = _mask(node.opened), _mask(node.closed)
        hit = smallest_hit(each & ~closed for each in self._groups if not each & opened)
        return hit is None or len(node.opened) + hit.at_least > self.most

    def _meets(self, bound: float) -> bool:
        """Tell whether no plan can be better by that bound; whole values leave gaps below them."""
        if bound == np.inf:
            return True
        return bound >= self.value - max(EXACT * abs(self.value), 0.999 * self.grain)

    def _branches(self, node: _Node, known: _Bounded) -> tuple[_Node, ...]:
        """Return the node with one more site open for sure, and with that site closed."""
        free = self._all - node.opened - node.closed
        if not free or len(node.opened) == self.most:
            return ()
        turns = max(1.0, float(known.votes.max(initial=0.0)))
        site = min(free, key=lambda each: (abs(known.votes[each] / turns - 0.5), each))
        opened = node.opened | {site}
        closed = self._all - opened if len(opened) == self.most else node.closed
        return (
            _Node(opened, closed, known.prices),
            _Node(node.opened, node.closed | {site}, known.prices),
        )

    def _weigh(self, node: _Node, steps: int) -> _Bounded:
        """Improve the prices of a node by subgradient steps, trying each plan's subset."""
        prices = node.prices.copy()
        prices[:, list(node.opened)] = 0.0
        best, kept, votes = -np.inf, prices, np.zeros(len(self.tolls))
        if self._is_hopeless(node):
            return _Bounded(np.inf, kept, votes)
        length, stalled = 1.0, 0
        for _ in range(steps):
            found = self._solve(node.closed, prices)
            if found is None:
                return _Bounded(np.inf, kept, votes)
            used = self._used(found.choice)
            votes[list(used)] += 1.0
            opens, paid = self._opens(node, prices)
            value = found.value + paid
            if value > best:
                best, kept, stalled = value, prices.copy(), 0
            else:
                stalled += 1
                length *= 0.5 if stalled % 4 == 0 else 1.0
            self._try(used)
            if self._meets(best) or self.left <= 0:
                break
            prices = self._moved(prices, node, (found.choice, opens), value, length)
        return _Bounded(best, kept, votes)

    def _solve(self, closed: frozenset[int], prices: Floats | None = None) -> Found | None:
        """Solve the tree without the closed sites; each job pays its prices (jobs x sites)."""
        self.left -= 1
        shut = np.zeros(len(self.tolls))
        shut[list(closed)] = np.inf
        nodes = []
        for job, spots in enumerate(self.tables.spots):
            row = shut if prices is None else shut + prices[job]
            nodes.append(self.tables.nodes[job] + row[spots.site])
        return optimum(msgspec.structs.replace(self.tables, nodes=tuple(nodes)))

    def _used(self, choice: Sequence[int]) -> frozenset[int]:
        spots = self.tables.spots
        picks = ((job, pick) for job, pick in enumerate(choice) if pick != ABSENT)
        return frozenset(int(spots[job].site[pick]) for job, pick in picks)

    def _opens(self, node: _Node, prices: Floats) -> tuple[list[int], float]:
        """Return the sites worth opening at these prices, and what that adds to the bound."""
        reduced = self.tolls - prices.sum(axis=0)
        room = self.most - len(node.opened)
        free = self._all - node.opened - node.closed
        worth = sorted((each for each in free if reduced[each] < 0.0), key=lambda s: reduced[s])
        opens = [*node.opened, *worth[:room]]
        return opens, float(reduced[opens].sum())

    def _moved(
        self,
        prices: Floats,
        node: _Node,
        answer: tuple[Sequence[int], Sequence[int]],
        value: float,
        length: float,
    ) -> Floats:
        """Return the prices after a step: up where a closed site was used, down where idle."""
        choice, opens = answer
        slope = np.zeros_like(prices)
        slope[:, list(opens)] -= self.can[:, list(opens)]
        for job, pick in enumerate(choice):
            if pick != ABSENT:
                slope[job, int(self.tables.spots[job].site[pick])] += 1.0
        slope[:, list(node.opened)] = 0.0
        norm = float((slope**2).sum())
        if norm == 0.0:
            return prices
        aim = self.value if np.isfinite(self.value) else value + 0.05 * abs(value) + 1.0
        gap = max(aim - value, 1e-6 * abs(value))
        return np.maximum(0.0, prices + length * gap / norm * slope)

    def _try(self, sites: frozenset[int]) -> None:
        """Take the best plan within the sites, and within all but one of them."""
        self._take(sites)
        for each in sorted(sites, key=lambda site: -float(self.tolls[site]))[:2]:
            if len(sites) > 1 and self.left > 0:
                self._take(sites - {each})

    def _take(self, sites: frozenset[int]) -> bool:
        """Take the best plan within the sites; return False where they were found not to do."""
        if len(sites) > self.most or sites in self._known:
            return True
        self._known.add(sites)
        found = self._solve(self._all - sites)
        if found is None:
            self._groups.append(_mask(self._all - sites))
            return False
        value = found.value + float(self.tolls[list(self._used(found.choice))].sum())
        if value < self.value:
            self.value, self.choice = value, found.choice
        return True


def _mask(sites: Iterable[int]) -> int:
    return sum(1 << int(each) for each in sites)


def _always(tables: Tables) -> frozenset[int]:
    """Return the jobs that every plan carries out: nothing else makes what they make."""
    found, stack = {len(tables.nodes) - 1}, [len(tables.nodes) - 1]
    while stack:
        for makers in tables.feeds(stack.pop()):
            if len(makers) == 1 and makers[0] not in found:
                found.add(makers[0])
                stack.append(makers[0])
    return frozenset(found)


def _grain(tables: Tables, tolls: Floats) -> float:
    """Return 1 where every plan comes to a whole number, else 0."""
    moves = tables.moves
    parts = [tolls, moves.link, moves.out, moves.into, moves.lane, *tables.nodes]
    whole = all(bool((each[np.isfinite(each)] % 1.0 == 0.0).all()) for each in parts)
    return 1.0 if whole else 0.0


def best_subset(tables: Tables, tolls: Floats, most: int | None, effort: float) -> Subset:
    """Return the best choice where a site used takes its toll and at most `most` may be used.

    Parameters
    ----------
    tolls : float64, shape (sites,), in the order of the tables' sites
    """
    solves = max(1, int(effort * SOLVES_PER_EFFORT))
    search = _Search(tables, tolls, len(tolls) if most is None else most, solves)
    bound = search.run()
    return Subset(search.choice, search.value, bound, solves - search.left)
