"""Targets: what is wanted, as triple patterns with variables, given values and arithmetic."""

from collections.abc import Iterator, Mapping
from typing import assert_never

import msgspec

from fabloop.dataspace.schema import Scalar

Number = int | float


class Variable(msgspec.Struct, frozen=True, tag=True):
    """``?x``: to be found in the data."""

    name: str


class Given(msgspec.Struct, frozen=True, tag=True):
    """``type``: handed in by whoever asks."""

    name: str


class Constant(msgspec.Struct, frozen=True, tag=True):
    """``"carrot"`` or ``4``."""

    value: str | int | float


class Operation(msgspec.Struct, frozen=True, tag=True):
    """``num*?y``; the operator is one of ``+ - * /``."""

    operator: str
    left: "Term"
    right: "Term"


Term = Variable | Given | Constant | Operation


class Triple(msgspec.Struct, frozen=True, kw_only=True):
    """That a subject has something: ``(?h, qty, num*?y)``."""

    subject: Variable | Given | Constant
    predicate: str
    object: Term


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted; `text` is its one spelling, by which mappings are remembered."""

    triples: tuple[Triple, ...]
    text: str

    def variables(self) -> tuple[str, ...]:
        """Return the names of the variables, in the order in which they appear."""
        found = (each for t in self.triples for each in (*names(t.subject), *names(t.object)))
        return tuple(dict.fromkeys(found))

    def givens(self) -> tuple[str, ...]:
        """Return the names of what has to be handed in, in the order in which they appear."""
        terms = (term for t in self.triples for term in (t.subject, t.object))
        return tuple(dict.fromkeys(name for term in terms for name in given_names(term)))

    def calculated(self) -> dict[str, Operation]:
        """Return the objects that are calculated from what is found, by their text."""
        return {
            text_of(t.object): t.object
            for t in self.triples
            if isinstance(t.object, Operation) and any(True for _ in names(t.object))
        }


def names(term: Term) -> Iterator[str]:
    """Yield the variables of a term."""
    match term:
        case Variable():
            yield term.name
        case Operation():
            yield from names(term.left)
            yield from names(term.right)
        case Given() | Constant():
            return
        case _:
            assert_never(term)


def given_names(term: Term) -> Iterator[str]:
    """Yield the given names of a term."""
    match term:
        case Given():
            yield term.name
        case Operation():
            yield from given_names(term.left)
            yield from given_names(term.right)
        case Variable() | Constant():
            return
        case _:
            assert_never(term)


_STRENGTH = {"+": 1, "-": 1, "*": 2, "/": 2}


def text_of(term: Term) -> str:
    """Return the one spelling of a term."""
    match term:
        case Variable():
            return f"?{term.name}"
        case Given():
            return term.name
        case Constant():
            return f'"{term.value}"' if isinstance(term.value, str) else f"{term.value!r}"
        case Operation():
            return f"{_side(term, term.left, 0)}{term.operator}{_side(term, term.right, 1)}"
        case _:
            assert_never(term)


def _side(of: Operation, term: Term, more: int) -> str:
    weak = isinstance(term, Operation) and (
        _STRENGTH[term.operator] < _STRENGTH[of.operator] + more
    )
    return f"({text_of(term)})" if weak else text_of(term)


def spelled(triples: tuple[Triple, ...]) -> str:
    """Return the one spelling of triples."""
    return ", ".join(f"({text_of(t.subject)}, {t.predicate}, {text_of(t.object)})" for t in triples)


def value_of(term: Term, known: Mapping[str, Scalar]) -> Scalar:
    """Return what a term is worth; variables are known as ``?x``, given values by their name.

    None where something is unknown, no number, or divided by zero.
    """
    match term:
        case Constant():
            return term.value
        case Variable():
            return known.get(f"?{term.name}")
        case Given():
            return known.get(term.name)
        case Operation():
            return _calculated(term, value_of(term.left, known), value_of(term.right, known))
        case _:
            assert_never(term)


def _calculated(term: Operation, left: Scalar, right: Scalar) -> Scalar:
    one, other = number_of(left), number_of(right)
    if one is None or other is None or (term.operator == "/" and other == 0):
        return None
    match term.operator:
        case "+":
            found: Number = one + other
        case "-":
            found = one - other
        case "*":
            found = one * other
        case _:
            found = one / other
    return found if isinstance(found, int) else float(f"{found:.12g}")


def number_of(value: Scalar) -> Number | None:
    """Return a value as a number; None where it is none."""
    match value:
        case bool() | None:
            return None
        case int() | float():
            return value
        case str():
            try:
                return int(value)
            except ValueError:
                pass
            try:
                return float(value)
            except ValueError:
                return None
        case _:
            assert_never(value)
