"""ConsumerAuthorization: grants of providers and operators, and what they allow."""

import msgspec

from fabloop.adapters.arrowhead.five import wire
from fabloop.adapters.arrowhead.five.calls import Answer, Call, Route, removed, told
from fabloop.adapters.arrowhead.five.pages import Sorts, page_of
from fabloop.adapters.arrowhead.five.reading import Reading
from fabloop.adapters.arrowhead.five.registry_management import some
from fabloop.adapters.arrowhead.five.shapes import Entries
from fabloop.adapters.arrowhead.five.told import grant_out, listed
from fabloop.base.errors import NotPermitted
from fabloop.base.instant import Instant
from fabloop.services.cloud.authorise import (
    Access,
    GrantAccess,
    GrantEntry,
    RevokeGrants,
    is_granted,
)
from fabloop.services.cloud.metadata import requirement_faults
from fabloop.services.cloud.names import OPERATION, SERVICE, SYSTEM
from fabloop.services.cloud.records import LOCAL, Grant, Level, Policy, PolicyKind, TargetType
from fabloop.services.cloud.state import State

AUTHORIZATION = "/consumerauthorization/authorization"
_GRANT = msgspec.json.Decoder(wire.GrantIn)
_GRANTS = msgspec.json.Decoder(wire.GrantsIn)
_QUERY = msgspec.json.Decoder(wire.GrantQuery)
_ACCESS = msgspec.json.Decoder(wire.AccessIn)
_ACCESSES = msgspec.json.Decoder(wire.AccessesIn)
_SORTS: Sorts = {
    "id": lambda each: each.id,
    "createdAt": lambda each: each.created_at,
    "provider": lambda each: each.provider,
    "target": lambda each: each.target,
    "cloud": lambda each: each.cloud,
}


class AccessOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """Whether a consumer may use a target."""

    provider: str
    consumer: str
    cloud: str
    target_type: str
    target: str
    scope: str | None = None
    granted: bool | None = None


class Authorization:
    """Grants."""

    def routes(self) -> tuple[Route, ...]:
        """Return who answers what."""
        return (
            Route("POST", f"{AUTHORIZATION}/grant", self.grant),
            Route("DELETE", f"{AUTHORIZATION}/revoke/", self.revoke, tail=True),
            Route("POST", f"{AUTHORIZATION}/lookup", self.look_up),
            Route("POST", f"{AUTHORIZATION}/verify", self.verify),
            Route("POST", f"{AUTHORIZATION}/mgmt/grant", self.grant_all),
            Route("DELETE", f"{AUTHORIZATION}/mgmt/revoke", self.revoke_all),
            Route("POST", f"{AUTHORIZATION}/mgmt/query", self.query),
            Route("POST", f"{AUTHORIZATION}/mgmt/check", self.check),
        )

    async def grant(self, call: Call) -> Answer:
        """Grant as the provider; 201 for a new grant."""
        reading = Reading("grant")
        entry = _grant_entry(call.read(_GRANT), reading, "", call.who)
        reading.check()
        known = await call.cloud.ask(lambda state, _: frozenset(state.table(Grant)))
        (made,) = await call.cloud.do(GrantAccess(entries=(entry,), by=call.who))
        return told(grant_out(made), 200 if made.id in known else 201)

    async def revoke(self, call: Call) -> Answer:
        """Revoke a grant of who asks."""
        id_ = call.tail
        grant = await call.cloud.ask(lambda state, _: state.find(Grant, id_))
        if grant is not None and (grant.provider != call.who or grant.level is Level.MGMT):
            raise NotPermitted("Revoking other systems' policy is forbidden")
        return removed(await call.cloud.do(RevokeGrants(ids=(id_,))))

    async def look_up(self, call: Call) -> Answer:
        """List grants of who asks."""
        asked = call.read(_QUERY)
        reading = Reading("lookup")
        if not (asked.instance_ids or asked.target_names or asked.cloud_identifiers):
            expected = "one of 'instanceIds', 'targetNames', 'cloudIdentifiers'"
            reading.add("", expected, "none")
        kind = _target_type(asked, reading)
        reading.check()

        def found(state: State, _: Instant) -> Entries[object]:
            own = msgspec.structs.replace(asked, provider=call.who)
            grants = _grants(state, own, Level.PROVIDER, kind)
            return listed([grant_out(each) for each in grants])

        return told(await call.cloud.ask(found))

    async def verify(self, call: Call) -> Answer:
        """Tell provider or consumer whether access is granted."""
        reading = Reading("access")
        access = _access(call.read(_ACCESS), reading, "", call.who)
        reading.check()
        if call.who not in (access.provider, access.consumer):
            raise NotPermitted("Only the related provider or consumer can use this operation")
        return told(await call.cloud.ask(lambda state, _: is_granted(state, access)))

    async def grant_all(self, call: Call) -> Answer:
        """Grant as an operator, whose word comes first."""
        reading = Reading("grants")
        asked = some(call.read(_GRANTS).entries, reading, "list")
        entries = tuple(
            _grant_entry(each, reading, f"list[{number}].", each.provider)
            for number, each in enumerate(asked)
        )
        reading.check()
        command = GrantAccess(entries=entries, by=call.who, level=Level.MGMT, only_new=True)
        made = await call.cloud.do(command)
        return told(listed([grant_out(each) for each in made]), 201)

    async def revoke_all(self, call: Call) -> Answer:
        """Revoke grants of anybody."""
        await call.cloud.do(RevokeGrants(ids=call.several("instanceIds")))
        return Answer()

    async def query(self, call: Call) -> Answer:
        """List grants of one level."""
        asked = call.read(_QUERY)
        reading = Reading("query")
        reading.text(asked.level, "level")
        level = reading.choice(Level, asked.level, "level", Level.PROVIDER)
        kind = _target_type(asked, reading)

        def found(state: State, _: Instant) -> Entries[object]:
            every = _grants(state, asked, level, kind)
            page = page_of(every, asked.pagination, _SORTS, reading)
            return listed([grant_out(each) for each in page], len(every))

        return told(await call.cloud.ask(found))

    async def check(self, call: Call) -> Answer:
        """Tell whether accesses are granted."""
        reading = Reading("accesses")
        asked = some(call.read(_ACCESSES).entries, reading, "list")
        wanted = [_access(x, reading, f"list[{n}].", "") for n, x in enumerate(asked)]
        reading.check()

        def found(state: State, _: Instant) -> Entries[AccessOut]:
            return listed([_access_out(each, granted=is_granted(state, each)) for each in wanted])

        return told(await call.cloud.ask(found))


def _grant_entry(
    asked: wire.GrantIn, reading: Reading, path: str, provider: str | None
) -> GrantEntry:
    kind = reading.choice(
        TargetType, asked.target_type, f"{path}targetType", TargetType.SERVICE_DEF
    )
    reading.text(asked.target_type, f"{path}targetType")
    return GrantEntry(
        provider=reading.name(SYSTEM, provider, f"{path}provider"),
        target=_target(asked.target, kind, reading, f"{path}target"),
        target_type=kind,
        cloud=(asked.cloud or "").strip() or LOCAL,
        description=reading.described(asked.description, f"{path}description"),
        default=_policy(asked.default_policy, reading, f"{path}defaultPolicy"),
        scoped={
            reading.name(OPERATION, scope, f"{path}scopedPolicies"): _policy(
                policy, reading, f"{path}scopedPolicies.{scope}"
            )
            for scope, policy in (asked.scoped_policies or {}).items()
        },
    )


def _target(target: str | None, kind: TargetType, reading: Reading, path: str) -> str:
    if kind is TargetType.SERVICE_DEF:
        return reading.name(SERVICE, target, path)
    return reading.text(target, path)


def _policy(asked: wire.PolicyIn | None, reading: Reading, path: str) -> Policy:
    if asked is None:
        reading.add(path, "a policy", "nothing")
        return Policy(kind=PolicyKind.ALL)
    reading.text(asked.policy_type, f"{path}.policyType")
    kind = reading.choice(PolicyKind, asked.policy_type, f"{path}.policyType", PolicyKind.ALL)
    systems = reading.names(SYSTEM, asked.policy_list, f"{path}.policyList")
    metadata = asked.policy_metadata_requirement or {}
    if kind in (PolicyKind.BLACKLIST, PolicyKind.WHITELIST) and not systems:
        reading.add(f"{path}.policyList", f"one system at least for {kind}", "none")
    if kind is PolicyKind.SYS_METADATA:
        place = f"{path}.policyMetadataRequirement"
        if not metadata:
            reading.add(place, f"a requirement for {kind}", "none")
        reading.extend(requirement_faults(metadata, "grant", place))
    return Policy(kind=kind, systems=systems, metadata=metadata)


def _access(asked: wire.AccessIn, reading: Reading, path: str, who: str) -> Access:
    kind = reading.choice(
        TargetType, asked.target_type, f"{path}targetType", TargetType.SERVICE_DEF
    )
    return Access(
        provider=reading.name(SYSTEM, asked.provider or who, f"{path}provider"),
        consumer=reading.name(SYSTEM, asked.consumer or who, f"{path}consumer"),
        target=_target(asked.target, kind, reading, f"{path}target"),
        target_type=kind,
        scope=reading.name(OPERATION, asked.scope, f"{path}scope") if asked.scope else "",
        cloud=(asked.cloud or "").strip() or LOCAL,
    )


def _access_out(access: Access, *, granted: bool) -> AccessOut:
    return AccessOut(
        provider=access.provider,
        consumer=access.consumer,
        cloud=access.cloud,
        target_type=access.target_type.value,
        target=access.target,
        scope=access.scope or None,
        granted=granted,
    )


def _target_type(asked: wire.GrantQuery, reading: Reading) -> TargetType | None:
    if not asked.target_type:
        return None
    return reading.choice(TargetType, asked.target_type, "targetType", TargetType.SERVICE_DEF)


def _grants(
    state: State, asked: wire.GrantQuery, level: Level, kind: TargetType | None
) -> list[Grant]:
    return [
        each
        for each in state.table(Grant).values()
        if each.level is level
        and (kind is None or each.target_type is kind)
        and (not asked.provider or each.provider == asked.provider)
        and (not asked.instance_ids or each.id in asked.instance_ids)
        and (not asked.target_names or each.target in asked.target_names)
        and (not asked.cloud_identifiers or each.cloud in asked.cloud_identifiers)
    ]
