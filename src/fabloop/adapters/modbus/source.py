"""The Modbus source: groups of registers, each asked for at its interval."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ExceptionResponse, ModbusPDU

from fabloop.adapters.modbus.groups import Group, groups_of, singly
from fabloop.adapters.modbus.reading import Reading
from fabloop.base.errors import Fault, Invalid, Unavailable
from fabloop.base.instant import SECOND, Clock, Instant
from fabloop.sense.connections.model import Connection
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.ports import SourceHealth
from fabloop.sense.readings.series import Catalogue
from fabloop.sense.readings.tally import Tally

DEFAULT_PORT = 502
UNIT_MAX = 255
ANSWER_S_MAX = 3.0
TRIES = 2
"""How often a request is sent before the connection counts as lost."""
BACK_OFF_S = (0.2, 0.5, 1.0, 2.0)
"""Waits before the next try to connect; the last one repeats."""
LATE = "late"
ILLEGAL_ADDRESS = 2

logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # what matters is told by health


class WallClock:
    """The time of this machine."""

    def now(self) -> Instant:
        """Return the present instant."""
        return Instant(time.time_ns())  # noqa: TID251  # an adapter owns its clock


class ModbusSource:
    """Reads the registers of one connection; a `ReadingSource`.

    Modbus carries no time: a reading has that of our clock when its answer came. A group that a
    device refuses because of one address is from then on read register by register, so that the
    others go on and the wrong one is named.
    """

    def __init__(self, connection: Connection, *, clock: Clock | None = None) -> None:
        self._connection = connection
        self._host, self._port, self._unit = place_of(connection.url)
        self._clock = clock or WallClock()
        self._tally = Tally()
        self._closing = asyncio.Event()
        self._groups = list(groups_of(connection))

    @property
    def name(self) -> str:
        """The name under which it is configured."""
        return self._connection.id

    def health(self) -> SourceHealth:
        """Return how it is doing now."""
        return self._tally.health()

    def close(self) -> None:
        """Ask it to end."""
        self._closing.set()

    async def batches(self, catalogue: Catalogue) -> AsyncIterator[Batch]:
        """Yield batches until closed; connects again by itself."""
        reading = Reading(self._connection, catalogue, self._tally)
        tries = 0
        while not self._closing.is_set():
            client = AsyncModbusTcpClient(
                self._host, port=self._port, timeout=ANSWER_S_MAX, retries=TRIES - 1,
                reconnect_delay=0,
            )  # fmt: skip
            try:
                await self._connect(client)
                tries = 0
                async for batch in self._polled(client, reading):
                    yield batch
            except (OSError, TimeoutError, ModbusException, Unavailable) as error:
                self._tally.disconnect(self._clock.now(), self._lost(error))
                await self._wait(BACK_OFF_S[min(tries, len(BACK_OFF_S) - 1)])
                tries += 1
            finally:
                client.close()
        self._tally.disconnect(self._clock.now())

    async def _connect(self, client: AsyncModbusTcpClient) -> None:
        if not await client.connect():
            raise Unavailable("nobody answers")
        self._tally.connect(self._clock.now())

    async def _polled(self, client: AsyncModbusTcpClient, reading: Reading) -> AsyncIterator[Batch]:
        """Yield the answers to all groups, each at its interval, the most overdue first."""
        started = time.monotonic()
        due = {id(each): started for each in self._groups}
        while self._groups and not self._closing.is_set():
            group = min(self._groups, key=lambda each: due[id(each)])
            await self._wait(due[id(group)] - time.monotonic())
            if self._closing.is_set():
                return
            batch, instead = await self._answer(client, reading, group)
            if instead:
                self._groups.remove(group)
                self._groups.extend(instead)
                due.update((id(each), due[id(group)]) for each in instead)
            else:
                due[id(group)] = self._next(due[id(group)], group)
            if batch is not None and len(batch):
                yield batch
        await self._wait(float("inf"))

    def _next(self, due: float, group: Group) -> float:
        """Return when a group is due again; what cannot be caught up with is counted."""
        every = group.every_ns / SECOND
        missed = int((time.monotonic() - due) / every)
        if missed > 0:
            self._tally.amend(
                LATE,
                missed,
                f"Expected to read '{group.wanted[0].register.id}' and its group every "
                f"{every:g} s, but found no time {missed} times. Ask less often.",
            )
        return due + (missed + 1) * every

    async def _answer(
        self, client: AsyncModbusTcpClient, reading: Reading, group: Group
    ) -> tuple[Batch | None, tuple[Group, ...]]:
        """Return the readings of a group, or the groups that it is read as from now on."""
        answer = await self._ask(client, group)
        now = self._clock.now()
        if isinstance(answer, ExceptionResponse):
            if answer.exception_code == ILLEGAL_ADDRESS and len(group.wanted) > 1:
                return None, singly(group)
            return reading.refused(group, answer.exception_code, now), ()
        words = list(answer.registers)
        if group.table in ("coil", "discrete"):
            words = [int(each) for each in answer.bits]
        if len(words) < group.count:
            raise Unavailable(f"{len(words)} of {group.count} registers")
        return reading.read(group, words, now), ()

    async def _ask(self, client: AsyncModbusTcpClient, group: Group) -> ModbusPDU:
        ask = {
            "holding": client.read_holding_registers,
            "input": client.read_input_registers,
            "coil": client.read_coils,
            "discrete": client.read_discrete_inputs,
        }[group.table]
        return await ask(group.at, count=group.count, device_id=self._unit)

    def _lost(self, error: Exception) -> str:
        found = str(error).removeprefix("Modbus Error: ") or type(error).__name__
        return (
            f"Expected a Modbus device {self._unit} at {self._host}:{self._port} to answer, but "
            f"found: {found}. It is tried again."
        )

    async def _wait(self, seconds: float) -> None:
        """Wait, but not longer than until closed."""
        if seconds <= 0:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if seconds == float("inf") else seconds):
                await self._closing.wait()


def place_of(url: str) -> tuple[str, int, int]:
    """Return host, port and unit of ``modbus://192.168.3.21:502/1``.

    Raises
    ------
    Invalid
        The URL is none of Modbus.
    """
    parts = urlsplit(url)
    unit = parts.path.strip("/") or "1"
    try:
        port = parts.port or DEFAULT_PORT
    except ValueError:
        port = 0
    if not parts.hostname or not port or not unit.isdigit() or int(unit) > UNIT_MAX:
        raise Invalid(
            Fault(
                source=url, path="", expected="modbus://HOST:PORT/UNIT with a unit of 0 to 255",
                found=repr(url), hint="Write modbus://192.168.3.21:502/1, say.",
            )
        )  # fmt: skip
    return parts.hostname, port, int(unit)
