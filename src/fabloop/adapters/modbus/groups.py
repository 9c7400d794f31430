"""Which registers are asked for together."""

from collections.abc import Iterable

import msgspec

from fabloop.sense.connections.model import Connection, Register

REGISTERS_PER_REQUEST = 125
BITS_PER_REQUEST = 2_000
GAP_MAX = 12
"""Registers between two wanted ones that are read along: less than a request of its own costs."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A register and the variable (by position in the connection) that it is."""

    position: int
    register: Register


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Registers of one table that are read by one request, again and again."""

    table: str
    at: int
    count: int
    every_ns: int
    wanted: tuple[Wanted, ...]


def groups_of(connection: Connection) -> tuple[Group, ...]:
    """Return the requests that read all variables of a connection."""
    registers = {each.id: each for each in connection.registers}
    alike: dict[tuple[str, int], list[Wanted]] = {}
    for position, variable in enumerate(connection.variables):
        register = registers[variable.address]
        every = register.every_ns or variable.every_ns
        wanted = Wanted(position=position, register=register)
        alike.setdefault((register.table, every), []).append(wanted)
    return tuple(
        group
        for (table, every), wanted in alike.items()
        for group in _joined(table, every, sorted(wanted, key=lambda each: each.register.at))
    )


def singly(group: Group) -> tuple[Group, ...]:
    """Return a request for each register of a group."""
    return tuple(_group(group.table, group.every_ns, [each]) for each in group.wanted)


def _joined(table: str, every_ns: int, wanted: Iterable[Wanted]) -> Iterable[Group]:
    most = REGISTERS_PER_REQUEST if table in ("holding", "input") else BITS_PER_REQUEST
    current: list[Wanted] = []
    for each in wanted:
        if current:
            end = max(one.register.at + one.register.size for one in current)
            reach = each.register.at + each.register.size - current[0].register.at
            if each.register.at - end > GAP_MAX or reach > most:
                yield _group(table, every_ns, current)
                current = []
        current.append(each)
    if current:
        yield _group(table, every_ns, current)


def _group(table: str, every_ns: int, wanted: list[Wanted]) -> Group:
    start = wanted[0].register.at
    end = max(each.register.at + each.register.size for each in wanted)
    return Group(table=table, at=start, count=end - start, every_ns=every_ns, wanted=tuple(wanted))
