"""Weaves a sub-process into a process: before a node, beside a chain of nodes, or in its place."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from fabloop.adapt.repair.fragment import edited
from fabloop.process.bpmn.layout import layout
from fabloop.process.bpmn.model import (
    Activity,
    BoundaryEvent,
    BpmnProcess,
    BusinessRuleTask,
    CallActivity,
    ExclusiveGateway,
    FlowNode,
    Lane,
    ParallelGateway,
    SequenceFlow,
    StartEvent,
    SubProcess,
)
from fabloop.process.bpmn.outline import all_nodes

CHAIN_MAX = 20
"""Nodes in a row that a repair may stand beside or in the place of."""

PENDING = "fabloop_repair"
"""What would have to be the id of a repair for it to be gone through in a further round."""


class How(StrEnum):
    """Where recovery stands: before what was interrupted, beside it, or in its place."""

    BEFORE = "before"
    BESIDE = "beside"
    INSTEAD = "instead"


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """Where to weave in: `nodes` are in a row; before and after them one flow each, or several in.

    The first is the node at which the instance stands.
    """

    how: How
    nodes: tuple[str, ...]

    @property
    def first(self) -> str:
        """The node at which the instance stands."""
        return self.nodes[0]


class Woven(msgspec.Struct, frozen=True, kw_only=True):
    """A process with a repair in it, and how an instance gets there.

    Attributes
    ----------
    restart : node in progress -> node that is entered instead
    move : key of what is in progress, and the node that is entered instead of just that
    activate : node that is entered besides; empty for none
    """

    process: BpmnProcess
    restart: dict[str, str] = {}
    move: tuple[int, str] | None = None
    activate: str = ""


def woven_id(process: str, repair: str) -> str:
    """Return the id of the process of an instance that is repaired.

    It has an id of its own, so that new instances go by the process as it was.
    """
    return f"{process}.{repair}"


def weave(process: BpmnProcess, fragment: SubProcess, spot: Spot, act: int = 0) -> Woven:
    """Return a process with a fragment woven in, and laid out anew.

    With `act`, the key of what is in progress at the node, nothing else there is interrupted.
    """
    gated = comes_again(process, spot.first)
    steps = {How.BESIDE: _beside, How.INSTEAD: _instead}

    def edit(
        nodes: tuple[FlowNode, ...], flows: tuple[SequenceFlow, ...]
    ) -> tuple[tuple[FlowNode, ...], tuple[SequenceFlow, ...]]:
        if spot.how is How.BEFORE:
            return _before(nodes, flows, fragment, spot.first, gated=gated)
        return steps[spot.how](nodes, flows, fragment, spot.nodes)

    nodes, flows = edited(process.nodes, process.flows, spot.first, edit)
    present = {each.id for each in nodes}
    made = replace(
        process,
        id=woven_id(process.id, fragment.id),
        nodes=tuple(_begun_by_command(each) for each in nodes),
        flows=flows,
        lanes=tuple(_lane(each, spot, fragment.id, process, present) for each in process.lanes),
    )
    drawn = replace(made, diagram=layout(made))
    if spot.how is How.BESIDE:
        return Woven(process=drawn, activate=fragment.id)
    if spot.how is How.BEFORE and act:
        return Woven(process=drawn, move=(act, fragment.id))
    return Woven(process=drawn, restart={spot.first: fragment.id})


def unfit(process: BpmnProcess, spot: Spot) -> str:
    """Return why nothing can be woven in at a spot; empty where it can."""
    first = spot.first
    scope = _scope_of(process.nodes, process.flows, first)
    if scope is None:
        return f"Expected node '{first}' in the process, but found none."
    bound = next(filter(_is_bound, all_nodes(process)), None)
    if bound is not None:
        return (
            f"Expected '{bound.id}' to name what it calls by its version, but it calls what was "
            "deployed together with this process, which a changed process is not. Name a version."
        )
    node = next(each for each in scope[0] if each.id == first)
    repeated = isinstance(node, Activity) and node.loop is not None
    if repeated and spot.how is not How.BESIDE:
        return (
            f"Expected '{first}' to be done once, but it is done in rounds: interrupting it would "
            "end its other rounds. Repair beside it, or within it."
        )
    if spot.how is not How.BEFORE and comes_again(process, first):
        return (
            f"Expected '{first}' to be reached once, but it is reached again in further rounds, "
            "which would need what is done now. Repair before it."
        )
    return ""


def _is_bound(node: FlowNode) -> bool:
    return isinstance(node, CallActivity | BusinessRuleTask) and node.together


def comes_again(process: BpmnProcess, node: str) -> bool:
    """Tell whether a node may be reached more than once: by a loop of flows, or in rounds."""
    nodes, flows = process.nodes, process.flows
    while True:
        holder = next((each for each in nodes if each.id == node or _holds(each, node)), None)
        if holder is None or _comes_back(flows, holder.id):
            return holder is not None
        if holder.id == node or not isinstance(holder, SubProcess):
            return False
        if holder.loop is not None or holder.ad_hoc is not None:
            return True
        nodes, flows = holder.nodes, holder.flows


def _holds(node: FlowNode, inside: str) -> bool:
    return isinstance(node, SubProcess) and (_scope_of(node.nodes, node.flows, inside) is not None)


def chains(process: BpmnProcess, node: str) -> tuple[tuple[str, ...], ...]:
    """Return the rows of nodes that begin with a node: each entered and left by one flow.

    Flows into the first one do not count. Only activities are in a row, and none on which an
    event stands.
    """
    scope = _scope_of(process.nodes, process.flows, node)
    if scope is None:
        return ()
    nodes, flows = scope
    by_id = {each.id: each for each in nodes}
    hosts = {each.attached_to for each in nodes if isinstance(each, BoundaryEvent)}
    found: list[tuple[str, ...]] = []
    row: list[str] = []
    here = node
    while len(row) < CHAIN_MAX and isinstance(by_id[here], Activity) and here not in hosts:
        out = [flow for flow in flows if flow.source == here]
        into = [flow for flow in flows if flow.target == here]
        if len(out) != 1 or (row and len(into) != 1) or here in row:
            break
        row.append(here)
        found.append(tuple(row))
        here = out[0].target
    return tuple(found)


def leaving(process: BpmnProcess, node: str) -> str:
    """Return the id of the one flow that leaves a node of a row."""
    scope = _scope_of(process.nodes, process.flows, node)
    assert scope is not None, "nodes of a row are nodes of the process"
    return next(flow.id for flow in scope[1] if flow.source == node)


def _scope_of(
    nodes: tuple[FlowNode, ...], flows: tuple[SequenceFlow, ...], inside: str
) -> tuple[tuple[FlowNode, ...], tuple[SequenceFlow, ...]] | None:
    if any(each.id == inside for each in nodes):
        return nodes, flows
    inner = (
        _scope_of(each.nodes, each.flows, inside) for each in nodes if isinstance(each, SubProcess)
    )
    return next((each for each in inner if each is not None), None)


def _before(
    nodes: tuple[FlowNode, ...],
    flows: tuple[SequenceFlow, ...],
    fragment: SubProcess,
    first: str,
    *,
    gated: bool,
) -> tuple[tuple[FlowNode, ...], tuple[SequenceFlow, ...]]:
    """Let what led to a node lead to the fragment, and that to the node.

    If it is `gated`, further tokens pass the repair by.
    """
    into = SequenceFlow(id=f"{fragment.id}-out", source=fragment.id, target=first)
    entry, extra = fragment.id, tuple[FlowNode, ...]()
    added: tuple[SequenceFlow, ...] = (into,)
    if gated:
        gate, default = f"{fragment.id}-gate", f"{fragment.id}-by"
        entry, extra = gate, (ExclusiveGateway(id=gate, default=default),)
        condition = f'{PENDING} = "{fragment.id}"'
        added += (
            SequenceFlow(id=default, source=gate, target=first),
            SequenceFlow(
                id=f"{fragment.id}-in", source=gate, target=fragment.id, condition=condition
            ),
        )
    moved = tuple(replace(f, target=entry) if f.target == first else f for f in flows)
    return (*nodes, *extra, fragment), (*moved, *added)


def _beside(
    nodes: tuple[FlowNode, ...],
    flows: tuple[SequenceFlow, ...],
    fragment: SubProcess,
    row: Sequence[str],
) -> tuple[tuple[FlowNode, ...], tuple[SequenceFlow, ...]]:
    """Let a row of nodes and the fragment go on in parallel, and what follows wait for both."""
    split, join = f"{fragment.id}-split", f"{fragment.id}-join"
    moved = []
    for flow in flows:
        if flow.target == row[0]:
            moved.append(replace(flow, target=split))
        elif flow.source == row[-1]:
            moved.append(replace(flow, source=join))
        else:
            moved.append(flow)
    added = (
        SequenceFlow(id=f"{fragment.id}-row", source=split, target=row[0]),
        SequenceFlow(id=f"{fragment.id}-in", source=split, target=fragment.id),
        SequenceFlow(id=f"{fragment.id}-after", source=row[-1], target=join),
        SequenceFlow(id=f"{fragment.id}-out", source=fragment.id, target=join),
    )
    gates = (ParallelGateway(id=split), ParallelGateway(id=join))
    return (*nodes, *gates, fragment), (*moved, *added)


def _instead(
    nodes: tuple[FlowNode, ...],
    flows: tuple[SequenceFlow, ...],
    fragment: SubProcess,
    row: Sequence[str],
) -> tuple[tuple[FlowNode, ...], tuple[SequenceFlow, ...]]:
    """Let the fragment take the place of a row of nodes."""
    gone = set(row)
    kept = []
    for flow in flows:
        if flow.source in gone and flow.target in gone:
            continue
        if flow.target == row[0]:
            kept.append(replace(flow, target=fragment.id))
        elif flow.source == row[-1]:
            kept.append(replace(flow, source=fragment.id, condition=""))
        else:
            kept.append(flow)
    left = tuple(each for each in nodes if each.id not in gone)
    return (*left, fragment), tuple(kept)


def _comes_back(flows: Sequence[SequenceFlow], node: str) -> bool:
    nexts: dict[str, list[str]] = {}
    for flow in flows:
        nexts.setdefault(flow.source, []).append(flow.target)
    seen, todo = set[str](), list(nexts.get(node, ()))
    while todo:
        each = todo.pop()
        if each == node:
            return True
        if each not in seen:
            seen.add(each)
            todo += nexts.get(each, ())
    return False


def _begun_by_command(node: FlowNode) -> FlowNode:
    """Return a start event without what starts an instance: this process is for one that runs."""
    if isinstance(node, StartEvent) and node.trigger is not None:
        return replace(node, trigger=None)
    return node


def _lane(lane: Lane, spot: Spot, fragment: str, process: BpmnProcess, present: set[str]) -> Lane:
    """Return a lane with the fragment beside the node it is for, and without what is gone."""
    beside = spot.first in lane.nodes
    known = {each.id for each in process.nodes}
    kept = tuple(each for each in lane.nodes if each in present or each not in known)
    extra = {f"{fragment}-gate", f"{fragment}-split", f"{fragment}-join"} & present
    return replace(lane, nodes=(*kept, fragment, *sorted(extra)) if beside else kept)
