"""The pump: from a source into the store, and back to the source what is safe there."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator

from fabloop.base.errors import Unavailable
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.ports import (
    Acknowledging,
    Awaited,
    Prompt,
    ReadingSource,
    ReadingStore,
)
from fabloop.sense.readings.series import Catalogue

SETTLE_EVERY_S = 0.05
"""How often a store that does not tell by itself is asked what has become durable."""
FULL_WAIT_S = 0.5
"""How long we wait before a batch is offered again to a store that cannot take it."""


async def pump(source: ReadingSource, store: ReadingStore, catalogue: Catalogue) -> int:
    """Keep all that a source tells until it ends; return how many readings that were.

    The source is asked for the next batch when the last one is kept. A store that cannot take a
    batch for now (disk full) holds the source back; nothing is dropped here. Where the senders of
    a source wait, its batches are made durable at once, all together that wait by then.
    """
    waiting: deque[int] = deque()
    settling = asyncio.create_task(_settle(source, store, waiting))
    hastens = isinstance(store, Prompt) and isinstance(source, Awaited) and source.urgent
    readings = 0
    try:
        async for batch in source.batches(catalogue):
            number = await _kept(store, batch)
            waiting.append(number)
            readings += len(batch)
            if hastens and isinstance(store, Prompt):
                store.hasten(number)
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
    with _changes(store) as changed:
        while True:
            changed.clear()
            durable, before = store.durable(), batches
            while waiting and waiting[0] <= durable:
                waiting.popleft()
                batches += 1
            if batches > before:
                source.settled(batches)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SETTLE_EVERY_S):
                    await changed.wait()


@contextlib.contextmanager
def _changes(store: ReadingStore) -> Iterator[asyncio.Event]:
    """Yield an event that is set whenever more is durable, where the store tells that."""
    loop, changed = asyncio.get_running_loop(), asyncio.Event()

    def hear() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(changed.set)

    end = store.on_durable(hear) if isinstance(store, Prompt) else None
    try:
        yield changed
    finally:
        if end is not None:
            end()
