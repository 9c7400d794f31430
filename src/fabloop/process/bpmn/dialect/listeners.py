"""Rewrites listeners: what Java classes did before and after an element is a job there."""

from fabloop.base.xml import Element, local_of
from fabloop.process.bpmn.dialect.delegates import delegate_of
from fabloop.process.bpmn.dialect.names import JAVA
from fabloop.process.bpmn.dialect.sheet import Sheet
from fabloop.process.bpmn.xml import BPMN

_EXECUTION = {"start": "start", "end": "end"}
_ENTERED_BY_NO_FLOW = {"start": "end", "end": "end"}
_TASK = {"create": "creating", "complete": "completing"}
_HINT = "Let a task do its work."


def listeners(element: Element, sheet: Sheet) -> None:
    """Rewrite the execution and task listeners of an element.

    A start or boundary event has no flow into it: what is told before it is told behind it.
    """
    entered = local_of(element) not in ("startEvent", "boundaryEvent")
    told = _EXECUTION if entered else _ENTERED_BY_NO_FLOW
    for each in sheet.children(element, "executionListener"):
        _rewrite(element, each, told.get(each.get("event", "").strip(), ""), sheet)
    for each in sheet.children(element, "taskListener"):
        _rewrite(element, each, _TASK.get(each.get("event", "").strip(), ""), sheet)


def process_listeners(process: Element, sheet: Sheet) -> None:
    """Rewrite the listeners of a process: those at its start to such of its start events."""
    for each in sheet.children(process, "executionListener"):
        begun = process.findall(f"{BPMN}startEvent") if each.get("event") == "start" else []
        if not begun:
            event = each.get("event", "").strip()
            _rewrite(process, each, "end" if event == "end" else "", sheet)
        for start in begun:
            _rewrite(start, each, "end", sheet)


def _rewrite(element: Element, listener: Element, event: str, sheet: Sheet) -> None:
    name = local_of(listener)
    if not event:
        found = f"{name} for '{listener.get('event', '') or 'no event'}'"
        sheet.refuse(element, found, _HINT)
        return
    given = {key: listener.get(key, "") for key in ("class", "delegateExpression", "expression")}
    job = delegate_of(element, sheet, given, name)
    if job is None:
        scripted = listener.find(f"{JAVA}script") is not None
        what = "a script" if scripted else "no class or expression"
        sheet.refuse(element, f"{name} with {what}", _HINT)
        return
    box = sheet.extension(element, f"{name}s")
    sheet.part(box, name, eventType=event, type=job)
