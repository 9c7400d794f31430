"""Who hears of an error or escalation, and what may throw one, as far as a definition tells."""

from typing import Literal

from fabloop.process.definition import (
    NOWHERE,
    Call,
    Definition,
    Escalate,
    Job,
    Node,
    Person,
    Respond,
    Scope,
    ScopeKind,
)
from fabloop.process.verify.draft import Draft
from fabloop.process.verify.thrower import Thrower

Kind = Literal["catches", "escalations"]
"""The table of a node or scope in which a code is looked up."""


def hearer_of(definition: Definition, node: Node, code: str, kind: Kind) -> Node | None:
    """Return the boundary event or event sub-process that hears first of what a node throws."""
    scope, through = definition.scopes[node.scope], node
    while True:
        number = _listed(getattr(scope, kind), code, through)
        if number != NOWHERE or scope.owner == NOWHERE:
            return definition.nodes[number] if number != NOWHERE else None
        through = definition.nodes[scope.owner]
        number = _listed(getattr(through, kind), code)
        if number != NOWHERE:
            return definition.nodes[number]
        scope = definition.scopes[scope.parent]


def callers_of(
    draft: Draft, scope: Scope, code: str, event: Node, response: Node | None = None
) -> list[Thrower]:
    """Return the calls in a scope of which an event may hear an escalation of this code.

    Only where nothing of the process itself tells it: that it hears twice is no fault.
    """
    definition = draft.definition
    for node in definition.nodes:
        action = node.action
        if isinstance(action, Escalate):
            hearer = hearer_of(definition, node, action.code, "escalations")
            if hearer is not None and hearer.number == event.number:
                return []
    return throwers_of(draft, scope, code, "escalations", response)


def _listed(table: dict[str, int], code: str, through: Node | None = None) -> int:
    """Return who is listed for a code; an event sub-process hears nothing of what it throws."""
    apart = NOWHERE
    if through is not None and isinstance(through.action, Respond):
        if through.action.interrupting:
            return NOWHERE
        apart = through.number
    for name in (code, ""):
        number = table.get(name, NOWHERE)
        if number not in (NOWHERE, apart):
            return number
    return NOWHERE


def _surely(table: dict[str, int], code: str, through: Node | None = None) -> bool:
    """Whether what has a code (empty: any) is heard by one of a table in any case."""
    return _listed(table, code or "", through) != NOWHERE if code else "" in table


def _is_deaf_to(response: Node, node: Node) -> bool:
    """Whether an event sub-process hears nothing of what comes out of a node of its scope."""
    action = node.action
    return isinstance(action, Respond) and (action.interrupting or node.number == response.number)


def throwers_of(
    draft: Draft, scope: Scope, code: str, kind: Kind, response: Node | None = None
) -> list[Thrower]:
    """Return the work in progress of which a code (empty: any) leaves the scope.

    With an event sub-process `response`: that which it hears of.
    """
    if scope.kind is ScopeKind.PAGE:
        firing = draft.pages[scope.number].firing.items() if kind == "catches" else ()
        return [Thrower(fields=(field,), back=taken) for field, taken in firing]
    throwers: list[Thrower] = []
    for node in draft.nodes_of(scope):
        if _surely(getattr(node, kind), code):
            continue
        if response is None and _surely(getattr(scope, kind), code, node):
            continue
        if response is not None and _is_deaf_to(response, node):
            continue
        if (inner := draft.scope_in(node)) is not None:
            throwers += throwers_of(draft, inner, code, kind)
        elif isinstance(node.action, Job | Person | Call if kind == "catches" else Call):
            fields = [draft.busy(node)] if draft.splits(node) else draft.entries(node)
            throwers += [Thrower(fields=(field,)) for field in fields]
    return throwers
