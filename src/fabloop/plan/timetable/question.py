"""What CP-SAT is asked, and what it answers, as data."""

from collections.abc import Callable, Mapping
from enum import StrEnum

import msgspec

from fabloop.plan.statement.problem import Problem
from fabloop.plan.statement.roads import Hop, Leg, Weights
from fabloop.plan.timetable.schedule import Timetable


class Stage(StrEnum):
    """What is minimised, one after the other; earlier values are kept."""

    FINISH = "finish"
    COST = "cost"
    CHANGES = "changes"
    SHIFT = "shift"
    GOAL = "goal"


class Before(msgspec.Struct, frozen=True):
    """What a re-plan should stay close to, per job: its candidate then, and its start (ticks)."""

    choice: tuple[int | None, ...]
    starts: tuple[int, ...]


class Linear(msgspec.Struct, frozen=True):
    """A sum in whole numbers: of choices (per job and candidate), hops, sites and the finish.

    As a cap, `limit` may not be exceeded; `tardy` counts ticks after `due`; `setup` is what a
    choice of a job takes more after a set-up family, where set-ups depend on the sequence.
    """

    choices: tuple[tuple[int, ...], ...]
    hop: Callable[[Hop], int]
    sites: Mapping[str, int]
    finish: int
    tardy: int
    due: int
    limit: int = 0
    setup: Callable[[int, int, str], int] | None = None


class Question(msgspec.Struct, frozen=True):
    """What to solve.

    Attributes
    ----------
    options : per job, the candidates that may be chosen
    heads, tails : per job and candidate, ticks up to and with it, and from its end on, at least
    weights : under which the best way between two places is taken; None takes all that matter
    hint : a complete answer to start from; no worse one is returned
    effort : deterministic seconds per stage
    conflicts_max : dead ends per stage; deterministic time does not see all work between them
    changes_max : how many jobs may have another candidate than before; None is any number
    horizon : the last tick that counts; without one the hint's finish
    legs : per job and input, the way between choices that are given; its vehicles are open
    goal, caps : what the stage `GOAL` minimises, and what may not be exceeded
    """

    problem: Problem
    options: tuple[tuple[int, ...], ...]
    weights: Weights | None
    heads: tuple[tuple[int, ...], ...]
    tails: tuple[tuple[int, ...], ...]
    hint: Timetable | None
    stages: tuple[Stage, ...]
    effort: float
    before: Before | None = None
    conflicts_max: int | None = None
    changes_max: int | None = None
    horizon: int | None = None
    legs: tuple[tuple[tuple[Leg, ...], ...], ...] | None = None
    goal: "Linear | None" = None
    caps: tuple[Linear, ...] = ()


class Solved(msgspec.Struct, frozen=True):
    """The best timetable found, if any.

    `bound` holds for all plans of these options: of the goal where there is one, else of the
    finish. `impossible` means that no plan of these options is within the caps and the horizon.
    """

    timetable: Timetable | None
    bound: int
    proven: bool
    impossible: bool = False
