"""OEE of cases that are published or worked out by hand."""

from collections.abc import Sequence

import pytest

from fabloop.base.instant import HOUR, MINUTE, SECOND, Instant, instant_of
from fabloop.model.calendar import Shift, WorkCalendar
from fabloop.model.ids import WorkUnitId
from fabloop.sense.oee.activity import Activity
from fabloop.sense.oee.engine import Oee, UnitSetting
from fabloop.sense.oee.events import Event, PartsCounted, PlannedDowntime, StateTold
from fabloop.sense.oee.kpis import indicators
from fabloop.sense.oee.losses import Loss, waterfall
from fabloop.sense.oee.totals import Quantities, Totals, together

PRESS = WorkUnitId("press")
MORNING = instant_of("2026-03-02T06:00:00+01:00")
EARLY = WorkCalendar(
    shifts=(Shift(id="early", label="Early", start_ns=6 * HOUR, end_ns=14 * HOUR),)
)


def engine(rate_ns: int, calendar: WorkCalendar = EARLY) -> Oee:
    setting = UnitSetting(
        work_unit=PRESS, time_zone="Europe/Vienna", calendar=calendar, rates={"": rate_ns}
    )
    return Oee([setting])


def state(at_min: float, word: str, **more: str) -> StateTold:
    at = Instant(MORNING + round(at_min * MINUTE))
    return StateTold(id=f"s{at_min}", work_unit=PRESS, at=at, state=word, **more)


def parts(at_min: float, good: int, scrap: int = 0) -> PartsCounted:
    at = Instant(MORNING + round(at_min * MINUTE))
    return PartsCounted(id=f"p{at_min}", work_unit=PRESS, at=at, good=good, scrap=scrap)


def figures(engine: Oee, events: Sequence[Event], until_min: int) -> Totals:
    end = Instant(MORNING + until_min * MINUTE)
    assert not engine.take(events, end).refused
    return engine.totals(PRESS, MORNING, end)


def test_the_example_of_vorne() -> None:
    calendar = WorkCalendar(shifts=(Shift(id="a", label="A", start_ns=6 * HOUR, end_ns=14 * HOUR),))
    totals = figures(
        engine(SECOND, calendar),
        [
            PlannedDowntime(
                id="breaks",
                work_unit=PRESS,
                at=MORNING,
                end=Instant(MORNING + 60 * MINUTE),
                reason="breaks",
            ),
            state(60, "producing"),
            state(200, "stopped"),
            state(247, "producing"),
            parts(400, 19_271 - 423, 423),
        ],
        480,
    )
    found = indicators(totals)
    assert totals.busy_ns == 420 * MINUTE
    assert found.availability.value == pytest.approx(0.8881, abs=5e-5)
    assert found.effectiveness == pytest.approx(0.8611, abs=5e-5)
    assert found.quality == pytest.approx(0.9780, abs=6e-5)
    assert found.oee.value == pytest.approx(0.7479, abs=5e-5)


def test_two_hours_into_a_shift_only_two_hours_count() -> None:
    totals = figures(
        engine(round(HOUR / 80)),
        [state(0, "producing"), state(30, "failed"), state(60, "producing"), parts(119, 100, 5)],
        120,
    )
    found = indicators(totals)
    ratios = (found.availability.value, found.effectiveness, found.quality, found.oee.value)
    assert ratios == pytest.approx((0.75, 0.875, 0.95238095, 0.625), rel=1e-8)
    assert (found.mtbf_h, found.mttr_h) == (1.5, 0.5)


def machine(planned_min: int, producing_min: int, made: int, good: int) -> Totals:
    return Totals(
        lasted_ns=planned_min * MINUTE,
        planned={
            Activity.PRODUCING: producing_min * MINUTE,
            Activity.STOPPED: (planned_min - producing_min) * MINUTE,
        },
        parts={"": Quantities(good, made - good)},
        ideal_ns=made * MINUTE,
        ideal_good_ns=good * MINUTE,
    )


def test_ratios_are_rolled_up_from_sums_and_never_averaged() -> None:
    units = [machine(100, 90, 80, 80), machine(300, 150, 150, 135)]
    alone = [indicators(each).oee.value for each in units]
    assert sum(value for value in alone if value is not None) / 2 == pytest.approx(0.625)
    assert indicators(together(units)).oee.value == pytest.approx(0.5375)


def test_the_simple_example_and_its_waterfall() -> None:
    totals = machine(480, 420, 400, 380)
    found = indicators(totals)
    ratios = (found.availability.value, found.effectiveness, found.quality, found.oee.value)
    assert ratios == pytest.approx((0.875, 0.952, 0.95, 0.792), abs=5e-4)
    steps = waterfall(totals, minor_ns=5 * MINUTE)
    assert {step.loss: step.lost_ns // MINUTE for step in steps.steps if step.lost_ns} == {
        Loss.STOPS: 60,
        Loss.MINOR: 5,
        Loss.SPEED: 15,
        Loss.SCRAP: 20,
    }
    assert steps.good_ns == 380 * MINUTE
    assert found.oee.value == pytest.approx(steps.good_ns / totals.busy_ns)


def test_what_nobody_told_is_neither_won_nor_lost() -> None:
    totals = figures(engine(MINUTE), [state(60, "producing"), parts(90, 50)], 120)
    found = indicators(totals)
    assert totals.unknown_ns == 60 * MINUTE
    assert (found.availability.low, found.availability.value, found.availability.high) == (
        0.5,
        1,
        1,
    )
    assert found.unknown_share == 0.5
    assert indicators(Totals()).oee.value is None


def test_a_performance_beyond_one_is_shown_and_doubted() -> None:
    totals = figures(engine(MINUTE), [state(0, "producing"), parts(30, 90)], 60)
    found = indicators(totals)
    assert found.effectiveness == 1.5
    assert "too long" in found.doubts[0]
    rateless = Oee([UnitSetting(work_unit=PRESS, time_zone="UTC", calendar=EARLY)])
    unknown = indicators(figures(rateless, [state(0, "producing"), parts(30, 90)], 60))
    assert unknown.effectiveness is None
    assert unknown.oee.value is None
    assert "without a planned run time" in unknown.doubts[0]
