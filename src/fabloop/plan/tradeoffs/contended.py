"""The best plan within caps where work units are waited for: CP-SAT, proven or with a gap.

Candidates that cannot be in a better plan are left out first: those too late by their heads and
tails, and those too dear by their min-marginals. If too many ways are left, the nearest ones are
kept, and what CP-SAT proves about these alone is no bound for all.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import msgspec
import numpy as np

from fabloop.plan.engine import CPSAT, WAYS_MAX, head_and_tail
from fabloop.plan.statement.layout import Floats
from fabloop.plan.statement.problem import MEASURE, Objective
from fabloop.plan.statement.roads import Figures, Hop, Weights
from fabloop.plan.statement.setups import families_of
from fabloop.plan.terms.blend import Blend, Cap, Case, table_sums
from fabloop.plan.timetable.alternatives import has_alternatives
from fabloop.plan.timetable.horizon import by_then
from fabloop.plan.timetable.question import Before, Linear, Question, Stage
from fabloop.plan.timetable.schedule import Timetable
from fabloop.plan.timetable.sequence import is_in_sequence
from fabloop.plan.timetable.solver import Heard, solve
from fabloop.plan.tradeoffs.constrained import EXACT, TOLERANCE, holds, latest
from fabloop.plan.tradeoffs.gates import Standing
from fabloop.plan.tree import marginals, tables_of

LARGEST = 2**42
"""About the largest whole number that a goal or cap may come to in the model."""

HORIZON_MAX = 2**30
"""Ticks; a plan that takes longer is not looked for here."""

Options: TypeAlias = tuple[tuple[int, ...], ...]


class Known(msgspec.Struct, frozen=True):
    """The best timetable so far with its value, and a bound on all plans."""

    table: Timetable | None
    value: float
    bound: float


class Floor(msgspec.Struct, frozen=True):
    """What a sum takes at least beyond what choices say, in plans that are ready by a tick.

    Attributes
    ----------
    by : the tick
    rows : per job and candidate; inf where it cannot be done in time
    more : what a choice of a job takes more than that after a set-up family
    placed : puts the steps of a timetable where they take least
    """

    by: int
    rows: tuple[Floats, ...]
    more: Callable[[int, int, str], float]
    placed: Callable[[Timetable], Timetable]


class Contended(msgspec.Struct, frozen=True):
    """What is known afterwards."""

    standing: Standing
    table: Timetable | None
    value: float
    bound: float
    engine: str = CPSAT


def contended(  # noqa: PLR0913  # one question of the planner, with all that bounds it
    case: Case,
    goal: Blend,
    caps: Sequence[Cap],
    known: Known,
    effort: float,
    heard: Heard | None = None,
    floor: Floor | None = None,
    *,
    before: Before | None = None,
    ways_max: int = WAYS_MAX,
) -> Contended:
    """Improve on what is known, or prove that it cannot be, as far as the effort allows.

    Where a routing is still to be chosen, what is known stays as it is. `heard` listens to better
    plans, with the bound on the goal. With a `floor` only plans that are ready by then count. With
    `before`, starts stay near those of an earlier plan once goal and finish are settled; at most
    `ways_max` pairs of choices are looked at.
    """
    if has_alternatives(case.problem):
        return _settled(known, known.bound)
    horizon = _horizon(case, goal, caps, known) if floor is None else floor.by
    tables = tables_of(case.problem, MEASURE[Objective.MAKESPAN], adds=False)
    heads, tails = head_and_tail(tables, case.problem)
    options, complete = _options(case, goal, known, horizon, (heads, tails), ways_max, floor)
    if options is None:
        return _settled(known, known.value if complete else known.bound)
    scaled = _linear(case, goal, np.inf, horizon, floor)
    question = Question(
        problem=case.problem,
        options=options,
        weights=None,
        heads=heads,
        tails=tails,
        hint=known.table,
        stages=_stages(case, goal, before),
        effort=effort,
        horizon=horizon,
        goal=scaled[0],
        caps=tuple(_linear(case, cap.blend, cap.limit, horizon)[0] for cap in caps),
        before=before,
    )

    def hear(table: Timetable, found: float) -> bool:
        sums = table_sums(case, table)
        if heard is None or not all(holds(cap, sums, case.due) for cap in caps):
            return False
        better = sums.of(goal, case.due) < known.value
        return better and heard(table, max(known.bound, found / scaled[1] if complete else 0.0))

    found = solve(question, hear)
    best = known
    if found.timetable is not None:
        table = found.timetable if floor is None else floor.placed(found.timetable)
        sums = table_sums(case, table)
        value = sums.of(goal, case.due)
        if value < known.value and all(holds(cap, sums, case.due) for cap in caps):
            best = Known(table, value, known.bound)
    if not complete:
        return _settled(best, known.bound)
    if found.impossible:
        return _settled(best, np.inf)
    bound = max(known.bound, found.bound / scaled[1] * (1.0 - EXACT))
    near = found.proven and best.value <= bound + TOLERANCE * abs(bound)
    return _settled(best, best.value if near else bound)


def _settled(best: Known, bound: float) -> Contended:
    if best.table is None:
        standing = Standing.IMPOSSIBLE if bound == np.inf else Standing.UNKNOWN
    else:
        met = bound >= best.value - EXACT * abs(best.value)
        standing = Standing.OPTIMAL if met else Standing.FEASIBLE
    return Contended(standing, best.table, best.value, min(bound, best.value))


def _horizon(case: Case, goal: Blend, caps: Sequence[Cap], known: Known) -> int:
    """Return the last tick at which a plan that matters can end."""
    last = min((latest(cap, case.due) for cap in caps), default=np.inf)
    if known.table is not None:
        if goal.finish > 0.0:
            last = min(last, known.value / goal.finish)
        elif goal.tardy > 0.0:
            last = min(last, case.due + known.value / goal.tardy)
        if not goal.is_timed and last == np.inf and not is_in_sequence(case.problem):
            last = known.table.finish(case.problem)
    if last == np.inf and is_in_sequence(case.problem):
        last = by_then(case.problem)
    return int(min(last, HORIZON_MAX))


def _stages(case: Case, goal: Blend, before: Before | None) -> tuple[Stage, ...]:
    if not _sequenced(case, goal):
        return (Stage.GOAL,)
    both = Stage.GOAL, Stage.FINISH
    return both if before is None else (*both, Stage.SHIFT)


def _sequenced(case: Case, goal: Blend) -> bool:
    """Tell whether the goal asks for a sequence, wherever in time: then the first one is best."""
    return is_in_sequence(case.problem) and not goal.is_timed


def _options(
    case: Case,
    goal: Blend,
    known: Known,
    horizon: int,
    times: tuple[Sequence[Sequence[int]], Sequence[Sequence[int]]],
    ways_max: int,
    floor: Floor | None = None,
) -> tuple[Options | None, bool]:
    """Return the candidates worth a look and whether that is all that could matter.

    None means that some job has none left.
    """
    rows = []
    least = _least(case, goal, floor)
    for number, dear in enumerate(least):
        row = [
            (up + down, pick)
            for pick, (up, down) in enumerate(zip(times[0][number], times[1][number], strict=True))
            if up >= 0
            and down >= 0
            and up + down <= horizon
            and dear[pick] + goal.finish * (up + down) <= known.value * (1.0 + EXACT)
        ]
        rows.append([pick for _, pick in sorted(row, key=lambda it: (dear[it[1]], *it))])
    if not all(rows):
        return None, True
    complete, width = True, max(len(row) for row in rows)
    while _ways(case, rows) > ways_max and width > 1:
        complete, width = False, max(1, width * 2 // 3)
        rows = [row[:width] for row in rows]
    if known.table is not None:
        choice = known.table.choice
        rows = [sorted({*row, pick}) for row, pick in zip(rows, choice, strict=True)]
    return tuple(tuple(sorted(row)) for row in rows), complete


def _least(case: Case, goal: Blend, floor: Floor | None = None) -> list[Floats]:
    """Return, per job and candidate, the least that any plan that chooses it takes."""
    extra = case.added(goal)
    if floor is not None:
        extra = tuple(a + b for a, b in zip(extra, floor.rows, strict=True))
    return marginals(tables_of(case.problem, goal.weights, extra=extra))


def _ways(case: Case, rows: Sequence[Sequence[int]]) -> int:
    return sum(
        len(rows[number]) * len(rows[child])
        for number, job in enumerate(case.problem.jobs)
        for child in job.feeding()
    )


def _linear(
    case: Case, blend: Blend, limit: float, horizon: int, floor: Floor | None = None
) -> tuple[Linear, float]:
    """Return the blend in whole numbers, rounded down, and the scale they were multiplied by.

    Rounding down makes a goal's bound and a cap too easy, never too hard.
    """
    weights = blend.weights
    rows = [
        np.array([weights.of(each.takes) for each in job.candidates]) + extra
        for job, extra in zip(case.problem.jobs, case.added(blend), strict=True)
    ]
    if floor is not None:  # what cannot be done in time is no option: any number does
        rows = [a + np.where(np.isfinite(b), b, 0.0) for a, b in zip(rows, floor.rows, strict=True)]
    tolls = {str(site): case.toll(blend, site) for site in case.sites()}
    numbers = [float(each) for row in rows for each in row]
    numbers += [*tolls.values(), blend.finish, blend.tardy]
    numbers += [weights.of(hop.takes) for hop in _hops(case)]
    numbers += _all_more(case, weights)
    scale, exact = _scale(numbers, (len(rows), blend.finish or blend.tardy, horizon))

    def whole(value: float) -> int:
        return round(value * scale) if exact else math.floor(value * scale + 1e-6)

    hops: dict[Hop, int] = {}

    def of_hop(hop: Hop) -> int:
        if hop not in hops:
            hops[hop] = whole(weights.of(hop.takes))
        return hops[hop]

    set_ups: dict[tuple[int, int, str], int] = {}

    def of_set_up(job: int, pick: int, before: str) -> int:
        key = job, pick, before
        if key not in set_ups:
            more = _more(case, weights, *key) if floor is None else floor.more(*key)
            set_ups[key] = whole(more)
        return set_ups[key]

    linear = Linear(
        choices=tuple(tuple(whole(float(each)) for each in row) for row in rows),
        hop=of_hop,
        sites={site: whole(toll) for site, toll in tolls.items()},
        finish=whole(blend.finish),
        tardy=whole(blend.tardy),
        due=case.due,
        limit=_limit(limit * scale, exact=exact),
        setup=of_set_up if is_in_sequence(case.problem) else None,
    )
    return linear, scale


def _all_more(case: Case, weights: Weights) -> list[float]:
    """Return what set-ups can take beyond the least, per job, choice and family before."""
    if not is_in_sequence(case.problem) or case.problem.duties is None:
        return []
    changeovers = case.problem.duties.changeovers
    return [
        _more(case, weights, number, pick, before)
        for number, job in enumerate(case.problem.jobs)
        if job.operation.setup_family
        for pick, each in enumerate(job.candidates)
        if each.unit.id in changeovers
        for before in {"", *families_of(each.unit)}
    ]


def _more(case: Case, weights: Weights, job: int, pick: int, before: str) -> float:
    charges, each = case.problem.charges, case.problem.jobs[job]
    assert charges is not None, "only where set-ups depend on the sequence"
    cost, energy, co2 = charges.more(each.operation, each.candidates[pick], before)
    return weights.of(Figures(0, cost, energy, co2))


def _hops(case: Case) -> Iterator[Hop]:
    roads = case.problem.roads
    return (hop for hops in (*roads.links.values(), *roads.lanes.values()) for hop in hops)


def _scale(numbers: Sequence[float], size: tuple[int, float, int]) -> tuple[float, bool]:
    """Return by what to multiply the numbers, and whether they are whole then.

    `size` holds the jobs, the weight of a tick and the horizon.
    """
    if all(each.is_integer() and each <= LARGEST for each in numbers):
        return 1.0 / max(1, math.gcd(*(int(each) for each in numbers))), True
    jobs, tick, horizon = size
    scale = LARGEST / max(4.0 * jobs * max(numbers) + tick * horizon, 1e-300)
    # A tick's weight is multiplied by many ticks: it must not be rounded.
    return (max(1, math.floor(scale * tick)) / tick if tick > 0.0 else scale), False


def _limit(limit: float, *, exact: bool) -> int:
    """Return a cap's limit for whole numbers; where they were rounded down, not below it."""
    if limit == np.inf:
        return 0
    return math.floor(limit * (1.0 + EXACT) + EXACT) if exact else math.ceil(limit)
