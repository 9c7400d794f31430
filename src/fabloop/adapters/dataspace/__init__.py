"""Sources of data behind one question: databases, files, HTTP, streams, NGSI-LD, RDF, by DuckDB.

It needs DuckDB and pyarrow: ``pip install 'fabloop[dataspace]'``.
"""

from fabloop.base.errors import Refused

try:
    import duckdb  # noqa: F401  # as well
    import pyarrow as pa  # noqa: F401  # asked for here: one sentence says what lacks
except ModuleNotFoundError as error:
    raise Refused(
        "Expected the extra 'dataspace' for sources of data, but found that it is not installed. "
        "Run: pip install 'fabloop[dataspace]'"
    ) from error

from fabloop.adapters.dataspace.sources import Found, NothingAt, Over, Sources

__all__ = ["Found", "NothingAt", "Over", "Sources"]
