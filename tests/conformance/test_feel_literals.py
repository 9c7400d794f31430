"""The FEEL literal cases of the DMN Technology Compatibility Kit, scored suite by suite."""

import json
import os
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fabloop.base.errors import Invalid
from fabloop.base.instant import Instant
from fabloop.feel import compile_expression
from fabloop.feel.temporal import date_of_text, date_time_of_text, duration_of_text, time_of_text
from fabloop.feel.types import coerced, type_of_text

PASS_RATE_FLOOR = 0.996
"""Of the misses, four need item definitions or services that stand only in the model around the
case; one takes times that differ by a fraction of a second for equal."""
TOLERANCE = Decimal("1e-8")
NOON = Instant(1_800_000_000_000_000_000)
DECLARED = {"number", "string", "boolean", "date", "time"}
READERS = {
    "date": date_of_text,
    "time": time_of_text,
    "dateTime": date_time_of_text,
    "duration": duration_of_text,
    "string": str,
    "decimal": Decimal,
    "boolean": lambda text: text == "true",
}


def cases() -> list[dict[str, Any]]:
    root = Path(os.environ.get("FABLOOP_DATA", Path(__file__).parents[2] / "../shared/data"))
    path = root / "feel" / "feel-literal.json"
    if not path.exists():
        pytest.skip(f"public test data is not at {path}; set FABLOOP_DATA")
    found: list[dict[str, Any]] = json.loads(path.read_text())
    return found


def value_of(typed: Any) -> Any:
    if typed is None:
        return None
    if typed["t"] == "list":
        return [value_of(item) for item in typed["v"]]
    if typed["t"] == "context":
        return {key: value_of(item) for key, item in typed["v"].items()}
    return READERS[typed["t"]](typed["v"])


def agree(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(agree(a, b) for a, b in zip(found, wanted, strict=True))
        )
    if isinstance(wanted, dict):
        return (
            isinstance(found, dict)
            and found.keys() == wanted.keys()
            and all(agree(found[key], wanted[key]) for key in wanted)
        )
    if isinstance(wanted, Decimal):
        return (
            isinstance(found, int | Decimal)
            and not isinstance(found, bool)
            and (abs(Decimal(found) - wanted) <= TOLERANCE * max(1, abs(wanted)))
        )
    return type(found) is type(wanted) and bool(found == wanted)


def outcome(case: dict[str, Any]) -> Any:
    """Evaluate one case as a decision does: the result takes its declared type."""
    context = {key: value_of(item) for key, item in case["ctx"].items()}
    try:
        expression = compile_expression(case["expr"], names=context)
    except Invalid:
        return None if case["err"] else "refused"
    value, _ = expression.value(context, now=NOON)
    declared = case["rtype"]
    return coerced(value, type_of_text(declared)) if declared in DECLARED else value


def test_the_literal_cases_of_the_kit_pass() -> None:
    every = cases()
    totals: Counter[str] = Counter(case["suite"] for case in every)
    misses: dict[str, list[str]] = {}
    for case in every:
        found, wanted = outcome(case), value_of(case["expected"])
        if not agree(found, wanted):
            line = f"{case['case']}: {case['expr'].strip()!r} gave {found!r}, not {wanted!r}"
            misses.setdefault(case["suite"], []).append(line)
    missed = sum(map(len, misses.values()))
    rate = 1 - missed / len(every)
    table = "\n".join(
        f"{suite}: {totals[suite] - len(lines)} of {totals[suite]}\n  " + "\n  ".join(lines)
        for suite, lines in misses.items()
    )
    assert rate >= PASS_RATE_FLOOR, f"{rate:.2%} of {len(every)} cases pass\n{table}"
