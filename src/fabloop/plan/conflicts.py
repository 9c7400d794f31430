"""Why nothing can be made: minimal sets of demands that cannot hold together.

An atom is one constraint of one operation, or one way from an operation to the next. First every
operation that no work unit can do (all its smallest sets of constraints that no work unit meets,
exactly), then all sets that go across operations, those that share nothing with others first.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import msgspec

from fabloop.model.explanation import Evidence, Explanation, ReasonCode
from fabloop.plan.minimal import all_conflicts, bits_of, minimal_conflict, smallest, transversals
from fabloop.plan.problem import Candidate, Job, Problem, Rejected
from fabloop.plan.reach import Frame, Reach

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
    lone = [
        Conflict((_no_skill(job),))
        for job in problem.jobs
        if not job.candidates and not job.rejected
    ]
    local = [mask for number in range(len(problem.jobs)) for mask in view.local(number)]
    room = max(0, conflicts_max - len(lone))
    answer = all_conflicts(view.universe, view.conflict_in, local, conflicts_max=room)
    told = [Conflict(_explained(view, mask)) for mask in answer.found]
    complete = answer.complete and len(lone) + len(told) <= conflicts_max
    return WhyNot((*lone, *told)[:conflicts_max], complete)


class View:
    """The problem with every unit that has the skill; constraints and ways can be dropped.

    Sets of atoms are masks, in the order of `atoms`.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        skilled: list[list[Candidate | Rejected]] = [
            [*job.candidates, *job.rejected] for job in problem.jobs
        ]
        self.reach = Reach(
            problem.roads, {each.unit.id: each.place for row in skilled for each in row}
        )
        self.count = [len(row) for row in skilled]
        self.units = [self.reach.mask(each.unit.id for each in row) for row in skilled]
        self.units = [mask or self.reach.all or 1 for mask in self.units]
        self.frame = Frame(problem, self.reach, [not row for row in skilled])
        self._rank: dict[Demand, int] = {}
        self.fails = [self._fails(number) for number in range(len(problem.jobs))]
        self.atoms: list[Atom] = []
        self.bit: dict[Atom, int] = {}
        self._of_job = [self._numbered(number) for number in range(len(problem.jobs))]
        self.universe = (1 << len(self.atoms)) - 1
        self._order = [self.bit[atom] for atom in sorted(self.atoms, key=self._preference)]
        self._known: dict[tuple[int, int], int] = {}

    def _fails(self, number: int) -> dict[str, int]:
        """Return, per constraint that anybody fails, who fails it; limits come first."""
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

    def _numbered(self, number: int) -> int:
        """Give the atoms of a job their bits; return all of them."""
        own: list[Atom] = [Demand(number, name) for name in self.fails[number]]
        feeds = self.frame.feeds[number]
        own += [Way(number, place) for place, feed in enumerate(feeds) if not feed.free]
        first = len(self.atoms)
        for place, atom in enumerate(own):
            self.bit[atom] = 1 << first + place
        self.atoms += own
        return ((1 << len(own)) - 1) << first

    def _preference(self, atom: Atom) -> tuple[int, int, int]:
        """Order limits before sizes, materials, people and ways: ways only where they matter."""
        if isinstance(atom, Way):
            return len(RANKS) + 1, atom.job, atom.input
        return self._rank[atom], atom.job, 0

    def allowed(self, number: int, atoms: int) -> int:
        """Return which units of a job meet all its demands among `atoms`."""
        own = atoms & self._of_job[number]
        known = self._known.get((number, own))
        if known is None:
            known = self.units[number]
            for name, fails in self.fails[number].items():
                if own & self.bit[Demand(number, name)]:
                    known &= ~fails
            self._known[number, own] = known
        return known

    def able(self, atoms: int, jobs: Sequence[int]) -> dict[int, int]:
        """Return who can do each of the jobs, inputs included, if only `atoms` are demanded."""
        bit = self.bit
        return self.frame.able(
            lambda number: self.allowed(number, atoms),
            lambda number, place: not atoms & bit[Way(number, place)],
            jobs,
        )

    def is_possible(self, atoms: int) -> bool:
        """Tell whether the product can be made if only `atoms` are demanded."""
        return all(self.able(atoms, range(len(self.problem.jobs))).values())

    def local(self, number: int) -> Iterator[int]:
        """Yield every smallest set of the job's own demands that no unit meets.

        They are the smallest sets that hit what each unit fails.
        """
        failing: set[int] = set()
        if not self.count[number] or self.problem.jobs[number].candidates:
            return
        for each in self.problem.jobs[number].rejected:
            failing.add(sum(self.bit[Demand(number, name)] for name in each.failing))
        least = [each for each in failing if not any(o != each and o & each == o for o in failing)]
        masks = transversals(sorted(least)) or ()
        yield from sorted(masks, key=lambda each: (each.bit_count(), self._ranks(each)))

    def _ranks(self, mask: int) -> list[int]:
        return sorted(self._order.index(bit) for bit in bits_of(mask))

    def conflict_in(self, atoms: int) -> int:
        """Return a smallest conflict among the atoms, 0 where they hold together.

        Where nobody can do a job although its inputs can be made, a conflict lies in what leads
        to that job.
        """
        able = self.able(atoms, range(len(self.problem.jobs)))
        broken = next((number for number, units in able.items() if not units), None)
        if broken is None:
            return 0
        jobs = self.frame.under[broken]
        own = 0
        for number in jobs:
            own |= self._of_job[number]
        order = [bit for bit in self._order if bit & own & atoms]
        return smallest(order, lambda mask: all(self.able(mask, jobs).values()))


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
    atoms = [view.atoms[bit.bit_length() - 1] for bit in bits_of(mask)]
    demands = [atom for atom in atoms if isinstance(atom, Demand)]
    ways = [atom for atom in atoms if isinstance(atom, Way)]
    return (*(_demand(view, each) for each in demands), *(_way(view, each, mask) for each in ways))


def _demand(view: View, atom: Demand) -> Explanation:
    job, fails = view.problem.jobs[atom.job], view.fails[atom.job]
    count = view.count[atom.job]
    return Explanation(
        code=ReasonCode.NO_UNIT_MEETS,
        subject=job.operation.id,
        details={
            "label": job.operation.label,
            "skill": job.operation.requirement.skill,
            "parameter": atom.parameter,
            "with_skill": str(count),
            "meeting": str(count - fails[atom.parameter].bit_count()),
            "waterfall": _waterfall(view.units[atom.job], fails),
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
    makers = source.job
    if makers is not None:
        units = view.allowed(makers, mask)
        details |= {"makers": str(units.bit_count()), "maker_sites": _sites(view, units)}
    return Explanation(code=ReasonCode.NO_ROUTE, subject=source.made_by, details=details)


def _sites(view: View, units: int) -> str:
    places = (view.reach.places[bit.bit_length() - 1] for bit in bits_of(units))
    return ", ".join(sorted({str(each.site) for each in places}))


def miss(evidence: Evidence) -> float:
    """Return by how much a value misses its limit, relative to it; inf where nobody can say."""
    value, limit = evidence.value, evidence.limit
    if isinstance(value, str) or isinstance(limit, str) or value is None or limit is None:
        return float("inf")
    return abs(value - limit) / abs(limit) if limit else abs(value)
