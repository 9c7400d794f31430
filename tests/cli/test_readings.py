"""``fabloop readings``: what is stored is told with names, units, qualities and ages."""

import csv
import json
import time

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from fabloop.adapters.historian import Historian, Options
from fabloop.app.processes.clocks import WallClock
from fabloop.base.errors import Conflict, Invalid, NotFound
from fabloop.base.instant import HOUR, MINUTE, SECOND
from fabloop.base.quantity import Dimension
from fabloop.cli.root import app
from fabloop.model.ids import WorkUnitId
from fabloop.sense.readings.batch import batch_of
from fabloop.sense.readings.quality import SENSOR_FAILURE
from fabloop.sense.readings.series import Kind, Series

NOW = (time.time_ns() // HOUR - 1) * HOUR  # noqa: TID251  # in one hour: in one file
OVEN = Series(
    source="hall", address="ns=2;s=T", work_unit=WorkUnitId("oven-1"), name="oven.temperature",
    dimension=Dimension.TEMPERATURE, unit="degC", offset=273.15,
)  # fmt: skip
MODE = Series(
    source="hall", address="mode", work_unit=WorkUnitId("oven-1"), name="oven.mode",
    kind=Kind.STATE, states=("idle", "busy"),
)  # fmt: skip
PIECES = Series(source="hall", address="count", name="oven.pieces", kind=Kind.COUNTER)


@pytest.fixture
def folder(tmp_path):
    historian = Historian(tmp_path / "readings", WallClock(), Options(commit_ns=SECOND // 100))
    for each in (OVEN, MODE, PIECES):
        historian.catalogue.number(each)
    times = NOW + np.arange(6) * MINUTE
    historian.keep(batch_of(times, 0, np.array([20.0, 21.5, 22.0, 22.5, 23.0, 24.0]) + 273.15))
    historian.keep(batch_of([NOW + 6 * MINUTE], 0, [np.nan], SENSOR_FAILURE))
    historian.settle()
    historian.keep(batch_of(times, 1, [0, 1, 1, 0, 1, 1]))
    historian.keep(batch_of(times, 2, [5, 7, 9, 9, 2, 4]))
    historian.close()
    return tmp_path / "readings"


def run(*words, code=0):
    done = CliRunner().invoke(app, ["readings", *map(str, words)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done


def told(*words, code=0):
    return json.loads(run(*words, "--json", code=code).stdout)


def test_series_are_listed_with_their_units(folder):
    rows = told("list", folder)
    assert [row["name"] for row in rows] == ["oven.temperature", "oven.mode", "oven.pieces"]
    assert (rows[0]["unit"], rows[0]["source_unit"]) == ("K", "degC")
    assert len(told("list", folder, "--work-unit", "oven-1")) == 2
    assert told("list", folder, "--source", "elsewhere") == []
    assert "oven.pieces" in run("list", folder).stdout


def test_the_latest_value_is_told_with_quality_and_age(folder):
    rows = told("latest", folder)
    assert [row["value"] for row in rows] == [None, 1.0, 4.0]
    assert [row["shown"] for row in rows] == ["unknown", "busy", "4"]
    assert rows[0]["quality"] == "bad, sensor failed"
    assert rows[1]["age_ns"] > 4 * MINUTE
    shown = run("latest", folder, "oven.mode").stdout
    assert "busy" in shown
    assert " h" in shown or " min" in shown


def test_a_range_is_told_reading_by_reading_or_in_steps(folder):
    rows = told("range", folder, "hall:ns=2;s=T")
    assert [row["shown"] for row in rows[:2]] == ["20 °C", "21.5 °C"]
    (step,) = told("range", folder, 0, "--every", "PT1H")[:1]
    assert (step["count"], step["bad"], step["unit"]) == (6, 1, "K")
    assert step["last"] == pytest.approx(297.15)
    assert sum(row["increase"] or 0 for row in told("range", folder, 2, "--every", "PT5M")) == 8
    states = told("range", folder, "oven.mode", "--every", "PT10M")
    assert set(states[0]) == {"start", "idle", "busy", "unknown"}
    short = run("range", folder, 0, "--rows", 2)
    assert "5 more rows" in short.stderr


def test_an_older_meaning_of_a_series_is_told(folder):
    historian = Historian(folder, WallClock())
    historian.catalogue.number(
        Series(source="hall", address="count", name="oven.pieces", unit="kg")
    )
    historian.keep(batch_of([NOW], 3, [1.0]))
    historian.close()
    done = run("range", folder, "oven.pieces")
    assert "was told in no unit as series 2" in done.stderr
    assert "1 kg" in done.stdout


def test_readings_are_exported_with_names_units_and_qualities(folder, tmp_path):
    answer = told("export", folder, "--csv", tmp_path / "out.csv")
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert answer["readings"] == len(rows) == 19
    assert rows[6]["value"] == ""
    assert rows[6]["quality"] == "bad, sensor failed"
    assert {row["unit"] for row in rows} == {"K", ""}
    run("export", folder, "oven.mode", "--parquet", tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    assert table["value"].to_pylist() == [0.0, 1.0, 1.0, 0.0, 1.0, 1.0]
    assert table["name"].to_pylist() == ["oven.mode"] * 6
    printed = run("export", folder, 0, "--csv", "-")
    assert printed.stdout.count("\n") == 8
    assert "7 readings" in printed.stderr


def test_what_cannot_be_exported_is_refused(folder, tmp_path):
    with pytest.raises(Invalid, match="one of --csv FILE and --parquet FILE"):
        run("export", folder)
    with pytest.raises(Invalid, match="a file to write"):
        run("export", folder, "--csv", tmp_path / "no" / "such.csv")
    with pytest.raises(Invalid, match="an instant before the end"):
        run("range", folder, 0, "--from", "2090-01-01T00:00:00Z")


def test_retention_is_set_by_class_and_told(folder):
    (only,) = told("retention", folder)
    assert only["class"]["name"] == "standard"
    assert only["readings"] == 7
    rows = told(
        "retention", folder, "--set", "name=modes,series=*.mode,raw=P7D,rollup=for-ever",
        "--set", "name=standard,raw=P30D",
    )  # fmt: skip
    assert [row["class"]["name"] for row in rows] == ["modes", "standard"]
    assert rows[0]["class"]["rollup_ns"] is None
    assert "P7D (7 d)" in run("retention", folder).stdout
    with pytest.raises(Invalid, match="a raw such as P90D"):
        run("retention", folder, "--set", "name=a,raw=soon")
    with pytest.raises(Invalid, match="'days'"):
        run("retention", folder, "--set", "name=a,days=3")
    with pytest.raises(Invalid, match="small letters"):
        run("retention", folder, "--set", "name=../a")


def test_retention_is_not_set_while_somebody_writes(folder):
    historian = Historian(folder, WallClock())
    with pytest.raises(Conflict, match="only process writing"):
        run("retention", folder, "--set", "name=standard,raw=P30D")
    historian.close()


def test_a_check_names_what_is_damaged(folder):
    assert told("check", folder)["damaged"] == []
    assert "19 of 19 readings can be read" in run("check", folder).stdout
    (path,) = (folder / "raw").rglob("*.parquet")
    path.write_bytes(b"")
    answer = told("check", folder, code=1)
    assert path.name in answer["damaged"][0]
    assert (answer["readings"], answer["expected"]) == (12, 19)
    path.unlink()
    assert "no such file" in told("check", folder, code=1)["damaged"][0]


def test_sql_is_answered_over_all_readings(folder):
    (row,) = told("sql", folder, "SELECT count(*) AS n, max(value) AS top FROM readings")
    assert row == {"n": 19, "top": 297.15}
    assert "oven.mode" in run("sql", folder, "SELECT name FROM series ORDER BY 1").stdout
    with pytest.raises(Invalid, match="The views are readings, rollup_1m and series"):
        run("sql", folder, "SELECT * FROM nothing")


def test_what_is_no_series_or_no_folder_is_told(folder, tmp_path):
    with pytest.raises(Invalid, match=r"Did you mean oven\.mode"):
        run("range", folder, "oven.mod")
    with pytest.raises(NotFound, match="found no manifest"):
        run("list", tmp_path)
