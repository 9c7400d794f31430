"""The axis in motion: many lanes (axis and movement) integrated side by side."""

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from fabloop.sense.recording import Floats
from fabloop.sim.axis.parameters import AxisParameters, Mismatch
from fabloop.sim.axis.reference import Reference

STEP_S = 0.25e-3
"""Step of the integration; `bench/sense.py` compares it with a five times smaller one."""


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """What the lanes did: float64, shape (samples, lanes); before quantisation and noise."""

    motor_position: Floats
    scale_position: Floats
    motor_speed: Floats
    force: Floats


class _Plant(msgspec.Struct, kw_only=True):
    """Parameters of every lane as float64 columns of shape (lanes,)."""

    m1: Floats
    m2: Floats
    k: Floats
    c: Floats
    half_gap: Floats
    fc: Floats
    fs: Floats
    vs: Floats
    kv: Floats
    s0: Floats
    s1: Floats
    fc1: Floats
    gravity: Floats
    ripple: Floats
    wave_number: Floats
    kp: Floats
    ki: Floats
    kx: Floats
    scale: Floats


def _plant(lanes: Sequence[AxisParameters]) -> _Plant:
    def column(*path: str) -> Floats:
        values: list[object] = list(lanes)
        for name in path:
            values = [getattr(value, name) for value in values]
        return np.array(values, dtype=np.float64)

    kp = column("controller", "speed_gain")
    return _Plant(
        m1=column("motor_mass_kg"),
        m2=column("table_mass_kg"),
        k=column("stiffness_n_per_m"),
        c=column("damping_ns_per_m"),
        half_gap=column("gap_m") / 2.0,
        fc=column("coulomb_n"),
        fs=column("static_n"),
        vs=column("stribeck_m_per_s"),
        kv=column("viscous_ns_per_m"),
        s0=column("bristle_n_per_m"),
        s1=column("bristle_ns_per_m"),
        fc1=column("motor_coulomb_n"),
        gravity=column("gravity_n"),
        ripple=column("ripple_n"),
        wave_number=2.0 * math.pi / column("pitch_m"),
        kp=kp,
        ki=kp / column("controller", "reset_time_s"),
        kx=column("controller", "position_gain"),
        scale=column("controller", "scale_feedback"),
    )


def integrate(
    lanes: Sequence[AxisParameters],
    reference: Reference,
    *,
    step_s: float = STEP_S,
    every: int,
    mismatch: Mismatch,
) -> Trace:
    """Move all lanes along their set points and keep each `every`-th state.

    Notes
    -----
    Motor speed (with its controller) and table speed (with its friction state) are solved
    implicitly, each linear in its own new speed, so no step is too large for stability: explicit
    friction diverges above about 0.1 m/s. Positions follow from the new speeds (symplectic), so
    the spring neither gains nor loses energy. Friction: LuGre (Canudas de Wit et al., 1995).
    """
    p, h = _plant(lanes), step_s
    x1, x2, v1, v2, z, integral = _settled(p, reference)
    load = p.m1 + p.m2
    gain = h / p.m1
    inverse = 1.0 / (1.0 + gain * p.kp)
    stick = gain * p.fc1 * inverse
    bristle, old = p.s0 + p.s1 / h, p.s1 / h
    push = h / p.m2
    fixed = 1.0 + push * p.kv
    lift, rate = p.fs - p.fc, h * p.s0
    motor = 1.0 - p.scale
    uneven = mismatch.asymmetry != 0.0 or mismatch.wave_ratio != 0.0
    turning = bool(np.any(p.ripple)) or mismatch.pitch_error_m != 0.0
    steps = len(reference.position)
    # Speeds live halfway between positions (leapfrog), so that no step is lost in a ramp.
    halfway = np.diff(reference.position, axis=0) / h
    speed = np.concatenate([halfway, reference.speed[-1:]])
    shape = (4, -(-steps // every), len(lanes))
    kept = np.empty(shape)
    for step in range(steps):
        keeping = step % every == 0
        if keeping:
            kept[:2, step // every] = x1, x2
        turn = np.sin(p.wave_number * x1) if turning else 0.0
        slack = x1 - x2 + mismatch.pitch_error_m * turn
        bend = slack - np.minimum(np.maximum(slack, -p.half_gap), p.half_gap)
        spring = p.k * bend + p.c * (v1 - v2) * (bend != 0.0)
        place = motor * x1 + p.scale * x2
        wanted = speed[step] + p.kx * (reference.position[step] - place)
        base = p.kp * wanted + integral + load * reference.acceleration[step]
        free = (v1 + gain * (base - spring - p.ripple * turn)) * inverse
        v1 = free - np.minimum(np.maximum(free, -stick), stick)
        integral = integral + (h * p.ki) * (wanted - v1)
        limit = p.fc + lift * np.exp(-((v2 / p.vs) ** 2))
        if uneven:
            limit = limit * _unevenness(x2, v2, mismatch)
        keep = 1.0 / (1.0 + rate * np.abs(v2) / limit)
        hold = bristle * keep
        v2 = (v2 + push * (spring - p.gravity - (hold - old) * z)) / (fixed + push * h * hold)
        z = keep * (z + h * v2)
        x1 = x1 + h * v1
        x2 = x2 + h * v2
        if keeping:
            kept[2:, step // every] = v1, base - p.kp * v1
    return Trace(motor_position=kept[0], scale_position=kept[1], motor_speed=kept[2], force=kept[3])


def _unevenness(place: Floats, speed: Floats, mismatch: Mismatch) -> Floats:
    wave = np.sin((2.0 * math.pi / mismatch.wave_length_m) * place)
    factor: Floats = 1.0 + mismatch.asymmetry * np.tanh(speed / 1e-4) + mismatch.wave_ratio * wave
    return factor


def _settled(p: _Plant, reference: Reference) -> tuple[Floats, ...]:
    """Return the state in which every lane already follows its first set point."""
    speed, acceleration = reference.speed[0], reference.acceleration[0]
    limit = p.fc + (p.fs - p.fc) * np.exp(-((speed / p.vs) ** 2))
    z = np.sign(speed) * limit / p.s0
    spring = p.s0 * z + p.kv * speed + p.gravity + p.m2 * acceleration
    wound = spring / p.k + np.sign(spring) * p.half_gap
    table = reference.position[0] - (1.0 - p.scale) * wound
    motor_side = spring + p.fc1 * np.sign(speed) + p.m1 * acceleration
    integral = motor_side - (p.m1 + p.m2) * acceleration
    return table + wound, table, speed.copy(), speed.copy(), z, integral
