"""Turns a transition's inscriptions into functions: find, enumerate, produce, duration."""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.process.cpn.colour import ColourSet, colour_text
from fabloop.process.cpn.compiled import Binding, Place
from fabloop.process.cpn.expression import NAMESPACE, Expression, Words, express
from fabloop.process.cpn.ml.values import split_delays, tokens_of
from fabloop.process.cpn.model import ProductColour
from fabloop.process.cpn.search import Arc, Condition, Search, group_arcs, trivial
from fabloop.process.cpn.source import made_function
from fabloop.process.cpn.token import Token, freeze
from fabloop.process.cpn.unknown import UNKNOWN, Undecided, built, merged

COUNT_MAX = 10_000
DELAY_NS_MAX = 10 * 366 * 86_400 * 10**9

FAILURES = (ArithmeticError, LookupError, TypeError, ValueError, RecursionError)
"""What an expression may raise on values it was not written for."""


class Output(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """An output arc, read; `delay` and `count` are expressions, with `many` a list of tokens."""

    place: int
    value: Expression
    count: Expression
    delay: Expression
    many: bool = False


class Inscribed(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Everything that is written at one transition, read and checked.

    Attributes
    ----------
    free : variables that nothing binds, with the values that each is tried with
    inhibits : places that must be empty
    clock : is told the time before anything is computed, where an inscription asks for it
    """

    net: str
    name: str
    arcs: list[Arc]
    conditions: list[Condition]
    outputs: list[Output]
    delay: Expression
    works: bool
    colours: dict[str, ColourSet]
    words: Words
    free: Mapping[str, tuple[Token, ...]] = {}
    inhibits: tuple[int, ...] = ()
    clock: object = None

    def groups(self) -> list[tuple[tuple[list[Arc], list[Condition]], frozenset[str]]]:
        """Return the independent groups of arcs, each with the free variables it must choose."""
        groups = group_arcs(self.arcs, self.conditions)
        needed = [
            frozenset(self.free)
            & {
                *(name for arc in arcs for name in arc.needs),
                *(name for test in tests for name in test.needs),
            }
            for arcs, tests in groups
        ]
        loose = frozenset(self.free).difference(*needed)
        return [
            (group, names | loose if n == 0 else names)
            for n, (group, names) in enumerate(zip(groups, needed, strict=True))
        ]


class Functions(msgspec.Struct, frozen=True, eq=False):
    """The generated functions of one transition."""

    find: Callable[..., Binding | None]
    parts: tuple[Callable[..., Iterator[Any]], ...]
    make: Callable[..., tuple[tuple[int, Token, Instant], ...]]
    duration: Callable[[Binding], int]
    space: dict[str, object]


class Lenient(msgspec.Struct, frozen=True, eq=False):
    """Functions of a transition for verification, untimed: tokens and results may be unknown.

    `parts` yield every binding that may be enabled; `make` checks no colours and adds no delays.
    """

    parts: tuple[Callable[..., Iterator[Any]], ...]
    make: Callable[..., tuple[tuple[int, Token, Instant], ...]]


def _pick(
    times: Sequence[int], values: Sequence[Token], value: Token, count: int, now: int,
    used: tuple[int, ...],
) -> tuple[int, ...]:  # fmt: skip
    """Return the positions of the `count` oldest ready tokens of a value; empty if too few."""
    found: list[int] = []
    place = -1
    try:
        while len(found) < count:
            place = values.index(value, place + 1)
            if times[place] > now:
                return ()
            if place not in used:
                found.append(place)
    except ValueError:
        return ()
    return tuple(found)


def _gather(
    times: Sequence[int], values: Sequence[Token], wanted: Sequence[Token], now: int,
    used: tuple[int, ...],
) -> tuple[int, ...] | None:  # fmt: skip
    """Return the positions of the oldest ready tokens of these values; None if one is missing."""
    found: tuple[int, ...] = ()
    for value in wanted:
        place = _pick(times, values, value, 1, now, used + found)
        if not place:
            return None
        found += place
    return found


def _space(read: Inscribed, constants: Mapping[str, object]) -> dict[str, object]:
    """Return the names that both kinds of generated functions refer to."""
    return {
        **NAMESPACE,
        **{f"f_{name}": function for name, function in read.words.functions.items()},
        **{f"c_{name}": value for name, value in constants.items()},
        **{f"d_{name}": values for name, values in read.free.items()},
        "_clock": read.clock,
        "_tokens": tokens_of,
        "_each": split_delays,
    }


def generate(
    read: Inscribed, places: Sequence[Place], constants: Mapping[str, object]
) -> Functions:
    """Return the functions of a transition whose inscriptions were read without a fault."""
    space: dict[str, object] = {
        **_space(read, constants),
        "_Binding": Binding,
        "_pick": _pick,
        "_gather": _gather,
        "_freeze": freeze,
        "_FAILURES": FAILURES,
        **_complaints(read, places),
        **{f"a{place}": places[place].colour.admits for place in range(len(places))},
    }
    groups = read.groups()
    finders = [
        _find_part(group, number, read.words, free) for number, (group, free) in enumerate(groups)
    ]
    for number, (_, lines) in enumerate(finders):
        if lines:
            space[f"part{number}"] = made_function(f"part{number}", "marking, now", lines, space)
    parts = [
        _timed(read) + Search(group, read.words, free=free).write("yield") for group, free in groups
    ]
    return Functions(
        made_function("find", "marking, now", _find_lines(read, finders), space),
        tuple(
            made_function(f"every{n}", "marking, now", _guarded(lines), space)
            for n, lines in enumerate(parts)
        ),
        made_function("make", "variables, result, now", _make_lines(read, places), space),
        made_function("duration", "binding", _duration_lines(read), space),
        space,
    )


def generate_lenient(
    read: Inscribed, places: Sequence[Place], constants: Mapping[str, object]
) -> Lenient:
    """Return the functions that compute with unknown values."""
    space: dict[str, object] = {
        **_space(read, constants),
        "f_merge": merged,
        "_record": built,
        "f_record": built,
        "_times": lambda left, right: _known_or(NAMESPACE["_times"], left, right),
        "_modulo": lambda left, right: _known_or(NAMESPACE["_modulo"], left, right),
        "_pick": _pick_lenient,
        "_freeze": lambda value: value,
        "_FAILURES": FAILURES,
        "_UNKNOWN": UNKNOWN,
        "_Undecided": Undecided,
        **_complaints(read, places),
        **{f"a{place}": _lenient_test(places[place], read) for place in range(len(places))},
    }
    untimed = [replace(place, timed=False) for place in places]
    parts = [
        _timed(read) + Search(group, read.words, free=free, lenient=True).write("yield")
        for group, free in read.groups()
    ]
    still = replace(read, works=True)  # no delay is added
    return Lenient(
        tuple(
            made_function(f"every{n}", "marking, now", _guarded(lines), space)
            for n, lines in enumerate(parts)
        ),
        made_function("make", "variables, result, now", _make_lines(still, untimed), space),
    )


def _lenient_test(place: Place, read: Inscribed) -> Callable[[object], bool]:
    """Return what tells one token from a list of them; colours are not checked otherwise."""
    mixed = any(arc.many for arc in read.arcs) or any(out.many for out in read.outputs)
    return place.colour.admits if mixed else lambda _value: True


def _timed(read: Inscribed) -> list[str]:
    return [] if read.clock is None else ["    _clock.now = now"]


def _known_or(function: Any, left: object, right: object) -> object:
    return UNKNOWN if left is UNKNOWN or right is UNKNOWN else function(left, right)


def _pick_lenient(
    _times: Sequence[int], values: Sequence[Token], value: Token, count: int, _now: int,
    used: tuple[int, ...],
) -> tuple[int, ...]:  # fmt: skip
    """Return positions of `count` tokens that are the same, unknown parts included."""
    found = [
        place
        for place, each in enumerate(values)
        if place not in used and (each is value or repr(each) == repr(value))
    ]
    return tuple(found[:count]) if len(found) >= count else ()


def counts_test(
    expression: Expression, names: Sequence[str], constants: Mapping[str, object]
) -> Callable[[Sequence[int]], bool]:
    """Return a test of token counts in the order of `names`; the expression reads only these."""
    space = {**NAMESPACE, **{f"c_{name}": value for name, value in constants.items()}}
    lines = [f"    v_{name} = counts[{names.index(name)}]" for name in sorted(expression.names)]
    test = made_function("final", "counts", [*lines, f"    return bool{expression.code}"], space)
    assert callable(test)
    return test  # type: ignore[no-any-return]  # its form is the line above


def _guarded(lines: list[str]) -> list[str]:
    return [
        "    try:",
        *("    " + line for line in lines),
        "    except _FAILURES as error:",
        "        raise _failed(error) from error",
    ]


def _complaints(read: Inscribed, places: Sequence[Place]) -> dict[str, object]:
    source, path = f"net {read.net}", f"transition {read.name}"

    def failed(error: Exception) -> Invalid:
        found = f"{type(error).__name__}: {error}"[:300]
        if isinstance(error, RecursionError):
            found = "calls that go too deep"
        hint = "Check the guard, the patterns and the outputs against the tokens."
        return Invalid(
            Fault(source=source, path=path, expected="inscriptions that fit the tokens",
                  found=found, hint=hint)
        )  # fmt: skip

    def misfit(place: int, value: object) -> Invalid:
        expected = f"{colour_text(places[place].colour.colour)} for place {places[place].name!r}"
        return Invalid(Fault(source=source, path=path, expected=expected, found=f"{value!r:.200}"))

    def amount(value: object, most: int, what: str) -> int:
        if type(value) is int and 0 <= value <= most:
            return value
        raise Invalid(
            Fault(source=source, path=path, expected=f"{what} from 0 to {most}",
                  found=f"{value!r:.80}")
        )  # fmt: skip

    return {"_failed": failed, "_misfit": misfit, "_amount": amount}


def _find_part(
    group: tuple[list[Arc], list[Condition]], number: int, words: Words, free: frozenset[str]
) -> tuple[list[str], list[str]]:
    """Return the lines inlined into ``find`` and, where a search is needed, those of ``part``."""
    match = trivial(group, words, free)
    if match is None:
        call = [
            f"r{number} = part{number}(marking, now)",
            f"if r{number} is None: return None",
        ]
        return call, Search(group, words, free=free).write("return")
    arc = group[0][0]
    inlined = [f"x{arc.number} = marking[{arc.place}].values[0]"]
    inlined += [f"v_{name} = {subject}" for name, subject in match.binds]
    return inlined, []


def _find_lines(read: Inscribed, finders: list[tuple[list[str], list[str]]]) -> list[str]:
    lines = [line.strip() for line in _timed(read)]
    lines += [f"if marking[{place}].times: return None" for place in read.inhibits]
    needed = {arc.place for arc in read.arcs if not arc.many}
    for place in dict.fromkeys(arc.place for arc in read.arcs):
        lines.append(f"T{place} = marking[{place}].times")
        if place in needed:
            lines.append(f"if not T{place} or T{place}[0] > now: return None")
    names: list[str] = []
    taken: list[str] = []
    for number, (inlined, searched) in enumerate(finders):
        lines += inlined
        if searched:
            names.append(f"**r{number}[0]")
            taken.append(f"*r{number}[1]")
    for (group, _), (_, searched) in zip(read.groups(), finders, strict=True):
        if not searched:
            arc = group[0][0]
            names += [f"{name!r}: v_{name}" for name in sorted(arc.binds)]
            taken.append(f"({arc.place}, x{arc.number}, T{arc.place}[0])")
    if len(finders) == 1 and finders[0][1]:
        lines.append("return _Binding(*r0)")
    else:
        lines.append(f"return _Binding({{{', '.join(names)}}}, ({', '.join(taken)},))")
    return _guarded(["    " + line for line in lines])


def _make_lines(read: Inscribed, places: Sequence[Place]) -> list[str]:
    used = {
        name
        for output in read.outputs
        for each in (output.value, output.count, output.delay)
        for name in each.names
    }
    if not read.works:
        used |= read.delay.names
    lines = [line.strip() for line in _timed(read)]
    lines += [f"v_{name} = variables[{name!r}]" for name in sorted(used - {"result"})]
    if "result" in used:
        lines.append("v_result = _freeze(result)")
    base = "now"
    if not read.works and not is_zero(read.delay):
        lines.append(f"later = now + {nanoseconds(read.delay)}")
        base = "later"
    entries = []
    for number, output in enumerate(read.outputs):
        place = places[output.place]
        lines.append(f"x{number} = {output.value.code}")
        if output.many:
            lines += _many_lines(number, output, base, timed=place.timed)
            entries.append(f"*y{number}")
            continue
        if not fits(output.value.tree, place.colour, read):
            lines.append(
                f"if not a{output.place}(x{number}): raise _misfit({output.place}, x{number})"
            )
        at = _instant(base, output.delay) if place.timed else "0"
        entry = f"({output.place}, x{number}, {at})"
        if output.count.code == "(1)":
            entries.append(entry)
        else:
            entries.append(f"*([{entry}] * _amount({output.count.code}, {COUNT_MAX}, 'a count'))")
    lines.append(f"return ({''.join(each + ', ' for each in entries)})")
    return _guarded(["    " + line for line in lines])


def _many_lines(number: int, output: Output, base: str, *, timed: bool) -> list[str]:
    place = output.place
    at = f"{_instant(base, output.delay)} + _amount(d, {DELAY_NS_MAX}, 'a delay')"
    entry = f"({place}, e, {at if timed else '0'})"
    return [
        f"y{number} = [{entry} for e, d in _each(x{number}, a{place})]",
        f"for e in y{number}:",
        f"    if not a{place}(e[1]): raise _misfit({place}, e[1])",
    ]


def _instant(base: str, delay: Expression) -> str:
    return base if is_zero(delay) else f"{base} + {nanoseconds(delay)}"


def is_zero(delay: Expression) -> bool:
    """Whether nothing is written for a delay."""
    return delay.code == "(0)"


def nanoseconds(delay: Expression) -> str:
    """Return the source of a delay that is checked."""
    return f"_amount({delay.code}, {DELAY_NS_MAX}, 'a delay in ns')"


def _duration_lines(read: Inscribed) -> list[str]:
    if not read.works or is_zero(read.delay):
        return ["    return 0"]
    lines = [line.strip() for line in _timed(read)]
    lines += [f"v_{name} = binding.variables[{name!r}]" for name in sorted(read.delay.names)]
    lines.append(f"return {nanoseconds(read.delay)}")
    return _guarded(["    " + line for line in lines])


def fits(tree: ast.expr, colour: ColourSet, read: Inscribed) -> bool:
    """Tell whether a value is of the colour whatever its variables hold, so no check is needed."""
    if isinstance(tree, ast.Name):
        return read.colours.get(tree.id) is colour
    if colour.narrowed:
        return False
    if isinstance(tree, ast.Tuple) and isinstance(colour.colour, ProductColour):
        parts = list(colour.parts.values())
        return len(parts) == len(tree.elts) and all(
            fits(each, part, read) for each, part in zip(tree.elts, parts, strict=True)
        )
    if isinstance(tree, ast.Constant | ast.Tuple) and not express(tree, read.words).names:
        try:
            return colour.admits(freeze(ast.literal_eval(tree)))
        except (ValueError, TypeError):
            return False
    return False
