"""Looks at a safety controller for a machine that checks the permits of its commands."""

import asyncio
import contextlib
import time
from collections.abc import Sequence

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from fabloop.adapters.modbus.safety import BROKEN
from fabloop.adapters.modbus.source import place_of
from fabloop.base.instant import SECOND
from fabloop.model.safety import SafetyController
from fabloop.run.permit_check import Shown
from fabloop.run.safety_words import REGISTERS, Register, grants_of, told_of

LOOK_S_MAX = 2.0
"""How long one look may take; a machine that was not told by then does nothing."""
AGAIN_S = 0.002


class ControllerLook:
    """Reads what a controller shows, and believes it only while its counter moves.

    It writes nothing, so that a machine's look is never taken for fabloop's heart. The line is
    kept; it belongs to the event loop in which it was used first.
    """

    def __init__(self, controller: SafetyController) -> None:
        self._host, self._port, self._unit = place_of(controller.url)
        self._heartbeat_s = controller.heartbeat_ns / SECOND
        patience_ns = max(controller.confirm_ns, controller.heartbeat_ns)
        self._patience_s = min(LOOK_S_MAX, patience_ns / SECOND)
        self._client: AsyncModbusTcpClient | None = None
        self._one = asyncio.Lock()
        self._beat: int | None = None
        self._looked_s = self._moved_s = float("-inf")

    async def shown(self) -> Shown | None:
        """Return what it shows now; None where it does not answer, or its heart stands still."""
        try:
            async with asyncio.timeout(self._patience_s), self._one:
                while True:
                    found = self._believed(await self._words())
                    if found is not None:
                        return found
                    await asyncio.sleep(AGAIN_S)
        except BROKEN:
            self.close()
            return None

    def close(self) -> None:
        """Hang up; the next look begins anew."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(*BROKEN):
                client.close()

    async def _words(self) -> Sequence[int]:
        if self._client is None:
            self._client = AsyncModbusTcpClient(
                self._host, port=self._port, timeout=self._patience_s, retries=0, reconnect_delay=0
            )
            if not await self._client.connect():
                raise ModbusException("nobody answers")
        answer = await self._client.read_holding_registers(
            Register.BEAT, count=REGISTERS, device_id=self._unit
        )
        if answer.isError():
            raise ModbusException(f"it answers without sense: {answer}")
        words: Sequence[int] = answer.registers
        return words

    def _believed(self, words: Sequence[int]) -> Shown | None:
        """Return what words say, where the heart was seen to beat lately."""
        told, now_s = told_of(words), time.monotonic()
        if told is None:
            return None
        known = self._beat if now_s - self._looked_s <= self._heartbeat_s else None
        if known is not None and told.beat != known:
            self._moved_s = now_s
        self._beat, self._looked_s = told.beat, now_s
        if now_s - self._moved_s > self._heartbeat_s:
            return None
        return Shown(told=told, grants=grants_of(words))
