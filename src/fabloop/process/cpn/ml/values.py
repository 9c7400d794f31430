"""Multisets, limits and operators of CPN ML: what its compiled functions compute with."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from fabloop.process.cpn.token import LIST_LENGTH_MAX, TEXT_LENGTH_MAX, UNIT

STEPS_MAX = 200_000
"""Function calls and list elements that evaluating one inscription may take."""
BUNCH_MAX = 100_000
"""Tokens of one multiset."""
ML_INT_BITS_MAX = 64


class Spent(ValueError):  # told as a fault of the inscription
    """An evaluation went beyond a limit."""


class Bunch(tuple[Any, ...]):
    """A multiset, as the sequence of its elements."""

    __slots__ = ()


class Delayed(tuple[Any, ...]):
    """A timed multiset: pairs of an element and the time until, or at, which it waits."""

    __slots__ = ()


class Budget:
    """The steps that an evaluation has left; `refill` starts the next one.

    Attributes
    ----------
    now : the model time that ``time()`` gives
    below : the source of chance, given by a simulation; None elsewhere
    """

    __slots__ = ("below", "left", "now")

    def __init__(self) -> None:
        self.left = STEPS_MAX
        self.now = 0
        self.below: Callable[[int], int] | None = None

    def refill(self) -> None:
        """Allow another evaluation."""
        self.left = STEPS_MAX

    def tick(self, steps: int = 1) -> None:
        """Take steps away; raises Spent where none are left."""
        self.left -= steps
        if self.left < 0:
            raise Spent(f"no end after {STEPS_MAX} steps; a function may call itself for ever")

    def unit_interval(self) -> float:
        """Draw a number from 0 to 1, below 1; raises Spent outside of a simulation."""
        if self.below is None:
            raise Spent("a random value outside of a simulation")
        return self.below(1 << 53) / (1 << 53)


def elements(value: Any) -> tuple[Any, ...]:
    """Return the elements of a multiset or list; raises TypeError for anything else."""
    if not isinstance(value, tuple):
        raise TypeError(f"Expected a multiset or list, but found {value!r:.80}.")
    return value


def bunch_of(value: Any) -> Bunch:
    """Return a list as a multiset."""
    return Bunch(elements(value))


def copies(count: Any, value: Any) -> Bunch:
    """Return ``count`value``."""
    if type(count) is not int or not 0 <= count <= BUNCH_MAX:
        raise Spent(f"{count!r:.40} tokens, where 0 to {BUNCH_MAX} are possible")
    return Bunch((value,) * count)


def total(*parts: Any) -> Bunch | Delayed:
    """Return the sum of multisets; with a timed one among them, all are timed."""
    timed = any(isinstance(part, Delayed) for part in parts)
    found: list[Any] = []
    for part in parts:
        if timed and not isinstance(part, Delayed):
            found += [(each, 0) for each in elements(part)]
        else:
            found += elements(part)
        if len(found) > BUNCH_MAX:
            raise Spent(f"more than {BUNCH_MAX} tokens in a multiset")
    return Delayed(found) if timed else Bunch(found)


def minus(left: Any, right: Any) -> Bunch:
    """Return a multiset without another, as far as that goes."""
    gone = Counter(elements(right))
    kept: list[Any] = []
    for each in elements(left):
        if gone[each] > 0:
            gone[each] -= 1
        else:
            kept.append(each)
    return Bunch(kept)


def scaled(count: Any, value: Any) -> Bunch:
    """Return ``count ** multiset``."""
    found = elements(value)
    if type(count) is not int or not 0 <= count * len(found) <= BUNCH_MAX:
        raise Spent(f"{count!r:.40} times {len(found)} tokens")
    return Bunch(found * count)


def delayed(value: Any, delay: Any, single: bool) -> Delayed:
    """Return ``value @+ delay``; `single` tells that the value is one token for sure."""
    if isinstance(value, Bunch) and not single:
        return Delayed((each, delay) for each in value)
    if isinstance(value, Delayed):
        return Delayed((each, before + delay) for each, before in value)
    return Delayed(((value, delay),))


def only_if(test: Any, value: Any) -> Bunch:
    """Return ``test % value``: one token of the value where the test holds."""
    holds = all(elements(test)) if isinstance(test, tuple) else bool(test)
    return Bunch((value,)) if holds else Bunch()


def times(left: Any, right: Any) -> Any:
    """Multiply numbers of a bounded size."""
    if isinstance(left, str | tuple) or isinstance(right, str | tuple):
        raise TypeError(f"Expected two numbers to multiply, but found {left!r:.40}, {right!r:.40}.")
    return bounded(left * right)


def bounded(number: Any) -> Any:
    """Return a number that an integer of 64 bits can hold; raises Spent for others."""
    if isinstance(number, int) and number.bit_length() > ML_INT_BITS_MAX:
        raise Spent("an integer overflow")
    return number


def plus(left: Any, right: Any) -> Any:
    """Add numbers."""
    if isinstance(left, str | tuple):
        raise TypeError(f"Expected two numbers to add, but found {left!r:.40}, {right!r:.40}.")
    return bounded(left + right)


def modulo(left: Any, right: Any) -> Any:
    """Return the remainder of a division rounded down."""
    if isinstance(left, str):
        raise TypeError(f"Expected two numbers to divide, but found {left!r:.40}, {right!r:.40}.")
    return left % right


def joined(left: Any, right: Any) -> str:
    """Join texts."""
    if not (isinstance(left, str) and isinstance(right, str)):
        raise TypeError(f"Expected two texts to join, but found {left!r:.40}, {right!r:.40}.")
    if len(left) + len(right) > TEXT_LENGTH_MAX:
        raise Spent(f"a text of more than {TEXT_LENGTH_MAX} characters")
    return left + right


def appended(left: Any, right: Any) -> tuple[Any, ...]:
    """Join lists."""
    first, then = elements(left), elements(right)
    if len(first) + len(then) > LIST_LENGTH_MAX:
        raise Spent(f"a list of more than {LIST_LENGTH_MAX} elements")
    return (*first, *then)


def cons(head: Any, tail: Any) -> tuple[Any, ...]:
    """Put an element before a list."""
    rest = elements(tail)
    if len(rest) >= LIST_LENGTH_MAX:
        raise Spent(f"a list of more than {LIST_LENGTH_MAX} elements")
    return (head, *rest)


def no_match(value: Any, where: str) -> NoReturn:
    """Say that no pattern fits a value."""
    raise ValueError(f"no pattern of {where} fits {value!r:.80}")


def tokens_of(value: Any, admits: Callable[[Any], bool]) -> Sequence[Any]:
    """Return the tokens an inscription stands for, timed ones as pairs with their delay.

    A multiset is its elements; a value of the colour is one token; a list of values of the colour
    is taken as a multiset, as CPN Tools once did.
    """
    if isinstance(value, Bunch | Delayed):
        return value
    if admits(value):
        return (value,)
    if isinstance(value, tuple) and value != UNIT:
        return value
    return () if value == UNIT else (value,)


def split_delays(value: Any, admits: Callable[[Any], bool]) -> Iterable[tuple[Any, Any]]:
    """Return the tokens of an output inscription, each with its delay."""
    found = tokens_of(value, admits)
    return found if isinstance(found, Delayed) else [(each, 0) for each in found]


def settled(value: Any) -> Any:
    """Return a value in which multisets that stand inside tokens have become lists."""
    match value:
        case Bunch():
            return tuple(settled(each) for each in value)
        case _:
            return value
