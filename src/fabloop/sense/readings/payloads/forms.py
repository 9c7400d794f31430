"""Forms: how readings are written down in a payload."""

from enum import StrEnum

import msgspec


class Layout(StrEnum):
    """What stands in one payload."""

    SINGLE = "single"
    """One reading: a bare number, or an object of value, time and quality."""
    ROWS = "rows"
    """A list of readings: ``[time, name, value]``, ``[time, name, value, quality]`` or objects."""
    COLUMNS = "columns"
    """An object of lists: times, names, values, qualities; or times and a list for each name."""
    BINARY = "binary"
    """A MessagePack map of little-endian columns, see `binary`."""


class Encoding(StrEnum):
    """How rows, columns and single readings are encoded."""

    JSON = "json"
    MSGPACK = "msgpack"


class TimeUnit(StrEnum):
    """Unit of the numbers that stand for times since 1970 in UTC."""

    SECONDS = "s"
    MILLISECONDS = "ms"
    MICROSECONDS = "us"
    NANOSECONDS = "ns"

    @property
    def ns(self) -> int:
        """The nanoseconds in one of it."""
        return _NS[self]


_NS = {
    TimeUnit.SECONDS: 1_000_000_000,
    TimeUnit.MILLISECONDS: 1_000_000,
    TimeUnit.MICROSECONDS: 1_000,
    TimeUnit.NANOSECONDS: 1,
}


class Fields(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the sender calls the parts of a reading."""

    time: str = "ts"
    name: str = "name"
    value: str = "value"
    quality: str = "quality"
    unit: str = "unit"


class Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the payloads of one topic, or of one kind of request, are written.

    Attributes
    ----------
    named : each reading says its series; False: all are of one series, which rows leave out
    """

    layout: Layout = Layout.SINGLE
    encoding: Encoding = Encoding.JSON
    time_unit: TimeUnit = TimeUnit.MILLISECONDS
    fields: Fields = Fields()
    named: bool = False
