"""An OPC UA server that shows work units with their variables, history and job methods."""

import logging
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asyncua import Node, Server, ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from cryptography.x509.oid import ExtendedKeyUsageOID

from fabloop.adapters.plant_servers.jobs import JobDesk
from fabloop.adapters.plant_servers.opcua_methods import PermitCheck, add_job_methods
from fabloop.adapters.plant_servers.served import (
    NAMESPACE,
    ServedKind,
    ServedUnit,
    ServedValue,
    ServedVariable,
)
from fabloop.base.instant import SECOND, Instant
from fabloop.sense.readings.quality import (
    COMMUNICATION_FAILURE,
    DEVICE_FAILURE,
    GOOD,
    LAST_USABLE,
    OUT_OF_SERVICE,
    SENSOR_FAILURE,
    STATUS_MASK,
    UNCERTAIN,
)
from fabloop.sense.readings.unece import UNECE_NAMESPACE, code_of_unit, unit_id

HISTORY_VALUES_MAX = 20_000
"""Values of each variable that can be asked for later."""
APPLICATION_URI = "urn:fabloop:plant-server"
STATUS = {
    GOOD: ua.StatusCodes.Good,
    UNCERTAIN: ua.StatusCodes.Uncertain,
    LAST_USABLE: ua.StatusCodes.UncertainLastUsableValue,
    SENSOR_FAILURE: ua.StatusCodes.BadSensorFailure,
    DEVICE_FAILURE: ua.StatusCodes.BadDeviceFailure,
    COMMUNICATION_FAILURE: ua.StatusCodes.BadNoCommunication,
    OUT_OF_SERVICE: ua.StatusCodes.BadOutOfService,
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class OpcUaWire:
    """Where and how an OPC UA server listens.

    Attributes
    ----------
    folder : holds the server's certificate and key, which are made on first use
    port : 0 takes a free one
    insecure : adds an endpoint without security
    history : values of each variable that can be asked for later; 0 for none
    """

    folder: Path
    host: str = "127.0.0.1"
    port: int = 0
    insecure: bool = False
    history: int = HISTORY_VALUES_MAX


class OpcUaPlant:
    """Work units on one OPC UA endpoint; with a `check` their jobs have to carry permits.

    Secure by default: only Basic256Sha256, signed and encrypted. Any client certificate is
    accepted, since what is shown here is simulated.
    """

    def __init__(
        self,
        units: Sequence[ServedUnit],
        wire: OpcUaWire,
        *,
        desks: Mapping[str, JobDesk] | None = None,
        check: PermitCheck | None = None,
    ) -> None:
        self._units = units
        self._wire = wire
        self._desks = desks or {}
        self._check = check
        self._server = Server()
        self._shown: dict[tuple[str, str], tuple[Node, ServedVariable]] = {}
        self._permits: dict[str, Node] = {}

    async def start(self) -> str:
        """Listen; returns the URL."""
        logging.getLogger("asyncua").setLevel(logging.ERROR)
        server = self._server
        await server.init()
        await server.set_application_uri(APPLICATION_URI)
        url = (
            f"opc.tcp://{self._wire.host}:{self._wire.port or _free_port(self._wire.host)}/fabloop"
        )
        server.set_endpoint(url)
        server.set_server_name("fabloop plant server")
        policies = [ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt]
        if self._wire.insecure:
            policies.append(ua.SecurityPolicyType.NoSecurity)
        server.set_security_policy(policies)
        await self._load_certificate()
        index = await server.register_namespace(NAMESPACE)
        machines = await server.nodes.objects.add_folder(
            ua.NodeId("Machines", index), ua.QualifiedName("Machines", index)
        )
        for unit in self._units:
            await self._add_unit(machines, unit, index)
        await server.start()
        return url

    async def publish(self, values: list[ServedValue]) -> None:
        """Write values, with their own time as source time."""
        for each in values:
            node, variable = self._shown[each.unit, each.variable]
            await self._server.write_attribute_value(node.nodeid, _data_value(each, variable))

    async def permit(self, unit: str, at: Instant, *, allowed: bool) -> None:
        """Say whether a job may be started from afar; only a fresh yes is one."""
        value = ua.DataValue(ua.Variant(allowed, ua.VariantType.Boolean))
        value = _stamped(value, at)
        await self._server.write_attribute_value(self._permits[unit].nodeid, value)

    async def close(self) -> None:
        """Stop listening."""
        await self._server.stop()

    async def _load_certificate(self) -> None:
        self._wire.folder.mkdir(parents=True, exist_ok=True)
        certificate, key = self._wire.folder / "server.der", self._wire.folder / "server-key.pem"
        await setup_self_signed_certificate(
            key, certificate, APPLICATION_URI, self._wire.host,
            [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
            {"organizationName": "fabloop simulated plant"},
        )  # fmt: skip
        key.chmod(0o600)
        await self._server.load_certificate(str(certificate))
        await self._server.load_private_key(str(key))

    async def _add_unit(self, machines: Node, unit: ServedUnit, index: int) -> None:
        machine = await machines.add_object(
            ua.NodeId(unit.id, index), ua.QualifiedName(unit.id, index)
        )
        told = {"ComponentName": unit.label, "DeviceClass": unit.equipment_type}
        about = await machine.add_object(
            ua.NodeId(f"{unit.id}/Identification", index),
            ua.QualifiedName("Identification", index),
        )
        for name, text in told.items():
            await about.add_property(
                ua.NodeId(f"{unit.id}/Identification/{name}", index),
                ua.QualifiedName(name, index), text,
            )  # fmt: skip
        for variable in unit.variables:
            node = await _add_variable(machine, unit, variable, index)
            self._shown[unit.id, variable.name] = (node, variable)
            if self._wire.history:
                await self._server.historize_node_data_change(
                    node, period=None, count=self._wire.history
                )
        if unit.id in self._desks:
            self._permits[unit.id] = await add_job_methods(
                machine, unit.id, self._desks[unit.id], index, self._check
            )


async def _add_variable(
    machine: Node, unit: ServedUnit, variable: ServedVariable, index: int
) -> Node:
    start, kind = _initial(variable)
    path = f"{unit.id}/{variable.name}"
    node = await machine.add_variable(
        ua.NodeId(path, index), ua.QualifiedName(variable.name, index), start, kind
    )
    waiting = ua.DataValue(
        ua.Variant(start, kind), ua.StatusCode(ua.StatusCodes.BadWaitingForInitialData),
        EPOCH, datetime.now(UTC),  # its history begins with a time, whatever the clock of the plant
    )  # fmt: skip
    await node.write_value(waiting)
    extra: dict[str, ua.Variant] = {}
    if variable.unit:
        code = code_of_unit(variable.unit)
        extra["EngineeringUnits"] = ua.Variant(
            ua.EUInformation(
                NamespaceUri=UNECE_NAMESPACE if code else "",
                UnitId=unit_id(code) if code else -1,
                DisplayName=ua.LocalizedText(variable.unit),
                Description=ua.LocalizedText(variable.label),
            )
        )
    if variable.least is not None and variable.greatest is not None:
        extra["EURange"] = ua.Variant(ua.Range(Low=variable.least, High=variable.greatest))
    if variable.states:
        extra["EnumStrings"] = ua.Variant([ua.LocalizedText(each) for each in variable.states])
    if variable.kind is ServedKind.BULK:
        extra["SampleInterval"] = ua.Variant(variable.interval_ns / 1e6, ua.VariantType.Double)
    for name, value in extra.items():
        await node.add_property(
            ua.NodeId(f"{path}/{name}", index), ua.QualifiedName(name, 0), value
        )
    return node


def _initial(variable: ServedVariable) -> tuple[object, ua.VariantType]:
    match variable.kind:
        case ServedKind.STATE if variable.text_states:
            return ua.LocalizedText(""), ua.VariantType.LocalizedText
        case ServedKind.STATE:
            return 0, ua.VariantType.Int32
        case ServedKind.BULK:
            return [0.0] * variable.samples, ua.VariantType.Double
        case _:
            return 0.0, ua.VariantType.Double


def _data_value(told: ServedValue, variable: ServedVariable) -> ua.DataValue:
    number = told.values[0]
    _, kind = _initial(variable)
    content: object
    match variable.kind:
        case ServedKind.STATE if variable.text_states:
            content = ua.LocalizedText(variable.states[int(number)])
        case ServedKind.STATE:
            content = int(number)
        case ServedKind.BULK:
            content = list(told.values)
        case _:
            content = number
    value = ua.DataValue(ua.Variant(content, kind), ua.StatusCode(_status(told.quality)))
    return _stamped(value, told.at)


def _status(quality: int) -> int:
    """Return the status code of a quality byte; where there is none, that of its kind."""
    known: int | None = STATUS.get(quality)
    if known is not None:
        return known
    kind = quality & STATUS_MASK
    return int(STATUS[kind]) if kind in STATUS else int(ua.StatusCodes.Bad)


def _stamped(value: ua.DataValue, at: Instant) -> ua.DataValue:
    """Return the value with its own time as source time; the server adds its own."""
    return ua.DataValue(
        value.Value,
        value.StatusCode,
        EPOCH + timedelta(seconds=at // SECOND, microseconds=at % SECOND // 1000),
        datetime.now(UTC),
    )


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
