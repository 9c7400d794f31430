"""Which orders are in which load, and what has to be made again for which batch."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from fabloop.app.service_runtime.facts import StoryTold
from fabloop.app.service_runtime.log import FactLog
from fabloop.base.instant import Instant
from fabloop.sim.bakery.customers import MuffinOrder

AGAIN = "load to be made again"


class Lots:
    """Loads by name: orders, contents, labels; those made again by the batch that they are for."""

    def __init__(self, orders: Iterable[MuffinOrder], log: FactLog) -> None:
        self._orders = {each.id: each for each in orders}
        self._by_code = {each.qr: each for each in self._orders.values()}
        self._log = log
        self._details: dict[str, Mapping[str, Any]] = {}
        self._of_batch: dict[str, list[str]] = {}

    def recall(self, fact: StoryTold) -> None:
        """Take up a load that was made again before a crash."""
        self.add(str(fact.details["batch"]), fact.about, fact.details)

    def add(self, batch: str, lot: str, details: Mapping[str, Any]) -> None:
        """Take note of a load."""
        self._details[lot] = details
        known = self._of_batch.setdefault(batch, [])
        if lot not in known:
            known.append(lot)

    def again(self, batch: str, lot: str, orders: Sequence[MuffinOrder], now: Instant) -> str:
        """Begin a load that is made again for a batch; once."""
        if lot not in self._details:
            details = {**details_of(orders), "batch": batch}
            self._log.tell(now, StoryTold(what=AGAIN, about=lot, details=details))
            self.add(batch, lot, details)
        return lot

    def details(self, lot: str) -> Mapping[str, Any]:
        """Return what is in a load."""
        return self._details.get(lot, {})

    def of_batch(self, batch: str) -> tuple[str, ...]:
        """Return the loads of a batch, its own first."""
        return tuple(self._of_batch[batch])

    def orders_in(self, lot: str) -> list[MuffinOrder]:
        """Return the orders that a load is for."""
        return [self._orders[each] for each in cast("list[str]", self.details(lot)["orders"])]

    def orders_with(self, codes: Iterable[str]) -> list[MuffinOrder]:
        """Return the orders with these QR codes."""
        return [self._by_code[each] for each in codes]

    def size(self, lot: str) -> int:
        """Return how many muffins a load has."""
        return int(self.details(lot)["pieces"])


def details_of(orders: Sequence[MuffinOrder]) -> dict[str, object]:
    """Return what a load for orders is: recipe, pieces, contents and labels of the liners."""
    return {
        "type": orders[0].type,
        "pieces": sum(each.pieces for each in orders),
        "orders": [each.id for each in orders],
        "contents": [_content(each) for each in orders],
        "labels": [{**_content(each), "colour": each.liner_colour} for each in orders],
    }


def _content(order: MuffinOrder) -> dict[str, object]:
    return {"QRCode": order.qr, "type": order.type, "num": order.pieces}
