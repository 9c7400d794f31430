"""Pages, places, transitions and arcs of a CPN Tools file, as they stand there."""

import re

import msgspec

from fabloop.base.xml import Element, line_of, text_of
from fabloop.process.cpn.cpnxml_declarations import Faults

PAGES_MAX = 1_000

_IDLE_CODE = re.compile(
    r"\s*(input\s*\([^)]*\)\s*;?)?\s*(output\s*\(\s*\)\s*;?)?\s*(action\s*(\(\s*\))?\s*;?)?\s*"
)


class RawPlace(msgspec.Struct, kw_only=True):
    """A place of a page."""

    id: str
    name: str
    where: str
    colour: str
    initial: str
    port: str
    line: int


class RawArc(msgspec.Struct, kw_only=True):
    """An arc: ``PtoT``, ``TtoP``, ``BOTHDIR``, ``Inhibitor`` or ``Reset``."""

    where: str
    kind: str
    place: str
    transition: str
    text: str


class RawTransition(msgspec.Struct, kw_only=True):
    """A transition of a page; `subpage` is not empty for a substitution transition."""

    id: str
    name: str
    where: str
    guard: str
    delay: str
    priority: str
    subpage: str
    sockets: dict[str, str]


class RawPage(msgspec.Struct, kw_only=True):
    """A page."""

    id: str
    name: str
    places: list[RawPlace]
    transitions: list[RawTransition]
    arcs: list[RawArc]


class RawPages(msgspec.Struct, kw_only=True):
    """All pages, which of them stand on top, and the fusion set of each fused place."""

    pages: dict[str, RawPage]
    top: list[str]
    fused: dict[str, str]


def read_pages(net: Element, faults: Faults) -> RawPages:
    """Return the pages of a net, with what we refuse named."""
    elements = net.findall("page")
    if len(elements) > PAGES_MAX:
        faults.add("pages", f"at most {PAGES_MAX}", str(len(elements)))
        elements = []
    pages = {page.id: page for page in (_page(each, faults) for each in elements)}
    used = {each.subpage for page in pages.values() for each in page.transitions}
    named = [each.get("page", "") for each in net.findall("instances/instance")]
    top = [name for name in named if name in pages] or [name for name in pages if name not in used]
    top = top or list(pages)  # pages that use each other, which is told when they are expanded
    fused = {
        each.get("idref", ""): fusion.get("name", "")
        for fusion in net.findall("fusion")
        for each in fusion.findall("fusion_elm")
    }
    return RawPages(pages=pages, top=list(dict.fromkeys(top)), fused=fused)


def _page(element: Element, faults: Faults) -> RawPage:
    attributes = element.find("pageattr")
    name = shown(attributes.get("name", "")) if attributes is not None else ""
    page = RawPage(
        id=element.get("id", ""), name=name or element.get("id", ""), places=[], transitions=[],
        arcs=[],
    )  # fmt: skip
    page.places = [_place(each, page.name) for each in element.findall("place")]
    page.transitions = [_transition(each, page.name, faults) for each in element.findall("trans")]
    places = {each.id: each.name for each in page.places}
    transitions = {each.id: each.name for each in page.transitions}
    for each in element.findall("arc"):
        arc = _arc(each, page.name, places, transitions, faults)
        page.arcs += [arc] if arc is not None else []
    return page


def _place(element: Element, page: str) -> RawPlace:
    name = shown(text_of(element.find("text"))) or element.get("id", "")
    port = element.find("port")
    return RawPlace(
        id=element.get("id", ""), name=name, line=line_of(element),
        where=f"page '{page}', place '{name}', line {line_of(element)}",
        colour=text_of(element.find("type/text")), initial=text_of(element.find("initmark/text")),
        port=port.get("type", "") if port is not None else "",
    )  # fmt: skip


def _transition(element: Element, page: str, faults: Faults) -> RawTransition:
    name = shown(text_of(element.find("text"))) or element.get("id", "")
    where = f"page '{page}', transition '{name}', line {line_of(element)}"
    substitution = element.find("subst")
    for tag, what in (("code", "code segment"), ("channel", "channel")):
        text = text_of(element.find(f"{tag}/text"))
        if text and not (tag == "code" and _IDLE_CODE.fullmatch(text)):
            faults.add(f"{where}, {what}", f"no {what}: it acts on the outside", f"{text!r:.200}")
    sockets: dict[str, str] = {}
    if substitution is not None:
        pairs = re.findall(r"\(([^,()]+),([^,()]+)\)", substitution.get("portsock", ""))
        sockets = {port.strip(): socket.strip() for port, socket in pairs}
    return RawTransition(
        id=element.get("id", ""), name=name, where=where,
        guard=text_of(element.find("cond/text")), delay=text_of(element.find("time/text")),
        priority=text_of(element.find("priority/text")),
        subpage=substitution.get("subpage", "") if substitution is not None else "",
        sockets=sockets,
    )  # fmt: skip


def _arc(
    element: Element, page: str, places: dict[str, str], transitions: dict[str, str],
    faults: Faults,
) -> RawArc | None:  # fmt: skip
    ends = [element.find("placeend"), element.find("transend")]
    place, transition = (each.get("idref", "") if each is not None else "" for each in ends)
    line = f"line {line_of(element)}"
    if place not in places or transition not in transitions:
        found = f"{place!r} and {transition!r}"
        faults.add(f"page '{page}', arc, {line}", "a place and a transition of the page", found)
        return None
    kind = element.get("orientation", "")
    where = f"page '{page}', arc between '{places[place]}' and '{transitions[transition]}', {line}"
    if kind not in ("PtoT", "TtoP", "BOTHDIR", "Inhibitor", "Reset"):
        faults.add(where, "an arc that CPN Tools has", repr(kind))
        return None
    text = text_of(element.find("annot/text"))
    return RawArc(where=where, kind=kind, place=place, transition=transition, text=text)


def shown(text: str) -> str:
    """Return a name on one line."""
    return " ".join(text.split())
