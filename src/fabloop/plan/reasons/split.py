"""Smaller lots, where an operation takes longer than anybody who could do it is ever there."""

import msgspec

from fabloop.model.explanation import OptionCode, ReasonCode
from fabloop.plan.engine import is_possible_now
from fabloop.plan.reasons.change import BASE_PRICE, Change, World
from fabloop.plan.statement.candidates import Rejections
from fabloop.plan.statement.problem import Job, Problem, problem_of

LOT_PRICE = 0.1
"""What is assumed for each lot after the first one."""


def split(world: World, problem: Problem) -> Change | None:
    """Return the change to the largest lots that can be made; None where lots are not the matter.

    Less pieces never take longer, so the largest lot is found by halving.
    """
    quantity = world.setting.quantity
    if quantity == 1 or not any(_is_too_long(job) for job in problem.jobs):
        return None
    if not _is_possible(world, 1):
        return None
    good, bad = 1, quantity
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if _is_possible(world, middle) else (good, middle)
    lots = -(-quantity // good)
    return Change(
        OptionCode.SPLIT_LOT,
        world.product.product,
        "quantity",
        quantity,
        good,
        price=BASE_PRICE[OptionCode.SPLIT_LOT] + LOT_PRICE * (lots - 1),
    )


def _is_too_long(job: Job) -> bool:
    """Tell whether nobody can do a job and somebody would be open, or there, too short for it."""
    if len(job.candidates):
        return False
    known = job.rejected.failing if isinstance(job.rejected, Rejections) else None
    if known is not None:
        return bool(known.fails["calendar"].any())
    codes = {reason.code for each in job.rejected for reason in each.reasons}
    return bool(codes & {ReasonCode.OPEN_TOO_SHORT, ReasonCode.SHIFT_TOO_SHORT})


def _is_possible(world: World, pieces: int) -> bool:
    setting = msgspec.structs.replace(world.setting, quantity=pieces)
    return is_possible_now(problem_of(world.product, setting))
