"""A bakery of 30 actions and 100 things in which batches were burnt, another one for each seed."""

from itertools import pairwise
from random import Random

from fabloop.adapt.repair.domain import Action, Domain, Step, Thing, Variable
from fabloop.adapt.repair.proposal import Situation
from fabloop.adapt.repair.remaining import Place
from fabloop.base.instant import MINUTE
from fabloop.model.service import Constant, Literal
from fabloop.process.bpmn.model import (
    BpmnProcess,
    EndEvent,
    JobWork,
    SequenceFlow,
    ServiceTask,
    StartEvent,
)

BATCHES, BAKERIES, OVENS, CARTS, LOTS, MIXERS, PRINTERS = 40, 10, 20, 6, 16, 4, 3
PLACES = ("home", *(f"bakery-{n}" for n in range(BAKERIES)))


def so(fluent: str, *arguments: str, value: Constant = True) -> Literal:
    """Return a statement."""
    return Literal(fluent=fluent, arguments=arguments, value=value)


def no(fluent: str, *arguments: str) -> Literal:
    """Return that something is not so."""
    return so(fluent, *arguments, value=False)


_KINDS = {
    "?b": "batch", "?o": "oven", "?p": "place", "?q": "place", "?c": "cart", "?l": "lot",
    "?m": "mixer", "?r": "printer", "?s": "bakery",
}  # fmt: skip

# name, requires, effects, cost in cents, minutes
_TABLE: tuple[tuple[str, tuple[Literal, ...], tuple[Literal, ...], int, int], ...] = (
    ("waste.discard", (so("burnt", "?b"),),
     (no("burnt", "?b"), no("baked", "?b"), no("liners", "?b"), so("at", "?b", value="nowhere")),
     100, 5),
    ("buyer.order", (no("there", "?l"), so("offered", "?l")), (so("there", "?l"),), 800, 90),
    ("store.fetch", (so("stored", "?l"),), (so("there", "?l"), no("stored", "?l")), 200, 15),
    ("mixer.clean", (so("dirty", "?m"),), (no("dirty", "?m"),), 150, 10),
    ("mixer.dough",
     (so("at", "?b", value="nowhere"), so("there", "?l"), so("works", "?m"), no("dirty", "?m")),
     (so("dough", "?b"), no("there", "?l"), so("at", "?b", value="home"), so("dirty", "?m")),
     500, 30),
    ("printer.refill", (no("paper", "?r"),), (so("paper", "?r"),), 50, 5),
    ("printer.print", (so("works", "?r"), so("paper", "?r")), (so("code", "?b"),), 100, 10),
    ("line.liners", (so("at", "?b", value="home"), so("code", "?b")), (so("liners", "?b"),), 60, 8),
    ("fitter.oven", (no("works", "?o"), so("own", "?o"), so("spare")), (so("works", "?o"),),
     5_000, 180),
    ("buyer.spare", (no("spare"),), (so("spare"),), 900, 60),
    ("oven.heat", (so("works", "?o"), no("hot", "?o")), (so("hot", "?o"),), 120, 20),
    ("oven.cool", (so("hot", "?o"),), (no("hot", "?o"),), 10, 40),
    ("oven.cook",
     (so("own", "?o"), so("hot", "?o"), so("stands", "?o", value="?p"), so("at", "?b", value="?p"),
      so("dough", "?b"), so("liners", "?b")),
     (so("baked", "?b"), no("dough", "?b")), 400, 40),
    ("bakery.ask", (so("open", "?s"),), (so("asked", "?s"),), 20, 5),
    ("bakery.select", (so("asked", "?s"), so("free", "?s")), (so("chosen", "?s"),), 200, 5),
    ("bakery.cook",
     (so("chosen", "?s"), so("stands", "?o", value="?s"), so("works", "?o"),
      so("at", "?b", value="?s"), so("dough", "?b"), so("liners", "?b")),
     (so("baked", "?b"), no("dough", "?b")), 900, 40),
    ("cart.load", (so("at", "?b", value="?p"), so("parked", "?c", value="?p"), so("empty", "?c")),
     (so("at", "?b", value="?c"), no("empty", "?c")), 80, 5),
    ("cart.drive", (so("parked", "?c", value="?p"), so("road", "?p", "?q"), so("fuel", "?c")),
     (so("parked", "?c", value="?q"),), 300, 20),
    ("cart.unload", (so("at", "?b", value="?c"), so("parked", "?c", value="?p")),
     (so("at", "?b", value="?p"), so("empty", "?c")), 80, 5),
    ("cart.fuel", (no("fuel", "?c"),), (so("fuel", "?c"),), 250, 10),
    ("courier.tell", (), (so("told", "?b"),), 10, 1),
    ("courier.fetch", (so("told", "?b"), so("packed", "?b")), (so("sent", "?b"),), 700, 30),
    ("line.top", (so("baked", "?b"), no("burnt", "?b"), so("at", "?b", value="home")),
     (so("topped", "?b"),), 90, 10),
    ("line.pack", (so("topped", "?b"), so("told", "?b")), (so("packed", "?b"),), 70, 10),
    ("quality.probe", (so("baked", "?b"),), (so("probed", "?b"),), 40, 5),
    ("store.shelve", (so("there", "?l"),), (so("stored", "?l"), no("there", "?l")), 50, 10),
    ("cart.tow", (no("fuel", "?c"), so("road", "?p", "?q"), so("parked", "?c", value="?p")),
     (so("parked", "?c", value="?q"),), 1_500, 40),
    ("line.relabel", (so("liners", "?b"),), (so("code", "?b"), no("liners", "?b")), 60, 5),
    ("bakery.cancel", (so("chosen", "?s"),), (no("chosen", "?s"),), 500, 5),
    ("office.note", (so("told", "?b"),), (so("noted", "?b"),), 5, 1),
)  # fmt: skip


def actions(random: Random) -> tuple[Action, ...]:
    """Return the actions, at prices that differ by seed."""
    made = []
    for name, requires, effects, cost, minutes in _TABLE:
        terms = [t for each in (*requires, *effects) for t in (*each.arguments, each.value)]
        names = dict.fromkeys(t for t in terms if isinstance(t, str) and t.startswith("?"))
        made.append(
            Action(
                name=name,
                service=name.split(".", maxsplit=1)[0],
                job_type=name,
                parameters=tuple(Variable(name=each, kind=_KINDS[each]) for each in names),
                requires=requires,
                effects=effects,
                cost_minor=round(cost * random.uniform(0.5, 2.0)),
                duration_ns=round(minutes * random.uniform(0.5, 2.0)) * MINUTE,
            )
        )
    return tuple(made)


def things() -> tuple[Thing, ...]:
    """Return the 100 things."""

    def several(kind: str, count: int, *, exclusive: bool = False) -> tuple[Thing, ...]:
        return tuple(
            Thing(name=f"{kind}-{n}", kind=kind, exclusive=exclusive) for n in range(count)
        )

    return (
        Thing(name="home", kind="place"),
        *(Thing(name=each, kind="place", also=("bakery",)) for each in PLACES[1:]),
        *several("batch", BATCHES),
        *several("oven", OVENS, exclusive=True),
        *several("cart", CARTS, exclusive=True),
        *several("lot", LOTS),
        *several("mixer", MIXERS, exclusive=True),
        *several("printer", PRINTERS, exclusive=True),
    )


def world(seed: int, burnt: int = 1) -> Situation:
    """Return an instance whose first batches came out burnt, before toppings are put on."""
    random = Random(seed)
    domain = Domain(things=things(), actions=actions(random))
    good: dict[tuple[str, ...], Constant] = {}
    for n in range(BATCHES):
        name = f"batch-{n}"
        good |= {("baked", name): True, ("at", name): "home", ("code", name): True}
        good |= {("liners", name): True, ("told", name): True}
    for n in range(LOTS):
        good[random.choice(["stored", "offered", "there"]), f"lot-{n}"] = True
    for n in range(OVENS):
        own = n < 2
        good["stands", f"oven-{n}"] = "home" if own else PLACES[1 + n % BAKERIES]
        good["works", f"oven-{n}"] = not own and random.random() < 0.7
        good["own", f"oven-{n}"] = own
    for n in range(CARTS):
        good["parked", f"cart-{n}"] = random.choice(PLACES[:3])
        good["fuel", f"cart-{n}"] = random.random() < 0.5
        good["empty", f"cart-{n}"] = True
    for n in range(MIXERS):
        good["works", f"mixer-{n}"] = random.random() < 0.7 or n == 0
        good["dirty", f"mixer-{n}"] = random.random() < 0.5
    for n in range(PRINTERS):
        good["works", f"printer-{n}"] = True
        good["paper", f"printer-{n}"] = random.random() < 0.5
    for n in range(BAKERIES):
        good["open", PLACES[1 + n]] = random.random() < 0.8
        good["free", PLACES[1 + n]] = random.random() < 0.6
    for one in PLACES:
        for other in PLACES:
            if one != other and random.random() < 0.5:
                good |= {("road", one, other): True, ("road", other, one): True}
    hit = tuple(f"batch-{n}" for n in range(burnt))
    bad = good | {("burnt", each): True for each in hit}
    bad |= {("told", each): False for each in hit}
    goals = tuple(
        each
        for name in hit
        for each in (so("baked", name), no("burnt", name), so("at", name, value="home"))
    )
    return Situation(
        repair=f"repair-{seed}",
        instance=1,
        process=_process(),
        places=(Place(node="top"),),
        work={node: Step(action=f"line.{node}", values={"?b": hit[0]}) for node in ("top", "pack")},
        expected=good,
        physical=bad,
        goals=goals if burnt > 1 else (),
        domain=domain,
        tokens=tuple(f"batch-{n}" for n in range(BATCHES)) if burnt > 1 else (),
    )


def _process() -> BpmnProcess:
    names = ("cook", "top", "pack")
    tasks = tuple(ServiceTask(id=each, work=JobWork(type=each)) for each in names)
    ends = ("start", *names, "end")
    links = tuple(SequenceFlow(id=f"{a}-{b}", source=a, target=b) for a, b in pairwise(ends))
    return BpmnProcess(
        id="baking", nodes=(StartEvent(id="start"), *tasks, EndEvent(id="end")), flows=links
    )
