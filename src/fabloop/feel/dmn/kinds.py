"""The types of a model: what conforms to them, and the conversions that DMN makes."""

from collections.abc import Mapping

from fabloop.base.errors import Fault
from fabloop.feel.compiler import Code
from fabloop.feel.dmn.scope import Evaluation, Names, Scope
from fabloop.feel.nodes import TypeOf
from fabloop.feel.temporal import (
    Date,
    DateTime,
    date_of_text,
    date_time_of_text,
    duration_of_text,
    time_of_text,
)
from fabloop.feel.types import is_instance
from fabloop.feel.values import Value, described

_READERS = {
    "date": date_of_text,
    "time": time_of_text,
    "date and time": date_time_of_text,
    "days and time duration": duration_of_text,
    "years and months duration": duration_of_text,
}


class Test:
    """Compiled unary tests that the values of a type must pass."""

    __slots__ = ("code", "place", "source")

    def __init__(self, code: Code, source: str, place: str) -> None:
        self.code = code
        self.source = source
        self.place = place

    def passes(self, value: Value, evaluation: Evaluation) -> bool:
        """Tell whether a value passes."""
        names = Names()
        run = Scope(evaluation, names, self.source, self.place)
        run.quiet = 1
        return self.code(names, run, value) is True


class Kind:
    """A type, resolved: of FEEL (`type`), of another type (`base`) or of components (`fields`)."""

    __slots__ = (
        "allowed",
        "base",
        "collection",
        "constraint",
        "fields",
        "name",
        "result",
        "type",
    )

    def __init__(self, name: str, type_of: TypeOf | None = None) -> None:
        self.name = name
        self.type = type_of
        self.base: Kind | None = None
        self.fields: dict[str, Kind] | None = None
        self.collection = False
        self.allowed: Test | None = None
        self.constraint: Test | None = None
        self.result: Kind | None = None

    def conforms(self, value: Value, evaluation: Evaluation) -> bool:
        """Tell whether a value is of this type; null is of every type."""
        evaluation.spend(1)
        if value is None:
            return True
        if not self.collection:
            fits = self._holds(value, evaluation)
        else:
            fits = type(value) is list and all(self._holds(each, evaluation) for each in value)
        return fits and (self.constraint is None or self.constraint.passes(value, evaluation))

    def _holds(self, value: Value, evaluation: Evaluation) -> bool:
        if value is None:
            return True
        if self.fields is not None:
            fits = type(value) is dict and all(
                name in value and kind.conforms(value[name], evaluation)
                for name, kind in self.fields.items()
            )
        elif self.base is not None:
            fits = self.base.conforms(value, evaluation)
        else:
            fits = self.type is None or is_instance(value, self.type)
        return fits and (self.allowed is None or self.allowed.passes(value, evaluation))

    @property
    def is_list(self) -> bool:
        """Whether its values are lists."""
        if self.collection or self.base is None:
            return self.collection or (self.type is not None and self.type.name == "list")
        return self.base.is_list

    @property
    def builtin(self) -> str:
        """The FEEL type of one value, where it is no list and has no components."""
        kind = self
        while kind.base is not None:
            kind = kind.base
        return kind.type.name if kind.type is not None else ""

    def order(self) -> Test | None:
        """Return the allowed values, which also give an order of priority."""
        kind: Kind | None = self
        while kind is not None and kind.allowed is None:
            kind = kind.base
        return None if kind is None else kind.allowed


ANY = Kind("Any")


def fitted(value: Value, kind: Kind, evaluation: Evaluation, place: str, what: str) -> Value:
    """Return a value as a declared type takes it; null with a warning where it does not conform.

    Notes
    -----
    Source: DMN 1.5, 10.3.2.9.4: a list of one and its single value stand for one another, and a
    date for its midnight (UTC) where a date and time is asked for.
    """
    if value is None or kind is ANY or kind.conforms(value, evaluation):
        return value
    if type(value) is list:
        if len(value) == 1 and kind.conforms(value[0], evaluation):
            return value[0]
    elif kind.is_list and kind.conforms([value], evaluation):
        return [value]
    elif type(value) is Date and kind.builtin == "date and time" and not kind.is_list:
        midnight = DateTime(value.days, 0, 0)
        if kind.conforms(midnight, evaluation):
            return midnight
    evaluation.warn(place, f"Expected {what} to be {kind.name}, but found {described(value)}.")
    return None


def read_in(value: Value, kind: Kind) -> Value:
    """Return a value from outside, where text stands for what is declared as temporal."""
    if kind is ANY or value is None:
        return value
    if type(value) is list:
        return [read_in(each, kind) for each in value]
    if type(value) is dict:
        fields = _fields(kind)
        return {
            name: read_in(each, fields[name]) if name in fields else each
            for name, each in value.items()
        }
    if type(value) is str and (read := _READERS.get(kind.builtin)) is not None:
        found: Value = read(value)
        return value if found is None else found
    return value


def _fields(kind: Kind) -> Mapping[str, Kind]:
    found: Kind | None = kind
    while found is not None and found.fields is None:
        found = found.base
    return {} if found is None or found.fields is None else found.fields


class Faults:
    """Collects what is wrong with a model while it is compiled."""

    def __init__(self, source: str, found: list[Fault]) -> None:
        self.source = source
        self.found = found

    def note(self, place: str, expected: str, found: str, hint: str = "") -> Fault:
        """Add and return a fault."""
        fault = Fault(source=self.source, path=place, expected=expected, found=found, hint=hint)
        self.found.append(fault)
        return fault
