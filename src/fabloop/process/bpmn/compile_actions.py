"""Compiles what each node does when a token reaches it."""

from collections.abc import Mapping
from typing import assert_never

from fabloop.process.bpmn import model
from fabloop.process.bpmn.compile_expressions import Expressions
from fabloop.process.bpmn.compile_rounds import repeated
from fabloop.process.bpmn.outline import Outline, net_of
from fabloop.process.bpmn.triggers import (
    CancelTrigger,
    CompensateTrigger,
    ConditionTrigger,
    ErrorTrigger,
    EscalationTrigger,
    LinkTrigger,
    MessageTrigger,
    SignalTrigger,
    TerminateTrigger,
    TimerTrigger,
)
from fabloop.process.definition import (
    NOWHERE,
    Action,
    Await,
    Boundary,
    BoundaryCancel,
    BoundaryError,
    BoundaryEscalation,
    BoundaryUndo,
    Call,
    CancelEnd,
    Compensate,
    Decide,
    End,
    Enter,
    ErrorEnd,
    Escalate,
    EventBased,
    Exclusive,
    Inclusive,
    Job,
    Jump,
    Listen,
    Nothing,
    Parallel,
    Pass,
    Person,
    Receive,
    Respond,
    Script,
    SendMessage,
    SendSignal,
    Start,
    StartOn,
    Terminate,
)
from fabloop.process.formula import Text
from fabloop.process.pick import Pick
from fabloop.process.trigger import OnCondition, OnMessage, OnSignal, OnTimer, Trigger

ARMED = TimerTrigger | MessageTrigger | SignalTrigger | ConditionTrigger
"""Triggers that are armed while an activity waits; others are thrown at it."""


class Actions:
    """Compiles the actions of one process; elements refer to each other by id.

    Attributes
    ----------
    node_of, flow_of : numbers of nodes and flows by id
    scope_of : number of the scope that a node opens, by its number
    """

    def __init__(
        self,
        expressions: Expressions,
        node_of: Mapping[str, int],
        flow_of: Mapping[str, int],
        scope_of: Mapping[int, int],
    ) -> None:
        self.expressions = expressions
        self.node_of = node_of
        self.flow_of = flow_of
        self.scope_of = scope_of

    def action(  # noqa: PLR0911  # one per kind
        self, number: int, node: model.FlowNode, outline: Outline
    ) -> Action:
        """Return what a node does."""
        match node:
            case model.StartEvent(trigger=trigger) if isinstance(trigger, ARMED) and outline.owner:
                response = self.node_of[outline.owner.id]
                return Listen(response, self.trigger(node.id, trigger))
            case model.StartEvent(trigger=trigger) if isinstance(trigger, ARMED):
                return StartOn(self.trigger(node.id, trigger))
            case model.StartEvent():
                return Start()
            case model.EndEvent():
                return self._end(node)
            case model.CatchEvent():
                return self._catch(node)
            case model.ThrowEvent():
                return self._throw(node, outline)
            case model.BoundaryEvent():
                return self._boundary(node)
            case (
                model.ExclusiveGateway()
                | model.InclusiveGateway()
                | model.ParallelGateway()
                | model.EventBasedGateway()
            ):
                return self._gateway(node, outline)
            case _:
                return self._activity(number, node)

    def _gateway(
        self,
        node: model.ExclusiveGateway
        | model.InclusiveGateway
        | model.ParallelGateway
        | model.EventBasedGateway,
        outline: Outline,
    ) -> Action:
        match node:
            case model.ExclusiveGateway():
                return Exclusive(self.flow_of.get(node.default, NOWHERE))
            case model.InclusiveGateway():
                return Inclusive(self.flow_of.get(node.default, NOWHERE))
            case model.ParallelGateway():
                return Parallel()
            case model.EventBasedGateway():
                return EventBased(events=tuple(n for n, _ in events_behind(node, outline)))

    def _activity(  # noqa: PLR0911  # one per kind
        self, number: int, node: model.Activity
    ) -> Action:
        if node.loop is not None:
            return repeated(node, node.loop, self.scope_of[number], self.expressions)
        match node:
            case model.SubProcess() | model.CallActivity():
                return self._nested(number, node)
            case (
                model.ServiceTask(work=model.JobWork() as work)
                | model.BusinessRuleTask(work=model.JobWork() as work)
            ):
                return Job(type=work.type, retries=work.retries, headers=dict(work.headers))
            case model.ServiceTask(work=model.PageWork() as page):
                return Enter(scope=self.scope_of[number], headers=dict(page.headers))
            case model.UserTask():
                text = self.expressions.text_of
                return Person(
                    assignee=text(node.id, node.assignee),
                    candidates=tuple(text(node.id, each) for each in node.candidate_groups),
                    headers=dict(node.headers),
                )
            case model.BusinessRuleTask():
                decision = self.expressions.text_of(node.id, node.decision)
                return Decide(decision, node.result_variable, self._pick(node))
            case model.ManualTask() | model.Task():
                return Nothing()
            case model.ScriptTask():
                formula = self.expressions.formula(node.id, node.expression)
                return Script(formula=formula, target=node.result_variable)
            case model.SendTask():
                return self._send(node.id, node.message, node.work)
            case model.ReceiveTask():
                return Receive(self.trigger(node.id, node.message))
            case _:
                raise AssertionError(f"nothing compiles {type(node).__name__} '{node.id}'")

    def _nested(self, number: int, node: model.SubProcess | model.CallActivity) -> Action:
        match node:
            case model.CallActivity() if net_of(node) is not None:
                return Enter(scope=self.scope_of[number])
            case model.CallActivity():
                process = self.expressions.text_of(node.id, node.process)
                key = self._text(node.id, node.business_key)
                return Call(process, self._pick(node), node.hands_in, node.hands_back, key)
            case model.SubProcess(kind=model.SubProcessKind.EVENT):
                start = next(each for each in node.nodes if isinstance(each, model.StartEvent))
                return Respond(self.scope_of[number], start.interrupting)
            case model.SubProcess():
                return Enter(scope=self.scope_of[number])

    def _pick(self, node: model.CallActivity | model.BusinessRuleTask) -> Pick:
        version = self._text(node.id, node.version)
        return Pick(tag=node.version_tag, version=version, together=node.together)

    def _text(self, element: str, text: str) -> Text | None:
        return self.expressions.text_of(element, text) if text else None

    def _end(self, event: model.EndEvent) -> Action:
        match event.trigger:
            case None:
                return End()
            case ErrorTrigger(code=code):
                return ErrorEnd(code=code)
            case EscalationTrigger(code=code):
                return Escalate(code=code)
            case TerminateTrigger():
                return Terminate()
            case CompensateTrigger(activity=activity):
                return Compensate(self.node_of.get(activity, NOWHERE))
            case CancelTrigger():
                return CancelEnd()
            case MessageTrigger() as message:
                return self._send(event.id, message, event.work)
            case SignalTrigger(name=name):
                return SendSignal(self.expressions.text_of(event.id, name))
            case _:
                assert_never(event.trigger)

    def _catch(self, event: model.CatchEvent) -> Action:
        match event.trigger:
            case LinkTrigger():
                return Pass()
            case trigger:
                return Await(self.trigger(event.id, trigger))

    def trigger(
        self,
        element: str,
        trigger: TimerTrigger | MessageTrigger | SignalTrigger | ConditionTrigger,
    ) -> Trigger:
        """Return what an event is armed with."""
        match trigger:
            case TimerTrigger():
                return OnTimer(self.expressions.span(element, trigger))
            case MessageTrigger():
                name = self.expressions.text_of(element, trigger.name)
                key = self.expressions.formula(element, trigger.correlation_key or "null")
                return OnMessage(name, key)
            case SignalTrigger():
                return OnSignal(self.expressions.text_of(element, trigger.name))
            case ConditionTrigger():
                return self._condition(element, trigger.condition)

    def _condition(self, element: str, text: str) -> OnCondition:
        formula = self.expressions.formula(element, text)
        kpis = {entry for name, entry in formula.expression.paths if name == "kpi"}
        names = tuple(sorted(formula.expression.variables))
        return OnCondition(formula, names, ("",) if "" in kpis else tuple(sorted(kpis)))

    def _send(
        self, element: str, message: MessageTrigger | None, work: model.JobWork | None
    ) -> Action:
        if work is not None:
            return Job(type=work.type, retries=work.retries, headers=dict(work.headers))
        assert message is not None, "a message is sent, or a job does it"
        key, life = message.correlation_key, message.time_to_live
        return SendMessage(
            name=self.expressions.text_of(element, message.name),
            correlation_key=self.expressions.formula(element, key) if key else None,
            time_to_live=self.expressions.length(element, life) if life else None,
        )

    def _throw(self, event: model.ThrowEvent, outline: Outline) -> Action:
        match event.trigger:
            case None:
                return Pass()
            case LinkTrigger(name=name):
                return Jump(link_named(name, outline))
            case MessageTrigger() as message:
                return self._send(event.id, message, event.work)
            case SignalTrigger(name=name):
                return SendSignal(self.expressions.text_of(event.id, name))
            case EscalationTrigger(code=code):
                return Escalate(code=code)
            case CompensateTrigger(activity=activity):
                return Compensate(self.node_of.get(activity, NOWHERE))
            case _:
                assert_never(event.trigger)

    def _boundary(self, event: model.BoundaryEvent) -> Action:
        host = self.node_of[event.attached_to]
        match event.trigger:
            case ErrorTrigger(code=code):
                return BoundaryError(host=host, code=code)
            case EscalationTrigger(code=code):
                return BoundaryEscalation(host, code, event.interrupting)
            case (
                TimerTrigger() | MessageTrigger() | SignalTrigger() | ConditionTrigger()
            ) as trigger:
                return Boundary(host, self.trigger(event.id, trigger), event.interrupting)
            case CompensateTrigger():
                return BoundaryUndo(host, self.node_of[event.handler])
            case CancelTrigger():
                return BoundaryCancel(host)
            case _:
                assert_never(event.trigger)


def watches_of(
    number: int,
    node: model.FlowNode,
    attached: list[tuple[int, model.BoundaryEvent]],
    outline: Outline,
    node_of: Mapping[str, int],
) -> tuple[int, ...]:
    """Return the numbers of the events that are armed while a node waits."""
    match node:
        case model.CatchEvent():
            return (number,) if isinstance(node.trigger, ARMED) else ()
        case model.EventBasedGateway():
            return tuple(n for n, _ in events_behind(node, outline))
        case model.SubProcess(kind=model.SubProcessKind.EVENT, nodes=inner):
            starts = [each for each in inner if isinstance(each, model.StartEvent)]
            return tuple(node_of[e.id] for e in starts if isinstance(e.trigger, ARMED))
        case _:
            waits = isinstance(node, model.ReceiveTask) and node.loop is None
            own = (number,) if waits else ()  # with a loop, each round waits
            return own + tuple(n for n, each in attached if isinstance(each.trigger, ARMED))


def link_named(name: str, outline: Outline) -> int:
    """Return the number of the link of a name that tokens go on at."""
    return next(
        number
        for number, node in outline.nodes
        if isinstance(node, model.CatchEvent) and node.trigger == LinkTrigger(name=name)
    )


def events_behind(
    node: model.FlowNode, outline: Outline
) -> list[tuple[int, model.CatchEvent | model.ReceiveTask]]:
    """Return the events behind an event-based gateway, in the order of its flows."""
    if not isinstance(node, model.EventBasedGateway):
        return []
    by_id = {each.id: (number, each) for number, each in outline.nodes}
    targets = [by_id[flow.target] for _, flow in outline.flows if flow.source == node.id]
    awaited = model.CatchEvent | model.ReceiveTask
    return [(n, each) for n, each in targets if isinstance(each, awaited)]
