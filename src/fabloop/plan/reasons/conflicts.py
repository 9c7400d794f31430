"""Why nothing can be made: minimal sets of demands that cannot hold together.

An atom is one constraint of one operation, or one way from an operation to the next. First every
operation that no work unit can do (all its smallest sets of constraints that no work unit meets,
exactly), then all sets that go across operations, those that share nothing with others first.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import msgspec

from fabloop.model.explanation import Evidence, Explanation, ReasonCode
from fabloop.plan.reasons.minimal import (
    all_conflicts,
    bits_of,
    minimal_conflict,
    smallest,
    transversals,
)
from fabloop.plan.reasons.reach import Frame, Reach, is_blank, units_of
from fabloop.plan.statement.problem import Job, Problem

__all__ = ["CONFLICTS_MAX", "Conflict", "conflicts_of", "minimal_conflict", "miss"]

CONFLICTS_MAX = 12
"""Conflicts that are told; where there are more, the answer says so."""

NEAREST_MAX = 3
"""Work units told that miss a constraint by least."""


class Demand(msgspec.Struct, frozen=True):
    """A constraint (by parameter) that an operation makes; the job's number comes first."""

    job: int
    parameter: str


class Way(msgspec.Struct, frozen=True):
    """That an input (by its place among them) can be moved to the job."""

    job: int
    input: int


Atom: TypeAlias = Demand | Way


class Conflict(msgspec.Struct, frozen=True):
    """Reasons that cannot hold together; without any one of them they could."""

    reasons: tuple[Explanation, ...]


class WhyNot(msgspec.Struct, frozen=True):
    """All minimal conflicts found, and whether there are no others."""

    conflicts: tuple[Conflict, ...]
    complete: bool


def conflicts_of(problem: Problem) -> tuple[tuple[Explanation, ...], ...]:
    """Return the minimal conflicts, those of single operations first. At most `CONFLICTS_MAX`."""
    return tuple(each.reasons for each in every_conflict(problem).conflicts)


def every_conflict(problem: Problem, conflicts_max: int = CONFLICTS_MAX) -> WhyNot:
    """Return the minimal conflicts, those of single operations first, and whether that is all."""
    view = View(problem)
    blank = [number for number, job in enumerate(problem.jobs) if is_blank(job)]
    lone = [Conflict((_no_skill(problem.jobs[each]),)) for each in view.frame.needed & {*blank}]
    local = [mask for number in range(len(problem.jobs)) for mask in view.local(number)]
    room = max(0, conflicts_max - len(lone))
    answer = all_conflicts(view.conflict_without, local, conflicts_max=room)
    told = [Conflict(_explained(view, mask)) for mask in answer.found]
    if not lone and not told and not view.is_possible():
        lone = [Conflict(tuple(_no_skill(problem.jobs[each]) for each in blank))]
    complete = answer.complete and len(lone) + len(told) <= conflicts_max
    return WhyNot((*lone, *told)[:conflicts_max], complete)


class View:
    """The problem with every unit that has the skill; constraints and ways can be dropped.

    Sets of atoms are masks, in the order of `atoms`. Who fails what is only looked at for the jobs
    that a conflict is about, since reasons take long to tell.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        blank = [is_blank(job) for job in problem.jobs]
        self.reach = Reach(problem.roads, units_of(problem))
        self.frame = Frame(problem, self.reach, blank)
        anyone = self.reach.all or 1
        self.able_now = [
            (anyone if number in self.frame.needed else 0)
            if blank[number]
            else self.reach.mask(job.candidates)
            for number, job in enumerate(problem.jobs)
        ]
        self.atoms: list[Atom] = []
        self.bit: dict[Atom, int] = {}
        self._rank: dict[Atom, int] = {}
        self._fails: dict[int, dict[str, int]] = {}
        self._of_job: dict[int, int] = {}
        self._skilled: dict[int, int] = {}
        self._known: dict[tuple[int, int], int] = {}

    def skilled(self, number: int) -> int:
        """Return the units that have the skill of a job."""
        known = self._skilled.get(number)
        if known is None:
            known = self.able_now[number] | self.reach.mask(self.problem.jobs[number].rejected)
            self._skilled[number] = known
        return known

    def fails(self, number: int) -> dict[str, int]:
        """Return, per constraint of a job that anybody fails, who fails it; limits come first."""
        if number not in self._fails:
            self._fails[number] = self._failing(number)
            own = [Demand(number, name) for name in self._fails[number]]
            self._of_job[number] = sum(self.numbered(atom) for atom in own)
        return self._fails[number]

    def _failing(self, number: int) -> dict[str, int]:
        masks: dict[str, int] = {}
        ranks: dict[str, int] = {}
        for each in self.problem.jobs[number].rejected:
            bit = 1 << self.reach.number[each.unit.id]
            for reason in each.reasons:
                name = reason.details["parameter"]
                masks[name] = masks.get(name, 0) | bit
                ranks[name] = RANKS.get(reason.code, 0)
        self._rank.update((Demand(number, name), rank) for name, rank in ranks.items())
        return {name: masks[name] for name in sorted(masks, key=lambda each: (ranks[each], each))}

    def numbered(self, atom: Atom) -> int:
        """Return the bit of an atom, a new one where it has none."""
        if atom not in self.bit:
            self.bit[atom] = 1 << len(self.atoms)
            self.atoms.append(atom)
        return self.bit[atom]

    def _preference(self, atom: Atom) -> tuple[int, int, int]:
        """Order limits before sizes, materials, people and ways: ways only where they matter."""
        if isinstance(atom, Way):
            return len(RANKS) + 1, atom.job, atom.input
        return self._rank[atom], atom.job, 0

    def allowed(self, number: int, atoms: int) -> int:
        """Return which units of a job meet all its demands among `atoms`."""
        fails = self.fails(number)
        own = atoms & self._of_job[number]
        known = self._known.get((number, own))
        if known is None:
            known = self.skilled(number)
            for name, mask in fails.items():
                if own & self.bit[Demand(number, name)]:
                    known &= ~mask
            self._known[number, own] = known
        return known

    def _left(self, number: int, dropped: int) -> int:
        """Return which units meet the demands of a job that are not dropped."""
        if dropped & self._of_job.get(number, 0):
            return self.allowed(number, ~dropped)
        return self.able_now[number]

    def _able(self, dropped: int) -> dict[int, int]:
        bit = self.bit
        return self.frame.able(
            lambda number: self._left(number, dropped),
            lambda number, place: bool(dropped & bit.get(Way(number, place), 0)),
            range(len(self.problem.jobs)),
        )

    def is_possible(self, dropped: int = 0) -> bool:
        """Tell whether the product can be made if some atoms are not demanded."""
        return self.frame.broken(self._able(dropped)) is None

    def local(self, number: int) -> Iterator[int]:
        """Yield every smallest set of a needed job's own demands that no unit meets.

        They are the smallest sets that hit what each unit fails.
        """
        if self.able_now[number] or number not in self.frame.needed:
            return
        self.fails(number)
        failing = {
            sum(self.bit[Demand(number, name)] for name in each.failing)
            for each in self.problem.jobs[number].rejected
        }
        least = [each for each in failing if not any(o != each and o & each == o for o in failing)]
        masks = transversals(sorted(least)) or ()
        yield from sorted(masks, key=lambda each: (each.bit_count(), self._ranks(each)))

    def _ranks(self, mask: int) -> list[tuple[int, int, int]]:
        return sorted(self._preference(atom) for atom in self.named(mask))

    def named(self, mask: int) -> list[Atom]:
        """Return the atoms of a mask."""
        return [self.atoms[bit.bit_length() - 1] for bit in bits_of(mask)]

    def conflict_without(self, dropped: int) -> int:
        """Return a smallest conflict that has none of the dropped atoms, 0 where there is none.

        Where nobody can do a job although its inputs can be made, a conflict lies in what leads
        to that job. Which jobs and ways it is about is found before which demands of theirs.
        """
        broken = self.frame.broken(self._able(dropped))
        if broken is None:
            return 0
        jobs = self.frame.under(broken)
        blocks, ways = self._rough(jobs, dropped)
        for number in blocks:
            self.fails(number)
        atoms: list[Atom] = [Demand(each, name) for each in blocks for name in self.fails(each)]
        atoms += ways
        order = sorted(atoms, key=self._preference)
        bits = [bit for bit in map(self.numbered, order) if not bit & dropped]
        return smallest(bits, lambda mask: self._holds(mask, {*blocks}, jobs))

    def _rough(self, jobs: Sequence[int], dropped: int) -> tuple[list[int], list[Way]]:
        """Return jobs and ways with a conflict among them, none of which can be left out."""
        atoms: list[int | Way] = [
            number for number in jobs if self._left(number, dropped) != self.skilled(number)
        ]
        for number in jobs:
            ways = (
                Way(number, place)
                for place, each in enumerate(self.frame.feeds[number])
                if not each.free
            )
            atoms += (way for way in ways if not dropped & self.bit.get(way, 0))

        def holds(kept: frozenset[int | Way]) -> bool:
            able = self.frame.able(
                lambda number: (
                    self._left(number, dropped) if number in kept else self.skilled(number)
                ),
                lambda number, place: Way(number, place) not in kept,
                jobs,
            )
            return self.frame.broken(able) is None

        found = minimal_conflict(atoms, holds)
        blocks = [each for each in found if not isinstance(each, Way)]
        return blocks, [each for each in found if isinstance(each, Way)]

    def _holds(self, atoms: int, blocks: set[int], jobs: Sequence[int]) -> bool:
        """Tell whether the jobs can be done if only `atoms` are demanded."""
        bit = self.bit
        able = self.frame.able(
            lambda number: (
                self.allowed(number, atoms) if number in blocks else self.skilled(number)
            ),
            lambda number, place: not atoms & bit.get(Way(number, place), 0),
            jobs,
        )
        return self.frame.broken(able) is None


RANKS: dict[str, int] = {
    ReasonCode.OUT_OF_SPAN: 1,
    ReasonCode.NOT_AMONG: 2,
    ReasonCode.NO_PERSON: 3,
    ReasonCode.UNIT_UNAVAILABLE: 4,
}
"""What is named first where there is a choice: limits (0), then sizes, materials, people."""


def _no_skill(job: Job) -> Explanation:
    operation = job.operation
    return Explanation(
        code=ReasonCode.NO_UNIT_WITH_SKILL,
        subject=operation.id,
        details={"label": operation.label, "skill": operation.requirement.skill},
    )


def _explained(view: View, mask: int) -> tuple[Explanation, ...]:
    atoms = view.named(mask)
    demands = [atom for atom in atoms if isinstance(atom, Demand)]
    ways = [atom for atom in atoms if isinstance(atom, Way)]
    demands.sort(key=lambda each: (each.job, list(view.fails(each.job)).index(each.parameter)))
    ways.sort(key=lambda each: (each.job, each.input))
    return (*(_demand(view, each) for each in demands), *(_way(view, each, mask) for each in ways))


def _demand(view: View, atom: Demand) -> Explanation:
    job, fails = view.problem.jobs[atom.job], view.fails(atom.job)
    skilled = view.skilled(atom.job)
    return Explanation(
        code=ReasonCode.NO_UNIT_MEETS,
        subject=job.operation.id,
        details={
            "label": job.operation.label,
            "skill": job.operation.requirement.skill,
            "parameter": atom.parameter,
            "with_skill": str(skilled.bit_count()),
            "meeting": str((skilled & ~fails[atom.parameter]).bit_count()),
            "waterfall": _waterfall(skilled, fails),
        },
        evidence=_nearest(job, atom.parameter),
    )


def _waterfall(units: int, fails: dict[str, int]) -> str:
    """Return how many units are left after each constraint, as ``skill 5; size 3; tpe 0``."""
    parts = [f"skill {units.bit_count()}"]
    for name, mask in fails.items():
        units &= ~mask
        parts.append(f"{name} {units.bit_count()}")
    return "; ".join(parts)


def _nearest(job: Job, parameter: str) -> tuple[Evidence, ...]:
    """Return the evidence of the units that miss least besides, and the constraint by least."""
    found: list[tuple[tuple[int, float, str], Evidence]] = []
    for rejected in job.rejected:
        for reason in rejected.reasons:
            if reason.details["parameter"] == parameter:
                others = len(rejected.reasons)
                found += [((others, miss(each), each.subject), each) for each in reason.evidence]
    found.sort(key=lambda each: each[0])
    return tuple(each for _, each in found[:NEAREST_MAX])


def _way(view: View, atom: Way, mask: int) -> Explanation:
    """Say who could make the input and who could take it, as far as the conflict goes."""
    job = view.problem.jobs[atom.job]
    source = job.sources[atom.input]
    takers = view.allowed(atom.job, mask)
    details = {
        "made_by": source.made_by,
        "taken_by": job.operation.id,
        "takers": str(takers.bit_count()),
        "taker_sites": _sites(view, takers),
    }
    makers = 0
    for maker in view.frame.feeds[atom.job][atom.input].makers:
        makers |= view.allowed(maker, mask)
    if makers:
        details |= {"makers": str(makers.bit_count()), "maker_sites": _sites(view, makers)}
    return Explanation(code=ReasonCode.NO_ROUTE, subject=source.made_by, details=details)


def _sites(view: View, units: int) -> str:
    return ", ".join(sorted({str(each.site) for each in view.reach.places_of(units)}))


def miss(evidence: Evidence) -> float:
    """Return by how much a value misses its limit, relative to it; inf where nobody can say."""
    value, limit = evidence.value, evidence.limit
    if isinstance(value, str) or isinstance(limit, str) or value is None or limit is None:
        return float("inf")
    return abs(value - limit) / abs(limit) if limit else abs(value)
