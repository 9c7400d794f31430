"""The pump: nothing is dropped, and the source hears what is safe and no more."""

import asyncio

from fabloop.app import ingest
from fabloop.base.errors import Unavailable
from fabloop.sense.readings.batch import batch_of
from fabloop.sense.readings.series import Catalogue


class Source:
    """Tells three batches, and ends when it heard that all are safe."""

    def __init__(self):
        self.heard = []
        self._all = asyncio.Event()

    def settled(self, batches):
        self.heard.append(batches)
        if batches == 3:
            self._all.set()

    async def batches(self, catalogue):
        for value in range(3):
            yield batch_of(value, 0, float(value))
        await self._all.wait()


class Plain:
    """Has nobody to tell what is safe."""

    async def batches(self, catalogue):
        yield batch_of([0, 1], 0, 0.0)


class Store:
    """Takes a batch only when it is offered for the third time; is durable one batch behind."""

    def __init__(self):
        self.offered = []
        self.kept = []
        self.looked = 0

    def keep(self, batch):
        self.offered.append(batch.values[0])
        if len(self.offered) < 3:
            raise Unavailable("Expected room on the disk, but found none.")
        self.kept.append(batch.values[0])
        return len(self.kept) * 10

    def durable(self):
        self.looked += 1
        return min(self.looked, len(self.kept)) * 10


def test_a_batch_is_offered_again_until_it_is_kept(monkeypatch):
    monkeypatch.setattr(ingest, "FULL_WAIT_S", 0)
    monkeypatch.setattr(ingest, "SETTLE_EVERY_S", 0)
    source, store = Source(), Store()
    assert asyncio.run(ingest.pump(source, store, Catalogue())) == 3
    assert store.offered == [0.0, 0.0, 0.0, 1.0, 2.0]
    assert store.kept == [0.0, 1.0, 2.0]
    assert source.heard == sorted(set(source.heard))
    assert source.heard[-1] == 3


def test_a_source_that_acknowledges_nothing_is_only_read(monkeypatch):
    monkeypatch.setattr(ingest, "FULL_WAIT_S", 0)
    assert asyncio.run(ingest.pump(Plain(), Store(), Catalogue())) == 2


class PromptStore(Store):
    """Is durable only as far as it was asked to be at once, and tells so."""

    def __init__(self):
        super().__init__()
        self.hastened = []
        self.hearers = []

    def keep(self, batch):
        self.kept.append(batch.values[0])
        return len(self.kept)

    def durable(self):
        return max(self.hastened, default=0)

    def hasten(self, number):
        self.hastened.append(number)
        for hear in self.hearers:
            hear()

    def on_durable(self, hear):
        self.hearers.append(hear)
        return lambda: self.hearers.remove(hear)


class UrgentSource(Source):
    urgent = True


def test_a_store_is_hastened_where_senders_wait_and_tells_when_more_is_safe(monkeypatch):
    monkeypatch.setattr(ingest, "SETTLE_EVERY_S", 3_600)
    source, store = UrgentSource(), PromptStore()
    assert asyncio.run(ingest.pump(source, store, Catalogue())) == 3
    assert store.hastened == [1, 2, 3]
    assert source.heard[-1] == 3
    assert store.hearers == []
