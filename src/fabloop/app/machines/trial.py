"""Try a connection out: which variables tell something, and what is wrong."""

import asyncio
from collections.abc import Sequence

import msgspec
import numpy as np

from fabloop.base.instant import Instant
from fabloop.sense.connections.model import Connection
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.ports import ReadingSource, SourceHealth
from fabloop.sense.readings.series import Catalogue


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """The newest reading of a series; `value` is in SI, None where it is bad."""

    work_unit: str
    name: str
    address: str
    readings: int
    value: float | None
    unit: str
    quality: int
    at: Instant
    state: str = ""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a connection while it was listened to."""

    connection: str
    heard: tuple[Heard, ...]
    silent: tuple[str, ...]
    health: SourceHealth


async def try_out(connection: Connection, source: ReadingSource, seconds: float) -> Trial:
    """Listen to a source for a while, or until every variable told something."""
    catalogue = Catalogue()
    batches: list[Batch] = []
    heard: set[int] = set()

    async def listen() -> None:
        async for batch in source.batches(catalogue):
            batches.append(batch)
            heard.update(np.unique(batch.series).tolist())
            if len(catalogue) and len(heard) == len(catalogue):
                return

    listening = asyncio.create_task(listen())
    await asyncio.wait([listening], timeout=seconds)
    health = source.health()
    source.close()
    await listening
    return _summed(connection, catalogue, batches, health)


def _summed(
    connection: Connection, catalogue: Catalogue, batches: Sequence[Batch], health: SourceHealth
) -> Trial:
    counts: dict[int, int] = {}
    newest: dict[int, tuple[int, float, int]] = {}
    for batch in batches:
        columns = zip(
            batch.series.tolist(), batch.times.tolist(), batch.values.tolist(),
            batch.quality.tolist(), strict=True,
        )  # fmt: skip
        for number, at, value, quality in columns:
            counts[number] = counts.get(number, 0) + 1
            if number not in newest or at >= newest[number][0]:
                newest[number] = (at, value, quality)
    told: list[Heard] = []
    silent: list[str] = []
    for number, series in enumerate(catalogue):
        if number not in newest:
            silent.append(series.address)
            continue
        at, value, quality = newest[number]
        good = value == value  # NaN is not itself
        named = good and 0 <= value < len(series.states)
        state = series.states[int(value)] if named else ""
        told.append(
            Heard(
                work_unit=series.work_unit, name=series.name, address=series.address,
                readings=counts[number], value=value if good else None,
                unit=series.dimension.unit if series.dimension else "", quality=quality,
                at=Instant(at), state=state,
            )
        )  # fmt: skip
    if not len(catalogue):
        silent = [each.address for each in connection.variables]
    return Trial(connection=connection.id, heard=tuple(told), silent=tuple(silent), health=health)
