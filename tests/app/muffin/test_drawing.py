"""Chains for a repair: composed by what they bring about, worked out, drawn on, told with why."""

import pytest

from fabloop.adapt.repair.domain import Action, actions_of
from fabloop.app.muffin.chains import ANSWERS, BROUGHT
from fabloop.app.muffin.damage import drawn_on
from fabloop.app.muffin.documents import FOLDER, read_bakery
from fabloop.app.muffin.drawing import dosed, drawn
from fabloop.app.muffin.foresight import promised
from fabloop.app.service_runtime.wanted import SERVICE_JOBS
from fabloop.base.instant import HOUR, MINUTE, Instant
from fabloop.model.explanation import DiscoveryCode
from fabloop.model.ids import ServiceId
from fabloop.model.service import Literal, Parameter
from fabloop.process.commands import Deploy
from fabloop.process.engine import Engine
from fabloop.services.composition import Goal, compose
from fabloop.services.discovery import (
    Circumstances,
    Dictionary,
    Index,
    Likeness,
    of_trade,
    of_vocabulary,
)

BURNT = (
    {"QRCode": "MM-1", "type": "carrot", "num": 8},
    {"QRCode": "MM-2", "type": "carrot", "num": 4},
)


@pytest.fixture(scope="module")
def bakery():
    return read_bakery(FOLDER, "burnt", 1)


@pytest.fixture(scope="module")
def services(bakery):
    return [
        bakery.described(each.name, bakery.documents[each.name], "http://nowhere").service
        for each in bakery.natures
    ]


def composed(bakery, services, *, brings=BROUGHT):
    words = of_vocabulary(bakery.vocabulary).joined(of_trade())
    index = Index(services, Likeness(Dictionary(own=words)))
    goal = Goal(
        wanted=ANSWERS, given=(Parameter(name="lot", concept="load"),),
        first=next(each for each in index.entries if each.name == "oven.overcook"),
        among=frozenset((ServiceId("courier-panaro"), ServiceId("dough-line"))), brings=brings,
    )  # fmt: skip
    return compose(index, goal, Circumstances(now=Instant(0), vocabulary=bakery.vocabulary))


def grams(need, given):
    assert need.units == {"setOfQuantities": "g"}
    masses = [30.0 * given["num"], 10.0 * given["num"]]
    return {"setOfIngredients": ["flour", "egg"], "num*?setOfQuantities": masses}


def test_what_has_to_be_so_tells_one_way_from_those_that_sound_alike(bakery, services):
    alike = composed(bakery, services, brings=())
    assert not alike.alternatives[0].certain
    assert {each.signature[1] for each in alike.alternatives} > {"courier-panaro.changeShipment"}
    found = composed(bakery, services)
    assert found.question is None
    assert found.alternatives[0].certain
    assert {each.signature for each in found.alternatives} == {
        ("oven.overcook", "courier-panaro.changeShipment", "dough-line.doseIngredients")
    }
    assert composed(bakery, services, brings=("flown",)).alternatives == ()


def test_a_chain_is_worked_out_by_its_own_inputs_and_outputs_and_says_why(bakery, services):
    way = composed(bakery, services).alternatives[0]
    fact = drawn(way, "batch-1", "batch-1.r2", BURNT, grams)
    assert fact.stopped == ""
    assert fact.lot == "batch-1.r2"
    overcook, shipment, dosing = fact.links
    assert overcook.calls == ()  # it has told already
    assert [each["qr"] for each in shipment.calls] == ["MM-1", "MM-2"]
    assert shipment.inputs == {"qr": "QRCode of oven.overcook"}
    assert [each["setOfQuantities"] for each in dosing.calls] == [[240.0, 80.0], [120.0, 40.0]]
    assert {each["lot"] for each in dosing.calls} == {"batch-1.r2"}
    assert dosing.inputs["setOfQuantities"].startswith("the data space in g: (type, has ingredient")
    for link in fact.links[1:]:
        assert {each.subject for each in link.because} == {link.step}
        assert DiscoveryCode.MEANT_BY in {each.code for each in link.because}
    assert dosed([fact, fact]) == (["flour", "egg"], [720.0, 240.0])


def test_a_chain_that_the_data_space_cannot_fill_is_told_and_doses_nothing(bakery, services):
    way = composed(bakery, services).alternatives[0]
    fact = drawn(way, "batch-1", "batch-1.r2", BURNT, lambda _need, _given: "no such recipe")
    assert "no such recipe" in fact.stopped
    assert dosed([fact]) is None


def test_a_repair_takes_the_services_of_the_chain_for_what_the_chain_does(services):
    actions = actions_of(services, job_type=SERVICE_JOBS)
    other = Action(name="hand.dose", effects=(Literal(fluent="dosed", arguments=("?lot",)),))
    drawn_steps = ("courier-panaro.changeShipment", "dough-line.doseIngredients")
    names = {each.name for each in drawn_on((*actions, other), drawn_steps)}
    assert names >= {*drawn_steps, "oven.bake", "bakery-nearby.bakeForOthers"}
    assert not names & {"hand.dose", "courier-freccia.changeShipment"}
    assert {each.name for each in drawn_on((*actions, other), ())} == {
        each.name for each in (*actions, other)
    }


def test_steps_take_as_long_as_services_promise_and_waiting_as_long_as_who_sends(services):
    engine = Engine()
    for name in ("muffin-batch", "muffin-order"):
        engine.handle(Deploy(process=(FOLDER / f"{name}.bpmn").read_bytes()), at=Instant(0))
    order, batch = engine.definition("muffin-order"), engine.definition("muffin-batch")
    spans = promised(order, services, (order, batch), 3 * HOUR)
    assert spans["deliver"].likely_ns == 12 * HOUR
    assert spans["place-topping"].likely_ns == 6 * MINUTE
    assert (spans["join-batch"].likely_ns, spans["join-batch"].most_ns) == (90 * MINUTE, 3 * HOUR)
    cooking = promised(batch, services, (order, batch), 3 * HOUR)["cook"]
    assert spans["await-muffins"].likely_ns > cooking.likely_ns
    assert all(each.least_ns == 0 for each in spans.values())
