"""Rewrites who does a user task, and what is shown with it."""

import re

from fabloop.base.xml import Element, text_of
from fabloop.process.bpmn.dialect.sheet import Sheet
from fabloop.process.bpmn.juel import is_juel
from fabloop.process.bpmn.xml import BPMN, ZEEBE

_SHOWN = ("dueDate", "followUpDate", "priority", "formKey", "formRef", "formRefBinding")
_MEMBER = re.compile(r"\s*(?:(user|group)\s*\(([^)]*)\)|([^,]+))\s*(?:,|$)")


def user_task(element: Element, sheet: Sheet) -> None:
    """Rewrite assignment, dates, priority and form of a user task.

    Users and groups who may take it are one list of candidates.
    """
    for name in _SHOWN:
        text = sheet.attribute(element, name)
        if is_juel(text) or text.startswith("="):
            sheet.maps(element, "input", name, sheet.value(element, text))
        elif text:
            sheet.header(element, name, text)
    version = sheet.attribute(element, "formRefVersion")
    if version:
        sheet.header(element, "formRefVersion", version)
    assignee = sheet.attribute(element, "assignee") or _performer(element)
    candidates = [
        each
        for name in ("candidateUsers", "candidateGroups")
        for each in split(sheet.attribute(element, name))
    ]
    candidates += _potential_owners(element, sheet)
    if element.find(f"{BPMN}extensionElements/{ZEEBE}assignmentDefinition") is not None:
        return
    if assignee or candidates:
        sheet.extension(
            element,
            "assignmentDefinition",
            assignee=sheet.value(element, assignee),
            candidateGroups=_listed(element, sheet, candidates),
        )


def split(text: str) -> list[str]:
    """Split at commas outside of expressions."""
    found, depth = [""], 0
    for letter in text:
        depth += {"{": 1, "(": 1, "}": -1, ")": -1}.get(letter, 0)
        if letter == "," and depth <= 0:
            found.append("")
        else:
            found[-1] += letter
    return [each.strip() for each in found if each.strip()]


def _listed(element: Element, sheet: Sheet, names: list[str]) -> str:
    """Return names with commas, or one FEEL list where one of them is computed."""
    if not any(is_juel(each) or each.startswith("=") for each in names):
        return ",".join(names)
    parts = [sheet.literal(element, each) for each in names]
    return f"={parts[0]}" if len(parts) == 1 else f"=flatten([{', '.join(parts)}])"


def _performer(element: Element) -> str:
    return text_of(element.find(f"{BPMN}humanPerformer//{BPMN}formalExpression"))


def _potential_owners(element: Element, sheet: Sheet) -> list[str]:
    found = []
    for owner in element.iterfind(f"{BPMN}potentialOwner"):
        for text in owner.iterfind(f".//{BPMN}formalExpression"):
            found += [user or plain for _, user, plain in _MEMBER.findall(text_of(text))]
        for reference in owner.iterfind(f"{BPMN}resourceRef"):
            name = text_of(reference).rpartition(":")[2]
            resource = sheet.declared("resource", name)
            found.append("" if resource is None else resource.get("name", ""))
    return [each.strip() for each in found if each.strip()]
