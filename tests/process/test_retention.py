"""What has ended leaves the journal for its archive, and recovery never notices."""

import pytest

from fabloop.adapters.sqlite import SqliteArchive, SqliteJournal
from fabloop.base.instant import SECOND, Instant
from fabloop.base.snapshots import MemorySnapshots
from fabloop.process.commands import CompleteJob, Deploy, PublishMessage, StartInstance
from fabloop.process.engine import Engine
from fabloop.process.recovery import recover, save_snapshot
from fabloop.process.retention import archive_ended
from process.driver import flows, job, process

MADE = process(job("a"), links=flows("start a end"))


class Plant:
    """An engine over a file, with two instances that have ended and one that waits."""

    def __init__(self, path) -> None:
        self.journal = SqliteJournal(path)
        self.archive = SqliteArchive(path)
        self.snapshots = MemorySnapshots()
        self.engine = Engine()
        self.now = 0
        self.does(Deploy(process=MADE))
        for _ in range(3):
            self.does(StartInstance(process="p"))
        self.does(PublishMessage(name="M", correlation_key="k", time_to_live_ns=10**15))
        for key in list(self.engine.state.jobs)[:2]:
            self.does(CompleteJob(job=key))

    def does(self, command) -> None:
        self.now += SECOND
        outcome = self.engine.handle(command, at=Instant(self.now))
        self.journal.wait(self.journal.append(outcome.rows))

    def keeps(self) -> None:
        save_snapshot(self.engine, self.journal.last(), self.snapshots)

    def archives(self) -> int:
        return archive_ended(self.journal, self.snapshots, self.archive, Instant(self.now + 1))

    def live_streams(self) -> list[str]:
        return [
            each
            for (each,) in self.archive._live.execute("SELECT stream FROM journal ORDER BY seq")
        ]

    def close(self) -> None:
        self.archive.close()
        self.journal.close()


@pytest.fixture
def plant(tmp_path):
    plant = Plant(tmp_path / "journal.db")
    yield plant
    plant.close()


def test_rows_of_what_has_ended_are_moved_and_all_others_stay(plant):
    waits = f"instance/{plant.engine.instances()[0]}"
    plant.does(StartInstance(process="p"))
    plant.keeps()
    assert plant.archives() == 5  # start and end of two instances, and a message
    last = f"instance/{plant.engine.instances()[1]}"
    assert plant.live_streams() == ["definitions", waits, last]


def test_recovery_is_the_same_from_the_snapshot_and_from_all_rows(plant):
    plant.keeps()
    plant.does(StartInstance(process="p"))
    assert plant.archives() > 0
    assert recover(plant.journal, plant.snapshots).engine.state == plant.engine.state
    assert recover(plant.journal).engine.state == plant.engine.state


def test_without_a_snapshot_nothing_is_moved(plant):
    assert plant.archives() == 0


def test_a_snapshot_that_cannot_be_read_guards_nothing(plant):
    plant.keeps()
    seq = plant.snapshots.known()[0]
    plant.snapshots.save(seq, [b"damaged"])
    assert plant.archives() == 0


def test_what_ended_after_the_snapshot_stays(tmp_path):
    plant = Plant(tmp_path / "other.db")
    plant.keeps()
    ended = plant.engine.instances()[0]
    plant.does(CompleteJob(job=next(iter(plant.engine.state.jobs))))
    plant.archives()
    assert plant.live_streams().count(f"instance/{ended}") == 2
    assert recover(plant.journal, plant.snapshots).engine.state == plant.engine.state
    plant.close()


def test_what_ended_lately_stays(plant):
    plant.keeps()
    moved = archive_ended(
        plant.journal, plant.snapshots, plant.archive, Instant(plant.now - SECOND // 2)
    )
    assert moved == 3  # one instance and the message; the other ended just now
