"""A store is kept up by another process while its host goes on; partitions change hands."""

import subprocess
import sys
import threading

import psycopg
import pytest

from fabloop.adapters.sqlite import SqliteReader, SqliteSnapshots
from fabloop.app.processes import upkeep
from fabloop.app.processes.clocks import WallClock
from fabloop.app.processes.partitions import open_partition
from fabloop.app.processes.store import Serving, open_host
from fabloop.app.processes.upkeep import JOURNAL_FILE, SNAPSHOTS_FILE, Kept, keep_up, opened
from fabloop.base.errors import Conflict
from fabloop.base.instant import Instant
from fabloop.process.commands import CompleteJob, Deploy, StartInstance
from process.driver import flows, job, process

MADE = process(job("a"), links=flows("start a end"))


def busy(host) -> list[int]:
    """Deploy, start three instances, end one; return their keys."""
    host.submit(Deploy(process=MADE))
    keys = [host.submit(StartInstance(process="p")).instance for _ in range(3)]
    first = host.ask(lambda engine: engine.jobs(instance=keys[0])[0].key)
    host.submit(CompleteJob(job=first), request="done")
    return keys


def test_a_store_is_kept_up_while_its_host_goes_on(tmp_path):
    host = open_host(tmp_path)
    keys = busy(host)
    with opened(str(tmp_path), 0) as stores:
        assert keep_up(stores, None, rows=6) == Kept(0, 0)
        assert keep_up(stores, None, rows=5) == Kept(5, 0)
        later = Instant(WallClock().now() + 1)
        assert keep_up(stores, later, rows=5) == Kept(0, 1)  # its other row is the newest
    host.submit(StartInstance(process="p"))
    host.close()
    with open_host(tmp_path) as again:
        assert again.ask(lambda engine: engine.instances())[:2] == tuple(keys[1:])


def test_the_program_keeps_up_a_store_that_is_open(tmp_path):
    with open_host(tmp_path) as host:
        busy(host)
        program = [sys.executable, "-m", "fabloop.app.processes.upkeep", str(tmp_path), "0", "1"]
        done = subprocess.run([*program, "0"], capture_output=True, text=True, check=True)
        assert done.stdout == "5 1\n"
    snapshots = SqliteSnapshots(tmp_path / SNAPSHOTS_FILE)
    assert snapshots.known() == (5,)
    snapshots.close()


@pytest.fixture
def url(postgres):
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE upkeep")
        yield postgres.replace("/postgres", "/upkeep")
        connection.execute("DROP DATABASE upkeep WITH (FORCE)")


def test_a_partition_is_kept_up_and_goes_to_the_next_host_with_all_it_holds(url):
    host = open_partition(url, 3)
    keys = busy(host)
    with pytest.raises(Conflict, match="partition 3"):
        open_partition(url, 3)
    other = open_partition(url, 4)
    assert other.ask(lambda engine: engine.instances()) == ()
    other.close()
    with opened(url, 3) as stores:
        assert keep_up(stores, Instant(WallClock().now() + 1), rows=5) == Kept(5, 1)
    host.close()
    with open_partition(url, 3) as again:
        assert again.ask(lambda engine: engine.instances()) == tuple(keys[1:])
        assert all(key >> 51 == 3 for key in keys)
        again.submit(CompleteJob(job=1), request="done")  # answered as it was the first time


def test_a_store_that_is_served_keeps_itself_up(tmp_path, monkeypatch):
    monkeypatch.setattr(upkeep, "LOOK_EVERY_S", 0.01)
    with open_host(tmp_path) as host:
        busy(host)
    rows = list(SqliteReader(tmp_path / JOURNAL_FILE).read())
    with Serving(tmp_path, keep_ns=0) as serving:
        waited = threading.Event()
        while not (tmp_path / f"{JOURNAL_FILE}-archive").is_file():
            waited.wait(0.05)
        assert len(serving.host.ask(lambda engine: engine.instances())) == 2
    assert list(SqliteReader(tmp_path / JOURNAL_FILE).read()) == rows
