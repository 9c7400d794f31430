"""What holds from one instant to the next: steps told one by one, or spans laid over each other."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Generic, TypeVar

from fabloop.base.instant import Instant

V = TypeVar("V")

_Key = tuple[Instant, str]


class Steps(Generic[V]):
    """Values that hold from an instant on; at one instant the greatest id wins."""

    def __init__(self, initial: V) -> None:
        self._initial = initial
        self._keys: list[_Key] = []
        self._values: dict[_Key, V] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def at(self, instant: Instant) -> V:
        """Return what holds from an instant on."""
        place = bisect_right(self._keys, (instant, _LAST))
        return self._values[self._keys[place - 1]] if place else self._initial

    def before(self, instant: Instant) -> V:
        """Return what held up to an instant."""
        place = bisect_left(self._keys, (instant, ""))
        return self._values[self._keys[place - 1]] if place else self._initial

    def changes(self, start: Instant, end: Instant) -> Iterator[Instant]:
        """Yield the instants after `start` and before `end` at which a step stands."""
        low = bisect_right(self._keys, (start, _LAST))
        high = bisect_left(self._keys, (end, ""))
        for place in range(low, high):
            yield self._keys[place][0]

    def enter(self, at: Instant, name: str, value: V) -> None:
        """Enter a step, wherever it stands in time."""
        key = (at, name)
        insort(self._keys, key)
        self._values[key] = value

    def next_after(self, at: Instant) -> Instant | None:
        """Return the first later instant with a step."""
        place = bisect_right(self._keys, (at, _LAST))
        return self._keys[place][0] if place < len(self._keys) else None

    def forget_before(self, instant: Instant) -> None:
        """Drop the steps before an instant; what held then goes on to hold."""
        held = self.before(instant)
        place = bisect_left(self._keys, (instant, ""))
        for key in self._keys[:place]:
            del self._values[key]
        del self._keys[:place]
        self._initial = held


_LAST = "\U0010ffff"
"""Behind every id."""


class Spans(Generic[V]):
    """Values that hold for a while; where they overlap the one that began last wins.

    Those that begin together are told apart by id: the greatest wins.
    """

    def __init__(self, nothing: V) -> None:
        self._nothing = nothing
        self._spans: list[tuple[Instant, str, Instant, V]] = []
        self._edges: list[Instant] = []
        self._values: list[V] = []

    def __len__(self) -> int:
        return len(self._spans)

    def at(self, instant: Instant) -> V:
        """Return what holds from an instant on."""
        place = bisect_right(self._edges, instant)
        return self._values[place - 1] if place else self._nothing

    def before(self, instant: Instant) -> V:
        """Return what held up to an instant."""
        place = bisect_left(self._edges, instant)
        return self._values[place - 1] if place else self._nothing

    def changes(self, start: Instant, end: Instant) -> Iterator[Instant]:
        """Yield the instants after `start` and before `end` at which another one holds."""
        low, high = bisect_right(self._edges, start), bisect_left(self._edges, end)
        yield from self._edges[low:high]

    def enter(self, start: Instant, end: Instant, name: str, value: V) -> None:
        """Enter a span; people book some a day, so the edges are simply made anew."""
        insort(self._spans, (start, name, end, value), key=lambda span: span[:2])
        self._lay()

    def forget_before(self, instant: Instant) -> None:
        """Drop the spans that ended before an instant."""
        self._spans = [span for span in self._spans if span[2] > instant]
        self._lay()

    def _lay(self) -> None:
        edges = sorted({edge for span in self._spans for edge in (span[0], span[2])})
        values: list[V] = [self._nothing] * len(edges)
        for start, _, end, value in self._spans:  # later ones lie over earlier ones
            low, high = bisect_left(edges, start), bisect_left(edges, end)
            values[low:high] = [value] * (high - low)
        self._edges, self._values = edges, values
