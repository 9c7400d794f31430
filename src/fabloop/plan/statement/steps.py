"""A product as steps in order, inputs before takers, alternatives as makers that exclude others."""

from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.model.ids import OperationId
from fabloop.model.product import ConfiguredProduct, Operation
from fabloop.model.routing import Exclusion, makers, routing_faults, takers_of


class Steps(msgspec.Struct, frozen=True):
    """Operations with inputs before takers; the last one makes the product.

    `feeds` holds per step, and per input, the steps of which one makes it; `takers` the way back.
    """

    operations: tuple[Operation, ...]
    feeds: tuple[tuple[tuple[int, ...], ...], ...]
    takers: tuple[tuple[int, ...], ...]


def steps_of(product: ConfiguredProduct) -> Steps:
    """Return the product's steps.

    Raises
    ------
    Invalid
        The operations are no in-tree, or one for no choice among the alternatives.
    """
    order = in_tree_order(product)
    number = {each.id: index for index, each in enumerate(order)}
    groups = makers(product)
    feeds = tuple(
        tuple(tuple(number[maker] for maker in group) for group in groups[each.id])
        for each in order
    )
    takers: list[list[int]] = [[] for _ in order]
    for step, inputs in enumerate(feeds):
        for group in inputs:
            for maker in group:
                takers[maker].append(step)
    return Steps(tuple(order), feeds, tuple(tuple(each) for each in takers))


def in_tree_order(product: ConfiguredProduct) -> list[Operation]:
    """Return the operations with inputs before takers, siblings in the product's order.

    Raises
    ------
    Invalid
        An input is unknown or taken twice, not exactly one operation is final, or options of an
        alternative have no common start or end.
    """
    by_id = {operation.id: operation for operation in product.operations}
    takers = takers_of({each.id: each.inputs for each in product.operations})
    faults = [
        Fault(source=product.label, path=path, expected=expected, found=found, hint=hint)
        for path, expected, found, hint in _faults(product, by_id, takers)
    ]
    if faults:
        raise Invalid(faults)
    final = next(each for each in product.operations if each.id not in takers)
    waiting = Counter({each: len(found) for each, found in takers.items()})
    order: list[Operation] = []
    stack = [final]
    while stack:
        order.append(stack.pop())
        for each in order[-1].inputs:
            waiting[each] -= 1
            if not waiting[each]:
                stack.append(by_id[each])
    if len(order) != len(by_id):
        fault = Fault(
            source=product.label,
            path="operations",
            expected="operations that all lead to the final one",
            found=f"{len(by_id) - len(order)} in a circle",
        )
        raise Invalid(fault)
    return order[::-1]


def _faults(
    product: ConfiguredProduct,
    by_id: Mapping[OperationId, Operation],
    takers: Mapping[OperationId, list[OperationId]],
) -> Iterator[tuple[str, str, str, str]]:
    for each in sorted(set(takers) - set(by_id)):
        yield each, "an operation of the product", "an unknown one", ""
    exclusion = Exclusion(product.alternatives)
    for each, found in sorted(takers.items()):
        pairs = ((a, b) for place, a in enumerate(found) for b in found[place + 1 :])
        if not all(exclusion.between(*pair) for pair in pairs):
            yield each, "an output that one operation takes", "one taken more than once", SHARED
    final = [each.id for each in product.operations if each.id not in takers]
    if len(final) != 1:
        yield "operations", "one final operation", ", ".join(final) or "none", ""
    inputs = {each.id: each.inputs for each in product.operations}
    if product.alternatives:
        for fault in routing_faults(inputs, product.alternatives):
            option = "" if fault.option is None else f".options[{fault.option}]"
            path = f"alternatives[{fault.alternative}]{option}"
            yield path, fault.expected, fault.found, fault.hint


SHARED = "Give each taker an operation of its own, or let options of one alternative take it."
