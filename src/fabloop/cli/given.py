"""What a person gives on the command line, read with errors that name the option or file."""

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

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
        raise _fault(str(file), "a file that can be read", _reason(error)) from error


def writable_folder(option: str, folder: Path) -> None:
    """Raise Invalid where a folder can neither be made nor written to; nothing is changed."""
    nearest = next(each for each in (folder, *folder.absolute().parents) if _exists(each))
    if not nearest.is_dir():
        found = "a file" if nearest == folder else f"that '{nearest}' is a file"
    elif not os.access(nearest, os.W_OK | os.X_OK):
        found = f"no right to write to '{nearest}'"
    else:
        return
    raise _fault(f"{option} {folder}", "a folder that can be written", found)


def writable_file(option: str, file: Path) -> None:
    """Raise Invalid where a file can neither be made nor written to; nothing is changed."""
    if file.is_dir():
        raise _fault(f"{option} {file}", "a file that can be written", "a folder")
    if not _exists(file):
        writable_folder(option, file.parent)
    elif not os.access(file, os.W_OK):
        raise _fault(f"{option} {file}", "a file that can be written", "no right to")


def json_object(option: str, text: str) -> dict[str, object]:
    """Return a JSON object given as text, or in a file behind ``@``."""
    data = read_bytes(Path(text[1:])) if text.startswith("@") else text.encode()
    try:
        return msgspec.json.decode(data, type=dict[str, object])
    except msgspec.DecodeError as error:
        hint = f"""Write {option} '{{"Age": 51}}', or {option} @FILE."""
        raise _fault(option, "a JSON object", str(error), hint) from error


def address_given(option: str, text: str) -> str:
    """Return the address of a server as it was given; Invalid where it is none of HTTP."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port  # raises where it is no number
    except ValueError:
        usable = False
    if not usable:
        raise _fault(option, "an address such as https://HOST:PORT", f"'{text}'")
    return text


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


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # no right to look, or a file stands where a folder should be
        return False


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _fault(source: str, expected: str, found: str, hint: str = "") -> Invalid:
    return Invalid(Fault(source=source, path="", expected=expected, found=found, hint=hint))
