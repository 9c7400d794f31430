"""Other engines in a process of their own: their plans are tried out, and they never hang us."""

import os
import stat
import sys
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from adapt.repair.bakery import action, burnt, domain, so
from fabloop.adapt.repair.domain import Domain
from fabloop.adapt.repair.ground import CHEAP, ground
from fabloop.adapt.repair.planner import plan
from fabloop.adapt.repair.simulate import breaches
from fabloop.adapt.repair.task import counted
from fabloop.adapters.planners.engine import (
    ENGINES,
    PYTHON_VARIABLE,
    External,
    found_in_environment,
    plan_externally,
)
from fabloop.adapters.planners.export import exported
from fabloop.base.errors import Invalid, Unavailable
from fabloop.model.service import Relation

GOAL = (so("baked", "b1"), so("burnt", "b1", value=False), so("at", "b1", value="home"))


def engine_that(tmp_path, script):
    """Return an engine whose Python does something else: what stands in `script`."""
    python = tmp_path / "python"
    python.write_text(f"#!{sys.executable} -I\nimport json, os, subprocess, sys, time\n{script}\n")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    return External(engine="other", python=str(python))


def asks(external, seconds=0.5):
    return plan_externally(external, domain(), burnt(), GOAL, seconds)


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_that_is_installed_finds_a_plan_that_holds(name):
    external = found_in_environment(name)
    if external is None:
        pytest.skip(f"{PYTHON_VARIABLE} names no Python with planning engines")
    found = asks(external, 3.0)
    assert found.courses
    for each in found.courses:
        assert breaches(domain(), each, burnt(), GOAL) == ()


def test_the_plan_of_another_engine_becomes_a_course(tmp_path):
    task = ground(domain(), burnt(), GOAL, CHEAP, counted(100_000))
    best = plan(domain(), burnt(), GOAL, counted(20_000)).courses[0]
    numbers = [
        next(n for n, each in enumerate(task.operators) if each.step == step) for step in best.steps
    ]
    external = engine_that(tmp_path, f"print(json.dumps({{'plan': {numbers}}}))")
    assert asks(external).courses == (best,)


def test_a_plan_that_does_not_hold_is_not_offered(tmp_path):
    found = asks(engine_that(tmp_path, "print(json.dumps({'plan': [0]}))"))
    assert not found.courses
    assert found.rejected == 1
    assert found.reason == "every plan of other failed when it was tried out"


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("sys.exit(3)", "exit code 3, no answer"),
        ("print('{}{')", "no answer"),
        ("print(json.dumps({'plan': [99999]}))", "an action that was never given"),
        ("print(json.dumps({'error': 'NoSuitableEngine'}))", "NoSuitableEngine"),
    ],
)
def test_an_engine_that_fails_is_told_with_what_it_did(tmp_path, script, told):
    with pytest.raises(Unavailable, match=told):
        asks(engine_that(tmp_path, script))


def test_what_an_engine_found_before_its_time_was_over_counts(tmp_path, monkeypatch):
    monkeypatch.setattr("fabloop.adapters.planners.engine.GRACE_S", 0.3)
    script = "print(json.dumps({'plan': [0]}), flush=True)\ntime.sleep(60)"
    assert asks(engine_that(tmp_path, script), 0.7).rejected == 1


def test_a_python_that_is_not_there_is_told(tmp_path):
    with pytest.raises(Unavailable):
        asks(External(engine="aries", python=str(tmp_path / "none")))


def test_an_engine_that_hangs_is_ended_with_all_it_has_started(tmp_path, monkeypatch):
    monkeypatch.setattr("fabloop.adapters.planners.engine.GRACE_S", 0.3)
    mark = tmp_path / "child"
    child = f"import os,time; open({str(mark)!r},'w').write(str(os.getpid())); time.sleep(60)"
    script = f"subprocess.Popen([{sys.executable!r}, '-c', {child!r}])\ntime.sleep(60)"
    with pytest.raises(Unavailable, match="did not"):
        asks(engine_that(tmp_path, script), 0.7)
    deadline = time.monotonic() + 10
    while _runs(int(mark.read_text())) and time.monotonic() < deadline:
        os.sched_yield()
    assert not _runs(int(mark.read_text()))


def _runs(pid):
    """Tell whether a process is alive; one that only waits to be taken note of is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_numbers_are_refused_by_name():
    dose = action("dosing.dose", {}, [], [so("flour", value=4, relation=Relation.MORE)])
    kitchen = Domain(things=(), actions=(dose,))
    goal = (so("flour", value=3, relation=Relation.AT_LEAST),)
    task = ground(kitchen, {("flour",): 0}, goal, CHEAP, counted(100))
    with pytest.raises(Invalid, match="numbers that are counted"):
        exported(task, "aries", 1.0)


def test_that_nothing_reaches_the_goal_is_an_answer(tmp_path):
    stuck = replace(domain(), actions=())
    external = engine_that(tmp_path, "print(json.dumps({'proven': True}))")
    found = plan_externally(external, stuck, burnt(), GOAL, 0.5)
    assert (found.courses, found.reason) == ((), "no sequence of actions reaches the goal")
