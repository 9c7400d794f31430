"""Modbus TCP: registers of a map, read in groups, at intervals."""

from fabloop.base.errors import Unavailable

try:
    import pymodbus as _pymodbus  # noqa: F401
except ImportError as error:
    raise Unavailable(
        "Expected the Modbus library, but found none. Install it: pip install 'fabloop[modbus]'."
    ) from error

from fabloop.adapters.modbus.source import ModbusSource

__all__ = ["ModbusSource"]
