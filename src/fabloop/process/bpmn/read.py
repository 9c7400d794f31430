"""BPMN 2.0 XML to a process document; hostile XML and what is not carried out are refused."""

from collections.abc import Callable, Iterator
from math import isfinite

from fabloop.base.errors import Fault, Invalid
from fabloop.base.xml import Element, Tally, local_of, parse_xml, text_of
from fabloop.process.bpmn.extensions import (
    assignment_of,
    called_of,
    check_extensions,
    correlation_of,
    extension,
    headers_of,
    mappings_of,
    script_of,
    static,
    stripped,
    work_of,
)
from fabloop.process.bpmn.model import (
    BoundaryEvent,
    Bounds,
    BpmnProcess,
    CallActivity,
    CatchEvent,
    Diagram,
    EndEvent,
    ErrorTrigger,
    EscalationTrigger,
    EventBasedGateway,
    ExclusiveGateway,
    FlowNode,
    InclusiveGateway,
    Lane,
    MessageTrigger,
    ParallelGateway,
    ScriptTask,
    SequenceFlow,
    ServiceTask,
    StartEvent,
    SubProcess,
    ThrowEvent,
    TimerTrigger,
    UserTask,
)
from fabloop.process.bpmn.xml import BPMN, BPMNDI, DC, DI, SOURCE

_SILENT = frozenset(
    {"documentation", "extensionElements", "incoming", "outgoing", "laneSet", "sequenceFlow"}
    | {"textAnnotation", "association", "group"}
)
"""Children of a scope or node that are read elsewhere or mean nothing to the execution."""

_EVENTS = {"intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent", "endEvent"}


def read_bpmn(data: bytes) -> tuple[BpmnProcess, dict[str, int]]:
    """Return the one executable process of a document, and the line of each element by id.

    Raises
    ------
    Invalid
        The XML is not fit to be read, or the process holds what we do not carry out: every such
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
        self.messages = {each.get("id", ""): each for each in root.iterfind(f"{BPMN}message")}
        self.errors = {each.get("id", ""): each for each in root.iterfind(f"{BPMN}error")}
        self.escalations = {e.get("id", ""): e for e in root.iterfind(f"{BPMN}escalation")}
        self.readers: dict[str, Callable[[Element], FlowNode | None]] = {
            "startEvent": self._start,
            "endEvent": self._end,
            "serviceTask": self._service,
            "userTask": self._user,
            "scriptTask": self._script,
            "exclusiveGateway": self._exclusive,
            "inclusiveGateway": self._inclusive,
            "parallelGateway": self._parallel,
            "eventBasedGateway": self._event_based,
            "intermediateCatchEvent": self._catch,
            "intermediateThrowEvent": self._throw,
            "boundaryEvent": self._boundary,
            "subProcess": self._subprocess,
            "callActivity": self._call,
        }

    def read(self) -> tuple[BpmnProcess, dict[str, int]]:
        element = self._executable()
        tag = extension(element, "versionTag")
        for message in self.messages.values():
            check_extensions(message, self.tally)
        check_extensions(element, self.tally)
        process = BpmnProcess(
            id=self.tally.place(element),
            name=element.get("name", ""),
            version_tag="" if tag is None else tag.get("value", ""),
            nodes=self._nodes(element),
            flows=self._flows(element),
            lanes=tuple(self._lanes(element)),
            diagram=self._diagram(),
        )
        if self.tally.faults:
            raise Invalid(self.tally.faults)
        return process, self.tally.lines

    def _executable(self) -> Element:
        processes = self.root.findall(f"{BPMN}process")
        marked = [each for each in processes if each.get("isExecutable") == "true"]
        chosen = marked or [each for each in processes if each.get("isExecutable") != "false"]
        if len(chosen) != 1:
            expected = "exactly one executable process"
            self.tally.refuse(self.root, expected, f"{len(chosen)} of {len(processes)}")
            raise Invalid(self.tally.faults)
        return chosen[0]

    def _diagram(self) -> Diagram:
        """Return where the elements that were read stand; pools and artifacts are left out."""
        drawn = read_diagram(self.root, self.tally)
        known = self.tally.lines
        return Diagram(
            shapes={name: box for name, box in drawn.shapes.items() if name in known},
            edges={name: line for name, line in drawn.edges.items() if name in known},
        )

    # -- scopes -------------------------------------------------------------------------------

    def _nodes(self, scope: Element) -> tuple[FlowNode, ...]:
        found = []
        for child in scope:
            name = local_of(child)
            if not str(child.tag).startswith(BPMN) or name in _SILENT:
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
                found.append(node)
        return tuple(found)

    def _unsupported(self, element: Element) -> None:
        expected = f"one of {', '.join(sorted(self.readers))}"
        self.tally.refuse(element, expected, f"{local_of(element)}, which is not carried out")

    def _check_children(self, node: Element) -> None:
        """Refuse what stands in a node and would change its meaning."""
        if node.get("isForCompensation") == "true" or node.get("triggeredByEvent") == "true":
            self.tally.refuse(node, "an ordinary activity", "compensation or an event sub-process")
        name = local_of(node)
        for child in node:
            inner = local_of(child)
            if not str(child.tag).startswith(BPMN) or inner in _SILENT or name == "subProcess":
                if inner.endswith("LoopCharacteristics"):
                    self.tally.refuse(child, "an activity that runs once", inner)
                continue
            if not (inner.endswith("EventDefinition") and name in _EVENTS):
                self.tally.refuse(child, f"a {name} without {inner}", inner)

    def _flows(self, scope: Element) -> tuple[SequenceFlow, ...]:
        flows = []
        for each in scope.iterfind(f"{BPMN}sequenceFlow"):
            condition = each.find(f"{BPMN}conditionExpression")
            language = "" if condition is None else condition.get("language", "")
            if language and "feel" not in language.lower():
                self.tally.refuse(each, "a condition in FEEL", language)
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

    # -- nodes --------------------------------------------------------------------------------

    def _start(self, element: Element) -> StartEvent:
        return StartEvent(id=element.get("id", ""), name=element.get("name", ""))

    def _end(self, element: Element) -> EndEvent:
        error, terminate, escalation = None, False, None
        for definition in self._definitions(element, 0, 1):
            match local_of(definition):
                case "errorEventDefinition":
                    error = self._error(definition)
                    if not error.code:
                        self.tally.refuse(definition, "an error with a code", "none")
                case "escalationEventDefinition":
                    escalation = self._thrown(definition)
                case "terminateEventDefinition":
                    terminate = True
                case _:
                    self._wrong_event(definition, "error, escalation or terminate")
        return EndEvent(
            id=element.get("id", ""),
            name=element.get("name", ""),
            error=error,
            terminate=terminate,
            escalation=escalation,
        )

    def _service(self, element: Element) -> ServiceTask:
        return ServiceTask(
            id=element.get("id", ""),
            name=element.get("name", ""),
            work=work_of(element, self.tally),
            inputs=mappings_of(element, "input"),
            outputs=mappings_of(element, "output"),
        )

    def _user(self, element: Element) -> UserTask:
        assignee, groups = assignment_of(element, self.tally)
        return UserTask(
            id=element.get("id", ""),
            name=element.get("name", ""),
            assignee=assignee,
            candidate_groups=groups,
            headers=headers_of(element),
            inputs=mappings_of(element, "input"),
            outputs=mappings_of(element, "output"),
        )

    def _script(self, element: Element) -> ScriptTask:
        expression, variable = script_of(element, self.tally)
        return ScriptTask(
            id=element.get("id", ""),
            name=element.get("name", ""),
            expression=expression,
            result_variable=variable,
            inputs=mappings_of(element, "input"),
            outputs=mappings_of(element, "output"),
        )

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

    def _catch(self, element: Element) -> CatchEvent | None:
        for definition in self._definitions(element, 1, 1):
            trigger: MessageTrigger | TimerTrigger | None = None
            match local_of(definition):
                case "messageEventDefinition":
                    trigger = self._message(definition)
                case "timerEventDefinition":
                    trigger = self._timer(definition)
                case _:
                    self._wrong_event(definition, "message or timer")
            if trigger is not None:
                return CatchEvent(
                    id=element.get("id", ""),
                    name=element.get("name", ""),
                    trigger=trigger,
                    outputs=mappings_of(element, "output"),
                )
        return None

    def _throw(self, element: Element) -> ThrowEvent | None:
        for definition in self._definitions(element, 1, 1):
            if local_of(definition) == "escalationEventDefinition":
                return ThrowEvent(
                    id=element.get("id", ""),
                    name=element.get("name", ""),
                    escalation=self._thrown(definition),
                )
            self._wrong_event(definition, "escalation")
        return None

    def _boundary(self, element: Element) -> BoundaryEvent | None:
        for definition in self._definitions(element, 1, 1):
            trigger: ErrorTrigger | EscalationTrigger | TimerTrigger | None = None
            match local_of(definition):
                case "errorEventDefinition":
                    trigger = self._error(definition)
                case "timerEventDefinition":
                    trigger = self._timer(definition)
                case "escalationEventDefinition":
                    trigger = self._escalation(definition)
                case _:
                    self._wrong_event(definition, "timer, error or escalation")
            if trigger is not None:
                return BoundaryEvent(
                    id=element.get("id", ""),
                    name=element.get("name", ""),
                    attached_to=element.get("attachedToRef", ""),
                    trigger=trigger,
                    interrupting=element.get("cancelActivity", "true") != "false",
                    outputs=mappings_of(element, "output"),
                )
        return None

    def _subprocess(self, element: Element) -> SubProcess:
        return SubProcess(
            id=element.get("id", ""),
            name=element.get("name", ""),
            nodes=self._nodes(element),
            flows=self._flows(element),
            inputs=mappings_of(element, "input"),
            outputs=mappings_of(element, "output"),
        )

    def _call(self, element: Element) -> CallActivity | None:
        called = called_of(element, self.tally)
        if called is None:
            return None
        return CallActivity(
            id=element.get("id", ""),
            name=element.get("name", ""),
            process=called.get("processId", "").strip(),
            version_tag=static(called, "versionTag", self.tally),
            hands_in=called.get("propagateAllParentVariables", "true") != "false",
            hands_back=called.get("propagateAllChildVariables", "true") != "false",
            inputs=mappings_of(element, "input"),
            outputs=mappings_of(element, "output"),
        )

    # -- events -------------------------------------------------------------------------------

    def _definitions(self, event: Element, least: int, most: int) -> list[Element]:
        found = [each for each in event if local_of(each).endswith("EventDefinition")]
        if not least <= len(found) <= most:
            self.tally.refuse(event, "one event definition", str(len(found)))
        return found[:most]

    def _wrong_event(self, definition: Element, expected: str) -> None:
        found = f"{local_of(definition)}, which is not carried out here"
        self.tally.refuse(definition, f"a {expected} event", found)

    def _timer(self, definition: Element) -> TimerTrigger:
        if definition.find(f"{BPMN}timeCycle") is not None:
            self.tally.refuse(definition, "a timeDuration or timeDate", "timeCycle")
        return TimerTrigger(
            duration=stripped(text_of(definition.find(f"{BPMN}timeDuration"))),
            date=stripped(text_of(definition.find(f"{BPMN}timeDate"))),
        )

    def _error(self, definition: Element) -> ErrorTrigger:
        reference = definition.get("errorRef", "")
        error = self.errors.get(reference)
        if error is None:
            if reference:
                self.tally.refuse(definition, "a declared error", f"'{reference}'")
            return ErrorTrigger()
        return ErrorTrigger(code=static(error, "errorCode", self.tally))

    def _escalation(self, definition: Element) -> EscalationTrigger:
        reference = definition.get("escalationRef", "")
        escalation = self.escalations.get(reference)
        if escalation is None:
            if reference:
                self.tally.refuse(definition, "a declared escalation", f"'{reference}'")
            return EscalationTrigger()
        return EscalationTrigger(code=static(escalation, "escalationCode", self.tally))

    def _thrown(self, definition: Element) -> EscalationTrigger:
        trigger = self._escalation(definition)
        if not trigger.code:
            self.tally.refuse(definition, "an escalation with a code", "none")
        return trigger

    def _message(self, definition: Element) -> MessageTrigger:
        reference = definition.get("messageRef", "")
        message = self.messages.get(reference)
        if message is None:
            self.tally.refuse(definition, "a declared message", f"'{reference}'")
            return MessageTrigger(name="?", correlation_key="null")
        return MessageTrigger(
            name=static(message, "name", self.tally), correlation_key=correlation_of(message)
        )


# -- the diagram --------------------------------------------------------------------------------


def read_diagram(root: Element, tally: Tally) -> Diagram:
    """Return every shape and edge of the diagram interchange."""
    shapes = {}
    for shape in root.iter(f"{BPMNDI}BPMNShape"):
        box = shape.find(f"{DC}Bounds")
        if box is not None:
            sides = [_number(box, side, tally) for side in ("x", "y", "width", "height")]
            shapes[shape.get("bpmnElement", "")] = Bounds(
                x=sides[0], y=sides[1], width=sides[2], height=sides[3]
            )
    edges = {
        edge.get("bpmnElement", ""): tuple(
            (_number(point, "x", tally), _number(point, "y", tally))
            for point in edge.iterfind(f"{DI}waypoint")
        )
        for edge in root.iter(f"{BPMNDI}BPMNEdge")
    }
    return Diagram(shapes=shapes, edges=edges)


def _number(element: Element, name: str, tally: Tally) -> float:
    try:
        value = float(element.get(name, ""))
    except ValueError:
        value = float("nan")
    if isfinite(value):
        return value
    tally.refuse(element, f"a number as {name}", f"'{element.get(name, '')}'")
    return 0.0
