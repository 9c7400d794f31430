"""The registers of a simulated safety controller on a Modbus TCP server."""

import socket
from collections.abc import Sequence

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from fabloop.run.safety_words import (
    REGISTERS,
    Claim,
    Grant,
    Register,
    Told,
    words_of,
    words_of_grants,
)

DEVICE = 1
READ_REGISTERS, WRITE_REGISTERS = 3, 16


class SafetyRegisters:
    """What the controller shows, and what is written to it."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._host = host
        self._port = port
        self._server: ModbusTcpServer | None = None
        self._grants: tuple[Grant, ...] = ()

    async def start(self) -> str:
        """Listen; returns the URL."""
        blank = SimData(0, count=REGISTERS, values=0, datatype=DataType.REGISTERS)
        port = self._port or _free_port(self._host)
        self._server = ModbusTcpServer(
            SimDevice(id=DEVICE, simdata=[blank]), address=(self._host, port)
        )
        await self._server.serve_forever(background=True)
        return f"modbus://{self._host}:{port}/{DEVICE}"

    async def written(self) -> tuple[int, int, Claim]:
        """Return the beat, the number of the stop and the claim that were written last."""
        assert self._server is not None, "it was started"
        words = await self._server.async_getValues(DEVICE, READ_REGISTERS, Register.OUR_BEAT, 7)
        beat, stop, number, permit, true, false, command = (int(each) for each in words)
        return (
            beat,
            stop,
            Claim(number=number, permit=permit, true=true, false=false, command=command),
        )

    async def show(self, told: Told, grants: Sequence[Grant] = ()) -> None:
        """Show what the controller says; its grants first, so that none is told without them."""
        assert self._server is not None, "it was started"
        if grants != self._grants:
            self._grants = tuple(grants)
            words = words_of_grants(grants)
            await self._server.async_setValues(DEVICE, WRITE_REGISTERS, Register.GRANTS, words)
        await self._server.async_setValues(DEVICE, WRITE_REGISTERS, Register.BEAT, words_of(told))

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus left it out


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
