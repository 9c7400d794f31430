"""Alternative routings as they are written: ways with a common start and a common end."""

from fabloop.model.documents.collect import Sheet, unique
from fabloop.model.documents.product_structs import ProductDocument
from fabloop.model.ids import OperationId
from fabloop.model.product import Alternative, ProductFamily, RoutingOption
from fabloop.model.routing import routing_faults


def alternatives_of(document: ProductDocument, sheet: Sheet) -> tuple[Alternative, ...]:
    """Return the alternatives as they stand."""
    entries = document.alternatives
    unique(((sheet.at(i, "id"), each.id) for i, each in enumerate(entries)), "alternative")
    for index, entry in enumerate(entries):
        at = sheet.at(index, "options")
        unique(((at.at(i, "id"), each.id) for i, each in enumerate(entry.options)), "option")
    return tuple(
        Alternative(
            id=each.id,
            label=each.label,
            options=tuple(
                RoutingOption(
                    id=option.id,
                    label=option.label,
                    operations=tuple(OperationId(op) for op in option.operations),
                )
                for option in each.options
            ),
        )
        for each in entries
    )


def note_routings(family: ProductFamily, sheet: Sheet) -> None:
    """Note what keeps the options of an alternative from being ways between the same operations."""
    inputs = {each.id: each.inputs for each in family.operations}
    for fault in routing_faults(inputs, family.alternatives):
        at = sheet.at(fault.alternative)
        if fault.option is not None:
            at = at.at("options", fault.option, "operations")
        at.fault(fault.expected, fault.found, fault.hint)
