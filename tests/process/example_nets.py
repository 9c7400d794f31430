"""Nets that several tests build: the weld cell and the templates of a production recipe."""

from collections.abc import Callable

from fabloop.process.cpn.net import Net, enum, integer, list_of, product, record


def weldcell(orders: int, robots: int, agvs: int, slots: int, *, cyclic: bool = False) -> Net:
    """Pick an order with a vehicle and a slot, drop, weld (one robot), assemble (two robots)."""
    net = Net("weldcell")
    order, robot = net.colour("Order", integer(0, 9999)), net.colour("Robot", integer(0, 999))
    agv = net.colour("Agv", integer(0, 999))
    todo = net.place("todo", order, initial=range(orders))
    vehicle = net.place("agv", agv, initial=range(agvs))
    slot = net.place("slot", initial=[()] * slots)
    idle = net.place("robot", robot, initial=range(robots))
    moving = net.place("moving", product(order, agv), timed=True)
    at = net.place("at", order)
    welding = net.place("welding", product(order, robot), timed=True)
    welded = net.place("welded", order)
    assembling = net.place("assembling", product(order, robot, robot), timed=True)
    done = todo if cyclic else net.place("done", order)
    net.transition("pick", take={todo: "o", vehicle: "v", slot: "()"}, put={moving: "(o, v)"},
                   delay=30)  # fmt: skip
    net.transition("drop", take={moving: "(o, v)"}, put={at: "o", vehicle: "v"})
    net.transition("weld start", take={at: "o", idle: "r"}, put={welding: "(o, r)"}, delay=50)
    net.transition("weld end", take={welding: "(o, r)"}, put={welded: "o", idle: "r"})
    net.transition("assemble start", take={welded: "o", idle: ("r", "q")}, when="r < q",
                   put={assembling: "(o, r, q)"}, delay=70)  # fmt: skip
    net.transition("assemble end", take={assembling: "(o, r, q)"},
                   put={done: "o", idle: ("r", "q"), slot: "()"})  # fmt: skip
    if not cyclic:
        net.final(f"done == {orders} and robot == {robots} and agv == {agvs} and slot == {slots}")
    return net


def fifo_buffer(orders: int = 4, capacity: int = 2, *, guarded: bool = True) -> Net:
    """T3: a buffer that keeps the order of parts between two stations with one machine each."""
    net = Net("fifo buffer")
    order = net.colour("Order", integer(0, 99))
    source = net.place("source", order, initial=range(orders))
    one = net.place("m1", initial=[()])
    two = net.place("m2", initial=[()])
    w1, w2 = net.place("w1", order), net.place("w2", order)
    fifo = net.place("fifo", list_of(order), initial=[()])
    done = net.place("done", order)
    net.transition("start 1", take={source: "o", one: "()"}, put={w1: "o"})
    net.transition("push", take={w1: "o", fifo: "q"}, put={fifo: "[*q, o]", one: "()"},
                   when=f"len(q) < {capacity}" if guarded else "")  # fmt: skip
    net.transition("pop", take={fifo: "[o, *q]", two: "()"}, put={fifo: "q", w2: "o"})
    net.transition("end 2", take={w2: "o"}, put={done: "o", two: "()"})
    net.final(f"done == {orders}")
    return net


def rework(orders: int = 3, attempts: int = 2, *, limited: bool = True) -> Net:
    """T4: inspection with rework at a shared station and a limit of attempts."""
    net = Net("rework")
    order = net.colour("Order", integer(0, 99))
    tried = net.colour("Tried", product(order, integer(0, 1000)))
    waiting = net.place("in", tried, initial=[(o, 0) for o in range(orders)])
    station = net.place("station", enum("S"), initial=["S"])
    busy, insp = net.place("busy", tried), net.place("insp", tried)
    nok, rw = net.place("nok", tried), net.place("rw", tried)
    done, scrap = net.place("done", order), net.place("scrap", order)
    net.transition("start", take={waiting: "(o, k)", station: "s"}, put={busy: "(o, k)"})
    net.transition("end", take={busy: "(o, k)"}, put={insp: "(o, k)", station: "'S'"})
    net.transition("accept", take={insp: "(o, _)"}, put={done: "o"})
    net.transition("reject", take={insp: "(o, k)"}, put={nok: "(o, k + 1)"},
                   when=f"k < {attempts}" if limited else "")  # fmt: skip
    if limited:
        net.transition("scrap", take={insp: f"(o, {attempts})"}, put={scrap: "o"})
    net.transition("rework start", take={nok: "(o, k)", station: "s"}, put={rw: "(o, k)"})
    net.transition("rework end", take={rw: "(o, k)"}, put={insp: "(o, k)", station: "'S'"})
    net.final(f"done + scrap == {orders}")
    return net


def two_robots(orders: int = 2, *, ordered: bool = False) -> Net:
    """T1b: every order takes two robots one by one; without an order of robots it can block."""
    net = Net("two robots")
    order = net.colour("Order", integer(0, 99))
    wait = net.place("wait", order, initial=range(orders))
    robot = net.place("robot", enum("R1", "R2"), initial=["R1", "R2"])
    held = net.place("held", product(order, enum("R1", "R2")))
    busy = net.place("busy", product(order, enum("R1", "R2"), enum("R1", "R2")))
    done = net.place("done", order)
    first = "'R1'" if ordered else "r"
    net.transition("first", take={wait: "o", robot: first}, put={held: f"(o, {first})"})
    net.transition("second", take={held: "(o, r)", robot: "q"}, put={busy: "(o, r, q)"})
    net.transition("end", take={busy: "(o, r, q)"}, put={done: "o", robot: ("r", "q")})
    net.final(f"done == {orders} and robot == 2")
    return net


def ring(agvs: int = 2, zones: int = 4, *, two_way: bool = False) -> Net:
    """T5: vehicles on zones that hold one each; a lane travelled both ways blocks."""
    net = Net("zones")
    vehicle = net.colour("Vehicle", integer(0, 99))
    zone = net.colour("Zone", integer(0, zones - 1))
    at = net.place("at", product(vehicle, zone), initial=[(n, n) for n in range(agvs)])
    free = net.place("free", zone, initial=range(agvs, zones))
    if two_way:
        net.transition("forward", take={at: "(v, z)", free: "y"}, put={at: "(v, y)", free: "z"},
                       when="y == z + 1")  # fmt: skip
    else:
        net.transition("move", take={at: "(v, z)", free: "y"}, put={at: "(v, y)", free: "z"},
                       when=f"y == (z + 1) % {zones}")  # fmt: skip
    return net


def setup(parts: int = 3, crews: int = 1) -> Net:
    """T6: two machines with two tools, crews that change them, parts that need one tool each."""
    net = Net("setup")
    order, tool = net.colour("Order", integer(0, 99)), net.colour("Tool", enum("a", "b"))
    machine, crew = net.colour("Machine", enum("m1", "m2")), net.colour("Crew", integer(0, 9))
    job = net.colour("Job", record(id=order, tool=tool))
    wait = net.place("wait", job, initial=[{"id": n, "tool": "ab"[n % 2]} for n in range(parts)])
    ready = net.place("mc", product(machine, tool), initial=[("m1", "a"), ("m2", "b")])
    people = net.place("crew", crew, initial=range(crews))
    run, done = net.place("run", product(job, machine)), net.place("done", order)
    changing = net.place("setup", product(machine, tool, crew))
    net.transition("start", take={wait: "j", ready: "(m, t)"}, when="j.tool == t",
                   put={run: "(j, m)"})  # fmt: skip
    net.transition("end", take={run: "(j, m)"}, put={done: "j.id", ready: "(m, j.tool)"})
    net.transition(
        "change",
        take={wait: "Job(tool=t, id=i)", ready: "(m, u)", people: "c"},
        when="t != u",
        put={wait: "Job(id=i, tool=t)", changing: "(m, t, c)"},
    )
    net.transition("changed", take={changing: "(m, t, c)"}, put={ready: "(m, t)", people: "c"})
    net.final(f"done == {parts} and crew == {crews}")
    return net


def transport(orders: int = 3, agvs: int = 2, slots: int = 2) -> Net:
    """T1: transport, weld, assemble at a work station with slots; robots have a skill."""
    net = Net("transport")
    order, agv = net.colour("Order", integer(0, 99)), net.colour("Agv", enum("v1", "v2"))
    robot = net.colour("Robot", product(str, enum("W", "A")))
    queue = net.place("queue", order, initial=range(orders))
    vehicle = net.place("agv", agv, initial=["v1", "v2"][:agvs])
    idle = net.place("robot", robot, initial=[("r1", "W"), ("r2", "A"), ("r3", "A")])
    slot = net.place("slot", initial=[()] * slots)
    moving, at = net.place("moving", product(order, agv)), net.place("at", order, capacity=2)
    welding, welded = net.place("welding", product(order, robot)), net.place("welded", order)
    asm, out = net.place("asm", product(order, robot)), net.place("out", order)
    done = net.place("done", order)
    step = net.transition
    step("transport", take={queue: "o", vehicle: "v", slot: "()"}, put={moving: "(o, v)"})
    step("arrive", take={moving: "(o, v)"}, put={at: "o", vehicle: "v"})
    step("weld", take={at: "o", idle: "(r, 'W')"}, put={welding: "(o, (r, 'W'))"})
    step("weld end", take={welding: "(o, r)"}, put={welded: "o", idle: "r"})
    step("assemble", take={welded: "o", idle: "(r, 'A')"}, put={asm: "(o, (r, 'A'))"})
    step("assemble end", take={asm: "(o, r)"}, put={out: "o", idle: "r"})
    step("release", take={out: "o", vehicle: "v"}, put={done: "o", vehicle: "v", slot: "()"})
    net.final(f"done == {orders} and agv == {agvs} and robot == 3 and slot == {slots}")
    return net


def oven(families: str = "aaabb", size: int = 2, *, flush: bool = True) -> Net:
    """T2: a batch oven for one family at a time; unless flushed, only a full batch starts."""
    net = Net("oven")
    order, family = net.colour("Order", integer(0, 99)), net.colour("Family", enum("-", "a", "b"))
    phase = enum("idle", "fill", "hot", "cool")
    wait = net.place("wait", product(order, family), initial=list(enumerate(families)))
    state = net.place("oven", product(phase, family, integer(0, 9)), initial=[("idle", "-", 0)])
    inside, done = net.place("inside", product(order, family)), net.place("done", order)
    net.transition("open", take={wait: "(o, f)", state: "('idle', _, _)"},
                   put={state: "('fill', f, 1)", inside: "(o, f)"})  # fmt: skip
    net.transition("load", take={wait: "(o, f)", state: "('fill', f, k)"}, when=f"k < {size}",
                   put={state: "('fill', f, k + 1)", inside: "(o, f)"})  # fmt: skip
    net.transition("start", take={state: "('fill', f, k)"}, put={state: "('hot', f, k)"},
                   when="" if flush else f"k == {size}")  # fmt: skip
    net.transition("stop", take={state: "('hot', f, k)"}, put={state: "('cool', f, k)"})
    net.transition("unload", take={state: "('cool', f, k)", inside: "(o, f)"}, when="k > 1",
                   put={state: "('cool', f, k - 1)", done: "o"})  # fmt: skip
    net.transition("unload last", take={state: "('cool', f, 1)", inside: "(o, f)"},
                   put={state: "('idle', '-', 0)", done: "o"})  # fmt: skip
    net.final(f"done == {len(families)}")
    return net


EXAMPLES: dict[str, Callable[[], Net]] = {
    "weldcell": lambda: weldcell(2, 2, 1, 2),
    "fifo": fifo_buffer,
    "rework": lambda: rework(2),
    "two robots": two_robots,
    "ring": ring,
    "setup": setup,
    "transport": transport,
    "oven": oven,
}
