"""What a reader of plans should know at once."""

from collections.abc import Sequence

from fabloop.app.value_texts import instant_text
from fabloop.base.instant import span_text
from fabloop.base.names import did_you_mean
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import Plan
from fabloop.model.site import Network

NONE_IN_TIME = (
    "None of these plans is in time: ask for --objective tardiness, or why by --deadline."
)


def lateness(order: ProductionOrder, plans: Sequence[Plan], network: Network) -> tuple[str, ...]:
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
    ready = ready_text(plans[0], network)
    return (f"Late: {plans[0].id} is ready at {ready}, {after} after the due instant. {others}",)


def stranger(tenant: str, network: Network) -> str:
    """Return what to say where no site belongs to the tenant who plans; empty where one does.

    A buyer without a factory may well plan; a name that was mistyped sees as little.
    """
    known = sorted({each.tenant for each in network.sites.values()} - {""})
    if not tenant or tenant in known:
        return ""
    near = did_you_mean(tenant, known) if known else ""
    seen = f"No site belongs to tenant '{tenant}': it sees those that disclose everything."
    return f"{seen} {near}".strip()


def ready_text(plan: Plan, network: Network) -> str:
    """Return when a plan's product is made, in the time of the site that makes it."""
    last = max(plan.steps, key=lambda each: each.end)
    return instant_text(last.end, network.sites[last.site].time_zone)
