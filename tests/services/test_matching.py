"""Does an offer meet a requirement? Every rule, every form of value, and the live condition."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.instant import DAY, HOUR, Instant
from fabloop.base.quantity import Dimension
from fabloop.model.explanation import ReasonCode
from fabloop.model.ids import KpiId, SkillId
from fabloop.model.kpi import TOTAL_POSITION_ERROR, KpiValue
from fabloop.model.skill import (
    Choices,
    LiveRating,
    Offer,
    ParameterDefinition,
    Rating,
    Requirement,
    Rule,
    Skill,
    SkillVocabulary,
    Span,
)
from fabloop.services.matching import Match, Mismatch, match_unit
from plan.instances import NOW, kpis, offer, tpe, unit, vocabulary

LENGTH = Dimension.LENGTH


def ask(values=None, *, skill="ream", known=(), offers=None, now=NOW, words=None):
    requirement = Requirement(skill=SkillId(skill), constraints=values or {})
    machine = unit("m", "graz", "hall", *(offers or [offer("ream")]))
    return match_unit(requirement, machine, words or vocabulary(), kpis(*known), now)


def codes(answer):
    assert isinstance(answer, Mismatch)
    return [each.code for each in answer.reasons]


def rule(kind: Rule, offered, required, dimension: Dimension | None = LENGTH):
    """Match one parameter `p` of this rule."""
    parameter = ParameterDefinition(name="p", label="P", rule=kind, dimension=dimension)
    words = SkillVocabulary(
        skills={SkillId("s"): Skill(id=SkillId("s"), label="S", parameters=(parameter,))}
    )
    offers = [Offer(skill=SkillId("s"), values={"p": offered})]
    return ask({"p": required}, skill="s", offers=offers, words=words)


def test_a_narrower_skill_meets_a_broader_requirement_but_not_the_reverse():
    assert isinstance(ask(skill="machining"), Match)
    broad = [Offer(skill=SkillId("machining"))]
    answer = ask(skill="ream", offers=broad)
    assert codes(answer) == [ReasonCode.SKILL_NOT_OFFERED]
    assert not answer.has_skill


def test_an_offer_of_a_skill_that_the_vocabulary_lacks_does_not_match():
    assert not ask(offers=[Offer(skill=SkillId("alchemy"))]).has_skill


@pytest.mark.parametrize(
    ("kind", "offered", "required", "code"),
    [
        (Rule.WITHIN, Span(low=1.0, high=2.0), 1.0, None),
        (Rule.WITHIN, Span(low=1.0, high=2.0), 2.0, None),
        (Rule.WITHIN, Span(low=1.0, high=2.0), 2.0000001, ReasonCode.OUT_OF_SPAN),
        (Rule.WITHIN, Span(low=1.0, high=2.0), 0.9999999, ReasonCode.OUT_OF_SPAN),
        (Rule.WITHIN, Span(low=1.0), 1e9, None),
        (Rule.WITHIN, Span(), math.nan, ReasonCode.OUT_OF_SPAN),
        (Rule.WITHIN, Span(low=1.0, high=2.0), math.nan, ReasonCode.OUT_OF_SPAN),
        (Rule.WITHIN, Rating(value=1.0), 1.0, ReasonCode.PARAMETER_UNUSABLE),
        (Rule.AMONG, Choices(values=("steel", "brass")), "brass", None),
        (Rule.AMONG, Choices(values=("steel", "brass")), "Brass", ReasonCode.NOT_AMONG),
        (Rule.AMONG, Choices(values=()), "brass", ReasonCode.NOT_AMONG),
        (Rule.AMONG, Choices(values=("1.0",)), 1.0, ReasonCode.PARAMETER_UNUSABLE),
        (Rule.AT_MOST, Rating(value=5e-6), 5e-6, None),
        (Rule.AT_MOST, Rating(value=5.1e-6), 5e-6, ReasonCode.TOO_HIGH),
        (Rule.AT_MOST, Rating(value=math.nan), 5e-6, ReasonCode.TOO_HIGH),
        (Rule.AT_MOST, Span(low=0.0, high=1e-6), 5e-6, ReasonCode.PARAMETER_UNUSABLE),
        (Rule.AT_MOST, Rating(value=5e-6), "5 µm", ReasonCode.PARAMETER_UNUSABLE),
        (Rule.AT_LEAST, Rating(value=10.0), 10.0, None),
        (Rule.AT_LEAST, Rating(value=9.9), 10.0, ReasonCode.TOO_LOW),
        (Rule.AT_LEAST, Rating(value=math.nan), 10.0, ReasonCode.TOO_LOW),
    ],
)
def test_each_rule_compares_the_offered_value_with_the_required_one(kind, offered, required, code):
    answer = rule(kind, offered, required)
    if code is None:
        assert isinstance(answer, Match)
    else:
        assert codes(answer) == [code]


def test_a_parameter_that_the_offer_does_not_state_is_a_mismatch():
    bare = [Offer(skill=SkillId("ream"))]
    assert codes(ask({"size": 0.1}, offers=bare)) == [ReasonCode.PARAMETER_NOT_STATED]


def test_a_parameter_that_the_vocabulary_does_not_know_is_a_mismatch():
    assert codes(ask({"colour": "red"})) == [ReasonCode.PARAMETER_UNKNOWN]


def test_every_mismatch_is_reported_not_the_first():
    answer = ask({"material": "wood", "size": 2.0, "tpe": 5e-6}, known=[tpe("m", 9e-6)])
    assert codes(answer) == [
        ReasonCode.NOT_AMONG,
        ReasonCode.OUT_OF_SPAN,
        ReasonCode.KPI_TOO_HIGH,
    ]


def test_the_upper_bound_of_the_live_value_is_compared_not_the_estimate():
    value = tpe("m", 14e-6, upper=15.5e-6)
    assert codes(ask({"tpe": 15e-6}, known=[value])) == [ReasonCode.KPI_TOO_HIGH]
    answer = ask({"tpe": 15.5e-6}, known=[value])
    assert isinstance(answer, Match)
    assert answer.kpis == (value,)
    assert answer.evidence[0].value == 15.5e-6
    assert answer.evidence[0].limit == 15.5e-6
    assert answer.evidence[0].at == value.at
    assert answer.evidence[0].source == "tpe/1"


def test_for_a_rule_of_at_least_the_lower_end_of_the_interval_counts():
    kpi = KpiId("force")
    live = LiveRating(kpi=kpi, vendor=100.0, monitored=True)
    parameter = ParameterDefinition(
        name="p", label="P", rule=Rule.AT_LEAST, dimension=Dimension.FORCE
    )
    words = SkillVocabulary(
        skills={SkillId("s"): Skill(id=SkillId("s"), label="S", parameters=(parameter,))}
    )
    value = KpiValue(
        work_unit=unit("m", "graz", "hall").id,
        kpi=kpi,
        value=50.0,
        upper=55.0,
        dimension=Dimension.FORCE,
        at=NOW,
        valid_for_ns=DAY,
        source="f/1",
    )
    offers = [Offer(skill=SkillId("s"), values={"p": live})]
    ask_for = {"skill": "s", "offers": offers, "words": words, "known": [value]}
    assert isinstance(ask({"p": 45.0}, **ask_for), Match)
    assert codes(ask({"p": 46.0}, **ask_for)) == [ReasonCode.KPI_TOO_LOW]


def test_a_monitored_value_that_was_never_measured_is_no_match():
    assert codes(ask({"tpe": 1.0})) == [ReasonCode.KPI_MISSING]


def test_a_stale_value_is_no_match_however_good_it_was():
    old = tpe("m", 1e-9, at=NOW - DAY - 1)
    assert codes(ask({"tpe": 1.0}, known=[old])) == [ReasonCode.KPI_STALE]
    just = tpe("m", 1e-9, at=NOW - DAY)
    assert isinstance(ask({"tpe": 1.0}, known=[just]), Match)


def test_a_value_from_the_future_is_no_match():
    ahead = tpe("m", 1e-9, at=NOW + 1)
    assert codes(ask({"tpe": 1.0}, known=[ahead])) == [ReasonCode.KPI_FROM_FUTURE]


def test_a_value_of_another_dimension_is_no_match():
    wrong = KpiValue(
        work_unit=tpe("m", 1.0).work_unit,
        kpi=TOTAL_POSITION_ERROR,
        value=1e-6,
        upper=1e-6,
        dimension=Dimension.MASS,
        at=NOW,
        valid_for_ns=HOUR,
        source="x",
    )
    assert codes(ask({"tpe": 1.0}, known=[wrong])) == [ReasonCode.KPI_UNUSABLE]


def test_the_data_sheet_serves_only_unmonitored_units_before_the_first_measurement():
    free = [offer("ream", tpe=10e-6, monitored=False)]
    assert isinstance(ask({"tpe": 10e-6}, offers=free), Match)
    assert codes(ask({"tpe": 9e-6}, offers=free)) == [ReasonCode.TOO_HIGH]
    worn = tpe("m", 30e-6)
    assert codes(ask({"tpe": 10e-6}, offers=free, known=[worn])) == [ReasonCode.KPI_TOO_HIGH]
    stale = tpe("m", 1e-6, at=NOW - 2 * DAY)
    assert codes(ask({"tpe": 10e-6}, offers=free, known=[stale])) == [ReasonCode.KPI_STALE]


def test_of_several_offers_any_fitting_one_will_do_and_the_nearest_miss_speaks():
    small, large = offer("ream", size=0.1), offer("ream", size=1.0)
    assert isinstance(ask({"size": 0.5}, offers=[small, large]), Match)
    bare = Offer(skill=SkillId("ream"))
    answer = ask({"size": 2.0, "material": "steel"}, offers=[bare, small])
    assert codes(answer) == [ReasonCode.OUT_OF_SPAN]


@given(
    upper=st.floats(1e-7, 1e-4),
    limit=st.floats(1e-7, 1e-4),
    better=st.floats(0.0, 1.0),
    age=st.integers(0, 2 * DAY),
)
def test_a_better_condition_never_loses_a_match(upper, limit, better, age):
    at = Instant(NOW - age)
    first = ask({"tpe": limit}, known=[tpe("m", upper, at=at)])
    second = ask({"tpe": limit}, known=[tpe("m", max(upper * better, 1e-12), at=at)])
    assert not isinstance(first, Match) or isinstance(second, Match)
