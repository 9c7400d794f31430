"""The cases of an inclusive gateway: which tokens it takes, and which flows it may choose."""

from collections.abc import Iterator
from itertools import combinations

import msgspec

from fabloop.process.definition import Definition, Inclusive, Node


class Take(msgspec.Struct, frozen=True):
    """Flows it takes a token from, while `empty` flows and these `nodes` hold none."""

    flows: tuple[int, ...]
    empty: tuple[int, ...]
    nodes: tuple[int, ...]


def takes_of(definition: Definition, node: Node) -> Iterator[Take]:
    """Yield one case per set of incoming flows that may hold tokens when it goes on."""
    if not node.joins:
        yield from (Take((flow,), (), ()) for flow in node.incoming)
        return
    scope = definition.scopes[node.scope]
    reach = next(each.reach for each in scope.merges if each.node == node.number)
    for flows in subsets(node.incoming):
        empty = tuple(flow for flow in node.incoming if flow not in flows)
        missed = held = 0
        for flow, mask in reach.items():
            if flow in flows:
                held |= mask
            else:
                missed |= mask
        barred = missed & ~held
        yield Take(flows, empty, tuple(n for n in scope.nodes if barred >> n & 1))


def choices_of(definition: Definition, node: Node, gateway: Inclusive) -> Iterator[tuple[int, ...]]:
    """Yield the sets of outgoing flows that conditions may choose."""
    flows = [definition.flows[number] for number in node.outgoing if number != gateway.default]
    always = tuple(flow.number for flow in flows if flow.condition is None)
    if always:
        yield always
    elif gateway.default in node.outgoing:
        yield (gateway.default,)
    for chosen in subsets(tuple(flow.number for flow in flows if flow.condition)):
        yield (*always, *chosen)


def label_of(definition: Definition, node: Node, flows: tuple[int, ...] | None) -> str:
    """Return what a person reads of a choice; None where only tokens were taken."""
    if flows is None:
        return f"{node.id} joins"
    names = ", ".join(definition.flows[flow].id for flow in flows)
    return f"{node.id} to {names}" if len(node.outgoing) > 1 else node.id


def subsets(flows: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield every set of some of the flows, the smaller ones first."""
    for size in range(1, len(flows) + 1):
        yield from combinations(flows, size)
