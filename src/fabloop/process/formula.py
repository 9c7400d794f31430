"""Expressions of a process, compiled, with the text that they were written as."""

import msgspec

from fabloop.feel import Expression


class Formula(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A FEEL expression with its text; `expression.variables` are the names it reads."""

    text: str
    expression: Expression


class Assign(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One input or output mapping: `formula` is evaluated into variable `target`."""

    target: str
    formula: Formula


class Text(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Text that stands in the model, or that `formula` yields when the node is reached."""

    literal: str = ""
    formula: Formula | None = None
