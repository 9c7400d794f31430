"""``fabloop readings collect``: sources into the store, until it is told to end."""

import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from fabloop.adapters.historian import Historian
from fabloop.app.chronicle import Recorded
from fabloop.app.collecting import Outcome, collect
from fabloop.app.live_oee import HeardStore
from fabloop.app.processes.clocks import WallClock
from fabloop.app.readings_watch import Watch, metrics_served
from fabloop.app.sources import (
    buffered,
    resume,
    source_of_mapping,
    source_of_recording,
    sources_of_factory,
)
from fabloop.base.codec import to_json, to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.base.instant import iso_of
from fabloop.cli.oee import ratios, settings_in
from fabloop.cli.readings_health import place_given, precedence_in
from fabloop.model.facts import KpiChanged
from fabloop.sense.oee.live import SERIES_RULES
from fabloop.sense.readings.ports import ReadingSource

OEE_EVERY = 10
"""Looks at the sources between two tellings of OEE."""


class CollectRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked on the command line."""

    folder: Path
    factory: Path | None
    mappings: tuple[Path, ...]
    recordings: tuple[Path, ...]
    post: str
    token: str
    pki: Path | None
    seconds: float | None
    oee: Path | None = None
    oee_lines: Path | None = None
    kpi_lines: Path | None = None
    precedence: Path | None = None
    metrics: str = ""
    buffer: Path | None = None


def collect_readings(request: CollectRequest, *, as_json: bool) -> ExitCode:
    """Collect until the time is over, all sources have ended, or a signal comes; then tell."""
    outcomes = asyncio.run(_collected(request))
    if as_json:
        sys.stdout.write(to_json_pretty(outcomes).decode())
    else:
        sys.stdout.writelines(f"{line}\n" for each in outcomes for line in _lines(each))
    well = all(not each.failure and each.health.received for each in outcomes)
    return ExitCode.FINE if well else ExitCode.NOT_PRODUCIBLE


async def _collected(request: CollectRequest) -> tuple[Outcome, ...]:
    clock, ending = WallClock(), asyncio.Event()
    loop = asyncio.get_running_loop()
    place = place_given("--metrics", request.metrics) if request.metrics else None
    rules = precedence_in(request.precedence) if request.precedence else ()
    sources = _sources(request, clock)
    async with AsyncExitStack() as stack:
        if request.post:
            sources.append(await _posted(request, stack))
        historian = Historian(request.folder, clock)
        stack.callback(historian.close)
        resume(sources, historian.catalogue, historian.query.latest())
        if request.buffer is not None:
            sources = buffered(sources, request.buffer)
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, ending.set)
            stack.callback(loop.remove_signal_handler, each)
        if request.seconds is not None:
            loop.call_later(request.seconds, ending.set)
        heard = None
        if request.oee is not None:
            settings, _ = settings_in(request.oee)
            heard = HeardStore(historian, settings, historian.catalogue, clock)
        watch = Watch(
            request.folder, historian, sources, clock, precedence=rules, heard=heard, tell=_say,
            changed=_changes_to(request.kpi_lines),
        )  # fmt: skip
        if place is not None:
            bound = await stack.enter_async_context(
                metrics_served(watch, host=place[0], port=place[1])
            )
            _say(f"Metrics may be read at http://{place[0]}:{bound}/metrics")
        telling = None if heard is None else _Telling(heard, request.oee_lines)

        def look(sources: Sequence[ReadingSource]) -> None:
            watch.look()
            _watch(sources) if telling is None else telling.watch(sources)

        outcomes = await collect(sources, watch, historian.catalogue, ending, look)
        watch.end(outcomes)
        if telling is not None:
            telling.tell()
        return outcomes


class _Telling:
    """Tells the figures of all units again and again: to people, or line by line to a file."""

    def __init__(self, heard: HeardStore, lines: Path | None) -> None:
        self._heard = heard
        self._lines = lines
        self._turn = 0

    def watch(self, sources: Sequence[ReadingSource]) -> None:
        _watch(sources)
        self._turn += 1
        if self._turn % OEE_EVERY == 0:
            self.tell()

    def tell(self) -> None:
        units = self._heard.units()
        if self._lines is not None:
            _append(self._lines, b"".join(to_json(each) + b"\n" for each in units))
            return
        for each in units:
            availability, performance, quality, oee = ratios(each.indicators)
            sys.stderr.write(
                f"{each.work_unit}: {each.activity}, OEE {oee} "
                f"({availability} x {performance} x {quality})\n"
            )
        if self._heard.not_counted:
            sys.stderr.write(f"{self._heard.not_counted} events could not be counted\n")


def _changes_to(file: Path | None) -> Callable[[KpiChanged], None]:
    """Return who writes changes of KPIs down, one JSON object in each line."""

    def write(change: KpiChanged) -> None:
        if file is not None:
            told = Recorded(at=iso_of(change.value.at), fact=change)
            _append(file, to_json(told) + b"\n")

    return write


def _append(file: Path, content: bytes) -> None:
    try:
        with file.open("ab") as opened:
            opened.write(content)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        sys.stderr.write(f"Figures were not written to '{file}': {reason}.\n")


def _sources(request: CollectRequest, clock: WallClock) -> list[ReadingSource]:
    found: list[ReadingSource] = []
    if request.factory is not None:
        found += sources_of_factory(request.factory, request.pki, clock)
    found += [source_of_mapping(each) for each in request.mappings]
    found += [source_of_recording(each) for each in request.recordings]
    return found


async def _posted(request: CollectRequest, stack: AsyncExitStack) -> ReadingSource:
    """Serve posts for as long as the stack lives."""
    from fabloop.adapters.http_readings import HttpReadings, HttpSource  # an extra
    from fabloop.adapters.http_readings.server import served

    host, _, port = request.post.rpartition(":")
    if not port.isdecimal() or not host:
        raise Invalid(
            Fault(source="--post", path="", expected="HOST:PORT", found=repr(request.post),
                hint="Write 127.0.0.1:8086, say.")
        )  # fmt: skip
    source = HttpSource(
        HttpReadings(source="posted", token_file=request.token, series=SERIES_RULES)
    )
    bound = await stack.enter_async_context(served(source, host=host, port=int(port)))
    sys.stderr.write(f"Readings may be posted to http://{host}:{bound}/api/v1/readings\n")
    return source


def _watch(sources: Sequence[ReadingSource]) -> None:
    """Tell people at a terminal how far it is."""
    if not sys.stderr.isatty():
        return
    told = [each.health() for each in sources]
    received = sum(each.received for each in told)
    refused = sum(sum(each.refused.values()) for each in told)
    connected = sum(each.connected is True for each in told)
    sys.stderr.write(
        f"\r{connected} of {len(told)} connected, {received:,} readings, {refused:,} refused "
    )


def _lines(outcome: Outcome) -> list[str]:
    health = outcome.health
    lines = [f"{outcome.source}: {health.received:,} readings"]
    if health.refused:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in health.refused.items())
        lines.append(f"  refused: {reasons}")
    if health.amended:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in health.amended.items())
        lines.append(f"  amended: {reasons}")
    if health.gaps or health.reconnects:
        lines.append(f"  gaps: {health.gaps:,}, connected again: {health.reconnects:,} times")
    if outcome.failure or health.trouble:
        lines.append(f"  {outcome.failure or health.trouble}")
    return lines


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()
