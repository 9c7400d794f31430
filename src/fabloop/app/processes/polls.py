"""Workers who wait for jobs: parked until there is one for them, or their time is over."""

from collections import deque
from collections.abc import Container, Iterable, Iterator
from heapq import heappop, heappush

import msgspec

from fabloop.app.processes.slots import Sink
from fabloop.process.commands import ActivateJobs, ActiveJob, JobCreated, Notice


class Poll(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for up to `limit` jobs of some types, which `worker` then holds for `lease_ns`."""

    types: tuple[str, ...]
    worker: str
    limit: int = 1
    lease_ns: int


class Parked(msgspec.Struct, frozen=True, eq=False):
    """A poll that waits until `deadline_s` of the monotonic clock."""

    number: int
    poll: Poll
    deadline_s: float
    sink: Sink[tuple[ActiveJob, ...]]

    def wishes(self, ready: Container[str]) -> Iterator[ActivateJobs]:
        """Yield what to ask the engine for; types take turns in being the first."""
        types, poll = self.poll.types, self.poll
        first = self.number % len(types) if types else 0
        for name in (*types[first:], *types[:first]):
            if name in ready:
                yield ActivateJobs(
                    type=name, worker=poll.worker, limit=poll.limit, lease_ns=poll.lease_ns
                )


class Polls:
    """Who waits for jobs of which type.

    Any thread may `add` and `cancel`; everything else belongs to the thread that decides.
    """

    def __init__(self) -> None:
        self.fresh: deque[Parked] = deque()
        self.dropped: deque[Parked] = deque()
        self._count = 0
        self._parked: dict[int, Parked] = {}
        self._by_type: dict[str, dict[int, None]] = {}
        self._woken: dict[int, None] = {}
        self._deadlines: list[tuple[float, int]] = []

    def add(self, poll: Poll, deadline_s: float, sink: Sink[tuple[ActiveJob, ...]]) -> Parked:
        """Let somebody wait; the caller holds the host's lock."""
        self._count += 1
        parked = Parked(self._count, poll, deadline_s, sink)
        self.fresh.append(parked)
        return parked

    def cancel(self, parked: Parked) -> None:
        """Let somebody wait no more; the caller holds the host's lock."""
        self.dropped.append(parked)

    def wake(self, notices: Iterable[Notice]) -> None:
        """Look again at who waits for jobs that have just come."""
        for notice in notices:
            if isinstance(notice, JobCreated) and notice.type in self._by_type:
                self._woken.update(self._by_type[notice.type])

    def wake_all(self) -> None:
        """Look again at everybody."""
        self._woken.update(dict.fromkeys(self._parked))

    def due(self, now_s: float) -> list[Parked]:
        """Return who is to be looked at: the new, the woken, and whose time is over."""
        while self.fresh:
            each = self.fresh.popleft()
            self._parked[each.number] = each
            heappush(self._deadlines, (each.deadline_s, each.number))
            for name in each.poll.types:
                self._by_type.setdefault(name, {})[each.number] = None
            self._woken[each.number] = None
        while self.dropped:
            gone = self.dropped.popleft()
            if gone.number in self._parked:
                self.remove(gone)
                gone.sink(())
        while self._deadlines and self._deadlines[0][0] <= now_s:
            self._woken[heappop(self._deadlines)[1]] = None
        found = [self._parked[number] for number in self._woken if number in self._parked]
        self._woken.clear()
        return found

    def remove(self, parked: Parked) -> None:
        """Let somebody wait no more."""
        del self._parked[parked.number]
        for name in set(parked.poll.types):
            self._by_type[name].pop(parked.number, None)
            if not self._by_type[name]:
                del self._by_type[name]

    def wait_s(self, now_s: float) -> float | None:
        """Return when the next one's time is over; None while nobody waits."""
        while self._deadlines and self._deadlines[0][1] not in self._parked:
            heappop(self._deadlines)
        return max(0.0, self._deadlines[0][0] - now_s) if self._deadlines else None

    def end(self) -> None:
        """Send everybody away without a job."""
        for each in [*self._parked.values(), *self.fresh]:
            each.sink(())
        self._parked.clear()
        self.fresh.clear()
