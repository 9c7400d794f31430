"""Which services there are, read off the systems that are registered in the local cloud."""

from collections.abc import Iterator, Mapping

import msgspec

from fabloop.app.cloud.host import CloudHost
from fabloop.model.service import ServiceDescription, ServiceOperation
from fabloop.model.skill import SkillVocabulary
from fabloop.services.cloud.described import described_by, offer_of
from fabloop.services.cloud.records import System


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An operation of a service that may do a job."""

    service: ServiceDescription
    operation: ServiceOperation

    @property
    def name(self) -> str:
        """What it is called."""
        return f"{self.service.id}.{self.operation.name}"

    @property
    def offer(self) -> str:
        """The id of its offer in the cloud."""
        return offer_of(self.service, self.operation)


class Directory:
    """A view of the cloud's store: it keeps nothing but what it has decoded."""

    def __init__(self, cloud: CloudHost, vocabulary: SkillVocabulary) -> None:
        self.vocabulary = vocabulary
        self._cloud = cloud
        self._decoded: dict[str, tuple[System, tuple[ServiceDescription, ...]]] = {}

    @property
    def services(self) -> Mapping[str, ServiceDescription]:
        """Services by id, whether their offers are there just now or not."""
        systems = self._cloud.query(lambda state, _: tuple(state.table(System).values()))
        found = (each for system in systems for each in self._described(system))
        return {str(each.id): each for each in sorted(found, key=lambda each: str(each.id))}

    def operation(self, service: str, operation: str) -> Candidate:
        """Return an operation by name."""
        found = self.services[service]
        return Candidate(
            service=found,
            operation=next(each for each in found.operations if each.name == operation),
        )

    def candidates(self, skill: str) -> Iterator[Candidate]:
        """Yield the operations that provide a skill, by service."""
        for service in self.services.values():
            for each in service.operations:
                if each.offer is not None and self.vocabulary.is_a(each.offer.skill, skill):  # type: ignore[arg-type]  # a header is text
                    yield Candidate(service=service, operation=each)

    def _described(self, system: System) -> tuple[ServiceDescription, ...]:
        known = self._decoded.get(system.name)
        if known is None or known[0] is not system:
            known = self._decoded[system.name] = (system, tuple(described_by(system)))
        return known[1]
