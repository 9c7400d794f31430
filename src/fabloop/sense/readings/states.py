"""How long a series was in which state."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fabloop.sense.readings.batch import Batch, Times
from fabloop.sense.readings.buckets import UNKNOWN_BEFORE, Before, Grid

STATES_MAX = 1_024
"""States of one series; numbers beyond count as unknown."""


@dataclass(frozen=True, slots=True, eq=False)
class TimeInState:
    """Durations by bucket and state.

    Attributes
    ----------
    start : the first instant of each bucket, shape (n,)
    lasted_ns : shape (n, states); a row and its unknown time add up to the bucket
    unknown_ns : shape (n,): before the first reading, after a bad one, in no state of the series
    entered : how often each state began within, shape (n, states)
    """

    start: Times
    lasted_ns: NDArray[np.int64]
    unknown_ns: Times
    entered: NDArray[np.int32]


def time_in_state(
    batch: Batch, grid: Grid, states: int, before: Before = UNKNOWN_BEFORE
) -> TimeInState:
    """Return how long each state held in each bucket, from readings of one series by time.

    A state holds until the next reading.
    """
    inside = batch.where((batch.times >= grid.start) & (batch.times < grid.end))
    told = np.append(before.held, inside.values)
    since = np.append(np.int64(grid.start), inside.times)
    number = _numbers(told, min(states, STATES_MAX))
    edges = np.unique(np.concatenate([since, grid.starts]))
    lasting = np.diff(np.append(edges, grid.end))
    at_edge = number[np.searchsorted(since, edges, side="right") - 1]
    bucket = (edges - grid.start) // grid.width_ns
    width = min(states, STATES_MAX) + 1
    spent = np.zeros(grid.count * width, np.int64)
    np.add.at(spent, bucket * width + at_edge, lasting)
    begun = np.flatnonzero(number[1:] != number[:-1]) + 1
    entries = ((since[begun] - grid.start) // grid.width_ns) * width + number[begun]
    entered = np.bincount(entries, minlength=grid.count * width).astype(np.int32)
    table = spent.reshape(grid.count, width)
    return TimeInState(
        start=grid.starts,
        lasted_ns=table[:, :-1],
        unknown_ns=table[:, -1],
        entered=entered.reshape(grid.count, width)[:, :-1],
    )


def _numbers(values: NDArray[np.float64], states: int) -> NDArray[np.int64]:
    """Return the state of each value; `states` stands for none of them."""
    with np.errstate(invalid="ignore"):
        fits = (values >= 0) & (values < states) & (values == np.floor(values))
    return np.where(fits, np.where(fits, values, 0).astype(np.int64), states)
