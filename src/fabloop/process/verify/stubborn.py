"""Looks for deadlocks in a part of the markings that has them all, by stubborn sets.

At each marking only the transitions of one stubborn set fire: whatever else could happen can
happen later as well and prevents nothing, so every dead marking is still reached. Other verdicts
cannot be told from it.

Notes
-----
Source: A. Valmari, "Stubborn sets for reduced state space generation", LNCS 483 (1991).
"""

import msgspec

from fabloop.process.verify.explore import Witness
from fabloop.process.verify.flat import FlatNet, Limits

WIDTH = 16
"""Bits per field, the guard bit included."""
DEADLOCK_MARKINGS_MAX = 100_000
"""Markings in which deadlocks are looked for once all markings are too many."""
SEEDS_MAX = 4
"""Enabled transitions from which a stubborn set is grown; the smallest is fired."""


class Deadlocks(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a dead marking that is no end was found in `markings`; none if it is `complete`."""

    markings: int
    complete: bool
    witness: Witness | None = None


def find_deadlock(net: FlatNet, limits: Limits) -> Deadlocks | None:
    """Return what was found; None for a net in which transitions do more than take and put."""
    if not all(each.plain for each in net.transitions):
        return None
    return _Search(net, limits).run()


class _Search:
    def __init__(self, net: FlatNet, limits: Limits) -> None:
        self.net, self.limits = net, limits
        fields = range(len(net.fields))
        self.guard = sum(1 << (field + 1) * WIDTH - 1 for field in fields)
        self.takers: list[list[int]] = [[] for _ in fields]
        self.putters: list[list[int]] = [[] for _ in fields]
        for number, each in enumerate(net.transitions):
            for field in each.pre:
                self.takers[field].append(number)
            for field, count in each.post.items():
                if count > each.pre.get(field, 0):
                    self.putters[field].append(number)
        self.pre = [_packed(each.pre) for each in net.transitions]
        self.delta = [_packed(each.post) - _packed(each.pre) for each in net.transitions]

    def run(self) -> Deadlocks:
        start = _packed(dict(enumerate(self.net.initial)))
        came: dict[int, tuple[int, int]] = {start: (start, -1)}
        todo, position, complete = [start], 0, True
        while position < len(todo):
            marking = todo[position]
            position += 1
            enabled = [n for n in range(len(self.pre)) if self._enabled(marking, n)]
            if not enabled and not self._final(marking):
                witness = Witness(firings=_path(came, marking), what="nothing can happen")
                return Deadlocks(markings=len(todo), complete=complete, witness=witness)
            for number in self._stubborn(marking, enabled):
                after = marking + self.delta[number]
                if after in came:
                    continue
                if after & self.guard or len(todo) >= self.limits.markings:
                    complete = False
                    continue
                came[after] = (marking, number)
                todo.append(after)
        return Deadlocks(markings=len(todo), complete=complete)

    def _enabled(self, marking: int, number: int) -> bool:
        return ((marking | self.guard) - self.pre[number]) & self.guard == self.guard

    def _stubborn(self, marking: int, enabled: list[int]) -> list[int]:
        """Return the enabled transitions of the smallest of a few stubborn sets."""
        can, best = set(enabled), enabled
        for seed in enabled[:SEEDS_MAX]:
            chosen = self._grown(marking, seed, can)
            if len(chosen) < len(best):
                best = chosen
        return best

    def _grown(self, marking: int, seed: int, can: set[int]) -> list[int]:
        members, todo = {seed}, [seed]
        while todo:
            number = todo.pop()
            pre = self.net.transitions[number].pre
            if number in can:
                more = {other for field in pre for other in self.takers[field]}
            else:
                lacking = [f for f, n in pre.items() if self._count(marking, f) < n]
                fewest = min(lacking, key=lambda field: len(self.putters[field]))
                more = set(self.putters[fewest])
            more -= members
            members |= more
            todo += more
        return sorted(members & can)

    def _count(self, marking: int, field: int) -> int:
        return marking >> field * WIDTH & (1 << WIDTH - 1) - 1

    def _final(self, marking: int) -> bool:
        final = self.net.final
        if not final.stated or any(self._count(marking, field) for field in final.empty):
            return False
        counts = [sum(self._count(marking, f) for f in group) for group in final.places]
        return final.test is None or bool(final.test(counts))


def _packed(tokens: dict[int, int]) -> int:
    return sum(count << field * WIDTH for field, count in tokens.items())


def _path(came: dict[int, tuple[int, int]], marking: int) -> tuple[int, ...]:
    firings: list[int] = []
    before, number = came[marking]
    while number >= 0:
        firings.append(number)
        before, number = came[before]
    return tuple(reversed(firings))
