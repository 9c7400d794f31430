"""Crashes, full disks, damaged files, too many readings: nothing acknowledged is lost."""

import errno
import random
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from adapters.historian.killed import BATCH, SERIES, RealClock
from adapters.historian.plant import NOON, QUICK, HandClock, kept, opened, same, walk
from adapters.historian.test_historian import FAR
from fabloop.adapters.historian import Historian, HistorianReader, Options, Overflow
from fabloop.adapters.historian.frames import FILE_HEAD, Frame, SegmentWriter, read_segment
from fabloop.base.errors import Broken, NotFound, Unavailable
from fabloop.base.instant import DAY, HOUR, SECOND, Instant
from fabloop.sense.readings.batch import batch_of, joined
from fabloop.sense.readings.settle import of_series, settled

ROUNDS = 3


def run_until_killed(folder, start, first, after):
    """Run a process that keeps readings, kill it, and return the last batch it acknowledged."""
    process = subprocess.Popen(
        [
            sys.executable,
            str(Path(__file__).with_name("killed.py")),
            str(folder),
            str(start),
            str(first),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    last = first - 1
    for line in process.stdout:
        last = int(line)
        if last >= first + after:
            break
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read().split("\n")[:-1]
    process.wait()
    process.stdout.close()
    return int(rest[-1]) if rest else last


def test_what_was_acknowledged_is_there_after_each_kill(tmp_path):
    start = (RealClock().now() // HOUR - 3) * HOUR
    chance = random.Random(5)
    first = 0
    for _ in range(ROUNDS):
        acknowledged = run_until_killed(tmp_path, start, first, chance.randint(40, 150))
        historian = Historian(tmp_path, RealClock(), QUICK)
        for number in range(SERIES):
            found = historian.query.range(number, Instant(start), Instant(start + DAY))
            place = np.rint(found.values * 8).astype(np.int64)
            assert (found.times == start + place * 1_000_000).all()
            expected = np.arange(number, (acknowledged + 1) * BATCH, SERIES)
            assert np.isin(expected, place).all()
            assert len(place) == len(np.unique(place))
            assert len(place) * SERIES % BATCH == 0
        newest = historian.query.latest()
        assert newest.times.max() >= start + ((acknowledged + 1) * BATCH - 1) * 1_000_000
        first = int(newest.values.max() * 8) // BATCH + 1
        historian.close()
    assert not list(tmp_path.rglob("*.tmp"))


def frames_in(path, batches):
    writer = SegmentWriter(path)
    for number, batch in enumerate(batches, start=1):
        writer.append(Frame(number, batch))
    writer.close()


def test_a_commit_that_was_not_finished_is_dropped_and_the_ones_before_are_read(tmp_path):
    batches = [batch_of([n, n + 1], 0, [1.0, 2.0]) for n in range(3)]
    frames_in(tmp_path / "whole", batches)
    data = (tmp_path / "whole").read_bytes()
    ends = [24, *(24 + (len(data) - 24) // 3 * n for n in (1, 2, 3))]
    for size in range(len(data)):
        (tmp_path / "torn").write_bytes(data[:size])
        frames, damages = read_segment(tmp_path / "torn")
        assert len(frames) == sum(end <= size for end in ends[1:])
        assert [each.torn for each in damages] == ([] if size in (0, *range(25), *ends) else [True])


def test_a_flipped_bit_costs_one_frame_and_those_behind_are_found_again(tmp_path):
    batches = [batch_of([n, n + 1], 0, [1.0, 2.0]) for n in range(4)]
    frames_in(tmp_path / "whole", batches)
    data = bytearray((tmp_path / "whole").read_bytes())
    size = (len(data) - 24) // 4
    chance = random.Random(1)
    for _ in range(100):
        at, bit = chance.randrange(24 + size, 24 + 2 * size), 1 << chance.randrange(8)
        data[at] ^= bit
        (tmp_path / "flipped").write_bytes(data)
        frames, damages = read_segment(tmp_path / "flipped")
        assert [frame.sequence for frame in frames] == [1, 3, 4]
        assert [(each.offset, each.bytes, each.torn) for each in damages] == [
            (24 + size, size, False)
        ]
        data[at] ^= bit


def test_a_damaged_hot_log_is_told_kept_aside_and_the_rest_is_stored(tmp_path):
    historian = opened(tmp_path)
    for n in range(3):
        kept(historian, batch_of([NOON + n], 0, [float(n)]))
    historian.close()
    log = next((tmp_path / "hot").glob("*.log"))
    data = bytearray(log.read_bytes())
    data[24 + 64 + 45] ^= 4
    log.write_bytes(data)
    again = opened(tmp_path)
    assert again.query.range(0, NOON, FAR).values.tolist() == [0.0, 2.0]
    again.settle()
    assert "64 bytes from byte 88 on are damaged" in again.health().damaged[0]
    again.close()
    third = opened(tmp_path)
    assert "were damaged" in third.health().damaged[0]
    assert third.query.range(0, NOON, FAR).values.tolist() == [0.0, 2.0]
    third.close()
    assert len(list((tmp_path / "hot").glob("*.damaged"))) == 1


def test_a_hot_log_of_a_newer_version_is_not_touched(tmp_path):
    (tmp_path / "new").write_bytes(FILE_HEAD + (2).to_bytes(4, "little") + bytes(4))
    with pytest.raises(Broken, match="found version 2"):
        read_segment(tmp_path / "new")


def test_a_damaged_row_group_is_named_and_the_rest_of_the_file_is_read(tmp_path):
    historian = opened(tmp_path, count=8)
    told = walk(np.random.default_rng(1), 80_000, series_count=8)
    kept(historian, told)
    historian.settle()
    historian.close()
    path = next((tmp_path / "raw").rglob("*.parquet"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    again = opened(tmp_path)
    expected = settled(told).batch
    found = [again.query.range(n, NOON, FAR) for n in range(8)]
    whole = [len(each) == len(of_series(expected, n)) for n, each in enumerate(found)]
    assert whole.count(False) in (1, 2, 3, 4)
    assert whole[0]
    assert whole[7]
    (damage,) = again.health().damaged
    assert "is damaged and was skipped; the rest is read" in damage
    assert path.name in damage
    kept(again, batch_of([NOON + 7], 0, [1.5]))
    again.settle()
    assert path.exists(), "what is damaged is not joined, since that would lose it for good"
    again.close()


def test_a_file_that_is_no_parquet_any_more_is_named_and_all_others_are_read(tmp_path):
    historian = opened(tmp_path)
    kept(historian, batch_of([NOON, NOON + HOUR], 0, [1.0, 2.0]))
    historian.settle()
    historian.close()
    first, _ = sorted((tmp_path / "raw").rglob("*.parquet"))
    first.write_bytes(b"gone")
    again = opened(tmp_path)
    assert again.query.range(0, NOON, FAR).values.tolist() == [2.0]
    assert "cannot be read at all" in again.health().damaged[0]
    again.close()


def test_minutes_that_are_damaged_are_named_and_the_readings_still_read(tmp_path):
    historian = opened(tmp_path, count=4)
    told = walk(np.random.default_rng(1), 40_000)
    kept(historian, told)
    historian.settle()
    historian.close()
    reader = HistorianReader(tmp_path)
    assert reader.check() == (len(settled(told).batch), ())
    reader.close()
    path = next((tmp_path / "rollup_1m").rglob("*.parquet"))
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 255
    path.write_bytes(data)
    reader = HistorianReader(tmp_path)
    count, damages = reader.check()
    assert count == len(settled(told).batch)
    assert [each.partition(": ")[2][:34] for each in damages] == [
        "minutes that cannot be read and we"
    ]
    reader.close()
    for raw in (tmp_path / "raw").rglob("*.parquet"):
        raw.unlink()
    again = opened(tmp_path, HandClock(NOON + 2 * DAY))
    assert not len(again.query.range(0, NOON, FAR))
    assert "there is no such file any more" in again.health().damaged[0]
    kept(again, batch_of([NOON + HOUR], 0, [1.0]))
    again.settle()
    assert again.query.range(0, NOON, FAR).values.tolist() == [1.0]
    assert again.health().trouble == ""
    again.close()


def test_when_the_disk_is_full_new_readings_are_refused_and_storing_goes_on_by_itself(tmp_path):
    free = 10**12
    historian = opened(tmp_path, free_bytes=lambda _: free)
    kept(historian, batch_of([NOON], 0, [1.0]))
    free = 0
    number = historian.keep(batch_of([NOON + 1], 0, [2.0]))
    assert not historian.wait(number, 0.3)
    assert "Expected room on the disk" in historian.health().trouble
    with pytest.raises(Unavailable, match="storing goes on by itself"):
        historian.keep(batch_of([NOON + 2], 0, [3.0]))
    assert historian.query.range(0, NOON, FAR).values.tolist() == [1.0]
    free = 10**12
    assert historian.wait(number, 20)
    assert historian.health().trouble == ""
    kept(historian, batch_of([NOON + 3], 0, [4.0]))
    assert historian.query.range(0, NOON, FAR).values.tolist() == [1.0, 2.0, 4.0]
    historian.close()


def test_a_commit_that_the_system_cuts_short_leaves_the_log_as_it_was(tmp_path):
    writer = SegmentWriter(tmp_path / "log")
    writer.append(Frame(1, batch_of([1], 0, [1.0])))
    size = (tmp_path / "log").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 1_000, hard))
    try:
        with pytest.raises(OSError, match="too large") as raised:
            writer.append(Frame(2, batch_of(np.arange(1_000), 0, np.arange(1_000) / 4)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert raised.value.errno == errno.EFBIG
    assert (tmp_path / "log").stat().st_size == size
    writer.append(Frame(3, batch_of([3], 0, [3.0])))
    writer.close()
    frames, damages = read_segment(tmp_path / "log")
    assert [frame.sequence for frame in frames] == [1, 3]
    assert not damages


def test_sealing_that_fails_is_told_and_tried_again_and_loses_nothing(tmp_path):
    historian = opened(tmp_path)
    kept(historian, batch_of([NOON], 0, [1.0]))
    (tmp_path / "raw").write_text("a file where a folder should be")
    with pytest.raises(OSError, match=r"exists|Not a directory"):
        historian.settle()
    assert historian.query.range(0, NOON, FAR).values.tolist() == [1.0]
    (tmp_path / "raw").unlink()
    historian.settle()
    assert historian.health().hot == 0
    assert historian.query.range(0, NOON, FAR).values.tolist() == [1.0]
    historian.close()


def slow_disk(folder, overflow):
    """A historian whose disk takes nothing until the event is set."""
    free = threading.Event()
    historian = opened(
        folder,
        options=Options(commit_ns=SECOND // 100, pending_max=10, overflow=overflow),
        free_bytes=lambda _: 10**12 if free.wait(20) else 0,
    )
    return historian, free


def test_ten_times_too_many_readings_are_refused_and_none_is_half_taken(tmp_path):
    historian, free = slow_disk(tmp_path, Overflow.REFUSE)
    taken = 0
    for n in range(20):
        try:
            historian.keep(batch_of([NOON + 5 * n + k for k in range(5)], 0, range(5)))
            taken += 1
        except Unavailable as error:
            assert "Bring them again later" in str(error)  # noqa: PT017
    free.set()
    historian.settle()
    historian.close()
    again = opened(tmp_path)
    assert len(again.query.range(0, NOON, FAR)) == 5 * taken
    assert taken < 5
    again.close()


def test_dropping_is_counted_where_it_was_chosen(tmp_path):
    historian, free = slow_disk(tmp_path, Overflow.DROP)
    for n in range(20):
        historian.keep(batch_of([NOON + 5 * n + k for k in range(5)], 0, range(5)))
    dropped = historian.health().dropped
    free.set()
    historian.close()
    again = opened(tmp_path)
    assert len(again.query.range(0, NOON, FAR)) == 100 - dropped
    assert dropped >= 75
    again.close()


def test_whoever_chose_to_wait_goes_on_when_there_is_room(tmp_path):
    historian, free = slow_disk(tmp_path, Overflow.WAIT)
    told = [batch_of([NOON + 5 * n + k for k in range(5)], 0, range(5)) for n in range(20)]
    thread = threading.Thread(target=lambda: [historian.keep(each) for each in told])
    thread.start()
    free.set()
    thread.join(20)
    assert not thread.is_alive()
    historian.close()
    again = opened(tmp_path)
    same(again.query.range(0, NOON, FAR), joined(told))
    again.close()


def test_waiting_ends_when_a_store_is_closed_while_its_disk_is_full(tmp_path):
    historian = opened(tmp_path, free_bytes=lambda _: 0)
    number = historian.keep(batch_of([NOON], 0, [1.0]))
    waited = []
    thread = threading.Thread(target=lambda: waited.append(historian.wait(number)))
    thread.start()
    historian.close()
    thread.join(20)
    assert waited == [False]
    assert "Free some" in historian.health().trouble


def test_columns_that_are_written_to_after_their_commit_are_not_seen_to_change(tmp_path):
    historian = opened(tmp_path)
    values = np.array([1.0, 2.0])
    kept(historian, batch_of([NOON, NOON + 1], 0, values))
    values[:] = 9.0
    assert historian.query.range(0, NOON, FAR).values.tolist() == [1.0, 2.0]
    historian.close()


def test_a_folder_without_readings_is_told_to_whoever_only_reads(tmp_path):
    with pytest.raises(NotFound, match="found no manifest"):
        HistorianReader(tmp_path)


def test_a_closed_historian_takes_nothing(tmp_path):
    historian = opened(tmp_path, clock=HandClock())
    historian.close()
    with pytest.raises(Unavailable, match="closed"):
        historian.keep(batch_of([NOON], 0, [1.0]))
    assert not list((tmp_path / "hot").iterdir())
