import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.instant import instant_of
from fabloop.base.quantity import dimension_of
from fabloop.model.service import Parameter, ValueKind
from fabloop.services.composition import (
    Done,
    Goal,
    Stopped,
    answer_to,
    carry_out,
    compose,
    feeders,
)
from fabloop.services.composition.plan import FromData, FromNobody, FromStep
from fabloop.services.composition.values import changed, fit
from fabloop.services.descriptions import read
from fabloop.services.discovery import (
    Circumstances,
    Dictionary,
    Index,
    Intent,
    Likeness,
    of_trade,
)

NOW = instant_of("2026-11-23T08:00:00+01:00")
AT = Circumstances(now=NOW)


def document(service, *operations, **more):
    """Return the description of a service from operations as they are annotated."""
    paths = {}
    for each in operations:
        body = {
            "type": "object",
            "required": [name for name, *_ in each.get("inputs", ())],
            "properties": {name: schema(*rest) for name, *rest in each.get("inputs", ())},
        }
        answer = {
            "type": "object",
            "properties": {name: schema(*rest) for name, *rest in each.get("outputs", ())},
        }
        part = {
            "operationId": each["name"],
            "x-fabloop": each.get("says", {}),
            "responses": {"200": {"content": {"application/json": {"schema": answer}}}},
        }
        if each.get("inputs"):
            part["requestBody"] = {"content": {"application/json": {"schema": body}}}
        paths[f"/{each['name']}"] = {each.get("method", "post"): part}
    whole = {
        "openapi": "3.1.0",
        "info": {"title": service, "version": "1"},
        "servers": [{"url": f"http://{service}.example"}],
        "x-fabloop": {"service": service, **more},
        "paths": paths,
    }
    return read(service, json.dumps(whole).encode()).service


def schema(kind, concept="", unit=""):
    said = {key: value for key, value in (("concept", concept), ("unit", unit)) if value}
    found = {"type": kind}
    if kind == "array":
        found["items"] = {"type": "string"}
    return {**found, **({"x-fabloop": said} if said else {})}


OVEN = document(
    "oven",
    {
        "name": "slowdown",
        "method": "get",
        "outputs": [("delay", "number", "delay", "%")],
        "says": {"equipment": ["oven"], "verb": "slow-down"},
    },
    {
        "name": "overcook",
        "method": "get",
        "outputs": [
            ("QRCode", "string", "order code"),
            ("type", "string", "type of muffin"),
            ("num", "integer", "number"),
        ],
        "says": {"equipment": ["oven"], "verb": "inspect"},
    },
    {
        "name": "bake",
        "inputs": [("lot", "string", "load")],
        "says": {"equipment": ["oven"], "verb": "bake", "requires": ["filled(?lot)"]},
    },
)


def machine(name, unit, parameter, concept, **more):
    return document(
        name,
        {
            "name": "reduceSpeed",
            "method": "put",
            "inputs": [(parameter, "number", concept, unit)],
            "says": {"equipment": [name], "verb": "slow-down", **more},
        },
        {
            "name": "work",
            "inputs": [("lot", "string", "load")],
            "says": {"verb": "work", "effects": ["filled(?lot)"] if name != "topper" else []},
        },
    )


FILLER = machine("filler", "%", "percentage", "delay")
MIXER = machine("mixer", "1", "speed", "speed")
TOPPER = machine("topper", "%", "percentage", "delay")
COURIER = document(
    "courier",
    {
        "name": "changeShipment",
        "inputs": [("url", "string", "courier service")],
        "says": {"context": ["shipping"], "equipment": ["courier"], "verb": "shipment",
                 "compensation": "confirmShipment", "cost": "4.00 EUR"},
    },
    {
        "name": "confirmShipment",
        "inputs": [("url", "string", "courier service")],
        "says": {"verb": "confirm", "context": ["paper"]},
    },
)  # fmt: skip
DOSING = document(
    "dosing",
    {
        "name": "dosing_machine",
        "inputs": [
            ("setOfIngredients", "array", "ingredients"),
            ("setOfQuantities", "array", "quantities", "g"),
        ],
        "says": {"context": ["food"], "equipment": ["dosing machine"], "verb": "dose"},
    },
)
ALL = (OVEN, FILLER, MIXER, TOPPER, COURIER, DOSING)


def index(*services):
    return Index(services or ALL, Likeness(Dictionary(own=of_trade())))


def entry(found, name):
    return next(each for each in found.entries if each.name == name)


def wish(text, *keywords):
    return Intent(text=text, keywords=keywords)


def nothing_filled(need, given):
    return "no data space here"


def test_oven_slowdown_slows_the_machines_that_feed_it_by_the_returned_delay():
    found = index()
    goal = Goal(
        wanted=(wish("slow down the machines", "slow", "down"),),
        first=entry(found, "oven.slowdown"),
        each=True,
        among=feeders(ALL, OVEN.id),
    )
    composed = compose(found, goal, AT)
    best = composed.alternatives[0]
    assert best.certain
    assert composed.question is None
    assert set(best.signature) == {
        "oven.slowdown", "filler.reduceSpeed", "mixer.reduceSpeed",
    }  # fmt: skip
    made = []

    def invoke(service, operation, values, key):
        made.append((service.id, operation.name, dict(values), key))
        return {"delay": 33.0} if operation.name == "slowdown" else {}

    assert isinstance(carry_out(best, {}, invoke, nothing_filled, "run-1"), Done)
    assert made[0] == ("oven", "slowdown", {}, "run-1/0/0")
    assert {each[0]: each[2] for each in made[1:]} == {
        "filler": {"percentage": 33.0},
        "mixer": {"speed": 0.67},
    }
    assert len({each[3] for each in made}) == 3


RECIPE = {"carrot": (("yoghurt", 75.0), ("egg", 50.0))}


def recipe_of(asked):
    """Return a data space with one recipe, which notes what it is asked."""

    def fill(need, known):
        asked.append((need, dict(known)))
        if need.variables == ("url",):
            return {"url": f"http://ghirlandina.example/{known['QRCode']}"}
        if "ingredient" in need.targets[0]:
            wanted = need.variables[-1]
            lines = RECIPE[known["type"]]
            return {
                need.variables[0]: [name for name, _ in lines],
                wanted: [known["num"] * grams for _, grams in lines],
            }
        return "nothing known"

    return fill


def overcooked(found):
    return Goal(
        wanted=(
            wish("change the shipment of the courier", "courier", "shipment"),
            wish("dose the ingredients", "dosing", "machine"),
        ),
        first=entry(found, "oven.overcook"),
    )


def test_overcook_tells_the_courier_and_doses_what_the_recipe_says_times_the_number():
    found = index()
    composed = compose(found, overcooked(found), AT)
    best = composed.alternatives[0]
    assert best.signature == (
        "oven.overcook", "courier.changeShipment", "dosing.dosing_machine",
    )  # fmt: skip
    (of_courier,) = best.steps[1].needs
    assert "(QRCode, courier service, ?url)" in of_courier.targets
    (of_dosing,) = best.steps[2].needs
    assert (
        "(type, has ingredient, ?h), (?h, name, ?setOfIngredients), "
        "(?h, quantity, num*?setOfQuantities)"
    ) in of_dosing.targets
    made, asked = {}, []

    def invoke(service, operation, values, key):
        made[operation.name] = dict(values)
        told = {"QRCode": "QR-7", "type": "carrot", "num": 12}
        return told if operation.name == "overcook" else {}

    assert isinstance(carry_out(best, {}, invoke, recipe_of(asked), "run-2"), Done)
    assert made["changeShipment"] == {"url": "http://ghirlandina.example/QR-7"}
    assert made["dosing_machine"] == {
        "setOfIngredients": ["yoghurt", "egg"],
        "setOfQuantities": [900.0, 600.0],
    }


def test_what_fails_half_way_is_taken_back_and_what_cannot_be_is_told():
    found = index()
    best = compose(found, overcooked(found), AT).alternatives[0]
    made = []

    def invoke(service, operation, values, key):
        made.append(operation.name)
        if operation.name == "dosing_machine":
            return "the dosing machine is empty"
        return {"QRCode": "QR-7", "type": "carrot", "num": 1}

    ended = carry_out(best, {}, invoke, recipe_of([]), "run-3")
    assert isinstance(ended, Stopped)
    assert (ended.at, ended.why) == ("dosing.dosing_machine", "the dosing machine is empty")
    assert made == ["overcook", "changeShipment", "dosing_machine", "confirmShipment"]
    assert [each.operation for each in ended.undone] == ["changeShipment"]
    assert ended.standing == ()


def test_data_that_are_not_there_stop_the_composition_before_the_call():
    found = index()
    best = compose(found, overcooked(found), AT).alternatives[0]

    def invoke(service, operation, values, key):
        assert operation.name == "overcook"
        return {"QRCode": "QR-7", "type": "carrot", "num": 1}

    ended = carry_out(best, {}, invoke, nothing_filled, "run-4")
    assert isinstance(ended, Stopped)
    assert "no data space here" in ended.why


def weather(name, cost, unit="°C"):
    return document(
        name,
        {
            "name": "temperature",
            "method": "get",
            "outputs": [("t", "number", "temperature", unit)],
            "says": {"verb": "measure", "context": ["hall"], "cost": cost},
        },
    )


HEATER = document(
    "heater",
    {
        "name": "heat",
        "method": "post",
        "inputs": [("temperature", "number", "temperature", "K")],
        "says": {"verb": "heat", "equipment": ["heater"], "cost": "1.00 EUR"},
    },
)


def test_an_input_that_is_not_known_is_fed_by_another_service_with_its_unit_converted():
    found = index(HEATER, weather("hall", "0.10 EUR"))
    composed = compose(found, Goal(wanted=(wish("heat", "heat", "heater"),)), AT, data=False)
    best = composed.alternatives[0]
    assert best.signature == ("hall.temperature", "heater.heat")
    assert (best.certain, best.cost_minor, best.currency) == (True, 110, "EUR")
    made = {}

    def invoke(service, operation, values, key):
        made[operation.name] = dict(values)
        return {"t": 20.0} if operation.name == "temperature" else {}

    carry_out(best, {}, invoke, nothing_filled, "k")
    assert made["heat"] == {"temperature": pytest.approx(293.15)}


def test_of_two_ways_that_are_as_good_the_cheaper_one_is_certain_and_equal_ones_are_asked():
    goal = Goal(wanted=(wish("heat", "heat", "heater"),))
    found = index(HEATER, weather("a", "2.00 EUR"), weather("b", "0.10 EUR"))
    composed = compose(found, goal, AT, data=False)
    assert composed.alternatives[0].signature == ("b.temperature", "heater.heat")
    assert composed.alternatives[0].certain
    assert composed.alternatives[1].signature == ("a.temperature", "heater.heat")
    even = index(HEATER, weather("a", "0.10 EUR"), weather("b", "0.10 EUR"))
    asked = compose(even, goal, AT, data=False)
    assert asked.question is not None
    assert len(asked.question.options) == 2
    assert not any(each.certain for each in asked.alternatives)


def test_what_a_person_chose_is_offered_first_the_next_time_however_it_is_said():
    even = index(HEATER, weather("a", "0.10 EUR"), weather("b", "0.10 EUR"))
    goal = Goal(wanted=(wish("please heat", "heat", "heater"),))
    question = compose(even, goal, AT, data=False).question
    assert question is not None
    answer = answer_to(question, 1, by="anna", at=NOW)
    again = Goal(wanted=(wish("the heater should be heating", "heater", "heating"),))
    composed = compose(even, again, AT, [answer], data=False)
    assert composed.question is None
    assert composed.alternatives[0].signature == answer.chosen
    assert composed.alternatives[0].certain
    assert composed.alternatives[0].because[0].code == "answered-before"
    gone = index(HEATER, weather("a", "0.10 EUR"))
    assert compose(gone, again, AT, [answer], data=False).alternatives[0].signature == (
        "a.temperature", "heater.heat",
    )  # fmt: skip


def test_a_withdrawn_answer_counts_no_more():
    import msgspec

    even = index(HEATER, weather("a", "0.10 EUR"), weather("b", "0.10 EUR"))
    goal = Goal(wanted=(wish("heat", "heat", "heater"),))
    question = compose(even, goal, AT, data=False).question
    answer = answer_to(question, 1, by="anna", at=NOW)
    back = msgspec.structs.replace(answer, withdrawn=True)
    assert compose(even, goal, AT, [answer, back], data=False).question is not None


def test_what_nobody_gives_is_told_and_never_certain():
    found = index(HEATER)
    composed = compose(found, Goal(wanted=(wish("heat", "heat", "heater"),)), AT, data=False)
    best = composed.alternatives[0]
    assert not best.certain
    assert "fed-by-nobody" in {each.code for each in best.because}
    assert composed.question is not None


def test_a_wish_that_no_service_answers_is_told():
    composed = compose(index(HEATER), Goal(wanted=(wish("fly", "fly", "moon"),)), AT)
    assert composed.alternatives == ()
    assert [each.text for each in composed.unreached] == ["fly"]


def test_services_that_feed_each_other_in_a_ring_end():
    def ring(name, takes, gives):
        return document(
            name,
            {
                "name": "tell",
                "method": "get",
                "inputs": [(takes, "number", takes)],
                "outputs": [(gives, "number", gives)],
                "says": {"verb": "tell", "context": [name]},
            },
        )

    found = index(ring("egg", "chicken", "omelette"), ring("hen", "omelette", "chicken"))
    composed = compose(found, Goal(wanted=(wish("tell egg", "tell", "egg"),)), AT, data=False)
    assert not composed.alternatives[0].certain


def test_a_list_of_things_is_gone_through_item_by_item():
    told = json.loads(json.dumps({"overcooked": [{"qr": "A", "num": 2}, {"qr": "B", "num": 3}]}))
    item = {
        "type": "object",
        "properties": {"qr": schema("string", "order code"), "num": schema("integer", "number")},
    }
    whole = {
        "openapi": "3.1.0",
        "info": {"title": "o", "version": "1"},
        "paths": {
            "/o": {
                "get": {
                    "operationId": "overcook",
                    "x-fabloop": {"verb": "inspect", "context": ["quality"]},
                    "responses": {"200": {"content": {"application/json": {"schema": {
                        "type": "object",
                        "properties": {"overcooked": {"type": "array", "items": item}},
                    }}}}},
                }
            }
        },
    }  # fmt: skip
    oven = read("o", json.dumps(whole).encode()).service
    courier = document(
        "courier",
        {
            "name": "change",
            "inputs": [("qr", "string", "order code")],
            "says": {"equipment": ["courier"], "verb": "shipment"},
        },
    )
    found = index(oven, courier)
    goal = Goal(wanted=(wish("tell courier", "courier"),), first=entry(found, "o.overcook"))
    best = compose(found, goal, AT).alternatives[0]
    made = []

    def invoke(service, operation, values, key):
        made.append((dict(values), key))
        return told if operation.name == "overcook" else {}

    carry_out(best, {}, invoke, nothing_filled, "k")
    assert made[1:] == [({"qr": "A"}, "k/1/0"), ({"qr": "B"}, "k/1/1")]


UNITS = {"temperature": ["°C", "K"], "time": ["s", "min", "h"], "mass": ["g", "kg"]}


def number(unit, kind=ValueKind.NUMBER):
    dimension = dimension_of(unit) if unit else None
    return Parameter(name="x", concept="x", unit=unit, dimension=dimension, kind=kind)


@given(
    st.sampled_from([(a, b) for units in UNITS.values() for a in units for b in units]),
    st.floats(-1e6, 1e6),
)
def test_a_unit_changed_there_and_back_is_the_same_value(units, value):
    one, other = number(units[0]), number(units[1])
    likeness = Likeness(Dictionary())
    there, back = fit(one, other, likeness), fit(other, one, likeness)
    assert there is not None
    assert back is not None
    assert changed(changed(value, there.change), back.change) == pytest.approx(value, abs=1e-4)


def test_the_first_call_gets_what_is_known_and_what_it_lacks_is_never_certain():
    asks = document(
        "scale",
        {
            "name": "weigh",
            "method": "get",
            "inputs": [("lot", "string", "load")],
            "outputs": [("t", "number", "temperature", "°C")],
            "says": {"verb": "weigh"},
        },
    )
    found = index(HEATER, asks)
    lot = Parameter(name="lot", concept="load")
    wanted = (wish("heat", "heat", "heater"),)
    known = Goal(wanted=wanted, first=entry(found, "scale.weigh"), given=(lot,))
    best = compose(found, known, AT).alternatives[0]
    assert best.certain
    made = []

    def invoke(service, operation, values, key):
        made.append(dict(values))
        return {"t": 0.0} if operation.name == "weigh" else {}

    carry_out(best, {"lot": "L-1"}, invoke, nothing_filled, "k")
    assert made == [{"lot": "L-1"}, {"temperature": pytest.approx(273.15)}]
    lacking = Goal(wanted=wanted, first=entry(found, "scale.weigh"))
    assert not compose(found, lacking, AT).alternatives[0].certain


CONCEPTS = st.sampled_from(["load", "warmth", "delay", "order code", "weight"])
KINDS = st.sampled_from(["number", "string", "integer", "array"])
VALUES = st.lists(st.tuples(CONCEPTS, KINDS), max_size=3, unique_by=lambda each: each[0])


@st.composite
def collections(draw):
    """Return services with one operation each, of any signature."""
    found = []
    for number in range(draw(st.integers(1, 5))):
        part = {
            "name": f"op{number}",
            "method": draw(st.sampled_from(["get", "post"])),
            "inputs": [(f"{c}-in", k, c) for c, k in draw(VALUES)],
            "outputs": [(f"{c}-out", k, c) for c, k in draw(VALUES)],
            "says": {"verb": draw(st.sampled_from(["heat", "cool"])), "cost": "1.00 EUR"},
        }
        found.append(document(f"s{number}", part))
    return found


@given(collections(), st.booleans(), st.booleans(), st.booleans())
def test_every_composition_uses_only_what_is_there_by_then(services, each, starts, data):
    found = index(*services)
    goal = Goal(
        wanted=(wish("heat", "heat"),),
        first=found.entries[0] if starts else None,
        each=each,
        given=(Parameter(name="load", concept="load"),),
    )
    composed = compose(found, goal, AT, data=data)
    for way in composed.alternatives:
        for number, step in enumerate(way.steps):
            assert {b.input for b in step.bindings} >= {
                p.name for p in step.entry.operation.inputs if p.required
            }
            for binding in step.bindings:
                source = binding.source
                if isinstance(source, FromStep):
                    assert 0 <= source.step < number
                    outputs = way.steps[source.step].entry.operation.outputs
                    assert source.output in {p.name for p in outputs}
                if isinstance(source, FromData):
                    assert source.need < len(step.needs)
                assert not (way.certain and isinstance(source, FromNobody))
    firsts = [way.certain for way in composed.alternatives]
    assert not any(firsts[1:])
    assert (composed.question is None) == (not firsts or firsts[0])


def test_units_of_other_things_never_fit_however_alike_the_names():
    assert fit(number("kg"), number("s"), Likeness(Dictionary())) is None


@pytest.mark.parametrize(
    ("given_kind", "wanted_kind", "value", "result"),
    [
        (ValueKind.INTEGER, ValueKind.TEXT, 7, "7"),
        (ValueKind.NUMBER, ValueKind.TEXT, 7.0, "7"),
        (ValueKind.NUMBER, ValueKind.INTEGER, 7.5, 8),
        (ValueKind.TEXT, ValueKind.LIST, "a", ["a"]),
        (ValueKind.TEXT, ValueKind.NUMBER, "7.5", 7.5),
    ],
)
def test_kinds_are_adapted_where_nothing_is_lost_that_matters(
    given_kind, wanted_kind, value, result
):
    found = fit(number("", given_kind), number("", wanted_kind), Likeness(Dictionary()))
    assert found is not None
    assert changed(value, found.change) == result


def test_an_object_is_no_text():
    one, other = number("", ValueKind.CONTEXT), number("", ValueKind.TEXT)
    assert fit(one, other, Likeness(Dictionary())) is None
