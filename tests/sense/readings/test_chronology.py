"""Times that fall back are late readings, or a clock that went back; both are told and counted."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.instant import HOUR, MINUTE, SECOND, Instant
from fabloop.sense.readings.chronology import BACK_AFTER, Chronology
from fabloop.sense.readings.intake import Intake
from fabloop.sense.readings.payloads.decoded import Decoded
from fabloop.sense.readings.quality import GOOD
from fabloop.sense.readings.series import Catalogue, Series
from fabloop.sense.readings.tally import Tally

NOW = Instant(1_763_800_000 * SECOND)


class Desk:
    """An intake whose sender has a clock of its own."""

    def __init__(self):
        self.catalogue, self.tally = Catalogue(), Tally()
        self.intake = Intake(self.catalogue, self.tally)
        self.channel = self.intake.channel(
            lambda name, unit: Series(source="s", address=name, name=name, unit=unit)
        )

    def tell(self, name, *times, now):
        count = len(times)
        decoded = Decoded(
            np.array(times, np.int64), np.arange(count, dtype=float),
            np.full(count, GOOD, np.uint8), names=[name] * count,
        )  # fmt: skip
        return self.intake.fitted(self.intake.taken(self.channel, decoded), now)

    @property
    def health(self):
        return self.tally.health()


def test_a_clock_that_goes_back_is_told_once_and_loses_nothing():
    desk = Desk()
    kept = 0
    for n in range(60):
        now = Instant(NOW + n * 10 * SECOND)
        back = HOUR if n >= 10 else 0
        kept += len(desk.tell("load", now - back, now=now))
    health = desk.health
    assert kept == health.received == 60
    assert health.amended["clock-back"] == 1
    assert health.amended["behind"] == BACK_AFTER
    assert "Expected the times of load to go on, but found that the clock of its sender went" in (
        health.trouble
    )
    assert "back by at least 3550 s" in health.trouble
    assert health.clock_skew_ns < 0


def test_readings_that_come_late_are_counted_and_are_no_jump():
    desk = Desk()
    desk.tell("load", NOW, now=NOW)
    for n in range(20):
        desk.tell("load", NOW - HOUR + n * SECOND, now=Instant(NOW + n))
    desk.tell("load", NOW + 2 * MINUTE, now=Instant(NOW + 2 * MINUTE))
    assert desk.health.amended == {"behind": 20}
    assert "found one 3581 s behind the newest of its series" in desk.health.trouble


def test_what_goes_on_beside_late_readings_keeps_them_late():
    desk = Desk()
    for n in range(40):
        now = Instant(NOW + n * 10 * SECOND)
        desk.tell("load", now, now=now)
        desk.tell("load", now - HOUR, now=now)
    assert desk.health.amended == {"behind": 40}


def test_one_sender_whose_clock_goes_back_is_found_among_others():
    desk = Desk()
    for n in range(30):
        now = Instant(NOW + n * 10 * SECOND)
        desk.tell("load", now, now=now)
        desk.tell("heat", now - (HOUR if n > 5 else 0), now=now)
    assert desk.health.amended["clock-back"] == 1
    assert "Expected the times of heat" in desk.health.trouble


@given(st.lists(st.lists(st.integers(0, 59), max_size=5), max_size=20))
def test_jitter_within_the_bound_is_never_told(deliveries):
    chronology = Chronology()
    for n, seconds in enumerate(deliveries):
        times = np.array([NOW + s * SECOND for s in seconds], np.int64)
        judged = chronology.judged(times, np.zeros(len(times), np.int32), Instant(NOW + n * MINUTE))
        assert (judged.behind, judged.back) == (0, ())
