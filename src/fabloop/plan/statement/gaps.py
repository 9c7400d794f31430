"""When something may start on a work unit that is engaged or closed at times."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from fabloop.plan.statement.layout import Ints


class Gaps(msgspec.Struct, frozen=True):
    """Disjoint spans of ticks, ascending, inside which something of a given length cannot start.

    Attributes
    ----------
    after, until : int64, shape (n,); it may start at `after` and at `until`, not between
    """

    after: Ints
    until: Ints

    def first(self, ready: Ints) -> Ints:
        """Return the first start at or after each tick."""
        place = np.searchsorted(self.until, ready, side="right")
        inside = place < len(self.until)
        inside[inside] = self.after[place[inside]] < ready[inside]
        return np.where(inside, self.until[np.minimum(place, len(self.until) - 1)], ready)

    def last(self, start: int) -> int:
        """Return the last start at or before a tick."""
        place = int(np.searchsorted(self.until, start, side="right"))
        if place < len(self.until) and self.after[place] < start:
            return int(self.after[place])
        return start


def gaps_of(busy: Sequence[tuple[int, int]], ticks: int) -> Gaps | None:
    """Return the gaps that the spans leave for something that takes so long; None is always."""
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(busy):
        after = begin - ticks
        if ticks == 0 or end <= begin:
            continue
        if merged and after < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((after, end))
    if not merged:
        return None
    spans = np.array(merged, dtype=np.int64)
    return Gaps(spans[:, 0], spans[:, 1])


class Line:
    """When a resource is taken: disjoint spans in order."""

    __slots__ = ("ends", "starts")

    def __init__(self, spans: Iterable[tuple[int, int]] = ()) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []
        for start, end in sorted(spans):
            if self.ends and start <= self.ends[-1]:
                self.ends[-1] = max(end, self.ends[-1])
            elif end > start:
                self.starts.append(start)
                self.ends.append(end)

    def first(self, ready: int, ticks: int) -> int:
        """Return when the first gap of this length at or after `ready` starts."""
        if ticks == 0:
            return ready
        starts, ends = self.starts, self.ends
        at = bisect_right(ends, ready)
        while at < len(starts) and starts[at] < ready + ticks:
            ready = max(ready, ends[at])
            at += 1
        return ready

    def book(self, start: int, ticks: int) -> None:
        """Take a span that is free."""
        if ticks:
            at = bisect_left(self.starts, start)
            self.starts.insert(at, start)
            self.ends.insert(at, start + ticks)

    def free(self, start: int, ticks: int) -> None:
        """Give a booked span back."""
        if ticks:
            at = bisect_left(self.starts, start)
            del self.starts[at]
            del self.ends[at]
