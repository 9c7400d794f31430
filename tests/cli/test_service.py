"""``fabloop service``: what it prints and how it exits, with services on real sockets."""

import json

import pytest
from typer.testing import CliRunner

from fabloop.base.errors import ExitCode, FabloopError
from fabloop.cli.root import app
from moody_server import moody_server
from safety_controller import Controller
from service_documents import OVEN, PLAIN

MACHINE = """
openapi: 3.1.0
info: {{title: {name}, version: "1"}}
paths:
  /speed:
    put:
      operationId: reduceSpeed
      x-fabloop: {{equipment: [{name}], verb: slow-down}}
      requestBody:
        content:
          application/json:
            schema:
              type: object
              required: [speed]
              properties: {{speed: {{type: number, x-fabloop: {{concept: speed, unit: "1"}}}}}}
      responses: {{"204": {{description: slower}}}}
  /fill:
    post:
      operationId: fill
      x-fabloop: {{verb: fill, effects: ["prepared(lot)"]}}
      responses: {{"204": {{description: filled}}}}
"""
GAUGE = """
openapi: 3.1.0
info: {{title: {name}, version: "1"}}
paths:
  /t:
    get:
      operationId: t
      x-fabloop: {{verb: measure, context: [hall]}}
      responses:
        "200":
          content:
            application/json:
              schema:
                type: object
                properties: {{t: {{type: number, x-fabloop: {{concept: warmth, unit: K}}}}}}
"""
HEATER = """
openapi: 3.1.0
info: {title: heater, version: "1"}
paths:
  /heat:
    post:
      operationId: heat
      x-fabloop: {equipment: [heater], verb: heat}
      requestBody:
        content:
          application/json:
            schema:
              type: object
              required: [to]
              properties: {to: {type: number, x-fabloop: {concept: warmth, unit: "°C"}}}
      responses: {"204": {description: warm}}
"""


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path_factory):
    """Leave aside what is installed on this machine: words are compared by our own list."""
    monkeypatch.setenv("FABLOOP_WORDNET", str(tmp_path_factory.mktemp("no-wordnet")))


def run(*words):
    done = CliRunner().invoke(app, ["service", *map(str, words)])
    if isinstance(done.exception, FabloopError):
        return done.exception.exit_code, str(done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def write(folder, name, text):
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def permits(folder, *permissives, controllers=()):
    """Write what commands to services require."""
    document = {
        "document": "safety", "version": "1", "@context": "urn:fabloop:context:1:safety",
        "controllers": controllers, "permissives": permissives,
    }  # fmt: skip
    write(folder, "safety.json", json.dumps(document))


@pytest.fixture
def served(tmp_path):
    with moody_server() as (mood, url):
        names = ("oven", "filler", "mixer", "heater")
        permits(tmp_path, *({"service": each, "free_because": "a test"} for each in names))
        run("add", write(tmp_path, "oven.yaml", OVEN), "--folder", tmp_path, "--url", url)
        yield mood, url, tmp_path


def test_a_document_is_added_told_and_listed(tmp_path):
    code, said = run("add", write(tmp_path, "p.json", PLAIN), "--folder", tmp_path)
    assert code == ExitCode.FINE
    assert "get-shipments-tracking-number(trackingNumber)" in said
    assert "(guessed)" in said
    assert "No annotation" in said
    code, said = run("list", "--folder", tmp_path, "--json")
    assert code == ExitCode.FINE
    assert json.loads(said)["services"][0]["id"] == "parcel-tracker"


def test_a_document_is_added_from_where_it_is_published(tmp_path):
    with moody_server() as (mood, url):
        mood.says("/openapi.yaml", (200, OVEN))
        mood.says("/nothing", (404, b""))
        assert run("add", f"{url}/openapi.yaml", "--folder", tmp_path)[0] == ExitCode.FINE
        code, said = run("add", f"{url}/nothing", "--folder", tmp_path)
    assert code == ExitCode.INTERNAL
    assert "/openapi.json" in said
    code, said = run("add", f"{url}/openapi.yaml", "--folder", tmp_path)
    assert code == ExitCode.INTERNAL
    assert "Is the service running?" in said


def test_a_folder_without_services_says_how_to_add_one(tmp_path):
    code, said = run("list", "--folder", tmp_path)
    assert code == ExitCode.FINE
    assert "fabloop service add" in said


def test_every_fault_of_a_document_is_printed(tmp_path):
    broken = OVEN.replace(b"12.50 EUR", b"12.505 EUR").replace(b"discard", b"throw", 1)
    code, said = run("add", write(tmp_path, "oven.yaml", broken), "--folder", tmp_path)
    assert code == ExitCode.BAD_INPUT
    assert said.count("Expected") == 2
    assert not (tmp_path / "services").exists()


def test_services_are_found_by_a_sentence_with_reasons(served):
    _, _, folder = served
    code, said = run("find", "bake something near Modena", "--folder", folder)
    assert code == ExitCode.FINE
    assert "1. oven.bake" in said
    assert "oven.bake is near Modena" in said
    assert "WordNet is not installed" in said


def test_who_is_too_far_is_left_out_with_the_distance(served):
    _, _, folder = served
    far = OVEN.replace(b"service: oven", b"service: far").replace(b"44.647", b"41.9")
    far = far.replace(b"name: Modena", b"name: Rome")
    run("add", write(folder, "far.yaml", far), "--folder", folder)
    code, said = run("find", "bake within 20 km of Rome", "--folder", folder, "--json")
    assert code == ExitCode.FINE
    told, _ = json.JSONDecoder().raw_decode(said[said.index("{") :])
    assert {each["entry"]["service"]["id"] for each in told["hits"]} == {"far"}
    assert {each["entry"]["service"]["id"] for each in told["excluded"]} == {"oven"}


def test_an_operation_is_called_and_its_outputs_printed(served):
    mood, _, folder = served
    mood.says("/slowdown", (200, {"delay": 33}))
    code, said = run("call", "oven.slowdown", "--folder", folder)
    assert code == ExitCode.FINE
    assert "delay: 33 %" in said


def test_a_service_that_lies_is_told_and_the_exit_code_says_so(served):
    mood, _, folder = served
    mood.says("/slowdown", (200, {"delay": "much"}))
    code, said = run("call", "oven.slowdown", "--folder", folder)
    assert code == ExitCode.NOT_PRODUCIBLE
    assert "Expected a number, but found 'much'" in said


@pytest.fixture
def heater(served):
    mood, url, folder = served
    run("add", write(folder, "h.yaml", HEATER), "--folder", folder, "--url", url)
    mood.says("/heat", (204, b""))
    return mood, folder


def heat(folder):
    return run("call", "heater.heat", "to=30", "--folder", folder)


def test_a_command_does_not_leave_without_a_safety_document_and_the_way_out_is_told(heater):
    mood, folder = heater
    (folder / "safety.json").unlink()
    code, said = heat(folder)
    assert code == ExitCode.NOT_PRODUCIBLE
    assert said.count("fabloop safety draft") == 1
    assert "heater.heat was not sent:" in said
    assert mood.asked("/heat") == []
    permits(folder, {"service": "oven", "free_because": "a test"})
    assert "no permissive is declared for it" in heat(folder)[1]
    permits(folder, {"service": "heater", "free_because": "it is a lamp"})
    assert heat(folder)[0] == ExitCode.FINE


def test_a_command_asks_the_safety_controllers_of_its_folder(heater, monkeypatch):
    mood, folder = heater
    monkeypatch.chdir(folder)  # stops are kept here
    controller = Controller()
    try:
        signals = [{"id": "guard", "label": "guard closed", "bit": 0}]
        cell = {"id": "cell", "label": "Cell", "url": controller.url, "signals": signals}
        required = {"service": "heater", "requires": [{"signal": "cell/guard"}]}
        permits(folder, required, controllers=[{**cell, "confirm_within": "10 s"}])
        assert heat(folder)[0] == ExitCode.FINE
        controller.does("break guard")
        code, said = heat(folder)
        assert "cannot be relied on" in said
    finally:
        controller.close()
    assert code == ExitCode.NOT_PRODUCIBLE
    assert len(mood.asked("/heat")) == 1


def test_values_that_are_missing_or_no_values_are_refused(served):
    _, _, folder = served
    code, said = run("call", "oven.bake", "temperature=180", "--folder", folder)
    assert code == ExitCode.BAD_INPUT
    assert "for 'pieces' (quantity)" in said
    code, said = run("call", "oven.bake", "temperature", "--folder", folder)
    assert "NAME=VALUE" in said
    code, said = run("call", "oven.bak", "--folder", folder)
    assert "Did you mean 'oven.bake'" in said


def test_slowdown_is_composed_with_the_machines_that_feed_the_oven_and_carried_out(served):
    mood, url, folder = served
    for name in ("filler", "mixer"):
        file = write(folder, f"{name}.yaml", MACHINE.format(name=name))
        run("add", file, "--folder", folder, "--url", f"{url}/{name}")
        mood.says(f"/{name}/speed", (204, b""))
    mood.says("/slowdown", (200, {"delay": 33}))
    words = ("compose", "slow down", "--first", "oven.slowdown", "--each", "--folder", folder)
    code, said = run(*words, "--feeding", "oven", "--run")
    assert code == ExitCode.FINE, said
    assert "(speed = 1 - delay)" in said
    assert "Carried out, 3 calls" in said
    for name in ("filler", "mixer"):
        (request,) = mood.asked(f"/{name}/speed")
        assert json.loads(request["body"]) == {"speed": 0.67}


def test_a_person_chooses_once_and_is_not_asked_again(served):
    mood, url, folder = served
    run("add", write(folder, "h.yaml", HEATER), "--folder", folder, "--url", url)
    for name in ("east", "west"):
        file = write(folder, f"{name}.yaml", GAUGE.format(name=name))
        run("add", file, "--folder", folder, "--url", f"{url}/{name}")
    words = ("compose", "heat the heater", "--folder", folder)
    code, said = run(*words)
    assert code == ExitCode.UNDECIDED
    assert "2: west.t -> heater.heat" in said
    code, said = run(*words, "--choose", "2")
    assert code == ExitCode.BAD_INPUT
    assert "--by" in said
    assert run(*words, "--choose", "2", "--by", "anna")[0] == ExitCode.FINE
    mood.says("/west/t", (200, {"t": 300.15}))
    mood.says("/heat", (204, b""))
    code, said = run(*words, "--run")
    assert code == ExitCode.FINE
    assert "was chosen for this before, by anna" in said
    assert json.loads(mood.asked("/heat")[0]["body"]) == {"to": 27.0}


def test_a_call_that_fails_ends_the_composition_with_its_reason(served):
    mood, url, folder = served
    file = write(folder, "filler.yaml", MACHINE.format(name="filler"))
    run("add", file, "--folder", folder, "--url", url)
    mood.says("/slowdown", (404, b"no such oven"))
    words = ("compose", "slow down", "--first", "oven.slowdown", "--folder", folder, "--run")
    code, said = run(*words, "--feeding", "oven")
    assert code == ExitCode.NOT_PRODUCIBLE
    assert "Stopped at oven.slowdown" in said
    assert mood.asked("/speed") == []


def test_what_nobody_can_do_is_told(served):
    _, _, folder = served
    code, said = run("compose", "fly to the moon", "--folder", folder)
    assert code == ExitCode.NOT_PRODUCIBLE
    assert "Nobody can 'fly to the moon'" in said
