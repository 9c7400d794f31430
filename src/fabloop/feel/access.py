"""Getting at values at run time: variables, paths, filters, loops, tests and calls."""

from collections.abc import Callable
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from fabloop.feel.decimals import NUMBERS_OF, settled, truncated
from fabloop.feel.library import BUILTINS, PROPERTIES, call_builtin, is_builtin
from fabloop.feel.limits import LIST_LENGTH_MAX
from fabloop.feel.operators import equals, order, within
from fabloop.feel.run import Run, Variables
from fabloop.feel.temporal import Date
from fabloop.feel.types import coerced
from fabloop.feel.values import Function, Range, Value, described, number_of_float, to_feel

_ABSENT = object()
_PLAIN = frozenset({bool, str, type(None)})


def load(run: Run, variables: Variables, name: str, at: int) -> Value:
    """Return a variable as a FEEL value; null with a warning where there is none."""
    value = variables.get(name, _ABSENT)
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is int:
        return settled(value)
    if value is _ABSENT:
        if is_builtin(name):
            return Function(None, lambda *given: call_builtin(run, name, given, (), at))
        run.null(at, f"Expected a variable '{name}', but there is none.")
        return None
    if kind is not list and kind is not dict:
        found = number_of_float(value) if kind is float else to_feel(value)
        if found is None:
            said = kind.__name__
            run.null(at, f"Expected '{name}' to hold a value of FEEL, but found Python's {said}.")
        return found
    return _converted_once(run, name, value)


def _converted_once(run: Run, key: str | tuple[str, ...], value: Any) -> Value:
    if run.loaded is None:
        run.loaded = {}
    if key not in run.loaded:
        run.loaded[key] = to_feel(value)
    return run.loaded[key]


def load_function(run: Run, variables: Variables, name: str, at: int) -> Value:
    """Return a function that was handed in; null with a warning where there is none."""
    value = variables.get(name)
    if isinstance(value, Function):
        return value
    run.null(at, f"Expected a function '{name}', but there is none.{_near(name)}")
    return None


@lru_cache(maxsize=256)
def _near(name: str) -> str:
    near = get_close_matches(name, BUILTINS, 1)
    return f" Did you mean '{near[0]}'?" if near else ""


def load_path(run: Run, variables: Variables, names: tuple[str, ...], at: int) -> Value:
    """Return ``a.b.c``, converting no more of a large variable than is asked for."""
    value: Any = variables.get(names[0], _ABSENT)
    depth = 1
    while type(value) is dict and depth < len(names) and names[depth] in value:
        value = value[names[depth]]
        depth += 1
    if value is _ABSENT:
        value = load(run, variables, names[0], at)
    known = type(value) in _PLAIN or type(value) is int
    value = value if known else _converted_once(run, names[:depth], value)
    for name in names[depth:]:
        value = path(run, value, name, at)
        if value is None:
            break
    return value


def path(run: Run, base: Value, name: str, at: int) -> Value:
    """Return ``base.name``: an entry, a property, or either of every item of a list."""
    if type(base) is dict:
        if name in base:
            return base[name]
        run.null(at, f"Expected an entry '{name}', but the context has {_some(base)}.")
        return None
    if type(base) is list:
        run.spend(len(base))
        return [path(run, item, name, at) for item in base]
    found = PROPERTIES.get((type(base), name))
    if found is not None:
        return found(base)
    run.null(at, f"Expected a value with '{name}', but found {described(base)}.")
    return None


def _some(context: dict[str, Value]) -> str:
    names = ", ".join(f"'{key}'" for key in list(context)[:8])
    return f"only {names}" if names else "none"


def member(item: Value, name: str) -> bool:
    """Tell whether a name inside a filter is an entry of the item."""
    return type(item) is dict and name in item


# -- filters ------------------------------------------------------------------------------------


def select(
    run: Run, base: Value, condition: Callable[[Value], Value], weight: int, at: int
) -> Value:
    """Return ``base[condition]``: by index where the condition is a number, else filtered.

    `weight` is what one round costs in steps.
    """
    if base is None:
        run.null(at, "Expected a list before '[', but found null.")
        return None
    items = items_of(run, base)
    if items is None:
        items = [base]
    if not items:
        run.quiet += 1
        found = condition(None)
        run.quiet -= 1
        return None if type(found) in NUMBERS_OF else []
    kept: list[Value] = []
    for index, item in enumerate(items):
        run.spend(weight)
        found = condition(item)
        if found is True:
            kept.append(item)
        elif index == 0 and type(found) in NUMBERS_OF:
            return at_index(run, items, found, at)
        elif found is not None and type(found) is not bool:
            said = described(found)
            run.null(at, f"Expected a boolean or an index inside '[...]', but found {said}.")
    return kept


def at_index(run: Run, base: Value, index: Value, at: int) -> Value:
    """Return ``base[index]`` with 1 the first and -1 the last; null beyond the ends."""
    if base is None:
        run.null(at, "Expected a list before '[', but found null.")
        return None
    items = base if type(base) is list else [base]
    place = truncated(index)
    if 1 <= place <= len(items):
        return items[place - 1]
    if -len(items) <= place <= -1:
        return items[place]
    run.null(at, f"Expected an index from 1 to {len(items)} or from -1, but found {index}.")
    return None


# -- loops --------------------------------------------------------------------------------------


def items_of(run: Run, value: Value) -> list[Value] | None:
    """Return what a list or a closed range of whole numbers or dates holds; None for others."""
    if type(value) is list:
        return value
    if type(value) is not Range or value.op:
        return None
    return _stepped(run, value.low, value.high, value)


def _stepped(run: Run, low: Value, high: Value, span: Range) -> list[Value] | None:
    dates = type(low) is Date and type(high) is Date
    if not dates and not (type(low) in NUMBERS_OF and type(high) in NUMBERS_OF):
        return None
    first, last = (low.days, high.days) if dates else (low, high)
    count = truncated(last - first) if last >= first else truncated(first - last)
    run.sized(count + 1)
    step = 1 if last >= first else -1
    values = [first + step * index for index in range(count + 1)]
    if values and not span.high_included and values[-1] == last:
        values.pop()
    if values and not span.low_included:
        values.pop(0)
    return [Date(value) for value in values] if dates else values


def each(run: Run, source: Value, body: Callable[[Value], bool], weight: int, at: int) -> bool:
    """Run the body for every item; False where there is nothing to loop over.

    `weight` is what one round costs in steps.
    """
    items = items_of(run, source)
    if items is None:
        if source is None or type(source) is Range:
            run.null(at, f"Expected a list or range to loop over, but found {described(source)}.")
            return False
        items = [source]
    for item in items:
        run.spend(weight)
        if not body(item):
            return False
    return True


def put(run: Run, out: list[Value], value: Value) -> bool:
    """Add a result of a loop."""
    out.append(value)
    if len(out) > LIST_LENGTH_MAX:
        run.sized(len(out))
    return True


def partial(run: Run, out: list[Value]) -> list[Value]:
    """Return the results of a loop so far."""
    run.sized(len(out))
    return list(out)


def judge(run: Run, seen: list[Value], value: Value, at: int) -> bool:
    """Note the verdict on one item of a quantified expression."""
    if value is not None and type(value) is not bool:
        run.null(at, f"Expected a boolean behind 'satisfies', but found {described(value)}.")
        value = None
    seen.append(value)
    return True


def some(seen: list[Value]) -> bool | None:
    """Return the three-valued 'or' of verdicts."""
    return True if True in seen else None if None in seen else False


def every(seen: list[Value]) -> bool | None:
    """Return the three-valued 'and' of verdicts."""
    return False if False in seen else None if None in seen else True


# -- tests --------------------------------------------------------------------------------------


def test(run: Run, value: Value, wanted: Value, at: int) -> bool | None:
    """Tell whether a value passes a unary test: lies in a range, is in a list, or is equal."""
    if type(wanted) is Range and type(value) is not Range:
        return within(run, value, wanted, at)
    if type(wanted) is list:
        return _among(run, value, wanted, at)
    if value is not None and wanted is not None and type(value) is not type(wanted):
        run.quiet += 1
        found = equals(run, value, wanted, at)
        run.quiet -= 1
        return bool(found)
    return equals(run, value, wanted, at)


def _among(run: Run, value: Value, wanted: list[Value], at: int) -> bool | None:
    run.spend(len(wanted))
    result: bool | None = False
    for item in wanted:
        if type(item) is list and type(value) is not list:
            found = None
        else:
            run.quiet += 1
            found = equals(run, value, item, at) if type(item) is not Range else None
            run.quiet -= 1
        if found is not True and type(item) is Range:
            found = within(run, value, item, at)
        if found:
            return True
    if type(value) is list:
        run.quiet += 1
        result = bool(equals(run, value, wanted, at))
        run.quiet -= 1
    return result


def verdict(run: Run, value: Value, found: Value, at: int) -> bool | None:
    """Return what a test that mentions ``?`` says: itself a verdict, or a value to match."""
    return found if found is None or type(found) is bool else test(run, value, found, at)


def opposite(found: bool | None) -> bool | None:
    """Return the three-valued 'not'."""
    return None if found is None else not found


def truth(run: Run, found: Value, at: int) -> bool:
    """Tell whether the condition of an 'if' holds."""
    if found is not None and type(found) is not bool:
        run.null(at, f"Expected a boolean behind 'if', but found {described(found)}.")
    return found is True


def span(run: Run, low: Value, high: Value, closed: tuple[bool, bool], at: int) -> Value:
    """Return a range, or null with a warning where its ends have no order."""
    if low is not None and high is not None and order(low, high) is None:
        values = f"{described(low)} and {described(high)}"
        run.null(at, f"Expected two ends of one ordered type, but found {values}.")
        return None
    return Range(low, high, *closed)


def bounded(op: str, bound: Value) -> Range:
    """Return the range of one comparison (``(< 10)``)."""
    upper = op in ("<", "<=")
    low = None if upper else bound
    high = bound if upper or op == "=" else None
    return Range(low, high, op in (">=", "="), op in ("<=", "="), op)


# -- calls --------------------------------------------------------------------------------------


def invoke(
    run: Run, function: Value, arguments: tuple[Value, ...], names: tuple[str, ...], at: int
) -> Value:
    """Call a function value; null with a warning where it is none or does not take these."""
    if not isinstance(function, Function):
        if function is not None or not run.warnings:
            run.null(at, f"Expected a function before '(', but found {described(function)}.")
        return None
    known = function.parameters
    if names:
        if known is None or sorted(names) != sorted(known):
            wanted = ", ".join(known or ()) or "none"
            run.null(at, f"Expected arguments named {wanted}, but found {', '.join(names)}.")
            return None
        given = dict(zip(names, arguments, strict=True))
        arguments = tuple(given[name] for name in known)
    if known is not None and len(arguments) != len(known):
        run.null(at, f"Expected {len(known)} arguments, but found {len(arguments)}.")
        return None
    if function.types:
        arguments = _typed(run, function, arguments, at)
    run.enter(function.weight)
    result = function.body(*arguments)
    run.depth -= 1
    return result


def _typed(run: Run, function: Function, given: tuple[Value, ...], at: int) -> tuple[Value, ...]:
    out: list[Value] = []
    for name, wanted, value in zip(function.parameters or (), function.types, given, strict=True):
        taken = value if wanted is None else coerced(value, wanted)
        if taken is None and value is not None:
            found = described(value)
            run.null(at, f"Expected a {wanted.name} as '{name}', but found {found}.")
        out.append(taken)
    return tuple(out)
