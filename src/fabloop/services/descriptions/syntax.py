"""The text of an OpenAPI document, JSON or YAML, to plain values, with the place of each fault."""

import json
from typing import Any

from fabloop.model.documents.collect import Sheet, short, shown

DOCUMENT_BYTES_MAX = 8 * 1024 * 1024
VALUES_MAX = 500_000
"""How many values a document may have; aliases in YAML count each time they are used."""
DEPTH_MAX = 100


def parsed(data: bytes, sheet: Sheet) -> Any:
    """Return what the document says, keys as texts; None after a fault."""
    if len(data) > DOCUMENT_BYTES_MAX:
        sheet.fault(
            f"a document of at most {DOCUMENT_BYTES_MAX // 1024} KiB",
            f"{-(-len(data) // 1024)} KiB",
            "Describe fewer services in one document; the limit is DOCUMENT_BYTES_MAX.",
        )
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        sheet.fault("text in UTF-8", f"the byte 0x{data[error.start]:02x} at offset {error.start}")
        return None
    read = _json if text.lstrip().startswith(("{", "[")) else _yaml
    before = len(sheet.faults)
    value = read(text, sheet)
    if len(sheet.faults) > before:
        return None
    return Plain(sheet).of(value)


def _json(text: str, sheet: Sheet) -> Any:
    repeated: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in items]
        repeated.extend(key for key in dict.fromkeys(keys) if keys.count(key) > 1)
        return dict(items)

    try:
        value = json.loads(text, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        _at_line(sheet, error.lineno, error.colno).fault(
            "JSON", f"something else ({error.msg[0].lower()}{error.msg[1:]})"
        )
        return None
    except (ValueError, RecursionError) as error:
        sheet.fault("JSON of finite numbers and moderate depth", short(str(error)))
        return None
    for key in repeated:
        sheet.fault("each property of an object once", f"{key!r} again")
    return value


def _yaml(text: str, sheet: Sheet) -> Any:
    try:
        import yaml  # noqa: PLC0415  # only readers of YAML need it
    except ImportError:
        sheet.fault("JSON", "YAML", "For YAML: pip install 'fabloop[http]'.")
        return None
    from fabloop.services.descriptions.yaml_loader import loader  # noqa: PLC0415

    try:
        return yaml.load(text, loader(sheet))  # noqa: S506  # a safe loader of our own
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = sheet if mark is None else _at_line(sheet, mark.line + 1, mark.column + 1)
        place.fault("YAML", f"something else ({short(error.problem or 'unreadable')})")
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        sheet.fault("YAML", short(str(error)))
    return None


def _at_line(sheet: Sheet, line: int, column: int) -> Sheet:
    return Sheet(sheet.source, sheet.faults, f"line {line}, column {column}")


class Plain:
    """Makes plain values: keys are texts, nothing contains itself, sizes are bounded."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._left = VALUES_MAX
        self._full = False

    def of(self, value: Any, depth: int = 0) -> Any:
        """Return the value; None, after one fault, where it is too large or contains itself."""
        self._left -= 1
        if self._left < 0 or depth > DEPTH_MAX:
            self._note_size(depth)
            return None
        match value:
            case dict():
                return {str(key): self.of(each, depth + 1) for key, each in value.items()}
            case list():
                return [self.of(each, depth + 1) for each in value]
            case None | bool() | int() | float() | str():
                return value
            case _:
                self._sheet.fault("a value that JSON has", shown(value))
                return None

    def _note_size(self, depth: int) -> None:
        if self._full:
            return
        self._full = True
        if depth > DEPTH_MAX:
            self._sheet.fault(
                f"values within values at most {DEPTH_MAX} deep",
                "more",
                "An alias that contains its own anchor never ends.",
            )
        else:
            self._sheet.fault(f"at most {VALUES_MAX} values", "more", "The limit is VALUES_MAX.")
        self._left = -1
