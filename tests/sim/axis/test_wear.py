"""Wear of an axis."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.sim.axis.parameters import WearModel, wear
from fabloop.sim.axis.population import random_axis

MODEL = WearModel(gap_m_per_h=1e-9, friction_per_h=1e-4, stiffness_loss_per_h=2e-5)


def test_a_thousand_hours_counted_by_hand():
    new = msgspec.structs.replace(random_axis(1), gap_m=1e-6, coulomb_n=200.0)
    old = wear(new, 1_000.0, MODEL)
    assert old.gap_m == pytest.approx(2e-6)
    assert old.coulomb_n == pytest.approx(220.0)
    assert old.stiffness_n_per_m == pytest.approx(0.980199 * new.stiffness_n_per_m)
    assert old.table_mass_kg == new.table_mass_kg


@given(st.floats(0.0, 5e3), st.floats(0.0, 5e3))
def test_an_older_axis_is_never_better(first, second):
    young, old = (wear(random_axis(3), hours, MODEL) for hours in sorted((first, second)))
    assert young.gap_m <= old.gap_m
    assert young.coulomb_n <= old.coulomb_n
    assert young.stiffness_n_per_m >= old.stiffness_n_per_m > 0.0
    assert old.static_n / old.coulomb_n == pytest.approx(young.static_n / young.coulomb_n)


def test_without_hours_and_without_rates_nothing_changes():
    axis = random_axis(4)
    still = WearModel(gap_m_per_h=0.0, friction_per_h=0.0, stiffness_loss_per_h=0.0)
    assert wear(axis, 0.0, MODEL) == axis
    assert wear(axis, 500.0, still) == axis
