"""Process variables at the border: plain, of bounded size, and nobody else's to change."""

import re
from collections.abc import Mapping
from decimal import Decimal
from math import isfinite

from fabloop.base.errors import Fault, Invalid
from fabloop.process.commands import Variables
from fabloop.process.cpn.token import INT_MAX, INT_MIN
from fabloop.process.definition import BUSINESS_KEY, NOWHERE, Scope

VALUES_MAX = 100_000
DEPTH_MAX = 40
TEXT_LENGTH_MAX = 1_000_000

_SCALARS = frozenset({str, bool, int, float, type(None)})
_NAME = re.compile(r"[^\W\d].*$")


def admit(variables: object, source: str) -> Variables:
    """Return a copy of what a caller hands in as variables.

    Raises
    ------
    Invalid
        Something in it is not plain data; every such place is named.
    """
    if not isinstance(variables, dict):
        raise Invalid(_fault(source, "$", "variables by name", type(variables).__name__))
    if _is_simple(variables):
        return dict(variables)
    copier = _Copier(source)
    copied = copier.copy(variables, "$", 0)
    if copier.faults:
        raise Invalid(copier.faults)
    assert isinstance(copied, dict), "a mapping is copied as a mapping"
    return copied


def _is_simple(variables: Mapping[object, object]) -> bool:
    """Whether all are plain already and hold nothing that is to be copied, as most are."""
    if len(variables) >= VALUES_MAX:
        return False
    for name, value in variables.items():
        if type(name) is not str or not _is_plain(value):
            return False
    return True


def _is_plain(value: object) -> bool:
    if type(value) is int:
        return INT_MIN <= value <= INT_MAX
    if type(value) is str:
        return len(value) <= TEXT_LENGTH_MAX
    if type(value) is float:
        return isfinite(value)
    return value is None or type(value) is bool


def plain_value(value: object, source: str) -> object:
    """Return a computed value as plain data; raises Invalid where it has no plain form."""
    if type(value) is str or _is_plain(value):
        return value
    copier = _Copier(source)
    copied = copier.copy(value, "$", 0)
    if copier.faults:
        raise Invalid(copier.faults)
    return copied


def with_data(scope: Scope, variables: Variables, business_key: str = "") -> Variables:
    """Return the variables that a frame of a scope begins with: its data objects are null."""
    if not scope.data:
        return variables
    made: Variables = dict.fromkeys(scope.data)
    if BUSINESS_KEY in made and scope.owner == NOWHERE:
        made[BUSINESS_KEY] = business_key
    return {**made, **variables}


class _Copier:
    def __init__(self, source: str) -> None:
        self.source = source
        self.faults: list[Fault] = []
        self.left = VALUES_MAX

    def copy(self, value: object, path: str, depth: int) -> object:
        self.left -= 1
        if self.left < 0 or depth > DEPTH_MAX:
            if self.left >= -1:
                expected = f"at most {VALUES_MAX} values, {DEPTH_MAX} deep"
                self.faults.append(_fault(self.source, path, expected, "more"))
            return None
        match value:
            case dict():
                return {
                    self._name(name, path): self.copy(each, f"{path}.{name}", depth + 1)
                    for name, each in value.items()
                }
            case list() | tuple():
                return [
                    self.copy(each, f"{path}[{number}]", depth + 1)
                    for number, each in enumerate(value)
                ]
            case _:
                return self._scalar(value, path)

    def _name(self, name: object, path: str) -> str:
        if isinstance(name, str):
            return name
        self._refuse(path, "names as text", name)
        return ""

    def _scalar(self, value: object, path: str) -> object:
        match value:
            case None | bool():
                return value
            case str():
                if len(value) <= TEXT_LENGTH_MAX:
                    return value
                self._refuse(path, f"at most {TEXT_LENGTH_MAX} characters", value)
            case int():
                if INT_MIN <= value <= INT_MAX:
                    return value
                self._refuse(path, "an integer of at most 64 bits", value)
            case float():
                if isfinite(value):
                    return value
                self._refuse(path, "a finite number", value)
            case Decimal():
                return self._scalar(_number(value), path)
            case _:
                self._refuse(path, "plain data", value)
        return None

    def _refuse(self, path: str, expected: str, value: object) -> None:
        self.faults.append(_fault(self.source, path, expected, f"{value!r:.80}"))


def _number(value: Decimal) -> int | float:
    whole = value.is_finite() and value == value.to_integral_value()
    return int(value) if whole else float(value)


def _fault(source: str, path: str, expected: str, found: str) -> Fault:
    return Fault(source=source, path=path, expected=expected, found=found)
