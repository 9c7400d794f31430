"""Readings as hypothesis draws them, and what a plain loop makes of them."""

import math

from hypothesis import strategies as st

from fabloop.base.instant import SECOND
from fabloop.sense.readings.batch import Batch, batch_of
from fabloop.sense.readings.quality import BAD, GOOD

VALUES = st.one_of(st.integers(-8, 8).map(lambda n: n / 4), st.just(math.nan))


def rows(series_max: int = 3, time_max: int = 40):
    """Readings as (time in s, series, value) in the order of their arrival."""
    return st.lists(st.tuples(st.integers(0, time_max), st.integers(0, series_max), VALUES))


def batch_from(readings) -> Batch:
    values = [value for _, _, value in readings]
    return batch_of(
        [time * SECOND for time, _, _ in readings],
        [series for _, series, _ in readings],
        values,
        [BAD if math.isnan(value) else GOOD for value in values],
    )


def by_hand(readings, series: int) -> dict[int, float]:
    """The readings of one series by time; the last arrival of an instant counts."""
    told = {time: value for time, number, value in readings if number == series}
    return dict(sorted(told.items()))
