"""Authorisation of 4.6.2 over the store: rules, checks, and tokens that providers can read."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.responses import Response
from starlette.routing import Route

from fabloop.adapters.arrowhead.certificates import key_text
from fabloop.adapters.arrowhead.four import wire
from fabloop.adapters.arrowhead.four.answers import JSON, Asked, paged, route
from fabloop.adapters.arrowhead.four.names import (
    number_for,
    system_key,
    written,
)
from fabloop.adapters.arrowhead.four.store import (
    KEY,
    Store,
    check_operator,
    definition_response,
    interface_responses,
    system_response,
)
from fabloop.adapters.arrowhead.four.tokens import Claims, public_key_of, token_for
from fabloop.adapters.arrowhead.mtls import sender_of
from fabloop.adapters.arrowhead.profiles import CloudName
from fabloop.base.errors import Fault, Invalid, NotFound, Refused
from fabloop.base.instant import MINUTE, Instant
from fabloop.services.cloud.authorise import (
    Access,
    GrantAccess,
    GrantEntry,
    RevokeGrants,
    grant_id,
    is_granted,
)
from fabloop.services.cloud.records import (
    LOCAL,
    Grant,
    Level,
    Policy,
    PolicyKind,
    ServiceDefinition,
    ServiceInstance,
    System,
    TargetType,
)
from fabloop.services.cloud.signalling import hears
from fabloop.services.cloud.state import State

ROOT = "/authorization"
_K = TypeVar("_K", System, ServiceDefinition)
TOKEN_MINUTES = 60
"""How long a token is valid where nothing else is asked."""
TOKEN_MINUTES_MAX = 1_440


class Issuer:
    """Makes tokens with the key of the authorisation system.

    Parameters
    ----------
    unique : gives ids of tokens
    """

    def __init__(self, key: rsa.RSAPrivateKey, cloud: CloudName, unique: Callable[[], str]) -> None:
        self.key = key
        self._cloud = cloud
        self._unique = unique

    def token(
        self,
        consumer: str,
        service: str,
        interface: str,
        provider_key: str,
        at: Instant,
        *,
        minutes: int | None = TOKEN_MINUTES,
        cloud: wire.CloudRequest | None = None,
    ) -> str:
        """Return a token for one interface; raises Invalid where the provider's key is none."""
        home = (
            f"{self._cloud.cloud}.{self._cloud.organization}"
            if cloud is None
            else f"{cloud.name.strip()}.{cloud.operator.strip()}"
        )
        claims = Claims(
            id=self._unique(),
            consumer=f"{consumer}.{home}".lower(),
            service=service.lower(),
            interface=interface,
            issued_at=at,
            ends_at=None if minutes is None else Instant(at + minutes * MINUTE),
        )
        return token_for(claims, self.key, public_key_of(provider_key, "provider"))


class _Rule(msgspec.Struct, frozen=True):
    """One consumer of one grant."""

    grant: Grant
    consumer: str

    @property
    def number(self) -> int:
        return number_for(self.grant.id, self.consumer)


class Authorization:
    """Answers the requests of one core system; without an issuer there are no tokens."""

    def __init__(self, store: Store, issuer: Issuer | None) -> None:
        self._store = store
        self._issuer = issuer

    def routes(self) -> list[Route]:
        """Return where it is reached."""
        return [
            route("GET", f"{ROOT}/echo", lambda _: wire.GOT_IT),
            route("GET", f"{ROOT}/publickey", self._public_key),
            route("POST", f"{ROOT}/intracloud/check", self._check),
            route("POST", f"{ROOT}/intercloud/check", self._check_other),
            route("POST", f"{ROOT}/subscription/check", self._check_subscription),
            route("POST", f"{ROOT}/token", self._token),
            route("POST", f"{ROOT}/token/multi", self._tokens),
            route("GET", f"{ROOT}/mgmt/intracloud", self._rules),
            route("POST", f"{ROOT}/mgmt/intracloud", self._allow, status=201),
            route("DELETE", f"{ROOT}/mgmt/intracloud/{{id}}", self._forbid),
        ]

    def _public_key(self, _: Asked) -> Response:
        issuer = self._with_key()
        text = key_text(issuer.key.public_key())
        return Response(msgspec.json.encode(text), media_type=JSON)

    def _check(self, asked: Asked) -> wire.CheckResponse:
        wish = asked.body(wire.CheckRequest)
        return self._store.query(lambda state, _: _checked(state, wish))

    def _check_other(self, asked: Asked) -> dict[str, object]:
        """Answer that nothing is granted to other clouds: there is no gate to them."""
        wish = asked.body(dict[str, object])
        return {
            "cloud": wish.get("cloud"),
            "serviceDefinition": wish.get("serviceDefinition"),
            "authorizedProviderIdsWithInterfaceIds": [],
        }

    def _check_subscription(self, asked: Asked) -> wire.SubscriptionCheckResponse:
        wish = asked.body(wire.SubscriptionCheckRequest)
        return self._store.query(lambda state, _: _heard_by(state, wish))

    def _token(self, asked: Asked) -> wire.TokenResponse:
        return self._given(asked, asked.body(wire.TokenRequest))

    def _tokens(self, asked: Asked) -> dict[str, object]:
        wishes = asked.body(list[wire.TokenRequest])
        return {"data": [self._given(asked, each) for each in wishes]}

    def _given(self, asked: Asked, wish: wire.TokenRequest) -> wire.TokenResponse:
        """Give tokens for the providers whose key is known; those of others are left out."""
        if sender_of(asked.scope) is not None:
            check_operator(asked)
        issuer = self._with_key()
        _check_minutes(wish.duration)
        at = self._store.query(lambda _, now: now)
        data = []
        for each in wish.providers:
            told = each.provider
            try:
                tokens = {
                    name: issuer.token(
                        wish.consumer.system_name, wish.service, name,
                        told.authentication_info or "", at, minutes=wish.duration,
                        cloud=wish.consumer_cloud,
                    )
                    for name in each.service_interfaces
                }  # fmt: skip
            except Invalid:
                continue
            data.append(
                wire.TokenData(
                    provider_name=told.system_name,
                    provider_address=told.address,
                    provider_port=told.port,
                    tokens=tokens,
                )
            )
        if not data:
            raise Invalid(_fault("providers", "a provider with an RSA key", "none"))
        return wire.TokenResponse(token_data=data)

    def _with_key(self) -> Issuer:
        if self._issuer is None:
            raise Refused(
                "Expected a cloud with certificates, but this one runs without security. Tokens "
                "are possible only with them."
            )
        return self._issuer

    # -- for operators ----------------------------------------------------------------------

    def _rules(self, asked: Asked) -> dict[str, object]:
        check_operator(asked)

        def all_of_them(state: State, at: Instant) -> list[wire.RuleResponse]:  # noqa: ARG001
            return [_rule_response(state, each) for each in _rules_in(state)]

        return paged(asked.request, self._store.query(all_of_them))

    def _allow(self, asked: Asked) -> dict[str, object]:
        check_operator(asked)
        wish = asked.body(wire.RuleRequest)
        entries, consumer = self._store.query(lambda state, _: _grants(state, wish))
        made = self._store.submit(GrantAccess(entries=entries, by="sysop", level=Level.MGMT))

        def told(state: State, at: Instant) -> list[wire.RuleResponse]:  # noqa: ARG001
            return [_rule_response(state, _Rule(each, consumer)) for each in made]

        found = self._store.query(told)
        return {"data": found, "count": len(found)}

    def _forbid(self, asked: Asked) -> None:
        check_operator(asked)
        number = asked.number("id")

        def meant(state: State, at: Instant) -> _Rule:  # noqa: ARG001
            found = next((each for each in _rules_in(state) if each.number == number), None)
            if found is None:
                raise NotFound(f"Expected a rule with id {number}, but there is none.")
            return found

        rule = self._store.query(meant)
        left = tuple(x for x in rule.grant.default.systems if x != rule.consumer)
        if not left:
            self._store.submit(RevokeGrants(ids=(rule.grant.id,)))
            return
        entry = GrantEntry(
            provider=rule.grant.provider,
            target=rule.grant.target,
            default=Policy(kind=PolicyKind.WHITELIST, systems=left),
        )
        self._store.submit(GrantAccess(entries=(entry,), by="sysop", level=Level.MGMT))


def provider_key(state: State, provider: str) -> str:
    """Return the key of a provider; empty where none is known."""
    system = state.find(System, provider)
    key = system.metadata.get(KEY) if system is not None else None
    return key if isinstance(key, str) else ""


def _checked(state: State, wish: wire.CheckRequest) -> wire.CheckResponse:
    consumer = _system(state, wish.consumer.system_name)
    definition = _by_number(state, ServiceDefinition, wish.service_definition_id)
    allowed = []
    for each in wish.provider_ids_with_interface_ids:
        provider = _by_number(state, System, each.id)
        access = Access(provider=provider.name, consumer=consumer.name, target=definition.name)
        if is_granted(state, access):
            allowed.append(each)
    return wire.CheckResponse(
        consumer=system_response(consumer),
        service_definition_id=definition.number,
        authorized_provider_ids_with_interface_ids=allowed,
    )


def _heard_by(state: State, wish: wire.SubscriptionCheckRequest) -> wire.SubscriptionCheckResponse:
    consumer = _system(state, wish.consumer.system_name)
    table = state.table(System)
    if wish.publishers:
        keys = {system_key(each.system_name, table) for each in wish.publishers}
        publishers = [table[key] for key in keys if key in table]
    else:
        publishers = list(table.values())
    return wire.SubscriptionCheckResponse(
        consumer=system_response(consumer),
        publishers=[
            system_response(each) for each in publishers if hears(state, consumer.name, each.name)
        ],
    )


def _grants(state: State, wish: wire.RuleRequest) -> tuple[tuple[GrantEntry, ...], str]:
    """Return the grants that rules ask for: this consumer is added to those that there are."""
    if not (wish.provider_ids and wish.service_definition_ids and wish.interface_ids):
        raise Invalid(_fault("providerIds, serviceDefinitionIds, interfaceIds", "ids", "none"))
    consumer = _by_number(state, System, wish.consumer_id).name
    entries = []
    for provider_id in wish.provider_ids:
        provider = _by_number(state, System, provider_id).name
        for definition_id in wish.service_definition_ids:
            target = _by_number(state, ServiceDefinition, definition_id).name
            id_ = grant_id(Level.MGMT, LOCAL, provider, TargetType.SERVICE_DEF, target)
            old = state.find(Grant, id_)
            known = old.default.systems if old is not None else ()
            if old is not None and old.default.kind is not PolicyKind.WHITELIST:
                raise Refused(
                    f"Expected a list of consumers for '{written(target)}' of "
                    f"'{written(provider)}', but a rule of 5.x is there. Change it there."
                )
            systems = (*(x for x in known if x != consumer), consumer)
            entries.append(
                GrantEntry(
                    provider=provider,
                    target=target,
                    default=Policy(kind=PolicyKind.WHITELIST, systems=systems),
                )
            )
    return tuple(entries), consumer


def _rules_in(state: State) -> Iterator[_Rule]:
    """Yield each consumer of each grant that is a list of consumers."""
    for each in state.table(Grant).values():
        if each.target_type is TargetType.SERVICE_DEF and (
            each.default.kind is PolicyKind.WHITELIST
        ):
            yield from (_Rule(each, consumer) for consumer in each.default.systems)


def _rule_response(state: State, rule: _Rule) -> wire.RuleResponse:
    """Return a rule; the store grants services, whatever the interface."""
    grant = rule.grant
    systems, definitions = state.table(System), state.table(ServiceDefinition)
    offers = [state.table(ServiceInstance)[id_] for id_ in state.offers.of_definition(grant.target)]
    mine = (x for each in offers if each.provider == grant.provider for x in each.interfaces)
    unknown = wire.SystemResponse(id=0, system_name=written(rule.consumer))
    provider = systems.get(grant.provider)
    consumer = systems.get(rule.consumer)
    definition = definitions.get(grant.target)
    at = wire.write_instant(grant.created_at)
    return wire.RuleResponse(
        id=rule.number,
        consumer_system=system_response(consumer) if consumer else unknown,
        provider_system=system_response(provider)
        if provider
        else wire.SystemResponse(id=0, system_name=written(grant.provider)),
        service_definition=definition_response(definition)
        if definition
        else wire.DefinitionResponse(id=0, service_definition=written(grant.target)),
        interfaces=interface_responses(mine, grant.created_at),
        created_at=at,
        updated_at=at,
    )


def _system(state: State, name: str) -> System:
    table = state.table(System)
    found = table.get(system_key(name, table))
    if found is None:
        raise NotFound(f"Expected a registered system, but found '{name}'. Register it first.")
    return found


def _by_number(state: State, kind: type[_K], number: int) -> _K:
    found = next((each for each in state.table(kind).values() if each.number == number), None)
    if found is None:
        raise NotFound(f"Expected an entry with id {number}, but there is none.")
    return found


def _check_minutes(minutes: int | None) -> None:
    if minutes is not None and not 0 < minutes <= TOKEN_MINUTES_MAX:
        raise Invalid(_fault("duration", f"1 to {TOKEN_MINUTES_MAX} minutes", str(minutes)))


def _fault(path: str, expected: str, found: str) -> Fault:
    return Fault(source="request", path=path, expected=expected, found=found)
