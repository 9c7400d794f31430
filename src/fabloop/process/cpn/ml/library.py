"""The functions of CPN ML that nets may call; every one takes one argument, as in Standard ML."""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cmp_to_key
from typing import Any

from fabloop.process.cpn.ml.values import (
    Budget,
    Bunch,
    Spent,
    bounded,
    elements,
    joined,
    minus,
    modulo,
    plus,
    times,
)
from fabloop.process.cpn.token import LIST_LENGTH_MAX, TEXT_LENGTH_MAX

Function = Callable[[Any], Any]
NONE = "NONE"


def _limited(items: Iterable[Any]) -> tuple[Any, ...]:
    found = tuple(items)
    if len(found) > LIST_LENGTH_MAX:
        raise Spent(f"a list of more than {LIST_LENGTH_MAX} elements")
    return found


def _head(items: Any) -> Any:
    if not elements(items):
        raise ValueError("the head of an empty list")
    return items[0]


def _tail(items: Any) -> Any:
    if not elements(items):
        raise ValueError("the tail of an empty list")
    return items[1:]


def _nth(pair: Any) -> Any:
    items, place = pair
    if not 0 <= place < len(elements(items)):
        raise ValueError(f"element {place} of a list of {len(items)}")
    return items[place]


def _take(pair: Any) -> Any:
    items, count = pair
    if not 0 <= count <= len(elements(items)):
        raise ValueError(f"{count} elements of a list of {len(items)}")
    return items[:count]


def _drop(pair: Any) -> Any:
    items, count = pair
    if not 0 <= count <= len(elements(items)):
        raise ValueError(f"a list of {len(items)} without {count} elements")
    return items[count:]


def _value_of(option: Any) -> Any:
    if option == NONE:
        raise ValueError("the value of NONE")
    return option[1]


def _substring(of: Any) -> str:
    text, start, length = of
    if not (start >= 0 and length >= 0 and start + length <= len(text)):
        raise ValueError(f"{length} characters from {start} of {text!r:.40}")
    return str(text[start : start + length])


def _character(code: Any) -> str:
    if not 0 <= code <= 255:
        raise ValueError(f"a character with the code {code}")
    return chr(code)


def _concat(texts: Any) -> str:
    found = "".join(elements(texts))
    if len(found) > TEXT_LENGTH_MAX:
        raise Spent(f"a text of more than {TEXT_LENGTH_MAX} characters")
    return found


def number_text(number: Any) -> str:
    """Return a number as Standard ML writes it: with ``~`` for minus."""
    if isinstance(number, float) and number == int(number):
        number = f"{number:.1f}"
    return str(number).replace("-", "~")


def _number(text: Any) -> Any:
    try:
        return ("SOME", int(str(text).strip().replace("~", "-")))
    except ValueError:
        return NONE


def _quotient(pair: Any) -> int:
    left, right = pair
    found = abs(left) // abs(right)
    return int(found if (left < 0) == (right < 0) else -found)


def _distinct(items: Any) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(elements(items)))


def _without(item: Any) -> Function:
    def rest(items: Any) -> Any:
        if item not in elements(items):
            return items
        place = items.index(item)
        return (*items[:place], *items[place + 1 :])

    return rest


def _compared(pair: Any) -> str:
    left, right = pair
    return "LESS" if left < right else "GREATER" if left > right else "EQUAL"


def _option(found: list[Any]) -> Any:
    return ("SOME", found[0]) if found else NONE


PLAIN: dict[str, Function] = {
    "not": lambda x: not x,
    "~": lambda x: -x,
    "abs": abs, "Int.abs": abs,
    "length": lambda x: len(elements(x)), "List.length": lambda x: len(elements(x)),
    "size": len, "String.size": len,
    "hd": _head, "List.hd": _head, "tl": _tail, "List.tl": _tail,
    "last": lambda x: _head(tuple(reversed(x))), "List.last": lambda x: _head(tuple(reversed(x))),
    "null": lambda x: not elements(x), "List.null": lambda x: not elements(x),
    "rev": lambda x: tuple(reversed(elements(x))), "List.rev": lambda x: tuple(reversed(x)),
    "nth": _nth, "List.nth": _nth, "List.take": _take, "List.drop": _drop,
    "List.concat": lambda x: _limited(each for items in elements(x) for each in elements(items)),
    "list_to_ms": lambda x: Bunch(elements(x)), "ms_to_list": lambda x: tuple(elements(x)),
    "ms_to_col": _head,
    "remdupl": _distinct,
    "mem": lambda items: lambda item: item in elements(items),
    "member": lambda pair: pair[0] in elements(pair[1]),
    "contains": lambda items: lambda some: set(elements(some)) <= set(elements(items)),
    "contains_all": lambda items: lambda some: not minus(some, items),
    "union": lambda items: lambda more: _distinct((*elements(items), *elements(more))),
    "intersect": lambda items: lambda more: tuple(x for x in elements(items) if x in more),
    "rm": _without,
    "rmall": lambda item: lambda items: tuple(x for x in elements(items) if x != item),
    "listsub": lambda items: lambda some: tuple(minus(items, some)),
    "ins": lambda items: lambda item: _limited((*elements(items), item)),
    "ins_new": lambda items: lambda item: items if item in items else _limited((*items, item)),
    "cf": lambda pair: Counter(elements(pair[1]))[pair[0]],
    "Int.toString": number_text, "Real.toString": number_text, "IntInf.toString": number_text,
    "Bool.toString": lambda x: "true" if x else "false",
    "Int.fromString": _number,
    "IntInf.toInt": lambda x: x, "IntInf.fromInt": lambda x: x,
    "Int.toLarge": lambda x: x, "Int.fromLarge": lambda x: x,
    "Int.min": min, "Int.max": max, "Real.min": min, "Real.max": max,
    "Int.quot": _quotient, "Int.div": lambda p: p[0] // p[1], "Int.mod": lambda p: p[0] % p[1],
    "quot": _quotient,
    "real": float, "Real.fromInt": float, "floor": math.floor, "Real.floor": math.floor,
    "ceil": math.ceil, "Real.ceil": math.ceil, "round": round, "Real.round": round,
    "trunc": math.trunc, "Real.trunc": math.trunc,
    "Math.sqrt": math.sqrt, "Math.ln": math.log, "Math.exp": math.exp,
    "substring": _substring, "String.substring": _substring,
    "concat": _concat, "String.concat": _concat,
    "String.isPrefix": lambda start: lambda text: text.startswith(start),
    "String.isSuffix": lambda end: lambda text: text.endswith(end),
    "String.isSubstring": lambda part: lambda text: part in text,
    "str": lambda x: x, "String.str": lambda x: x, "chr": _character, "Char.chr": _character,
    "ord": ord, "Char.ord": ord, "explode": tuple, "String.explode": tuple,
    "implode": _concat, "String.implode": _concat,
    "ListPair.zip": lambda p: tuple(zip(*p, strict=False)),
    "ListPair.unzip": lambda x: tuple(map(tuple, zip(*x, strict=True))) or ((), ()),
    "List.revAppend": lambda p: _limited((*reversed(p[0]), *p[1])),
    "Int.sign": lambda x: (x > 0) - (x < 0), "Int.compare": _compared, "String.compare": _compared,
    "Char.isDigit": str.isdigit, "Char.isAlpha": str.isalpha, "Char.isSpace": str.isspace,
    "Char.toUpper": str.upper, "Char.toLower": str.lower, "Char.toString": lambda x: x,
    "String.sub": lambda p: _nth((tuple(p[0]), p[1])),
    "Real.abs": abs, "Math.pow": lambda p: float(p[0]) ** p[1],
    "Option.getOpt": lambda p: p[0][1] if p[0] != NONE else p[1],
    "getOpt": lambda p: p[0][1] if p[0] != NONE else p[1],
    "valOf": _value_of, "Option.valOf": _value_of,
    "isSome": lambda x: x != NONE, "Option.isSome": lambda x: x != NONE,
    "SOME": lambda x: ("SOME", x),
    "fst": lambda pair: pair[0], "snd": lambda pair: pair[1],
    "op +": lambda p: plus(*p), "op -": lambda p: bounded(p[0] - p[1]),
    "op *": lambda p: times(*p), "op ^": lambda p: joined(*p), "op div": lambda p: p[0] // p[1],
    "op mod": lambda p: modulo(*p), "op <": lambda p: p[0] < p[1], "op >": lambda p: p[0] > p[1],
    "op <=": lambda p: p[0] <= p[1], "op >=": lambda p: p[0] >= p[1],
    "op =": lambda p: p[0] == p[1], "op <>": lambda p: p[0] != p[1],
    "op ::": lambda p: _limited((p[0], *p[1])), "op /": lambda p: p[0] / p[1],
}  # fmt: skip
"""Functions of data alone."""


def higher(budget: Budget) -> dict[str, Function]:  # one each
    """Return the functions that call functions; each call and element takes a step of `budget`."""

    def walked(items: Any) -> tuple[Any, ...]:
        found = elements(items)
        budget.tick(len(found))
        return found

    def tabulate(pair: Any) -> tuple[Any, ...]:
        count, function = pair
        if not 0 <= count <= LIST_LENGTH_MAX:
            raise Spent(f"a list of {count} elements")
        return tuple(function(n) for n in range(count))

    def fold_left(function: Function) -> Function:
        def start(value: Any) -> Function:
            def over(items: Any) -> Any:
                found = value
                for each in walked(items):
                    found = function((each, found))
                return found

            return over

        return start

    def mapped(f: Function) -> Function:
        return lambda items: tuple(f(each) for each in walked(items))

    def mapped_bag(f: Function) -> Function:
        return lambda items: Bunch(f(each) for each in walked(items))

    def kept(f: Function) -> Function:
        def over(items: Any) -> Any:
            found = [each for each in walked(items) if f(each)]
            return Bunch(found) if isinstance(items, Bunch) else tuple(found)

        return over

    def fold_right(f: Function) -> Function:
        return lambda value: lambda items: fold_left(f)(value)(tuple(reversed(elements(items))))

    return {
        "map": mapped, "List.map": mapped, "ext_col": mapped_bag,
        "ext_ms": lambda f: lambda ms: Bunch(x for each in walked(ms) for x in elements(f(each))),
        "filter": kept, "List.filter": kept,
        "List.exists": lambda f: lambda items: any(f(each) for each in walked(items)),
        "exists": lambda f: lambda items: any(f(each) for each in walked(items)),
        "List.all": lambda f: lambda items: all(f(each) for each in walked(items)),
        "List.find": lambda f: lambda items: _option([x for x in walked(items) if f(x)]),
        "List.partition": lambda f: lambda items: (
            tuple(x for x in walked(items) if f(x)), tuple(x for x in elements(items) if not f(x))
        ),
        "List.tabulate": tabulate,
        "foldl": fold_left, "List.foldl": fold_left, "foldr": fold_right, "List.foldr": fold_right,
        "List.mapPartial": lambda f: lambda items: tuple(
            found[1] for each in walked(items) if (found := f(each)) != NONE
        ),
        "ListPair.map": lambda f: lambda pair: tuple(
            f(each) for each in walked(tuple(zip(*pair, strict=False)))
        ),
        "sort": _sorting(budget),
    }  # fmt: skip


def _sorting(budget: Budget) -> Function:
    def sort(before: Function) -> Function:
        def compare(left: Any, right: Any) -> int:
            budget.tick()
            return -1 if before((left, right)) else 1 if before((right, left)) else 0

        return lambda items: tuple(sorted(elements(items), key=cmp_to_key(compare)))

    return sort


def chances(budget: Budget) -> dict[str, Function]:
    """Return the distributions; they draw from what a simulation gave to `budget`."""
    draw = budget.unit_interval

    def discrete(pair: Any) -> int:
        low, high = pair
        if high < low:
            raise ValueError(f"a number from {low} to {high}")
        return int(low + math.floor(draw() * (high - low + 1)))

    def exponential(rate: Any) -> float:
        return float(-math.log(1.0 - draw()) / rate)

    def normal(pair: Any) -> float:
        mean, variance = pair
        root = math.sqrt(-2.0 * math.log(1.0 - draw()))
        return float(mean + math.sqrt(variance) * root * math.cos(2.0 * math.pi * draw()))

    def binomial(pair: Any) -> int:
        count, chance = pair
        budget.tick(count)
        return sum(draw() < chance for _ in range(count))

    def poisson(mean: Any) -> int:
        number, left = 0, draw()
        part = math.exp(-mean)
        while left > part and part > 0.0:
            budget.tick()
            number, left = number + 1, left - part
            part *= mean / number
        return number

    def erlang(pair: Any) -> float:
        count, rate = pair
        budget.tick(count)
        return float(sum(exponential(rate) for _ in range(count)))

    return {
        "uniform": lambda pair: pair[0] + draw() * (pair[1] - pair[0]),
        "discrete": discrete, "exponential": exponential, "normal": normal,
        "bernoulli": lambda chance: int(draw() < chance), "binomial": binomial,
        "poisson": poisson, "erlang": erlang,
    }  # fmt: skip
