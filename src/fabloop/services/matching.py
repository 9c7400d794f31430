"""The one place that answers: does this offer meet this requirement, in the unit's condition now?

Planning and late binding ask here, so that they can never disagree. What is not stated, not
measured or no longer valid does not match.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from fabloop.base.instant import Instant
from fabloop.base.quantity import Dimension
from fabloop.model.explanation import Evidence, Explanation, ReasonCode
from fabloop.model.ids import KpiId, PersonId, SkillId, WorkUnitId
from fabloop.model.kpi import KpiValue
from fabloop.model.site import Person, Site, WorkUnit
from fabloop.model.skill import (
    Choices,
    LiveRating,
    Offer,
    OfferedValue,
    ParameterDefinition,
    Rating,
    Requirement,
    Rule,
    Skill,
    SkillVocabulary,
    Span,
)

KpiValues = Mapping[tuple[WorkUnitId, KpiId], KpiValue]


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """The offer meets the requirement; `kpis` are the live values that this rests on."""

    work_unit: WorkUnitId
    offer: Offer
    evidence: tuple[Evidence, ...]
    kpis: tuple[KpiValue, ...]


class Mismatch(msgspec.Struct, frozen=True, kw_only=True):
    """Every reason why not; each names the failing parameter in `details`.

    `has_skill` tells a unit that is only not good enough from one that cannot do it at all.
    """

    work_unit: WorkUnitId
    has_skill: bool
    reasons: tuple[Explanation, ...]


class Condition(msgspec.Struct, frozen=True):
    """What is known of the work units' condition, and the instant at which it is asked."""

    kpis: KpiValues
    now: Instant


class _Judgement(msgspec.Struct, frozen=True):
    """One constraint against one offered value."""

    code: ReasonCode | None
    evidence: Evidence
    kpi: KpiValue | None = None


def match_unit(
    requirement: Requirement,
    unit: WorkUnit,
    vocabulary: SkillVocabulary,
    kpis: KpiValues,
    now: Instant,
) -> Match | Mismatch:
    """Match the unit's offers; where none fits, the one with the fewest reasons speaks.

    A composed skill is also offered by a unit that offers all its parts.
    """
    best: Mismatch | None = None
    for offer in unit.offers:
        answer = match_offer(requirement, offer, unit.id, vocabulary, Condition(kpis, now))
        if isinstance(answer, Match):
            return answer
        best = _better(best, answer)
    for composed in vocabulary.compositions(requirement.skill):
        answer = _match_parts(requirement, composed, unit, vocabulary, Condition(kpis, now))
        if isinstance(answer, Match):
            return answer
        best = _better(best, answer)
    return best or _without_skill(requirement, unit.id)


def _better(best: Mismatch | None, other: Mismatch) -> Mismatch | None:
    """Return the mismatch that is nearer to a match; none without the skill counts."""
    if other.has_skill and (best is None or len(other.reasons) < len(best.reasons)):
        return other
    return best


def _match_parts(
    requirement: Requirement,
    composed: Skill,
    unit: WorkUnit,
    vocabulary: SkillVocabulary,
    condition: Condition,
) -> Match | Mismatch:
    """Match every part of a composed skill, each with the constraints that speak of it."""
    of_parts, of_whole = required_of_parts(requirement, composed, vocabulary)
    answers: list[tuple[SkillId, Match | Mismatch]] = []
    for needed in of_parts:
        answer = match_unit(needed, unit, vocabulary, condition.kpis, condition.now)
        if isinstance(answer, Mismatch) and not answer.has_skill:
            return _without_skill(requirement, unit.id)
        answers.append((needed.skill, answer))
    blank = Offer(skill=composed.id)
    answers.append((composed.id, match_offer(of_whole, blank, unit.id, vocabulary, condition)))
    return _together(composed, unit.id, answers)


def required_of_parts(
    requirement: Requirement, composed: Skill, vocabulary: SkillVocabulary
) -> tuple[tuple[Requirement, ...], Requirement]:
    """Return what is required of each part, and of the whole where no part has the parameter.

    ``part.parameter`` speaks of one part, a plain name of every part that has the parameter and
    no constraint of its own.
    """
    left = dict(requirement.constraints)
    of_parts: list[Requirement] = []
    for part in composed.parts:
        own = vocabulary.parameters(part)
        constraints: dict[str, float | str] = {}
        for name, required in requirement.constraints.items():
            plain = name.removeprefix(f"{part}.")
            if plain in own:
                left.pop(name, None)
                if plain != name or f"{part}.{name}" not in requirement.constraints:
                    constraints[plain] = required
        of_parts.append(Requirement(skill=part, constraints=constraints))
    return tuple(of_parts), Requirement(skill=requirement.skill, constraints=left)


def _together(
    composed: Skill, unit: WorkUnitId, answers: Sequence[tuple[SkillId, Match | Mismatch]]
) -> Match | Mismatch:
    """Return one match where all parts match, else the reasons of those that do not."""
    reasons = tuple(
        reason for _, each in answers if isinstance(each, Mismatch) for reason in each.reasons
    )
    if reasons:
        return Mismatch(work_unit=unit, has_skill=True, reasons=reasons)
    matches = [(part, each) for part, each in answers if isinstance(each, Match)]
    values = {
        f"{part}.{name}": value
        for part, match in matches
        for name, value in match.offer.values.items()
    }
    return Match(
        work_unit=unit,
        offer=Offer(skill=composed.id, values=values),
        evidence=tuple(each for _, match in matches for each in match.evidence),
        kpis=tuple(dict.fromkeys(each for _, match in matches for each in match.kpis)),
    )


def match_offer(
    requirement: Requirement,
    offer: Offer,
    work_unit: WorkUnitId,
    vocabulary: SkillVocabulary,
    condition: Condition,
) -> Match | Mismatch:
    """Match one offer of one work unit: first the skill, then every constraint by its rule."""
    if not offers_skill(offer.skill, requirement.skill, vocabulary):
        return _without_skill(requirement, work_unit)
    definitions = vocabulary.parameters(requirement.skill)
    judged = [
        (name, _judge(definitions.get(name), name, required, offer, work_unit, condition))
        for name, required in requirement.constraints.items()
    ]
    found = (_reason(each, name, requirement, work_unit) for name, each in judged)
    reasons = tuple(each for each in found if each is not None)
    if reasons:
        return Mismatch(work_unit=work_unit, has_skill=True, reasons=reasons)
    return Match(
        work_unit=work_unit,
        offer=offer,
        evidence=tuple(each.evidence for _, each in judged),
        kpis=tuple(each.kpi for _, each in judged if each.kpi is not None),
    )


def reason_of(
    parameter: str,
    requirement: Requirement,
    offer: Offer,
    work_unit: WorkUnitId,
    definition: ParameterDefinition | None,
    condition: Condition,
) -> Explanation | None:
    """Return why an offer does not meet one constraint, as `match_offer` says; None if it does."""
    required = requirement.constraints[parameter]
    judged = _judge(definition, parameter, required, offer, work_unit, condition)
    return _reason(judged, parameter, requirement, work_unit)


def _reason(
    judged: "_Judgement", parameter: str, requirement: Requirement, work_unit: WorkUnitId
) -> Explanation | None:
    if judged.code is None:
        return None
    return Explanation(
        code=judged.code,
        subject=work_unit,
        details={"skill": requirement.skill, "parameter": parameter},
        evidence=(judged.evidence,),
    )


def evidence_of(
    parameter: str,
    requirement: Requirement,
    offer: Offer,
    work_unit: WorkUnitId,
    definition: ParameterDefinition | None,
    condition: Condition,
) -> Evidence:
    """Return what one constraint of the requirement says of an offer, as `match_offer` judges."""
    required = requirement.constraints[parameter]
    return _judge(definition, parameter, required, offer, work_unit, condition).evidence


def offers_skill(offered: SkillId, required: SkillId, vocabulary: SkillVocabulary) -> bool:
    """Tell whether the offered skill is a kind of the required one; unknown skills are not."""
    return offered in vocabulary.skills and vocabulary.is_a(offered, required)


def unit_offers(unit: WorkUnit, required: SkillId, vocabulary: SkillVocabulary) -> bool:
    """Tell whether the unit offers the skill, a kind of it, or all parts that compose it."""
    return any(offers_skill(offer.skill, required, vocabulary) for offer in unit.offers) or any(
        all(unit_offers(unit, part, vocabulary) for part in composed.parts)
        for composed in vocabulary.compositions(required)
    )


def live_limits(
    requirement: Requirement, unit: WorkUnit, vocabulary: SkillVocabulary
) -> Iterator[tuple[KpiId, float]]:
    """Yield the KPIs of the unit that the requirement limits, each with its limit (SI)."""
    for offer in unit.offers:
        if offers_skill(offer.skill, requirement.skill, vocabulary):
            for name, limit in requirement.constraints.items():
                rating = offer.values.get(name)
                if isinstance(rating, LiveRating) and isinstance(limit, float):
                    yield rating.kpi, limit
    for composed in vocabulary.compositions(requirement.skill):
        if unit_offers(unit, composed.id, vocabulary):
            for needed in required_of_parts(requirement, composed, vocabulary)[0]:
                yield from live_limits(needed, unit, vocabulary)


def missing_tools(
    kinds: Sequence[str], unit: WorkUnit, site: Site, skill: SkillId
) -> tuple[Explanation, ...]:
    """Return a reason for each kind of tool of which the site has none that fits the unit.

    The evidence tells how many of the kind there are that do not fit.
    """
    if not kinds:
        return ()
    fitting = {tool.kind for tool in site.tools if tool.fits_on(unit.id)}
    return tuple(
        Explanation(
            code=ReasonCode.TOOL_MISSING,
            subject=unit.id,
            details={"skill": skill, "parameter": "tool", "tool": kind, "site": site.id},
            evidence=(
                Evidence(
                    subject=site.id,
                    parameter=kind,
                    value=float(sum(tool.count for tool in site.tools if tool.kind == kind)),
                ),
            ),
        )
        for kind in kinds
        if kind not in fitting
    )


def persons_with(site: Site, skill: SkillId, vocabulary: SkillVocabulary) -> tuple[Person, ...]:
    """Return the staff of a site who have a skill or a narrower one."""
    return tuple(
        person
        for person in site.persons
        if any(offers_skill(each, skill, vocabulary) for each in person.skills)
    )


def match_person(site: Site, skill: SkillId, vocabulary: SkillVocabulary) -> PersonId | Explanation:
    """Return the first person of the site who has the skill, or why there is none."""
    for person in site.persons:
        if any(offers_skill(each, skill, vocabulary) for each in person.skills):
            return person.id
    return Explanation(
        code=ReasonCode.NO_PERSON,
        subject=site.id,
        details={"skill": skill, "parameter": "person"},
        evidence=(Evidence(subject=site.id, parameter="person", value=0.0, limit=1.0),),
    )


def _without_skill(requirement: Requirement, work_unit: WorkUnitId) -> Mismatch:
    reason = Explanation(
        code=ReasonCode.SKILL_NOT_OFFERED,
        subject=work_unit,
        details={"skill": requirement.skill, "parameter": "skill"},
    )
    return Mismatch(work_unit=work_unit, has_skill=False, reasons=(reason,))


def _judge(
    definition: ParameterDefinition | None,
    name: str,
    required: float | str,
    offer: Offer,
    work_unit: WorkUnitId,
    condition: Condition,
) -> _Judgement:
    if definition is None:
        evidence = Evidence(subject=work_unit, parameter=name, limit=required)
        return _Judgement(ReasonCode.PARAMETER_UNKNOWN, evidence)
    offered = offer.values.get(name)
    blank = Evidence(
        subject=work_unit,
        parameter=name,
        relation=definition.rule,
        limit=required,
        dimension=definition.dimension,
    )
    if offered is None:
        return _Judgement(ReasonCode.PARAMETER_NOT_STATED, blank)
    if isinstance(offered, LiveRating):
        return _judge_live(definition, required, offered, blank, condition)
    return _judge_stated(definition.rule, required, offered, blank)


def _judge_stated(
    rule: Rule, required: float | str, offered: OfferedValue, blank: Evidence
) -> _Judgement:
    match rule, offered, required:
        case Rule.WITHIN, Span(), int() | float():
            return _judge_span(required, offered, blank)
        case Rule.AMONG, Choices(), str():
            evidence = msgspec.structs.replace(
                blank, value=required, limit=", ".join(offered.values)
            )
            fits = required in offered.values
            return _Judgement(None if fits else ReasonCode.NOT_AMONG, evidence)
        case Rule.AT_MOST, Rating(), int() | float():
            evidence = msgspec.structs.replace(blank, value=offered.value)
            return _Judgement(None if offered.value <= required else ReasonCode.TOO_HIGH, evidence)
        case Rule.AT_LEAST, Rating(), int() | float():
            evidence = msgspec.structs.replace(blank, value=offered.value)
            return _Judgement(None if offered.value >= required else ReasonCode.TOO_LOW, evidence)
        case _:
            return _Judgement(ReasonCode.PARAMETER_UNUSABLE, blank)


def _judge_span(required: float, offered: Span, blank: Evidence) -> _Judgement:
    """Compare with both ends; the evidence shows the end that is missed, or the upper one."""
    low, high = offered.low, offered.high
    if low is not None and not required >= low:
        evidence = msgspec.structs.replace(blank, value=required, limit=low, relation=Rule.AT_LEAST)
        return _Judgement(ReasonCode.OUT_OF_SPAN, evidence)
    evidence = msgspec.structs.replace(blank, value=required, limit=high, relation=Rule.AT_MOST)
    fits = required <= high if high is not None else not math.isnan(required)
    return _Judgement(None if fits else ReasonCode.OUT_OF_SPAN, evidence)


def _judge_live(
    definition: ParameterDefinition,
    required: float | str,
    offered: LiveRating,
    blank: Evidence,
    condition: Condition,
) -> _Judgement:
    """Compare the live value; the data sheet stands in only before the first measurement."""
    known = condition.kpis.get((WorkUnitId(blank.subject), offered.kpi))
    if known is None and not offered.monitored:
        vendor = msgspec.structs.replace(blank, source="data sheet")
        return _judge_stated(definition.rule, required, Rating(value=offered.vendor), vendor)
    if known is None:
        return _Judgement(ReasonCode.KPI_MISSING, blank)
    shown = msgspec.structs.replace(blank, value=known.upper, at=known.at, source=known.source)
    if known.at > condition.now:
        return _Judgement(ReasonCode.KPI_FROM_FUTURE, shown)
    if not known.is_valid(condition.now):
        return _Judgement(ReasonCode.KPI_STALE, shown)
    if not _is_comparable(known.dimension, definition, required):
        return _Judgement(ReasonCode.KPI_UNUSABLE, shown)
    assert not isinstance(required, str)
    worst = worst_value(known, definition.rule)
    shown = msgspec.structs.replace(shown, value=worst)
    if definition.rule is Rule.AT_MOST:
        return _Judgement(None if worst <= required else ReasonCode.KPI_TOO_HIGH, shown, known)
    return _Judgement(None if worst >= required else ReasonCode.KPI_TOO_LOW, shown, known)


def _is_comparable(
    dimension: Dimension, definition: ParameterDefinition, required: float | str
) -> bool:
    return (
        dimension == definition.dimension
        and definition.rule in (Rule.AT_MOST, Rule.AT_LEAST)
        and not isinstance(required, str)
    )


def worst_value(known: KpiValue, rule: Rule) -> float:
    """Return the end of the 95 % interval that is worse for the rule.

    A value carries its upper end; the lower one lies as far on the other side.
    """
    margin = max(0.0, known.upper - known.value)
    return known.value + margin if rule is Rule.AT_MOST else known.value - margin
