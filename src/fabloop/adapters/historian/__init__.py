"""The store of readings on one machine: a hot log, Parquet files by the hour, questions to both.

It needs pyarrow and DuckDB: ``pip install 'fabloop[historian]'``.
"""

from fabloop.base.errors import Refused

try:
    import duckdb  # noqa: F401  # as well
    import pyarrow as pa  # noqa: F401  # asked for here: one sentence says what lacks
except ModuleNotFoundError as error:
    raise Refused(
        "Expected the extra 'historian' for stored readings, but found that it is not installed. "
        "Run: pip install 'fabloop[historian]'"
    ) from error

from fabloop.adapters.historian.historian import Historian, StoreHealth
from fabloop.adapters.historian.layout import Options, Overflow, Retention
from fabloop.adapters.historian.query import Queries
from fabloop.adapters.historian.reader import HistorianReader
from fabloop.adapters.historian.sql import Analyst

__all__ = [
    "Analyst",
    "Historian",
    "HistorianReader",
    "Options",
    "Overflow",
    "Queries",
    "Retention",
    "StoreHealth",
]
