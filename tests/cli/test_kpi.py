"""``fabloop kpi``: what a KPI is, when it changes, and when it crosses what an order asks for."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fabloop.app.demo import documents_of
from fabloop.base.instant import DAY, HOUR

FABLOOP = Path(sys.executable).with_name("fabloop")
UNTIL = "2026-11-23T12:45:00+01:00"
FIRST = "2026-11-23T06:00:00+01:00"


def fabloop(*arguments):
    return subprocess.run(
        [str(FABLOOP), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def as_json(*arguments):
    done = fabloop("kpi", *arguments, "--json")
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """The wave gear with more tests and less wear: rested before the mill is worn, played on."""
    folder = tmp_path_factory.mktemp("watched")
    shutil.copytree(documents_of("wavegear"), folder / "documents")
    file = folder / "documents/monitoring.json"
    document = json.loads(file.read_bytes())
    times = ["06:00", "07:00", "08:00", "09:00", "10:00", "12:00", "14:00", "15:00"]
    document["units"][0]["times"] = times
    file.write_text(json.dumps(document))
    file = folder / "documents/simulation.json"
    slower = file.read_text().replace("66 nm", "30 nm").replace("0.9 %", "0.4 %")
    file.write_text(slower.replace("0.33 %", "0.15 %"))
    story = folder / "story"
    done = fabloop(
        "demo", "--auto", "--documents", folder / "documents", "--keep", story,
        "--out", folder / "out", "--until", UNTIL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    _, early = as_json("explain", story, "graz-u630")
    done = fabloop("demo", "--auto", "--resume", story, "--out", folder / "out")
    assert done.returncode == 0, done.stderr
    return story, json.loads(early)


def test_the_trend_foretells_when_the_mill_is_no_longer_good_enough(watched):
    story, early = watched
    (due,) = early["due"]
    assert due["limit"] == pytest.approx(15e-6)
    assert due["days_low"] <= due["days"] <= due["days_high"]
    _, changes = as_json("watch", story, "--work-unit", "graz-u630")
    told = [json.loads(line)["fact"] for line in changes.splitlines()]
    worn = next(fact["value"]["at"] for fact in told if fact["value"]["upper"] > due["limit"])
    last = early["value"]["at"]
    between = 2 * HOUR / DAY  # the breach is seen by the first test behind it
    assert due["days_low"] <= (worn - last) / DAY <= due["days_high"] + between


def test_what_was_known_is_explained_as_of_then(watched):
    story, early = watched
    code, then = as_json("explain", story, "graz-u630", "--at", UNTIL)
    assert code == 0
    found = json.loads(then)
    assert (found["value"], found["trend"], found["due"]) == (
        early["value"],
        early["trend"],
        early["due"],
    )
    assert found["asked_at"] >= early["asked_at"]


def test_formula_terms_source_age_and_interval_are_told(watched):
    story, _ = watched
    said = fabloop("kpi", "explain", story, "graz-u630").stdout
    for words in (
        "tpe/1",
        "upper = sure",
        "Source: tpe/1, diametral",
        "95 %",
        "before it is asked",
    ):
        assert words in said
    assert "reversal" in said
    assert "a day (" in said


def test_a_value_that_is_too_old_does_not_count(watched):
    story, _ = watched
    done = fabloop("kpi", "explain", story, "graz-u630", "--at", "2026-12-24T12:00:00+01:00")
    assert done.returncode == 1
    assert "no longer counts since" in done.stdout


def test_before_the_first_test_nothing_is_known(watched):
    story, _ = watched
    done = fabloop("kpi", "explain", story, "graz-u630", "--at", "2026-11-23T05:00:00+01:00")
    assert done.returncode == 1
    assert "No value is known" in done.stdout


def test_documents_alone_tell_what_others_measured():
    folder = documents_of("wavegear")
    code, said = as_json("explain", folder, "linz-mill")
    found = json.loads(said)
    assert code == 0
    assert found["value"]["upper"] == pytest.approx(11.8e-6)
    assert found["trend"] is None
    _, lines = as_json("watch", folder)
    assert len(lines.splitlines()) == 2


@pytest.mark.parametrize("command", [["explain", "graz-u63"], ["watch", "--work-unit", "graz-u63"]])
def test_an_unknown_work_unit_is_refused_with_a_proposal(command):
    done = fabloop("kpi", command[0], documents_of("wavegear"), *command[1:])
    assert done.returncode != 0
    assert "graz-u630" in done.stderr


def test_changes_to_come_are_told_while_the_story_goes_on(tmp_path):
    story = tmp_path / "story"
    done = fabloop("demo", "--auto", "--keep", story, "--out", tmp_path / "o", "--until", FIRST)
    assert done.returncode == 0, done.stderr
    with subprocess.Popen(
        [str(FABLOOP), "kpi", "watch", str(story), "--follow", "--json"],
        stdout=subprocess.PIPE,
        text=True,
    ) as watching:
        assert watching.stdout is not None
        for _ in range(2):  # what is known already: the documents' values
            watching.stdout.readline()
        later = fabloop(
            "demo", "--auto", "--resume", story, "--out", tmp_path / "o",
            "--until", "2026-11-23T14:30:00+01:00",
        )  # fmt: skip
        assert later.returncode == 0, later.stderr
        units = [
            json.loads(watching.stdout.readline())["fact"]["value"]["work_unit"] for _ in range(2)
        ]
        watching.terminate()
    assert units == ["graz-u630", "graz-u630"]
