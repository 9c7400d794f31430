"""The OPC UA source: subscriptions, reconnects, and history where values were missed."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping

from asyncua import Client, ua

from fabloop.adapters.opcua.alarms import AlarmBook
from fabloop.adapters.opcua.history import Missing, kept_values, with_history
from fabloop.adapters.opcua.listening import ALARMS, EVENTS_MAX, Listening
from fabloop.adapters.opcua.pki import Pki
from fabloop.adapters.opcua.reading import Reading, Told
from fabloop.adapters.opcua.session import Namespaces, namespaces_of, opened
from fabloop.adapters.opcua.units import told_units, unit_trouble
from fabloop.base.errors import NotPermitted, Unavailable
from fabloop.base.instant import DAY, Clock, Instant
from fabloop.sense.connections.model import Connection
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.ports import SourceHealth, StandingAlarm
from fabloop.sense.readings.series import Catalogue
from fabloop.sense.readings.tally import Tally

GATHER_S = 0.02
"""How long values gather before they are read together."""
WATCH_S = 0.2
AWAY_S_MAX = 10.0
"""How long a lost session is tried to be resumed, with the queues that the server holds for it.

Then everything begins anew, trust included: a server that was restarted knows no session of ours.
"""
BACK_OFF_S = (0.2, 0.5, 1.0, 2.0)
"""Waits before the next try to connect; the last one repeats."""
CLOSE_S_MAX = 3.0
BROKEN = (OSError, TimeoutError, ua.UaError, asyncio.IncompleteReadError)


class WallClock:
    """The time of this machine."""

    def now(self) -> Instant:
        """Return the present instant."""
        return Instant(time.time_ns())  # noqa: TID251  # an adapter owns its clock


class OpcUaSource:
    """Reads the variables of one connection; a `ReadingSource`.

    After `resume` the server is asked for its history from what is stored on, so that nothing is
    missing after a restart of ours.
    """

    def __init__(
        self,
        connection: Connection,
        pki: Pki,
        *,
        clock: Clock | None = None,
        away_s_max: float = AWAY_S_MAX,
    ) -> None:
        self._away_s_max = away_s_max
        self._connection = connection
        self._pki = pki
        self._clock = clock or WallClock()
        self._kept: Mapping[str, Instant] = {}
        self._tally = Tally()
        self._closing = asyncio.Event()
        self._alarms: AlarmBook | None = None

    @property
    def name(self) -> str:
        """The name under which it is configured."""
        return self._connection.id

    def health(self) -> SourceHealth:
        """Return how it is doing now."""
        return self._tally.health()

    def alarms(self) -> tuple[StandingAlarm, ...]:
        """Return the alarms of the server that stand, the gravest first."""
        return () if self._alarms is None else self._alarms.standing()

    def close(self) -> None:
        """Ask it to end."""
        self._closing.set()

    def resume(self, kept: Mapping[str, Instant]) -> None:
        """Hear, before the first batch, up to when readings are stored, by address of series."""
        self._kept = kept

    async def batches(self, catalogue: Catalogue) -> AsyncIterator[Batch]:
        """Yield batches until closed; connects again by itself."""
        variables = self._connection.variables
        reading = Reading(variables, catalogue, self._tally, self._connection.ahead_ns)
        self._alarms = AlarmBook(self._connection, catalogue, self._tally)
        for position, each in enumerate(variables):
            address = f"{each.address}[0]" if each.elements else each.address
            if address in self._kept:
                reading.resume(position, self._kept[address])
        tries = 0
        while not self._closing.is_set():
            try:
                session = await opened(self._connection, self._pki, self._clock)
            except (Unavailable, NotPermitted) as error:
                self._tally.disconnect(self._clock.now(), str(error))
                await self._wait(BACK_OFF_S[min(tries, len(BACK_OFF_S) - 1)])
                tries += 1
                continue
            visit = _Visit(session.client, self._connection, reading, self._tally, self._clock)
            visit.away_s_max, visit.alarms = self._away_s_max, self._alarms
            try:
                await visit.begin(session.warning)
                tries = 0
                async for batch in self._of(visit):
                    yield batch
            except BROKEN as error:
                self._tally.disconnect(self._clock.now(), _lost(self._connection.url, error))
                await self._wait(BACK_OFF_S[0])
            finally:
                await visit.end()
        self._tally.disconnect(self._clock.now())

    async def _of(self, visit: "_Visit") -> AsyncIterator[Batch]:
        while not self._closing.is_set():
            async for batch in visit.next():
                if len(batch):
                    yield batch
            await visit.wait(self._closing)
        async for batch in visit.next():
            if len(batch):
                yield batch

    async def _wait(self, seconds: float) -> None:
        """Wait, but not longer than until closed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()


class _Visit:
    """What happens between the opening of a session and its end."""

    def __init__(
        self,
        client: Client,
        connection: Connection,
        reading: Reading,
        tally: Tally,
        clock: Clock,
    ) -> None:
        self._client = client
        self._connection = connection
        self._reading = reading
        self._tally = tally
        self._clock = clock
        self._listening = Listening(client, connection)
        self._nodes: list[ua.NodeId | None] = []
        self._met = 0
        self._was_away_since: float | None = None
        self.away_s_max = AWAY_S_MAX
        self.alarms: AlarmBook | None = None
        self._spaces = Namespaces([])
        self._events_lost = 0

    async def begin(self, warning: str) -> None:
        """Subscribe to all variables; what the server does not have is told."""
        spaces = self._spaces = await namespaces_of(self._client)
        self._nodes = [spaces.node_id(each.address) for each in self._connection.variables]
        await self._judge_units(range(len(self._nodes)))
        self._reading.begin_gap()
        refused = await self._listening.begin(self._nodes)
        self._met = self._listening.interruptions - 1  # a new session is a gap too
        self._tally.connect(self._clock.now())
        if warning:
            self._tally.trouble(warning)
        if ALARMS in refused:
            self._tally.trouble(
                f"Expected {self._connection.url} to tell its alarms, but found "
                f"{refused.pop(ALARMS)}. Set 'alarms' of the connection to false."
            )
        for position, why in refused.items():
            self._nodes[position] = None
            address = self._connection.variables[position].address
            self._tally.trouble(
                f"Expected '{address}' at {self._connection.url}, but found {why}. "
                "Correct the address in the connection."
            )

    async def end(self) -> None:
        """Stop listening and close the session, as far as anybody is there."""
        with contextlib.suppress(*BROKEN):
            await self._listening.end()
        with contextlib.suppress(*BROKEN):
            async with asyncio.timeout(CLOSE_S_MAX):
                await self._client.disconnect()

    async def wait(self, closing: asyncio.Event) -> None:
        """Wait until something came, for a moment so that more can gather."""
        ends = asyncio.ensure_future(closing.wait())
        comes = asyncio.ensure_future(self._listening.arrived.wait())
        await asyncio.wait({ends, comes}, timeout=WATCH_S, return_when=asyncio.FIRST_COMPLETED)
        for each in (ends, comes):
            each.cancel()
        if not closing.is_set():
            await asyncio.sleep(GATHER_S)
        self._note_absence()

    async def next(self) -> AsyncIterator[Batch]:
        """Yield what has come; after an interruption also what the server kept meanwhile."""
        yield self._reading.read(await self._listening.take(), self._clock.now())
        if self._reading.changed:
            positions, self._reading.changed = self._reading.changed, set()
            await self._judge_units(sorted(positions))
        if self.alarms is not None:
            yield self.alarms.read(self._listening.events(), self._spaces, self._clock.now())
            self._count_lost_events()
        if self._listening.interruptions > self._met and not self._listening.away:
            self._met = self._listening.interruptions
            await self._listening.refresh_alarms()
            async for told in self._missed():
                yield self._reading.read(told, self._clock.now())
            self._reading.end_gap()

    def _count_lost_events(self) -> None:
        lost = self._listening.events_lost - self._events_lost
        if lost:
            self._events_lost += lost
            self._tally.gap(
                lost,
                f"Expected at most {EVENTS_MAX} alarms of {self._connection.url} at once, but "
                "found more: the oldest are lost. Look at what floods it.",
            )

    def _note_absence(self) -> None:
        """Tell when the session is lost and back; raise where it does not come back."""
        now = time.monotonic()
        if self._listening.lost:
            raise ConnectionError("the session is closed")
        if self._listening.away:
            if self._was_away_since is None:
                self._was_away_since = now
                self._reading.begin_gap()
                self._tally.disconnect(
                    self._clock.now(), _lost(self._connection.url, ConnectionError("no answer"))
                )
            elif now - self._was_away_since > self.away_s_max:
                raise ConnectionError(f"no answer for {self.away_s_max:.0f} s")
        elif self._was_away_since is not None:
            self._was_away_since = None
            self._tally.connect(self._clock.now())

    async def _missed(self) -> AsyncIterator[list[Told]]:
        """Yield what came into being since the last value before the gap."""
        missing = [
            Missing(position, node, Instant(self._reading.before_gap(position)))
            for position, node in enumerate(self._nodes)
            if node is not None and self._reading.before_gap(position) >= 0
        ]
        if not missing:
            return
        kept = [False] * len(missing)
        if self._connection.history:
            kept = await with_history(self._client, [each.node for each in missing])
        without = [each for each, has in zip(missing, kept, strict=True) if not has]
        if without:
            address = self._connection.variables[without[0].position].address
            self._tally.gap(
                len(without),
                f"Expected history of '{address}' at {self._connection.url} after the connection "
                "was lost, but found none. Let the server keep it; values may be missing.",
            )
        until = Instant(self._clock.now() + DAY)
        asked = [each for each, has in zip(missing, kept, strict=True) if has]
        try:
            async for told in kept_values(self._client, asked, until):
                yield self._reading.unknown_of(told)
        except ua.UaError as error:
            self._tally.gap(
                len(asked),
                f"Expected history of {self._connection.url} after the connection was lost, but "
                f"found: {error}. Values may be missing.",
            )

    async def _judge_units(self, positions: "range | list[int]") -> None:
        """Refuse the values of variables whose unit is no longer the one of the mapping."""
        asked = [
            (position, node)
            for position in positions
            if (node := self._nodes[position]) is not None
        ]
        units = await told_units(self._client, [node for _, node in asked])
        for (position, _), told in zip(asked, units, strict=True):
            series = self._connection.variables[position].series
            trouble = "" if told is None else unit_trouble(series, told)
            self._reading.refused_units.pop(position, None)
            if trouble:
                self._reading.refused_units[position] = trouble
                self._tally.trouble(trouble)


def _lost(url: str, error: Exception) -> str:
    found = str(error) or type(error).__name__
    return f"Expected {url} to answer, but found: {found}. It is tried again."
