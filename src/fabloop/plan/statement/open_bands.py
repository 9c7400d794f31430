"""The least that a step can pay for energy where its work unit is open at certain hours alone."""

import numpy as np

from fabloop.base.instant import SECOND, Instant
from fabloop.model.calendar import Spans
from fabloop.plan.statement.bands import QUARTER, Bands
from fabloop.plan.statement.layout import Floats


class OpenBands:
    """What energy costs and emits within the open spans of a calendar, as far as it is read.

    Spans are widened to whole quarters of an hour, so that nothing pays less than is told.
    """

    def __init__(self, bands: Bands, closed: Spans, since: Instant) -> None:
        self._bands = bands
        ends = [since, *(end for _, end in closed)]
        starts = [start for start, _ in closed]
        spans = [(a, b) for a, b in zip(ends, starts, strict=False) if a < b]
        self._begin = np.array([a // QUARTER for a, _ in spans], dtype=np.float64)
        self._end = np.array([-(-b // QUARTER) for _, b in spans], dtype=np.float64)
        self._known: dict[tuple[int, bool], float] = {}
        self._at, self._sums = self._summed()

    def _summed(self) -> tuple[Floats, tuple[Floats, Floats]]:
        """Return edges in quarters of an hour, with the sums of price and CO2 up to each."""
        if not len(self._begin):
            return np.zeros(1), (np.zeros(1), np.zeros(1))
        first = int(self._begin[0])
        rates = self._bands.rates(Instant(first * QUARTER), Instant(int(self._end.max()) * QUARTER))
        at = np.array([first * QUARTER, *(each.end for each in rates)], dtype=np.float64) / QUARTER
        price = np.array([each.energy_minor_per_j for each in rates])
        factor = np.array([each.co2_kg_per_j for each in rates])
        took = np.diff(at)
        sums = [np.concatenate(([0.0], np.cumsum(took * each))) for each in (price, factor)]
        return at, (sums[0], sums[1])

    def least(self, ticks: Floats, *, co2: bool) -> Floats:
        """Return the least average price (or CO2 factor) of steps of these lengths.

        It is never less than at any time; where no span is that long, it is the same.
        """
        anyhow = self._bands.least(ticks, co2=co2)
        if not self._bands.is_even:
            return anyhow
        quarters = ticks * SECOND / QUARTER
        low = np.floor(quarters)
        share = quarters - low
        known = {
            each: self._window(int(each), co2=co2)
            for each in set(np.concatenate((low, low + 1)).tolist())
        }
        longer = np.array([known[each + 1] for each in low.tolist()])
        shorter = np.array([known[each] for each in low.tolist()])
        total = shorter.copy()
        mixed = share > 0.0  # elsewhere nothing of what may be endless counts
        total[mixed] = ((1 - share) * shorter)[mixed] + share[mixed] * longer[mixed]
        average = np.full(len(ticks), np.nan)
        np.divide(total, quarters, out=average, where=quarters > 0.0)
        return np.where(np.isfinite(average), np.maximum(anyhow, average), anyhow)

    def _window(self, quarters: int, *, co2: bool) -> float:
        """Return the least sum of rates over so many quarters in a row of one span; inf if none."""
        key = quarters, co2
        if key not in self._known:
            at, sums = self._at, self._sums[int(co2)]
            starts = np.concatenate((self._begin, self._end - quarters, at, at - quarters))
            span = np.searchsorted(self._begin, starts, side="right") - 1
            fits = (span >= 0) & (starts + quarters <= self._end[span] if len(self._end) else False)
            starts = starts[fits]
            spent = np.interp(starts + quarters, at, sums) - np.interp(starts, at, sums)
            self._known[key] = max(0.0, float(spent.min())) if len(spent) else float("inf")
        return self._known[key]
