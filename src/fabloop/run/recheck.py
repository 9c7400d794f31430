"""What a changed plan still commands: all of its permissives are judged anew, not the new alone."""

from collections.abc import Collection, Iterator

from fabloop.model.explanation import Explanation
from fabloop.model.ids import OperationId, WorkUnitId
from fabloop.model.plan import MovementKind, Plan
from fabloop.model.product import ConfiguredProduct
from fabloop.services.permissions import Permissions

LegKey = tuple[OperationId, OperationId, int]
"""Maker, taker and number of a leg."""


def still_commanded(
    plan: Plan,
    begun: Collection[OperationId],
    left: Collection[LegKey],
    product: ConfiguredProduct,
) -> tuple[tuple[WorkUnitId, str], ...]:
    """Return the work units and skills that a plan has yet to command, each once.

    Transports count like steps; what has `begun` or `left` is not commanded again.
    """

    def commanded() -> Iterator[tuple[WorkUnitId, str]]:
        for step in plan.steps:
            if step.operation not in begun:
                yield step.work_unit, product.operation(step.operation).requirement.skill
        for leg in plan.movements:
            on_its_way = leg.taken_by in begun or (leg.made_by, leg.taken_by, leg.leg) in left
            if leg.kind is MovementKind.TRANSPORT and not on_its_way:
                yield WorkUnitId(leg.by), MovementKind.TRANSPORT

    return tuple(dict.fromkeys(commanded()))


def change_withheld(
    after: Plan,
    begun: Collection[OperationId],
    left: Collection[LegKey],
    product: ConfiguredProduct,
    permissions: Permissions,
) -> tuple[Explanation, ...]:
    """Return why a plan may not take the place of another one now; empty where it may.

    It does not matter whether the plan before commanded the same: what held then need not hold now.
    """
    found: list[Explanation] = []
    for work_unit, skill in still_commanded(after, begun, left, product):
        against = permissions.against(work_unit, skill)
        found += [each for each in against if each not in found]
    return tuple(found)
