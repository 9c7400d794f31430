"""Condensed rows of one series in few bytes: differences of integers where values are decimal.

A body is a byte (0: plain rows, 1: decimal rows), the exponent, and the rows: column by column and
byte by byte, so that equal bytes stand together, compressed by zlib.
"""

import zlib
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fabloop.adapters.historian.layout import TREND_NS
from fabloop.adapters.historian.scaling import scaled
from fabloop.sense.readings.summary import Summaries

PLAIN: Final = 0
DECIMAL: Final = 1
MILLISECOND: Final = 1_000_000
DIFFERENCE_MAX: Final = (1 << 31) - 1

_PLAIN: Final = np.dtype(
    [
        ("place", "<u2"), ("count", "<i4"), ("bad", "<i4"), ("resets", "<i4"),
        ("first_time", "<i8"), ("lasting", "<i8"), ("dark", "<i8"), ("ends_bad", "u1"),
        ("least", "<f8"), ("greatest", "<f8"), ("total", "<f8"), ("first", "<f8"),
        ("last", "<f8"), ("area", "<f8"), ("increase", "<f8"),
    ]
)  # fmt: skip
_DECIMAL: Final = np.dtype(
    [
        ("place", "u1"), ("count", "<i4"), ("bad", "<i4"), ("ends_bad", "u1"),
        ("first_time", "<i4"), ("lasting", "<i4"), ("dark", "<i4"),
        ("first", "<i4"), ("down", "<i4"), ("up", "<i4"), ("change", "<i4"),
        ("total", "<i8"), ("area", "<i8"),
    ]
)  # fmt: skip
_DTYPES: Final = {PLAIN: _PLAIN, DECIMAL: _DECIMAL}


def bodies_of(rows: Summaries, begin: int) -> Iterator[tuple[int, bytes]]:
    """Yield the rows of each series of the hour that begins then; rows stand by series."""
    begins = np.flatnonzero(np.diff(rows.series, prepend=-1))
    if not len(begins):
        return
    numbers, exponent, is_decimal = _decimal_table(rows, begin, begins)
    plain = _plain_table(rows, begin)
    wide = {
        PLAIN: plain.view(np.uint8).reshape(len(rows), _PLAIN.itemsize),
        DECIMAL: numbers.view(np.uint8).reshape(len(rows), _DECIMAL.itemsize),
    }
    ends = np.append(begins[1:], len(rows))
    for first, beyond, decimal in zip(
        begins.tolist(), ends.tolist(), is_decimal.tolist(), strict=True
    ):
        kind = DECIMAL if decimal else PLAIN
        body = zlib.compress(wide[kind][first:beyond].T.tobytes(), 1)
        yield int(rows.series[first]), bytes((kind, int(exponent[first]))) + body


def rows_of(begin: int, body: bytes) -> Summaries:
    """Return the rows of a body, under series number 0."""
    kind, exponent = body[0], body[1]
    dtype = _DTYPES[kind]
    data = np.frombuffer(zlib.decompress(body[2:]), np.uint8).reshape(dtype.itemsize, -1)
    table = np.ascontiguousarray(data.T).view(dtype)[:, 0]
    return _from_decimal(table, begin, exponent) if kind == DECIMAL else _from_plain(table, begin)


def _plain_table(rows: Summaries, begin: int) -> NDArray[Any]:
    table: NDArray[Any] = np.zeros(len(rows), _PLAIN)
    table["place"] = (rows.start - begin) // TREND_NS
    table["first_time"] = rows.first_time - rows.start
    table["lasting"] = rows.last_time - rows.first_time
    table["dark"] = table["lasting"] - rows.covered_ns
    table["ends_bad"] = np.isnan(rows.held)
    for name in ("count", "bad", "resets", "least", "greatest", "total"):
        table[name] = getattr(rows, name)
    for name in ("first", "last", "area", "increase"):
        table[name] = getattr(rows, name)
    return table


def _from_plain(table: NDArray[Any], begin: int) -> Summaries:
    start = table["place"].astype(np.int64) * TREND_NS + begin
    first_time = start + table["first_time"]
    return Summaries(
        series=np.zeros(len(table), np.int32),
        start=start,
        count=table["count"],
        bad=table["bad"],
        least=table["least"],
        greatest=table["greatest"],
        total=table["total"],
        first=table["first"],
        last=table["last"],
        first_time=first_time,
        last_time=first_time + table["lasting"],
        held=np.where(table["ends_bad"] == 1, np.nan, table["last"]),
        area=table["area"],
        covered_ns=table["lasting"] - table["dark"],
        increase=table["increase"],
        resets=table["resets"],
    )


def _decimal_table(
    rows: Summaries, begin: int, begins: NDArray[np.intp]
) -> tuple[NDArray[Any], NDArray[np.int8], NDArray[np.bool_]]:
    """Return rows as integers, the exponent of each, and the series of which nothing is lost."""
    values = np.stack([rows.least, rows.greatest, rows.first, rows.last], axis=1)
    done = scaled(np.repeat(rows.series, 4), values.ravel())
    least, greatest, first, last = done.scaled.reshape(-1, 4).T
    exponent = done.exponent[::4]
    power = 10.0**exponent
    before = np.append(0, last[:-1])
    before[begins] = 0
    covered_ms = rows.covered_ns // MILLISECOND
    total = np.rint(rows.total * power)
    area = np.rint(rows.area * power * 1_000)
    columns = {
        "first_time": (rows.first_time - rows.start) // MILLISECOND,
        "lasting": (rows.last_time - rows.first_time) // MILLISECOND,
        "dark": (rows.last_time - rows.first_time) // MILLISECOND - covered_ms,
        "first": first - before,
        "down": first - least,
        "up": greatest - first,
        "change": last - first,
    }
    fits = done.is_scaled.reshape(-1, 4).all(axis=1) & np.isnan(rows.increase)
    for instants in (rows.first_time, rows.last_time, rows.covered_ns):
        fits &= instants % MILLISECOND == 0
    for column in columns.values():
        fits &= np.abs(column) <= DIFFERENCE_MAX
    fits &= _near(total / power, rows.total) & _near(area / power / 1_000, rows.area)
    table: NDArray[Any] = np.zeros(len(rows), _DECIMAL)
    table["place"] = (rows.start - begin) // TREND_NS
    table["count"], table["bad"] = rows.count, rows.bad
    table["ends_bad"] = np.isnan(rows.held)
    for name, column in columns.items():
        table[name] = np.where(fits, column, 0)
    table["total"] = np.where(fits, total, 0).astype(np.int64) - rows.count * first
    table["area"] = np.where(fits, area, 0).astype(np.int64) - covered_ms * first
    is_decimal = np.logical_and.reduceat(fits, begins)
    return table, exponent, is_decimal


def _from_decimal(table: NDArray[Any], begin: int, exponent: int) -> Summaries:
    power = 10.0**exponent
    start = table["place"].astype(np.int64) * TREND_NS + begin
    first_time = start + table["first_time"].astype(np.int64) * MILLISECOND
    covered_ms = (table["lasting"] - table["dark"]).astype(np.int64)
    change = table["change"].astype(np.int64)
    last = np.cumsum(table["first"].astype(np.int64) + change)
    first = last - change
    return Summaries(
        series=np.zeros(len(table), np.int32),
        start=start,
        count=table["count"],
        bad=table["bad"],
        least=(first - table["down"]) / power,
        greatest=(first + table["up"]) / power,
        total=(table["total"] + table["count"] * first) / power,
        first=first / power,
        last=last / power,
        first_time=first_time,
        last_time=first_time + table["lasting"].astype(np.int64) * MILLISECOND,
        held=np.where(table["ends_bad"] == 1, np.nan, last / power),
        area=(table["area"] + covered_ms * first) / power / 1_000,
        covered_ns=covered_ms * MILLISECOND,
        increase=np.full(len(table), np.nan),
        resets=np.zeros(len(table), np.int32),
    )


def _near(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return where sums differ by no more than their rounding, and are small enough to be exact."""
    near: NDArray[np.bool_] = np.abs(one - other) <= 1e-12 * np.abs(other) + 1e-300
    return near
