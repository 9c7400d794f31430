"""Every journal against the one contract, and what only the durable one can show."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from contracts.archive_contract import LATER, ROWS, ArchiveContract
from contracts.journal_contract import JournalContract, row
from contracts.snapshots_contract import SnapshotsContract
from fabloop.adapters.sqlite import SqliteArchive, SqliteJournal, SqliteReader, SqliteSnapshots
from fabloop.base.errors import Broken, Conflict, NotFound, Unavailable
from fabloop.base.journal import MemoryJournal
from fabloop.base.snapshots import MemorySnapshots


class TestMemorySnapshots(SnapshotsContract):
    @pytest.fixture
    def snapshots(self):
        return MemorySnapshots()


class TestSqliteSnapshots(SnapshotsContract):
    @pytest.fixture
    def snapshots(self, tmp_path):
        snapshots = SqliteSnapshots(tmp_path / "snapshots.db")
        yield snapshots
        snapshots.close()

    def test_a_damaged_file_is_put_aside_and_begun_anew(self, tmp_path):
        path = tmp_path / "damaged.db"
        path.write_text("not a database, but long enough to be looked at as one" * 20)
        snapshots = SqliteSnapshots(path)
        snapshots.save(1, [b"a"])
        assert snapshots.known() == (1,)
        assert (tmp_path / "damaged.db.damaged").is_file()
        snapshots.close()


class TestMemoryJournal(JournalContract):
    @pytest.fixture
    def journal(self):
        return MemoryJournal()


class TestSqliteJournal(JournalContract):
    @pytest.fixture
    def journal(self, tmp_path):
        journal = SqliteJournal(tmp_path / "journal.db")
        yield journal
        journal.close()

    def test_rows_survive_closing_and_numbers_go_on(self, tmp_path):
        first = SqliteJournal(tmp_path / "again.db")
        first.append([row(b"a")])
        first.close()
        second = SqliteJournal(tmp_path / "again.db")
        second.wait(second.append([row(b"b")]))
        assert [(seq, each.body) for seq, each in second.read()] == [(1, b"a"), (2, b"b")]
        second.close()

    def test_many_threads_append_without_losing_or_mixing_groups(self, journal):
        def add(name: int) -> None:
            for number in range(20):
                text = f"{name}/{number}".encode()
                journal.wait(journal.append([row(text + b"a"), row(text + b"b")]))

        threads = [threading.Thread(target=add, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        bodies = [each.body for _, each in journal.read()]
        assert len(bodies) == 320
        pairs = list(zip(bodies[::2], bodies[1::2], strict=True))
        assert all(one[:-1] == two[:-1] for one, two in pairs)

    def test_a_request_written_twice_is_refused_and_nothing_of_its_group_is_kept(self, tmp_path):
        journal = SqliteJournal(tmp_path / "twice.db")
        journal.wait(journal.append([row(b"a", request="r")]))
        last = journal.append([row(b"b"), row(b"c", request="r")])
        with pytest.raises(Unavailable, match="nothing acknowledged is lost"):
            journal.wait(last)
        journal.close()
        again = SqliteJournal(tmp_path / "twice.db")
        assert [each.body for _, each in again.read()] == [b"a"]
        again.close()

    def test_a_file_that_is_no_journal_is_refused_by_name(self, tmp_path):
        path = tmp_path / "notes.db"
        path.write_text("not a database, but long enough to be looked at as one" * 20)
        with pytest.raises(Broken, match=r"notes\.db"):
            SqliteJournal(path)

    def test_a_folder_that_is_not_there_is_named(self, tmp_path):
        with pytest.raises(Unavailable, match="nowhere"):
            SqliteJournal(tmp_path / "nowhere" / "journal.db")

    def test_a_second_writer_is_refused_until_the_first_has_closed(self, tmp_path):
        first = SqliteJournal(tmp_path / "one.db")
        with pytest.raises(Conflict, match="only process"):
            SqliteJournal(tmp_path / "one.db")
        first.close()
        SqliteJournal(tmp_path / "one.db").close()

    def test_a_file_of_one_partition_is_refused_to_another(self, tmp_path):
        SqliteJournal(tmp_path / "part.db", partition=2).close()
        with pytest.raises(Conflict, match="it holds 2"):
            SqliteJournal(tmp_path / "part.db", partition=3)
        SqliteJournal(tmp_path / "part.db", partition=2).close()

    def test_a_writer_that_was_replaced_can_never_append(self, tmp_path):
        old = SqliteJournal(tmp_path / "fenced.db")
        old.wait(old.append([row(b"a")]))
        old._lock.close()  # as on a file system that has lost its locks
        new = SqliteJournal(tmp_path / "fenced.db")
        new.wait(new.append([row(b"b")]))
        with pytest.raises(Conflict, match="took over"):
            old.wait(old.append([row(b"c")]))
        new.wait(new.append([row(b"d")]))
        assert [each.body for _, each in new.read()] == [b"a", b"b", b"d"]
        old.close()
        new.close()

    def test_a_reader_sees_what_is_durable_while_another_writes(self, journal, tmp_path):
        journal.wait(journal.append([row(b"a"), row(b"b", request="r")]))
        reader = SqliteReader(tmp_path / "journal.db")
        assert list(reader.read()) == list(journal.read())
        assert reader.last() == 2
        assert reader.find("r") == row(b"b", request="r")

    def test_a_reader_of_nothing_says_so(self, tmp_path):
        with pytest.raises(NotFound, match=r"none\.db"):
            SqliteReader(tmp_path / "none.db")

    def test_whatever_was_acknowledged_survives_kill_9(self, tmp_path):
        path = tmp_path / "killed.db"
        code = (
            "import sys\n"
            "from fabloop.adapters.sqlite import SqliteJournal\n"
            "from fabloop.base.journal import Row\n"
            f"j = SqliteJournal({str(path)!r})\n"
            "n = 0\n"
            "while True:\n"
            "    n += 1\n"
            "    j.wait(j.append([Row(stream='s', kind='k', version=1, at=n, body=b'%d' % n)]))\n"
            "    print(n, flush=True)\n"
        )
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            acknowledged = 0
            while acknowledged < 25:
                acknowledged = int(process.stdout.readline())
            os.kill(process.pid, signal.SIGKILL)
            acknowledged = int((process.stdout.read().split() or [acknowledged])[-1])
        journal = SqliteJournal(path)
        bodies = [int(each.body) for _, each in journal.read()]
        assert bodies[:acknowledged] == list(range(1, acknowledged + 1))
        assert len(bodies) <= acknowledged + 1
        journal.close()


class TestSqliteArchive(ArchiveContract):
    @pytest.fixture
    def journal(self, tmp_path):
        journal = SqliteJournal(tmp_path / "journal.db")
        yield journal
        journal.close()

    @pytest.fixture
    def archive(self, journal, tmp_path):
        archive = SqliteArchive(tmp_path / "journal.db")
        yield archive
        archive.close()

    def test_rows_that_were_copied_but_not_yet_deleted_are_read_once(self, filled, archive):
        archive._copy([1, 3])
        assert [each for _, each in filled.read()] == ROWS
        assert archive.move(["a"], 7, LATER) == 3
        assert [each for _, each in filled.read()] == ROWS

    def test_an_archive_that_was_only_just_begun_is_as_none(self, filled, tmp_path):
        (tmp_path / "journal.db-archive").touch()
        assert [each for _, each in filled.read()] == ROWS
        assert filled.find("r-1") == ROWS[0]

    def test_without_its_archive_a_journal_says_what_is_missing(self, filled, archive, tmp_path):
        archive.move(["a"], 7, LATER)
        archive.close()
        (tmp_path / "journal.db-archive").unlink()
        with pytest.raises(Broken, match=r"row 1 .*archive"):
            list(filled.read())
        assert [seq for seq, _ in filled.read(after=6)] == [7]

    def test_rows_are_moved_while_others_are_written_and_read(self, filled, archive):
        def write() -> None:
            for _ in range(200):
                filled.wait(filled.append([ROWS[1]]))

        writer = threading.Thread(target=write)
        writer.start()
        while writer.is_alive():
            archive.move(["a", "b", "c"], filled.last(), LATER)
            seqs = [seq for seq, _ in filled.read()]
            assert seqs == list(range(1, len(seqs) + 1))
        writer.join()
        assert len(list(filled.read())) == 207
