"""Parses XML that anybody may send: bounded, without DTD, entities or network; places of faults."""

from typing import Any

from lxml import etree

from fabloop.base.errors import Fault, Invalid

XML_BYTES_MAX = 10_000_000
XML_ELEMENTS_MAX = 200_000
XML_DEPTH_MAX = 100

Element = etree._Element  # noqa: SLF001  # the public name of its type is missing


def parse_xml(data: bytes, source: str) -> Element:
    """Return the root of a document; `source` is how its faults call it.

    Raises
    ------
    Invalid
        The document is not well formed, too large or too deep, or it brings a DTD.
    """
    refuse = _Refusal(source)
    if len(data) > XML_BYTES_MAX:
        raise refuse("", f"at most {XML_BYTES_MAX} bytes", f"{len(data)}")
    for mark in (b"<!DOCTYPE", b"<!ENTITY"):
        if mark in data:
            number = data.count(b"\n", 0, data.index(mark)) + 1
            place = f"element '!DOCTYPE', line {number}"
            raise refuse(place, "XML without a DTD", "a DTD", "Remove it.")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        line = f"line {error.lineno}"
        found = (error.msg or "something else").partition(", use XML_PARSE_HUGE")[0]
        raise refuse(line, "well-formed XML", found) from error
    about: Any = root.getroottree().docinfo  # the stub lacks `doctype`
    if about.doctype:
        raise refuse("element '!DOCTYPE', line 1", "XML without a DTD", "a DTD", "Remove it.")
    _measure(root, refuse)
    return root


class _Refusal:
    """Makes the error of one document."""

    def __init__(self, source: str) -> None:
        self.source = source

    def __call__(self, path: str, expected: str, found: str, hint: str = "") -> Invalid:
        return Invalid(
            Fault(source=self.source, path=path, expected=expected, found=found, hint=hint)
        )


def _measure(root: Element, refuse: _Refusal) -> None:
    count, level = 0, [root]
    for _ in range(XML_DEPTH_MAX):
        count += len(level)
        if count > XML_ELEMENTS_MAX:
            raise refuse("", f"at most {XML_ELEMENTS_MAX} elements", "more")
        level = [child for element in level for child in element]
        if not level:
            return
    raise refuse("", f"elements at most {XML_DEPTH_MAX} deep", "deeper")


class Tally:
    """Collects the faults of one document and where its elements stand."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.faults: list[Fault] = []
        self.lines: dict[str, int] = {}

    def place(self, element: Element) -> str:
        """Note and return the id of an element."""
        name = element.get("id", "")
        if name:
            self.lines[name] = line_of(element)
        return name

    def refuse(self, element: Element, expected: str, found: str, hint: str = "") -> None:
        """Add a fault at an element; one without an id is named after the nearest that has one."""
        path = place_of(element)
        self.faults.append(
            Fault(source=self.source, path=path, expected=expected, found=found, hint=hint)
        )


def place_of(element: Element) -> str:
    """Return how messages name an element: by its id, or the nearest above, and its line."""
    holder = element
    while not holder.get("id") and (parent := holder.getparent()) is not None:
        holder = parent
    return f"element '{holder.get('id', '')}', line {line_of(element)}"


def line_of(element: Element) -> int:
    """Return the line on which an element begins."""
    line: Any = element.sourceline  # the stub has no type for it
    return int(line or 0)


def local_of(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return etree.QName(element).localname


def text_of(element: Element | None) -> str:
    """Return the text of an element without blanks around it."""
    return (element.text or "").strip() if element is not None else ""
