"""The one store behind both versions, as this one sees it: records as its messages."""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from fabloop.adapters.arrowhead.four import wire
from fabloop.adapters.arrowhead.four.answers import Asked
from fabloop.adapters.arrowhead.four.names import (
    interface_name,
    number_for,
    place_of,
    secure_of,
    system_key,
    texts_of,
    version_number,
    written,
)
from fabloop.adapters.arrowhead.mtls import Peer, sender_of
from fabloop.adapters.arrowhead.profiles import Profile
from fabloop.base.errors import NotPermitted
from fabloop.base.instant import Instant
from fabloop.services.cloud.bind import address_type
from fabloop.services.cloud.command import Command
from fabloop.services.cloud.records import (
    Address,
    Interface,
    ServiceDefinition,
    ServiceInstance,
    System,
)
from fabloop.services.cloud.registry import SystemEntry
from fabloop.services.cloud.state import State

T = TypeVar("T")

KEY = "authenticationInfo"
"""Metadata of a system with its public key."""
PORT = "port"
"""Metadata of a system with the port that 4.x tells beside its address."""


class Store(Protocol):
    """A local cloud: commands are durable when they return, questions see what is durable."""

    def submit(self, command: Command[T]) -> T:
        """Return the reply; raises what the command raises."""
        ...

    def query(self, question: Callable[[State, Instant], T]) -> T:
        """Return the answer; the question must not keep the state."""
        ...


def entry_of(
    told: wire.SystemRequest, state: State, peer: Peer | None, *, its_own: bool
) -> SystemEntry:
    """Return a system as the store takes it; what is known of it already stays.

    The key in the certificate is that of the system, where it speaks for itself.
    """
    name = system_key(told.system_name, state.table(System))
    old = state.find(System, name)
    metadata: dict[str, object] = dict(old.metadata) if old is not None else {}
    metadata |= told.metadata or {}
    key = peer.public_key if peer is not None and its_own else told.authentication_info
    if key:
        metadata[KEY] = key
    if told.port:
        metadata[PORT] = told.port
    known = old.addresses if old is not None else ()
    fresh = _address(told.address)
    addresses = (fresh, *(each for each in known if each != fresh)) if fresh else known
    return SystemEntry(
        name=name,
        metadata=metadata,
        version=old.version if old is not None else "1.0.0",
        addresses=addresses,
        device=old.device if old is not None else "",
    )


def _address(text: str) -> Address | None:
    return Address(address_type(text), text) if text.strip() else None


def system_response(system: System, address: str = "", port: int = 0) -> wire.SystemResponse:
    """Return a system; where an offer is reached may differ from what the system tells."""
    told = system.metadata.get(PORT)
    key = system.metadata.get(KEY)
    return wire.SystemResponse(
        id=system.number,
        system_name=written(system.name),
        address=address or (system.addresses[0].address if system.addresses else ""),
        port=port or (told if isinstance(told, int) else 0),
        authentication_info=key if isinstance(key, str) else "",
        metadata=texts_of(system.metadata, (KEY, PORT)),
        created_at=wire.write_instant(system.created_at),
        updated_at=wire.write_instant(system.updated_at),
    )


def definition_response(definition: ServiceDefinition) -> wire.DefinitionResponse:
    """Return a service definition."""
    return wire.DefinitionResponse(
        id=definition.number,
        service_definition=written(definition.name),
        created_at=wire.write_instant(definition.created_at),
        updated_at=wire.write_instant(definition.updated_at),
    )


def interface_responses(
    interfaces: Iterable[Interface], at: Instant
) -> list[wire.InterfaceResponse]:
    """Return interfaces by the names that 4.x has for them."""
    names = dict.fromkeys(interface_name(each) for each in interfaces)
    return [
        wire.InterfaceResponse(
            id=number_for(name),
            interface_name=name,
            created_at=wire.write_instant(at),
            updated_at=wire.write_instant(at),
        )
        for name in names
    ]


def offer_response(state: State, offer: ServiceInstance) -> wire.RegistryResponse:
    """Return an offer."""
    first = offer.interfaces[0]
    address, port, path = place_of(first)
    return wire.RegistryResponse(
        id=offer.number,
        service_definition=definition_response(state.table(ServiceDefinition)[offer.definition]),
        provider=system_response(state.table(System)[offer.provider], address, port),
        service_uri=path,
        end_of_validity=wire.write_instant(offer.expires_at) if offer.expires_at else None,
        secure=secure_of(first),
        metadata=texts_of(offer.metadata),
        version=version_number(offer.version),
        interfaces=interface_responses(offer.interfaces, offer.created_at),
        created_at=wire.write_instant(offer.created_at),
        updated_at=wire.write_instant(offer.updated_at),
    )


def check_speaker(asked: Asked, system: str) -> bool:
    """Refuse somebody who speaks for another system; return whether it speaks for itself.

    Without TLS nobody is known. An operator may speak for everybody.
    """
    peer = sender_of(asked.scope)
    if peer is None:
        return False
    if peer.subject is not None:
        if peer.subject.is_called(system):
            return True
        if peer.subject.profile is Profile.OPERATOR:
            return False
    raise NotPermitted(
        f"Expected '{system}' to speak for itself, but found the certificate of "
        f"'{peer.common_name}'. Show the one of '{system}'."
    )


def check_operator(asked: Asked) -> None:
    """Refuse everybody but an operator, where TLS is used."""
    peer = sender_of(asked.scope)
    if peer is None or (peer.subject is not None and peer.subject.profile is Profile.OPERATOR):
        return
    raise NotPermitted(
        f"Expected the certificate of an operator, but found that of '{peer.common_name}'. "
        "Management is for operators."
    )
