"""Compiles a net document, and says everything that is wrong with it at once."""

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.base.names import did_you_mean
from fabloop.process.cpn.colour import ColourSet, Palette, colour_text
from fabloop.process.cpn.compiled import CompiledNet, CompiledTransition, Make, Parts, Place
from fabloop.process.cpn.expression import (
    FUNCTIONS,
    Expression,
    Misread,
    Words,
    express,
    read_tree,
    split_conjuncts,
)
from fabloop.process.cpn.generate import (
    COUNT_MAX,
    Inscribed,
    Output,
    counts_test,
    generate,
    generate_lenient,
)
from fabloop.process.cpn.model import (
    InitialToken,
    NetDocument,
    PlaceSpec,
    Put,
    RecordColour,
    Take,
    TransitionSpec,
)
from fabloop.process.cpn.pattern import match_pattern
from fabloop.process.cpn.search import Arc, Condition, Search, group_arcs, read_arc, read_conditions
from fabloop.process.cpn.token import Token, freeze

__all__ = ["NetDocument", "compile_net", "faults_of", "read_net"]

PLACES_MAX = 5_000
TRANSITIONS_MAX = 5_000
ARCS_PER_TRANSITION_MAX = 16  # Python allows 20 nested loops
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
    compiler = _Compiler(document)
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
        self.palette = Palette(document.colours)
        for path, expected, found, hint in self.palette.faults:
            self._fault(path, expected, found, hint)
        self.constants = self._constants()
        records = {
            name: set(colour.fields)
            for name, colour in document.colours.items()
            if isinstance(colour, RecordColour)
        }
        self.words = Words(frozenset(self.constants), records)
        self.numbers = {place.name: n for n, place in enumerate(document.places)}

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
        transitions = [self._transition(each, known) for each in document.transitions]
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
            name=place.name, colour=colour, timed=place.timed, port=place.port,
            fusion=place.fusion, initial=tuple(initial), capacity=place.capacity,
        )  # fmt: skip

    def _tokens(
        self, place: PlaceSpec, token: InitialToken, colour: ColourSet
    ) -> list[tuple[Token, Instant]]:
        path = f"place {place.name}, initial"
        if not 0 <= token.count <= TOKENS_PER_PLACE_MAX:
            self._fault(path, f"a count from 0 to {TOKENS_PER_PLACE_MAX}", str(token.count))
            return []
        if token.ready_at < 0 or (token.ready_at and not place.timed):
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

    # -- transitions --------------------------------------------------------------------------

    def _transition(
        self, spec: TransitionSpec, places: tuple[Place, ...]
    ) -> CompiledTransition | None:
        before = len(self.faults)
        path = f"transition {spec.name}"
        if not 1 <= len(spec.take) <= ARCS_PER_TRANSITION_MAX:
            hint = "Without an input it would fire for ever; give it a place to take from."
            self._fault(path, f"1 to {ARCS_PER_TRANSITION_MAX} inputs", str(len(spec.take)), hint)
        arcs, colours = self._arcs(path, spec.take, places)
        if len(self.faults) > before:
            return None
        bound = frozenset(colours)
        conditions, defined = self._guard(path, spec.when, bound)
        known = bound | defined
        result = {"result"} if spec.work is not None else set()
        outputs = [
            output
            for number, put in enumerate(spec.put)
            if (output := self._output(f"{path}, put {number}", put, known | result, places))
        ]
        delay = self._expression(f"{path}, delay", spec.delay, known)
        self._check_delay(path, spec, places)
        for part in (*(out.value for out in outputs), *(each.test for each in conditions)):
            self._check_fields(path, part, colours)
        if delay is None or len(self.faults) > before:
            return None
        read = Inscribed(
            net=self.document.id, name=spec.name, arcs=arcs, conditions=conditions,
            outputs=outputs, delay=delay, works=spec.work is not None, colours=colours,
            words=self.words,
        )  # fmt: skip
        return self._generated(path, spec, read, places)

    def _generated(
        self, path: str, spec: TransitionSpec, read: Inscribed, places: tuple[Place, ...]
    ) -> CompiledTransition | None:
        try:
            for group in group_arcs(read.arcs, read.conditions):
                Search(group, self.words).write("return")
        except Misread as misread:
            self._fault(f"{path}, take", misread.expected, misread.found, misread.hint)
            return None
        made = generate(read, places, self.constants)
        reads_result = any(
            "result" in each.names
            for out in read.outputs
            for each in (out.value, out.count, out.delay)
        )
        return CompiledTransition(
            name=spec.name, priority=spec.priority, work=spec.work,
            takes=tuple(arc.place for arc in read.arcs),
            counts=tuple(arc.count for arc in read.arcs),
            puts=tuple(out.place for out in read.outputs),
            variables=tuple(sorted(read.colours)), reads_result=reads_result,
            find=made.find, duration=made.duration, make=made.make, parts=made.parts,
            lenient=lambda: _lenient(read, places, self.constants),
        )  # fmt: skip

    def _arcs(
        self, path: str, takes: Sequence[Take], places: tuple[Place, ...]
    ) -> tuple[list[Arc], dict[str, ColourSet]]:
        arcs: list[Arc] = []
        colours: dict[str, ColourSet] = {}
        uses = Counter(take.place for take in takes)
        for number, take in enumerate(takes):
            where = f"{path}, take {number}"
            place = self._place_number(where, take.place)
            if not 1 <= take.count <= COUNT_MAX:
                self._fault(where, f"a count from 1 to {COUNT_MAX}", str(take.count))
            if place is None:
                continue
            try:
                tree, colour = read_tree(take.pattern), places[place].colour
                match = match_pattern(tree, "x", colour, self.words)
                colours |= {k: v for k, v in match.colours.items() if k not in colours}
                arc = read_arc(
                    number, place, take.count, tree, colour, words=self.words,
                    lone=uses[take.place] == 1,
                )  # fmt: skip
            except Misread as misread:
                self._fault(where, misread.expected, misread.found, misread.hint)
                continue
            for name in arc.binds & {"result"}:
                self._fault(where, "a variable of another name", repr(name))
            for name in arc.binds:
                colours.setdefault(name, self.palette.sets["any"])
            arcs.append(arc)
        return arcs, colours

    def _guard(
        self, path: str, text: str, bound: frozenset[str]
    ) -> tuple[list[Condition], frozenset[str]]:
        if not text:
            return [], frozenset()
        try:
            return read_conditions(split_conjuncts(read_tree(text)), bound, self.words)
        except Misread as misread:
            hint = misread.hint or did_you_mean(misread.found, bound)
            self._fault(f"{path}, when", misread.expected, misread.found, hint)
            return [], frozenset()

    def _output(
        self, path: str, put: Put, known: Iterable[str], places: tuple[Place, ...]
    ) -> Output | None:
        place = self._place_number(path, put.place)
        value = self._expression(path, put.value, known)
        count = self._expression(path, put.count, known)
        delay = self._expression(path, put.delay, known)
        if place is None or value is None or count is None or delay is None:
            return None
        if delay.code != "(0)" and not places[place].timed:
            hint = "Make the place timed, or leave the delay out."
            self._fault(path, "no delay for an untimed place", repr(put.delay), hint)
        if not value.names and not self._admits(value, places[place].colour):
            self._fault(path, colour_text(places[place].colour.colour), repr(put.value))
        return Output(place=place, value=value, count=count, delay=delay)

    def _admits(self, value: Expression, colour: ColourSet) -> bool:
        """Check a value that is written out; what must be computed is checked when it is put."""
        try:
            return colour.admits(freeze(ast.literal_eval(value.tree)))
        except (ValueError, TypeError):
            return True

    def _check_delay(self, path: str, spec: TransitionSpec, places: tuple[Place, ...]) -> None:
        timed = any(
            places[self.numbers[put.place]].timed for put in spec.put if put.place in self.numbers
        )
        if spec.delay != "0" and spec.work is None and not timed:
            hint = "Make an output place timed, or leave the delay out."
            self._fault(f"{path}, delay", "a timed output", repr(spec.delay), hint)

    def _check_fields(
        self, path: str, expression: Expression, colours: dict[str, ColourSet]
    ) -> None:
        for name, field in expression.fields:
            colour = colours.get(name)
            if colour is None or not isinstance(colour.colour, RecordColour):
                continue
            if field not in colour.parts and not colour.colour.open:
                hint = did_you_mean(field, colour.parts)
                self._fault(path, f"a field of {colour.name}", f"'{name}.{field}'", hint)

    def _place_number(self, path: str, name: str) -> int | None:
        if name not in self.numbers:
            self._fault(path, "the name of a place", repr(name), did_you_mean(name, self.numbers))
        return self.numbers.get(name)

    def _expression(self, path: str, text: str, known: Iterable[str]) -> Expression | None:
        try:
            expression = express(read_tree(text), self.words, text)
        except Misread as misread:
            self._fault(path, misread.expected, misread.found, misread.hint)
            return None
        unknown = sorted(expression.names - set(known))
        for name in unknown:
            hint = did_you_mean(name, [*known, *self.constants])
            if name == "result":
                hint = "Only a transition with work has a result."
            self._fault(path, "a name bound by an input", repr(name), hint)
        return None if unknown else expression

    def _final(self) -> tuple[Callable[[Sequence[int]], bool], frozenset[int]] | None:
        text = self.document.final
        if not text:
            return None
        names = [place.name for place in self.document.places]
        expression = self._expression("final", text, names)
        if expression is None:
            return None
        reads = frozenset(self.numbers[name] for name in expression.names)
        return counts_test(expression, names, self.constants), reads


def _lenient(
    read: Inscribed, places: Sequence[Place], constants: Mapping[str, Token]
) -> tuple[Parts, Make]:
    made = generate_lenient(read, places, constants)
    return made.parts, made.make
