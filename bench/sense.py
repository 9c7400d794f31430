"""Prints what a daily test costs and how far its estimates are from the truth.

Run: ``python bench/sense.py [machines]``.
"""

import sys
import time
from collections import defaultdict

import msgspec
import numpy as np

from fabloop.base.instant import Instant
from fabloop.sense.characteristics import AxisCharacteristics, Rejected, characteristics_of
from fabloop.sense.daily_test import measure
from fabloop.sense.edge import Edge, advance
from fabloop.sense.position_error import Zone
from fabloop.sense.program import daily_program
from fabloop.sim.axis.daily_test import bulks, run_test
from fabloop.sim.axis.integrate import STEP_S
from fabloop.sim.axis.machine import drive_data, reaming, reference_mill
from fabloop.sim.axis.parameters import AxisParameters, Controller, Mismatch
from fabloop.sim.axis.population import random_axis
from fabloop.sim.axis.positioning import PositioningTest, positioning_test

AT = Instant(1_780_000_000_000_000_000)
PROGRAM = daily_program()
APPROACH = PositioningTest(targets=3, spacing_m=0.1, speed=0.01, ramp_s=0.1)
MISMATCH = Mismatch(asymmetry=0.05, wave_ratio=0.1, noise_factor=3.0)


def costs() -> None:
    """Print the CPU seconds of each part of a daily test."""
    mill = reference_mill(AT)
    start = time.process_time()
    recording = run_test(mill.axes, PROGRAM, 0, started_at=AT)
    ran = time.process_time()
    edge, outcome = Edge(program=PROGRAM), None
    stream = list(bulks(recording))
    cut = time.process_time()
    for bulk in stream:
        edge, each = advance(edge, bulk)
        outcome = each or outcome
    seen = time.process_time()
    error = measure(recording, mill.calibration, reaming(), Instant(AT + 10**12))
    done = time.process_time()
    length = sum(segment.duration_s for segment in PROGRAM.segments)
    print(f"daily test of 2 axes, {length:.0f} s of movement, {len(stream)} bulks; CPU seconds:")
    print(f"  simulate {ran - start:.2f}, edge {seen - cut:.3f}, measure {done - seen:.2f}")
    print(f"  position error {error.value_m * 1e6:.2f} µm, upper {error.upper_m * 1e6:.2f} µm")


def deviations(found: AxisCharacteristics, truth: AxisParameters) -> dict[str, float]:
    """Return how far the estimates of one axis are from what was put in."""
    coulomb = truth.coulomb_n + truth.motor_coulomb_n
    static = truth.static_n + truth.motor_coulomb_n
    table = found.friction.at(0.005) - truth.motor_coulomb_n
    play = truth.gap_m + 2.0 * table / truth.stiffness_n_per_m
    lifted = abs(truth.gravity_n) > truth.coulomb_n
    return {
        "Fc %": 100.0 * (found.friction.coulomb.value / coulomb - 1.0),
        "Fs %": 100.0 * (found.friction.static.value / static - 1.0),
        "vs %": 100.0 * (found.friction.stribeck.value / truth.stribeck_m_per_s - 1.0),
        "kv N s/m": found.friction.viscous.value - truth.viscous_ns_per_m,
        "offset N": found.friction.offset.value - truth.gravity_n,
        "mass %": 100.0
        * (found.inertia.mass.value / (truth.motor_mass_kg + truth.table_mass_kg) - 1.0),
        "stiffness %": 100.0 * (found.stiffness.stiffness.value / truth.stiffness_n_per_m - 1.0),
        "gap µm": 1e6 * (found.stiffness.gap.value - truth.gap_m),
        "reversal µm" + (" (load > friction)" if lifted else ""): 1e6
        * (found.reverse_play.value - play),
        "1 - coherence": 1.0 - found.inertia.coherence,
    }


def accuracy(machines: int, mismatch: Mismatch) -> None:
    """Print the errors over random machines of two axes each."""
    errors: dict[str, list[float]] = defaultdict(list)
    rejected = 0
    for machine in range(machines):
        axes = {name: random_axis(2 * machine + index) for index, name in enumerate("XY")}
        recording = run_test(axes, PROGRAM, machine, started_at=AT, mismatch=mismatch)
        found = characteristics_of(recording, {n: drive_data(p) for n, p in axes.items()})
        if isinstance(found, Rejected):
            rejected += 1
            print("  rejected:", *(f"{r.axis} {r.characteristic}: {r.text}" for r in found.reasons))
            continue
        for axis in found.axes:
            for name, value in deviations(axis, axes[axis.axis]).items():
                errors[name].append(value)
    print(f"{'':32}{'median':>10}{'p90':>10}{'max':>10}{'bias':>10}")
    for name, values in errors.items():
        size = np.abs(values)
        row = (np.median(size), np.percentile(size, 90), size.max(), np.mean(values))
        print(f"  {name:30}" + "".join(f"{value:10.4f}" for value in row))
    print(f"  rejected {rejected} of {machines}")


def steps() -> None:
    """Print what the step of the integration does to the characteristics, noise left out."""
    mill = reference_mill(AT)
    clean = {
        name: msgspec.structs.replace(
            axis,
            position_noise_m=0.0,
            force_noise_n=0.0,
            motor_quantum_m=1e-9,
            scale_quantum_m=1e-9,
        )
        for name, axis in mill.axes.items()
    }
    for step_s in (5e-4, STEP_S, 1e-4, 5e-5):
        start = time.process_time()
        recording = run_test(clean, PROGRAM, 0, started_at=AT, step_s=step_s)
        spent = time.process_time() - start
        found = characteristics_of(recording, {n: drive_data(p) for n, p in clean.items()})
        assert not isinstance(found, Rejected)
        x, round_trip = found.axes[0], found.circle
        assert x.quadrant is not None
        assert round_trip is not None
        print(
            f"  step {step_s * 1e3:.2f} ms: CPU {spent:5.2f} s,"
            f" Fc {x.friction.coulomb.value:.2f} N,"
            f" mass {x.inertia.mass.value:.2f} kg, play {x.reverse_play.value * 1e6:.4f} µm,"
            f" k {x.stiffness.stiffness.value / 1e6:.2f} N/µm,"
            f" gap {x.stiffness.gap.value * 1e6:.4f} µm,"
            f" Q {x.quadrant.value * 1e6:.3f} µm, G {round_trip.deviation * 1e6:.3f} µm,"
            f" H {round_trip.hysteresis * 1e6:.3f} µm"
        )


def spread(seeds: int = 51) -> None:
    """Print the upper bound of the reference mill over seeds, new and worn."""
    from fabloop.sim.axis.machine import worn

    mill = reference_mill(AT)
    for hours in (0.0, 450.0, 900.0):
        uppers = []
        for seed in range(seeds):
            recording = run_test(worn(mill, hours), PROGRAM, seed, started_at=AT)
            error = measure(recording, mill.calibration, reaming(), Instant(AT + 10**12))
            uppers.append(error.upper_m * 1e6)
        low, middle, high = np.min(uppers), np.median(uppers), np.max(uppers)
        print(f"  {hours:5.0f} h: upper {low:.3f} .. {middle:.3f} .. {high:.3f} µm")


def coverage(machines: int, mismatch: Mismatch, draws: int = 200) -> None:
    """Print how often the bound of an axis holds what a laser would find, and how far it is above.

    The true error: calibration, warmth and scatter drawn from their stated uncertainties, plus the
    reversal of a simulated ISO 230-2 test.
    """
    dice = np.random.default_rng(7)
    use = msgspec.structs.replace(reaming(0.0, 0.0), zone=Zone.RADIAL)
    calibration = reference_mill(AT).calibration
    held, excess = [], []
    for machine in range(machines):
        axes = {
            name: msgspec.structs.replace(
                random_axis(2 * machine + index), gravity_n=0.0, controller=Controller()
            )
            for index, name in enumerate("XY")
        }
        known = {
            name: msgspec.structs.replace(
                calibration.axes[name], compensated_reversal_m=0.0, drive=drive_data(axis)
            )
            for name, axis in axes.items()
        }
        mine = msgspec.structs.replace(calibration, axes=known)
        recording = run_test(axes, PROGRAM, machine, started_at=AT, mismatch=mismatch)
        for found in measure(recording, mine, use, Instant(AT + 10**12)).axes:
            laser = positioning_test(axes[found.axis], APPROACH, mismatch=mismatch)
            each = known[found.axis]
            warm = each.expansion_per_k * each.length_m * each.temperature_uncertainty_k
            true = (
                each.systematic_m
                + float(np.ptp(laser, axis=1).max())
                + each.uncertainty_m * dice.standard_normal(draws)
                + warm * dice.standard_normal(draws)
                + each.repeatability_m / 4.0 * dice.standard_normal(draws)
            )
            held.append(true <= found.upper_m)
            excess.append(found.upper_m / true)
    ratio = np.median(excess)
    print(f"  bound holds in {100 * np.mean(held):.1f} %, median {ratio:.2f} times the true error")


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    costs()
    print("step of the integration:")
    steps()
    print(f"errors over {count} random machines of two axes:")
    accuracy(count, Mismatch())
    print("the same with friction off by ±5 % per direction, by ±10 % over position, noise x 3:")
    accuracy(count, MISMATCH)
    print("bound against a simulated positioning test, the same machines without load:")
    coverage(count, Mismatch())
    coverage(count, MISMATCH)
    print("reference mill, seeds 0 to 50:")
    spread()
