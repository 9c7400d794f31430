"""Recordings: what the columns of a table of readings are, and how fast it is played."""

from enum import StrEnum

import msgspec

from fabloop.sense.readings.described import SeriesRule
from fabloop.sense.readings.payloads.forms import TimeUnit


class Layout(StrEnum):
    """How readings stand in a table."""

    LONG = "long"
    """One reading a row: time, name, value and perhaps quality."""
    WIDE = "wide"
    """One time a row, with a column for each series; an empty cell is no reading."""


class Recording(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of readings.

    Attributes
    ----------
    source : the name under which it is configured, `Series.source` of all that it tells
    file : ``*.csv`` (with a header, in UTF-8) or ``*.parquet``
    time, name, value, quality : what the columns are called; `quality` may be absent
    time_unit : of times that are numbers; texts are ISO 8601 with an offset
    work_unit : of series whose name has no ``work unit/`` before it
    speed : 1: in the time in which it was recorded; 60: a minute a second; None: as fast as can be
    from_now : times are moved so that the first reading is now
    """

    source: str
    file: str
    layout: Layout = Layout.LONG
    time: str = "time"
    name: str = "name"
    value: str = "value"
    quality: str = "quality"
    time_unit: TimeUnit = TimeUnit.MILLISECONDS
    work_unit: str = ""
    speed: float | None = None
    from_now: bool = False
    series: tuple[SeriesRule, ...] = ()

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns that must be there."""
        return (self.time,) if self.layout is Layout.WIDE else (self.time, self.name, self.value)
