"""``fabloop adapt policy`` tells what a policy allows, or everything that is wrong with it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fabloop.base.errors import Invalid
from fabloop.base.instant import MINUTE, SECOND
from fabloop.cli.root import app

RUNGS = [
    {"rung": "retry", "attempts": 2, "automatic_up_to": "critical"},
    {
        "rung": "repair",
        "automatic_up_to": "major",
        "automatic_cost": "50.00 EUR",
        "approver": "shift-lead",
    },
    {"rung": "ask", "approver": "plant-manager", "answer_within": "30 min"},
]


def written(tmp_path: Path, **more: object) -> Path:
    content = {
        "document": "adaptation-policy",
        "version": "1",
        "@context": "urn:fabloop:context:1:adaptation-policy",
        "rungs": RUNGS,
    }
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(content | more), encoding="utf-8")
    return file


def run(*words: object):
    return CliRunner().invoke(app, ["adapt", "policy", *map(str, words)], catch_exceptions=True)


def test_a_policy_is_told_rung_by_rung(tmp_path: Path):
    done = run(written(tmp_path))
    assert done.exit_code == 0
    for word in ("retry", "50.00", "plant-manager", "30 min", "hold"):
        assert word in done.output


def test_other_times_for_what_is_critical_are_told(tmp_path: Path):
    hurried = {**RUNGS[2], "critical_answer_within": "5 min", "critical_budget": "3 s"}
    done = run(written(tmp_path, rungs=[*RUNGS[:2], hurried]))
    assert done.exit_code == 0
    shown = " ".join(done.output.replace("│", " ").split())
    assert "critical:" in shown
    assert "5 min" in shown
    told = json.loads(run(written(tmp_path, rungs=[hurried]), "--json").output)
    assert told["rungs"][0]["critical_budget_ns"] == 3 * SECOND
    assert told["rungs"][0]["critical_answer_ns"] == 5 * MINUTE


def test_a_time_for_what_is_critical_that_is_none_is_refused(tmp_path: Path):
    done = run(written(tmp_path, rungs=[{**RUNGS[2], "critical_answer_within": "2 kg"}]))
    assert isinstance(done.exception, Invalid)
    assert "critical_answer_within" in str(done.exception)


def test_it_is_told_to_programs_too(tmp_path: Path):
    done = run(written(tmp_path), "--json")
    told = json.loads(done.output)
    assert [each["rung"] for each in told["rungs"]] == ["retry", "repair", "ask"]
    assert told["rungs"][1]["cost_minor_max"] == 5_000


def test_everything_that_is_wrong_is_told(tmp_path: Path):
    rungs = [{"rung": "ask"}, {"rung": "repair", "budget": "2 kg", "attempts": 0}]
    done = run(written(tmp_path, rungs=rungs))
    assert done.exit_code != 0
    assert isinstance(done.exception, Invalid | SystemExit)
    if isinstance(done.exception, Invalid):
        assert "attempts" in str(done.exception)


@pytest.mark.parametrize("kind", ["order", "goals"])
def test_another_kind_of_document_is_refused(tmp_path: Path, kind: str):
    done = run(written(tmp_path, document=kind))
    assert done.exit_code != 0
