"""Bodies of answers as 5.2.1 has them, with its spellings; what is not known is left out."""

from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")
Json = dict[str, Any]


class Entries(msgspec.Struct, Generic[T]):
    """A part of a list, and how many there are in all."""

    entries: list[T]
    count: int


class AddressOut(msgspec.Struct):
    """Where something is reached."""

    type: str
    address: str


class DeviceOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """A device; where it is only mentioned, its name."""

    name: str
    metadata: Json | None = None
    addresses: list[AddressOut] | None = None
    created_at: str | None = None
    updated_at: str | None = None


class SystemOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """A system; where it is only mentioned, its name."""

    name: str
    metadata: Json | None = None
    version: str | None = None
    addresses: list[AddressOut] | None = None
    device: DeviceOut | None = None
    created_at: str | None = None
    updated_at: str | None = None


class DefinitionOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """A service definition."""

    name: str
    created_at: str | None = None
    updated_at: str | None = None


class InterfaceOut(msgspec.Struct, rename="camel"):
    """How an offer is spoken to."""

    template_name: str
    protocol: str
    policy: str
    properties: Json


class ServiceOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """An offer."""

    instance_id: str
    provider: SystemOut
    service_definition: DefinitionOut
    version: str
    expires_at: str | None = None
    metadata: Json | None = None
    interfaces: list[InterfaceOut] | None = None
    created_at: str | None = None
    updated_at: str | None = None


class TemplatePropertyOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """A property of an interface template."""

    name: str
    mandatory: bool
    validator: str | None = None
    validator_params: list[str] | None = None


class TemplateOut(msgspec.Struct, rename="camel"):
    """An interface template."""

    name: str
    protocol: str
    property_requirements: list[TemplatePropertyOut]
    created_at: str
    updated_at: str


class TokenTold(msgspec.Struct, rename="camel", omit_defaults=True):
    """A token with what its consumer has to know."""

    token_type: str
    target_type: str
    token: str
    usage_limit: int | None = None
    expires_at: str | None = None


class ResultOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """What a consumer is bound to; two of the names are misspelt on the wire."""

    service_instance_id: str
    provider_name: str
    service_definition: str = msgspec.field(name="serviceDefinitition")
    version: str
    cloud_identifier: str = msgspec.field(name="cloudIdentitifer")
    alive_until: str | None = None
    exclusive_until: str | None = None
    metadata: Json | None = None
    interfaces: list[InterfaceOut] | None = None
    authorization_tokens: dict[str, dict[str, TokenTold]] | None = None


class OrchestrationOut(msgspec.Struct):
    """The result of an orchestration."""

    results: list[ResultOut]
    warnings: list[str]


class JobOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """An orchestration that was, or is under way."""

    id: str
    status: str
    type: str
    requester_system: str
    target_system: str
    service_definition: str
    subscription_id: str | None = None
    message: str | None = None
    created_at: str | None = None
    started_at: str | None = None
    finished_at: str | None = None


class JobsOut(msgspec.Struct):
    """Pushes that were begun."""

    jobs: list[JobOut]


class LockOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """An offer that is held."""

    id: int
    service_instance_id: str
    owner: str
    orchestration_job_id: str | None = None
    expires_at: str | None = None
    temporary: bool | None = None


class NotifyOut(msgspec.Struct):
    """Where results are pushed to."""

    protocol: str
    properties: dict[str, str]


class SubscriptionOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """An order to push results."""

    id: str
    owner_system_name: str
    target_system_name: str
    orchestration_request: Json
    notify_interface: NotifyOut
    expired_at: str | None = None
    created_at: str | None = None


class RuleOut(msgspec.Struct, rename="camel"):
    """A fixed binding."""

    id: str
    consumer: str
    service_definition: str
    service_instance_id: str
    priority: int
    created_by: str
    updated_by: str
    created_at: str
    updated_at: str


class PolicyOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """Whom a grant lets pass."""

    policy_type: str
    policy_list: list[str] | None = None
    policy_metadata_requirement: Json | None = None


class GrantOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """A grant."""

    instance_id: str
    level: str
    cloud: str
    provider: str
    target_type: str
    target: str
    default_policy: PolicyOut
    description: str | None = None
    scoped_policies: dict[str, PolicyOut] | None = None
    created_by: str | None = None
    created_at: str | None = None


class TokenOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """A token as operators see it; what its consumer shows is told once, when it is given."""

    token_type: str
    variant: str
    token_reference: str
    requester: str
    consumer_cloud: str
    consumer: str
    provider: str
    target_type: str
    target: str
    token: str | None = None
    scope: str | None = None
    created_at: str | None = None
    usage_limit: int | None = None
    usage_left: int | None = None
    expires_at: str | None = None


class IdentityOut(msgspec.Struct, rename="camel"):
    """A system that may log in."""

    system_name: str
    authentication_method: str
    sysop: bool
    created_by: str
    created_at: str
    updated_by: str
    updated_at: str


class SessionOut(msgspec.Struct, rename="camel"):
    """A system that is logged in."""

    system_name: str
    login_time: str
    expiration_time: str


class BanOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """An entry of the blacklist."""

    system_name: str
    created_by: str
    created_at: str
    updated_at: str
    reason: str
    active: bool
    revoked_by: str | None = None
    expires_at: str | None = None
