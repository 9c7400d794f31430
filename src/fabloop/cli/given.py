"""What a person gives on the command line, read with errors that name the option or file."""

from pathlib import Path

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant, duration_of_iso, instant_of


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
        raise _fault(option, "a date and time with an offset", f"'{text}'") from error


def duration_given(option: str, text: str) -> int:
    """Return the nanoseconds of an ISO 8601 duration."""
    try:
        return duration_of_iso(text)
    except ValueError as error:
        raise _fault(option, "a duration such as PT30S", f"'{text}'") from error


def _fault(source: str, expected: str, found: str, hint: str = "") -> Invalid:
    return Invalid(Fault(source=source, path="", expected=expected, found=found, hint=hint))
