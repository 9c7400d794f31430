"""Readings that say what they cannot mean, brought to one form: unknown is NaN and bad."""

from dataclasses import dataclass

import numpy as np

from fabloop.base.instant import Instant
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.quality import BAD, STATUS_MASK


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """Readings fit to be stored.

    Attributes
    ----------
    not_finite : NaN or infinite, but not told to be bad; they are unknown and bad now
    too_early, too_late : left out, since no clock that is right can have told them
    """

    batch: Batch
    not_finite: int
    too_early: int
    too_late: int


def sound(batch: Batch, earliest: Instant, latest: Instant) -> Sound:
    """Return readings of `earliest <= time <= latest`, NaN exactly where they are bad.

    A number that comes with a bad quality is no value; it becomes NaN.
    """
    early = int((batch.times < earliest).sum())
    late = int((batch.times > latest).sum())
    if early or late:
        batch = batch.where((batch.times >= earliest) & (batch.times <= latest))
    finite = np.isfinite(batch.values)
    bad = (batch.quality & STATUS_MASK) == BAD
    if bool((finite == ~bad).all()) and not np.isinf(batch.values).any():
        return Sound(batch, 0, early, late)
    lying = ~finite & ~bad
    values = np.where(finite & ~bad, batch.values, np.nan)
    quality = np.where(lying, BAD, batch.quality).astype(np.uint8)
    return Sound(Batch(batch.times, batch.series, values, quality), int(lying.sum()), early, late)
