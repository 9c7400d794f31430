"""What errands hold of the cloud: kept while their system is heard, let go when a step has ended.

A lease that ends is told before the cloud lets go of it, and one that begins after; what a crash
leaves in between is put right by `recover`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from fabloop.app.service_runtime.binding import LEASE_NS, Binder, Lease
from fabloop.app.service_runtime.directory import Candidate
from fabloop.app.service_runtime.errands import AWAY_NS, Errand
from fabloop.app.service_runtime.facts import (
    CallBound,
    LeaseEnd,
    LeaseEnded,
    LeaseResumed,
    RuntimeFact,
    ServiceLost,
    ServiceReturned,
)
from fabloop.app.service_runtime.log import FactLog
from fabloop.app.service_runtime.naming import names_of
from fabloop.base.errors import Invalid, Unavailable
from fabloop.base.instant import Instant
from fabloop.model.service import ServiceDescription
from fabloop.services.cloud.described import definition_of

Described = Callable[[str], ServiceDescription]
"""Asks a service how it describes itself now; raises Unavailable or Invalid."""


class Leases:
    """Leases of errands, by job; and the services that are silent, until they are heard again."""

    def __init__(
        self, binder: Binder, log: FactLog, errands: Mapping[int, Errand], described: Described
    ) -> None:
        self._binder = binder
        self._log = log
        self._errands = errands
        self._described = described
        self._silent: dict[str, Instant] = {}

    # -- while a step is done -----------------------------------------------------------------

    def given(self, errand: Errand, lease: Lease | None) -> tuple[LeaseEnded, ...]:
        """Let an errand hold what it was given; return that whoever held it before does not now.

        A lock belongs to its owner, whatever the step: who kept one that the cloud has given again
        would renew and release what is another step's.
        """
        before = [
            each
            for each in self._errands.values()
            if lease is not None and each.lease is not None and each.lease.offer == lease.offer
        ]
        ended = tuple(fact for each in before for fact in self.ending(each, LeaseEnd.RAN_OUT))
        for each in before:
            each.lease = None
        errand.lease = lease
        return ended

    def renew(self, errand: Errand, now: Instant) -> None:
        """Keep what an errand holds until its system has to be heard of next, and a while."""
        held, until = errand.lease, Instant(errand.due + LEASE_NS)
        if held is None:
            return
        longer = None if held.until <= now else self._binder.renew(held, until)
        if longer is None and errand.candidate is not None:
            longer = self._binder.regain(errand.candidate, errand.task.about, until)
        if longer is None:
            self._log.tell(now, *self.ending(errand, LeaseEnd.RAN_OUT))
        errand.lease = longer

    def is_over(self, errand: Errand, now: Instant) -> bool:
        """Tell whether a system has kept silent for longer than the lease that it had."""
        return errand.lease is not None and errand.lease.until <= now

    def heard(self, errand: Errand, busy_until: Instant | None, now: Instant) -> None:
        """Take in that a system has answered: one that was silent is on offer again.

        An errand that it is on, until `busy_until` as far as it knows, has the first claim to it.
        """
        candidate = errand.candidate
        assert candidate is not None, "it was called"
        returns = self._silent.pop(str(candidate.service.id), None) is not None
        definitions = self._returned(candidate.service, now) if returns else ()
        if (
            busy_until is not None
            and errand.lease is None
            and candidate.operation.exclusive_ns is not None
        ):
            self._regain(errand, candidate, Instant(busy_until + LEASE_NS), now)
        self.hear(definitions, now)

    def _regain(self, errand: Errand, candidate: Candidate, until: Instant, now: Instant) -> None:
        errand.lease = self._binder.regain(candidate, errand.task.about, until)
        if errand.lease is not None:
            names, offer = names_of(errand), errand.lease.offer
            self._log.tell(now, LeaseResumed(**names, offer=offer, until=until))

    def _returned(self, service: ServiceDescription, now: Instant) -> tuple[str, ...]:
        self._log.tell(now, ServiceReturned(service=str(service.id)))
        return self._binder.add(service)

    # -- when it has ended --------------------------------------------------------------------

    def ending(self, errand: Errand, why: LeaseEnd) -> tuple[LeaseEnded, ...]:
        """Return what is to be told when an errand lets go; nothing where it holds nothing."""
        if errand.lease is None:
            return ()
        return (LeaseEnded(**names_of(errand), offer=errand.lease.offer, why=why),)

    def release(self, errands: Iterable[Errand], now: Instant) -> None:
        """Let go of what errands hold; who waits for it is looked at at once."""
        holding = [(each, each.lease) for each in errands if each.lease is not None]
        for each, _ in holding:
            each.lease = None
        self.hear(self._binder.release([lease for _, lease in holding]), now)

    def end(self, errands: Iterable[Errand], why: LeaseEnd, now: Instant) -> None:
        """Tell that errands let go, and let go."""
        chosen = tuple(errands)
        self._log.tell(now, *(fact for each in chosen for fact in self.ending(each, why)))
        self.release(chosen, now)

    # -- who keeps silent ---------------------------------------------------------------------

    def lose(self, errand: Errand, why: LeaseEnd, now: Instant) -> None:
        """Take back the offers of a service that keeps silent, and with them every lease on it."""
        candidate = errand.candidate
        assert candidate is not None, "it was called"
        service, until = str(candidate.service.id), Instant(now + AWAY_NS)
        told: list[RuntimeFact] = [*self.ending(errand, why)]
        if service in self._silent:
            self._log.tell(now, *told)
            self.release((errand,), now)
            return
        others = [e for e in self._errands.values() if e is not errand and _is_held_at(e, service)]
        told += [fact for each in others for fact in self.ending(each, LeaseEnd.SILENT)]
        self._log.tell(now, *told, ServiceLost(service=service, again_at=until))
        self._silent[service] = until
        self._binder.withdraw(service)
        self.release((errand, *others), now)

    def look_again(self, now: Instant) -> None:
        """Ask services that kept silent how they are, where it is time."""
        for service in [each for each, at in self._silent.items() if at <= now]:
            try:
                described = self._described(service)
            except (Unavailable, Invalid):
                self._silent[service] = Instant(now + AWAY_NS)
                continue
            del self._silent[service]
            self.hear(self._returned(described, now), now)

    def silent_until(self, service: str) -> Instant | None:
        """Return when a silent service is asked again; None where it is not silent."""
        return self._silent.get(service)

    def may_be_back(self, service: str, now: Instant) -> None:
        """Ask a silent service at the next opportunity."""
        if service in self._silent:
            self._silent[service] = now

    def next_look_at(self) -> Instant | None:
        """Return when a silent service is asked next."""
        return min(self._silent.values(), default=None)

    # -- who waits ----------------------------------------------------------------------------

    def order(self) -> None:
        """Have the cloud tell of changes to what errands wait for."""
        waiting = (each.waits_on for each in self._errands.values() if each.candidate is None)
        self._binder.wait_for(frozenset(name for each in waiting for name in each))

    def able_again(self, service: str, now: Instant) -> None:
        """Let who waits look at a service that can do again what it could not."""
        known = self._binder.directory.services[service]
        self.hear(tuple(dict.fromkeys(map(definition_of, known.operations))), now)

    def hear(self, changed: Sequence[str], now: Instant) -> None:
        """Have pushed what has changed, and look again at errands that wait for it."""
        pushed = self._binder.pushed(changed)
        for each in self._errands.values():
            if each.candidate is None and not pushed.isdisjoint(each.waits_on):
                each.due = min(each.due, now)

    # -- after a crash ------------------------------------------------------------------------

    def recover(self, told: Mapping[int, CallBound | LeaseResumed], now: Instant) -> None:
        """Put right what a crash left: errands hold what the log says, and nobody anything else.

        What the log says of a job that is not ours any more, or that the cloud has let go of, is
        told as ended.
        """
        held = {each.offer: each for each in self._binder.held()}
        lost = []
        for job, begun in told.items():
            errand = self._errands.get(job)
            if errand is None or errand.candidate is None:
                lost.append(_ended(begun, LeaseEnd.DROPPED))
                continue
            errand.lease = held.pop(begun.offer, None)
            if errand.lease is not None:
                self._binder.recall(errand.lease, errand.task.about)
                continue
            lost.append(_ended(begun, LeaseEnd.SILENT))
        self._log.tell(now, *lost)
        self._binder.release(tuple(held.values()))


def _is_held_at(errand: Errand, service: str) -> bool:
    candidate = errand.candidate
    return errand.lease is not None and candidate is not None and candidate.service.id == service


def _ended(begun: CallBound | LeaseResumed, why: LeaseEnd) -> LeaseEnded:
    return LeaseEnded(
        job=begun.job,
        about=begun.about,
        node=begun.node,
        service=begun.service,
        operation=begun.operation,
        offer=begun.offer,
        why=why,
    )


def held_offers(
    history: Iterable[tuple[Instant, RuntimeFact]],
) -> dict[int, CallBound | LeaseResumed]:
    """Return by job what was told when it was given the offer that it holds."""
    offers: dict[int, CallBound | LeaseResumed] = {}
    for _, fact in history:
        match fact:
            case CallBound(job=job, offer=offer) | LeaseResumed(job=job, offer=offer) if offer:
                offers[job] = fact
            case LeaseEnded(job=job):
                offers.pop(job, None)
            case _:
                pass
    return offers


def still_bound(history: Iterable[tuple[Instant, RuntimeFact]]) -> dict[int, CallBound]:
    """Return to whom each job went last, by job; those that were let go of went to nobody."""
    bound: dict[int, CallBound] = {}
    for _, fact in history:
        if isinstance(fact, CallBound):
            bound[fact.job] = fact
        elif isinstance(fact, LeaseEnded) and fact.why in UNBOUND:
            bound.pop(fact.job, None)
    return bound


UNBOUND = frozenset((LeaseEnd.NOT_NOW, LeaseEnd.DECLINED, LeaseEnd.TAKEN_OVER))
"""After these somebody else may be bound, or the same one anew."""
