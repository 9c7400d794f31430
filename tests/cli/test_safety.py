"""``fabloop safety``: what is declared, what holds, stops and resets, against a real process."""

import json
import subprocess
import sys
import threading
import time

import pytest
from typer.testing import CliRunner

from app import stories
from app.safety.test_guarded_story import SHAPING, papers
from fabloop.adapters.modbus import lookup
from fabloop.adapters.modbus import safety as safety_line
from fabloop.app.demo import Settings, begin
from fabloop.app.safety.documents import rules_in
from fabloop.app.safety.guard import SafetyGuard
from fabloop.base.errors import ExitCode, Invalid, NotPermitted
from fabloop.cli import safety as commands
from fabloop.cli.root import app, main
from fabloop.model.ids import ControllerId, OperationName, WorkUnitId
from fabloop.model.safety import Target
from fabloop.run.permissives import Permitted
from safety_controller import Controller

CELL = ControllerId("cell")
URL = "http://127.0.0.1:1"


def document(url):
    return {
        "document": "safety", "version": "1", "@context": "urn:fabloop:context:1:safety",
        "controllers": [
            {
                "id": "cell", "label": "Press cell", "url": url,
                "signals": [
                    {"id": "guard", "label": "guard closed", "bit": 0},
                    {"id": "clamped", "label": "work piece clamped", "bit": 1},
                ],
            }
        ],
        "permissives": [
            {"work_unit": "press", "requires": [
                {"signal": "cell/guard", "fresh": "1 s"}, {"signal": "cell/clamped"}]},
            {"service": "camera", "free_because": "it only looks"},
        ],
    }  # fmt: skip


@pytest.fixture
def controller():
    made = Controller()
    yield made
    made.close()


@pytest.fixture
def paper(controller, tmp_path):
    file = tmp_path / "safety.json"
    file.write_text(json.dumps(document(controller.url)), encoding="utf-8")
    return file


def run(*words):
    return CliRunner().invoke(app, ["safety", *map(str, words)])


def test_what_is_declared_is_told(paper):
    told = run("check", paper)
    assert told.exit_code == ExitCode.FINE
    assert "press: requires cell/guard (guard closed) true, no older than 1 s" in told.output
    assert "camera: free, because it only looks" in told.output
    read = json.loads(run("check", paper, "--json").output)
    assert read["controllers"]["cell"]["label"] == "Press cell"


def test_every_fault_of_a_document_is_told_at_its_place(tmp_path, monkeypatch, capsys):
    wrong = document("http://127.0.0.1")
    wrong["permissives"][0]["requires"][0]["signal"] = "cell/gard"
    wrong["permissives"].append({"work_unit": "saw"})
    wrong["permissives"].append({"free_because": "?"})
    (tmp_path / "safety.json").write_text(json.dumps(wrong), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["fabloop", "safety", "check", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == ExitCode.BAD_INPUT
    told = capsys.readouterr().err
    assert "$.controllers[0].url: Expected modbus://HOST:PORT/UNIT" in told
    assert "but found 'cell/gard'. Did you mean" in told
    assert "$.permissives[2]: Expected signals that are required, or 'free_because'" in told
    assert "$.permissives[3]: Expected either 'work_unit' or 'service', but found neither" in told


def test_a_work_unit_for_which_nothing_is_declared_is_a_fault(tmp_path):
    made = papers(tmp_path / "papers")
    content = json.loads((made / "safety.json").read_text(encoding="utf-8"))
    content["permissives"] = [e for e in content["permissives"] if e["work_unit"] != "graz-u630"]
    (made / "safety.json").write_text(json.dumps(content), encoding="utf-8")
    told = run("check", made)
    assert "what commands to work unit 'graz-u630' require" in str(told.exception)


def test_status_stop_and_reset_go_their_way_over_the_zone(controller, paper, tmp_path):
    stops = tmp_path / "stops"
    told = run("status", paper, "--stops", stops)
    assert (told.exit_code, "press: permitted" in told.output) == (ExitCode.FINE, True)
    told = run("stop", paper, "cell", "--by", "role 7", "--why", "smoke", "--stops", stops)
    assert told.exit_code == ExitCode.FINE
    assert "cell has stopped" in told.output
    told = run("status", paper, "--stops", stops)
    assert told.exit_code == ExitCode.NOT_PRODUCIBLE
    assert "Press cell stands (requested by role 7: smoke) until a person resets it" in told.output
    told = run("reset", paper, "cell", "--by", "role 7", "--stops", stops)
    assert told.exit_code == ExitCode.NOT_PRODUCIBLE
    assert "Press cell does not run: it is stopped." in told.output
    controller.does("press")
    told = run("reset", paper, "cell", "--by", "role 7", "--stops", stops)
    assert (told.exit_code, "is over" in told.output) == (ExitCode.FINE, True)
    found = json.loads(run("status", paper, "--stops", stops, "--json").output)
    assert found["stops"] == []


def test_looking_at_the_status_does_not_stop_the_zone_when_it_ends(paper, tmp_path):
    """One that looks has no heart: nobody misses it."""
    stops = tmp_path / "stops"
    for _ in range(2):
        assert run("status", paper, "--stops", stops).exit_code == ExitCode.FINE
    with SafetyGuard(rules_in(paper), stops) as guard:
        assert guard.wait_until_seen()
        press = Target(work_unit=WorkUnitId("press"), operation=OperationName("press"))
        assert isinstance(guard.judge(press), Permitted)


def test_a_controller_that_nobody_reaches_is_told(tmp_path):
    file = tmp_path / "safety.json"
    file.write_text(json.dumps(document("modbus://127.0.0.1:1/1")), encoding="utf-8")
    told = run("status", file, "--stops", tmp_path / "stops", "--wait", "0.5")
    assert told.exit_code == ExitCode.NOT_PRODUCIBLE
    assert "nobody answers" in told.output
    assert "guard closed unknown" in told.output
    assert "must be true" in told.output
    told = run(
        "stop", file, "cell", "--by", "r", "--why", "w", "--stops", tmp_path, "--wait", "0.2"
    )
    assert told.exit_code == ExitCode.NOT_PRODUCIBLE
    assert "Use the emergency stop" in told.output


def test_a_status_waits_for_no_controller_that_an_attempt_did_not_reach(tmp_path, monkeypatch):
    """Not for a dead address, and not for a resolver that never answers."""
    asked = threading.Event()

    def hangs(*_, **__):
        asked.set()
        threading.Event().wait()

    monkeypatch.setattr(lookup.socket, "getaddrinfo", hangs)
    monkeypatch.setattr(safety_line, "ANSWER_S_MAX", 0.1)
    paper = document("modbus://127.0.0.1:1/1")
    lost = json.loads(json.dumps(paper["controllers"][0]))
    paper["controllers"].append({**lost, "id": "lost", "url": "modbus://lost.example:502/1"})
    (tmp_path / "safety.json").write_text(json.dumps(paper), encoding="utf-8")
    begun = time.monotonic()
    told = run("status", tmp_path / "safety.json", "--stops", tmp_path / "stops", "--wait", 60)
    assert time.monotonic() - begun < 30
    assert asked.is_set()
    assert "cell: nobody answers at modbus://127.0.0.1:1/1" in told.output
    assert "lost: modbus://lost.example:502/1: no address for 'lost.example' within" in told.output


def test_stopping_loads_nothing_of_planning():
    """A stop is asked for in a moment: ortools and pandas alone take seconds to load."""
    code = (
        "import sys; import fabloop.cli.safety as _; "
        "sys.exit(str({'ortools', 'pandas', 'scipy', 'duckdb'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "set()"


def test_a_declared_controller_is_simulated_at_its_address(tmp_path, monkeypatch, capsys):
    file = tmp_path / "safety.json"
    file.write_text(json.dumps(document("modbus://127.0.0.1:0/1")), encoding="utf-8")
    import io

    monkeypatch.setattr(sys, "stdin", io.StringIO("open guard\nopen door\n"))
    assert commands.simulate(file, "cell", "") == ExitCode.FINE
    url, opened, refused = capsys.readouterr().out.splitlines()
    assert url.startswith("modbus://127.0.0.1:")
    assert opened == "ok"
    assert "Expected a signal, but found 'door'" in refused


# -- persons -----------------------------------------------------------------------------------


def strained(folder):
    """Return the story's documents where assembling in Graz shakes, and nobody was trained."""
    made = papers(folder)
    content = json.loads((made / "safety.json").read_text(encoding="utf-8"))
    content["limits"] = [
        {"kind": "vibration", "label": "hand-arm vibration", "law": "energy", "most": 5.0}
    ]
    content["strains"] = [
        {"work_unit": f"graz-assembly-{n}", "exposures": [{"kind": "vibration", "level": 3.0}]}
        for n in (1, 2, 3)
    ] + [{"work_unit": SHAPING, "qualifications": ["shaping"]}]
    (made / "safety.json").write_text(json.dumps(content), encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    folder = tmp_path_factory.mktemp("strained")
    made = strained(folder / "papers")
    demo = begin(folder / "wg", Settings(story="wavegear", seed=1, documents=str(made)))
    demo.play(stories.first_plan, stories.agree)
    demo.close()
    return folder / "wg", demo


def test_a_worker_is_told_the_own_standing(story):
    folder, demo = story
    persons = [e.person for e in stories.facts(demo, stories_bound()) if e.person is not None]
    assert persons
    found = json.loads(run("worker", folder, persons[-1], "--json").output)
    assert set(found["used"]) == {"vibration"}
    assert found["against"][SHAPING][0]["code"] == "qualification-missing"
    text = run("worker", folder, persons[-1]).output
    assert f"not at {SHAPING}" in text
    assert "lacks the qualification shaping" in text


def stories_bound():
    from fabloop.model.facts import JobBound

    return JobBound


def test_no_dose_and_no_history_of_strain_is_stored(story):
    """What is kept is who did which job; doses are computed for an answer, of this shift alone."""
    folder, demo = story
    kept = b"".join(each.read_bytes() for each in folder.iterdir() if each.is_file())
    assert b"JobBound" in kept  # it can be read
    for word in (b"vibration", b"share of the limit", b"dose", b"fatigue", b"exposure"):
        assert word not in kept
    told = json.dumps([str(fact) for fact in stories.facts(demo)])
    assert "share of the limit" not in told
    snapshot = demo.house.snapshot
    fields = set(type(snapshot).__struct_fields__)
    assert not {each for each in fields if any(w in each for w in ("dose", "worked", "fatigue"))}


def test_a_draft_names_what_is_commanded_and_is_refused_until_it_is_completed(tmp_path):
    made = stories.documents(tmp_path / "papers")
    (made / "safety.json").unlink()
    drafted = json.loads(run("draft", made).output)
    named = {each["work_unit"] for each in drafted["permissives"]}
    assert SHAPING in named
    (made / "safety.json").write_text(json.dumps(drafted))
    with pytest.raises(Invalid) as found:
        rules_in(made)
    assert len(found.value.faults) == len(named)
    for each in drafted["permissives"]:
        each["free_because"] = "a test"
    (made / "safety.json").write_text(json.dumps(drafted))
    assert {each.work_unit for each in rules_in(made).permissives} == named


def test_an_executor_does_not_start_where_nobody_says_what_its_tasks_require():
    words = ("--service", "Welding", "--choreographer", URL, "--cloud", URL)
    done = CliRunner().invoke(app, ["cloud", "executor", *words])
    assert isinstance(done.exception, NotPermitted)
    assert "--simulated" in str(done.exception)
