"""Bodies of requests as 5.2.1 has them; whatever may be left out may also be null."""

from typing import Any

import msgspec

Texts = list[str] | None
Json = dict[str, Any]


class Page(msgspec.Struct, rename="camel"):
    """Which part of a list is wanted."""

    page: int | None = None
    size: int | None = None
    direction: str | None = None
    sort_field: str | None = None


class DeviceIn(msgspec.Struct, rename="camel"):
    """A device that registers."""

    name: str | None = None
    metadata: Json | None = None
    addresses: Texts = None


class SystemIn(msgspec.Struct, rename="camel"):
    """A system that registers; its name is that of who asks, or told by an operator."""

    name: str | None = None
    metadata: Json | None = None
    version: str | None = None
    addresses: Texts = None
    device_name: str | None = None


class InterfaceIn(msgspec.Struct, rename="camel"):
    """How an offer is spoken to."""

    template_name: str | None = None
    protocol: str | None = None
    policy: str | None = None
    properties: Json | None = None


class ServiceIn(msgspec.Struct, rename="camel"):
    """An offer that registers; who provides it is told by operators only."""

    system_name: str | None = None
    service_definition_name: str | None = None
    instance_id: str | None = None
    version: str | None = None
    expires_at: str | None = None
    metadata: Json | None = None
    interfaces: list[InterfaceIn] | None = None


class TemplatePropertyIn(msgspec.Struct, rename="camel"):
    """A property of an interface template."""

    name: str | None = None
    mandatory: bool = False
    validator: str | None = None
    validator_params: Texts = None


class TemplateIn(msgspec.Struct, rename="camel"):
    """An interface template."""

    name: str | None = None
    protocol: str | None = None
    property_requirements: list[TemplatePropertyIn] | None = None


class DevicesIn(msgspec.Struct, rename="camel"):
    """Devices that an operator registers."""

    devices: list[DeviceIn] | None = None


class SystemsIn(msgspec.Struct, rename="camel"):
    """Systems that an operator registers."""

    systems: list[SystemIn] | None = None


class ServicesIn(msgspec.Struct, rename="camel"):
    """Offers that an operator registers."""

    instances: list[ServiceIn] | None = None


class DefinitionsIn(msgspec.Struct, rename="camel"):
    """Service definitions that an operator registers."""

    service_definition_names: Texts = None


class TemplatesIn(msgspec.Struct, rename="camel"):
    """Interface templates that an operator registers."""

    interface_templates: list[TemplateIn] | None = None


class DeviceQuery(msgspec.Struct, rename="camel"):
    """Which devices are wanted."""

    pagination: Page | None = None
    device_names: Texts = None
    addresses: Texts = None
    address_type: str | None = None
    metadata_requirement_list: list[Json] | None = None


class SystemQuery(msgspec.Struct, rename="camel"):
    """Which systems are wanted."""

    pagination: Page | None = None
    system_names: Texts = None
    addresses: Texts = None
    address_type: str | None = None
    metadata_requirement_list: list[Json] | None = None
    versions: Texts = None
    device_names: Texts = None


class ServiceQuery(msgspec.Struct, rename="camel"):
    """Which offers are wanted."""

    pagination: Page | None = None
    instance_ids: Texts = None
    provider_names: Texts = None
    service_definition_names: Texts = None
    versions: Texts = None
    alives_at: str | None = None
    metadata_requirements_list: list[Json] | None = None
    address_types: Texts = None
    interface_template_names: Texts = None
    interface_property_requirements_list: list[Json] | None = None
    policies: Texts = None


class TemplateQuery(msgspec.Struct, rename="camel"):
    """Which interface templates are wanted."""

    pagination: Page | None = None
    template_names: Texts = None
    protocols: Texts = None


class RequirementIn(msgspec.Struct, rename="camel"):
    """What a consumer wants of a service."""

    service_definition: str | None = None
    operations: Texts = None
    versions: Texts = None
    alives_at: str | None = None
    metadata_requirements: list[Json] | None = None
    interface_template_names: Texts = None
    interface_address_types: Texts = None
    interface_property_requirements: list[Json] | None = None
    security_policies: Texts = None
    preferred_providers: Texts = None


class OrchestrationIn(msgspec.Struct, rename="camel"):
    """An orchestration; the older name of the requirements of quality is taken too."""

    service_requirement: RequirementIn | None = None
    orchestration_flags: dict[str, bool | str | None] | None = None
    quality_requirements: list[Json] | None = None
    qos_requirements: Json | None = None
    exclusivity_duration: int | None = None


class NotifyIn(msgspec.Struct, rename="camel"):
    """Where results are pushed to."""

    protocol: str | None = None
    properties: dict[str, str | int] | None = None


class SubscriptionIn(msgspec.Struct, rename="camel"):
    """An order to push results."""

    target_system_name: str | None = None
    orchestration_request: OrchestrationIn | None = None
    notify_interface: NotifyIn | None = None
    duration: int | None = None


class SubscriptionsIn(msgspec.Struct, rename="camel"):
    """Orders of an operator."""

    subscriptions: list[SubscriptionIn] | None = None


class TriggerIn(msgspec.Struct, rename="camel"):
    """Which pushes are to begin."""

    target_systems: Texts = None
    subscription_ids: Texts = None


class SubscriptionQuery(msgspec.Struct, rename="camel"):
    """Which subscriptions are wanted."""

    pagination: Page | None = None
    owner_systems: Texts = None
    target_systems: Texts = None
    service_definitions: Texts = None


class LockIn(msgspec.Struct, rename="camel"):
    """An offer to be held."""

    service_instance_id: str | None = None
    owner: str | None = None
    expires_at: str | None = None


class LocksIn(msgspec.Struct, rename="camel"):
    """Offers to be held."""

    locks: list[LockIn] | None = None


class LockQuery(msgspec.Struct, rename="camel"):
    """Which locks are wanted."""

    pagination: Page | None = None
    ids: list[int] | None = None
    orchestration_job_ids: Texts = None
    service_instance_ids: Texts = None
    owners: Texts = None
    expires_before: str | None = None
    expires_after: str | None = None


class HistoryQuery(msgspec.Struct, rename="camel"):
    """Which orchestrations are wanted."""

    pagination: Page | None = None
    ids: Texts = None
    statuses: Texts = None
    type: str | None = None
    requester_systems: Texts = None
    target_systems: Texts = None
    service_definitions: Texts = None
    subscription_ids: Texts = None


class RuleIn(msgspec.Struct, rename="camel"):
    """A fixed binding."""

    consumer: str | None = None
    service_instance_id: str | None = None
    priority: int | None = None


class RulesIn(msgspec.Struct, rename="camel"):
    """Fixed bindings."""

    entries: list[RuleIn] | None = None
    candidates: list[RuleIn] | None = None


class RuleQuery(msgspec.Struct, rename="camel"):
    """Which fixed bindings are wanted."""

    pagination: Page | None = None
    ids: Texts = None
    consumer_names: Texts = None
    service_definitions: Texts = None
    service_instance_ids: Texts = None
    min_priority: int | None = None
    max_priority: int | None = None
    created_by: str | None = None


class PolicyIn(msgspec.Struct, rename="camel"):
    """Whom a grant lets pass."""

    policy_type: str | None = None
    policy_list: Texts = None
    policy_metadata_requirement: Json | None = None


class GrantIn(msgspec.Struct, rename="camel"):
    """A grant; its provider is who asks, or told by an operator."""

    provider: str | None = None
    cloud: str | None = None
    target_type: str | None = None
    target: str | None = None
    description: str | None = None
    default_policy: PolicyIn | None = None
    scoped_policies: dict[str, PolicyIn] | None = None


class GrantsIn(msgspec.Struct, rename="camel"):
    """Grants of an operator."""

    entries: list[GrantIn] | None = msgspec.field(default=None, name="list")


class GrantQuery(msgspec.Struct, rename="camel"):
    """Which grants are wanted."""

    pagination: Page | None = None
    level: str | None = None
    provider: str | None = None
    instance_ids: Texts = None
    cloud_identifiers: Texts = None
    target_names: Texts = None
    target_type: str | None = None


class AccessIn(msgspec.Struct, rename="camel"):
    """Whether a consumer may use a target."""

    provider: str | None = None
    consumer: str | None = None
    cloud: str | None = None
    target_type: str | None = None
    target: str | None = None
    scope: str | None = None


class AccessesIn(msgspec.Struct, rename="camel"):
    """Whether consumers may use targets."""

    entries: list[AccessIn] | None = msgspec.field(default=None, name="list")


class TokenIn(msgspec.Struct, rename="camel"):
    """A token that is wanted; the consumer is who asks, or told by an operator."""

    token_variant: str | None = None
    provider: str | None = None
    consumer: str | None = None
    consumer_cloud: str | None = None
    target_type: str | None = None
    target: str | None = None
    scope: str | None = None
    expires_at: str | None = None
    usage_limit: int | None = None


class TokensIn(msgspec.Struct, rename="camel"):
    """Tokens that an operator wants."""

    entries: list[TokenIn] | None = msgspec.field(default=None, name="list")


class TokenQuery(msgspec.Struct, rename="camel"):
    """Which tokens are wanted."""

    pagination: Page | None = None
    requester: str | None = None
    token_type: str | None = None
    consumer_cloud: str | None = None
    consumer: str | None = None
    provider: str | None = None
    target_type: str | None = None
    target: str | None = None


class KeyIn(msgspec.Struct, rename="camel"):
    """A key for tokens; its system is who asks, or told by an operator."""

    system_name: str | None = None
    key: str | None = None
    algorithm: str | None = None


class KeysIn(msgspec.Struct, rename="camel"):
    """Keys that an operator registers."""

    entries: list[KeyIn] | None = msgspec.field(default=None, name="list")


class IdentityIn(msgspec.Struct, rename="camel"):
    """A system with its password."""

    system_name: str | None = None
    credentials: dict[str, str] | None = None
    new_credentials: dict[str, str] | None = None
    sysop: bool = False


class IdentitiesIn(msgspec.Struct, rename="camel"):
    """Systems that may log in."""

    authentication_method: str | None = None
    identities: list[IdentityIn] | None = None


class IdentityQuery(msgspec.Struct, rename="camel"):
    """Which systems that may log in, or sessions, are wanted."""

    pagination: Page | None = None
    name_part: str | None = None
    is_sysop: bool | None = None
    created_by: str | None = None
    creation_from: str | None = None
    creation_to: str | None = None
    has_session: bool | None = None
    login_from: str | None = None
    login_to: str | None = None


class BanIn(msgspec.Struct, rename="camel"):
    """A system to be refused."""

    system_name: str | None = None
    expires_at: str | None = None
    reason: str | None = None


class BansIn(msgspec.Struct, rename="camel"):
    """Systems to be refused."""

    entities: list[BanIn] | None = None


class BanQuery(msgspec.Struct, rename="camel"):
    """Which entries of the blacklist are wanted."""

    pagination: Page | None = None
    system_names: Texts = None
    mode: str | None = None
    issuers: Texts = None
    revokers: Texts = None
    reason: str | None = None
    alives_at: str | None = None
