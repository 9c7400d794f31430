"""Prints what FEEL costs, and how many literal cases of the DMN compatibility kit pass.

Run: ``python bench/feel.py``. The cases are found through ``FABLOOP_DATA``.
"""

import runpy
import timeit
from collections.abc import Callable
from pathlib import Path

import pytest

from fabloop.feel import compile_expression, compile_unary_tests

ROUNDS = 100_000
CASES = Path(__file__).parents[1] / "tests/conformance/test_feel_literals.py"
ORDER = {
    "status": "open",
    "qty": 3,
    "lines": [{"qty": number, "price": 2.5} for number in range(20)],
}


def microseconds(work: Callable[[], object], rounds: int) -> float:
    """Return the time of one call: the best of five series."""
    return min(timeit.repeat(work, number=rounds, repeat=5)) / rounds * 1e6


def costs() -> None:
    """Print the time of compiling and of evaluating."""
    print(f"compile 'x > 10': {microseconds(lambda: compile_expression('x > 10'), 1000):.0f} us")
    for source, rounds in (
        ("x > 10", ROUNDS),
        ("price * 1.2 > limit", ROUNDS),
        ('order.status = "open" and order.qty > 2', ROUNDS),
        ("sum(for line in order.lines return line.qty * line.price)", 2000),
        ("count(order.lines[qty > 10])", 2000),
        ('date("2026-11-21") + duration("P1D")', ROUNDS),
    ):
        expression = compile_expression(source)
        variables = {"x": 11, "price": 9.99, "limit": 10, "order": ORDER}
        cost = microseconds(lambda e=expression, v=variables: e.evaluate(v), rounds)
        print(f"evaluate {source!r}: {cost:.2f} us")
    tests = compile_unary_tests("[10..20), > 90")
    print(f"unary tests: {microseconds(lambda: tests.accepts(95, {}), ROUNDS):.2f} us")


def conformance() -> None:
    """Print the pass rate of the literal cases, if they are there."""
    kit = runpy.run_path(str(CASES))
    try:
        score = kit["scored"]()
    except pytest.skip.Exception as reason:
        print(f"literal cases: not run, {reason}")
        return
    rate = score.passed / score.total
    print(f"literal cases: {score.passed} of {score.total} pass ({rate:.2%})")


if __name__ == "__main__":
    costs()
    conformance()
