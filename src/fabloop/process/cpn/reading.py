"""Reads inscriptions in either language, and declares what they may name."""

import ast
from collections.abc import Callable, Mapping
from typing import Protocol

from fabloop.process.cpn.colour import ColourSet, Palette
from fabloop.process.cpn.expression import (
    NAMESPACE,
    Misread,
    Words,
    express,
    read_tree,
    split_conjuncts,
)
from fabloop.process.cpn.ml.declare import CHANCE, Declarations
from fabloop.process.cpn.ml.inscribe import MlReader, spelled
from fabloop.process.cpn.ml.values import bunch_of
from fabloop.process.cpn.model import ListColour, NetDocument, Put, RecordColour, Take, UnionColour
from fabloop.process.cpn.source import made_function
from fabloop.process.cpn.term import Term
from fabloop.process.cpn.token import Token


class Reader(Protocol):
    """What both languages can do; everything raises Misread."""

    words: Words
    constants: Mapping[str, object]

    def taken(self, take: Take, colour: ColourSet, /) -> list[Term]:
        """Return what an input arc takes."""

    def put(self, put: Put, colour: ColourSet, /) -> list[Term]:
        """Return what an output arc puts."""

    def conditions(self, text: str) -> list[ast.expr]:
        """Return the conjuncts of a guard."""

    def expression(self, text: str) -> ast.expr:
        """Return the tree of an expression."""

    def variable(self, name: str) -> str:
        """Return how trees call a variable of the document."""

    def clock(self) -> object:
        """Return what must be told the time since this was last asked; None where nothing."""

    def draws(self) -> bool:
        """Tell whether anything read since this was last asked draws by chance."""


class PythonReader:
    """Reads inscriptions in the form of Python."""

    def __init__(self, document: NetDocument, constants: Mapping[str, Token]) -> None:
        records = {
            name: set(colour.fields)
            for name, colour in document.colours.items()
            if isinstance(colour, RecordColour)
        }
        cases = {
            case: case
            for colour in document.colours.values()
            if isinstance(colour, UnionColour)
            for case, carried in colour.cases.items()
            if carried
        }
        self.constants: Mapping[str, object] = constants
        self.words = Words(
            frozenset(constants), records, constructors=cases, functions={"_bunch": bunch_of}
        )

    def taken(self, take: Take, _colour: ColourSet) -> list[Term]:
        """Return what an input arc takes."""
        count = ast.Constant(take.count)
        return [Term(value=_maybe_many(take.pattern, take.many), count=count, many=take.many)]

    def put(self, put: Put, _colour: ColourSet) -> list[Term]:
        """Return what an output arc puts."""
        return [
            Term(
                value=_maybe_many(put.value, put.many),
                count=read_tree(put.count),
                delay=read_tree(put.delay),
                many=put.many,
            )
        ]

    def conditions(self, text: str) -> list[ast.expr]:
        """Return the conjuncts of a guard."""
        return split_conjuncts(read_tree(text))

    def expression(self, text: str) -> ast.expr:
        """Return the tree of an expression."""
        return read_tree(text)

    def variable(self, name: str) -> str:
        """Return a name as it is."""
        return name

    def clock(self) -> object:
        """Return nothing: no inscription asks for the time."""
        return None

    def draws(self) -> bool:
        """Tell that nothing draws by chance."""
        return False


def _maybe_many(text: str, many: bool) -> ast.expr:  # a field of the document
    """Return the tree of an inscription; one that gives a list becomes a multiset."""
    tree = read_tree(text)
    return ast.Call(ast.Name("_bunch", ast.Load()), [tree], []) if many else tree


class CpnMlReader:
    """Reads inscriptions in CPN ML."""

    def __init__(self, document: NetDocument, palette: Palette, declared: Declarations) -> None:
        self.ml = MlReader(declared, document.variables)
        self.declared = declared
        self.constants: Mapping[str, object] = self.ml.constants
        self.words = Words(
            constants=self.ml.constants.keys(), records={}, functions=self.ml.functions,
            constructors=self.ml.constructors,
        )  # fmt: skip
        self.lists = {
            name: palette.sets[colour].parts["*"].admits
            for name, colour in document.variables.items()
            if colour in palette.sets and isinstance(palette.sets[colour].colour, ListColour)
        }

    def taken(self, take: Take, colour: ColourSet) -> list[Term]:
        """Return what an input arc takes: a term for each summand."""
        return self.ml.taken(take.pattern, lists=self._lists(colour))

    def put(self, put: Put, colour: ColourSet) -> list[Term]:
        """Return what an output arc puts: a term for each summand."""
        return self.ml.put(put.value, lists=self._lists(colour))

    def _lists(self, colour: ColourSet) -> frozenset[str] | None:
        """Return the variables that stand for several tokens of a colour; None for lists."""
        if isinstance(colour.colour, ListColour):
            return None
        return frozenset(self.lists)

    def conditions(self, text: str) -> list[ast.expr]:
        """Return the conjuncts of a guard."""
        return self.ml.conditions(text)

    def expression(self, text: str) -> ast.expr:
        """Return the tree of an expression."""
        return self.ml.expression(text)

    def variable(self, name: str) -> str:
        """Return a name without primes."""
        return spelled(name)

    def clock(self) -> object:
        """Return what ``time()`` reads, where it was called since this was last asked."""
        reads = "time" in self.ml.reads
        self.ml.reads.discard("time")
        return self.declared.budget if reads else None

    def draws(self) -> bool:
        """Tell whether anything read since this was last asked draws by chance."""
        drew = bool(CHANCE & self.ml.reads)
        self.ml.reads -= CHANCE
        return drew


def condition_on_value(text: str) -> Callable[[object], bool]:
    """Return the test that a subset's condition in the form of Python stands for."""
    expression = express(read_tree(text), Words(frozenset(), {}))
    unknown = expression.names - {"value"}
    if unknown:
        raise Misread("a condition on 'value' alone", ", ".join(sorted(unknown)))
    space = dict(NAMESPACE)
    lines = [f"    return bool{expression.code}"]
    test: Callable[[object], bool] = made_function("subset", "v_value", lines, space)
    return test
