"""``fabloop goal``: goals are checked, told, explained and watched on stores and stories."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapt.goals.histories import BAKERY, at
from fabloop.app.processes.clocks import SteppedClock
from fabloop.app.processes.store import open_host
from fabloop.base.errors import Invalid, NotFound
from fabloop.base.instant import HOUR, iso_of
from fabloop.cli.goal import print_status
from fabloop.cli.root import app
from fabloop.process.commands import (
    ActivateJobs,
    CompleteJob,
    Deploy,
    JobsActivated,
    StartInstance,
)

MODEL = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
 xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="t">
<process id="bake" isExecutable="true"><startEvent id="s"/>
<sequenceFlow id="f1" sourceRef="s" targetRef="cook"/>
<serviceTask id="cook"><extensionElements><zeebe:taskDefinition type="cook"/><zeebe:taskHeaders>
<zeebe:header key="duration" value="uniform(2h, 40h)"/></zeebe:taskHeaders></extensionElements>
</serviceTask><sequenceFlow id="f2" sourceRef="cook" targetRef="hand-over"/>
<serviceTask id="hand-over"><extensionElements><zeebe:taskDefinition type="hand"/>
</extensionElements></serviceTask><sequenceFlow id="f3" sourceRef="hand-over" targetRef="deliver"/>
<serviceTask id="deliver"><extensionElements><zeebe:taskDefinition type="bring"/>
</extensionElements></serviceTask><sequenceFlow id="f4" sourceRef="deliver" targetRef="e"/>
<endEvent id="e"/></process></definitions>"""


def run(*words: object) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["goal", *map(str, words)])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, found.stdout


@pytest.fixture
def goals(tmp_path: Path) -> Path:
    file = tmp_path / "bakery.goals"
    file.write_text(BAKERY)
    return file


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store in which one order is late and another one is open."""
    folder, clock = tmp_path / "store", SteppedClock(at(0))
    with open_host(folder, clock) as host:
        host.submit(Deploy(process=MODEL.encode()))
        host.submit(StartInstance(process="bake", business_key="o-1"))
        clock.set(at(40))
        reply = host.submit(ActivateJobs(type="cook", worker="w", lease_ns=HOUR))
        assert isinstance(reply, JobsActivated)
        job = reply.jobs[0]
        host.submit(CompleteJob(job=job.key, epoch=job.epoch))
        host.submit(StartInstance(process="bake", business_key="o-2"))
    return folder


def test_check_finds_nothing_against_good_goals(goals):
    code, said = run("check", goals)
    assert code == 0
    assert "Goals: 3. KPIs: 1. Contradictions: 0." in said


def test_check_tells_a_deadline_before_the_earliest_possible(goals, tmp_path):
    goals.write_text(BAKERY.replace("within 36 h", "within 1 h"))
    model = tmp_path / "bake.bpmn"
    model.write_text(MODEL)
    code, said = run("check", goals, "--process", model, "--json")
    assert code == 1
    (found,) = json.loads(said)["contradictions"]
    assert found["code"] == "goal-too-tight"
    assert "'fulfilled(order)' cannot be before 2 h" in found["text"]
    assert "along cook" in found["text"]


def test_a_folder_that_is_not_there_is_told_as_that(tmp_path):
    with pytest.raises(Invalid, match="a folder with a story or a process store, but found noth"):
        print_status(tmp_path / "nowhere", None, None, as_json=False)


def test_status_tells_the_worst_first(goals, store):
    code, said = run("status", store, "--goals", goals, "--json")
    assert code == 1
    rows = json.loads(said)["goals"]
    assert [(row["goal"], row["key"], row["status"]) for row in rows[:1]] == [
        ("G1", "o-1", "violated")
    ]
    assert {(row["goal"], row["key"]) for row in rows} >= {
        ("G1", "o-2"), ("G2", "o-1"), ("K1", "2026-W48"),
    }  # fmt: skip
    code, said = run("status", store, "--goals", goals)
    assert code == 1
    assert said.splitlines()[2].startswith("G1    order o-1")


def test_status_at_an_earlier_instant_leaves_out_what_came_later(goals, store):
    code, said = run("status", store, "--goals", goals, "--at", iso_of(at(1)), "--json")
    rows = json.loads(said)["goals"]
    assert code == 0
    assert {(row["key"], row["status"]) for row in rows if row["goal"] == "G1"} == {("o-1", "open")}


def test_explain_says_why(goals, store):
    code, said = run("explain", store, "G1", "o-1", "--goals", goals)
    assert code == 1
    assert "G1 for order o-1 is violated since 2026-11-24T19:00:00Z." in said
    assert "fulfilled was to be by 2026-11-24T20:00:00+01:00" in said


def test_explain_names_near_keys(goals, store):
    code, _ = run_failing("explain", store, "G1", "o-11", "--goals", goals)
    assert code == 2


def run_failing(*words: object) -> tuple[int, str]:
    with pytest.raises(NotFound, match="o-1") as found:
        CliRunner().invoke(
            app, ["goal", *map(str, words)], catch_exceptions=False, standalone_mode=False
        )
    return int(found.value.exit_code), str(found.value)


def test_watch_once_tells_each_fact_as_a_line(goals, store):
    code, said = run("watch", store, "--goals", goals, "--once", "--json")
    facts = [json.loads(line) for line in said.splitlines()]
    assert code == 0
    assert [each["fact"] for each in facts if each["goal"] == "G1"] == [
        "GoalEndangered",
        "GoalViolated",
    ]
    code, said = run("watch", store, "--goals", goals, "--once")
    assert "is missed for order o-1" in said
