"""OPC UA: readings by subscription, history after a gap, jobs by method calls."""

from fabloop.base.errors import Unavailable

try:
    import asyncua as _asyncua  # noqa: F401
except ImportError as error:
    raise Unavailable(
        "Expected the OPC UA library, but found none. Install it: pip install 'fabloop[opcua]'."
    ) from error

from fabloop.adapters.opcua.actor import OpcUaActor
from fabloop.adapters.opcua.browse import browse
from fabloop.adapters.opcua.pki import Pki
from fabloop.adapters.opcua.source import OpcUaSource

__all__ = ["OpcUaActor", "OpcUaSource", "Pki", "browse"]
