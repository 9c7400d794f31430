"""A planning problem in the form that is searched: propositions as bits, operators as masks."""

from collections.abc import Callable

import msgspec

from fabloop.adapt.repair.domain import Step
from fabloop.adapt.repair.reality import Atom
from fabloop.model.service import Constant, Relation

Budget = Callable[[], float]
"""Asked again and again: which share of the budget is left, from 1 down to 0.

The core knows no clock: the shell makes one of a deadline, tests make one of a count.
"""


def counted(questions: int) -> Budget:
    """Return a budget that lasts for so many questions."""
    left = questions

    def budget() -> float:
        nonlocal left
        left -= 1
        return max(0.0, left / questions)

    return budget


def part(budget: Budget, share: float) -> Budget:
    """Return a budget that is over once `share` of what is left now has been spent."""
    now = budget()
    least, size = now * (1 - share), now * share
    return lambda: (budget() - least) / size if size > 0 else 0.0


UNKNOWN = float("nan")
"""A number that is not known: it compares with nothing, and counting leaves it unknown."""

Node = tuple[int, tuple[float, ...]]
"""A state: which propositions hold, as bits, and the numbers."""


class Allowance:
    """All of a budget until something is `found`, then a share of what was there at first."""

    def __init__(self, budget: Budget, share: float) -> None:
        self._budget = budget
        now = budget()
        self._least, self._size = now * (1 - share), now * share
        self._found = False

    def __call__(self) -> float:
        """Return the share that is left."""
        left = self._budget()
        if not self._found:
            return left
        return (left - self._least) / self._size if self._size > 0 else 0.0

    def found(self) -> None:
        """Be content with the share from now on."""
        self._found = True


class Comparison(msgspec.Struct, frozen=True):
    """A proposition about number `number`: that it is at least, at most or just `limit`."""

    number: int
    relation: Relation
    limit: float

    def holds(self, value: float) -> bool:
        """Tell whether it holds for a value."""
        match self.relation:
            case Relation.AT_LEAST:
                return value >= self.limit
            case Relation.AT_MOST:
                return value <= self.limit
            case _:
                return value == self.limit

    def nearer(self, by: float) -> bool:
        """Tell whether a change by so much can bring it about."""
        match self.relation:
            case Relation.AT_LEAST:
                return by > 0
            case Relation.AT_MOST:
                return by < 0
            case _:
                return by != 0


class Change(msgspec.Struct, frozen=True):
    """What becomes of a number: another value, or so much more (`by` is set)."""

    number: int
    value: float
    by: bool


class Operator(msgspec.Struct, frozen=True, eq=False):
    """A step with its conditions and effects; `needs`, `adds` are its bits, one by one.

    `counts` are propositions that its changes of numbers may bring about, with the change of one
    application; for one that sets a number the change is 0: it needs one application.
    """

    step: Step
    price: int
    before: int
    gained: int
    lost: int
    needs: tuple[int, ...]
    adds: tuple[int, ...]
    changes: tuple[Change, ...] = ()
    counts: tuple[tuple[int, float], ...] = ()


class Task(msgspec.Struct, frozen=True, eq=False):
    """Where to begin, what to reach and by what.

    Attributes
    ----------
    propositions : what each bit means, by number
    comparisons : those bits that are about a number
    compared : per number, the bits about it
    hopeless : a goal that nothing can bring about; empty where there is none
    whole : no limit was met when it was made, so that a search of all of it is a proof
    """

    propositions: tuple[tuple[Atom, Constant], ...]
    comparisons: dict[int, Comparison]
    compared: tuple[tuple[int, ...], ...]
    initial: Node
    goal: int
    goals: tuple[int, ...]
    operators: tuple[Operator, ...]
    hopeless: str = ""
    whole: bool = True

    def after(self, node: Node, operator: Operator) -> Node:
        """Return the state after an operator that may be applied."""
        bits = (node[0] & ~operator.lost) | operator.gained
        if not operator.changes:
            return bits, node[1]
        numbers = list(node[1])
        for change in operator.changes:
            number = change.number
            was = numbers[number]
            if change.by and was != was:
                continue
            numbers[number] = was + change.value if change.by else change.value
            for bit in self.compared[number]:
                mask = 1 << bit
                held = self.comparisons[bit].holds(numbers[number])
                bits = bits | mask if held else bits & ~mask
        return bits, tuple(numbers)

    def applicable(self, node: Node) -> list[int]:
        """Return the numbers of the operators that may be applied."""
        bits = node[0]
        return [
            number
            for number, each in enumerate(self.operators)
            if bits & each.before == each.before
        ]
