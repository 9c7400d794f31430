"""What a plan deals in: parts of stock and suppliers, runs, set-ups, energy by its hour."""

from collections.abc import Iterator, Mapping

from fabloop.app.pictures.report import Table
from fabloop.app.pictures.timeline import between
from fabloop.app.step_table import times_of
from fabloop.app.value_texts import money_text
from fabloop.base.instant import span_text
from fabloop.base.money import minor_per_unit
from fabloop.base.quantity import Dimension, quantity_text
from fabloop.model.plan import EnergyRate, PartTaken, Plan
from fabloop.model.site import Network

KILOWATT_HOUR_J = 3.6e6


def dealings(plan: Plan, network: Network, labels: Mapping[str, str]) -> Iterator[Table]:
    """Yield the tables that there is something to tell in."""
    if any(step.parts for step in plan.steps):
        yield part_table(plan, network, labels)
    if any(step.batch for step in plan.steps):
        yield run_table(plan, network, labels)
    if any(step.setup for step in plan.steps):
        yield setup_table(plan, labels)
    if any(step.rates for step in plan.steps):
        yield energy_table(plan, network, labels)


def part_table(plan: Plan, network: Network, labels: Mapping[str, str]) -> Table:
    """Return who delivers which parts to which step; what its site has in stock costs nothing."""
    currency = plan.totals.currency
    return Table(
        caption=f"Parts of {plan.id}",
        heads=("Operation", "Site", "Material", "Pieces", "From", "Cost", "CO2"),
        rows=tuple(
            (
                labels.get(step.operation, step.operation),
                network.sites[step.site].label,
                each.material,
                str(each.pieces),
                _origin(each, network),
                money_text(each.takes[0], currency) if _is_paid(each) else "-",
                quantity_text(each.takes[2], Dimension.MASS) if _is_paid(each) else "-",
            )
            for step in plan.steps
            for each in step.parts
        ),
        numeric=(3, 5, 6),
    )


def _is_paid(part: PartTaken) -> bool:
    return bool(part.supplier) or part.freight is not None


def _origin(part: PartTaken, network: Network) -> str:
    """Return where pieces come from, and how: ``stock of Vienna, by Truck``."""
    way = part.freight
    if way is None:
        return part.supplier or "stock"
    label, zone = network.sites[way.origin].label, network.sites[way.origin].time_zone
    source = f"{part.supplier} in {label}" if part.supplier else f"stock of {label}"
    return f"{source}, {way.by} {between(way.start, way.end, zone)}"


def run_table(plan: Plan, network: Network, labels: Mapping[str, str]) -> Table:
    """Return which steps are in runs with others, and how many pieces are in them, local time."""
    return Table(
        caption=f"Shared runs of {plan.id}, {times_of(plan, network)}",
        heads=("Operation", "Work unit", "When", "Batch family", "Pieces", "In the run"),
        rows=tuple(
            (
                labels.get(step.operation, step.operation),
                labels.get(step.work_unit, step.work_unit),
                between(step.start, step.end, network.sites[step.site].time_zone),
                step.batch.family,
                str(step.batch.pieces),
                str(step.batch.together),
            )
            for step in plan.steps
            if step.batch is not None
        ),
        numeric=(4, 5),
    )


def setup_table(plan: Plan, labels: Mapping[str, str]) -> Table:
    """Return the set-ups that depend on what was done before, and what each of them takes."""
    currency = plan.totals.currency
    return Table(
        caption=f"Set-ups of {plan.id}",
        heads=("Operation", "Work unit", "From", "To", "Time", "Cost", "Energy"),
        rows=tuple(
            (
                labels.get(step.operation, step.operation),
                labels.get(step.work_unit, step.work_unit),
                step.setup.before or "anything",
                step.setup_family,
                span_text(step.setup.duration_ns),
                money_text(step.setup.cost_minor, currency),
                quantity_text(step.setup.energy_j, Dimension.ENERGY),
            )
            for step in plan.steps
            if step.setup is not None
        ),
        numeric=(4, 5, 6),
    )


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
        caption=f"Energy by time of day in {plan.id}, {times_of(plan, network)}",
        heads=("Operation", "Work unit", "When", "Price", "CO2"),
        rows=tuple(rows),
        numeric=(3, 4),
    )


def price_text(rate: EnergyRate, currency: str) -> str:
    """Return the price of energy as people know it (``0.11 EUR/kWh``)."""
    price = rate.energy_minor_per_j * KILOWATT_HOUR_J / minor_per_unit(currency)
    in_full = abs(price - round(price, 2)) < 5e-7 * max(price, 1.0)
    return f"{price:.2f} {currency}/kWh" if in_full else f"{price:.4g} {currency}/kWh"
