"""The graph of a PNML net: places, transitions and arcs over all its pages, references resolved."""

import re
from collections.abc import Mapping

import msgspec

from fabloop.base.xml import Element, Tally, local_of, text_of

PNML = "{http://www.pnml.org/version-2009/grammar/pnml}"
GRAMMAR = "http://www.pnml.org/version-2009/grammar/"

TOOL = "fabloop"
"""Whose tool-specific part carries what PNML has no word for: final marking, capacity."""
_SILENT = frozenset({"name", "graphics", "toolspecific"})
_NODES = ("place", "transition")


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """What a kind of net may write at a place, a transition and an arc."""

    place: frozenset[str]
    transition: frozenset[str]
    arc: frozenset[str]


class Graph(msgspec.Struct, kw_only=True, eq=False):
    """Nodes by id, in the order of the document, and the arcs of each transition.

    Attributes
    ----------
    places, transitions : elements by id
    place_names, transition_names : names in the net document by id; the ids where names repeat
    inputs, outputs : per transition, the place's id and the element of each arc
    """

    places: dict[str, Element] = {}
    transitions: dict[str, Element] = {}
    place_names: dict[str, str] = {}
    transition_names: dict[str, str] = {}
    inputs: dict[str, list[tuple[str, Element]]] = {}
    outputs: dict[str, list[tuple[str, Element]]] = {}


def own_part(element: Element, name: str) -> dict[str, str]:
    """Return the attributes of our own tool-specific part of an element."""
    for part in element.iterfind(f"{PNML}toolspecific[@tool='{TOOL}']/{PNML}{name}"):
        return {str(key): str(value) for key, value in part.attrib.items()}
    return {}


def capacity_of(place: Element) -> int | None:
    """Return the capacity in our own part of a place; None where there is none."""
    capacity = own_part(place, "place").get("capacity", "")
    return int(capacity) if re.fullmatch("[0-9]{1,9}", capacity) else None


def label(element: Element, name: str) -> str:
    """Return the text of an element's label ``<name><text>...``; empty where there is none."""
    return text_of(element.find(f"{PNML}{name}/{PNML}text"))


def read_graph(net: Element, labels: Labels, tally: Tally) -> Graph:
    """Return the graph of a net; what else stands in it is refused."""
    return _Reader(labels, tally).read(net)


class _Reader:
    def __init__(self, labels: Labels, tally: Tally) -> None:
        self.labels, self.tally = labels, tally
        self.graph = Graph()
        self.references: dict[str, tuple[str, Element]] = {}
        self.arcs: list[Element] = []
        self.ids: set[str] = set()

    def read(self, net: Element) -> Graph:
        graph = self.graph
        self._page(net, frozenset({"page", "declaration", *_SILENT}))
        graph.place_names = _names(graph.places)
        graph.transition_names = _names(graph.transitions)
        graph.inputs = {name: [] for name in graph.transitions}
        graph.outputs = {name: [] for name in graph.transitions}
        for arc in self.arcs:
            self._arc(arc)
        return graph

    def _page(self, page: Element, allowed: frozenset[str]) -> None:
        inside = frozenset(
            {*_NODES, "arc", "referencePlace", "referenceTransition", "page", *_SILENT}
        )
        for child in page:
            kind = local_of(child)
            if kind not in allowed:
                self.tally.refuse(child, "a part of a net", f"<{kind}>")
            elif kind == "page":
                self._page(child, inside)
            elif kind == "arc":
                self._check_labels(child, self.labels.arc)
                self.arcs.append(child)
            elif kind not in ("declaration", *_SILENT):
                self._node(child, kind)

    def _node(self, node: Element, kind: str) -> None:
        name = self.tally.place(node)
        if not name or name in self.ids:
            self.tally.refuse(node, "an id of its own", repr(name))
            return
        self.ids.add(name)
        if kind == "place":
            self._check_labels(node, self.labels.place)
            self.graph.places[name] = node
        elif kind == "transition":
            self._check_labels(node, self.labels.transition)
            self.graph.transitions[name] = node
        else:
            self.references[name] = (node.get("ref", ""), node)

    def _check_labels(self, element: Element, labels: frozenset[str]) -> None:
        for child in element:
            kind = local_of(child)
            if kind not in labels and kind not in _SILENT:
                expected = f"a label of this kind of net ({', '.join(sorted(labels)) or 'none'})"
                self.tally.refuse(
                    child, expected, f"<{kind}>", "It would change what the net does."
                )

    def _resolved(self, arc: Element, end: str) -> str:
        name, passed = arc.get(end, ""), set[str]()
        while name in self.references and name not in passed:
            passed.add(name)
            name = self.references[name][0]
        return name

    def _arc(self, arc: Element) -> None:
        graph = self.graph
        source, target = self._resolved(arc, "source"), self._resolved(arc, "target")
        if source in graph.places and target in graph.transitions:
            graph.inputs[target].append((source, arc))
        elif source in graph.transitions and target in graph.places:
            graph.outputs[source].append((target, arc))
        else:
            found = f"one from {arc.get('source', '')!r} to {arc.get('target', '')!r}"
            self.tally.refuse(arc, "an arc between a place and a transition", found)


def _names(nodes: Mapping[str, Element]) -> dict[str, str]:
    """Return the names of nodes where they tell all of them apart, else their ids."""
    names = {node: label(element, "name") for node, element in nodes.items()}
    if "" in names.values() or len(set(names.values())) < len(names):
        return {node: node for node in nodes}
    return names
