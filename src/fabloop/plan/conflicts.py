"""Why nothing can be made: minimal sets of demands that cannot hold together.

First every operation that no work unit can do (its smallest set of constraints that no work unit
meets), then movements. Minimal sets come from QuickXplain (Junker, 2004) over atoms: one
constraint of one operation, or one way from an operation to the next.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import msgspec
import numpy as np

from fabloop.model.explanation import Evidence, Explanation, ReasonCode
from fabloop.model.ids import OperationId
from fabloop.plan.grid import Grid, grid_of_places
from fabloop.plan.layout import Bools, Floats, Moves, Spots
from fabloop.plan.problem import Job, Problem, Source
from fabloop.plan.roads import Place, Weights
from fabloop.plan.tree import Tables, from_place, is_possible

CONFLICTS_MAX = 8
NEAREST_MAX = 3


class Demand(msgspec.Struct, frozen=True):
    """A constraint (by parameter) that an operation makes; the job's number comes first."""

    job: int
    parameter: str


class Way(msgspec.Struct, frozen=True):
    """That an input can be moved from the operation that makes it to the job."""

    job: int
    made_by: OperationId


Atom: TypeAlias = Demand | Way


def conflicts_of(problem: Problem) -> tuple[tuple[Explanation, ...], ...]:
    """Return minimal conflicts, those of single operations first; each one stands for itself.

    A later conflict holds even if all earlier ones are resolved. At most `CONFLICTS_MAX`.
    """
    view = _View(problem)
    found: list[tuple[Explanation, ...]] = []
    dropped: set[Atom] = set()
    for number, job in enumerate(problem.jobs):
        if not job.candidates and not job.rejected:
            found.append((_no_skill(job),))
            continue
        found.extend(
            tuple(_explained(view, atom) for atom in atoms)
            for atoms in _local(view, number, dropped)
        )
    while len(found) < CONFLICTS_MAX and not view.is_possible(view.atoms - dropped):
        order = sorted(view.atoms - dropped, key=_preference)
        conflict = minimal_conflict(order, view.is_possible)
        if not conflict:
            break
        found.append(tuple(_explained(view, atom) for atom in conflict))
        dropped |= set(conflict)
    return tuple(found[:CONFLICTS_MAX])


def _preference(atom: Atom) -> tuple[bool, int, str]:
    """Order constraints before ways, so that ways are named only where they matter."""
    name = atom.parameter if isinstance(atom, Demand) else atom.made_by
    return isinstance(atom, Way), atom.job, name


def _local(view: "_View", number: int, dropped: set[Atom]) -> Iterator[list[Atom]]:
    """Yield the conflicts of one operation, and drop their atoms, until some unit is left."""

    def holds(atoms: frozenset[Atom]) -> bool:
        return bool(view.allowed(number, atoms).any())

    mine = [atom for atom in sorted(view.atoms, key=_preference) if atom.job == number]
    own: list[Atom] = [atom for atom in mine if isinstance(atom, Demand)]
    while own and not holds(frozenset(own)):
        conflict = minimal_conflict(own, holds)
        yield conflict
        dropped |= set(conflict)
        own = [atom for atom in own if atom not in dropped]


def minimal_conflict(atoms: Sequence[Atom], holds: Callable[[frozenset[Atom]], bool]) -> list[Atom]:
    """Return a smallest-by-inclusion part of `atoms` that does not hold, by QuickXplain.

    Earlier atoms are preferred in it. Empty where nothing can be blamed: not even no atom holds.
    """
    if not atoms or not holds(frozenset()):
        return []

    def explain(base: frozenset[Atom], *, grown: bool, rest: Sequence[Atom]) -> list[Atom]:
        if grown and not holds(base):
            return []
        if len(rest) == 1:
            return list(rest)
        half = len(rest) // 2
        first, second = rest[:half], rest[half:]
        late = explain(base | set(first), grown=True, rest=second)
        early = explain(base | set(late), grown=bool(late), rest=first)
        return early + late

    return explain(frozenset(), grown=False, rest=atoms)


class _View:
    """The problem with every unit that has the skill; constraints and ways can be dropped."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.places = [_places(job) for job in problem.jobs]
        self.failing = [self._failing(job) for job in problem.jobs]
        grid = grid_of_places(problem.roads, [place for row in self.places for place in row])
        self._moves = problem.roads.moves(Weights())
        self._spots = [self._spots_of(grid, row) for row in self.places]
        self._reach = self._reachable(grid)
        ways = {
            Way(number, source.made_by)
            for number, job in enumerate(problem.jobs)
            for source in job.sources
            if self.places[number] and not self._is_open_end(source)
        }
        demands = {
            Demand(number, parameter)
            for number, row in enumerate(self.failing)
            for parameter in row
        }
        self.atoms: frozenset[Atom] = frozenset(ways | demands)

    def _is_open_end(self, source: Source) -> bool:
        return source.job is not None and not self.places[source.job]

    def _failing(self, job: Job) -> dict[str, Bools]:
        """Return, per constraint that anybody fails, who fails it (candidates first)."""
        names = sorted({name for each in job.rejected for name in each.failing})
        lead = [False] * len(job.candidates)
        return {
            name: np.array([*lead, *(name in each.failing for each in job.rejected)])
            for name in names
        }

    def _spots_of(self, grid: Grid, row: Sequence[Place]) -> Spots:
        """Return the places; an operation that nobody can do is anywhere."""
        if row:
            return grid.spots(row)
        zero = np.zeros(1, dtype=np.int64)
        return Spots.of(zero, zero, zero - 1)

    def _reachable(self, grid: Grid) -> dict[Way, Floats]:
        return {
            Way(number, source.made_by): from_place(
                source.place, grid, self._spots[number], self._moves
            )
            for number, job in enumerate(self.problem.jobs)
            for source in job.sources
            if source.place is not None and self.places[number]
        }

    def allowed(self, number: int, atoms: frozenset[Atom]) -> Bools:
        """Return which units of a job meet all its demands among `atoms`."""
        good = np.ones(max(1, len(self.places[number])), dtype=np.bool_)
        for name, failing in self.failing[number].items():
            if Demand(number, name) in atoms:
                good &= ~failing
        return good

    def is_possible(self, atoms: frozenset[Atom]) -> bool:
        """Tell whether the product can be made if only `atoms` are demanded."""
        nodes = []
        for number, job in enumerate(self.problem.jobs):
            node = np.where(self.allowed(number, atoms), 0.0, np.inf)
            for source in job.sources:
                way = Way(number, source.made_by)
                if way in atoms and way in self._reach:
                    node = node + self._reach[way]
            nodes.append(node)
        free = {
            source.job
            for number, job in enumerate(self.problem.jobs)
            for source in job.sources
            if source.job is not None and Way(number, source.made_by) not in atoms
        }
        return is_possible(self._tables(nodes, frozenset(free), self._moves))

    def _tables(self, nodes: list[Floats], free: frozenset[int], moves: Moves) -> Tables:
        return Tables(
            inputs=tuple(tuple(job.feeding()) for job in self.problem.jobs),
            spots=tuple(self._spots),
            nodes=tuple(nodes),
            ready=tuple(np.zeros(len(node)) for node in nodes),
            moves=moves,
            adds=True,
            free_edges=free,
        )


def _places(job: Job) -> list[Place]:
    able = [each.place for each in job.candidates]
    return able + [each.place for each in job.rejected]


def _no_skill(job: Job) -> Explanation:
    operation = job.operation
    return Explanation(
        code=ReasonCode.NO_UNIT_WITH_SKILL,
        subject=operation.id,
        details={"label": operation.label, "skill": operation.requirement.skill},
    )


def _explained(view: _View, atom: Atom) -> Explanation:
    job = view.problem.jobs[atom.job]
    if isinstance(atom, Way):
        return Explanation(
            code=ReasonCode.NO_ROUTE,
            subject=atom.made_by,
            details={"made_by": atom.made_by, "taken_by": job.operation.id},
        )
    failing = view.failing[atom.job]
    return Explanation(
        code=ReasonCode.NO_UNIT_MEETS,
        subject=job.operation.id,
        details={
            "label": job.operation.label,
            "skill": job.operation.requirement.skill,
            "parameter": atom.parameter,
            "with_skill": str(len(view.places[atom.job])),
            "meeting": str(int((~failing[atom.parameter]).sum())),
            "waterfall": _waterfall(len(view.places[atom.job]), failing),
        },
        evidence=_nearest(job, atom.parameter),
    )


def _waterfall(count: int, failing: dict[str, Bools]) -> str:
    """Return how many units are left after each constraint, as ``skill 5; size 3; tpe 0``."""
    left = np.ones(count, dtype=np.bool_)
    parts = [f"skill {count}"]
    for name, fails in failing.items():
        left &= ~fails
        parts.append(f"{name} {int(left.sum())}")
    return "; ".join(parts)


def _nearest(job: Job, parameter: str) -> tuple[Evidence, ...]:
    """Return the evidence of the units that miss the constraint by least."""
    evidence = [
        each
        for rejected in job.rejected
        for reason in rejected.reasons
        if reason.details["parameter"] == parameter
        for each in reason.evidence
    ]
    evidence.sort(key=lambda each: (miss(each), each.subject))
    return tuple(evidence[:NEAREST_MAX])


def miss(evidence: Evidence) -> float:
    """Return by how much a value misses its limit, relative to it; inf where nobody can say."""
    value, limit = evidence.value, evidence.limit
    if isinstance(value, str) or isinstance(limit, str) or value is None or limit is None:
        return float("inf")
    return abs(value - limit) / abs(limit) if limit else abs(value)
