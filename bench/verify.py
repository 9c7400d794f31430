"""Prints markings per second of the verifier and timed firings per second of the simulator.

Run: ``python bench/verify.py``. CPU seconds of one process; the machine's other load matters.
"""

import platform
import time
from collections.abc import Callable
from typing import TypeVar

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
from fabloop.process.cpn.net import Net, integer, product
from fabloop.process.cpn.simulate import simulate
from fabloop.process.verify.report import verify, verify_net

T = TypeVar("T")


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


if __name__ == "__main__":
    main()
