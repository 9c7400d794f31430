"""Inscriptions of a net document as terms of symmetric nets (ISO/IEC 15909-2), where they are."""

import ast
from collections.abc import Mapping, Sequence

import msgspec
from lxml import etree

from fabloop.base.xml import Element
from fabloop.process.cpn.model import Colour, EnumColour, IntColour, ProductColour, UnitColour
from fabloop.process.cpn.pnml_graph import PNML

_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "equality", ast.NotEq: "inequality", ast.Lt: "lessthan", ast.LtE: "lessthanorequal",
    ast.Gt: "greaterthan", ast.GtE: "greaterthanorequal",
}  # fmt: skip


class Unwritable(Exception):  # a signal to the writer, which turns it into a fault
    """Something that a symmetric net cannot say."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(expected)
        self.expected, self.found = expected, found


class Table(msgspec.Struct, frozen=True):
    """A constant that maps each value of an enumeration: ``next``, ``previous`` or ``order``."""

    kind: str
    colour: str


class Terms:
    """Writes terms with the colours and constants of one document; `ids` name declarations."""

    def __init__(
        self, colours: Mapping[str, Colour], constants: Mapping[str, object], prefix: str
    ) -> None:
        self.colours, self.constants, self.prefix = colours, constants, prefix
        self.numbers = {name: number for number, name in enumerate(colours)}
        self.variables: dict[tuple[str, str], str] = {}
        self.tables = {
            name: table
            for name, value in constants.items()
            if isinstance(value, dict) and (table := self._table(value)) is not None
        }

    def _table(self, value: Mapping[object, object]) -> Table | None:
        for name, colour in self.colours.items():
            if not isinstance(colour, EnumColour):
                continue
            values, size = colour.values, len(colour.values)
            for kind, step in (("next", 1), ("previous", -1)):
                if value == {each: values[(n + step) % size] for n, each in enumerate(values)}:
                    return Table(kind, name)
            if value == {each: n for n, each in enumerate(values)}:
                return Table("order", name)
        return None

    def sort_id(self, colour: str) -> str:
        """Return the id under which a colour is declared."""
        return f"{self.prefix}.c{self.numbers[colour]}"

    def user_sort(self, colour: str) -> Element:
        """Return a reference to a colour."""
        return element("usersort", declaration=self.sort_id(colour))

    # -- values and terms ---------------------------------------------------------------------

    def value(self, value: object, colour: str) -> Element:
        """Return a plain value as a term."""
        match self.colours[colour]:
            case UnitColour():
                return element("dotconstant")
            case EnumColour(values=values) if value in values:
                number = values.index(str(value))
                return element("useroperator", declaration=f"{self.sort_id(colour)}.v{number}")
            case IntColour() if isinstance(value, int):
                constant = element("finiteintrangeconstant", value=str(value))
                constant.append(self.range_of(colour))
                return constant
            case ProductColour(of=parts) if isinstance(value, tuple | list):
                inside = [self.value(v, part) for v, part in zip(value, parts, strict=True)]
                return operator("tuple", inside)
            case _:
                raise Unwritable(f"a value of a finite colour {colour}", repr(value))

    def range_of(self, colour: str) -> Element:
        """Return the range of a colour of numbers."""
        numbers = self.colours[colour]
        assert isinstance(numbers, IntColour)
        return element("finiteintrange", start=str(numbers.low), end=str(numbers.high))

    def term(self, node: ast.expr, colour: str) -> Element:
        """Return an expression of a colour as a term; names of variables are declared."""
        match node, self.colours[colour]:
            case ast.Name(id=name), _ if name in self.constants:
                return self.value(self.constants[name], colour)
            case ast.Name(id="_"), UnitColour():
                return element("dotconstant")
            case ast.Name(id=name), _ if name != "_":
                variable = self.variables.setdefault(
                    (name, colour), f"{self.prefix}.x{len(self.variables)}"
                )
                return element("variable", refvariable=variable)
            case ast.Tuple(elts=parts), ProductColour(of=of) if len(parts) == len(of):
                inside = [self.term(part, each) for part, each in zip(parts, of, strict=True)]
                return operator("tuple", inside)
            case ast.Subscript(value=ast.Name(id=name), slice=of_value), EnumColour():
                table = self.tables.get(name)
                if table is not None and table.kind != "order" and table.colour == colour:
                    kind = "successor" if table.kind == "next" else "predecessor"
                    return operator(kind, [self.term(of_value, colour)])
            case _:
                plain = _plain(node)
                if plain is not None:
                    return self.value(plain[0], colour)
        expected = "a variable, a value, a tuple or a successor of one"
        raise Unwritable(expected, repr(ast.unparse(node)))

    # -- conditions ---------------------------------------------------------------------------

    def condition(self, node: ast.expr, sorts: Mapping[str, str]) -> Element:
        """Return a guard as a term; `sorts` are the colours of its variables."""
        match node:
            case ast.BoolOp(op=ast.And(), values=parts):
                return operator("and", [self.condition(part, sorts) for part in parts])
            case ast.BoolOp(values=parts):
                return operator("or", [self.condition(part, sorts) for part in parts])
            case ast.UnaryOp(op=ast.Not(), operand=part):
                return operator("not", [self.condition(part, sorts)])
            case ast.Constant(value=bool() as value):
                return element("booleanconstant", value=str(value).lower())
            case ast.Compare(left=left, ops=ops, comparators=rights):
                pairs = zip([left, *rights], ops, rights, strict=False)
                made = [self._compared(one, op, other, sorts) for one, op, other in pairs]
                return made[0] if len(made) == 1 else operator("and", made)
            case _:
                raise Unwritable("comparisons, and, or, not", repr(ast.unparse(node)))

    def _compared(
        self, left: ast.expr, op: ast.cmpop, right: ast.expr, sorts: Mapping[str, str]
    ) -> Element:
        ranks = [self._ranked(each) for each in (left, right)]
        if ranks[0] is not None and ranks[1] is not None and ranks[0][1] == ranks[1][1]:
            (left, colour), (right, _) = ranks[0], ranks[1]
        else:
            known = (self._colour_of(each, sorts) for each in (left, right))
            colour = next((each for each in known if each is not None), "")
        ordered = isinstance(self.colours.get(colour), IntColour) or None not in ranks
        equal = isinstance(op, ast.Eq | ast.NotEq)
        if not colour or type(op) not in _COMPARISONS or not (equal or ordered):
            expected = "values of one finite colour to compare"
            raise Unwritable(expected, f"{ast.unparse(left)}, {ast.unparse(right)}")
        inside = [self.term(each, colour) for each in (left, right)]
        return operator(_COMPARISONS[type(op)], inside)

    def _ranked(self, node: ast.expr) -> tuple[ast.expr, str] | None:
        """Return what is looked up in a table of an order, with its colour."""
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            table = self.tables.get(node.value.id)
            if table is not None and table.kind == "order":
                return node.slice, table.colour
        return None

    def _colour_of(self, node: ast.expr, sorts: Mapping[str, str]) -> str | None:
        match node:
            case ast.Name(id=name):
                return sorts.get(name)
            case ast.Subscript(value=ast.Name(id=name)) if name in self.tables:
                return self.tables[name].colour
            case _:
                return None


def _plain(node: ast.expr) -> tuple[object] | None:
    try:
        return (ast.literal_eval(node),)
    except ValueError:
        return None


def element(name: str, /, **attributes: str) -> Element:
    """Return an element of PNML."""
    return etree.Element(f"{PNML}{name}", attributes)


def operator(name: str, terms: Sequence[Element]) -> Element:
    """Return an operator over terms."""
    made = element(name)
    for term in terms:
        etree.SubElement(made, f"{PNML}subterm").append(term)
    return made


def times(count: int, term: Element) -> Element:
    """Return a multiset of `count` equal values."""
    number = element("numberconstant", value=str(count))
    number.append(element("positive"))
    return operator("numberof", [number, term])
