"""The line to a safety controller over Modbus TCP: both hearts beat, signals come, stops go."""

import asyncio
import contextlib
from collections.abc import Callable

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from fabloop.adapters.modbus.source import WallClock, place_of
from fabloop.base.instant import SECOND, Clock, Instant
from fabloop.model.safety import SafetyController, Sight
from fabloop.run.safety_words import (
    TOLD,
    Register,
    Told,
    next_beat,
    sight_of,
    told_of,
)

BEATS_PER_LIMIT = 8
"""How often a controller is asked within the time that its heartbeat may take."""
EVERY_S_MIN = 0.02
ANSWER_S_MAX = 1.0
BACK_OFF_S = 0.2
BROKEN = (OSError, TimeoutError, ModbusException)


class SafetyLine:
    """Asks one controller again and again, and beats for it; runs until closed.

    Parameters
    ----------
    seen : hears what was seen, after each answer that makes sense
    stop_asked : returns the number of the last safe stop that was asked for; 0: none
    beats : whether our heart is to be heard; one that looks on for a moment must not be missed
    """

    def __init__(
        self,
        controller: SafetyController,
        seen: Callable[[Sight, Told], None],
        stop_asked: Callable[[], int],
        clock: Clock | None = None,
        *,
        beats: bool = True,
    ) -> None:
        self._controller = controller
        self._host, self._port, self._unit = place_of(controller.url)
        self._seen = seen
        self._stop_asked = stop_asked
        self._clock = clock or WallClock()
        self._beats = beats
        self._closing = asyncio.Event()
        self._hurry = asyncio.Event()
        self._beat = 0
        self._before: Told | None = None
        self._beat_at: Instant | None = None
        self._every_s = max(EVERY_S_MIN, controller.heartbeat_ns / SECOND / BEATS_PER_LIMIT)
        self.trouble = "it was not reached yet"

    def close(self) -> None:
        """Ask it to end."""
        self._closing.set()
        self._hurry.set()

    def hurry(self) -> None:
        """Ask at once: there is a stop to be asked for."""
        self._hurry.set()

    async def run(self) -> None:
        """Keep the line up until closed; what breaks is told by `trouble` and tried again."""
        while not self._closing.is_set():
            client = AsyncModbusTcpClient(
                self._host, port=self._port, timeout=ANSWER_S_MAX, retries=0, reconnect_delay=0
            )
            try:
                if await client.connect():
                    await self._talk(client)
                else:
                    self.trouble = f"nobody answers at {self._controller.url}"
            except BROKEN as error:
                self.trouble = f"{self._controller.url}: {error}"
            finally:
                client.close()
            await self._rest(BACK_OFF_S)

    async def _talk(self, client: AsyncModbusTcpClient) -> None:
        while not self._closing.is_set():
            understood = await self._write(client)
            asked_at = self._clock.now()
            answer = await client.read_holding_registers(
                Register.BEAT, count=TOLD, device_id=self._unit
            )
            told = None if answer.isError() else told_of(answer.registers)
            if not understood or told is None:
                self.trouble = f"{self._controller.url} answers without sense: {answer}"
            else:
                self._note(told, asked_at)
            await self._rest(self._every_s)

    async def _write(self, client: AsyncModbusTcpClient) -> bool:
        """Beat, and ask for a stop where there is one to be asked for."""
        stop = self._stop_asked()
        if self._beats:
            self._beat = next_beat(self._beat)
            answer = await client.write_registers(
                Register.OUR_BEAT, [self._beat, stop], device_id=self._unit
            )
        elif stop:
            answer = await client.write_registers(Register.STOP_ASKED, [stop], device_id=self._unit)
        else:
            return True
        return not answer.isError()

    def _note(self, told: Told, asked_at: Instant) -> None:
        sight = sight_of(self._controller, told, self._before, self._beat_at, asked_at)
        self._before, self._beat_at = told, sight.beat_at
        self.trouble = ""
        self._seen(sight, told)

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        if not self._closing.is_set():
            self._hurry.clear()
