"""Slow and simple answers to compare with: every subset tried, every pair of work units routed."""

from itertools import combinations

from fabloop.plan.statement.roads import Weights


def atoms_of(problem):
    """Return all demands ``(job, parameter)`` that somebody fails, and ways ``(job, made_by)``."""
    atoms = []
    for number, job in enumerate(problem.jobs):
        atoms += [(number, name) for name in sorted({n for r in job.rejected for n in r.failing})]
        for source in job.sources:
            maker = problem.jobs[source.job] if source.job is not None else None
            blank = maker is not None and not [*maker.candidates, *maker.rejected]
            if not blank and [*job.candidates, *job.rejected]:
                atoms.append((number, source.made_by))
    return atoms


def is_possible(problem, atoms):
    """Tell whether the product can be made if only the atoms are demanded."""
    able = []
    for number, job in enumerate(problem.jobs):
        units = [each.place for each in job.candidates]
        units += [
            each.place
            for each in job.rejected
            if not any((number, name) in atoms for name in each.failing)
        ]
        for source in job.sources:
            if (number, source.made_by) not in atoms:
                continue
            starts = [source.place] if source.job is None else able[source.job]
            units = [
                unit
                for unit in units
                if any(problem.roads.route(start, unit, Weights()) is not None for start in starts)
            ]
        blank = not [*job.candidates, *job.rejected]
        if not units and not blank:
            return False
        able.append(units)
    return True


def minimal_conflicts(problem):
    """Return every smallest set of atoms that cannot hold together."""
    atoms, found = atoms_of(problem), []
    for size in range(1, len(atoms) + 1):
        for each in combinations(atoms, size):
            chosen = frozenset(each)
            if not any(other <= chosen for other in found) and not is_possible(problem, chosen):
                found.append(chosen)
    return found
