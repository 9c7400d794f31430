"""Results in a file until they are safe elsewhere."""

import subprocess
import sys

import pytest

from fabloop.adapters.result_log import ResultLog
from fabloop.base.errors import Broken


@pytest.fixture
def file(tmp_path):
    return tmp_path / "results.db"


def test_numbers_go_on_over_restarts_even_when_nothing_waits(file):
    log = ResultLog(file)
    log.append([b"a", b"bb"])
    assert log.after(0, 10) == [(1, b"a"), (2, b"bb")]
    log.forget(2)
    assert (log.waiting, log.bytes, log.last) == (0, 0, 2)
    log.close()
    again = ResultLog(file)
    again.append([b"c"])
    assert again.after(0, 10) == [(3, b"c")]
    assert (again.waiting, again.last) == (1, 3)
    again.close()


def test_the_oldest_go_first_where_there_is_too_much(file):
    log = ResultLog(file)
    log.append([bytes(100)] * 5)
    assert log.drop(150) == 2
    assert [number for number, _ in log.after(0, 10)] == [3, 4, 5]
    assert (log.waiting, log.bytes) == (3, 300)
    log.close()


def test_what_was_appended_survives_a_kill(file):
    code = (
        "import os, sys; from pathlib import Path\n"
        "from fabloop.adapters.result_log import ResultLog\n"
        "log = ResultLog(Path(sys.argv[1])); log.append([b'x'] * 3); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(file)], check=False)
    log = ResultLog(file)
    assert log.waiting == 3
    log.close()


def test_a_file_that_is_damaged_is_told_and_not_overwritten(file):
    file.write_bytes(b"no database at all" * 100)
    with pytest.raises(Broken, match="Move the file away"):
        ResultLog(file)
    assert file.read_bytes().startswith(b"no database")
