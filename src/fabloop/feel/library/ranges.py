"""Built-in functions on ranges: Allen's relations between points and ranges."""

from collections.abc import Callable
from decimal import Decimal

from fabloop.base.errors import Invalid, Refused
from fabloop.feel import nodes
from fabloop.feel.library.signature import Builtins, Undefined
from fabloop.feel.library.temporals import TEMPORALS
from fabloop.feel.names import KnownNames
from fabloop.feel.operators import equals, order, within
from fabloop.feel.parser import Parser
from fabloop.feel.run import Run
from fabloop.feel.values import Range, Value, described

RANGES = Builtins()
PARSING_STEPS = 10
"""What reading one character of a range costs."""


def _ordered(a: Value, b: Value) -> int:
    found = order(a, b)
    if found is None:
        raise Undefined(f"{described(a)} and {described(b)} have no order")
    return found


def _inside(run: Run, point: Value, span: Range) -> bool:
    if span.low is not None:
        _ordered(point, span.low)
    return within(run, point, span, 0) is True


def _before(a: Value, b: Value) -> bool:
    """Tell whether all of `a` lies before all of `b`; each a point or a range."""
    end, end_in = (a.high, a.high_included) if isinstance(a, Range) else (a, True)
    start, start_in = (b.low, b.low_included) if isinstance(b, Range) else (b, True)
    found = _ordered(end, start)
    return found < 0 or (found == 0 and not (end_in and start_in))


def _meets(a: Range, b: Range) -> bool:
    return a.high_included and b.low_included and _ordered(a.high, b.low) == 0


def _starts_not_later(a: Range, b: Range) -> bool:
    found = _ordered(a.low, b.low)
    return found < 0 or (found == 0 and (a.low_included or not b.low_included))


def _ends_not_earlier(a: Range, b: Range) -> bool:
    found = _ordered(a.high, b.high)
    return found > 0 or (found == 0 and (a.high_included or not b.high_included))


def _covers(a: Range, b: Range) -> bool:
    return _starts_not_later(a, b) and _ends_not_earlier(a, b)


def _overlap(a: Range, b: Range) -> bool:
    return not _before(a, b) and not _before(b, a)


def _overlaps_before(a: Range, b: Range) -> bool:
    starts_first = _starts_not_later(a, b) and not (
        _ordered(a.low, b.low) == 0 and a.low_included == b.low_included
    )
    return _overlap(a, b) and starts_first and _ends_not_earlier(b, a)


def _same_start(a: Range, b: Range) -> bool:
    return _ordered(a.low, b.low) == 0 and a.low_included == b.low_included


def _same_end(a: Range, b: Range) -> bool:
    return _ordered(a.high, b.high) == 0 and a.high_included == b.high_included


def _relation(
    name: str, first: str, second: str, holds: Callable[[Run, Value, Value], bool]
) -> None:
    RANGES.define(name, f"{first}; {second}")(holds)


_POINT, _POINT_2 = "point: any", "point2: any"
_SPAN, _SPAN_2 = "range: range", "range2: range"

for _first, _second in (("range1: range", _SPAN_2), (_POINT, _SPAN), (_SPAN, _POINT),
                        ("point1: any", _POINT_2)):  # fmt: skip
    _relation("before", _first, _second, lambda _, a, b: _before(a, b))
    _relation("after", _first, _second, lambda _, a, b: _before(b, a))
_PAIR = ("range1: range", _SPAN_2)
_relation("meets", *_PAIR, lambda _, a, b: _meets(a, b))
_relation("met by", *_PAIR, lambda _, a, b: _meets(b, a))
_relation("overlaps", *_PAIR, lambda _, a, b: _overlap(a, b))
_relation("overlaps before", *_PAIR, lambda _, a, b: _overlaps_before(a, b))
_relation("overlaps after", *_PAIR, lambda _, a, b: _overlaps_before(b, a))
_relation("includes", *_PAIR, lambda _, a, b: _covers(a, b))
_relation("includes", _SPAN, _POINT, lambda run, a, b: _inside(run, b, a))
_relation("during", *_PAIR, lambda _, a, b: _covers(b, a))
_relation("during", _POINT, _SPAN, _inside)
_relation("starts", *_PAIR, lambda _, a, b: _same_start(a, b) and _ends_not_earlier(b, a))
_relation("started by", *_PAIR, lambda _, a, b: _same_start(a, b) and _ends_not_earlier(a, b))
_relation("finishes", *_PAIR, lambda _, a, b: _same_end(a, b) and _starts_not_later(b, a))
_relation("finished by", *_PAIR, lambda _, a, b: _same_end(a, b) and _starts_not_later(a, b))
_relation(
    "coincides", *_PAIR,
    lambda run, a, b: equals(run, a, b, 0) is True,
)  # fmt: skip
_relation("coincides", "point1: any", _POINT_2, lambda _, a, b: _ordered(a, b) == 0)


def _at_start(_: Run, point: Value, span: Range) -> bool:
    return span.low_included and _ordered(point, span.low) == 0


def _at_end(_: Run, point: Value, span: Range) -> bool:
    return span.high_included and _ordered(point, span.high) == 0


_relation("starts", _POINT, _SPAN, _at_start)
_relation("started by", _SPAN, _POINT, lambda run, a, b: _at_start(run, b, a))
_relation("finishes", _POINT, _SPAN, _at_end)
_relation("finished by", _SPAN, _POINT, lambda run, a, b: _at_end(run, b, a))


@RANGES.define("range", "from: string")
def _range(run: Run, source: str) -> Range:
    run.spend(PARSING_STEPS * (len(source) + 10))
    try:
        parser = Parser(source, _KNOWN)
        tree = parser.expression()
        parser.cursor.finish()
    except (Invalid, Refused):
        raise Undefined(f'"{source[:40]}" is no range such as "[1..10]"') from None
    if not isinstance(tree, nodes.RangeOf):
        raise Undefined(f'"{source[:40]}" is no range such as "[1..10]"')
    low, high = _end(run, tree.low), _end(run, tree.high)
    if (low is None and high is None) or (
        low is not None and high is not None and _ordered(low, high) > 0
    ):
        raise Undefined("its ends are missing, or stand in the wrong order")
    return Range(low, high, tree.low_included, tree.high_included)


_CONSTRUCTORS = ("date", "time", "date and time", "duration")
_KNOWN = KnownNames(_CONSTRUCTORS)


def _end(run: Run, node: nodes.Node) -> Value:
    """Return an end of a range, which is written down: a literal, or one of the constructors."""
    match node:
        case nodes.Literal(value=value):
            return value
        case nodes.Negation(operand=nodes.Literal(value=int() | Decimal() as value)):
            return -value
        case nodes.Call(
            callee=nodes.Name(name=name), arguments=(nodes.Literal(value=str() as text),)
        ) if name in _CONSTRUCTORS:
            return TEMPORALS.signatures[name][0].body(run, text)
    raise Undefined("an end of the range is not a literal")
