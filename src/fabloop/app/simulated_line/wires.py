"""The wires of a simulated line, as they are asked for on the command line."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from fabloop.adapters.plant_servers.mqtt import MqttPlant, Publish
from fabloop.adapters.plant_servers.served import PlantServer, ServedUnit
from fabloop.base.errors import Fault, Invalid, Unavailable


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which wires, and where; a port of None is no wire, of 0 a free one."""

    opcua: int | None = None
    modbus: int | None = None
    mqtt: str = ""
    host: str = "127.0.0.1"
    insecure: bool = False
    folder: Path


def wires_of(units: Sequence[ServedUnit], wanted: Wanted) -> list[PlantServer]:
    """Return the wires, not started; an extra that is missing is told by name."""
    try:
        return _wires_of(units, wanted)
    except ImportError as error:
        extra = "modbus" if (error.name or "").startswith("pymodbus") else "opcua"
        raise Unavailable(
            f"Expected the library of the wire, but found none ({error.name}). "
            f"Install it: pip install 'fabloop[{extra}]'."
        ) from error


def _wires_of(units: Sequence[ServedUnit], wanted: Wanted) -> list[PlantServer]:
    found: list[PlantServer] = []
    if wanted.opcua is not None:
        from fabloop.adapters.plant_servers.opcua import (  # noqa: PLC0415  # an extra
            OpcUaPlant,
            OpcUaWire,
        )

        wire = OpcUaWire(
            folder=wanted.folder, host=wanted.host, port=wanted.opcua, insecure=wanted.insecure
        )
        found.append(OpcUaPlant(units, wire))
    if wanted.modbus is not None:
        from fabloop.adapters.plant_servers.modbus import ModbusPlant  # noqa: PLC0415  # an extra

        found.append(ModbusPlant(units, host=wanted.host, port=wanted.modbus))
    if wanted.mqtt:
        found.append(mqtt_plant(units, wanted.mqtt))
    return found


def mqtt_plant(
    units: Sequence[ServedUnit], url: str, *, client_id: str = "fabloop-plant"
) -> MqttPlant:
    """Return units that publish to the broker of ``mqtt://HOST:PORT/PREFIX``."""
    from fabloop.adapters.mqtt.broker import Broker  # noqa: PLC0415  # an extra
    from fabloop.adapters.mqtt.link import Link, opened  # noqa: PLC0415  # an extra

    parts = urlsplit(url)
    if parts.scheme != "mqtt" or not parts.hostname:
        hint = "Write mqtt://127.0.0.1:1883/plant, say."
        raise Invalid(
            Fault(source="--mqtt", path="", expected="mqtt://HOST:PORT/PREFIX", found=repr(url),
                hint=hint)
        )  # fmt: skip
    broker = Broker(host=parts.hostname, port=parts.port or 1883, client_id=client_id)
    links: list[Link] = []

    async def connect() -> Publish:
        links.append(await opened(broker))

        async def publish(topic: str, payload: bytes) -> None:
            await links[0].publish(topic, payload)

        return publish

    async def close() -> None:
        for each in links:
            await each.close()

    return MqttPlant(
        units, url=url, connect=connect, close=close, prefix=parts.path.strip("/") or "plant"
    )
