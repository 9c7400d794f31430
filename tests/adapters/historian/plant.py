"""A plant for the historian's tests: a clock that is set by hand, and series to tell."""

import numpy as np

from fabloop.adapters.historian import Historian, Options
from fabloop.base.instant import DAY, HOUR, SECOND, Instant, instant_of
from fabloop.base.quantity import Dimension
from fabloop.sense.readings.batch import batch_of
from fabloop.sense.readings.series import Kind, Series

NOON = instant_of("2026-06-01T12:00:00Z")
QUICK = Options(commit_ns=SECOND // 100)


class HandClock:
    """A clock that stands until it is set."""

    def __init__(self, at: int = NOON + DAY) -> None:
        self.at = at

    def now(self) -> Instant:
        return Instant(self.at)


def series(number: int, kind: Kind = Kind.GAUGE, **more: object) -> Series:
    """The series with this number in `opened`."""
    told = {"dimension": Dimension.TEMPERATURE, "unit": "K"} if kind is Kind.GAUGE else {}
    return Series(
        source="line", address=f"a{number}", name=f"unit.{number}", kind=kind, **(told | more)
    )


def opened(folder, clock=None, options=QUICK, count=4, **more):
    historian = Historian(folder, clock or HandClock(), options, **more)
    for number in range(len(historian.catalogue), count):
        historian.catalogue.number(series(number))
    return historian


def kept(historian, *batches):
    """Keep batches and wait until they are durable."""
    numbers = [historian.keep(batch) for batch in batches]
    assert historian.wait(max(numbers), 20)


def walk(rng, count, series_count=4, start=NOON, span=HOUR):
    """Readings of several series with decimal values, in the order of time."""
    times = np.sort(rng.integers(0, span // 10**6, count)) * 10**6 + start
    values = np.round(np.cumsum(rng.normal(0, 0.1, count)) + 300, 3)
    return batch_of(times, rng.integers(0, series_count, count), values)


def same(one, other):
    np.testing.assert_array_equal(one.times, other.times)
    np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_array_equal(one.quality, other.quality)
