"""Figures that are too large to be added up exactly are refused before anything is solved."""

from collections.abc import Iterator

from fabloop.base.errors import Fault, Invalid
from fabloop.plan.statement.candidates import Columns
from fabloop.plan.statement.problem import Job, Problem

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
    faults = [fault for job in problem.jobs for fault in _faults(job)]
    if faults:
        raise Invalid(faults)


def _faults(job: Job) -> Iterator[Fault]:
    cost, energy = _most(job)
    limits = (("cost", cost, COST_MAX, "minor units"), ("energy", energy, ENERGY_MAX, "J"))
    for name, value, most, unit in limits:
        if not value <= most:
            yield Fault(
                source=f"operation {job.operation.id!r}",
                path=name,
                expected=f"at most {most:g} {unit} for all pieces together, on any work unit",
                found=f"{value:g} {unit}",
                hint="Look at its figures, at prices and rates, and at the number of pieces.",
            )


def _most(job: Job) -> tuple[float, float]:
    if not len(job.candidates):
        return 0.0, 0.0
    if isinstance(job.candidates, Columns):
        return float(job.candidates.takes.cost.max()), float(job.candidates.takes.energy.max())
    takes = [each.takes for each in job.candidates]
    return float(max(each.cost for each in takes)), max(each.energy for each in takes)
