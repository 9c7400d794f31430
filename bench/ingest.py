"""Readings over MQTT into the store: rate, loss, age of what is not safe yet, CPU of each part.

Run ``python bench/ingest.py [--seconds S] [--rate R] [--single-rate R] [--only KINDS]``; kinds are
``batches``, ``plain`` and ``single``.
Sender, a real Mosquitto and the ingest share the cores. Batches: 100 readings a message
(MessagePack rows) of 10,000 series, QoS 1 on both ways, acknowledged when durable, kept by the
historian, which seals Parquet meanwhile. Each of the 100 machines tells its state as a text and two
counters of parts in every message, and the process that stores them counts OEE of all machines and
watches their KPIs, as ``fabloop readings collect --oee`` does; the parts counted are compared with
those told. Plain: the same messages without OEE and KPIs, for a shorter while, to see what those
cost. Single: one JSON value a message. Age: the wall clock less the newest reading that is durable,
every 20 ms. Default: the 60 s for which the aim is stated.
"""

import argparse
import asyncio
import multiprocessing
import resource
import shutil
import socket
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from fabloop.adapters.historian import Historian, Options
from fabloop.adapters.mqtt import MqttSource, mapping_of, packets
from fabloop.app.collecting import collect
from fabloop.app.live_oee import HeardStore
from fabloop.app.processes.clocks import WallClock
from fabloop.app.readings_watch import Watch
from fabloop.base.instant import HOUR, SECOND, Instant
from fabloop.model.ids import WorkUnitId
from fabloop.sense.oee.engine import UnitSetting
from fabloop.sense.oee.totals import together
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.ports import SourceHealth

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

CLOCK = WallClock()
MACHINES = 100
SIGNALS = 100
"""Of each machine: gauges, its state, and its counters of good and scrapped parts."""
CYCLE_S = 2.0
PLAIN_S_MAX = 20.0
WINDOW = 2_000
"""Messages of QoS 1 that the sender has under way."""
DRAIN_S_MAX = 60.0

SETTINGS = tuple(
    UnitSetting(
        work_unit=WorkUnitId(f"machine-{n:02}"), time_zone="UTC", rates={"": int(CYCLE_S * SECOND)}
    )
    for n in range(MACHINES)
)
MAPPING = """
source: bench
broker: {{host: 127.0.0.1, port: {port}, client_id: ingest, receive_maximum: 20000}}
series:
  - {{series: "*/state", kind: state, states: [producing, waiting, setup, failed]}}
  - {{series: "*/parts.*", kind: counter}}
topics:
  - {{topic: "rows/{{work_unit}}", form: {{layout: rows, encoding: msgpack, time_unit: us}}}}
  - {{topic: "one/{{work_unit}}/{{name}}", form: {{time_unit: us}}, qos: {qos}}}
"""


# The sender: as plain as can be, so that it takes little of the cores.


class Sender:
    """Publishes over a blocking socket; counts what the broker acknowledged."""

    def __init__(self, port: int, *, qos: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.sendall(
            packets.connect("sender", keep_alive_s=0, session_expiry_s=0, receive_maximum=65_535)
        )
        self._socket.recv(1_024)
        self._qos = qos
        self.sent = 0
        self.acknowledged = 0
        threading.Thread(target=self._hear, daemon=True).start()

    def _hear(self) -> None:
        rest = b""
        while data := self._socket.recv(1 << 16):
            rest += data
            whole = len(rest) // 4  # a PUBACK of success has four bytes
            self.acknowledged += whole
            rest = rest[4 * whole :]

    def send(self, messages: list[tuple[bytes, bytes]]) -> None:
        """Publish, and wait while too much is under way."""
        out = bytearray()
        for topic, payload in messages:
            self.sent += 1
            number = (self.sent - 1) % 65_535 + 1 if self._qos else 0
            out += packets.publish(topic, payload, qos=self._qos, number=number)
        self._socket.sendall(out)
        while self._qos and self.sent - self.acknowledged > WINDOW:
            time.sleep(0.0005)

    def finish(self) -> None:
        """Wait until the broker has all."""
        while self._qos and self.acknowledged < self.sent:
            time.sleep(0.005)


class Machine:
    """What a machine tells beside its gauges: most of the time it makes a part every 2 s."""

    def __init__(self, number: int) -> None:
        self._ahead_s = number * 0.37
        self._stands = False
        self.first: tuple[int, int] | None = None
        self.last = (0, 0)

    def tell(self, at: int, passed_s: float) -> list[tuple[int, str, str | int]]:
        """Return its state and counters."""
        turn, within = divmod(passed_s + self._ahead_s, 30.0)
        state = "producing" if within < 25.0 else ("failed" if turn % 5 == 4 else "waiting")
        good = int(turn * 25.0 / CYCLE_S + min(within, 25.0) / CYCLE_S)
        self.last = (1_000 + good, good // 40)
        self.first = self.first or self.last
        return [(at, "state", state), (at, "parts.good", self.last[0]),
                (at, "parts.scrap", self.last[1])]  # fmt: skip

    def counted(self) -> tuple[int, int]:
        """Return the parts from its first telling on."""
        first = self.first or self.last
        return self.last[0] - first[0], self.last[1] - first[1]


def batches(sender: Sender, rate: int, seconds: float) -> tuple[int, tuple[int, int]]:
    """Send what machines tell, `rate` readings a second; return how many, and how many parts."""
    encode = msgspec.msgpack.Encoder().encode
    names = [f"signal-{n:02}" for n in range(SIGNALS - 3)]
    rng = np.random.default_rng(7)
    values = rng.normal(20.0, 0.1, (MACHINES, len(names))).cumsum(axis=1).round(3).tolist()
    topics = [f"rows/machine-{n:02}".encode() for n in range(MACHINES)]
    machines = [Machine(n) for n in range(MACHINES)]
    begin, sent, last = time.perf_counter(), 0, 0
    while (passed := time.perf_counter() - begin) < seconds:
        due = int(passed * rate) - sent
        messages = []
        for _ in range(min(due // SIGNALS, 200)):
            machine = (sent // SIGNALS) % MACHINES
            last = max(last + 1, CLOCK.now() // 1_000)
            rows: list[tuple[int, str, float | str]] = [
                (last, name, value) for name, value in zip(names, values[machine], strict=True)
            ]
            rows += machines[machine].tell(last, passed)
            messages.append((topics[machine], encode(rows)))
            sent += SIGNALS
        if messages:
            sender.send(messages)
        else:
            time.sleep(0.001)
    sender.finish()
    good, scrap = (sum(each) for each in zip(*(one.counted() for one in machines), strict=True))
    return sent, (good, scrap)


def singles(sender: Sender, rate: int, seconds: float) -> tuple[int, tuple[int, int]]:
    """Send single JSON readings; return how many, and no parts."""
    topics = [
        f"one/machine-{n % MACHINES:02}/signal-{n // MACHINES:02}".encode() for n in range(10_000)
    ]
    begin, sent, last = time.perf_counter(), 0, 0
    while (passed := time.perf_counter() - begin) < seconds:
        due = int(passed * rate) - sent
        messages = []
        for _ in range(min(due, 500)):
            last = max(last + 1, CLOCK.now() // 1_000)
            messages.append((topics[sent % 10_000], b'{"ts":%d,"value":21.375}' % last))
            sent += 1
        if messages:
            sender.send(messages)
        else:
            time.sleep(0.0005)
    sender.finish()
    return sent, (0, 0)


def send(port: int, kind: str, qos: int, rate: int, seconds: float, told: Connection) -> None:
    """Be the process that sends; tell how many readings, and the CPU seconds."""
    sender = Sender(port, qos=qos)
    told.recv()
    begin = time.perf_counter()
    count, parts = (singles if kind == "single" else batches)(sender, rate, seconds)
    told.send((count, parts, time.perf_counter() - begin, cpu_s()))
    told.recv()


def cpu_s() -> float:
    """Return the CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


# The ingest: what a plant runs.


class Watched:
    """The store, watched: how old is the newest reading that is durable?"""

    def __init__(self, store: Watch) -> None:
        self._store = store
        self._newest: list[tuple[int, int]] = []
        self._durable_at = 0
        self.ages_s: list[float] = []
        self.kept = 0

    def keep(self, batch: Batch) -> int:
        """Keep a batch; note its newest reading."""
        number = self._store.keep(batch)
        self._newest.append((number, int(batch.times.max())))
        self.kept += len(batch)
        return number

    def durable(self) -> int:
        """Return what is durable."""
        return self._store.durable()

    def look(self) -> None:
        """Note the present age."""
        durable = self._store.durable()
        while self._newest and self._newest[0][0] <= durable:
            self._durable_at = max(self._durable_at, self._newest.pop(0)[1])
        if self._durable_at:
            self.ages_s.append((CLOCK.now() - self._durable_at) / SECOND)


class Ingested(NamedTuple):
    """What the ingest tells when all is over."""

    stored: int
    files: int
    ages_s: list[float]
    cpu_s: float
    finished: float
    source: SourceHealth
    parts: tuple[int, int]
    changes: int


def ingest(port: int, qos: int, folder: str, counts: bool, told: Connection) -> None:
    """Be the process that ingests, until told to stop; tell what was stored."""
    asyncio.run(_ingest(port, qos, Path(folder), counts, told))


async def _ingest(port: int, qos: int, folder: Path, counts: bool, told: Connection) -> None:
    historian = Historian(folder, CLOCK, Options(segment_readings=2_000_000))
    source = MqttSource(mapping_of(MAPPING.format(port=port, qos=qos).encode()))
    heard = HeardStore(historian, SETTINGS, historian.catalogue, CLOCK) if counts else None
    watch = Watch(folder, historian, [source], CLOCK, heard=heard, tell=_say)
    store, ending = Watched(watch), asyncio.Event()
    collecting = asyncio.create_task(
        collect([source], store, historian.catalogue, ending, lambda _: watch.look())
    )
    while not source.health().connected:
        await asyncio.wait([collecting], timeout=0.01)
    told.send("ready")
    expected, measuring, quiet = None, True, time.perf_counter()
    seen = 0
    while expected is None or (store.kept < expected and time.perf_counter() - quiet < 10):
        await asyncio.sleep(0.02)
        if measuring:
            store.look()
        if told.poll():
            expected, measuring = told.recv(), False
        if store.kept != seen:
            seen, quiet = store.kept, time.perf_counter()
    finished = time.perf_counter()
    ending.set()
    await collecting
    used = cpu_s()
    historian.settle()
    health = historian.health()
    historian.close()
    told.send(
        Ingested(
            health.sealed + health.hot, health.parts, store.ages_s, used, finished,
            source.health(), parts_of(heard), 0 if heard is None else heard.changes,
        )
    )  # fmt: skip


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


def parts_of(heard: HeardStore | None) -> tuple[int, int]:
    """Return the parts that were counted, good and scrap."""
    if heard is None:
        return 0, 0
    now = CLOCK.now()
    units = (each.work_unit for each in SETTINGS)
    counted = together(heard.totals(one, Instant(now - HOUR), now) for one in units).counted()
    return counted.good, counted.scrap


def run(kind: str, qos: int, rate: int, seconds: float) -> float:
    """Print the figures of one kind of message; return CPU seconds a million readings."""
    from mosquitto_server import Mosquitto

    folder = tempfile.mkdtemp(prefix="fabloop-ingest-")
    context = multiprocessing.get_context("spawn")
    try:
        with Mosquitto() as broker:
            ours, theirs = context.Pipe()
            reader = context.Process(
                target=ingest, args=(broker.port, qos, folder, kind == "batches", theirs)
            )
            reader.start()
            assert ours.recv() == "ready"
            to_sender, from_sender = context.Pipe()
            writer = context.Process(
                target=send, args=(broker.port, kind, qos, rate, seconds, from_sender)
            )
            writer.start()
            to_sender.send("go")
            begin = time.perf_counter()
            count, parts, sent_s, sender_cpu = to_sender.recv()
            broker_cpu = process_cpu_s(broker.pid)
            ours.send(count)
            found: Ingested = ours.recv()
            to_sender.send("done")
            writer.join()
            reader.join()
            took = max(found.finished - begin, sent_s)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    age = np.quantile(found.ages_s, [0.5, 0.99, 1.0]) if found.ages_s else [float("nan")] * 3
    print(
        f"{kind:<9} QoS {qos}  offered {rate:>9,}/s  sent {count:>11,} in {sent_s:5.1f} s"
        f"  stored {found.stored:>11,}  lost {count - found.stored:,}"
    )
    print(
        f"          sustained {found.stored / took:>9,.0f} readings/s; age of the newest durable "
        f"reading p50 {age[0]:.2f}, p99 {age[1]:.2f}, max {age[2]:.2f} s"
    )
    print(
        f"          CPU s: ingest with sealing {found.cpu_s:.1f}, broker {broker_cpu:.1f}, "
        f"sender {sender_cpu:.1f}; Parquet files {found.files}; refused {found.source.refused}, "
        f"gaps {found.source.gaps}"
    )
    if kind == "batches":
        print(
            f"          OEE of {MACHINES} machines beside it: parts told {parts}, counted "
            f"{found.parts}, {found.changes} changes of KPIs told"
        )
    return found.cpu_s / max(found.stored, 1) * 1e6


def process_cpu_s(pid: int) -> float:
    """Return the CPU seconds that another process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def main() -> None:
    """Print the figures."""
    from mosquitto_server import binary

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=int, default=520_000)
    parser.add_argument("--single-rate", type=int, default=52_000)
    parser.add_argument("--only", default="batches,plain,single")
    asked = parser.parse_args()
    wanted = asked.only.split(",")
    if binary() is None:
        print("skipped: Mosquitto is not installed here (apt-get install mosquitto)")
        return
    cpu = {
        kind: run(kind, 1, asked.rate, min(asked.seconds, most))
        for kind, most in (("batches", asked.seconds), ("plain", PLAIN_S_MAX))
        if kind in wanted
    }
    if cpu:
        print(
            "CPU s of the ingest a million readings: "
            + ", ".join(
                f"{'with OEE and KPIs' if kind == 'batches' else 'without'} {used:.2f}"
                for kind, used in cpu.items()
            )
        )
    if "single" in wanted:
        run("single", 0, asked.single_rate, min(asked.seconds, 15.0))
        run("single", 1, asked.single_rate // 2, min(asked.seconds, 10.0))


if __name__ == "__main__":
    main()
