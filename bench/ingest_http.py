"""Batches of readings over HTTP, stored: ours beside InfluxDB 1.6 (Debian) in the same run.

Run ``python bench/ingest_http.py [--seconds S] [--batches N,N] [--clients N,N]``. Both get the same
10,000 series over as many keep-alive connections, each of which waits for its answer: ours JSON
rows, then binary columns; Influx its line protocol. A request counts when it is answered with
success, ours when its readings are durable; what is stored is counted afterwards. Influx is skipped
by name where it is not installed.
"""

import argparse
import asyncio
import json
import multiprocessing
import resource
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import msgspec

from fabloop.adapters.historian import Historian
from fabloop.adapters.http_readings import HttpReadings, HttpSource
from fabloop.adapters.http_readings.server import served
from fabloop.app.ingest import pump
from fabloop.app.processes.clocks import WallClock
from fabloop.sense.readings.payloads.binary import binary_of

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

SERIES = 10_000
STAMP = b"1111111111111"
"""Stands for the time in prepared bodies: milliseconds, 13 digits."""
BINARY_STAMP = 0x1111111111111111
CLOCK = WallClock()


class Form(NamedTuple):
    """How we are told readings."""

    name: str
    kind: str
    body: Callable[[list[tuple[str, str]]], bytes]
    stamped: Callable[[bytes, int], bytes]


class Found(NamedTuple):
    """Readings stored a second, and CPU of the server for each, µs."""

    rate: float
    cpu_us: float


def names(batch: int) -> list[list[tuple[str, str]]]:
    """Return machine and signal of each series, in groups that make up a batch."""
    every = [(f"machine-{n // 100:02}", f"signal-{n % 100:02}") for n in range(SERIES)]
    return [every[at : at + batch] for at in range(0, SERIES, batch)]


def value(signal: str) -> float:
    """Return a value such as sensors tell."""
    return round(20 + int(signal[-2:]) / 7, 3)


def rows(group: list[tuple[str, str]]) -> bytes:
    """Return a body of JSON rows."""
    return msgspec.json.encode(
        [(int(STAMP), f"{machine}/{signal}", value(signal)) for machine, signal in group]
    )


def columns(group: list[tuple[str, str]]) -> bytes:
    """Return a body of binary columns."""
    values = [value(signal) for _, signal in group]
    series = [f"{machine}/{signal}" for machine, signal in group]
    return binary_of([int(BINARY_STAMP)] * len(group), values, series, range(len(group)))


def lines(group: list[tuple[str, str]]) -> bytes:
    """Return a body of line protocol."""
    stamp = STAMP.decode()
    return "\n".join(
        f"readings,unit={machine},name={signal} value={value(signal)} {stamp}"
        for machine, signal in group
    ).encode()


def in_text(body: bytes, at_ms: int) -> bytes:
    """Return a body of text with another time."""
    return body.replace(STAMP, b"%d" % at_ms)


def in_columns(body: bytes, at_ms: int) -> bytes:
    """Return a body of binary columns with another time."""
    old, new = (each.to_bytes(8, "little") for each in (BINARY_STAMP, at_ms * 1_000_000))
    return body.replace(old, new)


class Posting:
    """Posts prepared bodies, each with a time of its own, over several connections."""

    def __init__(
        self, port: int, path: str, kind: str, bodies: list[bytes],
        stamped: Callable[[bytes, int], bytes], batch: int,
    ) -> None:  # fmt: skip
        self._port, self._path = port, path
        self._headers = {"Content-Type": kind}
        self._bodies = bodies
        self._stamped = stamped
        self._batch = batch
        self._number = 0
        self._begin_ms = CLOCK.now() // 1_000_000 - 3_600_000
        self._lock = threading.Lock()
        self.done = 0
        self.failed: list[bytes] = []
        self.ends: list[float] = []

    def run(self, connections: int, seconds: float) -> float:
        """Post for some seconds; return how long it took until the last answer."""
        begin = time.perf_counter()
        threads = [
            threading.Thread(target=self._post, args=(begin + seconds,)) for _ in range(connections)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        return max(self.ends) - begin

    def _request(self) -> bytes:
        with self._lock:
            number = self._number
            self._number += 1
        turn, group = divmod(number, len(self._bodies))
        return self._stamped(self._bodies[group], self._begin_ms + turn)

    def _post(self, until: float) -> None:
        connection = HTTPConnection("127.0.0.1", self._port)
        while time.perf_counter() < until:
            connection.request("POST", self._path, self._request(), self._headers)
            answer = connection.getresponse()
            said = answer.read()
            with self._lock:
                if answer.status in (202, 204):
                    self.done += self._batch
                else:
                    self.failed.append(said)
        connection.close()
        self.ends.append(time.perf_counter())


def serve(folder: str, told: Connection) -> None:
    """Be the process of our server."""

    async def story() -> None:
        historian = Historian(Path(folder), CLOCK)
        source = HttpSource(HttpReadings(source="bench"))
        pumping = asyncio.create_task(pump(source, historian, historian.catalogue))
        async with served(source) as port:
            before = cpu_s()
            told.send(port)
            await asyncio.to_thread(told.recv)
        source.close()
        await pumping
        used = cpu_s() - before
        historian.settle()
        health = historian.health()
        told.send((health.sealed + health.hot, used))
        historian.close()

    asyncio.run(story())


def cpu_s() -> float:
    """Return the CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def ours(form: Form, seconds: float, batch: int, clients: int) -> Found:
    """Print our figures, and return them."""
    folder = tempfile.mkdtemp(prefix="fabloop-http-")
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(folder, there))
    process.start()
    try:
        bodies = [form.body(group) for group in names(batch)]
        path = "/api/v1/readings"
        posting = Posting(here.recv(), path, form.kind, bodies, form.stamped, batch)
        took = posting.run(clients, seconds)
        here.send("end")
        stored, used = here.recv()
    finally:
        process.join()
        shutil.rmtree(folder, ignore_errors=True)
    return told(form.name, posting, took, stored, used)


def peer(seconds: float, batch: int, clients: int) -> Found | None:
    """Print the figures of InfluxDB and return them; None where it is not installed."""
    from influx_server import ask, binary, influx_server

    if binary() is None:
        print("skipped: InfluxDB is not installed here (apt-get install influxdb)")
        return None
    with influx_server() as (port, pid):
        bodies = [lines(group) for group in names(batch)]
        path = "/write?db=bench&precision=ms"
        posting = Posting(port, path, "text/plain", bodies, in_text, batch)
        took = posting.run(clients, seconds)
        used = cpu_of(pid)
        answer = json.loads(ask(port, "SELECT count(value) FROM readings"))
        stored = answer["results"][0]["series"][0]["values"][0][1]
    return told("InfluxDB 1.6, line protocol", posting, took, stored, used)


def told(name: str, posting: Posting, took: float, stored: int, used: float) -> Found:
    """Print one line."""
    rate = stored / took
    print(
        f"{name:<28} answered {posting.done:>10,} in {took:5.1f} s, stored {stored:>10,}, lost "
        f"{posting.done - stored:,}: {rate:>9,.0f} readings/s; server CPU {used:.1f} s "
        f"({used / max(stored, 1) * 1e6:.2f} µs a reading); failed requests {len(posting.failed)}"
    )
    return Found(rate, used / max(stored, 1) * 1e6)


def cpu_of(pid: int) -> float:
    """Return the CPU seconds that another process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--batches", default="1000,10000")
    parser.add_argument("--clients", default="1,8,64")
    asked = parser.parse_args()
    for batch in map(int, asked.batches.split(",")):
        for clients in map(int, asked.clients.split(",")):
            compared(asked.seconds, batch, clients)


FORMS = (
    Form("fabloop, JSON rows", "application/json", rows, in_text),
    Form("fabloop, binary columns", "application/vnd.fabloop.columns", columns, in_columns),
)


def compared(seconds: float, batch: int, clients: int) -> None:
    """Print the figures of all for so many clients at once."""
    print(f"batches of {batch:,} rows, {clients} clients at once")
    mine = [ours(form, seconds, batch, clients) for form in FORMS]
    theirs = peer(seconds, batch, clients)
    if theirs:
        print(
            "times InfluxDB: "
            + ", ".join(
                f"{form.name} {one.rate / theirs.rate:.1f} (a reading costs the server "
                f"1/{theirs.cpu_us / one.cpu_us:.1f} of its CPU)"
                for form, one in zip(FORMS, mine, strict=True)
            )
        )


if __name__ == "__main__":
    main()
