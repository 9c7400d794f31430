"""Instances that rest as bytes are the ones they were, for whoever asks."""

import pytest

from fabloop.base.instant import SECOND
from fabloop.base.journal import MemoryJournal
from fabloop.base.snapshots import MemorySnapshots
from fabloop.process import passive
from fabloop.process.commands import (
    AdvanceTo,
    CancelInstance,
    CompleteJob,
    Deploy,
    FailJob,
    PublishMessage,
    StartInstance,
)
from fabloop.process.engine import Engine
from fabloop.process.recovery import recover, save_snapshot
from fabloop.process.shelf import Shelf
from fabloop.process.snapshot import read_snapshot, write_snapshot
from process.driver import Plant, both, call, flows, job, message, page, process, timer
from process.test_golden import history, summary
from process.test_pages import station

INNER = process(job("w"), links=flows("start w end"), id="inner")
WAITS = process(
    job("a"), timer("t", "a", "PT9S"), message("m", "M", "k"), call("c", "inner"),
    links=flows("start a m c end", "t end"),
)  # fmt: skip


@pytest.fixture
def plant():
    """Return an engine of five instances, of which two may stay in memory."""
    plant = Plant()
    plant.does(Deploy(process=INNER))
    plant.does(Deploy(process=WAITS))
    for number in range(5):
        plant.does(StartInstance(process="p", variables={"k": f"k{number}"}))
    return plant


@pytest.fixture
def resting(plant, monkeypatch):
    """Return an engine of five instances that all rest, and one where none does."""
    engine, twin = Engine(), Engine()
    engine.replay(plant.rows)
    twin.replay(plant.rows)
    passive.lay_down(engine.state, 5)
    return engine, twin


def asleep(engine: Engine) -> int:
    return engine.state.shelf.number_of_groups()


def test_what_was_touched_longest_ago_rests(plant, monkeypatch):
    monkeypatch.setattr(passive, "ROOTS_IN_MEMORY_MAX", 2)
    engine = Engine()
    engine.replay(plant.rows)
    assert asleep(engine) == 3
    awake = [each.key for each in dict.values(engine.state.instances)]
    assert awake == list(plant.engine.instances()[3:])
    engine.handle(CompleteJob(job=plant.engine.jobs(instance=plant.engine.instances()[0])[0].key),
        at=plant.now)  # fmt: skip
    assert asleep(engine) == 3
    assert plant.engine.instances()[0] in dict.keys(engine.state.instances)


def test_queries_find_what_rests_and_nothing_else(resting):
    engine, twin = resting
    assert asleep(engine) == 5
    assert engine.instances() == twin.instances()
    passive.lay_down(engine.state, 5)
    assert summary(engine) == summary(twin)
    passive.lay_down(engine.state, 5)
    assert 10**9 not in engine.state.acts
    assert engine.state.frames.get(10**9) is None
    with pytest.raises(KeyError):
        engine.state.jobs[10**9]
    assert (len(engine.state.jobs), len(engine.state.instances)) == (5, 5)
    assert asleep(engine) == 5


def test_lists_wake_only_what_they_show(resting):
    engine, twin = resting
    assert engine.instances() == twin.instances()
    assert asleep(engine) == 5
    last = twin.instances()[-1]
    assert engine.jobs(instance=last) == twin.jobs(instance=last)
    assert asleep(engine) == 4
    assert engine.jobs(job_type="none") == ()
    assert engine.jobs(instance=10**9) == ()
    assert asleep(engine) == 4
    assert engine.jobs(job_type="do-a") == twin.jobs(job_type="do-a")
    assert asleep(engine) == 0


def test_work_messages_and_time_wake_only_whom_they_concern(resting):
    engine, twin = resting
    job = next(iter(twin.state.jobs))
    for each in resting:
        each.handle(CompleteJob(job=job), at=1_001 * SECOND)
    assert asleep(engine) == 4
    passive.lay_down(engine.state, 5)
    for each in resting:
        each.handle(PublishMessage(name="M", correlation_key="k0"), at=1_002 * SECOND)
    assert asleep(engine) == 4
    passive.lay_down(engine.state, 5)
    due = engine.next_due()
    assert due == twin.next_due()
    for each in resting:
        each.handle(AdvanceTo(now=due), at=due)
    assert engine.state == twin.state


def test_a_call_rests_and_wakes_with_its_caller(resting):
    engine, twin = resting
    root = twin.instances()[0]
    commands = [
        CompleteJob(job=twin.jobs(instance=root)[0].key),
        PublishMessage(name="M", correlation_key="k0"),
    ]
    for command in commands:
        for each in resting:
            each.handle(command, at=1_001 * SECOND)
    passive.lay_down(engine.state, 5)
    assert asleep(engine) == 5
    inner = twin.state.jobs[max(twin.state.jobs)]
    for each in resting:
        each.handle(CompleteJob(job=inner.key), at=1_002 * SECOND)
    assert root not in engine.instances()
    assert engine.state == twin.state
    for each in resting:
        each.handle(CancelInstance(instance=each.instances()[0]), at=1_003 * SECOND)
    assert engine.state == twin.state


def test_what_needs_a_person_stays_awake(resting):
    engine, _ = resting
    job = next(iter(engine.state.jobs))
    engine.handle(FailJob(job=job, retries=0), at=1_001 * SECOND)
    passive.lay_down(engine.state, 5)
    assert asleep(engine) == 4
    assert [each.act for each in engine.incidents()] == [job]


def test_a_snapshot_keeps_asleep_what_rests(resting):
    engine, twin = resting
    parts = list(write_snapshot(engine.state))
    assert asleep(engine) == 5
    copy = Engine()
    copy.state = read_snapshot(parts)
    assert asleep(copy) == 5
    assert copy.next_due() == twin.next_due()
    assert asleep(copy) == 4  # the one that is due first was looked at
    assert copy.state == twin.state


def test_the_whole_history_is_the_same_when_everything_rests_before_each_command(monkeypatch):
    expected = summary(history().engine)
    monkeypatch.setattr(Plant, "rests", True)
    assert summary(history().engine) == expected


def test_pages_share_their_places_again_when_they_wake():
    plant = Plant()
    plant.rests = True

    made = process(
        both("f"), page("x", "n"), page("y", "n"), both("g"),
        links=flows("start f x g end", "f y g"),
    )  # fmt: skip
    key = plant.starts(made, nets=(station("n").document(),))
    for _ in range(2):  # one robot for both pages: the second waits until the first gives it back
        (only,) = plant.engine.jobs()
        plant.does(CompleteJob(job=only.key))
    assert key not in plant.engine.instances()


def test_a_shelf_gives_back_what_was_put_there_and_uses_room_again():
    shelf = Shelf(2)
    shelf.put([1, 5_000, 9_000_000_000], [1, 2], b"one")
    shelf.put([2, 3], [1, 1], b"two")
    assert [shelf.group(key) for key in (1, 5_000, 9_000_000_000, 2, 3)] == [b"one"] * 3 + [
        b"two"
    ] * 2
    assert (len(shelf), shelf.number_of_groups(), shelf.counts) == (5, 2, [2, 3])
    assert 4 not in shelf
    assert 10**12 not in shelf
    shelf.remove([1, 5_000, 9_000_000_000], [1, 2])
    assert shelf.group(5_000) is None
    shelf.put([7], [1, 0], b"three")
    assert sorted(shelf.groups()) == [([2, 3], b"two"), ([7], b"three")]
    assert len(shelf._groups) == 2


def test_recovery_over_a_snapshot_of_what_rests_is_the_same(plant, monkeypatch):
    monkeypatch.setattr(passive, "ROOTS_IN_MEMORY_MAX", 1)
    journal, snapshots, engine = MemoryJournal(), MemorySnapshots(), Engine()
    for number, row in enumerate(plant.rows):
        engine.replay([row])
        seq = journal.append([row])
        if number == len(plant.rows) - 2:
            save_snapshot(engine, seq, snapshots)
    found = recover(journal, snapshots)
    assert asleep(found.engine) >= 3
    assert found.engine.state == plant.engine.state
