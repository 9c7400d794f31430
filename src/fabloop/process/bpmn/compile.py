"""A valid process document to the numbered form that the kernel runs and the checker explores."""

from collections.abc import Mapping

from fabloop.base.errors import Fault, Invalid, Refused
from fabloop.base.instant import duration_of_iso, instant_of
from fabloop.base.names import did_you_mean
from fabloop.feel import compile_expression
from fabloop.process.bpmn import model
from fabloop.process.bpmn.model import BpmnProcess, FlowNode, PageWork, ServiceTask
from fabloop.process.bpmn.outline import Outline, outlines
from fabloop.process.bpmn.reach import merge_of
from fabloop.process.cpn.colour import ColourSet
from fabloop.process.cpn.compiled import CompiledNet, Place
from fabloop.process.definition import (
    NOWHERE,
    Action,
    Assign,
    AwaitMessage,
    AwaitTimer,
    BoundaryError,
    BoundaryEscalation,
    BoundaryTimer,
    Call,
    Definition,
    End,
    Enter,
    ErrorEnd,
    Escalate,
    EventBased,
    Exclusive,
    Flow,
    Formula,
    Inclusive,
    Job,
    Node,
    Parallel,
    Person,
    Scope,
    ScopeKind,
    Script,
    SharedPlace,
    Span,
    Start,
    Terminate,
    Text,
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
    return _Compiler(process, nets, lines or {}).compile(version)


class _Compiler:
    def __init__(
        self, process: BpmnProcess, nets: Mapping[str, CompiledNet], lines: Mapping[str, int]
    ) -> None:
        self.process = process
        self.nets = nets
        self.lines = lines
        self.faults: list[Fault] = []
        self.outlines = outlines(process)
        self.number_of = {
            node.id: number for outline in self.outlines for number, node in outline.nodes
        }
        self.flow_of = {
            flow.id: number for outline in self.outlines for number, flow in outline.flows
        }
        self.scope_of = {each.owner.id: each.number for each in self.outlines if each.owner}

    def compile(self, version: int) -> Definition:
        nodes: dict[int, Node] = {}
        flows: dict[int, Flow] = {}
        for outline in self.outlines:
            for number, node in outline.nodes:
                nodes[number] = self._node(number, node, outline)
            for number, flow in outline.flows:
                condition = self._formula(flow.id, flow.condition) if flow.condition else None
                flows[number] = Flow(
                    number=number,
                    id=flow.id,
                    source=self.number_of[flow.source],
                    target=self.number_of[flow.target],
                    condition=condition,
                    waits=nodes[self.number_of[flow.target]].joins,
                )
        scopes = tuple(self._scope(outline, nodes, flows) for outline in self.outlines)
        shared, scopes = self._share(scopes)
        if self.faults:
            raise Invalid(self.faults)
        return Definition(
            id=self.process.id,
            version=version,
            nodes=tuple(nodes[number] for number in sorted(nodes)),
            flows=tuple(flows[number] for number in sorted(flows)),
            scopes=scopes,
            shared=shared,
            number_of=self.number_of,
        )

    # -- nodes --------------------------------------------------------------------------------

    def _node(self, number: int, node: FlowNode, outline: Outline) -> Node:
        incoming = tuple(n for n, flow in outline.flows if flow.target == node.id)
        outgoing = tuple(n for n, flow in outline.flows if flow.source == node.id)
        attached: list[tuple[int, model.BoundaryEvent | model.CatchEvent]] = [
            (n, each)
            for n, each in outline.nodes
            if isinstance(each, model.BoundaryEvent) and each.attached_to == node.id
        ]
        awaited = attached or self._behind(node, outline)
        return Node(
            number=number,
            id=node.id,
            name=node.name,
            scope=outline.number,
            action=self._action(node, outline),
            incoming=incoming,
            outgoing=outgoing,
            joins=isinstance(node, model.ParallelGateway | model.InclusiveGateway)
            and len(incoming) > 1,
            inputs=self._assigns(node.id, getattr(node, "inputs", ())),
            outputs=self._assigns(node.id, getattr(node, "outputs", ())),
            boundary=tuple(n for n, _ in attached),
            timers=tuple(n for n, e in awaited if isinstance(e.trigger, model.TimerTrigger)),
            catches={
                e.trigger.code: n for n, e in attached if isinstance(e.trigger, model.ErrorTrigger)
            },
            escalations={
                e.trigger.code: n
                for n, e in attached
                if isinstance(e.trigger, model.EscalationTrigger)
            },
        )

    def _behind(
        self, node: FlowNode, outline: Outline
    ) -> list[tuple[int, model.BoundaryEvent | model.CatchEvent]]:
        """Return the events behind an event-based gateway, in the order of its flows."""
        if not isinstance(node, model.EventBasedGateway):
            return []
        by_id = {each.id: (number, each) for number, each in outline.nodes}
        targets = [by_id[flow.target] for _, flow in outline.flows if flow.source == node.id]
        return [(n, each) for n, each in targets if isinstance(each, model.CatchEvent)]

    def _action(  # noqa: C901, PLR0911, PLR0912  # one line per construct
        self, node: FlowNode, outline: Outline
    ) -> Action:
        match node:
            case model.StartEvent():
                return Start()
            case model.EndEvent():
                return self._end(node)
            case model.ServiceTask(work=model.JobWork() as work):
                return Job(type=work.type, retries=work.retries, headers=dict(work.headers))
            case model.ServiceTask(work=model.PageWork() as page):
                return Enter(scope=self.scope_of[node.id], headers=dict(page.headers))
            case model.UserTask():
                return Person(
                    assignee=self._text(node.id, node.assignee),
                    candidates=tuple(self._text(node.id, each) for each in node.candidate_groups),
                    headers=dict(node.headers),
                )
            case model.ScriptTask():
                formula = self._formula(node.id, node.expression)
                return Script(formula=formula, target=node.result_variable)
            case model.ExclusiveGateway() | model.InclusiveGateway():
                default = self.flow_of.get(node.default, NOWHERE)
                exclusive = isinstance(node, model.ExclusiveGateway)
                return Exclusive(default) if exclusive else Inclusive(default)
            case model.ParallelGateway():
                return Parallel()
            case model.EventBasedGateway():
                return EventBased(events=tuple(n for n, _ in self._behind(node, outline)))
            case model.CatchEvent(trigger=model.MessageTrigger() as message):
                key = self._formula(node.id, message.correlation_key)
                return AwaitMessage(name=message.name, correlation_key=key)
            case model.CatchEvent(trigger=model.TimerTrigger() as timer):
                return AwaitTimer(due=self._span(node.id, timer))
            case model.ThrowEvent():
                return Escalate(code=node.escalation.code)
            case model.BoundaryEvent():
                return self._boundary(node)
            case model.CallActivity():
                process = self._text(node.id, node.process)
                return Call(process, node.version_tag, node.hands_in, node.hands_back)
            case model.SubProcess():
                return Enter(scope=self.scope_of[node.id])
            case _:
                raise AssertionError(f"nothing compiles {type(node).__name__} '{node.id}'")

    def _end(self, event: model.EndEvent) -> Action:
        if event.error:
            return ErrorEnd(code=event.error.code)
        if event.escalation:
            return Escalate(code=event.escalation.code)
        return Terminate() if event.terminate else End()

    def _boundary(self, event: model.BoundaryEvent) -> Action:
        host = self.number_of[event.attached_to]
        if isinstance(event.trigger, model.ErrorTrigger):
            return BoundaryError(host=host, code=event.trigger.code)
        if isinstance(event.trigger, model.EscalationTrigger):
            return BoundaryEscalation(host, event.trigger.code, event.interrupting)
        due = self._span(event.id, event.trigger)
        return BoundaryTimer(host=host, due=due, interrupting=event.interrupting)

    # -- expressions --------------------------------------------------------------------------

    def _formula(self, element: str, text: str) -> Formula:
        try:
            return Formula(text=text, expression=compile_expression(text))
        except Invalid as error:
            for fault in error.faults:
                hint = f"'{text:.80}' {fault.path}. {fault.hint}"
                self._fault(element, fault.expected, fault.found, hint)
        except Refused as error:
            self._fault(element, "an expression within its limits", str(error))
        return Formula(text=text, expression=compile_expression("null"))

    def _assigns(self, element: str, mappings: tuple[model.Mapping, ...]) -> tuple[Assign, ...]:
        return tuple(
            Assign(target=each.target, formula=self._formula(element, each.source))
            for each in mappings
        )

    def _text(self, element: str, text: str) -> Text:
        if text.startswith("="):
            return Text(formula=self._formula(element, text[1:]))
        return Text(literal=text)

    def _span(self, element: str, timer: model.TimerTrigger) -> Span:
        try:
            if timer.duration:
                return Span(duration_ns=duration_of_iso(timer.duration))
            return Span(date=instant_of(timer.date), relative=False)
        except ValueError:
            text = timer.duration or timer.date
            return Span(formula=self._formula(element, text), relative=bool(timer.duration))

    def _fault(self, element: str, expected: str, found: str, hint: str = "") -> None:
        line = f", line {self.lines[element]}" if element in self.lines else ""
        place = f"element '{element}'{line}"
        self.faults.append(
            Fault(
                source=f"process '{self.process.id}'",
                path=place,
                expected=expected,
                found=found,
                hint=hint.strip(),
            )
        )

    # -- scopes and pages ---------------------------------------------------------------------

    def _scope(
        self, outline: Outline, nodes: Mapping[int, Node], flows: Mapping[int, Flow]
    ) -> Scope:
        owner = outline.owner
        if isinstance(owner, ServiceTask):
            return self._page(outline, owner)
        merging = [
            nodes[n]
            for n, _ in outline.nodes
            if nodes[n].joins and isinstance(nodes[n].action, Inclusive)
        ]
        starts = [n for n, node in outline.nodes if isinstance(node, model.StartEvent)]
        return Scope(
            number=outline.number,
            kind=ScopeKind.SUBPROCESS if owner else ScopeKind.PROCESS,
            owner=self.number_of[owner.id] if owner else NOWHERE,
            parent=outline.parent,
            start=starts[0],
            nodes=tuple(number for number, _ in outline.nodes),
            flows=tuple(number for number, _ in outline.flows),
            joins=tuple(number for number, _ in outline.flows if flows[number].waits),
            merges=tuple(merge_of(node, nodes, flows) for node in merging),
        )

    def _page(self, outline: Outline, owner: ServiceTask) -> Scope:
        assert isinstance(owner.work, PageWork), "only page tasks own a page"
        scope = Scope(
            number=outline.number,
            kind=ScopeKind.PAGE,
            owner=self.number_of[owner.id],
            parent=outline.parent,
        )
        net = self.nets.get(owner.work.net)
        if net is None:
            hint = did_you_mean(owner.work.net, self.nets)
            self._fault(owner.id, "the id of a deployed net", f"'{owner.work.net}'", hint)
            return scope
        entry = self._port(owner.id, net, "in")
        leave = self._port(owner.id, net, "out")
        return Scope(
            number=scope.number,
            kind=scope.kind,
            owner=scope.owner,
            parent=scope.parent,
            net=net,
            entry=entry,
            exit=leave,
        )

    def _port(self, element: str, net: CompiledNet, port: str) -> int:
        numbers = [number for number, place in enumerate(net.places) if place.port == port]
        if len(numbers) != 1:
            expected = f"net '{net.id}' to have exactly one place with port '{port}'"
            self._fault(element, expected, f"{len(numbers)} of them")
            return NOWHERE
        return numbers[0]

    def _share(
        self, scopes: tuple[Scope, ...]
    ) -> tuple[tuple[SharedPlace, ...], tuple[Scope, ...]]:
        """Number the fusion places of all pages; equal names must mean equal places."""
        shared: dict[str, SharedPlace] = {}
        firsts: dict[str, Place] = {}
        linked: list[Scope] = []
        for scope in scopes:
            fusion: list[int] = []
            for number, place in enumerate(scope.net.places if scope.net else ()):
                if not place.fusion:
                    fusion.append(NOWHERE)
                    continue
                if place.fusion not in shared:
                    shared[place.fusion] = SharedPlace(
                        name=place.fusion, page=scope.number, place=number
                    )
                    firsts[place.fusion] = place
                elif not _agree(firsts[place.fusion], place):
                    self._disagreement(scope.owner, place)
                fusion.append(list(shared).index(place.fusion))
            linked.append(_with_fusion(scope, tuple(fusion)))
        return tuple(shared.values()), tuple(linked)

    def _disagreement(self, owner: int, place: Place) -> None:
        element = next(name for name, number in self.number_of.items() if number == owner)
        expected = f"every page to declare shared place '{place.fusion}' alike"
        found = f"another colour or other initial tokens at place '{place.name}'"
        self._fault(element, expected, found)


def _agree(one: Place, other: Place) -> bool:
    return (
        _same_colour(one.colour, other.colour)
        and one.timed == other.timed
        and one.initial == other.initial
    )


def _same_colour(one: ColourSet, other: ColourSet) -> bool:
    """Whether two nets mean the same colour; names of declared parts may differ."""
    if not one.parts and not other.parts:
        return one.colour == other.colour
    return (
        type(one.colour) is type(other.colour)
        and one.parts.keys() == other.parts.keys()
        and all(_same_colour(part, other.parts[name]) for name, part in one.parts.items())
    )


def _with_fusion(scope: Scope, fusion: tuple[int, ...]) -> Scope:
    if scope.net is None:
        return scope
    return Scope(
        number=scope.number,
        kind=scope.kind,
        owner=scope.owner,
        parent=scope.parent,
        net=scope.net,
        entry=scope.entry,
        exit=scope.exit,
        fusion=fusion,
    )
