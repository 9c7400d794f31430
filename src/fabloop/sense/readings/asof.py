"""What held at an instant, and what was going on meanwhile: readings beside orders and states."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fabloop.base.errors import Fault, Invalid
from fabloop.sense.readings.batch import Batch, Times
from fabloop.sense.readings.quality import BAD

NOTHING: Final = -1
"""The subject where nothing was going on."""


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """What was going on at one place, one thing at a time: orders on a work unit, states, shifts.

    Attributes
    ----------
    starts, ends : int64 ns, shape (n,); from the start to before the end; by start
    subjects : int64, what it was, as a number of the caller
    """

    starts: Times
    ends: Times
    subjects: NDArray[np.int64]


def spans_of(starts: ArrayLike, ends: ArrayLike, subjects: ArrayLike) -> Spans:
    """Return spans by their start, from whatever numpy takes.

    Raises
    ------
    Invalid
        One ends before it begins, or two overlap.
    """
    begun = np.atleast_1d(np.asarray(starts, np.int64))
    order = np.argsort(begun, kind="stable")
    begun = begun[order]
    ended = np.atleast_1d(np.asarray(ends, np.int64))[order]
    what = np.atleast_1d(np.asarray(subjects, np.int64))[order]
    reversed_ = np.flatnonzero(ended < begun)
    overlapping = np.flatnonzero(begun[1:] < ended[:-1])
    faults = [
        *(_fault(what[at], f"an end at {ended[at]}", "its start or later") for at in reversed_),
        *(
            _fault(what[at + 1], f"a start at {begun[at + 1]}", f"{ended[at]} or later: span "
                   f"{what[at]} lasts until then")
            for at in overlapping
        ),
    ]  # fmt: skip
    if faults:
        raise Invalid(faults)
    return Spans(begun, ended, what)


def subjects_at(spans: Spans, times: ArrayLike) -> NDArray[np.int64]:
    """Return what was going on at each instant; `NOTHING` between spans."""
    instants = np.atleast_1d(np.asarray(times, np.int64))
    if not len(spans.starts):
        return np.full(len(instants), NOTHING, np.int64)
    at = np.searchsorted(spans.starts, instants, side="right") - 1
    running = (at >= 0) & (instants < spans.ends[at])
    return np.where(running, spans.subjects[at], NOTHING)


def as_of(batch: Batch, times: ArrayLike, *, oldest_ns: int | None = None) -> Batch:
    """Return the latest reading of one series, by time, at or before each instant.

    Where there is none, or none that is at most `oldest_ns` old, the value is NaN and the
    quality bad; the time is then the instant itself.
    """
    instants = np.atleast_1d(np.asarray(times, np.int64))
    number = batch.series[:1] if len(batch) else np.zeros(1, np.int32)
    at = np.searchsorted(batch.times, instants, side="right") - 1
    found = at >= 0
    if not len(batch):
        return Batch(
            instants,
            np.zeros(len(instants), np.int32),
            np.full(len(instants), np.nan),
            np.full(len(instants), BAD, np.uint8),
        )
    if oldest_ns is not None:
        found &= instants - batch.times[at] <= oldest_ns
    return Batch(
        np.where(found, batch.times[at], instants),
        np.broadcast_to(number, len(instants)),
        np.where(found, batch.values[at], np.nan),
        np.where(found, batch.quality[at], BAD).astype(np.uint8),
    )


def _fault(subject: int, found: str, expected: str) -> Fault:
    return Fault(
        source="spans",
        path=f"subject {subject}",
        found=found,
        expected=expected,
        hint="Give spans of one place, one after the other.",
    )
