"""What an arc inscription comes down to, whatever language it is written in."""

import ast

import msgspec


class Term(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One summand of an arc inscription.

    Attributes
    ----------
    value : a pattern or expression; with `many`, one that gives all the tokens
    count : how many equal tokens
    delay : time until a token put becomes ready, or None
    """

    value: ast.expr
    count: ast.expr | None = None
    delay: ast.expr | None = None
    many: bool = False
