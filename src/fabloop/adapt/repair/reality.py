"""What is so and what should be so: ground statements, effects on them, and how they differ."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from fabloop.model.service import Constant, Literal, Relation

Atom = tuple[str, ...]
"""A fluent and the names of the things it is said of."""

Reality = Mapping[Atom, Constant]
"""What each atom is; one that is not in it is false, and no number is known for it."""

VARIABLE = "?"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """An atom that is not what it was expected to be."""

    atom: Atom
    expected: Constant
    found: Constant


def reality_of(literals: Iterable[Literal]) -> dict[Atom, Constant]:
    """Return the reality that ground statements describe; later ones win."""
    found: dict[Atom, Constant] = {}
    for each in literals:
        put(found, each)
    return found


def literals_of(reality: Reality) -> tuple[Literal, ...]:
    """Return a reality as statements, in order of their atoms."""
    return tuple(
        Literal(fluent=atom[0], arguments=atom[1:], value=value)
        for atom, value in sorted(reality.items(), key=lambda item: item[0])
    )


def atom_of(literal: Literal) -> Atom:
    """Return what a statement is about."""
    return (literal.fluent, *literal.arguments)


def same(one: Constant, other: Constant) -> bool:
    """Tell whether two values are the same: a number is never a truth."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def is_number(value: Constant | None) -> bool:
    """Tell whether a value can be compared and counted."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_met(literal: Literal, reality: Reality) -> bool:
    """Tell whether a ground condition holds in a reality."""
    value = reality.get(atom_of(literal), False)
    match literal.relation:
        case Relation.AT_LEAST:
            return is_number(value) and value >= literal.value  # type: ignore[operator]  # numbers
        case Relation.AT_MOST:
            return is_number(value) and value <= literal.value  # type: ignore[operator]  # numbers
        case _:
            return same(value, literal.value)


def unmet(conditions: Iterable[Literal], reality: Reality) -> tuple[Literal, ...]:
    """Return the ground conditions that do not hold."""
    return tuple(each for each in conditions if not is_met(each, reality))


def put(reality: dict[Atom, Constant], effect: Literal) -> None:
    """Let a ground effect come true; counting leaves an unknown number unknown."""
    atom = atom_of(effect)
    if effect.relation in (Relation.MORE, Relation.LESS):
        was = reality.get(atom)
        sign = 1 if effect.relation is Relation.MORE else -1
        if is_number(was):
            reality[atom] = was + sign * effect.value  # type: ignore[operator]  # numbers
    else:
        reality[atom] = effect.value


def after(reality: Reality, effects: Iterable[Literal]) -> dict[Atom, Constant]:
    """Return what is so once ground effects have come true."""
    found = dict(reality)
    for each in effects:
        put(found, each)
    return found


def differences(expected: Reality, physical: Reality) -> tuple[Difference, ...]:
    """Return what is otherwise than expected, in order of the atoms."""
    found = []
    for atom in sorted(expected.keys() | physical.keys()):
        wanted, is_so = expected.get(atom, False), physical.get(atom, False)
        if not same(wanted, is_so):
            found.append(Difference(atom=atom, expected=wanted, found=is_so))
    return tuple(found)


def bind(literal: Literal, values: Mapping[str, str]) -> Literal:
    """Return a statement with its variables replaced where a value is given for them."""
    value = literal.value
    if isinstance(value, str) and value.startswith(VARIABLE):
        value = values.get(value, value)
    return Literal(
        fluent=literal.fluent,
        arguments=tuple(values.get(each, each) for each in literal.arguments),
        value=value,
        relation=literal.relation,
    )


def variables_in(literals: Iterable[Literal]) -> Iterator[str]:
    """Yield the variables of statements, each once, in order."""
    seen: dict[str, None] = {}
    for each in literals:
        terms = (*each.arguments, each.value)
        seen.update(dict.fromkeys(t for t in terms if isinstance(t, str) and t[:1] == VARIABLE))
    yield from seen


def said(literal: Literal) -> str:
    """Return a statement as it is read: ``baked(batch-7) = true``."""
    value = literal.value
    text = str(value).lower() if isinstance(value, bool) else str(value)
    about = f"({', '.join(literal.arguments)})" if literal.arguments else ""
    return f"{literal.fluent}{about} {literal.relation} {text}"
