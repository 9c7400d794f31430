"""Nets of CPN Tools (``.cpn``, CPNXML) to a net document: flattened, inscriptions in CPN ML."""

import re

from fabloop.base.errors import Fault, Invalid
from fabloop.base.xml import Element, line_of, local_of, parse_xml
from fabloop.process.cpn.cpnxml_declarations import Faults, read_declarations
from fabloop.process.cpn.cpnxml_net import NetReader
from fabloop.process.cpn.cpnxml_pages import read_pages
from fabloop.process.cpn.model import NetDocument

SOURCE = "CPN Tools net"

_DOCTYPE = re.compile(
    rb'<!DOCTYPE\s+workspaceElements\s+(?:PUBLIC\s+"[^"<>\[\]]*"|SYSTEM)(?:\s+"[^"<>\[\]]*")?\s*>'
)


def is_cpn(data: bytes) -> bool:
    """Tell whether data looks like a net of CPN Tools."""
    return b"<workspaceElements" in data[:4_000]


def read_cpn(data: bytes, source: str = SOURCE) -> NetDocument:
    """Return the net of a CPN Tools file; `source` is how faults call it.

    A unit of the model's time becomes a nanosecond. Substitution transitions are replaced by
    what their pages hold; ports, sockets and fused places become one place each.

    Raises
    ------
    Invalid
        The XML is not fit to be read, or the net holds what we do not carry out: every such
        element is named with its page and line.
    """
    root = parse_xml(_without_doctype(data), source)
    net = root.find("cpnet")
    if local_of(root) != "workspaceElements" or net is None:
        found = f"<{local_of(root)}>"
        raise Invalid(Fault(source=source, path="", expected="a CPN Tools net", found=found))
    faults = Faults(source)
    declared = read_declarations(net, faults)
    pages = read_pages(net, faults)
    document = NetReader(declared, pages, faults).document(_name(net, source))
    if faults.all:
        raise Invalid(faults.all)
    return document


def _name(net: Element, source: str) -> str:
    stem = source.replace("\\", "/").rpartition("/")[2].removesuffix(".cpn")
    return stem or f"net at line {line_of(net)}"


def _without_doctype(data: bytes) -> bytes:
    """Blank the document type that CPN Tools writes; whatever else it may hold is refused."""
    return _DOCTYPE.sub(lambda match: re.sub(rb"[^\n]", b" ", match.group()), data, count=1)
