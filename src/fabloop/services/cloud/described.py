"""What a service that describes itself is in a local cloud: its system, its offers, its grants.

The whole description is kept with the system, so that whoever has the cloud has it too. An offer
stands for a skill, or for an operation where the service names no skill.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

import msgspec

from fabloop.base.errors import Conflict, Fault, Invalid
from fabloop.base.instant import SECOND
from fabloop.model.service import ServiceDescription, ServiceOperation
from fabloop.services.cloud.authorise import GrantEntry
from fabloop.services.cloud.bind import EXCLUSIVITY, address_type
from fabloop.services.cloud.names import (
    VERSION_DEFAULT,
    camel_name,
    instance_id,
    kebab_name,
    pascal_name,
    version_of,
)
from fabloop.services.cloud.records import (
    Address,
    Interface,
    Policy,
    PolicyKind,
    SecurityPolicy,
    ServiceInstance,
    System,
)
from fabloop.services.cloud.registry import ServiceEntry, SystemEntry
from fabloop.services.cloud.state import State

DESCRIPTION = "description of "
"""Metadata of a system: before the id of each of its services."""
SERVICE = "service"
"""Metadata of an offer: the id of the service that it belongs to."""
_DECODER = msgspec.json.Decoder(ServiceDescription)


def definition_of(operation: ServiceOperation) -> str:
    """Return the service definition under which an operation is offered."""
    return camel_name(str(operation.offer.skill if operation.offer else operation.name))


def offer_of(service: ServiceDescription, operation: ServiceOperation) -> str:
    """Return the id of the offer that an operation belongs to."""
    return instance_id(system_of(service), definition_of(operation), _version(service))


def system_of(service: ServiceDescription) -> str:
    """Return the name that the system of a service has in the cloud."""
    return pascal_name(str(service.system))


def system_entry(service: ServiceDescription, known: System | None) -> SystemEntry:
    """Return what is registered of a system, with the descriptions of its other services."""
    host = _where(service)[1]
    told = msgspec.json.encode(service).decode()
    return SystemEntry(
        name=system_of(service),
        metadata={**(known.metadata if known else {}), f"{DESCRIPTION}{service.id}": told},
        addresses=(Address(address_type(host), host),),
    )


def offer_entries(service: ServiceDescription, state: State) -> Iterator[ServiceEntry]:
    """Yield what is registered of the offers of a service, one for each definition.

    Raises
    ------
    Conflict
        Another service of its system offers the same.
    """
    by_definition: dict[str, list[ServiceOperation]] = {}
    for each in service.operations:
        by_definition.setdefault(definition_of(each), []).append(each)
    for definition, operations in by_definition.items():
        known = state.find(ServiceInstance, offer_of(service, operations[0]))
        if known is not None and known.metadata.get(SERVICE, service.id) != service.id:
            raise Conflict(
                f"Expected '{definition}' of '{system_of(service)}' to be offered once, but "
                f"'{known.metadata[SERVICE]}' and '{service.id}' do. Give one of them a system of "
                "its own."
            )
        held = [each.exclusive_ns for each in operations if each.exclusive_ns is not None]
        exclusivity = {EXCLUSIVITY: max(held) // SECOND} if held else {}
        yield ServiceEntry(
            provider=system_of(service),
            definition=definition,
            version=_version(service),
            metadata={SERVICE: str(service.id), **exclusivity},
            interfaces=(_interface(service, operations),),
        )


def grant_entries(service: ServiceDescription) -> Iterator[GrantEntry]:
    """Yield what a service grants: its offers to those that it serves, else to everybody."""
    whom = tuple(pascal_name(str(each)) for each in service.serves)
    kind = PolicyKind.WHITELIST if whom else PolicyKind.ALL
    for definition in dict.fromkeys(map(definition_of, service.operations)):
        yield GrantEntry(
            provider=system_of(service),
            target=definition,
            default=Policy(kind=kind, systems=whom),
        )


def described_by(system: System) -> Iterator[ServiceDescription]:
    """Yield the services that a system was registered with."""
    for name, told in system.metadata.items():
        if name.startswith(DESCRIPTION) and isinstance(told, str):
            yield _DECODER.decode(told)


def _interface(service: ServiceDescription, operations: list[ServiceOperation]) -> Interface:
    scheme, host, port, path = _where(service)
    return Interface(
        template=f"generic_{scheme}",
        protocol=scheme,
        policy=SecurityPolicy.NONE,
        properties={
            "accessAddresses": [host],
            "accessPort": port,
            "basePath": path,
            "operations": {
                kebab_name(str(each.name)): {"path": each.path, "method": each.method}
                for each in operations
            },
        },
    )


def _where(service: ServiceDescription) -> tuple[str, str, int, str]:
    """Return scheme, host, port and path at which a service answers; raises Invalid."""
    try:
        parts = urlsplit(service.base_url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        expected = "a URL with http or https and a host"
        raise Invalid(
            Fault(source=str(service.id), path="servers[0].url", expected=expected,
                  found=repr(service.base_url), hint="Say where the service answers.")
        )  # fmt: skip
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme], parts.path or "/"


_PORTS = {"http": 80, "https": 443}


def _version(service: ServiceDescription) -> str:
    """Return the version as a cloud writes it; the first where it cannot be read so."""
    try:
        return version_of(service.version)
    except ValueError:
        return VERSION_DEFAULT
