"""Listeners as what they do: jobs that stand before and behind an element.

A process with listeners is compiled as one in which each is a service task of its own, so that
jobs, incidents, migration and verification know nothing of them. The task's id is that of the
element with ``/start/N`` or ``/end/N``; ids of a document hold no slash.
"""

from collections.abc import Iterator
from itertools import pairwise

from msgspec.structs import replace

from fabloop.process.bpmn.model import (
    Activity,
    BpmnProcess,
    EndEvent,
    FlowNode,
    InclusiveGateway,
    JobWork,
    Listener,
    ListenerEvent,
    Mapping,
    ParallelGateway,
    SequenceFlow,
    ServiceTask,
    SubProcess,
)
from fabloop.process.bpmn.outline import all_nodes

BEFORE = (ListenerEvent.START, ListenerEvent.CREATING)
"""What is told before an element begins, the listeners of the element before those of its task."""

BEHIND = (ListenerEvent.COMPLETING, ListenerEvent.END)

Content = tuple[tuple[FlowNode, ...], tuple[SequenceFlow, ...]]


def with_listeners(process: BpmnProcess) -> BpmnProcess:
    """Return a process in which every listener is a task."""
    if not any(node.listeners for node in all_nodes(process)):
        return process
    nodes, flows = _content(process.nodes, process.flows)
    return replace(process, nodes=nodes, flows=flows)


def listeners_of(node: FlowNode, events: tuple[ListenerEvent, ...]) -> list[Listener]:
    """Return the listeners of some kinds, kind after kind, each in the order of the document."""
    return [each for event in events for each in node.listeners if each.event is event]


def _content(nodes: tuple[FlowNode, ...], flows: tuple[SequenceFlow, ...]) -> Content:
    """Return a scope with its listeners as tasks, and all that stands in it alike."""
    made: list[FlowNode] = []
    for node in nodes:
        inner = node
        if isinstance(node, SubProcess):
            below, between = _content(node.nodes, node.flows)
            inner = replace(node, nodes=below, flows=between)
        parts, flows = _expanded(inner, flows)
        made += parts
    return tuple(made), flows


def _expanded(node: FlowNode, flows: tuple[SequenceFlow, ...]) -> Content:
    """Return what stands for a node, and the flows of its scope through that."""
    before, behind = listeners_of(node, BEFORE), listeners_of(node, BEHIND)
    if not before and not behind:
        return (node,), flows
    once = isinstance(node, Activity) and node.loop is None
    inputs = node.inputs if isinstance(node, Activity) and once else ()
    first = [_task(node, "start", n, each, inputs) for n, each in enumerate(before, 1)]
    last = [_task(node, "end", n, each, ()) for n, each in enumerate(behind, 1)]
    into = sum(flow.target == node.id for flow in flows)
    if isinstance(node, ParallelGateway | InclusiveGateway) and into > 1:
        return _behind_join(replace(node, listeners=()), first, flows)
    plain = replace(node, listeners=())
    if last and isinstance(plain, Activity):
        last[-1] = replace(last[-1], default=plain.default)
        plain = replace(plain, default="")
    chain = [*first, plain, *last]
    if isinstance(plain, EndEvent):
        chain = [*first, *last, plain]
    moved = tuple(
        replace(
            flow,
            source=chain[-1].id if flow.source == node.id else flow.source,
            target=chain[0].id if flow.target == node.id else flow.target,
        )
        if node.id in (flow.source, flow.target)
        else flow
        for flow in flows
    )
    return tuple(chain), (*moved, *_links(chain))


def _behind_join(
    join: ParallelGateway | InclusiveGateway,
    tasks: list[ServiceTask],
    flows: tuple[SequenceFlow, ...],
) -> Content:
    """Return a gateway that joins first, and splits when its listeners are done."""
    split = replace(join, id=f"{join.id}/split")
    if isinstance(join, InclusiveGateway):
        join = replace(join, default="")
    moved = tuple(
        replace(flow, source=split.id) if flow.source == join.id else flow for flow in flows
    )
    chain: list[FlowNode] = [join, *tasks, split]
    return tuple(chain), (*moved, *_links(chain))


def _task(
    node: FlowNode, side: str, number: int, listener: Listener, inputs: tuple[Mapping, ...]
) -> ServiceTask:
    work = JobWork(type=listener.type, retries=listener.retries)
    return ServiceTask(id=f"{node.id}/{side}/{number}", name=node.name, work=work, inputs=inputs)


def _links(chain: list[FlowNode]) -> Iterator[SequenceFlow]:
    for source, target in pairwise(chain):
        yield SequenceFlow(id=f"{source.id}/to", source=source.id, target=target.id)
