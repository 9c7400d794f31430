"""What a bounded sample of rows tells about a table: kinds, units, keys, values, distribution."""

import re
from collections.abc import Mapping, Sequence
from hashlib import md5
from itertools import pairwise

import msgspec

from fabloop.dataspace.schema import Column, ColumnKind, Raw, Scalar, Table
from fabloop.dataspace.units import known_unit, split_quantity, unit_in_name
from fabloop.model.documents.data_structs import ColumnNoteEntry
from fabloop.model.ids import SourceId

SAMPLE_ROWS_MAX = 20_000
"""Rows of a table that are looked at."""
VALUES_MAX = 1_000
"""Different values of a column that are remembered."""
VALUE_CHARACTERS_MAX = 200
LOOKED_AT_MAX = 2_000
"""Values of a column that decide what its kind is."""
EXACT_MAX = 2**53
"""Up to here whole numbers are the same as integers and as floats of 64 bits."""
_SHARE = 0.95
"""Of the values that are there, so many must agree on a kind; the rest is dirt."""
_INSTANT = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$"
    r"|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}(?: \d{1,2}:\d{2}(?::\d{2})?)?$"
    r"|\d{4}/\d{1,2}/\d{1,2}$"
)
_INTEGER = re.compile(r"[+-]?\d{1,18}$")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$")
_UNIT_NAMES = {"unit", "units", "uom", "unitcode", "unit_code", "measure"}


def profile(
    source: SourceId, raw: Raw, notes: Mapping[str, ColumnNoteEntry] | None = None
) -> Table:
    """Return what the sample of a table tells; `notes` by column or ``table.column``."""
    notes = notes or {}
    rows = raw.rows[:SAMPLE_ROWS_MAX]
    whole = raw.count <= len(rows)
    columns = tuple(
        _noted(
            profile_column(name, [row[at] for row in rows], raw.types.get(name, "")),
            notes.get(f"{raw.name}.{name}") or notes.get(name),
            raw.units_from.get(name, ""),
            whole=whole,
        )
        for at, name in enumerate(raw.columns)
    )
    columns = _with_unit_columns(columns)
    keys = set(raw.keys) | {
        each.name
        for each in columns
        if whole and len(rows) > 1 and each.distinct == len(rows) and each.filled == 1.0
    }
    return Table(
        name=f"{source}.{raw.name}",
        source=source,
        columns=columns,
        rows=raw.count,
        whole=whole,
        keys=tuple(each.name for each in columns if each.name in keys),
        parent=f"{source}.{raw.parent}" if raw.parent else "",
    )


def profile_column(name: str, values: Sequence[Scalar], told: str = "") -> Column:
    """Return what the values of a column tell; `told` is the source's own word for its type."""
    texts = [text for text in (text_of_value(each) for each in values) if text]
    different = {each[:VALUE_CHARACTERS_MAX] for each in texts}
    kind = _kind(texts[:LOOKED_AT_MAX], told)
    kept = sorted(different, key=value_hash)[:VALUES_MAX]
    numbers = _numbers(texts, kind)
    return Column(
        name=name,
        kind=kind,
        unit=_common_unit(texts) if kind is ColumnKind.QUANTITY else _unit_of(name, kind),
        filled=len(texts) / len(values) if values else 0.0,
        distinct=len(different),
        values=tuple(kept),
        whole=len(different) <= VALUES_MAX,
        quantiles=_quantiles(numbers),
        length=sum(map(len, texts)) / len(texts) if texts else 0.0,
    )


def text_of_value(value: Scalar) -> str:
    """Return a value as the text by which values are compared; empty for none."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            if value != value:
                return ""
            exact = value.is_integer() and abs(value) <= EXACT_MAX
            return str(int(value)) if exact else repr(value)
        case int():
            return str(value)
        case _:
            return str(value).strip()


def value_hash(text: str) -> bytes:
    """Return what values are ordered by, so that samples of several columns are of the same."""
    return md5(text.casefold().encode(), usedforsecurity=False).digest()


def _kind(texts: Sequence[str], told: str) -> ColumnKind:
    word = told.lower()
    if word.startswith(("date", "timestamp", "time")):
        return ColumnKind.INSTANT
    if word.startswith("bool") or (texts and {each.lower() for each in texts} <= {"true", "false"}):
        return ColumnKind.BOOLEAN
    return _kind_of(texts) if texts else ColumnKind.TEXT


def _kind_of(texts: Sequence[str]) -> ColumnKind:
    enough = _SHARE * len(texts)
    if sum(_INTEGER.match(each) is not None for each in texts) >= enough:
        return ColumnKind.INTEGER
    if sum(_NUMBER.match(each) is not None for each in texts) >= enough:
        return ColumnKind.NUMBER
    if sum(_INSTANT.match(each) is not None for each in texts) >= enough:
        return ColumnKind.INSTANT
    split = [split_quantity(each) for each in texts]
    with_unit = sum(each is not None and each[1] != "" for each in split)
    if sum(each is not None for each in split) >= enough and with_unit:
        return ColumnKind.QUANTITY
    return ColumnKind.TEXT


def _common_unit(texts: Sequence[str]) -> str:
    """Return the unit of all texts, empty where they differ."""
    units = {found[1] for each in texts[:LOOKED_AT_MAX] if (found := split_quantity(each))}
    return units.pop() if len(units) == 1 else ""


def _unit_of(name: str, kind: ColumnKind) -> str:
    return unit_in_name(name)[1] if kind.is_numeric else ""


def _numbers(texts: Sequence[str], kind: ColumnKind) -> list[float]:
    if not kind.is_numeric:
        return []
    found = []
    for each in texts:
        split = split_quantity(each) if kind is ColumnKind.QUANTITY else None
        try:
            found.append(split[0] if split else float(each))
        except ValueError:
            continue
    return sorted(found)


def _quantiles(numbers: Sequence[float]) -> tuple[float, ...]:
    """Return the numbers at 0, 0.1 ... 1 of sorted numbers, between neighbours in proportion."""
    if not numbers:
        return ()
    found = []
    for tenth in range(11):
        at = tenth / 10 * (len(numbers) - 1)
        low = int(at)
        high = min(low + 1, len(numbers) - 1)
        found.append(numbers[low] + (numbers[high] - numbers[low]) * (at - low))
    return tuple(found)


def _noted(column: Column, note: ColumnNoteEntry | None, unit_from: str, *, whole: bool) -> Column:
    """Return a column with what a person or the source says about it."""
    unit = column.unit
    if note is not None and note.unit:
        unit = known_unit(note.unit) or note.unit
    return msgspec.structs.replace(
        column,
        unit=unit,
        unit_from=(note.unit_from if note else "") or unit_from,
        means=note.means if note else "",
        whole=column.whole and whole,
    )


def _with_unit_columns(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Return the columns; a number without a unit takes that of the column of units beside it."""
    beside = {each.name: _numeric_of(each.name, columns) for each in columns if _holds_units(each)}
    taken = {number: unit for unit, number in beside.items() if number}
    return tuple(
        msgspec.structs.replace(each, unit_from=taken[each.name])
        if each.name in taken and not each.unit and not each.unit_from
        else each
        for each in columns
    )


def _holds_units(column: Column) -> bool:
    low = column.name.lower()
    named = low in _UNIT_NAMES or low.endswith(("_unit", "_uom", "_unitcode", "unitcode"))
    return named and all(known_unit(each) is not None for each in column.values)


def _numeric_of(unit_column: str, columns: tuple[Column, ...]) -> str:
    """Return which number a column of units belongs to: by its name, else the one before it."""
    head = re.sub(r"[_ ]?(unit_?code|units?|uom)$", "", unit_column, flags=re.IGNORECASE)
    for each in columns:
        if head and each.name == head and each.kind.is_numeric:
            return each.name
    for before, after in pairwise(columns):
        if after.name == unit_column and before.kind.is_numeric:
            return before.name
    numeric = [
        each.name for each in columns if each.kind.is_numeric and not each.name.startswith("_")
    ]
    return numeric[0] if len(numeric) == 1 else ""
