"""What an operation has to meet: each condition is met, failed, or nothing is said about it."""

import math
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from fabloop.base.instant import SECOND, Instant
from fabloop.base.quantity import Dimension, quantity_text
from fabloop.model.explanation import DiscoveryCode, Evidence, Explanation
from fabloop.model.ids import ServiceId, SkillId, WorkUnitId
from fabloop.model.service import Place
from fabloop.model.skill import Requirement, Rule, SkillVocabulary
from fabloop.services.discovery.index import Entry
from fabloop.services.discovery.intent import Amount, Intent
from fabloop.services.discovery.likeness import Likeness
from fabloop.services.matching import Condition, KpiValues, Match, match_offer
from fabloop.services.words import stem, words_of

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius, as the International Union of Geodesy and Geophysics has it."""


class Verdict(StrEnum):
    """What is known of a condition."""

    MET = "met"
    FAILED = "failed"
    UNSTATED = "unstated"


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A condition as it stands, and why."""

    verdict: Verdict
    because: tuple[Explanation, ...]


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What is known at the moment one asks.

    Attributes
    ----------
    vocabulary : the skills in which capabilities are judged; None judges none
    free_from : when services that are busy can begin
    """

    now: Instant
    vocabulary: SkillVocabulary | None = None
    kpis: KpiValues = {}
    free_from: Mapping[ServiceId, Instant] = {}


def judge(
    entry: Entry, intent: Intent, requirement: Requirement | None, at: Circumstances
) -> tuple[Judged, ...]:
    """Return every condition of an intent as it stands for an operation."""
    found: list[Judged] = []
    if requirement is not None and at.vocabulary is not None:
        found.append(_capability(entry, requirement, at.vocabulary, at))
    if intent.place is not None:
        found.append(_distance(entry, intent.place, intent.within_m))
    if intent.deadline is not None:
        found.append(_in_time(entry, intent.deadline, at))
    return tuple(found)


def _capability(
    entry: Entry, requirement: Requirement, vocabulary: SkillVocabulary, at: Circumstances
) -> Judged:
    offer = entry.operation.offer
    if offer is None:
        unknown = Explanation(
            code=DiscoveryCode.CAPABILITY_UNKNOWN,
            subject=entry.name,
            details={"skill": requirement.skill},
        )
        return Judged(verdict=Verdict.UNSTATED, because=(unknown,))
    unit = WorkUnitId(entry.name)
    answer = match_offer(requirement, offer, unit, vocabulary, Condition(at.kpis, at.now))
    if isinstance(answer, Match):
        capable = Explanation(
            code=DiscoveryCode.CAPABLE,
            subject=entry.name,
            details={"skill": requirement.skill},
            evidence=answer.evidence,
        )
        return Judged(verdict=Verdict.MET, because=(capable,))
    return Judged(verdict=Verdict.FAILED, because=answer.reasons)


def distance_m(one: Place, other: Place) -> float:
    """Return the length of the great circle between two places."""
    first, second = math.radians(one.latitude), math.radians(other.latitude)
    rise = math.sin((second - first) / 2.0) ** 2
    run = math.sin(math.radians(other.longitude - one.longitude) / 2.0) ** 2
    share = min(1.0, rise + math.cos(first) * math.cos(second) * run)
    return 2.0 * EARTH_RADIUS_M * math.asin(math.sqrt(share))


def _distance(entry: Entry, place: Place, within_m: float) -> Judged:
    here = entry.service.place
    details = {"place": place.name}
    if here is None:
        unknown = Explanation(code=DiscoveryCode.PLACE_UNKNOWN, subject=entry.name, details=details)
        return Judged(verdict=Verdict.UNSTATED, because=(unknown,))
    far = distance_m(place, here)
    evidence = Evidence(
        subject=entry.name,
        parameter="distance",
        relation=Rule.AT_MOST,
        value=far,
        limit=within_m,
        dimension=Dimension.LENGTH,
    )
    near = far <= within_m
    code = DiscoveryCode.NEAR_ENOUGH if near else DiscoveryCode.TOO_FAR
    because = Explanation(code=code, subject=entry.name, details=details, evidence=(evidence,))
    return Judged(verdict=Verdict.MET if near else Verdict.FAILED, because=(because,))


def _in_time(entry: Entry, deadline: Instant, at: Circumstances) -> Judged:
    takes = entry.operation.duration_ns
    begin = max(at.now, at.free_from.get(entry.service.id, at.now))
    if takes is None and begin <= deadline:
        unknown = Explanation(code=DiscoveryCode.DURATION_UNKNOWN, subject=entry.name)
        return Judged(verdict=Verdict.UNSTATED, because=(unknown,))
    done = begin + (takes or 0)
    evidence = Evidence(
        subject=entry.name,
        parameter="time until done",
        relation=Rule.AT_MOST,
        value=(done - at.now) / SECOND,
        limit=(deadline - at.now) / SECOND,
        dimension=Dimension.TIME,
    )
    good = done <= deadline
    code = DiscoveryCode.IN_TIME if good else DiscoveryCode.ANSWERS_TOO_LATE
    because = Explanation(code=code, subject=entry.name, evidence=(evidence,))
    return Judged(verdict=Verdict.MET if good else Verdict.FAILED, because=(because,))


def requirement_of(
    intent: Intent, vocabulary: SkillVocabulary, likeness: Likeness
) -> tuple[Requirement | None, tuple[Explanation, ...]]:
    """Return the skill that an intent names, with the quantities it speaks of.

    A skill is meant where a keyword is its name, label or synonym, or a form of one. A quantity
    is of the parameter with the same dimension; of several, of that whose name it is.
    """
    skill = _skill_of(intent, vocabulary)
    if skill is None:
        return None, ()
    definitions = vocabulary.parameters(skill)
    constraints: dict[str, float | str] = {}
    unknown: list[Explanation] = []
    for amount in intent.amounts:
        dimension = amount.dimension or Dimension.RATIO
        fitting = [name for name, each in definitions.items() if each.dimension == dimension]
        fitting = [name for name in fitting if name not in constraints and "." not in name]
        if len(fitting) > 1:
            near = {name: _near(name, amount, likeness) for name in fitting}
            best = max(near.values())
            fitting = [name for name in fitting if near[name] == best and best > 0.0]
        if len(fitting) == 1:
            constraints[fitting[0]] = amount.value
        else:
            unknown.append(
                Explanation(
                    code=DiscoveryCode.SKILL_UNKNOWN,
                    subject=skill,
                    details={"amount": _amount_text(amount)},
                )
            )
    return Requirement(skill=skill, constraints=constraints), tuple(unknown)


def unjudged_amounts(intent: Intent) -> tuple[Explanation, ...]:
    """Return the quantities of an intent, where no skill tells what they are of."""
    return tuple(
        Explanation(
            code=DiscoveryCode.AMOUNT_UNJUDGED,
            subject="",
            details={"amount": _amount_text(each)},
        )
        for each in intent.amounts
    )


def _amount_text(amount: Amount) -> str:
    if amount.dimension is not None:
        return quantity_text(amount.value, amount.dimension)
    return f"{amount.value:g} {amount.unit}".strip()


def _near(name: str, amount: Amount, likeness: Likeness) -> float:
    return float(likeness.table([amount.unit or "quantity"], [name])[0, 0])


def _skill_of(intent: Intent, vocabulary: SkillVocabulary) -> SkillId | None:
    said = {stem(each) for each in intent.keywords}
    for skill in vocabulary.skills.values():
        for name in (skill.id, skill.label, *skill.synonyms):
            words = {stem(each) for each in words_of(name)}
            if words and words <= said:
                return skill.id
    return None
