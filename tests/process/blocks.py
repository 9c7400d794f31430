"""Nests of blocks become processes: every construct, put together so that it comes to an end."""

from collections.abc import Callable
from itertools import pairwise

from msgspec.structs import replace

from fabloop.process.bpmn.model import (
    AdHoc,
    BoundaryEvent,
    BpmnProcess,
    CatchEvent,
    EndEvent,
    FlowNode,
    Listener,
    ListenerEvent,
    MultiInstance,
    ReceiveTask,
    SequenceFlow,
    StandardLoop,
    SubProcess,
    SubProcessKind,
    Task,
    ThrowEvent,
)
from fabloop.process.bpmn.triggers import (
    CancelTrigger,
    ConditionTrigger,
    ErrorTrigger,
    EscalationTrigger,
    MessageTrigger,
    SignalTrigger,
    Started,
    TimerTrigger,
)
from process.driver import (
    END,
    START,
    both,
    call,
    error,
    first,
    hear,
    job,
    kill,
    message,
    on,
    page,
    person,
    script,
    some,
    sub,
    tell,
    timer,
    undo,
    undoing,
    undone_by,
    wait,
    xor,
)

Block = tuple  # nested: (kind, *parts)

CONDITIONS = {
    "xor": "modulo(n, {1}) = {0}",
    "or": "modulo(n + {0}, 2) = 0",
    "and": "",
    "ways": "modulo(n + {0}, 2) = 0",
}

EVENTS: dict[str, Started] = {
    "message": MessageTrigger(name="R", correlation_key='"k"'),
    "timer": TimerTrigger(duration="PT2S"),
    "error": ErrorTrigger(code="E"),
    "escalation": EscalationTrigger(code="H"),
    "signal": SignalTrigger(name="Z"),
    "condition": ConditionTrigger(condition="kpi.zap > 0"),
    "cycle": TimerTrigger(cycle="R2/PT2S"),
}
"""What may begin something new; the leaves wait for other messages, signals and KPIs."""

ASKED = (
    Listener(event=ListenerEvent.START, type="before"),
    Listener(event=ListenerEvent.END, type="behind"),
)

LOOPS = {
    "each": MultiInstance(
        collection="for i in 1..modulo(n, 3) return i", element="i",
        output_collection="made", output_element="n + i",
    ),
    "after": MultiInstance(
        sequential=True, cardinality="3", completion_condition="numberOfCompletedInstances = 2"
    ),
    "again": StandardLoop(condition="loopCounter < modulo(n, 3)", maximum="3"),
}  # fmt: skip


class Builder:
    """Turns a block into nodes and flows of one scope; nested scopes get their own."""

    def __init__(self, names: Callable[[str], str]) -> None:
        self.names = names
        self.nodes: list[FlowNode] = []
        self.flows: list[SequenceFlow] = []

    def link(self, source: str, target: str, condition: str = "") -> str:
        name = self.names("f")
        self.flows.append(SequenceFlow(id=name, source=source, target=target, condition=condition))
        return name

    def add(self, node: FlowNode) -> tuple[str, str]:
        self.nodes.append(node)
        return node.id, node.id

    def build(self, block: Block) -> tuple[str, str]:  # noqa: PLR0911  # one per kind
        """Add a block; return the ids of its first and last node."""
        kind, *parts = block
        match kind:
            case "seq":
                ends = [self.build(part) for part in parts[0]]
                for (_, last), (begin, _) in pairwise(ends):
                    self.link(last, begin)
                return ends[0][0], ends[-1][1]
            case "race":
                return self.race(parts[0])
            case "xor" | "and" | "or" | "ways":
                return self.fork(kind, parts[0])
            case "sub" | "each" | "after" | "again":
                return self.add(replace(self.scope(parts[0]), loop=LOOPS.get(kind)))
            case "any":
                return self.add(self.chosen(*parts))
            case "kill":
                return self.add(self.contest(*parts))
            case "tell":
                return self.told(*parts)
            case "late" | "remind" | "error" | "ring" | "notice":
                return self.guard(kind, *parts)
            case "begun":
                return self.add(self.begun(*parts))
            case "tx":
                return self.transaction(parts[0])
            case "turns":
                return self.turns(*parts)
        return self.leaf(kind)

    def leaf(  # noqa: C901, PLR0911, PLR0912  # one per kind
        self, kind: str
    ) -> tuple[str, str]:
        name = self.names(kind)
        match kind:
            case "job":
                return self.add(job(name))
            case "asked":
                return self.add(job(name, listeners=ASKED))
            case "task":
                return self.add(Task(id=name))
            case "script":
                return self.add(script(name, "n + 1", "n"))
            case "wait":
                return self.add(wait(name, "PT3S"))
            case "message":
                return self.add(message(name, "M", '"k"'))
            case "signal":
                return self.add(CatchEvent(id=name, trigger=SignalTrigger(name="S")))
            case "condition":
                trigger = ConditionTrigger(condition="kpi.go > 0")
                return self.add(CatchEvent(id=name, trigger=trigger))
            case "receive":
                sent = MessageTrigger(name="N", correlation_key='"k"')
                return self.add(ReceiveTask(id=name, message=sent))
            case "sign":
                return self.add(person(name))
            case "send":
                sent = MessageTrigger(name="M", correlation_key='"k"', time_to_live="PT2S")
                return self.add(ThrowEvent(id=name, trigger=sent))
            case "shout":
                return self.add(ThrowEvent(id=name, trigger=SignalTrigger(name="S")))
            case "call":
                return self.add(call(name, "called"))
            case "undo":
                return self.add(undo(name))
            case "kept":
                self.nodes += [undone_by(f"{name}.c", name, f"{name}.u"), undoing(f"{name}.u")]
                return self.add(job(name))
        return self.add(page(name, "n"))

    def fork(self, kind: str, parts: list[Block]) -> tuple[str, str]:
        split, merge = self.names("split"), self.names("merge")
        default = ""
        for number, part in enumerate(parts):
            begin, last = self.build(part)
            condition = CONDITIONS[kind].format(number, len(parts)) if number else ""
            flow = self.link(split, begin, condition)
            default = default or flow
            self.link(last, merge)
        match kind:
            case "ways":
                self.nodes += [Task(id=split, default=default), some(merge)]
            case "and":
                self.nodes += [both(split), both(merge)]
            case _:
                deciding = {"xor": xor, "or": some}[kind]
                self.nodes += [deciding(split, default=default), deciding(merge)]
        return split, merge

    def race(self, parts: list[Block]) -> tuple[str, str]:
        """Add a timer and messages of which the first decides the way."""
        gateway, merge = self.names("race"), self.names("merge")
        late = self.names("late")
        self.nodes += [first(gateway), xor(merge), wait(late, "PT4S")]
        self.link(gateway, late)
        self.link(late, merge)
        for number, part in enumerate(parts):
            event = self.names("heard")
            self.nodes.append(message(event, "M" if number == 0 else "N", '"k"'))
            self.link(gateway, event)
            begin, last = self.build(part)
            self.link(event, begin)
            self.link(last, merge)
        return gateway, merge

    def chosen(self, sequential: bool, parts: list[Block]) -> FlowNode:
        """Add an ad-hoc sub-process that begins with all that is in it."""
        boxes = tuple(self.scope(part) for part in parts)
        listed = ", ".join(f'"{box.id}"' for box in boxes)
        rules = AdHoc(sequential=sequential, activities=f"[{listed}]")
        return SubProcess(id=self.names("any"), nodes=boxes, flows=(), ad_hoc=rules)

    def guard(self, kind: str, boxed: bool, body: Block, handler: Block) -> tuple[str, str]:
        host = self.scope(body) if boxed else job(self.names("job"))
        event = self.names(kind)
        self.nodes.append(host)
        if kind == "error":
            self.nodes.append(error(event, host.id, "E"))
        elif kind in ("ring", "notice"):
            number = len(self.nodes) + len(self.flows)
            which = ("message", "signal", "condition", "cycle")[number % 4]
            trigger, interrupting = EVENTS[which], kind == "ring"
            self.nodes.append(BoundaryEvent(id=event, attached_to=host.id, trigger=trigger,
                                            interrupting=interrupting))  # fmt: skip
        else:
            self.nodes.append(timer(event, host.id, "PT2S", interrupting=kind == "late"))
        begin, last = self.build(handler)
        self.link(event, begin)
        if kind in ("remind", "notice"):
            self.nodes.append(EndEvent(id=self.names("done")))
            self.link(last, self.nodes[-1].id)
            return host.id, host.id
        merge = self.names("merge")
        self.nodes.append(xor(merge))
        self.link(host.id, merge)
        self.link(last, merge)
        return host.id, merge

    def told(self, interrupting: bool, body: Block, handler: Block) -> tuple[str, str]:
        """Add a sub-process that escalates in the midst of its work."""
        inner, name, event = Builder(self.names), self.names("box"), self.names("tell")
        begin, last = inner.build(body)
        after, final = inner.build(("job",))
        inner.nodes.append(tell(event))
        for pair in ((f"{name}.s", begin), (last, event), (event, after), (final, f"{name}.e")):
            inner.link(*pair)
        heard, merge = self.names("heard"), self.names("merge")
        self.nodes.append(sub(name, *inner.nodes, links=tuple(inner.flows)))
        self.nodes.append(hear(heard, name, "H", interrupting=interrupting))
        begin, last = self.build(handler)
        self.link(heard, begin)
        self.nodes.append(xor(merge) if interrupting else EndEvent(id=merge))
        self.link(last, merge)
        if not interrupting:
            return name, name
        self.link(name, merge)
        return name, merge

    def contest(self, slow: Block, quick: Block) -> FlowNode:
        """Add a sub-process in which the end of one branch ends the other."""
        inner = Builder(self.names)
        name, split, end = self.names("box"), self.names("split"), self.names("kill")
        inner.nodes += [both(split), kill(end)]
        inner.link(f"{name}.s", split)
        for part, last in ((slow, f"{name}.e"), (quick, end)):
            begin, final = inner.build(part)
            inner.link(split, begin)
            inner.link(final, last)
        return sub(name, *inner.nodes, links=tuple(inner.flows))

    def begun(self, event: str, interrupting: bool, body: Block, response: Block) -> FlowNode:
        """Add a sub-process in which an event begins another; it may escalate to itself."""
        inner, answer = Builder(self.names), Builder(self.names)
        name, own = self.names("box"), self.names("own")
        begin, last = inner.build(body)
        if event == "escalation":
            inner.nodes.append(tell(f"{name}.t"))
            inner.link(last, f"{name}.t")
            last = f"{name}.t"
        inner.link(f"{name}.s", begin)
        inner.link(last, f"{name}.e")
        first_of, last_of = answer.build(response)
        answer.link(f"{own}.s", first_of)
        answer.link(last_of, f"{own}.e")
        inner.nodes.append(
            on(own, EVENTS[event], *answer.nodes, links=tuple(answer.flows),
               interrupting=interrupting or event == "error")
        )  # fmt: skip
        return sub(name, *inner.nodes, links=tuple(inner.flows))

    def transaction(self, block: Block) -> tuple[str, str]:
        """Add a transaction that is cancelled where n is odd, with work beside that it ends."""
        inner = Builder(self.names)
        name, gate, cancel = self.names("tx"), self.names("gate"), self.names("cancel")
        split, merge, after = self.names("split"), self.names("merge"), self.names("merge")
        begin, last = inner.build(("seq", [("kept",), block]))
        beside, slow = inner.build(("job",))
        inner.nodes += [xor(gate, default=f"{gate}.d"), both(split), both(merge),
                        EndEvent(id=cancel, trigger=CancelTrigger())]  # fmt: skip
        for pair in ((f"{name}.s", split), (split, begin), (split, beside), (last, gate),
                     (slow, merge), (merge, f"{name}.e")):  # fmt: skip
            inner.link(*pair)
        inner.link(gate, cancel, "modulo(n, 2) = 1")
        inner.flows.append(SequenceFlow(id=f"{gate}.d", source=gate, target=merge))
        made = sub(name, *inner.nodes, links=tuple(inner.flows))
        self.nodes += [replace(made, kind=SubProcessKind.TRANSACTION), xor(after)]
        event = BoundaryEvent(id=f"{name}.b", attached_to=name, trigger=CancelTrigger())
        self.nodes.append(event)
        self.link(name, after)
        self.link(event.id, after)
        return name, after

    def turns(self, number: int, block: Block) -> tuple[str, str]:
        """Add a loop of flows that passes a block some times."""
        count, merge, gate = self.names("count"), self.names("merge"), self.names("gate")
        begin, last = self.build(block)
        zero, more, out = f"{count}.z", f"{count}.m", self.names("merge")
        self.nodes += [script(zero, "0", count), script(more, f"{count} + 1", count),
                       xor(merge), xor(gate, default=f"{gate}.d"), xor(out)]  # fmt: skip
        for pair in ((zero, merge), (merge, begin), (last, more), (more, gate)):
            self.link(*pair)
        self.link(gate, merge, f"{count} < {number}")
        self.flows.append(SequenceFlow(id=f"{gate}.d", source=gate, target=out))
        return zero, out

    def scope(self, block: Block) -> FlowNode:
        inner = Builder(self.names)
        name = self.names("box")
        begin, last = inner.build(block)
        inner.link(f"{name}.s", begin)
        inner.link(last, f"{name}.e")
        return sub(name, *inner.nodes, links=tuple(inner.flows))


def built(block: Block) -> BpmnProcess:
    count = [0]

    def names(prefix: str) -> str:
        count[0] += 1
        return f"{prefix}{count[0]}"

    builder = Builder(names)
    begin, last = builder.build(block)
    builder.link("start", begin)
    builder.link(last, "end")
    return BpmnProcess(id="p", nodes=(START, *builder.nodes, END), flows=tuple(builder.flows))
