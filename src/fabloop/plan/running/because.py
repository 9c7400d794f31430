"""What a new plan changes step by step, and why each step changes."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.explanation import ChangeCode, Evidence, Explanation
from fabloop.model.ids import OperationId, WorkUnitId
from fabloop.model.plan import Plan, PlannedStep
from fabloop.model.product import ConfiguredProduct
from fabloop.plan.statement.problem import Busy
from fabloop.plan.statement.roads import TICK


class StepChange(msgspec.Struct, frozen=True, kw_only=True):
    """A step that is done elsewhere, at another time, not at all any more, or only now.

    `before` and `after` are its work units; None where the plan has no such step.
    """

    operation: OperationId
    before: WorkUnitId | None
    after: WorkUnitId | None
    start_before: Instant | None
    start_after: Instant | None
    end_before: Instant | None
    end_after: Instant | None
    because: tuple[Explanation, ...]


class Grounds(msgspec.Struct, frozen=True, kw_only=True):
    """What reasons are looked for in.

    Attributes
    ----------
    reasons : what endangers the plan; each belongs to the operation that is its subject
    fewest : operations that any plan has to move to other work units
    gain : what the plan is better in than the best one that moves no more than these
    busy : when others take work units
    """

    product: ConfiguredProduct
    reasons: Sequence[Explanation]
    fewest: int = 0
    gain: tuple[Evidence, ...] = ()
    busy: Busy = {}


def step_changes(before: Plan, after: Plan, grounds: Grounds) -> tuple[StepChange, ...]:
    """Return what changes, in order of the new starts; steps that are left out come last."""
    old = {each.operation: each for each in before.steps}
    new = {each.operation: each for each in after.steps}
    moved = sum(step.work_unit != old[key].work_unit for key, step in new.items() if key in old)
    found = []
    for operation in dict.fromkeys((*new, *old)):
        was, becomes = old.get(operation), new.get(operation)
        if was is None or becomes is None or _differs(was, becomes):
            because = tuple(_because(operation, was, becomes, after, grounds, moved))
            found.append(_change(operation, was, becomes, because))
    return tuple(sorted(found, key=lambda it: (it.start_after is None, it.start_after or 0)))


def _differs(was: PlannedStep, becomes: PlannedStep) -> bool:
    return (was.work_unit, was.start, was.end) != (becomes.work_unit, becomes.start, becomes.end)


def _change(
    operation: OperationId,
    was: PlannedStep | None,
    becomes: PlannedStep | None,
    because: tuple[Explanation, ...],
) -> StepChange:
    return StepChange(
        operation=operation,
        before=None if was is None else was.work_unit,
        after=None if becomes is None else becomes.work_unit,
        start_before=None if was is None else was.start,
        start_after=None if becomes is None else becomes.start,
        end_before=None if was is None else was.end,
        end_after=None if becomes is None else becomes.end,
        because=because,
    )


def _because(  # what is compared, and what it is compared by
    operation: OperationId,
    was: PlannedStep | None,
    becomes: PlannedStep | None,
    after: Plan,
    grounds: Grounds,
    moved: int,
) -> Iterator[Explanation]:
    direct = [each for each in grounds.reasons if each.subject == operation]
    if direct:
        yield from direct
    elif was is None or becomes is None:
        yield Explanation(code=ChangeCode.OTHER_WAY, subject=operation)
    elif was.work_unit != becomes.work_unit:
        yield _move(operation, moved, grounds)
    elif not becomes.frozen:
        yield _later(becomes, after, grounds)


def _move(operation: OperationId, moved: int, grounds: Grounds) -> Explanation:
    counted = {"fewest": str(grounds.fewest), "moved": str(moved)}
    pays = moved > grounds.fewest
    return Explanation(
        code=ChangeCode.MOVES_FOR_GAIN if pays else ChangeCode.MOVES_BY_NEED,
        subject=operation,
        details=counted,
        evidence=grounds.gain if pays else (),
    )


def _later(step: PlannedStep, after: Plan, grounds: Grounds) -> Explanation:
    """Return what the step begins right after; else it is its hours, persons, tools or parts."""
    for found in (*_inputs(step, after, grounds.product), *_beside(step, after, grounds.busy)):
        at, code, details = found
        if step.start - TICK < at <= step.start:
            return Explanation(code=code, subject=step.operation, details=dict(details))
    return Explanation(code=ChangeCode.AS_SOON_AS_OPEN, subject=step.operation)


Follows = tuple[Instant, ChangeCode, Mapping[str, str]]


def _inputs(step: PlannedStep, after: Plan, product: ConfiguredProduct) -> Iterator[Follows]:
    ends = {each.operation: each.end for each in after.steps}
    for move in after.movements:
        if move.taken_by == step.operation:
            ends[move.made_by] = max(move.end, ends.get(move.made_by, move.end))
    for made_by in product.operation(step.operation).inputs:
        if made_by in ends:
            yield ends[made_by], ChangeCode.AFTER_INPUT, {"made_by": made_by}


def _beside(step: PlannedStep, after: Plan, busy: Busy) -> Iterator[Follows]:
    for each in after.steps:
        if each.work_unit == step.work_unit and each.operation != step.operation:
            names = {"work_unit": step.work_unit, "before": each.operation}
            yield each.end, ChangeCode.AFTER_STEP, names
    for _, end in busy.get(step.work_unit, ()):
        yield end, ChangeCode.AFTER_OTHERS, {"work_unit": step.work_unit}
