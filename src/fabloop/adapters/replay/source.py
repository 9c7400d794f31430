"""The replay source: a recording as if it happened, now or as fast as the store takes it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import numpy as np

from fabloop.adapters.replay.recording import Recording
from fabloop.adapters.replay.tables import check, parts
from fabloop.base.errors import Invalid
from fabloop.base.instant import SECOND, Instant
from fabloop.model.ids import WorkUnitId
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.described import described
from fabloop.sense.readings.intake import Intake
from fabloop.sense.readings.payloads.decoded import ARRIVAL, Decoded, Refusal
from fabloop.sense.readings.ports import SourceHealth
from fabloop.sense.readings.series import Catalogue, Series
from fabloop.sense.readings.tally import Tally

SLICE_S = 0.1
"""Readings of so much of our time are told together."""


def _now() -> Instant:
    return Instant(time.time_ns())  # noqa: TID251  # an adapter owns its clock


class ReplaySource:
    """Plays one recording from its begin to its end, then ends; a `ReadingSource`.

    Raises
    ------
    Invalid
        The recording cannot be played.
    """

    def __init__(self, recording: Recording, *, now: Callable[[], Instant] = _now) -> None:
        check(recording)
        self._recording = recording
        self._now = now
        self._tally = Tally()
        self._closing = asyncio.Event()
        self._first: int | None = None
        self._begun = Instant(0)

    @property
    def name(self) -> str:
        """The name under which it is configured."""
        return self._recording.source

    def health(self) -> SourceHealth:
        """Return how it is doing now."""
        return self._tally.health()

    def close(self) -> None:
        """Ask it to end before the recording does."""
        self._closing.set()

    async def batches(self, catalogue: Catalogue) -> AsyncIterator[Batch]:
        """Yield the recording."""
        intake = Intake(catalogue, self._tally)
        channel = intake.channel(self._describe)
        self._begun = self._now()
        self._tally.connect(self._begun)
        try:
            for decoded in parts(self._recording):
                batch = intake.taken(channel, self._moved(decoded))
                async for slice_ in self._in_time(batch):
                    told = intake.fitted(slice_, self._now(), live=False)
                    if len(told):
                        yield told
                if self._closing.is_set():
                    break
                await asyncio.sleep(0)
        except Invalid as error:
            self._tally.refuse([Refusal("unreadable", str(error), 1)])
        self._tally.disconnect(self._now())

    def _moved(self, decoded: Decoded) -> Decoded:
        """Move times so that the first one is when we began, where that is wanted."""
        told = decoded.times[decoded.times != ARRIVAL]
        if self._first is None and len(told):
            self._first = int(told[0])
        if not self._recording.from_now or self._first is None:
            return decoded
        times = np.where(
            decoded.times == ARRIVAL, ARRIVAL, decoded.times + (self._begun - self._first)
        )
        return Decoded(
            times, decoded.values, decoded.quality, decoded.names, texts=decoded.texts,
            refused=decoded.refused,
        )  # fmt: skip

    async def _in_time(self, batch: Batch) -> AsyncIterator[Batch]:
        """Yield a batch at once, or in slices as its time comes."""
        speed = self._recording.speed
        if speed is None or self._first is None:
            yield batch
            return
        offset = self._begun if self._recording.from_now else self._first
        due = np.maximum.accumulate(batch.times)
        at = 0
        while at < len(batch) and not self._closing.is_set():
            reached = offset + round((self._now() - self._begun) * speed)
            upto = int(np.searchsorted(due, reached, side="right"))
            if upto > at:
                yield batch.where(np.arange(at, upto))
                at = upto
            else:
                await self._wait(max(SLICE_S, (int(due[at]) - reached) / SECOND / speed))

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return

    def _describe(self, name: str, unit: str) -> Series:
        work_unit, _, part = name.rpartition("/")
        return described(
            self._recording.series, source=self.name, address=name,
            work_unit=WorkUnitId(work_unit or self._recording.work_unit), name=part, unit=unit,
        )  # fmt: skip
