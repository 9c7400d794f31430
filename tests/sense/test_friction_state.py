"""How far friction holds at another place and moment, and what it does to the reverse play."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.sense.equability import Equability
from fabloop.sense.friction import Friction
from fabloop.sense.regression import Estimate
from fabloop.sense.reversal import FrictionState, Stiffness, friction_state, standing_play

SPEED = 0.2


def sure(value):
    return Estimate(value=value, uncertainty=0.0)


FRICTION = Friction(
    coulomb=sure(150.0),
    static=sure(200.0),
    stribeck=sure(1e-3),
    viscous=sure(100.0),
    offset=sure(40.0),
    curve=(),
)
DRIVE = Stiffness(stiffness=sure(100e6), gap=sure(0.0))


def traverse(mean, slow=0.0):
    return Equability(
        mean_n=mean, peak_n=slow, deviation_n=slow, slow_n=slow, trend_n_per_m=0.0, pitch_n=0.0,
        ball_n=0.0,
    )  # fmt: skip


def state_of(*traverses, seen_ratio=0.5):
    return friction_state(traverses, FRICTION, speed=SPEED, seen_ratio=seen_ratio)


def test_friction_that_is_the_same_everywhere_and_always_is_sure():
    level = FRICTION.at(SPEED)
    state = state_of(traverse(40.0 + level), traverse(40.0 - level))
    assert state.drift == pytest.approx(0.0, abs=1e-12)
    assert state.uncertainty == pytest.approx(0.0, abs=1e-12)


def test_a_drift_seen_over_half_of_the_test_is_taken_to_go_on():
    cold = 1.1 * FRICTION.at(SPEED)
    state = state_of(traverse(40.0 + cold), traverse(40.0 - cold))
    assert state.drift == pytest.approx(0.2)
    assert state.uncertainty == pytest.approx(0.2 / np.sqrt(3.0))


def test_a_load_is_no_drift():
    state = state_of(traverse(40.0 + 300.0))
    assert state.drift == 0.0


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 20e-6))
def test_unlike_friction_never_makes_the_play_surer_and_never_moves_it(uneven, drift, play):
    plain = standing_play(sure(play), FRICTION, DRIVE, speed=0.005)
    unlike = standing_play(
        sure(play), FRICTION, DRIVE, speed=0.005, state=FrictionState(uneven=uneven, drift=drift)
    )
    assert unlike.value == plain.value
    assert unlike.uncertainty >= plain.uncertainty
    wound = 2.0 * 200.0 / 100e6
    assert unlike.uncertainty <= plain.uncertainty + wound * (uneven + drift)
