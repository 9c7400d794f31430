"""One evaluation of a model: its budget and warnings, and the variables that each part sees."""

from collections.abc import Callable
from typing import Any

from fabloop.base.instant import Instant
from fabloop.feel.dmn.limits import CALLS_MAX, STEPS_MAX, WARNINGS_MAX
from fabloop.feel.limits import exceeded
from fabloop.feel.run import Run
from fabloop.feel.values import Value


class Evaluation:
    """What all parts of one evaluation share."""

    def __init__(self, now: Instant | None) -> None:
        self.now = now
        self.steps = STEPS_MAX
        self.calls = 0
        self.warnings: dict[str, None] = {}

    def spend(self, count: int) -> None:
        """Take steps from the budget.

        Raises
        ------
        Refused
            The budget is used up.
        """
        self.steps -= count
        if self.steps < 0:
            raise exceeded("steps in one evaluation of a model", STEPS_MAX, "Work on less data.")

    def warn(self, place: str, message: str) -> None:
        """Note why a value became null, and where; returns that null."""
        if len(self.warnings) < WARNINGS_MAX:
            self.warnings[f"{place}: {message}"] = None

    def call(self, body: Callable[[], Value]) -> Value:
        """Return what a function gives, unless too many are active.

        Raises
        ------
        Refused
            Functions call one another without end.
        """
        self.spend(1)
        if self.calls >= CALLS_MAX:
            raise exceeded("calls inside one another", CALLS_MAX, "Use a loop.")
        self.calls += 1
        try:
            return body()
        finally:
            self.calls -= 1


class Names(dict[Any, Any]):
    """The variables of a scope: values of FEEL, which need no conversion when they are read.

    An expression keeps what it converted below the variable's name, or below a whole path. Given
    these names as what is kept already, it finds every value in place.
    """

    __slots__ = ()

    def __contains__(self, key: object) -> bool:
        return dict.__contains__(self, key[0] if type(key) is tuple else key)

    def __missing__(self, key: Any) -> Value:
        if type(key) is not tuple:
            raise KeyError(key)
        value = self[key[0]]
        for name in key[1:]:
            value = value[name]
        return value


class Scope(Run):
    """The run of one expression inside of an evaluation."""

    def __init__(self, evaluation: Evaluation, names: Names, source: str, place: str) -> None:
        super().__init__(source, evaluation.now)
        self.evaluation = evaluation
        self.loaded = names
        self.place = place

    def spend(self, count: int = 1) -> None:
        """Take steps from the budget of the whole evaluation."""
        self.evaluation.spend(count)

    def null(self, at: int, message: str) -> None:
        """Note why a value became null, with the place in the model; returns that null."""
        if not self.quiet:
            self.warnings = (message,)
            self.evaluation.warn(f"{self.place}, character {at + 1} of the text", message)


Logic = Callable[[Names, Evaluation], Value]
"""The compiled form of any expression of a model."""
