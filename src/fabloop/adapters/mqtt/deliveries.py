"""Deliveries: which messages are safe to acknowledge, and which came before.

The broker sends a message of QoS 1 again after a broken connection until it hears from us. It is
told only when the readings of the message survive a crash of ours. What comes again before we
acknowledged it is known by its packet identifier, which nothing else can have until then, and
counts once. What comes again although we acknowledged it (the acknowledgement was cut off, or we
crashed) cannot be told from another message that looks alike: it is kept, and the store restates
readings of the same time.
"""

from collections.abc import Sequence

from fabloop.adapters.mqtt.link import Link
from fabloop.adapters.mqtt.packets import Publication


class Deliveries:
    """Messages by batch, until the batch is safe."""

    def __init__(self) -> None:
        self._handed = 0
        self._settled = 0
        self._link: Link | None = None
        self._open: dict[int, list[int]] = {}
        self._seen: dict[int, tuple[int, int]] = {}

    def begin(self, link: Link) -> None:
        """Note a new connection: acknowledgements of the old one are void."""
        self._link = link
        self._open = {}
        if not link.session_present:
            self._seen = {}

    def fresh(self, messages: Sequence[Publication]) -> tuple[list[Publication], int]:
        """Return the messages that did not come before, and the number of the others."""
        again = [each for each in messages if each.again and self._came(each)]
        if not again:
            return list(messages), 0
        for each in again:
            self._owe(self._seen[each.packet][1], [each.packet])
        repeated = {id(each) for each in again}
        return [each for each in messages if id(each) not in repeated], len(again)

    def _came(self, message: Publication) -> bool:
        known = self._seen.get(message.packet)
        return known is not None and known[0] == _mark(message)

    def hand(self, messages: Sequence[Publication], *, readings: int) -> None:
        """Note that messages make up the next batch; without readings there is nothing to keep."""
        packets = [each.packet for each in messages if each.packet]
        batch = self._settled
        if readings:
            self._handed += 1
            batch = self._handed
        for each in messages:
            if each.packet:
                self._seen[each.packet] = _mark(each), batch
        self._owe(batch, packets)

    def _owe(self, batch: int, packets: list[int]) -> None:
        if not packets:
            return
        if batch <= self._settled:
            self._acknowledge(packets)
        else:
            self._open.setdefault(batch, []).extend(packets)

    def settle(self, batches: int) -> None:
        """Acknowledge what was in the first so many batches."""
        safe: list[int] = []
        for batch in range(self._settled + 1, batches + 1):
            safe += self._open.pop(batch, ())
        self._settled = max(self._settled, batches)
        if safe:
            self._acknowledge(safe)

    def _acknowledge(self, packets: list[int]) -> None:
        for each in packets:
            self._seen.pop(each, None)
        if self._link is not None:
            self._link.acknowledge(packets)

    @property
    def open(self) -> int:
        """Batches with messages that the broker still waits for."""
        return len(self._open)


def _mark(message: Publication) -> int:
    return hash((message.topic, message.payload))
