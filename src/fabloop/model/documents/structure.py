"""Bytes to a document struct: JSON syntax, then form; every structural fault at once."""

import json
import re
from typing import Any

import msgspec

from fabloop.base.errors import Fault
from fabloop.base.names import did_you_mean
from fabloop.model.documents.collect import Sheet, short, shown
from fabloop.model.documents.structs import KINDS, Document
from fabloop.model.documents.texts import FILE_BYTES_MAX

_SPLIT = "Split it into several documents of the same kind."
_SMALLER = {
    "order": "An order holds choices for one product: order more by further documents.",
    "product": "A product is one document: make groups of operations products of their own, and "
    "take what they make as third-party parts.",
    "site": "A site is one document: describe halls as sites of their own, with lanes between.",
}
"""What helps where documents of a kind cannot be split."""

_KIND_IN_TEXT = re.compile(rb'"document"\s*:\s*"([a-z-]{1,40})"')

_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_ESCAPES = re.compile(r"(?<!\\)(?:\\\\)*((?:\\u[0-9a-fA-F]{4})+)")


def decode(source: str, data: bytes, faults: list[Fault]) -> Document | None:
    """Return the document, or None after noting every fault of its syntax or form."""
    sheet = Sheet(source, faults)
    before = len(faults)
    content = _parsed(data, sheet)
    if len(faults) > before:
        return None
    kind = _kind(content, sheet)
    if kind is None:
        return None
    try:
        document: Document = msgspec.convert(content, KINDS[kind])
    except msgspec.ValidationError as error:
        from fabloop.model.documents.form import note_form  # noqa: PLC0415  # jsonschema is slow to import

        note_form(content, kind, sheet)
        if len(faults) == before:  # the schema is a little wider than the struct (1.0 is whole)
            _note_one(str(error), sheet)
        return None
    return document


def kind_in(data: bytes) -> str | None:
    """Return the kind that bytes claim to be, even where they are no JSON; None if they do not."""
    found = _KIND_IN_TEXT.search(data[:FILE_BYTES_MAX])
    kind = found[1].decode() if found else None
    return kind if kind in KINDS else None


def kind_of(document: Document) -> str:
    """Return the kind that stands in the property `document`."""
    return next(name for name, kind in KINDS.items() if isinstance(document, kind))


def _parsed(data: bytes, sheet: Sheet) -> Any:
    """Return what the JSON says; the caller looks at the sheet for whether it says anything."""
    if len(data) > FILE_BYTES_MAX:
        sheet.fault(
            f"a document of at most {FILE_BYTES_MAX // 1024} KiB",
            f"{-(-len(data) // 1024)} KiB",
            f"{_SMALLER.get(kind_in(data) or '', _SPLIT)} The limit is FILE_BYTES_MAX.",
        )
        return None
    repeated: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) < len(items):
            keys = [key for key, _ in items]
            where = f" in the object with id {found['id']!r}" if "id" in found else ""
            repeated.extend(f"{key!r} again{where}" for key in found if keys.count(key) > 1)
        return found

    text = data.decode("utf-8-sig", errors="replace")
    try:
        data.decode("utf-8")
        content = json.loads(text, object_pairs_hook=pairs, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        _at_line(sheet, error.lineno, error.colno).fault("JSON", _json_reason(error, text))
        return None
    except UnicodeDecodeError as error:
        sheet.fault("text in UTF-8", f"the byte 0x{data[error.start]:02x} at offset {error.start}")
        return None
    except (ValueError, RecursionError) as error:
        sheet.fault("JSON of finite numbers and moderate depth", short(str(error)))
        return None
    for each in repeated:
        sheet.fault("each property of an object once", each)
    if _HALF.search(data) is not None:
        _note_halves(text, sheet)
    return content


def _note_halves(text: str, sheet: Sheet) -> None:
    """Note each escape that is half of a character: no text that is written can hold it."""
    for number, line in enumerate(text.splitlines(), 1):
        for found in _ESCAPES.finditer(line):
            try:
                str(json.loads(f'"{found[0]}"')).encode()
            except UnicodeEncodeError:
                _at_line(sheet, number, found.start() + 1).fault(
                    "characters of Unicode", f"{short(found[0])}, of which one is half a character"
                )


def _refuse(constant: str) -> Any:
    raise ValueError(f"the number {constant}")


def _at_line(sheet: Sheet, line: int, column: int) -> Sheet:
    return Sheet(sheet.source, sheet.faults, f"line {line}, column {column}")


def _json_reason(error: json.JSONDecodeError, text: str) -> str:
    """Return what stands where the reader gave up, and what the reader says about it."""
    rest = text[error.pos :].partition("\n")[0].strip()
    said = error.msg[0].lower() + error.msg[1:]
    return f"{short(repr(rest))} ({said})" if rest else f"the end of the line ({said})"


def _kind(content: Any, sheet: Sheet) -> str | None:
    if not isinstance(content, dict):
        sheet.fault("an object with the property 'document'", shown(content))
        return None
    kind = content.get("document")
    if isinstance(kind, str) and kind in KINDS:
        return kind
    hint = did_you_mean(kind, KINDS) if isinstance(kind, str) else f"Known are: {', '.join(KINDS)}."
    found = "nothing" if kind is None else shown(kind)
    sheet.at("document").fault("a kind of document", found, hint)
    return None


def _note_one(message: str, sheet: Sheet) -> None:
    """Note what the decoder says: ``Expected `int`, got `float` - at `$.priority```."""
    said, _, path = message.partition(" - at ")
    Sheet(sheet.source, sheet.faults, path.strip("`") or "$").fault(
        "a document of this form", said.replace("`", "'")
    )
