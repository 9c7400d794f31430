"""The host of a cloud: what it has acknowledged is there again, whatever ended it."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from fabloop.app.cloud import host as host_module
from fabloop.app.cloud.folder import open_cloud
from fabloop.app.cloud.host import host_of, recovered
from fabloop.app.processes.clocks import SteppedClock
from fabloop.base.errors import Broken, Conflict, Invalid, Unavailable
from fabloop.base.instant import SECOND, Instant
from fabloop.base.journal import MemoryJournal, Row
from fabloop.base.snapshots import MemorySnapshots
from fabloop.services.cloud.orchestrate import Pull, Rules
from fabloop.services.cloud.records import Form, Lock, ServiceInstance, System
from fabloop.services.cloud.registry import (
    RegisterServices,
    RegisterSystems,
    ServiceEntry,
    SystemEntry,
)
from small_cloud import START, SeededCrypto, SmallCloud


def systems(*names: str) -> RegisterSystems:
    return RegisterSystems(entries=tuple(SystemEntry(name=each) for each in names))


def names(state, _at) -> list[str]:
    return list(state.table(System))


def test_a_folder_holds_its_cloud_and_has_one_owner(tmp_path):
    with open_cloud(tmp_path) as cloud:
        cloud.submit(systems("Alpha"))
        with pytest.raises(Conflict):
            open_cloud(tmp_path)
    with open_cloud(tmp_path) as cloud:
        assert cloud.query(names) == ["Alpha"]
        assert (tmp_path / "cloud.key").stat().st_mode & 0o077 == 0


def test_tokens_are_known_again_after_a_restart(tmp_path):
    with open_cloud(tmp_path) as cloud:
        first = cloud.crypto.reference("secret")
    with open_cloud(tmp_path) as cloud:
        assert cloud.crypto.reference("secret") == first


CHILD = textwrap.dedent("""
    import sys
    from fabloop.app.cloud.folder import open_cloud
    from fabloop.services.cloud.registry import RegisterSystems, SystemEntry
    cloud = open_cloud(sys.argv[1])
    for number in range(100_000):
        cloud.submit(RegisterSystems(entries=(SystemEntry(name=f"S{number}"),)))
        print(number, flush=True)
""")


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, env=os.environ
    )
    assert child.stdout is not None
    seen = [int(child.stdout.readline()) for _ in range(30)]
    child.send_signal(signal.SIGKILL)
    rest = child.stdout.read().split()
    child.wait()
    child.stdout.close()
    acknowledged = [*seen, *map(int, rest)]
    with open_cloud(tmp_path) as cloud:
        kept = set(cloud.query(names))
    assert {f"S{number}" for number in acknowledged} <= kept
    assert len(kept) <= len(acknowledged) + 1


def test_many_tasks_share_the_disk_and_each_gets_its_answer(tmp_path):
    async def all_at_once(cloud):
        replies = await asyncio.gather(*(cloud.do(systems(f"S{n}")) for n in range(200)))
        return [each[0].name for each in replies], await cloud.ask(names)

    with open_cloud(tmp_path) as cloud:
        got, known = asyncio.run(all_at_once(cloud))
    assert got == [f"S{n}" for n in range(200)]
    assert sorted(known) == sorted(got)


def test_one_offer_is_held_by_one_of_many_who_ask_at_once(tmp_path):
    small = SmallCloud()
    with open_cloud(tmp_path) as cloud:
        cloud.submit(systems("Arm"))
        entry = ServiceEntry(
            provider="Arm",
            definition="welding",
            metadata={"allowExclusivity": 60},
            interfaces=(small.http(),),
        )
        cloud.submit(RegisterServices(entries=(entry,)))
        form = Form(definition="welding", exclusivity_s=30)
        got: list[int] = []

        def ask() -> None:
            pull = Pull(form=form, requester="Cell", rules=Rules(authorised=False))
            got.append(len(cloud.submit(pull).bindings))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert sorted(got) == [0] * 7 + [1]


def test_a_refusal_and_a_bug_are_told_and_the_host_goes_on():
    class Bug:
        def decide(self, state, moment):
            raise ZeroDivisionError

    with host_of(MemoryJournal(), SteppedClock(START), SeededCrypto()) as cloud:
        with pytest.raises(Invalid):
            cloud.submit(RegisterSystems(entries=(SystemEntry(name="A", device="X"),)))
        with pytest.raises(Broken, match="Bug"):
            cloud.submit(Bug())
        cloud.submit(systems("Alpha"))
        assert cloud.query(names) == ["Alpha"]
    with pytest.raises(Unavailable, match="is closed"):
        cloud.submit(systems("Beta"))


class FullDisk(MemoryJournal):
    """A journal whose disk is full from some row on."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self._left = rows

    def append(self, rows):
        if self._left == 0:
            raise Unavailable("Expected the disk to have room, but it has none.")
        self._left -= 1
        return super().append(rows)


def test_nobody_is_told_what_could_not_be_written():
    cloud = host_of(FullDisk(2), SteppedClock(START), SeededCrypto())
    cloud.submit(systems("Alpha"))
    with pytest.raises(Unavailable, match="the disk to have room"):
        cloud.submit(systems("Beta"))
    with pytest.raises(Unavailable, match="nothing that was acknowledged is lost"):
        cloud.query(names)
    cloud.close()


def test_what_expired_is_swept_in_time(monkeypatch):
    monkeypatch.setattr(host_module, "SWEEP_S", 0.01)
    clock = SteppedClock(START)
    swept = threading.Event()
    with host_of(MemoryJournal(), clock, SeededCrypto()) as cloud:
        small = SmallCloud()
        cloud.submit(systems("Arm"))
        entry = ServiceEntry(
            provider="Arm",
            definition="welding",
            interfaces=(small.http(),),
            expires_at=Instant(START + SECOND),
        )
        cloud.submit(RegisterServices(entries=(entry,)))
        cloud.listen(swept.set)
        clock.set(Instant(START + 2 * SECOND))
        assert swept.wait(10)
        assert cloud.query(lambda state, _: dict(state.table(ServiceInstance))) == {}
        assert cloud.query(lambda state, _: dict(state.table(Lock))) == {}


def test_a_start_reads_the_newest_snapshot_that_is_whole_and_the_rows_after_it(monkeypatch):
    monkeypatch.setattr(host_module, "ROWS_PER_SNAPSHOT", 3)
    journal, snapshots = MemoryJournal(), MemorySnapshots()
    for batch in ("ABCD", "EFGH", "I"):
        with host_of(journal, SteppedClock(START), SeededCrypto(), snapshots) as cloud:
            for each in batch:
                cloud.submit(systems(each))
    assert len(snapshots.known()) == 2
    assert names(recovered(journal, snapshots), START) == list("ABCDEFGHI")
    newest = snapshots.known()[0]
    snapshots.save(newest, [b"\xc1"])
    assert names(recovered(journal, snapshots), START) == list("ABCDEFGHI")
    snapshots.drop(newest)
    assert names(recovered(journal), START) == list("ABCDEFGHI")


def test_a_journal_of_something_else_is_refused():
    journal = MemoryJournal()
    journal.append([Row(stream="x", kind="process", body=b"", version=1, at=START)])
    with pytest.raises(Broken, match="Expected row 1 of kind 'cloud'"):
        recovered(journal)


def test_what_could_not_be_read_again_is_refused_and_nothing_is_done(tmp_path):
    with open_cloud(tmp_path) as host:
        for metadata in ({"far": 10**30}, {1: "one"}, {"thing": object()}):
            entry = SystemEntry(name="Robot", metadata=metadata)
            with pytest.raises(Invalid, match="numbers from"):
                host.submit(RegisterSystems(entries=(entry,)))
        assert host.query(lambda state, _: "Robot" in state.table(System)) is False
    open_cloud(tmp_path).close()


def test_what_a_caller_changes_afterwards_does_not_reach_the_cloud(tmp_path):
    metadata = {"hall": 1}
    with open_cloud(tmp_path) as host:
        host.submit(RegisterSystems(entries=(SystemEntry(name="Robot", metadata=metadata),)))
        metadata["hall"] = 2
        kept = host.query(lambda state, _: state.table(System)["Robot"].metadata)
    assert kept == {"hall": 1}
