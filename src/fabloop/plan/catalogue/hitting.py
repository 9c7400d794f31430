"""The smallest set that meets every one of given sets, exactly; sets are bit masks."""

from collections.abc import Iterable, Sequence

import msgspec

from fabloop.plan.catalogue.passage import bits_of

BRANCHES_MAX = 200_000
"""Branches of one search; beyond it the best set found is given with what is proven."""


class Hit(msgspec.Struct, frozen=True):
    """A set that meets all given ones, and how many members any such set has at least."""

    members: int
    at_least: int


def smallest_hit(sets: Iterable[int]) -> Hit | None:
    """Return a smallest set that has a member in common with each of `sets`; None if one is empty.

    Sources: branching on a smallest set that is not met yet; sets without common members as the
    lower bound.
    """
    least = _minimal(sets)
    if 0 in least:
        return None
    search = _Search(least)
    search.branch(0, 0)
    return Hit(search.best, search.best.bit_count() if search.complete else search.bound(0, 0))


def _minimal(sets: Iterable[int]) -> list[int]:
    """Return the sets that contain no other one, the smallest first."""
    kept: list[int] = []
    for each in sorted(set(sets), key=lambda mask: (mask.bit_count(), mask)):
        if not any(other & each == other for other in kept):
            kept.append(each)
    return kept


class _Search:
    def __init__(self, sets: Sequence[int]) -> None:
        self._sets = sets
        self._left = BRANCHES_MAX
        self.best = self._greedy()
        self.complete = True

    def _greedy(self) -> int:
        found, open_ones = 0, list(self._sets)
        while open_ones:
            counts: dict[int, int] = {}
            for each in open_ones:
                for bit in bits_of(each):
                    counts[bit] = counts.get(bit, 0) + 1
            found |= 1 << max(counts, key=lambda bit: (counts[bit], -bit))
            open_ones = [each for each in open_ones if not each & found]
        return found

    def bound(self, taken: int, banned: int) -> int:
        """Return how many members any set has that holds `taken` and none of `banned`."""
        count, used = taken.bit_count(), 0
        for each in self._sets:
            free = each & ~banned
            if not each & taken and not free & used:
                used |= free
                count += 1
        return count

    def branch(self, taken: int, banned: int) -> None:
        """Try every member of a smallest open set, each without those tried before."""
        self._left -= 1
        if self._left < 0:
            self.complete = False
            return
        open_ones = [each & ~banned for each in self._sets if not each & taken]
        if not open_ones:
            self.best = min(self.best, taken, key=int.bit_count)
            return
        if self.bound(taken, banned) >= self.best.bit_count():
            return
        for bit in bits_of(min(open_ones, key=int.bit_count)):
            self.branch(taken | 1 << bit, banned)
            banned |= 1 << bit
