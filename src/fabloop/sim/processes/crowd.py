"""Resources in a simulation: so many at work at once, the others wait in the order they came."""

from collections import deque

import msgspec

from fabloop.base.instant import Instant
from fabloop.sim.processes.spread import Draw


class Work(msgspec.Struct, eq=False, kw_only=True):
    """A job on its way through a resource; it changes once, when it is begun."""

    job: int
    case: int
    node: str
    type: str
    pool: str
    draw: Draw
    variables: dict[str, object]
    created_at: Instant
    begun_at: Instant | None = None


class Pool:
    """A resource with a capacity (None: as many as are needed), and what it did so far."""

    def __init__(self, name: str, capacity: int | None) -> None:
        self.name = name
        self.capacity = capacity
        self.busy: dict[int, Work] = {}
        self.queue: deque[Work] = deque()
        self.busy_ns = 0
        self.jobs = 0
        self.waits_ns: list[int] = []
        self.most = 0

    def next(self) -> Work | None:
        """Take the next job that can begin out of the queue."""
        if not self.queue or (self.capacity is not None and len(self.busy) >= self.capacity):
            return None
        return self.queue.popleft()

    def begin(self, work: Work, at: Instant) -> None:
        """Begin a job."""
        work.begun_at = at
        self.busy[work.job] = work
        self.jobs += 1
        self.waits_ns.append(at - work.created_at)
        self.most = max(self.most, len(self.busy))

    def end(self, job: int, at: Instant) -> None:
        """End a job, done or not; one that still waits leaves the queue."""
        work = self.busy.pop(job, None)
        if work is None:
            self.queue = deque(each for each in self.queue if each.job != job)
        elif work.begun_at is not None:
            self.busy_ns += at - work.begun_at
