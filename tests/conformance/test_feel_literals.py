"""The FEEL literal cases of the DMN Technology Compatibility Kit, scored suite by suite."""

import os
from collections import Counter
from pathlib import Path

import pytest

from fabloop.feel.cases import Score, read_cases, run_cases

PASS_RATE_FLOOR = 0.996
"""Of the misses, four need item definitions or services that stand only in the model around the
case; one takes times that differ by a fraction of a second for equal."""


def scored() -> Score:
    root = Path(os.environ.get("FABLOOP_DATA", Path(__file__).parents[2] / "../shared/data"))
    path = root / "feel" / "feel-literal.json"
    if not path.exists():
        pytest.skip(f"public test data is not at {path}; set FABLOOP_DATA")
    return run_cases(read_cases(path.read_bytes(), path.name))


def test_the_literal_cases_of_the_kit_pass() -> None:
    score = scored()
    missed = Counter(each.suite for each in score.failures)
    table = "\n".join(
        f"{each.suite} {each.case}: {each.expr.strip()!r} gave {each.found}, not {each.expected}"
        for each in score.failures
    )
    rate = score.passed / score.total
    assert rate >= PASS_RATE_FLOOR, f"{rate:.2%} of {score.total} pass; {missed}\n{table}"
