"""Why nothing can be made: minimal sets of demands that cannot hold together.

An atom is one constraint of one operation, or one way from an operation to the next. First every
operation that no work unit can do (all its smallest sets of constraints that no work unit meets,
exactly), then all sets that go across operations, those that share nothing with others first.
"""

import msgspec

from fabloop.model.explanation import Explanation, ReasonCode
from fabloop.plan.reasons.minimal import all_conflicts
from fabloop.plan.reasons.reach import is_blank
from fabloop.plan.reasons.view import Demand, View, Way
from fabloop.plan.statement.problem import Job, Problem

CONFLICTS_MAX = 12
"""Conflicts that are told; where there are more, the answer says so."""


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
        evidence=view.nearest(atom),
    )


def _waterfall(units: int, fails: dict[str, int]) -> str:
    """Return how many units are left after each constraint, as ``skill 5; size 3; tpe 0``."""
    parts = [f"skill {units.bit_count()}"]
    for name, mask in fails.items():
        units &= ~mask
        parts.append(f"{name} {units.bit_count()}")
    return "; ".join(parts)


def _way(view: View, atom: Way, mask: int) -> Explanation:
    """Say who could make the input and who could take it, as far as the conflict goes."""
    job = view.problem.jobs[atom.job]
    source = job.sources[atom.input]
    takers = view.allowed(atom.job, mask)
    details = {
        "made_by": source.made_by,
        "taken_by": job.operation.id,
        "takers": str(takers.bit_count()),
        "taker_sites": ", ".join(view.reach.sites_of(takers)),
    }
    makers = 0
    for maker in view.frame.feeds[atom.job][atom.input].makers:
        makers |= view.allowed(maker, mask)
    if makers:
        details |= {
            "makers": str(makers.bit_count()),
            "maker_sites": ", ".join(view.reach.sites_of(makers)),
        }
    return Explanation(code=ReasonCode.NO_ROUTE, subject=source.made_by, details=details)
