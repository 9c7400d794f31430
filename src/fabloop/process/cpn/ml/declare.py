"""The declarations of a net in CPN ML: what its colours, values and functions are called."""

from collections.abc import Callable
from math import pi
from typing import Any

from fabloop.process.cpn.colour import ColourSet
from fabloop.process.cpn.domain import drawn, ml_text, size_of, values_of
from fabloop.process.cpn.expression import Misread
from fabloop.process.cpn.ml.library import NONE, PLAIN, chances, higher
from fabloop.process.cpn.ml.parse import parse_declarations, parse_expression
from fabloop.process.cpn.ml.tree import Declaration, Funs, Name, Node, Typed, Val
from fabloop.process.cpn.ml.values import Budget, Bunch, Delayed, Spent
from fabloop.process.cpn.ml.write import Globals, Writer, compiled, described
from fabloop.process.cpn.model import EnumColour, UnionColour
from fabloop.process.cpn.token import freeze

FAILURES = (ArithmeticError, LookupError, TypeError, ValueError, RecursionError, AttributeError)
"""What evaluating CPN ML may raise on values it was not written for."""

CHANCE = frozenset({"chance"})


class Declarations(Globals):
    """The names of one net, declared one after another."""

    def __init__(self) -> None:
        super().__init__(Budget())
        for name, function in {**PLAIN, **higher(self.budget)}.items():
            self.define(name, function)
        for name, function in chances(self.budget).items():
            self.define(name, function, reads=CHANCE)
        self.define("SOME", PLAIN["SOME"], tag="SOME")
        self.define("NONE", NONE, constant=True)
        self.define("empty", Bunch())
        self.define("Math.pi", pi)
        for order in ("LESS", "EQUAL", "GREATER"):
            self.define(order, order, constant=True)

    # -- colours ------------------------------------------------------------------------------

    def colour(self, colour: ColourSet) -> None:
        """Declare what a colour brings: its values, its constructors, its functions."""
        kind = colour.colour
        if isinstance(kind, EnumColour) and not colour.narrowed:
            for value in kind.values:
                self.define(value, value, constant=True)
        if isinstance(kind, UnionColour) and not colour.narrowed:
            for case, carried in kind.cases.items():
                if carried:
                    self.define(case, _constructor(case), tag=case)
                else:
                    self.define(case, case, constant=True)
        for name, function in _colour_functions(colour, self.budget).items():
            reads = CHANCE if name == "ran" else frozenset()
            self.define(f"{colour.name}.{name}", function, reads=reads)

    # -- values and functions -----------------------------------------------------------------

    def declare(self, text: str) -> None:
        """Read ``val`` and ``fun`` declarations; raises Misread with what is wrong."""
        for each in parse_declarations(text):
            self._declare(each, text)

    def _declare(self, declaration: Declaration, text: str) -> None:
        if isinstance(declaration, Funs):
            made, reads = compiled(self, declaration.functions)
            for name, function in made.items():
                self.define(name, function, reads=reads)
            return
        self._define_value(declaration, text)

    def _define_value(self, declaration: Val, text: str) -> None:
        pattern = declaration.pattern
        while isinstance(pattern, Typed):
            pattern = pattern.node
        value, reads = self.evaluated(declaration.value, text)
        match pattern:
            case Name(id=name):
                self.define(name, value, reads=reads)
            case _:
                raise Misread("a value with a name", f"{described(pattern)} in {text!r:.120}")

    def evaluated(
        self, node: Node, text: str, *, stamps: bool = False
    ) -> tuple[Any, frozenset[str]]:
        """Return what an expression without variables is, and what it depends on."""
        writer = Writer(self, stamps=stamps)
        function = writer.function([], node, {}, fresh=True)
        if writer.reads:
            what = " and ".join(sorted(writer.reads))
            raise Misread("a value that is the same every time", f"{what} in {text!r:.120}")
        try:
            return function(), frozenset(writer.reads)
        except FAILURES as error:
            raise Misread("a value", f"{failure(error)} in {text!r:.120}") from error

    def value(self, text: str, *, stamps: bool = False) -> Any:
        """Return what the text of an expression without variables is; raises Misread.

        With `stamps`, ``@`` puts a time on a token.
        """
        return self.evaluated(parse_expression(text), text, stamps=stamps)[0]

    def predicate(self, text: str) -> Callable[[object], bool]:
        """Return a condition on the variable ``value``; raises Misread."""
        writer = Writer(self)
        function = writer.function(["v0"], parse_expression(text), {"value": "v0"}, fresh=True)
        return lambda value: bool(function(value))


def failure(error: Exception) -> str:
    """Return why an evaluation failed."""
    if isinstance(error, RecursionError):
        return "calls that go too deep"
    return str(error) if isinstance(error, Spent) else f"{type(error).__name__}: {error}"[:200]


def tokens(value: Any, colour: ColourSet) -> list[tuple[Any, int]]:
    """Return an initial marking as tokens with their times; raises Misread."""
    found: list[tuple[Any, int]] = []
    if isinstance(value, Delayed):
        found = list(value)
    elif isinstance(value, Bunch):
        found = [(each, 0) for each in value]
    elif colour.admits(value):
        found = [(value, 0)]
    elif isinstance(value, tuple):
        found = [(each, 0) for each in value]
    else:
        found = [(value, 0)]
    try:
        return [(freeze(each), at) for each, at in found]
    except TypeError as error:
        raise Misread("tokens", str(error)) from error


def _constructor(case: str) -> Callable[[Any], Any]:
    return lambda value: (case, value)


def _colour_functions(colour: ColourSet, budget: Budget) -> dict[str, Callable[[Any], Any]]:
    def every() -> tuple[Any, ...]:
        found = values_of(colour)
        if found is None:
            raise Spent(f"all values of {colour.name}, which are too many or without end")
        return found

    def ran(_unit: Any) -> Any:
        if budget.below is None:
            raise Spent("a random value outside of a simulation")
        return drawn(colour, budget.below)

    def size(_unit: Any) -> int:
        found = size_of(colour)
        if found is None:
            raise Spent(f"the number of values of {colour.name}, which has no limit")
        return len(every()) if colour.narrowed else found

    return {
        "all": lambda _unit: Bunch(every()), "size": size, "ran": ran,
        "mkstr": lambda value: ml_text(colour, value), "legal": colour.admits,
        "mkstr_ms": lambda ms: " ++ ".join(f"1`{ml_text(colour, each)}" for each in ms),
        "lt": lambda pair: every().index(pair[0]) < every().index(pair[1]),
        "ord": lambda value: every().index(value), "col": lambda number: every()[number],
        "mult": lambda pair: Bunch((x, y) for x in pair[0] for y in pair[1]),
    }  # fmt: skip
