"""What the rest of a running process needs of reality: conditions carried back from its end."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from fabloop.adapt.repair.domain import Bound
from fabloop.adapt.repair.reality import Atom, Reality, atom_of, is_met, is_number
from fabloop.model.service import Literal, Relation
from fabloop.process.bpmn.model import (
    BoundaryEvent,
    BpmnProcess,
    CatchEvent,
    EventBasedGateway,
    ExclusiveGateway,
    FlowNode,
    InclusiveGateway,
    SequenceFlow,
    StartEvent,
    SubProcess,
    SubProcessKind,
    ThrowEvent,
)
from fabloop.process.bpmn.triggers import CompensateTrigger, LinkTrigger

GOAL = ""
"""Who needs what is a goal of the whole, and not of a node."""


class Need(msgspec.Struct, frozen=True):
    """A condition, and the node that it is needed by."""

    condition: Literal
    node: str


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where an instance stands: at a node, or on a flow whose token waits in a join.

    `again`: what had begun at the node is not relied on; it begins anew. `act` is the key of what
    is in progress there: with it, only that is interrupted, and not what else is at the node.
    """

    node: str = ""
    flow: str = ""
    again: bool = True
    act: int = 0


class _Graph(msgspec.Struct, frozen=True, eq=False):
    """The process with its sub-processes opened: what may come next, and whether all of it does."""

    nexts: dict[str, tuple[str, ...]]
    forks: frozenset[str]
    asides: dict[str, tuple[str, ...]]
    target: dict[str, str]


def needs_at(
    process: BpmnProcess,
    places: Sequence[Place],
    work: Mapping[str, Bound],
    goals: Iterable[Literal] = (),
) -> frozenset[Need]:
    """Return what has to be so for the rest of the process to be carried out as it is meant.

    Of a choice, what any way needs is needed. What one of several parallel branches brings about
    for the work behind them is not needed beforehand. A loop counts as often as it adds a need.
    """
    graph = _graph(process)
    inside = _Regression(graph, work, frozenset(Need(each, GOAL) for each in goals))
    found = [inside.at(place) for place in places]
    if not found:
        return frozenset(Need(each, GOAL) for each in goals)
    starts = [place.node or graph.target[place.flow] for place in places]
    return inside.joined(found, starts)


def endangered(needs: Iterable[Need], physical: Reality) -> tuple[Need, ...]:
    """Return the needs that reality does not meet, in a stable order."""
    missing = [each for each in needs if not is_met(each.condition, physical)]
    return tuple(sorted(missing, key=lambda each: (atom_of(each.condition), each.node)))


def concerned(needs: Iterable[Need], atoms: Iterable[Atom]) -> bool:
    """Tell whether one of these atoms matters for the rest."""
    asked = {atom_of(each.condition) for each in needs}
    return any(atom in asked for atom in atoms)


class _Regression:
    def __init__(self, graph: _Graph, work: Mapping[str, Bound], goals: frozenset[Need]) -> None:
        self.graph, self.work, self.goals = graph, work, goals
        self.reach = {node: _reached(graph, node) for node in graph.nexts}
        self.before: dict[str, frozenset[Need]] = dict.fromkeys(graph.nexts, frozenset())
        comes_from: dict[str, list[str]] = {}
        for node, nexts in graph.nexts.items():
            for each in (*nexts, *graph.asides.get(node, ())):
                comes_from.setdefault(each, []).append(node)
        waiting = deque(reversed(tuple(graph.nexts)))
        queued = set(waiting)
        while waiting:
            node = waiting.popleft()
            queued.discard(node)
            fresh = self._before(node)
            if fresh == self.before[node]:
                continue
            self.before[node] = fresh
            for each in comes_from.get(node, ()):
                if each not in queued:
                    queued.add(each)
                    waiting.append(each)

    def at(self, place: Place) -> frozenset[Need]:
        """Return what is needed by a token."""
        if place.flow:
            return self.before[self.graph.target[place.flow]]
        if place.again or place.node not in self.work:
            return self.before[place.node]
        step = self.work[place.node]
        own = {Need(each, place.node) for each in step.throughout}
        return self._without(self._behind(place.node), step) | own

    def joined(self, found: Sequence[frozenset[Need]], starts: Sequence[str]) -> frozenset[Need]:
        """Return what is needed where all of these ways are gone.

        A need from where they meet is one only if none of them brings it about.
        """
        kept = set()
        for need in frozenset().union(*found):
            on = [
                number
                for number, start in enumerate(starts)
                if need.node == GOAL or need.node == start or need.node in self.reach[start]
            ]
            if all(need in found[number] for number in on):
                kept.add(need)
        return frozenset(kept)

    def _behind(self, node: str) -> frozenset[Need]:
        nexts = self.graph.nexts[node]
        if not nexts:
            return self.goals
        ways = [self.before[each] for each in nexts]
        if node in self.graph.forks:
            return self.joined(ways, nexts)
        return frozenset().union(*ways)

    def _before(self, node: str) -> frozenset[Need]:
        behind = self._behind(node)
        step = self.work.get(node)
        if step is not None:
            counts = node not in self.reach[node]  # in a loop it would count without an end
            behind = self._without(behind, step, counts=counts)
            behind |= {Need(each, node) for each in step.requires}
        for aside in self.graph.asides.get(node, ()):
            behind |= self.before[aside]
        return behind

    def _without(
        self, needs: frozenset[Need], step: Bound, *, counts: bool = True
    ) -> frozenset[Need]:
        """Return the needs that a step leaves: it settles every atom on which it has an effect.

        Where it only counts, what is compared has to be so much less, or more, beforehand.
        """
        effects = {atom_of(each): each for each in step.effects}
        left = set()
        for need in needs:
            effect = effects.get(atom_of(need.condition))
            if effect is None:
                left.add(need)
            elif counts and effect.relation in (Relation.MORE, Relation.LESS):
                left.add(Need(_counted_back(need.condition, effect), need.node))
        return frozenset(left)


def _counted_back(condition: Literal, effect: Literal) -> Literal:
    sign = -1 if effect.relation is Relation.MORE else 1
    value = condition.value
    assert is_number(value), "what is counted is compared with a number"
    assert is_number(effect.value), "what is counted is counted by a number"
    return replace(condition, value=value + sign * effect.value)  # type: ignore[operator]  # numbers


def _reached(graph: _Graph, node: str) -> frozenset[str]:
    seen: set[str] = set()
    todo = [*graph.nexts[node], *graph.asides.get(node, ())]
    while todo:
        each = todo.pop()
        if each not in seen:
            seen.add(each)
            todo += (*graph.nexts[each], *graph.asides.get(each, ()))
    return frozenset(seen)


def _graph(process: BpmnProcess) -> _Graph:
    nexts: dict[str, tuple[str, ...]] = {}
    forks: set[str] = set()
    asides: dict[str, tuple[str, ...]] = {}
    target: dict[str, str] = {}
    _open(process.nodes, process.flows, (), nexts, forks, asides, target)
    return _Graph(nexts, frozenset(forks), asides, target)


def _open(
    nodes: Sequence[FlowNode],
    flows: Sequence[SequenceFlow],
    exits: tuple[str, ...],
    nexts: dict[str, tuple[str, ...]],
    forks: set[str],
    asides: dict[str, tuple[str, ...]],
    target: dict[str, str],
) -> None:
    """Take up a scope: what ends in it goes on at `exits`."""
    catches = {
        each.trigger.name: each.id
        for each in nodes
        if isinstance(each, CatchEvent) and isinstance(each.trigger, LinkTrigger)
    }
    target |= {flow.id: flow.target for flow in flows}
    leaving: dict[str, list[SequenceFlow]] = {}
    for flow in flows:
        leaving.setdefault(flow.source, []).append(flow)
    for node in nodes:
        out = leaving.get(node.id, [])
        ways = tuple(flow.target for flow in out) or exits
        if isinstance(node, ThrowEvent) and isinstance(node.trigger, LinkTrigger):
            ways = (catches[node.trigger.name],)
        if _forks(node, out):
            forks.add(node.id)
        if isinstance(node, BoundaryEvent) and not isinstance(node.trigger, CompensateTrigger):
            asides[node.attached_to] = (*asides.get(node.attached_to, ()), node.id)
        nexts[node.id] = ways
        if isinstance(node, SubProcess):
            within = _begins(node)
            _open(node.nodes, node.flows, ways, nexts, forks, asides, target)
            if node.kind is not SubProcessKind.EVENT and within:
                nexts[node.id] = within
                forks.discard(node.id)


def _begins(node: SubProcess) -> tuple[str, ...]:
    """Return where a sub-process begins: its start event, else what no flow leads to."""
    starts = tuple(each.id for each in node.nodes if isinstance(each, StartEvent))
    if starts:
        return starts
    entered = {flow.target for flow in node.flows}
    return tuple(
        each.id
        for each in node.nodes
        if each.id not in entered and not isinstance(each, BoundaryEvent)
    )


def _forks(node: FlowNode, out: Sequence[SequenceFlow]) -> bool:
    """Tell whether a token goes on along every way."""
    if isinstance(node, ExclusiveGateway | InclusiveGateway | EventBasedGateway):
        return False
    return len(out) > 1 and not any(flow.condition for flow in out)
