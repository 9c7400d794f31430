"""Production orders: who wants which variant by when."""

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.ids import OrderId, ProductId
from fabloop.model.product import Choice, ConfiguredProduct


class ProductionOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order for pieces of a configured product; `goal_ns` is received-to-finished."""

    id: OrderId
    product: ConfiguredProduct
    received_at: Instant
    due_at: Instant
    priority: int = 1
    quantity: int = 1

    @property
    def goal_ns(self) -> int:
        """Time from receipt to the due instant."""
        return self.due_at - self.received_at


class OrderRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An order as the customer gives it: choices that are not yet completed or judged."""

    id: OrderId
    product: ProductId
    choices: dict[str, Choice]
    received_at: Instant
    due_at: Instant
    priority: int = 1
    quantity: int = 1
