"""Nested rows (JSON, entities, statements) as flat tables: lists become tables of their own."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.dataspace.schema import Raw, Record, Scalar

DEPTH_MAX = 8
"""Lists and objects within each other."""
ROWS_SHREDDED_MAX = 500_000
"""Rows of all tables of one answer of a source."""
COLUMNS_MAX = 1_000
ROW_ID = "_row"
PARENT_ID = "_parent"
"""Column of a nested table that holds `ROW_ID` of the row it stands in."""
VALUE = "value"


class Flat(msgspec.Struct, kw_only=True):
    """A table while it is filled."""

    rows: list[Record] = []
    columns: dict[str, None] = {}
    parent: str = ""
    is_parent: bool = False


def shred(source: str, tables: Mapping[str, Iterable[Any]]) -> dict[str, Flat]:
    """Return the rows of some tables, and those nested in them, as flat tables by name.

    A list within a row becomes the table ``outer.inner``, each of its rows with the number of the
    row it stands in. An object within a row becomes columns ``outer.inner``.

    Raises
    ------
    Invalid
        Rows are nested too deep, or are too many, or no objects.
    """
    flat: dict[str, Flat] = {}
    for name, rows in tables.items():
        flat.setdefault(name, Flat())
        for row in rows:
            _put(source, name, row, None, flat, 0)
    return flat


def _put(
    source: str, name: str, row: Any, parent: int | None, flat: dict[str, Flat], depth: int
) -> None:
    table = flat.setdefault(name, Flat())
    if sum(len(each.rows) for each in flat.values()) >= ROWS_SHREDDED_MAX:
        raise _fault(source, name, f"at most {ROWS_SHREDDED_MAX} rows", "more")
    number = len(table.rows)
    record: Record = {} if parent is None else {PARENT_ID: parent}
    table.rows.append(record)
    lists: list[tuple[str, list[Any]]] = []
    _fields(source, name, "", row if isinstance(row, dict) else {VALUE: row}, record, lists, depth)
    for inner, items in lists:
        below = flat.setdefault(f"{name}.{inner}", Flat())
        below.parent, table.is_parent = name, True
        for item in items:
            _put(source, f"{name}.{inner}", item, number, flat, depth + 1)
    if len(table.columns) + len(record) > COLUMNS_MAX:
        wide = len(table.columns | dict.fromkeys(record))
        if wide > COLUMNS_MAX:
            raise _fault(source, name, f"at most {COLUMNS_MAX} columns", str(wide))
    table.columns.update(dict.fromkeys(record))


def _fields(
    source: str, table: str, before: str, row: dict[str, Any], record: Record,
    lists: list[tuple[str, list[Any]]], depth: int,
) -> None:  # fmt: skip
    if depth > DEPTH_MAX:
        raise _fault(source, table, f"at most {DEPTH_MAX} objects within each other", "more")
    for key, value in row.items():
        name = f"{before}{key}"
        match value:
            case dict():
                _fields(source, table, f"{name}.", value, record, lists, depth + 1)
            case list() | tuple():
                lists.append((name, list(value)))
            case str() | int() | float() | bool() | None:
                record[name] = value
            case _:
                record[name] = str(value)


def raws_of(flat: Mapping[str, Flat]) -> tuple[Raw, ...]:
    """Return flat tables as a source hands them out; rows that others stand in are numbered."""
    return tuple(_raw(name, table) for name, table in flat.items())


def _raw(name: str, table: Flat) -> Raw:
    columns = tuple(table.columns)
    rows: list[tuple[Scalar, ...]] = [
        tuple(row.get(column) for column in columns) for row in table.rows
    ]
    if table.is_parent:
        columns = (ROW_ID, *columns)
        rows = [(number, *row) for number, row in enumerate(rows)]
    return Raw(
        name=name,
        columns=columns,
        rows=tuple(rows),
        count=len(table.rows),
        keys=(ROW_ID,) if table.is_parent else (),
        refers={PARENT_ID: (table.parent, ROW_ID)} if table.parent else {},
        parent=table.parent,
    )


def _fault(source: str, table: str, expected: str, found: str) -> Invalid:
    return Invalid(
        Fault(
            source=source,
            path=table,
            expected=expected,
            found=found,
            hint="Point the source at a smaller part of the data.",
        )
    )
