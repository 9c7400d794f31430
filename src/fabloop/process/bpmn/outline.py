"""The scopes of a process document in numbered order: what validation and compilation walk."""

from collections.abc import Iterator

import msgspec

from fabloop.process.bpmn.model import (
    BpmnProcess,
    FlowNode,
    PageWork,
    SequenceFlow,
    ServiceTask,
    SubProcess,
)


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """A process, a sub-process or a page task as a scope; `owner` is None for the process.

    `nodes` and `flows` pair each with its number; a page has none.
    """

    number: int
    parent: int
    owner: SubProcess | ServiceTask | None
    nodes: tuple[tuple[int, FlowNode], ...]
    flows: tuple[tuple[int, SequenceFlow], ...]


class _Counter:
    def __init__(self) -> None:
        self.nodes = self.flows = self.scopes = 0
        self.found: list[Outline] = []


def outlines(process: BpmnProcess) -> list[Outline]:
    """Return the scopes by number, depth first, each before what stands in it.

    The numbering is part of the journal's format: it must never change.
    """
    counter = _Counter()
    _walk(process.nodes, process.flows, None, -1, counter)
    return sorted(counter.found, key=lambda outline: outline.number)


def _walk(
    nodes: tuple[FlowNode, ...],
    flows: tuple[SequenceFlow, ...],
    owner: SubProcess | ServiceTask | None,
    parent: int,
    counter: _Counter,
) -> None:
    number = counter.scopes
    counter.scopes += 1
    numbered_flows = tuple(enumerate(flows, counter.flows))
    counter.flows += len(flows)
    numbered: list[tuple[int, FlowNode]] = []
    for node in nodes:
        numbered.append((counter.nodes, node))
        counter.nodes += 1
        match node:
            case SubProcess():
                _walk(node.nodes, node.flows, node, number, counter)
            case ServiceTask(work=PageWork()):
                _walk((), (), node, number, counter)
            case _:
                pass
    counter.found.append(
        Outline(
            number=number, parent=parent, owner=owner, nodes=tuple(numbered), flows=numbered_flows
        )
    )


def depth_of(nodes: tuple[FlowNode, ...]) -> int:
    """Return how deep sub-processes nest (1 without any)."""
    deepest = 0
    level: list[tuple[FlowNode, ...]] = [nodes]
    while level:
        deepest += 1
        level = [node.nodes for each in level for node in each if isinstance(node, SubProcess)]
    return deepest


def all_nodes(process: BpmnProcess) -> Iterator[FlowNode]:
    """Yield every node of every scope, in numbered order."""
    stack = list(reversed(process.nodes))
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, SubProcess):
            stack.extend(reversed(node.nodes))
