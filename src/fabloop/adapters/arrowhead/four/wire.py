"""The messages of 4.6.2 as they are written: field names, spellings and defaults of its DTOs."""

import re
from datetime import datetime
from enum import StrEnum

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant, instant_of, iso_of

GOT_IT = "Got it!"
"""What every core system answers to ``/echo``."""
SECURE_JSON = "HTTP-SECURE-JSON"
INSECURE_JSON = "HTTP-INSECURE-JSON"

_BLANK_DATE = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)")


class Secure(StrEnum):
    """What a consumer has to show."""

    NOT_SECURE = "NOT_SECURE"
    CERTIFICATE = "CERTIFICATE"
    TOKEN = "TOKEN"  # noqa: S105  # a kind, no secret


class SystemRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A system as it tells of itself."""

    system_name: str
    address: str = ""
    port: int = 0
    authentication_info: str | None = None
    metadata: dict[str, str] | None = None


class CloudRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Another cloud."""

    operator: str
    name: str
    authentication_info: str | None = None


class SystemResponse(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A system as the cloud knows it; what is not known is empty, as some clients need it."""

    id: int = 0
    system_name: str
    address: str = ""
    port: int = 0
    authentication_info: str | None = ""
    metadata: dict[str, str] | None = None
    created_at: str | None = ""
    updated_at: str | None = ""


class DefinitionResponse(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A service definition as the cloud knows it."""

    id: int = 0
    service_definition: str
    created_at: str | None = ""
    updated_at: str | None = ""


class InterfaceResponse(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An interface, such as ``HTTP-SECURE-JSON``."""

    id: int = 0
    interface_name: str
    created_at: str | None = ""
    updated_at: str | None = ""


# -- service registry ----------------------------------------------------------------------------


class RegistryRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An offer as its provider registers it."""

    service_definition: str
    provider_system: SystemRequest
    service_uri: str | None = None
    end_of_validity: str | None = None
    secure: Secure = Secure.NOT_SECURE
    metadata: dict[str, str] | None = None
    version: int | None = None
    interfaces: list[str]


class RegistryResponse(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True
):
    """An offer as the cloud knows it."""

    id: int
    service_definition: DefinitionResponse
    provider: SystemResponse
    service_uri: str | None = None
    end_of_validity: str | None = None
    secure: Secure | None = None
    metadata: dict[str, str] | None = None
    version: int | None = None
    interfaces: list[InterfaceResponse]
    created_at: str | None = None
    updated_at: str | None = None


class QueryForm(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an offer must be; a list with null or without entries asks for nothing."""

    service_definition_requirement: str
    interface_requirements: list[str | None] | None = None
    security_requirements: list[str | None] | None = None
    metadata_requirements: dict[str, str] | None = None
    version_requirement: int | None = None
    min_version_requirement: int | None = None
    max_version_requirement: int | None = None
    provider_address_type_requirements: list[str] | None = None
    ping_providers: bool | None = False


class QueryResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The offers that meet a query, and how many bear the name."""

    service_query_data: list[RegistryResponse]
    unfiltered_hits: int


# -- authorisation -------------------------------------------------------------------------------


class IdWithIds(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A provider and interfaces, by their ids."""

    id: int
    id_list: list[int]


class CheckRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """May this consumer use this service of these providers?"""

    consumer: SystemRequest
    service_definition_id: int
    provider_ids_with_interface_ids: list[IdWithIds]


class CheckResponse(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The providers whose service may be used."""

    consumer: SystemResponse
    service_definition_id: int
    authorized_provider_ids_with_interface_ids: list[IdWithIds]


class SubscriptionCheckRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Of whom may this consumer hear? Without publishers: of all that there are."""

    consumer: SystemRequest
    publishers: list[SystemRequest] | None = None


class SubscriptionCheckResponse(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Those of whom it may hear."""

    consumer: SystemResponse
    publishers: list[SystemResponse]


class RuleRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Rules of one consumer, by ids: for each provider and each service."""

    consumer_id: int
    provider_ids: list[int]
    service_definition_ids: list[int]
    interface_ids: list[int]


class RuleResponse(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A rule: this consumer may use this service of this provider."""

    id: int
    consumer_system: SystemResponse
    provider_system: SystemResponse
    service_definition: DefinitionResponse
    interfaces: list[InterfaceResponse]
    created_at: str
    updated_at: str


class TokenProvider(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A provider for whose interfaces tokens are wanted."""

    provider: SystemRequest
    service_interfaces: list[str]


class TokenRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Tokens are wanted; `duration` in minutes, for ever without."""

    consumer: SystemRequest
    consumer_cloud: CloudRequest | None = None
    providers: list[TokenProvider]
    service: str
    duration: int | None = None


class TokenData(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Tokens for one provider, by interface."""

    provider_name: str
    provider_address: str
    provider_port: int
    tokens: dict[str, str]


class TokenResponse(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Tokens for providers."""

    token_data: list[TokenData]


# -- orchestrator --------------------------------------------------------------------------------


class Preferred(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A provider that is preferred."""

    provider_cloud: CloudRequest | None = None
    provider_system: SystemRequest


class OrchestrationRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A consumer wants to be bound; without a requested service, to all its stored rules."""

    requester_system: SystemRequest
    requester_cloud: CloudRequest | None = None
    requested_service: QueryForm | None = None
    orchestration_flags: dict[str, bool] = {}
    preferred_providers: list[Preferred] | None = None
    commands: dict[str, str] | None = None
    qos_requirements: dict[str, str] | None = None


class OrchestrationResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """To whom a consumer is bound, and what it shows there."""

    provider: SystemResponse
    service: DefinitionResponse
    service_uri: str | None = None
    secure: Secure | None = None
    metadata: dict[str, str] | None = None
    interfaces: list[InterfaceResponse]
    version: int | None = None
    authorization_tokens: dict[str, str] | None = None
    warnings: list[str] | None = None


class OrchestrationResponse(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All to whom a consumer is bound."""

    response: list[OrchestrationResult]


class Describer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A system by name, or by metadata where there is none."""

    system_name: str | None = None
    metadata: dict[str, str] | None = None


class FlexibleRule(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A stored rule: this consumer gets this provider, the lowest priority first."""

    consumer_system: Describer
    provider_system: Describer
    service_definition_name: str
    service_interface_name: str | None = None
    service_metadata: dict[str, str] | None = None
    priority: int = 1


# -- event handler -------------------------------------------------------------------------------


class SubscriptionRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A system wants to hear of events."""

    event_type: str
    subscriber_system: SystemRequest
    filter_meta_data: dict[str, str] | None = None
    notify_uri: str
    match_meta_data: bool = False
    start_date: str | None = None
    end_date: str | None = None
    sources: list[SystemRequest] | None = None


class PublishRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A system tells of an event."""

    event_type: str
    source: SystemRequest
    meta_data: dict[str, str] | None = None
    payload: str
    time_stamp: str


class EventMessage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An event as its subscribers get it."""

    event_type: str
    meta_data: dict[str, str] | None = None
    payload: str
    time_stamp: str


# -- errors and instants -------------------------------------------------------------------------


class ErrorMessage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Why a request was refused."""

    error_message: str
    error_code: int
    exception_type: str
    origin: str | None = None


def read_instant(text: str, path: str) -> Instant:
    """Return an instant: with an offset as 4.6 writes it, without one as 4.1 did (UTC).

    Raises
    ------
    Invalid
        It is none.
    """
    plain = _BLANK_DATE.fullmatch(text.strip())
    try:
        return instant_of(f"{plain[1]}T{plain[2]}Z" if plain else _with_offset(text.strip()))
    except ValueError as error:
        expected = "a date and time such as '2026-11-22T10:00:00Z'"
        raise Invalid(
            Fault(source="request", path=path, expected=expected, found=repr(text[:60]))
        ) from error


def write_instant(at: Instant) -> str:
    """Return an instant as 4.6 writes it."""
    return iso_of(at)


def _with_offset(text: str) -> str:
    return text if datetime.fromisoformat(text).tzinfo is not None else f"{text}Z"


def with_tokens(result: OrchestrationResult, tokens: dict[str, str]) -> OrchestrationResult:
    """Return a result with tokens by interface."""
    return msgspec.structs.replace(result, authorization_tokens=tokens)
