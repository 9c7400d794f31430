"""An edge as the centre sees it: over the command line, over HTTP, and after `kill -9`."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from app.edge.mill import control, short_folder, until
from fabloop.app.edge.centre import Centre, address_in
from fabloop.base.errors import NotFound

FABLOOP = Path(sys.executable).with_name("fabloop")
EXAMPLES = Path(__file__).parents[3] / "examples" / "edge"
BLOCKED = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(f"{{name}} is not installed on an edge")
sys.meta_path.insert(0, Blocked())
"""
NOT_ON_AN_EDGE = {
    "ortools", "lxml", "starlette", "uvicorn", "jsonschema", "duckdb", "pyarrow", "lark",
    "paho", "asyncua", "pymodbus",
}  # fmt: skip


def fabloop(*arguments, env=None):
    return subprocess.run(
        [str(FABLOOP), *map(str, arguments)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60, env=env,
    )  # fmt: skip


class Edge:
    """`fabloop edge run` in a process of its own."""

    def __init__(self, folder, env=None):
        self.folder = folder
        self.process = subprocess.Popen(
            [str(FABLOOP), "edge", "run", "--folder", str(folder), "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env,
        )  # fmt: skip
        self.url = json.loads("".join(iter(self.process.stdout.readline, "}\n")) + "}")["url"]

    def ask(self, *arguments):
        return fabloop("edge", *arguments, "--folder", self.folder)

    def health(self):
        return json.loads(self.ask("health", "--json").stdout)

    def app(self, name):
        return next(each for each in self.health()["apps"] if each["app"] == name)

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        _, err = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, err
        return err


@pytest.fixture
def folder():
    with short_folder() as found:
        yield found


@pytest.fixture
def edge(folder):
    found = Edge(folder)
    yield found
    if found.process.poll() is None:
        found.end()


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state != "Z"


def test_the_example_runs_as_the_how_to_says(edge):
    done = edge.ask("deploy", EXAMPLES / "deployment.json")
    assert done.returncode == 0, done.stderr
    assert "Version 1 (deploy) is in force." in done.stdout
    with control(edge.folder, name="hall-1", machine="mill-1") as mill:
        mill.send(100.0, count=5)
        mill.send(900.0, count=1)
        heard = []
        until(lambda: heard.extend(mill.sender.variables()) or heard)
        assert (heard[0].name, heard[0].value) == ("EDGE_SLOW_DOWN", 1.0)
        mill.send(100.0, count=5)
        until(lambda: heard.extend(mill.sender.variables()) or len(heard) == 2)
        assert heard[1].value == 0.0
    until(lambda: edge.app("overload")["state"] == "running")
    with Centre(address_in(edge.folder)) as centre:
        until(lambda: len([r for r in centre.results(0) if r.result.app == "overload"]) >= 9)
        results = [r.result for r in centre.results(0) if r.result.app == "overload"]
    assert [json.loads(r.json)["begun"] for r in results if hasattr(r, "json")] == [True, False]
    listed = edge.ask("apps")
    assert "overload.py:Overload" in listed.stdout
    metrics = edge.ask("health", "--metrics").stdout
    assert 'fabloop_edge_bulk_seconds_count{group="hall-1",lane="fast"} 11' in metrics
    assert 'fabloop_edge_path_seconds_bucket{group="hall-1",lane="fast",le="+Inf"} 11' in metrics
    assert "fabloop_edge_realtime" in metrics


def test_apps_are_stopped_configured_and_started_from_the_centre(edge):
    edge.ask("deploy", EXAMPLES / "deployment.json")
    assert edge.ask("stop", "hall-1", "overload").returncode == 0
    assert edge.app("overload")["state"] == "stopped"
    done = edge.ask("configure", "hall-1", "overload", '{"limit_n": "many"}')
    assert done.returncode == 2
    assert "could not convert string to float" in done.stderr
    assert edge.ask("configure", "hall-1", "overload", '{"limit_n": 5}', "--json").returncode == 0
    assert edge.app("overload")["state"] == "stopped", "its settings changed, and nothing else"
    done = edge.ask("start", "hall-1", "overload")
    assert "Version 4 (start hall-1/overload)" in done.stdout
    done = edge.ask("start", "hall-1", "overlaod")
    assert done.returncode == 2
    assert "Did you mean 'overload'" in done.stderr
    done = edge.ask("deploy", "--restore", "2")
    assert "Version 5 (restore 2)" in done.stdout
    assert edge.app("overload")["state"] == "stopped"


def test_a_killed_process_of_a_group_comes_back(edge):
    edge.ask("deploy", EXAMPLES / "deployment.json")
    lane = until(lambda: edge.health()["lanes"][0])
    until(lambda: edge.health()["lanes"][0]["version"] == 1)
    lane = edge.health()["lanes"][0]
    os.kill(lane["pid"], signal.SIGKILL)
    until(lambda: edge.health()["lanes"][0]["starts"] == 2)
    until(lambda: edge.health()["lanes"][0]["version"] == 1)
    assert edge.health()["lanes"][0]["last_end"] == "it was ended by SIGKILL"
    assert edge.app("overload")["state"] == "waiting"


def test_after_kill_9_an_edge_runs_what_was_deployed_last_and_leaves_nobody_behind(folder):
    first = Edge(folder)
    first.ask("deploy", EXAMPLES / "deployment.json")
    first.ask("stop", "hall-1", "condensed")
    until(lambda: first.health()["lanes"][0]["version"] == 2)
    pid = first.health()["lanes"][0]["pid"]
    first.kill()
    until(lambda: not is_alive(pid), "the end of the group's process")
    second = Edge(folder)
    until(lambda: second.app("overload")["state"] == "waiting")
    assert second.app("condensed")["state"] == "stopped"
    assert second.health()["version"] == 2
    pids = [each["pid"] for each in second.health()["lanes"]]
    second.end()
    assert not any(map(is_alive, pids))


def test_a_folder_has_one_edge_and_nobody_is_asked_who_is_not_there(edge, tmp_path):
    done = fabloop("edge", "run", "--folder", edge.folder)
    assert done.returncode == 2
    assert "another edge runs there" in done.stderr
    done = fabloop("edge", "health", "--folder", tmp_path)
    assert "Start it by `fabloop edge run" in done.stderr
    edge.end()
    done = edge.ask("health")
    assert done.returncode == 3
    assert "found none that answers" in done.stderr


def test_an_edge_answers_only_those_who_know_its_token(edge):
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        urllib.request.urlopen(f"{edge.url}/v1/health")
    refused.value.close()
    token = address_in(edge.folder).token
    asked = urllib.request.Request(
        f"{edge.url}/v1/no-such", headers={"Authorization": f"Bearer {token}"}
    )
    with pytest.raises(urllib.error.HTTPError, match="404") as refused:
        urllib.request.urlopen(asked)
    refused.value.close()
    assert (edge.folder / "control.json").stat().st_mode & 0o077 == 0
    with Centre(address_in(edge.folder)) as centre, pytest.raises(NotFound, match="Deploy one"):
        centre.current()


def test_an_edge_needs_neither_planner_nor_web_nor_stores(folder, tmp_path):
    """Run, deploy, measure a daily test: with the imports of everything else refused."""
    (tmp_path / "sitecustomize.py").write_text(BLOCKED.format(blocked=NOT_ON_AN_EDGE))
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "PYTHONPATH": path}
    refused = subprocess.run(
        [sys.executable, "-c", "import ortools"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "is not installed on an edge" in refused.stderr
    edge = Edge(folder, env=env)
    try:
        done = fabloop("edge", "deploy", EXAMPLES / "deployment.json", "--folder", folder, env=env)
        assert done.returncode == 0, done.stderr
        with control(folder, name="hall-1", machine="mill-1") as mill:
            mill.send(100.0, count=5)
            until(lambda: edge.app("overload")["state"] == "running")
        probe = textwrap.dedent("""
            import fabloop.app.edge.apps.daily_test, fabloop.app.edge.apps.features, sys
            known = {each.partition('.')[0] for each in sys.modules}
            sys.exit(str(known & %r) if known & %r else 0)
        """) % (NOT_ON_AN_EDGE, NOT_ON_AN_EDGE)
        subprocess.run([sys.executable, "-c", probe], env=env, check=True)
    finally:
        edge.end()
