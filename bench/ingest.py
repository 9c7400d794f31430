"""Readings over MQTT into the store: rate, loss, age of what is not safe yet, CPU of each part.

Run ``python bench/ingest.py [--seconds S] [--rate R] [--single-rate R] [--only batches,single]``.
Sender, a real Mosquitto and the ingest share the cores. Batches: 100 readings a message
(MessagePack rows) of 10,000 series, QoS 1 on both ways, acknowledged when durable, kept by the
historian, which seals Parquet meanwhile. Single: one JSON value a message. Age: the wall clock less
the newest reading that is durable, every 20 ms. Default: 20 s of batches (the aim is stated for
60 s: ``--seconds 60``).
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

import msgspec
import numpy as np

from fabloop.adapters.historian import Historian, Options
from fabloop.adapters.mqtt import MqttSource, mapping_of, packets
from fabloop.app.ingest import pump
from fabloop.app.processes.clocks import WallClock
from fabloop.base.instant import SECOND
from fabloop.sense.readings.batch import Batch

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

CLOCK = WallClock()
MACHINES = 100
SIGNALS = 100
WINDOW = 2_000
"""Messages of QoS 1 that the sender has under way."""
DRAIN_S_MAX = 60.0

MAPPING = """
source: bench
broker: {{host: 127.0.0.1, port: {port}, client_id: ingest, receive_maximum: 20000}}
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


def batches(sender: Sender, rate: int, seconds: float) -> int:
    """Send rows of 100 signals of a machine, `rate` readings a second; return how many."""
    encode = msgspec.msgpack.Encoder().encode
    names = [f"signal-{n:02}" for n in range(SIGNALS)]
    rng = np.random.default_rng(7)
    values = rng.normal(20.0, 0.1, (MACHINES, SIGNALS)).cumsum(axis=1).round(3).tolist()
    topics = [f"rows/machine-{n:02}".encode() for n in range(MACHINES)]
    begin, sent, last = time.perf_counter(), 0, 0
    while (passed := time.perf_counter() - begin) < seconds:
        due = int(passed * rate) - sent
        messages = []
        for _ in range(min(due // SIGNALS, 200)):
            machine = (sent // SIGNALS) % MACHINES
            last = max(last + 1, CLOCK.now() // 1_000)
            rows = [(last, name, value) for name, value in zip(names, values[machine], strict=True)]
            messages.append((topics[machine], encode(rows)))
            sent += SIGNALS
        if messages:
            sender.send(messages)
        else:
            time.sleep(0.001)
    sender.finish()
    return sent


def singles(sender: Sender, rate: int, seconds: float) -> int:
    """Send single JSON readings; return how many."""
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
    return sent


def send(port: int, kind: str, qos: int, rate: int, seconds: float, told: Connection) -> None:
    """Be the process that sends; tell how many readings, and the CPU seconds."""
    sender = Sender(port, qos=qos)
    told.recv()
    count = (batches if kind == "batches" else singles)(sender, rate, seconds)
    told.send((count, cpu_s()))
    told.recv()


def cpu_s() -> float:
    """Return the CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


# The ingest: what a plant runs.


class Watched:
    """The historian, watched: how old is the newest reading that is durable?"""

    def __init__(self, historian: Historian) -> None:
        self._historian = historian
        self._newest: list[tuple[int, int]] = []
        self._durable_at = 0
        self.ages_s: list[float] = []
        self.kept = 0

    def keep(self, batch: Batch) -> int:
        """Keep a batch; note its newest reading."""
        number = self._historian.keep(batch)
        self._newest.append((number, int(batch.times.max())))
        self.kept += len(batch)
        return number

    def durable(self) -> int:
        """Return what is durable."""
        return self._historian.durable()

    def look(self) -> None:
        """Note the present age."""
        durable = self._historian.durable()
        while self._newest and self._newest[0][0] <= durable:
            self._durable_at = max(self._durable_at, self._newest.pop(0)[1])
        if self._durable_at:
            self.ages_s.append((CLOCK.now() - self._durable_at) / SECOND)


def ingest(port: int, qos: int, folder: str, told: Connection) -> None:
    """Be the process that ingests, until told to stop; tell what was stored."""
    asyncio.run(_ingest(port, qos, Path(folder), told))


async def _ingest(port: int, qos: int, folder: Path, told: Connection) -> None:
    options = Options(segment_readings=2_000_000)
    historian = Historian(folder, WallClock(), options)
    store = Watched(historian)
    source = MqttSource(mapping_of(MAPPING.format(port=port, qos=qos).encode()))
    pumping = asyncio.create_task(pump(source, store, historian.catalogue))
    while not source.health().connected:
        await asyncio.wait([pumping], timeout=0.01)
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
    source.close()
    await pumping
    used = cpu_s()
    historian.settle()
    health = historian.health()
    historian.close()
    stored = health.sealed + health.hot
    told.send((stored, health.parts, store.ages_s, used, finished, source.health()))


def run(kind: str, qos: int, rate: int, seconds: float) -> None:
    """Print the figures of one kind of message."""
    from mosquitto_server import Mosquitto

    folder = tempfile.mkdtemp(prefix="fabloop-ingest-")
    context = multiprocessing.get_context("spawn")
    try:
        with Mosquitto() as broker:
            ours, theirs = context.Pipe()
            reader = context.Process(target=ingest, args=(broker.port, qos, folder, theirs))
            reader.start()
            assert ours.recv() == "ready"
            to_sender, from_sender = context.Pipe()
            writer = context.Process(
                target=send, args=(broker.port, kind, qos, rate, seconds, from_sender)
            )
            writer.start()
            to_sender.send("go")
            begin = time.perf_counter()
            count, sender_cpu = to_sender.recv()
            sent_after = time.perf_counter() - begin
            broker_cpu = process_cpu_s(broker.pid)
            ours.send(count)
            stored, parts, ages, ingest_cpu, finished, health = ours.recv()
            to_sender.send("done")
            writer.join()
            reader.join()
            took = max(finished - begin, sent_after)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    age = np.quantile(ages, [0.5, 0.99, 1.0]) if ages else [float("nan")] * 3
    print(
        f"{kind:<9} QoS {qos}  offered {rate:>9,}/s  sent {count:>11,} in {sent_after:5.1f} s"
        f"  stored {stored:>11,}  lost {count - stored:,}"
    )
    print(
        f"          sustained {stored / took:>9,.0f} readings/s; age of the newest durable reading "
        f"p50 {age[0]:.2f}, p99 {age[1]:.2f}, max {age[2]:.2f} s"
    )
    print(
        f"          CPU s: ingest with sealing {ingest_cpu:.1f}, broker {broker_cpu:.1f}, "
        f"sender {sender_cpu:.1f}; Parquet files {parts}; refused {health.refused}, "
        f"gaps {health.gaps}"
    )


def process_cpu_s(pid: int) -> float:
    """Return the CPU seconds that another process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def main() -> None:
    """Print the figures."""
    from mosquitto_server import binary

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=int, default=520_000)
    parser.add_argument("--single-rate", type=int, default=52_000)
    parser.add_argument("--only", default="batches,single")
    asked = parser.parse_args()
    wanted = asked.only.split(",")
    if binary() is None:
        print("skipped: Mosquitto is not installed here (apt-get install mosquitto)")
        return
    if "batches" in wanted:
        run("batches", 1, asked.rate, asked.seconds)
    if "single" in wanted:
        run("single", 0, asked.single_rate, min(asked.seconds, 15.0))
        run("single", 1, asked.single_rate // 2, min(asked.seconds, 10.0))


if __name__ == "__main__":
    main()
