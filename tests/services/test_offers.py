"""The columns answer as matching does, whatever is offered, required and measured, at any time."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.instant import DAY, HOUR, SECOND, Instant
from fabloop.base.quantity import Dimension
from fabloop.model.ids import AreaId, EquipmentTypeId, KpiId, SiteId, SkillId, WorkUnitId
from fabloop.model.kpi import KpiValue
from fabloop.model.site import Network, Site, Tariff, WorkUnit
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
from fabloop.services.matching import Condition, Match, match_unit, unit_offers
from fabloop.services.offers import OfferIndex

NOW = Instant(1_790_000_000 * SECOND)
SKILLS = [SkillId(each) for each in ("cut", "mill", "finish", "drill", "both", "wide")]
PARAMETERS = ("material", "size", "error", "load")
KPIS = [KpiId("wear"), KpiId("play")]
NUMBERS = st.one_of(st.sampled_from([0.0, 1.0, 2.0, 3.0, float("inf"), float("nan")]))


def vocabulary():
    length = Dimension.LENGTH
    shared = (
        ParameterDefinition(name="material", label="m", rule=Rule.AMONG),
        ParameterDefinition(name="size", label="s", rule=Rule.WITHIN, dimension=length),
        ParameterDefinition(name="error", label="e", rule=Rule.AT_MOST, dimension=length),
        ParameterDefinition(name="load", label="l", rule=Rule.AT_LEAST, dimension=Dimension.MASS),
    )
    cut, mill, finish, drill, both, wide = SKILLS
    skills = (
        Skill(id=cut, label="", parameters=shared),
        Skill(id=mill, label="", broader=cut),
        Skill(id=finish, label="", broader=mill),
        Skill(id=drill, label="", broader=cut),
        Skill(id=both, label="", broader=cut, parts=(mill, drill)),
        Skill(id=wide, label="", parts=(both, finish)),
    )
    return SkillVocabulary(skills={each.id: each for each in skills})


OFFERED = st.one_of(
    st.builds(Span, low=st.one_of(st.none(), NUMBERS), high=st.one_of(st.none(), NUMBERS)),
    st.builds(Choices, values=st.sampled_from([(), ("steel",), ("steel", "brass")])),
    st.builds(Rating, value=NUMBERS),
    st.builds(LiveRating, kpi=st.sampled_from(KPIS), vendor=NUMBERS, monitored=st.booleans()),
)
OFFERS = st.builds(
    Offer,
    skill=st.sampled_from([*SKILLS, SkillId("unknown")]),
    values=st.dictionaries(st.sampled_from(PARAMETERS), OFFERED, max_size=4),
)
FITTING = {
    "material": st.sampled_from(["steel", "brass", "glass"]),
    "size": NUMBERS,
    "error": NUMBERS,
    "load": NUMBERS,
}
REQUIREMENTS = st.builds(
    Requirement,
    skill=st.sampled_from([*SKILLS, SkillId("unknown")]),
    constraints=st.one_of(
        st.fixed_dictionaries({}, optional=FITTING),
        st.dictionaries(
            st.sampled_from([*PARAMETERS, "colour", "mill.error", "drill.size", "both.mill.error"]),
            st.one_of(NUMBERS, st.sampled_from(["steel", "brass"])),
            max_size=3,
        ),
    ),
)
INSTANTS = st.sampled_from([NOW - DAY, NOW - HOUR, NOW, NOW + HOUR, NOW + DAY]).map(Instant)


def values(units):
    return st.builds(
        KpiValue,
        work_unit=st.sampled_from(units),
        kpi=st.sampled_from(KPIS),
        value=NUMBERS,
        upper=NUMBERS,
        dimension=st.sampled_from([Dimension.LENGTH, Dimension.MASS]),
        at=INSTANTS,
        valid_for_ns=st.sampled_from([0, HOUR, DAY, 2**63]),
        source=st.just("test"),
    )


@st.composite
def networks(draw):
    sites = {}
    for number in range(draw(st.integers(1, 2))):
        name = SiteId(f"s{number}")
        units = [
            WorkUnit(
                id=WorkUnitId(f"{name}u{each}"),
                label="",
                equipment_type=EquipmentTypeId("any"),
                site=name,
                area=AreaId("hall"),
                offers=tuple(draw(st.lists(OFFERS, max_size=3))),
                cost_per_hour_minor=0,
                power_w=0.0,
            )
            for each in range(draw(st.integers(0, 3)))
        ]
        sites[name] = Site(
            id=name,
            label="",
            time_zone="UTC",
            gate=AreaId("hall"),
            areas={AreaId("hall"): ""},
            work_units=tuple(units),
            transport=(),
            shifts=(),
            persons=(),
            tariff=Tariff(
                currency="EUR",
                energy_minor_per_j=0.0,
                co2_kg_per_j=0.0,
                labour_cost_per_hour_minor=0,
            ),
        )
    return Network(sites=sites)


def by_matching(index, requirement, kpis, now):
    """Return the units that match, each with the KPI values that its match rests on."""
    found = {}
    for unit in index.units:
        answer = match_unit(requirement, unit, vocabulary(), kpis, now)
        if isinstance(answer, Match):
            found[unit.id] = answer.kpis
    return found


def by_columns(index, requirement, kpis, now):
    able = index.able(requirement, now)
    return {
        index.units[unit].id: index.resting_on(
            requirement, int(unit), int(row), Condition(kpis, now)
        )
        for unit, row in zip(able.units, able.rows, strict=True)
    }


def same(one, other):
    """Compare by repr: a value that is not a number differs from itself."""
    return repr(one) == repr(other)


@settings(max_examples=300, deadline=None)
@given(network=networks(), data=st.data())
def test_columns_and_matching_agree_while_values_change_and_time_passes(network, data):
    units = [each.id for each in network.work_units().values()] or [WorkUnitId("none")]
    first = data.draw(st.lists(values(units), max_size=3))
    kpis = {(each.work_unit, each.kpi): each for each in first}
    index = OfferIndex(network, vocabulary(), kpis)
    for change in data.draw(st.lists(values(units), max_size=3)):
        for _ in range(2):
            requirement, now = data.draw(REQUIREMENTS), data.draw(INSTANTS)
            expected = by_matching(index, requirement, kpis, now)
            assert same(by_columns(index, requirement, kpis, now), expected)
        kpis[change.work_unit, change.kpi] = change
        index.hear(change)
    later = {slot: each for slot, each in kpis.items() if data.draw(st.booleans())}
    gone = set(index.follow(later))
    assert gone == set(kpis) - set(later)
    requirement, now = data.draw(REQUIREMENTS), data.draw(INSTANTS)
    skilled = [unit_offers(unit, requirement.skill, vocabulary()) for unit in index.units]
    assert list(np.flatnonzero(skilled)) == list(index.skilled(requirement.skill))
    expected = by_matching(index, requirement, later, now)
    assert same(by_columns(index, requirement, later, now), expected)
