"""Late binding: which offer a consumer gets, decided when it asks and not before.

Offers are looked at in turns, so that the consumers of a service are spread over its providers,
and no further than to the first that cannot be bettered.
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from enum import StrEnum
from itertools import chain

import msgspec

from fabloop.base.instant import SECOND, Instant
from fabloop.services.cloud.authorise import Access, may_use
from fabloop.services.cloud.metadata import any_of, hints
from fabloop.services.cloud.records import (
    AddressType,
    Form,
    Interface,
    Lock,
    SecurityPolicy,
    ServiceInstance,
)
from fabloop.services.cloud.state import State

EXCLUSIVITY = "allowExclusivity"
"""Metadata of an offer: for how many seconds it may be held at most."""
RESERVATION_BUFFER_S = 10
"""Added to what is held, for the way there and back."""
RESULTS_MAX = 1_000
"""Offers in one result."""
_FULL_TIME, _EXCLUSIVE, _PREFERRED = 15, 10, 5


class Flag(StrEnum):
    """What an orchestration is asked to heed."""

    MATCHMAKING = "MATCHMAKING"
    ONLY_PREFERRED = "ONLY_PREFERRED"
    ONLY_EXCLUSIVE = "ONLY_EXCLUSIVE"
    ALLOW_INTERCLOUD = "ALLOW_INTERCLOUD"
    ONLY_INTERCLOUD = "ONLY_INTERCLOUD"
    ALLOW_TRANSLATION = "ALLOW_TRANSLATION"


class Warning_(StrEnum):  # noqa: N801  # `Warning` is Python's
    """What a consumer should know of its result."""

    AUTO_MATCHMAKING = "auto_matchmaking"
    QOS_NOT_ENABLED = "qos_not_enabled"
    NOT_EXCLUSIVE = "not_exclusive"
    PART_TIME_EXCLUSIVITY = "part_time_exclusivity"
    CUT_OFF = "results_cut_off"


class Exclusion(StrEnum):
    """Why an offer was passed over."""

    EXPIRED = "expired"
    VERSION = "version"
    METADATA = "metadata"
    INTERFACE = "interface"
    LOCKED = "locked"
    NOT_EXCLUSIVE = "not exclusive"
    BLACKLISTED = "blacklisted"
    UNAUTHORISED = "unauthorised"
    CONSTRAINT = "constraint"


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An offer that suits, with its interfaces that do; `holdable_s` as the offer allows it."""

    offer: ServiceInstance
    interfaces: tuple[Interface, ...]
    holdable_s: int = 0
    score: int = 0


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What suits, and why the rest of what was looked at does not.

    Attributes
    ----------
    chosen : one with matchmaking, else all
    matched : whether one was chosen among all
    passed_over : how many offers were excluded by each reason
    """

    chosen: tuple[Candidate, ...] = ()
    warnings: tuple[Warning_, ...] = ()
    matched: bool = False
    passed_over: dict[Exclusion, int] = {}


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """An offer that was considered: why it does not suit, if so, and the lock that holds it."""

    offer: ServiceInstance
    against: Exclusion | None = None
    lock: Lock | None = None


Constraint = Callable[[ServiceInstance], bool]
"""A hard constraint beside those of the form: capability by `services.matching`, a place ..."""


def bind(
    state: State,
    form: Form,
    consumer: str,
    at: Instant,
    *,
    constraint: Constraint | None = None,
    authorised: bool = True,
    ignoring: str = "",
) -> Found:
    """Find who provides what a consumer wants.

    Parameters
    ----------
    authorised : whether grants are asked for; without, everybody may use everything
    ignoring : an orchestration whose locks do not count, since it is done again
    """
    if form.qualities:
        return Found(warnings=(Warning_.QOS_NOT_ENABLED,))
    if form.flags.get(Flag.ONLY_INTERCLOUD):
        return Found()
    search = _Search(state, form, consumer, at, constraint, ignoring, authorised=authorised)
    if not form.preferred:
        only = form.flags.get(Flag.ONLY_PREFERRED)
        return Found() if only else search.run(search.every())
    first = tuple(state.offers.offered_by(form.definition, form.preferred))
    preferred = search.run(first, preferred=True)
    if form.flags.get(Flag.ONLY_PREFERRED) or search.suffices(preferred):
        return preferred
    seen = frozenset(first)
    others = search.run(each for each in search.every() if each not in seen)
    return others if search.suffices(others) or not preferred.chosen else preferred


def judged(
    state: State,
    form: Form,
    consumer: str,
    at: Instant,
    ids: Iterable[str],
    *,
    constraint: Constraint | None = None,
    authorised: bool = True,
) -> tuple[Judged, ...]:
    """Return how `bind` judges some offers, each by itself; those that are unknown are left out."""
    search = _Search(state, form, consumer, at, constraint, "", authorised=authorised)
    return tuple(search.judge(each) for each in ids if state.find(ServiceInstance, each))


def held_until(candidate: Candidate, wanted_s: int, at: Instant) -> Instant:
    """Return until when an offer is held for who wants it."""
    return Instant(at + (RESERVATION_BUFFER_S + min(wanted_s, candidate.holdable_s)) * SECOND)


class _Search:
    """One search: what is asked, compiled, and what was passed over."""

    def __init__(
        self,
        state: State,
        form: Form,
        consumer: str,
        at: Instant,
        constraint: Constraint | None,
        ignoring: str,
        *,
        authorised: bool,
    ) -> None:
        self._state = state
        self._form = form
        self._consumer = consumer
        self._at = at
        self._alive_at = max(at, form.alive_at or at)
        self._constraint = constraint
        self._ignoring = ignoring
        self._authorised = authorised
        self._meets = any_of(form.metadata)
        wish = InterfaceWish(
            templates=form.templates,
            policies=form.policies,
            address_types=form.address_types,
            properties=form.properties,
        )
        self._fits = interface_check(wish)
        self._versions = frozenset(form.versions)
        self._locks = state.table(Lock)
        self._offers = state.table(ServiceInstance)
        self._passed: Counter[Exclusion] = Counter()
        self._allowed: dict[str, bool] = {}

    def every(self) -> Iterable[str]:
        """Return all that may suit, beginning where the last one ended; those held come last."""
        likely = self._state.offers.likely(self._form.definition, hints(self._form.metadata))
        every = len(self._state.offers.of_definition(self._form.definition))
        self._passed[Exclusion.METADATA] += every - len(likely)
        turn = self._state.turns.get(self._form.definition, 0) % len(likely) if likely else 0
        order = (*likely[turn:], *likely[:turn])
        locks = self._locks
        if not locks:
            return order
        return chain((x for x in order if x not in locks), (x for x in order if x in locks))

    def suffices(self, found: Found) -> bool:
        """Tell whether there is a result, and one that can be held where that is wanted."""
        exclusive = self._form.exclusivity_s is not None
        return any(each.holdable_s > 0 or not exclusive for each in found.chosen)

    def run(self, ids: Iterable[str], *, preferred: bool = False) -> Found:
        """Look at offers in order; `preferred` are all of them, or none."""
        form = self._form
        exclusive = form.exclusivity_s is not None
        only_exclusive = exclusive and form.flags.get(Flag.ONLY_EXCLUSIVE, False)
        matchmaking = form.flags.get(Flag.MATCHMAKING, False)
        best = (_FULL_TIME + _EXCLUSIVE if exclusive else 0) + (_PREFERRED if preferred else 0)
        found: list[Candidate] = []
        with closing(self._plain(ids)) as plain:
            for offer in plain:
                candidate = self._judge(offer, only_exclusive=only_exclusive)
                if isinstance(candidate, Exclusion):
                    self._passed[candidate] += 1
                    continue
                found.append(candidate)
                if candidate.score >= best and (matchmaking or exclusive):
                    break
                if len(found) >= RESULTS_MAX:
                    break
        return self._chosen(found, matchmaking=matchmaking)

    def judge(self, id_: str) -> Judged:
        """Judge one offer as `run` judges many."""
        before = self._passed.copy()
        offer, lock = self._offers[id_], self._locks.get(id_)
        exclusive = self._form.exclusivity_s is not None
        only_exclusive = exclusive and self._form.flags.get(Flag.ONLY_EXCLUSIVE, False)
        for plain in self._plain((id_,)):
            found = self._judge(plain, only_exclusive=only_exclusive)
            against = found if isinstance(found, Exclusion) else None
            return Judged(offer=offer, against=against)
        why = next(each for each, count in self._passed.items() if count > before[each])
        return Judged(offer=offer, against=why, lock=lock if why is Exclusion.LOCKED else None)

    def _plain(self, ids: Iterable[str]) -> Generator[ServiceInstance]:
        """Yield the offers that most are passed over for not being: free, alive, as required.

        This is done for thousands at once, so it is done in place.
        """
        locks, offers, at, alive_at = self._locks, self._offers, self._at, self._alive_at
        versions, meets = self._versions, self._meets
        locked = expired = of_version = of_metadata = 0
        try:
            for id_ in ids:
                lock = locks.get(id_)
                if lock is not None and lock.holds(at) and not self._ignores(lock):
                    locked += 1
                    continue
                offer = offers[id_]
                if offer.expires_at is not None and offer.expires_at <= alive_at:
                    expired += 1
                elif versions and offer.version not in versions:
                    of_version += 1
                elif meets is not None and not meets(offer.metadata):
                    of_metadata += 1
                else:
                    yield offer
        finally:
            self._passed[Exclusion.LOCKED] += locked
            self._passed[Exclusion.EXPIRED] += expired
            self._passed[Exclusion.VERSION] += of_version
            self._passed[Exclusion.METADATA] += of_metadata

    def _chosen(self, found: Sequence[Candidate], *, matchmaking: bool) -> Found:
        warnings = [Warning_.CUT_OFF] if len(found) >= RESULTS_MAX else []
        wanted_s = self._form.exclusivity_s
        if wanted_s is not None and found:
            holdable = [each for each in found if each.holdable_s > 0]
            if holdable:
                found = holdable
                if not matchmaking:
                    warnings.append(Warning_.AUTO_MATCHMAKING)
                    matchmaking = True
            else:
                warnings.append(Warning_.NOT_EXCLUSIVE)
        if matchmaking and found:
            best = max(found, key=lambda each: each.score)
            found = (best,)
            if wanted_s is not None and 0 < best.holdable_s < wanted_s:
                warnings.append(Warning_.PART_TIME_EXCLUSIVITY)
        return Found(
            chosen=tuple(found),
            warnings=tuple(warnings),
            matched=matchmaking,
            passed_over={why: count for why, count in self._passed.items() if count},
        )

    def _judge(self, offer: ServiceInstance, *, only_exclusive: bool) -> Candidate | Exclusion:
        """Return the offer as a candidate, or the first reason against it; cheap ones first."""
        holdable_s = _holdable_s(offer) if self._form.exclusivity_s is not None else 0
        if only_exclusive and holdable_s <= 0:
            return Exclusion.NOT_EXCLUSIVE
        interfaces = offer.interfaces
        if self._fits is not None:
            interfaces = tuple(each for each in interfaces if self._fits(each))
            if not interfaces:
                return Exclusion.INTERFACE
        excluded = self._excluded(offer)
        return excluded or Candidate(
            offer=offer,
            interfaces=interfaces,
            holdable_s=holdable_s,
            score=self._score(offer, holdable_s),
        )

    def _ignores(self, lock: Lock) -> bool:
        return bool(self._ignoring) and lock.job == self._ignoring

    def _excluded(self, offer: ServiceInstance) -> Exclusion | None:
        """Return what speaks against the provider or the offer as a whole."""
        if self._state.is_refused(offer.provider, self._at):
            return Exclusion.BLACKLISTED
        if self._authorised and not self._may_use(offer):
            return Exclusion.UNAUTHORISED
        if self._constraint is not None and not self._constraint(offer):
            return Exclusion.CONSTRAINT
        return None

    def _may_use(self, offer: ServiceInstance) -> bool:
        """Ask once for each provider."""
        known = self._allowed.get(offer.provider)
        if known is None:
            access = Access(
                provider=offer.provider, consumer=self._consumer, target=offer.definition
            )
            known = may_use(self._state, access, self._form.operations)
            self._allowed[offer.provider] = known
        return known

    def _score(self, offer: ServiceInstance, holdable_s: int) -> int:
        score = 0
        if holdable_s > 0:
            wanted_s = self._form.exclusivity_s or 0
            score += _EXCLUSIVE + (_FULL_TIME if holdable_s >= wanted_s else 0)
        return score + (_PREFERRED if offer.provider in self._form.preferred else 0)


def _holdable_s(offer: ServiceInstance) -> int:
    """Return for how long an offer may be held; 0 where it may not, or does not say it well."""
    stated = offer.metadata.get(EXCLUSIVITY)
    if isinstance(stated, bool):
        return 0
    if isinstance(stated, int):
        return max(0, stated)
    if isinstance(stated, str) and stated.strip().isdecimal():
        return int(stated)
    return 0


class InterfaceWish(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of an interface; what is left out is not asked."""

    templates: tuple[str, ...] = ()
    policies: tuple[SecurityPolicy, ...] = ()
    address_types: tuple[AddressType, ...] = ()
    properties: tuple[dict[str, object], ...] = ()


def interface_check(wish: InterfaceWish) -> Callable[[Interface], bool] | None:
    """Return what tells whether an interface suits; None: all do."""
    properties = any_of(wish.properties)
    if not (wish.templates or wish.policies or wish.address_types or properties):
        return None
    templates, policies = frozenset(wish.templates), frozenset(wish.policies)

    def fits(interface: Interface) -> bool:
        return (
            (not templates or interface.template in templates)
            and (not policies or interface.policy in policies)
            and (properties is None or properties(interface.properties))
            and (not wish.address_types or has_address_type(interface, wish.address_types))
        )

    return fits


def has_address_type(interface: Interface, types: Sequence[AddressType]) -> bool:
    """Tell whether an interface is reached at an address of one of some types."""
    stated = interface.properties.get("accessAddresses")
    addresses = stated if isinstance(stated, list) else ()
    return any(address_type(str(each)) in types for each in addresses)


def address_type(address: str) -> AddressType:
    """Return what kind an address is, as it is written."""
    if ":" in address:
        parts = address.split(":")
        is_mac = len(parts) == 6 and all(len(each) == 2 for each in parts)
        return AddressType.MAC if is_mac else AddressType.IPV6
    numbers = address.split(".")
    if len(numbers) == 4 and all(x.isdecimal() and int(x) < 256 for x in numbers):
        return AddressType.IPV4
    return AddressType.HOSTNAME
