"""A Modbus TCP server that shows the variables of work units in registers, with their map."""

import logging
import math
import socket
from collections.abc import Sequence

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from fabloop.adapters.plant_servers.served import (
    ServedKind,
    ServedUnit,
    ServedValue,
    ServedVariable,
)
from fabloop.sense.connections.coding import encoded
from fabloop.sense.connections.model import Register
from fabloop.sense.readings.quality import BAD, STATUS_MASK

DEVICE = 1
WRITE_REGISTERS = 16
NO_STATE = 65_535
NO_COUNT = 4_294_967_295

logging.getLogger("pymodbus").setLevel(logging.CRITICAL)


def registers_of(units: Sequence[ServedUnit]) -> tuple[Register, ...]:
    """Return the register map of work units.

    Gauges are float32, counters uint32, states uint16; bulks have no place and are left out.
    """
    found: list[Register] = []
    at = 0
    for unit in units:
        for variable in unit.variables:
            register = _register(unit, variable, at)
            if register is not None:
                found.append(register)
                at += register.size
    return tuple(found)


class ModbusPlant:
    """Work units in the holding registers of one device."""

    def __init__(
        self, units: Sequence[ServedUnit], *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._host = host
        self._port = port
        self.registers = registers_of(units)
        self._by_id = {each.id: each for each in self.registers}
        self._server: ModbusTcpServer | None = None

    async def start(self) -> str:
        """Listen; returns the URL."""
        end = sum(each.size for each in self.registers)
        blank = SimData(0, count=max(1, end), values=0, datatype=DataType.REGISTERS)
        port = self._port or _free_port(self._host)
        self._server = ModbusTcpServer(
            SimDevice(id=DEVICE, simdata=[blank]), address=(self._host, port)
        )
        await self._server.serve_forever(background=True)
        for each in self.registers:
            await self._write(each, each.bad[0] if each.bad else math.nan)
        return f"modbus://{self._host}:{port}/{DEVICE}"

    async def publish(self, values: list[ServedValue]) -> None:
        """Write the latest values; a bad one shows as the number that means so, or NaN."""
        latest = {f"{each.unit}/{each.variable}": each for each in values}
        for name, told in latest.items():
            register = self._by_id.get(name)
            if register is None:
                continue
            missing = told.quality & STATUS_MASK == BAD or not math.isfinite(told.values[0])
            nothing = register.bad[0] if register.bad else math.nan
            await self._write(register, nothing if missing else told.values[0])

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus left it out

    async def _write(self, register: Register, number: float) -> None:
        assert self._server is not None
        words = encoded(register, number)
        await self._server.async_setValues(DEVICE, WRITE_REGISTERS, register.at, words)


def _register(unit: ServedUnit, variable: ServedVariable, at: int) -> Register | None:
    bad: tuple[float, ...] = ()
    match variable.kind:
        case ServedKind.BULK:
            return None
        case ServedKind.STATE:
            kind, bad = "uint16", (float(NO_STATE),)
        case ServedKind.COUNTER if not variable.unit:
            kind, bad = "uint32", (float(NO_COUNT),)
        case _:
            kind = "float32"
    return Register(
        id=f"{unit.id}/{variable.name}", table="holding", at=at, type=kind, words="big",
        bytes="big", scale=1.0, offset=0.0, unit=variable.unit,
        kind="gauge" if variable.kind is ServedKind.GAUGE else variable.kind.value,
        states=variable.states, bad=bad, every_ns=None,
    )  # fmt: skip


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
