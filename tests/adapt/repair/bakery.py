"""A bakery for tests: batches, ovens, carts and a bakery nearby, with a process that bakes."""

from fabloop.adapt.repair.domain import Action, Domain, Step, Thing, Variable
from fabloop.adapt.repair.proposal import Situation
from fabloop.adapt.repair.remaining import Place
from fabloop.model.service import Literal, Relation
from process.driver import flows, job, process

MINUTE = 60_000_000_000


def so(fluent, *arguments, value=True, relation=Relation.IS):
    return Literal(fluent=fluent, arguments=arguments, value=value, relation=relation)


def action(name, parameters, requires, effects, *, cost=1, minutes=5, **more):
    return Action(
        name=name,
        service=name.split(".")[0],
        job_type=name,
        parameters=tuple(Variable(name=f"?{n}", kind=k) for n, k in parameters.items()),
        requires=tuple(requires),
        effects=tuple(effects),
        cost_minor=cost,
        duration_ns=minutes * MINUTE,
        **more,
    )


def actions():
    batch, place, oven, cart = {"b": "batch"}, {"p": "place"}, {"o": "oven"}, {"c": "cart"}
    return (
        action(
            "waste.discard",
            batch,
            [so("burnt", "?b")],
            [so("burnt", "?b", value=False), so("baked", "?b", value=False)],
        ),
        action(
            "mixer.dough",
            batch | {"m": "mixer"},
            [so("burnt", "?b", value=False), so("works", "?m")],
            [so("dough", "?b"), so("at", "?b", value="home")],
            cost=5,
            minutes=30,
            compensation="waste.dough",
        ),
        action("waste.dough", batch, [so("dough", "?b")], [so("dough", "?b", value=False)]),
        action("printer.paper", batch, [], [so("paper", "?b")], minutes=10),
        action(
            "oven.repair",
            oven,
            [so("works", "?o", value=False)],
            [so("works", "?o")],
            cost=50,
            minutes=180,
        ),
        action(
            "oven.cook",
            batch | oven | place,
            [
                so("own", "?o"),
                so("works", "?o"),
                so("stands", "?o", value="?p"),
                so("at", "?b", value="?p"),
                so("dough", "?b"),
                so("paper", "?b"),
            ],
            [so("baked", "?b"), so("dough", "?b", value=False)],
            cost=4,
            minutes=40,
        ),
        action("bakery.select", place, [so("open", "?p")], [so("chosen", "?p")], cost=2),
        action(
            "bakery.cook",
            batch | oven | place,
            [
                so("chosen", "?p"),
                so("works", "?o"),
                so("stands", "?o", value="?p"),
                so("at", "?b", value="?p"),
                so("dough", "?b"),
                so("paper", "?b"),
            ],
            [so("baked", "?b"), so("dough", "?b", value=False)],
            cost=9,
            minutes=40,
        ),
        action(
            "cart.carry",
            batch | cart | {"p": "place", "q": "place"},
            [
                so("at", "?b", value="?p"),
                so("parked", "?c", value="?p"),
                so("road", "?p", "?q"),
            ],
            [so("at", "?b", value="?q"), so("parked", "?c", value="?q")],
            cost=3,
            minutes=20,
        ),
        action("courier.tell", batch, [], [so("told", "?b")], minutes=1),
        action(
            "line.topping",
            batch,
            [so("baked", "?b"), so("burnt", "?b", value=False), so("at", "?b", value="home")],
            [so("topped", "?b")],
        ),
        action("line.pack", batch, [so("topped", "?b"), so("told", "?b")], [so("packed", "?b")]),
        action("office.invoice", {}, [], [so("invoiced")], minutes=120),
    )


def things(batches=("b1",)):
    return (
        *(Thing(name=each, kind="batch") for each in batches),
        Thing(name="home", kind="place"),
        Thing(name="nearby", kind="place"),
        Thing(name="oven-1", kind="oven", exclusive=True),
        Thing(name="oven-2", kind="oven", exclusive=True),
        Thing(name="cart-1", kind="cart", exclusive=True),
        Thing(name="cart-2", kind="cart", exclusive=True),
        Thing(name="mixer-1", kind="mixer", exclusive=True),
    )


def domain(batches=("b1",), **more):
    return Domain(things=things(batches), actions=actions(), **more)


def shop_floor(batches=("b1",)):
    """Return what is so once every batch has been baked well."""
    found = {
        ("stands", "oven-1"): "home",
        ("own", "oven-1"): True,
        ("works", "oven-1"): True,
        ("stands", "oven-2"): "nearby",
        ("works", "oven-2"): True,
        ("works", "mixer-1"): True,
        ("open", "nearby"): True,
        ("road", "home", "nearby"): True,
        ("road", "nearby", "home"): True,
        ("parked", "cart-1"): "home",
        ("parked", "cart-2"): "home",
    }
    for each in batches:
        found |= {("baked", each): True, ("at", each): "home", ("told", each): True}
    return found


def burnt(batches=("b1",), *, broken=True):
    """Return what is so once batches came out burnt and, if `broken`, the own oven is to blame."""
    found = {("burnt", each): True for each in batches}
    return shop_floor(batches) | found | {("works", "oven-1"): not broken}


def baking():
    """Return a process: cook, put toppings on, pack."""
    return process(
        job("cook"), job("top"), job("pack"), links=flows("start cook top pack end"), id="baking"
    )


def work():
    values = {"?b": "b1"}
    return {
        "top": Step(action="line.topping", values=values),
        "pack": Step(action="line.pack", values=values),
    }


def situation(**more):
    asked = {
        "repair": "r1",
        "instance": 1,
        "process": baking(),
        "places": (Place(node="top"),),
        "work": work(),
        "expected": shop_floor(),
        "physical": burnt(),
        "domain": domain(),
    }
    return Situation(**(asked | more))
