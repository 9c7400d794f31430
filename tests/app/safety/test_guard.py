"""The guard beside a controller in a process of its own: signals, hearts, stops, crashes."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from fabloop.app.safety.guard import SafetyGuard
from fabloop.app.safety.stops import STOPS_FILE, StopsFile
from fabloop.base.errors import Broken, NotFound
from fabloop.base.instant import SECOND
from fabloop.model.explanation import SafetyCode
from fabloop.model.ids import ControllerId
from fabloop.model.safety import ControllerState, StopCause
from fabloop.run.permissives import Permitted, Withheld
from fabloop.run.permits import LOOK_AGAIN_NS
from fabloop.run.stops import ResetDone, ResetRefused
from run.safety_rules import CELL, CLAMPED, GAUGE, GUARD, PRESS, rules
from safety_controller import Controller


@pytest.fixture
def controller():
    made = Controller()
    yield made
    made.close()


@pytest.fixture
def guard(controller, tmp_path):
    with SafetyGuard(rules(controller.url), tmp_path) as made:
        assert made.wait_until_seen()
        yield made


def codes(verdict):
    return {each.code for each in verdict.reasons} if isinstance(verdict, Withheld) else set()


def becomes(guard, *expected):
    return guard.wait_for(lambda: codes(guard.judge(PRESS)) == set(expected))


def released(guard):
    return guard.wait_for(lambda: guard.view().sights[CELL].state is ControllerState.RUNS)


def test_before_a_controller_was_heard_nothing_that_needs_it_may_leave(tmp_path):
    with SafetyGuard(rules("modbus://127.0.0.1:1/1"), tmp_path) as guard:
        assert codes(guard.judge(PRESS)) == {SafetyCode.SIGNAL_MISSING}
        assert isinstance(guard.judge(GAUGE), Permitted)
        assert CELL in guard.troubles()


def test_a_running_zone_permits_and_a_signal_that_falls_withholds_at_once(controller, guard):
    assert isinstance(guard.judge(PRESS), Permitted)
    controller.does("open clamped")
    assert becomes(guard, SafetyCode.SIGNAL_CONTRARY)
    controller.does("close clamped")
    assert becomes(guard)  # a permissive is no stop: nothing has to be reset
    controller.does("break clamped")
    assert becomes(guard, SafetyCode.SIGNAL_BAD)


def test_an_open_guard_stops_the_zone_and_only_two_persons_acts_start_it_again(controller, guard):
    controller.does("open guard")
    stopped = {SafetyCode.STOP_STANDS, SafetyCode.CONTROLLER_STOPPED, SafetyCode.SIGNAL_CONTRARY}
    assert becomes(guard, *stopped)
    controller.does("close guard")
    assert becomes(guard, SafetyCode.STOP_STANDS, SafetyCode.CONTROLLER_STOPPED)
    assert isinstance(guard.reset(CELL, by="role 7"), ResetRefused)
    controller.does("press")  # at the zone
    assert released(guard)
    assert codes(guard.judge(PRESS)) == {SafetyCode.STOP_STANDS}  # no automatic restart
    assert isinstance(guard.reset(CELL, by="role 7"), ResetDone)
    assert becomes(guard)


def test_a_safe_stop_is_asked_for_confirmed_and_released_at_the_zone_first(controller, guard):
    stop = guard.stop(CELL, by="role 7", why="smoke")
    assert (stop.cause, stop.number) == (StopCause.REQUESTED, 1)
    assert SafetyCode.STOP_STANDS in codes(guard.judge(PRESS))  # before anything was confirmed
    assert guard.wait_for(lambda: guard.view().stops[CELL].confirmed_at is not None)
    assert guard.unconfirmed() == ()
    controller.does("press")
    assert released(guard)
    assert isinstance(guard.reset(CELL, by="role 7"), ResetDone)
    assert becomes(guard)


def test_a_controller_whose_program_hangs_is_not_believed(controller, guard):
    controller.does("freeze")
    assert guard.wait_for(lambda: SafetyCode.HEARTBEAT_LOST in codes(guard.judge(PRESS)))
    assert guard.wait_for(lambda: CELL in guard.view().stops)
    assert guard.view().stops[CELL].cause is StopCause.HEARTBEAT_LOST
    assert guard.view().sights[CELL].signals[GUARD].value  # its registers still say true


def test_a_controller_that_dies_and_comes_back_does_not_start_anything(controller, guard):
    controller.kill()
    assert eventually(lambda: CELL in guard.view().stops)
    controller.again()
    controller.does("press")
    assert guard.wait_for(lambda: codes(guard.judge(PRESS)) == {SafetyCode.STOP_STANDS}, 10.0)
    assert isinstance(guard.reset(CELL, by="role 7"), ResetDone)
    assert becomes(guard)


def test_without_our_heart_the_controller_stops_the_zone_by_itself(tmp_path):
    log = tmp_path / "controller.jsonl"
    controller = Controller(watchdog_ns=SECOND // 5, log=str(log))
    try:
        with SafetyGuard(rules(controller.url), tmp_path) as guard:
            assert guard.wait_until_seen()
            assert isinstance(guard.judge(PRESS), Permitted)
        assert eventually(lambda: '"state":"stopped"' in log.read_text().splitlines()[-1])
        with SafetyGuard(rules(controller.url), tmp_path) as guard:
            assert guard.wait_for(lambda: CELL in guard.view().stops)
            assert guard.view().stops[CELL].cause is StopCause.TRIPPED
    finally:
        controller.close()


def eventually(holds, seconds=10.0):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        threading.Event().wait(0.01)
    return holds()


def told(log, **shown):
    """Tell whether the controller's own log ends with this."""
    last = json.loads(log.read_text().splitlines()[-1])
    return all(last[key] == value for key, value in shown.items())


@pytest.fixture
def slow(tmp_path):
    """A controller that is asked by itself once a second only, and whose signals live for long."""
    log = tmp_path / "controller.jsonl"
    controller = Controller(watchdog_ns=60 * SECOND, log=str(log))
    far = {"heartbeat_ns": 8 * SECOND, "fresh_ns": 60 * SECOND}
    yield controller, log, far
    controller.close()


@pytest.mark.parametrize("decides", [False, True])
def test_a_signal_that_has_fallen_permits_no_command_however_fresh_it_was(slow, tmp_path, decides):
    controller, log, far = slow
    with SafetyGuard(rules(controller.url, decides=decides, **far), tmp_path) as guard:
        assert guard.wait_until_seen()
        assert isinstance(guard.judge(PRESS), Permitted)
        controller.does("open clamped")
        assert eventually(lambda: told(log, signals=1))
        known = guard.view().sights[CELL].signals[CLAMPED].at
        assert eventually(lambda: decides or guard.now() - known > LOOK_AGAIN_NS)
        assert codes(guard.judge(PRESS)) == {SafetyCode.SIGNAL_CONTRARY}


@pytest.mark.parametrize("decides", [False, True])
def test_a_controller_that_hangs_confirms_no_command_however_fresh_it_was(slow, tmp_path, decides):
    controller, _, far = slow
    with SafetyGuard(rules(controller.url, decides=decides, **far), tmp_path) as guard:
        assert guard.wait_until_seen()
        known = guard.view().sights[CELL].signals[CLAMPED].at
        with controller.hung():
            assert eventually(lambda: guard.now() - known > LOOK_AGAIN_NS)
            assert codes(guard.judge(PRESS)) == {SafetyCode.NOT_CONFIRMED}
            assert isinstance(guard.look(PRESS), Permitted)  # by what is known it would leave
        assert eventually(lambda: isinstance(guard.judge(PRESS), Permitted))


def test_what_a_controller_has_granted_goes_with_the_command(slow, tmp_path):
    controller, log, far = slow
    with SafetyGuard(rules(controller.url, decides=True, **far), tmp_path) as guard:
        assert guard.wait_until_seen()
        first, second = guard.judge(PRESS).permits, guard.judge(PRESS).permits
        assert [each.controller for each in first] == [CELL]
        assert second[0].number == first[0].number
        assert second[0].claim != first[0].claim
        controller.does("open clamped")
        assert eventually(lambda: told(log, signals=1))
        controller.does("close clamped")
        assert eventually(lambda: told(log, signals=3))
        assert guard.judge(PRESS).permits[0].number != first[0].number


def test_a_controller_that_has_died_confirms_no_command_however_fresh_it_was(slow, tmp_path):
    controller, _, far = slow
    with SafetyGuard(rules(controller.url, **far), tmp_path) as guard:
        assert guard.wait_until_seen()
        known = guard.view().sights[CELL].signals[CLAMPED].at
        controller.kill()
        assert eventually(lambda: guard.now() - known > LOOK_AGAIN_NS)
        assert codes(guard.judge(PRESS)) == {SafetyCode.NOT_CONFIRMED}
        controller.again()  # it has lost its state: its zone stands until its reset is pressed
        assert guard.wait_for(lambda: CELL in guard.view().stops, 10.0)
        assert SafetyCode.STOP_STANDS in codes(guard.judge(PRESS))


@pytest.mark.parametrize("jump_ns", [-3_600 * SECOND, 3_600 * SECOND])
def test_a_time_of_day_that_jumps_makes_nothing_old_or_new(slow, tmp_path, monkeypatch, jump_ns):
    controller, _, far = slow
    with SafetyGuard(rules(controller.url, **far), tmp_path) as guard:
        assert guard.wait_until_seen()
        right = time.time_ns  # noqa: TID251  # it is the one that jumps
        monkeypatch.setattr(time, "time_ns", lambda: right() + jump_ns)
        assert isinstance(guard.judge(PRESS), Permitted)
        assert dict(guard.view().stops) == {}
        controller.does("open clamped")
        assert becomes(guard, SafetyCode.SIGNAL_CONTRARY)


def test_a_verdict_is_over_when_its_reading_is_too_old(controller, guard):
    verdict = guard.judge(PRESS)
    assert verdict.good_until_ns <= time.monotonic_ns() + guard.rules.controllers[CELL].confirm_ns


def test_a_stop_stands_after_fabloop_was_killed(controller, tmp_path):
    program = f"""
        from pathlib import Path
        from fabloop.app.safety.guard import SafetyGuard
        from run.safety_rules import CELL, rules
        guard = SafetyGuard(rules({controller.url!r}), Path({str(tmp_path)!r})).start()
        guard.wait_until_seen()
        guard.stop(CELL, by="role 7", why="smoke")
        print("stopped", flush=True)
        input()
    """
    path = os.pathsep.join([*sys.path, os.environ.get("PYTHONPATH", "")])
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], text=True,
        env={**os.environ, "PYTHONPATH": path}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with child:
        assert child.stdout.readline() == "stopped\n"
        child.send_signal(signal.SIGKILL)
    with SafetyGuard(rules(controller.url), tmp_path) as guard:
        assert guard.view().stops[CELL].why == "smoke"
        assert SafetyCode.STOP_STANDS in codes(guard.judge(PRESS))


def test_who_else_looks_sees_the_same_stops(guard, tmp_path):
    other = StopsFile(tmp_path)
    assert other.stops() == {}
    guard.stop(CELL, by="role 7", why="smoke")
    assert other.stops()[CELL].why == "smoke"


def test_a_damaged_file_of_stops_is_told_and_not_taken_for_none(tmp_path):
    (tmp_path / STOPS_FILE).write_text("{")
    with pytest.raises(Broken, match="stops that stand"):
        StopsFile(tmp_path).stops()


def test_a_controller_that_nobody_declared_is_not_stopped(guard):
    with pytest.raises(NotFound, match="'cel'"):
        guard.stop(ControllerId("cel"), by="role 7", why="smoke")
