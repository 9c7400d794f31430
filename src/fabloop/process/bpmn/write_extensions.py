"""Writes what is not plain BPMN: work, headers, mappings, scripts, assignment, listeners."""

from lxml import etree

from fabloop.process.bpmn.extensions import KEY, LISTENERS, VERSION
from fabloop.process.bpmn.model import (
    Activity,
    AdHoc,
    BoundaryEvent,
    BusinessRuleTask,
    CallActivity,
    CatchEvent,
    EndEvent,
    FlowNode,
    JobWork,
    Listener,
    Mapping,
    PageWork,
    ScriptTask,
    SendTask,
    ServiceTask,
    StartEvent,
    SubProcess,
    ThrowEvent,
    UserTask,
)
from fabloop.process.bpmn.write_xml import FABLOOP, Element, child, given, zeebe


def write_extensions(element: Element, node: FlowNode) -> None:
    """Write what is not plain BPMN: work, headers, mappings, scripts, assignment."""
    box = child(element, "extensionElements")
    if isinstance(node, Activity):
        _activity(box, node)
    elif isinstance(node, StartEvent | CatchEvent | BoundaryEvent):
        _mappings(box, (), node.outputs)
    elif isinstance(node, EndEvent | ThrowEvent):
        if node.work:
            _work(box, node.work)
        _mappings(box, node.inputs, node.outputs)
    write_listeners(box, node.listeners)
    if not len(box):
        element.remove(box)


def _activity(box: Element, node: Activity) -> None:
    match node:
        case ServiceTask():
            _work(box, node.work)
        case UserTask():
            zeebe(box, "userTask")
            groups = ",".join(node.candidate_groups)
            named = given({"assignee": node.assignee, "candidateGroups": groups})
            if named:
                zeebe(box, "assignmentDefinition", **named)
            _headers(box, node.headers)
        case ScriptTask():
            expression = f"={node.expression}"
            zeebe(box, "script", expression=expression, resultVariable=node.result_variable)
        case BusinessRuleTask(work=None):
            _decision(box, node)
        case BusinessRuleTask(work=JobWork() as work) | SendTask(work=JobWork() as work):
            _work(box, work)
        case CallActivity():
            _called(box, node)
        case SubProcess(ad_hoc=AdHoc(activities=activities)) if activities:
            zeebe(box, "adHoc", activeElementsCollection=f"={activities}")
        case _:
            pass
    _mappings(box, node.inputs, node.outputs)


def write_listeners(box: Element, listeners: tuple[Listener, ...]) -> None:
    """Write execution and task listeners."""
    for name, events in LISTENERS.items():
        told = [each for each in listeners if each.event in events]
        inside = zeebe(box, f"{name}s") if told else box
        for each in told:
            retries = str(each.retries)
            zeebe(inside, name, eventType=each.event, type=each.type, retries=retries)


def _work(box: Element, work: JobWork | PageWork) -> None:
    match work:
        case JobWork():
            zeebe(box, "taskDefinition", type=work.type, retries=str(work.retries))
            _headers(box, work.headers)
        case PageWork():
            page = etree.SubElement(box, f"{{{FABLOOP}}}page", {"net": work.net})
            for key, value in work.headers.items():
                etree.SubElement(page, f"{{{FABLOOP}}}header", {"key": key, "value": value})


def _called(box: Element, node: CallActivity) -> None:
    named = {
        "processId": node.process,
        "propagateAllChildVariables": "" if node.hands_back else "false",
        "propagateAllParentVariables": "" if node.hands_in else "false",
        **_binding(node),
        KEY: node.business_key,
    }
    zeebe(box, "calledElement", **given(named))


def _binding(node: CallActivity | BusinessRuleTask) -> dict[str, str]:
    kind = "versionTag" if node.version_tag else "deployment" if node.together else ""
    return {"bindingType": kind, "versionTag": node.version_tag, VERSION: node.version}


def _decision(box: Element, node: BusinessRuleTask) -> None:
    named = {
        "decisionId": node.decision,
        "resultVariable": node.result_variable,
        **_binding(node),
    }
    zeebe(box, "calledDecision", **given(named))


def _headers(box: Element, headers: dict[str, str]) -> None:
    if headers:
        element = zeebe(box, "taskHeaders")
        for key, value in headers.items():
            zeebe(element, "header", key=key, value=value)


def _mappings(box: Element, inputs: tuple[Mapping, ...], outputs: tuple[Mapping, ...]) -> None:
    if inputs or outputs:
        element = zeebe(box, "ioMapping")
        for each in inputs:
            zeebe(element, "input", source=f"={each.source}", target=each.target)
        for each in outputs:
            zeebe(element, "output", source=f"={each.source}", target=each.target)
