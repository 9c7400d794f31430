"""Rewrites what other definitions are used: called processes, decisions, collections."""

from fabloop.base.xml import Element, text_of
from fabloop.process.bpmn.dialect.sheet import Sheet
from fabloop.process.bpmn.extensions import KEY, VERSION
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
    version = sheet.attribute(element, "calledElementVersion")
    made = sheet.extension(
        element, "calledElement", processId=sheet.value(element, _local(element, called))
    )
    _bind(made, element, sheet, "calledElementBinding", (binding, tag, version))
    if sheet.java:
        made.set("propagateAllParentVariables", str(_handed(element, sheet, "in", made)).lower())
        made.set("propagateAllChildVariables", str(_handed(element, sheet, "out", made)).lower())


def _bind(
    made: Element, element: Element, sheet: Sheet, name: str, said: tuple[str, str, str]
) -> None:
    """Say which version is meant; `said` are the binding, a version tag and a version."""
    binding, tag, version = said
    match binding:
        case "latest":
            pass
        case "deployment":
            made.set("bindingType", binding)
        case "versionTag":
            made.set("bindingType", binding)
            made.set("versionTag", tag)
        case "version" if version:
            made.set(VERSION, sheet.value(element, version))
        case _:
            found = f"{name} '{binding}'" + " without a version" * (binding == "version")
            sheet.refuse(element, found, "Use latest, deployment, versionTag or version.")


def _local(element: Element, called: str) -> str:
    """Return the name without the prefix of a qualified name."""
    prefix, mark, name = called.partition(":")
    return name if mark and prefix in element.nsmap else called


def _handed(element: Element, sheet: Sheet, kind: str, made: Element) -> bool:
    """Rewrite ``in`` or ``out`` parameters; tells whether all variables are handed on."""
    everything = False
    for each in sheet.children(element, kind):
        if each.get("variables") == "all":
            everything = True
            continue
        key = each.get("businessKey")
        if key is not None:
            business = sheet.value(element, key.strip())
            if business != f"={BUSINESS_KEY}":
                made.set(KEY, business)
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
    version = sheet.attribute(element, "decisionRefVersion")
    variable = sheet.attribute(element, "resultVariable") or "decisionResult"
    made = sheet.extension(
        element,
        "calledDecision",
        decisionId=sheet.value(element, reference),
        resultVariable=variable,
    )
    _bind(made, element, sheet, "decisionRefBinding", (binding, tag, version))
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
