"""``fabloop feel``: what does an expression give, and how many cases of a suite pass?"""

import sys
from pathlib import Path

from fabloop.base.codec import to_json, to_json_pretty
from fabloop.base.errors import ExitCode
from fabloop.cli.given import instant_given, json_object, read_bytes
from fabloop.feel import compile_expression, from_feel
from fabloop.feel.cases import read_cases, run_cases


def print_value(expression: str, context: str, *, now: str | None, as_json: bool) -> ExitCode:
    """Print what an expression gives in a context, and why parts of it became null."""
    given = json_object("--context", context)
    at = None if now is None else instant_given("--now", now)
    value, warnings = compile_expression(expression, names=given).value(given, now=at)
    plain = from_feel(value)
    if as_json:
        told = {"expression": expression, "value": plain, "warnings": warnings}
        sys.stdout.write(to_json_pretty(told).decode())
    else:
        sys.stdout.write(f"{to_json(plain).decode()}\n")
        sys.stdout.writelines(f"  {warning}\n" for warning in warnings)
    return ExitCode.NOT_PRODUCIBLE if value is None else ExitCode.FINE


def print_score(file: Path, *, as_json: bool) -> ExitCode:
    """Print how many cases of a file come out as they should."""
    score = run_cases(read_cases(read_bytes(file), str(file)))
    if as_json:
        sys.stdout.write(to_json_pretty(score).decode())
    else:
        for each in score.failures:
            place = f"{each.suite} {each.case}".strip()
            sys.stdout.write(
                f"{place}: {' '.join(each.expr.split())}\n"
                f"  expected {each.expected}, but found {each.found}\n"
            )
        sys.stdout.write(f"{score.passed} of {score.total} cases pass\n")
    return ExitCode.NOT_PRODUCIBLE if score.failed else ExitCode.FINE
