"""A local cloud as one of its systems sees it: embedded, or a real one somewhere else."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from fabloop.base.instant import Instant
from fabloop.services.cloud.authorise import Access, GrantEntry
from fabloop.services.cloud.locks import LockEntry
from fabloop.services.cloud.lookups import ServiceFilter
from fabloop.services.cloud.orchestrate import Bound
from fabloop.services.cloud.push import SubscriptionEntry
from fabloop.services.cloud.records import Form, Interface, SecurityPolicy, TargetType
from fabloop.services.cloud.registry import ServiceEntry, SystemEntry


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An offer as it is looked up."""

    id: str
    provider: str
    definition: str
    version: str
    expires_at: Instant | None = None
    metadata: dict[str, object] = {}
    interfaces: tuple[Interface, ...] = ()


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """A token to show to a provider."""

    secret: str
    usage_limit: int | None = None
    expires_at: Instant | None = None


class PassWish(msgspec.Struct, frozen=True, kw_only=True):
    """A token that is wanted."""

    variant: SecurityPolicy
    provider: str
    target: str
    target_type: TargetType = TargetType.SERVICE_DEF
    scope: str = ""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What a token that was shown allows, and to whom."""

    consumer: str
    target: str
    target_type: TargetType
    scope: str = ""


class LocalCloud(Protocol):
    """What a system does in its local cloud; each call names the system that was given once.

    `app.cloud.embedded.EmbeddedCloud` is in this process, `adapters.arrowhead.five.client`
    speaks to one of 5.2.1. Both raise Invalid, NotPermitted, NotFound, Refused and Unavailable
    alike.
    """

    def register_system(self, entry: SystemEntry) -> None:
        """Be there; the entry's name is that of this system."""
        ...

    def revoke_system(self) -> bool:
        """Be there no more; with the system go its offers. False: it was not there."""
        ...

    def register_service(self, entry: ServiceEntry) -> str:
        """Offer something; return the id of the offer."""
        ...

    def revoke_service(self, instance: str) -> bool:
        """Offer something no more. False: it was not offered."""
        ...

    def find_services(self, wanted: ServiceFilter) -> tuple[Told, ...]:
        """Look up offers; ids, providers or definitions have to be told."""
        ...

    def pull(self, form: Form) -> Bound:
        """Be bound now."""
        ...

    def subscribe(self, entry: SubscriptionEntry, *, trigger: bool = False) -> str:
        """Order results to be pushed; return the id of the order."""
        ...

    def unsubscribe(self, subscription: str) -> bool:
        """Cancel an order. False: there was none."""
        ...

    def grant(self, entry: GrantEntry) -> str:
        """Let others use what this system offers; return the id of the grant."""
        ...

    def revoke_grant(self, grant: str) -> bool:
        """Take a grant back. False: there was none."""
        ...

    def may_use(self, access: Access) -> bool:
        """Tell whether a consumer may use a target; this system is one of the two sides."""
        ...

    def token(self, wish: PassWish) -> Pass:
        """Get a token as a consumer."""
        ...

    def use_token(self, secret: str) -> Shown | None:
        """Check a token as the provider that was shown it; a counted one is used up by it."""
        ...

    def is_refused(self, system: str) -> bool:
        """Tell whether a system is on the blacklist."""
        ...

    def hold(self, entries: Sequence[LockEntry]) -> None:
        """Lock offers, as somebody who may manage."""
        ...

    def release(self, owner: str, instances: Sequence[str]) -> None:
        """Unlock offers of an owner, as somebody who may manage: at the end of a step."""
        ...
