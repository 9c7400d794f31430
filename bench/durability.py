"""Measures what durability costs: acknowledgement, recovery, correlation, bytes, and kills.

Run it with ``python bench/durability.py [instances] [kills]``. Latencies stand beside an fdatasync
of the same disk in the same run. CPU seconds count; wall seconds depend on disk and neighbours.
"""

import gc
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

from kernel import AT, scenario_a

from fabloop.adapters.sqlite import SqliteJournal, SqliteSnapshots
from fabloop.base.collector import settle
from fabloop.base.journal import Journal, MemoryJournal, Row
from fabloop.process import passive
from fabloop.process.bpmn.model import (
    BpmnProcess,
    CatchEvent,
    EndEvent,
    SequenceFlow,
    StartEvent,
)
from fabloop.process.bpmn.triggers import Caught, MessageTrigger, SignalTrigger
from fabloop.process.commands import (
    BroadcastSignal,
    Command,
    CompleteJob,
    Deploy,
    JobCreated,
    PublishMessage,
    StartInstance,
)
from fabloop.process.deltas import decode_body
from fabloop.process.engine import Engine, Outcome
from fabloop.process.recovery import recover, save_snapshot

ROOT = Path(__file__).parents[1]
SYNCS = 300
PUBLISHED = 2_000


def percentile(times: list[float], share: float) -> float:
    """Return the value that a share of the times does not exceed."""
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


def fdatasync(folder: Path) -> float:
    """Return the median seconds that the disk takes for one small durable write."""
    times = []
    with (folder / "probe").open("wb") as file:
        for _ in range(SYNCS):
            begun = time.perf_counter()
            file.write(b"x" * 4_096)
            file.flush()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - begun)
    return statistics.median(times)


class Clock:
    """Seconds that something took: of the wall, and of the processor."""

    wall_s = cpu_s = 0.0

    def __str__(self) -> str:
        return f"{self.wall_s:6.2f} s wall {self.cpu_s:6.2f} s CPU"


@contextmanager
def clocked() -> Iterator[Clock]:
    """Measure what is done within."""
    clock, wall, cpu = Clock(), time.perf_counter(), time.process_time()
    yield clock
    clock.wall_s, clock.cpu_s = time.perf_counter() - wall, time.process_time() - cpu


class ClosedLoop:
    """Keeps a number of commands of scenario (a) in flight, and notes when each is acknowledged."""

    def __init__(self, journal: Journal, in_flight: int, partition: int = 0) -> None:
        self.engine = Engine(partition)
        self.journal = journal
        self.in_flight = in_flight
        self.waiting: deque[tuple[float, int, Outcome]] = deque()
        self.todo: deque[Command] = deque()
        self.times: list[float] = []
        journal.append(self.engine.handle(Deploy(process=scenario_a()), at=AT).rows)

    def run(self, commands: int) -> None:
        """Send this many commands, and wait for all of them."""
        sent, started = 0, 0
        while sent < commands or self.waiting:
            while sent < commands and len(self.waiting) < self.in_flight:
                if not self.todo:
                    started += 1
                    self.todo.append(
                        StartInstance(process="a", variables={"amount": 101 + started % 7})
                    )
                self._send(self.todo.popleft())
                sent += 1
            self._acknowledge()

    def _send(self, command: Command) -> None:
        begun = time.perf_counter()
        outcome = self.engine.handle(command, at=AT)
        self.waiting.append((begun, self.journal.append(outcome.rows), outcome))

    def _acknowledge(self) -> None:
        begun, seq, outcome = self.waiting.popleft()
        self.journal.wait(seq)
        self.times.append(time.perf_counter() - begun)
        for notice in outcome.notices:
            if isinstance(notice, JobCreated):
                done = {"ok": True} if notice.person else {"seam_mm": 3}
                self.todo.append(CompleteJob(job=notice.job, variables=done))


def measure_acknowledgement(
    name: str, journal: Journal, folder: Path, in_flight: int, commands: int
) -> None:
    """Print the latency of acknowledged commands beside that of the disk."""
    before = fdatasync(folder)
    loop = ClosedLoop(journal, in_flight)
    settle()
    with clocked() as clock:
        loop.run(commands)
    journal.close()
    disk = statistics.median([before, fdatasync(folder)])
    p50, p99 = (percentile(loop.times, share) for share in (0.5, 0.99))
    print(
        f"acknowledged, {name}, {in_flight:5} in flight   p50 {p50 * 1e3:6.2f} ms  "
        f"p99 {p99 * 1e3:6.2f} ms  {commands / clock.wall_s:7.0f} commands/s   "
        f"fdatasync p50 {disk * 1e3:.2f} ms (x {p50 / disk:.1f}); "
        f"{clock.cpu_s / clock.wall_s:.0%} of a core was ours"
    )


def measure_partitions(folder: Path, partitions: int, in_flight: int, commands: int) -> None:
    """Print the same over partitions, each a process with an engine, a journal and a core."""
    context = multiprocessing.get_context("fork")
    together, ends = context.Barrier(partitions), []
    before = fdatasync(folder)
    for number in range(partitions):
        hears, tells = context.Pipe(duplex=False)
        given = (folder, number, in_flight // partitions, commands // partitions, together, tells)
        child = context.Process(target=_run_partition, args=given)
        child.start()
        tells.close()
        ends.append((child, hears))
    told = [hears.recv() for _, hears in ends]
    for child, _ in ends:
        child.join()
    disk = statistics.median([before, fdatasync(folder)])
    times = [each for _, part in told for each in part]
    p50, p99 = (percentile(times, share) for share in (0.5, 0.99))
    rate = sum(len(part) / wall_s for wall_s, part in told)
    print(
        f"acknowledged, SQLite, {partitions} partitions, {in_flight} in flight   "
        f"p50 {p50 * 1e3:6.2f} ms  p99 {p99 * 1e3:6.2f} ms  {rate:7.0f} commands/s   "
        f"fdatasync p50 {disk * 1e3:.2f} ms (x {p50 / disk:.1f})"
    )


def _run_partition(
    folder: Path,
    partition: int,
    in_flight: int,
    commands: int,
    together: Barrier,
    tells: Connection,
) -> None:
    """Be one partition: begin with the others, and tell the wall seconds and all latencies."""
    journal = SqliteJournal(folder / f"partition-{partition}.db", partition)
    loop = ClosedLoop(journal, in_flight, partition)
    settle()
    together.wait()
    with clocked() as clock:
        loop.run(commands)
    journal.close()
    tells.send((clock.wall_s, loop.times))
    tells.close()


def measure_recovery(folder: Path, instances: int) -> None:
    """Print how long it takes to get waiting instances back, by replay and from a snapshot."""
    path = folder / "recovery.db"
    journal, engine = SqliteJournal(path), Engine()
    rows = list(engine.handle(Deploy(process=scenario_a()), at=AT).rows)
    for number in range(instances):
        command = StartInstance(process="a", variables={"amount": 101 + number % 7})
        rows += engine.handle(command, at=AT).rows
    journal.wait(journal.append(rows))
    deltas = sum(len(decode_body(row.body).deltas) for row in rows)
    on_disk = sum(each.stat().st_size for each in folder.glob("recovery.db*"))
    print(
        f"{instances} instances wait; journal {on_disk / instances:.0f} B on disk with its log, "
        f"{sum(len(row.body) for row in rows) / instances:.0f} B payload each"
    )
    snapshots = SqliteSnapshots(folder / "snapshots.db")
    with clocked() as clock:
        save_snapshot(engine, len(rows), snapshots)
    size = sum(map(len, snapshots.parts(len(rows)))) / instances
    print(f"snapshot of everything            {clock}   {size:6.0f} B an instance")
    with clocked() as clock:
        found = recover(journal)
    print(f"recovered by replay alone         {clock}   {deltas / clock.cpu_s:9.0f} deltas/CPU-s")
    assert found.engine.state == engine.state
    tail = []
    for job in list(engine.state.jobs)[: instances // 10]:
        tail += engine.handle(CompleteJob(job=job), at=AT).rows
    journal.wait(journal.append(tail))
    del found
    gc.collect()
    with clocked() as clock:
        found = recover(journal, snapshots)
    print(f"recovered by snapshot and tail    {clock}   {len(tail)} rows in the tail")
    assert found.snapshot == len(rows)
    assert found.engine.state == engine.state
    snapshots.close()
    journal.close()


WAITED: dict[str, tuple[Caught, Callable[[int], Command]]] = {
    "correlate": (
        MessageTrigger(name="part", correlation_key="order"),
        lambda number: PublishMessage(name="part", correlation_key=f"o-{number}"),
    ),
    "signal": (
        SignalTrigger(name="=order"),
        lambda number: BroadcastSignal(name=f"o-{number}"),
    ),
}
"""What instances wait for, and what reaches the one of a number."""


def waits(trigger: Caught) -> BpmnProcess:
    """Return a process that waits for something of its own."""
    ends = ["start catch", "catch end"]
    return BpmnProcess(
        id="waits",
        nodes=(StartEvent(id="start"), CatchEvent(id="catch", trigger=trigger), EndEvent(id="end")),
        flows=tuple(
            SequenceFlow(id=each, source=each.split()[0], target=each.split()[1]) for each in ends
        ),
    )


def measure_correlation(population: int, kind: str) -> None:
    """Print the CPU time of one message or signal while many instances wait."""
    trigger, reaching = WAITED[kind]
    engine = Engine()
    engine.handle(Deploy(process=waits(trigger)), at=AT)
    for number in range(population):
        engine.handle(StartInstance(process="waits", variables={"order": f"o-{number}"}), at=AT)
    gc.collect()
    gc.freeze()
    times = []
    published = min(PUBLISHED, population // 2)
    for number in range(published):
        command = reaching(number * 2)
        begun = time.process_time_ns()
        engine.handle(command, at=AT)
        times.append((time.process_time_ns() - begun) / 1e9)
    gc.unfreeze()
    assert len(engine.instances()) == population - published
    print(
        f"{kind + ',':10} {population:7} waiting      "
        f"p50 {statistics.median(times) * 1e6:6.0f} us CPU"
        f"   p99 {percentile(times, 0.99) * 1e6:6.0f} us   worst {max(times) * 1e6:6.0f} us"
    )


def measure_memory(instances: int, in_memory: int) -> None:
    """Print the memory of waiting instances of which so many may stay records, in a fresh child."""
    ears, mouth = os.pipe()
    if not os.fork():
        passive.ROOTS_IN_MEMORY_MAX = in_memory
        engine = Engine()
        engine.handle(Deploy(process=scenario_a()), at=AT)
        before = resident()
        begun = time.process_time()
        for number in range(instances):
            command = StartInstance(process="a", variables={"amount": 101 + number % 7})
            engine.handle(command, at=AT)
        spent = time.process_time() - begun
        gc.collect()
        each = (resident() - before) / instances
        os.write(
            mouth, f"{each:6.0f} B each, {spent / instances * 1e6:.0f} us CPU to start".encode()
        )
        os._exit(0)
    os.close(mouth)
    os.wait()
    told = os.read(ears, 100).decode()
    os.close(ears)
    print(f"{instances} wait, {min(in_memory, instances):6} as records: {told}")


def resident() -> int:
    """Return the bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def measure_bytes() -> None:
    """Print how much the journal keeps of one instance of scenario (a), from start to end."""
    rows: list[Row] = []
    journal = MemoryJournal()
    loop = ClosedLoop(journal, 1)
    loop.run(300)
    rows = [row for _, row in journal.read()][1:]
    ended = len(loop.engine.state.finished)
    payload = sum(len(row.body) for row in rows) / ended
    print(f"journal of one instance of (a)    {payload:6.0f} B payload")


def measure_kills(name: str, place: str, kills: int) -> None:
    """Print what killing the kernel at random moments has shown; fails where it is wrong."""
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/app/killed_kernel.py"), place, "1", str(kills)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    print(
        f"kill -9, {name}: nothing acknowledged was lost, nothing was done twice: "
        f"{done.stdout.strip()} in {time.perf_counter() - begun:.0f} s"
    )


def measure_postgres(folder: Path, kills: int) -> None:
    """Print latencies and kills over a PostgreSQL server of our own, where it is installed."""
    from fabloop.adapters.postgres import PostgresJournal
    from postgres_server import binaries, postgres_server

    if binaries() is None:
        print("PostgreSQL is not installed here: apt-get install postgresql")
        return
    with postgres_server() as url:
        measure_kills("PostgreSQL", url, max(1, kills))
        for in_flight, commands in ((1, 500), (1_000, 30_000)):
            journal = PostgresJournal(url)
            measure_acknowledgement("PostgreSQL", journal, folder, in_flight, commands)


def main() -> None:
    """Print every figure."""
    sys.path.append(str(ROOT / "tests"))
    instances = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for in_flight, commands in ((1, 1_500), (1_000, 60_000)):
            journal = SqliteJournal(folder / f"{in_flight}.db")
            measure_acknowledgement("SQLite", journal, folder, in_flight, commands)
        measure_partitions(folder, 2, 1_000, 60_000)
        measure_bytes()
        for in_memory in (instances, passive.ROOTS_IN_MEMORY_MAX, 0):
            measure_memory(instances, in_memory)
        measure_recovery(folder, instances)
        gc.collect()
        for population in (1_000, instances):
            for kind in WAITED:
                measure_correlation(population, kind)
        place = folder / "kills"
        place.mkdir()
        measure_kills("SQLite", str(place), kills)
        measure_postgres(folder, kills // 10)


if __name__ == "__main__":
    main()
