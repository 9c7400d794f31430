"""Whether jobs can be done by given work units, asked again and again with little changed.

After a change only the jobs that it touches are looked at again, and those that they lead to as
far as anything is different there. So a search that drops and takes back demands pays for what it
moves, not for the whole product each time.
"""

from collections.abc import Callable, Sequence

from fabloop.plan.reasons.minimal import smallest
from fabloop.plan.reasons.reach import Edge, Frame, Reach


class Flow:
    """Who can do each of some jobs with all its inputs, kept up to date.

    The jobs are given inputs first, with everything that leads to them.
    """

    def __init__(
        self,
        frame: Frame,
        allowed: Callable[[int], int],
        jobs: Sequence[int],
        reach: Reach | None = None,
    ) -> None:
        count = len(frame.feeds)
        self._feeds = frame.feeds
        self._takers = frame.takers
        self._needed = frame.needed
        self._over = reach or frame.reach
        self._allowed = [0] * count
        self._free: set[Edge] = set()
        self._found = [0] * count
        self._stale = bytearray(count)
        self._nobody = bytearray(count)
        self._within = bytearray(count)
        for number in jobs:
            self._allowed[number] = allowed(number)
            self._stale[number] = self._within[number] = 1

    def allow(self, number: int, units: int) -> None:
        """Let these work units be the ones that may do a job."""
        if self._allowed[number] != units:
            self._allowed[number] = units
            self._stale[number] = 1

    def over(self, reach: Reach) -> None:
        """Let work pieces get to other work units than before."""
        if reach is not self._over:
            self._over = reach
            for number, feeds in enumerate(self._feeds):
                if feeds and self._within[number]:
                    self._stale[number] = 1

    def free(self, edge: Edge, *, asked: bool) -> None:
        """Let no way be asked for on an edge, or one again."""
        if asked:
            self._free.discard(edge)
        else:
            self._free.add(edge)
        self._stale[edge[0]] = 1

    def broken(self) -> int | None:
        """Return the first needed job that nobody can do, None where all goes well."""
        stale, nobody, found = self._stale, self._nobody, self._found
        while True:
            number, lost = stale.find(1), nobody.find(1)
            if lost >= 0 and not 0 <= number <= lost:
                return lost
            if number < 0:
                return None
            stale[number] = 0
            units = self._able(number)
            if number in self._needed:
                nobody[number] = not units
            if units != found[number]:
                found[number] = units
                for taker in self._takers[number]:
                    stale[taker] = self._within[taker]

    def _able(self, number: int) -> int:
        units, found, over = self._allowed[number], self._found, self._over
        for place, feed in enumerate(self._feeds[number]):
            if feed.free or (number, place) in self._free:
                if feed.makers and not any(found[maker] for maker in feed.makers):
                    return 0
                continue
            got = 0 if feed.place is None else over.from_place(feed.place)
            for maker in feed.makers:
                got |= over.of(found[maker])
            units &= got
        return units


class Search:
    """The smallest conflicts among numbered demands on a flow.

    `put` makes the demand of a number count or not; at first all of them count.
    """

    def __init__(self, flow: Flow, count: int, put: Callable[[int, bool], None]) -> None:
        self._flow = flow
        self._put = put
        self._kept = (1 << count) - 1

    def holds(self, mask: int) -> bool:
        """Tell whether the demands of a mask can be met together."""
        turned = mask ^ self._kept
        self._kept = mask
        while turned:
            low = turned & -turned
            self._put(low.bit_length() - 1, bool(mask & low))
            turned ^= low
        return self._flow.broken() is None

    def smallest(self, order: Sequence[int]) -> list[int]:
        """Return numbers of a smallest conflict, earlier ones preferred; none where all hold."""
        found = smallest([1 << number for number in order], self.holds)
        return [number for number in order if found >> number & 1]
