"""Runs a worker's functions: fetches jobs, holds them while they are done, reports, stops."""

import asyncio
import itertools
import os
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Self

import msgspec

from fabloop.app.processes.polls import Poll
from fabloop.app.processes.service import Service
from fabloop.app.processes.slots import Slot
from fabloop.app.processes.worker import (
    CONCURRENCY,
    BusinessError,
    Function,
    Job,
    NoRetry,
    Task,
    arguments_of,
    backoff_ns,
    tasks_of,
    variables_of,
)
from fabloop.base.errors import FabloopError, Fault, Invalid, Refused, Unavailable
from fabloop.base.instant import SECOND
from fabloop.process.commands import (
    ActiveJob,
    CompleteJob,
    ExtendLease,
    FailJob,
    ThrowError,
)

POLL_S = 30.0
"""How long one request for jobs waits before it is sent again."""

RETRY_S = 1.0
"""Pause before a host that does not answer is tried again."""

LOOK_S = 1.0
"""How often a running worker lets the signals of its process be handled."""

FETCHED_MAX = 256
"""Jobs fetched at once."""

UNREPORTED_MAX = 1_000
"""Jobs that are done while what became of them is not durable yet."""

MESSAGE_LENGTH_MAX = 2_000

Report = CompleteJob | FailJob | ThrowError
_COUNT = itertools.count(1)
_FETCH, _SPIN = 0, 1


class _Held(msgspec.Struct, frozen=True, eq=False):
    job: ActiveJob
    task: Task
    lost: threading.Event


class Worker:
    """Does the jobs of a service with functions marked by `worker`.

    At most `concurrency` functions run at once: plain ones in threads, coroutines in one event loop
    of their own. A job is held, by extending its lease, for as long as its function runs; one that
    was lost meanwhile (cancelled, or handed to another worker after a long silence) is finished all
    the same, and its result dropped: the epoch of the lease sees to it that it counts only once.

    Parameters
    ----------
    source : a module, or marked functions
    connect : makes a new connection when the old one has ended; without it the worker gives up
    """

    def __init__(
        self,
        service: Service,
        source: ModuleType | Iterable[Function],
        *,
        name: str = "",
        concurrency: int = CONCURRENCY,
        connect: Callable[[], Service] | None = None,
    ) -> None:
        if concurrency < 1:
            expected = "at least 1 function at once"
            raise Invalid(
                Fault(source="worker", path="", expected=expected, found=f"{concurrency}")
            )
        self.name = name or f"{socket.gethostname()}/{os.getpid()}/{next(_COUNT)}"
        self.done = 0
        self.failed = 0
        self.lost = 0
        self._service = service
        self._connect = connect
        self._tasks = {each.type: each for each in tasks_of(source)}
        self._concurrency = concurrency
        self._changed = threading.Condition()
        self._held: dict[tuple[int, int], _Held] = {}
        self._end_poll: Callable[[], None] | None = None
        self._busy = 0
        self._again: deque[tuple[ActiveJob, Report]] = deque()
        self._asked = threading.Event()
        self._stopping = False
        self._gave_up: FabloopError | None = None
        self._lease_ns = int(min(each.lease_s for each in self._tasks.values()) * SECOND)
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="worker")
        self._threads = [
            threading.Thread(target=each, name=f"worker-{each.__name__}", daemon=True)
            for each in (self._fetch, self._spin, self._hold)
        ]

    def start(self) -> Self:
        """Begin to fetch jobs; returns at once."""
        self._loop = asyncio.new_event_loop()
        for thread in self._threads:
            thread.start()
        return self

    @property
    def types(self) -> tuple[str, ...]:
        """The types of jobs it does."""
        return tuple(self._tasks)

    def ask_to_stop(self) -> None:
        """Let `run` come to its end; may be called by a signal handler."""
        self._asked.set()

    def run(self) -> None:
        """Do jobs until `stop` is called from elsewhere, or the service is gone for good.

        Raises
        ------
        Unavailable
            The service has gone, and there is no way to connect again.
        """
        self.start()
        while not self._asked.wait(LOOK_S) and self._gave_up is None and not self._stopping:
            pass
        self.stop()
        if self._gave_up is not None:
            raise self._gave_up

    def stop(self, timeout_s: float | None = None) -> bool:
        """Fetch no more, let what runs come to its end, and tell whether all did in time.

        What does not is left to its lease.
        """
        with self._changed:
            self._stopping = True
            self._asked.set()
            self._changed.notify_all()
            end_poll = self._end_poll
        if end_poll is not None:
            end_poll()
        if self._threads[_FETCH].is_alive():
            self._threads[_FETCH].join(timeout_s)
        with self._changed:
            idle = self._changed.wait_for(self._is_idle, timeout_s)
        self._pool.shutdown(wait=idle, cancel_futures=True)
        if self._threads[_SPIN].is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._threads[_SPIN].join()
        return idle

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _is_idle(self) -> bool:
        return (not self._held and not self._again) or self._gave_up is not None

    # -- fetching -----------------------------------------------------------------------------

    def _fetch(self) -> None:
        """Ask for as many jobs as there are hands; runs in its own thread until stopped."""
        while (room := self._room()) > 0:
            poll = Poll(
                types=tuple(self._tasks),
                worker=self.name,
                limit=min(room, FETCHED_MAX),
                lease_ns=self._lease_ns,
            )
            try:
                jobs = self._polled(poll)
            except Unavailable as error:
                self._reconnect(error)
                continue
            except FabloopError as error:
                self._give_up(error)
                return
            for job in jobs:
                self._begin(job)

    def _polled(self, poll: Poll) -> tuple[ActiveJob, ...]:
        slot = Slot[tuple[ActiveJob, ...]]()
        end = self._service.post_poll(poll, POLL_S, slot.put)
        with self._changed:
            self._end_poll = end
            stopping = self._stopping
        if stopping:
            end()
        return slot.take()

    def _room(self) -> int:
        """Wait for a free hand, and return how many there are; 0 when it is time to stop."""
        with self._changed:
            while self._is_full() and not self._stopping:
                self._changed.wait()
            if self._stopping or self._gave_up is not None:
                return 0
            return self._concurrency - self._busy

    def _is_full(self) -> bool:
        unreported = len(self._held) - self._busy
        return self._busy >= self._concurrency or unreported >= UNREPORTED_MAX

    def _reconnect(self, error: Unavailable) -> None:
        if self._connect is None:
            self._give_up(error)
            return
        with self._changed:
            self._changed.wait_for(lambda: self._stopping, RETRY_S)
        try:
            fresh = self._connect()
        except Unavailable:
            return
        self._service = fresh

    def _give_up(self, error: FabloopError) -> None:
        with self._changed:
            self._gave_up = error
            self._changed.notify_all()
        self._asked.set()

    def _begin(self, job: ActiveJob) -> None:
        held = _Held(job, self._tasks[job.type], threading.Event())
        with self._changed:
            self._held[job.key, job.epoch] = held
            self._busy += 1
        if held.task.is_async:
            asyncio.run_coroutine_threadsafe(self._do_async(held), self._loop)
        else:
            self._pool.submit(self._do, held)

    # -- doing --------------------------------------------------------------------------------

    def _do(self, held: _Held) -> None:
        job = _job_of(held)
        try:
            returned = held.task.function(**arguments_of(held.task.function, job))
            report: Report = _completion(held, returned)
        except Exception as error:  # noqa: BLE001  # whatever a function raises is its failure
            report = _failure(held, job, error)
        self._rest()
        self._report(held.job, report)

    async def _do_async(self, held: _Held) -> None:
        job = _job_of(held)
        try:
            returned = await held.task.function(**arguments_of(held.task.function, job))
            report: Report = _completion(held, returned)
        except Exception as error:  # noqa: BLE001  # whatever a function raises is its failure
            report = _failure(held, job, error)
        self._rest()
        self._report(held.job, report)

    def _spin(self) -> None:
        """Run the event loop of the coroutines; runs in its own thread until stopped."""
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    # -- reporting ----------------------------------------------------------------------------

    def _rest(self) -> None:
        """Have a hand free for the next job, while the report of this one is on its way."""
        with self._changed:
            self._busy -= 1
            self._changed.notify_all()

    def _report(self, job: ActiveJob, report: Report) -> None:
        """Tell what became of a job; it is held until that is durable."""

        def settled(answer: object) -> None:
            self._settle(job, report, answer)

        request = f"{self.name}/{job.key}/{job.epoch}"
        try:
            self._service.post(report, settled, actor=self.name, request=request)
        except FabloopError as error:
            settled(error)

    def _settle(self, job: ActiveJob, report: Report, answer: object) -> None:
        if isinstance(answer, Invalid) and not isinstance(report, FailJob):
            text = f"The result of the function was refused: {answer}"
            self._report(job, _gave_up(job, text))
            return
        with self._changed:
            if isinstance(answer, Unavailable) and self._gave_up is None:
                self._again.append((job, report))
                return
            if isinstance(answer, Exception):
                self.lost += 1
            elif isinstance(report, FailJob):
                self.failed += 1
            else:
                self.done += 1
            self._held.pop((job.key, job.epoch), None)
            self._changed.notify_all()

    # -- holding ------------------------------------------------------------------------------

    def _hold(self) -> None:
        """Extend leases and repeat reports that did not get through; runs until all is idle."""
        pause_s = min(self._lease_ns / SECOND / 3, RETRY_S * 10)
        while True:
            with self._changed:
                if self._changed.wait_for(lambda: self._stopping and self._is_idle(), pause_s):
                    return
                held = list(self._held.values())
                again, self._again = self._again, deque()
            for job, report in again:
                self._report(job, report)
            reported = {(job.key, job.epoch) for job, _ in again}
            for each in held:
                if (each.job.key, each.job.epoch) not in reported:
                    self._extend(each)

    def _extend(self, held: _Held) -> None:
        def told(answer: object) -> None:
            if isinstance(answer, Refused):
                held.lost.set()

        lease_ns = int(held.task.lease_s * SECOND)
        command = ExtendLease(job=held.job.key, epoch=held.job.epoch, lease_ns=lease_ns)
        try:
            self._service.post(command, told, actor=self.name)
        except FabloopError:
            return  # the host is away: the lease runs on, and the report will be repeated


def _job_of(held: _Held) -> Job:
    job = held.job
    return Job(
        key=job.key,
        type=job.type,
        instance=job.instance,
        business_key=job.business_key,
        node=job.node,
        transition=job.transition,
        headers=job.headers,
        variables=dict(job.variables),
        attempt=job.epoch,
        retries=job.retries,
        held_until=job.until,
        idempotency_key=f"job-{job.key}",
        lost=held.lost,
    )


def _completion(held: _Held, returned: object) -> CompleteJob:
    variables = variables_of(held.task, returned)
    return CompleteJob(job=held.job.key, variables=variables, epoch=held.job.epoch)


def _failure(held: _Held, job: Job, error: Exception) -> Report:
    if isinstance(error, BusinessError):
        return ThrowError(
            job=job.key,
            code=error.code,
            message=error.message,
            variables=error.variables,
            epoch=held.job.epoch,
        )
    if isinstance(error, NoRetry):
        return _gave_up(held.job, str(error) or type(error).__name__)
    text = f"{type(error).__name__}: {error}"
    left = max(0, job.retries - 1)
    return FailJob(
        job=job.key,
        retries=left,
        backoff_ns=backoff_ns(held.task, job.attempt) if left else 0,
        message=text[:MESSAGE_LENGTH_MAX],
        epoch=held.job.epoch,
    )


def _gave_up(job: ActiveJob, text: str) -> FailJob:
    return FailJob(job=job.key, retries=0, message=text[:MESSAGE_LENGTH_MAX], epoch=job.epoch)
