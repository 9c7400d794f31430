"""What must hold of compensation and of transactions."""

from collections.abc import Iterable, Iterator, Mapping

from fabloop.base.errors import Fault
from fabloop.base.names import did_you_mean
from fabloop.process.bpmn.model import (
    Activity,
    BoundaryEvent,
    EndEvent,
    FlowNode,
    StartEvent,
    SubProcess,
    SubProcessKind,
    ThrowEvent,
)
from fabloop.process.bpmn.outline import Outline
from fabloop.process.bpmn.triggers import CancelTrigger, CompensateTrigger
from fabloop.process.bpmn.validate_events import Report


def undo_faults(outline: Outline, scopes: list[Outline], report: Report) -> Iterator[Fault]:
    """Yield what is wrong in a scope with what undoes and cancels; `scopes` by number."""
    nodes = {node.id: node for _, node in outline.nodes}
    attached = [each for each in nodes.values() if isinstance(each, BoundaryEvent)]
    for node in nodes.values():
        match node:
            case BoundaryEvent(trigger=CompensateTrigger()):
                yield from _undone(node, nodes, outline, report)
            case BoundaryEvent(trigger=CancelTrigger()):
                yield from _cancelled(node, nodes, report)
            case ThrowEvent(trigger=CompensateTrigger(activity=name)) if name:
                yield from _thrown(node, name, outline, scopes, report)
            case EndEvent(trigger=CompensateTrigger(activity=name)) if name:
                yield from _thrown(node, name, outline, scopes, report)
            case EndEvent(trigger=CancelTrigger()):
                if not _is(outline.owner, SubProcessKind.TRANSACTION):
                    expected = "a cancel end event directly in a transaction"
                    yield report(node.id, expected, "one elsewhere")
            case SubProcess(kind=SubProcessKind.TRANSACTION):
                yield from _transaction(node, attached, report)
            case _:
                pass
        if getattr(node, "for_compensation", False):
            yield from _handler(node, attached, outline, report)
    yield from _once(attached, report)


def _undone(
    event: BoundaryEvent, nodes: Mapping[str, FlowNode], outline: Outline, report: Report
) -> Iterator[Fault]:
    host, handler = nodes.get(event.attached_to), nodes.get(event.handler)
    if not isinstance(host, Activity) or _is(host, SubProcessKind.EVENT):
        yield report(event.id, "an event attached to an activity", f"'{event.attached_to}'")
    elif host.for_compensation:
        found = f"'{host.id}', which itself undoes another"
        yield report(event.id, "an activity that a compensation event can belong to", found)
    elif isinstance(host, SubProcess) and any(map(_undoes_its_scope, host.nodes)):
        found = f"'{host.id}', which has an event sub-process for it"
        yield report(event.id, "one way to undo an activity", found, "Remove one of the two.")
    if not isinstance(handler, Activity) or not handler.for_compensation:
        hint = "Draw an association from the event to an activity that is for compensation."
        found = f"'{event.handler}'" if event.handler else "none"
        yield report(event.id, "an activity for compensation in the same scope", found, hint)
    if any(flow.source == event.id for _, flow in outline.flows):
        yield report(event.id, "no flow out of a compensation event", "one")


def _handler(
    node: FlowNode, attached: Iterable[BoundaryEvent], outline: Outline, report: Report
) -> Iterator[Fault]:
    if not any(each.handler == node.id for each in attached):
        hint = "Draw an association from a compensation event on the activity that it undoes."
        yield report(node.id, "an event that the activity undoes another for", "none", hint)
    if any(node.id in (flow.source, flow.target) for _, flow in outline.flows):
        yield report(node.id, "no flow into or out of an activity for compensation", "one")
    for each in attached:
        if each.attached_to == node.id and not isinstance(each.trigger, CompensateTrigger):
            hint = "Put the activity into a sub-process that is for compensation."
            expected = "no event on the boundary of an activity for compensation"
            yield report(each.id, expected, f"one on '{node.id}'", hint)


def _thrown(
    event: FlowNode, name: str, outline: Outline, scopes: list[Outline], report: Report
) -> Iterator[Fault]:
    """An event sees the activities of its scope and, from an event sub-process, those around it."""
    seen: dict[str, FlowNode] = {}
    around = outline
    while True:
        seen |= {node.id: node for _, node in around.nodes}
        if not _is(around.owner, SubProcessKind.EVENT):
            break
        around = scopes[around.parent]
    if not isinstance(seen.get(name), Activity):
        expected = "an activity of the same scope to undo"
        yield report(event.id, expected, f"'{name}'", did_you_mean(name, seen))


def _cancelled(
    event: BoundaryEvent, nodes: Mapping[str, FlowNode], report: Report
) -> Iterator[Fault]:
    if not _is(nodes.get(event.attached_to), SubProcessKind.TRANSACTION):
        found = f"'{event.attached_to}', which is none"
        yield report(event.id, "a cancel event attached to a transaction", found)


def _transaction(
    node: SubProcess, attached: Iterable[BoundaryEvent], report: Report
) -> Iterator[Fault]:
    ends = [each.id for each in node.nodes if _cancels(each)]
    if ends and node.loop is not None:
        hint = "Put it into a sub-process that has the loop."
        yield report(node.id, "a transaction that can be cancelled to run once", "a loop", hint)
    caught = [each for each in attached if each.attached_to == node.id and _cancels(each)]
    if ends and not caught:
        hint = "Attach one: the token goes on there when the transaction was cancelled."
        yield report(node.id, "a cancel event on the boundary", "none", hint)


def _cancels(node: FlowNode) -> bool:
    return isinstance(getattr(node, "trigger", None), CancelTrigger)


def _once(attached: Iterable[BoundaryEvent], report: Report) -> Iterator[Fault]:
    seen: set[tuple[str, type]] = set()
    for each in attached:
        if isinstance(each.trigger, CompensateTrigger | CancelTrigger):
            kind = (each.attached_to, type(each.trigger))
            if kind in seen:
                name = "compensation" if kind[1] is CompensateTrigger else "cancel"
                yield report(each.id, f"one {name} event per activity", "a second one")
            seen.add(kind)


def _undoes_its_scope(node: FlowNode) -> bool:
    return (
        isinstance(node, SubProcess)
        and node.kind is SubProcessKind.EVENT
        and any(
            isinstance(each, StartEvent) and isinstance(each.trigger, CompensateTrigger)
            for each in node.nodes
        )
    )


def _is(node: object, kind: SubProcessKind) -> bool:
    return isinstance(node, SubProcess) and node.kind is kind
