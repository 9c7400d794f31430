"""What a changed plan commands that the one before did not: its permissives are judged anew."""

from collections.abc import Collection, Iterator

from fabloop.model.explanation import Explanation
from fabloop.model.ids import OperationId, WorkUnitId
from fabloop.model.plan import Plan, PlannedStep
from fabloop.model.product import ConfiguredProduct
from fabloop.services.permissions import Permissions


def newly_commanded(
    before: Plan, after: Plan, done: Collection[OperationId]
) -> tuple[PlannedStep, ...]:
    """Return the steps of a plan, not begun, that another work unit did before or nobody."""
    held = {(each.operation, each.work_unit) for each in before.steps}
    return tuple(
        each
        for each in after.steps
        if each.operation not in done and (each.operation, each.work_unit) not in held
    )


def change_withheld(
    before: Plan,
    after: Plan,
    done: Collection[OperationId],
    product: ConfiguredProduct,
    permissions: Permissions,
) -> tuple[Explanation, ...]:
    """Return why a change of plan may not be applied now; empty where it may."""

    def against() -> Iterator[Explanation]:
        asked: set[tuple[WorkUnitId, str]] = set()
        for each in newly_commanded(before, after, done):
            skill = product.operation(each.operation).requirement.skill
            if (each.work_unit, skill) not in asked:
                asked.add((each.work_unit, skill))
                yield from permissions.against(each.work_unit, skill)

    return tuple(against())
