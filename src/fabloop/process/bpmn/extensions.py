"""Reads extension elements: those of the ``zeebe`` namespace that we execute, and our own."""

from fabloop.base.codec import to_json
from fabloop.base.xml import Element, Tally, local_of
from fabloop.process.bpmn.model import (
    JobWork,
    Listener,
    ListenerEvent,
    Mapping,
    PageWork,
)
from fabloop.process.bpmn.xml import BPMN, FABLOOP, ZEEBE

_HARMLESS = frozenset({"properties", "versionTag", "userTaskForm", "modelerTemplate"})
"""Elements of the zeebe namespace that change nothing in the execution."""

VERSION, KEY = f"{FABLOOP}version", f"{FABLOOP}businessKey"
"""Attributes of what is called: the number of its version, and its business key."""

_ACTIVITY = frozenset({"ioMapping", "executionListeners"})
_SHOWN: dict[str, tuple[str, ...]] = {
    "formDefinition": ("formId", "formKey", "externalReference"),
    "priorityDefinition": ("priority",),
    "taskSchedule": ("dueDate", "followUpDate"),
}
"""What a person is shown with a task: attributes of extension elements."""

_KNOWN: dict[str, frozenset[str]] = {
    "serviceTask": _ACTIVITY | {"taskDefinition", "taskHeaders"},
    "userTask": _ACTIVITY
    | {"userTask", "assignmentDefinition", "taskHeaders", "taskListeners"}
    | _SHOWN.keys(),
    "scriptTask": _ACTIVITY | {"script"},
    "businessRuleTask": _ACTIVITY | {"calledDecision", "taskDefinition", "taskHeaders"},
    "sendTask": _ACTIVITY | {"taskDefinition", "taskHeaders"},
    "receiveTask": _ACTIVITY,
    "manualTask": _ACTIVITY,
    "task": _ACTIVITY,
    "subProcess": _ACTIVITY,
    "transaction": _ACTIVITY,
    "adHocSubProcess": _ACTIVITY | {"adHoc"},
    "callActivity": _ACTIVITY | {"calledElement"},
    "multiInstanceLoopCharacteristics": frozenset({"loopCharacteristics"}),
    "startEvent": _ACTIVITY,
    "intermediateCatchEvent": _ACTIVITY,
    "intermediateThrowEvent": _ACTIVITY | {"taskDefinition", "taskHeaders"},
    "endEvent": _ACTIVITY | {"taskDefinition", "taskHeaders"},
    "boundaryEvent": _ACTIVITY,
    "exclusiveGateway": frozenset({"executionListeners"}),
    "inclusiveGateway": frozenset({"executionListeners"}),
    "parallelGateway": frozenset({"executionListeners"}),
    "eventBasedGateway": frozenset({"executionListeners"}),
    "message": frozenset({"subscription"}),
    "process": frozenset({"executionListeners"}),
}


def extension(element: Element, name: str, namespace: str = ZEEBE) -> Element | None:
    """Return one extension element, or None."""
    return element.find(f"{BPMN}extensionElements/{namespace}{name}")


def check_extensions(element: Element, tally: Tally) -> None:
    """Refuse extensions that would change the execution in a way that we do not carry out."""
    known = _KNOWN.get(local_of(element), frozenset()) | _HARMLESS
    for child in element.iterfind(f"{BPMN}extensionElements/*"):
        name, tag = local_of(child), str(child.tag)
        page = tag == f"{FABLOOP}page" and local_of(element) == "serviceTask"
        if tag.startswith(FABLOOP) and not page:
            expected = "fabloop:page, in a service task"
            tally.refuse(child, expected, f"fabloop:{name} in {local_of(element)}")
        elif tag.startswith(ZEEBE) and name not in known:
            expected = f"an extension that is carried out in {local_of(element)}"
            tally.refuse(child, expected, f"zeebe:{name}", "Remove it.")


def feel_of(text: str) -> str:
    """Return FEEL for text in which a leading ``=`` marks FEEL; other text becomes a literal."""
    if text.startswith("="):
        return text[1:].strip()
    return to_json(text).decode() if text else ""


def stripped(text: str) -> str:
    """Return FEEL that may or may not have its leading ``=``."""
    return text.strip().removeprefix("=").strip()


def static(element: Element, name: str, tally: Tally) -> str:
    """Return an attribute that must not be an expression."""
    text = element.get(name, "").strip()
    if text.startswith("="):
        tally.refuse(element, f"plain text as {name}", f"the expression '{text}'")
    return text


def feel_name(element: Element) -> str:
    """Return a name that may be plain text, or FEEL behind its ``=``."""
    return element.get("name", "").strip()


def work_of(task: Element, tally: Tally) -> JobWork | PageWork:
    """Return what a service task asks for."""
    job = job_of(task, tally)
    page = extension(task, "page", FABLOOP)
    if (job is None) == (page is None):
        found = "neither" if page is None else "both"
        tally.refuse(task, "either zeebe:taskDefinition or fabloop:page", found)
    if page is not None:
        headers = {
            each.get("key", ""): each.get("value", "") for each in page.iterfind(f"{FABLOOP}header")
        }
        return PageWork(net=page.get("net", ""), headers=headers)
    return job or JobWork(type="?")


def job_of(element: Element, tally: Tally) -> JobWork | None:
    """Return the job that an element asks for, if any."""
    definition = extension(element, "taskDefinition")
    if definition is None:
        return None
    return JobWork(
        type=static(definition, "type", tally),
        retries=_retries(definition, tally),
        headers=headers_of(element),
    )


def _retries(definition: Element, tally: Tally) -> int:
    retries = static(definition, "retries", tally) or "3"
    if not retries.isdecimal():
        tally.refuse(definition, "a number of retries", f"'{retries}'")
        return 3
    return int(retries)


def listeners_of(element: Element, tally: Tally) -> tuple[Listener, ...]:
    """Return the execution and task listeners of an element, in their order."""
    found = []
    for name, events in LISTENERS.items():
        for each in element.iterfind(f"{BPMN}extensionElements/{ZEEBE}{name}s/{ZEEBE}{name}"):
            event = each.get("eventType", "")
            if event not in events:
                tally.refuse(each, f"eventType {' or '.join(events)}", f"'{event}'")
                continue
            listener = Listener(
                event=ListenerEvent(event),
                type=static(each, "type", tally),
                retries=_retries(each, tally),
            )
            found.append(listener)
    return tuple(found)


LISTENERS: dict[str, tuple[ListenerEvent, ...]] = {
    "executionListener": (ListenerEvent.START, ListenerEvent.END),
    "taskListener": (ListenerEvent.CREATING, ListenerEvent.COMPLETING),
}
"""The extension elements of listeners, and when each kind may be asked."""


def decision_of(task: Element, tally: Tally) -> Element | None:
    """Return what a business rule task evaluates."""
    called = extension(task, "calledDecision")
    if called is not None:
        _check_binding(called, tally)
    return called


def _check_binding(called: Element, tally: Tally) -> None:
    """Refuse a version that is bound in no way, or in two."""
    binding = called.get("bindingType", "latest")
    if binding not in ("latest", "deployment", "versionTag"):
        tally.refuse(called, "bindingType latest, deployment or versionTag", binding)
    if (binding == "versionTag") != bool(called.get("versionTag")):
        found = f"bindingType '{binding}' and versionTag '{called.get('versionTag', '')}'"
        tally.refuse(called, "a version tag exactly with bindingType versionTag", found)
    version = called.get(VERSION)
    if version is not None and binding != "latest":
        found = f"bindingType '{binding}' and fabloop:version '{version}'"
        tally.refuse(called, "fabloop:version without another binding", found)
    if version is not None and not (version.startswith("=") or version.strip().isdecimal()):
        tally.refuse(called, "a version as digits, or FEEL behind =", f"'{version}'")


def headers_of(task: Element) -> dict[str, str]:
    """Return the task headers."""
    box = extension(task, "taskHeaders")
    if box is None:
        return {}
    return {each.get("key", ""): each.get("value", "") for each in box.iterfind(f"{ZEEBE}header")}


def mappings_of(element: Element, kind: str) -> tuple[Mapping, ...]:
    """Return the input or output mappings of an element."""
    box = extension(element, "ioMapping")
    if box is None:
        return ()
    return tuple(
        Mapping(source=feel_of(each.get("source", "")), target=each.get("target", ""))
        for each in box.iterfind(f"{ZEEBE}{kind}")
    )


def assignment_of(task: Element) -> tuple[str, tuple[str, ...]]:
    """Return assignee and candidates: plain text, or FEEL behind ``=``.

    Users and groups who may take a task are one list.
    """
    given = extension(task, "assignmentDefinition")
    if given is None:
        return "", ()
    named: list[str] = []
    for attribute in ("candidateUsers", "candidateGroups"):
        listed = given.get(attribute, "").strip()
        parts = [listed] if listed.startswith("=") else listed.split(",")
        named += [part.strip() for part in parts if part.strip()]
    assignee = given.get("assignee", "").strip()
    if len(named) > 1 and any(part.startswith("=") for part in named):
        return assignee, (f"=flatten([{', '.join(map(feel_of, named))}])",)
    return assignee, tuple(named)


def shown_of(task: Element) -> tuple[dict[str, str], tuple[Mapping, ...]]:
    """Return what a person is shown with a task: headers, and as inputs what is computed."""
    headers: dict[str, str] = {}
    inputs: list[Mapping] = []
    for name, attributes in _SHOWN.items():
        given = extension(task, name)
        for attribute in attributes if given is not None else ():
            text = given.get(attribute, "").strip() if given is not None else ""
            if text.startswith("="):
                inputs.append(Mapping(source=feel_of(text), target=attribute))
            elif text:
                headers[attribute] = text
    return headers, tuple(inputs)


def called_of(task: Element, tally: Tally) -> Element | None:
    """Return what a call activity calls."""
    called = extension(task, "calledElement")
    if called is None:
        tally.refuse(task, "what to call (zeebe:calledElement)", "none")
        return None
    _check_binding(called, tally)
    return called


def script_of(task: Element, tally: Tally) -> tuple[str, str]:
    """Return expression and result variable of a script task."""
    script = extension(task, "script")
    if script is None:
        tally.refuse(task, "a FEEL script (zeebe:script)", "none", "Other scripts do not run.")
        return "null", "_"
    return stripped(script.get("expression", "")), script.get("resultVariable", "")


def correlation_of(message: Element) -> str:
    """Return the FEEL correlation key of a message, or nothing."""
    subscription = extension(message, "subscription")
    return "" if subscription is None else feel_of(subscription.get("correlationKey", ""))
