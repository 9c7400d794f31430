"""Rewrites what events of the Java engines say besides the standard."""

from lxml import etree

from fabloop.base.codec import to_json
from fabloop.base.xml import Element, local_of
from fabloop.process.bpmn.dialect.sheet import Sheet
from fabloop.process.bpmn.dialect.work import work
from fabloop.process.bpmn.xml import BPMN

_SHOWN = ("formKey", "formRef", "formRefBinding", "formRefVersion")


def event(element: Element, sheet: Sheet) -> None:
    """Rewrite the work of an event that sends, and the variables of one that catches."""
    for name in _SHOWN:
        sheet.attribute(element, name)
    for definition in list(element):
        match local_of(definition):
            case "messageEventDefinition":
                if work(element, sheet, definition) or not (sheet.java or sheet.native):
                    _declare(definition, sheet, element.get("id", ""))
            case "errorEventDefinition" | "escalationEventDefinition":
                _caught(element, definition, sheet)
            case _:
                pass


def error_reference(definition: Element, sheet: Sheet) -> None:
    """Declare the error that a definition refers to by its code."""
    reference = definition.get("errorRef", "")
    if not reference or not sheet.java:
        return
    name = reference.rpartition(":")[2]
    if all(each.get("id") != name for each in sheet.root.iterfind(f"{BPMN}error")):
        made = etree.SubElement(sheet.root, f"{BPMN}error")
        made.sourceline = definition.sourceline
        made.set("id", name)
        made.set("errorCode", reference)


def receive(element: Element, sheet: Sheet) -> None:
    """Let a receive task that names no message wait for one of its own name."""
    if not sheet.native:
        _declare(element, sheet, element.get("id", ""))


def _declare(element: Element, sheet: Sheet, name: str) -> None:
    """Declare a message for an element that refers to none."""
    if element.get("messageRef"):
        return
    made = etree.SubElement(sheet.root, f"{BPMN}message")
    made.sourceline = element.sourceline
    made.set("id", f"message-of-{name}")
    made.set("name", name)
    element.set("messageRef", f"message-of-{name}")


def _caught(element: Element, definition: Element, sheet: Sheet) -> None:
    """Put the code that an event catches into the variable that was asked for."""
    kind = local_of(definition).removesuffix("EventDefinition")
    variable = sheet.attribute(definition, f"{kind}CodeVariable")
    if variable:
        reference = definition.get(f"{kind}Ref", "").rpartition(":")[2]
        declared = [
            each.get(f"{kind}Code", "")
            for each in sheet.root.iterfind(f"{BPMN}{kind}")
            if each.get("id") == reference
        ]
        if declared and declared[0]:
            sheet.maps(element, "output", variable, f"={to_json(declared[0]).decode()}")
        else:
            hint = "Catch one code, or let who throws it hand the code over as a variable."
            sheet.refuse(definition, f"{kind}CodeVariable at an event for every code", hint)
    if sheet.attribute(definition, f"{kind}MessageVariable"):
        hint = "Let who throws it hand the message over as a variable."
        sheet.refuse(definition, f"{kind}MessageVariable", hint)
