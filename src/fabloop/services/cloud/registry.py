"""Registering and revoking devices, systems, service definitions, interfaces and offers."""

from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TypedDict, TypeVar

import msgspec

from fabloop.base.errors import Conflict, Fault, Invalid, NotFound
from fabloop.base.instant import Instant
from fabloop.services.cloud.changes import Change, Drop, Put, Record, drop_of, number_of
from fabloop.services.cloud.command import Decided, Moment, check_room
from fabloop.services.cloud.interfaces import TemplatePolicy, interface_faults
from fabloop.services.cloud.names import VERSION_DEFAULT, instance_id
from fabloop.services.cloud.records import (
    Address,
    Device,
    Interface,
    InterfaceTemplate,
    Lock,
    ServiceDefinition,
    ServiceInstance,
    StoreRule,
    System,
    TemplateProperty,
)
from fabloop.services.cloud.state import State

R = TypeVar("R", bound=Device | System | ServiceDefinition | ServiceInstance | InterfaceTemplate)


class Mode(StrEnum):
    """What is done with what is there already, and with what is not."""

    PUT = "put"
    CREATE = "create"
    UPDATE = "update"


class DeviceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a device."""

    name: str
    metadata: dict[str, object] = {}
    addresses: tuple[Address, ...] = ()


class SystemEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a system; without addresses it has those of its device."""

    name: str
    metadata: dict[str, object] = {}
    version: str = VERSION_DEFAULT
    addresses: tuple[Address, ...] = ()
    device: str = ""


class ServiceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of an offer."""

    provider: str
    definition: str
    version: str = VERSION_DEFAULT
    expires_at: Instant | None = None
    metadata: dict[str, object] = {}
    interfaces: tuple[Interface, ...] = ()


class TemplateEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a form of interfaces."""

    name: str
    protocol: str
    properties: tuple[TemplateProperty, ...] = ()


class RegisterDevices(msgspec.Struct, frozen=True, kw_only=True):
    """Devices that are there now; the reply is their records, and which of them are new."""

    entries: tuple[DeviceEntry, ...]
    mode: Mode = Mode.PUT

    def decide(self, state: State, moment: Moment) -> Decided[tuple[Device, ...]]:
        """Raise Conflict or NotFound where the mode says so."""
        check_room(state, Device, len(self.entries))
        _check_mode(state, Device, [each.name for each in self.entries], self.mode)
        made = tuple(
            Device(
                name=each.name,
                metadata=each.metadata,
                addresses=each.addresses,
                **_marks(state.find(Device, each.name), moment),
            )
            for each in self.entries
        )
        return _put(made)


class RegisterSystems(msgspec.Struct, frozen=True, kw_only=True):
    """Systems that are there now; the reply is their records."""

    entries: tuple[SystemEntry, ...]
    mode: Mode = Mode.PUT

    def decide(self, state: State, moment: Moment) -> Decided[tuple[System, ...]]:
        """Raise Conflict or NotFound where the mode says so, Invalid for unknown devices."""
        check_room(state, System, len(self.entries))
        _check_mode(state, System, [each.name for each in self.entries], self.mode)
        _refuse(
            Fault(source="system", path=f"{each.name}.deviceName", expected="a registered device",
                found=repr(each.device))
            for each in self.entries
            if each.device and state.find(Device, each.device) is None
        )  # fmt: skip
        made = tuple(self._system(state, each, moment) for each in self.entries)
        return _put(made)

    @staticmethod
    def _system(state: State, entry: SystemEntry, moment: Moment) -> System:
        device = state.find(Device, entry.device) if entry.device else None
        inherited = device.addresses if device is not None else ()
        return System(
            name=entry.name,
            metadata=entry.metadata,
            version=entry.version,
            addresses=entry.addresses or inherited,
            device=entry.device,
            **_marks(state.find(System, entry.name), moment),
        )


class DefineServices(msgspec.Struct, frozen=True, kw_only=True):
    """Service definitions that are known now; the reply is their records."""

    names: tuple[str, ...]
    mode: Mode = Mode.CREATE

    def decide(self, state: State, moment: Moment) -> Decided[tuple[ServiceDefinition, ...]]:
        """Raise Conflict where one is known already."""
        check_room(state, ServiceDefinition, len(self.names))
        _check_mode(state, ServiceDefinition, self.names, self.mode)
        return _put(tuple(_definition(state, each, moment) for each in self.names))


class DefineTemplates(msgspec.Struct, frozen=True, kw_only=True):
    """Interface templates that are known now; the reply is their records."""

    entries: tuple[TemplateEntry, ...]
    mode: Mode = Mode.CREATE

    def decide(self, state: State, moment: Moment) -> Decided[tuple[InterfaceTemplate, ...]]:
        """Raise Conflict where one is known already."""
        check_room(state, InterfaceTemplate, len(self.entries))
        _check_mode(state, InterfaceTemplate, [each.name for each in self.entries], self.mode)
        return _put(tuple(_template(state, each, moment) for each in self.entries))


class RegisterServices(msgspec.Struct, frozen=True, kw_only=True):
    """Offers that are made now; the reply is their records.

    An unknown definition is defined; `templates` says what becomes of an unknown template.
    """

    entries: tuple[ServiceEntry, ...]
    mode: Mode = Mode.PUT
    templates: TemplatePolicy = TemplatePolicy.RESTRICTED

    def decide(self, state: State, moment: Moment) -> Decided[tuple[ServiceInstance, ...]]:
        """Raise Invalid with all that is wrong: unknown providers, interfaces, times gone by."""
        check_room(state, ServiceInstance, len(self.entries))
        ids = [instance_id(each.provider, each.definition, each.version) for each in self.entries]
        _check_mode(state, ServiceInstance, ids, self.mode)
        _refuse(fault for each in self.entries for fault in self._faults(state, each, moment.at))
        changes: list[Change] = []
        made: list[ServiceInstance] = []
        known: set[str] = set()
        for entry, id_ in zip(self.entries, ids, strict=True):
            changes += _missing(state, entry, moment, known)
            offer = ServiceInstance(
                id=id_,
                provider=entry.provider,
                definition=entry.definition,
                version=entry.version,
                expires_at=entry.expires_at,
                metadata=entry.metadata,
                interfaces=tuple(_with_protocol(state, each) for each in entry.interfaces),
                **_marks(state.find(ServiceInstance, id_), moment),
            )
            made.append(offer)
            changes.append(Put(offer))
        return Decided(tuple(made), tuple(changes))

    def _faults(self, state: State, entry: ServiceEntry, at: Instant) -> Iterator[Fault]:
        place = f"{entry.provider}.{entry.definition}"
        if state.find(System, entry.provider) is None:
            yield Fault(source="service", path=f"{place}.systemName",
                expected="a registered system", found=repr(entry.provider),
                hint="Register the system first.")  # fmt: skip
        if entry.expires_at is not None and entry.expires_at <= at:
            yield Fault(source="service", path=f"{place}.expiresAt",
                expected="a time to come", found="one that has passed")  # fmt: skip
        if not entry.interfaces:
            yield Fault(source="service", path=f"{place}.interfaces",
                expected="one interface at least", found="none")  # fmt: skip
        for number, each in enumerate(entry.interfaces):
            yield from interface_faults(
                state.find(InterfaceTemplate, each.template), each, self.templates,
                "service", f"{place}.interfaces[{number}]",
            )  # fmt: skip


class Revoke(msgspec.Struct, frozen=True, kw_only=True):
    """What is there no more; the reply is how many there were. Unknown keys count for nothing.

    With a system its offers go, and with an offer its lock and the bindings to it. A device on
    which systems run, and a definition or template that is in use, stays.
    """

    kind: type[Device | System | ServiceDefinition | ServiceInstance | InterfaceTemplate]
    keys: tuple[str, ...]

    def decide(self, state: State, moment: Moment) -> Decided[int]:  # noqa: ARG002  # as all do
        """Raise Conflict where one is in use."""
        found = [record for key in self.keys if (record := state.find(self.kind, key)) is not None]
        for each in found:
            used = _user_of(state, each)
            if used:
                raise Conflict(
                    f"Expected '{each.key}' to be in use by nobody, but '{used}' uses it. "
                    f"Revoke '{used}' first."
                )
        changes = [change for each in found for change in _dropped(state, each)]
        return Decided(len(found), tuple(changes))


def _user_of(state: State, record: Record) -> str:
    """Return something that could not be without a record; nothing for most."""
    match record:
        case Device():
            systems = state.table(System).values()
            return next((each.name for each in systems if each.device == record.name), "")
        case ServiceDefinition():
            return next(iter(state.offers.of_definition(record.name)), "")
        case InterfaceTemplate():
            return next(
                (
                    offer.id
                    for offer in state.table(ServiceInstance).values()
                    if any(each.template == record.name for each in offer.interfaces)
                ),
                "",
            )
        case _:
            return ""


def _dropped(state: State, record: Record) -> Iterator[Drop]:
    """Yield a record and what cannot be without it."""
    match record:
        case System():
            for each in state.offers.of_provider(record.name):
                yield from _dropped(state, state.table(ServiceInstance)[each])
        case ServiceInstance():
            if state.find(Lock, record.id) is not None:
                yield Drop(number_of(Lock), record.id)
            for rule in state.table(StoreRule).values():
                if rule.instance == record.id:
                    yield drop_of(rule)
        case _:
            pass
    yield drop_of(record)


def _missing(
    state: State, entry: ServiceEntry, moment: Moment, known: set[str]
) -> Iterator[Change]:
    """Yield definition and templates of an offer that nobody has told yet."""
    name = entry.definition
    if state.find(ServiceDefinition, name) is None and name not in known:
        known.add(name)
        yield Put(_definition(state, name, moment))
    for each in entry.interfaces:
        if state.find(InterfaceTemplate, each.template) is None and each.template not in known:
            known.add(each.template)
            template = TemplateEntry(name=each.template, protocol=each.protocol)
            yield Put(_template(state, template, moment))


def _with_protocol(state: State, interface: Interface) -> Interface:
    """Return an interface with the protocol of its template where it tells none."""
    template = state.find(InterfaceTemplate, interface.template)
    if interface.protocol or template is None:
        return interface
    return msgspec.structs.replace(interface, protocol=template.protocol)


def _definition(state: State, name: str, moment: Moment) -> ServiceDefinition:
    return ServiceDefinition(name=name, **_marks(state.find(ServiceDefinition, name), moment))


def _template(state: State, entry: TemplateEntry, moment: Moment) -> InterfaceTemplate:
    return InterfaceTemplate(
        name=entry.name,
        protocol=entry.protocol,
        properties=entry.properties,
        **_marks(state.find(InterfaceTemplate, entry.name), moment),
    )


class _Marks(TypedDict):
    """Number and times of a record."""

    number: int
    created_at: Instant
    updated_at: Instant


def _marks(old: R | None, moment: Moment) -> _Marks:
    """Return number and times: those of the record it replaces, or new ones."""
    return _Marks(
        number=old.number if old is not None else moment.number(),
        created_at=old.created_at if old is not None else moment.at,
        updated_at=moment.at,
    )


def _put(made: tuple[R, ...]) -> Decided[tuple[R, ...]]:
    return Decided(made, tuple(Put(each) for each in made))


def _check_mode(state: State, kind: type[R], keys: Sequence[str], mode: Mode) -> None:
    """Raise where an entry is there twice, or is there and must not be, or the other way round."""
    table = state.table(kind)
    twice = [key for key, count in Counter(keys).items() if count > 1]
    if twice:
        raise Conflict(f"Expected each name once, but found {', '.join(map(repr, twice))} twice.")
    if mode is Mode.CREATE:
        there = [key for key in keys if key in table]
        if there:
            raise Conflict(
                f"Expected names that are new, but found {', '.join(map(repr, there))}. "
                "Update them instead."
            )
    if mode is Mode.UPDATE:
        lacking = [key for key in keys if key not in table]
        if lacking:
            raise NotFound(
                f"Expected names that are known, but found {', '.join(map(repr, lacking))}."
            )


def _refuse(faults: Iterator[Fault]) -> None:
    found = tuple(faults)
    if found:
        raise Invalid(found)
