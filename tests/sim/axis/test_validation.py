"""The stated bound against what is put in, on machines that are unlike the estimators' model."""

import numpy as np
import pytest

from fabloop.base.instant import Instant
from fabloop.sense.position_error import Basis
from fabloop.sense.program import daily_program
from fabloop.sim.axis.daily_test import run_test, run_tests
from fabloop.sim.axis.parameters import Mismatch, warmed
from fabloop.sim.axis.population import random_axis
from fabloop.sim.axis.validation import KINDS, judged

PROGRAM = daily_program()
AT = Instant(10**18)


@pytest.mark.parametrize("kind", [KINDS[3], KINDS[-1]], ids=lambda kind: kind.name)
def test_the_bound_holds_on_machines_that_the_model_does_not_know(kind):
    axes = judged(kind, range(90, 92), PROGRAM, AT)
    assert len(axes) == 4
    assert all(each.stated.basis is Basis.MEASURED for each in axes)
    assert np.mean([each.held for each in axes]) >= 0.95
    assert all(each.excess < 3.0 for each in axes)


def test_machines_that_are_tested_together_record_what_each_records_alone():
    machines = [
        {name: random_axis(2 * number + index) for index, name in enumerate("XY")}
        for number in range(2)
    ]
    short = daily_program()
    short = type(short)(version="short", axes=short.axes, segments=short.segments[3:5])
    odd = Mismatch(pitch_error_m=1e-6, warming_ratio=0.1, interpolation_m=5e-8)
    together = run_tests(machines, short, [3, 4], started_at=AT, mismatch=odd)
    for machine, seed, found in zip(machines, (3, 4), together, strict=True):
        alone = run_test(machine, short, seed, started_at=AT, mismatch=odd)
        for one, two in zip(alone.segments, found.segments, strict=True):
            assert one.values.tobytes() == two.values.tobytes()


def test_a_growing_screw_moves_the_motors_encoder_against_the_scale():
    machine = {name: random_axis(index) for index, name in enumerate("XY")}
    short = type(PROGRAM)(version="short", axes=PROGRAM.axes, segments=PROGRAM.segments[3:5])
    still, grown = (
        run_test(machine, short, 0, started_at=AT, mismatch=Mismatch(screw_growth_m_per_s=rate))
        for rate in (0.0, 1e-6)
    )
    last = short.segments[0].duration_s + 0.05
    moved = grown.segments[1].values[0, 0] - still.segments[1].values[0, 0]
    assert moved == pytest.approx(1e-6 * last, abs=1.1e-7)  # a step of the encoder
    assert grown.segments[1].values[0, 1] == still.segments[1].values[0, 1]


def test_a_warm_axis_has_less_friction_and_the_same_mass():
    axis = random_axis(5)
    warm = warmed(axis, 0.2)
    assert warm.coulomb_n == pytest.approx(0.8 * axis.coulomb_n)
    assert warm.static_n / warm.coulomb_n == pytest.approx(axis.static_n / axis.coulomb_n)
    assert warm.table_mass_kg == axis.table_mass_kg
