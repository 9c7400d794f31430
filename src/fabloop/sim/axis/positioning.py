"""A positioning test (ISO 230-2) of one simulated axis, as a laser would measure it."""

from collections.abc import Sequence

import msgspec
import numpy as np

from fabloop.sense.program import LineSegment, Phase, Purpose
from fabloop.sense.recording import Floats
from fabloop.sim.axis.integrate import STEP_S, integrate
from fabloop.sim.axis.parameters import AxisParameters, Mismatch
from fabloop.sim.axis.reference import Reference, line_reference

STAND_S = 0.3
"""How long the axis stands before its position is read."""


class PositioningTest(msgspec.Struct, frozen=True, kw_only=True):
    """How targets are approached.

    Attributes
    ----------
    targets : number of targets, evenly spread over the travel
    spacing_m : between neighbouring targets
    speed, ramp_s : of the approach; the peak deceleration is 2 speed / ramp_s. Where mass times
        deceleration exceeds friction, the table coasts across its gap and the test shows less
        reversal than a slow one
    """

    targets: int
    spacing_m: float
    speed: float
    ramp_s: float


def positioning_test(
    parameters: AxisParameters,
    test: PositioningTest,
    *,
    mismatch: Mismatch,
    step_s: float = STEP_S,
) -> Floats:
    """Return deviations of the table, metres, shape (targets, 2): from below and from above.

    The simulation has no scatter of its own (encoder noise does not move the table), so one
    approach of each kind tells all.
    """
    (found,) = positioning_tests([parameters], test, mismatch=mismatch, step_s=step_s)
    return found


def positioning_tests(
    axes: Sequence[AxisParameters],
    test: PositioningTest,
    *,
    mismatch: Mismatch,
    step_s: float = STEP_S,
) -> list[Floats]:
    """Return the deviations of several axes, each as `positioning_test` does."""
    first = (test.targets - 1) / 2.0 * test.spacing_m
    lanes, ends = [], []
    for target in range(test.targets):
        for sign in (1.0, -1.0):
            lane = _approach(test, sign, step_s)
            # A lane starts where its own movement ends at the target.
            shift = target * test.spacing_m - first - lane.position[-1]
            lanes.append(msgspec.structs.replace(lane, position=lane.position + shift))
            ends.append(lanes[-1].position[-1])
    count = len(axes)
    reference = Reference(
        position=np.tile(np.column_stack([lane.position for lane in lanes]), count),
        speed=np.tile(np.column_stack([lane.speed for lane in lanes]), count),
        acceleration=np.tile(np.column_stack([lane.acceleration for lane in lanes]), count),
    )
    each_lane = [axis for axis in axes for _ in lanes]
    trace = integrate(each_lane, reference, step_s=step_s, every=20, mismatch=mismatch)
    tail = trace.scale_position[-10:].mean(axis=0).reshape(count, len(lanes))
    return [(row - np.array(ends)).reshape(test.targets, 2) for row in tail]


def _approach(test: PositioningTest, sign: float, step_s: float) -> Reference:
    """Return a movement that first goes away from its end, so that all slack is on one side."""
    segment = LineSegment(
        purpose=Purpose.SLOW_REVERSAL,
        phases=(
            Phase(ramp_s=test.ramp_s, speed=-sign * test.speed, hold_s=0.1),
            Phase(ramp_s=2.0 * test.ramp_s, speed=sign * test.speed, hold_s=0.3),
            Phase(ramp_s=test.ramp_s, speed=0.0, hold_s=STAND_S),
        ),
    )
    return line_reference(segment, round(segment.duration_s / step_s) + 1, step_s)
