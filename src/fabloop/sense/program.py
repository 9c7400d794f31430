"""The daily test program: the movements from which measuring characteristics are computed."""

import math
from enum import StrEnum

import msgspec

from fabloop.base.errors import Fault, Invalid

DECELERATION_RATIO = 0.5
"""Share of the Coulomb friction that the deceleration of a slow reversal may use."""

SLOW_RAMP_S = 0.1
"""Of the slow reversal: at 5 mm/s it brakes with 0.2 m/s²."""


class Purpose(StrEnum):
    """The characteristic for which a straight movement is made."""

    EQUABILITY = "equability"
    FRICTION = "friction"
    INERTIA = "inertia"
    SLOW_REVERSAL = "slow reversal"
    HARD_REVERSAL = "hard reversal"
    STANDING = "standing reversal"


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """Change the speed to `speed` within `ramp_s` (jerk-limited, cycloidal), then hold it.

    The peak acceleration is twice the change of speed over `ramp_s`. Speed in m/s, signed.
    """

    ramp_s: float
    speed: float
    hold_s: float


class LineSegment(msgspec.Struct, frozen=True, kw_only=True, tag="line"):
    """All axes of the program make the same straight movement, starting at rest."""

    purpose: Purpose
    phases: tuple[Phase, ...]

    @property
    def duration_s(self) -> float:
        """How long the movement takes."""
        return sum(phase.ramp_s + phase.hold_s for phase in self.phases)


class ArcSegment(msgspec.Struct, frozen=True, kw_only=True, tag="arc"):
    """Part of a circle of the first two axes, at constant feed, after a run-in along the circle.

    Attributes
    ----------
    start_rad : angle at which the evaluated part begins
    sweep_rad : signed; positive is counter-clockwise
    run_in_rad : how far before the start the movement begins; not evaluated
    """

    radius_m: float
    feed_m_per_s: float
    start_rad: float
    sweep_rad: float
    run_in_rad: float

    @property
    def duration_s(self) -> float:
        """How long the movement takes, run-in included."""
        return (abs(self.sweep_rad) + self.run_in_rad) * self.radius_m / self.feed_m_per_s

    @property
    def run_in_s(self) -> float:
        """How long the part that is not evaluated takes."""
        return self.run_in_rad * self.radius_m / self.feed_m_per_s


Segment = LineSegment | ArcSegment


class TestProgram(msgspec.Struct, frozen=True, kw_only=True):
    """What the numerical control runs once a day; segments are numbered from 1.

    Attributes
    ----------
    version : names this exact content; measurements of different versions are not compared
    axes : the first two are the plane of the circle
    """

    __test__ = False  # the name is the trade's; it is no test case

    version: str
    axes: tuple[str, ...]
    segments: tuple[Segment, ...]


def daily_program(
    axes: tuple[str, ...] = ("X", "Y"), *, slow_ramp_s: float = SLOW_RAMP_S
) -> TestProgram:
    """Return the standard program: about 80 s, 400 mm of travel, circle R50 at F1000.

    Parameters
    ----------
    slow_ramp_s : of the slow and the standing reversal, where the axes are heavy for their
        friction; it becomes a part of the version, since measurements of different programs are
        not compared
    """
    usual = slow_ramp_s == SLOW_RAMP_S
    return TestProgram(
        version="daily/2" if usual else f"daily/2, reversal {slow_ramp_s:g} s",
        axes=axes,
        segments=(
            equability_traverse(speed=0.2, length_m=0.4),
            equability_traverse(speed=-0.2, length_m=0.4),
            *(friction_move(speed=speed) for speed in friction_speeds()),
            inertia_trapezoids(speed=0.2, acceleration=2.5, count=4),
            slow_reversal(speed=0.005, ramp_s=slow_ramp_s),
            hard_reversals(speed=0.1, acceleration=3.0, count=10),
            standing_reversal(speed=0.01, ramp_s=slow_ramp_s, stands=4),
            *circle(radius_m=0.05, feed_m_per_s=1.0 / 60.0, arcs=8),
        ),
    )


def friction_speeds(
    slowest: float = 0.03 / 60.0, fastest: float = 20.0 / 60.0, count: int = 12
) -> tuple[float, ...]:
    """Return speeds in equal ratios, so that the Stribeck range and the fast range are both met."""
    ratio = (fastest / slowest) ** (1.0 / (count - 1))
    return tuple(slowest * ratio**step for step in range(count))


def equability_traverse(*, speed: float, length_m: float) -> LineSegment:
    """Return one traverse at constant speed in the direction of the speed's sign."""
    hold_s = length_m / abs(speed)
    return LineSegment(
        purpose=Purpose.EQUABILITY,
        phases=(
            Phase(ramp_s=0.2, speed=speed, hold_s=hold_s),
            Phase(ramp_s=0.2, speed=0.0, hold_s=0.0),
        ),
    )


def friction_move(*, speed: float, hold_s: float = 0.8) -> LineSegment:
    """Return a movement out and back over the same places at one speed."""
    ramp_s = 0.05 + 0.6 * speed
    return LineSegment(
        purpose=Purpose.FRICTION,
        phases=(
            Phase(ramp_s=ramp_s, speed=speed, hold_s=hold_s),
            Phase(ramp_s=2.0 * ramp_s, speed=-speed, hold_s=hold_s),
        ),
    )


def inertia_trapezoids(*, speed: float, acceleration: float, count: int) -> LineSegment:
    """Return `count` trapezoids to and fro with the given peak acceleration."""
    ramp_s = 2.0 * speed / acceleration
    phases = [Phase(ramp_s=ramp_s, speed=speed, hold_s=0.1)]
    for step in range(1, count):
        sign = -1.0 if step % 2 else 1.0
        phases.append(Phase(ramp_s=2.0 * ramp_s, speed=sign * speed, hold_s=0.1))
    return LineSegment(purpose=Purpose.INERTIA, phases=tuple(phases))


def slow_reversal(*, speed: float, ramp_s: float = SLOW_RAMP_S) -> LineSegment:
    """Return three slow movements with two reversals whose acceleration is below friction.

    Parameters
    ----------
    ramp_s : of a reversal; see `slow_ramp_s`
    """
    return LineSegment(
        purpose=Purpose.SLOW_REVERSAL,
        phases=(
            Phase(ramp_s=ramp_s / 2.0, speed=speed, hold_s=0.5),
            Phase(ramp_s=ramp_s, speed=-speed, hold_s=0.5),
            Phase(ramp_s=ramp_s, speed=speed, hold_s=0.5),
        ),
    )


def standing_reversal(*, speed: float, ramp_s: float, stands: int) -> LineSegment:
    """Return a movement that comes to rest at one place, in turn from below and from above.

    Parameters
    ----------
    ramp_s : from the speed to rest
    """
    phases = [_to(speed, ramp_s), _rest(ramp_s)]
    for stand in range(1, stands):
        away = speed if stand % 2 else -speed
        phases += [_to(away, ramp_s), _to(-away, 2.0 * ramp_s), _rest(ramp_s)]
    return LineSegment(purpose=Purpose.STANDING, phases=tuple(phases))


def _to(speed: float, ramp_s: float) -> Phase:
    return Phase(ramp_s=ramp_s, speed=speed, hold_s=0.15)


def _rest(ramp_s: float) -> Phase:
    return Phase(ramp_s=ramp_s, speed=0.0, hold_s=0.3)


def slow_ramp_s(*, speed: float, mass_kg: float, friction_n: float) -> float:
    """Return how long a reversal has to take so that the table never coasts across its gap.

    The peak force of its deceleration is `DECELERATION_RATIO` of the Coulomb friction. A reversal
    that is harder shows too little play (r = 0.24 against a laser instead of 0.9985).

    Raises
    ------
    Invalid
        Mass or friction is not above zero: then no ramp is slow enough, or any is.
    """
    faults = [
        Fault(source="test program", path=name, expected="more than zero", found=f"{value:g}")
        for name, value in (("mass_kg", mass_kg), ("friction_n", friction_n))
        if not value > 0.0
    ]
    if faults:
        raise Invalid(faults)
    # The peak acceleration of a phase is twice its change of speed over its ramp.
    return 2.0 * mass_kg * 2.0 * abs(speed) / (DECELERATION_RATIO * friction_n)


def hard_reversals(*, speed: float, acceleration: float, count: int) -> LineSegment:
    """Return reversals whose acceleration force is far above friction, so that the gap opens."""
    ramp_s = 4.0 * speed / acceleration
    phases = [Phase(ramp_s=ramp_s / 2.0, speed=speed, hold_s=0.04)]
    for step in range(1, count):
        sign = -1.0 if step % 2 else 1.0
        phases.append(Phase(ramp_s=ramp_s, speed=sign * speed, hold_s=0.04))
    return LineSegment(purpose=Purpose.HARD_REVERSAL, phases=tuple(phases))


def circle(*, radius_m: float, feed_m_per_s: float, arcs: int) -> tuple[ArcSegment, ...]:
    """Return both senses of a circle, cut into arcs that have the quadrants in their middle."""
    sweep = 2.0 * math.pi / arcs
    return tuple(
        ArcSegment(
            radius_m=radius_m,
            feed_m_per_s=feed_m_per_s,
            start_rad=sense * (part - 0.5) * sweep,
            sweep_rad=sense * sweep,
            run_in_rad=math.radians(4.0),
        )
        for sense in (1.0, -1.0)
        for part in range(arcs)
    )
