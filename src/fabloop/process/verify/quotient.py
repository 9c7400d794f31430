"""Counts interchangeable tokens instead of telling them apart: an exact quotient of a flat net.

The fields of all copies become one. What can happen stays the same step by step, so every verdict
does; and as each token is on exactly one field of its copy, or gone, it is known how many
markings of the full net one marking of the quotient stands for.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec

from fabloop.process.verify.copies import Copies, find_copies
from fabloop.process.verify.flat import (
    Bound,
    Final,
    FlatNet,
    FlatPlace,
    FlatTransition,
    Orbit,
    Refund,
    fire,
)

STAGES_MAX = 16
"""Sets of interchangeable tokens that are merged, one after the other."""


class Quotient(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A smaller net with the same behaviour.

    Attributes
    ----------
    alike : per transition, those of the full net that it stands for
    merged : which tokens are no longer told apart, as a person reads it
    """

    net: FlatNet
    alike: tuple[tuple[int, ...], ...]
    merged: tuple[str, ...]


def quotient_of(net: FlatNet) -> Quotient:
    """Return the net with all sets of interchangeable tokens merged; itself if there are none."""
    alike: tuple[tuple[int, ...], ...] = tuple((n,) for n in range(len(net.transitions)))
    merged: list[str] = []
    for _ in range(STAGES_MAX):
        copies = find_copies(net)
        if copies is None:
            break
        merged.append(f"{len(copies.fields)} tokens on {copies.place!r}")
        net, stands_for = _merged(net, copies)
        alike = tuple(tuple(a for n in each for a in alike[n]) for each in stands_for)
    return Quotient(net=net, alike=alike, merged=tuple(merged))


def concrete(net: FlatNet, quotient: Quotient, firings: Sequence[int]) -> list[int]:
    """Return transitions of the full net that a firing sequence of the quotient stands for."""
    marking = {field: count for field, count in enumerate(net.initial) if count}
    steps: list[int] = []
    for number in firings:
        fired = ((step, fire(net.transitions[step], marking)) for step in quotient.alike[number])
        step, after = next((s, m) for s, m in fired if m is not None)
        steps.append(step)
        marking = after
    return steps


def _merged(net: FlatNet, copies: Copies) -> tuple[FlatNet, list[tuple[int, ...]]]:
    """Return the net with the copies as one, and per transition those that it stands for."""
    first = copies.fields[0]
    of = {field: first[n] for own in copies.fields for n, field in enumerate(own)}
    kept = [field for field in range(len(net.fields)) if of.get(field, field) == field]
    new = {field: n for n, field in enumerate(kept)}
    number = {field: new[of.get(field, field)] for field in range(len(net.fields))}
    group = {n: k for k, n in enumerate(copies.transitions[0])}
    gone = {n for moves in copies.transitions[1:] for n in moves}
    stay = [n for n in range(len(net.transitions)) if n not in gone]
    place = {old: n for n, old in enumerate(stay)}
    stands_for = [
        tuple(moves[group[n]] for moves in copies.transitions) if n in group else (n,) for n in stay
    ]
    some = frozenset(number[field] for field in first)
    orbits = [_renumbered(orbit, number, some) for orbit in net.orbits]
    orbits.append(Orbit(size=len(copies.fields), fields=some, last=some))
    initial = _summed(dict(enumerate(net.initial)), number)
    return FlatNet(
        fields=tuple(
            f"{net.fields[field]} or alike" if field in of else net.fields[field] for field in kept
        ),
        initial=tuple(initial[field] for field in range(len(kept))),
        transitions=tuple(_moved(net.transitions[n], number, place) for n in stay),
        bounds=tuple(_bound(bound, number) for bound in net.bounds),
        final=Final(
            empty=frozenset(number[f] for f in net.final.empty),
            equal=_summed(net.final.equal, number),
            test=net.final.test,
            places=tuple(_once(group, number) for group in net.final.places),
            stated=net.final.stated,
        ),
        elements=net.elements,
        places=tuple(FlatPlace(p.name, _once(p.fields, number)) for p in net.places),
        orbits=tuple(orbits),
    ), stands_for


def _summed(tokens: dict[int, int], number: dict[int, int]) -> dict[int, int]:
    total: Counter[int] = Counter()
    for field, count in tokens.items():
        total[number[field]] += count
    return dict(total)


def _once(fields: Sequence[int], number: dict[int, int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(number[field] for field in fields))


def _bound(bound: Bound, number: dict[int, int]) -> Bound:
    return msgspec.structs.replace(bound, fields=_once(bound.fields, number))


def _renumbered(orbit: Orbit, number: dict[int, int], merged: frozenset[int]) -> Orbit:
    fields = frozenset(number[field] for field in orbit.fields)
    last = frozenset(number[field] for field in orbit.last) - merged
    return Orbit(size=orbit.size, fields=fields, last=last)


def _moved(
    transition: FlatTransition, number: dict[int, int], place: dict[int, int]
) -> FlatTransition:
    return msgspec.structs.replace(
        transition,
        pre=_summed(transition.pre, number),
        post=_summed(transition.post, number),
        zero=frozenset(number[f] for f in transition.zero),
        clears=frozenset(number[f] for f in transition.clears),
        refunds=tuple(Refund(number[r.held], number[r.to], r.count) for r in transition.refunds),
        leftover=tuple((number[f], count) for f, count in transition.leftover),
        yields=frozenset(place[n] for n in transition.yields),
        steps=(place[transition.steps[0]],),
    )
