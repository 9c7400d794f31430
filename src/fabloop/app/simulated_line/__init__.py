"""The simulated line on real wires, so that everything can be tried without a factory."""
