"""Which nodes can still send a token to an inclusive gateway: a table made once per definition."""

from collections.abc import Iterable, Mapping

from fabloop.process.definition import (
    Boundary,
    BoundaryCancel,
    BoundaryError,
    BoundaryEscalation,
    Flow,
    Jump,
    Merge,
    Node,
    Pass,
)


def merge_of(gateway: Node, nodes: Mapping[int, Node], flows: Mapping[int, Flow]) -> Merge:
    """Return what can reach each flow into an inclusive gateway without passing it.

    A token in an activity can also leave it by an event on its boundary.

    Notes
    -----
    Source: BPMN 2.0.2 (ISO/IEC 19510:2013), 13.4.3, Inclusive Gateway.
    """
    reach = {flow: _before(flows[flow].source, gateway, nodes, flows) for flow in gateway.incoming}
    return Merge(node=gateway.number, reach=reach)


def _before(last: int, gateway: Node, nodes: Mapping[int, Node], flows: Mapping[int, Flow]) -> int:
    mask, waiting = 0, [last]
    while waiting:
        number = waiting.pop()
        if number == gateway.number or mask >> number & 1:
            continue
        mask |= 1 << number
        waiting.extend(_sources(nodes[number], nodes, flows))
    return mask


def _sources(node: Node, nodes: Mapping[int, Node], flows: Mapping[int, Flow]) -> Iterable[int]:
    yield from (flows[flow].source for flow in node.incoming)
    if isinstance(node.action, Pass):
        yield from (each.number for each in nodes.values() if each.action == Jump(node.number))
    if isinstance(node.action, Boundary | BoundaryError | BoundaryEscalation | BoundaryCancel):
        yield node.action.host
