"""Measures parallel multi-instance: jobs of one activity from start to finish, and its growth.

Each size is one instance whose activity makes a job per item; workers take the jobs in batches of
1,000 and complete each by a command of its own. Run it with
``python bench/multi_instance.py [items ...]``; a command counts once its row is in SQLite (FULL).
"""

import os
import platform
import sys
import tempfile
import time
from collections import deque
from itertools import pairwise
from pathlib import Path

from fabloop.adapters.sqlite import SqliteJournal
from fabloop.base.collector import settle
from fabloop.base.instant import SECOND, Instant
from fabloop.base.journal import Journal, MemoryJournal
from fabloop.process.bpmn.model import (
    BpmnProcess,
    EndEvent,
    JobWork,
    MultiInstance,
    SequenceFlow,
    ServiceTask,
    StartEvent,
)
from fabloop.process.commands import (
    ActivateJobs,
    AdvanceTo,
    Command,
    CompleteJob,
    Deploy,
    JobsActivated,
    Reply,
    StartInstance,
)
from fabloop.process.engine import Engine

AT = Instant(1_750_000_000_000_000_000)
IN_FLIGHT = 256
SIZES = (1_000, 10_000, 20_000)
JOBS_PER_BATCH = 1_000
RUNS = 3
"""Runs per size; the median counts for the growth."""


def process(sequential: bool = False) -> BpmnProcess:
    """Return a process that welds every part of an order and collects the seams."""
    loop = MultiInstance(
        sequential=sequential,
        collection="parts",
        element="part",
        output_collection="seams",
        output_element="seam",
    )
    weld = ServiceTask(id="weld", work=JobWork(type="weld"), loop=loop)
    return BpmnProcess(
        id="welding",
        nodes=(StartEvent(id="start"), weld, EndEvent(id="end")),
        flows=(
            SequenceFlow(id="in", source="start", target="weld"),
            SequenceFlow(id="out", source="weld", target="end"),
        ),
    )


class Shop:
    """Sends commands to an engine, and waits for their rows to be durable."""

    def __init__(self, journal: Journal) -> None:
        self.engine, self.journal = Engine(), journal
        self.waiting = deque[int]()
        self.bytes = self.largest = 0
        self.longest_s = 0.0
        self.now = AT
        self.does(Deploy(process=process()))

    def does(self, command: Command) -> Reply:
        """Let the engine decide; at most `IN_FLIGHT` commands wait for the journal."""
        began = time.perf_counter()
        outcome = self.engine.handle(command, at=self.now)
        self.longest_s = max(self.longest_s, time.perf_counter() - began)
        for row in outcome.rows:
            self.bytes += len(row.body)
            self.largest = max(self.largest, len(row.body))
        if outcome.rows:
            self.waiting.append(self.journal.append(outcome.rows))
        while len(self.waiting) > IN_FLIGHT:
            self.journal.wait(self.waiting.popleft())
        return outcome.reply

    def run(self, items: int) -> None:
        """Run one instance with a job per item."""
        self.does(StartInstance(process="welding", variables={"parts": list(range(items))}))
        while self.engine.instances():
            due = self.engine.next_due()
            if due is not None and due < AT + SECOND:
                self.now = due
                self.does(AdvanceTo(now=due))
            take = ActivateJobs(type="weld", worker="w", limit=JOBS_PER_BATCH, lease_ns=60 * SECOND)
            reply = self.does(take)
            assert isinstance(reply, JobsActivated)
            for job in reply.jobs:
                self.does(CompleteJob(job=job.key, variables={"seam": job.key}, epoch=job.epoch))
        while self.waiting:
            self.journal.wait(self.waiting.popleft())


def measure(name: str, journal: Journal, items: int) -> tuple[float, float]:
    """Run one size, print its figures, and return its wall and CPU time in seconds."""
    shop = Shop(journal)
    shop.bytes = 0
    wall, cpu = time.perf_counter(), time.process_time()
    shop.run(items)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    seams = next(iter(shop.engine.state.finished.values())).variables["seams"]
    assert isinstance(seams, list), "the results are collected"
    assert len(seams) == items, "one result per item"
    print(
        f"{name:<12} {items:7,} jobs {wall:7.2f} s wall {cpu:7.2f} s CPU "
        f"{cpu / items * 1e6:6.0f} us/item {shop.bytes / items:6.0f} B/item "
        f"largest row {shop.largest / 1e3:6.0f} kB longest command {shop.longest_s * 1e3:6.0f} ms"
    )
    return wall, cpu


def main() -> None:
    """Print every figure."""
    settle()  # as a host does that serves a store
    sizes = tuple(map(int, sys.argv[1:])) or SIZES
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores")
    measure("warm-up", MemoryJournal(), 200)
    times = {}
    with tempfile.TemporaryDirectory() as folder:
        for items in sizes:
            measure("in memory", MemoryJournal(), items)
            runs = []
            for number in range(RUNS):
                journal = SqliteJournal(Path(folder) / f"{items}-{number}.db")
                runs.append(measure("SQLite FULL", journal, items))
                journal.close()
            times[items] = sorted(runs)[RUNS // 2]
    for small, large in pairwise(sizes):
        (wall, cpu), (wall_less, cpu_less) = times[large], times[small]
        ratios = f"{wall / wall_less:.1f} x the time, {cpu / cpu_less:.1f} x the CPU time"
        print(f"{large:,} / {small:,} items: {ratios}")


if __name__ == "__main__":
    main()
