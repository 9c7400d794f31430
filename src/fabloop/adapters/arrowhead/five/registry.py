"""ServiceRegistry: devices, systems and offers as those who have them tell and look them up."""

import msgspec

from fabloop.adapters.arrowhead.five import wire
from fabloop.adapters.arrowhead.five.calls import Answer, Call, Locked, Route, removed, told
from fabloop.adapters.arrowhead.five.reading import Reading, interface_of
from fabloop.adapters.arrowhead.five.settings import Settings
from fabloop.adapters.arrowhead.five.shapes import DeviceOut, Entries, ServiceOut, SystemOut
from fabloop.adapters.arrowhead.five.told import device_out, listed, service_out, system_out
from fabloop.base.errors import Conflict, NotPermitted
from fabloop.base.instant import Instant
from fabloop.services.cloud.lookups import (
    DeviceFilter,
    ServiceFilter,
    SystemFilter,
    find_devices,
    find_services,
    find_systems,
)
from fabloop.services.cloud.names import DELIMITER, DEVICE, INTERFACE, SERVICE, SYSTEM
from fabloop.services.cloud.records import (
    AddressType,
    Device,
    InterfaceTemplate,
    SecurityPolicy,
    ServiceDefinition,
    ServiceInstance,
    System,
)
from fabloop.services.cloud.registry import (
    DeviceEntry,
    RegisterDevices,
    RegisterServices,
    RegisterSystems,
    Revoke,
    ServiceEntry,
    SystemEntry,
)
from fabloop.services.cloud.state import State

_DEVICE = msgspec.json.Decoder(wire.DeviceIn)
_SYSTEM = msgspec.json.Decoder(wire.SystemIn)
_SERVICE = msgspec.json.Decoder(wire.ServiceIn)
_DEVICES_WANTED = msgspec.json.Decoder(wire.DeviceQuery)
_SYSTEMS_WANTED = msgspec.json.Decoder(wire.SystemQuery)
_SERVICES_WANTED = msgspec.json.Decoder(wire.ServiceQuery)
_PATH = "/serviceregistry"


class Registry:
    """The discovery services of the registry."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def routes(self) -> tuple[Route, ...]:
        """Return who answers what."""
        systems, devices, services = (
            f"{_PATH}/{kind}-discovery" for kind in ("system", "device", "service")
        )
        return (
            Route("POST", f"{systems}/register", self.register_system),
            Route("POST", f"{systems}/lookup", self.look_up_systems),
            Route("DELETE", f"{systems}/revoke", self.revoke_system),
            Route("POST", f"{devices}/register", self.register_device),
            Route("POST", f"{devices}/lookup", self.look_up_devices),
            Route("DELETE", f"{devices}/revoke/", self.revoke_device, tail=True),
            Route("POST", f"{services}/register", self.register_service),
            Route("POST", f"{services}/lookup", self.look_up_services),
            Route("DELETE", f"{services}/revoke/", self.revoke_service, tail=True),
        )

    async def register_system(self, call: Call) -> Answer:
        """Register who asks; 201 where it was unknown."""
        reading = Reading("system")
        entry = system_entry(call.read(_SYSTEM), reading, "", name=call.who)
        reading.check()
        (made,) = await call.cloud.do(RegisterSystems(entries=(entry,)))

        def shown(state: State, _: Instant) -> SystemOut:
            return system_out(state, made, verbose=True)

        is_new = made.created_at == made.updated_at
        return told(await call.cloud.ask(shown), 201 if is_new else 200)

    async def look_up_systems(self, call: Call) -> Answer:
        """List systems."""
        reading = Reading("lookup")
        wanted = system_filter(call.read(_SYSTEMS_WANTED), reading)
        reading.check()
        verbose = call.flag("verbose")

        def found(state: State, _: Instant) -> Entries[SystemOut]:
            systems = find_systems(state, wanted)
            return listed([system_out(state, each, verbose=verbose) for each in systems])

        return told(await call.cloud.ask(found))

    async def revoke_system(self, call: Call) -> Answer:
        """Revoke who asks, with all it offers."""
        return removed(await call.cloud.do(Revoke(kind=System, keys=(call.who,))))

    async def register_device(self, call: Call) -> Answer:
        """Register a device; 201 where it was unknown."""
        reading = Reading("device")
        entry = device_entry(call.read(_DEVICE), reading, "")
        reading.check()
        (made,) = await call.cloud.do(RegisterDevices(entries=(entry,)))
        return told(device_out(made), 201 if made.created_at == made.updated_at else 200)

    async def look_up_devices(self, call: Call) -> Answer:
        """List devices."""
        reading = Reading("lookup")
        wanted = device_filter(call.read(_DEVICES_WANTED), reading)
        reading.check()

        def found(state: State, _: Instant) -> Entries[DeviceOut]:
            return listed([device_out(each) for each in find_devices(state, wanted)])

        return told(await call.cloud.ask(found))

    async def revoke_device(self, call: Call) -> Answer:
        """Revoke a device on which nothing runs."""
        return removed(await revoked(call, Device, (call.tail,)))

    async def register_service(self, call: Call) -> Answer:
        """Register an offer of who asks, in place of the one before."""
        reading = Reading("service")
        entry = service_entry(call.read(_SERVICE), reading, "", provider=call.who)
        reading.check()
        command = RegisterServices(entries=(entry,), templates=self._settings.templates)
        (made,) = await call.cloud.do(command)

        def shown(state: State, _: Instant) -> ServiceOut:
            return service_out(state, made, verbose=True)

        return told(await call.cloud.ask(shown), 201)

    async def look_up_services(self, call: Call) -> Answer:
        """List offers; where looking up is restricted, those that everybody may look up."""
        asked = call.read(_SERVICES_WANTED)
        reading = Reading("lookup")
        if not (asked.instance_ids or asked.provider_names or asked.service_definition_names):
            expected = "one of 'instanceIds', 'providerNames', 'serviceDefinitionNames'"
            reading.add("", expected, "none")
        wanted = service_filter(asked, reading, restricted=self._is_restricted(call))
        reading.check()
        verbose = call.flag("verbose")

        def found(state: State, at: Instant) -> Entries[ServiceOut]:
            offers = find_services(state, wanted, at)
            return listed([service_out(state, each, verbose=verbose) for each in offers])

        return told(await call.cloud.ask(found))

    def _is_restricted(self, call: Call) -> bool:
        told_all = call.sysop or call.who in self._settings.direct
        return self._settings.restricted and not told_all

    async def revoke_service(self, call: Call) -> Answer:
        """Revoke an offer of who asks."""
        if call.tail.partition(DELIMITER)[0] != call.who:
            raise NotPermitted("Revoking other systems' service is forbidden")
        return removed(await call.cloud.do(Revoke(kind=ServiceInstance, keys=(call.tail,))))


Removable = type[Device | System | ServiceDefinition | ServiceInstance | InterfaceTemplate]


async def revoked(call: Call, kind: Removable, keys: tuple[str, ...]) -> int:
    """Revoke records that must not be in use; raises Locked for those that are."""
    try:
        return await call.cloud.do(Revoke(kind=kind, keys=keys))
    except Conflict as error:
        raise Locked(str(error)) from error


def device_entry(asked: wire.DeviceIn, reading: Reading, path: str) -> DeviceEntry:
    """Return a device as it is told."""
    addresses = reading.addresses(asked.addresses, f"{path}addresses")
    if not addresses:
        reading.add(f"{path}addresses", "one address at least", "none")
    return DeviceEntry(
        name=reading.name(DEVICE, asked.name, f"{path}name"),
        metadata=reading.metadata(asked.metadata, f"{path}metadata"),
        addresses=addresses,
    )


def system_entry(
    asked: wire.SystemIn, reading: Reading, path: str, name: str | None
) -> SystemEntry:
    """Return a system as it is told."""
    device = (asked.device_name or "").strip()
    if not device and not asked.addresses:
        reading.add(f"{path}addresses", "one address at least, or a device", "none")
    return SystemEntry(
        name=reading.name(SYSTEM, name, f"{path}name"),
        metadata=reading.metadata(asked.metadata, f"{path}metadata"),
        version=reading.version(asked.version, f"{path}version"),
        addresses=reading.addresses(asked.addresses, f"{path}addresses"),
        device=reading.name(DEVICE, device, f"{path}deviceName") if device else "",
    )


def service_entry(
    asked: wire.ServiceIn, reading: Reading, path: str, provider: str | None
) -> ServiceEntry:
    """Return an offer as it is told."""
    interfaces = asked.interfaces or []
    return ServiceEntry(
        provider=reading.name(SYSTEM, provider, f"{path}systemName"),
        definition=reading.name(
            SERVICE, asked.service_definition_name, f"{path}serviceDefinitionName"
        ),
        version=reading.version(asked.version, f"{path}version"),
        expires_at=reading.time(asked.expires_at, f"{path}expiresAt"),
        metadata=reading.metadata(asked.metadata, f"{path}metadata"),
        interfaces=tuple(
            interface_of(each, reading, f"{path}interfaces[{number}]")
            for number, each in enumerate(interfaces)
        ),
    )


def device_filter(asked: wire.DeviceQuery, reading: Reading) -> DeviceFilter:
    """Return which devices are wanted."""
    return DeviceFilter(
        names=reading.names(DEVICE, asked.device_names, "deviceNames"),
        addresses=tuple(reading.some(asked.addresses, "addresses")),
        address_type=_address_type(asked.address_type, reading),
        metadata=reading.requirements(asked.metadata_requirement_list, "metadataRequirementList"),
    )


def system_filter(asked: wire.SystemQuery, reading: Reading) -> SystemFilter:
    """Return which systems are wanted."""
    return SystemFilter(
        names=reading.names(SYSTEM, asked.system_names, "systemNames"),
        addresses=tuple(reading.some(asked.addresses, "addresses")),
        address_type=_address_type(asked.address_type, reading),
        metadata=reading.requirements(asked.metadata_requirement_list, "metadataRequirementList"),
        versions=reading.versions(asked.versions, "versions"),
        devices=reading.names(DEVICE, asked.device_names, "deviceNames"),
    )


def service_filter(
    asked: wire.ServiceQuery, reading: Reading, *, restricted: bool
) -> ServiceFilter:
    """Return which offers are wanted."""
    return ServiceFilter(
        ids=tuple(reading.some(asked.instance_ids, "instanceIds")),
        providers=reading.names(SYSTEM, asked.provider_names, "providerNames"),
        definitions=reading.names(
            SERVICE, asked.service_definition_names, "serviceDefinitionNames"
        ),
        versions=reading.versions(asked.versions, "versions"),
        alive_at=reading.time(asked.alives_at, "alivesAt"),
        metadata=reading.requirements(asked.metadata_requirements_list, "metadataRequirementsList"),
        address_types=reading.choices(
            AddressType, asked.address_types, "addressTypes", AddressType.HOSTNAME
        ),
        templates=reading.names(
            INTERFACE, asked.interface_template_names, "interfaceTemplateNames"
        ),
        properties=reading.requirements(
            asked.interface_property_requirements_list, "interfacePropertyRequirementsList"
        ),
        policies=reading.choices(SecurityPolicy, asked.policies, "policies", SecurityPolicy.NONE),
        restricted=restricted,
    )


def _address_type(value: str | None, reading: Reading) -> AddressType | None:
    if not (value or "").strip():
        return None
    return reading.choice(AddressType, value, "addressType", AddressType.HOSTNAME)
