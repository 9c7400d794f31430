"""``fabloop order place``: what became of a plan before it is ordered."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fabloop.app.demo import documents_of

FABLOOP = Path(sys.executable).with_name("fabloop")
RECEIVED = "2026-11-23T12:30:00+01:00"
LATER = "2026-11-23T14:00:00+01:00"


def fabloop(*arguments, cwd):
    return subprocess.run(
        [str(FABLOOP), *map(str, arguments)],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def folder(tmp_path):
    """The wave gear's documents, and the plans for them."""
    shutil.copytree(documents_of("wavegear"), tmp_path / "gear")
    planned = fabloop("plan", "gear", "--plans", 2, "--json", cwd=tmp_path)
    (tmp_path / "plans.json").write_text(planned.stdout)
    return tmp_path


def placed(*arguments, cwd):
    return fabloop("order", "place", "gear", "plans.json", *arguments, cwd=cwd)


def values_of(folder, change):
    path = folder / "gear" / "kpi-values.json"
    document = json.loads(path.read_text())
    for each in document["values"]:
        change(each)
    path.write_text(json.dumps(document))


def test_a_plan_that_is_ordered_at_once_holds_as_it_was_made(folder):
    done = placed("--at", RECEIVED, "--out", "final.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "The plan holds as it was made." in done.stdout
    final = json.loads((folder / "final.json").read_text())
    plans = json.loads((folder / "plans.json").read_text())["answer"]["plans"]
    assert final == plans[0]


def test_a_plan_that_waits_is_carried_out_later_on_the_same_machines(folder):
    done = placed("--at", LATER, "--json", cwd=folder)
    told = json.loads(done.stdout)
    assert (done.returncode, told["verdict"]) == (0, "retimed")
    assert told["comparison"]["moved"] == []
    again = placed("--at", LATER, "--out", "final.json", cwd=folder)
    assert "Ready" in again.stdout
    assert json.loads((folder / "final.json").read_text()) == told["instead"]


def test_a_machine_that_has_worn_since_is_named_with_both_values(folder):
    def worn(value):
        if value["work_unit"].startswith("vienna"):
            value["value"], value["upper"] = "18 µm", "19 µm"

    values_of(folder, worn)
    done = placed("--at", RECEIVED, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "another one can take its place" in done.stdout
    assert "19 µm" in done.stdout
    assert "moves from EMCO MAXXMILL 500 Vienna to" in done.stdout


def test_where_no_plan_is_left_the_reasons_are_told_and_nothing_is_written(folder):
    done = placed("--at", "2027-03-01T00:00:00Z", "--out", "final.json", cwd=folder)
    assert done.returncode == 1
    assert "no other one does" in done.stdout
    assert not (folder / "final.json").exists()


def test_a_file_or_number_that_is_no_plan_is_named(folder):
    assert "a plan from 1 to 2" in placed("--plan", 3, cwd=folder).stderr
    (folder / "plans.json").write_text("{}")
    done = placed(cwd=folder)
    assert done.returncode == 2
    assert "plans.json" in done.stderr
