"""When the writer of a journal commits: at once for who waits, else for many rows together."""

import threading

import pytest

from fabloop.adapters import groups
from fabloop.adapters.groups import GroupWriter
from fabloop.base.instant import Instant
from fabloop.base.journal import Row

PATIENCE_S = 60.0
"""No test waits for this; it is what none of them may depend on."""

ROW = Row(stream="facts", kind="process", body=b"", version=1, at=Instant(1))


class Store:
    """Keeps the sizes of its commits, and tells when there was one."""

    def __init__(self) -> None:
        self.commits = []
        self.written = threading.Event()

    def commit(self, rows) -> None:
        self.commits.append([seq for seq, *_ in rows])
        self.written.set()


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def writer(store):
    writer = GroupWriter(store.commit, last=0, partition=0, name="a store")
    yield writer
    writer.close()


def test_rows_that_nobody_waits_for_share_a_commit_and_who_waits_begins_it(
    monkeypatch, store, writer
):
    monkeypatch.setattr(groups, "GATHER_S", PATIENCE_S)
    for _ in range(20):
        last = writer.append([ROW])
    assert not store.commits
    writer.wait(last)
    assert store.commits == [list(range(1, 21))]


def test_who_waits_for_the_first_of_some_rows_is_not_kept_waiting_by_later_ones(
    monkeypatch, store, writer
):
    monkeypatch.setattr(groups, "GATHER_S", PATIENCE_S)
    first = writer.append([ROW])
    writer.wait(first)
    last = writer.append([ROW, ROW])
    writer.wait(last)
    assert store.commits == [[1], [2, 3]]


def test_many_rows_are_committed_though_nobody_waits(monkeypatch, store, writer):
    monkeypatch.setattr(groups, "GATHER_S", PATIENCE_S)
    monkeypatch.setattr(groups, "GATHER_ROWS", 8)
    for _ in range(4):
        writer.append([ROW, ROW])
    assert store.written.wait(PATIENCE_S)
    assert store.commits == [list(range(1, 9))]


def test_few_rows_are_committed_by_themselves(store, writer):
    writer.append([ROW])
    assert store.written.wait(PATIENCE_S)
    assert store.commits == [[1]]


def test_closing_commits_what_nobody_waits_for(monkeypatch, store, writer):
    monkeypatch.setattr(groups, "GATHER_S", PATIENCE_S)
    writer.append([ROW])
    writer.close()
    assert store.commits == [[1]]
    assert writer.durable == 1
