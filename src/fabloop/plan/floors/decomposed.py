"""The least makespan of one large order: sites by the tree, times on a floor, proof in windows.

Each site that may carry out the last job is a case of its own: with it given, the tree and the
loads bound everything else far better. Cases are ruled out, or CP-SAT looks into a window just
above the case's bound. An empty window raises the bound for good, so that bound and plan meet from
both sides.
"""

import math
from collections.abc import Sequence
from functools import cached_property

import msgspec
import numpy as np

from fabloop.plan.floors.floor import Booking, Floor, Work
from fabloop.plan.floors.hauling import are_scarce, spare_vehicles
from fabloop.plan.floors.legs import waited_for
from fabloop.plan.floors.loads import SHARES_PER_SECOND, Allowance, Windows, load_bound
from fabloop.plan.floors.orders_search import OrdersObjective, Placed, Search
from fabloop.plan.floors.placing import Effort, Taste, place_all
from fabloop.plan.floors.roaming import Known, Roaming
from fabloop.plan.floors.windowed import Verdict, Window, look
from fabloop.plan.statement.layout import Bools
from fabloop.plan.statement.problem import Problem
from fabloop.plan.timetable.schedule import Timetable
from fabloop.plan.tree import tails

STARTS_MAX = 8
"""Sites for the last job from which a first plan is made."""

SHARE = 1.4
"""Effort for one window at first; what stays open is given more the next time."""

LEAST = 0.1
"""Effort under which no window is begun."""

FIRST = 0.12
"""Effort for a better plan before any window."""

LOADS = 0.25
"""Share of what is left that the loads of one case may take."""

POLISH = 0.17
"""Effort of the search by placing anew, where tools, persons or set-ups are waited for."""

WIDER = 0.01
"""The gap that a plan within a window has to the bound at most; when it has, proof is sought."""

FARTHER_MAX = 5
"""How often windows reach twice as far while they stay open."""

FAR = 0.05
"""The gap beyond which a better plan is sought before the next window, where one stays open."""

LOOKS_MAX = 100
"""Windows looked into; beyond it bound and plan stay apart."""

NEVER = 2**60


class Answer(msgspec.Struct, frozen=True):
    """The best timetable, and a tick before which no plan finishes."""

    table: Timetable
    bound: int


class _Case(msgspec.Struct, dict=True):
    """One site for the last job, and the least finish with it as known so far.

    `allowed` are the choices of the last job, `loaded` tells that the loads have been asked.
    """

    work: Work
    allowed: Bools
    bound: int
    loaded: bool = False

    @cached_property
    def windows(self) -> Windows:
        """The windows of the case; heads of other jobs than the last one are those of all cases."""
        work, last = self.work, self.work.size - 1
        heads = [*work.heads[:last], np.where(self.allowed, work.heads[last], np.inf)]
        return Windows(work, heads, tails(work.tables, {last: self.allowed}))


def decomposed(problem: Problem, effort: float) -> Answer | None:
    """Return the plan that finishes first, as far as the effort allows; None where there is none.

    Effort is in about seconds of a core, though counted, so that the same gives the same; placing
    takes a little on top.
    """
    work = Work(problem, Floor(problem.roads, problem.busy))
    cases = _cases(work)
    if not cases or not _begin(work, cases):
        return None
    left = effort
    scarce = work.finish > cases[0].bound * (1 + WIDER) and are_scarce(work)
    if scarce:
        left -= spare_vehicles(work, cases[0].bound)
    known = Known(work, work.timetable(), left)
    known.watched = frozenset(waited_for(work)) if scarce else frozenset()
    if work.keeper is not None:
        search = Search([Placed(work, NEVER, 1)], OrdersObjective.MAKESPAN, POLISH)
        search.improve(cases[0].bound, lambda _: None)
        if work.floor.is_sound:
            known.keep(work.timetable())
    _prove(known, cases)
    return Answer(known.table, min(known.finish, *(each.bound for each in cases)))


def _prove(known: Known, cases: Sequence[_Case]) -> None:
    """Look into windows until bound and plan meet, or nothing is won any more.

    Loads are asked when a case is the least one: by then a better plan may have ruled it out.
    Where a window stays open it is searched in another way and for longer, then the plan is
    improved from above.
    """
    share, stuck, opened = SHARE, False, 0
    roam = Roaming(known)
    roam.improve(cases[0].bound, FIRST)
    for _ in range(LOOKS_MAX):
        case = _least(cases, known)
        if case.bound >= known.finish or known.left <= LEAST:
            return
        before = case.bound, known.finish, known.watched
        best = stuck or known.finish * (1 - WIDER) <= case.bound
        high = _high(case.bound, known.finish, opened)
        presolved = opened % 2 == 1
        window = Window(case.bound, high, best, known.watched, presolved)
        verdict = _look(known, case, window, share)
        opened = 0 if verdict is Verdict.RULED_OUT else opened + (opened > 0)
        if verdict is Verdict.OPEN:
            if presolved or known.finish * (1 - FAR) > case.bound:
                roam.improve(case.bound, min(share, known.left))
            share, opened = share * 1.5, max(1, opened)
        elif before != (case.bound, known.finish, known.watched):
            stuck = False
        elif best:
            return
        else:
            stuck = True  # vehicles are in the way of the first plan seen: ask for the best one


def _least(cases: Sequence[_Case], known: Known) -> _Case:
    """Return the case with the least bound, loads among it."""
    while True:
        case = min(cases, key=lambda each: each.bound)
        if case.loaded or case.bound >= known.finish:
            return case
        allowance = Allowance(most := round(LOADS * known.left * SHARES_PER_SECOND))
        found = load_bound([case.windows], case.bound, known.finish, allowance, rough=True)
        case.bound = found
        case.loaded = True
        known.left -= (most - allowance.left) / SHARES_PER_SECOND


def _cases(work: Work) -> list[_Case]:
    """Return the sites that may carry out the last job, the most promising first."""
    last = work.size - 1
    cases = []
    for site in np.unique(work.site[last]).tolist():
        allowed = np.asarray(work.site[last] == site)
        least = float(work.heads[last][allowed].min(initial=np.inf))
        if np.isfinite(least):
            cases.append(_Case(work, allowed & np.isfinite(work.heads[last]), round(least)))
    return sorted(cases, key=lambda each: each.bound)


def _begin(work: Work, cases: Sequence[_Case]) -> bool:
    """Place the order from the most promising sites, and keep the best; False where none works."""
    best: list[Booking | None] | None = None
    finish = NEVER
    last = work.size - 1
    roll = np.random.default_rng(0)
    for case in cases[:STARTS_MAX]:
        if case.bound >= finish:
            break
        taste = Taste(roll=roll, allowed={last: case.allowed})
        done = place_all(work, taste, Effort())
        if done and work.finish < finish:
            finish = work.finish
            best = [work.release(job) for job in range(work.size)]
        else:
            for job in range(work.size):
                work.release(job)
    if best is None:
        return False
    for job, booking in enumerate(best):
        assert booking is not None, "all jobs were placed"
        work.book(job, booking)
    return True


def _high(bound: int, finish: int, opened: int) -> int:
    """Return how far the next window reaches; `opened` counts since one stayed open.

    Beyond the gap that is aimed at, a plan within the window closes it. A window that stays open
    reaches to about where the least finish is: in turns, windows that reach farther are sooner
    found something in, and nearer ones sooner ruled out.
    """
    found = max(bound + 1, math.floor(bound / (1 - WIDER)))
    empty = math.ceil(finish * (1 - WIDER)) - 1
    nearer = opened // 2
    if empty < bound:
        high = ((bound + finish - 1) // 2, finish - 1, bound)[opened % 3]
    elif opened % 2 == 0:
        high = bound + (found - bound) // 2**nearer
    elif empty <= found and not nearer:
        high = empty
    else:
        high = math.floor(bound / (1 - WIDER * 2 ** min(nearer + 1, FARTHER_MAX)))
    return min(high, finish - 1)


def _look(known: Known, case: _Case, window: Window, effort: float) -> Verdict:
    """Look into the next window of a case."""
    seen = look(case.windows, window, known.table, min(effort, known.left))
    known.left -= seen.effort
    case.bound = max(case.bound, seen.bound)
    if seen.verdict is Verdict.FOUND:
        known.adopt(seen)
    return seen.verdict
