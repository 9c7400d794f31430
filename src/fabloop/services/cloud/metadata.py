"""What is required of metadata: an operator for each key path, compiled once, asked many times."""

import math
import operator as compare
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from fabloop.base.errors import Fault
from fabloop.base.names import did_you_mean

Metadata: TypeAlias = Mapping[str, object]
Requirement: TypeAlias = Mapping[str, object]
"""By key path (``quality.rate``): a value to be equal to, or ``{"op": ..., "value": ...}``."""

Check: TypeAlias = Callable[[Metadata], bool]
PATTERN_CHARACTERS_MAX = 200
TEXT_CHARACTERS_MAX = 1_000
"""Of a text that an expression is tried on."""


class Operator(StrEnum):
    """How a value of metadata has to stand to the required one; a missing value never does."""

    EQUALS = "EQUALS"
    EQUALS_IGNORE_CASE = "EQUALS_IGNORE_CASE"
    INCLUDES = "INCLUDES"
    INCLUDES_IGNORE_CASE = "INCLUDES_IGNORE_CASE"
    STARTS_WITH = "STARTS_WITH"
    STARTS_WITH_IGNORE_CASE = "STARTS_WITH_IGNORE_CASE"
    ENDS_WITH = "ENDS_WITH"
    ENDS_WITH_IGNORE_CASE = "ENDS_WITH_IGNORE_CASE"
    REGEXP = "REGEXP"
    LESS_THAN = "LESS_THAN"
    LESS_THAN_OR_EQUALS_TO = "LESS_THAN_OR_EQUALS_TO"
    GREATER_THAN = "GREATER_THAN"
    GREATER_THAN_OR_EQUALS_TO = "GREATER_THAN_OR_EQUALS_TO"
    SIZE_EQUALS = "SIZE_EQUALS"
    CONTAINS = "CONTAINS"
    CONTAINS_ANY = "CONTAINS_ANY"
    IN = "IN"


_NOT = "NOT_"
_NOT_SIZE = "SIZE_NOT_EQUALS"
_NO_NEGATION = frozenset(
    {
        Operator.REGEXP,
        Operator.LESS_THAN,
        Operator.LESS_THAN_OR_EQUALS_TO,
        Operator.GREATER_THAN,
        Operator.GREATER_THAN_OR_EQUALS_TO,
        Operator.SIZE_EQUALS,
    }
)
WORDS: dict[str, tuple[Operator, bool]] = {
    **{each.value: (each, True) for each in Operator},
    **{f"{_NOT}{each}": (each, False) for each in Operator if each not in _NO_NEGATION},
    _NOT_SIZE: (Operator.SIZE_EQUALS, False),
}
"""The operators as they are written, with what they mean and whether it has to hold."""

_BELOW = frozenset({Operator.LESS_THAN.value, Operator.LESS_THAN_OR_EQUALS_TO.value})
_ABOVE = frozenset({Operator.GREATER_THAN.value, Operator.GREATER_THAN_OR_EQUALS_TO.value})
_MISSING = object()
_REPEATED_GROUP = re.compile(r"\)\s*([*+]|\{)")
_REPEAT = re.compile(r"(?<!\\)[*+{|]")


def value_at(metadata: Metadata, path: str) -> object:
    """Return the value at a key path; None where there is none."""
    found = _value(metadata, path.split("."))
    return None if found is _MISSING else found


def check_of(requirement: Requirement) -> Check:
    """Return what tells whether metadata meets a requirement: each of its keys does.

    The requirement has been checked by `requirement_faults`.
    """
    parts = [
        (path.split("."), *_judge_of(operator, value))
        for path, operator, value in terms(requirement)
    ]
    if len(parts) == 1 and len(parts[0][0]) == 1:
        (key,), judge, wanted = parts[0]

        def meets_one(metadata: Metadata) -> bool:
            found = metadata.get(key, _MISSING)
            return found is not _MISSING and found is not None and judge(found) is wanted

        return meets_one

    def meets(metadata: Metadata) -> bool:
        for path, judge, wanted in parts:
            found = _value(metadata, path)
            if found is _MISSING or found is None or judge(found) is not wanted:
                return False
        return True

    return meets


def any_of(requirements: Sequence[Requirement]) -> Check | None:
    """Return what tells whether metadata meets one requirement at least; None: none is asked."""
    checks = [check_of(each) for each in requirements if each]
    if not checks:
        return None
    if len(checks) == 1:
        return checks[0]
    return lambda metadata: any(check(metadata) for check in checks)


def terms(requirement: Requirement) -> Iterator[tuple[str, str, object]]:
    """Yield key path, operator as written, and required value."""
    for path, stated in requirement.items():
        if isinstance(stated, Mapping) and set(stated) == {"op", "value"}:
            yield path, str(stated["op"]).strip().upper(), stated["value"]
        else:
            yield path, Operator.EQUALS.value, stated


class Hint(NamedTuple):
    """What an index can find of a requirement: plain values, and limits, by key path."""

    values: dict[str, str | int | float]
    limits: dict[str, tuple[float, float]]


def hints(requirements: Sequence[Requirement]) -> tuple[Hint, ...]:
    """Return what is found of each requirement; none where nothing is required."""
    return tuple(_hint(each) for each in requirements if each)


def _hint(requirement: Requirement) -> Hint:
    values: dict[str, str | int | float] = {}
    limits: dict[str, tuple[float, float]] = {}
    for path, operator, value in terms(requirement):
        if operator == Operator.EQUALS and isinstance(value, str | int | float):
            values[path] = value
        elif operator in _BELOW and isinstance(value, int | float):
            limits[path] = (-math.inf, value)
        elif operator in _ABOVE and isinstance(value, int | float):
            limits[path] = (value, math.inf)
    return Hint(values, limits)


def requirement_faults(requirement: Requirement, source: str, path: str) -> list[Fault]:
    """Return all that is wrong with a requirement."""
    found: list[Fault] = []
    for key, operator, value in terms(requirement):
        place = f"{path}.{key}"
        known = WORDS.get(operator)
        if not key.strip():
            found.append(Fault(source=source, path=path, expected="a key path", found="nothing"))
        elif known is None:
            found.append(
                Fault(source=source, path=f"{place}.op", expected="an operator",
                    found=repr(operator), hint=did_you_mean(operator, WORDS))
            )  # fmt: skip
        elif (expected := _wrong(known[0], value)) is not None:
            found.append(
                Fault(source=source, path=f"{place}.value", expected=f"{expected} for {operator}",
                    found=repr(value)[:TEXT_CHARACTERS_MAX])
            )  # fmt: skip
    return found


def _wrong(operator: Operator, value: object) -> str | None:
    """Return what was expected where the value does not suit the operator."""
    match operator:
        case Operator.EQUALS | Operator.CONTAINS:
            return None
        case Operator.IN | Operator.CONTAINS_ANY:
            return None if isinstance(value, list) else "a list"
        case Operator.REGEXP:
            return _wrong_pattern(value)
        case (
            Operator.LESS_THAN
            | Operator.LESS_THAN_OR_EQUALS_TO
            | Operator.GREATER_THAN
            | Operator.GREATER_THAN_OR_EQUALS_TO
            | Operator.SIZE_EQUALS
        ):
            return None if _is_number(value) else "a number"
        case _:
            return None if isinstance(value, str) else "a text"


def _wrong_pattern(value: object) -> str | None:
    """Return why an expression is refused: no text, no expression, or one that may never end."""
    if not isinstance(value, str) or len(value) > PATTERN_CHARACTERS_MAX:
        return f"an expression of at most {PATTERN_CHARACTERS_MAX} characters"
    try:
        re.compile(value)
    except re.error as error:
        return f"an expression ({error})"
    if _REPEATED_GROUP.search(value) and _repeats_within(value):
        return "an expression without repetitions or choices within a repeated group"
    return None


def _repeats_within(pattern: str) -> bool:
    """Tell whether a repeated group repeats or chooses within: trying it may take for ever."""
    opened: list[int] = []
    for at, character in enumerate(pattern):
        if character == "(" and pattern[at - 1 : at] != "\\":
            opened.append(at)
        elif character == ")" and pattern[at - 1 : at] != "\\" and opened:
            start = opened.pop()
            if _REPEATED_GROUP.match(pattern, at) and _REPEAT.search(pattern, start, at):
                return True
    return False


def _value(metadata: object, path: Sequence[str]) -> object:
    found = metadata
    for key in path:
        if not isinstance(found, Mapping) or key not in found:
            return _MISSING
        found = found[key]
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(left: object, right: object) -> bool:
    """Compare as JSON does: a truth value is no number."""
    return left == right and isinstance(left, bool) is isinstance(right, bool)


def _judge_of(operator: str, required: object) -> tuple[Callable[[object], bool], bool]:
    """Return what judges a value that is there, and the verdict that is wanted."""
    kind, wanted = WORDS[operator]
    return _judges(kind, required), wanted


def _judges(kind: Operator, required: object) -> Callable[[object], bool]:
    match kind:
        case Operator.EQUALS:
            return lambda found: _same(found, required)
        case Operator.IN:
            assert isinstance(required, list), "requirements are checked before they are compiled"
            return lambda found: any(_same(found, each) for each in required)
        case Operator.CONTAINS:
            return lambda found: isinstance(found, list) and any(_same(x, required) for x in found)
        case Operator.CONTAINS_ANY:
            assert isinstance(required, list), "requirements are checked before they are compiled"
            return lambda found: (
                isinstance(found, list) and any(_same(x, y) for x in found for y in required)
            )
        case Operator.SIZE_EQUALS:
            return lambda found: isinstance(found, str | list) and len(found) == required
        case (
            Operator.LESS_THAN
            | Operator.LESS_THAN_OR_EQUALS_TO
            | Operator.GREATER_THAN
            | Operator.GREATER_THAN_OR_EQUALS_TO
        ):
            return _compared(kind, required)
        case _:
            return _text(kind, required)


def _compared(kind: Operator, required: object) -> Callable[[object], bool]:
    assert isinstance(required, int | float), "requirements are checked before they are compiled"
    limit = required
    holds: Callable[[float, float], bool] = {
        Operator.LESS_THAN: compare.lt,
        Operator.LESS_THAN_OR_EQUALS_TO: compare.le,
        Operator.GREATER_THAN: compare.gt,
    }.get(kind, compare.ge)

    def judge(found: object) -> bool:
        return (
            isinstance(found, int | float) and not isinstance(found, bool) and holds(found, limit)
        )

    return judge


def _text(kind: Operator, required: object) -> Callable[[object], bool]:
    assert isinstance(required, str), "requirements are checked before they are compiled"
    if kind is Operator.REGEXP:
        pattern = re.compile(required)
        return lambda found: (
            isinstance(found, str)
            and len(found) <= TEXT_CHARACTERS_MAX
            and pattern.fullmatch(found) is not None
        )
    folds = kind.endswith("_IGNORE_CASE")
    wanted = required.casefold() if folds else required
    plain = kind.removesuffix("_IGNORE_CASE")

    def judge(found: object) -> bool:
        if not isinstance(found, str):
            return False
        text = found.casefold() if folds else found
        match plain:
            case "EQUALS":
                return text == wanted
            case "INCLUDES":
                return wanted in text
            case "STARTS_WITH":
                return text.startswith(wanted)
            case _:
                return text.endswith(wanted)

    return judge
