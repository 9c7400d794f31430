"""Rewrites what the Java engines and drawings leave out at gateways that decide."""

from lxml import etree

from fabloop.base.xml import Element, text_of
from fabloop.process.bpmn.dialect.sheet import Sheet
from fabloop.process.bpmn.xml import BPMN


def exclusive(gateway: Element, sheet: Sheet) -> None:
    """Make the only flow without a condition the default, where none is named."""
    flows = sheet.leaving(gateway)
    if sheet.native or len(flows) == 1 or gateway.get("default"):
        return
    bare = [flow for flow in flows if not _condition(flow)]
    if len(bare) == 1:
        gateway.set("default", bare[0].get("id", ""))


def inclusive(gateway: Element, sheet: Sheet) -> None:
    """Let a flow without a condition be always taken, unless it is the default."""
    flows = sheet.leaving(gateway)
    if sheet.native or len(flows) == 1:
        return
    for flow in flows:
        if flow.get("id") != gateway.get("default"):
            _always(flow)


def event_based(gateway: Element, sheet: Sheet) -> None:
    """Let one with a single event behind it pass: the event itself waits."""
    if not sheet.native and len(sheet.leaving(gateway)) == 1:
        gateway.tag = f"{BPMN}exclusiveGateway"


def decide_behind(event: Element, sheet: Sheet) -> None:
    """Put a gateway behind an event whose flows have conditions: an event does not decide."""
    flows = sheet.leaving(event)
    scope = event.getparent()
    if sheet.native or scope is None or not any(_condition(flow) for flow in flows):
        return
    name = f"behind-{event.get('id', '')}"
    gateway = etree.SubElement(scope, f"{BPMN}inclusiveGateway")
    way = etree.SubElement(scope, f"{BPMN}sequenceFlow")
    for each, key in ((gateway, name), (way, f"to-{name}")):
        each.sourceline = event.sourceline
        each.set("id", key)
    way.set("sourceRef", event.get("id", ""))
    way.set("targetRef", name)
    for flow in flows:
        flow.set("sourceRef", name)
        _always(flow)


def _always(flow: Element) -> None:
    if not _condition(flow):
        made = etree.SubElement(flow, f"{BPMN}conditionExpression")
        made.sourceline = flow.sourceline
        made.text = "true"


def _condition(flow: Element) -> str:
    return text_of(flow.find(f"{BPMN}conditionExpression"))
