"""Reads activities: tasks, calls, and what all activities may carry."""

from typing import TypedDict

from fabloop.base.xml import Element, Tally, text_of
from fabloop.process.bpmn.extensions import (
    KEY,
    VERSION,
    assignment_of,
    called_of,
    decision_of,
    extension,
    headers_of,
    job_of,
    mappings_of,
    script_of,
    shown_of,
    static,
    stripped,
    work_of,
)
from fabloop.process.bpmn.model import (
    AdHoc,
    BusinessRuleTask,
    CallActivity,
    DataObject,
    Loop,
    ManualTask,
    Mapping,
    MultiInstance,
    ReceiveTask,
    ScriptTask,
    SendTask,
    ServiceTask,
    StandardLoop,
    Task,
    UserTask,
)
from fabloop.process.bpmn.read_events import EventReader
from fabloop.process.bpmn.xml import BPMN, ZEEBE


class Common(TypedDict):
    """What every activity may carry."""

    id: str
    name: str
    inputs: tuple[Mapping, ...]
    outputs: tuple[Mapping, ...]
    loop: Loop | None
    for_compensation: bool
    default: str


class ActivityReader:
    """Reads the tasks and calls of one document."""

    def __init__(self, events: EventReader, tally: Tally) -> None:
        self.events = events
        self.tally = tally

    def common(self, element: Element) -> Common:
        """Return what an activity shares with all others."""
        return Common(
            id=element.get("id", ""),
            name=element.get("name", ""),
            inputs=mappings_of(element, "input"),
            outputs=mappings_of(element, "output"),
            loop=self._loop(element),
            for_compensation=element.get("isForCompensation") == "true",
            default=element.get("default", ""),
        )

    def service(self, element: Element) -> ServiceTask:
        """Return a service task."""
        return ServiceTask(**self.common(element), work=work_of(element, self.tally))

    def user(self, element: Element) -> UserTask:
        """Return a user task."""
        assignee, groups = assignment_of(element)
        headers, inputs = shown_of(element)
        common = self.common(element)
        common["inputs"] += inputs
        return UserTask(
            **common,
            assignee=assignee,
            candidate_groups=groups,
            headers=headers_of(element) | headers,
        )

    def script(self, element: Element) -> ScriptTask:
        """Return a script task."""
        expression, variable = script_of(element, self.tally)
        return ScriptTask(**self.common(element), expression=expression, result_variable=variable)

    def rule(self, element: Element) -> BusinessRuleTask:
        """Return a business rule task: a decision, or a job."""
        work = job_of(element, self.tally)
        called = decision_of(element, self.tally)
        decision = "" if called is None else called.get("decisionId", "").strip()
        if (work is None) == (not decision):
            found = "neither" if work is None else "both"
            expected = "either zeebe:calledDecision or zeebe:taskDefinition"
            self.tally.refuse(element, expected, found)
        if called is None:
            return BusinessRuleTask(**self.common(element), work=work)
        return BusinessRuleTask(
            **self.common(element),
            decision=decision,
            result_variable=called.get("resultVariable", "").strip(),
            version_tag=static(called, "versionTag", self.tally),
            version=called.get(VERSION, "").strip(),
            together=called.get("bindingType") == "deployment",
            work=work,
        )

    def send(self, element: Element) -> SendTask:
        """Return a send task: a message, or a job."""
        work = job_of(element, self.tally)
        message = None if work else self.events.message_of(element)
        return SendTask(**self.common(element), message=message, work=work)

    def receive(self, element: Element) -> ReceiveTask | None:
        """Return a receive task."""
        if element.get("instantiate") == "true":
            self.tally.refuse(element, "a task that a token reaches", "instantiate=true")
        message = self.events.message_of(element)
        return ReceiveTask(**self.common(element), message=message) if message else None

    def manual(self, element: Element) -> ManualTask:
        """Return a manual task."""
        return ManualTask(**self.common(element))

    def plain(self, element: Element) -> Task:
        """Return a task of no type."""
        return Task(**self.common(element))

    def call(self, element: Element) -> CallActivity | None:
        """Return a call activity."""
        called = called_of(element, self.tally)
        if called is None:
            return None
        return CallActivity(
            **self.common(element),
            process=called.get("processId", "").strip(),
            version_tag=static(called, "versionTag", self.tally),
            version=called.get(VERSION, "").strip(),
            together=called.get("bindingType") == "deployment",
            business_key=called.get(KEY, "").strip(),
            hands_in=called.get("propagateAllParentVariables", "true") != "false",
            hands_back=called.get("propagateAllChildVariables", "true") != "false",
        )

    # -- repetition ---------------------------------------------------------------------------

    def _loop(self, element: Element) -> Loop | None:
        several = element.find(f"{BPMN}multiInstanceLoopCharacteristics")
        if several is not None:
            return self._several(several)
        loop = element.find(f"{BPMN}standardLoopCharacteristics")
        if loop is None:
            return None
        return StandardLoop(
            condition=stripped(text_of(loop.find(f"{BPMN}loopCondition"))),
            before=loop.get("testBefore") == "true",
            maximum=loop.get("loopMaximum", "").strip(),
        )

    def _several(self, element: Element) -> MultiInstance:
        behaviour = element.get("behavior", "All")
        if behaviour != "All":
            self.tally.refuse(element, "a multi-instance with behavior All", behaviour)
        given = extension(element, "loopCharacteristics")
        return MultiInstance(
            sequential=element.get("isSequential") == "true",
            collection="" if given is None else stripped(given.get("inputCollection", "")),
            element="" if given is None else given.get("inputElement", ""),
            cardinality=stripped(text_of(element.find(f"{BPMN}loopCardinality"))),
            output_collection="" if given is None else given.get("outputCollection", ""),
            output_element="" if given is None else stripped(given.get("outputElement", "")),
            completion_condition=stripped(text_of(element.find(f"{BPMN}completionCondition"))),
        )


def ad_hoc_of(element: Element) -> AdHoc:
    """Return what makes a sub-process ad hoc."""
    given = element.find(f"{BPMN}extensionElements/{ZEEBE}adHoc")
    return AdHoc(
        sequential=element.get("ordering", "Parallel") == "Sequential",
        activities="" if given is None else stripped(given.get("activeElementsCollection", "")),
        completion_condition=stripped(text_of(element.find(f"{BPMN}completionCondition"))),
        cancels=element.get("cancelRemainingInstances", "true") != "false",
    )


def data_of(scope: Element, tally: Tally) -> tuple[DataObject, ...]:
    """Return the data objects of a scope."""
    return tuple(
        DataObject(
            id=tally.place(each),
            name=each.get("name", "") or each.get("id", ""),
            collection=each.get("isCollection") == "true",
        )
        for each in scope.iterfind(f"{BPMN}dataObject")
    )
