"""A watch over collecting: each trouble told once, sources compared, all counts kept and served."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from fabloop.adapters.historian import Historian
from fabloop.app.collecting import Outcome
from fabloop.app.live_oee import HeardStore
from fabloop.app.metrics import CollectingHealth, exposition
from fabloop.base.errors import Unavailable
from fabloop.base.instant import SECOND, Clock, Instant, iso_of
from fabloop.model.facts import KpiChanged
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.ports import Alarming, ReadingSource, SourceHealth, StandingAlarm
from fabloop.sense.readings.rivals import Precedence, Rivals

HEALTH_FILE = "health.json"
"""Stands in the folder of the readings, made anew every second."""
STALE_S = 10.0
"""Figures that are older tell what was, not what is."""
HARMLESS = ("repeated", "retained", "outdated-death")
"""Amendments that are as the protocol wants them, and no trouble."""
REQUEST_BYTES_MAX = 8_192
REQUEST_S_MAX = 5.0


class Watch:
    """Stands between the sources and the store; a `ReadingStore`.

    Parameters
    ----------
    heard : counts OEE, of several sources of one property the one that counts; None: not asked for
    tell : hears each new trouble once, as a sentence
    changed : hears each KPI that changed enough to be told
    """

    def __init__(
        self,
        folder: Path,
        historian: Historian,
        sources: Iterable[ReadingSource],
        clock: Clock,
        *,
        precedence: Sequence[Precedence] = (),
        heard: HeardStore | None = None,
        tell: Callable[[str], None] = lambda _: None,
        changed: Callable[[KpiChanged], None] = lambda _: None,
    ) -> None:
        self._file = folder / HEALTH_FILE
        self._historian = historian
        self._heard_store = heard
        self._sources = tuple(sources)
        self._clock = clock
        self._tell = tell
        self._marks: dict[str, object] = {}
        self._troubled_at: dict[str, Instant] = {}
        self._changed = changed
        self._rivals = Rivals(historian.catalogue, precedence)
        self._apart: dict[tuple[int, int], str] = {}
        self._ended: dict[str, str] = {}
        self._heard: dict[str, str] = {}
        self._alarms: dict[tuple[str, str, str], StandingAlarm] = {}
        self._held_back = 0

    def keep(self, batch: Batch) -> int:
        """Keep a batch, and see whether sources disagree.

        Raises
        ------
        Unavailable
            The store cannot take it now; that is counted, and told when it is new.
        """
        try:
            number = self._historian.keep(batch)
        except Unavailable as error:
            self._held_back += 1
            self._tell_new("store", str(error))
            raise
        for each in self._rivals.take(batch):
            pair = min(each.counts, each.other), max(each.counts, each.other)
            if each.over:
                self._apart.pop(pair, None)
            else:
                self._apart[pair] = each.sentence
            self._tell(each.sentence)
        if self._heard_store is not None:
            self._heard_store.hear(*self._rivals.counted(batch))
        return number

    def durable(self) -> int:
        """Return the greatest number that is safe."""
        return self._historian.durable()

    def hasten(self, number: int) -> None:
        """Make a batch safe as soon as possible."""
        self._historian.hasten(number)

    def on_durable(self, hear: Callable[[], None]) -> Callable[[], None]:
        """Call a function whenever more is safe; return what ends that."""
        return self._historian.on_durable(hear)

    def look(self) -> None:
        """Tell each trouble that is new, and keep the health where others find it."""
        for each in self._sources:
            self._date(each.name, each.health())
            self._tell_new(each.name, each.health().trouble)
        self._tell_new("store", self._historian.health().trouble)
        self._tell_alarms()
        if self._heard_store is not None:
            self._tell_new("oee", self._heard_store.trouble)
            for doubt in self._heard_store.new_doubts():
                self._tell(f"In doubt: {doubt.evidence}")
            for change in self._heard_store.new_changes():
                self._changed(change)
        beside = self._file.with_suffix(".json.new")
        with contextlib.suppress(OSError):  # a full disk is told by the store already
            beside.write_bytes(msgspec.json.encode(self.health()))
            beside.replace(self._file)

    def end(self, outcomes: Iterable[Outcome]) -> None:
        """Hear which sources gave up, and look for the last time."""
        self._ended = {each.source: each.failure for each in outcomes if each.failure}
        self.look()

    def health(self) -> CollectingHealth:
        """Return how all of it is doing now."""
        heard = self._heard_store
        return CollectingHealth(
            at=self._clock.now(),
            sources={each.name: each.health() for each in self._sources},
            troubled_at=dict(self._troubled_at),
            ended=dict(self._ended),
            store=self._historian.health(),
            apart=tuple(self._apart.values()),
            disagreements=self._rivals.disagreements,
            doubts=heard.doubt_counts() if heard else {},
            not_counted=heard.not_counted if heard else None,
            counter_resets=heard.resets if heard else None,
            kpi_changes=heard.changes if heard else None,
            held_back=self._held_back,
            alarms=self._standing(),
        )

    def _date(self, name: str, health: SourceHealth) -> None:
        """Note when a source was troubled last: while it is not connected, and as counts grow."""
        amended = {why: count for why, count in health.amended.items() if why not in HARMLESS}
        mark = health.trouble, health.refused, amended, health.gaps, health.reconnects
        if health.trouble and (health.connected is False or self._marks.get(name) != mark):
            self._troubled_at[name] = self._clock.now()
        self._marks[name] = mark

    def _standing(self) -> tuple[StandingAlarm, ...]:
        """Return what machines tell to be wrong by themselves."""
        return tuple(
            alarm for each in self._sources if isinstance(each, Alarming) for alarm in each.alarms()
        )

    def _tell_alarms(self) -> None:
        """Tell each alarm of a machine when it comes and when it is over."""
        now = {(each.source, each.work_unit, each.name): each for each in self._standing()}
        for key, each in now.items():
            if key not in self._alarms or self._alarms[key].since != each.since:
                said = f": {each.message}" if each.message else ""
                self._tell(
                    f"Alarm '{each.name}' of '{each.work_unit or each.source}' since "
                    f"{iso_of(each.since)}, severity {each.severity}{said}"
                )
        for key, each in self._alarms.items():
            if key not in now:
                self._tell(f"Alarm '{each.name}' of '{each.work_unit or each.source}' is over.")
        self._alarms = now

    def _tell_new(self, name: str, trouble: str) -> None:
        if trouble and self._heard.get(name) != trouble:
            self._tell(f"{name}: {trouble}")
        self._heard[name] = trouble


def health_kept(folder: Path) -> CollectingHealth | None:
    """Return the health that collecting told last; None: nobody collected here."""
    try:
        return msgspec.json.decode((folder / HEALTH_FILE).read_bytes(), type=CollectingHealth)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def is_stale(health: CollectingHealth, clock: Clock) -> bool:
    """Return whether nobody collects now."""
    return clock.now() - health.at > STALE_S * SECOND


@contextlib.asynccontextmanager
async def metrics_served(
    watch: Watch, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[int]:
    """Serve ``GET /metrics`` until the block ends; yield the port.

    Raises
    ------
    Unavailable
        Nothing can be served there.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(REQUEST_S_MAX):
                asked = await reader.readuntil(b"\r\n\r\n")
                writer.write(_answer(asked.partition(b"\r\n")[0], watch))
                await writer.drain()
        writer.close()

    try:
        server = await asyncio.start_server(answer, host, port, limit=REQUEST_BYTES_MAX)
    except OSError as error:
        raise Unavailable(
            f"Expected {host}:{port} to be free for metrics, but found: {error.strerror}. "
            "Choose another port."
        ) from error
    async with server:
        yield server.sockets[0].getsockname()[1]


def _answer(request: bytes, watch: Watch) -> bytes:
    if request.split(b" ")[:2] == [b"GET", b"/metrics"]:
        status, body = "200 OK", exposition(watch.health()).encode()
    else:
        status, body = "404 Not Found", b"Ask for GET /metrics.\n"
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
