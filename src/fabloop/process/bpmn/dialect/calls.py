"""Rewrites what other definitions are used: called processes, decisions, collections."""

from fabloop.base.xml import Element, text_of
from fabloop.process.bpmn.dialect.sheet import Sheet
from fabloop.process.bpmn.xml import BPMN, ZEEBE
from fabloop.process.definition import BUSINESS_KEY


def call_activity(element: Element, sheet: Sheet) -> None:
    """Rewrite what is called, and what is handed in and out."""
    if element.find(f"{BPMN}extensionElements/{ZEEBE}calledElement") is not None:
        return
    case = sheet.attribute(element, "caseRef")
    if case:
        for name in ("caseBinding", "caseVersion", "caseTenantId"):
            sheet.attribute(element, name)
        sheet.refuse(element, f"caseRef '{case}' (CMMN)", "Call a process.")
    called = element.get("calledElement", "").strip() or case
    if not called:
        return
    binding = sheet.attribute(element, "calledElementBinding") or "latest"
    tag = sheet.attribute(element, "calledElementVersionTag")
    made = sheet.extension(
        element, "calledElement", processId=sheet.value(element, _local(element, called))
    )
    if binding == "versionTag":
        made.set("bindingType", binding)
        made.set("versionTag", tag)
    elif binding != "latest":
        sheet.refuse(element, f"calledElementBinding '{binding}'", "Use latest or versionTag.")
        sheet.attribute(element, "calledElementVersion")
    if sheet.java:
        made.set("propagateAllParentVariables", str(_handed(element, sheet, "in")).lower())
        made.set("propagateAllChildVariables", str(_handed(element, sheet, "out")).lower())


def _local(element: Element, called: str) -> str:
    """Return the name without the prefix of a qualified name."""
    prefix, mark, name = called.partition(":")
    return name if mark and prefix in element.nsmap else called


def _handed(element: Element, sheet: Sheet, kind: str) -> bool:
    """Rewrite ``in`` or ``out`` parameters; tells whether all variables are handed on."""
    everything = False
    for each in sheet.children(element, kind):
        if each.get("variables") == "all":
            everything = True
            continue
        key = each.get("businessKey")
        if key is not None:
            if sheet.value(element, key.strip()) != f"={BUSINESS_KEY}":
                found = f"the business key '{key}' for the called process"
                sheet.refuse(element, found, "It gets that of its caller.")
            continue
        source = each.get("sourceExpression", "") or f"${{{each.get('source', '')}}}"
        mapping = "input" if kind == "in" else "output"
        sheet.maps(element, mapping, each.get("target", ""), sheet.value(element, source))
    return everything


def decision(element: Element, sheet: Sheet) -> bool:
    """Rewrite the decision of a business rule task; tells whether there is one."""
    reference = sheet.attribute(element, "decisionRef")
    if not reference:
        return False
    binding = sheet.attribute(element, "decisionRefBinding") or "latest"
    tag = sheet.attribute(element, "decisionRefVersionTag")
    if binding not in ("latest", "deployment", "versionTag"):
        hint = "Use latest, deployment or versionTag."
        sheet.refuse(element, f"decisionRefBinding '{binding}'", hint)
        sheet.attribute(element, "decisionRefVersion")
        binding = "latest"
    variable = sheet.attribute(element, "resultVariable") or "decisionResult"
    made = sheet.extension(
        element,
        "calledDecision",
        decisionId=sheet.value(element, reference),
        resultVariable=variable,
        bindingType=binding,
    )
    if binding == "versionTag":
        made.set("versionTag", tag)
    return True


def repetition(loop: Element, sheet: Sheet) -> None:
    """Rewrite the collection of a multi-instance activity."""
    collection = sheet.attribute(loop, "collection")
    item = sheet.attribute(loop, "elementVariable")
    if loop.find(f"{BPMN}extensionElements/{ZEEBE}loopCharacteristics") is not None:
        return
    reference = text_of(loop.find(f"{BPMN}loopDataInputRef"))
    collection = collection or reference.rpartition(":")[2] * (not sheet.native)
    named = loop.find(f"{BPMN}inputDataItem")
    if named is not None:
        item = item or named.get("name", "")
    if collection:
        source = sheet.formula(loop, collection)
        sheet.extension(
            loop, "loopCharacteristics", inputCollection=f"={source}", inputElement=item
        )
    for name in ("loopDataInputRef", "loopDataOutputRef", "inputDataItem", "outputDataItem"):
        for each in loop.findall(f"{BPMN}{name}"):
            loop.remove(each)
