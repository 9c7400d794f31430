"""What a payload was found to hold: columns, and what of it could not be taken."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fabloop.sense.readings.quality import GOOD, Qualities, is_bad

ARRIVAL = -(2**63)
"""Stands in for the time of a reading that came without one: it is when the message came."""

NOT_A_NUMBER = "not-a-number"
MALFORMED = "malformed"
UNKNOWN_QUALITY = "unknown-quality"
TIME_OUT_OF_RANGE = "time-out-of-range"
NAMELESS = "nameless"

TIME_LEAST_NS = 0
TIME_GREATEST_NS = 7_258_118_400_000_000_000
"""1 January 2200: whatever claims to be later was not a time in the unit agreed on."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Readings that were not taken, and a sentence about the first of them."""

    reason: str
    sentence: str
    count: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """The readings of one payload.

    Attributes
    ----------
    times : int64, shape (n,), ns since 1970 in UTC; `ARRIVAL` where none was given
    values : float64, shape (n,), in the unit of the sender; NaN where the quality is bad
    quality : uint8, shape (n,)
    names : of the series, one for each reading; None: all are of one series
    units : by name, as far as the sender told them; "" for the series of a nameless payload
    texts : values that are texts, by position, for series that are states; NaN stands in `values`
    """

    times: NDArray[np.int64]
    values: NDArray[np.float64]
    quality: Qualities
    names: Sequence[str] | None = None
    units: dict[str, str] | None = None
    texts: dict[int, str] | None = None
    refused: tuple[Refusal, ...] = ()


def checked(
    times: NDArray[np.int64],
    values: NDArray[np.float64],
    quality: Qualities | None,
    names: Sequence[str] | None,
) -> Decoded:
    """Return the readings that may be taken; the others are refused with their number."""
    trust = np.full(len(times), GOOD, np.uint8) if quality is None else quality
    if quality is not None:
        bad = is_bad(trust)
        if bad.any():
            values = np.where(bad, np.nan, values)
    finite = np.isfinite(values)
    fitting = (times >= TIME_LEAST_NS) & (times <= TIME_GREATEST_NS) | (times == ARRIVAL)
    if fitting.all() and (finite.all() or bool((finite | is_bad(trust)).all())):
        return Decoded(times, values, trust, names)
    return _without(times, values, trust, names, fitting, finite | is_bad(trust))


def _without(
    times: NDArray[np.int64],
    values: NDArray[np.float64],
    quality: Qualities,
    names: Sequence[str] | None,
    fitting: NDArray[np.bool_],
    numbers: NDArray[np.bool_],
) -> Decoded:
    """Return the readings with a number and a possible time, and the others as refused."""
    refused = []
    if not numbers.all():
        refused.append(not_a_number(str(values[~numbers][0]), int((~numbers).sum())))
    late = numbers & ~fitting
    if late.any():
        refused.append(time_out_of_range(f"{times[late][0]} ns", int(late.sum())))
    kept = np.flatnonzero(numbers & fitting)
    some = None if names is None else [names[position] for position in kept.tolist()]
    return Decoded(times[kept], values[kept], quality[kept], some, refused=tuple(refused))


def not_a_number(found: str, count: int = 1) -> Refusal:
    """Return the refusal of a value that is none."""
    return Refusal(
        NOT_A_NUMBER,
        f"Expected a finite number, but found {found}. "
        "Send null with a bad quality where nothing is known.",
        count,
    )


def time_out_of_range(found: str, count: int = 1) -> Refusal:
    """Return the refusal of a time that cannot be one in the unit agreed on."""
    return Refusal(
        TIME_OUT_OF_RANGE,
        f"Expected a time between 1970 and 2200, but found {found}. "
        "Check the time unit in the mapping.",
        count,
    )
