"""What must hold of multi-instance activities and loops."""

import re
from collections.abc import Iterator

from fabloop.base.errors import Fault
from fabloop.process.bpmn.model import (
    FlowNode,
    MultiInstance,
    StandardLoop,
    SubProcess,
    SubProcessKind,
)
from fabloop.process.bpmn.validate_events import Report

_NAME = re.compile(r"[^\W\d]\w*$")


def loop_faults(node: FlowNode, report: Report) -> Iterator[Fault]:
    """Yield what is wrong with how often a node is carried out."""
    loop = getattr(node, "loop", None)
    if loop and isinstance(node, SubProcess) and node.kind is SubProcessKind.EVENT:
        yield report(node.id, "an event sub-process that its event repeats", "a loop")
    match loop:
        case MultiInstance() as loop:
            yield from _several(node.id, loop, report)
        case StandardLoop() as loop:
            if not loop.condition and not loop.maximum:
                yield report(node.id, "a condition or a maximum of the loop", "neither")
        case _:
            pass


def _several(element: str, loop: MultiInstance, report: Report) -> Iterator[Fault]:
    if bool(loop.collection) == bool(loop.cardinality):
        found = "both" if loop.collection else "neither"
        yield report(element, "either an input collection or a loop cardinality", found)
    if loop.element and not loop.collection:
        yield report(element, "an input element only of a collection", f"'{loop.element}'")
    if bool(loop.output_collection) != bool(loop.output_element):
        found = loop.output_collection or loop.output_element
        expected = "an output collection together with an output element"
        yield report(element, expected, f"'{found}' alone")
    for name in (loop.element, loop.output_collection):
        if name and not _NAME.match(name):
            yield report(element, "a variable name", f"'{name}'")
