"""The pump: from a source into the store, and back to the source what is safe there."""

import asyncio
from collections import deque

from fabloop.base.errors import Unavailable
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.ports import Acknowledging, ReadingSource, ReadingStore
from fabloop.sense.readings.series import Catalogue

SETTLE_EVERY_S = 0.05
"""How often the store is asked what has become durable."""
FULL_WAIT_S = 0.5
"""How long we wait before a batch is offered again to a store that cannot take it."""


async def pump(source: ReadingSource, store: ReadingStore, catalogue: Catalogue) -> int:
    """Keep all that a source tells until it ends; return how many readings that were.

    The source is asked for the next batch when the last one is kept. A store that cannot take a
    batch for now (disk full) holds the source back; nothing is dropped here.
    """
    waiting: deque[int] = deque()
    settling = asyncio.create_task(_settle(source, store, waiting))
    readings = 0
    try:
        async for batch in source.batches(catalogue):
            waiting.append(await _kept(store, batch))
            readings += len(batch)
    finally:
        settling.cancel()
    return readings


async def _kept(store: ReadingStore, batch: Batch) -> int:
    while True:
        try:
            return store.keep(batch)
        except Unavailable:
            await asyncio.sleep(FULL_WAIT_S)


async def _settle(source: ReadingSource, store: ReadingStore, waiting: deque[int]) -> None:
    """Tell the source, again and again, how many of its batches survive a crash."""
    if not isinstance(source, Acknowledging):
        return
    batches = 0
    while True:
        durable, before = store.durable(), batches
        while waiting and waiting[0] <= durable:
            waiting.popleft()
            batches += 1
        if batches > before:
            source.settled(batches)
        await asyncio.sleep(SETTLE_EVERY_S)
