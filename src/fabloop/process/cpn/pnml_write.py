"""A net document to PNML (ISO/IEC 15909-2): a place/transition net, or a symmetric net."""

import re
from typing import Any

from lxml import etree

from fabloop.base.errors import Fault, Invalid
from fabloop.base.xml import Element
from fabloop.process.cpn.document import faults_of
from fabloop.process.cpn.hierarchy import flattened
from fabloop.process.cpn.model import NetDocument, PlaceSpec, TransitionSpec
from fabloop.process.cpn.pnml_graph import GRAMMAR, PNML, TOOL
from fabloop.process.cpn.pnml_write_symmetric import SymmetricWriter

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
_UNWRITABLE = re.compile("[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2
_VERSION = "1"
_SPACES: Any = {None: PNML.strip("{}")}  # the stub knows no default namespace


def write_pnml(document: NetDocument) -> bytes:
    """Return a net as PNML that `read_pnml` reads as a net that does the same.

    With places of colour ``unit`` alone it is a place/transition net, read back as the same net;
    with others a symmetric net. The final marking and capacities, for which PNML has no word, go
    to a tool-specific part. Pages are written as what they hold.

    Raises
    ------
    Invalid
        The document has faults, or it holds what such a net cannot say: all of it.
    """
    flat = flattened(document, [])
    coloured = any(place.colour != "unit" for place in flat.places)
    faults = [*faults_of(document), *([] if coloured else _not_plain(flat))]
    if faults:
        raise Invalid(faults)
    return _symmetric(flat) if coloured else _written(flat)


# -- what cannot be said --------------------------------------------------------------------------


def _not_plain(document: NetDocument) -> list[Fault]:
    found: list[tuple[str, str, str]] = []
    for name in (document.id, document.name, document.final):
        found += _unwritable("net", name)
    if document.language != "python":
        found.append(("net", "inscriptions in the form of Python", document.language))
    for place in document.places:
        path = f"place {place.name}"
        found += _unwritable(path, place.name) + [
            (path, expected, shown) for expected, shown in _beyond_place(place)
        ]
    for transition in document.transitions:
        path = f"transition {transition.name}"
        found += _unwritable(path, transition.name) + [
            (path, expected, shown) for expected, shown in _beyond_transition(transition)
        ]
    return [
        Fault(source=f"net {document.id}", path=path, expected=expected, found=shown)
        for path, expected, shown in found
    ]


def _unwritable(path: str, text: str) -> list[tuple[str, str, str]]:
    if text != text.strip() or _UNWRITABLE.search(text):
        expected = "a text that XML can carry, without blanks around it"
        return [(path, expected, repr(text))]
    return []


def _beyond_place(place: PlaceSpec) -> list[tuple[str, str]]:
    plain = PlaceSpec(
        name=place.name, colour="unit", initial=place.initial, capacity=place.capacity
    )
    if place == plain and all(not token.ready_at for token in place.initial):
        return []
    return [("a place of colour unit, untimed, without port and fusion", repr(place)[:200])]


def _beyond_transition(transition: TransitionSpec) -> list[tuple[str, str]]:
    bare = TransitionSpec(name=transition.name, take=transition.take, put=transition.put)
    beyond: list[tuple[str, str]] = []
    if transition != bare:
        expected = "no guard, delay, priority, work, inhibitor or emptied place"
        beyond.append((expected, repr(transition)[:200]))
    if any(take.many for take in transition.take) or any(put.many for put in transition.put):
        beyond.append(("arcs of single tokens", "an arc of many"))
    beyond += [
        ("an input of '()' or '_'", repr(take.pattern))
        for take in transition.take
        if take.many or take.pattern.strip() not in ("()", "_")
    ]
    for put in transition.put:
        if put.many or put.value.strip() != "()" or put.delay != "0":
            beyond.append(("an output of '()' without delay", repr(put.value)))
        if not re.fullmatch("[1-9][0-9]{0,8}", put.count):
            beyond.append(("a count that is a number from 1", repr(put.count)))
    return beyond


# -- writing --------------------------------------------------------------------------------------


def _written(document: NetDocument) -> bytes:
    root = etree.Element(f"{PNML}pnml", nsmap=_SPACES)
    net, plain = _net(root, document, "ptnet")
    page = etree.SubElement(net, f"{PNML}page", id=f"{plain}.page")
    ids: dict[str, str] = {}
    for number, place in enumerate(document.places):
        ids[place.name] = f"{plain}.p{number}"
        _place(page, ids[place.name], place)
    arcs: list[tuple[str, str, int]] = []
    for number, each in enumerate(document.transitions):
        name = f"{plain}.t{number}"
        node = etree.SubElement(page, f"{PNML}transition", id=name)
        _label(node, "name", each.name)
        arcs += [(ids[take.place], name, take.count) for take in each.take]
        arcs += [(name, ids[put.place], int(put.count)) for put in each.put]
    for number, (source, target, count) in enumerate(arcs):
        arc = etree.SubElement(
            page, f"{PNML}arc", id=f"{plain}.a{number}", source=source, target=target
        )
        _label(arc, "inscription", str(count) if count > 1 else "")
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def _symmetric(document: NetDocument) -> bytes:
    root = etree.Element(f"{PNML}pnml", nsmap=_SPACES)
    net, plain = _net(root, document, "symmetricnet")
    writer = SymmetricWriter(document, net, plain)
    writer.write(_capacity)
    texts = [("net", text) for text in (document.id, document.name, document.final)]
    texts += [(f"place {each.name}", each.name) for each in document.places]
    texts += [(f"transition {each.name}", each.name) for each in document.transitions]
    faults = [
        Fault(source=f"net {document.id}", path=path, expected=expected, found=found)
        for where, text in texts
        for path, expected, found in _unwritable(where, text)
    ]
    if faults or writer.faults:
        raise Invalid([*faults, *writer.faults])
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def _net(root: Element, document: NetDocument, kind: str) -> tuple[Element, str]:
    """Return the element of the net, and the name by which its ids begin."""
    own = {} if _NAME.fullmatch(document.id) else {"id": document.id}
    plain = document.id if _NAME.fullmatch(document.id) else "net"
    net = etree.SubElement(root, f"{PNML}net", id=plain, type=f"{GRAMMAR}{kind}")
    _label(net, "name", document.name)
    _own(net, "net", own | ({"final": document.final} if document.final else {}))
    return net, plain


def _capacity(node: Element, place: PlaceSpec) -> None:
    if place.capacity is not None:
        _own(node, "place", {"capacity": str(place.capacity)})


def _place(page: Element, name: str, place: PlaceSpec) -> None:
    node = etree.SubElement(page, f"{PNML}place", id=name)
    _label(node, "name", place.name)
    count = sum(token.count for token in place.initial)
    _label(node, "initialMarking", str(count) if count else "")
    _capacity(node, place)


def _label(element: Element, name: str, text: str) -> None:
    if text:
        part = etree.SubElement(element, f"{PNML}{name}")
        etree.SubElement(part, f"{PNML}text").text = text


def _own(element: Element, name: str, attributes: dict[str, str]) -> None:
    if attributes:
        part = etree.SubElement(element, f"{PNML}toolspecific", tool=TOOL, version=_VERSION)
        etree.SubElement(part, f"{PNML}{name}", attributes)
