"""FEEL's types: ``instance of``, and the conversions that DMN makes for a declared type."""

from collections.abc import Mapping

from fabloop.feel.cursor import Cursor
from fabloop.feel.nodes import TypeOf
from fabloop.feel.type_parser import read_type
from fabloop.feel.values import Function, Range, Value, kind_of

Types = Mapping[str, TypeOf]
"""Named types that a model declares."""

_SAME = {"day time duration": "days and time duration", "days and time": "days and time duration"}


def type_of_text(source: str) -> TypeOf:
    """Read a type such as ``list<number>`` or ``context<a: string>``.

    Raises
    ------
    Invalid
        The text is no type.
    """
    cursor = Cursor(source)
    found = read_type(cursor)
    cursor.finish()
    return found


def is_instance(value: Value, wanted: TypeOf, types: Types | None = None) -> bool:
    """Tell whether a value is of a type; null is of type ``Null`` only."""
    if value is None:
        return wanted.name == "Null"
    return _conforms(value, wanted, types or {})


def _conforms(value: Value, wanted: TypeOf, types: Types) -> bool:
    if value is None or wanted.name == "Any":
        return True
    name = _SAME.get(wanted.name, wanted.name)
    if name in types:
        rest = {key: kind for key, kind in types.items() if key != name}
        return _conforms(value, types[name], rest)
    if kind_of(value) != name:
        return False
    match value:
        case list() if wanted.items:
            return all(_conforms(item, wanted.items[0], types) for item in value)
        case dict():
            return all(
                key in value and _conforms(value[key], kind, types) for key, kind in wanted.fields
            )
        case Range() if wanted.items:
            ends = [end for end in (value.low, value.high) if end is not None]
            return all(_conforms(end, wanted.items[0], types) for end in ends)
        case Function() if wanted.result is not None:
            return len(value.parameters or ()) == len(wanted.items)
    return True


def coerced(value: Value, wanted: TypeOf, types: Types | None = None) -> Value:
    """Return a value as a declared type takes it; null where it does not conform.

    A single value becomes a list of one, and a list of one its single value, where that is
    what the type asks for.

    Notes
    -----
    Source: DMN 1.5, 10.3.2.9.4, implicit type conversions.
    """
    known = types or {}
    if value is None or _conforms(value, wanted, known):
        return value
    resolved = known.get(wanted.name, wanted)
    if resolved.name == "list" and type(value) is not list and _conforms([value], wanted, known):
        return [value]
    if type(value) is list and len(value) == 1 and _conforms(value[0], wanted, known):
        return value[0]
    return None
