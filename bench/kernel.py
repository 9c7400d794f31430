"""Measures the process kernel: macro steps per second, replay, CPU and bytes per instance.

Scenario (a): start, FEEL script, exclusive gateway, service job, user task, end; three durable
commands per instance (start, complete the job, complete the user task). Run it with
``python bench/kernel.py [instances]``; CPU seconds count, wall seconds depend on the disk.
"""

import os
import platform
import sys
import tempfile
import time
from collections import deque
from pathlib import Path

from fabloop.adapters.sqlite import SqliteJournal
from fabloop.base.collector import settle
from fabloop.base.instant import Instant
from fabloop.base.journal import Journal, MemoryJournal, Row
from fabloop.process.bpmn.model import (
    BpmnProcess,
    EndEvent,
    ExclusiveGateway,
    JobWork,
    ScriptTask,
    SequenceFlow,
    ServiceTask,
    StartEvent,
    UserTask,
)
from fabloop.process.commands import CompleteJob, Deploy, JobCreated, StartInstance
from fabloop.process.deltas import decode_body
from fabloop.process.engine import Engine, Outcome

AT = Instant(1_750_000_000_000_000_000)
STEPS_PER_INSTANCE = 3


def scenario_a() -> BpmnProcess:
    """Return the process of scenario (a)."""
    ends = ["start script", "script gate", "gate job", "gate end", "job person", "person end"]
    conditions = {"gate job": "priced > 100"}
    return BpmnProcess(
        id="a",
        nodes=(
            StartEvent(id="start"),
            ScriptTask(id="script", expression="amount * 1.5", result_variable="priced"),
            ExclusiveGateway(id="gate", default="gate end"),
            ServiceTask(id="job", work=JobWork(type="weld")),
            UserTask(id="person"),
            EndEvent(id="end"),
        ),
        flows=tuple(
            SequenceFlow(
                id=each,
                source=each.split()[0],
                target=each.split()[1],
                condition=conditions.get(each, ""),
            )
            for each in ends
        ),
    )


class Load:
    """Keeps a number of instances in flight; a command is sent on once its rows are durable."""

    def __init__(self, journal: Journal, in_flight: int) -> None:
        self.engine = Engine()
        self.journal = journal
        self.in_flight = in_flight
        self.journal.append(self.engine.handle(Deploy(process=scenario_a()), at=AT).rows)
        self.bytes = self.rows = self.steps = 0

    def run(self, instances: int) -> None:
        """Run instances from start to end."""
        started, waiting = 0, deque[tuple[int, Outcome]]()
        while started < instances or waiting:
            if started < instances and len(waiting) < self.in_flight:
                command = StartInstance(process="a", variables={"amount": 100 + started % 7})
                waiting.append(self.send(command))
                started += 1
                continue
            seq, outcome = waiting.popleft()
            self.journal.wait(seq)
            for notice in outcome.notices:
                if isinstance(notice, JobCreated):
                    done = {"ok": True} if notice.person else {"seam_mm": 3}
                    waiting.append(self.send(CompleteJob(job=notice.job, variables=done)))

    def send(self, command: StartInstance | CompleteJob) -> tuple[int, Outcome]:
        """Let the engine decide and queue its rows."""
        outcome = self.engine.handle(command, at=AT)
        self.steps += 1
        self.rows += len(outcome.rows)
        self.bytes += sum(len(row.body) for row in outcome.rows)
        return self.journal.append(outcome.rows), outcome


def measure(name: str, journal: Journal, in_flight: int, instances: int) -> list[Row]:
    """Run the load and print its rates; return the rows."""
    load = Load(journal, in_flight)
    wall, cpu = time.perf_counter(), time.process_time()
    load.run(instances)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(
        f"{name:<28} {load.steps / wall:9.0f} steps/s wall {load.steps / cpu:9.0f} steps/CPU-s "
        f"{cpu / instances * 1e6:7.0f} us CPU/instance "
        f"{load.bytes / instances:6.0f} B payload/instance"
    )
    assert not load.engine.instances(), "every instance has ended"
    return [row for _, row in journal.read()]


def measure_replay(rows: list[Row]) -> None:
    """Replay rows into an empty engine and print the rate."""
    deltas = sum(len(decode_body(row.body).deltas) for row in rows)
    engine = Engine()
    cpu = time.process_time()
    engine.replay(rows)
    cpu = time.process_time() - cpu
    print(f"{'replay':<28} {deltas / cpu:9.0f} deltas/CPU-s {len(rows) / cpu:9.0f} rows/CPU-s")


def main() -> None:
    """Print every figure."""
    settle()  # as a host does that serves a store
    instances = int(sys.argv[1]) if len(sys.argv) > 1 else 3_000
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {instances} instances of a")
    measure("warm-up", MemoryJournal(), 256, instances // 4)
    rows = measure("in memory", MemoryJournal(), 256, instances)
    measure_replay(rows)
    with tempfile.TemporaryDirectory() as folder:
        for in_flight in (1, 16, 256):
            journal = SqliteJournal(Path(folder) / f"{in_flight}.db")
            count = max(50, min(instances, instances * in_flight // 64))
            measure(f"SQLite FULL, {in_flight} in flight", journal, in_flight, count)
            journal.close()


if __name__ == "__main__":
    main()
