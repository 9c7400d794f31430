"""Readings of states and counters become figures while they come in."""

import numpy as np

from fabloop.base.instant import MINUTE, Instant
from fabloop.model.ids import WorkUnitId
from fabloop.sense.oee.activity import PACKML, Activity
from fabloop.sense.oee.engine import Oee, UnitSetting
from fabloop.sense.oee.kpis import indicators
from fabloop.sense.oee.live import LiveOee
from fabloop.sense.readings.batch import batch_of
from fabloop.sense.readings.quality import BAD
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
