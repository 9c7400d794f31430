"""Batches are columns that stay together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.base.instant import Instant
from fabloop.model.ids import WorkUnitId
from fabloop.sense.readings.batch import batch_of, between, empty, joined
from fabloop.sense.readings.quality import (
    BAD,
    GOOD,
    LOCAL_OVERRIDE,
    SENSOR_FAILURE,
    UNCERTAIN,
    is_bad,
    is_good,
)
from fabloop.sense.readings.series import Catalogue, Series


def test_one_series_and_one_quality_stand_for_all_readings() -> None:
    batch = batch_of([1, 2, 3], 7, [0.5, 1.5, 2.5])
    assert batch.series.tolist() == [7, 7, 7]
    assert is_good(batch.quality).all()


def test_columns_of_unequal_length_are_refused_by_name() -> None:
    with pytest.raises(Invalid) as raised:
        batch_of([1, 2], [0, 0, 0], [1.0])
    assert [fault.path for fault in raised.value.faults] == ["series", "values"]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=30))
def test_sorting_by_time_keeps_the_order_of_arrival_at_equal_times(
    readings: list[tuple[int, int]],
) -> None:
    batch = batch_of(
        [time for time, _ in readings], [number for _, number in readings], range(len(readings))
    ).by_time()
    pairs = list(zip(batch.times.tolist(), batch.values.tolist(), strict=True))
    assert pairs == sorted(pairs)


def test_batches_join_one_after_the_other_and_an_empty_one_adds_nothing() -> None:
    first, second = batch_of([5], 0, [1.0]), batch_of([3], 1, [2.0], BAD)
    both = joined([first, empty(), second])
    assert both.times.tolist() == [5, 3]
    assert both.quality.tolist() == [GOOD, BAD]
    assert len(joined([])) == 0
    assert len(between(both, Instant(3), Instant(5))) == 1


def test_quality_tells_its_status_whatever_the_sub_status() -> None:
    quality = np.array([GOOD, LOCAL_OVERRIDE, UNCERTAIN, SENSOR_FAILURE], dtype=np.uint8)
    assert is_good(quality).tolist() == [True, True, False, False]
    assert is_bad(quality).tolist() == [False, False, False, True]


def test_a_series_keeps_its_number_when_its_description_changes() -> None:
    load = Series(source="cell", address="ns=2;i=1", name="load")
    speed = Series(source="cell", address="ns=2;i=2", name="speed")
    catalogue = Catalogue([load, speed])
    mill = WorkUnitId("mill")
    assert (
        catalogue.number(Series(source="cell", address="ns=2;i=1", name="x", work_unit=mill)) == 0
    )
    assert [number for number, _ in catalogue.of_unit(mill)] == [0]
    assert len(catalogue) == 2
