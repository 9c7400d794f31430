"""What every answer of planning goes through: the independent check, and who was left out."""

from collections.abc import Iterator, Sequence

from fabloop.base.errors import Broken
from fabloop.model.plan import Exclusion, Plan
from fabloop.plan.checker import Grounds, check_plan
from fabloop.plan.statement.candidates import Rejected, Rejections
from fabloop.plan.statement.problem import Problem
from fabloop.plan.terms.wish_check import check_kept
from fabloop.plan.terms.wishes import NO_WISHES, Wishes

EXCLUSIONS_PER_OPERATION_MAX = 12
"""Work units left out that are told for one operation: those that fail for the fewest reasons."""


def exclusions(problem: Problem) -> tuple[Exclusion, ...]:
    """Return who has the skill for an operation but may not do it, with all reasons.

    At most `EXCLUSIONS_PER_OPERATION_MAX` of each operation; reasons are only spelt out for those.
    """
    return tuple(
        Exclusion(operation=job.operation.id, work_unit=each.unit.id, reasons=each.reasons)
        for job in problem.jobs
        for each in _nearest(job.rejected)
    )


def _nearest(rejected: Sequence[Rejected]) -> Iterator[Rejected]:
    """Yield those with the fewest reasons, in the order in which they stand."""
    known = rejected.failing if isinstance(rejected, Rejections) else None
    if len(rejected) <= EXCLUSIONS_PER_OPERATION_MAX:
        yield from rejected
        return
    counts = [len(each.reasons) for each in rejected] if known is None else known.counts.tolist()
    order = sorted(range(len(rejected)), key=lambda row: (counts[row], row))
    for row in sorted(order[:EXCLUSIONS_PER_OPERATION_MAX]):
        yield rejected[row]


def assure(plan: Plan, grounds: Grounds) -> None:
    """Raise Broken where the plan does not hold."""
    violations = check_plan(plan, grounds)
    if violations:
        listed = ", ".join(f"{each.code} ({each.subject})" for each in violations)
        raise Broken(f"Expected plan {plan.id!r} to pass the check, but found {listed}.")


def assured(plan: Plan, grounds: Grounds, wishes: Wishes = NO_WISHES) -> Plan:
    """Return the plan, or raise Broken where it does not hold or breaks a wish."""
    assure(plan, grounds)
    broken = check_kept(plan, wishes, grounds.network)
    if broken:
        listed = ", ".join(each.subject for each in broken)
        raise Broken(f"Expected plan {plan.id!r} to keep all wishes, but it breaks {listed}.")
    return plan
