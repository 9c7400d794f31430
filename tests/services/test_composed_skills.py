"""Skills made of parts, tools and fixtures: who offers the whole, and which part fails."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.instant import HOUR, Instant
from fabloop.base.quantity import Dimension
from fabloop.model.explanation import ReasonCode
from fabloop.model.ids import KpiId, SkillId
from fabloop.model.kpi import KpiValue
from fabloop.model.site import Tool
from fabloop.model.skill import (
    LiveRating,
    Offer,
    ParameterDefinition,
    Rating,
    Requirement,
    Rule,
    Skill,
    SkillVocabulary,
)
from fabloop.services.matching import (
    Match,
    Mismatch,
    live_limits,
    match_unit,
    missing_tools,
    unit_offers,
)
from plan.instances import NOW, site, unit

TOLERANCE = ParameterDefinition(
    name="tolerance", label="T", rule=Rule.AT_MOST, dimension=Dimension.LENGTH
)
REACH = ParameterDefinition(name="reach", label="R", rule=Rule.AT_LEAST, dimension=Dimension.LENGTH)


def words(*skills: Skill) -> SkillVocabulary:
    return SkillVocabulary(skills={each.id: each for each in skills})


WORDS = words(
    Skill(id=SkillId("work"), label="Work"),
    Skill(id=SkillId("mill"), label="Mill", parameters=(TOLERANCE,)),
    Skill(id=SkillId("ream"), label="Ream", parameters=(TOLERANCE,)),
    Skill(
        id=SkillId("finish"),
        label="Finish",
        broader=SkillId("work"),
        parts=(SkillId("mill"), SkillId("ream")),
        parameters=(REACH,),
    ),
)


def offering(**tolerances: float):
    offers = [
        Offer(skill=SkillId(skill), values={"tolerance": Rating(value=value)})
        for skill, value in tolerances.items()
    ]
    return unit("m", "graz", "hall", *offers)


def ask(machine, skill="finish", kpis=None, **constraints):
    required = {name.replace("__", "."): value for name, value in constraints.items()}
    requirement = Requirement(skill=SkillId(skill), constraints=required)
    return match_unit(requirement, machine, WORDS, kpis or {}, NOW)


def told(answer):
    assert isinstance(answer, Mismatch)
    return [
        (each.code, each.details["skill"], each.details["parameter"]) for each in answer.reasons
    ]


def test_a_unit_that_offers_all_parts_offers_the_whole_and_what_it_is_a_kind_of():
    both = offering(mill=5e-6, ream=3e-6)
    for skill in ("finish", "work"):
        answer = ask(both, skill)
        assert isinstance(answer, Match)
        assert answer.offer.skill == "finish"
        assert unit_offers(both, SkillId(skill), WORDS)


def test_a_unit_that_lacks_a_part_does_not_have_the_skill():
    answer = ask(offering(mill=5e-6))
    assert told(answer) == [(ReasonCode.SKILL_NOT_OFFERED, "finish", "skill")]
    assert not answer.has_skill
    assert not unit_offers(offering(mill=5e-6), SkillId("finish"), WORDS)


def test_a_plain_constraint_speaks_of_every_part_that_has_the_parameter():
    answer = ask(offering(mill=9e-6, ream=3e-6), tolerance=5e-6)
    assert told(answer) == [(ReasonCode.TOO_HIGH, "mill", "tolerance")]
    assert isinstance(ask(offering(mill=4e-6, ream=3e-6), tolerance=5e-6), Match)


def test_a_qualified_constraint_speaks_of_one_part():
    assert isinstance(ask(offering(mill=9e-6, ream=3e-6), ream__tolerance=5e-6), Match)
    answer = ask(offering(mill=9e-6, ream=3e-6), mill__tolerance=5e-6)
    assert told(answer) == [(ReasonCode.TOO_HIGH, "mill", "tolerance")]


def test_what_only_the_whole_has_is_not_stated_by_its_parts():
    answer = ask(offering(mill=5e-6, ream=3e-6), reach=0.5)
    assert told(answer) == [(ReasonCode.PARAMETER_NOT_STATED, "finish", "reach")]


def test_parameters_of_the_whole_are_those_of_its_parts_too():
    names = WORDS.parameters(SkillId("finish"))
    assert set(names) == {"reach", "tolerance", "mill.tolerance", "ream.tolerance"}


def test_a_name_with_two_meanings_has_to_be_qualified():
    other = msgspec.structs.replace(TOLERANCE, rule=Rule.AT_LEAST)
    skills = dict(WORDS.skills)
    skills[SkillId("ream")] = Skill(id=SkillId("ream"), label="Ream", parameters=(other,))
    names = SkillVocabulary(skills=skills).parameters(SkillId("finish"))
    assert set(names) == {"reach", "mill.tolerance", "ream.tolerance"}


def test_the_live_value_of_a_part_counts_and_is_watched():
    live = LiveRating(kpi=KpiId("tpe"), vendor=1e-6, monitored=True)
    machine = unit(
        "m",
        "graz",
        "hall",
        Offer(skill=SkillId("mill"), values={"tolerance": Rating(value=1e-6)}),
        Offer(skill=SkillId("ream"), values={"tolerance": live}),
    )
    known = KpiValue(
        work_unit=machine.id, kpi=KpiId("tpe"), value=8e-6, upper=9e-6,
        dimension=Dimension.LENGTH, at=Instant(NOW - HOUR), valid_for_ns=2 * HOUR, source="t",
    )  # fmt: skip
    kpis = {(machine.id, KpiId("tpe")): known}
    assert told(ask(machine, kpis=kpis, tolerance=5e-6)) == [
        (ReasonCode.KPI_TOO_HIGH, "ream", "tolerance")
    ]
    fine = ask(machine, kpis=kpis, ream__tolerance=1e-5)
    assert fine.kpis == (known,)
    requirement = Requirement(skill=SkillId("finish"), constraints={"tolerance": 5e-6})
    assert list(live_limits(requirement, machine, WORDS)) == [("tpe", 5e-6)]


VALUES = st.sampled_from([1e-6, 2e-6, 3e-6])
OFFERS = st.dictionaries(st.sampled_from(["mill", "ream"]), VALUES)


@given(OFFERS, st.dictionaries(st.sampled_from(["tolerance", "mill.tolerance"]), VALUES))
def test_the_whole_matches_where_each_part_matches(offers, required):
    machine = offering(**offers)
    whole = match_unit(
        Requirement(skill=SkillId("finish"), constraints=required), machine, WORDS, {}, NOW
    )

    def part(skill, *names):
        limits = [required[name] for name in names if name in required]
        own = {"tolerance": limits[-1]} if limits else {}
        needed = Requirement(skill=SkillId(skill), constraints=own)
        return isinstance(match_unit(needed, machine, WORDS, {}, NOW), Match)

    parts = part("mill", "tolerance", "mill.tolerance") and part("ream", "tolerance")
    assert isinstance(whole, Match) is parts


def tool(kind: str, *fits: str) -> Tool:
    return Tool(id=kind, label=kind, kind=kind, fits=fits)


def test_a_site_without_the_tool_or_without_one_that_fits_is_named():
    machine = offering(mill=5e-6)
    place = site("graz", ["hall"], [machine])
    place = msgspec.structs.replace(place, tools=(tool("F7", "other"), tool("F8"), tool("F9", "m")))
    reasons = missing_tools(("F6", "F7", "F8", "F9"), machine, place, SkillId("mill"))
    assert [(each.code, each.details["tool"], each.details["site"]) for each in reasons] == [
        (ReasonCode.TOOL_MISSING, "F6", "graz"),
        (ReasonCode.TOOL_MISSING, "F7", "graz"),
    ]
    assert [each.evidence[0].value for each in reasons] == [0.0, 1.0]
    assert {each.details["parameter"] for each in reasons} == {"tool"}
