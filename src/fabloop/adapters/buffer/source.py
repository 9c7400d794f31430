"""A source with a buffer on disk: it goes on to tell when the store is away, or the power was."""

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from itertools import accumulate
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from fabloop.adapters.buffer.spool import Spool, size_of
from fabloop.base.errors import Unavailable
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.ports import (
    Acknowledging,
    Alarming,
    ReadingSource,
    SourceHealth,
    StandingAlarm,
)
from fabloop.sense.readings.series import Catalogue

BYTES_MAX = 2**30
"""Of buffered readings, about 21 bytes each: 50 million."""
COMMIT_S = 0.25
"""Longest time that a reading waits for its commit: a power cut costs at most so much."""
PENDING_READINGS_MAX = 1_000_000
"""Readings that wait for their commit before the source is held back."""
FORWARDED_MAX = 64
"""Batches read from the disk at once."""
RETRY_S = 0.5
"""Wait before a full disk is tried again."""
SETTLE_S_MAX = 5.0
"""How long a source that ends waits for what it forwarded to be safe."""

BUFFER_FULL = "buffer-full"
Answer = TypeVar("Answer")


class WhenFull(StrEnum):
    """What happens at the limit."""

    HOLD = "hold"
    """The source is held back; it counts itself what it cannot hold."""
    DROP_OLDEST = "drop-oldest"
    """The oldest readings that were not forwarded are dropped, and counted as refused."""


class Buffered:
    """A source behind a buffer; `ReadingSource` and `Acknowledging`.

    What was told and not yet settled is forwarded after a restart, the oldest first, before what is
    told anew. It may come twice then: readings of the same series and time are restated.
    """

    def __init__(
        self,
        source: ReadingSource,
        file: Path,
        *,
        bytes_max: int = BYTES_MAX,
        when_full: WhenFull = WhenFull.HOLD,
    ) -> None:
        self._source = source
        self._file = file
        self._bytes_max = bytes_max
        self._when_full = when_full
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="buffer")
        self._spool: Spool | None = None
        self._changed = asyncio.Event()
        self._changes = 0
        self._pending: list[Batch] = []
        self._taken = 0
        self._sent = 0
        self._forwarded: deque[int] = deque()
        self._settled = 0
        self._safe_up_to = 0
        self._dropped = 0
        self._trouble = ""

    @property
    def name(self) -> str:
        """The name of the source."""
        return self._source.name

    @property
    def waiting(self) -> int:
        """Readings on disk that are not safe in the store yet."""
        return self._spool.readings if self._spool else 0

    def health(self) -> SourceHealth:
        """Return how the source is doing, and what the buffer had to drop."""
        health = self._source.health()
        refused = health.refused | ({BUFFER_FULL: self._dropped} if self._dropped else {})
        trouble = self._trouble or health.trouble
        return msgspec.structs.replace(health, refused=refused, trouble=trouble)

    def alarms(self) -> tuple[StandingAlarm, ...]:
        """Return the alarms of the source that stand."""
        return self._source.alarms() if isinstance(self._source, Alarming) else ()

    def close(self) -> None:
        """Ask the source to end; what it told is forwarded still."""
        self._source.close()

    def settled(self, batches: int) -> None:
        """Hear that so many batches are safe in the store: the disk may forget them."""
        while self._settled < batches:
            self._settled += 1
            self._safe_up_to = self._forwarded.popleft()
        self._tell()

    async def batches(self, catalogue: Catalogue) -> AsyncIterator[Batch]:
        """Yield what is on disk, the oldest first, and what is told meanwhile."""
        self._spool = spool = await self._do(lambda: Spool(self._file))
        taking = asyncio.create_task(self._take(spool))
        writing = asyncio.create_task(self._write(spool, taking))
        try:
            async for batch in self._forward(spool, catalogue, writing):
                yield batch
            await self._last_settled(spool)
            await taking
            await writing
        finally:
            for task in (taking, writing):
                task.cancel()
            await asyncio.wait([taking, writing])
            await self._do(spool.close)
            self._disk.shutdown()

    # From the source to the disk.

    async def _take(self, spool: Spool) -> None:
        """Take what the source tells, as fast as there is room."""
        async for batch in self._source.batches(spool.catalogue):
            self._pending.append(batch)
            self._tell()
            while sum(map(len, self._pending)) > PENDING_READINGS_MAX:
                await self._change(self._changes)
        self._tell()

    async def _write(self, spool: Spool, taking: asyncio.Task[None]) -> None:
        """Commit what was taken, a few times a second, and forget what is safe elsewhere."""
        while self._pending or not taking.done():
            if not self._pending:
                await self._change(self._changes)
            await asyncio.wait([taking], timeout=COMMIT_S)
            await self._forget(spool)
            if self._pending:
                await self._commit(spool)
        self._tell()

    async def _commit(self, spool: Spool) -> None:
        batches = await self._fitting(spool)
        if not batches:
            return
        try:
            await self._do(lambda: spool.append(batches))
        except Unavailable as error:
            self._trouble = str(error)
            await asyncio.sleep(RETRY_S)
            return
        if len(batches) == len(self._pending) and not self._dropped:
            self._trouble = ""
        del self._pending[: len(batches)]
        self._taken += len(batches)
        if isinstance(self._source, Acknowledging):
            self._source.settled(self._taken)
        self._tell()

    async def _fitting(self, spool: Spool) -> list[Batch]:
        """Return what fits into the limit; an empty buffer takes a batch of any size."""
        sizes = list(accumulate(size_of(each) for each in self._pending))
        wanted = spool.bytes + sizes[-1] - self._bytes_max
        if wanted > 0 and self._when_full is WhenFull.DROP_OLDEST:
            self._dropped += await self._do(lambda: spool.drop(self._sent, wanted))
            self._trouble = _full(self._bytes_max, "the oldest readings are dropped")
        fitting = bisect_right(sizes, self._bytes_max - spool.bytes)
        if not fitting and spool.bytes and self._when_full is WhenFull.HOLD:
            self._trouble = _full(self._bytes_max, "the source is held back")
            await self._change(self._changes)
            return []
        return self._pending[: max(1, fitting)]

    # From the disk to the store.

    async def _forward(
        self, spool: Spool, catalogue: Catalogue, writing: asyncio.Task[None]
    ) -> AsyncIterator[Batch]:
        numbers = _Numbers(spool.catalogue, catalogue)
        while True:
            last, seen = writing.done(), self._changes
            found = await self._do(lambda: spool.after(self._sent, FORWARDED_MAX))
            for number, batch in found:
                self._sent = number
                self._forwarded.append(number)
                yield numbers.renumbered(batch)
            if not found:
                if last:
                    return
                await self._change(seen)

    async def _forget(self, spool: Spool) -> None:
        safe, self._safe_up_to = self._safe_up_to, 0
        if safe:
            await self._do(lambda: spool.forget(safe))
            self._tell()

    async def _last_settled(self, spool: Spool) -> None:
        """Wait until the store has all, so that little of it comes twice next time."""
        loop = asyncio.get_running_loop()
        until = loop.time() + SETTLE_S_MAX
        while self._forwarded and loop.time() < until:
            await self._change(self._changes, until - loop.time())
        await self._forget(spool)

    def _tell(self) -> None:
        """Wake whoever waits for a change."""
        self._changes += 1
        self._changed.set()

    async def _change(self, seen: int, timeout_s: float = COMMIT_S) -> None:
        """Wait until something may have changed since so many changes were seen."""
        if self._changes != seen:
            return
        self._changed.clear()
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _do(self, work: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work)


class _Numbers:
    """Numbers of series on disk to those of the store."""

    def __init__(self, ours: Catalogue, theirs: Catalogue) -> None:
        self._ours, self._theirs = ours, theirs
        self._revision = -1
        self._numbers = np.zeros(0, np.int32)

    def renumbered(self, batch: Batch) -> Batch:
        """Return a batch with the numbers of the store."""
        if self._revision != self._ours.revision:
            self._revision = self._ours.revision
            self._numbers = np.array([self._theirs.number(each) for each in self._ours], np.int32)
        return Batch(batch.times, self._numbers[batch.series], batch.values, batch.quality)


def _full(limit: int, consequence: str) -> str:
    return (
        f"Expected room in the buffer of {limit} bytes, but it is full: {consequence}. "
        "See why the store takes nothing, or raise the limit."
    )
