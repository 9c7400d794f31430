"""One session: a subscription to all variables, what it brings, and when it was interrupted."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from typing import Any

from asyncua import Client, ua
from asyncua.client.ua_client import UaClientState
from asyncua.common.subscription import (
    DataChangeEvent,
    OpcEvent,
    StatusChangeEvent,
    Subscription,
)

from fabloop.adapters.opcua.alarms import event_filter, refresh
from fabloop.adapters.opcua.reading import Told
from fabloop.sense.connections.model import Connection

WAITING_MAX = 20_000
"""Values that wait for the store; beyond, the server is told to hold back until half are gone."""
EVENTS_MAX = 10_000
"""Events that wait to be read; more are lost, and counted."""
EVENTS_QUEUE_MAX = 10_000
"""Events that the server holds for us between two sendings."""
EVENTS_HANDLE = 0x7FFF_0000
"""Beyond the handles of all variables."""
NOTIFICATIONS_MAX = 10_000
ITEMS_PER_REQUEST = 1_000
FIRST_HANDLE = 1
ALARMS = -1
"""Stands for the alarms among the positions of variables."""
KEEP_ALIVE_S = 3.0
"""A server that has nothing to say says so this often; silence of longer means that it is lost."""
LIFETIME_S = 600.0
"""How long the server keeps the subscription and its queues while we are away."""


class Listening:
    """Values of the variables of a connection, in the order in which they came.

    `interruptions` counts how often the session or the subscription was lost and came back;
    `away` is set while it is lost.
    """

    def __init__(self, client: Client, connection: Connection) -> None:
        self._client = client
        self._connection = connection
        self._subscription: Subscription | None = None
        self._waiting: deque[Told] = deque()
        self._events: deque[dict[str, Any]] = deque(maxlen=EVENTS_MAX)
        self.events_lost = 0
        self._held_back = False
        self._tasks: list[asyncio.Task[None]] = []
        self.arrived = asyncio.Event()
        self.interruptions = 0
        self.away = False

    async def begin(self, nodes: Sequence[ua.NodeId | None]) -> dict[int, str]:
        """Subscribe; return which variables (by position) the server refuses, and why."""
        period_ms = self._connection.every_ns / 1e6
        params = ua.CreateSubscriptionParameters()
        params.RequestedPublishingInterval = period_ms
        params.RequestedMaxKeepAliveCount = _keep_alive_count(period_ms)
        params.RequestedLifetimeCount = max(10, round(LIFETIME_S * 1e3 / period_ms))
        params.MaxNotificationsPerPublish = NOTIFICATIONS_MAX
        params.PublishingEnabled = True
        self._tasks.append(asyncio.create_task(self._watch()))
        self._subscription = await self._client.create_subscription(params, queue_maxsize=0)
        await _insist_on_keep_alive(self._subscription)
        self._tasks.append(asyncio.create_task(self._receive(self._subscription)))
        refused: dict[int, str] = {}
        wanted: list[int] = []
        for position, node in enumerate(nodes):
            if node is None:
                refused[position] = "BadNodeIdUnknown (its namespace is not there)"
            else:
                wanted.append(position)
        for start in range(0, len(wanted), ITEMS_PER_REQUEST):
            some = wanted[start : start + ITEMS_PER_REQUEST]
            results = await self._subscription.create_monitored_items(
                [self._item(position, nodes[position]) for position in some]
            )
            for position, result in zip(some, results, strict=True):
                if isinstance(result, ua.StatusCode):
                    refused[position] = str(result.name)
        if self._connection.alarms:
            refused |= await self._listen_to_alarms()
        return refused

    async def _listen_to_alarms(self) -> dict[int, str]:
        """Subscribe to the events of the whole server; -1 stands for them where it refuses."""
        assert self._subscription is not None, "it was made"
        item = ua.MonitoredItemCreateRequest()
        item.ItemToMonitor = ua.ReadValueId()
        item.ItemToMonitor.NodeId = ua.NodeId(ua.ObjectIds.Server)
        item.ItemToMonitor.AttributeId = ua.AttributeIds.EventNotifier
        item.MonitoringMode = ua.MonitoringMode.Reporting
        parameters = ua.MonitoringParameters()
        parameters.ClientHandle = EVENTS_HANDLE
        parameters.SamplingInterval = 0.0
        parameters.QueueSize = EVENTS_QUEUE_MAX
        parameters.DiscardOldest = True
        parameters.Filter = event_filter()
        item.RequestedParameters = parameters
        (result,) = await self._subscription.create_monitored_items([item])
        if isinstance(result, ua.StatusCode):
            return {ALARMS: str(result.name)}
        await self.refresh_alarms()
        return {}

    async def refresh_alarms(self) -> None:
        """Ask for all alarms that stand, as after an interruption."""
        if self._connection.alarms and self._subscription is not None:
            await refresh(self._client, self._subscription.subscription_id)

    def events(self) -> list[dict[str, Any]]:
        """Return the events that have come, each once."""
        found = list(self._events)
        self._events.clear()
        return found

    def _item(self, position: int, node: ua.NodeId) -> ua.MonitoredItemCreateRequest:
        """Return the request for a variable, whose handle is its position.

        Samples are sent whenever they have a new time, even where they are the same numbers; of
        other values only those that differ are.
        """
        variable = self._connection.variables[position]
        item = ua.MonitoredItemCreateRequest()
        item.ItemToMonitor = ua.ReadValueId()
        item.ItemToMonitor.NodeId = node
        item.ItemToMonitor.AttributeId = ua.AttributeIds.Value
        item.MonitoringMode = ua.MonitoringMode.Reporting
        parameters = ua.MonitoringParameters()
        parameters.ClientHandle = FIRST_HANDLE + position
        parameters.SamplingInterval = variable.every_ns / 1e6
        parameters.QueueSize = variable.queue
        parameters.DiscardOldest = True
        if variable.sample_interval_ns:
            parameters.Filter = ua.DataChangeFilter(ua.DataChangeTrigger.StatusValueTimestamp)
        item.RequestedParameters = parameters
        return item

    async def take(self) -> list[Told]:
        """Return what has come; lets the server go on where it was held back."""
        self.arrived.clear()
        taken: list[Told] = []
        while self._waiting and len(taken) < WAITING_MAX // 2:
            taken.append(self._waiting.popleft())
        if self._waiting:
            self.arrived.set()
        if self._held_back and len(self._waiting) < WAITING_MAX // 2:
            self._held_back = False
            await self._publish(going_on=True)
        return taken

    async def end(self) -> None:
        """Stop listening."""
        for each in self._tasks:
            each.cancel()
        for each in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await each

    @property
    def lost(self) -> bool:
        """Whether nobody tries to get the session back any more."""
        return self._client.state is UaClientState.DISCONNECTED

    async def _watch(self) -> None:
        """Note when the session is lost, and when it is back."""
        async with self._client.subscribe_state() as states:
            while True:
                state = await states.next_change()
                if state is UaClientState.CONNECTED:
                    if self.away:
                        self.interruptions += 1
                    self.away = False
                elif state is not UaClientState.DISCONNECTING:
                    self.away = True
                self.arrived.set()

    async def _receive(self, subscription: Subscription) -> None:
        known = subscription.subscription_id
        async for event in subscription:
            if subscription.subscription_id != known:
                known = subscription.subscription_id
                self.interruptions += 1
            if isinstance(event, DataChangeEvent):
                item = event.data.monitored_item
                self._waiting.append((item.ClientHandle - FIRST_HANDLE, item.Value))
                if len(self._waiting) > WAITING_MAX and not self._held_back:
                    self._held_back = True
                    await self._publish(going_on=False)
            elif isinstance(event, OpcEvent):
                self.events_lost += len(self._events) == EVENTS_MAX
                told = event.event
                self._events.append({name: getattr(told, name) for name in told.data_types})
            elif isinstance(event, StatusChangeEvent) and not self.away:
                with contextlib.suppress(ua.UaError, OSError, TimeoutError):
                    await subscription.recreate()  # its lifetime has ended at the server
            self.arrived.set()

    async def _publish(self, *, going_on: bool) -> None:
        if self._subscription is not None:
            with contextlib.suppress(ua.UaError, OSError, TimeoutError):
                await self._subscription.set_publishing_mode(going_on)


def _keep_alive_count(period_ms: float) -> int:
    return max(1, round(KEEP_ALIVE_S * 1e3 / period_ms))


async def _insist_on_keep_alive(subscription: Subscription) -> None:
    """Ask for our keep-alive again: where a server revises the period, the library stretches it."""
    agreed = subscription.parameters
    wanted = _keep_alive_count(agreed.RequestedPublishingInterval)
    if agreed.RequestedMaxKeepAliveCount == wanted:
        return
    again = ua.ModifySubscriptionParameters()
    again.SubscriptionId = subscription.subscription_id
    again.RequestedPublishingInterval = agreed.RequestedPublishingInterval
    again.RequestedLifetimeCount = max(agreed.RequestedLifetimeCount, 3 * wanted)
    again.RequestedMaxKeepAliveCount = wanted
    again.MaxNotificationsPerPublish = NOTIFICATIONS_MAX
    await subscription.update(again)
