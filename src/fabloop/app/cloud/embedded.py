"""A local cloud in this process, as one of its systems sees it."""

from collections.abc import Sequence

import msgspec

from fabloop.app.cloud.host import CloudHost
from fabloop.base.errors import Fault, Invalid, NotPermitted
from fabloop.base.instant import Instant
from fabloop.services.cloud.authorise import Access, GrantAccess, GrantEntry, RevokeGrants
from fabloop.services.cloud.authorise import is_granted as granted
from fabloop.services.cloud.locks import HoldOffers, LockEntry, ReleaseOffers
from fabloop.services.cloud.lookups import ServiceFilter, find_services
from fabloop.services.cloud.names import DELIMITER, SERVICE, SYSTEM, name_fault
from fabloop.services.cloud.orchestrate import Bound, Pull, Rules, form_faults
from fabloop.services.cloud.port import Pass, PassWish, Shown, Told
from fabloop.services.cloud.push import Subscribe, SubscriptionEntry, Unsubscribe
from fabloop.services.cloud.records import Form, Grant, ServiceInstance, System
from fabloop.services.cloud.registry import (
    RegisterServices,
    RegisterSystems,
    Revoke,
    ServiceEntry,
    SystemEntry,
)
from fabloop.services.cloud.state import State
from fabloop.services.cloud.tokens import GiveTokens, TokenEntry, UseToken


class EmbeddedCloud:
    """Speaks for one system to the host of a cloud (`services.cloud.port.LocalCloud`)."""

    def __init__(self, host: CloudHost, system: str, rules: Rules | None = None) -> None:
        _check((name_fault(SYSTEM, system, "cloud", "system"),))
        self._host = host
        self._system = system
        self._rules = rules or Rules()

    def register_system(self, entry: SystemEntry) -> None:
        """Be there."""
        self._host.submit(
            RegisterSystems(entries=(msgspec.structs.replace(entry, name=self._system),))
        )

    def revoke_system(self) -> bool:
        """Be there no more."""
        return self._host.submit(Revoke(kind=System, keys=(self._system,))) > 0

    def register_service(self, entry: ServiceEntry) -> str:
        """Offer something."""
        _check((name_fault(SERVICE, entry.definition, "service", "serviceDefinitionName"),))
        own = msgspec.structs.replace(entry, provider=self._system)
        return self._host.submit(RegisterServices(entries=(own,)))[0].id

    def revoke_service(self, instance: str) -> bool:
        """Offer something no more."""
        if instance.partition(DELIMITER)[0] != self._system:
            raise NotPermitted("Revoking other systems' service is forbidden")
        return self._host.submit(Revoke(kind=ServiceInstance, keys=(instance,))) > 0

    def find_services(self, wanted: ServiceFilter) -> tuple[Told, ...]:
        """Look up offers."""
        if not (wanted.ids or wanted.providers or wanted.definitions):
            expected = "ids, providers or definitions"
            raise Invalid(Fault(source="lookup", path="", expected=expected, found="none"))

        def found(state: State, at: Instant) -> tuple[Told, ...]:
            return tuple(
                Told(
                    id=each.id,
                    provider=each.provider,
                    definition=each.definition,
                    version=each.version,
                    expires_at=each.expires_at,
                    metadata=each.metadata,
                    interfaces=each.interfaces,
                )
                for each in find_services(state, wanted, at)
            )

        return self._host.query(found)

    def pull(self, form: Form) -> Bound:
        """Be bound now."""
        self._check_form(form)
        return self._host.submit(Pull(form=form, requester=self._system, rules=self._rules))

    def subscribe(self, entry: SubscriptionEntry, *, trigger: bool = False) -> str:
        """Order results to be pushed."""
        self._check_form(entry.form)
        command = Subscribe(entries=(entry,), owner=self._system, trigger=trigger)
        return self._host.submit(command)[0][0].id

    def unsubscribe(self, subscription: str) -> bool:
        """Cancel an order."""
        return self._host.submit(Unsubscribe(ids=(subscription,), owner=self._system)) > 0

    def grant(self, entry: GrantEntry) -> str:
        """Let others use what this system offers."""
        own = msgspec.structs.replace(entry, provider=self._system)
        return self._host.submit(GrantAccess(entries=(own,), by=self._system))[0].id

    def revoke_grant(self, grant: str) -> bool:
        """Take a grant back."""
        known = self._host.query(lambda state, _: state.find(Grant, grant))
        if known is not None and known.provider != self._system:
            raise NotPermitted("Revoking other systems' policy is forbidden")
        return self._host.submit(RevokeGrants(ids=(grant,))) > 0

    def may_use(self, access: Access) -> bool:
        """Tell whether a consumer may use a target."""
        if self._system not in (access.provider, access.consumer):
            raise NotPermitted("Only the related provider or consumer can use this operation")
        return self._host.query(lambda state, _: granted(state, access))

    def token(self, wish: PassWish) -> Pass:
        """Get a token."""
        entry = TokenEntry(
            variant=wish.variant,
            provider=wish.provider,
            consumer=self._system,
            target=wish.target,
            target_type=wish.target_type,
            scope=wish.scope,
        )
        (given,) = self._host.submit(GiveTokens(entries=(entry,), by=self._system))
        return Pass(
            secret=given.secret,
            usage_limit=given.record.usage_limit,
            expires_at=given.record.expires_at,
        )

    def use_token(self, secret: str) -> Shown | None:
        """Check a token."""
        found = self._host.submit(UseToken(secret=secret, provider=self._system))
        if found is None:
            return None
        return Shown(
            consumer=found.consumer,
            target=found.target,
            target_type=found.target_type,
            scope=found.scope,
        )

    def is_refused(self, system: str) -> bool:
        """Tell whether a system is on the blacklist."""
        return self._host.query(lambda state, at: state.is_refused(system, at))

    def hold(self, entries: Sequence[LockEntry]) -> None:
        """Lock offers."""
        self._host.submit(HoldOffers(entries=tuple(entries)))

    def release(self, owner: str, instances: Sequence[str]) -> None:
        """Unlock offers."""
        self._host.submit(ReleaseOffers(owner=owner, instances=tuple(instances)))

    @staticmethod
    def _check_form(form: Form) -> None:
        place = "serviceRequirement.serviceDefinition"
        _check((name_fault(SERVICE, form.definition, "orchestration", place), *form_faults(form)))


def _check(faults: Sequence[Fault | None]) -> None:
    found = [each for each in faults if each is not None]
    if found:
        raise Invalid(found)
