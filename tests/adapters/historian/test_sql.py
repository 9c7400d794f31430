"""SQL gives what the Python questions give, and any engine reads the files without us."""

import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.historian.plant import NOON, HandClock, kept, opened, series, walk
from adapters.historian.test_condensing import READINGS
from adapters.historian.test_historian import FAR, LIGHT
from fabloop.adapters.historian import HistorianReader, sql
from fabloop.adapters.historian.query import LOOK_BACK_NS
from fabloop.base.errors import Invalid
from fabloop.base.instant import DAY, HOUR, MINUTE, SECOND, Instant
from fabloop.sense.readings.batch import batch_of
from fabloop.sense.readings.settle import of_series, settled

END = Instant(NOON + 4 * HOUR)


def told(readings):
    return batch_of(
        [NOON + minute * MINUTE + 7 * SECOND for minute, _, _ in readings],
        [number for _, number, _ in readings],
        [np.nan if value is None else value / 10 for _, _, value in readings],
    )


@settings(LIGHT, max_examples=6)
@given(READINGS, READINGS, READINGS, st.integers(0, 230), st.integers(7, 60))
def test_named_questions_in_sql_and_in_python_have_the_same_answers(
    tmp_path_factory, first, second, third, start, width
):
    historian = opened(tmp_path_factory.mktemp("store"))
    kept(historian, told(first))
    historian.settle()
    kept(historian, told(second))
    historian._intake.between_commits(lambda: historian._log.turn_over(now=True))
    historian._sealer.seal_all()
    kept(historian, told(third))
    analyst = historian.analyst()
    begin = Instant(NOON + start * MINUTE)
    for number in range(4):
        same_range(historian, analyst, number, begin)
        same_buckets(historian, analyst, number, begin, width * MINUTE)
        same_as_of(historian, analyst, number)
    newest, by_sql = historian.query.latest(), analyst.ask("latest", since=NOON)
    np.testing.assert_array_equal(newest.series, by_sql["series"])
    np.testing.assert_array_equal(newest.times, by_sql["ns"])
    np.testing.assert_array_equal(newest.values, by_sql["value"])
    np.testing.assert_array_equal(newest.quality, by_sql["quality"])
    analyst.close()
    historian.close()


def same_range(historian, analyst, number, begin):
    found = historian.query.range(number, begin, END)
    by_sql = analyst.ask("range", series=number, start=begin, end=END)
    np.testing.assert_array_equal(found.times, by_sql["ns"])
    np.testing.assert_array_equal(found.values, by_sql["value"])
    np.testing.assert_array_equal(found.quality, by_sql["quality"])


def same_buckets(historian, analyst, number, begin, width):
    found = historian.query.downsample(number, begin, END, width)
    by_sql = analyst.ask(
        "downsample", series=number, start=begin, end=END, width=width, look_back=LOOK_BACK_NS
    )
    np.testing.assert_array_equal(found.start, by_sql["start"])
    for name in ("count", "bad", "least", "greatest", "last", "mean", "covered_ns"):
        np.testing.assert_allclose(
            getattr(found, name), by_sql[name].astype(float), rtol=1e-9, err_msg=name
        )


def same_as_of(historian, analyst, number):
    times = [NOON - 1, NOON + 7 * SECOND, NOON + HOUR, NOON + 3 * DAY]
    found = historian.query.as_of(number, times, oldest_ns=DAY)
    by_sql = analyst.ask("as_of", series=number, times=times, oldest=DAY)
    young = np.array(
        [n is not None and t - n <= DAY for t, n in zip(times, by_sql["ns"], strict=True)]
    )
    np.testing.assert_array_equal(found.values, np.where(young, by_sql["value"], np.nan))


def test_minutes_are_the_same_from_files_and_from_readings(tmp_path):
    historian = opened(tmp_path)
    kept(historian, walk(np.random.default_rng(4), 40_000))
    before = historian.analyst()
    historian.settle()
    after = historian.analyst()
    question = "SELECT * FROM rollup_1m ORDER BY series, start_ns"
    one, other = before.sql(question), after.sql(question)
    assert list(one) == list(other)
    for name in one:
        np.testing.assert_allclose(one[name].astype(float), other[name].astype(float), rtol=1e-9)
    named = after.sql("SELECT name, unit, si_unit, dimension FROM series WHERE series = 2")
    assert [named[each][0] for each in named] == ["unit.2", "K", "K", "temperature"]
    before.close()
    after.close()
    historian.close()


def test_an_analyst_sees_no_file_outside_and_loads_no_extension(tmp_path):
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    historian = opened(tmp_path / "store")
    analyst = historian.analyst(memory_limit="200MB", threads=1)
    for statement in (
        f"SELECT * FROM read_csv('{tmp_path}/secret.csv')",
        "INSTALL spatial",
        "SET memory_limit = '50GB'",
        "COPY (SELECT 1) TO '/tmp/fabloop-analyst-wrote.csv'",
    ):
        with pytest.raises(Invalid, match="SQL over readings"):
            analyst.sql(statement)
    assert analyst.sql("SELECT current_setting('threads') AS threads")["threads"].tolist() == [1]
    assert not len(analyst.sql("SELECT * FROM readings")["ns"])
    with pytest.raises(Invalid, match="one of latest, range, downsample, as_of"):
        analyst.ask("everything")
    analyst.close()
    historian.close()


def test_an_answer_with_too_many_rows_is_refused(tmp_path, monkeypatch):
    historian = opened(tmp_path)
    kept(historian, batch_of([NOON + n for n in range(6)], 0, range(6)))
    analyst = historian.analyst()
    monkeypatch.setattr(sql, "ANSWER_ROWS_MAX", 5)
    assert len(analyst.sql("SELECT ns FROM readings LIMIT 5; ")["ns"]) == 5
    with pytest.raises(Invalid, match="at most 5 rows"):
        analyst.sql("SELECT * FROM readings -- all of them")
    assert "readings" in analyst.sql("SHOW TABLES")["name"].tolist()
    analyst.close()
    historian.close()


def test_a_reader_beside_the_writer_sees_what_is_durable(tmp_path):
    historian = opened(tmp_path)
    readings = walk(np.random.default_rng(2), 500)
    kept(historian, readings.where(slice(0, 300)))
    historian.settle()
    kept(historian, readings.where(slice(300, None)))
    reader = HistorianReader(tmp_path)
    expected = settled(readings).batch
    for number in range(4):
        found = reader.query.range(number, NOON, FAR)
        np.testing.assert_array_equal(found.values, of_series(expected, number).values)
    assert reader.query.latest().values.tolist() == historian.query.latest().values.tolist()
    assert reader.check() == (len(expected), ())
    analyst = reader.analyst()
    assert analyst.sql("SELECT count(*) AS n FROM readings")["n"].tolist() == [len(expected)]
    analyst.close()
    reader.close()
    historian.close()


PLAIN = """
import sys, duckdb
files = sys.argv[1] + "/raw/**/*.parquet"
rows = duckdb.execute(
    "SELECT series, epoch_ns(time), coalesce(value, scaled / pow(10::DOUBLE, exponent)), quality "
    "FROM read_parquet(?) ORDER BY series, time", [files]).fetchnumpy()
numbers, times, values, quality = rows.values()
print(len(numbers), int(times.sum()), repr(float(values.sum())), int(quality.sum()))
assert not any(name.startswith("fabloop") for name in sys.modules)
"""


def test_the_files_are_read_by_plain_duckdb_and_plain_pyarrow(tmp_path):
    historian = opened(tmp_path, clock=HandClock(NOON + 2 * HOUR), count=3)
    historian.catalogue.number(series(3))
    rng = np.random.default_rng(1)
    readings = walk(rng, 2_000)
    raw = batch_of(readings.times + 1, 3, rng.normal(0, 1, 2_000))
    kept(historian, readings.where(readings.series < 3), raw)
    historian.settle()
    historian.close()
    expected = settled(readings.where(readings.series < 3)).batch
    other = settled(raw).batch
    done = subprocess.run(
        [sys.executable, "-c", PLAIN, str(tmp_path)],
        capture_output=True, text=True, check=True, env={"PATH": ""},
    )  # fmt: skip
    count, times, values, quality = done.stdout.split()
    assert int(count) == len(expected) + len(other)
    assert int(quality) == (len(expected) + len(other)) * 192
    table = pq.read_table(tmp_path / "raw")
    assert table.column_names[:6] == ["series", "time", "scaled", "exponent", "value", "quality"]
    assert {"class", "date"} <= set(table.column_names)
    decimal = table.filter(table["value"].is_null())
    found = decimal["scaled"].to_numpy() / 10.0 ** decimal["exponent"].to_numpy()
    np.testing.assert_array_equal(found, expected.values)
    assert float(values) == pytest.approx(expected.values.sum() + other.values.sum())
    every = np.concatenate([expected.times, other.times])
    assert int(times) == int(every.astype(object).sum() + 2**63) % 2**64 - 2**63
