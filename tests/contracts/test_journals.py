"""Every journal against the one contract, and what only the durable one can show."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from contracts.journal_contract import JournalContract, row
from fabloop.adapters.sqlite import SqliteJournal
from fabloop.base.errors import Broken, Unavailable
from fabloop.base.journal import MemoryJournal


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
