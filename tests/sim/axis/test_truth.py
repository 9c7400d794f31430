"""What is put into random axes is found again by the estimators."""

from functools import cache

import pytest

from fabloop.base.instant import Instant
from fabloop.sense.characteristics import Characteristics, Rejected, characteristics_of
from fabloop.sense.program import daily_program
from fabloop.sim.axis.daily_test import run_test
from fabloop.sim.axis.machine import drive_data
from fabloop.sim.axis.parameters import Mismatch
from fabloop.sim.axis.population import random_axis

PROGRAM = daily_program()
AT = Instant(10**18)
MACHINES = range(2)


@cache
def machine_and_truth(machine, mismatch=None):
    """Truth and characteristics of both axes of a random machine."""
    axes = {name: random_axis(2 * machine + index) for index, name in enumerate("XY")}
    recording = run_test(axes, PROGRAM, machine, started_at=AT, mismatch=mismatch)
    found = characteristics_of(recording, {n: drive_data(p) for n, p in axes.items()})
    assert isinstance(found, Characteristics), found
    return [(axes[each.axis], each) for each in found.axes]


@pytest.mark.parametrize("machine", MACHINES)
def test_friction_of_random_machines_is_found(machine):
    for truth, found in machine_and_truth(machine):
        own = truth.motor_coulomb_n
        friction = found.friction
        assert friction.coulomb.value == pytest.approx(truth.coulomb_n + own, rel=0.005)
        assert friction.static.value == pytest.approx(truth.static_n + own, rel=0.01)
        assert friction.stribeck.value == pytest.approx(truth.stribeck_m_per_s, rel=0.16)
        assert friction.viscous.value == pytest.approx(truth.viscous_ns_per_m, abs=8.0)
        assert friction.offset.value == pytest.approx(truth.gravity_n, abs=2.5)


@pytest.mark.parametrize("machine", MACHINES)
def test_mass_stiffness_and_gap_of_random_machines_are_found(machine):
    for truth, found in machine_and_truth(machine):
        mass = truth.motor_mass_kg + truth.table_mass_kg
        assert found.inertia.mass.value == pytest.approx(mass, rel=0.02)
        assert found.inertia.coherence > 0.99
        assert found.stiffness.stiffness.value == pytest.approx(truth.stiffness_n_per_m, rel=0.03)
        assert found.stiffness.gap.value == pytest.approx(truth.gap_m, abs=0.4e-6)


@pytest.mark.parametrize("machine", MACHINES)
def test_reverse_play_is_gap_and_wind_up_unless_the_load_holds_the_flank(machine):
    for truth, found in machine_and_truth(machine):
        table = found.friction.at(0.005) - truth.motor_coulomb_n
        wind_up = 2.0 * table / truth.stiffness_n_per_m
        if abs(truth.gravity_n) < 0.9 * truth.coulomb_n:
            play = truth.gap_m + wind_up
            assert found.reverse_play.value == pytest.approx(play, abs=0.15e-6)
        elif abs(truth.gravity_n) > 1.1 * truth.static_n:
            assert found.reverse_play.value == pytest.approx(wind_up, abs=0.3e-6)


@pytest.mark.parametrize("machine", MACHINES[:1])
def test_estimators_survive_what_their_model_does_not_know(machine):
    rough = Mismatch(asymmetry=0.05, wave_ratio=0.1, noise_factor=3.0)
    for truth, found in machine_and_truth(machine, rough):
        coulomb = truth.coulomb_n + truth.motor_coulomb_n
        assert found.friction.coulomb.value == pytest.approx(coulomb, rel=0.08)
        # Asymmetric friction is an offset by definition.
        offset = truth.gravity_n + 0.05 * truth.coulomb_n
        assert found.friction.offset.value == pytest.approx(offset, abs=0.03 * coulomb)
        assert found.stiffness.stiffness.value == pytest.approx(truth.stiffness_n_per_m, rel=0.04)
        assert found.stiffness.gap.value == pytest.approx(truth.gap_m, abs=0.5e-6)
        assert found.inertia.coherence > 0.95


def recorded(mismatch):
    axes = {name: random_axis(index) for index, name in enumerate("XY")}
    drives = {name: drive_data(axis) for name, axis in axes.items()}
    return run_test(axes, PROGRAM, 1, started_at=AT, mismatch=mismatch), drives


def test_a_force_that_the_model_does_not_explain_rejects_the_measurement():
    found = characteristics_of(*recorded(Mismatch(noise_factor=200.0)))
    assert isinstance(found, Rejected)
    texts = [reason.text for reason in found.reasons if reason.characteristic == "inertia"]
    assert texts
    assert all("at least 0.950 is needed" in text for text in texts)


def test_the_coherence_asked_for_is_a_parameter():
    recording, drives = recorded(None)
    found = characteristics_of(recording, drives)
    just = found.coherence
    assert isinstance(characteristics_of(recording, drives, coherence_min=just), Characteristics)
    rejected = characteristics_of(recording, drives, coherence_min=just + 1e-9)
    assert isinstance(rejected, Rejected)
    assert len(rejected.reasons) == 1


def test_the_table_shows_at_rest_only_what_the_control_leaves_over():
    seen = set()
    for machine in MACHINES:
        for truth, found in machine_and_truth(machine):
            shown = found.table_reversal
            assert shown is not None
            seen.add(truth.controller.scale_feedback)
            if truth.controller.scale_feedback:
                assert abs(shown.value) < 0.1e-6 + 2 * shown.uncertainty
            elif abs(truth.gravity_n) < 0.9 * truth.coulomb_n:
                assert shown.value == pytest.approx(found.standing_play.value, rel=0.15)
    assert seen == {True, False}
