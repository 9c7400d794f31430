"""Built-in functions that turn values into others: texts, numbers, identity."""

import re

from fabloop.feel.decimals import CONTEXT, Number
from fabloop.feel.library.signature import Builtins, Undefined
from fabloop.feel.operators import equals
from fabloop.feel.run import Run
from fabloop.feel.temporal import DateTime, Time
from fabloop.feel.values import Value, text, weigh

CONVERSION = Builtins()
_NUMBER = re.compile(r"-?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d{1,6})?", re.ASCII)
_NOTATION = "from: string; grouping separator?: string; decimal separator?: string"
_SEPARATORS = {"grouping": (" ", ",", "."), "decimal": (",", ".")}


@CONVERSION.define("string", "from: any")
def _string(run: Run, value: Value) -> str | None:
    weigh(value, run.spend)
    return None if value is None else run.string(text(value))


@CONVERSION.define("number", _NOTATION)
def _number(_: Run, source: str, grouping: str | None = None, point: str | None = None) -> Number:
    if grouping is not None and grouping not in _SEPARATORS["grouping"]:
        raise Undefined(f"'{grouping}' is no grouping separator (space, ',' or '.')")
    if point is not None and (point not in _SEPARATORS["decimal"] or point == grouping):
        raise Undefined(f"'{point}' is no decimal separator (',' or '.') beside the grouping one")
    bare = source.replace(grouping, "") if grouping else source
    bare = bare.replace(point, ".") if point else bare
    if not _NUMBER.fullmatch(bare) or (point == "," and "." in source.replace(grouping or ".", "")):
        raise Undefined(f'"{source[:40]}" is no number in that notation')
    return CONTEXT.create_decimal(bare)


@CONVERSION.define("is", "value1: any; value2: any")
def _is(run: Run, one: Value, other: Value) -> bool:
    if type(one) is not type(other):
        run.quiet += 1
        found = equals(run, one, other, 0)
        run.quiet -= 1
        return found is True
    if isinstance(one, Time | DateTime):
        return bool(one == other)
    return equals(run, one, other, 0) is True
