"""Measures the host: durable commands per second, how fast a poll wakes, jobs done by workers.

Each command is acknowledged after its rows are on the disk. Run it with ``python bench/host.py
[instances]``; what callers wait for depends on the disk, whose own fdatasync is printed beside.
"""

import asyncio
import os
import platform
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from fabloop.app.processes.crew import Worker
from fabloop.app.processes.host import Host
from fabloop.app.processes.polls import Poll
from fabloop.app.processes.questions import AskRehearsal
from fabloop.app.processes.store import Serving, open_host
from fabloop.app.processes.worker import worker
from fabloop.base.instant import SECOND
from fabloop.process.bpmn.model import (
    BpmnProcess,
    EndEvent,
    JobWork,
    SequenceFlow,
    ServiceTask,
    StartEvent,
)
from fabloop.process.commands import ActiveJob, CompleteJob, Deploy, StartInstance
from fabloop.process.operations import CancelEach, StartBatch
from fabloop.process.state import JobState

START = StartInstance(process="one", variables={"amount": 3})
WORKER = """
from fabloop import worker

@worker("weld")
def weld(amount):
    return {"seam_mm": amount}
"""


def one_job() -> BpmnProcess:
    """Return a process with one job."""
    ends = (("start", "job"), ("job", "end"))
    return BpmnProcess(
        id="one",
        nodes=(
            StartEvent(id="start"),
            ServiceTask(id="job", work=JobWork(type="weld")),
            EndEvent(id="end"),
        ),
        flows=tuple(SequenceFlow(id=f"{a}-{b}", source=a, target=b) for a, b in ends),
    )


def fdatasync_ms(folder: Path) -> tuple[float, float]:
    """Return the median and the 99th percentile of the disk's own fdatasync."""
    took = []
    with (folder / "probe").open("wb") as file:
        for _ in range(100):
            file.write(b"x" * 4096)
            file.flush()
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - begun)
    return percentiles(took)


def percentiles(took: list[float]) -> tuple[float, float]:
    """Return median and 99th percentile in milliseconds."""
    ordered = sorted(took)
    return ordered[len(ordered) // 2] * 1e3, ordered[int(len(ordered) * 0.99)] * 1e3


def told(name: str, count: int, wall_s: float, cpu_s: float, took: list[float]) -> None:
    """Print the figures of one load."""
    middle, late = percentiles(took)
    print(
        f"{name:<34} {count / wall_s:8.0f}/s wall {count / cpu_s:8.0f}/CPU-s   "
        f"ack p50 {middle:6.1f} ms p99 {late:6.1f} ms"
    )


def by_threads(host: Host, threads: int, commands: int) -> None:
    """Start instances from so many threads, each waiting for its answer."""
    left, lock = iter(range(commands)), threading.Lock()
    took: list[float] = []

    def caller() -> None:
        while True:
            with lock:
                if next(left, None) is None:
                    return
            begun = time.perf_counter()
            host.submit(START)
            took.append(time.perf_counter() - begun)

    callers = [threading.Thread(target=caller) for _ in range(threads)]
    wall, cpu = time.perf_counter(), time.process_time()
    for each in callers:
        each.start()
    for each in callers:
        each.join()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    told(f"{threads} threads, durable commands", commands, wall, cpu, took)


def by_tasks(host: Host, tasks: int, commands: int) -> None:
    """Do the same from so many tasks of one event loop."""
    left, took = iter(range(commands)), list[float]()

    async def caller() -> None:
        for _ in left:
            begun = time.perf_counter()
            await host.submit_async(START)
            took.append(time.perf_counter() - begun)

    async def main() -> None:
        await asyncio.gather(*(caller() for _ in range(tasks)))

    wall, cpu = time.perf_counter(), time.process_time()
    asyncio.run(main())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    told(f"{tasks} tasks, durable commands", commands, wall, cpu, took)


def through(host: Host, in_flight: int, instances: int) -> None:
    """Run instances from start to end, by callbacks: two durable commands each."""
    done, lock = threading.Event(), threading.Lock()
    counts = {"started": 0, "ended": 0}
    begun_of: dict[int, float] = {}
    took: list[float] = []

    def start() -> None:
        with lock:
            if counts["started"] == instances:
                return
            counts["started"] += 1
        begun = time.perf_counter()
        host.post(START, lambda reply: begun_of.update({reply.instance: begun}))

    def ended(_: object) -> None:
        with lock:
            counts["ended"] += 1
            if counts["ended"] == instances:
                done.set()
        start()

    def listener(notices: object) -> None:
        for notice in notices:
            if type(notice).__name__ == "JobCreated":
                took.append(time.perf_counter() - begun_of.pop(notice.instance))
                host.post(CompleteJob(job=notice.job), ended)

    end = host.listen(listener)
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(in_flight):
        start()
    done.wait()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    end()
    told(f"{in_flight} instances in flight, commands", 2 * instances, wall, cpu, took)


def wake(host: Host, rounds: int) -> None:
    """Measure from sending a start until a poll that waits has its job, durably leased."""
    poll = Poll(types=("weld",), worker="bench", lease_ns=60 * SECOND)
    acked: list[float] = []
    woken: list[float] = []
    for _ in range(rounds):
        got: queue.SimpleQueue[tuple[float, ActiveJob]] = queue.SimpleQueue()
        host.post_poll(poll, 60, lambda jobs, got=got: got.put((time.perf_counter(), jobs[0])))
        begun = time.perf_counter()
        host.submit(START)
        acked.append(time.perf_counter() - begun)
        at, job = got.get()
        woken.append(at - begun)
        host.submit(CompleteJob(job=job.key, epoch=job.epoch))
    for name, took in (("start is acknowledged", acked), ("waiting poll has the job", woken)):
        middle, late = percentiles(took)
        print(f"{name:<34} p50 {middle:6.2f} ms p99 {late:6.2f} ms")


def worked(name: str, host: Host, jobs: int, launch: Callable[[], Callable[[], None]]) -> None:
    """Let a worker do jobs that wait, and print how many it does per second."""
    host.submit(Deploy(process=one_job()))
    left = jobs
    while left:
        slots = []
        for _ in range(min(left, 1_000)):
            done = threading.Event()
            host.post(START, lambda _, done=done: done.set())
            slots.append(done)
        for each in slots:
            each.wait()
        left -= len(slots)
    finished, first = threading.Event(), threading.Event()
    count = 0

    def listener(notices: object) -> None:
        nonlocal count
        count += sum(type(each).__name__ == "JobCompleted" for each in notices)
        if count:
            first.set()
        if count >= jobs:
            finished.set()

    host.listen(listener)
    end = launch()
    first.wait()
    begun, before = time.perf_counter(), count
    finished.wait()
    wall = time.perf_counter() - begun
    end()
    print(f"{name:<34} {(jobs - before) / wall:8.0f} jobs/s")
    assert not host.ask(lambda engine: engine.jobs(JobState.READY))


def many(host: Host, instances: int) -> None:
    """Measure a batch over many instances, tried out and done."""
    host.submit(Deploy(process=one_job()))
    for _ in range(instances // 1_000):
        slots = [threading.Event() for _ in range(1_000)]
        for each in slots:
            host.post(START, lambda _, each=each: each.set())
        for each in slots:
            each.wait()
    count = len(host.ask(lambda engine: engine.instances()))
    begun = time.perf_counter()
    host.query(AskRehearsal(action=CancelEach()))
    print(f"{'batch: rehearsed':<34} {count / (time.perf_counter() - begun):8.0f} instances/s")
    begun, ended = time.perf_counter(), threading.Event()

    def listener(notices: object) -> None:
        nonlocal count
        count -= sum(type(each).__name__ == "InstanceFinished" for each in notices)
        if count == 0:
            ended.set()

    host.listen(listener)
    total = count
    host.submit(StartBatch(action=CancelEach()))
    ended.wait()
    print(f"{'batch: cancelled':<34} {total / (time.perf_counter() - begun):8.0f} instances/s")


def crews(folder: Path, jobs: int) -> None:
    """Let workers work: in this process, and in another one over the socket."""

    @worker("weld")
    def weld(amount: int) -> dict[str, int]:
        return {"seam_mm": amount}

    @worker("weld")
    async def weld_async(amount: int) -> dict[str, int]:
        return {"seam_mm": amount}

    for name, function, hands in (
        ("worker here, 8 threads", weld, 8),
        ("worker here, 256 coroutines", weld_async, 256),
    ):
        with open_host(folder / name.replace(" ", "-")) as host:

            def here(
                host: Host = host, function: object = function, hands: int = hands
            ) -> Callable[[], None]:
                return Worker(host, [function], concurrency=hands).start().stop

            worked(name, host, jobs, here)
    (folder / "crew.py").write_text(WORKER)
    for hands in (8, 64):
        store = folder / f"served-{hands}"
        with Serving(store) as serving:

            def there(store: Path = store, hands: int = hands) -> Callable[[], None]:
                command = [
                    Path(sys.executable).with_name("fabloop"),
                    "process",
                    "work",
                    folder / "crew.py",
                ]
                options = ["--store", store, "--concurrency", str(hands)]
                process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL)

                def end() -> None:
                    process.terminate()
                    process.wait()

                return end

            worked(f"worker over the socket, {hands} threads", serving.host, jobs, there)


def main() -> None:
    """Print every figure."""
    instances = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, SQLite FULL")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        middle, late = fdatasync_ms(folder)
        print(f"{'fdatasync of the disk':<34} p50 {middle:6.2f} ms p99 {late:6.2f} ms")
        with open_host(folder / "commands") as host:
            host.submit(Deploy(process=one_job()))
            for threads in (1, 16, 256):
                by_threads(host, threads, min(instances, 100 * threads))
            for tasks in (16, 256, 1_000):
                by_tasks(host, tasks, min(instances, 100 * tasks))
        with open_host(folder / "through") as host:
            host.submit(Deploy(process=one_job()))
            through(host, 256, instances)
            through(host, 1_000, instances)
        with open_host(folder / "wake") as host:
            host.submit(Deploy(process=one_job()))
            wake(host, 200)
        with open_host(folder / "many") as host:
            many(host, instances)
        crews(folder, instances)


if __name__ == "__main__":
    main()
