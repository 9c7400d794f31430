"""Which services there are, and which of them a job is bound to at the moment it is to be done."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from fabloop.app.service_runtime.reality import Reality, ground, said
from fabloop.app.service_runtime.wanted import Wanted
from fabloop.base.instant import Instant
from fabloop.model.explanation import Evidence, Explanation
from fabloop.model.ids import WorkUnitId
from fabloop.model.service import ServiceDescription, ServiceOperation
from fabloop.model.skill import SkillVocabulary
from fabloop.services.matching import Condition, Mismatch, match_offer

SERVICES_MAX = 10_000


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An operation of a service that may do a job."""

    service: ServiceDescription
    operation: ServiceOperation

    @property
    def name(self) -> str:
        """What it is called."""
        return f"{self.service.id}.{self.operation.name}"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Who does a job and why, and why not the others."""

    candidate: Candidate
    because: Explanation
    others: tuple[Explanation, ...]


class NoChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody may do a job now, for these reasons."""

    reasons: tuple[Explanation, ...]


class Directory:
    """Services by their descriptions; who is away is passed over.

    `away` tells until when a service is not to be asked, by its id.
    """

    def __init__(self, vocabulary: SkillVocabulary) -> None:
        self._vocabulary = vocabulary
        self.services: dict[str, ServiceDescription] = {}
        self.away: dict[str, Instant] = {}

    def add(self, service: ServiceDescription) -> None:
        """Make a service known, or known anew."""
        assert len(self.services) < SERVICES_MAX, "a fleet has far fewer services"
        self.services[str(service.id)] = service

    def operation(self, service: str, operation: str) -> Candidate:
        """Return an operation by name."""
        found = self.services[service]
        return Candidate(
            service=found,
            operation=next(each for each in found.operations if each.name == operation),
        )

    def candidates(self, skill: str) -> Iterable[Candidate]:
        """Yield the operations that provide a skill, by service."""
        for service in self.services.values():
            for each in service.operations:
                if each.offer is not None and self._vocabulary.is_a(each.offer.skill, skill):  # type: ignore[arg-type]  # a header is text
                    yield Candidate(service=service, operation=each)

    def choose(
        self,
        wanted: Wanted,
        given: Mapping[str, object],
        reality: Reality,
        now: Instant,
        may: Callable[[Candidate], tuple[Explanation, ...]],
    ) -> Choice | NoChoice:
        """Return who does what is wanted: of those that can, the cheapest, then the quickest.

        Can is: offers the skill as required, its conditions hold, it is not away, and `may` has
        no reasons against it.
        """
        fit: list[Candidate] = []
        against: list[Explanation] = []
        for each in self._asked_for(wanted):
            reasons = self._against(each, wanted, given, reality, now) or may(each)
            if reasons:
                against += reasons
            else:
                fit.append(each)
        if not fit:
            return NoChoice(reasons=tuple(against) or (_nobody(wanted),))
        best = min(fit, key=_rank)
        losers = tuple(_dearer(each, best) for each in sorted(fit, key=_rank) if each is not best)
        return Choice(candidate=best, because=_bound(best, wanted), others=(*losers, *against))

    def _asked_for(self, wanted: Wanted) -> list[Candidate]:
        if wanted.operation:
            if wanted.service not in self.services:
                return []
            return [self.operation(wanted.service, wanted.operation)]
        assert wanted.requirement is not None, "a job wants a skill or an operation"
        found = list(self.candidates(wanted.requirement.skill))
        return [e for e in found if not wanted.service or e.service.id == wanted.service]

    def _against(
        self,
        candidate: Candidate,
        wanted: Wanted,
        given: Mapping[str, object],
        reality: Reality,
        now: Instant,
    ) -> tuple[Explanation, ...]:
        """Return why an operation cannot do it; nothing where it can."""
        until = self.away.get(str(candidate.service.id))
        if until is not None and until > now:
            details = {"service": str(candidate.service.id)}
            return (Explanation(code="service-away", subject=candidate.name, details=details),)
        if wanted.requirement is not None and candidate.operation.offer is not None:
            match = match_offer(
                wanted.requirement,
                candidate.operation.offer,
                WorkUnitId(str(candidate.service.id)),
                self._vocabulary,
                Condition({}, now),
            )
            if isinstance(match, Mismatch):
                return match.reasons
        unmet = reality.unmet(ground(candidate.operation.requires, given))
        return tuple(
            Explanation(
                code="condition-not-met", subject=candidate.name, details={"condition": said(each)}
            )
            for each in unmet
        )


def _rank(candidate: Candidate) -> tuple[int, int, str]:
    operation = candidate.operation
    unknown = 2**62
    return (
        unknown if operation.cost_minor is None else operation.cost_minor,
        unknown if operation.duration_ns is None else operation.duration_ns,
        candidate.name,
    )


def _bound(candidate: Candidate, wanted: Wanted) -> Explanation:
    operation = candidate.operation
    cost = operation.cost_minor
    evidence = (
        Evidence(
            subject=candidate.name,
            parameter="cost",
            value=None if cost is None else cost / 100,
            source=f"description of {candidate.service.id}",
        ),
    )
    what = wanted.requirement.skill if wanted.requirement is not None else wanted.operation
    return Explanation(
        code="service-bound",
        subject=candidate.name,
        details={"wanted": str(what), "service": candidate.service.title},
        evidence=evidence,
    )


def _dearer(candidate: Candidate, best: Candidate) -> Explanation:
    return Explanation(
        code="service-dearer",
        subject=candidate.name,
        details={"than": best.name},
        evidence=(
            Evidence(
                subject=candidate.name,
                parameter="cost",
                relation="at most",
                value=(candidate.operation.cost_minor or 0) / 100,
                limit=(best.operation.cost_minor or 0) / 100,
            ),
        ),
    )


def _nobody(wanted: Wanted) -> Explanation:
    what = wanted.requirement.skill if wanted.requirement is not None else wanted.operation
    return Explanation(code="nobody-offers", subject=str(what))
