"""A few of many things that are alike: a small world in which plans are found fast."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from fabloop.adapt.repair.domain import Domain, Thing
from fabloop.adapt.repair.reality import Atom, Reality
from fabloop.model.service import Constant, Literal

ROUNDS = 3
"""How far one looks along statements to tell things apart."""


class World(msgspec.Struct, frozen=True, kw_only=True):
    """A domain with what is so in it; `whole` where nothing was left out."""

    domain: Domain
    initial: Reality
    whole: bool


def worlds(
    domain: Domain, initial: Reality, goal: Sequence[Literal], sizes: Sequence[int] = (1, 2)
) -> Iterable[World]:
    """Yield ever larger worlds, at last the whole one: with one, two and all of those alike.

    A plan in a small world is one in the whole: no action speaks of all things. The other way
    round it is not, so that a small world proves nothing.
    """
    named = {each for e in goal for each in (*e.arguments, e.value) if isinstance(each, str)}
    named |= _constants(domain)
    alike = _alike(domain, initial, named)
    last = 0
    for size in sizes:
        kept = {each for group in alike for each in group[:size]}
        if len(kept) == len(domain.things):
            break
        if len(kept) > last:
            last = len(kept)
            yield _reduced(domain, initial, kept)
    yield World(domain=domain, initial=initial, whole=True)


def _constants(domain: Domain) -> set[str]:
    stated = [each for action in domain.actions for each in (*action.requires, *action.effects)]
    return {t for e in (*stated, *domain.never) for t in (*e.arguments, e.value)
            if isinstance(t, str)}  # fmt: skip


def _alike(domain: Domain, initial: Reality, named: set[str]) -> list[list[str]]:
    """Return things in groups that nothing said of them tells apart; named ones stand alone."""
    colour: dict[str, object] = {
        each.name: (_sort(each), each.name if each.name in named else "") for each in domain.things
    }
    said: dict[str, list[tuple[Atom, Constant, int]]] = defaultdict(list)
    for atom, value in initial.items():
        for place, term in enumerate((*atom[1:], value)):
            if isinstance(term, str) and term in colour:
                said[term].append((atom, value, place))
    for _ in range(ROUNDS):
        fresh = {name: _look(name, colour, said[name]) for name in colour}
        numbers: dict[object, int] = {}
        for name in colour:
            colour[name] = numbers.setdefault(fresh[name], len(numbers))
    groups: dict[object, list[str]] = defaultdict(list)
    for name, each in colour.items():
        groups[each].append(name)
    return list(groups.values())


def _look(
    name: str, colour: dict[str, object], said: Sequence[tuple[Atom, Constant, int]]
) -> object:
    """Return what a thing is like: what is said of it, of which sort the other things are."""
    seen = []
    for atom, value, place in said:
        terms = (*atom[1:], value)
        others = tuple(
            "" if n == place else repr(colour.get(term, term) if isinstance(term, str) else term)
            for n, term in enumerate(terms)
        )
        seen.append((atom[0], place, others))
    return colour[name], tuple(sorted(seen))


def _sort(thing: Thing) -> tuple[object, ...]:
    return thing.kind, thing.also, thing.exclusive


def _reduced(domain: Domain, initial: Reality, kept: set[str]) -> World:
    gone = {each.name for each in domain.things} - kept
    return World(
        domain=msgspec.structs.replace(
            domain, things=tuple(each for each in domain.things if each.name in kept)
        ),
        initial={
            atom: value
            for atom, value in initial.items()
            if not gone.intersection(atom) and value not in gone
        },
        whole=False,
    )
