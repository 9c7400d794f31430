"""From a goal back to what is known: operations, and operations that feed them."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from fabloop.model.service import Parameter, ValueKind
from fabloop.services.composition.needs import Known, needs_of, variable_of
from fabloop.services.composition.plan import (
    Binding,
    DataNeed,
    FromData,
    FromGiven,
    FromNobody,
    FromStep,
    Source,
    Step,
)
from fabloop.services.composition.values import RELATIONS, Change, Fit, Relation, fit
from fabloop.services.discovery import Entry, Index
from fabloop.services.discovery.index import concept_of

DEPTH_MAX = 3
"""How many operations may feed each other, one after the other."""
FEEDERS_MAX = 3
"""How many operations are tried to feed an input."""
OPTIONS_MAX = 4
SURE = 0.9
"""From here on nobody has to be asked about a binding."""
BY_DATA = 0.75
"""How sure it is that data fill a need, before the data are looked at."""
NOBODY = 0.1
TELLING = ("GET", "HEAD")
"""Methods that only tell something: what changes the world is never called for its answer."""
FIRST = -1
"""The call with which all begins, while chains are made that do not know where they will stand."""


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """Steps whose last one is what was wanted, and how sure their weakest binding is."""

    steps: tuple[Step, ...]
    confidence: float


class _Option(msgspec.Struct, frozen=True):
    """A way to get an input: the steps it takes first, and the fit of what they give."""

    confidence: float
    change: Change
    steps: tuple[Step, ...] = ()
    source: FromGiven | FromStep | None = None
    output: str = ""


class Search:
    """Looks for chains in a collection of services.

    `given` is what is known beforehand; `data` tells whether a data space may be asked.
    """

    def __init__(
        self,
        index: Index,
        given: Sequence[Parameter],
        *,
        first: Step | None = None,
        data: bool = True,
        relations: tuple[Relation, ...] = RELATIONS,
    ) -> None:
        self._index = index
        self._given = tuple(given)
        self._first = first
        self._data = data
        self._relations = relations
        self._each = _list_of_parts(first)
        names = [concept_of(each) for each, _ in self._known()]
        names += [each.name for each, _ in self._known()]
        index.likeness.learn(names)

    def chains(self, entry: Entry) -> list[Chain]:
        """Return chains that end with an operation, the surest first."""
        before = () if self._first is None else (self._first,)
        found = self._bound(entry, before, frozenset({entry.name}), DEPTH_MAX)
        found.sort(key=lambda each: -each.confidence)
        return [
            msgspec.structs.replace(each, steps=tuple(_settled(step) for step in each.steps))
            for each in found[:OPTIONS_MAX]
        ]

    def opening(self, entry: Entry) -> Step:
        """Return the call with which all begins, bound to what is known beforehand."""
        best = self._bound(entry, (), frozenset({entry.name}), 1)[0]
        return _settled(best.steps[-1])

    def _known(self) -> list[tuple[Parameter, FromGiven | FromStep]]:
        """Return what is known before any call but the first."""
        known: list[tuple[Parameter, FromGiven | FromStep]] = [
            (each, FromGiven(name=each.name)) for each in self._given
        ]
        if self._first is not None:
            outputs = self._first.entry.operation.outputs
            known += [(each, FromStep(step=FIRST, output=each.name)) for each in outputs]
            known += [
                (part, FromStep(step=FIRST, output=each.name, part=part.name))
                for each in outputs
                if each is self._each
                for part in each.parts
            ]
        return known

    def _bound(
        self, entry: Entry, before: tuple[Step, ...], passed: frozenset[str], depth: int
    ) -> list[Chain]:
        """Return chains that end with the operation: the best one, and one for each other way."""
        inputs = [each for each in entry.operation.inputs if _has_to_be_bound(each)]
        self._index.likeness.learn([*(concept_of(each) for each in inputs),
                                    *(each.name for each in inputs)])  # fmt: skip
        options = {each.name: self._options(each, passed, depth) for each in inputs}
        best = {name: found[0] for name, found in options.items() if found}
        chains = [self._chain(entry, before, best)]
        for name, found in options.items():
            chains += [self._chain(entry, before, {**best, name: other}) for other in found[1:]]
        return chains[:OPTIONS_MAX]

    def _options(self, wanted: Parameter, passed: frozenset[str], depth: int) -> list[_Option]:
        """Return ways to get an input, the surest first; other services only where needed."""
        likeness = self._index.likeness
        found: list[_Option] = []
        for given, source in self._known():
            fitting = fit(given, wanted, likeness, self._relations)
            if fitting is not None:
                found.append(_Option(fitting.confidence, fitting.change, source=source))
        found.sort(key=lambda each: -each.confidence)
        if found and found[0].confidence >= SURE:
            return found[:2]
        if not wanted.required:
            return []
        if depth > 1:
            found += self._fed(wanted, passed, depth - 1)
        return sorted(found, key=lambda each: -each.confidence)[:FEEDERS_MAX]

    def _fed(self, wanted: Parameter, passed: frozenset[str], depth: int) -> list[_Option]:
        """Return operations that only tell something and whose output serves as the input."""
        found: list[tuple[Fit, Entry, Parameter]] = []
        for entry in self._index.entries:
            operation = entry.operation
            if entry.name in passed or operation.method not in TELLING or operation.effects:
                continue
            for output in operation.outputs:
                fitting = fit(output, wanted, self._index.likeness, self._relations)
                if fitting is not None:
                    found.append((fitting, entry, output))
        found.sort(key=lambda each: -each[0].confidence)
        options: list[_Option] = []
        for fitting, entry, output in found[:FEEDERS_MAX]:
            for chain in self._bound(entry, (), passed | {entry.name}, depth)[:1]:
                if chain.confidence > NOBODY and not any(each.each_of for each in chain.steps):
                    sure = min(fitting.confidence, chain.confidence)
                    option = _Option(sure, fitting.change, chain.steps, output=output.name)
                    options.append(option)
        return options

    def _chain(
        self, entry: Entry, before: tuple[Step, ...], chosen: Mapping[str, _Option]
    ) -> Chain:
        """Return the steps in order, with the bindings of the last one to those before it."""
        steps = before
        bindings: list[Binding] = []
        for name, option in chosen.items():
            steps, source = _placed(steps, option)
            bindings.append(
                Binding(
                    input=name,
                    source=source,
                    confidence=option.confidence,
                    change=option.change,
                )
            )
        missing = [
            each
            for each in entry.operation.inputs
            if _has_to_be_bound(each) and each.required and each.name not in chosen
        ]
        needs, filled = self._filled(missing)
        bindings += filled
        over = self._over(bindings, needs)
        last = Step(
            entry=entry,
            bindings=tuple(bindings),
            needs=needs,
            over=0 if over else None,
            each_of=over,
        )
        weakest = min((each.confidence for each in bindings), default=1.0)
        return Chain(steps=(*steps, last), confidence=weakest)

    def _filled(self, missing: Sequence[Parameter]) -> tuple[tuple[DataNeed, ...], list[Binding]]:
        """Return what the data space is asked for, and the bindings to it."""
        known: Known = self._known()
        needs = needs_of(missing, known, self._index.likeness) if self._data else ()
        by_variable: dict[str, tuple[int, str]] = {}
        for number, need in enumerate(needs):
            for variable in need.variables:
                by_variable[variable.rpartition("?")[2]] = (number, variable)
        found: list[Binding] = []
        for each in missing:
            place = by_variable.get(variable_of(each))
            source: Source = (
                FromNobody() if place is None else FromData(need=place[0], variable=place[1])
            )
            sure = NOBODY if place is None else BY_DATA
            found.append(Binding(input=each.name, source=source, confidence=sure))
        return needs, found

    def _over(self, bindings: Sequence[Binding], needs: Sequence[DataNeed]) -> str:
        """Return the list for each item of which the call is made; empty where it is made once."""
        if self._each is None:
            return ""
        sources = [each.source for each in bindings]
        sources += [source for need in needs for source in need.given.values()]
        inside = any(isinstance(each, FromStep) and each.part for each in sources)
        return self._each.name if inside else ""


def _has_to_be_bound(parameter: Parameter) -> bool:
    return parameter.name.lower() != "idempotency-key"


def _list_of_parts(first: Step | None) -> Parameter | None:
    """Return the first output that is a list of things with values of their own."""
    outputs = () if first is None else first.entry.operation.outputs
    return next((each for each in outputs if each.kind is ValueKind.LIST and each.parts), None)


def _placed(steps: tuple[Step, ...], option: _Option) -> tuple[tuple[Step, ...], Source]:
    """Return the steps with those of an option behind them, and where its value comes from."""
    if option.source is not None:
        return steps, option.source
    offset = len(steps)
    later = tuple(moved(each, offset) for each in option.steps)
    return (*steps, *later), FromStep(step=offset + len(later) - 1, output=option.output)


def moved(step: Step, by: int) -> Step:
    """Return a step of a chain of its own as one that stands behind others."""
    return _with_sources(step, lambda number: number + by if number >= 0 else number)


def _settled(step: Step) -> Step:
    """Return a step with the place where the first call stands at last."""
    return _with_sources(step, lambda number: 0 if number == FIRST else number)


def shifted(step: Step, by: int) -> Step:
    """Return a step whose earlier steps, the first one excepted, stand so many places later."""
    return _with_sources(step, lambda number: number + by if number > 0 else number)


def _with_sources(step: Step, place: Callable[[int], int]) -> Step:
    def at(source: Source) -> Source:
        if isinstance(source, FromStep):
            return msgspec.structs.replace(source, step=place(source.step))
        return source

    return msgspec.structs.replace(
        step,
        bindings=tuple(
            msgspec.structs.replace(each, source=at(each.source)) for each in step.bindings
        ),
        needs=tuple(
            msgspec.structs.replace(
                each, given={name: at(source) for name, source in each.given.items()}
            )
            for each in step.needs
        ),
    )
