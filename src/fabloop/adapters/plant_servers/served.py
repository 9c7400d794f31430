"""What a server shows of a machine: its variables, their units, and values as they come."""

from enum import StrEnum
from typing import Protocol

import msgspec

from fabloop.base.instant import Instant
from fabloop.sense.readings.quality import GOOD

NAMESPACE = "urn:fabloop:plant"
"""Namespace of all nodes that our OPC UA servers show; node ids are ``UNIT`` and ``UNIT/NAME``."""


class ServedKind(StrEnum):
    """How a variable is shown."""

    GAUGE = "gauge"
    COUNTER = "counter"
    STATE = "state"
    BULK = "bulk"


class ServedVariable(msgspec.Struct, frozen=True, kw_only=True):
    """A variable of a machine; `unit` as on its display.

    Attributes
    ----------
    states : texts of a state, by number
    text_states : whether the state is shown as its text instead of its number
    samples, interval_ns : of a bulk: how many in each value, and how far apart
    """

    name: str
    label: str = ""
    kind: ServedKind = ServedKind.GAUGE
    unit: str = ""
    least: float | None = None
    greatest: float | None = None
    states: tuple[str, ...] = ()
    text_states: bool = False
    samples: int = 0
    interval_ns: int = 0


class ServedUnit(msgspec.Struct, frozen=True, kw_only=True):
    """One work unit on a wire; it takes commands where an actor stands behind it."""

    id: str
    label: str
    equipment_type: str
    variables: tuple[ServedVariable, ...]


class ServedValue(msgspec.Struct, frozen=True):
    """A value of a variable at an instant: one number, or the samples of a bulk.

    `quality` is what the machine says of it (`sense.readings.quality`); NaN may be told as good,
    as real machines do.
    """

    unit: str
    variable: str
    at: Instant
    values: tuple[float, ...]
    quality: int = GOOD


class PlantServer(Protocol):
    """One wire on which machines are shown."""

    async def start(self) -> str:
        """Begin to listen or connect; returns the URL for clients."""
        ...

    async def publish(self, values: list[ServedValue]) -> None:
        """Show new values, in the order in which they came."""
        ...

    async def close(self) -> None:
        """Stop."""
        ...
