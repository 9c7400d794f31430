"""Compiles a net document, and says everything that is wrong with it at once."""

import ast
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.base.names import did_you_mean
from fabloop.process.cpn.colour import ColourSet, Judge, Palette, Test, colour_text
from fabloop.process.cpn.compiled import CompiledNet, CompiledTransition, Place
from fabloop.process.cpn.expression import FUNCTIONS, Misread, Words, express, read_tree
from fabloop.process.cpn.generate import counts_test
from fabloop.process.cpn.hierarchy import flattened
from fabloop.process.cpn.ml.declare import Declarations
from fabloop.process.cpn.model import InitialToken, NetDocument, PlaceSpec
from fabloop.process.cpn.reading import CpnMlReader, PythonReader, Reader, condition_on_value
from fabloop.process.cpn.token import Token, freeze
from fabloop.process.cpn.transitions import ARCS_PER_TRANSITION_MAX, TransitionCompiler

__all__ = [
    "ARCS_PER_TRANSITION_MAX", "NetDocument", "compile_net", "faults_of", "read_net", "read_nets",
]  # fmt: skip

PLACES_MAX = 5_000
TRANSITIONS_MAX = 5_000
TOKENS_PER_PLACE_MAX = 100_000


T = TypeVar("T")


def read_net(data: bytes | str, source: str = "") -> NetDocument:
    """Read a document from JSON; raises Invalid where it is not of the format."""
    return _decoded(data, source, NetDocument)


def read_nets(data: bytes | str, source: str = "") -> tuple[NetDocument, ...]:
    """Read a list of documents from JSON; raises Invalid where one is not of the format."""
    return _decoded(data, source, tuple[NetDocument, ...])


def _decoded(data: bytes | str, source: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        text, _, path = str(error).partition(" - at ")
        fault = Fault(source=source, path=path.strip("`"), expected="a net document", found=text)
        raise Invalid(fault) from error


def compile_net(document: NetDocument) -> CompiledNet:
    """Return the net ready to run.

    Raises
    ------
    Invalid
        With every fault of the document: colours, places, tokens, arcs, expressions.
    """
    faults: list[Fault] = []
    compiler = _Compiler(flattened(document, faults))
    compiler.faults[:0] = faults
    net = compiler.compile()
    if compiler.faults or net is None:
        raise Invalid(compiler.faults)
    return net


def faults_of(document: NetDocument) -> tuple[Fault, ...]:
    """Return what is wrong with a document; nothing if it compiles."""
    try:
        compile_net(document)
    except Invalid as invalid:
        return invalid.faults
    return ()


class _Compiler:
    """One compilation; goes on after a fault wherever the rest can still be judged."""

    def __init__(self, document: NetDocument) -> None:
        self.document = document
        self.faults: list[Fault] = []
        self.declared = Declarations() if document.language == "cpn-ml" else None
        self.palette = Palette(document.colours, self._judge())
        for path, expected, found, hint in self.palette.faults:
            self._fault(path, expected, found, hint)
        self.constants = self._constants()
        self.reader: Reader = PythonReader(document, self.constants)
        if self.declared is not None:
            self._declare(self.declared)
            self.reader = CpnMlReader(document, self.palette, self.declared)
        elif document.declarations:
            self._fault("declarations", "none in this language", str(len(document.declarations)))
        self.numbers = {place.name: n for n, place in enumerate(document.places)}

    def _judge(self) -> Judge:
        declared = self.declared

        def judge(name: str, text: str) -> Test:
            try:
                return condition_on_value(text) if declared is None else declared.predicate(text)
            except Misread as misread:
                self._fault(f"colour {name}", misread.expected, misread.found, misread.hint)
                return lambda _value: False

        return judge

    def _declare(self, declared: Declarations) -> None:
        for colour in self.palette.sets.values():
            declared.colour(colour)
        for number, text in enumerate(self.document.declarations):
            try:
                declared.declare(text)
            except Misread as misread:
                where = f"declaration {number}: {text.strip():.60}"
                self._fault(where, misread.expected, misread.found, misread.hint)

    def _fault(self, path: str, expected: str, found: str, hint: str = "") -> None:
        source = f"net {self.document.id}"
        self.faults.append(
            Fault(source=source, path=path, expected=expected, found=found, hint=hint)
        )

    def compile(self) -> CompiledNet | None:
        document = self.document
        self._check_names()
        places = [self._place(place) for place in document.places]
        if any(place is None for place in places):
            return None
        known = tuple(place for place in places if place is not None)
        compiler = TransitionCompiler(document, self.reader, self.palette.sets, known)
        transitions = [compiler.compile(each) for each in document.transitions]
        self.faults += compiler.faults
        final = self._final()
        if self.faults:
            return None
        made = tuple(each for each in transitions if each is not None)
        order = sorted(range(len(made)), key=lambda number: -made[number].priority)
        consumers = tuple(
            tuple(n for n, each in enumerate(made) if place in each.takes)
            for place in range(len(known))
        )
        return CompiledNet(
            id=document.id, name=document.name, places=known, transitions=made,
            by_priority=tuple(order), consumers=consumers,
            final=final[0] if final else None, final_reads=final[1] if final else frozenset(),
            freed=_freed(made, len(known)),
            timeline=self.declared.budget if self.declared is not None else None,
        )  # fmt: skip

    # -- names, constants, places -------------------------------------------------------------

    def _check_names(self) -> None:
        document = self.document
        for what, names, most in (
            ("place", [each.name for each in document.places], PLACES_MAX),
            ("transition", [each.name for each in document.transitions], TRANSITIONS_MAX),
        ):
            if len(names) > most:
                self._fault(what, f"at most {most}", str(len(names)))
            for name, count in Counter(names).items():
                if count > 1:
                    self._fault(f"{what} {name}", "a name used once", f"{count} times")
                if not name:
                    self._fault(what, "a name", "none")
        for name in document.colours:
            if name in FUNCTIONS or (not name.isidentifier() and name.startswith("_")):
                self._fault(f"colour {name}", "a name of its own", "a name of the language")
        if not document.id:
            self._fault("id", "an id", "none")

    def _constants(self) -> dict[str, Token]:
        constants: dict[str, Token] = {}
        for name, value in self.document.constants.items():
            if not name.isidentifier() or name.startswith("_") or name in (*FUNCTIONS, "result"):
                self._fault(f"constant {name}", "a name of its own", repr(name))
                continue
            try:
                constants[name] = freeze(value)
            except TypeError as error:
                self._fault(f"constant {name}", "plain data", str(error))
        return constants

    def _place(self, place: PlaceSpec) -> Place | None:
        path = f"place {place.name}"
        colour = self.palette.sets.get(place.colour)
        if colour is None:
            hint = did_you_mean(place.colour, self.palette.sets)
            self._fault(path, "the name of a colour", repr(place.colour), hint)
            return None
        if place.capacity is not None and place.capacity < 1:
            self._fault(path, "a capacity of at least 1, or none", str(place.capacity))
        initial = [pair for token in place.initial for pair in self._tokens(place, token, colour)]
        if place.port and initial:
            self._fault(path, "a port without initial tokens", f"{len(initial)} tokens")
        most = TOKENS_PER_PLACE_MAX if place.capacity is None else place.capacity
        if len(initial) > most:
            self._fault(path, f"at most {most} initial tokens", str(len(initial)))
        return Place(
            name=place.name, colour=colour, timed=place.timed or colour.timed, port=place.port,
            fusion=place.fusion, initial=tuple(initial), capacity=place.capacity,
        )  # fmt: skip

    def _tokens(
        self, place: PlaceSpec, token: InitialToken, colour: ColourSet
    ) -> list[tuple[Token, Instant]]:
        path = f"place {place.name}, initial"
        if not 0 <= token.count <= TOKENS_PER_PLACE_MAX:
            self._fault(path, f"a count from 0 to {TOKENS_PER_PLACE_MAX}", str(token.count))
            return []
        if token.ready_at < 0 or (token.ready_at and not (place.timed or colour.timed)):
            hint = "Make the place timed, or leave the time out."
            self._fault(path, "a ready time of at least 0", str(token.ready_at), hint)
        try:
            value = freeze(token.value)
        except TypeError as error:
            self._fault(path, "plain data", str(error))
            return []
        if not colour.admits(value):
            self._fault(path, colour_text(colour.colour), f"{token.value!r:.200}")
        return [(value, Instant(token.ready_at))] * token.count

    def _final(self) -> tuple[Callable[[Sequence[int]], bool], frozenset[int]] | None:
        text = self.document.final
        if not text:
            return None
        try:
            tree = _PlaceNames(self.numbers, self.constants).visit(read_tree(text))
            expression = express(tree, Words(frozenset(self.constants), {}), text)
        except Misread as misread:
            self._fault("final", misread.expected, misread.found, misread.hint)
            return None
        names = [_PLACE.format(number) for number in range(len(self.document.places))]
        unknown = sorted(expression.names - set(names))
        for name in unknown:
            hint = did_you_mean(name, [*self.numbers, *self.constants])
            self._fault("final", "the name of a place", repr(name), hint)
        if unknown:
            return None
        reads = frozenset(number for number, name in enumerate(names) if name in expression.names)
        return counts_test(expression, names, self.constants), reads


_PLACE = "p\u02b9{}"
"""How the final condition calls a place once it is read."""


class _PlaceNames(ast.NodeTransformer):
    """Turns names of places, also those of pages (``weld.busy``), into numbered ones."""

    def __init__(self, numbers: Mapping[str, int], constants: Mapping[str, Token]) -> None:
        self.numbers, self.constants = numbers, constants

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.constants or node.id not in self.numbers:
            return node
        return ast.Name(_PLACE.format(self.numbers[node.id]), ast.Load())

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        name = ast.unparse(node)
        if name not in self.numbers:
            return node
        return ast.Name(_PLACE.format(self.numbers[name]), ast.Load())


def _freed(made: Sequence[CompiledTransition], places: int) -> tuple[tuple[int, ...], ...]:
    if not any(each.inhibits for each in made):
        return ()
    return tuple(
        tuple(n for n, each in enumerate(made) if place in each.inhibits) for place in range(places)
    )
