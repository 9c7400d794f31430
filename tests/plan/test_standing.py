"""Both directions of the query heed hours, crews, tools and parts as plans do."""

from random import Random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.instant import HOUR, MINUTE
from fabloop.model.ids import MaterialId, SiteId
from fabloop.model.plan import Producible
from fabloop.model.product import Material, Purchase
from fabloop.plan.catalogue.catalogue import Catalogue
from fabloop.plan.catalogue.survey import Surveyor
from fabloop.plan.producible import check
from fabloop.plan.statement.plant import Plant
from plan.instances import (
    NOW,
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
from plan.test_opening import hours


def with_hours(plant, roll):
    """Return the network with a calendar of its own for some of its work units."""
    sites = {}
    for key, each in plant.sites.items():
        units = []
        for it in each.work_units:
            opens = hours(6 * HOUR, 6 * HOUR + roll.choice([1, 40, 90]) * MINUTE)
            one = msgspec.structs.replace(it, calendar=opens)
            units.append(one if roll.random() < 0.5 else it)
        sites[key] = msgspec.structs.replace(each, work_units=tuple(units))
    return msgspec.structs.replace(plant, sites=sites)


def with_parts(asked, plant, roll):
    """Return the order with a bought part per step that is delivered to some sites only."""
    materials = []
    for each in asked.product.operations:
        to = tuple(name for name in plant.sites if roll.random() < 0.7) or (SiteId("nowhere"),)
        bought = Purchase(supplier="a", lead_ns=HOUR, cost_minor=1, sites=to)
        part = MaterialId(f"{each.id}-part")
        materials.append(Material(id=part, label=part, third_party=True, supply=(bought,)))
        materials.append(Material(id=each.output, label=each.output, made_of=(part,)))
    product = msgspec.structs.replace(asked.product, materials=tuple(materials))
    return msgspec.structs.replace(asked, product=product)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1_000_000), parts=st.booleans())
def test_who_can_make_it_is_who_has_a_plan(seed, parts):
    roll = Random(seed)
    asked, plant, values = random_instance(seed, operations=3, sites=2, units=3)
    plant = msgspec.structs.replace(with_hours(plant, roll), lanes=() if parts else plant.lanes)
    if parts:
        asked = with_parts(asked, plant, roll)
    answer = check(asked, plant, vocabulary(), values, NOW, plans_max=1)
    ready = Plant(plant, vocabulary(), values)
    surveyor, catalogue = Surveyor(ready, NOW), Catalogue(ready, NOW)
    assert surveyor.can_make(asked.product) == isinstance(answer, Producible)
    assert catalogue.register("it", asked.product) == isinstance(answer, Producible)
    assert catalogue.alone("it") == surveyor.alone(asked.product)


def narrow():
    mill = unit("m", "graz", "hall", offer("mill"))
    short = msgspec.structs.replace(mill, calendar=hours(6 * HOUR, 7 * HOUR))
    return network(site("graz", [short], [link("hall", "hall", "m")]))


def test_steps_that_differ_in_how_long_they_take_are_judged_apart():
    values = kpis(tpe("m", 8e-6))
    ready = Plant(narrow(), vocabulary(), values)
    quick = order(operation("a", "mill", tpe=9e-6, minutes=30)).product
    slow = order(operation("a", "mill", tpe=9e-6, minutes=90)).product
    for first, second in ((quick, slow), (slow, quick)):
        surveyor, catalogue = Surveyor(ready, NOW), Catalogue(ready, NOW)
        for product in (first, second):
            assert surveyor.can_make(product) == (product is quick)
            assert catalogue.register(str(product is quick), product) == (product is quick)


def test_a_kpi_that_gets_worse_never_turns_a_closed_work_unit_into_an_open_one():
    catalogue = Catalogue(Plant(narrow(), vocabulary(), kpis(tpe("m", 8e-6))), NOW)
    slow = order(operation("a", "mill", tpe=9e-6, minutes=90)).product
    assert not catalogue.register("slow", slow)
    for value in (20e-6, 8e-6):
        turned = catalogue.hear(tpe("m", value))
        assert turned.producible == turned.not_producible == ()
        assert list(catalogue.made_at(SiteId("graz"))) == []
