"""ServiceRegistry for operators: devices, systems, definitions, offers, templates in bulk."""

from typing import TypeVar

import msgspec

from fabloop.adapters.arrowhead.five import wire
from fabloop.adapters.arrowhead.five.calls import Answer, Call, Handler, Route, told
from fabloop.adapters.arrowhead.five.pages import BY_NUMBER, page_of
from fabloop.adapters.arrowhead.five.reading import LIST_MAX, Reading
from fabloop.adapters.arrowhead.five.registry import (
    Removable,
    device_entry,
    device_filter,
    revoked,
    service_entry,
    service_filter,
    system_entry,
    system_filter,
)
from fabloop.adapters.arrowhead.five.settings import Settings
from fabloop.adapters.arrowhead.five.shapes import Entries
from fabloop.adapters.arrowhead.five.told import (
    definition_out,
    device_out,
    listed,
    service_out,
    system_out,
    template_out,
)
from fabloop.base.instant import Instant
from fabloop.services.cloud.interfaces import validator_faults
from fabloop.services.cloud.lookups import find_devices, find_services, find_systems
from fabloop.services.cloud.names import DELIMITER, INTERFACE, SERVICE
from fabloop.services.cloud.records import (
    Device,
    InterfaceTemplate,
    ServiceDefinition,
    ServiceInstance,
    System,
    TemplateProperty,
)
from fabloop.services.cloud.registry import (
    DefineServices,
    DefineTemplates,
    Mode,
    RegisterDevices,
    RegisterServices,
    RegisterSystems,
    TemplateEntry,
)
from fabloop.services.cloud.state import State

T = TypeVar("T")
_PATH = "/serviceregistry/mgmt"
_DEVICES = msgspec.json.Decoder(wire.DevicesIn)
_SYSTEMS = msgspec.json.Decoder(wire.SystemsIn)
_SERVICES = msgspec.json.Decoder(wire.ServicesIn)
_DEFINITIONS = msgspec.json.Decoder(wire.DefinitionsIn)
_TEMPLATES = msgspec.json.Decoder(wire.TemplatesIn)
_PAGE = msgspec.json.Decoder(wire.Page)
_DEVICE_QUERY = msgspec.json.Decoder(wire.DeviceQuery)
_SYSTEM_QUERY = msgspec.json.Decoder(wire.SystemQuery)
_SERVICE_QUERY = msgspec.json.Decoder(wire.ServiceQuery)
_TEMPLATE_QUERY = msgspec.json.Decoder(wire.TemplateQuery)


class RegistryManagement:
    """The management services of the registry."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def routes(self) -> tuple[Route, ...]:
        """Return who answers what."""
        removals = (
            ("devices", "names", Device),
            ("systems", "names", System),
            ("service-definitions", "names", ServiceDefinition),
            ("service-instances", "serviceInstances", ServiceInstance),
            ("interface-templates", "names", InterfaceTemplate),
        )
        return (
            Route("POST", f"{_PATH}/devices", self.create_devices),
            Route("PUT", f"{_PATH}/devices", self.update_devices),
            Route("POST", f"{_PATH}/devices/query", self.query_devices),
            Route("POST", f"{_PATH}/systems", self.create_systems),
            Route("PUT", f"{_PATH}/systems", self.update_systems),
            Route("POST", f"{_PATH}/systems/query", self.query_systems),
            Route("POST", f"{_PATH}/service-definitions", self.create_definitions),
            Route("POST", f"{_PATH}/service-definitions/query", self.query_definitions),
            Route("POST", f"{_PATH}/service-instances", self.create_services),
            Route("PUT", f"{_PATH}/service-instances", self.update_services),
            Route("POST", f"{_PATH}/service-instances/query", self.query_services),
            Route("POST", f"{_PATH}/interface-templates", self.create_templates),
            Route("POST", f"{_PATH}/interface-templates/query", self.query_templates),
            *(
                Route("DELETE", f"{_PATH}/{path}", _remover(kind, parameter))
                for path, parameter, kind in removals
            ),
        )

    async def create_devices(self, call: Call) -> Answer:
        """Register devices that are new."""
        return await self._devices(call, Mode.CREATE)

    async def update_devices(self, call: Call) -> Answer:
        """Change devices that are known."""
        return await self._devices(call, Mode.UPDATE)

    async def _devices(self, call: Call, mode: Mode) -> Answer:
        reading = Reading("devices")
        asked = some(call.read(_DEVICES).devices, reading, "devices")
        entries = tuple(device_entry(x, reading, f"devices[{n}].") for n, x in enumerate(asked))
        reading.check()
        made = await call.cloud.do(RegisterDevices(entries=entries, mode=mode))
        return told(listed([device_out(each) for each in made]), _status(mode))

    async def query_devices(self, call: Call) -> Answer:
        """List devices."""
        asked = call.read(_DEVICE_QUERY)
        reading = Reading("query")
        wanted = device_filter(asked, reading)

        def found(state: State, _: Instant) -> Entries[object]:
            every = find_devices(state, wanted)
            page = page_of(every, asked.pagination, BY_NUMBER, reading)
            return listed([device_out(each) for each in page], len(every))

        return told(await call.cloud.ask(found))

    async def create_systems(self, call: Call) -> Answer:
        """Register systems that are new."""
        return await self._systems(call, Mode.CREATE)

    async def update_systems(self, call: Call) -> Answer:
        """Change systems that are known."""
        return await self._systems(call, Mode.UPDATE)

    async def _systems(self, call: Call, mode: Mode) -> Answer:
        reading = Reading("systems")
        asked = some(call.read(_SYSTEMS).systems, reading, "systems")
        entries = tuple(
            system_entry(each, reading, f"systems[{number}].", each.name)
            for number, each in enumerate(asked)
        )
        reading.check()
        made = await call.cloud.do(RegisterSystems(entries=entries, mode=mode))

        def shown(state: State, _: Instant) -> Entries[object]:
            return listed([system_out(state, each, verbose=True) for each in made])

        return told(await call.cloud.ask(shown), _status(mode))

    async def query_systems(self, call: Call) -> Answer:
        """List systems."""
        asked = call.read(_SYSTEM_QUERY)
        reading = Reading("query")
        wanted = system_filter(asked, reading)
        verbose = call.flag("verbose")

        def found(state: State, _: Instant) -> Entries[object]:
            every = find_systems(state, wanted)
            page = page_of(every, asked.pagination, BY_NUMBER, reading)
            return listed([system_out(state, x, verbose=verbose) for x in page], len(every))

        return told(await call.cloud.ask(found))

    async def create_definitions(self, call: Call) -> Answer:
        """Define services that are new."""
        reading = Reading("service definitions")
        asked = some(
            call.read(_DEFINITIONS).service_definition_names, reading, "serviceDefinitionNames"
        )
        names = reading.names(SERVICE, asked, "serviceDefinitionNames")
        reading.check()
        made = await call.cloud.do(DefineServices(names=names))
        return told(listed([definition_out(each) for each in made]), 201)

    async def query_definitions(self, call: Call) -> Answer:
        """List service definitions."""
        asked = call.read(_PAGE)

        def found(state: State, _: Instant) -> Entries[object]:
            every = list(state.table(ServiceDefinition).values())
            page = page_of(every, asked, BY_NUMBER, Reading("query"))
            return listed([definition_out(each) for each in page], len(every))

        return told(await call.cloud.ask(found))

    async def create_services(self, call: Call) -> Answer:
        """Register offers that are new."""
        return await self._services(call, Mode.CREATE)

    async def update_services(self, call: Call) -> Answer:
        """Change offers that are known, which are told by their ids."""
        return await self._services(call, Mode.UPDATE)

    async def _services(self, call: Call, mode: Mode) -> Answer:
        reading = Reading("service instances")
        asked = some(call.read(_SERVICES).instances, reading, "instances")
        entries = tuple(
            service_entry(told_in, reading, f"instances[{number}].", told_in.system_name)
            for number, each in enumerate(asked)
            for told_in in (_by_id(each) if mode is Mode.UPDATE else each,)
        )
        reading.check()
        command = RegisterServices(entries=entries, mode=mode, templates=self._settings.templates)
        made = await call.cloud.do(command)

        def shown(state: State, _: Instant) -> Entries[object]:
            return listed([service_out(state, each, verbose=True) for each in made])

        return told(await call.cloud.ask(shown), _status(mode))

    async def query_services(self, call: Call) -> Answer:
        """List offers."""
        asked = call.read(_SERVICE_QUERY)
        reading = Reading("query")
        wanted = service_filter(asked, reading, restricted=False)
        verbose = call.flag("verbose")

        def found(state: State, at: Instant) -> Entries[object]:
            every = find_services(state, wanted, at)
            page = page_of(every, asked.pagination, BY_NUMBER, reading)
            return listed([service_out(state, x, verbose=verbose) for x in page], len(every))

        return told(await call.cloud.ask(found))

    async def create_templates(self, call: Call) -> Answer:
        """Define interface templates that are new."""
        reading = Reading("interface templates")
        asked = some(call.read(_TEMPLATES).interface_templates, reading, "interfaceTemplates")
        entries = tuple(
            _template_entry(each, reading, f"interfaceTemplates[{number}]")
            for number, each in enumerate(asked)
        )
        reading.check()
        made = await call.cloud.do(DefineTemplates(entries=entries))
        return told(listed([template_out(each) for each in made]), 201)

    async def query_templates(self, call: Call) -> Answer:
        """List interface templates."""
        asked = call.read(_TEMPLATE_QUERY)
        reading = Reading("query")
        names = reading.names(INTERFACE, asked.template_names, "templateNames")
        protocols = [each.lower() for each in reading.some(asked.protocols, "protocols")]

        def found(state: State, _: Instant) -> Entries[object]:
            every = [
                each
                for each in state.table(InterfaceTemplate).values()
                if (not names or each.name in names)
                and (not protocols or each.protocol in protocols)
            ]
            page = page_of(every, asked.pagination, BY_NUMBER, reading)
            return listed([template_out(each) for each in page], len(every))

        return told(await call.cloud.ask(found))


def some(values: list[T] | None, reading: Reading, path: str) -> list[T]:
    """Return a list that has to be told and not be too long."""
    found = values or []
    if not found:
        reading.add(path, "one entry at least", "none")
    if len(found) > LIST_MAX:
        reading.add(path, f"at most {LIST_MAX} entries", str(len(found)))
        return []
    return found


def _status(mode: Mode) -> int:
    return 201 if mode is Mode.CREATE else 200


def _by_id(asked: wire.ServiceIn) -> wire.ServiceIn:
    """Return an offer with what its id says."""
    parts = (asked.instance_id or "").split(DELIMITER)
    if len(parts) != 3:
        return asked
    return msgspec.structs.replace(
        asked, system_name=parts[0], service_definition_name=parts[1], version=parts[2]
    )


def _template_entry(asked: wire.TemplateIn, reading: Reading, path: str) -> TemplateEntry:
    properties = tuple(
        TemplateProperty(
            name=(each.name or "").strip(),
            mandatory=each.mandatory,
            validator=(each.validator or "").strip().upper(),
            parameters=tuple(each.validator_params or ()),
        )
        for each in asked.property_requirements or ()
    )
    for number, each in enumerate(properties):
        reading.extend(
            validator_faults(each, "interface templates", f"{path}.propertyRequirements[{number}]")
        )
    return TemplateEntry(
        name=reading.name(INTERFACE, asked.name, f"{path}.name"),
        protocol=reading.text(asked.protocol, f"{path}.protocol").lower(),
        properties=properties,
    )


def _remover(kind: Removable, parameter: str) -> Handler:
    async def remove(call: Call) -> Answer:
        await revoked(call, kind, call.several(parameter))
        return Answer()

    return remove
