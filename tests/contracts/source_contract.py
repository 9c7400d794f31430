"""What every source of readings does, whatever wire they come over."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from fabloop.app.ingest import pump
from fabloop.app.processes.clocks import WallClock
from fabloop.sense.readings.batch import joined
from fabloop.sense.readings.ports import ReadingSource
from fabloop.sense.readings.quality import GOOD, LAST_USABLE, UNCERTAIN, is_good
from fabloop.sense.readings.series import Catalogue

WITHIN_S = 20.0
"""How long a test waits for what must come; it waits for conditions, never for time to pass."""

T0 = 1_763_800_000_000_000_000


class Kept:
    """A store in memory whose durability the test decides."""

    def __init__(self, *, durable: bool = True) -> None:
        self.batches = []
        self.is_durable = durable
        self.slow_s = 0.0

    def keep(self, batch):
        time.sleep(self.slow_s)
        self.batches.append(batch)
        return len(self.batches)

    def durable(self):
        return len(self.batches) if self.is_durable else 0

    def __len__(self):
        return sum(map(len, self.batches))


class Rig:
    """One source, what speaks to it, and where its readings go."""

    def __init__(self, source: ReadingSource, wire) -> None:
        self.source, self.wire = source, wire
        self.catalogue = Catalogue()
        self.kept = Kept()

    def of(self, name):
        """The readings of a series: (time, value, quality)."""
        number = next((n for n, each in enumerate(self.catalogue) if each.name == name), None)
        batch = joined(self.kept.batches)
        chosen = batch.where(batch.series == number) if number is not None else batch.where([])
        return list(
            zip(chosen.times.tolist(), chosen.values.tolist(), chosen.quality.tolist(), strict=True)
        )

    async def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WITHIN_S
        while not condition():
            assert time.monotonic() < deadline, f"not in time: {self.source.health()}"
            await asyncio.sleep(0.01)

    @asynccontextmanager
    async def running(self):
        """The pump works until the block is left; then the source is closed and it ends."""
        pumping = asyncio.create_task(pump(self.source, self.kept, self.catalogue))
        try:
            await self.until(lambda: self.source.health().connected is True or pumping.done())
            yield pumping
        finally:
            self.source.close()
            async with asyncio.timeout(WITHIN_S):
                await pumping


def plays(story: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an asynchronous story as a test."""

    def test(self, rig):
        asyncio.run(story(self, rig()))

    test.__name__ = story.__name__
    test.__doc__ = story.__doc__
    return test


class SourceContract:
    """Subclass with a fixture `rig`: a function that returns a `Rig`.

    Its wire has coroutines ``tell(rows)`` (name, time, value, quality); where the protocol can
    carry them ``tell_strange(name, values)`` and ``tell_in_unit(name, time, value, unit)``; and
    ``cut()`` and ``mend()`` where a connection can break.
    """

    tells_strange = True
    tells_units = False
    can_break = True

    @pytest.fixture
    def rig(self) -> Callable[[], Rig]:
        raise AssertionError("the subclass provides the rig")

    @plays
    async def test_what_is_told_is_kept_with_its_time_value_and_quality(self, rig):
        async with rig.running():
            await rig.wire.tell([("load", T0, 1.5, GOOD), ("load", T0 + 10**6, 2.5, UNCERTAIN)])
            await rig.until(lambda: len(rig.kept) >= 2)
        assert rig.of("load") == [(T0, 1.5, GOOD), (T0 + 10**6, 2.5, UNCERTAIN)]
        assert {each.source for each in rig.catalogue} == {rig.source.name}
        assert rig.source.health().received == 2

    @plays
    async def test_a_bad_reading_has_no_value(self, rig):
        async with rig.running():
            await rig.wire.tell([("load", T0, 7.0, 0x10), ("load", T0 + 10**6, 8.0, GOOD)])
            await rig.until(lambda: len(rig.kept) >= 2)
        (_, value, quality), good = rig.of("load")
        assert math.isnan(value)
        assert quality == 0x10
        assert good[1:] == (8.0, GOOD)

    @plays
    async def test_what_is_no_number_is_refused_counted_and_told(self, rig):
        if not self.tells_strange:
            pytest.skip("this protocol carries only numbers")
        async with rig.running():
            await rig.wire.tell_strange("load", [math.nan, math.inf, "abc"])
            await rig.wire.tell([("load", T0, 5.0, GOOD)])
            await rig.until(
                lambda: len(rig.kept) >= 1 and sum(rig.source.health().refused.values()) >= 3
            )
        assert rig.of("load") == [(T0, 5.0, GOOD)]
        health = rig.source.health()
        assert health.refused == {"not-a-number": 3}
        assert health.received == 1
        assert health.trouble.startswith("Expected a finite number, but found ")

    @plays
    async def test_what_is_told_in_another_unit_stays_apart_and_is_counted(self, rig):
        if not self.tells_units:
            pytest.skip("this wire tells no units with its readings")
        async with rig.running():
            for at, value, unit in ((1, 2.0, "m"), (2, 2500.0, "mm"), (3, 3000.0, "mm")):
                await rig.wire.tell_in_unit("length", T0 + at * 10**6, value, unit)
                await rig.until(lambda at=at: len(rig.kept) >= at)
        batch = joined(rig.kept.batches)
        assert batch.values.tolist() == [2.0, 2.5, 3.0]
        assert [rig.catalogue[n].unit for n in batch.series.tolist()] == ["m", "mm", "mm"]
        assert rig.source.health().amended == {"unit-changed": 1}

    @plays
    async def test_closing_hands_over_what_was_received_and_ends(self, rig):
        async with rig.running() as pumping:
            await rig.wire.tell([("load", T0 + n * 10**6, float(n), GOOD) for n in range(50)])
            await rig.until(lambda: rig.source.health().received >= 50)
        assert pumping.done()
        assert len(rig.kept) == 50

    @plays
    async def test_a_slow_store_holds_the_source_back_and_loses_nothing(self, rig):
        rig.kept.slow_s = 0.02
        async with rig.running():
            for start in range(0, 1000, 100):
                await rig.wire.tell(
                    [("load", T0 + n * 10**6, float(n), GOOD) for n in range(start, start + 100)]
                )
            await rig.until(lambda: len(rig.kept) >= 1000)
        assert sorted({value for _, value, _ in rig.of("load")}) == list(range(1000))
        assert rig.source.health().refused == {}

    @plays
    async def test_a_broken_connection_is_told_and_mended_without_loss(self, rig):
        if not self.can_break:
            pytest.skip("there is no connection")
        async with rig.running():
            await rig.wire.tell([("load", T0, 1.0, GOOD)])
            await rig.until(lambda: len(rig.kept) >= 1)
            await rig.wire.cut()
            await rig.until(lambda: rig.source.health().connected is False)
            assert rig.source.health().trouble.startswith("Expected ")
            await rig.wire.mend()
            await rig.until(lambda: rig.source.health().connected is True)
            await rig.wire.tell([("load", T0 + 10**6, 2.0, GOOD)])
            await rig.until(lambda: bool(rig.of("load")) and rig.of("load")[-1][1] == 2.0)
        assert {value for _, value, _ in rig.of("load")} == {1.0, 2.0}
        assert rig.source.health().reconnects >= 1

    @plays
    async def test_a_clock_far_ahead_of_ours_is_not_believed(self, rig):
        ahead = WallClock().now() + 3_600 * 10**9
        async with rig.running():
            await rig.wire.tell([("load", ahead, 1.0, GOOD)])
            await rig.until(lambda: len(rig.kept) >= 1)
        ((at, value, quality),) = rig.of("load")
        assert abs(at - WallClock().now()) < 60 * 10**9
        assert value == 1.0
        assert quality == UNCERTAIN
        health = rig.source.health()
        assert health.amended == {"clock-ahead": 1}
        assert "Set the clock of the sender." in health.trouble
        assert health.clock_skew_ns > 3_500 * 10**9


__all__ = ["GOOD", "LAST_USABLE", "T0", "Kept", "Rig", "SourceContract", "is_good", "plays"]
