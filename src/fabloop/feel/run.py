"""One evaluation: what it may still spend, what it noticed, and when it takes place."""

from collections.abc import Mapping
from typing import Any

from fabloop.base.instant import Instant
from fabloop.feel.limits import (
    CALL_DEPTH_MAX,
    LIST_LENGTH_MAX,
    STEPS_MAX,
    STRING_LENGTH_MAX,
    WARNINGS_MAX,
    exceeded,
)


class Run:
    """The state of one evaluation."""

    steps = STEPS_MAX
    depth = 0
    quiet = 0
    loaded: dict[str | tuple[str, ...], Any] | None = None
    warnings: tuple[str, ...] = ()

    # What most evaluations never change stays in the class: a run is made for each of them.
    def __init__(self, source: str, now: Instant | None) -> None:
        self.source = source
        self.now = now

    def spend(self, count: int = 1) -> None:
        """Take steps from the budget.

        Raises
        ------
        Refused
            The budget is used up.
        """
        self.steps -= count
        if self.steps < 0:
            raise exceeded("steps in one evaluation", STEPS_MAX, "Work on less data.")

    def null(self, at: int, message: str) -> None:
        """Note why a value became null, and where; returns that null."""
        if not self.quiet and len(self.warnings) < WARNINGS_MAX:
            line = self.source.count("\n", 0, at) + 1
            column = at - (self.source.rfind("\n", 0, at) + 1) + 1
            warning = f"line {line}, column {column}: {message}"
            if warning not in self.warnings:
                self.warnings += (warning,)

    def enter(self, weight: int) -> None:
        """Start a call of a function that costs so many steps."""
        self.spend(weight)
        self.depth += 1
        if self.depth > CALL_DEPTH_MAX:
            raise exceeded("calls inside one another", CALL_DEPTH_MAX, "Use a loop.")

    def sized(self, count: int) -> None:
        """Make sure that a list of this length may be made, and pay for it."""
        if count > LIST_LENGTH_MAX:
            raise exceeded("items in a list", LIST_LENGTH_MAX, "Work on less data.")
        self.spend(count)

    def string(self, text: str) -> str:
        """Return a string that the expression made, unless it is too long."""
        if len(text) > STRING_LENGTH_MAX:
            raise exceeded("characters in a string", STRING_LENGTH_MAX, "Work on less data.")
        self.spend(len(text) >> 6)
        return text


Variables = Mapping[str, Any]
