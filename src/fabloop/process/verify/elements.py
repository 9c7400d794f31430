"""Every element that can be verified, and a check that nothing else is in a process.

To add a kind of element, write its `Mapping` in a module of its family and join it here. What is
not joined, or says more than its mapping knows, is named as not verified: it never counts as
proven.
"""

from collections.abc import Iterator

import msgspec

from fabloop.process.definition import Definition, Flow, Node, Scope, ScopeKind
from fabloop.process.verify.activities import ACTIVITIES, shares_at_once
from fabloop.process.verify.draft import Mapping
from fabloop.process.verify.errors import ERRORS
from fabloop.process.verify.events import EVENTS
from fabloop.process.verify.gateways import GATEWAYS
from fabloop.process.verify.responses import RESPONSES
from fabloop.process.verify.undoing import UNDOING

MAPPINGS: dict[type, Mapping] = {
    **ACTIVITIES,
    **GATEWAYS,
    **EVENTS,
    **ERRORS,
    **RESPONSES,
    **UNDOING,
}

SCOPES = frozenset(ScopeKind) - {ScopeKind.AD_HOC}


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


KNOWN: dict[type, frozenset[str]] = {
    Node: _names(
        "number id name scope action incoming outgoing joins inputs outputs boundary watches"
        " catches escalations keeps decides default handler cancelled"
    ),
    Flow: _names("number id source target condition waits"),
    Scope: _names(
        "number kind owner parent start starts nodes flows joins merges net entry exit fusion data"
        " catches escalations undo listens"
    ),
}
"""Fields of a definition's parts that are looked at, or change nothing for the verification."""


def not_verified(definition: Definition) -> list[str]:
    """Return, by element, what the process has and the flat net has no mapping for."""
    found: list[str] = []
    for scope in definition.scopes:
        owner = definition.nodes[scope.owner].id if scope.owner >= 0 else definition.id
        if scope.kind not in SCOPES:
            found.append(f"element '{owner}' (a scope of kind {scope.kind.value})")
        found += [f"element '{owner}' ({what})" for what in _beyond(scope, KNOWN[Scope])]
        if scope.net is not None and any(t.inhibits or t.resets for t in scope.net.transitions):
            found.append(f"element '{owner}' (a page that tests or empties places)")
    for node in definition.nodes:
        mapping = MAPPINGS.get(type(node.action))
        if mapping is None:
            found.append(f"element '{node.id}' ({type(node.action).__name__})")
            continue
        if shares_at_once(definition, node):
            found.append(f"element '{node.id}' (rounds at once with shared places)")
        beyond = [*_beyond(node, KNOWN[Node]), *_beyond(node.action, mapping.knows)]
        found += [f"element '{node.id}' ({what})" for what in beyond]
    for flow in definition.flows:
        found += [f"element '{flow.id}' ({what})" for what in _beyond(flow, KNOWN[Flow])]
    return found


def _beyond(part: msgspec.Struct, known: frozenset[str]) -> Iterator[str]:
    """Yield the fields that are set to something, though nothing here looks at them."""
    for field in msgspec.structs.fields(part):
        if field.name in known:
            continue
        default = field.default
        if field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        if getattr(part, field.name) != default:
            yield field.name
