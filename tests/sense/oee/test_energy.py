"""Energy is laid over orders; what nobody measured stays unknown."""

import pytest

from fabloop.base.instant import HOUR, MINUTE, SECOND, Instant
from fabloop.model.calendar import WorkCalendar
from fabloop.model.ids import WorkUnitId
from fabloop.sense.oee.activity import OWN
from fabloop.sense.oee.energy import energy_by_order
from fabloop.sense.oee.events import OrderTold
from fabloop.sense.oee.periods import Periods
from fabloop.sense.oee.timeline import Timeline
from fabloop.sense.readings.batch import batch_of
from fabloop.sense.readings.quality import BAD, GOOD

OVEN = WorkUnitId("oven")


@pytest.fixture
def timeline() -> Timeline:
    made = Timeline(Periods(WorkCalendar(), "UTC"), OWN)
    for minute, order in ((0, "a"), (2, "b"), (5, "")):
        at = Instant(minute * MINUTE)
        made.take(OrderTold(id=str(minute), work_unit=OVEN, at=at, order=order))
    return made


def test_power_is_summed_by_order_with_its_co2(timeline: Timeline) -> None:
    power = batch_of([n * 30 * SECOND for n in range(12)], 0, [1000.0] * 4 + [2000.0] * 8)
    found = energy_by_order(
        power, timeline, Instant(0), Instant(6 * MINUTE), lambda at: 1e-7 if at < MINUTE else 2e-7
    )
    assert [(each.order, each.energy_j) for each in found] == [
        ("a", 120_000),
        ("b", 360_000),
        ("", 120_000),
    ]
    assert found[0].co2_kg == pytest.approx(60_000 * 1e-7 + 60_000 * 2e-7)
    assert sum(each.unknown_ns for each in found) == 0


def test_gaps_and_bad_readings_are_unknown_and_never_nothing(timeline: Timeline) -> None:
    power = batch_of([MINUTE, 0, 2 * MINUTE], 0, [float("nan"), 500.0, 500.0], [BAD, GOOD, GOOD])
    found = {each.order: each for each in energy_by_order(power, timeline, Instant(0), HOUR)}
    assert found["a"].energy_j == 500 * 60
    assert found["a"].unknown_ns == MINUTE
    assert found["b"].measured_ns == MINUTE
    assert found["b"].co2_kg is None
    assert found[""].unknown_ns == 55 * MINUTE


def test_a_second_reading_of_one_instant_counts_once(timeline: Timeline) -> None:
    power = batch_of([0, 0], 0, [500.0, 800.0])
    found = energy_by_order(power, timeline, Instant(0), Instant(MINUTE))
    assert [each.energy_j for each in found] == [48_000]
