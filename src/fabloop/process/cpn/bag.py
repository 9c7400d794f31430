"""A place's tokens: a multiset of colour values, each with the instant at which it is ready."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from fabloop.base.errors import Broken
from fabloop.base.instant import Instant
from fabloop.process.cpn.token import Token

ALWAYS = Instant(0)


class Bag:
    """Tokens in the order in which they are taken: by ready time, then first in, first out.

    `times` and `values` are parallel and sorted by time; compiled transitions read them.
    """

    __slots__ = ("times", "values")

    def __init__(self, tokens: Iterable[tuple[Token, Instant]] = ()) -> None:
        self.times: list[Instant] = []
        self.values: list[Token] = []
        for value, ready_at in tokens:
            self.add(value, ready_at)

    def add(self, value: Token, ready_at: Instant = ALWAYS) -> None:
        """Put one token behind those that are ready no later."""
        times = self.times
        if not times or ready_at >= times[-1]:
            times.append(ready_at)
            self.values.append(value)
        else:
            place = bisect_right(times, ready_at)
            times.insert(place, ready_at)
            self.values.insert(place, value)

    def remove(self, value: Token, ready_at: Instant) -> None:
        """Take away the oldest token of this value and ready time; Broken if there is none."""
        times = self.times
        first = bisect_left(times, ready_at)
        try:
            place = self.values.index(value, first)
        except ValueError:
            place = len(times)
        if place == len(times) or times[place] != ready_at:
            raise Broken(f"Expected a token {value!r} ready at {ready_at}, but found none.")
        del times[place], self.values[place]

    def __iter__(self) -> Iterator[tuple[Token, Instant]]:
        return zip(self.values, self.times, strict=True)

    def __len__(self) -> int:
        return len(self.times)

    def __eq__(self, other: object) -> bool:
        """Equal as timed multisets: the order of simultaneous tokens does not matter."""
        if not isinstance(other, Bag):
            return NotImplemented
        if self.times != other.times:
            return False
        if self.values == other.values:
            return True
        left = list(zip(self.times, self.values, strict=True))
        for each in zip(other.times, other.values, strict=True):
            if each not in left:
                return False
            left.remove(each)
        return True

    __hash__ = None  # type: ignore[assignment]  # a bag changes

    def __repr__(self) -> str:
        return f"Bag({list(self)!r})"
