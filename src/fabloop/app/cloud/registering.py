"""Registers services that describe themselves: each system speaks for itself, by its own rights."""

from fabloop.app.cloud.embedded import EmbeddedCloud
from fabloop.app.cloud.host import CloudHost
from fabloop.model.service import ServiceDescription
from fabloop.services.cloud.described import (
    SERVICE,
    grant_entries,
    offer_entries,
    system_entry,
    system_of,
)
from fabloop.services.cloud.records import ServiceInstance, System


def register(host: CloudHost, service: ServiceDescription) -> tuple[str, ...]:
    """Make a service and its grants known, or known anew; return the definitions it offers.

    What it offered before and does no more is taken back.

    Raises
    ------
    Invalid, Conflict
        It cannot be registered as it describes itself.
    """
    name = system_of(service)
    cloud = EmbeddedCloud(host, name)
    known = host.query(lambda state, _: state.find(System, name))
    entries = host.query(lambda state, _: tuple(offer_entries(service, state)))
    cloud.register_system(system_entry(service, known))
    for each in grant_entries(service):
        cloud.grant(each)
    offered = {cloud.register_service(each) for each in entries}
    for id_ in _offers_of(host, service):
        if id_ not in offered:
            cloud.revoke_service(id_)
    return tuple(each.definition for each in entries)


def withdraw(host: CloudHost, service: ServiceDescription) -> tuple[str, ...]:
    """Take all offers of a service back; return their ids. Its system stays known."""
    cloud = EmbeddedCloud(host, system_of(service))
    offers = _offers_of(host, service)
    for each in offers:
        cloud.revoke_service(each)
    return offers


def _offers_of(host: CloudHost, service: ServiceDescription) -> tuple[str, ...]:
    return host.query(
        lambda state, _: tuple(
            each
            for each in state.offers.of_provider(system_of(service))
            if state.table(ServiceInstance)[each].metadata.get(SERVICE) == service.id
        )
    )
