"""Reverse play of an axis, and its stiffness and gap apart from each other."""

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from fabloop.sense.equability import Equability
from fabloop.sense.friction import Friction
from fabloop.sense.inertia import clear_of_standstill
from fabloop.sense.program import LineSegment
from fabloop.sense.recording import AxisColumns, Floats, hold
from fabloop.sense.regression import SMOOTHING_WINDOW, Estimate, fit_robust, median_of, smooth

LOADED_RATIO = 0.25
"""Samples whose spring force is below this ratio of the largest may stand inside the gap."""
SAMPLES_MIN = 100
ENCODER_FLOOR_M = 5e-8
"""Error of an encoder within its signal period: no difference is believed better than this."""

STANDS_MIN = 2
"""Fewer rests from one side show no scatter."""
RESTING_AFTER = 0.6
"""Part of a rest after which the control has brought the table where it is going to stay."""


class Stiffness(msgspec.Struct, frozen=True, kw_only=True):
    """Stiffness of the drive train (N/m) and its true gap (m)."""

    stiffness: Estimate
    gap: Estimate


def reverse_play(segment: LineSegment, columns: AxisColumns) -> Estimate:
    """Return gap + 2 F/k: how far motor and scale differ between the two directions, in metres.

    The accelerations of the movement stay below friction. A vertical axis whose load exceeds its
    friction rests on one flank and rightly shows its wind-up only.
    """
    wound = columns.motor_position - columns.scale_position
    sides: dict[bool, list[Floats]] = {True: [], False: []}
    for index, phase in enumerate(segment.phases):
        sides[phase.speed > 0.0].append(wound[hold(segment, index, columns.step_s)])
    ahead, back = (median_of(np.concatenate(sides[side])) for side in (True, False))
    spread = float(np.hypot(ahead.uncertainty, back.uncertainty))
    return Estimate(value=ahead.value - back.value, uncertainty=max(spread, ENCODER_FLOOR_M))


class FrictionState(msgspec.Struct, frozen=True, kw_only=True):
    """How little the friction of one place and moment says of another, as ratios of it.

    Attributes
    ----------
    uneven : standard deviation over the travel
    drift : change over the whole test
    """

    uneven: float
    drift: float

    @property
    def uncertainty(self) -> float:
        """Standard uncertainty of the friction at another place and moment (GUM, type B).

        When the axis is used, it may be as much colder or warmer as it became during the test:
        evenly distributed within the drift.
        """
        return math.hypot(self.uneven, self.drift / math.sqrt(3.0))


def friction_state(
    traverses: Sequence[Equability], friction: Friction, *, speed: float, seen_ratio: float
) -> FrictionState:
    """Compare traverses at one speed, both ways, with each other and with the friction curve.

    One way only tells nothing of drift: what is constant may be a load.

    Parameters
    ----------
    seen_ratio : part of the test that lies between the traverses and the friction movements; a
        drift is taken to go on as it was seen
    """
    level = friction.at(speed)
    ahead = [each.mean_n for each in traverses if each.mean_n - friction.offset.value > 0.0]
    back = [each.mean_n for each in traverses if each.mean_n - friction.offset.value <= 0.0]
    cold = (np.mean(ahead) - np.mean(back)) / 2.0 if ahead and back else level
    return FrictionState(
        uneven=max((each.slow_n for each in traverses), default=0.0) / level,
        drift=abs(float(cold) / level - 1.0) / seen_ratio,
    )


def standing_play(
    play: Estimate,
    friction: Friction,
    drive: Stiffness,
    *,
    speed: float,
    state: FrictionState | None = None,
) -> Estimate:
    """Return the reverse play of an axis that has come to rest, in metres.

    On its way to rest the axis passes the Stribeck range, and its wind-up grows from the friction
    at `speed`, where `play` was measured, to static friction. This is what a laser finds (B of
    ISO 230-2): over simulated machines it is met to 0 .. +10 %, and `play` misses up to 25 % of it.
    The wind-up is as unsure as the friction is that will be met at another place and moment.
    """
    more = 2.0 * max(0.0, friction.static.value - friction.at(speed)) / drive.stiffness.value
    relative = drive.stiffness.uncertainty / drive.stiffness.value
    spread = 2.0 * friction.static.uncertainty / drive.stiffness.value
    wound = 2.0 * friction.static.value / drive.stiffness.value
    unlike = 0.0 if state is None else wound * state.uncertainty
    return Estimate(
        value=play.value + more,
        uncertainty=math.hypot(play.uncertainty, more * relative, spread, unlike),
    )


def table_reversal(segment: LineSegment, columns: AxisColumns) -> Estimate | None:
    """Return how far apart the table rests where it comes to one place from above and from below.

    Metres, by the scale alone: positive where it falls short of the place. A control that closes
    its loop over the scale takes play and wind-up off; then nearly nothing is left here. None
    where the movement does not come to rest from both sides.
    """
    sides: dict[bool, list[float]] = {True: [], False: []}
    for index, phase in enumerate(segment.phases[1:], start=1):
        if phase.speed == 0.0 and phase.hold_s > 0.0:
            rest = hold(segment, index, columns.step_s, skip_ratio=RESTING_AFTER)
            place = float(np.median(columns.scale_position[rest]))
            sides[segment.phases[index - 1].speed > 0.0].append(place)
    if min(map(len, sides.values())) < STANDS_MIN:
        return None
    below, above = np.array(sides[True]), np.array(sides[False])
    spread = math.hypot(
        *(float(np.std(each, ddof=1)) / math.sqrt(len(each)) for each in (below, above))
    )
    return Estimate(
        value=float(above.mean() - below.mean()), uncertainty=max(spread, ENCODER_FLOOR_M)
    )


def stiffness_of(
    columns: AxisColumns, *, motor_mass_kg: float, motor_coulomb_n: float
) -> Stiffness | str:
    """Fit d = Ft/k + (b/2) sgn Ft + c to hard reversals.

    Parameters
    ----------
    motor_mass_kg, motor_coulomb_n : of the motor's side, from the data sheet; they take the motor
        force F to the force in the spring, Ft = F - m1 a1 - Fc1 sgn v
    """
    speed = smooth(columns.motor_position, 1, columns.step_s)
    acceleration = smooth(columns.motor_position, 2, columns.step_s)
    wound = smooth(columns.motor_position - columns.scale_position)
    own = motor_mass_kg * acceleration + motor_coulomb_n * np.sign(speed)
    spring = smooth(columns.force) - own
    loaded = np.abs(spring) > LOADED_RATIO * np.abs(spring).max()
    use = clear_of_standstill(speed) & _away_from_change(loaded)
    if np.count_nonzero(use) < SAMPLES_MIN:
        return f"{np.count_nonzero(use)} loaded samples, at least {SAMPLES_MIN} are needed"
    spring, wound = spring[use], wound[use]
    if not (spring.min() < 0.0 < spring.max()):
        return "the spring was loaded on one flank only: the reversals were too soft"
    design = np.column_stack([spring, np.sign(spring) / 2.0, np.ones_like(spring)])
    fit = fit_robust(design, wound, samples_per_independent=SMOOTHING_WINDOW)
    compliance, gap = fit.estimate(0), fit.estimate(1)
    if compliance.value <= 2.0 * compliance.uncertainty:
        return "wind-up does not grow with force: are motor encoder and scale both recorded?"
    return Stiffness(
        stiffness=Estimate(
            value=1.0 / compliance.value, uncertainty=compliance.uncertainty / compliance.value**2
        ),
        gap=gap,
    )


def _away_from_change(
    loaded: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which samples have only loaded neighbours within half a smoothing window."""
    free = (~loaded).astype(np.float64)
    return np.convolve(free, np.ones(SMOOTHING_WINDOW // 2), mode="same") < 0.5
