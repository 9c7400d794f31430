"""Reads diagram interchange: where the elements of a BPMN document stand."""

from math import isfinite

from fabloop.base.xml import Element, Tally
from fabloop.process.bpmn.model import Bounds, Diagram
from fabloop.process.bpmn.xml import BPMNDI, DC, DI


def read_diagram(root: Element, tally: Tally) -> Diagram:
    """Return every shape and edge of the diagram interchange."""
    shapes = {}
    for shape in root.iter(f"{BPMNDI}BPMNShape"):
        box = shape.find(f"{DC}Bounds")
        if box is not None:
            sides = [_number(box, side, tally) for side in ("x", "y", "width", "height")]
            shapes[shape.get("bpmnElement", "")] = Bounds(
                x=sides[0], y=sides[1], width=sides[2], height=sides[3]
            )
    edges = {
        edge.get("bpmnElement", ""): tuple(
            (_number(point, "x", tally), _number(point, "y", tally))
            for point in edge.iterfind(f"{DI}waypoint")
        )
        for edge in root.iter(f"{BPMNDI}BPMNEdge")
    }
    return Diagram(shapes=shapes, edges=edges)


def _number(element: Element, name: str, tally: Tally) -> float:
    try:
        value = float(element.get(name, ""))
    except ValueError:
        value = float("nan")
    if isfinite(value):
        return value
    tally.refuse(element, f"a number as {name}", f"'{element.get(name, '')}'")
    return 0.0
