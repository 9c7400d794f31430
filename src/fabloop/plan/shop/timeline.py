"""What a resource is busy with, tick by tick, and the first gap that a task fits into."""

from bisect import bisect_left, bisect_right

from fabloop.plan.shop.model import Resource


class Unary:
    """A resource of capacity 1, with set-ups and batches where it has them."""

    def __init__(self, resource: Resource) -> None:
        self.closed = sorted((span.start, span.end) for span in resource.closed)
        self.setups = {(each.before, each.after): each.ticks for each in resource.setups}
        self.batch_max = resource.batch_max
        self.starts: list[int] = []
        self.held: list[tuple[int, int, str, str]] = []
        self.loads: dict[int, int] = {}

    def earliest(self, tick: int, ticks: int, demand: int, family: str, batch: str) -> int:
        """Return the first tick, not before `tick`, at which so much may start."""
        held, setups = self.held, self.setups
        at = bisect_right(self.starts, tick)
        if at and self._joins(at - 1, tick, ticks, demand, family, batch):
            return tick
        before = held[at - 1] if at else None
        while True:
            free = tick
            if before is not None:
                free = max(free, before[1] + (setups.get((before[2], family), 0) if setups else 0))
            elif setups:
                free = max(free, setups.get(("", family), 0))
            free = self._open(free, ticks) if self.closed else free
            if at == len(held):
                return free
            after = held[at]
            end = free + ticks + (setups.get((family, after[2]), 0) if setups else 0)
            if end <= after[0]:
                return free
            if self._joins(at, tick, ticks, demand, family, batch):
                return after[0]
            before = after
            at += 1

    def _joins(self, at: int, tick: int, ticks: int, demand: int, family: str, batch: str) -> bool:
        """Return whether a task may join what is held there as one batch."""
        start, end, its_family, its_batch = self.held[at]
        if batch == "" or start < tick or end - start != ticks:
            return False
        fits = self.loads[start] + demand <= self.batch_max
        return fits and (its_family, its_batch) == (family, batch)

    def _open(self, tick: int, ticks: int) -> int:
        """Return the first tick from which it is open long enough."""
        for start, end in self.closed:
            if tick + ticks <= start:
                break
            tick = max(tick, end)
        return tick

    def hold(self, tick: int, ticks: int, demand: int, family: str, batch: str) -> None:
        """Take the resource."""
        if batch and tick in self.loads:
            self.loads[tick] += demand
            return
        at = bisect_left(self.starts, tick)
        self.starts.insert(at, tick)
        self.held.insert(at, (tick, tick + ticks, family, batch))
        self.loads[tick] = demand


class Pool:
    """A resource of a larger capacity."""

    def __init__(self, resource: Resource) -> None:
        self.capacity = resource.capacity
        self.ticks = [0]
        self.used = [0]
        for span in resource.closed:
            self._add(span.start, span.end, resource.capacity)

    def earliest(self, tick: int, ticks: int, demand: int, family: str, batch: str) -> int:
        """Return the first tick, not before `tick`, from which so much is free long enough."""
        del family, batch
        room = self.capacity - demand
        at = bisect_right(self.ticks, tick) - 1
        begin = tick
        while at < len(self.ticks):
            if self.ticks[at] >= begin + ticks:
                break
            if self.used[at] > room:
                begin = self.ticks[at + 1]
            at += 1
        return begin

    def hold(self, tick: int, ticks: int, demand: int, family: str, batch: str) -> None:
        """Take so much of the resource."""
        del family, batch
        self._add(tick, tick + ticks, demand)

    def _add(self, start: int, end: int, demand: int) -> None:
        for tick in (start, end):
            at = bisect_left(self.ticks, tick)
            if at == len(self.ticks) or self.ticks[at] != tick:
                self.ticks.insert(at, tick)
                self.used.insert(at, self.used[at - 1])
        for at in range(bisect_left(self.ticks, start), bisect_left(self.ticks, end)):
            self.used[at] += demand


Timeline = Unary | Pool


def timeline_of(resource: Resource) -> Timeline:
    """Return an empty timeline."""
    return Unary(resource) if resource.capacity == 1 else Pool(resource)
