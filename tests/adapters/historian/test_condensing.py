"""Hours that are over are joined and condensed, and every question has the answer that it had."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.historian.plant import NOON, HandClock, kept, opened, same, series, walk
from adapters.historian.test_historian import FAR, LIGHT
from fabloop.adapters.historian import HistorianReader, Options, Retention
from fabloop.adapters.historian.trend import Trend
from fabloop.base.instant import DAY, HOUR, MINUTE, SECOND, Instant
from fabloop.sense.readings.batch import batch_of, joined
from fabloop.sense.readings.series import Kind
from fabloop.sense.readings.settle import of_series, settled

COLUMNS = ("count", "bad", "least", "greatest", "last", "mean", "covered_ns", "increase", "resets")


def alike(one, other):
    assert one.start.tolist() == other.start.tolist()
    for name in COLUMNS:
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9, atol=1e-9)


def asked(historian, width, start=NOON, end=NOON + 4 * HOUR):
    return [historian.query.downsample(n, Instant(start), Instant(end), width) for n in range(4)]


def with_kinds(folder, **more):
    historian = opened(folder, count=3, **more)
    historian.catalogue.number(series(3, Kind.COUNTER, rollover=16.0))
    return historian


READINGS = st.lists(
    st.tuples(st.integers(0, 230), st.integers(0, 3), st.one_of(st.integers(0, 15), st.none())),
    max_size=60,
)


@LIGHT
@given(READINGS, READINGS, st.integers(0, 50), st.integers(60, 240), st.sampled_from([5, 10, 60]))
def test_what_is_condensed_answers_as_the_readings_did(
    tmp_path_factory, first, late, start, end, width
):
    historian = with_kinds(tmp_path_factory.mktemp("store"))
    begin = NOON + start * 5 * MINUTE
    until = max(begin, NOON + end * MINUTE)
    for told in (first, late):
        kept(
            historian,
            batch_of(
                [NOON + minute * MINUTE + 7 * SECOND for minute, _, _ in told],
                [number for _, number, _ in told],
                [np.nan if value is None else value for _, _, value in told],
            ),
        )
        before = asked(historian, width * MINUTE, begin, until)
        historian.settle()
        for one, other in zip(before, asked(historian, width * MINUTE, begin, until), strict=True):
            alike(one, other)
    historian.close()


def test_late_readings_go_to_files_of_their_own_that_are_joined_later(tmp_path):
    clock = HandClock(NOON + 90 * MINUTE)
    historian = opened(tmp_path, clock)
    rng = np.random.default_rng(5)
    on_time, late = walk(rng, 3_000, span=HOUR), walk(rng, 300, span=HOUR)
    kept(historian, on_time)
    historian.settle()
    assert historian.health().parts == 1
    kept(historian, late)
    historian._intake.between_commits(lambda: historian._log.turn_over(now=True))
    historian._sealer.seal_all()
    assert historian.health().parts == 2
    expected = settled(joined([on_time, late])).batch
    same(historian.query.range(1, NOON, FAR), of_series(expected, 1))
    historian.settle()
    assert historian.health().parts == 1
    assert historian.health().restated == 3_300 - len(expected)
    same(historian.query.range(1, NOON, FAR), of_series(expected, 1))
    historian.close()
    trend, reader = Trend(tmp_path, write=False), HistorianReader(tmp_path)
    assert trend.hours() == {
        NOON // HOUR: {part.number for part in reader.parts if part.kind == "raw"}
    }
    trend.close()
    reader.close()


def test_small_files_that_are_joined_still_restate_a_big_one_before_them(tmp_path):
    historian = opened(tmp_path, HandClock(NOON + 30 * MINUTE))
    kept(historian, batch_of([NOON + n for n in range(1_000)], 0, np.zeros(1_000)))
    historian.settle()
    for n in range(8):
        kept(historian, batch_of([NOON + n], 0, [n + 1.0]))
        historian.settle()
    assert historian.health().parts == 2
    found = historian.query.range(0, NOON, FAR)
    assert found.values[:9].tolist() == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 0.0]
    historian.close()


def test_a_file_that_a_crash_left_behind_is_deleted(tmp_path):
    historian = opened(tmp_path)
    kept(historian, batch_of([NOON], 0, [1.0]))
    historian.settle()
    historian.close()
    (path,) = (tmp_path / "raw").rglob("*.parquet")
    for left in ("11-000000077.parquet", "11-000000078.tmp"):
        path.with_name(left).write_bytes(path.read_bytes())
    again = opened(tmp_path)
    assert [each for each in (tmp_path / "raw").rglob("*") if each.is_file()] == [path]
    again.close()


def test_an_hour_that_is_not_over_is_joined_when_it_has_many_files(tmp_path):
    clock = HandClock(NOON + 30 * MINUTE)
    historian = opened(tmp_path, clock)
    told = walk(np.random.default_rng(6), 900, span=20 * MINUTE)
    for part in np.array_split(np.arange(900), 9):
        kept(historian, told.where(part))
        historian.settle()
    assert historian.health().parts == 2
    same(historian.query.range(0, NOON, FAR), of_series(settled(told).batch, 0))
    historian.close()


def test_readings_are_dropped_by_class_when_they_are_too_old_and_minutes_stay(tmp_path):
    clock = HandClock(NOON + HOUR)
    historian = with_kinds(tmp_path, clock=clock)
    historian.set_retention(
        (
            Retention(name="brief", series="unit.[13]", raw_ns=DAY, rollup_ns=10 * DAY),
            Retention(name="standard", raw_ns=5 * DAY, rollup_ns=None),
        )
    )
    told = walk(np.random.default_rng(8), 2_000, span=50 * MINUTE)
    told = batch_of(told.times, told.series, np.abs(told.values) % 16)
    kept(historian, told)
    before = asked(historian, 5 * MINUTE)
    minutes = asked(historian, MINUTE)
    historian.settle()
    clock.at += 2 * DAY
    historian.settle()
    assert len(historian.query.range(0, NOON, FAR))
    assert not len(historian.query.range(1, NOON, FAR))
    for one, other in zip(before, asked(historian, 5 * MINUTE), strict=True):
        alike(one, other)
    for one, other in zip(minutes, asked(historian, MINUTE), strict=True):
        alike(one, other)
    kept(historian, batch_of([NOON + 1], 1, [1.0]))
    historian.settle()
    assert historian.health().refused == {"older-than-kept": 1}
    clock.at += 20 * DAY
    historian.settle()
    assert historian.health().sealed == 0
    assert not asked(historian, MINUTE)[1].count.any()
    alike(asked(historian, MINUTE)[0], minutes[0])
    historian.close()


def test_a_trend_that_is_lost_or_damaged_is_made_again(tmp_path):
    historian = with_kinds(tmp_path)
    kept(historian, walk(np.random.default_rng(9), 1_000))
    historian.settle()
    before = asked(historian, 5 * MINUTE)
    historian.close()
    (tmp_path / "trend.db").write_bytes(b"no database at all " * 500)
    again = with_kinds(tmp_path)
    for one, other in zip(before, asked(again, 5 * MINUTE), strict=True):
        alike(one, other)
    again.settle()
    for one, other in zip(before, asked(again, 5 * MINUTE), strict=True):
        alike(one, other)
    assert (tmp_path / "trend.db").read_bytes().startswith(b"SQLite format 3")
    again.close()


def test_files_that_were_replaced_stay_for_a_while_and_are_deleted_then(tmp_path):
    clock = HandClock(NOON + 2 * HOUR)
    historian = opened(tmp_path, clock, Options(commit_ns=SECOND // 100, rest_ns=MINUTE))
    rng = np.random.default_rng(2)
    for _ in range(2):
        kept(historian, walk(rng, 100))
        historian._intake.between_commits(lambda: historian._log.turn_over(now=True))
        historian._sealer.seal_all()
    historian.settle()
    assert len(list(tmp_path.rglob("*.parquet"))) == 3
    clock.at += 2 * MINUTE
    historian.settle()
    assert len(list(tmp_path.rglob("*.parquet"))) == 1
    historian.close()


@pytest.mark.parametrize("minutes", [1, 5])
def test_a_dense_hour_keeps_its_minutes_beside_the_readings(tmp_path, minutes):
    historian = opened(tmp_path)
    kept(historian, walk(np.random.default_rng(4), 40_000))
    before = asked(historian, minutes * MINUTE)
    historian.settle()
    assert len(list((tmp_path / "rollup_1m").rglob("*.parquet"))) == 1
    for one, other in zip(before, asked(historian, minutes * MINUTE), strict=True):
        alike(one, other)
    historian.close()
