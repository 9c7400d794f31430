"""Symmetric nets of PNML: sorts, variables, markings and inscriptions as those of a document.

A variable that no input binds may be any value of its sort: it is taken from a place that holds
all of them, `every <colour>`, and given back.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TypeVar

import msgspec

from fabloop.base.xml import Element, Tally, local_of
from fabloop.process.cpn.document import ARCS_PER_TRANSITION_MAX, TOKENS_PER_PLACE_MAX
from fabloop.process.cpn.expression import Misread, read_tree
from fabloop.process.cpn.generate import COUNT_MAX
from fabloop.process.cpn.model import Colour, InitialToken, PlaceSpec, Put, Take, TransitionSpec
from fabloop.process.cpn.pnml_graph import PNML, Graph, capacity_of
from fabloop.process.cpn.pnml_sorts import (
    DECLARATIONS_MAX,
    DOT,
    Colours,
    Sort,
    Sorts,
    Unreadable,
    fresh,
)
from fabloop.process.cpn.pnml_subtract import counted
from fabloop.process.cpn.pnml_terms import (
    Bag,
    Terms,
    Variable,
    sort_of,
    summed,
    text_of_item,
    value_of_item,
    variables_of,
)

T = TypeVar("T")

_NO_TOKENS: tuple[InitialToken, ...] = ()
_NO_GUARD: tuple[str, tuple[Variable, ...]] = ("", ())
_NO_TERMS: Bag = []
_NO_LINES: list[tuple[str, str]] = []


class Symmetric(msgspec.Struct, frozen=True, kw_only=True):
    """What a symmetric net gives to its document."""

    colours: dict[str, Colour]
    constants: dict[str, object]
    places: tuple[PlaceSpec, ...]
    transitions: tuple[TransitionSpec, ...]


def read_symmetric(net: Element, graph: Graph, tally: Tally) -> Symmetric:
    """Return the parts of a symmetric net; what is not carried out goes to the tally."""
    return _Reader(net, graph, tally).read()


class _Reader:
    def __init__(self, net: Element, graph: Graph, tally: Tally) -> None:
        self.net, self.graph, self.tally = net, graph, tally
        self.colours = Colours()
        self.sorts = Sorts(self.colours)
        self.variables: dict[str, Variable] = {}
        self.operators: dict[str, Element] = {}
        self.terms = Terms(self.sorts, self.variables, self.operators)
        self.place_sorts: dict[str, Sort] = {}
        self.every: dict[Sort, tuple[str, int]] = {}

    def read(self) -> Symmetric:
        self._declarations()
        places = [self._place(name, element) for name, element in self.graph.places.items()]
        transitions = [self._transition(name) for name in self.graph.transitions]
        return Symmetric(
            colours=self.colours.declared, constants=self.colours.constants,
            places=(*places, *self._every_places()), transitions=tuple(transitions),
        )  # fmt: skip

    def _attempt(self, read: Callable[[], T], instead: T) -> T:
        """Return what is read, or note why it cannot be."""
        try:
            return read()
        except Unreadable as why:
            self.tally.refuse(why.element, why.expected, why.found, why.hint)
        except RecursionError:
            self.tally.refuse(self.net, "inscriptions that are not nested so deeply", "deeper ones")
        return instead

    # -- declarations -------------------------------------------------------------------------

    def _declarations(self) -> None:
        path = f"{PNML}declaration/{PNML}structure/{PNML}declarations"
        found = [child for each in self.net.iter(f"{PNML}net", f"{PNML}page")
                 for part in each.iterfind(path) for child in part]  # fmt: skip
        if len(found) > DECLARATIONS_MAX:
            expected = f"at most {DECLARATIONS_MAX} declarations"
            self.tally.refuse(found[DECLARATIONS_MAX], expected, str(len(found)))
            found = found[:DECLARATIONS_MAX]
        kinds = {"namedsort": self.sorts.elements, "namedoperator": self.operators}
        for element in found:
            if (kind := local_of(element)) in kinds:
                self._operator_or_sort(element, kinds[kind])
            elif kind != "variabledecl":
                expected = "a declaration of a sort, a variable or a constant"
                self.tally.refuse(element, expected, f"<{kind}>")
        for name, element in list(self.sorts.elements.items()):
            self._attempt(partial(self.sorts.named, name, element), DOT)
        for element in found:
            if local_of(element) == "variabledecl":
                self._attempt(partial(self._variable, element), None)

    def _operator_or_sort(self, element: Element, into: dict[str, Element]) -> None:
        name = element.get("id", "")
        if not name or name in into:
            self.tally.refuse(element, "an id of its own", repr(name))
        elif local_of(element) == "namedsort":
            into[name] = element
        else:
            parts = {local_of(child): child for child in element}
            defined = parts.get("def")
            if len(parts.get("parameter", ())) or defined is None or len(defined) != 1:
                self.tally.refuse(element, "a constant: one definition, no parameters", name)
            else:
                into[name] = defined[0]

    def _variable(self, element: Element) -> None:
        if len(element) != 1:
            raise Unreadable(element, "one sort", str(len(element)))
        sort = self.sorts.read(element[0])
        name = fresh(element.get("name", "") or element.get("id", ""), self.colours.words)
        self.colours.words.add(name)
        self.variables[element.get("id", "")] = Variable(name, sort)

    # -- places -------------------------------------------------------------------------------

    def _place(self, place: str, element: Element) -> PlaceSpec:
        sort = self._attempt(lambda: self.sorts.read(self._structure(element, "type")), DOT)
        self.place_sorts[place] = sort
        name = self.graph.place_names[place]
        initial = self._attempt(lambda: self._initial(element, sort), _NO_TOKENS)
        return PlaceSpec(
            name=name, colour=self.colours.name_of(sort), initial=initial,
            capacity=capacity_of(element),
        )  # fmt: skip

    def _structure(self, element: Element, label: str) -> Element:
        found = element.find(f"{PNML}{label}/{PNML}structure")
        if found is None or len(found) != 1:
            raise Unreadable(element, f"<{label}> with one part in its <structure>", "none")
        return found[0]

    def _initial(self, element: Element, sort: Sort) -> tuple[InitialToken, ...]:
        if element.find(f"{PNML}hlinitialMarking") is None:
            return ()
        term = self._structure(element, "hlinitialMarking")
        tokens = []
        for count, item in self._bag(term, sort):
            value = value_of_item(item)
            if value is None or count < 0:
                raise Unreadable(term, "tokens that are written out", "a variable, or fewer than 0")
            self._check_count(term, count, TOKENS_PER_PLACE_MAX)
            tokens.append(InitialToken(value=value, count=count))
        return tuple(tokens)

    def _check_count(self, term: Element, count: int, most: int) -> None:
        if abs(count) > most:
            raise Unreadable(term, f"at most {most} equal tokens", "more")

    def _bag(self, term: Element, sort: Sort) -> Bag:
        bag = summed(self.terms.bag(term))
        self.sorts.write(term, len(bag))
        for _, item in bag:
            if sort_of(item) != sort:
                expected = f"terms of the place's sort {self.colours.name_of(sort)}"
                found = text_of_item(item, self.colours)
                raise Unreadable(term, expected, found)
        return bag

    # -- transitions --------------------------------------------------------------------------

    def _transition(self, transition: str) -> TransitionSpec:
        element = self.graph.transitions[transition]
        inputs = [(p, arc, self._arc(p, arc)) for p, arc in self.graph.inputs[transition]]
        outputs = [(p, arc, self._arc(p, arc)) for p, arc in self.graph.outputs[transition]]
        when, asked = self._attempt(lambda: self._guard(element), _NO_GUARD)
        bags = [bag for _, _, bag in (*inputs, *outputs)]
        bound = {
            each.name
            for _, _, bag in inputs
            for _, item in bag
            for each in variables_of(item)
            if not each.steps
        }
        used = [each for bag in bags for _, item in bag for each in variables_of(item)]
        free = {each.name: each.sort for each in (*used, *asked) if each.name not in bound}
        take = [part for place, arc, bag in inputs for part in self._takes(place, arc, bag)]
        put = [part for place, arc, bag in outputs for part in self._puts(place, arc, bag)]
        if not take and self.graph.inputs[transition]:
            self.tally.refuse(element, "a transition that takes a token", "none")
        self._free(free, take, put)
        if len(take) > ARCS_PER_TRANSITION_MAX:
            expected = f"at most {ARCS_PER_TRANSITION_MAX} kinds of tokens taken"
            self.tally.refuse(element, expected, str(len(take)), "Split the transition.")
        return TransitionSpec(
            name=self.graph.transition_names[transition],
            take=tuple(take), put=tuple(put), when=when,
        )  # fmt: skip

    def _arc(self, place: str, arc: Element) -> Bag:
        sort = self.place_sorts[place]
        return self._attempt(lambda: self._inscription(arc, sort), _NO_TERMS)

    def _inscription(self, arc: Element, sort: Sort) -> Bag:
        term = self._structure(arc, "hlinscription")
        bag = self._bag(term, sort)
        for count, _ in bag:
            self._check_count(term, count, COUNT_MAX)
        return bag

    def _guard(self, element: Element) -> tuple[str, tuple[Variable, ...]]:
        if element.find(f"{PNML}condition") is None:
            return "", ()
        term = self._structure(element, "condition")
        named = (each.get("refvariable", "") for each in term.iter(f"{PNML}variable"))
        asked = tuple(self.variables[name] for name in named if name in self.variables)
        text = self.terms.condition(term)
        try:
            read_tree(text)
        except Misread as misread:
            raise Unreadable(term, misread.expected, misread.found, misread.hint) from misread
        return text, asked

    def _takes(self, place: str, arc: Element, bag: Bag) -> Iterable[Take]:
        if any(count < 0 for count, _ in bag):
            self.tally.refuse(arc, "an input that adds only", "a subtraction", "Write it out.")
        for count, item in bag:
            pattern = text_of_item(item, self.colours)
            yield Take(place=self.graph.place_names[place], pattern=pattern, count=abs(count))

    def _puts(self, place: str, arc: Element, bag: Bag) -> Iterable[Put]:
        lines = self._attempt(lambda: counted(bag, arc, self.colours), _NO_LINES)
        for value, count in lines:
            yield Put(place=self.graph.place_names[place], value=value, count=count)

    # -- free variables -----------------------------------------------------------------------

    def _free(self, free: Mapping[str, Sort], take: list[Take], put: list[Put]) -> None:
        needs = Counter(free.values())
        for sort, count in needs.items():
            name, most = self.every.get(sort, (f"every {self.colours.name_of(sort)}", 0))
            while name in self.graph.place_names.values():
                name = f"{name}'"
            self.every[sort] = (name, max(most, count))
        for variable, sort in sorted(free.items()):
            take.append(Take(place=self.every[sort][0], pattern=variable))
            put.append(Put(place=self.every[sort][0], value=variable))

    def _every_places(self) -> Iterable[PlaceSpec]:
        for sort, (name, count) in self.every.items():
            initial = tuple(InitialToken(value=each, count=count) for each in sort.each())
            yield PlaceSpec(name=name, colour=self.colours.name_of(sort), initial=initial)
