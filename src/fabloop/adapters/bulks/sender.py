"""Sends bulks to the edge, as the program of a control does it."""

import select
import socket
import time
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from fabloop.adapters.bulks.frame import (
    Announcement,
    BulkFrame,
    FrameReader,
    Malformed,
    VariableFrame,
    announcement_bytes,
    bulk_bytes,
    names_hash,
)
from fabloop.adapters.bulks.socket_address import connected
from fabloop.base.errors import FabloopError, Unavailable
from fabloop.base.instant import Instant


class SenderCounts(msgspec.Struct, kw_only=True):
    """What became of the bulks; the edge sees those that were dropped as a gap."""

    sent: int = 0
    dropped: int = 0
    reconnects: int = 0


class BulkSender:
    """A connection that is made when needed and made again when it breaks.

    A control does not wait: a bulk that cannot be sent within `patience_s` is dropped and
    counted, and so is every bulk while nobody listens.

    Parameters
    ----------
    same_computer : the edge shares our monotonic clock, so that it can measure the whole path
    """

    def __init__(
        self,
        address: str,
        announcement: Announcement,
        *,
        patience_s: float = 0.0,
        same_computer: bool = True,
    ) -> None:
        self.counts = SenderCounts()
        self._address = address
        self._announcement = announcement
        self._hash = names_hash(announcement)
        self._patience_s = patience_s
        self._same_computer = same_computer
        self._socket: socket.socket | None = None
        self._was_connected = False
        self._unsent = b""
        self._reader = FrameReader()

    def send(
        self,
        *,
        sequence: int,
        start: Instant,
        step_ns: int,
        trigger: NDArray[np.int64],
        values: NDArray[np.floating[Any]],
    ) -> bool:
        """Send a bulk; tell whether it is on its way."""
        frame = bulk_bytes(
            BulkFrame(
                machine=self._announcement.machine,
                names_hash=self._hash,
                sequence=sequence,
                start=start,
                step_ns=step_ns,
                sent_ns=time.monotonic_ns() if self._same_computer else 0,
                trigger=trigger,
                values=values,
            )
        )
        if self._passed(frame):
            self.counts.sent += 1
            return True
        self.counts.dropped += 1
        return False

    def variables(self) -> tuple[VariableFrame, ...]:
        """Return the user variables that apps have set since the last call."""
        found: list[VariableFrame] = []
        link = self._socket
        while link is not None and select.select([link], [], [], 0)[0]:
            try:
                count = link.recv_into(self._reader.room())
                found += [
                    frame
                    for frame, _ in self._reader.filled(count)
                    if isinstance(frame, VariableFrame)
                ]
            except (OSError, Malformed):
                count = 0
            if count == 0:
                self._cut()
                break
        return tuple(found)

    def close(self) -> None:
        """End the connection."""
        self._cut()

    def _passed(self, frame: bytes) -> bool:
        try:
            link = self._link()
            if self._unsent and not self._flushed(link):
                return False
            self._unsent = frame
            if self._flushed(link):
                return True
            if len(self._unsent) == len(frame):  # not begun: it can be left out
                self._unsent = b""
                return False
        except (OSError, FabloopError):
            self._cut()
            return False
        return True

    def _flushed(self, link: socket.socket) -> bool:
        """Send what is left; a frame that was begun is ended before the next."""
        deadline = time.monotonic() + self._patience_s
        while self._unsent:
            try:
                self._unsent = self._unsent[link.send(self._unsent) :]
            except BlockingIOError:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                select.select([], [link], [], left)
        return True

    def _link(self) -> socket.socket:
        if self._socket is None:
            link = connected(self._address)
            self.counts.reconnects += self._was_connected
            self._was_connected = True
            link.sendall(announcement_bytes(self._announcement))
            link.settimeout(0.0)
            self._socket = link
            self._reader = FrameReader()
            self._unsent = b""
        return self._socket

    def _cut(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def await_listener(self, timeout_s: float) -> None:
        """Wait until the edge listens.

        Raises
        ------
        Unavailable
            It does not within the time.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                self._link()
            except Unavailable:
                if time.monotonic() >= deadline:
                    raise
                select.select([], [], [], 0.02)
            else:
                return
