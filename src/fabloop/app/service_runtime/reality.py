"""What is so on the shop floor, by what services did and by what was seen."""

from collections.abc import Iterable, Mapping

from fabloop.model.service import Constant, Literal

Atom = tuple[str, ...]
"""A fluent and what it is said of."""

VARIABLE = "?"


class Reality:
    """Ground statements: as they should be, and as they are; what is in neither is false."""

    def __init__(self) -> None:
        self.expected: dict[Atom, Constant] = {}
        self.physical: dict[Atom, Constant] = {}

    def expect(self, literals: Iterable[Literal]) -> None:
        """Take note of the effects of what was done: they should hold, and do so far."""
        for each in literals:
            self.expected[atom_of(each)] = each.value
            self.physical[atom_of(each)] = each.value

    def see(self, literals: Iterable[Literal]) -> None:
        """Take note of what was seen."""
        for each in literals:
            self.physical[atom_of(each)] = each.value

    def accept(self, about: str) -> None:
        """Take what is so about something for what should be so."""
        for atom in [each for each in self.physical if about in each[1:]]:
            self.expected[atom] = self.physical[atom]

    def unmet(self, literals: Iterable[Literal]) -> tuple[Literal, ...]:
        """Return the ground statements that do not hold."""
        return tuple(e for e in literals if self.physical.get(atom_of(e), False) != e.value)


def atom_of(literal: Literal) -> Atom:
    """Return what a statement is about."""
    return (literal.fluent, *literal.arguments)


def ground(literals: Iterable[Literal], values: Mapping[str, object]) -> tuple[Literal, ...]:
    """Return statements with their variables replaced by values, where there are any."""
    return tuple(_bound(each, values) for each in literals)


def _bound(literal: Literal, values: Mapping[str, object]) -> Literal:
    value = literal.value
    return Literal(
        fluent=literal.fluent,
        arguments=tuple(str(_value(each, values)) for each in literal.arguments),
        value=_value(value, values) if isinstance(value, str) else value,
    )


def _value(text: str, values: Mapping[str, object]) -> str:
    name = text.removeprefix(VARIABLE)
    return str(values[name]) if name != text and name in values else text


def said(literal: Literal) -> str:
    """Return a statement as people read it."""
    arguments = f"({', '.join(literal.arguments)})" if literal.arguments else ""
    match literal.value:
        case True:
            return f"{literal.fluent}{arguments}"
        case False:
            return f"not {literal.fluent}{arguments}"
        case value:
            return f"{literal.fluent}{arguments} = {value}"
