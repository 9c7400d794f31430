"""What every source of data can do: show itself, and hand out rows of a table."""

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from fabloop.base.errors import Fault, Invalid, NotFound, Unavailable
from fabloop.dataspace.profile import text_of_value
from fabloop.dataspace.query import Where
from fabloop.dataspace.schema import Raw, Scalar
from fabloop.dataspace.shred import Flat, raws_of

TABLES_MAX = 500
"""Tables of one source."""
BYTES_MAX = 64 * 1024 * 1024
"""Bytes of a file or answer that is read as a whole."""

Rows = list[tuple[Scalar, ...]]


class Access(Protocol):
    """One source, opened. Between `begin` and the next `begin` it shows one state."""

    def begin(self) -> None:
        """Forget what was read: what is asked from now on is as the source is now."""
        ...

    def look(self, sample: int, only: frozenset[str] | None = None) -> tuple[Raw, ...]:
        """Return all tables, or `only` some, each with at most `sample` of its rows.

        Raises Unavailable where the source does not answer, Invalid where it cannot be read.
        """
        ...

    def rows(self, table: str, columns: Sequence[str], where: Sequence[Where], limit: int) -> Rows:
        """Return at most `limit` rows; those that fit all of `where`, and perhaps others."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


Read = Callable[[], tuple[Raw, ...]]
"""Returns all rows of all tables of a source as they are now."""


class Held:
    """A source that is read as a whole, then asked in memory."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._raws: tuple[Raw, ...] | None = None

    def begin(self) -> None:
        """Forget what was read."""
        self._raws = None

    def look(self, sample: int, only: frozenset[str] | None = None) -> tuple[Raw, ...]:
        """Return tables with their first rows."""
        return tuple(
            msgspec.structs.replace(each, rows=each.rows[:sample])
            for each in self._all()
            if only is None or each.name in only
        )

    def rows(self, table: str, columns: Sequence[str], where: Sequence[Where], limit: int) -> Rows:
        """Return the rows that fit."""
        raw = next((each for each in self._all() if each.name == table), None)
        if raw is None:
            raise gone(table)
        at = [_index(raw, name) for name in columns]
        tests = [(_index(raw, each.column), frozenset(each.values)) for each in where]
        found: Rows = []
        for row in raw.rows:
            if all(text_of_value(row[i]) in values for i, values in tests):
                found.append(tuple(row[i] for i in at))
                if len(found) == limit:
                    break
        return found

    def close(self) -> None:
        """Nothing is held open."""

    def _all(self) -> tuple[Raw, ...]:
        if self._raws is None:
            self._raws = self._read()
        return self._raws


def _index(raw: Raw, column: str) -> int:
    if column not in raw.columns:
        raise gone(f"{raw.name}.{column}")
    return raw.columns.index(column)


def gone(what: str) -> NotFound:
    """Return the error for what was there when the mapping was made."""
    return NotFound(
        f"Expected '{what}' in the source, but it is gone. Profile the sources anew: "
        "fabloop data profile."
    )


def held_raws(flat: dict[str, Flat]) -> tuple[Raw, ...]:
    """Return shredded rows as tables, at most `TABLES_MAX`."""
    return within_limit(raws_of(flat))


def within_limit(raws: tuple[Raw, ...]) -> tuple[Raw, ...]:
    """Return tables, of which there may be `TABLES_MAX`."""
    if len(raws) > TABLES_MAX:
        raise Invalid(
            Fault(source="source", path="", expected=f"at most {TABLES_MAX} tables",
                  found=str(len(raws)), hint="Read a part of it as a source of its own.")
        )  # fmt: skip
    return raws


def scalar_of(value: Any) -> Scalar:
    """Return a value of a database as text, number or truth."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case bytes() | memoryview():
            return bytes(value).hex()
        case _:
            return str(value)


def silent(source: str, why: object, what_to_do: str) -> Unavailable:
    """Return the error for a source that does not answer."""
    reason = " ".join(str(why).split()) or type(why).__name__
    return Unavailable(f"Expected the source '{source}' to answer, but {reason}. {what_to_do}")
