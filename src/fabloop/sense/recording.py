"""What the edge receives (bulks) and what a test program leaves behind (a recording)."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from fabloop.base.instant import Instant
from fabloop.sense.program import LineSegment, TestProgram

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SAMPLE_NS = 2_000_000
"""Cycle of the compile cycle in the numerical control."""
BULK_SAMPLES = 50
"""Samples that the control forwards at once: 100 ms."""

TRIGGER_OFF = 0
"""Value of the user variable when no test program runs."""
TRIGGER_BETWEEN = -1
"""A test program runs and moves to its next segment; samples of segment n carry n (from 1)."""

QUANTITIES = ("motor_position", "scale_position", "velocity", "force")


class Bulk(msgspec.Struct, frozen=True, kw_only=True):
    """Consecutive samples of one machine, as the control forwards them.

    Attributes
    ----------
    sequence : counts bulks of one stream; a jump means that bulks were lost
    trigger : int64, shape (n,), the user variable that the test program sets and clears
    values : float64, shape (n, len(series)), SI units
    """

    sequence: int
    start: Instant
    step_ns: int
    series: tuple[str, ...]
    trigger: Integers
    values: Floats


class SegmentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Samples of one segment of the program.

    Attributes
    ----------
    number : counts the program's segments from 1
    time_ns : int64, shape (n,), UTC
    values : float64, shape (n, len(series) of the recording)
    """

    number: int
    time_ns: Integers
    values: Floats


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one run of a test program left behind."""

    program: TestProgram
    series: tuple[str, ...]
    segments: tuple[SegmentRecord, ...]


class AxisColumns(msgspec.Struct, frozen=True, kw_only=True):
    """One axis during one segment: float64 columns of shape (n,), metres, m/s and newtons."""

    step_s: float
    motor_position: Floats
    scale_position: Floats
    velocity: Floats
    force: Floats


def series_of(axis: str) -> tuple[str, ...]:
    """Return the names of the four series that are recorded for an axis."""
    return tuple(f"{axis}.{quantity}" for quantity in QUANTITIES)


def axis_columns(recording: Recording, record: SegmentRecord, axis: str) -> AxisColumns:
    """Return the columns of one axis; the recording is known to hold them."""
    columns = {
        quantity: record.values[:, recording.series.index(name)]
        for quantity, name in zip(QUANTITIES, series_of(axis), strict=True)
    }
    step_s = float(record.time_ns[1] - record.time_ns[0]) * 1e-9
    return AxisColumns(step_s=step_s, **columns)


def hold(segment: LineSegment, phase: int, step_s: float, skip_ratio: float = 0.3) -> slice:
    """Return the samples of a phase's constant speed, without its first part.

    The first part is where the gap is crossed and the controller settles.
    """
    start = sum(each.ramp_s + each.hold_s for each in segment.phases[:phase])
    start += segment.phases[phase].ramp_s
    length = segment.phases[phase].hold_s
    return slice(round((start + skip_ratio * length) / step_s), round((start + length) / step_s))
