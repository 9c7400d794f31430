"""Item definitions to types: names resolved, allowed values compiled."""

from collections.abc import Mapping

from fabloop.base.errors import Fault, Invalid
from fabloop.feel.dmn.kinds import ANY, Faults, Kind, Test
from fabloop.feel.dmn.model import ItemDefinition
from fabloop.feel.dmn.words import Lexicon, tests_code
from fabloop.feel.nodes import TypeOf
from fabloop.feel.types import type_of_text

_BUILTIN = frozenset(
    {"number", "string", "boolean", "date", "time", "date and time", "list", "context"}
    | {"days and time duration", "years and months duration", "function", "range"}
)
_FORMER = {
    "dateTime": "date and time",
    "dayTimeDuration": "days and time duration",
    "yearMonthDuration": "years and months duration",
}
"""Names of types in models of earlier versions."""


class Registry:
    """The types that one model knows: its own, those of FEEL, and those of its imports."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.kinds: dict[str, Kind] = {}
        self.types: dict[str, TypeOf] = {}

    def add_imported(self, prefix: str, other: "Registry") -> None:
        """Make the types of an imported model known below its name."""
        for name, kind in other.kinds.items():
            self.kinds[_joined(prefix, name)] = kind
        for name, found in other.types.items():
            self.types[_joined(prefix, name)] = _prefixed(found, prefix, other.types)

    def add(self, definitions: tuple[ItemDefinition, ...]) -> None:
        """Resolve the definitions of this model."""
        for each in definitions:
            if each.name in self.kinds or each.name in _BUILTIN:
                hint = "Rename the type."
                self.faults.note(each.place, "a type that is not there yet", f"'{each.name}'", hint)
            self.kinds[each.name] = Kind(each.name)
            self.types[each.name] = self._type_of(each)
        for each in definitions:
            self._fill(self.kinds[each.name], each)
        for each in definitions:
            self._check_end(self.kinds[each.name], each)

    def kind(self, name: str, place: str) -> Kind:
        """Return a type by its name; any where none is named."""
        name = name.removeprefix("feel:")
        name = _FORMER.get(name, name)
        if name in ("", "Any"):
            return ANY
        if name in self.kinds:
            return self.kinds[name]
        if name in _BUILTIN:
            return Kind(name, TypeOf(at=0, name=name))
        if "<" in name:
            return self._written(name, place)
        hint = "Add an item definition, or name a type of FEEL."
        self.faults.note(place, "the name of a type", f"'{name}'", hint)
        return ANY

    def _written(self, name: str, place: str) -> Kind:
        try:
            return Kind(name, type_of_text(name))
        except Invalid as error:
            self.faults.note(place, error.faults[0].expected, f"'{name}'")
            return ANY

    def _fill(self, kind: Kind, item: ItemDefinition) -> None:
        kind.collection = item.collection
        if item.components:
            kind.fields = {}
            for each in item.components:
                field = kind.fields[each.name] = Kind(each.name)
                self._fill(field, each)
        elif item.function:
            kind.type = TypeOf(at=0, name="function")
            kind.result = self.kind(item.result, item.place)
        elif item.base:
            kind.base = self.kind(item.base, item.place)
            kind.result = kind.base.result
        kind.allowed = self._test(item.allowed, item.place)
        kind.constraint = self._test(item.constraint, item.place)

    def _test(self, text: str, place: str) -> Test | None:
        if not text:
            return None
        words = Lexicon(frozenset(), frozenset(), self.types)
        code = tests_code(text, words, place, self.faults)
        return None if isinstance(code, Fault) else Test(code, text, place)

    def _check_end(self, kind: Kind, item: ItemDefinition) -> None:
        """Make sure that a chain of types by other types comes to an end."""
        seen: set[int] = set()
        found: Kind | None = kind
        while found is not None:
            if id(found) in seen:
                self.faults.note(item.place, "a type that ends in one of FEEL", "a circle")
                kind.base = None
                return
            seen.add(id(found))
            found = found.base

    def _type_of(self, item: ItemDefinition) -> TypeOf:
        base = _FORMER.get(item.base, item.base.removeprefix("feel:")) or "Any"
        found = TypeOf(at=0, name=base)
        if "<" in base:
            try:
                found = type_of_text(base)
            except Invalid:
                found = TypeOf(at=0, name="Any")
        if item.components:
            fields = tuple((each.name, self._type_of(each)) for each in item.components)
            found = TypeOf(at=0, name="context", fields=fields)
        elif item.function:
            found = TypeOf(at=0, name="function")
        return TypeOf(at=0, name="list", items=(found,)) if item.collection else found


def _joined(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _prefixed(found: TypeOf, prefix: str, own: Mapping[str, TypeOf]) -> TypeOf:
    """Return a type of another model with the names of that model's types as known here."""
    name = _joined(prefix, found.name) if found.name in own else found.name
    return TypeOf(
        at=found.at,
        name=name,
        items=tuple(_prefixed(each, prefix, own) for each in found.items),
        fields=tuple((key, _prefixed(each, prefix, own)) for key, each in found.fields),
        result=None if found.result is None else _prefixed(found.result, prefix, own),
    )
