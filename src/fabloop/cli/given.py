"""What a person gives on the command line, read with errors that name the option or file."""

import sys
from pathlib import Path

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant, duration_of_iso, instant_of
from fabloop.base.quantity import Dimension, example, quantity_of
from fabloop.model.documents.collect import Sheet, raise_if_any
from fabloop.model.documents.values import money


def note(text: str) -> None:
    """Tell people something besides the answer, if there is something to tell."""
    if text:
        sys.stderr.write(text + "\n")


def read_bytes(file: Path) -> bytes:
    """Return what is in a file."""
    try:
        return file.read_bytes()
    except OSError as error:
        found = error.strerror or type(error).__name__
        raise _fault(str(file), "a file that can be read", found) from error


def json_object(option: str, text: str) -> dict[str, object]:
    """Return a JSON object given as text, or in a file behind ``@``."""
    data = read_bytes(Path(text[1:])) if text.startswith("@") else text.encode()
    try:
        return msgspec.json.decode(data, type=dict[str, object])
    except msgspec.DecodeError as error:
        hint = f"""Write {option} '{{"Age": 51}}', or {option} @FILE."""
        raise _fault(option, "a JSON object", str(error), hint) from error


def instant_given(option: str, text: str) -> Instant:
    """Return a date and time with its offset."""
    try:
        return instant_of(text)
    except ValueError as error:
        hint = "Write it as 2026-11-24T10:00:00+01:00."
        raise _fault(option, "a date and time with an offset", f"'{text}'", hint) from error


def duration_given(option: str, text: str) -> int:
    """Return the nanoseconds of an ISO 8601 duration."""
    try:
        return duration_of_iso(text)
    except ValueError as error:
        raise _fault(option, "a duration such as PT30S", f"'{text}'") from error


def money_given(option: str, text: str, currency: str) -> int | None:
    """Return an amount in minor units; None for an empty text."""
    if not text:
        return None
    sheet = Sheet(option, [], "")
    found = money(text, sheet)
    if found.currency != currency and not sheet.faults:
        raise _fault(option, f"an amount in {currency}", f"'{text}'")
    raise_if_any(sheet.faults)
    return int(found.minor)


def quantity_given(option: str, text: str, dimension: Dimension) -> float | None:
    """Return a quantity in SI units; None for an empty text."""
    if not text:
        return None
    try:
        value = quantity_of(text, dimension)
    except ValueError as error:
        raise _fault(option, f"a quantity such as {example(dimension)}", f"'{text}'") from error
    if value < 0.0:
        raise _fault(option, f"zero or more, such as {example(dimension)}", f"'{text}'")
    return value


def _fault(source: str, expected: str, found: str, hint: str = "") -> Invalid:
    return Invalid(Fault(source=source, path="", expected=expected, found=found, hint=hint))
