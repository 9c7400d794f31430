"""Colour sets: which values belong to a declared colour."""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from fabloop.base.names import did_you_mean
from fabloop.process.cpn.model import (
    BUILT_IN,
    AnyColour,
    BoolColour,
    Colour,
    EnumColour,
    IntColour,
    ListColour,
    ProductColour,
    RealColour,
    RecordColour,
    SubsetColour,
    TextColour,
    TimedColour,
    UnionColour,
    UnitColour,
)
from fabloop.process.cpn.token import (
    INT_MAX,
    INT_MIN,
    LIST_LENGTH_MAX,
    TEXT_LENGTH_MAX,
    Token,
    freeze,
)

Test: TypeAlias = Callable[[object], bool]

Judge: TypeAlias = Callable[[str, str], Test]
"""Returns the test that a subset's condition stands for, from the colour's name and the text."""

COLOUR_DEPTH_MAX = 20


class ColourSet(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A colour that is ready to check values, with the colours of its parts.

    Attributes
    ----------
    colour : what values look like; of a subset or timed colour, that of the colour behind it
    parts : colours of a product's places by ``0``, ``1`` ..., a record's fields, a list's ``*``,
        a union's cases that carry something
    timed : whether places of it are timed
    narrowed : whether it is a subset, so that the parts alone do not make a value of it
    listed : the values of a subset that lists them
    """

    name: str
    colour: Colour
    admits: Test
    parts: "dict[str, ColourSet]" = {}
    timed: bool = False
    narrowed: bool = False
    listed: tuple[Token, ...] = ()


def _admits_any(value: object, depth: int = 0) -> bool:
    if depth > COLOUR_DEPTH_MAX:
        return False
    match value:
        case None | bool():
            return True
        case int():
            return INT_MIN <= value <= INT_MAX
        case float():
            return isfinite(value)
        case str():
            return len(value) <= TEXT_LENGTH_MAX
        case tuple():
            return len(value) <= LIST_LENGTH_MAX and all(_admits_any(v, depth + 1) for v in value)
        case dict():
            return len(value) <= LIST_LENGTH_MAX and all(
                _admits_any(v, depth + 1) for v in value.values()
            )
        case _:
            return False


def _int_test(low: int, high: int) -> Test:
    return lambda value: type(value) is int and low <= value <= high


def _product_test(tests: tuple[Test, ...]) -> Test:
    size = len(tests)

    def admits(value: object) -> bool:
        if type(value) is not tuple or len(value) != size:
            return False
        return all(test(each) for test, each in zip(tests, value, strict=True))

    return admits


def _record_test(tests: dict[str, Test], *, further: bool) -> Test:
    names = tests.keys()

    def admits(value: object) -> bool:
        if not isinstance(value, dict):
            return False
        if not (names <= value.keys() if further else names == value.keys()):
            return False
        return all(test(value[name]) for name, test in tests.items()) and (
            not further or _admits_any(value)
        )

    return admits


def _list_test(test: Test, longest: int) -> Test:
    return lambda value: (
        type(value) is tuple and len(value) <= longest and all(test(each) for each in value)
    )


def _part_names(colour: Colour) -> dict[str, str]:
    match colour:
        case ProductColour(of=of):
            return {str(index): name for index, name in enumerate(of)}
        case RecordColour(fields=fields):
            return fields
        case ListColour(of=name):
            return {"*": name}
        case UnionColour(cases=cases):
            return {case: name for case, name in cases.items() if name}
        case SubsetColour(of=name) | TimedColour(of=name):
            return {"": name}
        case _:
            return {}


def _test_of(colour: Colour, parts: dict[str, ColourSet]) -> Test:  # noqa: PLR0911  # one each
    match colour:
        case UnitColour():
            return lambda value: value == () and type(value) is tuple
        case BoolColour():
            return lambda value: value is True or value is False
        case IntColour(low=low, high=high):
            return _int_test(max(low, INT_MIN), min(high, INT_MAX))
        case RealColour():
            return lambda value: type(value) in (int, float) and _admits_any(value)
        case TextColour():
            return lambda value: isinstance(value, str) and len(value) <= TEXT_LENGTH_MAX
        case EnumColour(values=values):
            known = frozenset(values)
            return lambda value: isinstance(value, str) and value in known
        case ProductColour():
            return _product_test(tuple(part.admits for part in parts.values()))
        case RecordColour(open=further):
            return _record_test({n: part.admits for n, part in parts.items()}, further=further)
        case ListColour(longest=longest):
            return _list_test(parts["*"].admits, min(longest, LIST_LENGTH_MAX))
        case UnionColour(cases=cases):
            return _union_test(cases, {case: part.admits for case, part in parts.items()})
        case SubsetColour() | TimedColour():
            return parts[""].admits
        case AnyColour():
            return _admits_any
    assert_never(colour)


def _union_test(cases: Mapping[str, str], tests: Mapping[str, Test]) -> Test:
    alone = frozenset(case for case, name in cases.items() if not name)

    def admits(value: object) -> bool:
        if isinstance(value, str):
            return value in alone
        if type(value) is not tuple or len(value) != 2:
            return False
        test = tests.get(value[0]) if isinstance(value[0], str) else None
        return test is not None and test(value[1])

    return admits


def _subset_test(name: str, colour: SubsetColour, base: Test, judge: Judge) -> Test:
    """Return the test of a subset; its condition is read when it is first asked."""
    if colour.values:
        known = frozenset(freeze(value) for value in colour.values)
        return lambda value: base(value) and value in known
    made: list[Test] = []

    def admits(value: object) -> bool:
        if not made:
            made.append(judge(name, colour.when))
        return base(value) and made[0](value)

    return admits


def colour_text(colour: Colour) -> str:  # noqa: PLR0911  # one each
    """Return what a colour demands, for error messages."""
    match colour:
        case IntColour(low=low, high=high):
            return f"an integer from {low} to {high}"
        case EnumColour(values=values):
            return "one of " + ", ".join(repr(value) for value in values)
        case ProductColour(of=of):
            return f"a tuple ({', '.join(of)})"
        case RecordColour(fields=fields):
            return "a record {" + ", ".join(f"{n}: {c}" for n, c in fields.items()) + "}"
        case ListColour(of=of, longest=longest):
            return f"a list of at most {longest} {of}"
        case TextColour():
            return f"text of at most {TEXT_LENGTH_MAX} characters"
        case BoolColour():
            return "true or false"
        case UnitColour():
            return "the unit value ()"
        case RealColour():
            return "a finite number"
        case AnyColour():
            return "plain data"
        case UnionColour(cases=cases):
            return "one of " + ", ".join(
                f"{case}({name})" if name else case for case, name in cases.items()
            )
        case SubsetColour(of=of) | TimedColour(of=of):
            return f"a value of {of}"
    assert_never(colour)


class Palette:
    """The colours of one net by name; collects what is wrong with their declarations."""

    def __init__(self, declared: Mapping[str, Colour], judge: Judge | None = None) -> None:
        self._judge = judge
        self.faults: list[tuple[str, str, str, str]] = []
        self.sets: dict[str, ColourSet] = {}
        self._known: dict[str, Colour] = {**BUILT_IN, **declared}
        for name in self._known:
            self._build(name, ())
        for name, colour in declared.items():
            self._check(name, colour)

    def _check(self, name: str, colour: Colour) -> None:
        match colour:
            case IntColour(low=low, high=high) if low > high:
                self._fault(name, "low <= high", f"{low} > {high}", "")
            case EnumColour(values=values) if not values or len(set(values)) < len(values):
                self._fault(name, "at least one value, each once", repr(values), "")
            case ListColour(longest=longest) if longest < 0:
                self._fault(name, "longest >= 0", str(longest), "")
            case UnionColour(cases=cases) if not cases:
                self._fault(name, "at least one case", "none", "")
            case SubsetColour(values=values, when=when) if bool(values) == bool(when):
                self._fault(name, "either values or a condition", "both" if when else "none", "")
            case _:
                pass

    def _fault(self, name: str, expected: str, found: str, hint: str) -> None:
        self.faults.append((f"colour {name}", expected, found, hint))

    def _build(self, name: str, above: tuple[str, ...]) -> ColourSet:
        if name in self.sets:
            return self.sets[name]
        parts: dict[str, ColourSet] = {}
        for part, part_name in _part_names(self._known[name]).items():
            if part_name not in self._known:
                hint = did_you_mean(part_name, self._known)
                self._fault(name, "the name of a colour", repr(part_name), hint)
            elif part_name == name or part_name in above or len(above) > COLOUR_DEPTH_MAX:
                self._fault(name, "colours that end", f"{part_name!r} inside itself", "")
            else:
                parts[part] = self._build(part_name, (*above, name))
        made = self._made(name, self._known[name], parts)
        self.sets[name] = made
        return made

    def _made(self, name: str, colour: Colour, parts: dict[str, ColourSet]) -> ColourSet:
        if len(parts) < len(_part_names(colour)):
            return ColourSet(name=name, colour=colour, admits=_admits_any, parts=parts)
        test = _test_of(colour, parts)
        match colour:
            case TimedColour():
                return replace(parts[""], name=name, timed=True)
            case SubsetColour(values=values):
                try:
                    listed = tuple(freeze(value) for value in values)
                except TypeError as error:
                    self._fault(name, "plain values", str(error), "")
                    listed = ()
                for value in listed:
                    if not test(value):
                        self._fault(name, f"values of {colour.of}", f"{value!r:.80}", "")
                if self._judge is not None or listed:
                    judge = self._judge or _nothing
                    test = _subset_test(name, replace(colour, values=listed), test, judge)
                return replace(parts[""], name=name, admits=test, narrowed=True, listed=listed)
            case _:
                return ColourSet(name=name, colour=colour, admits=test, parts=parts)


def _nothing(_name: str, _when: str) -> Test:
    return lambda _value: True
