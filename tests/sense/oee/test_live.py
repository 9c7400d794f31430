"""Readings of states and counters become figures while they come in."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.instant import MINUTE, SECOND, Instant
from fabloop.model.ids import WorkUnitId
from fabloop.sense.oee.activity import PACKML, Activity
from fabloop.sense.oee.engine import Oee, UnitSetting
from fabloop.sense.oee.kpis import indicators
from fabloop.sense.oee.live import LiveOee
from fabloop.sense.readings.batch import batch_of
from fabloop.sense.readings.quality import BAD, GOOD
from fabloop.sense.readings.series import Catalogue, Kind, Series

FILLER = WorkUnitId("filler")
WORDS = ("Idle", "Execute", "Aborted")


def series(name: str, unit: str = "filler", states: tuple[str, ...] = ()) -> Series:
    kind = Kind.STATE if states else Kind.COUNTER
    return Series(
        source="plc", address=f"{unit}/{name}", name=name, work_unit=WorkUnitId(unit), kind=kind,
        states=states,
    )  # fmt: skip


def test_states_and_counters_of_watched_units_are_counted_and_others_passed_over() -> None:
    catalogue = Catalogue()
    setting = UnitSetting(work_unit=FILLER, time_zone="UTC", mapping=PACKML, rates={"": MINUTE})
    live = LiveOee(Oee([setting]), catalogue)
    end = Instant(60 * MINUTE)
    assert live.hear(batch_of([1], 0, [1.0]), end).taken == 0
    state = catalogue.number(series("packml.state", states=WORDS))
    good = catalogue.number(series("parts.good"))
    scrap = catalogue.number(series("parts.scrap"))
    other = catalogue.number(series("packml.state", "capper", WORDS))
    minutes = np.array([0, 0, 0, 0, 10, 20, 20, 30, 30, 40]) * MINUTE
    numbers = [state, other, good, scrap, state, good, scrap, state, state, good]
    values = [1, 1, 500, 7, 1, 518, 9, 2, 1, 3]
    live.hear(batch_of(minutes, numbers, values), end)
    live.hear(batch_of([50 * MINUTE], state, [float("nan")], BAD), end)
    live.hear(batch_of([15 * MINUTE], good, [510]), end)
    totals = live.engine.totals(FILLER, Instant(0), end)
    assert totals.counted().good == 18 + 3
    assert totals.counted().scrap == 2
    assert totals.of(Activity.UNKNOWN) == 10 * MINUTE
    assert totals.of(Activity.PRODUCING) == 50 * MINUTE
    assert indicators(totals).effectiveness == 23 / 50


def test_a_counter_that_begins_anew_counts_what_it_shows_and_is_told() -> None:
    catalogue = Catalogue()
    setting = UnitSetting(work_unit=FILLER, time_zone="UTC", mapping=PACKML, rates={"": MINUTE})
    live = LiveOee(Oee([setting]), catalogue)
    good = catalogue.number(series("parts.good"))
    live.hear(batch_of(np.arange(4) * MINUTE, good, [500, 510, 4, 6]), Instant(10 * MINUTE))
    assert live.engine.totals(FILLER, Instant(0), Instant(10 * MINUTE)).counted().good == 16
    assert live.resets == 1
    assert live.trouble == (
        "Expected the counter filler/parts.good to go on, but found that it fell from 510 to 4: it "
        "counted at least that much since. If it rolls over, give its 'rollover'."
    )


TOLD = st.lists(
    st.tuples(
        st.integers(0, 90),
        st.sampled_from(["packml.state", "parts.good", "parts.scrap", "load"]),
        st.sampled_from([0.0, 1.0, 2.0, 2.0, 3.0, 0.5, float("nan")]),
        st.sampled_from([GOOD, GOOD, GOOD, BAD]),
    ),
    min_size=1, max_size=40,
)  # fmt: skip


@given(TOLD, st.lists(st.integers(0, 40), max_size=6))
def test_how_readings_are_divided_into_batches_changes_no_figure(told, cuts):
    end = Instant(60 * MINUTE)

    def heard(edges):
        catalogue = Catalogue()
        setting = UnitSetting(work_unit=FILLER, time_zone="UTC", mapping=PACKML, rates={"": MINUTE})
        live = LiveOee(Oee([setting]), catalogue)
        for start, stop in pairwise(edges):
            rows = sorted(told, key=lambda row: row[0])[start:stop]
            if not rows:
                continue
            times, names, values, quality = zip(*rows, strict=True)
            numbers = [
                catalogue.number(series(name, states=WORDS if "state" in name else ()))
                for name in names
            ]
            live.hear(batch_of(np.array(times) * SECOND, numbers, values, quality), end)
        return live.engine.totals(FILLER, Instant(0), end), live.resets

    count = len(told)
    singly = heard(list(range(count + 1)))
    assert heard([0, count]) == singly
    assert heard([0, *sorted(min(each, count) for each in cuts), count]) == singly


def test_two_series_of_one_state_take_turns() -> None:
    catalogue = Catalogue()
    setting = UnitSetting(work_unit=FILLER, time_zone="UTC", mapping=PACKML)
    live = LiveOee(Oee([setting]), catalogue)
    one = catalogue.number(series("packml.state", states=WORDS))
    two = catalogue.number(
        Series(source="other", address="s", name="packml.state", work_unit=FILLER,
               kind=Kind.STATE, states=WORDS)
    )  # fmt: skip
    for minute, (number, state) in enumerate([(one, 1), (two, 2), (one, 1), (two, 2)]):
        live.hear(batch_of([minute * MINUTE], number, [state]), Instant(10 * MINUTE))
    totals = live.engine.totals(FILLER, Instant(0), Instant(4 * MINUTE))
    assert totals.of(Activity.PRODUCING) == totals.of(Activity.FAILED) == 2 * MINUTE


def test_a_state_told_again_and_again_is_one_event() -> None:
    catalogue = Catalogue()
    live = LiveOee(Oee([UnitSetting(work_unit=FILLER, time_zone="UTC", mapping=PACKML)]), catalogue)
    state = catalogue.number(series("packml.state", states=WORDS))
    taken = [
        live.hear(batch_of(np.arange(n, n + 100) * SECOND, state, 1.0), Instant(MINUTE * 60)).taken
        for n in (0, 100, 200)
    ]
    assert taken == [1, 0, 0]
