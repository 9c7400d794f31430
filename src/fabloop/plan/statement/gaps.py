"""When something may start on a work unit that is engaged or closed at times."""

from collections.abc import Sequence

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
