"""All measuring characteristics of a machine from one recording, or the reasons why not."""

from collections.abc import Mapping

import msgspec
import numpy as np

from fabloop.base.instant import Instant
from fabloop.sense.circle import CirclePath, Circularity, circularity_of
from fabloop.sense.equability import Equability, equability_of
from fabloop.sense.friction import Friction, friction_of, friction_point
from fabloop.sense.inertia import Inertia, inertia_of
from fabloop.sense.movement import arc_departure, line_departure
from fabloop.sense.program import ArcSegment, LineSegment, Purpose
from fabloop.sense.recording import (
    AxisColumns,
    Floats,
    Recording,
    SegmentRecord,
    axis_columns,
    series_of,
)
from fabloop.sense.regression import Estimate
from fabloop.sense.reversal import (
    FrictionState,
    Stiffness,
    friction_state,
    reverse_play,
    standing_play,
    stiffness_of,
    table_reversal,
)

COHERENCE_MIN = 0.95
"""A model that explains less of the force than this does not describe the axis."""

SEEN_RATIO_MIN = 0.05
"""A drift seen over a smaller part of the test is not drawn out over the whole of it."""


class DriveData(msgspec.Struct, frozen=True, kw_only=True):
    """What the data sheet says of an axis, in load units.

    Attributes
    ----------
    motor_mass_kg, motor_coulomb_n : inertia and friction on the motor's side of the spring
    ball_order : balls that pass per turn of the screw
    """

    motor_mass_kg: float
    motor_coulomb_n: float
    pitch_m: float
    ball_order: float


class AxisCharacteristics(msgspec.Struct, frozen=True, kw_only=True):
    """The measuring characteristics of one axis.

    Attributes
    ----------
    friction_state : how far it holds elsewhere on the travel, and at another temperature
    reverse_play : at the slow speed of the program
    standing_play : after the axis has come to rest, which is where positions count
    table_reversal : what of it the table shows at one place; absent where the program has no
        standing reversal (before ``daily/2``)
    """

    axis: str
    equability: tuple[Equability, ...]
    friction: Friction
    friction_state: FrictionState
    inertia: Inertia
    reverse_play: Estimate
    standing_play: Estimate
    stiffness: Stiffness
    quadrant: Estimate | None
    table_reversal: Estimate | None = None


class Characteristics(msgspec.Struct, frozen=True, kw_only=True):
    """What one run of a test program says of a machine.

    Attributes
    ----------
    at : when the last sample was taken
    circle : absent where the program has no circle
    """

    at: Instant
    program_version: str
    axes: tuple[AxisCharacteristics, ...]
    circle: Circularity | None

    @property
    def coherence(self) -> float:
        """The worst coherence of all axes."""
        return min(each.inertia.coherence for each in self.axes)

    def axis(self, name: str) -> AxisCharacteristics | None:
        """Return the characteristics of one axis."""
        return next((each for each in self.axes if each.axis == name), None)


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why a measurement is not believed; `axis` is empty where it concerns the machine."""

    axis: str
    characteristic: str
    text: str


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A measurement that must not be used, with every reason found."""

    at: Instant
    reasons: tuple[Reason, ...]


def characteristics_of(
    recording: Recording,
    drives: Mapping[str, DriveData],
    *,
    coherence_min: float = COHERENCE_MIN,
) -> Characteristics | Rejected:
    """Compute all characteristics of all axes; one bad characteristic rejects the measurement."""
    at = Instant(int(recording.segments[-1].time_ns[-1])) if recording.segments else Instant(0)
    faults = _unusable(recording, drives) or _departures(recording)
    if faults:
        return Rejected(at=at, reasons=faults)
    circle = _circle(recording)
    axes: list[AxisCharacteristics] = []
    reasons: list[Reason] = []
    for index, axis in enumerate(recording.program.axes):
        quadrant = circle.quadrants[index] if circle is not None and index < 2 else None
        found = _axis(recording, axis, drives[axis], quadrant, coherence_min)
        if isinstance(found, AxisCharacteristics):
            axes.append(found)
        else:
            reasons += found
    if reasons:
        return Rejected(at=at, reasons=tuple(reasons))
    return Characteristics(
        at=at, program_version=recording.program.version, axes=tuple(axes), circle=circle
    )


def _unusable(recording: Recording, drives: Mapping[str, DriveData]) -> tuple[Reason, ...]:
    """Return what is missing before anything can be computed."""
    reasons = []
    for axis in recording.program.axes:
        if axis not in drives:
            reasons.append(Reason(axis=axis, characteristic="", text="no drive data"))
        if not set(series_of(axis)) <= set(recording.series):
            reasons.append(Reason(axis=axis, characteristic="", text="series not recorded"))
    numbers = [record.number for record in recording.segments]
    if numbers != list(range(1, len(recording.program.segments) + 1)):
        text = f"segments {numbers} recorded of {len(recording.program.segments)}"
        reasons.append(Reason(axis="", characteristic="", text=text))
        return tuple(reasons)
    for segment, record in zip(recording.program.segments, recording.segments, strict=True):
        step_ns = int(record.time_ns[1] - record.time_ns[0]) if len(record.time_ns) > 1 else 0
        short = step_ns <= 0 or len(record.time_ns) * step_ns < 0.98e9 * segment.duration_s
        if short or not np.isfinite(record.values).all():
            what = "has too few samples" if short else "has samples that are no numbers"
            text = f"segment {record.number} {what}"
            reasons.append(Reason(axis="", characteristic="", text=text))
    return tuple(reasons)


def _believed(found: Inertia | str, coherence_min: float) -> Inertia | str:
    if isinstance(found, str) or found.coherence >= coherence_min:
        return found
    return f"coherence {found.coherence:.3f}, at least {coherence_min:.3f} is needed"


def _axis(
    recording: Recording,
    axis: str,
    drive: DriveData,
    quadrant: Estimate | None,
    coherence_min: float,
) -> AxisCharacteristics | list[Reason]:
    moves: dict[Purpose, list[tuple[LineSegment, AxisColumns]]] = {each: [] for each in Purpose}
    for segment, record in zip(recording.program.segments, recording.segments, strict=True):
        if isinstance(segment, LineSegment):
            moves[segment.purpose].append((segment, axis_columns(recording, record, axis)))
    standing = moves.pop(Purpose.STANDING)
    missing = [purpose for purpose, found in moves.items() if not found]
    if missing:
        return [
            Reason(axis=axis, characteristic=purpose, text="not in the program")
            for purpose in missing
        ]
    friction = friction_of([friction_point(*move) for move in moves[Purpose.FRICTION]])
    inertia = _believed(inertia_of(moves[Purpose.INERTIA][0][1]), coherence_min)
    stiffness = stiffness_of(
        moves[Purpose.HARD_REVERSAL][0][1],
        motor_mass_kg=drive.motor_mass_kg,
        motor_coulomb_n=drive.motor_coulomb_n,
    )
    reasons = []
    for purpose, outcome in (
        (Purpose.FRICTION, friction),
        (Purpose.INERTIA, inertia),
        (Purpose.HARD_REVERSAL, stiffness),
    ):
        if isinstance(outcome, str):
            reasons.append(Reason(axis=axis, characteristic=purpose, text=outcome))
    if (
        reasons
        or isinstance(friction, str)
        or isinstance(inertia, str)
        or isinstance(stiffness, str)
    ):
        return reasons
    slow, columns = moves[Purpose.SLOW_REVERSAL][0]
    play = reverse_play(slow, columns)
    equability = tuple(
        equability_of(*move, pitch_m=drive.pitch_m, ball_order=drive.ball_order)
        for move in moves[Purpose.EQUABILITY]
    )
    traverse = moves[Purpose.EQUABILITY][0][0].phases[0]
    state = friction_state(
        equability,
        friction,
        speed=abs(traverse.speed),
        seen_ratio=_between(recording, Purpose.EQUABILITY, Purpose.FRICTION),
    )
    return AxisCharacteristics(
        axis=axis,
        equability=equability,
        friction=friction,
        inertia=inertia,
        reverse_play=play,
        friction_state=state,
        standing_play=standing_play(
            play, friction, stiffness, speed=abs(slow.phases[0].speed), state=state
        ),
        stiffness=stiffness,
        quadrant=quadrant,
        table_reversal=table_reversal(*standing[0]) if standing else None,
    )


def _between(recording: Recording, first: Purpose, second: Purpose) -> float:
    """Return which part of the test lies between the middles of two kinds of movement."""
    middles: dict[Purpose, list[float]] = {first: [], second: []}
    for segment, record in zip(recording.program.segments, recording.segments, strict=True):
        if isinstance(segment, LineSegment) and segment.purpose in middles:
            middles[segment.purpose].append(float(record.time_ns[len(record.time_ns) // 2]))
    records = recording.segments
    whole = float(records[-1].time_ns[-1] - records[0].time_ns[0])
    apart = abs(float(np.mean(middles[second])) - float(np.mean(middles[first])))
    return max(apart / whole, SEEN_RATIO_MIN)


def _departures(recording: Recording) -> tuple[Reason, ...]:
    """Return which movements of the program were not carried out."""
    reasons = []
    for segment, record in zip(recording.program.segments, recording.segments, strict=True):
        if isinstance(segment, ArcSegment):
            text = arc_departure(segment, *_arc(recording, segment, record))
            if text:
                reasons.append(Reason(axis="", characteristic="circle", text=text))
            continue
        for axis in recording.program.axes:
            text = line_departure(segment, axis_columns(recording, record, axis))
            if text:
                reasons.append(Reason(axis=axis, characteristic=segment.purpose, text=text))
    return tuple(reasons)


def _arc(recording: Recording, segment: ArcSegment, record: SegmentRecord) -> tuple[Floats, Floats]:
    """Return the places of an arc, without its run-in."""
    first, second = (axis_columns(recording, record, axis) for axis in recording.program.axes[:2])
    skip = round(segment.run_in_s / first.step_s)
    return first.scale_position[skip:], second.scale_position[skip:]


def _circle(recording: Recording) -> Circularity | None:
    """Return the errors of the circle that the program's arcs make up together."""
    paths: dict[bool, list[tuple[Floats, Floats]]] = {True: [], False: []}
    for segment, record in zip(recording.program.segments, recording.segments, strict=True):
        if isinstance(segment, ArcSegment):
            paths[segment.sweep_rad > 0.0].append(_arc(recording, segment, record))
    if not (paths[True] and paths[False]):
        return None
    ahead, back = (
        CirclePath(
            first=np.concatenate([first for first, _ in paths[sense]]),
            second=np.concatenate([second for _, second in paths[sense]]),
        )
        for sense in (True, False)
    )
    return circularity_of(ahead, back)
