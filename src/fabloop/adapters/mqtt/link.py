"""A link: one connection to a broker, from the first packet to the last; it never reconnects."""

import asyncio
import ssl
from collections.abc import Iterable, Sequence
from typing import Final

from fabloop.adapters.mqtt import packets
from fabloop.adapters.mqtt.broker import Broker
from fabloop.adapters.mqtt.packets import Control, Deframer, Publication, Will
from fabloop.base.errors import NotPermitted, Unavailable

ANSWER_S_MAX = 10.0
"""How long the broker may take to answer what opens a connection, a ping or a subscription."""

INBOX_MAX = 20_000
"""Messages that wait for us before we stop reading, so that the broker holds the rest."""

REASONS: Final = {
    0x81: "malformed packet", 0x82: "protocol error", 0x84: "unsupported protocol version",
    0x85: "client identifier not valid", 0x86: "bad user name or password",
    0x87: "not authorised", 0x88: "server unavailable", 0x89: "server busy", 0x8A: "banned",
    0x8B: "server shutting down", 0x8C: "bad authentication method", 0x8D: "keep alive timeout",
    0x8E: "session taken over", 0x8F: "topic filter invalid", 0x90: "topic name invalid",
    0x93: "receive maximum exceeded", 0x95: "packet too large", 0x97: "quota exceeded",
    0x98: "administrative action", 0x9B: "QoS not supported", 0x9C: "use another server",
    0x9D: "server moved", 0x9F: "connection rate exceeded",
    0xA2: "wildcard subscriptions not supported",
}  # fmt: skip
FORBIDDEN: Final = frozenset({0x86, 0x87, 0x8A, 0x8C})


class Link(asyncio.Protocol):
    """What was received and what can be said, over one connection."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.session_present = False
        self.lost: asyncio.Future[str] = loop.create_future()
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._deframer = Deframer()
        self._inbox: list[Publication] = []
        self._arrived = asyncio.Event()
        self._connected: asyncio.Future[Control] = loop.create_future()
        self._answers: dict[int, asyncio.Future[Control]] = {}
        self._unpublished: dict[int, asyncio.Future[None]] = {}
        self._number = 0
        self._paused = False
        self._ping: asyncio.TimerHandle | None = None
        self._heard = 0.0

    # What asyncio tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note how to write."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Sort what came: messages wait, the rest is answered to at once."""
        self._heard = self._loop.time()
        try:
            for control in self._deframer.feed(data, self._inbox):
                self._hear(control)
        except Unavailable as error:
            self._end(str(error))
            return
        if self._inbox:
            self._arrived.set()
            if len(self._inbox) > INBOX_MAX and not self._paused and self._transport:
                self._transport.pause_reading()
                self._paused = True

    def connection_lost(self, exc: Exception | None) -> None:
        """End, with the reason."""
        self._end(_lost("it closed by the broker" if exc is None else str(exc)))

    def _hear(self, control: Control) -> None:
        if not self._connected.done() and control.kind != packets.CONNACK:
            raise packets.nonsense(f"a packet of kind 0x{control.kind:02x} before all others")
        match control.kind & 0xF0:
            case packets.CONNACK:
                if not self._connected.done():
                    self._connected.set_result(control)
            case packets.SUBACK:
                waiting = self._answers.pop(int.from_bytes(control.body[:2], "big"), None)
                if waiting and not waiting.done():
                    waiting.set_result(control)
            case packets.PUBACK:
                sent = self._unpublished.pop(int.from_bytes(control.body[:2], "big"), None)
                if sent and not sent.done():
                    sent.set_result(None)
            case packets.DISCONNECT:
                code = control.body[0] if control.body else 0
                self._end(_lost(f"it ended by the broker: {reason(code)}"))
            case _:
                pass  # an answer to a ping: that it came is noted above

    def _end(self, why: str) -> None:
        if self.lost.done():
            return
        self.lost.set_result(why)
        self._arrived.set()
        if self._ping:
            self._ping.cancel()
        for waiting in (self._connected, *self._answers.values()):
            _fail(waiting, why)
        for sent in self._unpublished.values():
            _fail(sent, why)
        if self._transport:
            self._transport.abort()

    # What the owner of the link asks for.

    async def open(self, broker: Broker, will: Will | None = None, *, anew: bool = False) -> None:
        """Go on with our session, or begin one `anew` that ends with the connection.

        Raises
        ------
        NotPermitted
            The broker does not let us in; trying again will not help before someone acts.
        Unavailable
            It refuses for now, or does not answer.
        """
        self._write(
            packets.connect(
                broker.client_id,
                keep_alive_s=broker.keep_alive_s,
                session_expiry_s=0 if anew else broker.session_expiry_s,
                clean_start=anew,
                receive_maximum=broker.receive_maximum,
                user=broker.user or None,
                password=broker.password(),
                will=will,
            )
        )
        answer = await self._within(self._connected)
        self.session_present = bool(answer.body[0] & 1)
        code = answer.body[1]
        if code:
            kind = NotPermitted if code in FORBIDDEN else Unavailable
            raise kind(
                f"Expected {broker.place} to accept the connection, but found: {reason(code)}. "
                "Check user, password and rights there."
            )
        self._keep_alive(broker.keep_alive_s)

    async def subscribe(self, filters: Sequence[tuple[str, int]]) -> tuple[str, ...]:
        """Ask for topics; return a sentence for each that the broker refuses."""
        self._number = self._number % 0xFFFF + 1
        waiting = self._answers[self._number] = self._loop.create_future()
        self._write(packets.subscribe(self._number, filters))
        body = (await self._within(waiting)).body
        codes = body[3 + body[2] :]  # broker's properties of a SUBACK are short
        return tuple(
            f"Expected topic '{wanted}' to be readable, but found: {reason(code)}. "
            "Grant it in the access list of the broker."
            for (wanted, _), code in zip(filters, codes, strict=False)
            if code >= 0x80
        )

    async def arrival(self) -> None:
        """Wait until there are messages, or the connection is lost."""
        await self._arrived.wait()

    def rest(self) -> list[Publication]:
        """Return what was received and not taken yet."""
        found, self._inbox = self._inbox, []
        if not self.lost.done():
            self._arrived.clear()
            if self._paused and self._transport:
                self._transport.resume_reading()
                self._paused = False
        return found

    def acknowledge(self, numbers: Iterable[int]) -> None:
        """Tell the broker that it may forget these messages."""
        self._write(packets.acknowledge(numbers))

    def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish at most once."""
        self._write(packets.publish(topic, payload, retain=retain))

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> asyncio.Future[None]:
        """Publish at least once; the future is done when the broker has it."""
        self._number = self._number % 0xFFFF + 1
        sent = self._unpublished[self._number] = self._loop.create_future()
        self._write(packets.publish(topic, payload, qos=1, number=self._number, retain=retain))
        return sent

    def tell(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish at least once, without waiting for the broker to have it."""
        sent = self.publish(topic, payload, retain=retain)
        sent.add_done_callback(lambda each: each.cancelled() or each.exception())

    async def close(self, *, silently: bool = True) -> None:
        """End the connection; `silently`: the broker keeps our will to itself."""
        if self._transport and not self.lost.done():
            self._write(packets.disconnect(0 if silently else 4))
            self._transport.close()
            await asyncio.wait([self.lost], timeout=ANSWER_S_MAX)
        self._end("Closed by us.")

    def _write(self, data: bytes) -> None:
        if self._transport and not self.lost.done():
            self._transport.write(data)

    async def _within(self, waiting: asyncio.Future[Control]) -> Control:
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                return await waiting
        except TimeoutError:
            late = f"Expected an answer of the broker within {ANSWER_S_MAX:g} s, but found none."
            raise Unavailable(late) from None

    def _keep_alive(self, every_s: int) -> None:
        if not every_s:
            return
        self._ping = self._loop.call_later(every_s / 2, self._keep_alive, every_s)
        if not self._paused and self._loop.time() - self._heard > every_s + ANSWER_S_MAX:
            self._end(_lost(f"nothing said for {every_s + ANSWER_S_MAX:g} s"))
            return
        self._write(packets.PINGREQ)


def _fail(waiting: asyncio.Future[Control] | asyncio.Future[None], why: str) -> None:
    if not waiting.done():
        waiting.set_exception(Unavailable(why))
        waiting.exception()  # heard here, since nobody may wait for it


def _lost(found: str) -> str:
    return f"Expected the connection to last, but found {found}. It is opened again."


def reason(code: int) -> str:
    """Return what a reason code of MQTT 5 says."""
    return REASONS.get(code, "reason not told") + f" (0x{code:02x})"


async def opened(broker: Broker, will: Will | None = None, *, anew: bool = False) -> Link:
    """Return a link to a broker.

    Raises
    ------
    Invalid
        A file with a certificate, key or password cannot be read.
    NotPermitted, Unavailable
        See `Link.open`; also a certificate that is not trusted or has expired.
    """
    context = broker.tls_context()
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(ANSWER_S_MAX):
            _, link = await loop.create_connection(
                Link,
                broker.host,
                broker.port,
                ssl=context,
                server_hostname=broker.host if context else None,
            )
    except ssl.SSLError as error:
        raise Unavailable(
            f"Expected {broker.place} to prove who it is, but found: {error}. "
            "Renew its certificate, or name the right authority in 'broker.tls.authority'."
        ) from error
    except (OSError, TimeoutError) as error:
        raise Unavailable(
            f"Expected a broker at {broker.place}, but found: {str(error) or 'no answer'}. "
            "Start it, or correct 'broker.host' and 'broker.port'."
        ) from error
    try:
        await link.open(broker, will, anew=anew)
    except BaseException:
        await link.close()
        raise
    return link
