"""What is known of sources before anything is asked of them: tables, columns, keys and links."""

from enum import StrEnum

import msgspec

from fabloop.model.ids import SourceId

Scalar = str | int | float | bool | None
Record = dict[str, Scalar]
"""A row of a table by column; instants are ISO 8601 texts."""


class ColumnKind(StrEnum):
    """What the values of a column are."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    INSTANT = "instant"
    QUANTITY = "quantity"
    TEXT = "text"

    @property
    def is_numeric(self) -> bool:
        """Whether one can calculate with the values."""
        return self in (ColumnKind.INTEGER, ColumnKind.NUMBER, ColumnKind.QUANTITY)


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a table, as a bounded sample of its rows shows it.

    Attributes
    ----------
    kind : ``quantity`` are texts of a number and a unit, such as ``75 g``
    unit : of all values; `unit_from` is the column of the table that holds the unit of each row
    means : what it means in other words, from a person or a vocabulary
    filled : share of rows that have a value
    distinct : number of different values in the sample
    values : different values as text, the least by hash first: samples of two columns compare
    whole : whether `values` are all values of the sample
    quantiles : of numbers, at 0, 0.1 ... 1
    length : mean number of characters
    """

    name: str
    kind: ColumnKind
    unit: str = ""
    unit_from: str = ""
    means: str = ""
    filled: float = 1.0
    distinct: int = 0
    values: tuple[str, ...] = ()
    whole: bool = True
    quantiles: tuple[float, ...] = ()
    length: float = 0.0


class Place(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A column of a table."""

    table: str
    column: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"


class LinkKind(StrEnum):
    """How one knows that rows of two tables belong together."""

    NESTED = "nested"
    DECLARED = "declared"
    FOUND = "found"
    ANSWERED = "answered"


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of two tables belong together where two of their columns are equal.

    Attributes
    ----------
    one : the side on which a value stands in one row at most
    folded : texts are compared without case and outer blanks
    overlap : share of the values of `many` that are found at `one`
    """

    many: Place
    one: Place
    kind: LinkKind
    confidence: float
    overlap: float = 1.0
    folded: bool = False


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one form in a source; its name is ``source.table`` wherever sources meet.

    Attributes
    ----------
    rows : how many were seen; `whole` tells whether these are all
    keys : columns of which each tells a row apart
    parent : the table that these rows are nested in
    """

    name: str
    source: SourceId
    columns: tuple[Column, ...]
    rows: int
    whole: bool = True
    keys: tuple[str, ...] = ()
    parent: str = ""

    def column(self, name: str) -> Column | None:
        """Return the column of that name, if there is one."""
        return next((each for each in self.columns if each.name == name), None)


class Schema(msgspec.Struct, frozen=True, kw_only=True):
    """All tables of a data space and how they hang together.

    `silent` tells which sources did not answer, and why.
    """

    tables: dict[str, Table]
    links: tuple[Link, ...] = ()
    silent: dict[str, str] = {}

    def column(self, place: Place) -> Column | None:
        """Return a column, None where there is none of that name."""
        table = self.tables.get(place.table)
        return None if table is None else table.column(place.column)


class Raw(msgspec.Struct, frozen=True, kw_only=True):
    """A table as a source hands it out to be looked at: a bounded sample of its rows.

    Attributes
    ----------
    columns : in order; `types` are the source's words for what they hold, where it has any
    keys : columns that the source declares to be unique
    refers : column to the table and column of the same source that it refers to
    units_from : column to the column that holds the unit of each row
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Scalar, ...], ...]
    count: int
    types: dict[str, str] = {}
    keys: tuple[str, ...] = ()
    refers: dict[str, tuple[str, str]] = {}
    units_from: dict[str, str] = {}
    parent: str = ""
