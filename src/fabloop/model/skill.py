"""Skills: the common vocabulary in which products require and equipment offers."""

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from fabloop.base.quantity import Dimension
from fabloop.model.disclosure import Disclosure
from fabloop.model.ids import KpiId, SkillId


class Rule(StrEnum):
    """How an offered parameter meets a required one."""

    WITHIN = "within"
    """The required value lies in the offered span (a bore diameter)."""
    AMONG = "among"
    """The required text is one of the offered ones (a material)."""
    AT_MOST = "at most"
    """The offered value does not exceed the required one (a tolerance)."""
    AT_LEAST = "at least"
    """The offered value is not below the required one (a payload)."""


class ParameterDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter of a skill; `dimension` is None for text (rule ``among``)."""

    name: str
    label: str
    rule: Rule
    dimension: Dimension | None = None


class Skill(msgspec.Struct, frozen=True, kw_only=True):
    """What can be done to material or with it; a kind of `broader`, whose parameters it shares.

    Attributes
    ----------
    parts : where the skill is composed, the skills that one work unit has to offer together;
        a parameter of a part is a parameter of the whole, as ``part.parameter`` and, where the
        parts that have it mean the same, under its plain name for all of them
    synonyms : other names under which documents may refer to it
    """

    id: SkillId
    label: str
    broader: SkillId | None = None
    parameters: tuple[ParameterDefinition, ...] = ()
    parts: tuple[SkillId, ...] = ()
    synonyms: tuple[str, ...] = ()


class SkillVocabulary(msgspec.Struct, frozen=True, kw_only=True):
    """All skills by id. Documents are checked for cycles before this is built.

    `composed` holds the skills that have parts; it is derived from `skills`.
    """

    skills: dict[SkillId, Skill]
    composed: tuple[SkillId, ...] = ()

    def __post_init__(self) -> None:
        """Derive `composed`, which is asked for each work unit that lacks a skill."""
        composed = tuple(each.id for each in self.skills.values() if each.parts)
        msgspec.structs.force_setattr(self, "composed", composed)

    def lineage(self, skill: SkillId) -> Iterator[Skill]:
        """Yield the skill and what it is a kind of, nearest first."""
        each: SkillId | None = skill
        while each is not None:
            yield self.skills[each]
            each = self.skills[each].broader

    def is_a(self, narrow: SkillId, broad: SkillId) -> bool:
        """Tell whether offering `narrow` also offers `broad`."""
        each: SkillId | None = narrow
        while each is not None:
            skill = self.skills[each]
            if skill.id == broad:
                return True
            each = skill.broader
        return False

    def compositions(self, skill: SkillId) -> Iterator[Skill]:
        """Yield the composed skills that are the skill or a kind of it."""
        return (self.skills[each] for each in self.composed if self.is_a(each, skill))

    def parameters(self, skill: SkillId) -> dict[str, ParameterDefinition]:
        """Return own, inherited and parts' parameters by name; the nearest definition wins.

        A part's parameter is named ``part.parameter``; it has its plain name too, unless parts
        give that name different meanings.
        """
        found: dict[str, ParameterDefinition] = {}
        for each in self.lineage(skill):
            for parameter in each.parameters:
                found.setdefault(parameter.name, parameter)
        plain: dict[str, list[ParameterDefinition]] = {}
        for each in self.lineage(skill):
            for part in each.parts:
                for name, parameter in self.parameters(part).items():
                    found.setdefault(f"{part}.{name}", parameter)
                    plain.setdefault(name, []).append(parameter)
        for name, meanings in plain.items():
            if len({(each.rule, each.dimension) for each in meanings}) == 1:
                found.setdefault(name, meanings[0])
        return found

    def named(self, name: str) -> SkillId | None:
        """Return the skill with this id or synonym."""
        if name in self.skills:
            return SkillId(name)
        return next((each.id for each in self.skills.values() if name in each.synonyms), None)


class Requirement(msgspec.Struct, frozen=True, kw_only=True):
    """A skill a production step needs, with required values by parameter name (SI or text)."""

    skill: SkillId
    constraints: dict[str, float | str] = {}


class Span(msgspec.Struct, frozen=True, kw_only=True, tag="span"):
    """An offered range in SI units, both ends included; None is open."""

    low: float | None = None
    high: float | None = None


class Choices(msgspec.Struct, frozen=True, kw_only=True, tag="choices"):
    """The texts an offer accepts."""

    values: tuple[str, ...]


class Rating(msgspec.Struct, frozen=True, kw_only=True, tag="rating"):
    """One offered value in SI units, from the vendor's data sheet."""

    value: float


class LiveRating(msgspec.Struct, frozen=True, kw_only=True, tag="live"):
    """An offered value that wears: the KPI tells it while valid, nothing else may stand in.

    `vendor` is what the data sheet promised; it serves only before the first measurement and
    only where the work unit is not `monitored`.
    """

    kpi: KpiId
    vendor: float
    monitored: bool


OfferedValue = Span | Choices | Rating | LiveRating


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A skill that equipment (or a person) provides, with what it can do by parameter name."""

    skill: SkillId
    values: dict[str, OfferedValue] = {}
    disclosure: Disclosure = Disclosure.FULL
