"""Who may use what: grants of operators and providers, and what follows from them."""

from collections.abc import Iterator, Sequence

import msgspec

from fabloop.base.errors import Conflict
from fabloop.services.cloud.changes import Put, drop_of
from fabloop.services.cloud.command import Decided, Moment, check_room
from fabloop.services.cloud.metadata import check_of
from fabloop.services.cloud.names import DELIMITER
from fabloop.services.cloud.records import (
    LOCAL,
    Grant,
    Level,
    Policy,
    PolicyKind,
    System,
    TargetType,
)
from fabloop.services.cloud.state import State

_PREFIX = {Level.MGMT: "MGMT", Level.PROVIDER: "PR"}
DEFAULT_SCOPE = "*"


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """May this consumer use this target of this provider? Without `scope`: all of it."""

    provider: str
    consumer: str
    target: str
    target_type: TargetType = TargetType.SERVICE_DEF
    scope: str = ""
    cloud: str = LOCAL


class GrantEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A grant as it is asked for."""

    provider: str
    target: str
    default: Policy
    target_type: TargetType = TargetType.SERVICE_DEF
    cloud: str = LOCAL
    description: str = ""
    scoped: dict[str, Policy] = {}


class GrantAccess(msgspec.Struct, frozen=True, kw_only=True):
    """Grants that hold from now on, in place of those for the same target.

    The reply is their records; with `only_new` one that is there already is a conflict.
    """

    entries: tuple[GrantEntry, ...]
    by: str
    level: Level = Level.PROVIDER
    only_new: bool = False

    def decide(self, state: State, moment: Moment) -> Decided[tuple[Grant, ...]]:
        """Raise Conflict for a grant that is there already and must not be."""
        check_room(state, Grant, len(self.entries))
        made = tuple(
            Grant(
                id=grant_id(self.level, each.cloud, each.provider, each.target_type, each.target),
                level=self.level,
                cloud=each.cloud,
                provider=each.provider,
                target_type=each.target_type,
                target=each.target,
                description=each.description,
                default=each.default,
                scoped=each.scoped,
                created_by=self.by,
                created_at=moment.at,
            )
            for each in self.entries
        )
        there = [x.id for x in made if self.only_new and state.find(Grant, x.id) is not None]
        if there:
            raise Conflict(
                f"Expected grants that are new, but found {', '.join(map(repr, there))}. "
                "Revoke them first."
            )
        return Decided(made, tuple(Put(each) for each in made))


class RevokeGrants(msgspec.Struct, frozen=True, kw_only=True):
    """Grants that hold no more; the reply is how many there were."""

    ids: tuple[str, ...]

    def decide(self, state: State, moment: Moment) -> Decided[int]:  # noqa: ARG002  # as all do
        """Revoke those that are there."""
        found = [each for id_ in self.ids if (each := state.find(Grant, id_)) is not None]
        return Decided(len(found), tuple(drop_of(each) for each in found))


def grant_id(level: Level, cloud: str, provider: str, target_type: TargetType, target: str) -> str:
    """Return the id of a grant; there is one for a level and target."""
    return DELIMITER.join((_PREFIX[level], cloud, provider, target_type, target))


def is_granted(state: State, access: Access) -> bool:
    """Tell whether access is granted: by an operator's word, else by the provider's, else not."""
    for level in (Level.MGMT, Level.PROVIDER):
        id_ = grant_id(level, access.cloud, access.provider, access.target_type, access.target)
        grant = state.find(Grant, id_)
        if grant is not None:
            policies = _relevant(grant, access.scope)
            return all(_lets_pass(state, each, access.consumer) for each in policies)
    return False


def may_use(state: State, access: Access, operations: Sequence[str]) -> bool:
    """Tell whether all of some operations may be used; without any: all there are."""
    if not operations:
        return is_granted(state, access)
    return all(is_granted(state, msgspec.structs.replace(access, scope=x)) for x in operations)


def _relevant(grant: Grant, scope: str) -> Iterator[Policy]:
    """Yield the policy of a scope, or the default; without a scope all there are."""
    if not scope:
        yield grant.default
        yield from grant.scoped.values()
    else:
        yield grant.scoped.get(scope, grant.default)


def _lets_pass(state: State, policy: Policy, consumer: str) -> bool:
    match policy.kind:
        case PolicyKind.ALL:
            return True
        case PolicyKind.BLACKLIST:
            return consumer not in policy.systems
        case PolicyKind.WHITELIST:
            return consumer in policy.systems
        case PolicyKind.SYS_METADATA:
            system = state.find(System, consumer)
            return system is not None and check_of(policy.metadata)(system.metadata)
