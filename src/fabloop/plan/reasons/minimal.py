"""Smallest sets that cannot hold together, and smallest sets whose removal helps.

Sets are bit masks. One conflict comes from QuickXplain (Junker, 2004). All of them come from
dualising what is known: every smallest set that hits all known conflicts is either a correction
(what is left holds) or shows a new conflict; when all of them are corrections, nothing is missing
(Gunopulos et al., 1997, "dualize and advance"; MARCO does the same with a SAT solver).
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeVar

import msgspec

HITTING_SETS_MAX = 256
"""Smallest sets of demands that are tried in search of further conflicts; beyond, some may miss."""

Atom = TypeVar("Atom", bound=Hashable)
Holds = Callable[[int], bool]


def bits_of(mask: int) -> Iterator[int]:
    """Yield the single bits of a mask, lowest first."""
    while mask:
        low = mask & -mask
        yield low
        mask ^= low


def minimal_conflict(atoms: Sequence[Atom], holds: Callable[[frozenset[Atom]], bool]) -> list[Atom]:
    """Return a smallest-by-inclusion part of `atoms` that does not hold, by QuickXplain.

    Earlier atoms are preferred in it. Empty where all hold together, or nothing can be blamed:
    not even no atom holds.
    """

    def holds_mask(mask: int) -> bool:
        return holds(frozenset(atoms[bit.bit_length() - 1] for bit in bits_of(mask)))

    found = smallest([1 << index for index in range(len(atoms))], holds_mask)
    return [atoms[bit.bit_length() - 1] for bit in bits_of(found)]


def smallest(order: Sequence[int], holds: Holds) -> int:
    """Return a smallest conflicting mask out of single bits, earlier ones preferred; 0 for none."""
    if not order or not holds(0) or holds(sum(order)):
        return 0

    def explain(base: int, *, grown: bool, rest: Sequence[int]) -> int:
        if grown and not holds(base):
            return 0
        if len(rest) == 1:
            return rest[0]
        half = len(rest) // 2
        first, second = rest[:half], rest[half:]
        late = explain(base | sum(first), grown=True, rest=second)
        early = explain(base | late, grown=bool(late), rest=first)
        return early | late

    return explain(0, grown=False, rest=order)


def transversals(sets: Sequence[int]) -> list[int] | None:
    """Return every smallest mask that shares a bit with each of the sets (Berge's algorithm).

    None where there are more than `HITTING_SETS_MAX` on the way.
    """
    found = [0]
    for each in sets:
        found = _hitting(found, each)
        if len(found) > HITTING_SETS_MAX:
            return None
    return found


def _hitting(found: Sequence[int], new: int) -> list[int]:
    """Return the smallest masks that hit what `found` hits, and `new` too."""
    kept = [each for each in found if each & new]
    grown = {each | bit for each in found if not each & new for bit in bits_of(new)}
    ordered = sorted(grown, key=lambda each: (each.bit_count(), each))
    return kept + [each for each in ordered if not any(other & each == other for other in kept)]


class Conflicts(msgspec.Struct, frozen=True):
    """Conflicting masks, and whether these are all there are."""

    found: tuple[int, ...]
    complete: bool


def all_conflicts(
    conflict_without: Callable[[int], int], known: Sequence[int] = (), *, conflicts_max: int
) -> Conflicts:
    """Return all smallest conflicts, those that share nothing first.

    Parameters
    ----------
    conflict_without : returns a smallest conflict that has nothing of a mask, 0 where there is none
    known : smallest conflicts that were found already; they count and come first
    """
    found = list(known[:conflicts_max])
    while len(found) < conflicts_max:
        new = conflict_without(_union(found))
        if not new:
            break
        found.append(new)
    if len(found) >= conflicts_max or len(known) > conflicts_max:
        return Conflicts(tuple(found), complete=False)
    return _advance(conflict_without, found, conflicts_max)


def _advance(
    conflict_without: Callable[[int], int], found: list[int], conflicts_max: int
) -> Conflicts:
    """Find the conflicts that overlap known ones, until every hitting set is a correction."""
    hitting = transversals(found)
    helps: set[int] = set()
    while hitting is not None and len(hitting) <= HITTING_SETS_MAX:
        open_ones = [each for each in hitting if each not in helps]
        if not open_ones:
            return Conflicts(tuple(found), complete=True)
        new = conflict_without(open_ones[0])
        if not new:
            helps.add(open_ones[0])
            continue
        if len(found) == conflicts_max:
            break
        found.append(new)
        hitting = _hitting(hitting, new)
    return Conflicts(tuple(found), complete=False)


def _union(masks: Sequence[int]) -> int:
    union = 0
    for mask in masks:
        union |= mask
    return union
