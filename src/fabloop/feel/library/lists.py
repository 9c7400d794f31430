"""Built-in functions on lists."""

from decimal import Decimal
from functools import cmp_to_key
from typing import Any

from fabloop.feel.decimals import CONTEXT, NUMBERS_OF, Number, truncated
from fabloop.feel.library.signature import Builtins, Undefined
from fabloop.feel.limits import LIST_LENGTH_MAX
from fabloop.feel.operators import add, equals, order
from fabloop.feel.run import Run
from fabloop.feel.values import Function, Value, described

LISTS = Builtins()
Items = list[Value]


def _numbers(run: Run, items: Items) -> list[Number]:
    run.spend(len(items))
    for item in items:
        if type(item) not in NUMBERS_OF:
            raise Undefined(f"the list holds {described(item)}, not only numbers")
    return items


def _filled(items: Items) -> None:
    if not items:
        raise Undefined("the list is empty")


def same(run: Run, a: Value, b: Value) -> bool:
    """Tell whether two values are equal, without a warning where their types differ."""
    run.quiet += 1
    found = equals(run, a, b, 0)
    run.quiet -= 1
    return found is True


@LISTS.define("count", "list: list")
def _count(_: Run, items: Items) -> int:
    return len(items)


@LISTS.define("list contains", "list: list; element: any")
def _list_contains(run: Run, items: Items, element: Value) -> bool:
    run.spend(len(items))
    return any(same(run, item, element) for item in items)


def _define_extreme(name: str, sign: int) -> None:
    @LISTS.define(name, "list: list", variadic=True)
    def _extreme(run: Run, items: Items) -> Value:
        run.spend(len(items))
        _filled(items)
        best = items[0]
        for item in items:
            found = order(item, best)
            if found is None:
                raise Undefined(f"{described(item)} and {described(best)} have no order")
            best = item if found == sign else best
        return best


_define_extreme("min", -1)
_define_extreme("max", 1)


@LISTS.define("sum", "list: list", variadic=True)
def _sum(run: Run, items: Items) -> Value:
    run.spend(len(items))
    _filled(items)
    total = items[0]
    _numeric_or_duration(total)
    for item in items[1:]:
        _numeric_or_duration(item)
        total = add(run, total, item, 0)
    return total


def _numeric_or_duration(item: Value) -> None:
    if type(item) not in NUMBERS_OF and type(item).__name__ not in ("Span", "Months"):
        raise Undefined(f"the list holds {described(item)}, not only numbers")


@LISTS.define("product", "list: list", variadic=True)
def _product(run: Run, items: Items) -> Value:
    _filled(items)
    total: Number = 1
    for number in _numbers(run, items):
        total = CONTEXT.multiply(total, number)
    return total


@LISTS.define("mean", "list: list", variadic=True)
def _mean(run: Run, items: Items) -> Value:
    _filled(items)
    return mean_of(_numbers(run, items))


def mean_of(numbers: list[Number]) -> Number:
    """Return the arithmetic mean of at least one number."""
    total: Number = 0
    for number in numbers:
        total = CONTEXT.add(total, number)
    return CONTEXT.divide(total, len(numbers))


@LISTS.define("median", "list: list", variadic=True)
def _median(run: Run, items: Items) -> Value:
    _filled(items)
    numbers = sorted(_numbers(run, items))
    middle = len(numbers) // 2
    if len(numbers) % 2:
        return numbers[middle]
    return CONTEXT.divide(CONTEXT.add(numbers[middle - 1], numbers[middle]), 2)


@LISTS.define("stddev", "list: list", variadic=True)
def _stddev(run: Run, items: Items) -> Value:
    numbers = _numbers(run, items)
    if len(numbers) < 2:
        raise Undefined("fewer than two numbers have no sample deviation")
    mean = mean_of(numbers)
    total: Number = 0
    for number in numbers:
        gap = CONTEXT.subtract(number, mean)
        total = CONTEXT.add(total, CONTEXT.multiply(gap, gap))
    return CONTEXT.sqrt(CONTEXT.divide(total, len(numbers) - 1))


@LISTS.define("mode", "list: list", variadic=True)
def _mode(run: Run, items: Items) -> Items:
    counts: dict[Number, int] = {}
    for number in _numbers(run, items):
        counts[number] = counts.get(number, 0) + 1
    most = max(counts.values(), default=0)
    return sorted(number for number, count in counts.items() if count == most)


@LISTS.define("all", "list: list", variadic=True)
def _all(run: Run, items: Items) -> bool | None:
    return _verdict(run, items, decisive=False)


@LISTS.define("any", "list: list", variadic=True)
def _any(run: Run, items: Items) -> bool | None:
    return _verdict(run, items, decisive=True)


def _verdict(run: Run, items: Items, *, decisive: bool) -> bool | None:
    run.spend(len(items))
    if any(item is decisive for item in items):
        return decisive
    odd = [item for item in items if item is not None and type(item) is not bool]
    if odd:
        raise Undefined(f"the list holds {described(odd[0])}, not only booleans")
    return None if None in items else not decisive


@LISTS.define("sublist", "list: list; start position: number; length?: number")
def _sublist(run: Run, items: Items, start: Number, length: Number | None = None) -> Items:
    place = truncated(start)
    if place == 0 or abs(place) > len(items):
        raise Undefined(f"the start position {place} is outside of the list")
    first = place - 1 if place > 0 else len(items) + place
    count = len(items) - first if length is None else truncated(length)
    if count < 0 or first + count > len(items):
        raise Undefined(f"{count} items from position {place} are not in the list")
    run.spend(count)
    return items[first : first + count]


@LISTS.define("append", "list: list; item: any", variadic=True)
def _append(run: Run, items: Items, added: Items) -> Items:
    run.sized(len(items) + len(added))
    return [*items, *added]


@LISTS.define("concatenate", "list: any", variadic=True)
def _concatenate(run: Run, lists: Items) -> Items:
    run.sized(sum(len(part) if isinstance(part, list) else 1 for part in lists))
    out: Items = []
    for part in lists:
        if part is None:
            raise Undefined("one of the lists is null")
        out.extend(part if isinstance(part, list) else [part])
    return out


@LISTS.define("insert before", "list: list; position: number; newItem: any")
def _insert(run: Run, items: Items, position: Number, item: Value) -> Items:
    index = _index(items, position)
    run.sized(len(items) + 1)
    return [*items[:index], item, *items[index:]]


def _index(items: Items, position: Number) -> int:
    place = truncated(position)
    if place == 0 or abs(place) > len(items):
        raise Undefined(f"the position {place} is outside of the list")
    return place - 1 if place > 0 else len(items) + place


@LISTS.define("remove", "list: list; position: number")
def _remove(run: Run, items: Items, position: Number) -> Items:
    index = _index(items, position)
    run.spend(len(items))
    return [*items[:index], *items[index + 1 :]]


@LISTS.define("reverse", "list: list")
def _reverse(run: Run, items: Items) -> Items:
    run.spend(len(items))
    return items[::-1]


@LISTS.define("index of", "list: list; match: any")
def _index_of(run: Run, items: Items, match: Value) -> Items:
    run.spend(len(items))
    return [place for place, item in enumerate(items, 1) if same(run, item, match)]


@LISTS.define("union", "list: any", variadic=True)
def _union(run: Run, lists: Items) -> Items:
    return distinct(run, _concatenate(run, lists))


@LISTS.define("distinct values", "list: list")
def _distinct(run: Run, items: Items) -> Items:
    return distinct(run, items)


def distinct(run: Run, items: Items) -> Items:
    """Return the items without those that equal an earlier one."""
    out: Items = []
    seen: set[tuple[bool, Any]] = set()
    for item in items:
        if type(item) in (bool, int, Decimal, str):
            key = (type(item) is bool, item)
            if key not in seen:
                seen.add(key)
                out.append(item)
            run.spend()
        else:
            run.spend(4 * len(out) + 1)  # Comparing is dearer than counting.
            if not any(same(run, item, known) for known in out):
                out.append(item)
    return out


@LISTS.define("flatten", "list: list")
def _flatten(run: Run, items: Items) -> Items:
    out: Items = []
    for item in items:
        run.spend()
        out.extend(_flatten(run, item) if isinstance(item, list) else [item])
        if len(out) > LIST_LENGTH_MAX:
            run.sized(len(out))
    return out


@LISTS.define("list replace", "list: list; position: number; newItem: any")
def _replace_at(run: Run, items: Items, position: Number, item: Value) -> Items:
    index = _index(items, position)
    run.spend(len(items))
    return [*items[:index], item, *items[index + 1 :]]


@LISTS.define("list replace", "list: list; match: function; newItem: any")
def _replace_matching(run: Run, items: Items, match: Function, new: Value) -> Items:
    out: Items = []
    for item in items:
        verdict = _apply(run, match, item, new)
        if type(verdict) is not bool:
            raise Undefined(f"the match function gave {described(verdict)}, not a boolean")
        out.append(new if verdict else item)
    return out


def _apply(run: Run, function: Function, *arguments: Value) -> Value:
    known = function.parameters
    if known is not None and len(known) != len(arguments):
        raise Undefined(f"the function takes {len(known)} arguments, not {len(arguments)}")
    run.enter(function.weight)
    found = function.body(*arguments)
    run.depth -= 1
    return found


@LISTS.define("sort", "list: list; precedes?: function")
def _sort(run: Run, items: Items, precedes: Function | None = None) -> Items:
    run.spend(len(items) * len(items).bit_length() >> 1)
    if precedes is None:
        return sorted(items, key=cmp_to_key(_ordered))

    def compared(a: Value, b: Value) -> int:
        assert precedes is not None, "the case without it is above"
        return _precedence(run, precedes, a, b)

    return sorted(items, key=cmp_to_key(compared))


def _ordered(a: Value, b: Value) -> int:
    found = order(a, b)
    if found is None:
        raise Undefined(f"{described(a)} and {described(b)} have no order")
    return found


def _precedence(run: Run, precedes: Function, a: Value, b: Value) -> int:
    if _apply(run, precedes, a, b) is True:
        return -1
    return 1 if _apply(run, precedes, b, a) is True else 0
