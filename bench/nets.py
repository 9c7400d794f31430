"""Measures the weld cell beside SNAKES and cpncheck: markings explored and transitions fired.

The same net for all: n orders, r robots, a vehicles, s slots; pick, drop, weld with one robot,
assemble with two. The markings must agree in number. We and cpncheck answer what verification asks
(deadlocks, dead transitions, the way back to an end); SNAKES only builds the graph. Firing is timed
with us and untimed with SNAKES, which has no clock. CPU seconds of one process.

Run: ``python bench/nets.py``. Needs ``pip install 'fabloop[bench]'``.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from verify import weldcell  # type: ignore[import-not-found]  # it stands beside this script

from fabloop.process.cpn.simulate import simulate
from fabloop.process.verify.report import verify_net

SIZE = (5, 3, 2, 3)
FIRINGS = 300_000
PEER_FIRINGS = 3_000
ROUNDS = 3

TRANSITIONS = {
    "pick": (("todo o", "agv v", "slot ()"), ("moving (o, v)",), ""),
    "drop": (("moving (o, v)",), ("at o", "agv v"), ""),
    "weld": (("at o", "robot r"), ("welding (o, r)",), ""),
    "welded": (("welding (o, r)",), ("ready o", "robot r"), ""),
    "join": (("ready o", "robot r", "robot q"), ("assembling (o, r, q)",), "r < q"),
    "joined": (("assembling (o, r, q)",), ("done o", "robot r", "robot q", "slot ()"), ""),
}
"""Takes, puts and guard of each transition: a place and what is moved on its arc."""

PLACES = {
    "todo": "ORD",
    "agv": "AGV",
    "slot": "UNIT",
    "robot": "ROB",
    "moving": "MOV",
    "at": "ORD",
    "welding": "WELD",
    "ready": "ORD",
    "assembling": "ASM",
    "done": "ORD",
}


def in_turn(works: dict[str, Callable[[], tuple[int, float]]]) -> dict[str, tuple[int, float]]:
    """Return what each counted and its median rate; they take turns, as the machine is noisy."""
    found: dict[str, list[tuple[int, float]]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            found[name].append(work())
    return {
        name: (each[0][0], statistics.median(count / took for count, took in each))
        for name, each in found.items()
    }


# -- peers -----------------------------------------------------------------------------------------


def initial(size: tuple[int, int, int, int]) -> dict[str, list[Any]]:
    """Return the tokens at the beginning."""
    orders, robots, agvs, slots = size
    return {
        "todo": list(range(orders)),
        "agv": list(range(agvs)),
        "robot": list(range(robots)),
        "slot": [()] * slots,
    }


def snakes_net(size: tuple[int, int, int, int], *, cyclic: bool) -> Any:
    """Return the net as SNAKES builds it."""
    from snakes.nets import (
        Expression,
        MultiArc,
        PetriNet,
        Place,
        Transition,
        Tuple,
        Value,
        Variable,
    )

    def label(text: str) -> Any:
        names = [name.strip() for name in text.strip("()").split(",") if name.strip()]
        variables = [Variable(name) for name in names]
        if not variables:
            return Value(())
        return Tuple(variables) if "(" in text else variables[0]

    net = PetriNet("weldcell")
    tokens = initial(size)
    for name in PLACES:
        if not (cyclic and name == "done"):
            net.add_place(Place(name, tokens.get(name, [])))
    for name, (takes, puts, guard) in TRANSITIONS.items():
        net.add_transition(Transition(name, Expression(guard or "True")))
        for arcs, add in ((takes, net.add_input), (puts, net.add_output)):
            merged: dict[str, list[Any]] = {}
            for arc in arcs:
                place, _, text = arc.partition(" ")
                place = "todo" if cyclic and place == "done" else place
                merged.setdefault(place, []).append(label(text))
            for place, labels in merged.items():
                add(place, name, labels[0] if len(labels) == 1 else MultiArc(labels))
    return net


def snakes_explored() -> tuple[int, float]:
    """Return the markings that SNAKES finds, and its CPU seconds."""
    from snakes.nets import StateGraph

    net = snakes_net(SIZE, cyclic=False)
    cpu = time.process_time()
    graph = StateGraph(net)
    graph.build()
    return len(graph), time.process_time() - cpu


def snakes_fired() -> tuple[int, float]:
    """Return transitions fired by SNAKES, each the first mode found, and its CPU seconds."""
    net = snakes_net(SIZE, cyclic=True)
    transitions = list(net.transition())
    fired, cpu = 0, time.process_time()
    while fired < PEER_FIRINGS:
        for transition in transitions:
            mode = next(iter(transition.modes()), None)
            if mode is not None:
                transition.fire(mode)
                fired += 1
    return fired, time.process_time() - cpu


def cpn_file(size: tuple[int, int, int, int]) -> str:
    """Return the net as a file of CPN Tools."""
    inits = {
        name: "++".join(f"1`{token}" for token in tokens) for name, tokens in initial(size).items()
    }
    products = {"MOV": "ORD AGV", "WELD": "ORD ROB", "ASM": "ORD ROB ROB"}
    colours = "<color id='cU'><id>UNIT</id><unit/></color>" + "".join(
        f"<color id='c{name}'><id>{name}</id>"
        f"<int><with><ml>0</ml><ml>{top}</ml></with></int></color>"
        for name, top in (("ORD", 9999), ("ROB", 999), ("AGV", 998))
    )
    for name, parts in products.items():
        ids = "".join(f"<id>{part}</id>" for part in parts.split())
        colours += f"<color id='c{name}'><id>{name}</id><product>{ids}</product></color>"
    types = (("ORD", "o"), ("AGV", "v"), ("ROB", "r"), ("ROB", "q"))
    variables = "".join(
        f"<var id='v{name}'><type><id>{kind}</id></type><id>{name}</id></var>"
        for kind, name in types
    )
    places = "".join(
        f"<place id='p{name}'><text>{name}</text><type><text>{kind}</text></type>"
        f"<initmark><text>{inits.get(name, '')}</text></initmark></place>"
        for name, kind in PLACES.items()
    )
    body = ""
    for name, (takes, puts, guard) in TRANSITIONS.items():
        shown = f"[{guard}]".replace("<", "&lt;") if guard else ""
        body += f"<trans id='t{name}'><text>{name}</text><cond><text>{shown}</text></cond></trans>"
        for number, (orientation, arc) in enumerate(
            [("PtoT", arc) for arc in takes] + [("TtoP", arc) for arc in puts]
        ):
            place, _, text = arc.partition(" ")
            body += (
                f"<arc id='a{name}{number}' orientation='{orientation}'>"
                f"<transend idref='t{name}'/><placeend idref='p{place}'/>"
                f"<annot><text>{text}</text></annot></arc>"
            )
    return (
        "<?xml version='1.0'?><workspaceElements><generator tool='CPN Tools' version='4.0.1' "
        f"format='6'/><cpnet><globbox><block id='b'><id>Declarations</id>{colours}{variables}"
        f"</block></globbox><page id='pg'><pageattr name='Cell'/>{places}{body}</page>"
        "<instances><instance id='i' page='pg'/></instances></cpnet></workspaceElements>"
    )


def cpncheck_explored() -> tuple[int, float]:
    """Return the markings that cpncheck finds, and its CPU seconds with its verdicts."""
    from cpncheck import CPNModelChecker

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weldcell.cpn"
        path.write_text(cpn_file(SIZE))
        cpu = time.process_time()
        checker = CPNModelChecker(str(path))
        checker.check()
        cpu = time.process_time() - cpu
        return len(checker.state_space().markings), cpu


# -- ours ------------------------------------------------------------------------------------------


def ours_explored() -> tuple[int, float]:
    """Return the markings that we find, without reductions, and our CPU seconds."""
    net = weldcell(*SIZE, cyclic=False).compiled()
    cpu = time.process_time()
    report = verify_net(net, reduced=False)
    assert report.markings is not None, "the net is small"
    return report.markings, time.process_time() - cpu


def ours_fired(size: tuple[int, int, int, int]) -> tuple[int, float]:
    """Return timed firings, and our CPU seconds."""
    net = weldcell(*size, cyclic=True).compiled()
    cpu = time.process_time()
    run = simulate(net, until_ns=10**18, firings_max=FIRINGS, keep=False)
    return run.firings, time.process_time() - cpu


def main() -> None:
    """Print every figure."""
    name = "/".join(map(str, SIZE))
    found = in_turn(
        {
            f"SNAKES {version('SNAKES')}": snakes_explored,
            f"cpncheck {version('cpncheck')}": cpncheck_explored,
            "fabloop": ours_explored,
        }
    )
    ours = found["fabloop"][1]
    for tool, (markings, rate) in found.items():
        ratio = f", {ours / rate:.0f} x slower than fabloop" if rate != ours else ""
        print(f"explore weldcell {name}, {tool}: {markings} markings, {rate:,.0f}/s{ratio}")
    assert len({markings for markings, _ in found.values()}) == 1, "the tools disagree"
    sizes = ((4, 3, 2, 3), (100, 12, 6, 10), (1000, 40, 20, 30))
    fired = in_turn(
        {
            "SNAKES, 4 orders, untimed": snakes_fired,
            **{
                f"fabloop, {size[0]} orders, timed": lambda size=size: ours_fired(size)
                for size in sizes
            },
        }
    )
    peer = fired["SNAKES, 4 orders, untimed"][1]
    for what, (_, rate) in fired.items():
        print(f"fire, {what}: {rate:,.0f} firings/s, {rate / peer:.0f} x")


if __name__ == "__main__":
    main()
