"""Binds jobs late, by the rules of the local cloud, and says who was considered and why this one.

The cloud knows who is there, who grants what and who is held; whether a service can do the job at
all is told by its description, and goes into the orchestration as a constraint.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby

import msgspec

from fabloop.app.cloud.fetching import Fetching
from fabloop.app.cloud.host import CloudHost
from fabloop.app.cloud.registering import register, withdraw
from fabloop.app.service_runtime.binding_reasons import (
    against_of,
    away,
    bound,
    conditions,
    dearer,
    nobody,
)
from fabloop.app.service_runtime.directory import Candidate, Directory
from fabloop.app.service_runtime.reality import Reality, ground
from fabloop.app.service_runtime.wanted import Wanted
from fabloop.base.errors import Conflict, Invalid, Refused
from fabloop.base.instant import MINUTE, SECOND, Instant
from fabloop.model.explanation import Explanation
from fabloop.model.ids import WorkUnitId
from fabloop.model.service import ServiceDescription
from fabloop.model.skill import SkillVocabulary
from fabloop.services.cloud.bind import Flag, Judged, judged
from fabloop.services.cloud.described import definition_of, system_of
from fabloop.services.cloud.locks import ExtendLock, HoldOffers, LockEntry, ReleaseOffers, held
from fabloop.services.cloud.orchestrate import Binding, Pull, Rules
from fabloop.services.cloud.records import Form, ServiceInstance
from fabloop.services.cloud.registry import RegisterSystems, SystemEntry
from fabloop.services.matching import Condition, Mismatch, match_offer

LEASE_NS = 10 * MINUTE
"""How long a system that holds a step may keep silent after it should have been heard of."""

CONSIDERED_MAX = 200
"""Offers of which is told why each was not taken; the others are bound all the same."""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """An offer that is held for one job, until an instant."""

    offer: str
    until: Instant


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Who does a job and why, and why not the others; with a lease where it is held for the job."""

    candidate: Candidate
    because: Explanation
    others: tuple[Explanation, ...]
    lease: Lease | None = None


class NoChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody may do a job now, for these reasons; `definitions` are the offers it waits for."""

    reasons: tuple[Explanation, ...]
    definitions: tuple[str, ...] = ()


Against = Callable[[Candidate], tuple[Explanation, ...]]


class Binder:
    """One consumer in a cloud: is bound, holds, lets go, and hears when offers change.

    Parameters
    ----------
    consumer : the name of its system in the cloud
    """

    def __init__(self, cloud: CloudHost, consumer: str, vocabulary: SkillVocabulary) -> None:
        self.directory = Directory(cloud, vocabulary)
        self._cloud = cloud
        self._consumer = consumer
        self._rules = Rules(tokens=False)
        self._pushes = Fetching(cloud, consumer, self._rules)
        self._ordered: set[str] = set()
        self._held_for: dict[str, str] = {}
        cloud.submit(RegisterSystems(entries=(SystemEntry(name=consumer),)))
        self._pushes.cancel()

    # -- who is there -------------------------------------------------------------------------

    def add(self, service: ServiceDescription) -> tuple[str, ...]:
        """Make a service known as it is now; return the definitions that it offers."""
        return register(self._cloud, service)

    def withdraw(self, service: str) -> None:
        """Take back the offers of a service that cannot be heard."""
        withdraw(self._cloud, self.directory.services[service])

    # -- being bound --------------------------------------------------------------------------

    def choose(
        self,
        wanted: Wanted,
        given: Mapping[str, object],
        reality: Reality,
        now: Instant,
        may: Against,
        about: str = "",
    ) -> Choice | NoChoice:
        """Return who does what is wanted: of those that can, the cheapest, then the quickest.

        Can is: offers the skill as required, its conditions hold, `may` has no reasons against it,
        and the cloud says that it is there, free, and may be used.
        """

        def against(each: Candidate) -> tuple[Explanation, ...]:
            return self._against(each, wanted, given, reality, now) or may(each)

        ranked = sorted(self._asked_for(wanted), key=_rank)
        reasons: dict[str, tuple[Explanation, ...]] = {}
        runs = [_Run(tuple(each)) for _, each in groupby(ranked, key=_kind)]
        for run in runs:
            reasons |= self._judged(run, against)
        chosen = next(self._bindings(runs, reasons, against), None)
        told = [(each, reasons[each.name]) for each in ranked if each.name in reasons]
        if chosen is None:
            flat = tuple(reason for _, why in told for reason in why)
            kinds = dict.fromkeys(definition_of(each.operation) for each in ranked)
            return NoChoice(reasons=flat or (nobody(wanted),), definitions=tuple(kinds))
        best, binding = chosen
        losers = tuple(dearer(e, best) for e, why in told if not why and e.name != best.name)
        others = tuple(reason for _, why in told for reason in why)
        lease = None
        if binding.until is not None:
            lease = Lease(offer=binding.offer.id, until=binding.until)
            self._held_for[lease.offer] = about
        return Choice(
            candidate=best, because=bound(best, wanted), others=(*losers, *others), lease=lease
        )

    def _asked_for(self, wanted: Wanted) -> list[Candidate]:
        if wanted.operation:
            if wanted.service not in self.directory.services:
                return []
            return [self.directory.operation(wanted.service, wanted.operation)]
        assert wanted.requirement is not None, "a job wants a skill or an operation"
        found = list(self.directory.candidates(wanted.requirement.skill))
        return [e for e in found if not wanted.service or e.service.id == wanted.service]

    def _judged(self, run: "_Run", against: Against) -> dict[str, tuple[Explanation, ...]]:
        """Return what speaks against each candidate of a run, by its name; nothing: it suits."""
        first = run.candidates[:CONSIDERED_MAX]
        ids = tuple(dict.fromkeys(each.offer for each in first))
        found = self._cloud.query(
            lambda state, at: judged(
                state, run.form, self._consumer, at, ids, authorised=self._rules.authorised
            )
        )
        verdicts: dict[str, Judged] = {each.offer.id: each for each in found}
        reasons = {}
        for each in first:
            verdict = verdicts.get(each.offer)
            own = against(each)
            if verdict is None:
                own = (away(each),)
            elif not own and verdict.against is not None:
                held_for = self._held_for.get(each.offer, "")
                own = (against_of(each, verdict, held_for),)
            reasons[each.name] = own
        return reasons

    def _bindings(
        self,
        runs: Sequence["_Run"],
        reasons: Mapping[str, tuple[Explanation, ...]],
        against: Against,
    ) -> Iterator[tuple[Candidate, Binding]]:
        """Yield what the cloud binds to, the best first; nothing is pulled where nobody suits."""
        for run in runs:
            if all(reasons.get(each.name) for each in run.candidates):
                continue
            by_offer: dict[str, list[Candidate]] = {}
            for each in run.candidates:
                by_offer.setdefault(each.offer, []).append(each)

            def fits(
                offer: ServiceInstance, known: Mapping[str, list[Candidate]] = by_offer
            ) -> bool:
                return any(not against(each) for each in known.get(offer.id, ()))

            pulled = self._cloud.submit(
                Pull(form=run.form, requester=self._consumer, rules=self._rules, constraint=fits)
            )
            for binding in pulled.bindings:
                able = (each for each in by_offer[binding.offer.id] if not against(each))
                yield next(able), binding

    def _against(
        self,
        candidate: Candidate,
        wanted: Wanted,
        given: Mapping[str, object],
        reality: Reality,
        now: Instant,
    ) -> tuple[Explanation, ...]:
        """Return why an operation cannot do it; nothing where it can."""
        if wanted.requirement is not None and candidate.operation.offer is not None:
            match = match_offer(
                wanted.requirement,
                candidate.operation.offer,
                WorkUnitId(str(candidate.service.id)),
                self.directory.vocabulary,
                Condition({}, now),
            )
            if isinstance(match, Mismatch):
                return match.reasons
        return conditions(candidate, reality.unmet(ground(candidate.operation.requires, given)))

    # -- leases -------------------------------------------------------------------------------

    def renew(self, lease: Lease, until: Instant) -> Lease | None:
        """Hold an offer longer; None where it is not held any more."""
        if until <= lease.until:
            return lease
        try:
            self._cloud.submit(
                ExtendLock(instance=lease.offer, owner=self._consumer, expires_at=until)
            )
        except Conflict:
            return None
        return Lease(offer=lease.offer, until=until)

    def regain(self, candidate: Candidate, about: str, until: Instant) -> Lease | None:
        """Hold an offer again for who is on it already; None where it is not to be had."""
        entry = LockEntry(instance=candidate.offer, owner=self._consumer, expires_at=until)
        try:
            self._cloud.submit(HoldOffers(entries=(entry,)))
        except (Refused, Invalid):  # somebody else has it, or it is not on offer
            return None
        self._held_for[candidate.offer] = about
        return Lease(offer=candidate.offer, until=until)

    def release(self, leases: Sequence[Lease]) -> tuple[str, ...]:
        """Let go of offers; return the definitions of those that are there still."""
        offers = tuple(each.offer for each in leases)
        if not offers:
            return ()
        self._cloud.submit(ReleaseOffers(owner=self._consumer, instances=offers))
        for each in offers:
            self._held_for.pop(each, None)
        found = self._cloud.query(
            lambda state, _: [state.find(ServiceInstance, each) for each in offers]
        )
        return tuple(dict.fromkeys(each.definition for each in found if each is not None))

    def held(self) -> tuple[Lease, ...]:
        """Return what the consumer holds, as the cloud knows it."""
        found = self._cloud.query(lambda state, at: held(state, at, owners=(self._consumer,)))
        return tuple(
            Lease(offer=each.instance, until=each.expires_at)
            for each in found
            if each.expires_at is not None
        )

    def recall(self, lease: Lease, about: str) -> None:
        """Know for what an offer is held that was so before a crash."""
        self._held_for[lease.offer] = about

    # -- hearing of changes -------------------------------------------------------------------

    def wait_for(self, definitions: frozenset[str]) -> None:
        """Have it pushed when these offers change, and no others any more."""
        for each in sorted(definitions - self._ordered):
            self._pushes.order(each)
        if gone := frozenset(self._ordered - definitions):
            self._pushes.cancel(gone)
        self._ordered = set(definitions)

    def pushed(self, changed: Sequence[str]) -> frozenset[str]:
        """Have the cloud push what changed and is waited for; return what is on offer of it."""
        wanted = tuple(each for each in changed if each in self._ordered)
        if not wanted:
            return frozenset()
        found = self._pushes.changed(wanted)
        return frozenset(b.offer.definition for each in found for b in each.bindings)


class _Run:
    """Candidates of one definition in the order in which they are wanted, as the cloud is asked."""

    def __init__(self, candidates: tuple[Candidate, ...]) -> None:
        self.candidates = candidates
        definition, exclusive = _kind(candidates[0])
        providers = dict.fromkeys(system_of(each.service) for each in candidates)
        flags = {Flag.MATCHMAKING: True, Flag.ONLY_PREFERRED: True}
        if exclusive:
            flags[Flag.ONLY_EXCLUSIVE] = True
        self.form = Form(
            definition=definition,
            preferred=tuple(providers),
            flags={str(flag): told for flag, told in flags.items()},
            exclusivity_s=LEASE_NS // SECOND if exclusive else None,
        )


def _kind(candidate: Candidate) -> tuple[str, bool]:
    """Return what can be asked for together: one definition, held or not."""
    return definition_of(candidate.operation), candidate.operation.exclusive_ns is not None


def _rank(candidate: Candidate) -> tuple[int, int, str]:
    operation = candidate.operation
    unknown = 2**62
    return (
        unknown if operation.cost_minor is None else operation.cost_minor,
        unknown if operation.duration_ns is None else operation.duration_ns,
        candidate.name,
    )
