"""Rewrites what events of the Java engines say besides the standard."""

from fabloop.base.xml import Element, local_of
from fabloop.process.bpmn.dialect.gateways import decide_behind
from fabloop.process.bpmn.dialect.sheet import Sheet
from fabloop.process.bpmn.dialect.work import work
from fabloop.process.bpmn.xml import BPMN, ZEEBE
from fabloop.process.definition import BUSINESS_KEY

_THROWING = frozenset({"endEvent", "intermediateThrowEvent"})
_SHOWN = ("formKey", "formRef", "formRefBinding", "formRefVersion")


def event(element: Element, sheet: Sheet) -> None:
    """Rewrite the work of an event that sends, and the variables of one that catches."""
    for name in _SHOWN:
        sheet.attribute(element, name)
    throws = local_of(element) in _THROWING
    decide_behind(element, sheet)
    for definition in list(element):
        match local_of(definition):
            case "messageEventDefinition":
                worked = work(element, sheet, definition) or _has_job(element)
                if worked or (not sheet.native and (throws or not sheet.java)):
                    _declare(definition, sheet, element.get("id", ""))
            case "errorEventDefinition" | "escalationEventDefinition":
                _caught(element, definition, sheet)
                if throws:
                    _thrown(element, definition, sheet)
            case "signalEventDefinition":
                _payload(element, definition, sheet)
                if not (sheet.java or sheet.native or definition.get("signalRef")):
                    _name_signal(element, definition, sheet)
            case "compensateEventDefinition" if not sheet.native:
                definition.attrib.pop("waitForCompletion", "")
            case _:
                pass


def _has_job(element: Element) -> bool:
    return element.find(f"{BPMN}extensionElements/{ZEEBE}taskDefinition") is not None


def error_reference(definition: Element, sheet: Sheet) -> None:
    """Declare the error that a definition refers to by its code."""
    reference = definition.get("errorRef", "")
    name = reference.rpartition(":")[2]
    if name and not sheet.native and sheet.declared("error", name) is None:
        sheet.declare(definition, "error", name).set("errorCode", reference)


def receive(element: Element, sheet: Sheet) -> None:
    """Let a receive task that names no message wait for one of its own name."""
    if not sheet.native:
        _declare(element, sheet, element.get("id", ""))


def _declare(element: Element, sheet: Sheet, name: str) -> None:
    """Declare a message for an element that refers to none, or to none that is declared."""
    reference = element.get("messageRef", "").rpartition(":")[2]
    if not reference:
        reference = f"message-of-{name}"
        element.set("messageRef", reference)
        sheet.declare(element, "message", reference).set("name", name)
    elif sheet.declared("message", reference) is None:
        sheet.declare(element, "message", reference).set("name", reference)


def _thrown(element: Element, definition: Element, sheet: Sheet) -> None:
    """Give an error or escalation that is thrown without a code that of its declaration.

    Only what catches all of them can catch it. A drawing may not even declare it.
    """
    kind = local_of(definition).removesuffix("EventDefinition")
    reference = definition.get(f"{kind}Ref", "").rpartition(":")[2]
    if sheet.native or (sheet.java and not reference):
        return
    declared = sheet.declared(kind, reference) if reference else None
    if reference and declared is None and kind == "escalation":
        return
    if declared is None or not declared.get(f"{kind}Code"):
        code = reference or element.get("id", "")
        definition.set(f"{kind}Ref", f"thrown-{code}")
        if sheet.declared(kind, f"thrown-{code}") is None:
            sheet.declare(definition, kind, f"thrown-{code}").set(f"{kind}Code", code)


def _name_signal(element: Element, definition: Element, sheet: Sheet) -> None:
    """Declare the signal of a drawing that names none: one for all events of the same name."""
    name = element.get("name", "") or element.get("id", "")
    definition.set("signalRef", f"signal-{name}")
    if sheet.declared("signal", f"signal-{name}") is None:
        sheet.declare(definition, "signal", f"signal-{name}").set("name", name)


def _payload(element: Element, definition: Element, sheet: Sheet) -> None:
    """Rewrite what a signal carries to the inputs of the event that throws it.

    One of a Java engine carries nothing that is not named, so it gets an input of its own.
    """
    given = sheet.children(definition, "in")
    if local_of(element) not in _THROWING:
        return
    if any(each.get("variables") for each in given):
        if len(given) > 1:
            sheet.refuse(definition, "all variables and some others", "Name all, or some.")
        return
    if sheet.java:
        reference = definition.get("signalRef", "").rpartition(":")[2]
        sheet.maps(element, "input", "signalName", reference)
    for each in given:
        source = each.get("sourceExpression", "") or f"${{{each.get('source', '')}}}"
        sheet.maps(element, "input", each.get("target", ""), sheet.value(element, source))


def subscriptions(root: Element, sheet: Sheet) -> None:
    """Let messages find the instance by its business key."""
    for message in root.iterfind(f"{BPMN}message"):
        sheet.extension(message, "subscription", correlationKey=f"={BUSINESS_KEY}")


def _caught(element: Element, definition: Element, sheet: Sheet) -> None:
    """Put what an event hears of an error or escalation into the variables asked for."""
    kind = local_of(definition).removesuffix("EventDefinition")
    for part in ("Code", "Message"):
        variable = sheet.attribute(definition, f"{kind}{part}Variable")
        if variable:
            sheet.maps(element, "output", variable, f"={kind}{part}")
