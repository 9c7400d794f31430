"""Energy and CO2 by order: readings of power, held from one to the next, laid over the orders."""

import itertools
from collections.abc import Callable

import msgspec
import numpy as np

from fabloop.base.instant import SECOND, Instant
from fabloop.sense.oee.timeline import Timeline
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.quality import is_good

HELD_MAX = 60 * SECOND
"""How long a reading of power stands for the time behind it; longer gaps are not known."""

Intensity = Callable[[Instant], float]
"""CO2 of a joule at an instant, kg; tariffs and the mix of the grid change over the day."""


class OrderEnergy(msgspec.Struct, frozen=True, kw_only=True):
    """What one order used; an empty order is the time without one.

    Attributes
    ----------
    energy_j : of the time that is known
    co2_kg : None where nobody told the intensity
    measured_ns, unknown_ns : time with and without a reading to go by
    """

    order: str
    energy_j: float
    co2_kg: float | None
    measured_ns: int
    unknown_ns: int


def energy_by_order(
    power: Batch,
    timeline: Timeline,
    start: Instant,
    end: Instant,
    intensity: Intensity | None = None,
) -> tuple[OrderEnergy, ...]:
    """Return energy by order over a span, in the order in which the orders came.

    Parameters
    ----------
    power : readings of one series in watts, in any order; the last of equal times counts
    intensity : asked at the begin of each span between two readings
    """
    sums: dict[str, list[float]] = {}
    for since, until, watts in held_power(power, start, end):
        for order, begun, done in _orders(timeline, since, until):
            entry = sums.setdefault(order, [0.0, 0.0, 0, 0])
            lasted = done - begun
            if watts is None:
                entry[3] += lasted
                continue
            joules = watts * lasted / SECOND
            entry[0] += joules
            entry[1] += joules * intensity(begun) if intensity else 0.0
            entry[2] += lasted
    return tuple(
        OrderEnergy(
            order=order,
            energy_j=entry[0],
            co2_kg=entry[1] if intensity else None,
            measured_ns=int(entry[2]),
            unknown_ns=int(entry[3]),
        )
        for order, entry in sums.items()
    )


def held_power(
    power: Batch, start: Instant, end: Instant
) -> list[tuple[Instant, Instant, float | None]]:
    """Return spans of constant power that fill the whole time; None: not known."""
    ordered = power.by_time()
    last = np.append(ordered.times[1:] != ordered.times[:-1], [True] if len(ordered) else [])
    ordered = ordered.where(last.astype(np.bool_))
    known = is_good(ordered.quality) & np.isfinite(ordered.values)
    times, values = ordered.times.tolist(), ordered.values.tolist()
    spans: list[tuple[Instant, Instant, float | None]] = []
    reached = start
    for number, (at, value) in enumerate(zip(times, values, strict=True)):
        until = times[number + 1] if number + 1 < len(times) else end
        begun, done = max(at, start), min(until, at + HELD_MAX, end)
        if not known[number] or done <= begun:
            continue
        if begun > reached:
            spans.append((reached, Instant(begun), None))
        spans.append((Instant(begun), Instant(done), value))
        reached = Instant(done)
    if reached < end:
        spans.append((reached, end, None))
    return spans


def _orders(
    timeline: Timeline, since: Instant, until: Instant
) -> list[tuple[str, Instant, Instant]]:
    """Return the orders of a span, each with its part of it."""
    edges = [since, *timeline.order_changes(since, until), until]
    found = []
    for begun, done in itertools.pairwise(edges):
        told = timeline.order_at(begun)
        found.append((told.order if told else "", begun, done))
    return found
