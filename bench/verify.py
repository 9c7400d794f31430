"""Prints markings per second of the verifier and timed firings per second of the simulator.

Run: ``python bench/verify.py [ARCS]``. CPU seconds of one process; the machine's other load
matters. Where `FABLOOP_DATA` is, a table of its nets and drawings follows: what was published of
each, and what was found. ARCS is how many arcs a net may have to be explored to its end (20,000);
of a larger one little is explored, unless tokens that are not told apart make it small.
"""

import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from fabloop.base.errors import Invalid
from fabloop.process.bpmn.compile import compile_process
from fabloop.process.bpmn.model import (
    BpmnProcess,
    EndEvent,
    JobWork,
    ParallelGateway,
    SequenceFlow,
    ServiceTask,
    StartEvent,
)
from fabloop.process.cpn.document import compile_net
from fabloop.process.cpn.net import Net, integer, product
from fabloop.process.cpn.pnml import read_pnml
from fabloop.process.cpn.simulate import simulate
from fabloop.process.verify.drawn.read import read_drawing
from fabloop.process.verify.environment import CLOSED
from fabloop.process.verify.explore import Property
from fabloop.process.verify.flat import Exceeded, Limits
from fabloop.process.verify.net_steps import Partial
from fabloop.process.verify.quotient import quotient_of
from fabloop.process.verify.report import flat_net, verify, verify_drawing, verify_net
from fabloop.process.verify.verdict import Verdict, Verification

T = TypeVar("T")

NETS = Path(os.environ.get("FABLOOP_DATA", "../shared/data")) / "nets"
LIMITS = Limits(bindings=10_000, values=3_000, looks=200_000)
MERGED_SHARE = 20
"""Of a net with too many arcs only so much is looked at: its tokens are compared one by one."""
CROSS_CHECKED = {
    "safeness": Property.SAFE,
    "option_to_complete_no_stuck_state": Property.DEADLOCK_FREE,
    "proper_completion": Property.PROPER_COMPLETION,
    "no_dead_activities": Property.NO_DEAD_ELEMENT,
}


def weldcell(orders: int, robots: int, agvs: int, slots: int, *, cyclic: bool) -> Net:
    """Pick, drop, weld with one robot, assemble with two; identities are kept."""
    net = Net("weldcell")
    order, robot, agv = integer(0, 9999), integer(0, 999), integer(0, 998)
    todo = net.place("todo", order, initial=range(orders))
    vehicle = net.place("agv", agv, initial=range(agvs))
    slot = net.place("slot", initial=[()] * slots)
    idle = net.place("robot", robot, initial=range(robots))
    moving = net.place("moving", product(order, agv), timed=True)
    at, welded = net.place("at", order), net.place("welded", order)
    welding = net.place("welding", product(order, robot), timed=True)
    busy = net.place("assembling", product(order, robot, robot), timed=True)
    done = todo if cyclic else net.place("done", order)
    net.transition(
        "pick", take={todo: "o", vehicle: "v", slot: "()"}, put={moving: "(o, v)"}, delay=30
    )
    net.transition("drop", take={moving: "(o, v)"}, put={at: "o", vehicle: "v"})
    net.transition("weld", take={at: "o", idle: "r"}, put={welding: "(o, r)"}, delay=50)
    net.transition("welded", take={welding: "(o, r)"}, put={welded: "o", idle: "r"})
    net.transition(
        "join",
        take={welded: "o", idle: ("r", "q")},
        when="r < q",
        put={busy: "(o, r, q)"},
        delay=70,
    )
    net.transition(
        "joined", take={busy: "(o, r, q)"}, put={done: "o", idle: ("r", "q"), slot: "()"}
    )
    if not cyclic:
        net.final(f"done == {orders}")
    return net


def branches(number: int, tasks: int) -> BpmnProcess:
    """Return parallel branches of tasks between a fork and a join."""
    nodes: list[ServiceTask] = []
    links = [("start", "fork"), ("join", "end")]
    for branch in range(number):
        before = "fork"
        for step in range(tasks):
            name = f"t{branch}.{step}"
            nodes.append(ServiceTask(id=name, work=JobWork(type="do")))
            links.append((before, name))
            before = name
        links.append((before, "join"))
    gates = (ParallelGateway(id="fork"), ParallelGateway(id="join"))
    flows = tuple(SequenceFlow(id=f"{a}-{b}", source=a, target=b) for a, b in links)
    both = (StartEvent(id="start"), EndEvent(id="end"))
    return BpmnProcess(id="branches", nodes=(*both, *gates, *nodes), flows=flows)


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """Return the result of the fastest of three runs and its CPU seconds."""
    best: tuple[T, float] | None = None
    for _ in range(3):
        begun = time.process_time()
        result = work()
        took = time.process_time() - begun
        if best is None or took < best[1]:
            best = (result, took)
    assert best is not None
    return best


def print_published(arcs: int) -> None:
    """Print the table of nets and drawings of which something was published."""
    published = json.loads((NETS / "manifest.json").read_text())
    print("| model | against what was published | markings | arcs | CPU s | explored |")
    print("|---|---|---|---|---|---|")
    for case in published["mcc"]:
        print(f"| {case['model']} | {' | '.join(_net_row(case, arcs))} |")
    for case in published["bpmn"]:
        print(f"| {case['file']} | {' | '.join(_drawing_row(case))} |")


def _net_row(case: dict[str, Any], arcs: int) -> tuple[str, ...]:
    begun = time.process_time()
    try:
        net = compile_net(read_pnml((NETS / case["file"]).read_bytes(), case["file"]))
    except Invalid as invalid:
        return (f"refused: {invalid.faults[0].sentence()}", "", "", "", "")
    limits = msgspec.structs.replace(LIMITS, markings=arcs, arcs=2 * arcs)
    try:
        flat = flat_net(net, limits)
    except (Exceeded, Partial) as limit:
        return (f"not tried: {limit}", "", "", "", "")
    small = case["transitions"] is not None and float(case["transitions"]) <= arcs
    if not small and not quotient_of(flat).merged:
        return ("not tried: too many arcs, or none published", "", "", "", "")
    if not small:
        limits = msgspec.structs.replace(limits, markings=arcs // MERGED_SHARE)
    report = verify_net(net, counted=True, limits=limits)
    wrong = [
        f"{name}: {value}"
        for name, value in (
            ("states", str(report.markings)),
            ("transitions", str(report.arcs)),
            ("deadlock", str(report.dead_markings > 0).upper()),
            ("quasi_live", str(not report.dead_transitions).upper()),
        )
        if case[name] not in (None, value)
    ]
    return _row(report, wrong, begun, published=case["states"] is not None)


def _drawing_row(case: dict[str, Any]) -> tuple[str, ...]:
    begun = time.process_time()
    drawing = read_drawing((NETS / "bpmn" / case["file"]).read_bytes())
    report = verify_drawing(drawing, environment=CLOSED, counted=True)
    wanted = {CROSS_CHECKED[name]: holds for name, holds in case.get("consensus", {}).items()}
    wanted |= dict.fromkeys(CROSS_CHECKED.values(), True) if "violations" in case else {}
    for name in case.get("expected_by_test_name") or ():
        wanted[Property(name.replace("_", " "))] = False
    wrong = [
        f"{which}: {report.finding(which).verdict}"
        for which, holds in wanted.items()
        if (report.finding(which).verdict is Verdict.HOLDS) != holds
    ]
    if case.get("states_published", report.markings) != report.markings:
        wrong.append(f"states: {report.markings}")
    return _row(report, wrong, begun, published=bool(wanted))


def _row(
    report: Verification, wrong: list[str], begun: float, *, published: bool
) -> tuple[str, ...]:
    judged = f"DIFFERENT, {', '.join(wrong)}" if wrong else "equal"
    if not report.exhaustive:
        judged = "not exhaustive"
    elif not published:
        judged = "nothing published"
    counts = [f"{n:,}" if n < 10**12 else f"{n:.3e}" for n in (report.markings, report.arcs)]
    return (judged, *counts, f"{time.process_time() - begun:.2f}", report.explored)


def main() -> None:
    """Print every figure, with the machine."""
    print(f"{platform.machine()}, Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}")
    for orders in (4, 5, 6):
        net = weldcell(orders, 3, 2, 3, cyclic=False).compiled()
        report, took = timed(lambda net=net: verify_net(net, reduced=False))
        print(
            f"verify weldcell {orders}/3/2/3: {report.markings} markings, {report.arcs} arcs, "
            f"{took:.3f} s, {report.markings / took:,.0f} markings/s, "
            f"{report.arcs / took:,.0f} arcs/s"
        )
    for number, tasks in ((5, 5), (15, 1), (40, 1)):
        definition = compile_process(branches(number, tasks), {}, 1)
        if number < 40:
            report, took = timed(lambda d=definition: verify(d, reduced=False))
            print(
                f"verify {number} branches of {tasks}: {report.markings} markings, {took:.3f} s, "
                f"{report.markings / took:,.0f} markings/s"
            )
        report, took = timed(lambda d=definition: verify(d))
        print(f"  reduced first: {report.markings} markings, {took * 1000:.1f} ms")
    for orders, robots, agvs, slots in ((4, 3, 2, 3), (100, 12, 6, 10), (1000, 40, 20, 30)):
        net = weldcell(orders, robots, agvs, slots, cyclic=True).compiled()
        run, took = timed(
            lambda net=net: simulate(net, until_ns=10**15, firings_max=100_000, keep=False)
        )
        print(f"simulate {orders} orders, {robots} robots: {run.firings / took:,.0f} firings/s")
    for orders in (6, 30, 120):
        net = weldcell(orders, 3, 2, 3, cyclic=False).compiled()
        report, took = timed(lambda net=net: verify_net(net, counted=True))
        print(f"verify weldcell {orders}/3/2/3: {report.markings:.4e} markings, {took:.3f} s")
        print(f"  {report.explored}")
    if (NETS / "manifest.json").exists():
        print_published(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)


if __name__ == "__main__":
    main()
