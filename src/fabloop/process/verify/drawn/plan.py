"""The flat net of a drawing in the making: its fields, and what scopes hold."""

from collections.abc import Hashable
from itertools import combinations
from typing import TypeVar

from fabloop.process.verify.drawn.drawing import ACTIVITIES, Drawing, MessageFlow, Node, Scope
from fabloop.process.verify.environment import Environment, Openness
from fabloop.process.verify.flat import (
    Bound,
    BoundKind,
    Exceeded,
    FlatPlace,
    FlatTransition,
    Limits,
)

T = TypeVar("T")

CHOSEN_FLOWS_MAX = 10
"""Flows of which any set may be chosen, or come together, at one node."""


class Plan:
    """Fields and transitions of one drawing."""

    def __init__(self, drawing: Drawing, environment: Environment, limits: Limits) -> None:
        self.drawing = drawing
        self.environment = environment
        self.limits = limits
        self.numbers: dict[Hashable, int] = {}
        self.names: list[str] = []
        self.bounds: list[Bound] = []
        self.places: list[FlatPlace] = []
        self.transitions: list[FlatTransition] = []
        self.boundary: dict[str, list[Node]] = {}
        for node in drawing.nodes:
            if node.kind == "boundaryEvent":
                self.boundary.setdefault(node.host, []).append(node)

    # -- fields -------------------------------------------------------------------------------

    def field(self, role: str, key: int, name: str) -> int:
        """Return the number of a field, made when first asked for."""
        number = self.numbers.setdefault((role, key), len(self.names))
        if number == len(self.names):
            self.names.append(name)
            self.places.append(FlatPlace(name, (number,)))
        return number

    def _single(self, role: str, key: int, name: str, of: str, kind: BoundKind) -> int:
        known = len(self.names)
        field = self.field(role, key, name)
        if field == known:
            self.bounds.append(Bound(name=of, kind=kind, fields=(field,), most=1))
        return field

    def flow(self, number: int) -> int:
        """Return the field of a sequence flow."""
        name = self.drawing.flows[number].id
        return self._single("flow", number, name, name, BoundKind.SAFE)

    def begun(self, node: Node) -> int:
        """Return the field of a node that starts by itself, having no flow into it."""
        return self._single("begun", node.number, f"{node.id} begun", node.id, BoundKind.SAFE)

    def busy(self, node: Node) -> int:
        """Return the field of an activity in progress."""
        name = f"{node.id} in progress"
        return self._single("busy", node.number, name, node.id, BoundKind.SAFE)

    def end(self, node: Node) -> int:
        """Return the field that tells that an end was reached."""
        return self._single("end", node.number, f"{node.id} reached", node.id, BoundKind.END)

    def passed(self, node: Node) -> int:
        """Return the field of an inclusive gateway that has joined and will choose."""
        return self.field("passed", node.number, f"{node.id} passed")

    def armed(self, node: Node) -> int:
        """Return the field of an event that may still happen once."""
        return self.field("armed", node.number, f"{node.id} armed")

    def message(self, flow: MessageFlow) -> int:
        """Return the field of a message under way."""
        number = self.drawing.messages.index(flow)
        return self.field("message", number, f"message {flow.id}")

    # -- nodes --------------------------------------------------------------------------------

    def entries(self, node: Node) -> list[int]:
        """Return the fields from which a token comes to a node."""
        behind = [self.drawing.flows[flow] for flow in node.incoming]
        fields = [
            self.flow(flow.number)
            for flow in behind
            if self.drawing.nodes[flow.source].kind != "eventBasedGateway" or not self.catches(node)
        ]
        return [*fields, self.begun(node)] if self.starts_itself(node) else fields

    def starts_itself(self, node: Node) -> bool:
        """Tell whether a node without a flow into it starts with its scope.

        It does where the scope has no start event, unless it is a process and the outside is
        closed: nobody starts it.
        """
        if node.incoming or node.kind in ("startEvent", "boundaryEvent") or node.handles:
            return False
        if node.compensates or (node.kind == "intermediateCatchEvent" and self.links(node)):
            return False
        scope = self.drawing.scopes[node.scope]
        if any(self.drawing.nodes[n].kind == "startEvent" for n in scope.nodes):
            return False
        return scope.owner >= 0 or self.environment.messages is Openness.OPEN

    def links(self, node: Node) -> bool:
        """Tell whether an event is one end of a link."""
        return node.trigger.kind == "link"

    def catches(self, node: Node) -> bool:
        """Tell whether a node waits for something when it is behind an event-based gateway."""
        return node.kind in ("intermediateCatchEvent", "receiveTask")

    def receives(self, node: Node) -> bool:
        """Tell whether a node waits for messages.

        A task does if a node of the drawing sends it one; what a mere pool sends is left aside.
        """
        if node.kind in ACTIVITIES and node.kind != "receiveTask":
            return any(m.target == node.number and m.source >= 0 for m in self.drawing.messages)
        if node.kind == "receiveTask":
            return True
        caught = ("startEvent", "intermediateCatchEvent", "boundaryEvent")
        return node.kind in caught and any(each.kind == "message" for each in node.triggers)

    def splits(self, node: Node) -> bool:
        """Tell whether an activity begins and ends, because something happens in between."""
        return node.inner >= 0 or bool(self.boundary.get(node.id))

    def sends(self, node: Node) -> dict[int, int]:
        """Return the messages that a node sends to nodes which wait for them."""
        return {
            self.message(flow): 1
            for flow in self.drawing.messages
            if flow.source == node.number
            and flow.target >= 0
            and self.receives(self.drawing.nodes[flow.target])
        }

    def leaves(self, node: Node) -> list[dict[int, int]]:
        """Return what leaving a node may put: every flow, or a choice where flows ask for one."""
        flows = [self.drawing.flows[flow] for flow in node.outgoing]
        chosen = [flow for flow in flows if flow.conditional and flow.id != node.default]
        always = [flow for flow in flows if not flow.conditional and flow.id != node.default]
        default = [flow for flow in flows if flow.id == node.default]
        ways = [always] if always or not (chosen or default) else [default] if default else []
        ways += [[*always, *some] for some in subsets(chosen, node.id)]
        sent = self.sends(node)
        return [{**{self.flow(flow.number): 1 for flow in way}, **sent} for way in ways]

    def occurs(self, node: Node) -> list[dict[int, int]]:
        """Return what it may take for an event to happen; nothing where it never does."""
        if self.receives(node):
            flows = [flow for flow in self.drawing.messages if flow.target == node.number]
            ways = [{self.message(flow): 1} for flow in flows if flow.source >= 0]
            outside = not ways or any(flow.source < 0 for flow in flows)
            if outside and self.environment.messages is Openness.OPEN:
                ways.append({})
            return ways
        match node.trigger.kind:
            case "none" | "conditional":
                return [{}]
            case "timer":
                return [{}] if self.environment.timers is Openness.OPEN else []
            case "signal" | "reference":
                return [{}] if self.environment.messages is Openness.OPEN else []
            case "error" | "escalation":
                return [{}] if self.environment.errors is Openness.OPEN else []
            case _:
                return []

    # -- scopes -------------------------------------------------------------------------------

    def nodes_of(self, scope: Scope) -> list[Node]:
        """Return the nodes directly in a scope."""
        return [self.drawing.nodes[number] for number in scope.nodes]

    def handlers(self, scope: Scope) -> list[Node]:
        """Return the event sub-processes of a scope that have a content."""
        return [node for node in self.nodes_of(scope) if node.handles and node.inner >= 0]

    def holds(self, node: Node) -> set[int]:
        """Return the fields that tell of a token at a node, flows into it apart."""
        fields = {self.begun(node)} if self.starts_itself(node) else set()
        if node.kind in ACTIVITIES and self.splits(node):
            fields.add(self.busy(node))
        if node.kind == "inclusiveGateway":
            fields.add(self.passed(node))
        return fields

    def control(self, scope: Scope) -> frozenset[int]:
        """Return the fields of which one holds a token as long as the scope is active."""
        fields = {self.flow(flow) for flow in scope.flows}
        for node in self.nodes_of(scope):
            fields |= self.holds(node)
        return frozenset(fields)

    def left(self, scope: Scope) -> frozenset[int]:
        """Return the fields in which a finished scope may leave a token."""
        ends = {self.end(node) for node in self.nodes_of(scope) if node.kind == "endEvent"}
        return frozenset(ends | {self.armed(each) for each in self.handlers(scope)})

    def timers(self, node: Node) -> list[int]:
        """Return the fields of the events at an activity that do not interrupt it."""
        events = self.boundary.get(node.id, [])
        return [self.armed(event) for event in events if not event.interrupting]

    def inside(self, node: Node) -> frozenset[int]:
        """Return what interrupting an activity clears."""
        inner = self.drawing.scopes[node.inner] if node.inner >= 0 else None
        return frozenset(self.timers(node)) | (self.content(inner) if inner else frozenset())

    def content(self, scope: Scope) -> frozenset[int]:
        """Return every field of a scope and the scopes inside."""
        fields = self.control(scope) | self.left(scope)
        for node in self.nodes_of(scope):
            fields |= self.inside(node)
        return fields

    # -- transitions --------------------------------------------------------------------------

    def add(
        self,
        elements: tuple[Node, ...],
        pre: dict[int, int],
        post: dict[int, int],
        *,
        label: str = "",
        zero: frozenset[int] = frozenset(),
        clears: frozenset[int] = frozenset(),
    ) -> None:
        """Append a transition; `elements` are alive if it can fire."""
        number = len(self.transitions)
        shown = label or ", ".join(each.id for each in elements)
        if number >= self.limits.bindings:
            raise Exceeded(f"more than {self.limits.bindings} bindings, at {shown!r}")
        self.transitions.append(
            FlatTransition(
                label=shown, elements=tuple(each.id for each in elements), pre=pre, post=post,
                zero=zero, clears=clears, steps=(number,),
            )
        )  # fmt: skip


def subsets(items: list[T], name: str) -> list[list[T]]:
    """Return every set of one or more."""
    if len(items) > CHOSEN_FLOWS_MAX:
        raise Exceeded(f"more than {CHOSEN_FLOWS_MAX} flows to choose from, at {name!r}")
    sizes = range(1, len(items) + 1)
    return [list(some) for size in sizes for some in combinations(items, size)]
