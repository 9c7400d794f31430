"""FEEL 1.5, the expression language of DMN: compile once, evaluate often."""

from fabloop.feel.expression import (
    Expression,
    UnaryTests,
    compile_expression,
    compile_unary_tests,
)
from fabloop.feel.values import from_feel, to_feel

__all__ = [
    "Expression",
    "UnaryTests",
    "compile_expression",
    "compile_unary_tests",
    "from_feel",
    "to_feel",
]
