"""Rewrites the elements of a document in place, so that one reader is enough for all dialects."""

import re
from collections.abc import Callable

from fabloop.base.xml import Element, Tally, local_of
from fabloop.process.bpmn.dialect.calls import call_activity, decision, repetition
from fabloop.process.bpmn.dialect.events import error_reference, event, receive, subscriptions
from fabloop.process.bpmn.dialect.gateways import event_based, exclusive, inclusive
from fabloop.process.bpmn.dialect.listeners import listeners, process_listeners
from fabloop.process.bpmn.dialect.mappings import input_output
from fabloop.process.bpmn.dialect.names import JAVA, JAVA_NAMESPACES
from fabloop.process.bpmn.dialect.people import user_task
from fabloop.process.bpmn.dialect.sheet import Sheet
from fabloop.process.bpmn.dialect.unreached import leave_out
from fabloop.process.bpmn.dialect.work import script_task, work
from fabloop.process.bpmn.executable import begin_scopes
from fabloop.process.bpmn.juel import is_juel
from fabloop.process.bpmn.xml import BPMN, FABLOOP, ZEEBE

_FORMULAS = frozenset(
    {"conditionExpression", "condition", "completionCondition", "loopCardinality", "loopCondition"}
    | {"timeDate", "timeDuration", "timeCycle"}
)
_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?")
_TIMES = frozenset({"timeDate", "timeDuration", "timeCycle"})


NATIVE_NAMESPACES = frozenset({ZEEBE.strip("{}"), FABLOOP.strip("{}")})


def is_drawing(root: Element) -> bool:
    """Whether a document uses no extension that says how it is carried out."""
    namespaces = _one_namespace(root)
    return (JAVA_NAMESPACES | NATIVE_NAMESPACES).isdisjoint(namespaces)


def to_native(root: Element, processes: list[Element], tally: Tally) -> None:
    """Rewrite what Java engines write, and standard BPMN where we need our own element for it.

    Only `processes` and what stands beside them is touched. What has no counterpart is refused.
    """
    namespaces = _one_namespace(root)
    java = not JAVA_NAMESPACES.isdisjoint(namespaces)
    native = not NATIVE_NAMESPACES.isdisjoint(namespaces)
    sheet = Sheet(root, tally, java=java, native=native)
    if not native:
        begin_scopes(processes)
    for process in processes if java and not native else ():
        leave_out(process)
    for kind in ("signal", "message"):
        for each in root.iterfind(f"{BPMN}{kind}"):
            if not (java or native) and not each.get("name"):
                each.set("name", each.get("id", ""))
            if is_juel(each.get("name", "")):
                each.set("name", sheet.value(each, each.get("name", "")))
    for process in processes:
        tag = sheet.attribute(process, "versionTag")
        if tag and process.find(f"{BPMN}extensionElements/{ZEEBE}versionTag") is None:
            sheet.extension(process, "versionTag", value=tag)
        for element in [each for each in process.iter() if str(each.tag).startswith(BPMN)]:
            _rewrite(element, sheet)
        process_listeners(process, sheet)
        sheet.refuse_rest(process)
    if not native:
        subscriptions(root, sheet)


def _one_namespace(root: Element) -> frozenset[str]:
    """Move everything of the Java engines to one namespace; return all namespaces of a document."""
    seen = set(root.nsmap.values())
    for element in root.iter():
        seen.add(_namespace(str(element.tag)))
        if _namespace(str(element.tag)) in JAVA_NAMESPACES:
            element.tag = f"{JAVA}{local_of(element)}"
        for key in [str(key) for key in element.attrib if str(key).startswith("{")]:
            seen.add(_namespace(key))
            if _namespace(key) in JAVA_NAMESPACES:
                name = f"{JAVA}{key.partition('}')[2]}"
                element.set(name, str(element.attrib.pop(key)))
    return frozenset(seen)


def _namespace(name: str) -> str:
    return name[1:].partition("}")[0] if name.startswith("{") else ""


def _rewrite(element: Element, sheet: Sheet) -> None:
    name = local_of(element)
    if name in _FORMULAS:
        _formula(element, sheet)
    convert = _CONVERTERS.get(name)
    if convert is not None:
        convert(element, sheet)
        input_output(element, sheet)
        listeners(element, sheet)
        sheet.child(element, "failedJobRetryTimeCycle")


def _formula(element: Element, sheet: Sheet) -> None:
    """Translate an expression that stands as the text of an element."""
    language = element.get("language", "").strip()
    text = element.text or ""
    resource = sheet.attribute(element, "resource")
    if resource:
        sheet.refuse(element, f"the script resource '{resource}'", "Write a FEEL expression.")
    elif _foreign(language) and local_of(element) not in _TIMES and text.strip():
        sheet.refuse(element, f"language '{language}'", "Write a FEEL expression.")
    elif is_juel(text):
        element.text = sheet.formula(element, text)
        text = element.text.strip('"') if local_of(element) in _TIMES else ""
    if not sheet.native and local_of(element) == "timeDate" and _LOCAL.fullmatch(text.strip()):
        element.text = f"{text.strip()}Z"
    element.attrib.pop("language", "")


def _foreign(language: str) -> bool:
    return bool(language) and language.lower() != "juel" and "feel" not in language.lower()


def _service(element: Element, sheet: Sheet) -> None:
    if local_of(element) == "businessRuleTask" and decision(element, sheet):
        return
    if work(element, sheet) or sheet.java or sheet.native or element.get("messageRef"):
        return
    sheet.extension(element, "taskDefinition", type=_operation(element, sheet))


def _operation(element: Element, sheet: Sheet) -> str:
    """Return what standard BPMN says that a task does: its operation, else the task itself."""
    wanted = element.get("operationRef", "").rpartition(":")[2]
    operation = sheet.declared("operation", wanted) if wanted else None
    if operation is None:
        return element.get("id", "")
    return operation.get("name", "") or operation.get("implementationRef", "") or wanted


def _sub_process(element: Element, sheet: Sheet) -> None:
    """An event sub-process that undoes is told by its start event alone."""
    if not sheet.native and element.get("triggeredByEvent") == "true":
        element.attrib.pop("isForCompensation", "")


def _plain(element: Element, sheet: Sheet) -> None:
    """Nothing of its own to rewrite."""


_CONVERTERS: dict[str, Callable[[Element, Sheet], None]] = {
    "serviceTask": _service,
    "sendTask": _service,
    "businessRuleTask": _service,
    "scriptTask": script_task,
    "userTask": user_task,
    "callActivity": call_activity,
    "multiInstanceLoopCharacteristics": repetition,
    "receiveTask": receive,
    "manualTask": _plain,
    "task": _plain,
    "subProcess": _sub_process,
    "transaction": _plain,
    "adHocSubProcess": _plain,
    "startEvent": event,
    "endEvent": event,
    "intermediateCatchEvent": event,
    "intermediateThrowEvent": event,
    "boundaryEvent": event,
    "errorEventDefinition": error_reference,
    "exclusiveGateway": exclusive,
    "inclusiveGateway": inclusive,
    "parallelGateway": _plain,
    "eventBasedGateway": event_based,
}
