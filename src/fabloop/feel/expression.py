"""FEEL expressions and unary tests, compiled once and evaluated often."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from fabloop.base.errors import Refused
from fabloop.base.instant import Instant
from fabloop.feel.compiler import Code, compile_tests, compile_tree
from fabloop.feel.library import BUILTINS
from fabloop.feel.limits import CALL_DEPTH_MAX, exceeded
from fabloop.feel.names import KnownNames
from fabloop.feel.parser import Parser
from fabloop.feel.run import Run
from fabloop.feel.types import Types
from fabloop.feel.values import Value, from_feel, plain_number, to_feel, weigh

_SCALARS = frozenset({bool, int, str, type(None)})
_BUILTIN_NAMES = KnownNames(BUILTINS)


class Expression:
    """A compiled FEEL expression.

    Attributes
    ----------
    source : the text
    variables : names that it reads and does not declare itself; names used inside a filter are
        among them, because whether the item has such an entry shows at run time only
    paths : the same names, each with the entry behind it that is read (empty: the whole value)
    """

    __slots__ = ("_code", "paths", "source", "variables")

    def __init__(
        self,
        source: str,
        code: Code,
        variables: frozenset[str],
        paths: frozenset[tuple[str, str]] = frozenset(),
    ) -> None:
        self.source = source
        self.variables = variables
        self.paths = paths
        self._code = code

    def __repr__(self) -> str:
        return f"Expression({self.source!r})"

    def evaluate(self, variables: Mapping[str, Any], *, now: Instant | None = None) -> Any:
        """Return the value as a plain Python value; null for what has no value.

        `now` is what ``now()`` and ``today()`` give; without it they are null.

        Raises
        ------
        Refused
            The evaluation ran into one of `fabloop.feel.limits`.
        """
        run = Run(self.source, now)
        try:
            value = self._code(variables, run)
        except RecursionError:
            raise _too_deep() from None
        kind = type(value)
        if kind in _SCALARS:
            return value
        return plain_number(value) if kind is Decimal else _plain(value, run)

    def evaluate_with_warnings(
        self, variables: Mapping[str, Any], *, now: Instant | None = None
    ) -> tuple[Any, tuple[str, ...]]:
        """Return the value, and why parts of the expression became null."""
        run = Run(self.source, now)
        value = _plain(_computed(self._code, variables, run), run)
        return value, run.warnings

    def value(
        self, variables: Mapping[str, Any], *, now: Instant | None = None
    ) -> tuple[Value, tuple[str, ...]]:
        """Return the value as FEEL computes with it (decimals, temporal values), and warnings."""
        run = Run(self.source, now)
        return _computed(self._code, variables, run), run.warnings


class UnaryTests:
    """Compiled unary tests, as in a cell of a decision table.

    Attributes
    ----------
    source : the text
    variables : names that the tests read, without ``?``
    """

    __slots__ = ("_code", "source", "variables")

    def __init__(self, source: str, code: Code, variables: frozenset[str]) -> None:
        self.source = source
        self.variables = variables
        self._code = code

    def __repr__(self) -> str:
        return f"UnaryTests({self.source!r})"

    def accepts(
        self, value: Any, variables: Mapping[str, Any], *, now: Instant | None = None
    ) -> bool | None:
        """Tell whether a value passes; None where the tests cannot say.

        Raises
        ------
        Refused
            The evaluation ran into one of `fabloop.feel.limits`.
        """
        found = _computed(self._code, variables, Run(self.source, now), to_feel(value))
        return found if type(found) is bool else None


def _computed(code: Code, variables: Mapping[str, Any], run: Run, *more: Value) -> Value:
    try:
        return code(variables, run, *more)
    except RecursionError:
        raise _too_deep() from None


def _too_deep() -> Refused:
    advice = "Use a loop, or flatter data."
    return exceeded("calls inside one another", CALL_DEPTH_MAX, advice)


def _plain(value: Value, run: Run) -> Any:
    try:
        weigh(value, run.spend)
        return from_feel(value)
    except RecursionError:
        raise _too_deep() from None


def _parser(source: str, names: Iterable[str]) -> Parser:
    known = _BUILTIN_NAMES.copy()
    for name in names:
        known.add(name)
    return Parser(source, known)


def compile_expression(
    source: str, *, names: Iterable[str] = (), types: Types | None = None
) -> Expression:
    """Return a compiled expression.

    Parameters
    ----------
    source : FEEL text
    names : names of variables that hold more than plain words (``lead-time``, ``a and b``);
        plain words side by side (``Full Name``) are one name anyway
    types : named types that ``instance of`` may refer to

    Raises
    ------
    Invalid
        The text is no FEEL expression; the fault has line and column.
    Refused
        The text is too long or too deeply nested.
    """
    parser = _parser(source, names)
    tree = parser.expression()
    parser.cursor.finish()
    compiled = compile_tree(tree, types or {})
    return Expression(source, compiled.code, compiled.variables, compiled.paths)


def compile_unary_tests(
    source: str, *, names: Iterable[str] = (), types: Types | None = None
) -> UnaryTests:
    """Return compiled unary tests such as ``< 10``, ``"a", "b"``, ``not([1..3])`` or ``-``.

    Raises
    ------
    Invalid
        The text is no list of unary tests; the fault has line and column.
    Refused
        The text is too long or too deeply nested.
    """
    parser = _parser(source, names)
    tests = parser.unary_tests()
    parser.cursor.finish()
    compiled = compile_tests(tests, types or {})
    return UnaryTests(source, compiled.code, compiled.variables)
