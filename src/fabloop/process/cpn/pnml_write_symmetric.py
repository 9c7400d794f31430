"""A net document to a symmetric net of PNML (ISO/IEC 15909-2), where its colours are finite."""

import ast
import re
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from lxml import etree

from fabloop.base.errors import Fault
from fabloop.base.xml import Element
from fabloop.process.cpn.model import (
    BUILT_IN,
    EnumColour,
    IntColour,
    NetDocument,
    PlaceSpec,
    ProductColour,
    TransitionSpec,
    UnitColour,
)
from fabloop.process.cpn.pnml_graph import PNML
from fabloop.process.cpn.pnml_sorts import VALUES_MAX
from fabloop.process.cpn.pnml_write_terms import Terms, Unwritable, element, operator, times

T = TypeVar("T")


class SymmetricWriter:
    """Fills a ``net`` element; `faults` tell what cannot be said."""

    def __init__(self, document: NetDocument, net: Element, prefix: str) -> None:
        self.document, self.net, self.prefix = document, net, prefix
        known = {**BUILT_IN, **document.colours}
        used = {place.colour for place in document.places}
        todo = list(used)
        while todo:
            colour = known[todo.pop()]
            inner = set(colour.of) - used if isinstance(colour, ProductColour) else set()
            used |= inner
            todo += inner
        colours = {name: colour for name, colour in known.items() if name in used}
        self.terms = Terms(colours, document.constants, prefix)
        self.faults: list[Fault] = []
        self.colour_of = {place.name: place.colour for place in document.places}

    def _attempt(self, path: str, write: Callable[[], T]) -> T | None:
        try:
            return write()
        except Unwritable as unwritable:
            source = f"net {self.document.id}"
            expected, found = unwritable.expected, unwritable.found
            self.faults.append(Fault(source=source, path=path, expected=expected, found=found))
            return None

    def write(self, place_part: Callable[[Element, PlaceSpec], None]) -> None:
        """Write declarations, places, transitions and arcs; `place_part` adds what is our own."""
        declarations = etree.SubElement(_structure(self.net, "declaration"), f"{PNML}declarations")
        page = etree.SubElement(self.net, f"{PNML}page", id=f"{self.prefix}.page")
        if self.document.language != "python":
            self._attempt("net", self._refuse_language)
            return
        for colour in self.terms.colours:
            self._attempt(f"colour {colour}", partial(self._declare, declarations, colour))
        ids: dict[str, str] = {}
        for number, place in enumerate(self.document.places):
            ids[place.name] = f"{self.prefix}.p{number}"
            node = etree.SubElement(page, f"{PNML}place", id=ids[place.name])
            _named(node, place.name)
            self._attempt(f"place {place.name}", partial(self._place, node, place))
            place_part(node, place)
        for number, each in enumerate(self.document.transitions):
            name = f"{self.prefix}.t{number}"
            path = f"transition {each.name}"
            self._attempt(path, partial(self._transition, page, name, each, ids))
        for (name, colour), variable in self.terms.variables.items():
            declared = etree.SubElement(declarations, f"{PNML}variabledecl", id=variable, name=name)
            declared.append(self.terms.user_sort(colour))

    def _refuse_language(self) -> None:
        raise Unwritable("inscriptions in our own language", self.document.language)

    # -- declarations -------------------------------------------------------------------------

    def _declare(self, declarations: Element, name: str) -> None:
        sort = element("namedsort", id=self.terms.sort_id(name), name=name)
        match self.terms.colours[name]:
            case UnitColour():
                sort.append(element("dot"))
            case EnumColour(values=values):
                cycle = etree.SubElement(sort, f"{PNML}cyclicenumeration")
                for number, value in enumerate(values):
                    constant = f"{self.terms.sort_id(name)}.v{number}"
                    cycle.append(element("feconstant", id=constant, name=value))
            case IntColour(low=low, high=high) if high - low < VALUES_MAX:
                sort.append(self.terms.range_of(name))
            case ProductColour(of=parts):
                product = etree.SubElement(sort, f"{PNML}productsort")
                product.extend(self.terms.user_sort(part) for part in parts)
            case colour:
                expected = f"an enumeration, a product or a range of at most {VALUES_MAX} numbers"
                raise Unwritable(expected, f"{type(colour).__name__} {name}")
        declarations.append(sort)

    def _place(self, node: Element, place: PlaceSpec) -> None:
        if place.timed or place.port or place.fusion or any(t.ready_at for t in place.initial):
            raise Unwritable("an untimed place without port and fusion", repr(place)[:200])
        _structure(node, "type").append(self.terms.user_sort(place.colour))
        initial = [
            times(token.count, self.terms.value(_token(token.value), place.colour))
            for token in place.initial
        ]
        if initial:
            _structure(node, "hlinitialMarking").append(_sum(initial))

    # -- transitions --------------------------------------------------------------------------

    def _transition(
        self, page: Element, name: str, each: TransitionSpec, ids: dict[str, str]
    ) -> None:
        plain = TransitionSpec(name=each.name, take=each.take, put=each.put, when=each.when)
        many = any(take.many for take in each.take) or any(put.many for put in each.put)
        if each != plain or many:
            expected = "no delay, priority, work, inhibitor, reset or list of tokens"
            raise Unwritable(expected, repr(each)[:200])
        node = etree.SubElement(page, f"{PNML}transition", id=name)
        _named(node, each.name)
        sorts: dict[str, str] = {}
        inputs: dict[str, list[Element]] = {}
        outputs: dict[str, list[Element]] = {}
        for take in each.take:
            colour, pattern = self.colour_of[take.place], _parsed(take.pattern)
            self._note(pattern, colour, sorts)
            term = times(take.count, self.terms.term(pattern, colour))
            inputs.setdefault(take.place, []).append(term)
        for put in each.put:
            if put.delay != "0" or not re.fullmatch("[1-9][0-9]{0,8}", put.count):
                raise Unwritable("a count from 1 without delay", f"{put.count!r}, {put.delay!r}")
            colour, value = self.colour_of[put.place], _parsed(put.value)
            self._note(value, colour, sorts)
            term = times(int(put.count), self.terms.term(value, colour))
            outputs.setdefault(put.place, []).append(term)
        if each.when.strip():
            condition = self.terms.condition(_parsed(each.when), sorts)
            _structure(node, "condition").append(condition)
        for place, terms in inputs.items():
            self._arc(page, f"{name}.i{ids[place]}", (ids[place], name), terms)
        for place, terms in outputs.items():
            self._arc(page, f"{name}.o{ids[place]}", (name, ids[place]), terms)

    def _arc(self, page: Element, name: str, ends: tuple[str, str], terms: list[Element]) -> None:
        arc = etree.SubElement(page, f"{PNML}arc", id=name, source=ends[0], target=ends[1])
        _structure(arc, "hlinscription").append(_sum(terms))

    def _note(self, node: ast.expr, colour: str, sorts: dict[str, str]) -> None:
        """Note the colour of each variable of a term; one variable has one colour."""
        kind = self.terms.colours[colour]
        match node:
            case ast.Name(id=name) if name != "_" and name not in self.terms.constants:
                if sorts.setdefault(name, colour) != colour:
                    found = f"{sorts[name]} and {colour}"
                    raise Unwritable(f"one colour of variable {name}", found)
            case ast.Tuple(elts=parts) if isinstance(kind, ProductColour):
                for part, each in zip(parts, kind.of, strict=False):
                    self._note(part, each, sorts)
            case ast.Subscript(slice=inner):
                self._note(inner, colour, sorts)
            case _:
                pass


def _parsed(text: str) -> ast.expr:
    return ast.parse(text.strip(), mode="eval").body


def _token(value: object) -> object:
    """Return a plain value with lists, which stand for tuples in documents, as tuples."""
    return tuple(_token(each) for each in value) if isinstance(value, list | tuple) else value


def _sum(terms: list[Element]) -> Element:
    return terms[0] if len(terms) == 1 else operator("add", terms)


def _structure(node: Element, name: str) -> Element:
    return etree.SubElement(etree.SubElement(node, f"{PNML}{name}"), f"{PNML}structure")


def _named(node: Element, text: str) -> None:
    part = etree.SubElement(node, f"{PNML}name")
    etree.SubElement(part, f"{PNML}text").text = text
