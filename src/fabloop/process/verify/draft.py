"""The flat net of a process in the making: its fields, and what is common to all elements.

A family of elements is a module that says, by a `Mapping` per action, how its nodes become
transitions (`elements` gathers them all).
"""

from collections.abc import Callable, Iterable

import msgspec

from fabloop.process.definition import (
    NOWHERE,
    Again,
    BoundaryUndo,
    Definition,
    Enter,
    Node,
    Respond,
    Rounds,
    Scope,
    ScopeKind,
)
from fabloop.process.verify.environment import Environment
from fabloop.process.verify.flat import Bound, BoundKind, FlatPlace, FlatTransition, Limits, Refund
from fabloop.process.verify.thrower import NOBODY, Thrower
from fabloop.process.verify.unfold import Page, Unfolding


class Draft:
    """Fields and transitions of one process; families of elements add to it."""

    def __init__(
        self,
        definition: Definition,
        environment: Environment,
        limits: Limits,
        mappings: "dict[type, Mapping]",
    ) -> None:
        self.definition = definition
        self.environment = environment
        self.mappings = mappings
        self.net = Unfolding(limits)
        self.pages: dict[int, Page] = {}
        self.bounds: list[Bound] = []
        self.elements: dict[str, None] = {}
        self.undoers = {node.handler for node in definition.nodes} - {NOWHERE}

    def mapping(self, node: Node) -> "Mapping":
        """Return how the node's kind of element is put into the net."""
        return self.mappings[type(node.action)]

    def nodes_of(self, scope: Scope) -> list[Node]:
        """Return the nodes that stand directly in a scope."""
        return [self.definition.nodes[number] for number in scope.nodes]

    def scope_in(self, node: Node) -> Scope | None:
        """Return the scope that a node opens, if it opens one."""
        action = node.action
        if not isinstance(action, Enter | Respond | Rounds | Again):
            return None
        return self.definition.scopes[action.scope]

    # -- fields -------------------------------------------------------------------------------

    def field(self, role: str, number: int, name: str) -> int:
        """Return the field of a role (``armed``, ``passed`` ...) of a node or flow."""
        return self.net.field((role, number), name)

    def bounded(self, role: str, number: int, name: str, of: str, kind: BoundKind) -> int:
        """Return a field that holds at most one token in a sound process."""
        known = len(self.net.names)
        field = self.field(role, number, name)
        if field == known:
            self.bounds.append(Bound(name=of, kind=kind, fields=(field,), most=1))
        return field

    def flow(self, number: int) -> int:
        """Return the field of a sequence flow."""
        flow = self.definition.flows[number]
        return self.bounded("flow", number, flow.id, flow.id, BoundKind.SAFE)

    def busy(self, node: Node) -> int:
        """Return the field of an activity that begins and ends.

        One that is entered twice at once is as unsafe as a flow with two tokens.
        """
        name = f"{node.id} in progress"
        return self.bounded("busy", node.number, name, node.id, BoundKind.SAFE)

    def armed(self, number: int) -> int:
        """Return the field of an event that may still happen once."""
        return self.field("armed", number, f"{self.definition.nodes[number].id} armed")

    def incoming(self, node: Node) -> list[dict[int, int]]:
        """Return, per incoming flow, what taking its token takes."""
        return [{field: 1} for field in self.entries(node)]

    def entries(self, node: Node) -> list[int]:
        """Return the fields that hold a token on its way into a node."""
        scope = self.definition.scopes[node.scope]
        if scope.kind is ScopeKind.ROUND:
            return [self.field("round", scope.number, f"{node.id} in a round")]
        if node.number in self.undoers:
            return [self.field("undo", node.number, f"{node.id} is to undo")]
        return [self.flow(flow) for flow in node.incoming]

    def outgoing(self, node: Node) -> dict[int, int]:
        """Return one token per outgoing flow; one that is spread later, where conditions say."""
        if node.decides:
            return {self.left_by(node): 1}
        return {self.flow(flow): 1 for flow in node.outgoing}

    def left_by(self, node: Node) -> int:
        """Return the field of an activity that is done and whose conditions are to be read."""
        return self.field("left", node.number, f"{node.id} is left")

    def splits(self, node: Node) -> bool:
        """Tell whether an activity begins and ends, because something may happen in between."""
        events = (self.definition.nodes[number].action for number in node.boundary)
        return self.scope_in(node) is not None or any(
            not isinstance(event, BoundaryUndo) for event in events
        )

    def tokens_at(self, node: Node) -> set[int]:
        """Return the fields that tell of a token at a node."""
        left = [self.left_by(node)] if node.decides else []
        return {*self.entries(node), *self.mapping(node).holds(self, node), *left}

    def control(self, scope: Scope) -> frozenset[int]:
        """Return the fields of which one holds a token as long as the scope is active."""
        fields = {self.flow(flow) for flow in scope.flows}
        for node in self.nodes_of(scope):
            fields |= self.tokens_at(node)
        return frozenset(fields)

    def left(self, scope: Scope) -> frozenset[int]:
        """Return the fields in which a finished scope may leave a token behind."""
        return frozenset(
            field
            for node in self.nodes_of(scope)
            for field in self.mapping(node).leaves(self, node)
        )

    def content(self, scope: Scope) -> frozenset[int]:
        """Return every field of a scope and the scopes inside: what interrupting it clears."""
        if scope.kind is ScopeKind.PAGE:
            return frozenset(self.pages[scope.number].local)
        fields = self.control(scope) | self.left(scope)
        for node in self.nodes_of(scope):
            fields |= set(self.mapping(node).inside(self, node))
        return fields

    def refunds(self, scope: Scope) -> tuple[Refund, ...]:
        """Return the shared tokens that work in progress gives back when it is interrupted."""
        refunds: list[Refund] = []
        if scope.kind is ScopeKind.PAGE:
            for firing, taken in self.pages[scope.number].firing.items():
                refunds += [Refund(firing, field, count) for field, count in taken.items()]
        for node in self.nodes_of(scope):
            inner = self.scope_in(node)
            refunds += self.refunds(inner) if inner is not None else ()
        return tuple(refunds)

    def places(self) -> list[FlatPlace]:
        """Return what bounds are told of: flows and activities."""
        kinds = (BoundKind.SAFE, BoundKind.END)
        return [FlatPlace(bound.name, bound.fields) for bound in self.bounds if bound.kind in kinds]

    # -- transitions --------------------------------------------------------------------------

    def add(self, label: str, element: str, pre: dict[int, int], post: dict[int, int]) -> None:
        """Add a transition that only takes and puts; `element` is alive if it can fire."""
        elements = (element,) if element else ()
        self.net.add(FlatTransition(label=label, elements=elements, pre=pre, post=post))

    def interrupted(self, host: Node, event: Node, thrower: Thrower = NOBODY) -> None:
        """Add the transition that ends `host` early and continues behind `event`."""
        clears = set(self.mapping(host).inside(self, host))
        inner = self.scope_in(host)
        self.net.add(
            FlatTransition(
                label=", ".join((*thrower.elements, event.id)),
                elements=(*thrower.elements, event.id),
                pre={self.busy(host): 1, **dict.fromkeys(thrower.fields, 1)},
                post={**self.outgoing(event), **thrower.back},
                clears=frozenset(clears),
                refunds=self.refunds(inner) if inner is not None else (),
            )
        )  # fmt: skip


Fields = Callable[[Draft, Node], Iterable[int]]


def no_fields(_draft: Draft, _node: Node) -> Iterable[int]:
    """Return nothing: the node has no field of its own."""
    return ()


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """How one kind of element becomes part of the flat net.

    Attributes
    ----------
    add : adds its transitions; tells whether the element is expected to happen at least once
    knows : fields of the action that are looked at, or change nothing for the verification; any
        other that is set is reported by name as not verified
    holds : fields of which one holds a token while a token is at the node, flows apart
    leaves : fields in which it leaves a token that its scope takes away when it completes
    inside : what interrupting it clears
    """

    add: Callable[[Draft, Node], bool]
    knows: frozenset[str] = frozenset()
    holds: Fields = no_fields
    leaves: Fields = no_fields
    inside: Fields = no_fields
