"""How much a decision model may ask for: every limit of the package, by name."""

ELEMENTS_MAX = 5_000
"""Decisions, inputs, knowledge models, services and item definitions of one model."""

RULES_MAX = 20_000
"""Rules of one decision table."""

NESTING_MAX = 25
"""Boxed expressions inside one another."""

IMPORTS_MAX = 100
"""Models that are reached by imports."""

CALLS_MAX = 40
"""Knowledge models, services and boxed functions that are active at once."""

STEPS_MAX = 5_000_000
"""Loop rounds, calls, rules and list items touched in one evaluation of a model."""

WARNINGS_MAX = 200
"""Warnings kept of one evaluation; later ones say nothing new."""
