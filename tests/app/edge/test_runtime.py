"""Apps beside a mill: what they are handed, what they may not do, and what others notice."""

import itertools
import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from app.edge.mill import (
    awaits,
    control,
    edge,
    group,
    of_file,
    short_folder,
    state_of,
    stream,
    told,
    until,
)
from fabloop.adapters.bulks import Announcement
from fabloop.app.edge import Manifest
from fabloop.app.edge.deployment import DeployedApp
from fabloop.app.edge.health import metrics
from fabloop.app.edge.hosted import Hosted
from fabloop.app.edge.outgoing import Outgoing
from fabloop.app.edge.realtime import Scheduling, be_realtime
from fabloop.base.errors import Invalid, NotFound

FILES = {"shop.py": (Path(__file__).parent / "shop.py").read_text()}
MEAN = of_file("mean", "Mean", reads=("x.force",), writes=("mean",))
ECHO = of_file("echo", "Echo", reads=("x.force",), writes=("seen",), sets=("R1",))


def doing(deed):
    """An app that does this; its name is the deed."""
    granted = {"reads": ("x.*",), "writes": ("seen",), "sets": ("R*",)}
    return of_file(deed, "Echo", settings={"deed": deed}, **granted)


@pytest.fixture(scope="module")
def folder():
    with short_folder() as found:
        yield found


@pytest.fixture(scope="module")
def shared(folder):
    with edge(folder) as node:
        yield node


@pytest.fixture
def node(shared):
    """An edge on which nothing runs but what the test deploys."""
    shared.deploy(group(name="none"), {})

    def nothing_waits():
        shared.results.acknowledge(10**9)
        return shared.results.health().waiting == 0

    until(nothing_waits, "an end of results")
    return shared


def runs(node, app="mean"):
    return until(lambda: state_of(node, app).state == "running", f"{app} running")


def test_windows_are_handed_over_when_they_are_full_and_results_come_out(node, folder):
    node.deploy(group(MEAN), FILES)
    with control(folder) as mill:
        mill.send(1.0)
        mill.send(3.0, count=2)
        until(lambda: len(told(node)) == 4)
    assert told(node) == [
        ("mean", "mean", 2.0), ("mean", "mean", 1.0), ("mean", "mean", 3.0), ("mean", "mean", 2.0),
    ]  # fmt: skip


def test_what_is_lost_or_comes_twice_is_counted_and_never_joined(node, folder):
    node.deploy(group(MEAN), FILES)
    with control(folder) as mill:
        mill.send(1.0)
        mill.send(9.0, sequence=5)
        mill.send(9.0, sequence=5)
        mill.send(9.0)
        awaits(node, "taken", 3)
        found = stream(node)
        assert (found.gaps, found.lost, found.repeated, found.connected) == (1, 4, 1, True)
        assert until(lambda: told(node))[0] == ("mean", "mean", 9.0)
        until(lambda: stream(node))
    until(lambda: not stream(node).connected, "the control's end")


def test_apps_hear_each_other_over_the_bus_and_across_lanes(node, folder):
    fast = of_file("fast", "Doubled", reads=("mean:*",), writes=("doubled",))
    slow = of_file("slow", "SlowDoubled", reads=("mean:*",), writes=("doubled",), sets=("R1",))
    node.deploy(group(fast, slow, MEAN), FILES)
    with control(folder) as mill:
        until(lambda: len([e for e in node.health().lanes if e.version]) == 2, "both lanes")
        until(lambda: state_of(node, "slow").state != "starting", "the slow app")
        mill.send(4.0, count=2)
        until(lambda: told(node, "slow") and told(node, "fast"), "both to tell")
        assert told(node, "fast")[:1] == [("fast", "doubled", 8.0)]
        until(lambda: told(node, "slow")[:1] == [("slow", "doubled", 8.0)])
        heard = []
        until(lambda: heard.extend(mill.sender.variables()) or len(heard) == 2, "variables")
        assert [(each.name, each.value) for each in heard] == [("R1", 4.0), ("R1", 1.0)]


def test_an_app_sets_the_variables_of_the_control_that_it_was_granted(node, folder):
    node.deploy(group(doing("set_variable")), FILES)
    with control(folder) as mill:
        mill.send()
        heard = []
        until(lambda: heard.extend(mill.sender.variables()) or heard)
        assert (heard[0].machine, heard[0].name, heard[0].value) == ("mill", "R1", 42.0)


def test_what_was_not_granted_is_refused_by_name_and_ends_that_app_alone(node, folder):
    deeds = {
        "write_other_output": "'secret'",
        "set_other_variable": "'R999'",
        "read_file": "read file '/etc/hostname'",
        "write_file": "write file",
        "open_socket": "use sockets",
        "start_program": "os.system",
        "crash": "os.kill",
    }
    node.deploy(group(*map(doing, deeds), MEAN), FILES)
    with control(folder) as mill:
        mill.send(1.0, count=3)
        until(lambda: all(state_of(node, each).state == "suspended" for each in deeds))
        until(lambda: len(told(node, "mean")) == 4)
    for deed, said in deeds.items():
        assert said in state_of(node, deed).reason
        assert f"app '{deed}'" in state_of(node, deed).reason
        assert not told(node, deed)
    assert not Path("/tmp/edge-app-wrote-this").exists()


def test_an_app_that_fails_three_times_in_a_row_is_stopped_and_others_go_on(node, folder):
    deeds = {
        "write_samples": "read-only",
        "raise_error": "ZeroDivisionError: nothing to divide",
        "take_memory": "MemoryError",
    }
    node.deploy(group(*map(doing, deeds), MEAN, memory_mb=100), FILES)
    with control(folder) as mill:
        mill.send(1.0, count=3)
        until(lambda: all(state_of(node, each).state == "suspended" for each in deeds))
        for deed, said in deeds.items():
            assert said in state_of(node, deed).reason
        until(lambda: len(told(node, "mean")) == 4)
        node.change("g", "raise_error", started=True)
        until(lambda: state_of(node, "raise_error").state == "running", "its new beginning")
        assert state_of(node, "take_memory").state == "suspended"


def test_a_value_that_is_no_number_becomes_unknown_and_bad(node, folder):
    node.deploy(group(doing("be_nan")), FILES)
    with control(folder) as mill:
        mill.send()
        until(lambda: len(told(node)) == 2)
    first = node.results.after(0, 1, 0.0)[0].result
    assert np.isnan(np.frombuffer(first.values)[0])
    assert first.qualities == b"\0"
    until(lambda: [app.unknown for e in node.health().lanes for app in e.apps] == [1])


def test_an_app_that_hangs_is_ended_suspended_and_others_come_back(node, folder):
    node.deploy(group(doing("hang"), MEAN), FILES)
    with control(folder) as mill:
        mill.send(1.0, count=1)
        until(lambda: state_of(node, "hang").state == "suspended", "its end")
        assert "without a pause" in state_of(node, "hang").reason
        runs_again = until(lambda: node.health().lanes[0].starts == 2 and state_of(node, "mean"))
        assert runs_again.state != "suspended"


def test_an_app_that_crashes_its_process_is_stopped_in_the_end(node, folder):
    node.deploy(group(of_file("crash", "Crash", reads=("x.force",)), MEAN), FILES)
    with control(folder) as mill:

        def stopped():
            mill.send(arrives=False)
            return state_of(node, "crash").state == "suspended"

        until(stopped, "its end")
        assert "SIGABRT" in state_of(node, "crash").reason
        until(lambda: stopped() and told(node, "mean"), "the other app at work")


def test_a_signal_that_is_missing_starves_the_app_and_names_it(node, folder):
    node.deploy(group(MEAN), FILES)
    with control(folder, series=("y.force",), units=("N",)) as mill:
        mill.send()
        until(lambda: state_of(node, "mean").state == "starved")
        assert "x.force" in state_of(node, "mean").reason


def test_a_unit_that_changes_stops_an_app_until_a_person_says_so(node, folder):
    node.deploy(group(MEAN), FILES)
    with control(folder) as mill:
        mill.send(1.0, count=2)
        until(lambda: len(told(node)) == 2)
    until(lambda: stream(node) and not stream(node).connected)
    with control(folder, units=("lbf", "m/s", "N", "m/s")) as mill:
        mill.next = 2
        mill.send(1.0, count=2)
        until(lambda: state_of(node, "mean").state == "starved")
        assert "unit of x.force" in state_of(node, "mean").reason
        assert stream(node).unit_changes == 1
        assert len(told(node)) == 2
        node.change("g", "mean", started=True)
        mill.send(1.0, count=2)
        until(lambda: len(told(node)) > 2)


def test_a_second_control_for_a_machine_is_refused_while_the_first_is_there(node, folder):
    node.deploy(group(MEAN), FILES)
    with control(folder) as first:
        first.send(1.0)
        awaits(node, "taken", 1)
        with control(folder) as second:
            second.send(5.0, count=3)
            until(lambda: stream(node).refused.get("second-sender", 0) == 4)
            assert stream(node).taken == 1
        first.send(1.0)
        awaits(node, "taken", 2)


def test_bulks_of_a_machine_that_is_not_of_the_group_are_refused(node, folder):
    node.deploy(group(MEAN), FILES)
    with control(folder, machine="lathe") as lathe:
        lathe.send()
        until(lambda: node.health().lanes[0].cut.get("unknown-machine") == 2)


def test_unknown_samples_are_counted_and_do_not_stop_anything(node, folder):
    condensed = DeployedApp(
        name="f", app="features", machine="mill", reads=("*",), writes=("*",),
        settings={"window_samples": 64, "every_samples": 32, "learn_samples": 50},
    )  # fmt: skip
    node.deploy(group(condensed), {})
    with control(folder) as mill:
        mill.send(1.0)
        mill.send(float("nan"))
        mill.send(2.0)
        awaits(node, "unknown_samples", 200)
        until(lambda: state_of(node, "f").state == "running")
        until(lambda: ("f", "x.force.mean", 2.0) in told(node))
        assert ("f", "x.force.ewma", 1.0) in told(node)


def test_ten_times_the_expected_rate_is_taken_without_loss(node, folder):
    node.deploy(group(MEAN), FILES)
    with control(folder) as mill:
        mill.send(1.0, count=600)
        awaits(node, "taken", 600)
        assert stream(node).lost == 0
        until(lambda: len(told(node)) == 2 * 599)


def test_others_go_on_while_an_app_is_stopped_started_or_configured(node, folder):
    node.deploy(group(ECHO, MEAN), FILES)
    with control(folder) as mill:
        mill.send(1.0, count=2)
        until(lambda: len(told(node)) == 4)
        assert node.change("g", "echo", started=False).reason == "stop g/echo"
        until(lambda: state_of(node, "echo").state == "stopped")
        node.change("g", "mean", settings={"scale": 10.0})
        until(lambda: node.health().lanes[0].version == node.current().version)
        before = len(told(node, "echo"))
        mill.send(1.0, count=1)
        anew = [("mean", "mean", 10.0), ("mean", "mean", 1.0)]
        until(lambda: told(node, "mean")[-2:] == anew, "its new beginning")
        assert len(told(node, "echo")) == before
        assert node.health().lanes[0].starts == 1


def test_nobody_is_changed_who_is_not_there(node):
    node.deploy(group(MEAN), FILES)
    with pytest.raises(NotFound, match="Did you mean 'mean'"):
        node.change("g", "meam", started=False)
    with pytest.raises(NotFound, match="group"):
        node.change("h", "mean", started=False)


def test_an_earlier_version_is_restored_under_a_new_number(node):
    first = node.deploy(group(MEAN), FILES)
    node.deploy(group(ECHO), FILES)
    third = node.restore(first.version)
    assert third.version == first.version + 2
    assert third.deployment == first.deployment
    with pytest.raises(NotFound, match="999"):
        node.restore(999)


def test_a_greedy_app_is_refused_the_signals_that_it_was_not_granted(node):
    with pytest.raises(Invalid, match=r"a grant of '\*', which app 'greedy' declares"):
        node.deploy(group(of_file("greedy", "Greedy", reads=("x.*",))), FILES)


@pytest.mark.parametrize(
    ("app", "said"),
    [
        (of_file("a", "NoManifest"), "a class with a `manifest`"),
        (of_file("a", "NoHandler", reads=("x.force",)), "on_bulk, on_window, on_message"),
        (of_file("a", "Meam"), "Did you mean 'Mean'"),
        (of_file("a", "Mean", file="other.py"), "text of the file"),
        (DeployedApp(name="a", app="featurs", machine="mill"), "Did you mean 'features'"),
        (DeployedApp(name="a", app="no.such:App", machine="mill"), "No module named"),
        (
            DeployedApp(name="a", app="features", machine="mill", settings={"band": 3}),
            "unknown field `band`",
        ),
    ],
)
def test_what_is_no_app_is_refused_and_nothing_is_changed(node, app, said):
    before = node.current()
    with pytest.raises(Invalid, match="edge deployment") as caught:
        node.deploy(group(app), FILES)
    assert said in str(caught.value)
    assert node.current() == before


def test_all_faults_of_a_deployment_are_told_at_once(node):
    circular = of_file("mean", "Circular", reads=("doubled:doubled",), writes=("mean",))
    doubled = of_file("doubled", "Doubled", reads=("mean:mean",), writes=("doubled",))
    stranger = of_file("stranger", "Echo", machine="lathe", reads=("x.force",), writes=())
    hears_slow = of_file("hears", "Doubled", reads=("mean:mean",), writes=("doubled",))
    with pytest.raises(Invalid) as caught:
        node.deploy(group(circular, doubled, stranger, app_cpu=2.0, realtime_priority=99), FILES)
    text = str(caught.value)
    for said in ("circle", "'lathe'", "'seen'", "'R1'", "app_cpu", "priority from 0 to 50"):
        assert said in text
    with pytest.raises(Invalid, match="an app of group 'g'"):
        node.deploy(group(hears_slow), FILES)


def test_a_computer_that_slept_ends_no_process(node, folder):
    node.deploy(group(MEAN), FILES)
    with control(folder) as mill:
        mill.send(1.0)
        awaits(node, "taken", 1)
        (pid,) = [each.pid for each in node.health().lanes]
        os.kill(pid, signal.SIGSTOP)
        begun = time.monotonic()
        with node._lock:  # we sleep as well
            until(lambda: time.monotonic() - begun > 5.5, "a sleep longer than patience")
            os.kill(pid, signal.SIGCONT)
        mill.send(1.0)
        awaits(node, "taken", 2)
        assert [each.starts for each in node.health().lanes] == [1]


def test_a_process_that_is_silent_is_ended_and_started_again(node, folder):
    node.deploy(group(MEAN), FILES)
    with control(folder) as mill:
        mill.send(1.0)
        awaits(node, "taken", 1)
        (pid,) = [each.pid for each in node.health().lanes]
        os.kill(pid, signal.SIGSTOP)
        until(lambda: [each.starts for each in node.health().lanes] == [2], "another start")
        assert "silent" in node.health().lanes[0].last_end


def test_without_permission_for_real_time_an_edge_says_so_and_goes_on(node, folder, monkeypatch):
    def refused(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setscheduler", refused)
    found = be_realtime(5)
    assert not found.realtime
    assert "CAP_SYS_NICE" in found.warning
    assert be_realtime(0) == Scheduling(realtime=False)
    node.deploy(group(MEAN, realtime_priority=0), FILES)
    until(lambda: node.health().lanes[0].version, "its start")
    assert node.health().lanes[0].realtime is False
    assert 'fabloop_edge_realtime{group="g",lane="fast"} 0' in metrics(node.health())


def test_an_app_that_uses_too_much_of_a_processor_is_stopped():
    app = hosted_spinner(app_cpu=0.5)
    app.account(0)
    app.bind(Announcement(machine="mill", series=("x.force",)))
    app._cpu_ns = 4 * 10**9
    app.account(10 * 10**9)
    assert app.report().state == "running"
    app._cpu_ns = 6 * 10**9
    app.account(20 * 10**9)
    assert app.report().state == "suspended"
    assert "60%" in app.report().reason
    assert "limits.app_cpu" in app.report().reason


def hosted_spinner(app_cpu):
    manifest = Manifest(inputs=("x.force",))
    app = SimpleNamespace(manifest=manifest, on_bulk=lambda bulk, out: None)
    deployed = of_file("spinner", "Spinner", reads=("x.force",))
    out = Outgoing(
        deployed, manifest, heard=(), results=[], numbers=itertools.count(), messages=[],
        set_variable=lambda *_: None,
    )  # fmt: skip
    return Hosted(deployed, app, out, app_cpu=app_cpu, mark=lambda _: None, now_ns=0)
