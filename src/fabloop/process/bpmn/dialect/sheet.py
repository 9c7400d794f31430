"""What the rewriting of one document shares: taking from it, adding to it, its faults."""

from lxml import etree

from fabloop.base.codec import to_json
from fabloop.base.xml import Element, Tally, local_of
from fabloop.process.bpmn.dialect.names import (
    HARMLESS_ATTRIBUTES,
    HARMLESS_ELEMENTS,
    JAVA,
    JAVA_NAMESPACES,
)
from fabloop.process.bpmn.juel import Unsupported, is_juel
from fabloop.process.bpmn.juel_feel import feel_of_juel
from fabloop.process.bpmn.xml import BPMN, ZEEBE

_BOX = f"{BPMN}extensionElements"
_TAKEN = "{urn:fabloop:taken}"


class Sheet:
    """One document while it is rewritten.

    What is taken is gone; what of the Java namespace is left in the end has no counterpart.

    Attributes
    ----------
    java : the document uses or declares one of the Java namespaces
    native : it does so with ours or ``zeebe``
    prefix : what the document writes before the names of the Java namespace
    """

    def __init__(self, root: Element, tally: Tally, *, java: bool, native: bool) -> None:
        self.root = root
        self.tally = tally
        self.java = java
        self.native = native
        own = [key for key, value in root.nsmap.items() if value in JAVA_NAMESPACES and key]
        self.prefix = f"{own[0]}:" if own else ""
        beside = [*root, *root.iterfind(f"{BPMN}interface/{BPMN}operation")]
        self._beside = {(local_of(each), each.get("id", "")): each for each in beside}
        self._leaving: dict[Element, dict[str, list[Element]]] = {}

    # -- taking -------------------------------------------------------------------------------

    def attribute(self, element: Element, name: str) -> str:
        """Take an attribute of the Java namespace; empty where there is none."""
        return str(element.attrib.pop(f"{JAVA}{name}", "")).strip()

    def child(self, element: Element, name: str) -> Element | None:
        """Take the first extension element of this name; it stays where it is, out of sight."""
        found = element.find(f"{_BOX}/{JAVA}{name}")
        if found is not None:
            found.tag = f"{_TAKEN}{name}"
        return found

    def children(self, element: Element, name: str) -> list[Element]:
        """Take all extension elements of this name."""
        found = []
        while (each := self.child(element, name)) is not None:
            found.append(each)
        return found

    # -- adding -------------------------------------------------------------------------------

    def extension(self, element: Element, name: str, **attributes: str) -> Element:
        """Return the native extension element of this name, made where there is none."""
        box = element.find(_BOX)
        if box is None:
            box = self._new(element, _BOX, element)
        found = box.find(f"{ZEEBE}{name}")
        if found is None:
            found = self._new(box, f"{ZEEBE}{name}", element)
        for key, value in attributes.items():
            found.set(key, value)
        return found

    def part(self, box: Element, name: str, **attributes: str) -> None:
        """Add a part to a native extension element."""
        made = self._new(box, f"{ZEEBE}{name}", box)
        for key, value in attributes.items():
            made.set(key, value)

    def maps(self, element: Element, kind: str, target: str, source: str) -> None:
        """Add an input or output mapping; `source` is as `value` gives it."""
        self.part(self.extension(element, "ioMapping"), kind, source=source, target=target)

    def header(self, element: Element, key: str, value: str) -> None:
        """Add a task header."""
        self.part(self.extension(element, "taskHeaders"), "header", key=key, value=value)

    def _new(self, parent: Element, tag: str, place: Element) -> Element:
        made = etree.SubElement(parent, tag)
        made.sourceline = place.sourceline
        return made

    # -- what refers to each other ------------------------------------------------------------

    def declared(self, kind: str, name: str) -> Element | None:
        """Return what stands beside the processes under this id."""
        return self._beside.get((kind, name))

    def declare(self, place: Element, kind: str, name: str) -> Element:
        """Declare something beside the processes, on behalf of an element."""
        made = self._new(self.root, f"{BPMN}{kind}", place)
        made.set("id", name)
        self._beside[kind, name] = made
        return made

    def leaving(self, node: Element) -> list[Element]:
        """Return the flows out of a node."""
        scope = node.getparent()
        if scope is None:
            return []
        if scope not in self._leaving:
            found: dict[str, list[Element]] = {}
            for flow in scope.iterfind(f"{BPMN}sequenceFlow"):
                found.setdefault(flow.get("sourceRef", ""), []).append(flow)
            self._leaving[scope] = found
        return self._leaving[scope].get(node.get("id", ""), [])

    # -- expressions --------------------------------------------------------------------------

    def formula(self, element: Element, text: str) -> str:
        """Return FEEL for text that is an expression: JUEL is translated, FEEL stays."""
        if not is_juel(text):
            return text.strip().removeprefix("=").strip()
        try:
            return feel_of_juel(text)
        except Unsupported as error:
            found = f"unsupported expression '{text.strip():.120}': {error}"
            self.tally.refuse(element, "FEEL, or JUEL that has a counterpart in FEEL", found)
            return "null"

    def value(self, element: Element, text: str) -> str:
        """Return text that is plain, or FEEL behind ``=``."""
        if text.startswith("=") or not is_juel(text):
            return text
        return f"={self.formula(element, text)}"

    def literal(self, element: Element, text: str) -> str:
        """Return FEEL for text that is plain where it is no expression."""
        if text.startswith("=") or is_juel(text):
            return self.formula(element, text)
        return to_json(text).decode()

    # -- faults -------------------------------------------------------------------------------

    def refuse(self, element: Element, found: str, hint: str = "") -> None:
        """Refuse something that has no counterpart here."""
        expected = f"only what is carried out in {local_of(element)}"
        self.tally.refuse(element, expected, found, hint)

    def refuse_rest(self, scope: Element) -> None:
        """Refuse, by name, what nobody took."""
        for element in scope.iter():
            if not str(element.tag).startswith(BPMN):
                continue
            for key in element.attrib:
                name = str(key).removeprefix(JAVA)
                if name != str(key) and name not in HARMLESS_ATTRIBUTES:
                    self.refuse(element, f"{self.prefix}{name}")
            for each in element.iterfind(f"{_BOX}/*"):
                name = str(each.tag).removeprefix(JAVA)
                if name != str(each.tag) and name not in HARMLESS_ELEMENTS:
                    self.refuse(element, f"{self.prefix}{name}")
