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
    StartEvent,
    SubProcess,
    SubProcessKind,
    ThrowEvent,
)
from fabloop.process.bpmn.outline import all_nodes
from fabloop.process.bpmn.triggers import (
    CompensateTrigger,
    EscalationTrigger,
    MessageTrigger,
    SignalTrigger,
)

BEFORE = (ListenerEvent.START, ListenerEvent.CREATING)
"""What is told before an element begins, the listeners of the element before those of its task."""

BEHIND = (ListenerEvent.COMPLETING, ListenerEvent.END)

_PASSED = MessageTrigger | SignalTrigger | EscalationTrigger | CompensateTrigger
"""What a token passes when it has thrown it."""

Content = tuple[tuple[FlowNode, ...], tuple[SequenceFlow, ...]]


def with_listeners(process: BpmnProcess) -> BpmnProcess:
    """Return a process in which every listener is a task."""
    if not process.listeners and not any(node.listeners for node in all_nodes(process)):
        return process
    nodes, flows = _told(process.id, process.listeners, (process.nodes, process.flows))
    nodes, flows = _content(nodes, flows)
    return replace(process, nodes=nodes, flows=flows)


def listeners_of(node: FlowNode, events: tuple[ListenerEvent, ...]) -> list[Listener]:
    """Return the listeners of some kinds, kind after kind, each in the order of the document."""
    return [each for event in events for each in node.listeners if each.event is event]


def _told(owner: str, listeners: tuple[Listener, ...], content: Content) -> Content:
    """Return a process or event sub-process in which its own listeners are told.

    Those at its start stand behind its start events. Where there are some at its end, all that
    follows the start event becomes a sub-process, which they follow when it is done.
    """
    nodes, flows = content
    first = [replace(each, event=ListenerEvent.END) for each in listeners if each.event in BEFORE]
    nodes = tuple(
        replace(each, listeners=(*first, *each.listeners)) if isinstance(each, StartEvent) else each
        for each in nodes
    )
    last = [each for each in listeners if each.event in BEHIND]
    if not last:
        return nodes, flows
    start = next(each for each in nodes if isinstance(each, StartEvent))
    begin, over = StartEvent(id=f"{owner}/begin"), EndEvent(id=f"{owner}/over")
    body = SubProcess(
        id=f"{owner}/body",
        nodes=(begin, *(each for each in nodes if each is not start)),
        flows=tuple(
            replace(flow, source=begin.id) if flow.source == start.id else flow for flow in flows
        ),
    )
    tasks = [_task(owner, "", "end", n, each, ()) for n, each in enumerate(last, 1)]
    chain: list[FlowNode] = [start, body, *tasks, over]
    return tuple(chain), tuple(_links(chain))


def _content(nodes: tuple[FlowNode, ...], flows: tuple[SequenceFlow, ...]) -> Content:
    """Return a scope with its listeners as tasks, and all that stands in it alike."""
    made: list[FlowNode] = []
    for node in nodes:
        inner = node
        if isinstance(node, SubProcess):
            within: Content = (node.nodes, node.flows)
            if node.kind is SubProcessKind.EVENT:
                within = _told(node.id, node.listeners, within)
            below, between = _content(*within)
            inner = replace(node, nodes=below, flows=between)
            if node.kind is SubProcessKind.EVENT:
                inner = replace(inner, listeners=())
        parts, flows = _expanded(inner, flows)
        made += parts
    return tuple(made), flows


def _expanded(node: FlowNode, flows: tuple[SequenceFlow, ...]) -> Content:
    """Return what stands for a node, and the flows of its scope through that."""
    before, behind = listeners_of(node, BEFORE), listeners_of(node, BEHIND)
    if not before and not behind:
        return (node,), flows
    if isinstance(node, Activity) and node.for_compensation:
        return (_undoer(node),), flows
    once = isinstance(node, Activity) and node.loop is None
    inputs = node.inputs if isinstance(node, Activity) and once else ()
    first = [
        _task(node.id, node.name, "start", n, each, inputs) for n, each in enumerate(before, 1)
    ]
    last = [_task(node.id, node.name, "end", n, each, ()) for n, each in enumerate(behind, 1)]
    into = sum(flow.target == node.id for flow in flows)
    if isinstance(node, ParallelGateway | InclusiveGateway) and into > 1:
        return _behind_join(replace(node, listeners=()), first, flows)
    plain = replace(node, listeners=())
    if last and isinstance(plain, Activity):
        last[-1] = replace(last[-1], default=plain.default)
        plain = replace(plain, default="")
    chain = [*first, plain, *last]
    if isinstance(plain, EndEvent):
        chain = _ended(plain, first, last)
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


def _undoer(node: Activity) -> SubProcess:
    """Return an activity for compensation with its listeners as a sub-process that undoes."""
    work = replace(node, id=f"{node.id}/work", for_compensation=False)
    ends = (StartEvent(id=f"{node.id}/begin"), EndEvent(id=f"{node.id}/over"))
    links = tuple(_links([ends[0], work, ends[1]]))
    nodes, flows = _expanded(work, links)
    return SubProcess(
        id=node.id,
        name=node.name,
        nodes=(ends[0], *nodes, ends[1]),
        flows=flows,
        for_compensation=True,
    )


def _ended(event: EndEvent, first: list[ServiceTask], last: list[ServiceTask]) -> list[FlowNode]:
    """Return an end event with its listeners: what it throws comes before those at its end.

    Nothing comes behind what ends the token itself; there, and where nothing is thrown, they come
    before the event.
    """
    trigger = event.trigger
    if not last or not isinstance(trigger, _PASSED):
        return [*first, *last, event]
    thrown = ThrowEvent(
        id=event.id,
        name=event.name,
        trigger=trigger,
        work=event.work,
        inputs=event.inputs,
        outputs=event.outputs,
    )
    return [*first, thrown, *last, EndEvent(id=f"{event.id}/over")]


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
    owner: str,
    name: str,
    side: str,
    number: int,
    listener: Listener,
    inputs: tuple[Mapping, ...],
) -> ServiceTask:
    work = JobWork(type=listener.type, retries=listener.retries)
    return ServiceTask(id=f"{owner}/{side}/{number}", name=name, work=work, inputs=inputs)


def _links(chain: list[FlowNode]) -> Iterator[SequenceFlow]:
    for source, target in pairwise(chain):
        yield SequenceFlow(id=f"{source.id}/to", source=source.id, target=target.id)
