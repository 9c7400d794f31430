"""PostgreSQL against the same contracts, and what only a database of many writers can show."""

import os
import signal
import subprocess
import sys
from itertools import count

import psycopg
import pytest

from contracts.archive_contract import ArchiveContract
from contracts.journal_contract import JournalContract, row
from contracts.snapshots_contract import SnapshotsContract
from fabloop.adapters.postgres import (
    PostgresArchive,
    PostgresJournal,
    PostgresReader,
    PostgresSnapshots,
)
from fabloop.adapters.postgres.schema import LOCK_SPACE
from fabloop.base.errors import Conflict, Unavailable
from fabloop.base.instant import Instant
from fabloop.base.journal import Row

NUMBERS = count()
CHILD = """
import sys
from fabloop.adapters.postgres import PostgresJournal
from fabloop.base.journal import Row
j = PostgresJournal(sys.argv[1])
n = 0
while True:
    n += 1
    j.wait(j.append([Row(stream='s', kind='k', version=1, at=n, body=b'%d' % n)]))
    print(n, flush=True)
"""


@pytest.fixture
def url(postgres):
    """Return the URL of a database that is empty."""
    name = f"case{next(NUMBERS)}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgres.replace("/postgres", f"/{name}")


class TestPostgresJournal(JournalContract):
    @pytest.fixture
    def journal(self, url):
        journal = PostgresJournal(url)
        yield journal
        journal.close()

    def test_rows_survive_closing_and_numbers_go_on(self, url):
        first = PostgresJournal(url)
        first.append([row(b"a")])
        first.close()
        second = PostgresJournal(url)
        second.wait(second.append([row(b"b")]))
        assert [(seq, each.body) for seq, each in second.read()] == [(1, b"a"), (2, b"b")]
        second.close()

    def test_partitions_are_written_side_by_side_and_numbered_each_by_itself(self, url):
        journals = [PostgresJournal(url, partition) for partition in range(3)]
        for partition, journal in enumerate(journals):
            group = [
                Row(partition=partition, stream="s", kind="k", version=1, at=Instant(1),
                    body=b"%d" % partition, request="" if number else "same in each")
                for number in range(partition + 1)
            ]  # fmt: skip
            journal.wait(journal.append(group))
        for partition in range(3):
            rows = list(PostgresReader(url, partition).read())
            assert [seq for seq, _ in rows] == list(range(1, partition + 2))
            assert {each.body for _, each in rows} == {b"%d" % partition}
        for journal in journals:
            journal.close()

    def test_a_request_written_twice_is_refused_and_nothing_of_its_group_is_kept(self, url):
        journal = PostgresJournal(url)
        journal.wait(journal.append([row(b"a", request="r")]))
        with pytest.raises(Unavailable, match="nothing acknowledged is lost"):
            journal.wait(journal.append([row(b"b"), row(b"c", request="r")]))
        journal.close()
        assert [each.body for _, each in PostgresReader(url).read()] == [b"a"]

    def test_a_second_writer_of_a_partition_is_refused_until_the_first_has_closed(self, url):
        first = PostgresJournal(url)
        with pytest.raises(Conflict, match="only writer of partition 0"):
            PostgresJournal(url)
        first.close()
        PostgresJournal(url).close()

    def test_when_a_writer_is_killed_another_takes_over_and_nothing_acknowledged_is_lost(self, url):
        with subprocess.Popen([sys.executable, "-c", CHILD, url], stdout=subprocess.PIPE) as child:
            acknowledged = 0
            while acknowledged < 25:
                acknowledged = int(child.stdout.readline())
            with pytest.raises(Conflict):
                PostgresJournal(url)
            os.kill(child.pid, signal.SIGKILL)
            acknowledged = int((child.stdout.read().split() or [acknowledged])[-1])
        journal = PostgresJournal(url, wait_s=10)
        bodies = [int(each.body) for _, each in journal.read()]
        assert bodies[:acknowledged] == list(range(1, acknowledged + 1))
        assert len(bodies) <= acknowledged + 1
        journal.wait(journal.append([row(b"99")]))
        assert journal.last() == len(bodies) + 1
        journal.close()

    def test_a_writer_that_lost_its_session_can_never_append_again(self, url):
        old = PostgresJournal(url)
        old.wait(old.append([row(b"a")]))
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks "
                "WHERE locktype = 'advisory' AND classid = %s AND objid = 0", (LOCK_SPACE,)
            )  # fmt: skip
        new = PostgresJournal(url, wait_s=10)
        new.wait(new.append([row(b"b")]))
        with pytest.raises(Unavailable):
            old.wait(old.append([row(b"c")]))
        with pytest.raises(Unavailable):
            old.append([row(b"d")])
        assert [each.body for _, each in new.read()] == [b"a", b"b"]
        old.close()
        new.close()

    def test_a_writer_that_was_replaced_is_fenced_off_though_its_session_lives(self, url):
        old = PostgresJournal(url)
        old.wait(old.append([row(b"a")]))
        old._connection.execute("SELECT pg_advisory_unlock_all()")
        new = PostgresJournal(url)
        with pytest.raises(Conflict, match="took over"):
            old.wait(old.append([row(b"c")]))
        new.wait(new.append([row(b"b")]))
        assert [each.body for _, each in new.read()] == [b"a", b"b"]
        old.close()
        new.close()

    def test_a_server_that_is_not_there_is_named(self):
        with pytest.raises(Unavailable, match="Expected a PostgreSQL server"):
            PostgresJournal("postgresql://nobody@127.0.0.1:9/none")


class TestPostgresSnapshots(SnapshotsContract):
    @pytest.fixture
    def snapshots(self, url):
        snapshots = PostgresSnapshots(url)
        yield snapshots
        snapshots.close()


class TestPostgresArchive(ArchiveContract):
    @pytest.fixture
    def journal(self, url):
        journal = PostgresJournal(url)
        yield journal
        journal.close()

    @pytest.fixture
    def archive(self, journal, url):
        archive = PostgresArchive(url)
        yield archive
        archive.close()
