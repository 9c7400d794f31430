"""What a reader of plans should know at once."""

from collections.abc import Iterable, Mapping, Sequence

from fabloop.app.value_texts import instant_text
from fabloop.base.instant import span_text
from fabloop.base.names import did_you_mean
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import Plan
from fabloop.model.site import Network

NONE_IN_TIME = (
    "None of these plans is in time: ask for --objective tardiness, or why by --deadline."
)


def readiness(order: ProductionOrder, plans: Sequence[Plan], network: Network) -> tuple[str, ...]:
    """Return when the first plan is ready, and how that stands to when the order is due."""
    if not plans:
        return ()
    end = max(step.end for step in plans[0].steps)
    if end <= order.due_at:
        return (f"{plans[0].id} is {finish_text(order, plans[0], network)}.",)
    ends = {each.id: max(step.end for step in each.steps) for each in plans}
    timely = [key for key, value in ends.items() if value <= order.due_at]
    others = f"In time: {', '.join(timely)}." if timely else NONE_IN_TIME
    after = span_text(end - order.due_at)
    ready = ready_text(plans[0], network)
    due = instant_text(order.due_at, last_zone(plans[0], network))
    told = f"Late: {plans[0].id} is ready at {ready}, {after} after the due instant {due}."
    return (f"{told} {others}",)


def finish_text(order: ProductionOrder, plan: Plan, network: Network) -> str:
    """Return when a plan is ready, and how long before or after the order is due."""
    spare = order.due_at - max(step.end for step in plan.steps)
    due = instant_text(order.due_at, last_zone(plan, network))
    apart = f"{span_text(abs(spare))} {'before' if spare >= 0 else 'after'}" if spare else "just at"
    return f"ready at {ready_text(plan, network)}, {apart} the due instant {due}"


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


def unknown_name(name: str, known: Iterable[str], hidden: Mapping[str, str]) -> str:
    """Return what a person could do about a name that is none of the known ones."""
    if name not in hidden:
        return did_you_mean(name, known)
    return (
        f"It belongs to {hidden[name] or 'a tenant'}, who does not disclose it: "
        "`fabloop order quote` asks for an offer, --tenant plans as its owner."
    )


def ready_text(plan: Plan, network: Network) -> str:
    """Return when a plan's product is made, in the time of the site that makes it."""
    end = max(step.end for step in plan.steps)
    return instant_text(end, last_zone(plan, network))


def last_zone(plan: Plan, network: Network) -> str:
    """Return the time zone of the site at which a plan ends."""
    last = max(plan.steps, key=lambda each: each.end)
    return network.sites[last.site].time_zone
