"""The buffer: what was told is there after a crash, goes on in order, and never grows too large."""

import asyncio
import shutil

import apsw
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.source_contract import Rig
from fabloop.adapters.buffer import Buffered, WhenFull
from fabloop.adapters.buffer import source as module
from fabloop.adapters.buffer.spool import BATCH_READINGS_MAX, Spool
from fabloop.app.ingest import pump
from fabloop.base.errors import Broken, Unavailable
from fabloop.sense.readings.batch import batch_of, joined
from fabloop.sense.readings.ports import SourceHealth
from fabloop.sense.readings.series import Catalogue, Series


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(module, "COMMIT_S", 0.02)


def series(name):
    return Series(source="edge", address=name, name=name)


class Teller:
    """A source that tells what the test says, each value at its own time."""

    name = "edge"

    def __init__(self, names=("load",)) -> None:
        self.names = names
        self.queue = asyncio.Queue()
        self.asked = 0
        self.safe = 0

    def tell(self, *values):
        self.queue.put_nowait(values)

    def close(self):
        self.queue.put_nowait(None)

    def health(self):
        return SourceHealth(connected=True, refused={"not-a-number": 2})

    def settled(self, batches):
        self.safe = batches

    async def batches(self, catalogue):
        numbers = [catalogue.number(series(name)) for name in self.names]
        while True:
            self.asked += 1
            values = await self.queue.get()
            if values is None:
                return
            yield batch_of(list(map(int, values)), numbers[-1], values)


class Away:
    """A store that cannot be reached."""

    def keep(self, batch):
        raise Unavailable("Expected a store, but found none.")

    def durable(self):
        return 0


def plant(file, **options):
    teller = Teller()
    rig = Rig(Buffered(teller, file, **options), teller)
    return rig, teller


def values_of(rig):
    return joined(rig.kept.batches).values.tolist()


def test_readings_pass_through_and_the_disk_forgets_them(tmp_path):
    async def story():
        rig, teller = plant(tmp_path / "b.db")
        async with rig.running():
            for value in range(5):
                teller.tell(float(value))
            await rig.until(lambda: len(rig.kept) == 5 and teller.safe == 5)
        return rig

    rig = asyncio.run(story())
    assert values_of(rig) == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert rig.source.waiting == 0
    assert rig.source.health().refused == {"not-a-number": 2}


async def told_without_a_store(file, values):
    """Tell a source whose store is away until all is on disk; return what a power cut leaves."""
    rig, teller = plant(file)
    pumping = asyncio.create_task(pump(rig.source, Away(), Catalogue()))
    for safe, value in enumerate(values, 1):
        teller.tell(value)
        await rig.until(lambda safe=safe: teller.safe == safe)
    assert rig.source.waiting == len(values)
    gone = file.with_name("power-cut")
    gone.mkdir()
    for each in file.parent.glob(f"{file.name}*"):
        shutil.copy(each, gone)
    pumping.cancel()
    await asyncio.wait([pumping])
    return gone / file.name


def test_what_was_on_disk_when_the_power_went_goes_on_first_and_in_order(tmp_path):
    async def later(file):
        rig, teller = plant(file)
        teller.tell(9.0)
        async with rig.running():
            await rig.until(lambda: len(rig.kept) == 4)
        return rig

    left = asyncio.run(told_without_a_store(tmp_path / "b.db", [1.0, 2.0, 3.0]))
    assert values_of(asyncio.run(later(left))) == [1.0, 2.0, 3.0, 9.0]


def test_numbers_of_series_are_those_of_the_store(tmp_path):
    async def story():
        teller = Teller(names=("a", "b"))
        rig = Rig(Buffered(teller, tmp_path / "b.db"), teller)
        rig.catalogue = Catalogue([series("x"), series("b")])
        async with rig.running():
            teller.tell(1.0)
            await rig.until(lambda: len(rig.kept) == 1)
        return rig

    rig = asyncio.run(story())
    assert rig.of("b") == [(1, 1.0, 192)]
    assert [each.name for each in rig.catalogue] == ["x", "b", "a"]


def test_at_the_limit_the_source_is_held_back_and_nothing_is_lost(tmp_path):
    async def story():
        rig, teller = plant(tmp_path / "b.db", bytes_max=500)
        rig.kept.is_durable = False
        async with rig.running():
            for value in range(100):
                teller.tell(float(value))
                await asyncio.sleep(0)
            await rig.until(lambda: "held back" in rig.source.health().trouble)
            assert teller.safe < 100
            rig.kept.is_durable = True
            await rig.until(lambda: len(rig.kept) == 100)
        return rig

    rig = asyncio.run(story())
    assert values_of(rig) == [float(value) for value in range(100)]
    assert rig.source.health().refused == {"not-a-number": 2}


def test_at_the_limit_the_oldest_may_be_dropped_and_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "FORWARDED_MAX", 1)

    async def story():
        rig, teller = plant(tmp_path / "b.db", bytes_max=2_000, when_full=WhenFull.DROP_OLDEST)
        reachable, rig.kept = rig.kept, Away()
        rig.kept.keep = lambda batch: reachable.keep(batch) if is_back else Away().keep(batch)
        rig.kept.durable = reachable.durable
        is_back = False
        async with rig.running():
            for value in range(300):
                teller.tell(float(value))
                while teller.safe < value + 1 and value % 50 == 49:
                    await rig.until(lambda value=value: teller.safe == value + 1)
            is_back = True
            await rig.until(lambda: 299.0 in values_of_kept(reachable))
        rig.kept = reachable
        return rig

    rig = asyncio.run(story())
    dropped = rig.source.health().refused["buffer-full"]
    kept = values_of(rig)
    assert dropped > 0
    assert len(kept) + dropped == 300
    assert kept == sorted(kept)


def values_of_kept(kept):
    return joined(kept.batches).values.tolist()


def test_a_full_disk_holds_the_source_back_until_there_is_room(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    full, append = [True], Spool.append

    def stubborn(spool, batches):
        if full:
            raise Unavailable("Expected room on the disk, but found: disk full.")
        append(spool, batches)

    monkeypatch.setattr(Spool, "append", stubborn)

    async def story():
        rig, teller = plant(tmp_path / "b.db")
        async with rig.running():
            teller.tell(1.0)
            await rig.until(lambda: "disk full" in rig.source.health().trouble)
            full.clear()
            await rig.until(lambda: len(rig.kept) == 1)
        return rig

    assert asyncio.run(story()).source.health().trouble == ""


@settings(max_examples=25)
@given(st.lists(st.lists(st.floats(), min_size=1, max_size=5), max_size=5))
def test_batches_come_back_as_they_were(tmp_path_factory, told):
    file = tmp_path_factory.mktemp("spool") / "b.db"
    spool = Spool(file)
    number = spool.catalogue.number(series("load"))
    spool.append([batch_of(range(len(values)), number, values) for values in told])
    size, readings = spool.bytes, spool.readings
    spool.close()
    again = Spool(file)
    found = again.after(0, 100)
    assert (again.bytes, again.readings) == (size, readings)
    assert [batch.values.tobytes() for _, batch in found] == [
        np.array(values).tobytes() for values in told
    ]
    assert [each.name for each in again.catalogue] == ["load"]
    again.forget(100)
    assert (again.bytes, again.readings, again.after(0, 100)) == (0, 0, [])
    again.close()


def test_a_large_batch_is_divided(tmp_path):
    spool = Spool(tmp_path / "b.db")
    number = spool.catalogue.number(series("load"))
    count = BATCH_READINGS_MAX + 7
    spool.append([batch_of(range(count), number, [0.5] * count)])
    assert [len(batch) for _, batch in spool.after(0, 10)] == [BATCH_READINGS_MAX, 7]
    spool.close()


def test_a_buffer_that_another_has_open_or_that_is_none_is_named(tmp_path):
    file = tmp_path / "b.db"
    spool = Spool(file)
    with pytest.raises(Broken, match="another process has it open"):
        Spool(file)
    spool.close()
    file.write_bytes(b"no database at all, but long enough to be looked at" * 50)
    with pytest.raises(Broken, match="not a database"):
        Spool(file)


def test_a_buffer_of_a_newer_format_is_not_touched(tmp_path):
    file = tmp_path / "b.db"
    db = apsw.Connection(str(file))
    db.pragma("user_version", 9)
    db.close()
    with pytest.raises(Broken, match="but found 9"):
        Spool(file)
