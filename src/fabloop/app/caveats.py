"""What a reader of plans should know at once."""

from collections.abc import Sequence

from fabloop.base.instant import iso_of, span_text
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import Plan

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
