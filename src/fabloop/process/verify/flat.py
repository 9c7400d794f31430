"""A place/transition net with zero tests and clearing: what is reduced and explored.

A field is a place of this net: a sequence flow, an activity in progress, or one colour value on
one place of a page.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum

import msgspec


class BoundKind(StrEnum):
    """What it means that a bound is exceeded."""

    SAFE = "safe"
    END = "end"
    CAPACITY = "capacity"


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """At most `most` tokens on `fields` together."""

    name: str
    kind: BoundKind
    fields: tuple[int, ...]
    most: int


class Refund(msgspec.Struct, frozen=True):
    """For each token cleared from field `held`, `count` tokens return to field `to`."""

    held: int
    to: int
    count: int


class FlatTransition(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A transition over fields; it fires as: test, take, clear (with refunds), put.

    Attributes
    ----------
    label : what a person reads in an occurrence sequence
    elements : the elements that are alive if this can fire
    zero : fields that must be empty
    clears : fields that are emptied
    yields : numbers of transitions of which none may be enabled (it waits for rest)
    leftover : tokens that stay behind improperly when it fires, beyond these: (field, count)
    steps : numbers of the transitions of the original net that it stands for, in order
    """

    label: str
    elements: tuple[str, ...] = ()
    pre: dict[int, int]
    post: dict[int, int]
    zero: frozenset[int] = frozenset()
    clears: frozenset[int] = frozenset()
    refunds: tuple[Refund, ...] = ()
    yields: frozenset[int] = frozenset()
    leftover: tuple[tuple[int, int], ...] = ()
    steps: tuple[int, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether it only takes and puts."""
        return not (self.zero or self.clears or self.yields or self.leftover)


class Final(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a finished marking is.

    Attributes
    ----------
    empty : fields without a token once the work has ended
    equal : resource counts that must then hold for the end to be proper
    test : in addition, a test of token counts per entry of `places` (each a group of fields)
    stated : whether anything was said of the end; otherwise no marking is final
    """

    empty: frozenset[int] = frozenset()
    equal: dict[int, int] = {}
    test: Callable[[Sequence[int]], bool] | None = None
    places: tuple[tuple[int, ...], ...] = ()
    stated: bool = True


class FlatPlace(msgspec.Struct, frozen=True):
    """What a person calls one place: its tokens are those on all of its fields."""

    name: str
    fields: tuple[int, ...]


class Orbit(msgspec.Struct, frozen=True, kw_only=True):
    """Interchangeable tokens that were merged, `size` of them, each at most once in a marking.

    Attributes
    ----------
    fields : where they may stand
    last : those of `fields` on which nothing that was merged later tells them apart again
    """

    size: int
    fields: frozenset[int]
    last: frozenset[int]


class FlatNet(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A flat net; `elements` must each be alive, and `places` are what bounds are told of.

    With `orbits`, a marking stands for all those that differ in which tokens stand where.
    """

    fields: tuple[str, ...]
    initial: tuple[int, ...]
    transitions: tuple[FlatTransition, ...]
    bounds: tuple[Bound, ...] = ()
    final: Final
    elements: tuple[str, ...] = ()
    places: tuple[FlatPlace, ...] = ()
    orbits: tuple[Orbit, ...] = ()


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How far a verification may go before it answers ``unknown``.

    Attributes
    ----------
    bindings : flat transitions that unfolding may produce
    looks : bindings that unfolding may look at, known ones included, and parts of new values
    values : colour values per place
    markings, arcs : explored; an arc is a firing that leads from one marking to the next
    memory : bytes that markings and arcs may take, roughly
    """

    bindings: int = 200_000
    looks: int = 2_000_000
    values: int = 10_000
    markings: int = 2_000_000
    arcs: int = 20_000_000
    memory: int = 1_000_000_000


class Exceeded(Exception):
    """The net cannot be unfolded within the limits; the text says which and where."""


def fire(transition: FlatTransition, marking: dict[int, int]) -> dict[int, int] | None:
    """Return the marking (field to count, no zeros) after firing; None if it is not enabled.

    `yields` is not looked at. This is the plain rule by which counterexamples are replayed.
    """
    if any(marking.get(field, 0) < count for field, count in transition.pre.items()):
        return None
    if any(marking.get(field, 0) for field in transition.zero):
        return None
    after = dict(marking)
    for field, count in transition.pre.items():
        after[field] -= count
    back = [(each.to, after.get(each.held, 0) * each.count) for each in transition.refunds]
    for field in transition.clears:
        after.pop(field, None)
    for field, count in (*back, *transition.post.items()):
        after[field] = after.get(field, 0) + count
    return {field: count for field, count in after.items() if count}
