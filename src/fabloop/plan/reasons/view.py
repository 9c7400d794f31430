"""The problem with every work unit that has the skill, where constraints and ways can be dropped.

An atom is one constraint of one operation, or one way from an operation to the next. Sets of
atoms are masks, in the order in which a search first speaks of them.
"""

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import or_
from typing import TypeAlias

import msgspec

from fabloop.model.explanation import Evidence
from fabloop.plan.reasons.failing import RANKS, failed_by, nearest
from fabloop.plan.reasons.flow import Flow, Search
from fabloop.plan.reasons.minimal import bits_of, transversals
from fabloop.plan.reasons.reach import Frame, Reach, is_blank, units_of
from fabloop.plan.statement.problem import Problem


class Demand(msgspec.Struct, frozen=True):
    """A constraint (by parameter) that an operation makes; the job's number comes first."""

    job: int
    parameter: str


class Way(msgspec.Struct, frozen=True):
    """That an input (by its place among them) can be moved to the job."""

    job: int
    input: int


Atom: TypeAlias = Demand | Way


class View:
    """Who could do what if some atoms were not demanded.

    Who fails what is only looked at for the jobs that a conflict is about.
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
        self._nearest: dict[Demand, tuple[Evidence, ...]] = {}
        self._dropped = 0
        self._flow = Flow(self.frame, self.able_now.__getitem__, range(len(problem.jobs)))

    def skilled(self, number: int) -> int:
        """Return the units that have the skill of a job."""
        known = self._skilled.get(number)
        if known is None:
            job = self.problem.jobs[number]
            known = self.able_now[number] | self.reach.skilled(job)
            self._skilled[number] = known
        return known

    def fails(self, number: int) -> dict[str, int]:
        """Return, per constraint of a job that anybody fails, who fails it; limits come first."""
        if number not in self._fails:
            found = failed_by(self.problem.jobs[number], self.reach)
            self._fails[number] = {name: each.units for name, each in found.items()}
            self._rank |= {Demand(number, name): each.rank for name, each in found.items()}
            own = [Demand(number, name) for name in found]
            self._of_job[number] = sum(self.numbered(atom) for atom in own)
        return self._fails[number]

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
        if number not in self._fails:
            return self.skilled(number)
        own = atoms & self._of_job[number]
        known = self._known.get((number, own))
        if known is None:
            known = self.skilled(number)
            for name, mask in self._fails[number].items():
                if own & self.bit[Demand(number, name)]:
                    known &= ~mask
            self._known[number, own] = known
        return known

    def _left(self, number: int, dropped: int) -> int:
        """Return which units meet the demands of a job that are not dropped."""
        if dropped & self._of_job.get(number, 0):
            return self.allowed(number, ~dropped)
        return self.able_now[number]

    def _broken(self, dropped: int) -> int | None:
        """Return the first needed job that nobody can do if some atoms are not demanded."""
        for atom in self.named(dropped ^ self._dropped):
            if isinstance(atom, Way):
                asked = not dropped & self.bit[atom]
                self._flow.free((atom.job, atom.input), asked=asked)
            else:
                self._flow.allow(atom.job, self._left(atom.job, dropped))
        self._dropped = dropped
        return self._flow.broken()

    def is_possible(self, dropped: int = 0) -> bool:
        """Tell whether the product can be made if some atoms are not demanded."""
        return self._broken(dropped) is None

    def local(self, number: int) -> Iterator[int]:
        """Yield every smallest set of a needed job's own demands that no unit meets.

        They are the smallest sets that hit what each unit fails.
        """
        if self.able_now[number] or number not in self.frame.needed:
            return
        failing = {0: self.skilled(number)}
        for name, mask in self.fails(number).items():
            bit = self.bit[Demand(number, name)]
            parts = [*((own, units & ~mask) for own, units in failing.items())]
            parts += [(own | bit, units & mask) for own, units in failing.items()]
            failing = {own: units for own, units in parts if units}
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
        broken = self._broken(dropped)
        if broken is None:
            return 0
        jobs = self.frame.under(broken)
        blocks, ways = self._rough(jobs, dropped)
        atoms: list[Atom] = [Demand(each, name) for each in blocks for name in self.fails(each)]
        atoms = [each for each in (*atoms, *ways) if not dropped & self.numbered(each)]
        atoms.sort(key=self._preference)
        found = self._search(atoms, jobs).smallest(range(len(atoms)))
        return reduce(or_, (self.bit[atoms[each]] for each in found), 0)

    def _rough(self, jobs: Sequence[int], dropped: int) -> tuple[list[int], list[Way]]:
        """Return jobs and ways with a conflict among them, none of which can be left out."""
        left = {number: self._left(number, dropped) for number in jobs}
        blocks = [number for number in jobs if left[number] != self.skilled(number)]
        flow = Flow(self.frame, left.__getitem__, jobs)
        ways = []
        for way in self._ways(jobs):
            if dropped & self.bit.get(way, 0):
                flow.free((way.job, way.input), asked=False)
            else:
                ways.append(way)

        def put(index: int, kept: bool) -> None:  # what a search calls
            if index < len(blocks):
                number = blocks[index]
                flow.allow(number, left[number] if kept else self.skilled(number))
            else:
                way = ways[index - len(blocks)]
                flow.free((way.job, way.input), asked=kept)

        count = len(blocks) + len(ways)
        found = Search(flow, count, put).smallest(range(count))
        return (
            [blocks[each] for each in found if each < len(blocks)],
            [ways[each - len(blocks)] for each in found if each >= len(blocks)],
        )

    def _ways(self, jobs: Sequence[int]) -> Iterator[Way]:
        for number in jobs:
            for place, each in enumerate(self.frame.feeds[number]):
                if not each.free:
                    yield Way(number, place)

    def _search(self, atoms: Sequence[Atom], jobs: Sequence[int]) -> Search:
        """Return the search among these atoms alone: nothing else is demanded of the jobs."""
        kept = dict.fromkeys(jobs, 0)
        for each in atoms:
            kept[each.job] |= self.bit[each]
        flow = Flow(self.frame, lambda number: self.allowed(number, kept[number]), jobs)
        asked = {each for each in atoms if isinstance(each, Way)}
        for way in self._ways(jobs):
            if way not in asked:
                flow.free((way.job, way.input), asked=False)

        def put(index: int, holds: bool) -> None:  # what a search calls
            atom = atoms[index]
            if isinstance(atom, Way):
                flow.free((atom.job, atom.input), asked=holds)
            else:
                kept[atom.job] ^= self.bit[atom]
                flow.allow(atom.job, self.allowed(atom.job, kept[atom.job]))

        return Search(flow, len(atoms), put)

    def nearest(self, demand: Demand) -> tuple[Evidence, ...]:
        """Return the evidence of the units that miss least besides, and the constraint by least."""
        if demand not in self._nearest:
            job = self.problem.jobs[demand.job]
            self._nearest[demand] = nearest(job, demand.parameter)
        return self._nearest[demand]
