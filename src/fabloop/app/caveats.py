"""What documents tell and plans leave out, and what a reader of plans should know at once."""

from collections.abc import Iterable, Iterator, Sequence

from fabloop.base.instant import iso_of, span_text
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import Plan
from fabloop.model.product import ConfiguredProduct

NAMES_MAX = 4
"""Names that a note lists; of more, the number is told."""


NONE_IN_TIME = (
    "None of these plans is in time: ask for --objective tardiness, or why by --deadline."
)


def lateness(order: ProductionOrder, plans: Sequence[Plan]) -> tuple[str, ...]:
    """Return what to say where the first plan is not ready when the order is due."""
    if not plans:
        return ()
    end = max(step.end for step in plans[0].steps)
    if end <= order.due_at:
        return ()
    ends = {each.id: max(step.end for step in each.steps) for each in plans}
    timely = [key for key, value in ends.items() if value <= order.due_at]
    others = f"In time: {', '.join(timely)}." if timely else NONE_IN_TIME
    after = span_text(end - order.due_at)
    return (
        f"Late: {plans[0].id} is ready at {iso_of(end)}, {after} after the due instant. {others}",
    )


def left_out(products: Iterable[ConfiguredProduct]) -> tuple[str, ...]:
    """Return a note for each kind of thing that the documents tell but plans do not heed."""
    bought = dict.fromkeys(_supplied(tuple(products)))
    if not bought:
        return ()
    return (f"Plans leave out the prices of suppliers: {_listed(bought)}.",)


def _listed(names: Iterable[str]) -> str:
    every = tuple(names)
    more = f" and {len(every) - NAMES_MAX} more" if len(every) > NAMES_MAX else ""
    return ", ".join(every[:NAMES_MAX]) + more


def _supplied(products: Sequence[ConfiguredProduct]) -> Iterator[str]:
    return (each.id for product in products for each in product.materials if each.supply)
