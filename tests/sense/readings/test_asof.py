"""What held at an instant, and what was going on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.base.instant import SECOND
from fabloop.sense.readings.asof import NOTHING, as_of, spans_of, subjects_at
from fabloop.sense.readings.batch import batch_of, empty
from fabloop.sense.readings.settle import settled
from sense.readings.drawn import batch_from, by_hand, rows


@given(rows(series_max=0), st.lists(st.integers(0, 50)), st.integers(0, 10))
def test_what_held_is_the_newest_reading_that_is_not_too_old(readings, instants, oldest):
    batch = settled(batch_from(readings)).batch
    found = as_of(batch, np.array(instants, np.int64) * SECOND, oldest_ns=oldest * SECOND)
    hand = by_hand(readings, 0)
    for at, value in zip(instants, found.values, strict=True):
        fit = [time for time in hand if at - oldest <= time <= at]
        assert np.array_equal(value, hand[max(fit)] if fit else np.nan, equal_nan=True)


def test_before_the_first_reading_nothing_is_known():
    found = as_of(empty(), [5, 6])
    assert np.isnan(found.values).all()
    assert as_of(batch_of([10], 3, [1.0]), [9, 10]).times.tolist() == [9, 10]


def test_readings_are_joined_with_the_order_that_ran():
    orders = spans_of([50, 10], [70, 30], [2, 1])
    assert subjects_at(orders, [9, 10, 29, 30, 50, 70]).tolist() == [
        NOTHING, 1, 1, NOTHING, 2, NOTHING,
    ]  # fmt: skip
    assert subjects_at(spans_of([], [], []), [1]).tolist() == [NOTHING]


def test_spans_that_overlap_or_end_before_they_begin_are_refused_together():
    with pytest.raises(Invalid) as raised:
        spans_of([10, 20, 40], [25, 30, 35], [1, 2, 3])
    assert [fault.path for fault in raised.value.faults] == ["subject 3", "subject 2"]
