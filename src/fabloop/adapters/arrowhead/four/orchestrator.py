"""The orchestrator of 4.6.2 over the store: bound at once by what is asked, or by stored rules."""

from starlette.routing import Route

from fabloop.adapters.arrowhead.four import wire
from fabloop.adapters.arrowhead.four.answers import Asked, route
from fabloop.adapters.arrowhead.four.authorization import Issuer, provider_key
from fabloop.adapters.arrowhead.four.names import (
    definition_key,
    interface_name,
    place_of,
    secure_of,
    system_key,
    texts_of,
    version_number,
    version_text,
    written,
)
from fabloop.adapters.arrowhead.four.registry import Reaches, reaches, suits
from fabloop.adapters.arrowhead.four.store import (
    Store,
    check_operator,
    check_speaker,
    definition_response,
    interface_responses,
    system_response,
)
from fabloop.base.errors import Fault, Invalid, NotFound
from fabloop.base.instant import MINUTE, Instant
from fabloop.services.cloud.bind import Flag
from fabloop.services.cloud.fixed import KeepRules, RuleEntry, fixed_bindings
from fabloop.services.cloud.names import instance_id
from fabloop.services.cloud.orchestrate import Binding, Pull, Rules
from fabloop.services.cloud.records import (
    Form,
    Interface,
    ServiceDefinition,
    ServiceInstance,
    System,
)
from fabloop.services.cloud.state import State

ROOT = "/orchestrator"
EXCLUSIVITY = "EXCLUSIVITY"
"""Command that asks to hold the offer for so many seconds."""
EXPIRING_NS = 2 * MINUTE
"""An offer that ends within is told to be expiring."""

MATCHMAKING = "matchmaking"
METADATA_SEARCH = "metadataSearch"
ONLY_PREFERRED = "onlyPreferred"
PING_PROVIDERS = "pingProviders"
OVERRIDE_STORE = "overrideStore"
TRIGGER_INTER_CLOUD = "triggerInterCloud"
ENABLE_QOS = "enableQoS"


class Orchestrator:
    """Answers the requests of one core system; without an issuer it gives no tokens."""

    def __init__(self, store: Store, issuer: Issuer | None, ping: Reaches = reaches) -> None:
        self._store = store
        self._issuer = issuer
        self._ping = ping

    def routes(self) -> list[Route]:
        """Return where it is reached."""
        return [
            route("GET", f"{ROOT}/echo", lambda _: wire.GOT_IT),
            route("POST", f"{ROOT}/orchestration", self._orchestrate),
            route("GET", f"{ROOT}/orchestration/{{id}}", self._stored),
            route("POST", f"{ROOT}/store/flexible", self._keep, status=201),
        ]

    def _orchestrate(self, asked: Asked) -> wire.OrchestrationResponse:
        wish = asked.body(wire.OrchestrationRequest)
        check_speaker(asked, wish.requester_system.system_name)
        _refuse_unserved(wish)
        consumer = self._store.query(
            lambda state, _: system_key(wish.requester_system.system_name, state.table(System))
        )
        if not wish.orchestration_flags.get(OVERRIDE_STORE):
            found = self._by_rules(wish, consumer)
        else:
            found = self._bound(wish, consumer)
        if wish.orchestration_flags.get(PING_PROVIDERS):
            found = [x for x in found if self._ping(x.provider.address, x.provider.port)]
        return wire.OrchestrationResponse(response=found)

    def _bound(
        self, wish: wire.OrchestrationRequest, consumer: str
    ) -> list[wire.OrchestrationResult]:
        """Bind by what is asked; with the command for it the offer is held."""
        form = wish.requested_service
        if form is None:
            raise Invalid(_fault("requestedService", "a service, because of overrideStore", "none"))
        asked = self._store.query(lambda state, _: _form_of(state, wish, form))
        heeds = wish.orchestration_flags.get(METADATA_SEARCH, False)

        def meets(offer: ServiceInstance) -> bool:
            return suits(offer, form, metadata=heeds)

        pull = Pull(form=asked, requester=consumer, rules=Rules(tokens=False), constraint=meets)
        bound = self._store.submit(pull)
        names = {name.upper() for name in form.interface_requirements or () if name}
        return self._results(bound.bindings, consumer, names)

    def _by_rules(
        self, wish: wire.OrchestrationRequest, consumer: str
    ) -> list[wire.OrchestrationResult]:
        """Bind by the rules that an operator stored."""
        form = wish.requested_service

        def found(state: State, at: Instant) -> tuple[Binding, ...]:
            definition = (
                definition_key(form.service_definition_requirement, state.table(ServiceDefinition))
                if form is not None
                else ""
            )
            return fixed_bindings(state, consumer, definition, at)[0]

        return self._results(self._store.query(found), consumer, set())

    def _stored(self, asked: Asked) -> wire.OrchestrationResponse:
        number = asked.number("id")

        def who(state: State, at: Instant) -> str:  # noqa: ARG001  # as all questions
            for each in state.table(System).values():
                if each.number == number:
                    return each.name
            raise NotFound(f"Expected a system with id {number}, but there is none.")

        consumer = self._store.query(who)
        check_speaker(asked, consumer)
        bindings = self._store.query(lambda state, at: fixed_bindings(state, consumer, "", at)[0])
        return wire.OrchestrationResponse(response=self._results(bindings, consumer, set()))

    def _keep(self, asked: Asked) -> dict[str, object]:
        check_operator(asked)
        rules = asked.body(list[wire.FlexibleRule])
        entries = self._store.query(lambda state, _: [_entry(state, each) for each in rules])
        made = self._store.submit(KeepRules(entries=tuple(entries), by="sysop"))
        return {"data": rules, "count": len(made)}

    def _results(
        self, bindings: tuple[Binding, ...], consumer: str, names: set[str]
    ) -> list[wire.OrchestrationResult]:
        def told(state: State, at: Instant) -> list[tuple[wire.OrchestrationResult, str]]:
            return [
                (_result(state, each, names, at), provider_key(state, each.offer.provider))
                for each in bindings
            ]

        def now(_: State, at: Instant) -> Instant:
            return at

        at = self._store.query(now)
        return [self._with_tokens(each, consumer, key, at) for each, key in self._store.query(told)]

    def _with_tokens(
        self, result: wire.OrchestrationResult, consumer: str, key: str, at: Instant
    ) -> wire.OrchestrationResult:
        """Add tokens where the provider asks for them, and its key is known."""
        if result.secure is not wire.Secure.TOKEN or self._issuer is None or not key:
            return result
        tokens = {
            each.interface_name: self._issuer.token(
                written(consumer), result.service.service_definition, each.interface_name, key, at
            )
            for each in result.interfaces
        }
        return wire.with_tokens(result, tokens)


def _form_of(state: State, wish: wire.OrchestrationRequest, form: wire.QueryForm) -> Form:
    flags = wish.orchestration_flags
    table = state.table(System)
    return Form(
        definition=definition_key(
            form.service_definition_requirement, state.table(ServiceDefinition)
        ),
        preferred=tuple(
            system_key(each.provider_system.system_name, table)
            for each in wish.preferred_providers or ()
        ),
        flags={
            Flag.MATCHMAKING.value: flags.get(MATCHMAKING, False),
            Flag.ONLY_PREFERRED.value: flags.get(ONLY_PREFERRED, False),
        },
        exclusivity_s=_exclusivity_s(wish),
    )


def _exclusivity_s(wish: wire.OrchestrationRequest) -> int | None:
    for name, value in (wish.commands or {}).items():
        if name.upper() == EXCLUSIVITY:
            if not value.isdecimal() or not 0 < int(value) < 10**9:
                raise Invalid(_fault(f"commands.{name}", "seconds, more than 0", repr(value)))
            return int(value)
    return None


def _refuse_unserved(wish: wire.OrchestrationRequest) -> None:
    """Refuse what this cloud does not do, by name."""
    faults = [
        _fault(f"orchestrationFlags.{name}", "false: this cloud has no gate to others", "true")
        for name in (TRIGGER_INTER_CLOUD, "externalServiceRequest")
        if wish.orchestration_flags.get(name)
    ]
    if wish.orchestration_flags.get(ENABLE_QOS) and wish.qos_requirements:
        expected = "none: this cloud does not judge the quality of service"
        faults.append(_fault("qosRequirements", expected, "some"))
    if faults:
        raise Invalid(faults)


def _result(
    state: State, binding: Binding, names: set[str], at: Instant
) -> wire.OrchestrationResult:
    offer = binding.offer
    chosen = _chosen(binding.interfaces, names)
    address, port, path = place_of(chosen[0])
    return wire.OrchestrationResult(
        provider=system_response(state.table(System)[offer.provider], address, port),
        service=definition_response(state.table(ServiceDefinition)[offer.definition]),
        service_uri=path,
        secure=secure_of(chosen[0]),
        metadata=texts_of(offer.metadata),
        interfaces=interface_responses(chosen, offer.created_at),
        version=version_number(offer.version),
        authorization_tokens=None,
        warnings=_warnings(offer, at),
    )


def _chosen(interfaces: tuple[Interface, ...], names: set[str]) -> list[Interface]:
    """Return the interfaces that are asked for; they have one kind of security each."""
    found = [each for each in interfaces if not names or interface_name(each) in names]
    found = found or list(interfaces)
    return [each for each in found if place_of(each)[:2] == place_of(found[0])[:2]]


def _warnings(offer: ServiceInstance, at: Instant) -> list[str]:
    if offer.expires_at is None:
        return ["TTL_UNKNOWN"]
    return ["TTL_EXPIRING"] if offer.expires_at - at < EXPIRING_NS else []


def _entry(state: State, rule: wire.FlexibleRule) -> RuleEntry:
    names = (rule.consumer_system.system_name, rule.provider_system.system_name)
    if not all(names) or rule.service_metadata:
        expected = "a consumer and a provider by their names, and no metadata"
        raise Invalid(_fault("consumerSystem, providerSystem", expected, "another rule"))
    table = state.table(System)
    consumer, provider = (system_key(str(each), table) for each in names)
    definition = definition_key(
        rule.service_definition_name, state.table(ServiceDefinition), "serviceDefinitionName"
    )
    return RuleEntry(
        consumer=consumer,
        instance=instance_id(provider, definition, version_text(None)),
        priority=rule.priority,
    )


def _fault(path: str, expected: str, found: str) -> Fault:
    return Fault(source="request", path=path, expected=expected, found=found)
