"""BPMN 2.0 XML to a process document; hostile XML and what is not carried out are refused."""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.xml import Element, Tally, local_of, parse_xml, text_of
from fabloop.process.bpmn.dialect.convert import to_native
from fabloop.process.bpmn.executable import executables, name_flows
from fabloop.process.bpmn.extensions import check_extensions, extension, listeners_of, stripped
from fabloop.process.bpmn.model import (
    BpmnProcess,
    Diagram,
    EventBasedGateway,
    ExclusiveGateway,
    FlowNode,
    InclusiveGateway,
    Lane,
    ParallelGateway,
    SequenceFlow,
    SubProcess,
    SubProcessKind,
)
from fabloop.process.bpmn.read_activities import ActivityReader, ad_hoc_of, data_of
from fabloop.process.bpmn.read_diagram import read_diagram
from fabloop.process.bpmn.read_events import EventReader
from fabloop.process.bpmn.xml import BPMN, SOURCE

_SILENT = frozenset(
    {"documentation", "extensionElements", "incoming", "outgoing", "laneSet", "sequenceFlow"}
    | {"textAnnotation", "association", "group", "category", "auditing", "monitoring", "property"}
    | {"dataObject", "dataObjectReference", "dataStoreReference", "ioSpecification"}
    | {"dataInputAssociation", "dataOutputAssociation", "dataInput", "dataOutput"}
    | {"inputSet", "outputSet", "potentialOwner", "humanPerformer", "performer", "resourceRole"}
)
"""Children of a scope or node that are read elsewhere or mean nothing to the execution."""

_LOOPS = frozenset({"multiInstanceLoopCharacteristics", "standardLoopCharacteristics"})
_PARTS: dict[str, frozenset[str]] = {
    "scriptTask": _LOOPS | {"script"},
    "adHocSubProcess": frozenset({"completionCondition"}),
}
TEXT_LENGTH_MAX = 20_000
"""Characters of one attribute."""

_EVENTS = frozenset(
    {"startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent"}
)
_SCOPES = frozenset({"subProcess", "transaction", "adHocSubProcess"})


def read_bpmn(data: bytes) -> tuple[BpmnProcess, dict[str, int]]:
    """Return the one executable process of a document, and the line of each element by id.

    Raises
    ------
    Invalid
        As `read_processes`, or there are several.
    """
    processes, lines = read_processes(data)
    if len(processes) != 1:
        named = ", ".join(f"'{each.id}'" for each in processes)
        expected = "exactly one executable process"
        raise Invalid(Fault(source=SOURCE, path="", expected=expected, found=named))
    return processes[0], lines


def read_processes(data: bytes) -> tuple[tuple[BpmnProcess, ...], dict[str, int]]:
    """Return the executable processes of a document, and the line of each element by id.

    They are those marked ``isExecutable="true"``; without any, those not marked ``false``;
    without any, all that have content.

    Raises
    ------
    Invalid
        The XML is not fit to be read, or the processes hold what we do not carry out: every such
        element is named with its line.
    """
    root = parse_xml(data, SOURCE)
    if root.tag != f"{BPMN}definitions":
        expected = "BPMN 2.0 definitions"
        raise Invalid(Fault(source=SOURCE, path="", expected=expected, found=f"<{local_of(root)}>"))
    return _Reader(root).read()


class _Reader:
    def __init__(self, root: Element) -> None:
        self.root = root
        self.tally = Tally(SOURCE)
        self.chosen = executables(root, self.tally)
        name_flows(self.chosen)
        to_native(root, self.chosen, self.tally)
        self.events = EventReader(root, self.tally)
        self.activities = ActivityReader(self.events, self.tally)
        self.readers: dict[str, Callable[[Element], FlowNode | None]] = {
            "startEvent": self.events.start,
            "endEvent": self.events.end,
            "intermediateCatchEvent": self.events.catch,
            "intermediateThrowEvent": self.events.throw,
            "boundaryEvent": self.events.boundary,
            "serviceTask": self.activities.service,
            "userTask": self.activities.user,
            "scriptTask": self.activities.script,
            "businessRuleTask": self.activities.rule,
            "sendTask": self.activities.send,
            "receiveTask": self.activities.receive,
            "manualTask": self.activities.manual,
            "task": self.activities.plain,
            "callActivity": self.activities.call,
            "exclusiveGateway": self._exclusive,
            "inclusiveGateway": self._inclusive,
            "parallelGateway": self._parallel,
            "eventBasedGateway": self._event_based,
            "subProcess": self._subprocess,
            "transaction": self._subprocess,
            "adHocSubProcess": self._subprocess,
        }

    def read(self) -> tuple[tuple[BpmnProcess, ...], dict[str, int]]:
        for element in self.chosen:
            self._measure(element)
        for message in self.root.iterfind(f"{BPMN}message"):
            check_extensions(message, self.tally)
        drawn = read_diagram(self.root, self.tally)
        processes = tuple(self._process(element, drawn) for element in self.chosen)
        if self.tally.faults:
            raise Invalid(self.tally.faults)
        return processes, self.tally.lines

    def _measure(self, process: Element) -> None:
        """Refuse texts that nobody could have meant to be shown or evaluated."""
        for element in process.iter():
            for key, value in element.attrib.items():
                if len(value) > TEXT_LENGTH_MAX:
                    expected = f"at most {TEXT_LENGTH_MAX} characters in {key!s}"
                    self.tally.refuse(element, expected, f"{len(value)}")

    def _process(self, element: Element, drawn: Diagram) -> BpmnProcess:
        before = set(self.tally.lines)
        tag = extension(element, "versionTag")
        check_extensions(element, self.tally)
        process = BpmnProcess(
            id=self.tally.place(element),
            name=element.get("name", ""),
            version_tag="" if tag is None else tag.get("value", ""),
            nodes=self._nodes(element),
            flows=self._flows(element),
            data=data_of(element, self.tally),
            listeners=listeners_of(element, self.tally),
            lanes=tuple(self._lanes(element)),
        )
        own = self.tally.lines.keys() - before
        return msgspec.structs.replace(process, diagram=_only(drawn, own))

    # -- scopes -------------------------------------------------------------------------------

    def _nodes(self, scope: Element) -> tuple[FlowNode, ...]:
        found = []
        for child in scope:
            name = local_of(child)
            if not str(child.tag).startswith(BPMN) or name in _SILENT | _LOOPS:
                continue
            if name in _PARTS.get(local_of(scope), ()):
                continue
            read = self.readers.get(name)
            if read is None:
                self._unsupported(child)
                continue
            self.tally.place(child)
            check_extensions(child, self.tally)
            self._check_children(child)
            node = read(child)
            if node is not None:
                told = listeners_of(child, self.tally)
                found.append(msgspec.structs.replace(node, listeners=told) if told else node)
        return tuple(found)

    def _unsupported(self, element: Element) -> None:
        expected = f"one of {', '.join(sorted(self.readers))}"
        self.tally.refuse(element, expected, f"{local_of(element)}, which is not carried out")

    def _check_children(self, node: Element) -> None:
        """Refuse what stands in a node and would change its meaning."""
        name = local_of(node)
        if name in _SCOPES:
            return
        activity = name.endswith("ask") or name == "callActivity"
        parts = _PARTS.get(name, _LOOPS if activity else frozenset())
        for child in node:
            inner = local_of(child)
            if not str(child.tag).startswith(BPMN) or inner in _SILENT or inner in parts:
                continue
            if not (inner.endswith("EventDefinition") and name in _EVENTS):
                self.tally.refuse(child, f"a {name} without {inner}", inner)

    def _flows(self, scope: Element) -> tuple[SequenceFlow, ...]:
        flows = []
        for each in scope.iterfind(f"{BPMN}sequenceFlow"):
            condition = each.find(f"{BPMN}conditionExpression")
            flow = SequenceFlow(
                id=self.tally.place(each),
                source=each.get("sourceRef", ""),
                target=each.get("targetRef", ""),
                name=each.get("name", ""),
                condition=stripped(text_of(condition)),
            )
            flows.append(flow)
        return tuple(flows)

    def _lanes(self, process: Element) -> Iterator[Lane]:
        for lane in process.iterfind(f"{BPMN}laneSet//{BPMN}lane"):
            yield Lane(
                id=self.tally.place(lane),
                name=lane.get("name", ""),
                nodes=tuple(text_of(each) for each in lane.iterfind(f"{BPMN}flowNodeRef")),
            )

    def _subprocess(self, element: Element) -> SubProcess:
        kind, ad_hoc = SubProcessKind.EMBEDDED, None
        match local_of(element):
            case "transaction":
                kind = SubProcessKind.TRANSACTION
            case "adHocSubProcess":
                ad_hoc = ad_hoc_of(element)
            case _ if element.get("triggeredByEvent") == "true":
                kind = SubProcessKind.EVENT
            case _:
                pass
        return SubProcess(
            **self.activities.common(element),
            nodes=self._nodes(element),
            flows=self._flows(element),
            kind=kind,
            ad_hoc=ad_hoc,
            data=data_of(element, self.tally),
        )

    # -- gateways -----------------------------------------------------------------------------

    def _exclusive(self, element: Element) -> ExclusiveGateway:
        return ExclusiveGateway(
            id=element.get("id", ""),
            name=element.get("name", ""),
            default=element.get("default", ""),
        )

    def _inclusive(self, element: Element) -> InclusiveGateway:
        return InclusiveGateway(
            id=element.get("id", ""),
            name=element.get("name", ""),
            default=element.get("default", ""),
        )

    def _parallel(self, element: Element) -> ParallelGateway:
        return ParallelGateway(id=element.get("id", ""), name=element.get("name", ""))

    def _event_based(self, element: Element) -> EventBasedGateway:
        if element.get("instantiate") == "true":
            self.tally.refuse(element, "a gateway that a token reaches", "instantiate=true")
        if element.get("eventGatewayType", "Exclusive") != "Exclusive":
            found = f"eventGatewayType={element.get('eventGatewayType')}"
            self.tally.refuse(element, "a gateway that waits for one event", found)
        return EventBasedGateway(id=element.get("id", ""), name=element.get("name", ""))


def _only(drawn: Diagram, known: AbstractSet[str]) -> Diagram:
    """Return where these elements stand; pools and artifacts are left out."""
    return Diagram(
        shapes={name: box for name, box in drawn.shapes.items() if name in known},
        edges={name: line for name, line in drawn.edges.items() if name in known},
    )
