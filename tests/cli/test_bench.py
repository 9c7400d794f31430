"""Scheduling public problems from the command line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fabloop.cli.root import app

FABLOOP = Path(sys.executable).with_name("fabloop")
GOOD = "2 2\n2 1 1 3 1 2 2\n2 1 2 2 1 1 4\n"
PLANS = "1 1 3\nout\n0 1\n1 2\nin\ninfo\n0 start\n1 1 1 6\n2 end\n"  # one operation
LIBRARY = {
    "operations": [{"operation": 0, "option": 0, "machine": 0, "duration": 9}],
    "precedences": [],
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.fjs").write_text(GOOD)
    (tmp_path / "b.ipps").write_text(PLANS)
    (tmp_path / "c.json").write_text(json.dumps(LIBRARY))
    (tmp_path / "MANIFEST.json").write_text('{"instances": []}')
    (tmp_path / "README.txt").write_text("not read")
    return tmp_path


def bench(*arguments):
    command = [str(FABLOOP), "bench", "fjsp", *map(str, arguments), "--time-limit", "2"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_a_folder_is_solved_file_by_file(folder):
    done = bench(folder)
    assert done.returncode == 0, done.stderr
    head, *rows = done.stdout.splitlines()
    assert head.split() == ["instance", "makespan", "bound", "gap", "CPU", "s", "outcome"]
    assert [row.split()[:4] for row in rows[:3]] == [
        ["a.fjs", "7", "7", "0.00%"],
        ["b.ipps", "6", "6", "0.00%"],
        ["c.json", "9", "9", "0.00%"],
    ]
    assert rows[3].startswith("3 of 3 proven, mean gap 0.00%")
    assert rows[4] == "1 passed over, no scheduling problem: MANIFEST.json"


def test_json_holds_the_schedule_with_machines_and_ticks(folder):
    done = bench(folder / "a.fjs", "--json")
    told = json.loads(done.stdout)
    (found,) = told["instances"]
    assert (found["makespan"], found["bound"], found["outcome"]) == (7, 7, "proven")
    assert found["gap"] == 0
    assert found["cpu_s"] >= 0
    tasks = {each["task"]: each for each in found["tasks"]}
    assert tasks["1.1"] == {
        "task": "1.1", "job": "job 1", "resources": ["machine 1"], "start": 0, "end": 3,
    }  # fmt: skip


def test_a_bad_file_is_named_and_the_others_run(folder):
    (folder / "d.fjs").write_text("1 1\n1 1 2 3\n")
    done = bench(folder)
    assert done.returncode == 2
    assert "d.fjs line 2, word 3: Expected machine from 1 to 1, but found 2." in done.stderr
    assert "3 of 3 proven" in done.stdout
    assert "1 refused: " in done.stdout
    told = json.loads(bench(folder, "--json").stdout)
    assert len(told["instances"]) == 3
    assert told["refused"][0]["file"].endswith("d.fjs")


def test_what_is_not_there_is_told(folder):
    (folder / "empty").mkdir()
    assert "Expected a folder with scheduling problems" in bench(folder / "empty").stderr
    missing = bench(folder / "none.fjs", folder / "a.fjs")
    assert missing.returncode == 2
    assert "none.fjs: Expected a file that can be read" in missing.stderr
    assert "1 of 1 proven" in missing.stdout


@pytest.mark.parametrize(
    ("limit", "said"), [("1e7", "1000000"), ("0", "0.001"), ("nan", "--time-limit")]
)
def test_a_time_limit_out_of_its_range_is_refused(folder, limit, said):
    done = CliRunner().invoke(app, ["bench", "fjsp", str(folder), "--time-limit", limit])
    assert done.exit_code == 2
    assert said in done.output


def test_hardly_any_time_gives_a_schedule_and_how_far_it_may_be_from_the_best(tmp_path):
    jobs = [" ".join(["6", *(f"1 {(at * job) % 6 + 1} {at + job}" for at in range(1, 7))])
            for job in range(1, 7)]  # fmt: skip
    (tmp_path / "a.fjs").write_text("\n".join(["6 6", *jobs]))
    command = ["bench", "fjsp", str(tmp_path), "--time-limit", "0.01", "--json"]
    done = CliRunner().invoke(app, command)
    (found,) = json.loads(done.stdout)["instances"]
    assert found["outcome"] in ("found", "proven")
    assert 0 < found["bound"] <= found["makespan"]
