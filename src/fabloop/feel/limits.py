"""How much an expression may ask for: every limit of the package, by name."""

import sys

from fabloop.base.errors import Refused

SOURCE_LENGTH_MAX = 20_000
"""Characters of one expression."""

NESTING_MAX = 40
"""Brackets, conditions and functions inside one another; keeps our own recursion shallow."""

CHAIN_LENGTH_MAX = 400
"""Operands of one chain such as ``a + b + c`` or ``a or b or c``."""

STEPS_MAX = 1_000_000
"""Loop rounds, calls and list items touched in one evaluation."""

CALL_DEPTH_MAX = 60
"""Functions of the expression that are active at once."""

LIST_LENGTH_MAX = 100_000
"""Items of a list or range that an expression makes."""

STRING_LENGTH_MAX = 1_000_000
"""Characters of a string that an expression makes."""

DATA_DEPTH_MAX = 100
"""Lists and contexts inside one another, in data handed in or out."""

NUMBER_OUT_MAX = sys.float_info.max
"""The largest number that leaves as a float; FEEL itself computes up to 1E6145."""

WARNINGS_MAX = 50
"""Warnings kept of one evaluation; later ones say nothing new."""


def exceeded(what: str, limit: float, advice: str) -> Refused:
    """Return the refusal for a limit that an expression ran into."""
    amount = f"{limit:_}" if isinstance(limit, int) else f"{limit:.2e}"
    return Refused(f"Expected at most {amount} {what}, but the expression asks for more. {advice}")
