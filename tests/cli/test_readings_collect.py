"""``fabloop readings collect``: what sources tell is stored, and what became of it is told."""

import json
import os
import signal
import subprocess
import sys

import httpx
import numpy as np
import pytest
from typer.testing import CliRunner

from fabloop.adapters.buffer.spool import Spool
from fabloop.app.processes.clocks import WallClock
from fabloop.base.errors import Invalid
from fabloop.cli import app
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.series import Series

RECORDING = """
source: last-month
file: mill.csv
layout: wide
work_unit: mill
"""


@pytest.fixture
def recording(tmp_path):
    lines = "".join(f"{1_763_800_000_000 + n},{n / 4}\n" for n in range(100))
    (tmp_path / "mill.csv").write_text("time,load\n" + lines + "1763800001000,high\n")
    (tmp_path / "mill.yaml").write_text(RECORDING)
    return tmp_path / "mill.yaml"


def run(*words):
    return CliRunner().invoke(app, ["readings", *map(str, words)])


def test_a_recording_is_stored_and_found_again(recording, tmp_path):
    store = tmp_path / "store"
    done = run("collect", store, "--play", recording)
    assert done.exit_code == 0, done.output
    assert "last-month: 100 readings" in done.output
    assert "refused: 1 not-a-number" in done.output
    (latest,) = json.loads(run("latest", store, "--json").output)
    assert (latest["name"], latest["value"]) == ("load", 24.75)


def test_behind_a_buffer_everything_is_stored_once_and_the_buffer_is_empty_then(
    recording, tmp_path
):
    store, buffer = tmp_path / "store", tmp_path / "edge" / "buffer"
    for _ in range(2):
        done = run("collect", store, "--play", recording, "--buffer", buffer)
        assert done.exit_code == 0, done.output
    (latest,) = json.loads(run("latest", store, "--json").output)
    assert (latest["name"], latest["value"]) == ("load", 24.75)
    (file,) = buffer.glob("*.buffer")
    spool = Spool(file)
    assert (file.name, spool.readings) == ("last-month.buffer", 0)


def test_what_a_buffer_held_when_the_power_failed_is_stored_with_the_next_collecting(
    recording, tmp_path
):
    (tmp_path / "buffer").mkdir()
    spool = Spool(tmp_path / "buffer" / "last-month.buffer")
    left = spool.catalogue.number(Series(source="last-month", address="left", name="left"))
    at = np.array([1_763_900_000_000_000_000], dtype=np.int64)
    number = np.array([left], dtype=np.int32)
    batch = Batch(times=at, series=number, values=np.array([7.5]), quality=np.array([192], "uint8"))
    spool.append([batch])
    spool.close()
    done = run("collect", tmp_path / "store", "--play", recording, "--buffer", tmp_path / "buffer")
    assert done.exit_code == 0, done.output
    latest = json.loads(run("latest", tmp_path / "store", "--json").output)
    assert {each["name"]: each["value"] for each in latest} == {"load": 24.75, "left": 7.5}


def test_a_buffer_that_cannot_be_made_is_named(recording, tmp_path):
    (tmp_path / "file").write_text("")
    buffer = tmp_path / "file" / "b"
    done = run("collect", tmp_path / "s", "--play", recording, "--buffer", buffer)
    assert isinstance(done.exception, Invalid)
    assert "a folder that can be made" in str(done.exception)


def test_a_source_that_tells_nothing_shows_in_the_exit_code(tmp_path):
    mapping = tmp_path / "none.mapping.yaml"
    mapping.write_text(
        "source: hall\nbroker: {host: 127.0.0.1, port: 1, client_id: f}\n"
        'topics: [{topic: "{work_unit}/{name}"}]\n'
    )
    done = run("collect", tmp_path / "store", "--mapping", mapping, "--seconds", "0.1", "--json")
    assert done.exit_code == 1
    (outcome,) = json.loads(done.stdout)
    assert "Expected a broker at 127.0.0.1:1" in outcome["health"]["trouble"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Expected at least one source"),
        (("--play", "nowhere.yaml"), "Expected a file that can be read"),
        (("--post", "8086"), "Expected HOST:PORT"),
    ],
)
def test_what_cannot_be_collected_is_refused(tmp_path, words, sentence):
    done = run("collect", tmp_path / "store", *words)
    assert isinstance(done.exception, Invalid)  # exit code 2, as for every command
    assert sentence in str(done.exception)


def test_posts_are_taken_until_a_signal_ends_it(tmp_path):
    words = ["readings", "collect", str(tmp_path / "store"), "--post", "127.0.0.1:0", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from fabloop.cli import main; main()", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | {"NO_COLOR": "1"},
    )  # fmt: skip
    with process:
        url = process.stderr.readline().split()[-1].decode()
        answer = httpx.post(url, json=[[1_763_800_000_000, "mill/load", 5.0]])
        assert answer.status_code == 202
        process.send_signal(signal.SIGTERM)
        (outcome,) = json.loads(process.stdout.read())
    assert process.returncode == 0
    assert (outcome["source"], outcome["health"]["received"]) == ("posted", 1)


def test_effectiveness_is_told_while_readings_come_in(tmp_path):
    setting = {
        "document": "effectiveness", "version": "1", "time_zone": "UTC",
        "@context": "urn:fabloop:context:1:effectiveness",
        "units": [{"work_unit": "press", "cycle_times": {"": "1 s"}}],
    }  # fmt: skip
    (tmp_path / "oee.json").write_text(json.dumps(setting))
    lines = tmp_path / "oee.jsonl"
    words = ["readings", "collect", tmp_path / "store", "--post", "127.0.0.1:0", "--json"]
    changed = tmp_path / "kpis.jsonl"
    words += ["--oee", tmp_path / "oee.json", "--oee-lines", lines, "--kpi-lines", changed]
    process = subprocess.Popen(
        [sys.executable, "-c", "from fabloop.cli import main; main()", *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | {"NO_COLOR": "1"},
    )  # fmt: skip
    with process:
        url = process.stderr.readline().split()[-1].decode()
        now = WallClock().now() // 1_000_000
        told = [[now - 3_000, "press/state", "producing"], [now - 2_000, "press/parts.good", 10],
            [now - 1_000, "press/parts.good", 12]]  # fmt: skip
        assert httpx.post(url, json=told).status_code == 202
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    last = json.loads(lines.read_text().splitlines()[-1])
    assert (last["work_unit"], last["activity"]) == ("press", "producing")
    assert last["indicators"]["quality"] == 1
    kpis = [json.loads(line)["fact"] for line in changed.read_text().splitlines()]
    assert {each["value"]["kpi"] for each in kpis} >= {"oee", "availability", "quality-ratio"}
    assert {each["fact"] for each in kpis} == {"KpiChanged"}


def test_a_machine_that_lies_about_its_state_is_told_while_collecting(tmp_path):
    setting = {
        "document": "effectiveness", "version": "1", "time_zone": "UTC",
        "@context": "urn:fabloop:context:1:effectiveness",
        "units": [{"work_unit": "press", "cycle_times": {"": "1 s"}}],
    }  # fmt: skip
    (tmp_path / "oee.json").write_text(json.dumps(setting))
    store = tmp_path / "store"
    words = ["readings", "collect", store, "--post", "127.0.0.1:0", "--metrics", "0"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from fabloop.cli import main; main()", *map(str, words),
         "--oee", str(tmp_path / "oee.json")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | {"NO_COLOR": "1"},
    )  # fmt: skip
    with process:
        url = process.stderr.readline().split()[-1].decode()
        metrics = process.stderr.readline().split()[-1].decode()
        now = WallClock().now() // 1_000_000
        told = [[now - 3_600_000, "press/state", "stopped"],
            [now - 1_800_000, "press/parts.good", 10], [now - 900_000, "press/parts.good", 12],
            [now - 600_000, "press/parts.good", 3]]  # fmt: skip
        assert httpx.post(url, json=told).status_code == 202
        shown = httpx.get(metrics).text
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    doubts = [line for line in said.decode().splitlines() if line.startswith("In doubt: ")]
    assert len(doubts) == 1
    assert "Expected no part of 'press', since it says 'stopped', but found 5 from" in doubts[0]
    assert "fabloop_oee_counter_resets_total 1\n" in shown
    health = run("health", store, "--metrics").output
    assert 'fabloop_oee_doubts_total{work_unit="press",doubt="counts-while-still"} 1' in health
