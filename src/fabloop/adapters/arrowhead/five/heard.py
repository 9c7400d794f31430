"""What a client makes of answers of 5.2.1, and how it tells what it asks for."""

from typing import Any

from fabloop.adapters.arrowhead.five.shapes import (
    InterfaceOut,
    OrchestrationOut,
    ResultOut,
    ServiceOut,
    TokenTold,
)
from fabloop.adapters.arrowhead.five.told import form_out
from fabloop.base.errors import Broken
from fabloop.base.instant import Instant
from fabloop.services.cloud.lookups import ServiceFilter
from fabloop.services.cloud.orchestrate import Binding, Bound, GivenToken
from fabloop.services.cloud.port import Pass, Told
from fabloop.services.cloud.push import SubscriptionEntry
from fabloop.services.cloud.records import (
    Interface,
    Policy,
    SecurityPolicy,
    ServiceInstance,
    TargetType,
    Token,
    TokenKind,
)
from fabloop.services.cloud.times import instant_or_none, iso

UNKNOWN = Instant(0)
"""When records of another cloud were made, where it does not say."""


def offer_heard(told: ServiceOut) -> Told:
    """Return an offer that was looked up."""
    return Told(
        id=told.instance_id,
        provider=told.provider.name,
        definition=told.service_definition.name,
        version=told.version,
        expires_at=_time(told.expires_at),
        metadata=told.metadata or {},
        interfaces=tuple(_interface(each) for each in told.interfaces or ()),
    )


def bound_heard(told: OrchestrationOut) -> Bound:
    """Return the result of an orchestration; what was passed over, another cloud does not say."""
    return Bound(
        job="",
        bindings=tuple(_binding(each) for each in told.results),
        warnings=tuple(told.warnings),
    )


def pass_heard(told: TokenTold) -> Pass:
    """Return a token."""
    return Pass(secret=told.token, usage_limit=told.usage_limit, expires_at=_time(told.expires_at))


def _binding(told: ResultOut) -> Binding:
    interfaces = tuple(_interface(each) for each in told.interfaces or ())
    offer = ServiceInstance(
        id=told.service_instance_id,
        number=0,
        provider=told.provider_name,
        definition=told.service_definition,
        version=told.version,
        expires_at=_time(told.alive_until),
        metadata=told.metadata or {},
        interfaces=interfaces,
        created_at=UNKNOWN,
        updated_at=UNKNOWN,
    )
    tokens = tuple(
        _token(told, SecurityPolicy(variant), purpose, token)
        for variant, by_purpose in (told.authorization_tokens or {}).items()
        if variant in SecurityPolicy.__members__
        for purpose, token in by_purpose.items()
    )
    return Binding(
        offer=offer, interfaces=interfaces, until=_time(told.exclusive_until), tokens=tokens
    )


def _token(told: ResultOut, variant: SecurityPolicy, purpose: str, token: TokenTold) -> GivenToken:
    scope = "" if purpose == told.service_definition else purpose
    record = Token(
        reference="",
        variant=variant,
        kind=TokenKind(token.token_type),
        requester="",
        consumer="",
        provider=told.provider_name,
        target_type=TargetType(token.target_type),
        target=told.service_definition,
        scope=scope,
        created_at=UNKNOWN,
        usage_limit=token.usage_limit,
        expires_at=_time(token.expires_at),
    )
    return GivenToken(variant=variant, purpose=purpose, secret=token.token, record=record)


def _interface(told: InterfaceOut) -> Interface:
    if told.policy not in SecurityPolicy.__members__:
        raise Broken(f"Expected a security policy of 5.2.1, but found '{told.policy}'.")
    return Interface(
        template=told.template_name,
        protocol=told.protocol,
        policy=SecurityPolicy(told.policy),
        properties=told.properties,
    )


def _time(text: str | None) -> Instant | None:
    try:
        return instant_or_none(text)
    except ValueError as error:
        raise Broken(f"Expected a time from the cloud, but found {text!r}.") from error


def interface_told(interface: Interface) -> dict[str, Any]:
    """Return an interface as it is registered."""
    return {
        "templateName": interface.template,
        "protocol": interface.protocol,
        "policy": interface.policy.value,
        "properties": interface.properties,
    }


def policy_told(policy: Policy) -> dict[str, Any]:
    """Return a policy as it is granted."""
    return {
        "policyType": policy.kind.value,
        "policyList": list(policy.systems) or None,
        "policyMetadataRequirement": policy.metadata or None,
    }


def filter_told(wanted: ServiceFilter) -> dict[str, Any]:
    """Return which offers are looked up."""
    return {
        "instanceIds": wanted.ids,
        "providerNames": wanted.providers,
        "serviceDefinitionNames": wanted.definitions,
        "versions": wanted.versions,
        "alivesAt": iso(wanted.alive_at) if wanted.alive_at is not None else None,
        "metadataRequirementsList": wanted.metadata,
        "addressTypes": wanted.address_types,
        "interfaceTemplateNames": wanted.templates,
        "interfacePropertyRequirementsList": wanted.properties,
        "policies": wanted.policies,
    }


def subscription_told(entry: SubscriptionEntry) -> dict[str, Any]:
    """Return an order to push results."""
    return {
        "targetSystemName": entry.target or None,
        "orchestrationRequest": form_out(entry.form),
        "notifyInterface": {"protocol": entry.protocol, "properties": entry.properties},
        "duration": entry.duration_s,
    }
