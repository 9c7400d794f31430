"""The daily test program on simulated axes, as the numerical control would record it."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from fabloop.base.instant import Instant
from fabloop.sense.program import LineSegment, TestProgram
from fabloop.sense.recording import (
    BULK_SAMPLES,
    SAMPLE_NS,
    TRIGGER_BETWEEN,
    TRIGGER_OFF,
    Bulk,
    Floats,
    Integers,
    Recording,
    SegmentRecord,
    series_of,
)
from fabloop.sim.axis.integrate import STEP_S, Trace, integrate
from fabloop.sim.axis.parameters import AxisParameters, Mismatch, warmed
from fabloop.sim.axis.reference import Reference, arc_reference, line_reference

PAUSE_SAMPLES = 25
"""Samples between two segments, in which the machine moves to where the next one starts."""
MOTOR_PERIOD_M = 10e-3 / 2048
"""Signal period of a motor encoder of 2048 lines at 10 mm per turn."""
SCALE_PERIOD_M = 20e-6
"""Signal period of a usual linear scale."""


def run_test(
    parameters_by_axis: Mapping[str, AxisParameters],
    program: TestProgram,
    seed: int,
    *,
    started_at: Instant,
    mismatch: Mismatch | None = None,
    step_s: float = STEP_S,
) -> Recording:
    """Return what 2 ms sampling records of the program on these axes.

    Segments are integrated side by side, each from its own settled start, and then laid out one
    after the other in time: the movements between them are not simulated. The same arguments
    give the same bytes.
    """
    (recording,) = run_tests(
        [parameters_by_axis],
        program,
        [seed],
        started_at=started_at,
        mismatch=mismatch,
        step_s=step_s,
    )
    return recording


def run_tests(
    machines: Sequence[Mapping[str, AxisParameters]],
    program: TestProgram,
    seeds: Sequence[int],
    *,
    started_at: Instant,
    mismatch: Mismatch | None = None,
    step_s: float = STEP_S,
) -> list[Recording]:
    """Return what several machines record, each as `run_test` does; together is cheaper."""
    unlike = mismatch or Mismatch()
    one = _references(program, step_s)
    reference = Reference(
        position=np.tile(one.position, len(machines)),
        speed=np.tile(one.speed, len(machines)),
        acceleration=np.tile(one.acceleration, len(machines)),
    )
    lanes = [lane for machine in machines for lane in _lanes(machine, program, unlike)]
    every = round(SAMPLE_NS * 1e-9 / step_s)
    trace = integrate(lanes, reference, step_s=step_s, every=every, mismatch=unlike)
    starts = np.repeat(_starts_s(program), len(program.axes))
    width = len(starts)
    recordings = []
    for number, seed in enumerate(seeds):
        mine = slice(number * width, (number + 1) * width)
        part = Trace(
            motor_position=trace.motor_position[:, mine],
            scale_position=trace.scale_position[:, mine],
            motor_speed=trace.motor_speed[:, mine],
            force=trace.force[:, mine],
        )
        dice = np.random.default_rng(seed)
        sampled = _sampled(part, lanes[mine], dice, unlike, starts)
        recordings.append(
            Recording(
                program=program,
                series=tuple(name for axis in program.axes for name in series_of(axis)),
                segments=_segments(program, sampled, started_at),
            )
        )
    return recordings


def bulks(
    recording: Recording, *, first_sequence: int = 0, idle_samples: int = BULK_SAMPLES
) -> Iterator[Bulk]:
    """Yield the recording as 100 ms bulks, with idle samples before, between and after."""
    trigger, values = _stream(recording, idle_samples)
    start = int(recording.segments[0].time_ns[0]) - idle_samples * SAMPLE_NS
    for number, first in enumerate(range(0, len(trigger), BULK_SAMPLES)):
        part = slice(first, first + BULK_SAMPLES)
        yield Bulk(
            sequence=first_sequence + number,
            start=Instant(start + first * SAMPLE_NS),
            step_ns=SAMPLE_NS,
            series=recording.series,
            trigger=trigger[part],
            values=values[part],
        )


def _stream(recording: Recording, idle_samples: int) -> tuple[Integers, Floats]:
    triggers, values = [], []
    records = recording.segments

    def rest(row: Floats, count: int, trigger: int) -> None:
        triggers.append(np.full(count, trigger, dtype=np.int64))
        values.append(np.repeat(row[None, :], count, axis=0))

    rest(records[0].values[0], idle_samples, TRIGGER_OFF)
    for before, record in zip((None, *records), records, strict=False):
        if before is not None:
            rest(before.values[-1], PAUSE_SAMPLES, TRIGGER_BETWEEN)
        triggers.append(np.full(len(record.values), record.number, dtype=np.int64))
        values.append(record.values)
    # The stream ends with the trigger off and fills its last bulk.
    total = sum(map(len, triggers)) + idle_samples
    rest(records[-1].values[-1], idle_samples + -total % BULK_SAMPLES, TRIGGER_OFF)
    return np.concatenate(triggers), np.concatenate(values)


def _references(program: TestProgram, step_s: float) -> Reference:
    """Return the set points of all lanes, segment by segment and axis by axis."""
    steps = round(max(segment.duration_s for segment in program.segments) / step_s) + 1
    columns = []
    for segment in program.segments:
        if isinstance(segment, LineSegment):
            columns += [line_reference(segment, steps, step_s)] * len(program.axes)
        else:
            columns += [
                arc_reference(segment, axis, steps, step_s) for axis in range(len(program.axes))
            ]
    return Reference(
        position=np.column_stack([each.position for each in columns]),
        speed=np.column_stack([each.speed for each in columns]),
        acceleration=np.column_stack([each.acceleration for each in columns]),
    )


def _lanes(
    parameters_by_axis: Mapping[str, AxisParameters], program: TestProgram, unlike: Mismatch
) -> list[AxisParameters]:
    """Return the axes of every segment, ever warmer."""
    last = max(1, len(program.segments) - 1)
    return [
        warmed(parameters_by_axis[axis], unlike.warming_ratio * index / last)
        for index in range(len(program.segments))
        for axis in program.axes
    ]


def _starts_s(program: TestProgram) -> Floats:
    """Return when each segment begins, in seconds from the first."""
    pause_s = PAUSE_SAMPLES * SAMPLE_NS * 1e-9
    spans = [segment.duration_s + pause_s for segment in program.segments]
    return np.concatenate([[0.0], np.cumsum(spans)[:-1]])


def _sampled(
    trace: Trace,
    lanes: list[AxisParameters],
    dice: np.random.Generator,
    unlike: Mismatch,
    starts_s: Floats,
) -> Floats:
    """Return what encoders and drive report, shape (samples, lanes, 4 quantities)."""
    shape = trace.force.shape
    position = unlike.noise_factor * np.array([lane.position_noise_m for lane in lanes])
    force = unlike.noise_factor * np.array([lane.force_noise_n for lane in lanes])
    motor_step = np.array([lane.motor_quantum_m for lane in lanes])
    scale_step = np.array([lane.scale_quantum_m for lane in lanes])
    at_s = starts_s + SAMPLE_NS * 1e-9 * np.arange(shape[0])[:, None]
    grown = unlike.screw_growth_m_per_s * at_s
    motor_place = _interpolated(trace.motor_position, MOTOR_PERIOD_M, unlike) + grown
    scale_place = _interpolated(trace.scale_position, SCALE_PERIOD_M, unlike)
    x1 = motor_place + position * dice.standard_normal(shape)
    x2 = scale_place + position * dice.standard_normal(shape)
    return np.stack(
        [
            np.round(x1 / motor_step) * motor_step,
            np.round(x2 / scale_step) * scale_step,
            trace.motor_speed + position / (SAMPLE_NS * 1e-9) * dice.standard_normal(shape),
            trace.force + force * dice.standard_normal(shape),
        ],
        axis=-1,
    )


def _interpolated(place: Floats, period_m: float, unlike: Mismatch) -> Floats:
    error: Floats = unlike.interpolation_m * np.sin(2.0 * np.pi / period_m * place)
    return place + error


def _segments(
    program: TestProgram, sampled: Floats, started_at: Instant
) -> tuple[SegmentRecord, ...]:
    records, start, width = [], int(started_at), len(program.axes)
    for index, segment in enumerate(program.segments):
        count = int(segment.duration_s / (SAMPLE_NS * 1e-9) + 1e-6)
        lanes = sampled[:count, index * width : (index + 1) * width]
        records.append(
            SegmentRecord(
                number=index + 1,
                time_ns=start + SAMPLE_NS * np.arange(count, dtype=np.int64),
                values=np.ascontiguousarray(lanes.reshape(count, -1)),
            )
        )
        start += (count + PAUSE_SAMPLES) * SAMPLE_NS
    return tuple(records)
