"""Energy by time of day: what holds when, and the least that a step of some length can pay."""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np

from fabloop.base.instant import DAY, MINUTE, SECOND, Instant
from fabloop.base.zones import at_clock, local_day
from fabloop.model.plan import EnergyRate
from fabloop.model.site import EnergyBand, Tariff
from fabloop.model.timetable import energy_rates
from fabloop.plan.statement.layout import Floats

SAMPLE = date(2025, 1, 1)
DAYS_LOOKED = 400
"""Days whose hours tell the least: all weekdays, and both changes of the clock."""

QUARTER = 15 * MINUTE
"""Bands mostly begin and end on such; the least is then exact for every length of step."""

QUARTERS_PER_WEEK = 7 * DAY // QUARTER
"""Longer steps are divided into weeks and a rest."""


class Bands:
    """What energy costs and emits at a site, by time; `time_zone` is that of the site.

    `is_even` tells whether all bands begin and end on quarters of an hour.
    """

    def __init__(self, tariff: Tariff, time_zone: str) -> None:
        self._tariff = tariff
        self._zone = time_zone
        edges = {edge for each in tariff.bands for edge in (each.start_ns, each.end_ns)}
        self._edges = sorted({0, *(each for each in edges if each < DAY)})
        self.is_even = all(each % QUARTER == 0 for each in self._edges)
        self._least: dict[tuple[int, bool], float] = {}
        self._sums: tuple[Floats, Floats, Floats] | None = None

    def rates(self, start: Instant, end: Instant) -> tuple[EnergyRate, ...]:
        """Return what holds from one instant to another, in order; equal neighbours are one."""
        found: list[EnergyRate] = []
        day = local_day(start, self._zone) - timedelta(days=1)
        last = local_day(end, self._zone) + timedelta(days=1)
        starts: list[tuple[Instant, float, float]] = []
        while day <= last:
            weekday = day.weekday()
            starts += [
                (at_clock(day, edge, self._zone), *self._at(weekday, edge)) for edge in self._edges
            ]
            day += timedelta(days=1)
        if any(after < before for (before, _, _), (after, _, _) in pairwise(starts)):
            starts = [(at, *self._told(at)) for at in sorted(each for each, _, _ in starts)]
        for (begin, price, co2), (finish, _, _) in pairwise(starts):
            since, until = max(begin, start), min(finish, end)
            if since < until or begin <= start == end < finish:
                before = found[-1] if found else None
                if before and (before.energy_minor_per_j, before.co2_kg_per_j) == (price, co2):
                    since = before.start
                    found.pop()
                each = EnergyRate(
                    start=since, end=until, energy_minor_per_j=price, co2_kg_per_j=co2
                )
                found.append(each)
        return tuple(found)

    def _at(self, weekday: int, since_midnight_ns: int) -> tuple[float, float]:
        tariff = self._tariff
        for band in tariff.bands:
            if _covers(band, weekday, since_midnight_ns):
                return band.energy_minor_per_j, band.co2_kg_per_j
        return tariff.energy_minor_per_j, tariff.co2_kg_per_j

    def _told(self, at: Instant) -> tuple[float, float]:
        """Return what holds at an instant, also where the clock skips the edge of a band."""
        return energy_rates(self._tariff, self._zone, at)

    def edges(self, start: Instant, end: Instant) -> list[Instant]:
        """Return when another price begins to hold between two instants."""
        return [each.start for each in self.rates(start, end)][1:]

    def least(self, ticks: Floats, *, co2: bool) -> Floats:
        """Return the least average price (or CO2 factor) of steps of these lengths, at any time.

        A step that takes so many seconds pays no less, whenever it starts: exact where bands
        begin and end on quarters of an hour, else their least price.
        """
        quarters = ticks * SECOND / QUARTER
        weeks, rest = np.divmod(quarters, QUARTERS_PER_WEEK)
        low = np.floor(rest)
        share = rest - low
        if not self.is_even:
            return np.full(len(ticks), self._lowest(co2=co2))
        whole = self._window(QUARTERS_PER_WEEK, co2=co2) * weeks
        known = {
            each: self._window(int(each), co2=co2)
            for each in set(np.concatenate((low, low + 1)).tolist())
        }
        total = whole + np.array(
            [
                (1 - part) * known[each] + part * known[each + 1]
                for each, part in zip(low.tolist(), share.tolist(), strict=True)
            ]
        )
        average = np.full(len(ticks), self._lowest(co2=co2))
        np.divide(total, quarters, out=average, where=quarters > 0.0)
        return average

    def _lowest(self, *, co2: bool) -> float:
        every = (self._at(weekday, edge) for weekday in range(7) for edge in self._edges)
        return min(each[int(co2)] for each in every)

    def _window(self, quarters: int, *, co2: bool) -> float:
        """Return the least sum of rates over so many quarters of an hour in a row."""
        key = quarters, co2
        if key not in self._least:
            at, price, factor = self._summed()
            sums = factor if co2 else price
            starts = np.concatenate((at, at - quarters))
            starts = starts[(starts >= at[0]) & (starts + quarters <= at[-1])]
            spent = np.interp(starts + quarters, at, sums) - np.interp(starts, at, sums)
            self._least[key] = max(0.0, float(spent.min()))
        return self._least[key]

    def _summed(self) -> tuple[Floats, Floats, Floats]:
        """Return edges in quarters of an hour, with the sums of rates up to each."""
        if self._sums is None:
            begin = at_clock(SAMPLE, 0, self._zone)
            rates = self.rates(begin, Instant(begin + DAYS_LOOKED * DAY))
            at = np.array([0, *(each.end - begin for each in rates)]) / QUARTER
            price = np.array([each.energy_minor_per_j for each in rates])
            factor = np.array([each.co2_kg_per_j for each in rates])
            took = np.diff(at)
            sums = [np.concatenate(([0.0], np.cumsum(took * each))) for each in (price, factor)]
            self._sums = at, sums[0], sums[1]
        return self._sums


def _covers(band: EnergyBand, weekday: int, since_midnight_ns: int) -> bool:
    return weekday in band.weekdays and band.start_ns <= since_midnight_ns < band.end_ns


def averages(rates: tuple[EnergyRate, ...]) -> tuple[float, float]:
    """Return the average price and CO2 factor over what a step covers."""
    whole = rates[-1].end - rates[0].start
    if not whole:
        return rates[0].energy_minor_per_j, rates[0].co2_kg_per_j
    price = sum(each.energy_minor_per_j * (each.end - each.start) for each in rates) / whole
    co2 = sum(each.co2_kg_per_j * (each.end - each.start) for each in rates) / whole
    return price, co2
