"""Runs that steps share, for the checker: who is in them, and that nothing else is."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from fabloop.base.instant import Instant
from fabloop.model.explanation import Explanation, ReasonCode
from fabloop.model.ids import WorkUnitId
from fabloop.model.plan import Plan, PlannedStep
from fabloop.model.product import ConfiguredProduct, Operation, Per
from fabloop.model.site import Network, WorkUnit
from fabloop.plan.names import batch_name

Busy = Mapping[WorkUnitId, tuple[tuple[Instant, Instant], ...]]
Slot = tuple[WorkUnitId, Instant, Instant, str]
"""A work unit from when to when, and the family of what is in it."""


def slot_of(step: PlannedStep) -> Slot | None:
    """Return the run that the step says it is in."""
    if step.batch is None:
        return None
    return step.work_unit, step.start, step.end, step.batch.family


def others_in(busy: Busy, slot: Slot) -> list[int]:
    """Return the pieces of each step of another plan that is in the run."""
    unit, start, end, family = slot
    prefix = batch_name(unit, family)
    return [
        int(name.removeprefix(prefix))
        for name, spans in busy.items()
        if name.startswith(prefix)
        for span in spans
        if span == (start, end)
    ]


def batch_faults(
    plan: Plan, product: ConfiguredProduct, network: Network, busy: Busy, quantity: int
) -> Iterator[Explanation]:
    """Yield every step in a run that may not be in it, or says wrongly how full it is."""
    units = network.work_units()
    pieces: dict[Slot, int] = defaultdict(int)
    for step in plan.steps:
        slot = slot_of(step)
        if step.batch is not None and slot is not None:
            pieces[slot] += step.batch.pieces
    for step in plan.steps:
        slot = slot_of(step)
        if step.batch is None or slot is None or step.frozen:
            continue
        operation, unit = product.operation(step.operation), units[step.work_unit]
        if not _may_share(operation, unit) or operation.batch_family != step.batch.family:
            yield _fault(step, "alone", step.batch.family)
        if step.batch.pieces != operation.pieces(quantity):
            yield _fault(step, str(operation.pieces(quantity)), str(step.batch.pieces))
        together = pieces[slot] + sum(others_in(busy, slot))
        if step.batch.together != together or together > unit.batch_max:
            yield _fault(step, str(min(together, unit.batch_max)), str(step.batch.together))


def _may_share(operation: Operation, unit: WorkUnit) -> bool:
    holds = operation.tools or operation.person_skill is not None or unit.setups
    return bool(operation.batch_family) and operation.per is Per.PIECE and not holds


def _fault(step: PlannedStep, expected: str, found: str) -> Explanation:
    details = {"work_unit": step.work_unit, "expected": expected, "found": found}
    return Explanation(code=ReasonCode.BATCH_WRONG, subject=step.operation, details=details)
