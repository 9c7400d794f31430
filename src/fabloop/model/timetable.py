"""What the time of day decides: the price of energy, and when goods leave."""

from datetime import timedelta

from fabloop.base.instant import Instant
from fabloop.base.zones import at_clock, local_day
from fabloop.model.site import EnergyBand, ShippingLane, Tariff


def energy_rates(tariff: Tariff, time_zone: str, at: Instant) -> tuple[float, float]:
    """Return what energy costs and emits at an instant: minor units and kg, each per joule."""
    band = _band(tariff, time_zone, at) if tariff.bands else None
    if band is None:
        return tariff.energy_minor_per_j, tariff.co2_kg_per_j
    return band.energy_minor_per_j, band.co2_kg_per_j


def _band(tariff: Tariff, time_zone: str, at: Instant) -> EnergyBand | None:
    """Return the first band that holds at the instant."""
    day = local_day(at, time_zone)
    for band in tariff.bands:
        if day.weekday() in band.weekdays:
            start = at_clock(day, band.start_ns, time_zone)
            if start <= at < at_clock(day, band.end_ns, time_zone):
                return band
    return None


def departure_after(lane: ShippingLane, time_zone: str, ready: Instant) -> Instant:
    """Return when goods that are at the gate at `ready` leave on the lane.

    That is the first departure whose cut-off is not before `ready`, or `ready` itself where the
    lane leaves at any time. `time_zone` is that of the origin.
    """
    if not lane.departures:
        return ready
    day = local_day(ready, time_zone)
    while True:  # a lane has a weekday, and cut-offs are limited: a few rounds
        if day.weekday() in lane.weekdays:
            for since_midnight_ns in lane.departures:
                leaves = at_clock(day, since_midnight_ns, time_zone)
                if leaves - lane.cut_off_ns >= ready:
                    return leaves
        day += timedelta(days=1)
