"""Order documents to order requests."""

from collections.abc import Mapping

from fabloop.base.errors import Fault
from fabloop.model.documents.collect import Sheet, raise_if_any
from fabloop.model.documents.names import Names
from fabloop.model.documents.structs import OrderDocument
from fabloop.model.documents.structure import decode, kind_of
from fabloop.model.documents.values import instant
from fabloop.model.ids import OrderId, ProductId
from fabloop.model.order import OrderRequest
from fabloop.model.product import Choice, ProductFamily
from fabloop.model.variant import faults_in_choices


def resolve_order(
    source: str, data: bytes, families: Mapping[ProductId, ProductFamily]
) -> OrderRequest:
    """Return the order that a document asks for.

    Raises
    ------
    Invalid
        Every fault of the document, among them products, features and options nobody knows.
    """
    faults: list[Fault] = []
    document = decode(source, data, faults)
    sheet = Sheet(source, faults)
    if document is not None and not isinstance(document, OrderDocument):
        sheet.at("document").fault("'order'", repr(kind_of(document)))
    raise_if_any(faults)
    assert isinstance(document, OrderDocument)
    order = order_of(document, sheet, Names(families=families))
    raise_if_any(faults)
    return order


def order_of(document: OrderDocument, sheet: Sheet, names: Names) -> OrderRequest:
    """Return the order, after noting what the family does not know."""
    if sheet.at("product").known(document.product, names.families, "a product"):
        assert names.families is not None
        family = names.families[ProductId(document.product)]
        at = sheet.at("choices")
        sheet.faults.extend(faults_in_choices(family, _choices(document), at.source, at.path))
    before = len(sheet.faults)
    received_at = instant(document.received_at, sheet.at("received_at"))
    due_at = instant(document.due_at, sheet.at("due_at"))
    if due_at <= received_at and len(sheet.faults) == before:
        sheet.at("due_at").fault(
            f"an instant after the receipt at {document.received_at}", repr(document.due_at)
        )
    return OrderRequest(
        id=OrderId(document.id),
        product=ProductId(document.product),
        choices=_choices(document),
        quantity=document.quantity,
        received_at=received_at,
        due_at=due_at,
        priority=document.priority,
    )


def _choices(document: OrderDocument) -> dict[str, Choice]:
    """Return the choices in the form of the nouns."""
    return dict(document.choices)
