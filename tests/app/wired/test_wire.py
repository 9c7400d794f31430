"""The wave gear on wires: machines as processes, commands over OPC UA, the test over the edge."""

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from fabloop.app.wired.broker import binary

FABLOOP = Path(sys.executable).with_name("fabloop")
TIMES_REAL = 3_600
END_S_MAX = 60.0


def fabloop(*arguments, cwd, env=None):
    return subprocess.Popen(
        [str(FABLOOP), "demo", "wavegear", "--auto", *map(str, arguments)],
        cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, env=env,
    )  # fmt: skip


def document(folder, *arguments):
    """Play a story and return all that happened, but for what differs each time, and its words."""
    story = fabloop("--json", "all.json", *arguments, cwd=folder)
    said, _ = story.communicate(timeout=280)
    assert story.returncode == 0, said
    found = json.loads((folder / "all.json").read_text())
    return {name: each for name, each in found.items() if name != "volatile"}, said


def test_on_wires_the_story_is_the_same_to_the_last_fact(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    plain, _ = document(here)
    wired, said = document(there, "--wire", "--realtime", TIMES_REAL)
    assert wired == plain
    assert wired["summary"]["breaches"][0]["value"]["upper"] > 15e-6
    assert wired["summary"]["plan_2"]["sites"] != wired["summary"]["plan_1"]["sites"]
    assert "9 machines as processes" in said
    assert f"{TIMES_REAL} times real time" in said
    over_the_edge = re.search(r"graz-u630 over the edge: (\d+) bulks, 0 lost", said)
    assert int(over_the_edge[1]) >= 2 * 749, "a test program takes 749 bulks"

    if binary() is None:
        assert "Mosquitto is not installed" in said
    else:
        over_mqtt = re.search(r"(\d+) readings of 9 machines over MQTT .*, 0 refused, 0 lost", said)
        assert int(over_mqtt[1]) > 100


def living(mark):
    """Return the processes that carry a mark in their environment."""
    found = set()
    for each in Path("/proc").iterdir():
        if each.name.isdecimal():
            try:
                if mark in (each / "environ").read_bytes():
                    found.add(int(each.name))
            except OSError:
                continue
    return found


def until(holds, what):
    deadline = time.monotonic() + END_S_MAX
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nobody_and_nothing_is_left_behind_however_the_story_ends(tmp_path, number):
    mark = secrets.token_hex(12)
    scratch = Path(tempfile.mkdtemp(prefix="fs-"))  # short enough for sockets
    env = {**os.environ, "STORY_MARK": mark, "TMPDIR": str(scratch)}
    story = fabloop("--wire", cwd=tmp_path, env=env)
    try:
        until(lambda: len(living(mark.encode())) >= 6, "an edge, its lanes and a machine")
        story.send_signal(number)
        said, _ = story.communicate(timeout=END_S_MAX)
        assert story.returncode != 0, said
        assert "Internal error" not in said
        until(lambda: not living(mark.encode()), "the end of all of them")
        if number is not signal.SIGKILL:  # then files of machines that were starting may stay
            assert not list(scratch.glob("fabloop-wire-*"))
    finally:
        for each in living(mark.encode()):
            os.kill(each, signal.SIGKILL)
        shutil.rmtree(scratch)
