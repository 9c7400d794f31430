"""The store of readings: ingest, bytes, questions, kills; a DuckDB table beside it in the same run.

Run ``python bench/readings.py [--readings N] [--full] [--folder F] [--kills K] [--no-peer]``. With
a folder the store is kept there; where it is already, it is only asked. 10,000 series tell
a day: times in ms with jitter, values with 3 decimals that walk at random, 0.5 % of them bad, in
batches of 10,000. Default: 20 million readings; ``--full``: 100 million. Batches are made in the
same process (their CPU is told apart) and kept as fast as the store takes them.
"""

import argparse
import os
import platform
import random
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from fabloop.adapters.historian import Historian, HistorianReader
from fabloop.app.processes.clocks import WallClock
from fabloop.base.errors import Unavailable
from fabloop.base.instant import DAY, HOUR, MINUTE, Instant
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.quality import BAD, GOOD
from fabloop.sense.readings.series import Series

ROOT = Path(__file__).parents[1]
CLOCK = WallClock()
SERIES = 10_000
MILLISECOND = 1_000_000
ASKED = 60
PEER_COMMIT_ROUNDS = 25


def told(what: str, figure: str, aim: str = "") -> None:
    """Print a figure beside its aim."""
    print(f"{what:<54} {figure:>38}  {aim}", flush=True)


def day(rounds: int, start: int) -> Iterator[Batch]:
    """Yield a reading of every series, so many times within a day."""
    chance = np.random.default_rng(1)
    level = chance.integers(20_000, 90_000, SERIES)
    series = np.arange(SERIES, dtype=np.int32)
    good = np.full(SERIES, GOOD, np.uint8)
    for number in range(rounds):
        level += chance.integers(-60, 61, SERIES)
        jitter = chance.integers(0, 1_000, SERIES)
        times = start + DAY * number // rounds // MILLISECOND * MILLISECOND + jitter * MILLISECOND
        values = level / 1_000
        quality = good.copy()
        bad = chance.integers(0, SERIES, SERIES // 200)
        quality[bad], values[bad] = BAD, np.nan
        yield Batch(times, series, values, quality)


class Delays:
    """How long each batch waited until it was durable."""

    def __init__(self, historian: Historian) -> None:
        self.seconds: list[float] = []
        self._historian = historian
        self._kept: deque[tuple[int, float]] = deque()
        self._ending = False
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def note(self, number: int) -> None:
        """Note that a batch was kept now."""
        self._kept.append((number, time.monotonic()))

    def end(self) -> None:
        """Wait for the last one."""
        self._ending = True
        self._thread.join()

    def _watch(self) -> None:
        while self._kept or not self._ending:
            durable, now = self._historian.durable(), time.monotonic()
            while self._kept and self._kept[0][0] <= durable:
                self.seconds.append(now - self._kept.popleft()[1])
            time.sleep(0.01)


def keep(historian: Historian, batch: Batch) -> int:
    """Keep a batch, however often the store says: later."""
    while True:
        try:
            return historian.keep(batch)
        except Unavailable:
            time.sleep(0.002)


def ingest(historian: Historian, rounds: int, start: int) -> None:
    """Keep a day of readings, and print what it took."""
    for number in range(SERIES):
        historian.catalogue.number(Series(source="bench", address=f"{number}", name=f"s{number}"))
    delays = Delays(historian)
    making = 0.0
    wall, cpu = time.perf_counter(), time.process_time()
    batches = day(rounds, start)
    number = 0
    while True:
        began = time.thread_time()
        batch = next(batches, None)
        making += time.thread_time() - began
        if batch is None:
            break
        number = keep(historian, batch)
        delays.note(number)
    historian.wait(number)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    delays.end()
    count = rounds * SERIES
    health = historian.health()
    told("ingest, durable, sealed meanwhile", f"{count / wall / 1e6:.2f} M readings/s", ">= 1.00")
    told("  CPU, without making the batches", f"{(cpu - making) / count * 1e6:.3f} us/reading")
    told("  sealed by then", f"{health.sealed / count:.0%}")
    p50, p99 = statistics.median(delays.seconds), np.quantile(delays.seconds, 0.99)
    told("  from kept to durable, p50 / p99", f"{p50:.2f} / {p99:.2f} s", "<= 1 s")
    wall, cpu = time.perf_counter(), time.process_time()
    historian.settle()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    told("then: all sealed, joined and condensed", f"{wall:.1f} s, CPU {cpu:.1f} s")


def sizes(folder: Path) -> None:
    """Print what a reading takes on the disk."""
    reader = HistorianReader(folder)
    raw = [part for part in reader.parts if part.kind == "raw"]
    count = sum(part.readings for part in raw)
    size = sum(part.bytes for part in raw)
    minutes = sum(part.bytes for part in reader.parts) - size
    trend = sum((folder / f"trend.db{end}").stat().st_size for end in ("",))
    reader.close()
    told("readings sealed, in files", f"{count:,} in {len(raw)}")
    told("bytes of a sealed reading", f"{size / count:.2f}", "<= 5")
    told(
        "  and of its minutes, and of its steps of 5 min",
        f"{minutes / count:.2f} + {trend / count:.2f}",
    )


def timed(ask: Callable[[int], object], chance: random.Random) -> str:
    """Return how long a question took for some series, on the wall and in CPU."""
    walls, cpus = [], []
    for _ in range(ASKED):
        series = chance.randrange(SERIES)
        wall, cpu = time.perf_counter(), time.process_time()
        ask(series)
        walls.append((time.perf_counter() - wall) * 1e3)
        cpus.append((time.process_time() - cpu) * 1e3)
    p50, p95, cpu50 = statistics.median(walls), np.quantile(walls, 0.95), statistics.median(cpus)
    return f"p50 {p50:.2f} p95 {p95:.2f} CPU {cpu50:.2f} ms"


def questions(folder: Path) -> None:
    """Print how long questions take, from a process that only reads."""
    chance = random.Random(1)
    reader = HistorianReader(folder)
    start = min(part.first_time for part in reader.parts) // HOUR * HOUR
    query, end = reader.query, Instant(start + DAY)
    began = time.perf_counter()
    query.range(1, Instant(start), end)
    told(
        "24 h of one series raw, the first question",
        f"{(time.perf_counter() - began) * 1e3:.1f} ms",
    )
    raw = timed(lambda series: query.range(series, Instant(start), end), chance)
    told("24 h of one series raw", raw, "<= 50 ms")
    trend = timed(lambda n: query.downsample(n, Instant(start), end, 5 * MINUTE), chance)
    told("24 h of one series in steps of 5 min", trend, "<= 5 ms")
    fine = timed(lambda n: query.downsample(n, Instant(start), end, MINUTE), chance)
    told("24 h of one series in steps of 1 min", fine)
    hour = timed(
        lambda n: query.range(n, Instant(start + 9 * HOUR), Instant(start + 10 * HOUR)), chance
    )
    told("1 h of one series raw", hour)
    times = chance.sample(range(start, start + DAY), 100)
    held = timed(lambda series: query.as_of(series, times), chance)
    told("what held at 100 instants of the day", held)
    latest = timed(lambda _: query.latest(), chance)
    told(f"latest of {SERIES:,} series", latest, "< 10 ms")
    reader.close()


PEER_STEPS = """
SELECT ns // 300000000000 AS step, count(value), min(value), max(value), avg(value)
FROM readings WHERE series = ? GROUP BY step ORDER BY step
"""


def peer(folder: Path, rounds: int, start: int) -> None:
    """Do the same with a table of DuckDB: a commit for each 250,000 readings."""
    connection = duckdb.connect(
        str(folder / "peer.duckdb"), config={"threads": 2, "memory_limit": "4GB"}
    )
    connection.execute(
        "CREATE TABLE readings (series INTEGER, ns BIGINT, value DOUBLE, quality UTINYINT)"
    )
    making, batches = 0.0, day(rounds, start)
    wall, cpu = time.perf_counter(), time.process_time()
    left = rounds
    while left:
        began = time.thread_time()
        some = [next(batches) for _ in range(min(left, PEER_COMMIT_ROUNDS))]
        making += time.thread_time() - began
        left -= len(some)
        rows = pa.table({  # noqa: F841  # DuckDB finds it by its name
            "series": np.concatenate([each.series for each in some]),
            "ns": np.concatenate([each.times for each in some]),
            "value": np.concatenate([each.values for each in some]),
            "quality": np.concatenate([each.quality for each in some]),
        })  # fmt: skip
        connection.execute("INSERT INTO readings SELECT * FROM rows")
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    count = rounds * SERIES
    told("peer: DuckDB table, commits of 250,000", f"{count / wall / 1e6:.2f} M readings/s")
    told("  CPU, without making the batches", f"{(cpu - making) / count * 1e6:.3f} us/reading")
    connection.execute("CHECKPOINT")
    size = (folder / "peer.duckdb").stat().st_size
    told("  bytes of a reading", f"{size / count:.2f}")
    chance = random.Random(1)
    steps = timed(lambda n: connection.execute(PEER_STEPS, [n]).fetchnumpy(), chance)
    told("  24 h of one series in steps of 5 min", steps)
    connection.close()


def kills(folder: Path, rounds: int) -> None:
    """Kill a process that keeps readings, again and again, and look for what it acknowledged."""
    script = ROOT / "tests" / "adapters" / "historian" / "killed.py"
    sys.path.insert(0, str(script.parent))
    from killed import BATCH
    from killed import SERIES as KILLED_SERIES

    start = (CLOCK.now() // HOUR - 3) * HOUR
    chance = random.Random(3)
    first = lost = acknowledged = 0
    for _ in range(rounds):
        last = until_killed(script, folder, start, first, chance.randint(50, 400))
        reader = HistorianReader(folder)
        found = [
            len(np.unique(reader.query.range(n, Instant(start), Instant(start + DAY)).times))
            for n in range(KILLED_SERIES)
        ]
        newest = int(reader.query.latest().values.max() * 8) // BATCH
        reader.close()
        acknowledged = (last + 1) * BATCH
        lost += max(0, (newest + 1) * BATCH - sum(found), acknowledged - sum(found))
        first = newest + 1
    told(f"acknowledged readings lost in {rounds} kills -9", f"{lost} of {acknowledged:,}", "0")


def until_killed(script: Path, folder: Path, start: int, first: int, after: int) -> int:
    """Kill a process after some acknowledgements, and return the last one that it told."""
    process = subprocess.Popen(
        [sys.executable, str(script), str(folder), str(start), str(first)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    last = first - 1
    for line in process.stdout:
        last = int(line)
        if last >= first + after:
            break
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read().split("\n")[:-1]
    process.wait()
    return int(rest[-1]) if rest else last


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description="Measures the store of readings.")
    parser.add_argument("--readings", type=int, default=20_000_000)
    parser.add_argument("--full", action="store_true", help="100 million readings")
    parser.add_argument("--folder", type=Path, help="keep the store here")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--no-peer", action="store_true")
    given = parser.parse_args()
    rounds = (100_000_000 if given.full else given.readings) // SERIES
    start = (CLOCK.now() // HOUR - 25) * HOUR
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, {rounds * SERIES:,} readings"
    )
    folder = Path(tempfile.mkdtemp(prefix="fabloop-readings-"))
    store = given.folder or folder / "store"
    try:
        if not (store / "manifest.db").exists():
            historian = Historian(store, CLOCK)
            ingest(historian, rounds, start)
            historian.close()
        sizes(store)
        questions(store)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        told("memory at most", f"{peak * 1024 / 1e9:.2f} GB")
        if not given.no_peer:
            peer(folder, rounds, start)
        kills(folder / "killed", given.kills)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
