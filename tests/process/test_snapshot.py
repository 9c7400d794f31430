"""A snapshot is what replaying gives; what is wrong with one is found, and done without."""

import pytest

from fabloop.base.errors import Broken
from fabloop.base.journal import MemoryJournal
from fabloop.base.snapshots import MemorySnapshots
from fabloop.process import recovery, snapshot
from fabloop.process.commands import Deploy, Done, StartInstance
from fabloop.process.engine import Engine
from fabloop.process.recovery import SNAPSHOTS_KEPT, answered, recover, save_snapshot
from fabloop.process.snapshot import DERIVED, TABLES, read_snapshot, write_snapshot
from fabloop.process.state import State
from process.driver import Plant, flows, job, process
from process.test_golden import history


@pytest.fixture(scope="module")
def plant():
    return history()


def test_every_table_of_the_state_is_in_a_snapshot():
    others = {"partition", "last_key", "calendar", "shelf", "_undo", "_rung", "_mark"}
    assert set(vars(State())) - others - DERIVED == set(TABLES)


def test_a_state_comes_back_at_every_row_of_a_history_and_goes_on_alike(plant):
    engine = Engine()
    for number, row in enumerate(plant.rows):
        engine.replay([row])
        if number % 7 == 0:
            copy = Engine()
            copy.state = read_snapshot(write_snapshot(engine.state))
            assert copy.state == engine.state
            assert copy.next_due() == engine.next_due()
            copy.replay(plant.rows[number + 1 :])
            assert copy.state == plant.engine.state


def test_equal_states_give_equal_bytes(plant):
    parts = list(write_snapshot(plant.engine.state))
    assert list(write_snapshot(read_snapshot(parts))) == parts


def test_jobs_are_handed_out_in_the_same_order_after_a_snapshot():
    plant = Plant()
    for _ in range(3):
        plant.starts(process(job("a"), links=flows("start a end")))
    first = plant.takes("do-a", seconds=1, limit=1)[0]
    plant.passes(2)
    plant.restores()
    ready = list(plant.replica.state.ready["do-a"])
    assert ready == list(plant.engine.state.ready["do-a"])
    assert ready[-1] == first.key


@pytest.mark.parametrize("part", [0, 1, 4])
@pytest.mark.parametrize("place", [0, 5, -1])
def test_one_flipped_bit_anywhere_is_found(plant, part, place):
    parts = [bytearray(each) for each in write_snapshot(plant.engine.state)]
    parts[part][place] ^= 4
    with pytest.raises(Broken, match="checksum"):
        read_snapshot(map(bytes, parts))


def test_a_missing_part_is_found(plant):
    parts = list(write_snapshot(plant.engine.state))
    with pytest.raises(Broken, match="chunks"):
        read_snapshot(parts[:-1])
    with pytest.raises(Broken, match="whole part"):
        read_snapshot([])


def test_a_snapshot_of_other_records_is_refused(plant, monkeypatch):
    parts = list(write_snapshot(plant.engine.state))
    monkeypatch.setattr(snapshot, "RECORDS_DIGEST", "of a later release")
    with pytest.raises(Broken, match="another's"):
        read_snapshot(parts)


# -- recovery -----------------------------------------------------------------------------------


@pytest.fixture
def kept(plant):
    """Return a journal of the history and snapshots at three of its rows."""
    journal, snapshots, engine = MemoryJournal(), MemorySnapshots(), Engine()
    for row in plant.rows:
        seq = journal.append([row])
        engine.replay([row])
        if seq in (10, 20, 30):
            save_snapshot(engine, seq, snapshots)
    return journal, snapshots


def test_recovery_reads_the_newest_snapshot_and_only_the_rows_after_it(plant, kept):
    found = recover(*kept)
    assert (found.snapshot, found.seq, found.refused) == (30, len(plant.rows), {})
    assert found.engine.state == plant.engine.state


@pytest.mark.parametrize("damaged", [(30,), (30, 20), (30, 20, 10)])
def test_a_damaged_snapshot_is_passed_over_for_an_older_one_or_the_whole_journal(
    plant, kept, damaged
):
    journal, snapshots = kept
    for seq in damaged:
        *parts, last = snapshots.parts(seq)
        snapshots.save(seq, [*parts, last[:-1]])
    found = recover(journal, snapshots)
    assert found.engine.state == plant.engine.state
    assert set(found.refused) == set(damaged)
    assert found.snapshot == {1: 20, 2: 10, 3: 0}[len(damaged)]


def test_a_snapshot_beyond_the_end_of_the_journal_is_not_used(plant, kept):
    journal, snapshots = kept
    shorter = MemoryJournal()
    shorter.append([row for _, row in journal.read()][:25])
    found = recover(shorter, snapshots)
    assert found.snapshot == 20
    assert "journal ends" in found.refused[30]


def test_without_snapshots_every_row_is_replayed(plant, kept):
    found = recover(kept[0])
    assert (found.snapshot, found.seq) == (0, len(plant.rows))
    assert found.engine.state == plant.engine.state


def test_old_snapshots_are_dropped(plant, kept):
    _, snapshots = kept
    for seq in (31, 32):
        save_snapshot(plant.engine, seq, snapshots)
    assert snapshots.known() == (32, 31, 30)
    assert len(snapshots.known()) == SNAPSHOTS_KEPT


def test_a_request_that_was_forgotten_is_answered_from_the_journal(monkeypatch):
    monkeypatch.setattr(recovery, "REQUESTS_REMEMBERED_MAX", 1)
    journal, engine = MemoryJournal(), Engine()
    made = process(job("a"), links=flows("start a end"))
    commands = {"d": Deploy(process=made), "s": StartInstance(process="p")}
    replies = {}
    for request, command in commands.items():
        outcome = engine.handle(command, at=1, request=request)
        journal.append(outcome.rows)
        replies[request] = outcome.reply
    del engine.state.requests["d"]
    assert answered(journal, engine, "d") == replies["d"] != Done()
    assert answered(journal, engine, "s") is None
    assert answered(journal, engine, "never") is None
    assert answered(journal, engine, "") is None
