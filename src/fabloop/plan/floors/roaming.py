"""Improve the plan of one large order from above: free some jobs' choices, keep the others'.

What is free is chosen around the jobs that hold up the finish. All times are open, so that CP-SAT
sees a job shop with few choices left, which it searches fast.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from fabloop.plan.floors.floor import Work
from fabloop.plan.floors.legs import waited_for
from fabloop.plan.floors.loads import Windows, windows_of
from fabloop.plan.floors.placing import place_again
from fabloop.plan.floors.windowed import SECONDS, Seen, Verdict, Window, look
from fabloop.plan.statement.layout import Bools
from fabloop.plan.statement.problem import MEASURE, Objective
from fabloop.plan.timetable.question import Question, Stage
from fabloop.plan.timetable.schedule import Timetable
from fabloop.plan.timetable.solver import solve

SEED = 7

FREE = 40
"""Jobs that are free at first; more where that is decided fast, less where it is not."""

FREE_MIN = 8

AMBITION = 0.5
"""Share of the gap that a look asks for at first; less after each one in vain."""

WEIGHT_MAX = 8.0
"""How much oftener than by chance one kind of neighbourhood is looked into, at most."""

LOOK = 0.2
"""Effort for one look."""

LOOK_LEAST = 0.04
"""Effort of choosing what is free in a look."""

VEHICLES = 0.02
"""Deterministic seconds for the times of given choices, with vehicles."""


class Known:
    """The best plan so far, the vehicles found in the way of others, and the effort left.

    Effort is in about seconds of a core.
    """

    def __init__(self, work: Work, table: Timetable, left: float) -> None:
        self.work = work
        self.table = table
        self.finish = table.finish(work.problem)
        self.left = left
        self.watched: frozenset[str] = frozenset()

    def adopt(self, seen: Seen) -> None:
        """Place the order as seen, with vehicles; keep what was there if that is no better.

        Where placing piece by piece takes longer than seen, CP-SAT looks for times that do not;
        where there are none, the vehicles that are waited for are watched from now on.
        """
        work = self.work
        for job in range(work.size):
            work.release(job)
        place_again(work, seen.choice, seen.starts)
        self.keep(work.timetable())
        if work.finish <= seen.finish:
            return
        timed = work.timetable()
        if work.keeper is None:
            timed = self._with_vehicles(seen.choice)
            self.keep(timed)
        if timed.finish(work.problem) > seen.finish:
            self.watched |= waited_for(work)

    def keep(self, table: Timetable) -> None:
        """Keep a plan if it finishes before the best so far."""
        finish = table.finish(self.work.problem)
        if finish < self.finish:
            self.table, self.finish = table, finish

    def _with_vehicles(self, choice: Sequence[int]) -> Timetable:
        """Return times for the choices that are placed, by CP-SAT with all vehicles."""
        work, picks = self.work, list(enumerate(choice))
        jobs = tuple(
            msgspec.structs.replace(work.problem.jobs[job], candidates=(each,))
            for job, pick in picks
            for each in (work.problem.jobs[job].candidates[pick],)
        )
        table = work.timetable()
        question = Question(
            problem=msgspec.structs.replace(work.problem, jobs=jobs),
            options=tuple((0,) for _ in jobs),
            weights=MEASURE[Objective.MAKESPAN],
            heads=tuple((round(float(work.heads[job][pick])),) for job, pick in picks),
            tails=tuple((round(float(work.tails[job][pick])),) for job, pick in picks),
            hint=msgspec.structs.replace(table, choice=tuple(0 for _ in jobs)),
            stages=(Stage.FINISH,),
            effort=VEHICLES,
        )
        found = solve(question).timetable
        self.left -= SECONDS * VEHICLES / 2
        assert found is not None, "the hint is an answer"
        return msgspec.structs.replace(found, choice=tuple(choice))


class _Kind:
    """A kind of neighbourhood: how much it frees, and how often it is looked into."""

    def __init__(self, most: int) -> None:
        self.free, self._most = float(FREE), most
        self.weight = 1.0

    def learn(self, verdict: Verdict) -> None:
        """Free more where that is decided fast, and look again where something was found."""
        match verdict:
            case Verdict.FOUND:
                self.weight = min(WEIGHT_MAX, self.weight * 2)
                return
            case Verdict.OPEN:
                self.free = max(FREE_MIN, self.free * 0.8)
            case Verdict.RULED_OUT:
                self.free = min(self._most, self.free * 1.3)
        self.weight = max(1 / WEIGHT_MAX, self.weight * 0.8)


class Roaming:
    """Looks into neighbourhoods of the best plan."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.ambition = AMBITION
        self.roll = np.random.default_rng(SEED)
        self.in_time, self.in_the_way = (_Kind(known.work.size) for _ in range(2))

    def improve(self, bound: int, effort: float) -> None:
        """Free some jobs' choices again and again until the effort is spent."""
        known = self.known
        until = known.left - effort
        while known.left > until and known.finish > bound:
            step = max(1, round((known.finish - bound) * self.ambition))
            window = Window(bound, known.finish - step, best=False, watched=known.watched)
            kind = self._kind()
            some = windows_of(known.work, self._masks(kind, window.high))
            seen = look(some, window, known.table, min(LOOK, known.left))
            known.left -= seen.effort + LOOK_LEAST
            kind.learn(seen.verdict)
            if seen.verdict is Verdict.FOUND:
                self.ambition = min(AMBITION, self.ambition * 1.5)
                known.adopt(seen)
            else:
                self.ambition *= 0.7

    def _kind(self) -> _Kind:
        """Return one of both kinds, the likelier the more it has found."""
        both = self.in_time.weight + self.in_the_way.weight
        return self.in_time if self.roll.random() * both < self.in_time.weight else self.in_the_way

    def _masks(self, kind: _Kind, finish: int) -> dict[int, Bools]:
        """Return the choices that may be made: of jobs not free, the one of the plan alone."""
        work, choice = self.known.work, self.known.table.choice
        only = {job: np.arange(len(work.ticks[job])) == pick for job, pick in enumerate(choice)}
        free = self._chosen(kind, finish, windows_of(work, only))
        return {job: mask for job, mask in only.items() if job not in free}

    def _chosen(self, kind: _Kind, finish: int, fixed: Windows) -> set[int]:
        """Return jobs that hold up the finish most, or those carried out about when one is.

        Jobs on a way that is too long, with these choices, even if nothing is waited for, are
        among them in any case.
        """
        work, table = self.known.work, self.known.table
        picks = list(enumerate(table.choice))
        heads = np.array([fixed.heads[job][pick] for job, pick in picks])
        tails = np.array([fixed.tails[job][pick] for job, pick in picks])
        starts = np.array(table.starts, dtype=np.float64)
        ticks = np.array([work.ticks[job][pick] for job, pick in picks])
        slack = self.known.finish - starts - ticks - tails
        score = slack + 1.0
        if kind is self.in_time:
            first = np.argsort(slack, kind="stable")[: max(1, work.size // 10)]
            score = np.abs(starts - starts[int(self.roll.choice(first))])
        order = np.argsort(score * (0.5 + self.roll.random(work.size)), kind="stable")
        too_long = np.flatnonzero(heads + tails > finish)
        return {*too_long.tolist(), *order[: round(kind.free)].tolist()}
