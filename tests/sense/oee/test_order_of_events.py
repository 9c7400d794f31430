"""The order in which events come never changes a figure, and late ones restate closed shifts."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.errors import Invalid, NotFound
from fabloop.base.instant import DAY, HOUR, MINUTE, Instant, instant_of
from fabloop.model.calendar import CalendarException, Shift, WorkCalendar
from fabloop.model.ids import WorkUnitId
from fabloop.sense.oee.activity import MACHINE_TOOLS, MACHINERY, PACKML, Activity
from fabloop.sense.oee.engine import Oee, UnitSetting
from fabloop.sense.oee.events import (
    Event,
    OrderTold,
    PartsCounted,
    PlannedDowntime,
    ReasonBooked,
    StateTold,
)
from fabloop.sense.oee.losses import minor_stops, pareto
from fabloop.sense.oee.periods import Break, Periods
from fabloop.sense.oee.totals import Totals

MILL = WorkUnitId("mill")
CALENDAR = WorkCalendar(
    shifts=(
        Shift(id="early", label="Early", start_ns=6 * HOUR, end_ns=14 * HOUR, weekdays=(0, 1, 2)),
        Shift(id="late", label="Late", start_ns=14 * HOUR, end_ns=22 * HOUR, weekdays=(0, 1, 2)),
        Shift(id="night", label="Night", start_ns=22 * HOUR, end_ns=30 * HOUR, weekdays=(5,)),
    ),
    exceptions=(CalendarException(date="2026-03-31", reason="works meeting"),),
)
BREAKS = (Break(start_ns=9 * HOUR, end_ns=9 * HOUR + 30 * MINUTE),)
START = instant_of("2026-03-27T00:00:00+01:00")
"""A Friday; the clock goes forward in the night from Saturday to Sunday."""
END = Instant(START + 6 * DAY)
SETTING = UnitSetting(
    work_unit=MILL,
    time_zone="Europe/Vienna",
    calendar=CALENDAR,
    breaks=BREAKS,
    rates={"a": 60_000_000_000},
)

TIMES = st.integers(0, 6 * 24 * 12).map(lambda n: Instant(START + n * 5 * MINUTE))
WORDS = st.sampled_from(["producing", "setup", "failed", "stopped", "waiting", "gone"])


def events() -> st.SearchStrategy[list[Event]]:
    state = st.builds(
        StateTold,
        id=st.uuids().map(str),
        work_unit=st.just(MILL),
        at=TIMES,
        state=WORDS,
        reason=st.sampled_from(["", "tool"]),
    )
    order = st.builds(
        OrderTold,
        id=st.uuids().map(str),
        work_unit=st.just(MILL),
        at=TIMES,
        order=st.sampled_from(["", "o1"]),
    )
    made = st.builds(
        PartsCounted,
        id=st.uuids().map(str),
        work_unit=st.just(MILL),
        at=TIMES,
        good=st.integers(0, 9),
        scrap=st.integers(0, 3),
        product=st.sampled_from(["a", "b"]),
    )
    spans = [
        st.builds(
            lambda kind, name, at, steps, reason: kind(
                id=name,
                work_unit=MILL,
                at=at,
                end=Instant(at + steps * 5 * MINUTE),
                reason=reason,
            ),
            st.just(kind),
            st.uuids().map(str),
            TIMES,
            st.integers(1, 200),
            st.sampled_from(["jam", "lunch"]),
        )
        for kind in (ReasonBooked, PlannedDowntime)
    ]
    return st.lists(st.one_of(state, state, order, made, *spans), max_size=25)


def by_hand(told: list[Event], start: Instant, end: Instant) -> tuple[dict[Activity, int], int]:
    """Return planned time by activity in steps of five minutes, and failures."""
    periods = Periods(CALENDAR, "Europe/Vienna", BREAKS)
    states = sorted((e for e in told if isinstance(e, StateTold)), key=lambda e: (e.at, e.id))
    downs = [e for e in told if isinstance(e, PlannedDowntime)]
    spent: dict[Activity, int] = {}
    activities: list[Activity] = []
    for at in range(start - 5 * MINUTE, end, 5 * MINUTE):
        held = [each for each in states if each.at <= at]
        activity = Activity.UNKNOWN
        if any(each.at <= at < each.end for each in downs):
            activity = Activity.PLANNED
        elif held and held[-1].state != "gone":
            activity = Activity(held[-1].state)
        activities.append(activity)
        period = periods.at(Instant(at))
        if at >= start and any(go <= at < stop for go, stop in period.planned):
            spent[activity] = spent.get(activity, 0) + 5 * MINUTE
    failures = sum(
        two is Activity.FAILED and one is not Activity.FAILED for one, two in pairwise(activities)
    )
    return spent, failures


@given(events(), st.randoms(use_true_random=False), TIMES, TIMES)
def test_permuted_doubled_and_late_events_give_the_same_figures(
    told: list[Event], dice, one: Instant, two: Instant
) -> None:
    start, end = min(one, two), max(one, two)
    in_order, shuffled = Oee([SETTING]), Oee([SETTING])
    in_order.take(sorted(told, key=lambda event: event.at), END)
    again = [*told, *told[::2]]
    dice.shuffle(again)
    for event in again:
        shuffled.take([event], END)
    assert in_order.totals(MILL, start, end) == shuffled.totals(MILL, start, end)
    spent, failures = by_hand(told, start, end)
    found = shuffled.totals(MILL, start, end)
    assert dict(found.planned) == spent
    assert found.failures == failures
    for engine in (in_order, shuffled):
        period, carried = engine.shift(MILL, end)
        assert carried == engine.totals(MILL, period.start, end)
        for figures in engine.closed(Instant(END + 9 * DAY)):
            whole = engine.totals(MILL, figures.period.start, figures.period.end)
            assert figures.totals == whole


def test_a_late_event_restates_a_closed_shift_once() -> None:
    engine = Oee([SETTING])
    monday = instant_of("2026-03-30T06:00:00+02:00")
    engine.take([StateTold(id="1", work_unit=MILL, at=monday, state="producing")], END)
    engine.take(
        [StateTold(id="2", work_unit=MILL, at=Instant(monday + 9 * HOUR), state="stopped")], END
    )
    first = [each for each in engine.closed(END) if each.period.shift == "early"]
    assert [each.version for each in first] == [1]
    assert first[0].totals.of(Activity.PRODUCING) == 7 * HOUR + 30 * MINUTE
    late = ReasonBooked(
        id="3",
        work_unit=MILL,
        at=Instant(monday + HOUR),
        end=Instant(monday + 2 * HOUR),
        reason="",
    )
    assert engine.take([late, late], END).repeated == 1
    assert list(engine.closed(END)) == []
    down = StateTold(id="4", work_unit=MILL, at=Instant(monday + 2 * HOUR), state="failed")
    engine.take([down], END)
    again = [each for each in engine.closed(END) if each.period.shift == "early"]
    assert [each.version for each in again] == [2]
    assert again[0].totals.of(Activity.PRODUCING) == 2 * HOUR
    assert list(engine.closed(END)) == []


def test_what_cannot_be_counted_is_told_with_its_reason() -> None:
    engine = Oee([SETTING])
    now = Instant(START + DAY)
    good = PartsCounted(id="1", work_unit=MILL, at=START, good=3)
    wrong: list[Event] = [
        PartsCounted(id="1", work_unit=MILL, at=START, good=4),
        PartsCounted(id="2", work_unit=MILL, at=START, good=-5),
        PartsCounted(id="3", work_unit=MILL, at=Instant(now + HOUR), good=1),
        PartsCounted(id="4", work_unit=WorkUnitId("mil"), at=START, good=1),
        ReasonBooked(id="5", work_unit=MILL, at=now, end=now, reason="x"),
    ]
    taken = engine.take([good, *wrong], now)
    assert (taken.taken, len(taken.refused)) == (1, 5)
    told = " ".join(reason for _, reason in taken.refused)
    for part in (
        "other content",
        "counts have to be",
        "in the future",
        "'mill'",
        "span has to end",
    ):
        assert part in told
    engine.forget_before(now)
    assert "older than what is kept" in engine.take([wrong[1]], now).refused[0][1]
    with pytest.raises(NotFound, match="mill"):
        engine.totals(WorkUnitId("mil"), START, END)
    with pytest.raises(Invalid, match="a unit once"):
        Oee([SETTING, SETTING])


def test_what_is_forgotten_goes_on_to_hold() -> None:
    engine = Oee([SETTING])
    monday = instant_of("2026-03-30T06:00:00+02:00")
    engine.take([StateTold(id="1", work_unit=MILL, at=monday, state="producing")], END)
    engine.forget_before(Instant(monday + HOUR))
    found = engine.totals(MILL, Instant(monday + HOUR), Instant(monday + 3 * HOUR))
    assert found.of(Activity.PRODUCING) == 2 * HOUR


def test_a_night_shift_over_the_change_of_clocks_is_an_hour_shorter() -> None:
    periods = Periods(CALENDAR, "Europe/Vienna")
    night = periods.at(instant_of("2026-03-29T01:00:00+01:00"))
    assert (night.shift, night.planned_ns) == ("night", 7 * HOUR)
    tiles = list(periods.between(START, END))
    assert all(one.end == two.start for one, two in pairwise(tiles))
    assert not any(
        each.shift
        for each in tiles
        if each.start >= instant_of("2026-03-31T01:00:00Z")
        and each.end <= instant_of("2026-03-31T20:00:00Z")
    )


def test_periods_stay_the_same_however_they_are_asked_for() -> None:
    one, two = (
        Periods(CALENDAR, "Europe/Vienna", BREAKS),
        Periods(CALENDAR, "Europe/Vienna", BREAKS),
    )
    far = Instant(START + 400 * DAY)
    two.at(far)
    two.at(Instant(START - 300 * DAY))
    assert list(one.between(START, END)) == list(two.between(START, END))
    closed = Periods(WorkCalendar(exceptions=()), "UTC")
    assert closed.at(START).shift == "day"


def test_specifications_disagree_and_tables_tell_them_apart() -> None:
    assert MACHINERY.activity("NotExecuting", "Processing") is Activity.STOPPED
    assert MACHINERY.activity("NotExecuting", "Setup") is Activity.SETUP
    assert MACHINE_TOOLS.activity("NotExecuting") is Activity.WAITING
    assert PACKML.activity("Suspended") is Activity.WAITING
    assert PACKML.activity("Held") is Activity.STOPPED
    assert PACKML.activity("Dancing") is Activity.UNKNOWN


def test_losses_are_ranked_by_reason_and_gaps_between_parts_are_minor_stops() -> None:
    engine = Oee([SETTING])
    monday = instant_of("2026-03-30T06:00:00+02:00")

    def told(minutes: int, word: str, reason: str = "") -> StateTold:
        at = Instant(monday + minutes * MINUTE)
        return StateTold(id=str(minutes), work_unit=MILL, at=at, state=word, reason=reason)

    engine.take([told(0, "producing"), told(60, "failed", "spindle"), told(90, "producing")], END)
    engine.take([told(100, "stopped", "chips"), told(110, "producing")], END)
    engine.take(
        [
            PartsCounted(
                id=f"p{minute}",
                work_unit=MILL,
                at=Instant(monday + minute * MINUTE),
                good=1,
                product="a",
            )
            for minute in (1, 2, 3, 7, 8)
        ],
        END,
    )
    timeline = engine.timeline(MILL)
    ranked = pareto(timeline, monday, Instant(monday + 2 * HOUR))
    assert [(each.reason, each.lost_ns // MINUTE, each.times) for each in ranked] == [
        ("spindle", 30, 1),
        ("chips", 10, 1),
    ]
    stops = minor_stops(timeline, monday, Instant(monday + HOUR), SETTING.rates)
    assert stops == ((Instant(monday + 3 * MINUTE), 3 * MINUTE),)
    assert engine.totals(MILL, monday, monday) == Totals()
