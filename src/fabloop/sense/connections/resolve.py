"""Connection documents to connections; every fault is told with its place."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from fabloop.base.quantity import dimension_of, si_scale
from fabloop.model.documents.collect import Sheet, unique
from fabloop.model.documents.connection_structs import (
    CommandsEntry,
    ConnectionEntry,
    ConnectionsDocument,
    RegisterEntry,
    RegistersDocument,
    VariableEntry,
)
from fabloop.model.documents.values import duration_ns
from fabloop.model.ids import WorkUnitId
from fabloop.sense.connections.model import SIZES, Commands, Connection, Register, Variable
from fabloop.sense.connections.nodes import node_fault
from fabloop.sense.readings.series import Kind, Series

SCHEMES = ("opc.tcp://", "modbus://", "mqtt://", "mqtts://")
REGISTERS_END = 65_536
Maps = Mapping[str, tuple[Register, ...]]
UNSIGNED_BITS: Final = {"uint16": 16, "uint32": 32, "uint64": 64}
"""Bits after which a counter in registers rolls over."""


def connections_of(
    documents: Sequence[tuple[Sheet, ConnectionsDocument]],
    maps: Maps | None,
    work_units: Collection[WorkUnitId] | None,
) -> tuple[Connection, ...]:
    """Return what documents say; faults are noted on their sheets, and the result is then unfit.

    `maps` or `work_units` is None where nobody can tell which there are; names are then not
    judged.
    """
    entries = [
        (sheet.at("connections", index), entry)
        for sheet, document in documents
        for index, entry in enumerate(document.connections)
    ]
    unique(((sheet.at("id"), entry.id) for sheet, entry in entries), "connection")
    return tuple(_connection(entry, sheet, maps, work_units) for sheet, entry in entries)


def register_maps_of(documents: Sequence[tuple[Sheet, RegistersDocument]]) -> Maps:
    """Return register maps by id; faults are noted on their sheets."""
    unique(((sheet.at("id"), document.id) for sheet, document in documents), "register map")
    found: dict[str, tuple[Register, ...]] = {}
    for sheet, document in documents:
        places = [(sheet.at("registers", n), each) for n, each in enumerate(document.registers)]
        unique(((place.at("id"), each.id) for place, each in places), "register")
        found[document.id] = tuple(_register(each, place) for place, each in places)
    return found


def _connection(
    entry: ConnectionEntry,
    sheet: Sheet,
    maps: Maps | None,
    work_units: Collection[WorkUnitId] | None,
) -> Connection:
    every = duration_ns(entry.every, sheet.at("every"))
    if not entry.url.startswith(SCHEMES):
        sheet.at("url").fault(
            "a URL such as 'opc.tcp://192.168.3.20:4840' or 'modbus://192.168.3.21:502/1'",
            repr(entry.url),
        )
    modbus = entry.url.startswith("modbus:")
    registers = _registers(entry, sheet, maps) if modbus else None
    if entry.alarms and not entry.url.startswith("opc.tcp:"):
        sheet.at("alarms").fault("no alarms over this protocol", "true")
    if not modbus and entry.registers is not None:
        sheet.at("registers").fault("no register map for this protocol", repr(entry.registers))
    _judge_user(entry, sheet)
    places = [(sheet.at("variables", n), each) for n, each in enumerate(entry.variables)]
    unique(((place.at("address"), each.address) for place, each in places), "address")
    unique(((p.at("name"), f"{v.work_unit}/{v.name}") for p, v in places), "name of a work unit")
    for place, each in places:
        place.at("work_unit").known(each.work_unit, work_units, "a work unit")
        if entry.url.startswith("opc.tcp:"):
            _node(each.address, place.at("address"))
        elif registers is not None:
            known = {register.id: register for register in registers}
            if place.at("address").known(each.address, known, "a register of the map"):
                _agree(each, known[each.address], place)
    by_id = {register.id: register for register in registers or ()}
    places = [(place, _filled(each, by_id.get(each.address))) for place, each in places]
    return Connection(
        id=entry.id,
        url=entry.url,
        secure=entry.security != "none",
        user=entry.user,
        password_from=entry.password_from,
        user_certificate=entry.user_certificate,
        user_key=entry.user_key,
        every_ns=every,
        ahead_ns=duration_ns(entry.ahead, sheet.at("ahead"), zero_allowed=True),
        history=entry.history,
        alarms=entry.alarms,
        variables=tuple(_variable(each, place, entry.id, every) for place, each in places),
        registers=registers or (),
        commands=tuple(
            _commands(each, sheet.at("commands", n), work_units)
            for n, each in enumerate(entry.commands)
        ),
    )


def _judge_user(entry: ConnectionEntry, sheet: Sheet) -> None:
    """Note what is wrong with how we log in: by name and password, by certificate, or not."""
    who = entry.user or entry.user_certificate
    if entry.security == "none" and who:
        sheet.at("user" if entry.user else "user_certificate").fault(
            "no password over a wire that is not encrypted", repr(who),
            "Set security to 'sign-and-encrypt', or leave out the user.",
        )  # fmt: skip
    if entry.user and entry.user_certificate:
        sheet.at("user_certificate").fault("a user by name or by certificate", "both")
    if bool(entry.user_certificate) != bool(entry.user_key):
        sheet.at("user_key").fault("a certificate and its key, or neither", "one")
    elif entry.user_certificate and not entry.url.startswith("opc.tcp:"):
        sheet.at("user_certificate").fault("no certificate of a user for this protocol", repr(who))
    if not entry.user_certificate and bool(entry.user) != bool(entry.password_from):
        sheet.at("password_from").fault("a user and where its password is, or neither", "one")


def _registers(
    entry: ConnectionEntry, sheet: Sheet, maps: Maps | None
) -> tuple[Register, ...] | None:
    if entry.registers is None:
        sheet.at("registers").fault("the id of a register map", "nothing")
        return None
    known = sheet.at("registers").known(entry.registers, maps, "a register map")
    return maps[entry.registers] if known and maps is not None else None


def _agree(entry: VariableEntry, register: Register, sheet: Sheet) -> None:
    """Note where a variable says another thing than the register map."""
    if entry.unit and register.unit and entry.unit != register.unit:
        sheet.at("unit").fault(f"'{register.unit}', as in the register map", repr(entry.unit))


def _filled(entry: VariableEntry, register: Register | None) -> VariableEntry:
    """Return the variable with what the register map says of it."""
    if register is None:
        return entry
    kind = register.kind if entry.kind == "gauge" else entry.kind
    rollover = entry.rollover
    if rollover is None and kind == "counter" and register.type in UNSIGNED_BITS:
        rollover = 2.0 ** UNSIGNED_BITS[register.type] * register.scale + register.offset
    return replace(
        entry,
        unit=entry.unit or register.unit,
        kind=kind,
        states=entry.states or register.states,
        rollover=rollover,
    )


def _variable(entry: VariableEntry, sheet: Sheet, source: str, every_ns: int) -> Variable:
    if entry.elements and entry.sample_interval is not None:
        sheet.at("sample_interval").fault("elements or samples, not both", "both")
    if entry.kind == "state" and entry.unit:
        sheet.at("unit").fault("no unit of a state", repr(entry.unit))
    if entry.rollover is not None and (entry.kind != "counter" or entry.rollover <= 0):
        sheet.at("rollover").fault(
            "a number above 0, of a counter", f"{entry.rollover:g} of a {entry.kind}"
        )
    if entry.states and entry.kind != "state":
        sheet.at("kind").fault("'state', since there are states", repr(entry.kind))
    interval = entry.sample_interval
    return Variable(
        series=series_of(entry, sheet, source),
        elements=entry.elements,
        sample_interval_ns=(
            0 if interval is None else duration_ns(interval, sheet.at("sample_interval"))
        ),
        every_ns=every_ns if entry.every is None else duration_ns(entry.every, sheet.at("every")),
        queue=entry.queue,
    )


def series_of(entry: VariableEntry, sheet: Sheet, source: str) -> Series:
    """Return the series that a variable's values are, in SI."""
    scale, offset, dimension = 1.0, 0.0, None
    if entry.unit:
        try:
            scale, offset = si_scale(entry.unit)
            dimension = dimension_of(entry.unit)
        except ValueError as error:
            hint = "Write 'kW' or '°C', say; leave it out for counts."
            sheet.at("unit").fault("a unit that can be turned into SI", str(error), hint)
    if entry.least is not None and entry.greatest is not None and entry.least > entry.greatest:
        sheet.at("least").fault(f"at most greatest ({entry.greatest:g})", f"{entry.least:g}")
    return Series(
        source=source, address=entry.address, work_unit=WorkUnitId(entry.work_unit),
        name=entry.name, kind=Kind(entry.kind), dimension=dimension, unit=entry.unit,
        scale=scale, offset=offset, states=entry.states,
        least=None if entry.least is None else entry.least * scale + offset,
        greatest=None if entry.greatest is None else entry.greatest * scale + offset,
        rollover=None if entry.rollover is None else entry.rollover * scale + offset,
    )  # fmt: skip


def _commands(
    entry: CommandsEntry, sheet: Sheet, work_units: Collection[WorkUnitId] | None
) -> Commands:
    sheet.at("work_unit").known(entry.work_unit, work_units, "a work unit")
    for name in ("object", "begin", "responses", "permitted"):
        _node(getattr(entry, name), sheet.at(name))
    return Commands(
        work_unit=WorkUnitId(entry.work_unit), object=entry.object, begin=entry.begin,
        responses=entry.responses, permitted=entry.permitted,
        permitted_for_ns=duration_ns(entry.permitted_for, sheet.at("permitted_for")),
    )  # fmt: skip


def _node(address: str, sheet: Sheet) -> None:
    fault = node_fault(address)
    if fault:
        sheet.fault(fault, repr(address))


def _register(entry: RegisterEntry, sheet: Sheet) -> Register:
    bits = entry.table in ("coil", "discrete")
    if bits and entry.type != "bool":
        sheet.at("type").fault(f"'bool', since each {entry.table} is one bit", repr(entry.type))
    last = entry.at + SIZES[entry.type]
    if last > REGISTERS_END:
        sheet.at("at").fault(
            f"a value of {SIZES[entry.type]} registers that ends below {REGISTERS_END}",
            str(entry.at),
        )
    if entry.scale == 0.0:
        sheet.at("scale").fault("a factor other than 0", "0")
    if entry.unit:
        try:
            dimension_of(entry.unit)
        except ValueError as error:
            sheet.at("unit").fault("a unit that can be turned into SI", str(error))
    return Register(
        id=entry.id, table=entry.table, at=entry.at, type=entry.type, words=entry.words,
        bytes=entry.bytes, scale=entry.scale, offset=entry.offset, unit=entry.unit,
        kind=entry.kind, states=entry.states, bad=entry.bad,
        every_ns=None if entry.every is None else duration_ns(entry.every, sheet.at("every")),
    )  # fmt: skip
