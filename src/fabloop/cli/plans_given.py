"""Plans in files, as the commands of this program write them."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from fabloop.base.codec import from_json_once
from fabloop.base.errors import Fault, Invalid
from fabloop.base.names import did_you_mean
from fabloop.cli.given import read_bytes
from fabloop.cli.plan import PlanReply
from fabloop.model.ids import OrderId
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import NotDecided, NotProducible, Plan
from fabloop.plan.tradeoffs.front import Front

WRITTEN = "what `fabloop plan --json`, `order place --out` or `order replan --out` wrote"


class Plans(msgspec.Struct, frozen=True, kw_only=True):
    """Plans of several orders, one each."""

    plans: tuple[Plan, ...]


def plans_in(file: Path, number: int) -> tuple[Plan, ...]:
    """Return the plans of a file, one for each order; where it has several for one, that number.

    Raises
    ------
    Invalid
        It holds no plans, or none of that number.
    """
    data = read_bytes(file)
    try:
        return (from_json_once(data, Plan),)
    except msgspec.DecodeError:
        pass
    try:
        return from_json_once(data, Plans).plans
    except msgspec.DecodeError:
        pass
    try:
        answer = from_json_once(data, PlanReply).answer
    except msgspec.DecodeError as error:
        raise _invalid(str(file), WRITTEN, str(error)) from error
    plans: tuple[Plan, ...] = ()
    if isinstance(answer, Front):
        plans = tuple(each.plan for each in answer.points)
    elif not isinstance(answer, NotProducible | NotDecided):
        plans = answer.plans
    if not 1 <= number <= len(plans):
        raise _invalid("--plan", f"a plan from 1 to {len(plans)} of '{file}'", str(number))
    return (plans[number - 1],)


def fitting(
    plans: Sequence[tuple[Plan, Path]], orders: Sequence[ProductionOrder]
) -> list[tuple[ProductionOrder, Plan]]:
    """Return each plan with its order; nothing can be said of a plan for something else.

    Raises
    ------
    Invalid
        A plan is for another order or product, or two are for the same order.
    """
    by_id = {each.id: each for each in orders}
    faults: list[Fault] = []
    found: dict[OrderId, tuple[ProductionOrder, Plan]] = {}
    for plan, file in plans:
        order = by_id.get(plan.order)
        if order is None:
            expected = f"a plan for order {' or '.join(repr(str(each)) for each in by_id)}"
            hint = did_you_mean(plan.order, by_id)
            faults.append(_fault(str(file), expected, f"one for '{plan.order}'", hint))
            continue
        if plan.order in found:
            faults.append(_fault(str(file), "one plan for each order", f"another for '{order.id}'"))
        known = {each.id for each in order.product.operations}
        strange = sorted(each.operation for each in plan.steps if each.operation not in known)
        if strange:
            expected = "a plan for the product of the order"
            faults.append(_fault(str(file), expected, f"operation '{strange[0]}'"))
        found[plan.order] = order, plan
    if faults:
        raise Invalid(faults)
    return list(found.values())


def _invalid(source: str, expected: str, found: str) -> Invalid:
    return Invalid(_fault(source, expected, found))


def _fault(source: str, expected: str, found: str, hint: str = "") -> Fault:
    return Fault(source=source, path="", expected=expected, found=found, hint=hint)
