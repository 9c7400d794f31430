"""Machines publish states and counters; they become events without inventing parts."""

from fabloop.model.ids import WorkUnitId
from fabloop.sense.oee.from_readings import SILENT, parts_events, state_events
from fabloop.sense.readings.batch import batch_of
from fabloop.sense.readings.quality import BAD, GOOD

MILL = WorkUnitId("mill")


def test_a_state_is_told_when_it_changes_and_a_bad_reading_makes_it_unknown() -> None:
    told = batch_of([30, 10, 20, 40, 50], 0, [1, 0, 0, 7, 1], [GOOD, GOOD, GOOD, GOOD, BAD])
    events = list(state_events(MILL, ("Idle", "Execute"), told))
    assert [(each.at, each.state) for each in events] == [
        (10, "Idle"),
        (30, "Execute"),
        (40, SILENT),
    ]


def test_counters_tell_increases_over_roll_over_and_reset() -> None:
    good = batch_of([1, 2, 3, 4, 5], 0, [65530, 65534, 2, 2, 5])
    scrap = batch_of([1, 2, 3], 0, [7, float("nan"), 9], [GOOD, BAD, GOOD])
    events = list(parts_events(MILL, good, scrap, rollover=65536))
    assert [(each.at, each.good, each.scrap) for each in events] == [
        (2, 4, 0),
        (3, 4, 0),
        (5, 3, 0),
        (3, 0, 2),
    ]
    reset = batch_of([1, 2], 0, [100, 3])
    assert [each.good for each in parts_events(MILL, reset)] == [3]
    assert list(parts_events(MILL, batch_of([1], 0, [500]))) == []
