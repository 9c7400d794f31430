"""A plan as a table: who does what when, what is shipped, and how late each may be."""

from collections.abc import Iterator, Mapping

from fabloop.app.pictures.report import Table
from fabloop.app.pictures.timeline import between
from fabloop.base.instant import Instant, span_text
from fabloop.base.money import money_text
from fabloop.model.ids import SiteId
from fabloop.model.plan import Movement, MovementKind, Plan
from fabloop.model.product import ConfiguredProduct
from fabloop.model.site import Network
from fabloop.plan.critical import Criticality, Key

_Row = tuple[Instant, tuple[str, ...]]


def step_table(
    plan: Plan,
    product: ConfiguredProduct,
    network: Network,
    found: Criticality,
    labels: Mapping[str, str],
) -> Table:
    """Return the steps and shipments of a plan in order of time; ways within a site are left out.

    Times are those of the site, named once where all sites of the plan share their zone.
    """
    zone = shared_zone(plan, network)

    def when(start: Instant, end: Instant, site: SiteId) -> tuple[str, str]:
        local = network.sites[site].time_zone
        begin, _, finish = between(start, end, local).partition(" to ")
        return begin, finish if zone else f"{finish} {local}"

    def late(key: Key) -> str:
        slack = found.slack_ns[key]
        return span_text(slack) if slack else "critical"

    rows: list[_Row] = [
        (
            each.start,
            (
                *when(each.start, each.end, each.site),
                labels.get(each.operation, each.operation),
                labels.get(each.work_unit, each.work_unit),
                late(Key(each.operation)),
                money_text(each.cost_minor, plan.totals.currency),
            ),
        )
        for each in plan.steps
    ]
    for leg, words in _shipments(plan, product, network):
        cost = money_text(leg.cost_minor, plan.totals.currency)
        key = Key(leg.made_by, leg.taken_by, leg.leg)
        told = when(leg.start, leg.end, leg.origin_site)
        rows.append((leg.start, (*told, words, leg.by, late(key), cost)))
    return Table(
        caption=f"Steps of {plan.id}, {times_of(plan, network)}",
        heads=("Start", "End", "Step", "Where", "Slack", "Cost"),
        rows=tuple(row for _, row in sorted(rows, key=lambda each: each[0])),
        numeric=(5,),
    )


def shared_zone(plan: Plan, network: Network) -> str:
    """Return the time zone that all sites of a plan share; empty where they do not."""
    zones = {network.sites[each].time_zone for each in plan.totals.sites}
    return zones.pop() if len(zones) == 1 else ""


def times_of(plan: Plan, network: Network) -> str:
    """Return in which time zone a table of a plan tells its times."""
    zone = shared_zone(plan, network)
    return f"times of {zone}" if zone else "times of each site"


def _shipments(
    plan: Plan, product: ConfiguredProduct, network: Network
) -> Iterator[tuple[Movement, str]]:
    materials = {each.id: each.label for each in product.materials}
    for leg in plan.movements:
        if leg.kind is MovementKind.SHIPPING:
            output = product.operation(leg.made_by).output
            ends = (leg.origin_site, leg.destination_site)
            way = " to ".join(network.sites[each].label for each in ends)
            yield leg, f"ship {materials.get(output, output)}: {way}"
