"""Bill of material and bill of process as graphs: known names, no cycle, one in-tree."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from fabloop.model.documents.collect import Sheet, unique
from fabloop.model.ids import OperationId
from fabloop.model.product import ProductFamily
from fabloop.model.routing import Exclusion

Node = TypeVar("Node", bound=str)


def note_bill_of_material(family: ProductFamily, sheet: Sheet) -> None:
    """Note unknown parts, cycles, and materials that no operation makes."""
    at = sheet.at("materials")
    index = {each.id: i for i, each in enumerate(family.materials)}
    for i, material in enumerate(family.materials):
        for k, part in enumerate(material.made_of):
            at.at(i, "made_of", k).known(part, index, "a material of the product")
    made = {each.output for each in family.operations}
    for i, material in enumerate(family.materials):
        if material.id not in made:
            at.at(i).fault(
                f"an operation that makes or supplies material {material.id!r}",
                "none",
                "Parts from third parties enter by an operation with the skill to supply.",
            )
    edges = {each.id: each.made_of for each in family.materials}
    for cycle in cycles(edges):
        at.at(index[cycle[0]], "made_of").fault(
            "a bill of material without cycles", _arrows(cycle), "Nothing is made of itself."
        )


def note_bill_of_process(family: ProductFamily, sheet: Sheet) -> None:
    """Note all that keeps the operations from being an in-tree with one final operation."""
    at = sheet.at("operations")
    unique(((at.at(i, "id"), each.id) for i, each in enumerate(family.operations)), "operation")
    index = {each.id: i for i, each in enumerate(family.operations)}
    _note_takers(family, index, at)
    edges = {each.id: each.inputs for each in family.operations}
    found = cycles(edges)
    for cycle in found:
        at.at(index[cycle[0]], "inputs").fault(
            "a bill of process without cycles",
            _arrows(cycle),
            "An operation cannot wait for itself.",
        )
    taken = {each for inputs in edges.values() for each in inputs}
    finals = [each for each in edges if each not in taken]
    if len(finals) > 1:
        names = ", ".join(repr(str(each)) for each in finals)
        at.fault(
            "one final operation, whose output is the product",
            f"{len(finals)}: {names}",
            "Let the final operation take the output of the others, or leave them out.",
        )
    if len(finals) == 1:
        _note_final(family, index[finals[0]], at)
    reached = _reaching(finals, edges) | {each for cycle in found for each in cycle}
    for each in family.operations:
        if each.id not in reached:
            at.at(index[each.id]).fault(
                f"operation {each.id!r} to lead to a final operation",
                "one that leads into a cycle only",
            )


def _note_takers(family: ProductFamily, index: Mapping[OperationId, int], at: Sheet) -> None:
    """Note unknown inputs, and outputs that two operations take that do not exclude each other."""
    takers: dict[OperationId, list[OperationId]] = {}
    exclusion = Exclusion(family.alternatives)
    for i, operation in enumerate(family.operations):
        for k, each in enumerate(operation.inputs):
            place = at.at(i, "inputs", k)
            if not place.known(each, index, "an operation of the product"):
                continue
            others = takers.setdefault(each, [])
            twice = (o for o in others if not exclusion.between(o, operation.id))
            other = next(twice, None)
            if other is not None:
                place.fault(
                    f"the output of operation {each!r} to be taken once",
                    f"it taken by {other!r} and by {operation.id!r}",
                    "Give each of them an operation of its own to take from.",
                )
            others.append(operation.id)


def _note_final(family: ProductFamily, final: int, at: Sheet) -> None:
    """Note a condition on the final operation: a variant without it would have no product."""
    operation = family.operations[final]
    conditions = {each.id: each.condition for each in family.materials}
    condition = operation.condition or conditions.get(operation.output, "")
    if condition:
        at.at(final).fault(
            f"the final operation {operation.id!r} to be part of every variant",
            f"the condition {condition!r}",
            "Leave it out here and at the material that the operation makes.",
        )


def cycles(edges: Mapping[Node, Iterable[Node]]) -> list[tuple[Node, ...]]:
    """Return cycles that between them meet every cyclic part of a graph, each with its start last.

    Edges to unknown nodes are passed over.
    """
    done: set[Node] = set()
    found: list[tuple[Node, ...]] = []
    for start in edges:
        if start in done:
            continue
        way = {start: None}
        stack = [iter(edges[start])]
        while stack:
            each = next(stack[-1], None)
            if each is None:
                stack.pop()
                done.add(way.popitem()[0])
            elif each in way:
                names = list(way)
                found.append((*names[names.index(each) :], each))
            elif each in edges and each not in done:
                way[each] = None
                stack.append(iter(edges[each]))
    return found


def _reaching(finals: Sequence[Node], edges: Mapping[Node, Iterable[Node]]) -> set[Node]:
    """Return what leads to one of the finals, themselves included."""
    reached: set[Node] = set()
    stack = list(finals)
    while stack:
        each = stack.pop()
        if each not in reached and each in edges:
            reached.add(each)
            stack.extend(edges[each])
    return reached


def _arrows(cycle: Sequence[str]) -> str:
    return " → ".join(repr(str(each)) for each in cycle)
