"""Conditions over one variable that no value fulfils together: comparisons with constants."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

import msgspec

from fabloop.feel.library import BUILTINS
from fabloop.feel.names import KnownNames
from fabloop.feel.nodes import Between, Comparison, Literal, Logic, Name, Negation, Node, Path
from fabloop.feel.parser import Parser

Number = int | float | Decimal
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}


class Bound(msgspec.Struct, frozen=True):
    """A variable has to stand so to a constant, by the condition of whom."""

    variable: str
    op: str
    value: Number | str
    by: str


def clashes(conditions: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each variable that has no value by conditions (FEEL, by name), and by which ones.

    Only what has to hold in any case is looked at: comparisons with constants, joined by ``and``.
    """
    bounds: dict[str, list[Bound]] = {}
    for name, text in conditions.items():
        for each in _bounds(_tree(text), name):
            bounds.setdefault(each.variable, []).append(each)
    for variable, found in bounds.items():
        pair = next(
            (
                (first, second)
                for number, first in enumerate(found)
                for second in found[number + 1 :]
                if _clash(first, second)
            ),
            None,
        )
        if pair is not None:
            yield variable, tuple(dict.fromkeys((pair[0].by, pair[1].by)))


def _tree(text: str) -> Node:
    return Parser(text, KnownNames(BUILTINS)).expression()


def _bounds(node: Node, by: str) -> Iterator[Bound]:
    match node:
        case Logic(op="and", operands=operands):
            for each in operands:
                yield from _bounds(each, by)
        case Between(operand=operand, low=low, high=high):
            yield from _compared(operand, ">=", low, by)
            yield from _compared(operand, "<=", high, by)
        case Comparison(op=op, left=left, right=right) if op in _TURNED:
            yield from _compared(left, op, right, by)
            yield from _compared(right, _TURNED[op], left, by)
        case _:
            return


def _compared(left: Node, op: str, right: Node, by: str) -> Iterator[Bound]:
    name, value = _name(left), _constant(right)
    if name and value is not None:
        yield Bound(name, op, value, by)


def _name(node: Node) -> str:
    match node:
        case Name(name=name):
            return name
        case Path(base=base, name=name):
            inner = _name(base)
            return f"{inner}.{name}" if inner else ""
        case _:
            return ""


def _constant(node: Node) -> Number | str | None:
    match node:
        case Literal(value=int() | float() | Decimal() | str() as value):
            return value
        case Negation(operand=Literal(value=int() | float() | Decimal() as value)):
            return -value
        case _:
            return None


def _clash(first: Bound, second: Bound) -> bool:
    """Tell whether no value fulfils both."""
    if isinstance(first.value, str) or isinstance(second.value, str):
        both = first.op == second.op == "="
        return both and first.value != second.value
    for low, high in ((first, second), (second, first)):
        assert not isinstance(low.value, str), "texts have been compared"
        assert not isinstance(high.value, str), "texts have been compared"
        if low.op in (">", ">=", "=") and high.op in ("<", "<=", "="):
            strict = low.op == ">" or high.op == "<"
            if low.value > high.value or (strict and low.value == high.value):
                return True
    return False
