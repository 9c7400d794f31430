"""The best plan within caps: which engine proves it, and what is known where the effort ends.

What adds up goes to the tree; factories to open, to subsets over the tree; budgets to multipliers
on the tree, and to HiGHS where these leave a gap; the finish to trade-offs.
"""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from fabloop.plan.engine import TREE
from fabloop.plan.terms.blend import Blend, Cap, Case, Sums, sums_of
from fabloop.plan.timetable.schedule import Routing, routing_of
from fabloop.plan.tradeoffs.gates import GateNetwork, Mixed, Standing, columns_of
from fabloop.plan.tradeoffs.subsets import best_subset
from fabloop.plan.tree import optimum, tables_of

EXACT = 1e-9
"""Relative difference below which a bound meets a value, and a figure its cap."""

MULTIPLIERS_MAX = 40
"""Solves of the tree while the multiplier of one cap is sought."""

TOLERANCE = 1e-6
"""Relative difference that is within HiGHS' tolerances."""

SUBSETS = "subsets of factories, tree dynamic programming"
HIGHS = "HiGHS, gate network"

COLUMNS_MAX = 60_000
"""Columns of a mixed-integer model that is worth building; beyond it a gap may stay."""


class Outcome(msgspec.Struct, frozen=True):
    """What is known about a question: the best routing, its value, and a bound on all plans."""

    standing: Standing
    routing: Routing | None
    value: float
    bound: float
    engine: str


IMPOSSIBLE = Outcome(Standing.IMPOSSIBLE, None, np.inf, np.inf, TREE)


def holds(cap: Cap, sums: Sums, due: int) -> bool:
    """Tell whether the figures are within the cap."""
    return sums.of(cap.blend, due) <= cap.limit * (1.0 + EXACT) + EXACT


def latest(cap: Cap, due: int) -> float:
    """Return the last tick at which a plan within the cap can finish."""
    blend = cap.blend
    if blend.finish > 0.0:
        return cap.limit / blend.finish * (1.0 + EXACT)
    return due + cap.limit / blend.tardy * (1.0 + EXACT) if blend.tardy > 0.0 else np.inf


def rate(value: float, bound: float, routing: Routing | None, engine: str) -> Outcome:
    """Return what a value and a bound say together."""
    if routing is None:
        standing = Standing.IMPOSSIBLE if bound == np.inf else Standing.UNKNOWN
    else:
        met = bound >= value - EXACT * abs(value)
        standing = Standing.OPTIMAL if met else Standing.FEASIBLE
    return Outcome(standing, routing, value, min(bound, value), engine)


def least_within(case: Case, goal: Blend, caps: Sequence[Cap], effort: float) -> Outcome:
    """Return the choices that minimise the goal within the caps; nothing here is about time."""
    sites_only = [each for each in caps if each.blend.counts_sites and not each.blend.adds]
    budgets = [each for each in caps if each not in sites_only]
    counted = all(each.blend.opening == 0.0 for each in sites_only)
    if not budgets and counted:
        if not sites_only and not goal.counts_sites:
            return _on_tree(case, goal)
        found = _over_subsets(case, goal, sites_only, effort)
        if found.standing in (Standing.OPTIMAL, Standing.IMPOSSIBLE):
            return found
        return _mixed(case, goal, caps, effort, found)
    if not sites_only and not any(each.counts_sites for each in (goal, *_blends(budgets))):
        found = _by_multiplier(case, goal, budgets)
        if found.standing in (Standing.OPTIMAL, Standing.IMPOSSIBLE):
            return found
    else:
        found = _over_subsets(case, goal, sites_only if counted else (), effort)
        found = _checked(case, found, budgets)
    return _mixed(case, goal, caps, effort, found)


def _blends(caps: Sequence[Cap]) -> Iterator[Blend]:
    return (each.blend for each in caps)


def _on_tree(case: Case, goal: Blend) -> Outcome:
    found = optimum(tables_of(case.problem, goal.weights, extra=case.added(goal)))
    if found is None:
        return IMPOSSIBLE
    routing = routing_of(case.problem, found.choice, goal.weights)
    return rate(found.value, found.value, routing, TREE)


def _over_subsets(case: Case, goal: Blend, caps: Sequence[Cap], effort: float) -> Outcome:
    most = min((int(each.limit / each.blend.sites + EXACT) for each in caps), default=None)
    tables = tables_of(case.problem, goal.weights, extra=case.added(goal))
    tolls = np.array([case.toll(goal, site) for site in case.problem.roads.areas])
    found = best_subset(tables, tolls, most, effort)
    if found.choice is None:
        return rate(np.inf, found.bound, None, SUBSETS)
    routing = routing_of(case.problem, found.choice, goal.weights)
    return rate(found.value, found.bound, routing, SUBSETS)


def _checked(case: Case, found: Outcome, caps: Sequence[Cap]) -> Outcome:
    """Return the outcome without its plan where that one breaks a cap; its bound stays."""
    if found.routing is None or all(holds(cap, sums_of(case, found.routing), 0) for cap in caps):
        return found
    return Outcome(Standing.UNKNOWN, None, np.inf, found.bound, found.engine)


def _by_multiplier(case: Case, goal: Blend, caps: Sequence[Cap]) -> Outcome:
    """Put a price on what the caps limit; the best price gives a bound and often the optimum.

    Several caps are taken as one, each as a share of its limit. The price is found on the lower
    hull of goal and use: where two prices' plans meet, until no plan lies below that line.
    """
    use = joint(caps)
    limit = float(len(caps))

    def ask(price: float, *, only_use: bool = False) -> tuple[Routing, float, float] | None:
        blend = use if only_use else mixed(goal, use, price)
        found = optimum(tables_of(case.problem, blend.weights, extra=case.added(blend)))
        if found is None:
            return None
        routing = routing_of(case.problem, found.choice, blend.weights)
        sums = sums_of(case, routing)
        return routing, sums.of(goal, 0), sums.of(use, 0)

    frugal, free = ask(0.0, only_use=True), ask(0.0)
    if frugal is None or free is None or frugal[2] > limit * (1.0 + EXACT) + EXACT:
        return IMPOSSIBLE
    best: tuple[Routing, float, float] | None = None
    for each in (free, frugal):
        if _fits(case, each[0], caps) and (best is None or each[1] < best[1]):
            best = each
    bound, low, high = free[1], free, frugal
    if best is free:
        return rate(free[1], free[1], free[0], TREE)
    for _ in range(MULTIPLIERS_MAX):
        if low[2] - high[2] <= EXACT * limit or high[1] <= low[1]:
            break
        price = (high[1] - low[1]) / (low[2] - high[2])
        asked = ask(price)
        assert asked is not None, "a plan exists whatever its price"
        each = asked
        bound = max(bound, each[1] + price * (each[2] - limit))
        if _fits(case, each[0], caps) and (best is None or each[1] < best[1]):
            best = each
        line = low[1] + price * low[2]
        if each[1] + price * each[2] >= line - EXACT * abs(line):
            break
        low, high = (low, each) if each[2] <= limit else (each, high)
    value = np.inf if best is None else best[1]
    return rate(value, bound, None if best is None else best[0], f"{TREE}, multipliers")


def _fits(case: Case, routing: Routing, caps: Sequence[Cap]) -> bool:
    sums = sums_of(case, routing)
    return all(holds(cap, sums, 0) for cap in caps)


def joint(caps: Sequence[Cap]) -> Blend:
    """Return the sum of the shares of their limits that the caps see used."""
    total = Blend()
    for cap in caps:
        total = mixed(total, cap.blend, 1.0 / max(cap.limit, EXACT))
    return total


def mixed(one: Blend, other: Blend, weight: float) -> Blend:
    """Return the first blend plus so much of the other."""
    fields = msgspec.structs.asdict(one)
    return Blend(**{name: each + weight * getattr(other, name) for name, each in fields.items()})


def _mixed(case: Case, goal: Blend, caps: Sequence[Cap], effort: float, known: Outcome) -> Outcome:
    """Ask HiGHS, unless the model would be too large; the better of both answers counts."""
    if columns_of(case) > COLUMNS_MAX:
        return known
    network = GateNetwork(case)
    found = network.solve(goal, caps, effort)
    if found.standing is Standing.IMPOSSIBLE:
        return IMPOSSIBLE
    best, value = known.routing, known.value
    for answer in _within_tolerance(network, goal, caps, effort, found):
        if answer.routing is not None and _fits(case, answer.routing, caps):
            other = sums_of(case, answer.routing).of(goal, 0)
            if other < value:
                best, value = answer.routing, other
            break
    bound = max(known.bound, found.bound)
    met = found.standing is Standing.OPTIMAL and value <= bound + TOLERANCE * abs(bound)
    return rate(value, value if met else bound, best, HIGHS)


def _within_tolerance(
    network: GateNetwork, goal: Blend, caps: Sequence[Cap], effort: float, found: Mixed
) -> Iterator[Mixed]:
    """Yield the answer, and one to tighter caps: the first may break them by a rounding."""
    yield found
    drawn_in = [Cap(each.name, each.blend, each.limit * (1.0 - 2.0 * TOLERANCE)) for each in caps]
    yield network.solve(goal, drawn_in, effort)
