"""Work units on MQTT: one message of columns for each work unit and step of time."""

import math
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from fabloop.adapters.plant_servers.served import (
    ServedKind,
    ServedUnit,
    ServedValue,
    ServedVariable,
)
from fabloop.sense.readings.quality import BAD, STATUS_MASK

Publish = Callable[[str, bytes], Awaitable[None]]
"""Hands a payload to the broker under a topic; done when the broker has it."""


class MqttPlant:
    """Publishes values of work units under ``PREFIX/UNIT`` as columns of JSON, times in ns.

    A sample of a bulk is a reading of its own; the text of a state stands for its number.
    """

    def __init__(
        self,
        units: Sequence[ServedUnit],
        *,
        url: str,
        connect: Callable[[], Awaitable[Publish]],
        close: Callable[[], Awaitable[None]],
        prefix: str = "plant",
    ) -> None:
        self._url = url
        self._connect = connect
        self._close = close
        self._prefix = prefix
        self._publish: Publish | None = None
        self._variables = {(unit.id, each.name): each for unit in units for each in unit.variables}

    async def start(self) -> str:
        """Connect to the broker; returns its URL."""
        self._publish = await self._connect()
        return self._url

    async def publish(self, values: list[ServedValue]) -> None:
        """Publish values, one message for each unit; waits until the broker has them."""
        assert self._publish is not None, "publish before start"
        by_unit: dict[str, list[ServedValue]] = {}
        for each in values:
            by_unit.setdefault(each.unit, []).append(each)
        for unit, told in by_unit.items():
            payload = columns_of(told, self._variables)
            await self._publish(f"{self._prefix}/{unit}", msgspec.json.encode(payload))

    async def close(self) -> None:
        """End the connection."""
        await self._close()


def columns_of(
    told: Sequence[ServedValue], variables: dict[tuple[str, str], ServedVariable]
) -> dict[str, list[int] | list[str] | list[float | str | None]]:
    """Return the columns of a message: ``ts``, ``name``, ``value`` and ``quality``."""
    times: list[int] = []
    names: list[str] = []
    values: list[float | str | None] = []
    quality: list[int] = []
    for each in told:
        variable = variables[each.unit, each.variable]
        last = len(each.values) - 1
        for number, value in enumerate(each.values):
            times.append(each.at - (last - number) * variable.interval_ns)
            names.append(each.variable)
            values.append(_shown(value, variable, each.quality))
            quality.append(each.quality)
    return {"ts": times, "name": names, "value": values, "quality": quality}


def _shown(value: float, variable: ServedVariable, quality: int) -> float | str | None:
    if quality & STATUS_MASK == BAD or not math.isfinite(value):
        return None
    if variable.kind is ServedKind.STATE:
        return variable.states[int(value)]
    return value
