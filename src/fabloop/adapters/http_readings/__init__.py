"""HTTP: batches of readings posted to us, answered with 202 when they are safe.

It needs Starlette and uvicorn: ``pip install 'fabloop[http]'``.
"""

from fabloop.base.errors import Refused

try:
    import starlette  # noqa: F401  # asked for here: one sentence says what lacks
except ModuleNotFoundError as error:
    raise Refused(
        "Expected the extra 'http' for readings over HTTP, but found that it is not installed. "
        "Run: pip install 'fabloop[http]'"
    ) from error

from fabloop.adapters.http_readings.config import HttpReadings
from fabloop.adapters.http_readings.source import HttpSource

__all__ = ["HttpReadings", "HttpSource"]
