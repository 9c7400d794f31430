"""Who nearby could bake, found by what is wanted and not by name."""

from fabloop.app.service_runtime.directory import Directory
from fabloop.app.service_runtime.facts import ServicesDiscovered
from fabloop.app.service_runtime.log import FactLog
from fabloop.base.instant import Instant, iso_of
from fabloop.model.service import Place
from fabloop.model.skill import SkillVocabulary
from fabloop.services.discovery import (
    Circumstances,
    Dictionary,
    Findings,
    Index,
    Likeness,
    find,
    of_trade,
    of_vocabulary,
    understood,
)

MODENA = Place(name="Modena", latitude=44.647, longitude=10.925)
WITHIN_KM = 10
PARTNERS_MAX = 5


class Partners:
    """Finds services that could bake a load in time, near enough."""

    def __init__(self, directory: Directory, vocabulary: SkillVocabulary, log: FactLog) -> None:
        self._directory = directory
        self._vocabulary = vocabulary
        self._log = log
        words = of_vocabulary(vocabulary).joined(of_trade())
        self._likeness = Likeness(Dictionary(own=words))

    def for_load(
        self, about: str, pieces: int, celsius: float, deadline: Instant, now: Instant
    ) -> tuple[str, ...]:
        """Return the services that can bake a load elsewhere until a deadline, the best first."""
        wish = (
            f"something that can bake {pieces} pieces at {celsius:g} °C "
            f"within {WITHIN_KM} km of Modena before {iso_of(deadline)}"
        )
        intent = understood(wish, now=now, places={"modena": MODENA})
        index = Index(self._directory.services.values(), self._likeness)
        findings = find(index, intent, Circumstances(now=now, vocabulary=self._vocabulary))
        fit = [each for each in findings.hits if each.certain and each.entry.operation.offer]
        self._tell(about, findings, [each.entry.name for each in fit], now)
        others = (str(each.entry.service.id) for each in fit)
        return tuple(dict.fromkeys(e for e in others if e != "oven"))[:PARTNERS_MAX]

    def _tell(self, about: str, findings: Findings, fit: list[str], now: Instant) -> None:
        excluded = [each for each in findings.excluded if "bake" in each.entry.operation.name]
        self._log.tell(
            now,
            ServicesDiscovered(
                about=about,
                wish=findings.intent.text,
                found=tuple(fit),
                because=tuple(
                    reason
                    for each in findings.hits
                    if each.entry.name in fit
                    for reason in each.because
                ),
                excluded=tuple(reason for each in excluded for reason in each.because),
            ),
        )
