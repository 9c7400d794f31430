"""A compiled process with its pages as one flat net.

Data conditions are free choices. What the outside may do (send a message, let a timer run out,
answer a job with an error) is set by an `Environment`. How each element becomes transitions is
said by its family: `elements`.
"""

from fabloop.process.definition import NOWHERE, Definition, Scope, ScopeKind
from fabloop.process.verify.draft import Draft
from fabloop.process.verify.elements import MAPPINGS
from fabloop.process.verify.environment import Environment, Openness
from fabloop.process.verify.flat import Final, FlatNet, Limits
from fabloop.process.verify.gateways import openness_of, spread_of
from fabloop.process.verify.pages import open_page
from fabloop.process.verify.responses import open_root


def flat_process(definition: Definition, environment: Environment, limits: Limits) -> FlatNet:
    """Return the flat net of a process; raises Exceeded when it is too large to unfold.

    Every element must have a mapping (`elements.not_verified` gives none).
    """
    draft = Draft(definition, environment, limits, MAPPINGS)
    net = draft.net
    for scope in definition.scopes:
        if scope.kind is ScopeKind.PAGE:
            open_page(draft, scope)
    net.close()
    for node in definition.nodes:
        if draft.mapping(node).add(draft, node):
            draft.elements[node.id] = None
        if node.decides:
            spread_of(draft, node)
    root = definition.scopes[0]
    opened = open_root(draft, _open(draft, root))
    resources: dict[int, int] = {}
    for page in draft.pages.values():
        for field in net.known_fields(page, page.shared):
            resources[field] = net.initial.get(field, 0)
    empty = draft.control(root) | set(net.faulty) | opened
    final = Final(empty=empty, equal=resources)
    return FlatNet(
        fields=tuple(net.names),
        initial=tuple(net.initial.get(number, 0) for number in range(len(net.names))),
        transitions=tuple(net.transitions),
        bounds=(*draft.bounds, *net.capacities()),
        final=final,
        elements=tuple(draft.elements),
        places=(*draft.places(), *net.places()),
    )


def _open(draft: Draft, root: Scope) -> frozenset[int]:
    """Put the tokens behind the start event, or let the outside choose one of several.

    The field returned holds a token as long as that is not chosen.
    """
    nodes = draft.definition.nodes
    plain = [nodes[root.start]] if root.start != NOWHERE else []
    events = [nodes[number] for number in root.starts]
    starts = plain + [each for each in events if openness_of(draft, each) is Openness.OPEN]
    if plain and not events:
        draft.net.initial.update(draft.outgoing(plain[0]))
        return frozenset()
    begin = draft.field("begin", NOWHERE, f"{draft.definition.id} begins")
    draft.net.initial[begin] = 1
    for start in starts:
        draft.add(start.id, start.id, {begin: 1}, draft.outgoing(start))
    return frozenset({begin})
