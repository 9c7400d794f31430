"""Ctrl-C ends commands, whatever computes; places that cannot be used are told, not traced."""

import os
import signal
import subprocess
import sys

import pytest

from fabloop.app.demo import documents_of
from fabloop.base.errors import Invalid
from fabloop.cli.given import writable_file, writable_folder
from fabloop.cli.interrupts import INTERRUPTED
from fabloop.cli.machine_errors import machine_sentence, of_the_machine

BEGUN = "begun"
NATIVE = """
import sqlite3
from fabloop.cli.interrupts import obey_interrupts
obey_interrupts()
endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n"
while True:
    try:
        print("begun", flush=True)
        sqlite3.connect(":memory:").execute(endless).fetchall()
    except KeyboardInterrupt:
        pass  # it came before the computation had begun
"""
PYTHON = """
import time
from fabloop.cli.interrupts import obey_interrupts
obey_interrupts()
try:
    print("begun", flush=True)
    while True:
        time.sleep(0.01)
except KeyboardInterrupt:
    time.sleep(2)  # clearing up takes as long as it takes
    print("cleared up", flush=True)
    raise SystemExit(7)
"""


def interrupted(program):
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout.readline().strip() == BEGUN
        for _ in range(5):
            child.send_signal(signal.SIGINT)
            try:
                out, err = child.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                continue
            return child.returncode, out, err
        child.kill()
        pytest.fail("Ctrl-C does not end it")


def test_a_computation_in_native_code_ends_by_ctrl_c():
    code, _, err = interrupted(NATIVE)
    assert (code, err) == (INTERRUPTED, "Interrupted.\n")


def test_a_command_that_hears_ctrl_c_clears_up():
    code, out, err = interrupted(PYTHON)
    assert (code, out, err) == (7, "cleared up\n", "")


def test_ctrl_c_is_still_heard_after_solvers_have_run():
    program = f"""
import os, signal, sys, time
folder = {str(documents_of("wavegear"))!r}
sys.argv = ["fabloop", "plan", folder, "--weight", "cost=1", "--weight", "makespan=2", "--json"]
from fabloop.cli import main
try:
    main()
except SystemExit as end:
    assert end.code == 0, end.code
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)
except KeyboardInterrupt:
    raise SystemExit(7)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert ended.returncode == 7, ended.stderr
    assert b'"objective": "1 cost + 2 makespan"' in ended.stdout


@pytest.mark.parametrize(
    ("option", "place", "check"),
    [
        ("--json", "folder", writable_file),
        ("--json", "file/below.json", writable_file),
        ("--out", "file", writable_folder),
        ("--out", "file/below/it", writable_folder),
    ],
)
def test_a_place_that_cannot_be_written_is_told_and_nothing_is_made(tmp_path, option, place, check):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(Invalid, match=f"{option} .*Expected a f.* that can be written, but found"):
        check(option, tmp_path / place)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_new_place_below_folders_that_do_not_exist_will_do(tmp_path):
    writable_file("--json", tmp_path / "new" / "er" / "all.json")
    writable_folder("--out", tmp_path / "new" / "er")
    assert not list(tmp_path.iterdir())


def test_what_the_machine_refuses_is_no_bug_of_ours(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="Not a directory") as caught:
        (tmp_path / "file" / "below").mkdir()
    assert of_the_machine(caught.value)
    assert machine_sentence(caught.value).startswith(f"Expected '{tmp_path}/file/below' to be")
    full = OSError(28, os.strerror(28))
    assert of_the_machine(full)
    assert "No space left on device" in machine_sentence(full)
    assert not of_the_machine(OSError("what only we could do"))
