"""The sorts of a symmetric net as colours, with tables for cyclic successors and order."""

import keyword
import re
from collections.abc import Container, Iterator
from itertools import product
from math import prod
from typing import Literal, TypeAlias

import msgspec

from fabloop.base.xml import Element, local_of
from fabloop.process.cpn.expression import FUNCTIONS
from fabloop.process.cpn.model import BUILT_IN, Colour, EnumColour, IntColour, ProductColour

VALUES_MAX = 10_000
"""Values of one sort, and terms of one inscription once `all` is written out."""

VALUES_TOTAL_MAX = 200_000
"""Values of all sorts, and terms of all inscriptions, of one net."""
PRODUCT_PARTS_MAX = 100
DECLARATIONS_MAX = 2_000

Value: TypeAlias = str | int | tuple["Value", ...]
"""A value of a sort: the name of an enumeration's element, a number, ``()`` for the dot."""


class Unreadable(Exception):  # a signal to the reader, which turns it into a fault
    """A part of an inscription or declaration that is not carried out."""

    def __init__(self, element: Element, expected: str, found: str, hint: str = "") -> None:
        super().__init__(expected)
        self.element, self.expected, self.found, self.hint = element, expected, found, hint


class Sort(msgspec.Struct, frozen=True, kw_only=True):
    """A finite sort; `key` names its values in tables, `parts` are those of a product."""

    kind: Literal["dot", "cyclic", "finite", "range", "product"]
    values: tuple[str | int, ...] = ()
    parts: tuple["Sort", ...] = ()

    @property
    def size(self) -> int:
        """How many values it has."""
        if self.kind == "product":
            return prod(part.size for part in self.parts)
        return 1 if self.kind == "dot" else len(self.values)

    def each(self) -> Iterator[Value]:
        """Yield every value, in the order of the declaration."""
        if self.kind == "product":
            yield from product(*(list(part.each()) for part in self.parts))
        elif self.kind == "dot":
            yield ()
        else:
            yield from self.values


DOT = Sort(kind="dot")


def fresh(wanted: str, taken: Container[str]) -> str:
    """Return a name of the inscription language that is near the wanted one and not taken."""
    base = re.sub(r"[^A-Za-z0-9_]", "_", wanted).strip("_") or "x"
    if not base[0].isalpha() or keyword.iskeyword(base):
        base = f"x_{base}"
    reserved = {*FUNCTIONS, *BUILT_IN, "result"}
    name, number = base, 1
    while name in taken or name in reserved:
        number += 1
        name = f"{base}_{number}"
    return name


class Colours:
    """The colours of the document in the making: sorts by name, tables by the sort they serve."""

    def __init__(self) -> None:
        self.declared: dict[str, Colour] = {}
        self.constants: dict[str, object] = {}
        self.words: set[str] = set()
        self._names: dict[Sort, str] = {DOT: "unit"}
        self._tables: dict[tuple[str, Sort], str] = {}

    def name_of(self, sort: Sort, wanted: str = "") -> str:
        """Return the colour of a sort, declared when first asked for."""
        if sort not in self._names:
            parts = tuple(self.name_of(part) for part in sort.parts)
            name = fresh(wanted or "_".join(parts) or sort.kind, self.declared)
            self._names[sort] = name
            self.declared[name] = _colour(sort, parts)
        return self._names[sort]

    def table(self, kind: Literal["next", "previous", "order"], sort: Sort) -> str:
        """Return the constant that maps each value of an enumeration, made when first asked for."""
        if (kind, sort) not in self._tables:
            name = fresh(f"{kind}_{self.name_of(sort)}", self.words)
            self.words.add(name)
            self._tables[kind, sort] = name
            values, step = sort.values, {"next": 1, "previous": -1, "order": 0}[kind]
            self.constants[name] = {
                str(value): values[(n + step) % len(values)] if step else n
                for n, value in enumerate(values)
            }
        return self._tables[kind, sort]


def _colour(sort: Sort, parts: tuple[str, ...]) -> Colour:
    if sort.kind == "product":
        return ProductColour(of=parts)
    if sort.kind == "range":
        low, high = sort.values[0], sort.values[-1]
        assert isinstance(low, int)
        assert isinstance(high, int)
        return IntColour(low=low, high=high)
    return EnumColour(values=tuple(str(value) for value in sort.values))


class Sorts:
    """Reads declarations: sorts by id, and the constants of enumerations by theirs."""

    def __init__(self, colours: Colours) -> None:
        self.colours = colours
        self.elements: dict[str, Element] = {}
        self.known: dict[str, Sort] = {}
        self.constants: dict[str, tuple[Sort, Value]] = {}
        self.ranges: dict[tuple[int, int], Sort] = {}
        self.written = 0

    def named(self, name: str, user: Element, above: tuple[str, ...] = ()) -> Sort:
        """Return a declared sort; a product may name one that stands below it."""
        if name in self.known:
            return self.known[name]
        if name not in self.elements or name in above:
            raise Unreadable(user, "the id of a sort that is declared and ends", repr(name))
        element = self.elements[name]
        inner = [child for child in element if local_of(child) != "toolspecific"]
        if len(inner) != 1:
            raise Unreadable(element, "one sort", f"{len(inner)}")
        sort = self.known[name] = self.read(inner[0], (*above, name))
        self.colours.name_of(sort, element.get("name") or name)
        return sort

    def read(self, element: Element, above: tuple[str, ...] = ()) -> Sort:
        """Return the sort that an element describes or names."""
        match local_of(element):
            case "dot":
                return DOT
            case "usersort":
                return self.named(element.get("declaration", ""), element, above)
            case "cyclicenumeration":
                return self._enumeration(element, "cyclic")
            case "finiteenumeration":
                return self._enumeration(element, "finite")
            case "finiteintrange":
                return self._range(element)
            case "productsort":
                sort = Sort(kind="product", parts=tuple(self.read(e, above) for e in element))
                if not 1 <= _width(sort) <= PRODUCT_PARTS_MAX:
                    raise Unreadable(element, f"1 to {PRODUCT_PARTS_MAX} parts", str(_width(sort)))
                return sort
            case other:
                expected = "a dot, enumeration, range or product"
                raise Unreadable(element, expected, f"<{other}>")

    def _enumeration(self, element: Element, kind: Literal["cyclic", "finite"]) -> Sort:
        ids = [each.get("id", "") for each in element]
        names = [each.get("name", "") for each in element]
        if "" in names or len(set(names)) < len(names):
            names = ids
        if not ids or "" in ids or len(set(ids)) < len(ids) or len(ids) > VALUES_MAX:
            expected = f"1 to {VALUES_MAX} constants, each with an id of its own"
            raise Unreadable(element, expected, f"{len(ids)}")
        sort = Sort(kind=kind, values=tuple(names))
        self.constants |= {each: (sort, name) for each, name in zip(ids, names, strict=True)}
        return sort

    def _range(self, element: Element) -> Sort:
        low, high = element.get("start", ""), element.get("end", "")
        whole = re.compile("-?[0-9]{1,15}")
        if not (whole.fullmatch(low) and whole.fullmatch(high)) or not (
            0 <= int(high) - int(low) < VALUES_MAX
        ):
            found = f"{low!r} to {high!r}"
            raise Unreadable(element, f"a range of 1 to {VALUES_MAX} numbers", found)
        ends = int(low), int(high)
        if ends not in self.ranges:
            self.write(element, ends[1] - ends[0] + 1)
            self.ranges[ends] = Sort(kind="range", values=tuple(range(ends[0], ends[1] + 1)))
        return self.ranges[ends]

    def write(self, element: Element, count: int) -> None:
        """Count values and terms that are written out; raises Unreadable when they are too many."""
        self.written += count
        if self.written > VALUES_TOTAL_MAX:
            expected = f"at most {VALUES_TOTAL_MAX} values and terms in a net"
            raise Unreadable(element, expected, str(self.written))


def _width(sort: Sort) -> int:
    return sum(_width(part) for part in sort.parts) if sort.kind == "product" else 1
