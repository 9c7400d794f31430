"""Cases of FEEL literal expressions, as suites state them: read, run and compared."""

from typing import Any

import msgspec

from fabloop.base.errors import Fault, Invalid, Refused
from fabloop.base.instant import Instant
from fabloop.feel.expression import compile_expression
from fabloop.feel.types import coerced, type_of_text
from fabloop.feel.values import Value
from fabloop.feel.wanted import agree, scalar_of

NOW = Instant(1_800_000_000_000_000_000)
"""What ``now()`` gives in a case: any instant, but always the same."""

_DECLARED = frozenset({"number", "string", "boolean", "date", "time"})


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One expression in a context with the value that it should have.

    Attributes
    ----------
    ctx, expected : values as ``{"t": XML Schema type, "v": lexical form}``; lists and contexts
        nest, null is FEEL's null
    err : an expression that does not parse gives null here, as the suite wants an error
    rtype : declared type of the result, to which it is coerced (empty: none)
    """

    expr: str
    ctx: dict[str, Any] = {}
    expected: Any = None
    err: bool = False
    rtype: str | None = None
    suite: str = ""
    case: str = ""
    node: str = ""
    lvl: int = 0


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A case that came out differently; `found` and `expected` as text."""

    suite: str
    case: str
    expr: str
    found: str
    expected: str


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """How many cases came out as expected."""

    total: int
    passed: int
    failed: int
    failures: tuple[Failure, ...]


def read_cases(data: bytes, source: str) -> tuple[Case, ...]:
    """Return the cases of a JSON file; raises Invalid when it is none."""
    try:
        return msgspec.json.decode(data, type=tuple[Case, ...])
    except msgspec.DecodeError as error:
        expected = "a JSON list of cases with expr, ctx and expected"
        raise Invalid(Fault(source=source, path="", expected=expected, found=str(error))) from error


def run_cases(cases: tuple[Case, ...]) -> Score:
    """Run every case; the failures are in the order of the cases."""
    failures = tuple(failure for case in cases if (failure := _failure(case)) is not None)
    failed = len(failures)
    return Score(total=len(cases), passed=len(cases) - failed, failed=failed, failures=failures)


def _failure(case: Case) -> Failure | None:
    try:
        wanted = _value(case.expected)
        context = {key: _value(each) for key, each in case.ctx.items()}
    except (ValueError, TypeError, KeyError) as error:
        return _differs(case, f"the case cannot be read: {error}", repr(case.expected))
    found, refusal = _outcome(case, context)
    if not refusal and agree(found, wanted):
        return None
    return _differs(case, refusal or repr(found), repr(wanted))


def _differs(case: Case, found: str, expected: str) -> Failure:
    return Failure(suite=case.suite, case=case.case, expr=case.expr, found=found, expected=expected)


def _outcome(case: Case, context: dict[str, Any]) -> tuple[Value, str]:
    """Evaluate as a decision does: the result takes its declared type; else why it was refused."""
    try:
        expression = compile_expression(case.expr, names=context)
    except (Invalid, Refused) as error:
        return None, "" if case.err else f"refused: {error}"
    value, _ = expression.value(context, now=NOW)
    if case.rtype in _DECLARED:
        value = coerced(value, type_of_text(case.rtype or ""))
    return value, ""


def _value(typed: Any) -> Any:
    if typed is None:
        return None
    if typed["t"] == "list":
        return [_value(each) for each in typed["v"]]
    if typed["t"] == "context":
        return {key: _value(each) for key, each in typed["v"].items()}
    return scalar_of(typed["t"], typed["v"])
