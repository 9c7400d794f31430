"""A catalogue that is kept up says what a fresh look says, whatever changes."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.errors import Conflict, NotFound
from fabloop.base.instant import DAY, HOUR, Instant
from fabloop.model.ids import SiteId, SkillId, ToolId, WorkUnitId
from fabloop.model.site import Tool
from fabloop.model.skill import Skill, SkillVocabulary
from fabloop.plan.catalogue import catalogue as limits
from fabloop.plan.catalogue.catalogue import Catalogue, Turned
from fabloop.plan.engine import is_possible_now
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.problem import Setting, problem_of
from plan.instances import (
    NOW,
    gear,
    graz_and_vienna,
    kpis,
    link,
    network,
    offer,
    operation,
    order,
    random_instance,
    site,
    tpe,
    unit,
    vocabulary,
)

SEEDS = st.integers(0, 1_000_000)


def afresh(product, network, kpis, now, unavailable):
    setting = Setting(network, vocabulary(), kpis, now, now, unavailable=unavailable)
    return is_possible_now(problem_of(product, setting))


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, others=st.lists(SEEDS, min_size=1, max_size=3), data=st.data())
def test_a_catalogue_kept_up_equals_one_made_afresh(seed, others, data):
    _, network, kpis = random_instance(seed, sites=2, units=3)
    units = sorted(each.work_unit for each in kpis.values())
    away = frozenset(data.draw(st.lists(st.sampled_from(units), max_size=1)))
    words, now = vocabulary(), NOW
    catalogue = Catalogue(Plant(network, words, kpis), now, away)
    products = {f"p{each}": random_instance(each)[0].product for each in dict.fromkeys(others)}
    known = {name: catalogue.register(name, product) for name, product in products.items()}
    assert known == {
        name: afresh(product, network, kpis, now, away) for name, product in products.items()
    }
    for _ in range(data.draw(st.integers(1, 5))):
        if data.draw(st.booleans()):
            unit = data.draw(st.sampled_from(units))
            error = data.draw(st.sampled_from([8e-6, 12e-6, 18e-6, 30e-6]))
            age = data.draw(st.sampled_from([-HOUR, 0, HOUR, 2 * DAY]))
            value = tpe(unit, error, at=now - age)
            kpis = {**kpis, (value.work_unit, value.kpi): value}
            turned = catalogue.hear(value)
        else:
            now = Instant(now + data.draw(st.sampled_from([-HOUR, HOUR, 20 * HOUR, 3 * DAY])))
            turned = catalogue.let_be(now)
        before, known = (
            known,
            {name: afresh(product, network, kpis, now, away) for name, product in products.items()},
        )
        assert {name: catalogue.is_producible(name) for name in products} == known
        assert set(catalogue.producible()) == {name for name, can in known.items() if can}
        assert turned.producible == tuple(
            sorted(name for name in products if known[name] and not before[name])
        )
        assert turned.not_producible == tuple(
            sorted(name for name in products if before[name] and not known[name])
        )


def test_a_change_names_the_products_that_it_turns_and_touches_no_others():
    network, kpis = graz_and_vienna()
    catalogue = Catalogue(Plant(network, vocabulary(), kpis), NOW)
    assert catalogue.register("fine", gear(8e-6).product) is False
    assert catalogue.register("usual", gear(10e-6).product)
    assert catalogue.register("rough", gear(50e-6).product)
    assert len(catalogue) == 3
    worn = catalogue.hear(tpe("v-ream", 11e-6))
    assert worn == Turned(not_producible=("usual",), touched=1)
    better = catalogue.hear(tpe("g-ream", 5e-6))
    assert better == Turned(producible=("fine", "usual"), touched=2)
    assert catalogue.hear(tpe("v-ream", 12e-6)) == Turned()
    assert catalogue.hear(tpe("nowhere", 1e-6)) == Turned()
    assert catalogue.let_be(Instant(NOW + 2 * DAY)).not_producible == ("fine", "rough", "usual")
    assert catalogue.alone("rough") == ()


@pytest.mark.parametrize("most", [0, 24])
@pytest.mark.parametrize("seed", range(12))
def test_time_passing_is_followed_alike_one_by_one_and_all_at_once(monkeypatch, seed, most):
    monkeypatch.setattr(limits, "ONE_BY_ONE_MAX", most)
    order, network, kpis = random_instance(seed)
    catalogue = Catalogue(Plant(network, vocabulary(), kpis), NOW)
    before = catalogue.register("it", order.product)
    for now in (Instant(NOW + 22 * HOUR), Instant(NOW + 2 * DAY), NOW):
        turned = catalogue.let_be(now)
        can = afresh(order.product, network, kpis, now, frozenset())
        assert catalogue.is_producible("it") == can
        assert (turned.producible, turned.not_producible) == (
            ("it",) * (can and not before),
            ("it",) * (before and not can),
        )
        before = can


def test_a_withdrawn_product_is_not_looked_at_again():
    network, kpis = graz_and_vienna()
    catalogue = Catalogue(Plant(network, vocabulary(), kpis), NOW)
    catalogue.register("one", gear().product)
    catalogue.register("two", gear().product)
    assert catalogue.alone("one") == (SiteId("graz"),)
    assert list(catalogue.made_at(SiteId("graz"))) == ["one", "two"]
    assert list(catalogue.made_at(SiteId("vienna"))) == []
    with pytest.raises(NotFound, match="rome"):
        list(catalogue.made_at(SiteId("rome")))
    catalogue.withdraw("one")
    assert list(catalogue.producible()) == ["two"]
    both = [tpe("g-ream", 40e-6), tpe("v-ream", 40e-6)]
    assert [catalogue.hear(each).not_producible for each in both] == [(), ("two",)]
    with pytest.raises(NotFound, match="one"):
        catalogue.withdraw("one")


def test_a_name_is_taken_once_and_a_full_catalogue_says_so(monkeypatch):
    network, kpis = graz_and_vienna()
    catalogue = Catalogue(Plant(network, vocabulary(), kpis), NOW)
    catalogue.register("one", gear().product)
    with pytest.raises(Conflict, match="is registered"):
        catalogue.register("one", gear().product)
    monkeypatch.setattr(limits, "PRODUCTS_MAX", 1)
    with pytest.raises(Conflict, match="at most 1 products"):
        catalogue.register("two", gear().product)


def with_composed_skill():
    """Return a vocabulary in which finishing is milling and reaming on one work unit."""
    words = vocabulary().skills
    finish = Skill(id=SkillId("finish"), label="", parts=(SkillId("mill"), SkillId("ream")))
    return SkillVocabulary(skills={**words, finish.id: finish})


def test_a_composed_skill_is_lost_and_won_with_the_kpi_of_one_of_its_parts():
    both = unit("both", "s", "hall", offer("mill", monitored=False), offer("ream"))
    lone = unit("lone", "s", "hall", offer("ream"))
    plant = network(site("s", [both, lone], [link("hall", "hall", "agv")]))
    good = kpis(tpe("both", 9e-6), tpe("lone", 1e-6))
    catalogue = Catalogue(Plant(plant, with_composed_skill(), good), NOW)
    it = order(operation("all", "finish", **{"ream.tpe": 10e-6})).product
    assert catalogue.register("it", it)
    assert catalogue.hear(tpe("both", 11e-6)).not_producible == ("it",)
    assert catalogue.hear(tpe("lone", 2e-6)) == Turned()
    assert catalogue.hear(tpe("both", 8e-6)).producible == ("it",)
    assert catalogue.let_be(Instant(NOW + 3 * DAY)).not_producible == ("it",)


def test_a_tool_that_fits_nowhere_keeps_a_product_from_being_made():
    clamp = Tool(id=ToolId("c1"), label="", kind="clamp", fits=(WorkUnitId("b"),))
    machines = [unit("a", "s", "hall", offer("ream")), unit("b", "s", "hall", offer("ream"))]
    here = msgspec.structs.replace(site("s", machines, []), tools=(clamp,))
    good = kpis(tpe("a", 9e-6), tpe("b", 30e-6))
    catalogue = Catalogue(Plant(network(here), vocabulary(), good), NOW)
    held = msgspec.structs.replace(operation("o", "ream", tpe=10e-6), tools=("clamp",))
    assert not catalogue.register("it", order(held).product)
    assert catalogue.hear(tpe("a", 1e-6)) == Turned()
    assert catalogue.hear(tpe("b", 1e-6)).producible == ("it",)


def test_people_keep_a_work_unit_out_whatever_its_kpi():
    network, kpis = graz_and_vienna()
    graz = msgspec.structs.replace(network.sites["graz"], persons=())
    nobody = msgspec.structs.replace(network, sites={**network.sites, graz.id: graz})
    catalogue = Catalogue(Plant(nobody, vocabulary(), kpis), NOW)
    assert not catalogue.register("gear", gear().product)
    assert catalogue.hear(tpe(WorkUnitId("g-ream"), 1e-6)) == Turned(touched=0)
