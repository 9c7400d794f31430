"""Answers of the kernel as JSON and as lines of text."""

import sys
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Any

import msgspec

from fabloop.base.codec import to_json_pretty


def print_json(value: object) -> None:
    """Print a value as JSON; states by their names."""
    sys.stdout.write(to_json_pretty(named(value)).decode())


def print_lines(lines: Iterable[str]) -> None:
    """Print lines of text."""
    sys.stdout.writelines(f"{line}\n" for line in lines)


def named(value: Any) -> Any:
    """Return a value as plain data, with states by their names."""
    match value:
        case IntEnum():
            return value.name.lower()
        case msgspec.Struct():
            return {name: named(getattr(value, name)) for name in value.__struct_fields__}
        case dict():
            return {str(key): named(each) for key, each in value.items()}
        case list() | tuple():
            return [named(each) for each in value]
        case _:
            return value


def columns(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Return rows under their heads, each column as wide as it needs to be."""
    table = [list(heads), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[number]) for row in table) for number in range(len(heads))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]


def short(value: object, length: int = 60) -> str:
    """Return a value as JSON text of bounded length."""
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= length else f"{text[: length - 1]}…"
