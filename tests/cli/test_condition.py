"""``fabloop condition`` tells anomalies, alarms and lives from tables, and names what is wrong."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from fabloop.base.errors import Invalid
from fabloop.cli.root import app


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["condition", *map(str, words)], catch_exceptions=True)


def table(file: Path, heads: str, rows: object) -> Path:
    lines = [heads, *(",".join(f"{each}" for each in row) for row in rows)]  # type: ignore[attr-defined]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def of_press(file: Path, rows: int, parts_at: int) -> Path:
    """Two signals that go together until a row, and then part."""
    roll = np.random.default_rng(5)
    load = roll.normal(0.0, 1.0, rows)
    flow = 2 * load + roll.normal(0.0, 0.2, rows)
    flow[parts_at:] += 3.0
    pairs = enumerate(zip(load, flow, strict=True), 1_700_000_000)
    return table(file, "time,load,flow", [(at, f"{a:.4f}", f"{b:.4f}") for at, (a, b) in pairs])


@pytest.fixture
def press(tmp_path: Path) -> Path:
    return of_press(tmp_path / "press.csv", 340, 300)


def test_signals_that_part_are_told_with_what_pulls(press: Path) -> None:
    done = run("anomalies", press, "--first", 300, "--time", "time", "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told["signals"] == ["load", "flow"]
    assert told["judged_rows"] == 40
    last = told["anomalies"][-1]
    assert last["last_row"] == 340
    assert last["begins"].startswith("2023-11-14T")
    assert last["because"]["code"] == "anomaly"
    assert "flow" in run("anomalies", press, "--first", 300, "--time", "time").output


def test_a_machine_that_is_as_it_was_ends_with_0(tmp_path: Path) -> None:
    calm = of_press(tmp_path / "calm.csv", 3_000, 3_000)
    done = run("anomalies", calm, "--first", 2_980, "--signals", "load,flow", "--risk", 0.001)
    assert (done.exit_code, "as it was" in done.output) == (0, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--first", "900"), "fewer than the 340 rows"),
        (("--first", "300", "--signals", "load,flaw"), "flow"),
        (("--first", "300", "--time", "tim"), "time"),
    ],
)
def test_what_does_not_fit_the_table_is_named(
    press: Path, words: tuple[str, ...], said: str
) -> None:
    done = run("anomalies", press, *words)
    assert isinstance(done.exception, Invalid)
    assert said in str(done.exception)


ALARMS = {
    "document": "alarms",
    "version": "1",
    "@context": "urn:fabloop:context:1:alarms",
    "alarms": [
        {
            "id": "oven-hot",
            "work_unit": "oven",
            "signal": "temperature",
            "limit": 230,
            "release": 220,
            "action": "open the flap",
            "role": "operator",
            "on_delay": "2 s",
            "off_delay": "2 s",
            "suppressed_in": ["cleaning"],
            "escalations": [{"after": "60 s", "role": "shift lead"}],
        }
    ],
}


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "alarms.json"
    file.write_text(json.dumps(ALARMS), encoding="utf-8")
    return file


def oven(folder: Path, *hot: float, state: str = "baking") -> Path:
    rows = [(1_000 + 10 * n, each, state) for n, each in enumerate(hot)]
    return table(folder / "oven.csv", "time,oven/temperature,oven/state", rows)


def kinds(done: Result) -> list[str]:
    return [each["tells"] for each in json.loads(done.stdout)["told"]]


def test_an_alarm_is_raised_escalated_and_cleared(rules: Path, tmp_path: Path) -> None:
    done = run("alarms", rules, oven(tmp_path, 200, *[240] * 10, 200, 200, 200), "--json")
    assert kinds(done) == ["AlarmRaised", "AlarmEscalated", "AlarmCleared"]
    words = run("alarms", rules, oven(tmp_path, 200, *[240] * 10)).output
    assert "open the flap" in words
    assert "shift lead" in words
    assert "oven-hot" in words


def test_while_the_machine_is_cleaned_nothing_is_raised(rules: Path, tmp_path: Path) -> None:
    done = run("alarms", rules, oven(tmp_path, 240, 240, 240, state="cleaning"), "--json")
    assert "AlarmRaised" not in kinds(done)


def test_what_stands_at_the_end_ends_with_1(rules: Path, tmp_path: Path) -> None:
    assert run("alarms", rules, oven(tmp_path, 240, 240, 240)).exit_code == 1
    assert run("alarms", rules, oven(tmp_path, 200, 210)).exit_code == 0


def test_a_rule_that_cannot_be_kept_and_a_table_without_its_signal_are_named(
    rules: Path, tmp_path: Path
) -> None:
    other = table(tmp_path / "other.csv", "time,mixer/speed", [(1, 2)])
    done = run("alarms", rules, other)
    assert isinstance(done.exception, Invalid)
    assert "'oven/temperature'" in str(done.exception)
    rules.write_text(json.dumps(ALARMS).replace("220", "250"), encoding="utf-8")
    done = run("alarms", rules, oven(tmp_path, 200))
    assert isinstance(done.exception, Invalid)
    assert "alarms[0]" in str(done.exception)


def test_times_that_go_back_are_named_by_line(rules: Path, tmp_path: Path) -> None:
    back = table(tmp_path / "back.csv", "time,oven/temperature", [(5, 200), (4, 200)])
    done = run("alarms", rules, back)
    assert isinstance(done.exception, Invalid)
    assert "line 3" in str(done.exception)


def test_lives_of_few_parts_give_a_share_a_risk_and_an_age(tmp_path: Path) -> None:
    rows = [(410, 1), (380, 1), (455, 1), (300, 0), (290, 0)]
    parts = table(tmp_path / "parts.csv", "lived,failed", rows)
    words = ["--age", 300, "--ahead", 50, "--planned-cost", 100, "--failure-cost", 900]
    told = json.loads(run("lifetimes", parts, *words, "--json").stdout)
    assert (told["parts"], told["failures"]) == (5, 3)
    assert told["life"]["low"] < told["life"]["value"] < told["life"]["high"]
    assert 0 < told["risk"] < 1
    assert told["replacement"]["age"] < 455
    assert "3 failed" in run("lifetimes", parts, *words).output


def test_options_of_lifetimes_that_need_each_other_say_so(tmp_path: Path) -> None:
    parts = table(tmp_path / "parts.csv", "lived,failed", [(410, 1)])
    done = run("lifetimes", parts, "--age", 300, "--share", 2)
    assert isinstance(done.exception, Invalid)
    assert "--age and --ahead" in str(done.exception)
    assert "--share" in str(done.exception)


def test_a_fleet_teaches_a_model_that_tells_the_life_of_another(tmp_path: Path) -> None:
    roll = np.random.default_rng(3)
    rows = []
    for unit in range(24):
        end = int(roll.integers(60, 90))
        for cycle in range(end):
            wear = 10 * (cycle / end) ** 2 + roll.normal(0, 0.2)
            rows.append((f"p{unit}", f"{wear:.3f}", f"{roll.normal():.3f}"))
    fleet = table(tmp_path / "fleet.csv", "unit,wear,noise", rows)
    model = tmp_path / "fleet.model"
    told = run("train", fleet, "--out", model, "--cap", 50)
    assert told.exit_code == 0, told.output
    old = [("x", f"{10 * (c / 70) ** 2:.3f}", "0.0") for c in range(65)]
    young = [("y", f"{10 * (c / 70) ** 2:.3f}", "0.0") for c in range(35)]
    asked = table(tmp_path / "asked.csv", "unit,wear,noise", [*old, *young])
    lives = {each["unit"]: each for each in json.loads(run("life", model, asked, "--json").stdout)}
    assert lives["x"]["cycles"] < 15 < lives["y"]["cycles"]
    assert "wear" in run("life", model, asked).output
