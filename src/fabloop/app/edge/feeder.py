"""Passes bulks on from the fast lane to the slow one, never waiting for it."""

import os
import select
import socket
import time
from collections.abc import Callable, Iterable

from fabloop.adapters.bulks import connected
from fabloop.app.edge.link import Outlet
from fabloop.base.errors import FabloopError

HELD_BACK_BYTES_MAX = 64 * 2**20
"""Bulks that wait while the slow lane is busy: minutes of one machine. More are dropped."""
RECONNECT_NS = 50_000_000


class Feeder:
    """A connection to the slow lane of the group, made again whenever that begins anew.

    Parameters
    ----------
    begins_with : frames that a new connection has to begin with
    hears : what to do with bytes that come back; they are frames of variables
    """

    def __init__(
        self,
        address: str,
        begins_with: Callable[[], Iterable[bytes]],
        hears: Callable[[bytes], None],
    ) -> None:
        self.dropped = 0
        self._address = address
        self._begins_with = begins_with
        self._hears = hears
        self._link: socket.socket | None = None
        self._outlet: Outlet | None = None
        self._next_try_ns = 0
        self._held: list[bytes] = []
        self._held_bytes = 0

    @property
    def waits(self) -> bool:
        """Whether something is left to pass on."""
        return self._outlet is not None and self._outlet.waits

    def put(self, frame: bytes) -> None:
        """Pass a frame on; it waits, within a limit, until the slow lane takes it."""
        self.flush()
        try:
            if self._outlet is not None:
                before = self._outlet.dropped
                self._outlet.put(frame)
                self.dropped += self._outlet.dropped - before
                return
        except OSError:
            self._cut()
        if self._held_bytes + len(frame) > HELD_BACK_BYTES_MAX:
            self.dropped += 1
            return
        self._held.append(frame)
        self._held_bytes += len(frame)

    def flush(self) -> None:
        """Pass on what waits, hear what came back, connect where nobody is connected."""
        try:
            if self._link is None:
                self._connect()
            if self._outlet is not None and self._link is not None:
                self._outlet.flush()
                if select.select([self._link], [], [], 0)[0]:
                    received = self._link.recv(2**16)
                    if not received:
                        self._cut()
                    self._hears(received)
        except OSError:
            self._cut()

    def _connect(self) -> None:
        now = time.monotonic_ns()
        if now < self._next_try_ns:
            return
        self._next_try_ns = now + RECONNECT_NS
        if not os.path.exists(self._address.partition(":")[2]):  # noqa: PTH110  # a hot path
            return
        try:
            self._link = connected(self._address)
        except FabloopError:
            return
        self._link.settimeout(0.0)
        self._outlet = Outlet(self._link, HELD_BACK_BYTES_MAX)
        for frame in self._begins_with():
            self._outlet.put(frame, needed=True)
        held, self._held, self._held_bytes = self._held, [], 0
        for frame in held:
            self._outlet.put(frame, needed=True)

    def _cut(self) -> None:
        if self._link is not None:
            self._link.close()
        self._link = self._outlet = None
