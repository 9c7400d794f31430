"""The movements of the test program."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.sense.program import daily_program, slow_ramp_s, slow_reversal


@given(st.floats(1e-4, 0.1), st.floats(10.0, 2_000.0), st.floats(20.0, 1_000.0))
def test_a_slow_reversal_uses_half_of_the_friction_at_most(speed, mass, friction):
    ramp_s = slow_ramp_s(speed=speed, mass_kg=mass, friction_n=friction)
    segment = slow_reversal(speed=speed, ramp_s=ramp_s)
    before = 0.0
    for phase in segment.phases:
        peak = 2.0 * abs(phase.speed - before) / phase.ramp_s
        assert mass * peak <= 0.5 * friction * (1.0 + 1e-12)
        before = phase.speed


def test_a_ramp_counted_by_hand():
    assert slow_ramp_s(speed=0.005, mass_kg=500.0, friction_n=100.0) == pytest.approx(0.2)


@pytest.mark.parametrize(("mass", "friction"), [(0.0, 100.0), (500.0, 0.0), (float("nan"), 1.0)])
def test_without_mass_or_friction_no_ramp_is_told(mass, friction):
    with pytest.raises(Invalid, match="more than zero"):
        slow_ramp_s(speed=0.005, mass_kg=mass, friction_n=friction)


def test_a_heavy_axis_with_little_friction_gets_a_longer_reversal():
    plain, careful = daily_program(), daily_program(slow_ramp_s=0.4)
    assert plain.version == "daily/2"
    assert careful.version == "daily/2, reversal 0.4 s"
    changed = [one != two for one, two in zip(plain.segments, careful.segments, strict=True)]
    assert sum(changed) == 2  # the slow and the standing reversal
