"""Figures that are too large to be added up exactly are refused before anything is solved."""

from collections.abc import Iterator

from fabloop.base.errors import Fault, Invalid
from fabloop.model.ids import OperationId
from fabloop.plan.statement.candidates import Columns
from fabloop.plan.statement.problem import Job, Problem
from fabloop.plan.statement.roads import Figures

COST_MAX = 10**13
"""Minor units of one operation, all its pieces together: sums of thousands are still exact."""

ENERGY_MAX = 10**17
"""Joules of one operation, all its pieces together."""


def check_countable(problem: Problem) -> None:
    """Refuse operations that take more on some work unit than can be counted.

    Raises
    ------
    Invalid
        There is at least one; each is named.
    """
    faults = uncountable(problem)
    if faults:
        raise Invalid(faults)


def uncountable(problem: Problem) -> list[Fault]:
    """Return a fault for each operation that takes more on some work unit than can be counted."""
    return [fault for job in problem.jobs for fault in _faults(job)]


def is_countable(takes: Figures) -> bool:
    """Tell whether what an operation takes can be counted."""
    return takes.cost <= COST_MAX and takes.energy <= ENERGY_MAX


def _faults(job: Job) -> Iterator[Fault]:
    cost, energy = _most(job)
    limits = (("cost", cost, COST_MAX, "minor units"), ("energy", energy, ENERGY_MAX, "J"))
    for name, value, most, unit in limits:
        if not value <= most:
            expected = f"at most {most:g} {unit} for all pieces together, on any work unit"
            yield too_much(job.operation.id, name, expected, f"{value:g} {unit}")


def too_much(operation: OperationId, name: str, expected: str, found: str) -> Fault:
    """Return that a figure of an operation is too large, and what to do."""
    return Fault(
        source=f"operation {operation!r}",
        path=name,
        expected=expected,
        found=found,
        hint="Look at its figures, at prices and rates, and at the number of pieces.",
    )


def _most(job: Job) -> tuple[float, float]:
    if not len(job.candidates):
        return 0.0, 0.0
    if isinstance(job.candidates, Columns):
        return float(job.candidates.takes.cost.max()), float(job.candidates.takes.energy.max())
    takes = [each.takes for each in job.candidates]
    return float(max(each.cost for each in takes)), max(each.energy for each in takes)
