"""Compiles the transitions of a net document, and says everything that is wrong with them."""

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from fabloop.base.errors import Fault
from fabloop.base.names import did_you_mean
from fabloop.process.cpn.colour import ColourSet, colour_text
from fabloop.process.cpn.compiled import (
    Binding,
    CompiledTransition,
    Make,
    Marking,
    Parts,
    Place,
    swept,
)
from fabloop.process.cpn.domain import CHOICES_MAX, values_of
from fabloop.process.cpn.expression import Expression, Misread, express
from fabloop.process.cpn.generate import COUNT_MAX, Inscribed, Output, generate, generate_lenient
from fabloop.process.cpn.model import NetDocument, Put, RecordColour, Take, TransitionSpec
from fabloop.process.cpn.pattern import match_pattern
from fabloop.process.cpn.reading import Reader
from fabloop.process.cpn.search import Arc, Condition, Search, read_arc, read_conditions
from fabloop.process.cpn.swift import swift
from fabloop.process.cpn.term import Term
from fabloop.process.cpn.token import Token, freeze

ARCS_PER_TRANSITION_MAX = 16  # Python allows 20 nested loops

ONE, ZERO = ast.Constant(1), ast.Constant(0)


class TransitionCompiler:
    """Compiles transitions one by one; faults are collected.

    Attributes
    ----------
    sets : the colours of the net
    places : its places, compiled, and `numbers` where each stands
    """

    def __init__(
        self, document: NetDocument, reader: Reader, sets: Mapping[str, ColourSet],
        places: Sequence[Place],
    ) -> None:  # fmt: skip
        self.document, self.reader, self.words = document, reader, reader.words
        self.sets, self.places, self.constants = sets, places, reader.constants
        self.numbers = {place.name: number for number, place in enumerate(places)}
        self.faults: list[Fault] = []
        self.domains = self._domains()

    def _domains(self) -> dict[str, tuple[Token, ...]]:
        """Return the values of variables whose colours are small."""
        domains: dict[str, tuple[Token, ...]] = {}
        for name, colour in self.document.variables.items():
            found = values_of(self.sets[colour], CHOICES_MAX) if colour in self.sets else None
            if colour not in self.sets:
                hint = did_you_mean(colour, self.sets)
                self._fault(f"variable {name}", "the name of a colour", repr(colour), hint)
            if found is not None:
                domains[self.reader.variable(name)] = found
        return domains

    def _fault(self, path: str, expected: str, found: str, hint: str = "") -> None:
        source = f"net {self.document.id}"
        self.faults.append(
            Fault(source=source, path=path, expected=expected, found=found, hint=hint)
        )

    def _misread(self, path: str, misread: Misread) -> None:
        self._fault(path, misread.expected, misread.found, misread.hint)

    def compile(self, spec: TransitionSpec) -> CompiledTransition | None:
        """Return a transition ready to fire; None after adding what is wrong with it."""
        before = len(self.faults)
        path = f"transition {spec.name}"
        if not 1 <= len(spec.take) <= ARCS_PER_TRANSITION_MAX:
            hint = "Without an input it would fire for ever; give it a place to take from."
            self._fault(path, f"1 to {ARCS_PER_TRANSITION_MAX} inputs", str(len(spec.take)), hint)
        arcs, colours = self._arcs(path, spec.take)
        inhibits = self._named_places(f"{path}, inhibit", spec.inhibit)
        resets = self._named_places(f"{path}, reset", spec.reset)
        if len(self.faults) > before:
            return None
        put = [
            (f"{path}, put {number}", output) for number, put in enumerate(spec.put)
            for output in self._outputs(f"{path}, put {number}", put)
        ]  # fmt: skip
        outputs = [output for _, output in put]
        delay = self._expression(f"{path}, delay", spec.delay)
        if delay is None:
            return None
        conditions, defined, free = self._guard(path, spec.when, colours)
        result = {"result"} if spec.work is not None else set()
        reads = [(f"{path}, delay", delay.names), *((f"{path}, take", arc.needs) for arc in arcs)]
        reads += [(where, _names(output) - result) for where, output in put]
        free |= self._unbound(reads, set(colours) | defined | free)
        self._check_delay(path, spec)
        for part in (*(out.value for out in outputs), *(each.test for each in conditions)):
            self._check_fields(path, part, colours)
        if len(self.faults) > before:
            return None
        read = Inscribed(
            net=self.document.id, name=spec.name, arcs=arcs, conditions=conditions,
            outputs=outputs, delay=delay, works=spec.work is not None, colours=colours,
            words=self.words, free={name: self.domains[name] for name in sorted(free)},
            inhibits=inhibits, clock=self.reader.clock(),
        )  # fmt: skip
        return self._generated(path, spec, read, resets)

    def _generated(
        self, path: str, spec: TransitionSpec, read: Inscribed, resets: tuple[int, ...]
    ) -> CompiledTransition | None:
        draws = self.reader.draws()
        try:
            for group, free in read.groups():
                Search(group, self.words, free=free).write("return")
            made = generate(read, self.places, self.constants)
        except Misread as misread:
            self._misread(f"{path}, take", misread)
            return None
        except (SyntaxError, RecursionError, MemoryError) as error:
            self._fault(path, "inscriptions that are less nested", f"{error}")
            return None
        reads_result = any(
            "result" in each.names
            for out in read.outputs
            for each in (out.value, out.count, out.delay)
        )
        return CompiledTransition(
            name=spec.name, priority=spec.priority, work=spec.work,
            takes=tuple(arc.place for arc in read.arcs),
            counts=tuple(0 if arc.many else arc.count for arc in read.arcs),
            puts=tuple(out.place for out in read.outputs),
            variables=tuple(sorted(read.colours)), reads_result=reads_result,
            find=_sweeping(made.find, resets), duration=made.duration, make=made.make,
            parts=made.parts, lenient=lambda: _lenient(read, self.places, self.constants),
            inhibits=read.inhibits, resets=resets, draws=draws,
            swift=lambda: None if resets else swift(read, self.places, made.space),
        )  # fmt: skip

    # -- arcs ---------------------------------------------------------------------------------

    def _named_places(self, path: str, names: Iterable[str]) -> tuple[int, ...]:
        found = (self._place_number(path, name) for name in names)
        return tuple(number for number in found if number is not None)

    def _arcs(self, path: str, takes: Sequence[Take]) -> tuple[list[Arc], dict[str, ColourSet]]:
        arcs: list[Arc] = []
        colours: dict[str, ColourSet] = {}
        read: list[tuple[str, int, Term]] = []
        for number, take in enumerate(takes):
            where = f"{path}, take {number}"
            place = self._place_number(where, take.place)
            if not 1 <= take.count <= COUNT_MAX:
                self._fault(where, f"a count from 1 to {COUNT_MAX}", str(take.count))
            if place is None:
                continue
            try:
                terms = self.reader.taken(take, self.places[place].colour)
            except Misread as misread:
                self._misread(where, misread)
                continue
            read += [(where, place, term) for term in terms]
        if len(read) > ARCS_PER_TRANSITION_MAX:
            self._fault(path, f"at most {ARCS_PER_TRANSITION_MAX} inputs", str(len(read)))
            return [], {}
        uses = Counter(place for _, place, _ in read)
        for number, (where, place, term) in enumerate(read):
            arc = self._arc(where, number, place, term, colours, lone=uses[place] == 1)
            arcs += [arc] if arc is not None else []
        return arcs, colours

    def _arc(
        self, where: str, number: int, place: int, term: Term, colours: dict[str, ColourSet],
        *, lone: bool,
    ) -> Arc | None:  # fmt: skip
        colour, tree, many, count = self.places[place].colour, term.value, term.many, 1
        if term.count is not None and not many:
            if not (isinstance(term.count, ast.Constant) and type(term.count.value) is int):
                self._fault(where, "a fixed number of tokens", repr(ast.unparse(term.count)))
                return None
            count = term.count.value
        try:
            if not many:
                match = match_pattern(tree, "x", colour, self.words)
                colours |= {k: v for k, v in match.colours.items() if k not in colours}
            arc = read_arc(
                number, place, count, tree, colour, words=self.words, lone=lone, many=many
            )
        except Misread as misread:
            self._misread(where, misread)
            return None
        for name in arc.binds & {"result"}:
            self._fault(where, "a variable of another name", repr(name))
        for name in arc.binds:
            colours.setdefault(name, self.sets["any"])
        return arc

    # -- guards -------------------------------------------------------------------------------

    def _guard(
        self, path: str, text: str, colours: Mapping[str, ColourSet]
    ) -> tuple[list[Condition], set[str], set[str]]:
        """Return the conditions, the variables that equations define, and the free ones."""
        if not text:
            return [], set(), set()
        bound = frozenset(colours)
        free: set[str] = set()
        try:
            parts = self.reader.conditions(text)
            names = {name for part in parts for name in express(part, self.words).names}
            while True:
                try:
                    found, defined = read_conditions(parts, bound | free, self.words)
                except Misread as misread:
                    more = (names & self.domains.keys()) - bound - free
                    if not more:
                        raise misread from None
                    free.add(min(more, key=lambda name: (len(self.domains[name]), name)))
                    continue
                return found, set(defined), free
        except Misread as misread:
            hint = misread.hint or did_you_mean(misread.found, bound)
            self._fault(f"{path}, when", misread.expected, misread.found, hint)
            return [], set(), set()

    def _unbound(self, reads: list[tuple[str, frozenset[str]]], known: set[str]) -> set[str]:
        """Return the names that nothing binds but that can be tried; the rest are faults."""
        free: set[str] = set()
        for where, names in dict.fromkeys(reads):
            for name in sorted(names - known):
                if name in self.domains:
                    free.add(name)
                else:
                    self._unknown(where, name, known)
        return free

    def _unknown(self, path: str, name: str, known: Iterable[str]) -> None:
        hint = did_you_mean(name, [*known, *self.constants])
        if name == "result":
            hint = "Only a transition with work has a result."
        elif name in {self.reader.variable(each) for each in self.document.variables}:
            hint = f"Its colour has more than {CHOICES_MAX} values, too many to try each."
        self._fault(path, "a name bound by an input", repr(name), hint)

    # -- outputs ------------------------------------------------------------------------------

    def _outputs(self, path: str, put: Put) -> list[Output]:
        place = self._place_number(path, put.place)
        if place is None:
            return []
        try:
            terms = self.reader.put(put, self.places[place].colour)
            return [self._output(path, place, put, term) for term in terms]
        except Misread as misread:
            self._misread(path, misread)
            return []

    def _output(self, path: str, place: int, put: Put, term: Term) -> Output:
        value = express(term.value, self.words)
        count = express(term.count or ONE, self.words)
        delay = express(term.delay or ZERO, self.words)
        colour = self.places[place].colour
        if delay.code != "(0)" and not self.places[place].timed:
            hint = "Make the place timed, or leave the delay out."
            self._fault(path, "no delay for an untimed place", repr(put.delay), hint)
        if not value.names and not term.many and not _admits(value, colour):
            self._fault(path, colour_text(colour.colour), repr(put.value))
        return Output(place=place, value=value, count=count, delay=delay, many=term.many)

    def _check_delay(self, path: str, spec: TransitionSpec) -> None:
        timed = any(self.places[self.numbers[put.place]].timed for put in spec.put)
        if spec.delay not in ("0", "") and spec.work is None and not timed:
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

    def _expression(self, path: str, text: str) -> Expression | None:
        try:
            return express(self.reader.expression(text), self.words, text)
        except Misread as misread:
            self._misread(path, misread)
            return None


def _names(output: Output) -> frozenset[str]:
    return output.value.names | output.count.names | output.delay.names


def _admits(value: Expression, colour: ColourSet) -> bool:
    """Check a value that is written out; what must be computed is checked when it is put."""
    try:
        return colour.admits(freeze(ast.literal_eval(value.tree)))
    except (ValueError, TypeError):
        return True


def _sweeping(
    find: Callable[..., Binding | None], resets: tuple[int, ...]
) -> Callable[..., Binding | None]:
    """Return `find`, taking along what stands on the places that are emptied."""
    if not resets:
        return find

    def found(marking: Marking, now: object) -> Binding | None:
        binding = find(marking, now)
        if binding is None:
            return None
        return Binding(
            binding.variables, binding.consumed + swept(resets, marking, binding.consumed)
        )

    return found


def _lenient(
    read: Inscribed, places: Sequence[Place], constants: Mapping[str, object]
) -> tuple[Parts, Make]:
    made = generate_lenient(read, places, constants)
    return made.parts, made.make
