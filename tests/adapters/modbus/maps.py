"""Connections to Modbus devices for tests."""

from fabloop.base.instant import SECOND
from fabloop.model.ids import WorkUnitId
from fabloop.sense.connections.model import Connection, Register, Variable
from fabloop.sense.readings.series import Series

EVERY_NS = SECOND // 20


def register(name, at, kind="uint16", **more):
    given = {
        "table": "holding", "words": "big", "bytes": "big", "scale": 1.0, "offset": 0.0,
        "unit": "", "kind": "gauge", "states": (), "bad": (), "every_ns": None,
    } | more  # fmt: skip
    return Register(id=name, at=at, type=kind, **given)


def connection(url, *registers):
    return Connection(
        id="meter", url=url, every_ns=EVERY_NS, ahead_ns=0, registers=registers,
        variables=tuple(
            Variable(
                series=Series(source="meter", address=each.id, work_unit=WorkUnitId("mill"),
                    name=each.id, states=each.states),
                every_ns=EVERY_NS,
            )
            for each in registers
        ),
    )  # fmt: skip
