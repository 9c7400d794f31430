"""``fabloop machine`` and ``fabloop simulate line``, against a line in a process of its own."""

import json
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fabloop.app.demo import documents_of
from fabloop.app.machines.topics import form_of
from fabloop.base.instant import Instant
from fabloop.cli.root import app
from fabloop.cli.root import main as run_main
from mosquitto_server import Mosquitto, binary

PAGE = Path(__file__).parents[2] / "docs/howto/connect-a-machine.md"
MAP = ("--map", "line-mill=graz-u630", "--map", "line-saw=graz-nlx")


def fabloop(*arguments, environment=None):
    """Run a command; returns exit code, output and errors as a shell would see them."""
    return CliRunner().invoke(app, list(map(str, arguments)), env=environment)


def run(capsys, monkeypatch, *arguments):
    """Run the whole program, errors as sentences; returns exit code, output, errors."""
    monkeypatch.setattr(sys, "argv", ["fabloop", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        run_main()
    told = capsys.readouterr()
    return ended.value.code or 0, told.out, told.err


@pytest.fixture
def factory(tmp_path):
    folder = tmp_path / "factory"
    shutil.copytree(documents_of("wavegear"), folder)
    return folder


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """The URLs of a line that tells over OPC UA and Modbus until the tests are over."""
    folder = tmp_path_factory.mktemp("line")
    process = subprocess.Popen(
        [sys.executable, "-c", "from fabloop.cli import main; main()", "simulate", "line",
         "--opcua", "0", "--modbus", "0", "--json", "--folder", str(folder)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    urls = json.loads(process.stdout.readline())["urls"]
    yield urls
    process.terminate()
    with process.stdout as told:
        played = json.loads(told.read())
    process.wait(30)
    assert len(played["stations"]) == 4


def test_a_line_is_played_at_once_and_tells_what_its_machines_did():
    done = fabloop("simulate", "line", "--duration", "PT10M", "--seed", "3", "--json")
    assert done.exit_code == 0
    played = json.loads(done.output)
    assert (played["ends_at"] - played["begins_at"]) == 600 * 10**9
    for each in played["stations"]:
        assert sum(each["seconds"].values()) == pytest.approx(600)
    again = json.loads(
        fabloop("simulate", "line", "--duration", "PT10M", "--seed", "3", "--json").output
    )
    assert again["stations"] == played["stations"]


def test_the_injections_that_the_page_shows_happen(tmp_path):
    blocks = re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    file = tmp_path / "inject.json"
    file.write_text(next(each for each in blocks if '"injections"' in each))
    done = fabloop("simulate", "line", "--duration", "PT1H", "--inject", file, "--json")
    stations = {each["station"]: each for each in json.loads(done.output)["stations"]}
    assert stations["line-wash"]["seconds"]["broken"] >= 900
    assert stations["line-mill"]["seconds"]["tool-change"] > 0


def test_wrong_injections_and_wires_are_told(tmp_path, capsys, monkeypatch):
    file = tmp_path / "bad.json"
    file.write_text('{"injections": [{"station": "x", "trouble": "lie", "after": "1"}]}')
    code, _, told = run(capsys, monkeypatch, "simulate", "line", "--inject", file)
    assert code == 2
    assert "$.injections[0].station" in told
    code, _, told = run(capsys, monkeypatch, "simulate", "line", "--mqtt", "http://x")
    assert code == 2
    assert "mqtt://HOST:PORT/PREFIX" in told


def test_a_machine_is_refused_trusted_browsed_added_listed_and_tested(
    line, factory, tmp_path, capsys, monkeypatch
):
    url = line[0]
    monkeypatch.setenv("FABLOOP_PKI", str(tmp_path / "pki"))
    code, _, told = run(capsys, monkeypatch, "machine", "browse", url)
    assert code == 2
    thumbprint = re.search(r"fabloop machine trust ([0-9a-f]{40})", told)[1]
    done = fabloop("machine", "trust", thumbprint, "--json")
    assert json.loads(done.output)["thumbprint"] == thumbprint
    seen = json.loads(fabloop("machine", "browse", url, "--json").output)
    power = next(e for e in seen["variables"] if e["path"] == ["Machines", "line-mill", "power"])
    assert (power["unit"], power["greatest"], power["history"]) == ("kW", 60.0, True)
    assert "vibration  [mm/s], 0..50, history" in fabloop("machine", "browse", url).output

    dry = fabloop("machine", "add", url, "--factory", factory, "--id", "line", *MAP, "--dry-run")
    assert not (factory / "connections.json").exists()
    assert "graz-u630: 14 variables" in dry.output
    assert "Machines/line-saw says of itself: ComponentName Saw, DeviceClass saw\n" in dry.output
    assert "left out 14 of 'Machines/line-test': it may be any of 'graz-inspection'" in dry.output
    done = fabloop("machine", "add", url, "--factory", factory, "--id", "line", *MAP)
    assert done.exit_code == 0
    assert "Check it before you use it." in done.output
    code, _, told = run(
        capsys, monkeypatch, "machine", "add", url, "--factory", factory, "--id", "line", *MAP
    )
    assert code == 2
    assert "--replace" in told

    listed = json.loads(fabloop("machine", "list", "--factory", factory, "--json").output)
    assert {"graz-nlx", "graz-u630"} <= set(listed["connections"][0]["work_units"])
    assert "graz-inspection" in listed["unconnected"]
    assert fabloop("check", factory).exit_code in (0, 1)
    tested = fabloop("machine", "test", "line", "--factory", factory, "--seconds", "3", "--json")
    (trial,) = json.loads(tested.output)
    heard = {(each["work_unit"], each["name"]): each for each in trial["heard"]}
    assert heard["graz-u630", "power"]["unit"] == "W"
    assert heard["graz-u630", "machinery.state"]["state"]
    assert "graz-u630 power: " in fabloop("machine", "test", "--factory", factory,
        "--seconds", "3").output  # fmt: skip


def test_collecting_goes_on_where_the_store_ended(tmp_path):
    """What the machines told while nobody listened is fetched from their history."""
    from fabloop.adapters.historian import HistorianReader

    factory = tmp_path / "factory"
    shutil.copytree(documents_of("wavegear"), factory)
    process = subprocess.Popen(
        [sys.executable, "-c", "from fabloop.cli import main; main()", "simulate", "line",
         "--opcua", "0", "--insecure", "--json", "--folder", str(tmp_path / "line")],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        url = json.loads(process.stdout.readline())["urls"][0]
        done = fabloop("machine", "add", url, "--insecure", "--factory", factory, "--id", "line",
            "--map", "line-mill=graz-u630")  # fmt: skip
        assert done.exit_code == 0, done.output
        collect = ("readings", "collect", tmp_path / "store", "--factory", factory)
        fabloop(*collect, "--seconds", "3")
        fabloop("machine", "test", "--factory", factory, "--seconds", "3")  # and nothing is stored
        done = fabloop(*collect, "--seconds", "3")
        assert "line: " in done.output
    finally:
        process.kill()
        process.wait(30)
        process.stdout.close()
    reader = HistorianReader(tmp_path / "store")
    number = next(n for n, each in enumerate(reader.catalogue) if each.name == "vibration")
    at = reader.query.range(number, Instant(0), Instant(2**62)).times.tolist()
    assert len(at) >= 6
    assert max(late - early for early, late in pairwise(at)) < 1_500_000_000


def test_registers_are_mapped_by_a_document_and_read(line, factory, capsys, monkeypatch):
    from fabloop.adapters.plant_servers.modbus import registers_of
    from fabloop.app.simulated_line.served import units_of
    from fabloop.sim.line.model import example_line

    registers = [
        {"id": each.id, "at": each.at, "type": each.type, "unit": each.unit, "kind": each.kind,
         "states": each.states, "bad": each.bad}
        for each in registers_of(units_of(example_line())) if each.id.startswith("line-mill/")
    ]  # fmt: skip
    (factory / "registers.json").write_text(
        json.dumps({"document": "registers", "version": "1", "id": "line", "registers": registers,
            "@context": "urn:fabloop:context:1:registers"})
    )  # fmt: skip
    code, _, told = run(capsys, monkeypatch, "machine", "add", line[1], "--factory", factory)
    assert code == 2
    assert "Known are: line." in told
    done = fabloop("machine", "add", line[1], "--factory", factory, "--registers", "line",
        "--map", "line-mill=graz-u630", "--id", "meter")  # fmt: skip
    assert done.exit_code == 0, done.output
    tested = fabloop("machine", "test", "meter", "--factory", factory, "--seconds", "2", "--json")
    (trial,) = json.loads(tested.output)
    heard = {each["name"]: each for each in trial["heard"]}
    assert heard["power"]["unit"] == "W"
    assert len(heard) >= 12


def test_wishes_that_name_nothing_are_told(factory, capsys, monkeypatch):
    code, _, told = run(
        capsys, monkeypatch, "machine", "add", "opc.tcp://x", "--factory", factory,
        "--map", "mill", "--work-unit", "graz-u63",
    )  # fmt: skip
    assert code == 2
    assert "NAME=UNIT" in told
    assert "graz-u630" in told
    code, _, told = run(capsys, monkeypatch, "machine", "test", "--factory", factory)
    assert code == 2
    assert "fabloop machine add URL" in told
    code, _, told = run(capsys, monkeypatch, "machine", "browse", "modbus://x")
    assert code == 2
    assert "--registers FILE" in told
    code, _, told = run(capsys, monkeypatch, "machine", "trust", "00")
    assert code == 2


def test_nobody_there_is_an_exit_code_of_its_own(factory, capsys, monkeypatch, tmp_path):
    code, _, told = run(
        capsys, monkeypatch, "machine", "add", "opc.tcp://127.0.0.1:9", "--factory", factory,
        "--pki", tmp_path,
    )  # fmt: skip
    assert code == 3
    assert "Expected an OPC UA server at opc.tcp://127.0.0.1:9" in told


@pytest.mark.skipif(binary() is None, reason="Mosquitto is not installed here")
def test_topics_of_a_broker_become_a_mapping_that_reads_them(factory, tmp_path):
    from fabloop.adapters.mqtt import read_mapping

    with Mosquitto() as broker:
        url = f"mqtt://127.0.0.1:{broker.port}/hall"
        playing = subprocess.Popen(
            [sys.executable, "-c", PUBLISH, url], stdout=subprocess.DEVNULL
        )  # fmt: skip
        try:
            done = fabloop("machine", "add", url, "--factory", factory, "--id", "hall",
                "--listen", "4", "--json")  # fmt: skip
        finally:
            playing.kill()
            playing.wait(30)
    assert done.exit_code == 0, done.output
    answer = json.loads(done.output)
    (rule,) = read_mapping(Path(answer["file"])).topics
    assert rule.topic == "hall/{work_unit}"
    assert (rule.form.layout, rule.form.time_unit) == ("columns", "ns")
    assert [each["address"] for each in answer["added"]["unmapped"]] == ["hall/nobody"]


@pytest.mark.parametrize(
    ("missing", "arguments", "extra"),
    [
        ("asyncua", ["machine", "browse", "opc.tcp://x"], "fabloop[opcua]"),
        ("asyncua", ["simulate", "line", "--opcua", "0"], "fabloop[opcua]"),
        ("pymodbus", ["simulate", "line", "--modbus", "0"], "fabloop[modbus]"),
    ],
)
def test_a_library_that_is_not_installed_is_named_with_its_extra(missing, arguments, extra):
    code = f"import sys; sys.modules['{missing}'] = None; from fabloop.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert f"pip install '{extra}'" in done.stderr
    assert "Traceback" not in done.stderr


PUBLISH = """
import asyncio, sys, time
from fabloop.adapters.plant_servers.served import ServedUnit, ServedValue, ServedVariable
from fabloop.app.simulated_line.wires import mqtt_plant

def unit(name):
    return ServedUnit(id=name, label=name, equipment_type="x",
        variables=(ServedVariable(name="power", unit="kW"),))

async def main():
    plant = mqtt_plant([unit("graz-u630"), unit("nobody")], sys.argv[1])
    await plant.start()
    while True:
        now = time.time_ns()
        await plant.publish([ServedValue(n, "power", now, (7.0,)) for n in ("graz-u630", "nobody")])
        await asyncio.sleep(0.1)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("payload", "layout", "unit"),
    [
        (b"21.5", "single", "ms"),
        (b"running", None, None),
        (b'{"t": 1763800000, "v": 3}', "single", "s"),
        (b'{"ts": 1763800000123, "value": 3}', "single", "ms"),
        (b'[[1763800000123000, "load", 3]]', "rows", "us"),
        (b'{"ts": [1763800000123000000], "name": ["a"], "value": [1]}', "columns", "ns"),
        (b'{"hello": 3}', None, None),
        (b"\xff\xfe", None, None),
    ],
)
def test_how_a_payload_is_written_is_seen_from_one_of_them(payload, layout, unit):
    form = form_of(payload)
    found = (None, None) if form is None else (form.layout, form.time_unit)
    assert found == (layout, unit)
