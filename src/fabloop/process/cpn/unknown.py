"""A value that only a run can tell: what a job answers, what a process brings to a page.

Verification computes with it. Whatever is derived from it is unknown too; where a decision hangs
on it, `Undecided` is raised, or the decision is taken both ways (`every_way`).
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from fabloop.process.cpn.token import Record, freeze

WAYS_MAX = 64
T = TypeVar("T")


class Undecided(Exception):  # a signal between the verifier and its expressions
    """A truth value, length or number was asked of an unknown value."""


class _Ways:
    """Truth values handed out to one evaluation, and which were asked for."""

    def __init__(self) -> None:
        self.given: list[bool] | None = None
        self.asked: list[bool] = []

    def next(self) -> bool:
        if self.given is None:
            raise Undecided
        place = len(self.asked)
        if place >= WAYS_MAX.bit_length():
            raise Undecided
        self.asked.append(self.given[place] if place < len(self.given) else False)
        return self.asked[-1]


_WAYS = _Ways()


class Unknown:
    """The unknown value; there is one, `UNKNOWN`."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return _WAYS.next()

    def __len__(self) -> int:
        raise Undecided

    def __iter__(self) -> Iterator[object]:
        raise Undecided

    def __int__(self) -> int:
        raise Undecided

    def __hash__(self) -> int:
        return 0x5EED

    def __repr__(self) -> str:
        return "?"

    def _unknown(self, *_arguments: object) -> "Unknown":
        return self

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _unknown  # type: ignore[assignment]
    __add__ = __radd__ = __sub__ = __rsub__ = __floordiv__ = __rfloordiv__ = _unknown
    __truediv__ = __rtruediv__ = __neg__ = __pos__ = __abs__ = __getitem__ = _unknown
    __round__ = _unknown

    def __contains__(self, _value: object) -> bool:
        raise Undecided


UNKNOWN: Final = Unknown()


def is_unknown(value: object) -> bool:
    """Tell whether a value is the unknown one (and not merely contains it)."""
    return value is UNKNOWN


def every_way(compute: Callable[[], T]) -> list[T]:
    """Return the results of an evaluation for all truth values its unknowns may have.

    Raises
    ------
    Undecided
        More than `WAYS_MAX` ways, or something other than a truth value hangs on an unknown.
    """
    results: list[T] = []
    given: list[bool] = []
    try:
        while True:
            _WAYS.given, _WAYS.asked = given, []
            results.append(compute())
            given = list(_WAYS.asked)
            while given and given[-1]:
                given.pop()
            if not given:
                return results
            given[-1] = True
            if len(results) >= WAYS_MAX:
                raise Undecided
    finally:
        _WAYS.given = None


def merged(*records: object) -> object:
    """Lay records over another; over and under an unknown one, every field is unknown."""
    if any(record is UNKNOWN for record in records):
        return UNKNOWN
    fields: dict[str, object] = {}
    for record in records:
        if not isinstance(record, dict):
            raise TypeError(f"Expected records to merge, but found {record!r:.80}.")
        fields.update(record)
    return built(**fields)


def built(**fields: object) -> Record:
    """Return a record whose fields may be unknown."""
    return Record((name, _frozen(fields[name])) for name in sorted(fields))


def _frozen(value: object) -> Any:
    return value if _holds_unknown(value) else freeze(value)


def _holds_unknown(value: object) -> bool:
    match value:
        case Unknown():
            return True
        case tuple() | list():
            return any(_holds_unknown(each) for each in value)
        case dict():
            return any(_holds_unknown(each) for each in value.values())
        case _:
            return False
