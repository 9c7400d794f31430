"""``fabloop adapt``: what happened is told, answered and taken back in a story that rests."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from fabloop.base.errors import FabloopError
from fabloop.cli.root import app

RESTS = "2026-11-23T11:35:00Z"


def fabloop(*words):
    return CliRunner().invoke(app, [str(each) for each in words])


@pytest.fixture(scope="module")
def rested(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rested") / "gear"
    done = fabloop("demo", "--auto", "--keep", folder, "--until", RESTS)
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def gear(rested, tmp_path):
    return shutil.copytree(rested, tmp_path / "gear")


def facts(result):
    return [each["fact"]["fact"] for each in json.loads(result.stdout)]


def late(gear, *more):
    return fabloop(
        "adapt", "report", gear, "--late", "motor", "--until", "2026-11-23T14:00:00Z", *more
    )


def test_late_material_is_told_with_the_plan_before_and_after(gear):
    told = late(gear)
    assert told.exit_code == 0
    assert "motor is late" in told.output
    assert "must wait for motor" in told.output
    assert "Process: 0 elements added" in told.output


def test_what_follows_is_told_as_facts(gear):
    told = late(gear, "--json")
    assert facts(told) == [
        "DisturbanceReported",
        "PlanEndangered",
        "GoalEndangered",
        *["RungTried"] * 4,
        "AdaptationProposed",
        "PersonAsked",
    ]


def test_the_list_has_what_is_proposed_and_what_was_reported(gear):
    late(gear)
    found = json.loads(fabloop("adapt", "list", gear, "--json").stdout)
    (order,) = found["orders"]
    assert (order["order"], order["stage"]) == ("wg-1", "changing")
    assert order["proposal"]["plan"]["id"] == "wg-1/plan-1.1"
    assert [each["disturbance"] for each in found["reported"]] == ["MaterialLate"]
    assert "wg-1: changing" in fabloop("adapt", "list", gear).output


def test_who_approves_changes_the_running_process_and_the_story_goes_on_to_its_end(gear, tmp_path):
    late(gear)
    approved = fabloop("adapt", "approve", gear, "wg-1", "--by", "ann", "--json")
    assert "ProcessMigrated" in facts(approved)
    ended = fabloop("demo", "--auto", "--resume", gear, "--out", tmp_path / "out")
    assert ended.exit_code == 0, ended.output
    assert "outcome: finished, 27 operations done" in ended.output


def test_who_rejects_lets_the_order_wait(gear):
    late(gear)
    assert facts(fabloop("adapt", "reject", gear, "wg-1", "--json")) == ["AdaptationDeclined"]
    found = json.loads(fabloop("adapt", "list", gear, "--json").stdout)
    assert found["orders"][0]["stage"] == "stuck"


def test_what_was_approved_is_taken_back_only_when_its_reason_is_over(gear):
    late(gear)
    fabloop("adapt", "approve", gear, "wg-1")
    refused = fabloop("adapt", "undo", gear, "wg-1")
    assert refused.exit_code == 1
    assert "must wait for motor" in refused.output
    soon = ("--late", "motor", "--until", "2026-11-23T11:36:00Z")
    fabloop("adapt", "report", gear, *soon)
    done = fabloop("adapt", "undo", gear, "wg-1", "--at", "2026-11-23T11:36:00Z", "--json")
    assert facts(done)[:2] in (["UndoAsked", "AdaptationUndone"], ["UndoAsked", "UndoRefused"])


def test_a_report_may_stand_in_a_file(gear, tmp_path):
    file = tmp_path / "report.json"
    file.write_text(
        json.dumps(
            {
                "disturbance": "PersonAbsent",
                "person": "graz-quality-inspector-2",
                "since": "2026-11-23T11:35:00Z",
                "until": "2026-11-24T06:00:00Z",
            }
        )
    )
    told = fabloop("adapt", "report", gear, file, "--json")
    assert facts(told)[:2] == ["DisturbanceReported", "PlanEndangered"]


def test_an_urgent_order_goes_before(gear, tmp_path):
    settings = json.loads((gear / "demo.json").read_text())
    document = json.loads((tmp_path / settings["documents"] / "order.json").read_text())
    document |= {"id": "rush", "priority": 9}
    (tmp_path / "rush.json").write_text(json.dumps(document))
    told = fabloop("adapt", "report", gear, tmp_path / "rush.json", "--json")
    assert facts(told) == ["OrderReceived", "PlansFound"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--late", "mottor", "--until", RESTS], "Did you mean 'motor'"),
        (["--late", "motor"], "--until"),
        (["--broken", "graz-u630", "--late", "motor", "--until", RESTS], "one of"),
        ([], "one of"),
        (["--closed", "nowhere"], "a known lane"),
        (["--tool", "f7"], "a known tool"),
        (["--due", "wg-9", "--until", RESTS], "a known order"),
        (["--absent", "nobody", "--until", RESTS], "a known person"),
        (["--late", "motor", "--until", "noon"], "a date and time with an offset"),
    ],
)
def test_what_cannot_be_is_refused_by_name(gear, words, said):
    result = fabloop("adapt", "report", gear, *words)
    assert isinstance(result.exception, FabloopError)
    assert said in _text(result.exception)


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ("[]", "a report (JSON object)"),
        ('{"disturbance": "Flood"}', "MaterialLate"),
        ('{"disturbance": "KpiExpired", "work_unit": "graz-u630", "kpi": "x"}', "can report"),
        (
            """{"disturbance": "StepOverran", "order": "wg-1", "operation": "inspect-wave-gear",
            "work_unit": "graz-inspection", "planned_end": "2026-11-23T12:00:00Z",
            "ends_at": "2026-11-23T13:00:00Z"}""",
            "a known operation",
        ),
        (
            """{"disturbance": "LaneClosed", "lane": "graz-vienna",
            "since": "2026-11-23T13:00:00Z", "until": "2026-11-23T12:00:00Z"}""",
            "not before",
        ),
    ],
)
def test_a_report_that_makes_no_sense_is_refused(gear, tmp_path, report, said):
    file = tmp_path / "report.json"
    file.write_text(report)
    result = fabloop("adapt", "report", gear, file)
    assert isinstance(result.exception, FabloopError)
    assert said in _text(result.exception)


def test_nothing_is_approved_that_was_not_proposed(gear):
    result = fabloop("adapt", "approve", gear, "wg-1")
    assert "Expected a proposal" in str(result.exception)
    result = fabloop("adapt", "undo", gear, "wg-2")
    assert "found 'wg-2'" in str(result.exception)


def test_nothing_is_told_for_an_instant_that_is_over(gear):
    result = late(gear, "--at", "2026-11-22T00:00:00Z")
    assert "not before" in str(result.exception)


def _text(error):
    faults = getattr(error, "faults", ())
    return "\n".join(each.sentence() for each in faults) or str(error)
