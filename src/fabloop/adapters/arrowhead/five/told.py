"""What is told of the records of a cloud: with names only, or (verbose) with all that is known."""

from typing import TypeVar

from fabloop.adapters.arrowhead.five.shapes import (
    AddressOut,
    BanOut,
    DefinitionOut,
    DeviceOut,
    Entries,
    GrantOut,
    IdentityOut,
    InterfaceOut,
    JobOut,
    Json,
    LockOut,
    NotifyOut,
    OrchestrationOut,
    PolicyOut,
    ResultOut,
    RuleOut,
    ServiceOut,
    SessionOut,
    SubscriptionOut,
    SystemOut,
    TemplateOut,
    TemplatePropertyOut,
    TokenOut,
    TokenTold,
)
from fabloop.base.instant import Instant
from fabloop.services.cloud.orchestrate import Binding, Bound, GivenToken
from fabloop.services.cloud.records import (
    LOCAL,
    BlacklistEntry,
    Device,
    Form,
    Grant,
    Identity,
    Interface,
    InterfaceTemplate,
    Job,
    Lock,
    Policy,
    ServiceDefinition,
    ServiceInstance,
    Session,
    StoreRule,
    Subscription,
    System,
    Token,
)
from fabloop.services.cloud.state import State
from fabloop.services.cloud.times import iso, iso_seconds

T = TypeVar("T")


def listed(entries: list[T], count: int | None = None) -> Entries[T]:
    """Return a list with how many there are."""
    return Entries(entries, len(entries) if count is None else count)


def device_out(device: Device) -> DeviceOut:
    """Tell all of a device."""
    return DeviceOut(
        name=device.name,
        metadata=device.metadata,
        addresses=[AddressOut(each.type.value, each.address) for each in device.addresses],
        created_at=iso_seconds(device.created_at),
        updated_at=iso_seconds(device.updated_at),
    )


def system_out(state: State, system: System, *, verbose: bool) -> SystemOut:
    """Tell a system; of its device all, or the name only."""
    device = None
    if system.device:
        known = state.find(Device, system.device) if verbose else None
        device = DeviceOut(name=system.device) if known is None else device_out(known)
    return SystemOut(
        name=system.name,
        metadata=system.metadata,
        version=system.version,
        addresses=[AddressOut(each.type.value, each.address) for each in system.addresses],
        device=device,
        created_at=iso_seconds(system.created_at),
        updated_at=iso_seconds(system.updated_at),
    )


def definition_out(definition: ServiceDefinition) -> DefinitionOut:
    """Tell a service definition."""
    return DefinitionOut(
        name=definition.name,
        created_at=iso_seconds(definition.created_at),
        updated_at=iso_seconds(definition.updated_at),
    )


def interface_out(interface: Interface) -> InterfaceOut:
    """Tell an interface."""
    return InterfaceOut(
        interface.template, interface.protocol, interface.policy.value, interface.properties
    )


def service_out(state: State, offer: ServiceInstance, *, verbose: bool) -> ServiceOut:
    """Tell an offer; of its provider and definition all, or the names only."""
    provider = state.find(System, offer.provider) if verbose else None
    definition = state.find(ServiceDefinition, offer.definition) if verbose else None
    return ServiceOut(
        instance_id=offer.id,
        provider=SystemOut(name=offer.provider)
        if provider is None
        else system_out(state, provider, verbose=True),
        service_definition=DefinitionOut(name=offer.definition)
        if definition is None
        else definition_out(definition),
        version=offer.version,
        expires_at=_time(offer.expires_at),
        metadata=offer.metadata,
        interfaces=[interface_out(each) for each in offer.interfaces],
        created_at=iso_seconds(offer.created_at),
        updated_at=iso_seconds(offer.updated_at),
    )


def template_out(template: InterfaceTemplate) -> TemplateOut:
    """Tell an interface template."""
    return TemplateOut(
        name=template.name,
        protocol=template.protocol,
        property_requirements=[
            TemplatePropertyOut(
                name=each.name,
                mandatory=each.mandatory,
                validator=each.validator or None,
                validator_params=list(each.parameters) or None,
            )
            for each in template.properties
        ],
        created_at=iso_seconds(template.created_at),
        updated_at=iso_seconds(template.updated_at),
    )


def orchestration_out(bound: Bound) -> OrchestrationOut:
    """Tell the result of an orchestration."""
    return OrchestrationOut(
        results=[_result(each) for each in bound.bindings], warnings=list(bound.warnings)
    )


def _result(binding: Binding) -> ResultOut:
    tokens: dict[str, dict[str, TokenTold]] = {}
    for each in binding.tokens:
        tokens.setdefault(each.variant.value, {})[each.purpose] = _given(each)
    offer = binding.offer
    return ResultOut(
        service_instance_id=offer.id,
        provider_name=offer.provider,
        service_definition=offer.definition,
        version=offer.version,
        cloud_identifier=LOCAL,
        alive_until=_time(offer.expires_at),
        exclusive_until=_time(binding.until),
        metadata=offer.metadata,
        interfaces=[interface_out(each) for each in binding.interfaces],
        authorization_tokens=tokens or None,
    )


def _given(given: GivenToken) -> TokenTold:
    return token_told(given.record, given.secret)


def token_told(token: Token, secret: str) -> TokenTold:
    """Tell a token to its consumer."""
    return TokenTold(
        token_type=token.kind.value,
        target_type=token.target_type.value,
        token=secret,
        usage_limit=token.usage_limit,
        expires_at=_time(token.expires_at),
    )


def token_out(token: Token, secret: str | None = None) -> TokenOut:
    """Tell a token to an operator."""
    return TokenOut(
        token_type=token.kind.value,
        variant=token.variant.value,
        token_reference=token.reference,
        requester=token.requester,
        consumer_cloud=token.cloud,
        consumer=token.consumer,
        provider=token.provider,
        target_type=token.target_type.value,
        target=token.target,
        token=secret,
        scope=token.scope or None,
        created_at=iso_seconds(token.created_at),
        usage_limit=token.usage_limit,
        usage_left=token.usage_left,
        expires_at=_time(token.expires_at),
    )


def job_out(job: Job) -> JobOut:
    """Tell an orchestration."""
    return JobOut(
        id=job.id,
        status=job.status.value,
        type=job.kind.value,
        requester_system=job.requester,
        target_system=job.target,
        service_definition=job.definition,
        subscription_id=job.subscription or None,
        message=job.message or None,
        created_at=iso_seconds(job.created_at),
        started_at=_time(job.started_at),
        finished_at=_time(job.finished_at),
    )


def lock_out(lock: Lock) -> LockOut:
    """Tell a lock."""
    return LockOut(
        id=lock.number,
        service_instance_id=lock.instance,
        owner=lock.owner,
        orchestration_job_id=lock.job or None,
        expires_at=_time(lock.expires_at),
        temporary=lock.temporary,
    )


def subscription_out(subscription: Subscription) -> SubscriptionOut:
    """Tell a subscription."""
    return SubscriptionOut(
        id=subscription.id,
        owner_system_name=subscription.owner,
        target_system_name=subscription.target,
        orchestration_request=form_out(subscription.form),
        notify_interface=NotifyOut(subscription.protocol, subscription.properties),
        expired_at=_time(subscription.expires_at),
        created_at=iso_seconds(subscription.created_at),
    )


def form_out(form: Form) -> Json:
    """Tell an orchestration as it is asked for; what was left out is left out."""
    requirement: Json = {"serviceDefinition": form.definition}
    requirement |= {
        name: list(values)
        for name, values in (
            ("operations", form.operations),
            ("versions", form.versions),
            ("metadataRequirements", form.metadata),
            ("interfaceTemplateNames", form.templates),
            ("interfaceAddressTypes", [each.value for each in form.address_types]),
            ("interfacePropertyRequirements", form.properties),
            ("securityPolicies", [each.value for each in form.policies]),
            ("preferredProviders", form.preferred),
        )
        if values
    }
    if form.alive_at is not None:
        requirement["alivesAt"] = iso(form.alive_at)
    told: Json = {"serviceRequirement": requirement}
    if form.flags:
        told["orchestrationFlags"] = dict(form.flags)
    if form.qualities:
        told["qualityRequirements"] = list(form.qualities)
    if form.exclusivity_s is not None:
        told["exclusivityDuration"] = form.exclusivity_s
    return told


def rule_out(rule: StoreRule) -> RuleOut:
    """Tell a fixed binding."""
    return RuleOut(
        id=rule.id,
        consumer=rule.consumer,
        service_definition=rule.definition,
        service_instance_id=rule.instance,
        priority=rule.priority,
        created_by=rule.created_by,
        updated_by=rule.updated_by,
        created_at=iso_seconds(rule.created_at),
        updated_at=iso_seconds(rule.updated_at),
    )


def policy_out(policy: Policy) -> PolicyOut:
    """Tell whom a grant lets pass."""
    return PolicyOut(
        policy_type=policy.kind.value,
        policy_list=list(policy.systems) or None,
        policy_metadata_requirement=policy.metadata or None,
    )


def grant_out(grant: Grant) -> GrantOut:
    """Tell a grant."""
    scoped = {scope: policy_out(policy) for scope, policy in grant.scoped.items()}
    return GrantOut(
        instance_id=grant.id,
        level=grant.level.value,
        cloud=grant.cloud,
        provider=grant.provider,
        target_type=grant.target_type.value,
        target=grant.target,
        default_policy=policy_out(grant.default),
        description=grant.description or None,
        scoped_policies=scoped or None,
        created_by=grant.created_by,
        created_at=iso_seconds(grant.created_at),
    )


def identity_out(identity: Identity) -> IdentityOut:
    """Tell a system that may log in."""
    return IdentityOut(
        system_name=identity.system,
        authentication_method="PASSWORD",
        sysop=identity.sysop,
        created_by=identity.created_by,
        created_at=iso_seconds(identity.created_at),
        updated_by=identity.updated_by,
        updated_at=iso_seconds(identity.updated_at),
    )


def session_out(session: Session) -> SessionOut:
    """Tell a session."""
    return SessionOut(
        system_name=session.system,
        login_time=iso_seconds(session.login_at),
        expiration_time=iso_seconds(session.expires_at),
    )


def ban_out(entry: BlacklistEntry) -> BanOut:
    """Tell an entry of the blacklist."""
    return BanOut(
        system_name=entry.system,
        created_by=entry.created_by,
        created_at=iso_seconds(entry.created_at),
        updated_at=iso_seconds(entry.updated_at),
        reason=entry.reason,
        active=entry.active,
        revoked_by=entry.revoked_by or None,
        expires_at=_time(entry.expires_at),
    )


def _time(at: Instant | None) -> str | None:
    return None if at is None else iso_seconds(at)
