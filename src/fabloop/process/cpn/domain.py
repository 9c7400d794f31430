"""All values of a colour, where they are few; how CPN ML writes one; one drawn by chance."""

from collections.abc import Callable, Iterator
from itertools import islice, product

from fabloop.process.cpn.colour import ColourSet
from fabloop.process.cpn.model import (
    BoolColour,
    EnumColour,
    IntColour,
    ListColour,
    ProductColour,
    RecordColour,
    UnionColour,
    UnitColour,
)
from fabloop.process.cpn.token import Record, Token

DOMAIN_MAX = 10_000
"""Most values of a colour that can be listed."""
CHOICES_MAX = 1_000
"""Most values that a variable which nothing binds is tried with."""


def size_of(colour: ColourSet) -> int | None:  # noqa: PLR0911  # one each
    """Return how many values a colour has at most, or None without a limit."""
    if colour.listed:
        return len(colour.listed)
    parts = {name: size_of(part) for name, part in colour.parts.items()}
    match colour.colour:
        case UnitColour():
            return 1
        case BoolColour():
            return 2
        case EnumColour(values=values):
            return len(values)
        case IntColour(low=low, high=high):
            return max(0, high - low + 1)
        case ProductColour() | RecordColour(open=False):
            total = 1
            for size in parts.values():
                if size is None:
                    return None
                total *= size
            return total
        case UnionColour(cases=cases):
            sizes = [parts[case] if name else 1 for case, name in cases.items()]
            return None if None in sizes else sum(size or 0 for size in sizes)
        case _:
            return None


def values_of(colour: ColourSet, most: int = DOMAIN_MAX) -> tuple[Token, ...] | None:
    """Return all values of a colour in their order; None where there are more than `most`."""
    size = size_of(colour)
    if size is None or size > max(most, 100 * DOMAIN_MAX if colour.narrowed else most):
        return None
    if size > DOMAIN_MAX:
        return None
    found = tuple(islice(_values(colour), most + 1))
    return found if len(found) <= most else None


def _values(colour: ColourSet) -> Iterator[Token]:
    if colour.listed:
        yield from colour.listed
    elif colour.narrowed:
        yield from (value for value in _plain_values(colour) if colour.admits(value))
    else:
        yield from _plain_values(colour)


def _plain_values(colour: ColourSet) -> Iterator[Token]:
    match colour.colour:
        case UnitColour():
            yield ()
        case BoolColour():
            yield from (False, True)
        case EnumColour(values=values):
            yield from values
        case IntColour(low=low, high=high):
            yield from range(low, high + 1)
        case ProductColour():
            yield from product(*(tuple(_values(part)) for part in colour.parts.values()))
        case RecordColour():
            names = sorted(colour.parts)
            for each in product(*(tuple(_values(colour.parts[name])) for name in names)):
                yield Record(zip(names, each, strict=True))
        case UnionColour(cases=cases):
            for case, name in cases.items():
                if name:
                    yield from ((case, value) for value in _values(colour.parts[case]))
                else:
                    yield case
        case _:
            raise AssertionError(f"colour {colour.name} has no list of values")


def ml_text(colour: ColourSet, value: object) -> str:  # noqa: PLR0911  # one each
    """Return a value as CPN ML writes it."""
    parts = colour.parts
    match colour.colour, value:
        case _, bool():
            return "true" if value else "false"
        case _, int() | float():
            return str(value).replace("-", "~")
        case EnumColour() | UnionColour(), str():
            return value
        case _, str():
            inside = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            return f'"{inside}"'
        case UnionColour(), (str() as case, inner):
            shown = ml_text(parts[case], inner)
            return f"{case}{shown}" if shown.startswith("(") else f"{case}({shown})"
        case ProductColour(), tuple():
            inner = zip(parts.values(), value, strict=True)
            return f"({','.join(ml_text(part, each) for part, each in inner)})"
        case ListColour(), tuple():
            return f"[{','.join(ml_text(parts['*'], each) for each in value)}]"
        case RecordColour(fields=fields), dict():
            return f"{{{','.join(f'{n}={ml_text(parts[n], value[n])}' for n in fields)}}}"
        case _:
            return "()" if value == () else repr(value)


def drawn(colour: ColourSet, below: Callable[[int], int]) -> Token:
    """Return a value of a colour with few values, drawn by chance."""
    found = values_of(colour)
    if not found:
        raise ValueError(f"a random value of {colour.name}, which has too many")
    return found[below(len(found))]
