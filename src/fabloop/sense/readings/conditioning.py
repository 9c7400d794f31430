"""Conditioning: numbers as a source tells them to SI values within the limits of their sensor."""

import math

import numpy as np

from fabloop.sense.readings.batch import SeriesNumbers, Values
from fabloop.sense.readings.quality import RANGE_EXCEEDED, Qualities, is_good
from fabloop.sense.readings.series import Catalogue, Series


class Conditioning:
    """Scales and limits by number of series, as arrays, so that a batch costs a few lookups."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._scale = np.ones(0)
        self._offset = np.zeros(0)
        self._least = np.zeros(0)
        self._greatest = np.zeros(0)
        self._scaled = self._limited = False

    def enter(self, series: Series) -> int:
        """Return the number of a series that is new, or told anew, in the catalogue."""
        number = self._catalogue.number(series)
        if number >= len(self._scale):
            self._grow(2 * number + 64)
        self._scale[number] = series.scale
        self._offset[number] = series.offset
        self._least[number] = -math.inf if series.least is None else series.least
        self._greatest[number] = math.inf if series.greatest is None else series.greatest
        self._scaled |= series.scale != 1.0 or series.offset != 0.0
        self._limited |= series.least is not None or series.greatest is not None
        return number

    def _grow(self, size: int) -> None:
        self._scale = _grown(self._scale, size, 1.0)
        self._offset = _grown(self._offset, size, 0.0)
        self._least = _grown(self._least, size, -math.inf)
        self._greatest = _grown(self._greatest, size, math.inf)

    def si(self, series: SeriesNumbers, values: Values) -> Values:
        """Return the values in SI units."""
        if not self._scaled:
            return values
        scaled: Values = values * self._scale[series] + self._offset[series]
        return scaled

    def trust(self, series: SeriesNumbers, values: Values, quality: Qualities) -> Qualities:
        """Return the quality: a good reading beyond the limits of its sensor is uncertain."""
        if not self._limited:
            return quality
        beyond = (values < self._least[series]) | (values > self._greatest[series])
        beyond &= is_good(quality)
        return np.where(beyond, np.uint8(RANGE_EXCEEDED), quality) if beyond.any() else quality


def _grown(column: Values, size: int, filling: float) -> Values:
    grown = np.full(size, filling)
    grown[: len(column)] = column
    return grown


def state_number(series: Series, text: str) -> float | None:
    """Return the number that stands for a text of a state; None: it is none of its states."""
    try:
        return float(series.states.index(text))
    except ValueError:
        return None
