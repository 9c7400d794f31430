"""Reads the flow of BPMN 2.0 XML, without asking whether it can be carried out."""

from itertools import chain

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.xml import Element, Tally, line_of, local_of, parse_xml
from fabloop.process.verify.drawn.drawing import (
    ACTIVITIES,
    Drawing,
    Flow,
    MessageFlow,
    Node,
    Scope,
    Trigger,
)

SOURCE = "BPMN document"
NODES = ACTIVITIES | {
    "startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent",
    "exclusiveGateway", "parallelGateway", "inclusiveGateway", "complexGateway",
    "eventBasedGateway",
}  # fmt: skip
SCOPES = frozenset({"subProcess", "transaction", "adHocSubProcess"})
_DEFINITION = "EventDefinition"
_REFERENCES = ("messageRef", "signalRef", "errorRef", "escalationRef", "activityRef", "name")


def read_drawing(data: bytes) -> Drawing:
    """Return all processes of a document.

    Raises
    ------
    Invalid
        The XML is not fit to be read, holds no process, or a flow leads nowhere.
    """
    root = parse_xml(data, SOURCE)
    if local_of(root) != "definitions":
        expected, found = "BPMN 2.0 definitions", f"<{local_of(root)}>"
        raise Invalid(Fault(source=SOURCE, path="", expected=expected, found=found))
    return _Reader(root).read()


class _Reader:
    def __init__(self, root: Element) -> None:
        self.root = root
        self.tally = Tally(SOURCE)
        self.nodes: list[Node] = []
        self.flows: list[Flow] = []
        self.scopes: list[Scope] = []
        self.number: dict[str, int] = {}

    def read(self) -> Drawing:
        for element in self.root:
            if local_of(element) == "process":
                self._scope(element, -1)
        if not self.nodes:
            self.tally.refuse(self.root, "a process with flow nodes", "none")
        for element in chain.from_iterable(self._inside(each) for each in self.root):
            self._flow(element)
        if self.tally.faults:
            raise Invalid(self.tally.faults)
        return Drawing(
            nodes=tuple(self._linked()), flows=tuple(self.flows), scopes=tuple(self._filled()),
            messages=tuple(self._messages()),
        )  # fmt: skip

    def _inside(self, element: Element) -> list[Element]:
        return [each for each in element.iter() if local_of(each) == "sequenceFlow"]

    def _scope(self, element: Element, owner: int) -> int:
        number = len(self.scopes)
        name = element.get("id", "")
        self.scopes.append(Scope(number=number, id=name, owner=owner, nodes=(), flows=()))
        for child in element:
            if local_of(child) in NODES:
                self._node(child, number)
        return number

    def _node(self, element: Element, scope: int) -> None:
        number, name = len(self.nodes), element.get("id", "")
        if not name or name in self.number:
            self.tally.refuse(element, "an id of its own", f"{name!r}")
            return
        self.number[name] = number
        boundary = local_of(element) == "boundaryEvent"
        stays = "cancelActivity" if boundary else "isInterrupting"
        self.nodes.append(
            Node(
                number=number, id=name, kind=local_of(element), line=line_of(element),
                scope=scope, triggers=_triggers(element), host=element.get("attachedToRef", ""),
                interrupting=element.get(stays, "true") != "false",
                handles=element.get("triggeredByEvent") == "true",
                instantiates=element.get("instantiate") == "true",
                compensates=element.get("isForCompensation") == "true",
                default=element.get("default", ""),
            )
        )  # fmt: skip
        filled = any(local_of(child) in NODES for child in element)
        if local_of(element) in SCOPES and filled:
            inner = self._scope(element, number)
            self.nodes[number] = msgspec.structs.replace(self.nodes[number], inner=inner)

    def _flow(self, element: Element) -> None:
        ends = [self.number.get(element.get(end, "")) for end in ("sourceRef", "targetRef")]
        source, target = ends
        if source is None or target is None:
            self.tally.refuse(element, "a flow from a node to a node", "an end that is no node")
            return
        self.flows.append(
            Flow(
                number=len(self.flows), id=element.get("id", ""), source=source, target=target,
                conditional=any(local_of(each) == "conditionExpression" for each in element),
            )
        )  # fmt: skip

    def _linked(self) -> list[Node]:
        outgoing: dict[int, list[int]] = {}
        incoming: dict[int, list[int]] = {}
        for flow in self.flows:
            outgoing.setdefault(flow.source, []).append(flow.number)
            incoming.setdefault(flow.target, []).append(flow.number)
        return [
            msgspec.structs.replace(
                node,
                incoming=tuple(incoming.get(node.number, ())),
                outgoing=tuple(outgoing.get(node.number, ())),
            )
            for node in self.nodes
        ]

    def _filled(self) -> list[Scope]:
        return [
            msgspec.structs.replace(
                scope,
                nodes=tuple(node.number for node in self.nodes if node.scope == scope.number),
                flows=tuple(
                    flow.number
                    for flow in self.flows
                    if self.nodes[flow.source].scope == scope.number
                ),
            )
            for scope in self.scopes
        ]

    def _messages(self) -> list[MessageFlow]:
        found: list[MessageFlow] = []
        for element in self.root.iter():
            if local_of(element) == "messageFlow":
                source = self.number.get(element.get("sourceRef", ""), -1)
                target = self.number.get(element.get("targetRef", ""), -1)
                name = element.get("id", "")
                found.append(MessageFlow(id=name, source=source, target=target))
        return found


def _triggers(element: Element) -> tuple[Trigger, ...]:
    found: list[Trigger] = []
    for child in element:
        name = local_of(child)
        if name.endswith(_DEFINITION):
            ref = next((child.get(each, "") for each in _REFERENCES if child.get(each)), "")
            found.append(Trigger(name.removesuffix(_DEFINITION), ref))
        elif name == "eventDefinitionRef":
            found.append(Trigger("reference"))
    return tuple(found)
