"""Values that test suites expect: read from their types' lexical form, and compared with ours."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from fabloop.feel.temporal import date_of_text, date_time_of_text, duration_of_text, time_of_text

TOLERANCE = Decimal("1e-8")
"""Numbers agree when they differ by no more, relative to the expected one (absolute below 1)."""

_NUMERIC = frozenset({"decimal", "double", "integer", "int", "float", "long"})
_READERS: Mapping[str, Callable[[str], object]] = {
    "date": date_of_text,
    "time": time_of_text,
    "dateTime": date_time_of_text,
    "duration": duration_of_text,
    "string": str,
    "boolean": lambda text: text.strip() in ("true", "1"),
}
_PLAIN_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def scalar_of(kind: str, text: str) -> object:
    """Return the value of a lexical form; `kind` is an XML Schema type, or empty to guess.

    Raises
    ------
    ValueError
        The text is none of that type, or the type is unknown.
    """
    if kind in _READERS:
        return _READERS[kind](text)
    if kind in _NUMERIC:
        try:
            return Decimal(text)
        except InvalidOperation as error:
            raise ValueError(f"Expected a number, but found '{text:.40}'.") from error
    if kind:
        known = ", ".join(sorted({*_READERS, *_NUMERIC}))
        raise ValueError(f"Expected one of {known}, but found '{kind:.40}'.")
    return Decimal(text) if _PLAIN_NUMBER.fullmatch(text) else text


def agree(found: Any, wanted: Any) -> bool:
    """Whether a FEEL value is what a suite expects: of its kind, numbers within `TOLERANCE`."""
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(agree(a, b) for a, b in zip(found, wanted, strict=True))
        )
    if isinstance(wanted, dict):
        return (
            isinstance(found, dict)
            and found.keys() == wanted.keys()
            and all(agree(found[key], wanted[key]) for key in wanted)
        )
    if isinstance(wanted, Decimal):
        if not isinstance(found, int | Decimal) or isinstance(found, bool):
            return False
        return abs(Decimal(found) - wanted) <= TOLERANCE * max(Decimal(1), abs(wanted))
    return type(found) is type(wanted) and bool(found == wanted)
