"""The week of the bakery on the command line: told, drawn, written, gone on with after a kill."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from fabloop.app.muffin.chronicle import Silence, silence_of
from fabloop.app.service_runtime.facts import PersonAsked, RungTried
from fabloop.app.service_runtime.ladder import SAFE_DEFAULT
from fabloop.base.instant import HOUR, Instant
from fabloop.cli.demo_muffin import Teller
from fabloop.model.explanation import Explanation, SeverityCode
from small_bakery import small_bakery

PLAY = "from fabloop.cli import main; main()"


def fabloop(*words, **more):
    return subprocess.run(
        [sys.executable, "-c", PLAY, *map(str, words)],
        check=False,
        capture_output=True,
        text=True,
        **more,
    )


@pytest.fixture
def documents(tmp_path):
    mishap = {
        "device": "oven",
        "load": [1, 1],
        "share": [0.3, 0.3],
        "repair_hours": [4, 4],
        "reason": "The sensor failed.",
    }
    scenarios = {"burnt": {"mishaps": [mishap], "delays": []}}
    return small_bakery(tmp_path, orders_per_day=(0,), scenarios=scenarios)


def test_the_week_is_told_drawn_and_written(tmp_path, documents):
    told = fabloop(
        "demo", "muffin", "--auto", "--documents", documents,
        "--json", tmp_path / "week.json", "--out", tmp_path / "out",
    )  # fmt: skip
    assert told.returncode == 0, told.stderr + told.stdout
    assert "goes on by muffin-batch.r" in told.stdout
    week = json.loads((tmp_path / "week.json").read_bytes())
    assert week["figures"]["delivered"] == 2
    chain = [each["fact"]["fact"] for each in week["chain"]]
    wanted = ["Deviated", "ChainComposed", "ServicesDiscovered", "RepairProposed", "RepairEnacted"]
    assert [each for each in chain if each in wanted] == wanted
    pages = {each.name for each in (tmp_path / "out").iterdir()}
    assert {"report.html", "week.svg", "orders.svg", "muffin-batch.svg"} <= pages
    assert any(each.startswith("repair-") for each in pages)
    page = (tmp_path / "out/report.html").read_text()
    assert "All times are those of Europe/Rome." in told.stdout
    assert "All times are those of Europe/Rome." in page
    words = re.sub(r"<svg.*?</svg>|<style.*?</style>", "", page, flags=re.DOTALL)
    for shown in (told.stdout, words):
        assert "UTC" not in shown
        assert not re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d", shown), "an instant of another form"
    assert re.search(r"those in which there was something to choose or to wait for: \d+\.", words)
    assert "Composed chains" in page
    assert "major, in danger: G1 of" in page


def test_after_a_kill_the_week_goes_on_and_is_the_same(tmp_path, documents):
    common = ("--documents", documents, "--out", tmp_path / "out")
    whole = fabloop("demo", "muffin", "--auto", *common, "--json", tmp_path / "whole.json")
    assert whole.returncode == 0, whole.stderr
    folder = tmp_path / "kept"
    words = ("demo", "muffin", "--auto", *common, "--keep", folder)
    with subprocess.Popen(
        [sys.executable, "-c", PLAY, *map(str, words)], stdout=subprocess.PIPE, text=True
    ) as played:
        assert played.stdout is not None
        for line in played.stdout:
            if "proposed" in line:
                os.kill(played.pid, signal.SIGKILL)
                break
    again = resumed(folder, tmp_path)
    assert again.returncode == 0, again.stderr
    one, other = (json.loads((tmp_path / f"{n}.json").read_bytes()) for n in ("whole", "again"))
    assert one["orders"] == other["orders"]
    assert one["figures"] == other["figures"]
    assert one["volatile"]["silence"] == {"asked": 0, "unanswered": 0, "waited": False}
    came = [json.loads(line) for line in (folder / "oven.arrivals").read_text().splitlines()]
    baked = [each for each in came if each["operation"] == "bake"]
    assert baked
    assert all(each["permits"].startswith("cell=") for each in baked)


@pytest.mark.parametrize(
    ("asks", "waits", "said"), [(False, False, 1), (True, False, 0), (False, True, 0)]
)
def test_that_nobody_can_answer_in_time_is_said_once_and_only_where_it_is_so(
    capsys, asks, waits, said
):
    question = PersonAsked(
        about="batch-1", repair="r1", who="shift lead", question="Which way?", options=("r1.1",),
        default="cancel", expires_at=Instant(HOUR), severity="major",
        at_stake=(Explanation(code=SeverityCode.SPENT, subject="40 muffins"),),
    )  # fmt: skip
    silent = RungTried(
        about="batch-1", repair="r1", rung=SAFE_DEFAULT, helps=True,
        why="cancel, because shift lead has not answered within 30 min",
    )  # fmt: skip
    teller = Teller(to_stderr=False, asks=asks, waits=waits, zone="Europe/Rome")
    teller.told(Instant(0), [question, question])
    shown = capsys.readouterr().out
    assert "It is major, lost for good: 40 muffins." in shown
    assert shown.count("Nobody can answer that in time") == said
    history = [(Instant(0), question), (Instant(HOUR), silent)]
    assert silence_of(history, waited=waits) == Silence(asked=1, unanswered=1, waited=waits)


def resumed(folder, tmp_path, tries=50):
    """Go on as soon as the killed one has let go of the folder."""
    for _ in range(tries):
        again = fabloop(
            "demo", "--auto", "--resume", folder, "--out", tmp_path / "out",
            "--json", tmp_path / "again.json",
        )  # fmt: skip
        if "open" not in again.stderr or again.returncode != 2:
            return again

    return again


def test_options_of_the_other_story_are_refused(tmp_path):
    told = fabloop("demo", "muffin", "--auto", "--wire")
    assert told.returncode == 2
    assert "--wire" in told.stderr
    told = fabloop("demo", "wavegear", "--auto", "--scenario", "burnt")
    assert told.returncode == 2
    assert "--scenario" in told.stderr
    told = fabloop("demo", "muffin", "--auto", "--scenario", "flooded")
    assert told.returncode == 2
    assert "scenario" in told.stderr
