"""Random feed axes, to validate estimators where the truth is known."""

import numpy as np

from fabloop.sim.axis.parameters import AxisParameters, Controller


def random_axis(seed: int) -> AxisParameters:
    """Return an axis as different from the next one as machine tools are.

    Half of the axes have no gap; feedback is from scale or motor; encoder steps are 1, 10 or
    100 nm; some carry a load that exceeds their friction, as a vertical axis does.
    """
    dice = np.random.default_rng(seed)
    coulomb = dice.uniform(80.0, 500.0)
    return AxisParameters(
        motor_mass_kg=dice.uniform(80.0, 250.0),
        table_mass_kg=dice.uniform(150.0, 600.0),
        stiffness_n_per_m=dice.uniform(50e6, 300e6),
        gap_m=float(dice.integers(2)) * dice.uniform(0.5e-6, 15e-6),
        coulomb_n=coulomb,
        static_n=coulomb * dice.uniform(1.05, 1.5),
        stribeck_m_per_s=dice.uniform(1e-3, 6e-3),
        viscous_ns_per_m=dice.uniform(100.0, 800.0),
        gravity_n=dice.uniform(-400.0, 400.0),
        ripple_n=dice.uniform(0.0, 10.0),
        motor_quantum_m=10.0 ** -dice.integers(7, 10),
        scale_quantum_m=10.0 ** -dice.integers(7, 10),
        force_noise_n=dice.uniform(2.0, 10.0),
        controller=Controller(scale_feedback=bool(dice.integers(2))),
    )
