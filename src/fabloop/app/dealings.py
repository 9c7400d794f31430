"""What a plan pays because of when it does things: which price of energy counted for which step."""

from collections.abc import Iterator, Mapping

from fabloop.app.pictures.report import Table
from fabloop.base.instant import Instant, iso_of
from fabloop.model.plan import EnergyRate, Plan
from fabloop.model.site import Network

KILOWATT_HOUR_J = 3.6e6


def dealings(plan: Plan, network: Network, labels: Mapping[str, str]) -> Iterator[Table]:
    """Yield the tables that there is something to tell in."""
    if any(step.rates for step in plan.steps):
        yield energy_table(plan, network, labels)


def energy_table(plan: Plan, network: Network, labels: Mapping[str, str]) -> Table:
    """Return which price of energy counts for which part of each step, in local time."""
    rows = [
        (
            labels.get(step.operation, step.operation),
            labels.get(step.work_unit, step.work_unit),
            between(each.start, each.end, network.sites[step.site].time_zone),
            price_text(each, network.sites[step.site].tariff.currency),
            f"{each.co2_kg_per_j * KILOWATT_HOUR_J * 1000:.4g} g/kWh",
        )
        for step in plan.steps
        for each in step.rates
    ]
    return Table(
        caption=f"Energy by time of day in {plan.id}",
        heads=("Operation", "Work unit", "When", "Price", "CO2"),
        rows=tuple(rows),
        numeric=(3, 4),
    )


def price_text(rate: EnergyRate, currency: str) -> str:
    """Return the price of energy as people know it (``0.11 EUR/kWh``)."""
    return f"{rate.energy_minor_per_j * KILOWATT_HOUR_J / 100:.4g} {currency}/kWh"


def between(start: Instant, end: Instant, zone: str) -> str:
    """Return a span of local time to the minute (``2026-11-23 22:00 to 06:00``)."""
    begin, finish = (iso_of(each, zone)[:16].replace("T", " ") for each in (start, end))
    same = begin[:10] == finish[:10]
    return f"{begin} to {finish[11:] if same else finish}"
