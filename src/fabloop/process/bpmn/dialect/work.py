"""Rewrites what a service task does: external topic, Java class, bean, expression, connector."""

from fabloop.base.xml import Element, local_of, text_of
from fabloop.process.bpmn.dialect.delegates import delegate_of
from fabloop.process.bpmn.dialect.mappings import input_output, script_feel
from fabloop.process.bpmn.dialect.names import JAVA
from fabloop.process.bpmn.dialect.sheet import Sheet
from fabloop.process.bpmn.juel import (
    Call,
    Literal,
    Member,
    Name,
    Node,
    Unsupported,
    is_juel,
    parse_juel,
)
from fabloop.process.bpmn.juel_feel import feel_of_node
from fabloop.process.bpmn.xml import BPMN, ZEEBE

_ARGUMENTS = "arguments"
"""The input that holds what a method was called with."""


def work(element: Element, sheet: Sheet, given: Element | None = None) -> bool:
    """Rewrite the work of a task, or of an event whose definition `given` describes it.

    Returns whether there was any.
    """
    source = given if given is not None else element
    take = {
        name: sheet.attribute(source, name)
        for name in ("type", "topic", "class", "delegateExpression", "expression", "resultVariable")
    }
    connector = sheet.child(source, "connector")
    sheet.attribute(source, "priority")
    fields = sheet.children(source, "field")
    if take["expression"]:
        _expression(element, sheet, take["expression"], take["resultVariable"])
        return True
    if take["type"] == "external":
        job: str | None = take["topic"]
        if is_juel(take["topic"]) or not take["topic"]:
            hint = "Name the topic itself."
            sheet.refuse(element, f"the computed topic '{take['topic']}'", hint)
            job = "?"
    elif connector is not None:
        job = text_of(connector.find(f"{JAVA}connectorId")) or "?"
        input_output(element, sheet, connector)
    else:
        job = take["type"] or delegate_of(element, sheet, take, local_of(element))
    if job is None:
        return False
    for each in fields:
        sheet.maps(element, "input", each.get("name", ""), _field(each, sheet))
    _job(element, sheet, job)
    return True


def _job(element: Element, sheet: Sheet, job: str) -> None:
    made = sheet.extension(element, "taskDefinition", type=job)
    retries = sheet.child(element, "failedJobRetryTimeCycle")
    count = text_of(retries).partition("/")[0].removeprefix("R")
    if count.isdecimal() and int(count) > 0:
        made.set("retries", count)


def _field(field: Element, sheet: Sheet) -> str:
    text = field.get("stringValue") or field.get("expression") or ""
    for child in field:
        text = text or text_of(child)
    return f"={sheet.literal(field, text)}"


def _expression(element: Element, sheet: Sheet, text: str, result: str) -> None:
    """Rewrite a task that evaluates: to a script, to nothing, or to a job for a Java method."""
    try:
        parts = parse_juel(text)
    except Unsupported as error:
        sheet.refuse(element, f"unsupported expression '{text:.120}': {error}")
        return
    if len(parts) != 1 or isinstance(parts[0], str):
        _script(element, sheet, sheet.literal(element, text), result)
        return
    match parts[0]:
        case Call(Member(Name("execution"), "setVariable"), (Literal(str() as name), value)):
            _script(element, sheet, _feel(element, sheet, value, text), name)
        case Call() as node if not result:
            _method(element, sheet, node, text)
        case node:
            try:
                feel = feel_of_node(node)
            except Unsupported:
                _method(element, sheet, node, text)
                if result:
                    sheet.maps(element, "output", result, "=result")
            else:
                _script(element, sheet, feel, result)


def _feel(element: Element, sheet: Sheet, node: Node, text: str) -> str:
    try:
        return feel_of_node(node)
    except Unsupported as error:
        sheet.refuse(element, f"unsupported expression '{text:.120}': {error}")
        return "null"


def _method(element: Element, sheet: Sheet, node: Node, text: str) -> None:
    """Let a worker do what a Java method did; its arguments are an input."""
    job = delegate_of(element, sheet, {"expression": text}, "an expression")
    assert job is not None, "an expression was given"
    if isinstance(node, Call):
        given = [each for each in node.arguments if each not in (Name("execution"), Name("task"))]
        if given:
            values = ", ".join(_feel(element, sheet, each, text) for each in given)
            sheet.maps(element, "input", _ARGUMENTS, f"=[{values}]")
    _job(element, sheet, job)


def _script(element: Element, sheet: Sheet, feel: str, target: str) -> None:
    """Make a script task of it; one whose value nobody keeps only passes."""
    if target:
        element.tag = f"{BPMN}scriptTask"
        sheet.extension(element, "script", expression=f"={feel}", resultVariable=target)
    else:
        element.tag = f"{BPMN}task"


def script_task(element: Element, sheet: Sheet) -> None:
    """Rewrite a script task whose script is FEEL or JUEL."""
    if element.find(f"{BPMN}extensionElements/{ZEEBE}script") is not None:
        return
    body = element.find(f"{BPMN}script")
    target = sheet.attribute(element, "resultVariable")
    resource = sheet.attribute(element, "resource")
    language = element.get("scriptFormat", "").strip()
    if body is not None:
        element.remove(body)
    text = text_of(body)
    if resource or language.lower() not in ("feel", "juel"):
        what = f"the resource '{resource}'" if resource else f"'{language or 'no language'}'"
        hint = "Write it in FEEL, or let a worker do it."
        sheet.refuse(element, f"a script in {what}", hint)
        _script(element, sheet, "null", "")
    elif language.lower() == "juel" and is_juel(text):
        _expression(element, sheet, text, target)
    else:
        _script(element, sheet, sheet.formula(element, text) or "null", target)


__all__ = ["script_feel", "script_task", "work"]
