"""Connections to machines and register maps as they are written."""

from typing import Annotated, Literal

import msgspec

from fabloop.model.documents.entries import Entries, Entry, Header
from fabloop.model.documents.texts import ID_MAX, TEXT_MAX, DurationText, Id, Label, Remark, Word

STATES_MAX = 1_000
ELEMENTS_MAX = 100_000
QUEUE_MAX = 100_000
REGISTER_MAX = 65_535

UrlText = Annotated[
    str,
    msgspec.Meta(
        title="a URL of opc.tcp, modbus or mqtt",
        max_length=TEXT_MAX,
        examples=["opc.tcp://192.168.3.20:4840"],
        extra_json_schema={"pattern": r"^(opc\.tcp|modbus|mqtts?)://"},
    ),
]
UnitText = Annotated[
    str,
    msgspec.Meta(title="a unit; empty is none", max_length=ID_MAX, examples=["kW"]),
]
Address = Annotated[
    str,
    msgspec.Meta(
        title="where the machine has it: a node id with its namespace, or the id of a register",
        min_length=1,
        max_length=TEXT_MAX,
        examples=["nsu=urn:fabloop:plant;s=mill/power"],
    ),
]
States = Annotated[tuple[Word, ...], msgspec.Meta(max_length=STATES_MAX)]


class VariableEntry(Entry, frozen=True, kw_only=True):
    """A variable of a machine, and whose property it is.

    `least` and `greatest` are the limits of the sensor, in `unit`; `rollover` is what a counter
    would have shown where it shows 0 again (of an unsigned register it is known). Of an array
    either every element is a series of its own (`elements` of them), or its elements are samples,
    `sample_interval` apart, the last one taken at the time of the value.
    """

    address: Address
    work_unit: Id
    name: Word
    kind: Literal["gauge", "counter", "state"] = "gauge"
    unit: UnitText = ""
    states: States = ()
    least: float | None = None
    greatest: float | None = None
    rollover: float | None = None
    elements: Annotated[int, msgspec.Meta(ge=0, le=ELEMENTS_MAX)] = 0
    sample_interval: DurationText | None = None
    every: DurationText | None = None
    queue: Annotated[int, msgspec.Meta(ge=1, le=QUEUE_MAX)] = 100


class CommandsEntry(Entry, frozen=True, kw_only=True):
    """The methods with which a work unit takes jobs, and the variable that permits their start.

    All are addresses; `permitted` has to be true, good and no older than `permitted_for`.
    """

    work_unit: Id
    object: Address
    begin: Address
    responses: Address
    permitted: Address
    permitted_for: DurationText = "5 s"


class ConnectionEntry(Entry, frozen=True, kw_only=True):
    """One machine, line or gateway on a wire.

    Attributes
    ----------
    password_from : environment variable that holds the password of `user`, or of `user_key`
    user_certificate, user_key : files with which we log in instead of a name (OPC UA)
    registers : id of the register map, for Modbus
    every : how often values are sent (OPC UA) or asked for (Modbus), unless a variable says
    alarms : the server's alarms and conditions are read too, each as a series of states (OPC UA)
    ahead : how far the machine's clock may be ahead of ours; then the time of arrival counts
    """

    id: Id
    url: UrlText
    security: Literal["sign-and-encrypt", "none"] = "sign-and-encrypt"
    user: Annotated[str, msgspec.Meta(max_length=ID_MAX)] = ""
    password_from: Annotated[str, msgspec.Meta(max_length=ID_MAX)] = ""
    user_certificate: Annotated[str, msgspec.Meta(max_length=TEXT_MAX)] = ""
    user_key: Annotated[str, msgspec.Meta(max_length=TEXT_MAX)] = ""
    registers: Id | None = None
    every: DurationText = "500 ms"
    ahead: DurationText = "60 s"
    history: bool = True
    alarms: bool = False
    variables: Annotated[tuple[VariableEntry, ...], Entries] = ()
    commands: Annotated[tuple[CommandsEntry, ...], Entries] = ()
    description: Remark = ""


class ConnectionsDocument(
    Header, frozen=True, kw_only=True, tag_field="document", tag="connections"
):
    """Which machines are read over which wires, and what their variables mean."""

    connections: Annotated[tuple[ConnectionEntry, ...], Entries]


class RegisterEntry(Entry, frozen=True, kw_only=True):
    """A value in the registers of a Modbus device: where, how it is coded, what it means.

    Attributes
    ----------
    at : number of the first register from 0, as it is sent (40001 of old manuals is holding 0)
    order : of the words of a value of several registers
    bytes : order of the bytes in each word
    value : what is measured = number in the registers * `scale` + `offset`, in `unit`
    bad : numbers that mean: no value
    """

    id: Word
    table: Literal["holding", "input", "coil", "discrete"] = "holding"
    at: Annotated[int, msgspec.Meta(ge=0, le=REGISTER_MAX)]
    type: Literal[
        "bool", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"
    ] = "uint16"
    words: Literal["big", "little"] = "big"
    bytes: Literal["big", "little"] = "big"
    scale: float = 1.0
    offset: float = 0.0
    unit: UnitText = ""
    kind: Literal["gauge", "counter", "state"] = "gauge"
    states: States = ()
    bad: Annotated[tuple[float, ...], msgspec.Meta(max_length=100)] = ()
    every: DurationText | None = None
    label: Label | None = None


class RegistersDocument(Header, frozen=True, kw_only=True, tag_field="document", tag="registers"):
    """The register map of a type of Modbus device."""

    id: Id
    registers: Annotated[tuple[RegisterEntry, ...], Entries]
