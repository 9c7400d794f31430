"""The service registry of 4.6.2 over the store: offers and systems registered, queried, managed."""

import socket
from collections.abc import Callable

from starlette.routing import Route

from fabloop.adapters.arrowhead.four import wire
from fabloop.adapters.arrowhead.four.answers import Asked, paged, route
from fabloop.adapters.arrowhead.four.names import (
    definition_key,
    interface_name,
    interface_of,
    number_for,
    place_of,
    secure_of,
    system_key,
    texts_of,
    version_number,
    version_text,
)
from fabloop.adapters.arrowhead.four.store import (
    Store,
    check_operator,
    check_speaker,
    definition_response,
    entry_of,
    interface_responses,
    offer_response,
    system_response,
)
from fabloop.adapters.arrowhead.mtls import sender_of
from fabloop.base.errors import Conflict, Fault, Invalid, NotFound
from fabloop.base.instant import Instant
from fabloop.services.cloud.names import instance_id
from fabloop.services.cloud.records import Interface, ServiceDefinition, ServiceInstance, System
from fabloop.services.cloud.registry import (
    RegisterServices,
    RegisterSystems,
    Revoke,
    ServiceEntry,
)
from fabloop.services.cloud.state import State

ROOT = "/serviceregistry"
PING_S = 1.0
PORT_MAX = 65_535

Reaches = Callable[[str, int], bool]


def reaches(address: str, port: int) -> bool:
    """Tell whether somebody listens at an address."""
    try:
        with socket.create_connection((address, port), timeout=PING_S):
            return True
    except OSError:
        return False


class Registry:
    """Answers the requests of one core system.

    Parameters
    ----------
    reaches : how ``pingProviders`` is done
    """

    def __init__(self, store: Store, ping: Reaches = reaches) -> None:
        self._store = store
        self._ping = ping

    def routes(self) -> list[Route]:
        """Return where it is reached."""
        return [
            route("GET", f"{ROOT}/echo", lambda _: wire.GOT_IT),
            route("POST", f"{ROOT}/register", self._register, status=201),
            route("DELETE", f"{ROOT}/unregister", self._unregister),
            route("POST", f"{ROOT}/query", self._query),
            route("POST", f"{ROOT}/register-system", self._register_system, status=201),
            route("DELETE", f"{ROOT}/unregister-system", self._unregister_system),
            route("GET", f"{ROOT}/pull-systems", self._systems),
            route("GET", f"{ROOT}/mgmt", self._offers),
            route("GET", f"{ROOT}/mgmt/systems", self._managed_systems),
            route("POST", f"{ROOT}/mgmt/systems", self._add_system, status=201),
            route("GET", f"{ROOT}/mgmt/services", self._definitions),
            route("GET", f"{ROOT}/mgmt/interfaces", self._interfaces),
            route("GET", f"{ROOT}/mgmt/servicedef/{{name}}", self._offers_of),
            route("DELETE", f"{ROOT}/mgmt/systems/{{id}}", self._drop_system),
            route("GET", f"{ROOT}/mgmt/{{id}}", self._offer),
            route("DELETE", f"{ROOT}/mgmt/{{id}}", self._drop_offer),
        ]

    # -- for providers ----------------------------------------------------------------------

    def _register(self, asked: Asked) -> wire.RegistryResponse:
        wish = asked.body(wire.RegistryRequest)
        provider = wish.provider_system
        _check_offer(wish)
        its_own = check_speaker(asked, provider.system_name)
        peer = sender_of(asked.scope)
        system = self._store.query(
            lambda state, _: entry_of(provider, state, peer, its_own=its_own)
        )
        interfaces = tuple(
            interface_of(name, wish.secure, provider.address, provider.port, wish.service_uri or "")
            for name in wish.interfaces
        )
        entry = self._store.query(lambda state, _: _entry(state, system.name, wish, interfaces))
        self._store.submit(RegisterSystems(entries=(system,)))
        made = self._store.submit(RegisterServices(entries=(entry,)))[0]
        return self._store.query(lambda state, _: offer_response(state, made))

    def _unregister(self, asked: Asked) -> None:
        name = asked.query("system_name")
        check_speaker(asked, name)
        definition = asked.query("service_definition")
        place = (asked.query("address"), asked.number("port"))
        uri = asked.query("service_uri", default="")

        def found(state: State, at: Instant) -> tuple[str, ...]:  # noqa: ARG001  # as all questions
            key = system_key(name, state.table(System))
            meant = definition_key(definition, state.table(ServiceDefinition))
            table = state.table(ServiceInstance)
            return tuple(
                id_
                for id_ in state.offers.of_definition(meant)
                if table[id_].provider == key and _is_at(table[id_], place, uri)
            )

        keys = self._store.query(found)
        if not keys:
            raise Conflict(
                f"Expected '{definition}' of '{name}' at {place[0]}:{place[1]} to be registered, "
                "but it is not."
            )
        self._store.submit(Revoke(kind=ServiceInstance, keys=keys))

    def _register_system(self, asked: Asked) -> wire.SystemResponse:
        told = asked.body(wire.SystemRequest)
        _check_place(told)
        its_own = check_speaker(asked, told.system_name)
        peer = sender_of(asked.scope)
        entry = self._store.query(lambda state, _: entry_of(told, state, peer, its_own=its_own))
        return system_response(self._store.submit(RegisterSystems(entries=(entry,)))[0])

    def _unregister_system(self, asked: Asked) -> None:
        name = asked.query("system_name")
        check_speaker(asked, name)
        key = self._store.query(lambda state, _: system_key(name, state.table(System)))
        if self._store.submit(Revoke(kind=System, keys=(key,))) == 0:
            raise Conflict(f"Expected system '{name}' to be registered, but it is not.")

    # -- for consumers ----------------------------------------------------------------------

    def _query(self, asked: Asked) -> wire.QueryResult:
        form = asked.body(wire.QueryForm)
        found = self._store.query(lambda state, at: _matching(state, at, form))
        if form.ping_providers:
            found = wire.QueryResult(
                service_query_data=[
                    each
                    for each in found.service_query_data
                    if self._ping(each.provider.address, each.provider.port)
                ],
                unfiltered_hits=found.unfiltered_hits,
            )
        return found

    def _systems(self, asked: Asked) -> dict[str, object]:
        found = self._store.query(
            lambda state, _: [system_response(each) for each in state.table(System).values()]
        )
        return paged(asked.request, found)

    # -- for operators ----------------------------------------------------------------------

    def _managed_systems(self, asked: Asked) -> dict[str, object]:
        check_operator(asked)
        return self._systems(asked)

    def _add_system(self, asked: Asked) -> wire.SystemResponse:
        check_operator(asked)
        told = asked.body(wire.SystemRequest)
        _check_place(told)
        entry = self._store.query(lambda state, _: entry_of(told, state, None, its_own=False))
        return system_response(self._store.submit(RegisterSystems(entries=(entry,)))[0])

    def _drop_system(self, asked: Asked) -> None:
        check_operator(asked)
        number = asked.number("id")
        keys = self._store.query(lambda state, _: _numbered(state, System, number))
        self._store.submit(Revoke(kind=System, keys=keys))

    def _offers(self, asked: Asked) -> dict[str, object]:
        check_operator(asked)

        def all_of_them(state: State, at: Instant) -> list[wire.RegistryResponse]:  # noqa: ARG001
            table = state.table(ServiceInstance)
            return [offer_response(state, each) for each in table.values() if each.interfaces]

        return paged(asked.request, self._store.query(all_of_them))

    def _offers_of(self, asked: Asked) -> dict[str, object]:
        check_operator(asked)
        form = wire.QueryForm(service_definition_requirement=asked.request.path_params["name"])
        found = self._store.query(lambda state, at: _matching(state, at, form))
        return paged(asked.request, found.service_query_data)

    def _offer(self, asked: Asked) -> wire.RegistryResponse:
        check_operator(asked)
        number = asked.number("id")

        def the_one(state: State, at: Instant) -> wire.RegistryResponse:  # noqa: ARG001
            key = _numbered(state, ServiceInstance, number)[0]
            return offer_response(state, state.table(ServiceInstance)[key])

        return self._store.query(the_one)

    def _drop_offer(self, asked: Asked) -> None:
        check_operator(asked)
        number = asked.number("id")
        keys = self._store.query(lambda state, _: _numbered(state, ServiceInstance, number))
        self._store.submit(Revoke(kind=ServiceInstance, keys=keys))

    def _definitions(self, asked: Asked) -> dict[str, object]:
        check_operator(asked)
        found = self._store.query(
            lambda state, _: [
                definition_response(each) for each in state.table(ServiceDefinition).values()
            ]
        )
        return paged(asked.request, found)

    def _interfaces(self, asked: Asked) -> dict[str, object]:
        check_operator(asked)

        def known(state: State, at: Instant) -> list[wire.InterfaceResponse]:
            offers = state.table(ServiceInstance).values()
            return interface_responses((x for each in offers for x in each.interfaces), at)

        return paged(asked.request, self._store.query(known))


def _entry(
    state: State, provider: str, wish: wire.RegistryRequest, interfaces: tuple[Interface, ...]
) -> ServiceEntry:
    """Return an offer as the store takes it; raises Conflict where it is there already."""
    definition = definition_key(wish.service_definition, state.table(ServiceDefinition))
    version = version_text(wish.version)
    old = state.find(ServiceInstance, instance_id(provider, definition, version))
    place = (wish.provider_system.address, wish.provider_system.port)
    if old is not None and _is_at(old, place, wish.service_uri or "/"):
        raise Conflict(
            f"Expected an offer that is new, but '{wish.service_definition}' of "
            f"'{wish.provider_system.system_name}' at {place[0]}:{place[1]} already exists. "
            "Unregister it first."
        )
    ends = wish.end_of_validity
    return ServiceEntry(
        provider=provider,
        definition=definition,
        version=version,
        expires_at=wire.read_instant(ends, "endOfValidity") if ends else None,
        metadata=dict(wish.metadata or {}),
        interfaces=interfaces,
    )


def _matching(state: State, at: Instant, form: wire.QueryForm) -> wire.QueryResult:
    definition = definition_key(
        form.service_definition_requirement,
        state.table(ServiceDefinition),
        "serviceDefinitionRequirement",
    )
    table = state.table(ServiceInstance)
    offers = [table[id_] for id_ in state.offers.of_definition(definition)]
    found = [each for each in offers if each.alive(at) and suits(each, form)]
    return wire.QueryResult(
        service_query_data=[offer_response(state, each) for each in found],
        unfiltered_hits=len(offers),
    )


def suits(offer: ServiceInstance, form: wire.QueryForm, *, metadata: bool = True) -> bool:
    """Tell whether an offer meets what is required; with `metadata` of its metadata too."""
    wanted = {name.upper() for name in form.interface_requirements or () if name}
    kinds = {kind for kind in form.security_requirements or () if kind}
    if wanted and not wanted & {interface_name(each) for each in offer.interfaces}:
        return False
    if kinds and not kinds & {secure_of(each).value for each in offer.interfaces}:
        return False
    if metadata and form.metadata_requirements:
        told = texts_of(offer.metadata)
        if not form.metadata_requirements.items() <= told.items():
            return False
    number = version_number(offer.version)
    if form.version_requirement is not None:
        return number == form.version_requirement
    low, high = form.min_version_requirement, form.max_version_requirement
    return (low is None or number >= low) and (high is None or number <= high)


def _is_at(offer: ServiceInstance, place: tuple[str, int], uri: str) -> bool:
    """Tell whether an offer is reached at a place; an empty path is any."""
    return any(
        place_of(each)[:2] == place and (not uri or place_of(each)[2] == uri)
        for each in offer.interfaces
    )


def _numbered(state: State, kind: type[System | ServiceInstance], number: int) -> tuple[str]:
    table = state.table(kind)
    for key, each in table.items():
        if each.number == number:
            return (key,)
    raise NotFound(f"Expected an entry with id {number}, but there is none.")


def interface_names(state: State, numbers: list[int]) -> set[str]:
    """Return the names of interfaces by their ids; those of unknown ones are left out."""
    offers = state.table(ServiceInstance).values()
    names = {interface_name(each) for offer in offers for each in offer.interfaces}
    return {name for name in names if number_for(name) in numbers}


def _check_offer(wish: wire.RegistryRequest) -> None:
    if not wish.interfaces:
        raise Invalid(_fault("interfaces", "one interface at least", "none"))
    _check_place(wish.provider_system)


def _check_place(told: wire.SystemRequest) -> None:
    if not told.address.strip():
        raise Invalid(_fault("address", "a host name or IP address", "nothing"))
    if not 0 < told.port <= PORT_MAX:
        raise Invalid(_fault("port", f"1 to {PORT_MAX}", str(told.port)))


def _fault(path: str, expected: str, found: str) -> Fault:
    return Fault(source="request", path=path, expected=expected, found=found)
