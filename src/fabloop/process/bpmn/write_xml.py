"""Makes the elements of a BPMN document that is written."""

from lxml import etree

FABLOOP = "urn:fabloop:bpmn:1"
ZEEBE = "http://camunda.org/schema/zeebe/1.0"
BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
DI = "http://www.omg.org/spec/BPMN/20100524/DI"
DC = "http://www.omg.org/spec/DD/20100524/DC"
DD = "http://www.omg.org/spec/DD/20100524/DI"
MODELER = "http://camunda.org/schema/modeler/1.0"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
PREFIXES = {
    "bpmn": BPMN,
    "bpmndi": DI,
    "dc": DC,
    "di": DD,
    "zeebe": ZEEBE,
    "fabloop": FABLOOP,
    "modeler": MODELER,
    "xsi": XSI,
}
PLATFORM = ("Camunda Cloud", "8.6.0")  # tells modelers which property panel to open

Element = etree._Element  # noqa: SLF001  # the public name of its type is missing


def child(parent: Element, name: str, /, **attributes: str) -> Element:
    """Add a BPMN element; attributes without a value are left out."""
    return etree.SubElement(parent, f"{{{BPMN}}}{name}", given(attributes))


def zeebe(parent: Element, name: str, /, **attributes: str) -> Element:
    """Add an extension element of the ``zeebe`` namespace."""
    return etree.SubElement(parent, f"{{{ZEEBE}}}{name}", attributes)


def given(attributes: dict[str, str]) -> dict[str, str]:
    """Return the attributes that have a value."""
    return {name: value for name, value in attributes.items() if value}


def formula(parent: Element, name: str, text: str) -> None:
    """Add an element that holds an expression."""
    element = child(parent, name)
    element.set(f"{{{XSI}}}type", "bpmn:tFormalExpression")
    element.text = text
