"""Rewrites listeners: what Java classes did before and after an element is a job there."""

from collections.abc import Mapping

from fabloop.base.xml import Element, local_of
from fabloop.process.bpmn.dialect.delegates import delegate_of
from fabloop.process.bpmn.dialect.names import JAVA
from fabloop.process.bpmn.dialect.sheet import Sheet

_EXECUTION = {"start": "start", "end": "end"}
_TASK = {"create": "start", "complete": "end"}


def listeners(element: Element, sheet: Sheet) -> None:
    """Rewrite the execution and task listeners of an element."""
    _rewrite(element, sheet, "executionListener", _EXECUTION)
    _rewrite(element, sheet, "taskListener", _TASK)


def _rewrite(element: Element, sheet: Sheet, name: str, events: Mapping[str, str]) -> None:
    activity = local_of(element).endswith(("ask", "ubProcess", "ctivity", "transaction"))
    for each in sheet.children(element, name):
        event = each.get("event", "").strip()
        if not activity or event not in events:
            found = f"{name} for '{event or 'start'}' at {local_of(element)}"
            sheet.refuse(element, found, "Let a task do its work.")
            continue
        given = {key: each.get(key, "") for key in ("class", "delegateExpression", "expression")}
        job = delegate_of(element, sheet, given, name)
        if job is None:
            script = each.find(f"{JAVA}script")
            what = "a script" if script is not None else "no class or expression"
            sheet.refuse(element, f"{name} with {what}", "Let a task do its work.")
            continue
        box = sheet.extension(element, "executionListeners")
        sheet.part(box, "executionListener", eventType=events[event], type=job)
