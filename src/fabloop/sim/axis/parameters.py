"""What a simulated feed axis is made of, and how it wears."""

import math

import msgspec


class Controller(msgspec.Struct, frozen=True, kw_only=True):
    """Cascade of position (P) and speed (PI) control with feed-forward of speed and mass.

    Attributes
    ----------
    speed_gain : N s/m
    reset_time_s : of the speed controller
    position_gain : 1/s
    scale_feedback : position is taken from the scale, else from the motor encoder
    """

    speed_gain: float = 3e5
    reset_time_s: float = 0.008
    position_gain: float = 80.0
    scale_feedback: bool = False


class AxisParameters(msgspec.Struct, frozen=True, kw_only=True):
    """One axis in load units (rotation is expressed as mass and force at the table).

    Attributes
    ----------
    gap_m : lost motion between nut and screw
    coulomb_n, static_n, stribeck_m_per_s, viscous_ns_per_m : table friction
        Fc + (Fs - Fc) exp(-(v/vs)^2) + kv v
    bristle_n_per_m, bristle_ns_per_m : presliding stiffness and damping of the LuGre model
    motor_coulomb_n : friction on the motor's side of the spring
    gravity_n : constant load on the table
    ripple_n : force that alternates with the screw's pitch, on the motor's side
    motor_quantum_m, scale_quantum_m : steps of the encoders
    position_noise_m, force_noise_n : standard deviations of the recorded samples
    """

    motor_mass_kg: float
    table_mass_kg: float
    stiffness_n_per_m: float
    gap_m: float
    coulomb_n: float
    static_n: float
    stribeck_m_per_s: float
    viscous_ns_per_m: float
    damping_ns_per_m: float = 2e4
    bristle_n_per_m: float = 6e7
    bristle_ns_per_m: float = 3e4
    motor_coulomb_n: float = 20.0
    gravity_n: float = 0.0
    ripple_n: float = 0.0
    pitch_m: float = 0.01
    motor_quantum_m: float = 1e-8
    scale_quantum_m: float = 1e-8
    position_noise_m: float = 5e-9
    force_noise_n: float = 5.0
    controller: Controller = Controller()


class Mismatch(msgspec.Struct, frozen=True, kw_only=True):
    """What real axes do and the estimators' model does not know; nothing of it by default.

    Attributes
    ----------
    asymmetry : friction is larger by this ratio in positive direction, smaller in negative
    wave_ratio, wave_length_m : friction varies with position by this ratio
    noise_factor : multiplies the noise of forces and positions
    warming_ratio : table friction falls by this ratio from the first movement of a test to its
        last, as grease warms
    screw_growth_m_per_s : by how much the warming screw grows against the scale while it is tested
    pitch_error_m : amplitude by which the screw's turn is uneven
    interpolation_m : amplitude of both encoders' error within their signal period
    """

    asymmetry: float = 0.0
    wave_ratio: float = 0.0
    wave_length_m: float = 0.07
    noise_factor: float = 1.0
    warming_ratio: float = 0.0
    screw_growth_m_per_s: float = 0.0
    pitch_error_m: float = 0.0
    interpolation_m: float = 0.0


class WearModel(msgspec.Struct, frozen=True, kw_only=True):
    """How an axis changes per hour of machining.

    Attributes
    ----------
    gap_m_per_h : the gap grows by this
    friction_per_h : all friction grows by this ratio
    stiffness_loss_per_h : stiffness falls by this ratio (compounded, so it stays positive)
    """

    gap_m_per_h: float
    friction_per_h: float
    stiffness_loss_per_h: float


def wear(parameters: AxisParameters, hours: float, model: WearModel) -> AxisParameters:
    """Return the axis after some hours of machining."""
    friction = 1.0 + model.friction_per_h * hours
    return msgspec.structs.replace(
        parameters,
        gap_m=parameters.gap_m + model.gap_m_per_h * hours,
        coulomb_n=parameters.coulomb_n * friction,
        static_n=parameters.static_n * friction,
        viscous_ns_per_m=parameters.viscous_ns_per_m * friction,
        stiffness_n_per_m=parameters.stiffness_n_per_m
        * math.exp(-model.stiffness_loss_per_h * hours),
    )


def warmed(parameters: AxisParameters, ratio: float) -> AxisParameters:
    """Return the axis with table friction lower by a ratio."""
    left = 1.0 - ratio
    return msgspec.structs.replace(
        parameters,
        coulomb_n=parameters.coulomb_n * left,
        static_n=parameters.static_n * left,
        viscous_ns_per_m=parameters.viscous_ns_per_m * left,
    )
