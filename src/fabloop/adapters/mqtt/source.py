"""The MQTT source: readings of a broker's topics, acknowledged when they are safe."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

from fabloop.adapters.mqtt.deliveries import Deliveries
from fabloop.adapters.mqtt.link import Link, opened
from fabloop.adapters.mqtt.mapping import Mapping
from fabloop.adapters.mqtt.packets import Publication
from fabloop.adapters.mqtt.roles import Role, role_of
from fabloop.base.errors import Invalid, NotPermitted, Unavailable
from fabloop.base.instant import Instant
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.ports import SourceHealth
from fabloop.sense.readings.series import Catalogue
from fabloop.sense.readings.tally import Tally

GATHER_S = 0.02
"""How long messages gather before they are read together."""
BACK_OFF_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Waits before the next try to connect; the last one repeats."""
SETTLE_S_MAX = 5.0
"""How long a source that ends waits for its last batches to be safe, to acknowledge them."""
REPEATED = "repeated"


def _now() -> Instant:
    return Instant(time.time_ns())  # noqa: TID251  # an adapter owns its clock


class MqttSource:
    """Reads what a mapping says of one broker; `ReadingSource` and `Acknowledging`."""

    def __init__(self, mapping: Mapping, *, now: Callable[[], Instant] = _now) -> None:
        self._mapping = mapping
        self._now = now
        self._tally = Tally()
        self._deliveries = Deliveries()
        self._closing = asyncio.Event()
        self._all_settled = asyncio.Event()

    @property
    def name(self) -> str:
        """The name under which it is configured."""
        return self._mapping.source

    def health(self) -> SourceHealth:
        """Return how it is doing now."""
        return self._tally.health()

    def close(self) -> None:
        """Ask it to end."""
        self._closing.set()

    def settled(self, batches: int) -> None:
        """Acknowledge to the broker what was in the first so many batches."""
        self._deliveries.settle(batches)
        if not self._deliveries.open:
            self._all_settled.set()

    async def batches(self, catalogue: Catalogue) -> AsyncIterator[Batch]:
        """Yield batches until closed; connects again by itself."""
        role = role_of(self._mapping, catalogue, self._tally)
        tries = 0
        while not self._closing.is_set():
            link = await self._opened(role, tries)
            if link is None:
                tries += 1
                continue
            tries = 0
            try:
                await self._begin(link, role)
                async for messages in self._messages(link):
                    batch = self._read(link, role, messages)
                    if len(batch):
                        yield batch
                await self._last_settled(link)
                role.leave(link)
            except Unavailable as error:
                self._tally.trouble(str(error), lasting=False)
            finally:
                await link.close()
            self._tally.disconnect(
                self._now(), "" if self._closing.is_set() else link.lost.result()
            )
            last = role.lost(self._now())
            if len(last):
                self._deliveries.hand([], readings=len(last))
                yield last
        self._tally.disconnect(self._now())

    async def _opened(self, role: Role, tries: int) -> Link | None:
        """Return a link; None after a wait, where there is none to be had."""
        try:
            return await opened(self._mapping.broker, role.will(self._now()), anew=role.anew)
        except (Unavailable, NotPermitted, Invalid) as error:
            self._tally.disconnect(self._now(), str(error))
        await self._wait(BACK_OFF_S[min(tries, len(BACK_OFF_S) - 1)])
        return None

    async def _begin(self, link: Link, role: Role) -> None:
        self._deliveries.begin(link)
        refused = await link.subscribe(role.filters)
        role.enter(link)
        self._tally.connect(self._now())
        for sentence in refused:
            self._tally.trouble(sentence)

    async def _messages(self, link: Link) -> AsyncIterator[list[Publication]]:
        """Yield what was received, gathered, until the link is lost or we are closed."""
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            while not (link.lost.done() or closing.done()):
                arrived = asyncio.ensure_future(link.arrival())
                await asyncio.wait({arrived, closing}, return_when=asyncio.FIRST_COMPLETED)
                arrived.cancel()
                if not closing.done():
                    await self._wait(GATHER_S)
                yield link.rest()
            yield link.rest()
        finally:
            closing.cancel()

    def _read(self, link: Link, role: Role, messages: list[Publication]) -> Batch:
        fresh, repeated = self._deliveries.fresh(messages)
        if repeated:
            self._tally.amend(REPEATED, repeated)
        batch = role.read(fresh, self._now())
        role.speak(link)
        self._deliveries.hand(fresh, readings=len(batch))
        if self._deliveries.open:
            self._all_settled.clear()
        return batch

    async def _last_settled(self, link: Link) -> None:
        if self._deliveries.open and not link.lost.done():
            settled = asyncio.ensure_future(self._all_settled.wait())
            lost = asyncio.ensure_future(asyncio.wait([link.lost]))
            await asyncio.wait(
                [settled, lost], timeout=SETTLE_S_MAX, return_when=asyncio.FIRST_COMPLETED
            )
            settled.cancel()
            lost.cancel()

    async def _wait(self, seconds: float) -> None:
        """Wait, but not longer than until closed."""
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return
