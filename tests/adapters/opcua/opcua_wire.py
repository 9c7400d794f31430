"""What the source contract needs of an OPC UA machine: told, cut and mended."""

import asyncio

from fabloop.adapters.plant_servers.served import ServedValue
from fabloop.base.instant import SECOND
from fabloop.model.ids import WorkUnitId
from fabloop.sense.connections.model import Connection, Variable
from fabloop.sense.readings.series import Kind, Series
from opcua_machine import OpcUaMachine, WallClock

PREFIX = "nsu=urn:fabloop:plant;s=mill/"
EVERY_NS = SECOND // 20


def variable(name, *, called="", **more):
    given = {each: more.pop(each) for each in ("elements", "sample_interval_ns") if each in more}
    series = Series(
        source="hall", address=f"{PREFIX}{name}", work_unit=WorkUnitId("mill"),
        name=called or name, **more,
    )  # fmt: skip
    return Variable(series=series, every_ns=EVERY_NS, queue=1000, **given)


def connection(url, *variables, **more):
    return Connection(
        id="hall", url=url, every_ns=EVERY_NS, ahead_ns=60 * SECOND, variables=variables, **more
    )


STATES = ("idle", "working", "broken")
STATE = variable("state", kind=Kind.STATE, states=STATES)


class Wire:
    """Speaks to the machine without holding up the source under test."""

    def __init__(self, machine: OpcUaMachine, names: dict[str, str]) -> None:
        self.machine = machine
        self._names = names

    async def tell(self, rows):
        told = [
            ServedValue("mill", self._names[name], at, (value,), quality)
            for name, at, value, quality in rows
        ]
        await asyncio.to_thread(self.machine.tell_all, told)

    async def tell_strange(self, name, values):
        numbers = [ServedValue("mill", self._names[name], WallClock().now(), (float(each),))
                   for each in values]  # fmt: skip
        await asyncio.to_thread(self.machine.tell_all, numbers)

    async def cut(self):
        await asyncio.to_thread(self.machine.kill)

    async def mend(self):
        await asyncio.to_thread(self.machine.start)
