"""Values that a server kept for us while we were away."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from asyncua import Client, ua

from fabloop.adapters.opcua.reading import Told, nanoseconds
from fabloop.base.instant import Instant

NODES_PER_REQUEST = 50
VALUES_PER_NODE = 2_000
"""Values of one variable that are asked for at once."""
REQUESTS_MAX = 10_000
"""Requests for one gap; what lies beyond is a loss that is told."""
HISTORY_READ_BIT = 4
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Missing:
    """A variable whose values after an instant are wanted."""

    position: int
    node: ua.NodeId
    after: Instant


async def with_history(client: Client, nodes: Sequence[ua.NodeId]) -> list[bool]:
    """Return of each node whether the server keeps history that we may read."""
    found: list[bool] = []
    for some in _chunks(nodes):
        levels = await client.uaclient.read_attributes(list(some), ua.AttributeIds.UserAccessLevel)
        found.extend(_may_read(each) for each in levels)
    return found


def _may_read(level: ua.DataValue) -> bool:
    if level.Value is None or not isinstance(level.Value.Value, int):
        return False
    return bool(level.Value.Value & HISTORY_READ_BIT)


async def kept_values(
    client: Client, missing: Sequence[Missing], until: Instant
) -> AsyncIterator[list[Told]]:
    """Yield the values after each variable's instant, oldest first for each variable.

    Raises
    ------
    asyncua.ua.UaError
        The server cannot read history after all, or there is too much of it.
    """
    requests = 0
    for some in _chunks(missing):
        waiting = {each.position: each for each in some}
        while waiting:
            requests += 1
            if requests > REQUESTS_MAX:
                raise ua.UaError(f"more than {REQUESTS_MAX} requests for one gap")
            page = await _page(client, list(waiting.values()), until)
            told: list[Told] = []
            for position, values in page.items():
                after = waiting[position]
                fresh = [each for each in values if _time(each) > after.after]
                told.extend((position, each) for each in fresh)
                if len(values) < VALUES_PER_NODE or not fresh:
                    del waiting[position]
                else:
                    newest = Instant(max(map(_time, fresh)))
                    waiting[position] = Missing(position, after.node, newest)
            if told:
                yield told


async def _page(
    client: Client, missing: Sequence[Missing], until: Instant
) -> dict[int, list[ua.DataValue]]:
    """Return the next values of each variable, at most `VALUES_PER_NODE` of each."""
    found: dict[int, list[ua.DataValue]] = {}
    by_start: dict[Instant, list[Missing]] = {}
    for each in missing:
        by_start.setdefault(each.after, []).append(each)
    for start, alike in by_start.items():
        details = ua.ReadRawModifiedDetails()
        details.IsReadModified = False
        details.StartTime, details.EndTime = _moment(start), _moment(until)
        details.NumValuesPerNode = VALUES_PER_NODE
        details.ReturnBounds = False
        params = ua.HistoryReadParameters()
        params.HistoryReadDetails = details
        params.TimestampsToReturn = ua.TimestampsToReturn.Both
        params.ReleaseContinuationPoints = False
        params.NodesToRead = [_wanted(each.node) for each in alike]
        results = await client.uaclient.history_read(params)
        for each, result in zip(alike, results, strict=True):
            result.StatusCode.check()
            data: Any = result.HistoryData
            values = getattr(data, "DataValues", None) or []
            found[each.position] = [value for value in values if value.SourceTimestamp is not None]
        await _release(client, alike, results, details)
    return found


async def _release(
    client: Client,
    alike: Sequence[Missing],
    results: Sequence[ua.HistoryReadResult],
    details: ua.ReadRawModifiedDetails,
) -> None:
    """Give up continuation points: we go on by time, which a server may forget less easily."""
    open_ones = [
        _wanted(each.node, result.ContinuationPoint)
        for each, result in zip(alike, results, strict=True)
        if result.ContinuationPoint
    ]
    if not open_ones:
        return
    params = ua.HistoryReadParameters()
    params.HistoryReadDetails = details
    params.ReleaseContinuationPoints = True
    params.NodesToRead = open_ones
    await client.uaclient.history_read(params)


def _wanted(node: ua.NodeId, continuation: bytes | None = None) -> ua.HistoryReadValueId:
    wanted = ua.HistoryReadValueId()
    wanted.NodeId = node
    wanted.ContinuationPoint = continuation
    return wanted


def _time(value: ua.DataValue) -> int:
    return nanoseconds(value.SourceTimestamp)


def _moment(at: Instant) -> datetime:
    return EPOCH + timedelta(microseconds=at // 1_000)


def _chunks(items: Sequence[Any]) -> list[Sequence[Any]]:
    return [items[n : n + NODES_PER_REQUEST] for n in range(0, len(items), NODES_PER_REQUEST)]
