"""Late binding: the planned machine if it is fit and free now, else one like it next to it."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.instant import DAY, HOUR, Instant
from fabloop.model.explanation import DispatchCode, ReasonCode
from fabloop.model.ids import EquipmentTypeId, SiteId, SkillId, WorkUnitId
from fabloop.model.skill import Requirement
from fabloop.services.registry import Binding, Registry, Reservation, bind
from plan.instances import NOW, kpis, network, offer, site, tpe, unit, vocabulary

REAM = Requirement(skill=SkillId("ream"), constraints={"tpe": 15e-6})
FINE, WORN = 10e-6, 18e-6


def registry(*taken, units=None):
    machines = units or [unit(each, "graz", "hall", offer("ream")) for each in "abc"]
    vienna = site("vienna", [unit("v", "vienna", "hall", offer("ream"))], [])
    return Registry(
        network=network(site("graz", machines, []), vienna),
        vocabulary=vocabulary(),
        reservations=tuple(
            Reservation(work_unit=WorkUnitId(each), job=number, since=NOW)
            for number, each in enumerate(taken, 1)
        ),
    )


def ask(shop, preference="a", now=NOW, **condition):
    values = kpis(*(tpe(name, value) for name, value in {"v": FINE, **condition}.items()))
    return bind(shop, REAM, WorkUnitId(preference), values, now)


def codes(answer):
    assert isinstance(answer, tuple)
    return [each.code for each in answer]


def test_the_planned_work_unit_is_taken_where_it_is_fit_and_free():
    answer = ask(registry(), a=FINE, b=FINE)
    assert isinstance(answer, Binding)
    assert answer.work_unit.id == "a"
    assert answer.because.code == DispatchCode.BOUND
    (shown,) = answer.because.evidence
    assert (shown.value, shown.limit, shown.at) == (FINE, 15e-6, NOW - HOUR)


def test_a_worn_out_work_unit_is_replaced_by_one_like_it_in_the_same_area():
    assert ask(registry(), a=WORN, b=WORN, c=FINE).work_unit.id == "c"


def test_a_reserved_work_unit_is_replaced_by_a_free_one():
    assert ask(registry("a"), a=FINE, b=FINE).work_unit.id == "b"


def test_where_all_are_worn_out_the_reasons_are_those_of_the_planned_one():
    answer = ask(registry(), a=WORN, b=19e-6, c=20e-6)
    assert codes(answer) == [ReasonCode.KPI_TOO_HIGH]
    assert (answer[0].subject, answer[0].evidence[0].value) == ("a", WORN)


def test_where_all_are_held_the_holder_of_the_planned_one_is_named():
    answer = ask(registry("b", "a", "c"), a=FINE, b=FINE, c=FINE)
    assert codes(answer) == [DispatchCode.RESERVED]
    assert answer[0].details == {"job": "2"}
    assert answer[0].evidence[0].at == NOW


def test_a_value_that_has_expired_or_was_never_measured_refuses():
    assert codes(ask(registry("b", "c"), now=Instant(NOW + 2 * DAY), a=FINE)) == [
        ReasonCode.KPI_STALE
    ]
    assert codes(ask(registry("b", "c"))) == [ReasonCode.KPI_MISSING]


def test_another_site_area_or_type_is_never_taken_without_a_plan():
    a = unit("a", "graz", "hall", offer("ream"))
    elsewhere = unit("b", "graz", "gate", offer("ream"))
    other = msgspec.structs.replace(
        unit("c", "graz", "hall", offer("ream")), equipment_type=EquipmentTypeId("other")
    )
    shop = registry(units=[a, elsewhere, other])
    assert codes(ask(shop, a=WORN, b=FINE, c=FINE)) == [ReasonCode.KPI_TOO_HIGH]


def test_who_offers_a_skill_is_found_by_kind_and_by_site():
    shop = registry()
    assert [each.id for each in shop.offering(SkillId("machining"))] == ["a", "b", "c", "v"]
    assert [each.id for each in shop.offering(SkillId("ream"), SiteId("vienna"))] == ["v"]
    assert list(shop.offering(SkillId("mill"))) == []


def test_the_holder_of_a_work_unit_is_known():
    shop = registry("b")
    assert shop.holder(WorkUnitId("b")).job == 1
    assert shop.holder(WorkUnitId("a")) is None


@given(
    st.dictionaries(st.sampled_from("abc"), st.sampled_from([FINE, 15e-6, WORN])),
    st.sets(st.sampled_from("abc")),
    st.sampled_from("abc"),
)
def test_whoever_is_bound_is_fit_free_and_the_planned_one_where_that_may(condition, held, wanted):
    answer = ask(registry(*sorted(held)), wanted, **condition)
    may = {name for name, value in condition.items() if value <= 15e-6 and name not in held}
    if isinstance(answer, Binding):
        assert answer.work_unit.id in may
        assert answer.work_unit.id == wanted or wanted not in may
    else:
        assert not may
        assert {each.subject for each in answer} == {wanted}
