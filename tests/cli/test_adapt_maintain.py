"""``fabloop adapt maintain``: a stop is advised from a trend, kept free, done and reported."""

import json

import pytest
from typer.testing import CliRunner

from app import stories
from app.test_upkeep import JOB, with_upkeep
from fabloop.base.errors import FabloopError
from fabloop.cli.root import app

RESTS = "2026-11-23T11:35:00Z"


def fabloop(*words):
    return CliRunner().invoke(app, [str(each) for each in words])


@pytest.fixture(scope="module")
def worn(tmp_path_factory):
    """A story that rests, in which the machine was measured again and again since."""
    room = tmp_path_factory.mktemp("worn")
    papers = stories.documents(room / "papers", monitoring=with_upkeep)
    done = fabloop(
        "demo", "--auto", "--keep", room / "gear", "--until", RESTS, "--documents", papers
    )
    assert done.exit_code == 0, done.output
    return room / "gear"


def measured(folder, minute, upper):
    value = {
        "work_unit": "graz-u630",
        "kpi": "total-position-error",
        "value": upper * 0.9,
        "upper": upper,
        "dimension": "length",
        "at": 1795433700000000000 + minute * 60_000_000_000,
        "valid_for_ns": 36 * 3600 * 10**9,
        "source": "probe",
    }
    told = json.dumps({"disturbance": "KpiMoved", "value": value})
    file = folder.parent / f"{minute}.json"
    file.write_text(told, encoding="utf-8")
    at = f"2026-11-23T{11 + (35 + minute) // 60}:{(35 + minute) % 60:02}:00Z"
    result = fabloop("adapt", "report", folder, file, "--at", at)
    assert result.exit_code == 0, result.output
    return result


def test_a_stop_is_advised_told_kept_free_and_reported_as_done(worn):
    said = [measured(worn, 10 * n, 14.0e-6 + 0.05e-6 * n).output for n in range(1, 7)]
    assert "should be stopped for" in "".join(said)
    found = json.loads(fabloop("adapt", "list", worn, "--json").stdout)
    (stop,) = found["stops_advised"]
    assert (stop["work_unit"], stop["job"]) == ("graz-u630", JOB)
    assert "should be stopped for" in fabloop("adapt", "list", worn).output
    kept = fabloop("adapt", "maintain", worn, "graz-u630", "--json")
    names = [each["fact"]["fact"] for each in json.loads(kept.stdout)]
    assert names[:2] == ["MaintenancePlanned", "DisturbanceReported"]
    again = fabloop("adapt", "maintain", worn, "graz-u630")
    assert isinstance(again.exception, FabloopError)
    assert "stops are advised for: none" in str(again.exception)


def test_who_names_a_machine_without_advice_is_told_which_have_one(worn):
    result = fabloop("adapt", "maintain", worn, "graz-nlx")
    assert isinstance(result.exception, FabloopError)
    assert "graz-nlx" in str(result.exception)
