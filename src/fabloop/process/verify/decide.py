"""Decides which of many transitions are enabled, sharing the tests that they have in common.

Transitions stand in a tree: each branch tests that one field holds enough, and a branch whose
test fails is never entered. Where a net has many more transitions than are ever enabled at once,
that is far less than a test of each. Fields that many look at are tested first: more is shared.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

from fabloop.process.verify.flat import FlatTransition

Branch: TypeAlias = tuple[int, int, list[int], "Tree"]
"""What to subtract, the guard bit that then still stands, transitions enabled here, more tests."""

Tree: TypeAlias = list[Branch]


class Decision:
    """The tree of one net; `width` are the bits per field, the guard bit on top included."""

    def __init__(self, transitions: Sequence[FlatTransition], width: int) -> None:
        self.guard = 0
        self.always: list[int] = []
        self.tree: Tree = []
        self._width = width
        self._places: dict[tuple[int, ...], Branch] = {}
        uses = Counter(field for each in transitions for field in each.pre)
        for number, each in enumerate(transitions):
            order = sorted(each.pre.items(), key=lambda part: (-uses[part[0]], part))
            self._add(number, order)

    def _add(self, number: int, tests: list[tuple[int, int]]) -> None:
        tree, numbers = self.tree, self.always
        path: tuple[int, ...] = ()
        for field, count in tests:
            path = (*path, field, count)
            if path not in self._places:
                bit = 1 << (field + 1) * self._width - 1
                self.guard |= bit
                self._places[path] = (count << field * self._width, bit, [], [])
                tree.append(self._places[path])
            _, _, numbers, tree = self._places[path]
        numbers.append(number)

    def enabled(self, marking: int) -> list[int]:
        """Return, ascending, the transitions for which a packed marking holds enough."""
        raised = marking | self.guard
        found = list(self.always)
        trees = [self.tree]
        while trees:
            for need, bit, numbers, tree in trees.pop():
                if (raised - need) & bit:
                    found += numbers
                    if tree:
                        trees.append(tree)
        return sorted(found)
