"""What a solve is asked to spend, tells on its way, and answers."""

from collections.abc import Callable
from enum import StrEnum

import msgspec

from fabloop.plan.shop.model import Objective, Schedule


class Outcome(StrEnum):
    """What is known of an answer."""

    PROVEN = "proven"
    FOUND = "found"
    IMPOSSIBLE = "impossible"
    UNDECIDED = "undecided"


class Progress(msgspec.Struct, frozen=True):
    """How far a solve has come with an objective: the best value, and none is below the bound."""

    objective: Objective
    value: int | None
    bound: int


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The best schedule found.

    Attributes
    ----------
    outcome : proven best, found in the time there was, proven impossible, or nothing known
    values, bounds : per objective; the bound of a later one holds for schedules that are no worse
        in the earlier ones
    """

    outcome: Outcome
    schedule: Schedule | None
    values: tuple[int, ...]
    bounds: tuple[int, ...]


class Effort(msgspec.Struct, frozen=True, kw_only=True):
    """How much to spend.

    Attributes
    ----------
    seconds : deterministic seconds of the search per objective; None: until the halt is asked
    moves : moves that the improvement before it looks at
    workers : of the search; with more than one, or a halt, equal input need not give equal answers
    """

    seconds: float | None = 10.0
    moves: int = 1_000_000
    workers: int = 1


class Halt:
    """A request to stop, from whoever watches the time; it may be asked again and again."""

    def __init__(self) -> None:
        self.asked = self.hurried = False
        self._stop: Callable[[], None] | None = None

    def hurry(self) -> None:
        """Stop improving, and go on to the search that can prove."""
        self.hurried = True

    def ask(self) -> None:
        """Stop as soon as possible, with the best so far."""
        self.asked = self.hurried = True
        stop = self._stop
        if stop is not None:
            stop()

    def take(self, stop: Callable[[], None] | None) -> None:
        """Say how the present part of the work is stopped; None: it is over."""
        self._stop = stop
