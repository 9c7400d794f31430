"""A valid process document to the numbered form that the kernel runs and the checker explores."""

from collections.abc import Mapping

from fabloop.base.errors import Invalid
from fabloop.process.bpmn import model
from fabloop.process.bpmn.compile_actions import Actions, watches_of
from fabloop.process.bpmn.compile_choice import choice_in
from fabloop.process.bpmn.compile_expressions import Expressions
from fabloop.process.bpmn.compile_pages import page_of, share
from fabloop.process.bpmn.compile_rounds import kept
from fabloop.process.bpmn.compile_scopes import responses_in
from fabloop.process.bpmn.lanes import with_lanes
from fabloop.process.bpmn.listeners import with_listeners
from fabloop.process.bpmn.model import BpmnProcess, FlowNode
from fabloop.process.bpmn.names import is_name
from fabloop.process.bpmn.outline import Outline, outlines, ties_of
from fabloop.process.bpmn.reach import merge_of
from fabloop.process.bpmn.triggers import (
    CancelTrigger,
    CompensateTrigger,
    ErrorTrigger,
    EscalationTrigger,
)
from fabloop.process.cpn.compiled import CompiledNet
from fabloop.process.definition import (
    BUSINESS_KEY,
    NOWHERE,
    Definition,
    Flow,
    Inclusive,
    Node,
    Scope,
    ScopeKind,
    StartOn,
)


def compile_process(
    process: BpmnProcess,
    nets: Mapping[str, CompiledNet],
    version: int,
    lines: Mapping[str, int] | None = None,
) -> Definition:
    """Return the definition of a process whose structure is valid (`validate.faults_of`).

    Raises
    ------
    Invalid
        An expression does not parse, or a page does not fit; all of them, with places.
    """
    return _Compiler(with_listeners(with_lanes(process)), nets, lines or {}).compile(version)


class _Compiler:
    def __init__(
        self, process: BpmnProcess, nets: Mapping[str, CompiledNet], lines: Mapping[str, int]
    ) -> None:
        self.process = process
        self.nets = nets
        self.expressions = Expressions(process.id, lines)
        self.outlines = outlines(process)
        self.ties = {each.number: ties_of(each) for each in self.outlines}
        self.number_of = {
            node.id: number
            for outline in self.outlines
            if outline.kind is not ScopeKind.ROUND
            for number, node in outline.nodes
        }
        self.flow_of = {
            flow.id: number for outline in self.outlines for number, flow in outline.flows
        }
        scope_of = {each.host: each.number for each in self.outlines}
        self.actions = Actions(self.expressions, self.number_of, self.flow_of, scope_of)

    def compile(self, version: int) -> Definition:
        nodes: dict[int, Node] = {}
        flows: dict[int, Flow] = {}
        for outline in self.outlines:
            for number, node in outline.nodes:
                nodes[number] = self._node(number, node, outline)
            for number, flow in outline.flows:
                flows[number] = self._flow(number, flow, nodes)
        scopes = tuple(self._scope(outline, nodes, flows) for outline in self.outlines)
        ids = {number: node.id for number, node in nodes.items()}
        shared, scopes = share(scopes, ids, self.expressions)
        if self.expressions.faults:
            raise Invalid(self.expressions.faults)
        return Definition(
            id=self.process.id,
            version=version,
            nodes=tuple(nodes[number] for number in sorted(nodes)),
            flows=tuple(flows[number] for number in sorted(flows)),
            scopes=scopes,
            shared=shared,
            number_of=self.number_of,
        )

    def _flow(self, number: int, flow: model.SequenceFlow, nodes: Mapping[int, Node]) -> Flow:
        formula = self.expressions.formula(flow.id, flow.condition) if flow.condition else None
        target = self.number_of[flow.target]
        return Flow(
            number=number,
            id=flow.id,
            source=self.number_of[flow.source],
            target=target,
            condition=formula,
            waits=nodes[target].joins,
        )

    def _node(self, number: int, node: FlowNode, outline: Outline) -> Node:
        ties = self.ties[outline.number]
        incoming = tuple(n for n, _ in ties.incoming.get(node.id, ()))
        leaving = ties.outgoing.get(node.id, [])
        attached = ties.attached.get(node.id, [])
        mapped = None if getattr(node, "loop", None) else node  # a loop maps in each round
        return Node(
            number=number,
            id=node.id,
            name=node.name,
            scope=outline.number,
            action=self.actions.action(number, node, outline),
            incoming=incoming,
            outgoing=tuple(n for n, _ in leaving),
            joins=isinstance(node, model.ParallelGateway | model.InclusiveGateway)
            and len(incoming) > 1,
            inputs=self.expressions.assigns(node.id, getattr(mapped, "inputs", ())),
            outputs=self.expressions.assigns(node.id, getattr(mapped, "outputs", ())),
            boundary=tuple(n for n, _ in attached),
            watches=watches_of(number, node, attached, outline, self.number_of),
            catches={e.trigger.code: n for n, e in attached if isinstance(e.trigger, ErrorTrigger)},
            keeps=self._keeps(outline),
            decides=isinstance(node, model.Activity) and any(flow.condition for _, flow in leaving),
            default=self._default(node),
            escalations={
                e.trigger.code: n for n, e in attached if isinstance(e.trigger, EscalationTrigger)
            },
            handler=self._handler(node, outline),
            cancelled=next(
                (n for n, e in attached if isinstance(e.trigger, CancelTrigger)), NOWHERE
            ),
        )

    def _handler(self, node: FlowNode, outline: Outline) -> int:
        """Return what undoes a node; an activity with a loop is undone round by round."""
        if getattr(node, "loop", None) is not None:
            return NOWHERE
        around = self.outlines[outline.parent] if outline.kind is ScopeKind.ROUND else outline
        attached = self.ties[around.number].attached.get(node.id, [])
        names = [e.handler for _, e in attached if isinstance(e.trigger, CompensateTrigger)]
        return self.number_of[names[0]] if names else NOWHERE

    def _default(self, node: FlowNode) -> int:
        return (
            self.flow_of.get(node.default, NOWHERE) if isinstance(node, model.Activity) else NOWHERE
        )

    def _keeps(self, outline: Outline) -> tuple[str, ...]:
        """Return the inputs that stay with a round, where the node is what a round does."""
        owner = outline.owner
        if outline.kind is not ScopeKind.ROUND or owner is None or owner.loop is None:
            return ()
        return kept(owner, owner.loop, self.expressions)

    def _data(self, outline: Outline) -> tuple[str, ...]:
        """Return the data objects of a scope whose names can be variables."""
        match outline.kind, outline.owner:
            case ScopeKind.PROCESS, _:
                data = self.process.data
            case kind, model.SubProcess(data=data) if kind is not ScopeKind.ROUND:
                pass
            case _:
                return ()
        named = dict.fromkeys(each.name for each in data if is_name(each.name))
        if outline.number == 0 and BUSINESS_KEY in self.expressions.read:
            named[BUSINESS_KEY] = None
        return tuple(named)

    def _scope(
        self, outline: Outline, nodes: Mapping[int, Node], flows: Mapping[int, Flow]
    ) -> Scope:
        if outline.kind is ScopeKind.PAGE:
            return page_of(outline, self.nets, self.expressions)
        merging = [
            nodes[n]
            for n, _ in outline.nodes
            if nodes[n].joins and isinstance(nodes[n].action, Inclusive)
        ]
        starts = [
            n
            for n, node in outline.nodes
            if isinstance(node, model.StartEvent) or outline.kind is ScopeKind.ROUND
        ]
        begun = responses_in(outline)
        by_event = tuple(n for n in starts if isinstance(nodes[n].action, StartOn))
        return Scope(
            number=outline.number,
            kind=outline.kind,
            owner=outline.host,
            parent=outline.parent,
            data=self._data(outline),
            start=next((n for n in starts if n not in by_event), NOWHERE),
            starts=by_event,
            choice=choice_in(outline, self.expressions),
            nodes=tuple(number for number, _ in outline.nodes),
            flows=tuple(number for number, _ in outline.flows),
            joins=tuple(number for number, _ in outline.flows if flows[number].waits),
            merges=tuple(merge_of(node, nodes, flows) for node in merging),
            catches={t.code: n for n, t in begun.items() if isinstance(t, ErrorTrigger)},
            escalations={t.code: n for n, t in begun.items() if isinstance(t, EscalationTrigger)},
            undo=next((n for n, t in begun.items() if isinstance(t, CompensateTrigger)), NOWHERE),
            listens=tuple(n for n in begun if nodes[n].watches),
        )
