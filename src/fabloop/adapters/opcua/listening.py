"""One session: a subscription to all variables, what it brings, and when it was interrupted."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from typing import Any

from asyncua import Client, ua
from asyncua.client.ua_client import UaClientState
from asyncua.common.subscription import DataChangeEvent, StatusChangeEvent, Subscription

from fabloop.adapters.opcua.reading import Told
from fabloop.sense.connections.model import Connection

WAITING_MAX = 20_000
"""Values that wait for the store; beyond, the server is told to hold back until half are gone."""
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
        self._held_back = False
        self._tasks: list[asyncio.Task[None]] = []
        self._positions: dict[int, int] = {}
        self._nodes: dict[ua.NodeId, int] = {}
        self.arrived = asyncio.Event()
        self.interruptions = 0
        self.away = False

    async def begin(self, nodes: Sequence[ua.NodeId | None]) -> dict[int, str]:
        """Subscribe; return which variables (by position) the server refuses, and why."""
        connection = self._connection
        period_ms = connection.every_ns / 1e6
        params = ua.CreateSubscriptionParameters()
        params.RequestedPublishingInterval = period_ms
        params.RequestedMaxKeepAliveCount = max(1, round(KEEP_ALIVE_S * 1e3 / period_ms))
        params.RequestedLifetimeCount = max(10, round(LIFETIME_S * 1e3 / period_ms))
        params.MaxNotificationsPerPublish = 10_000
        params.PublishingEnabled = True
        self._tasks.append(asyncio.create_task(self._watch()))
        self._subscription = await self._client.create_subscription(params, queue_maxsize=0)
        self._tasks.append(asyncio.create_task(self._receive(self._subscription)))
        refused: dict[int, str] = {}
        alike: dict[tuple[int, int], list[int]] = {}
        for position, node in enumerate(nodes):
            if node is None:
                refused[position] = "BadNodeIdUnknown (its namespace is not there)"
                continue
            self._nodes[node] = position
            variable = connection.variables[position]
            alike.setdefault((variable.every_ns, variable.queue), []).append(position)
        for (every_ns, queue), positions in alike.items():
            results = await self._subscription.subscribe_data_change(
                [self._client.get_node(nodes[each]) for each in positions],
                queuesize=queue, sampling_interval=every_ns / 1e6,
            )  # fmt: skip
            for position, result in zip(positions, results, strict=True):
                if isinstance(result, ua.StatusCode):
                    refused[position] = str(result.name)
        return refused

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
                self._waiting.append((self._position(event), event.data.monitored_item.Value))
                if len(self._waiting) > WAITING_MAX and not self._held_back:
                    self._held_back = True
                    await self._publish(going_on=False)
            elif isinstance(event, StatusChangeEvent) and not self.away:
                with contextlib.suppress(ua.UaError, OSError, TimeoutError):
                    await subscription.recreate()  # its lifetime has ended at the server
            self.arrived.set()

    def _position(self, event: Any) -> int:
        handle = event.data.monitored_item.ClientHandle
        position = self._positions.get(handle)
        if position is None:
            position = self._positions[handle] = self._nodes[event.node.nodeid]
        return position

    async def _publish(self, *, going_on: bool) -> None:
        if self._subscription is not None:
            with contextlib.suppress(ua.UaError, OSError, TimeoutError):
                await self._subscription.set_publishing_mode(going_on)
