"""``fabloop oee`` counts events from files, and tells what it could not count."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fabloop.base.errors import Invalid
from fabloop.cli.root import app

SETTING = {
    "document": "effectiveness",
    "version": "1",
    "@context": "urn:fabloop:context:1:effectiveness",
    "time_zone": "Europe/Vienna",
    "shifts": [{"id": "early", "label": "Early", "from": "06:00", "to": "14:00"}],
    "breaks": [{"from": "09:00", "to": "09:30"}],
    "tables": [{"id": "mine", "states": {"RUN": "producing", "ALARM": "failed"}}],
    "units": [
        {"work_unit": "press", "cycle_times": {"": "45 s"}},
        {"work_unit": "mill", "table": "mine", "cycle_times": {"": "1 min"}, "calendar": "always"},
    ],
}


def told(at: str, kind: str, number: int, unit: str = "press", **more: object) -> str:
    event = {"type": kind, "id": str(number), "work_unit": unit, "at": f"2026-03-02T{at}:00+01:00"}
    return json.dumps(event | more)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "setting.json").write_text(json.dumps(SETTING))
    events = [
        told("06:00", "state", 1, state="producing"),
        told("07:00", "state", 2, state="failed", reason="hydraulics"),
        told("07:30", "state", 3, state="producing"),
        told("08:30", "parts", 4, good=120, scrap=6),
        told("08:30", "parts", 4, good=121),
        told("06:00", "state", 5, "mill", state="RUN"),
        told("08:00", "parts", 6, "mill", good=100),
        told("15:00", "state", 7, state="stopped"),
    ]
    (tmp_path / "events.jsonl").write_text("\n".join(events) + "\n\n")
    return tmp_path


def run(folder: Path, command: str, *words: object) -> Result:
    given = ["oee", command, folder / "events.jsonl", "--setting", folder / "setting.json", *words]
    return CliRunner().invoke(app, list(map(str, given)))


def test_a_report_tells_each_unit_and_all_from_their_sums(folder: Path) -> None:
    done = run(
        folder,
        "report",
        "--from",
        "2026-03-02T06:00:00+01:00",
        "--to",
        "2026-03-02T09:00:00+01:00",
        "--svg",
        folder / "time.svg",
        "--json",
    )
    reply = json.loads(done.stdout)
    press, mill, both = reply["units"]
    assert press["indicators"]["availability"]["value"] == pytest.approx(2.5 / 3)
    assert press["indicators"]["effectiveness"] == pytest.approx(126 * 45 / 9000)
    assert press["losses"][0]["reason"] == "hydraulics"
    assert mill["indicators"]["effectiveness"] == pytest.approx(100 / 180)
    assert both["indicators"]["quality"] == pytest.approx(220 / 226)
    assert "other content" in reply["refused"][0]
    assert "failures: 30 min" in (folder / "time.svg").read_text()


def test_shifts_are_told_once_they_have_ended(folder: Path) -> None:
    done = run(folder, "shifts", "--to", "2026-03-02T13:00:00+01:00")
    assert "No shift has ended" in done.stdout
    done = run(folder, "shifts", "--json")
    assert [each["figures"]["period"]["shift"] for each in json.loads(done.stdout)] == ["early"]


def test_a_report_reads_as_a_table_and_unknown_is_never_nothing(folder: Path) -> None:
    done = run(folder, "report", "--unit", "mill", "--to", "2026-03-02T05:30:00+01:00",
               "--from", "2026-03-02T05:00:00+01:00")  # fmt: skip
    assert "unknown" in done.stdout
    assert "0.0%" not in done.stdout.split("losses")[0].replace("100.0%", "")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"time_zone": "Europe/Wien"}, "time_zone: Expected an IANA time zone"),
        ({"breaks": [{"from": "09:00", "to": "08:00"}]}, "breaks[0].to: Expected a break"),
        ({"units": [{"work_unit": "a", "table": "pakml"}]}, "Did you mean 'packml'?"),
        ({"units": [{"work_unit": "a"}, {"work_unit": "a"}]}, "each unit once"),
        ({"units": [{"work_unit": "a", "cycle_times": {"": "3 kg"}}]}, "cycle_times"),
        ({"tables": [{"id": "x", "states": {}}]}, "states: Expected at least one state"),
        ({"shifts": [], "calendar": {}}, "at least one working minute"),
    ],
)
def test_a_wrong_setting_is_refused_by_place(
    folder: Path, change: dict[str, object], said: str
) -> None:
    (folder / "setting.json").write_text(json.dumps(SETTING | change))
    done = run(folder, "report")
    assert isinstance(done.exception, Invalid)
    assert said in str(done.exception)


def test_wrong_events_are_named_by_line(folder: Path) -> None:
    (folder / "events.jsonl").write_text('{"type": "state"}\nno\n{"type": "dance", "at": 1}\n')
    done = run(folder, "report")
    assert isinstance(done.exception, Invalid)
    assert [fault.path for fault in done.exception.faults] == ["line 1", "line 2", "line 3"]
    (folder / "events.jsonl").write_text("\n")
    assert "Expected events, but found none" in str(run(folder, "report").exception)
