"""Proves or refutes, before release, that a process with its pages always comes to a good end."""
