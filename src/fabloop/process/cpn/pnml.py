"""PNML (ISO/IEC 15909-2) to a net document: place/transition nets and symmetric nets."""

import re

from fabloop.base.errors import Fault, Invalid
from fabloop.base.xml import Element, Tally, local_of, parse_xml
from fabloop.process.cpn.document import ARCS_PER_TRANSITION_MAX, TOKENS_PER_PLACE_MAX
from fabloop.process.cpn.generate import COUNT_MAX
from fabloop.process.cpn.model import (
    InitialToken,
    NetDocument,
    PlaceSpec,
    Put,
    Take,
    TransitionSpec,
)
from fabloop.process.cpn.pnml_graph import (
    GRAMMAR,
    PNML,
    Graph,
    Labels,
    capacity_of,
    label,
    own_part,
    read_graph,
)
from fabloop.process.cpn.pnml_symmetric import read_symmetric

SOURCE = "PNML document"

PLAIN = Labels(
    place=frozenset({"initialMarking"}), transition=frozenset(), arc=frozenset({"inscription"})
)
COLOURED = Labels(
    place=frozenset({"type", "hlinitialMarking"}),
    transition=frozenset({"condition"}),
    arc=frozenset({"hlinscription"}),
)
KINDS = {"ptnet": PLAIN, "symmetricnet": COLOURED, "pt-hlpng": COLOURED}


def read_pnml(data: bytes, source: str = SOURCE) -> NetDocument:
    """Return the net of a PNML document; `source` is how faults call it.

    Raises
    ------
    Invalid
        The XML is not fit to be read, or the net holds what we do not carry out: every such
        element is named with its line.
    """
    root = parse_xml(data, source)
    nets = root.findall(f"{PNML}net")
    if root.tag != f"{PNML}pnml" or len(nets) != 1:
        found = f"<{local_of(root)}> with {len(nets)} nets"
        raise Invalid(Fault(source=source, path="", expected="PNML with one net", found=found))
    tally = Tally(source)
    document = _read(nets[0], tally)
    if tally.faults or document is None:
        raise Invalid(tally.faults)
    return document


def _read(net: Element, tally: Tally) -> NetDocument | None:
    kind = net.get("type", "").removeprefix(GRAMMAR)
    if kind not in KINDS:
        expected = "a net of type " + ", ".join(f"{GRAMMAR}{name}" for name in KINDS)
        tally.refuse(net, expected, repr(net.get("type", "")))
        return None
    graph = read_graph(net, KINDS[kind], tally)
    for name, element in graph.transitions.items():
        if not graph.inputs[name]:
            hint = "Without an input it would fire for ever; give it a place to take from."
            tally.refuse(element, "a transition that takes from a place", "none", hint)
    own = own_part(net, "net")
    name, final = own.get("id", net.get("id", "")), own.get("final", "")
    if not name:
        tally.refuse(net, "a net with an id", "none")
    if KINDS[kind] is COLOURED:
        read = read_symmetric(net, graph, tally)
        return NetDocument(
            id=name, name=label(net, "name"), final=final, colours=read.colours,
            constants=read.constants, places=read.places, transitions=read.transitions,
        )  # fmt: skip
    return NetDocument(
        id=name, name=label(net, "name"), final=final,
        places=tuple(_place(graph, each, tally) for each in graph.places),
        transitions=tuple(_transition(graph, each, tally) for each in graph.transitions),
    )  # fmt: skip


def _place(graph: Graph, place: str, tally: Tally) -> PlaceSpec:
    element = graph.places[place]
    count = _number(element, "initialMarking", 0, TOKENS_PER_PLACE_MAX, tally)
    return PlaceSpec(
        name=graph.place_names[place], colour="unit",
        initial=(InitialToken(count=count),) if count else (),
        capacity=capacity_of(element),
    )  # fmt: skip


def _transition(graph: Graph, transition: str, tally: Tally) -> TransitionSpec:
    count = len(graph.inputs[transition])
    if count > ARCS_PER_TRANSITION_MAX:
        expected = f"at most {ARCS_PER_TRANSITION_MAX} arcs into a transition"
        tally.refuse(graph.transitions[transition], expected, str(count), "Split the transition.")
    return TransitionSpec(
        name=graph.transition_names[transition],
        take=tuple(
            Take(place=graph.place_names[place], pattern="()", count=_weight(arc, tally))
            for place, arc in graph.inputs[transition]
        ),
        put=tuple(
            Put(place=graph.place_names[place], value="()", count=str(_weight(arc, tally)))
            for place, arc in graph.outputs[transition]
        ),
    )


def _weight(arc: Element, tally: Tally) -> int:
    return _number(arc, "inscription", 1, COUNT_MAX, tally)


def _number(element: Element, name: str, least: int, most: int, tally: Tally) -> int:
    """Return the number of a label, `least` where it is left out."""
    part = element.find(f"{PNML}{name}")
    if part is None:
        return least
    text = label(element, name)
    if re.fullmatch("[0-9]{1,9}", text) and least <= int(text) <= most:
        return int(text)
    tally.refuse(part, f"a whole number from {least} to {most}", repr(text))
    return least
