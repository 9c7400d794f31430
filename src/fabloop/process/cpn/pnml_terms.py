"""The terms of symmetric nets: multisets over constants, variables, successors and tuples."""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from math import prod
from typing import TypeAlias, assert_never

import msgspec

from fabloop.base.xml import Element, local_of
from fabloop.process.cpn.pnml_sorts import DOT, VALUES_MAX, Colours, Sort, Sorts, Unreadable, Value

OPERATORS_DEEP_MAX = 20


class Constant(msgspec.Struct, frozen=True):
    """One value of a sort."""

    value: Value
    sort: Sort


class Variable(msgspec.Struct, frozen=True):
    """A variable, `steps` successors further (negative: predecessors) in a cyclic enumeration."""

    name: str
    sort: Sort
    steps: int = 0


class Tuple(msgspec.Struct, frozen=True):
    """A value of a product."""

    parts: tuple["Item", ...]


Item: TypeAlias = Constant | Variable | Tuple
Bag: TypeAlias = list[tuple[int, Item]]
"""A multiset: coefficients (negative where something is subtracted) and terms."""

_NUMBERED = ("numberof", "scalarproduct")
_COMPARISONS = {
    "equality": "==", "inequality": "!=", "lessthan": "<", "lessthanorequal": "<=",
    "greaterthan": ">", "greaterthanorequal": ">=",
}  # fmt: skip


def sort_of(item: Item) -> Sort:
    """Return the sort of a term."""
    match item:
        case Constant(sort=sort) | Variable(sort=sort):
            return sort
        case Tuple(parts=parts):
            return Sort(kind="product", parts=tuple(sort_of(part) for part in parts))
    assert_never(item)


def variables_of(item: Item) -> Iterator[Variable]:
    """Yield the variables of a term."""
    match item:
        case Constant():
            return
        case Variable():
            yield item
        case Tuple(parts=parts):
            for part in parts:
                yield from variables_of(part)


def text_of_item(item: Item, colours: Colours) -> str:
    """Return a term as an inscription."""
    match item:
        case Constant(value=value):
            return repr(value)
        case Variable(name=name, sort=sort, steps=steps):
            for _ in range(abs(steps)):
                name = f"{colours.table('next' if steps > 0 else 'previous', sort)}[{name}]"
            return name
        case Tuple(parts=parts):
            return "(" + "".join(f"{text_of_item(part, colours)}, " for part in parts) + ")"
    assert_never(item)


def value_of_item(item: Item) -> Value | None:
    """Return the value of a term without variables; None for one that has any."""
    match item:
        case Constant(value=value):
            return value
        case Variable():
            return None
        case Tuple(parts=parts):
            values = [value_of_item(part) for part in parts]
            known = tuple(value for value in values if value is not None)
            return known if len(known) == len(parts) else None
    assert_never(item)


def summed(bag: Bag) -> Bag:
    """Return a multiset with each term once, and none that cancels out."""
    counts: dict[Item, int] = {}
    for count, item in bag:
        counts[item] = counts.get(item, 0) + count
    return [(count, item) for item, count in counts.items() if count]


class Terms:
    """Reads terms and conditions with the declarations of one net."""

    def __init__(
        self, sorts: Sorts, variables: Mapping[str, Variable], operators: Mapping[str, Element]
    ) -> None:
        self.sorts, self.variables, self.operators = sorts, variables, operators
        self.depth = 0
        self.readers: dict[str, Callable[[Element], Bag]] = {
            "all": self._all, "empty": self._empty, "tuple": self._tuples,
            "useroperator": self._operator,
        }  # fmt: skip

    # -- multisets ----------------------------------------------------------------------------

    def bag(self, element: Element) -> Bag:
        """Return a multiset term, with `all` and tuples of multisets written out."""
        kind = local_of(element)
        if kind in _NUMBERED:
            number, inner = self._two(element)
            count = self._number(number)
            found = [(count * each, item) for each, item in self.bag(inner)]
        elif kind in ("add", "subtract"):
            sign = 1 if kind == "add" else -1
            first, *rest = self._inner(element)
            more = [(sign * count, item) for each in rest for count, item in self.bag(each)]
            found = [*self.bag(first), *more]
        elif kind in ("successor", "predecessor"):
            step = 1 if kind == "successor" else -1
            of = self.bag(self._subterms(element, 1)[0])
            found = [(count, _shifted(item, step, element)) for count, item in of]
        elif kind in self.readers:
            found = self.readers[kind](element)
        else:
            found = [(1, self._single(element, kind))]
        if len(found) > VALUES_MAX:
            raise Unreadable(element, f"at most {VALUES_MAX} terms", str(len(found)))
        return found

    def item(self, element: Element) -> Item:
        """Return a term that is one value."""
        bag = self.bag(element)
        if len(bag) != 1 or bag[0][0] != 1:
            raise Unreadable(element, "one value", f"a multiset of {len(bag)}")
        return bag[0][1]

    def _single(self, element: Element, kind: str) -> Item:
        match kind:
            case "variable":
                name = element.get("refvariable", "")
                if name not in self.variables:
                    raise Unreadable(element, "the id of a declared variable", repr(name))
                return self.variables[name]
            case "dotconstant":
                return Constant((), DOT)
            case "finiteintrangeconstant":
                sort, value = self.sorts.read(self._one(element)), element.get("value", "")
                if sort.kind != "range" or value not in map(str, sort.values):
                    raise Unreadable(element, "a number of its range", repr(value))
                return Constant(int(value), sort)
            case _:
                raise Unreadable(element, "an operator of symmetric nets", f"<{kind}>")

    def _tuples(self, element: Element) -> Bag:
        parts = [self.bag(each) for each in self._inner(element)]
        if prod(len(part) for part in parts) > VALUES_MAX:
            raise Unreadable(element, f"at most {VALUES_MAX} tuples", "more")
        return [
            (prod(count for count, _ in each), Tuple(tuple(item for _, item in each)))
            for each in product(*parts)
        ]

    def _all(self, element: Element) -> Bag:
        sort = self.sorts.read(self._one(element))
        if sort.size > VALUES_MAX:
            raise Unreadable(element, f"at most {VALUES_MAX} values", str(sort.size))
        return [(1, _constant(value, sort)) for value in sort.each()]

    def _empty(self, _element: Element) -> Bag:
        return []

    def _operator(self, element: Element) -> Bag:
        name = element.get("declaration", "")
        if name in self.sorts.constants:
            sort, value = self.sorts.constants[name]
            return [(1, Constant(value, sort))]
        if name not in self.operators:
            raise Unreadable(element, "the id of a declared constant", repr(name))
        if self.depth >= OPERATORS_DEEP_MAX:
            raise Unreadable(element, f"operators at most {OPERATORS_DEEP_MAX} deep", "deeper")
        self.sorts.write(element, 1)
        self.depth += 1
        try:
            return self.bag(self.operators[name])
        finally:
            self.depth -= 1

    def _number(self, element: Element) -> int:
        text = element.get("value", "")
        if local_of(element) != "numberconstant" or not re.fullmatch("[0-9]{1,9}", text):
            raise Unreadable(element, "a whole number", f"<{local_of(element)}> {text!r}")
        return int(text)

    # -- conditions ---------------------------------------------------------------------------

    def condition(self, element: Element) -> str:
        """Return a truth-valued term as an inscription."""
        kind = local_of(element)
        match kind:
            case "and" | "or":
                parts = [self.condition(each) for each in self._inner(element)]
                return "(" + f" {kind} ".join(parts) + ")"
            case "not":
                return f"(not {self.condition(self._subterms(element, 1)[0])})"
            case "imply":
                left, right = self._two(element)
                return f"(not {self.condition(left)} or {self.condition(right)})"
            case "booleanconstant":
                return "True" if element.get("value") == "true" else "False"
            case _ if kind in _COMPARISONS:
                return self._comparison(element, kind)
            case _:
                raise Unreadable(element, "a condition of symmetric nets", f"<{kind}>")

    def _comparison(self, element: Element, kind: str) -> str:
        left, right = (self.item(each) for each in self._two(element))
        if sort_of(left) != sort_of(right):
            found = f"{sort_of(left).kind} and {sort_of(right).kind}"
            raise Unreadable(element, "two values of one sort", found)
        if kind in ("equality", "inequality"):
            shown = [text_of_item(each, self.sorts.colours) for each in (left, right)]
        else:
            shown = [self._rank(element, each) for each in (left, right)]
        return f"({shown[0]} {_COMPARISONS[kind]} {shown[1]})"

    def _rank(self, element: Element, item: Item) -> str:
        sort, text = sort_of(item), text_of_item(item, self.sorts.colours)
        if sort.kind == "range":
            return text
        if sort.kind in ("cyclic", "finite"):
            return f"{self.sorts.colours.table('order', sort)}[{text}]"
        raise Unreadable(element, "values of an enumeration or range", f"those of a {sort.kind}")

    # -- children -----------------------------------------------------------------------------

    def _subterms(self, element: Element, count: int) -> list[Element]:
        found = self._inner(element)
        if len(found) != count:
            raise Unreadable(element, f"{count} subterms", str(len(found)))
        return found

    def _two(self, element: Element) -> tuple[Element, Element]:
        first, second = self._subterms(element, 2)
        return first, second

    def _inner(self, element: Element) -> list[Element]:
        found = [self._one(each) for each in element]
        if not found or any(local_of(each) != "subterm" for each in element):
            raise Unreadable(element, "subterms", f"{len(found)} other parts")
        return found

    def _one(self, element: Element) -> Element:
        if len(element) != 1:
            raise Unreadable(element, "one part", str(len(element)))
        return element[0]


def _constant(value: Value, sort: Sort) -> Item:
    if sort.kind == "product":
        assert isinstance(value, tuple)
        return Tuple(tuple(_constant(v, part) for v, part in zip(value, sort.parts, strict=True)))
    return Constant(value, sort)


def _shifted(item: Item, step: int, element: Element) -> Item:
    """Return the successor or predecessor of a term; there is one in cyclic enumerations only."""
    sort = sort_of(item)
    if sort.kind != "cyclic":
        expected = "a value of a cyclic enumeration"
        raise Unreadable(element, expected, f"one of a {sort.kind}")
    size = len(sort.values)
    match item:
        case Constant(value=value):
            assert isinstance(value, str)
            return Constant(sort.values[(sort.values.index(value) + step) % size], sort)
        case Variable(name=name, steps=steps):
            ahead = (steps + step) % size
            return Variable(name, sort, ahead if ahead <= size // 2 else ahead - size)
        case Tuple():
            raise Unreadable(element, "a value of a cyclic enumeration", "a tuple")
    assert_never(item)
