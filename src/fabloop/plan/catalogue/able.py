"""Who can do each step of a product with everything that leads to it; possible or not."""

from collections.abc import Sequence

import numpy as np

from fabloop.plan.catalogue.passage import Passage, mask_of
from fabloop.plan.statement.candidates import Judge
from fabloop.plan.statement.layout import Ints
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.steps import Steps

ANYWHERE = -1
"""The mask of every unit."""


def masks_of(steps: Steps, plant: Plant, judge: Judge) -> list[int]:
    """Return per step who may do it, as a mask."""
    return [unit_mask(judge.able(each).units, plant) for each in steps.operations]


def unit_mask(units: Ints, plant: Plant) -> int:
    """Return work units by number as a mask."""
    flags = np.zeros(len(plant.units), dtype=np.bool_)
    flags[units] = True
    return mask_of(flags)


def arriving(feeds: Sequence[Sequence[int]], able: Sequence[int], passage: Passage) -> int:
    """Return where all inputs can be brought together; anywhere if there are none."""
    got = ANYWHERE
    for group in feeds:
        reached = 0
        for maker in group:
            if able[maker]:
                reached |= passage.of(able[maker])
        got &= reached
    return got


def able_with_inputs(steps: Steps, masks: Sequence[int], passage: Passage) -> list[int]:
    """Return per step who can do it with everything that leads to it.

    The product can be made exactly where something is left of the last one.
    """
    able: list[int] = []
    for mask, feeds in zip(masks, steps.feeds, strict=True):
        able.append(mask & arriving(feeds, able, passage) if mask else 0)
    return able
