"""Finding what is registered by what is asked of it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

from fabloop.base.instant import Instant
from fabloop.services.cloud.bind import InterfaceWish, interface_check
from fabloop.services.cloud.metadata import any_of, hints
from fabloop.services.cloud.records import (
    Address,
    AddressType,
    Device,
    SecurityPolicy,
    ServiceInstance,
    System,
)
from fabloop.services.cloud.state import State

T = TypeVar("T")
UNRESTRICTED = "unrestrictedDiscovery"
"""Metadata of an offer that everybody may look up where looking up is restricted."""


class DeviceFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Devices by name, address and metadata; what is left out is not asked."""

    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    address_type: AddressType | None = None
    metadata: tuple[dict[str, object], ...] = ()


class SystemFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Systems by name, address, metadata, version and device."""

    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    address_type: AddressType | None = None
    metadata: tuple[dict[str, object], ...] = ()
    versions: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()


class ServiceFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Offers by id, provider, definition, version, metadata and interface.

    `restricted` leaves only those that everybody may look up.
    """

    ids: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    definitions: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    alive_at: Instant | None = None
    metadata: tuple[dict[str, object], ...] = ()
    address_types: tuple[AddressType, ...] = ()
    templates: tuple[str, ...] = ()
    properties: tuple[dict[str, object], ...] = ()
    policies: tuple[SecurityPolicy, ...] = ()
    restricted: bool = False


def find_devices(state: State, wanted: DeviceFilter) -> list[Device]:
    """Return the devices that a filter lets pass."""
    meets = any_of(wanted.metadata)
    return [
        each
        for each in _named(state.table(Device), wanted.names)
        if _has_address(each.addresses, wanted.addresses, wanted.address_type)
        and (meets is None or meets(each.metadata))
    ]


def find_systems(state: State, wanted: SystemFilter) -> list[System]:
    """Return the systems that a filter lets pass."""
    meets = any_of(wanted.metadata)
    return [
        each
        for each in _named(state.table(System), wanted.names)
        if _has_address(each.addresses, wanted.addresses, wanted.address_type)
        and (not wanted.versions or each.version in wanted.versions)
        and (not wanted.devices or each.device in wanted.devices)
        and (meets is None or meets(each.metadata))
    ]


def find_services(state: State, wanted: ServiceFilter, at: Instant) -> list[ServiceInstance]:
    """Return the offers that a filter lets pass and that have not expired."""
    meets = any_of(wanted.metadata)
    wish = InterfaceWish(
        templates=wanted.templates,
        policies=wanted.policies,
        address_types=wanted.address_types,
        properties=wanted.properties,
    )
    fits = interface_check(wish)
    alive_at = max(at, wanted.alive_at or at)
    return [
        each
        for each in _offers(state, wanted)
        if each.alive(alive_at)
        and (not wanted.providers or each.provider in wanted.providers)
        and (not wanted.definitions or each.definition in wanted.definitions)
        and (not wanted.versions or each.version in wanted.versions)
        and (meets is None or meets(each.metadata))
        and (fits is None or any(fits(interface) for interface in each.interfaces))
        and not (wanted.restricted and each.metadata.get(UNRESTRICTED) is not True)
    ]


def _offers(state: State, wanted: ServiceFilter) -> Iterable[ServiceInstance]:
    """Return the offers among which those wanted are, by the index that tells most."""
    table = state.table(ServiceInstance)
    if wanted.ids:
        return _named(table, wanted.ids)
    if wanted.definitions:
        told = hints(wanted.metadata)
        index = state.offers
        return [table[x] for name in wanted.definitions for x in index.likely(name, told)]
    if wanted.providers:
        return [table[x] for name in wanted.providers for x in state.offers.of_provider(name)]
    return table.values()


def _named(table: Mapping[str, T], names: Sequence[str]) -> Iterable[T]:
    return [table[each] for each in names if each in table] if names else table.values()


def _has_address(
    addresses: Sequence[Address], wanted: Sequence[str], kind: AddressType | None
) -> bool:
    return (not wanted or any(each.address in wanted for each in addresses)) and (
        kind is None or any(each.type is kind for each in addresses)
    )
