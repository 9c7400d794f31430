"""A net ready to run: places with checked colours, transitions with compiled bindings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.process.cpn.bag import Bag
from fabloop.process.cpn.colour import ColourSet, colour_text
from fabloop.process.cpn.ml.values import Budget
from fabloop.process.cpn.model import TransitionWork
from fabloop.process.cpn.token import Token, freeze

Marking: TypeAlias = Sequence[Bag]
Consumed: TypeAlias = tuple[tuple[int, Token, Instant], ...]
Produced: TypeAlias = tuple[tuple[int, Token, Instant], ...]

Found: TypeAlias = tuple[dict[str, object], Consumed]
Part: TypeAlias = Callable[[Marking, Instant], Iterator[Found]]
Parts: TypeAlias = tuple[Part, ...]
Make: TypeAlias = Callable[[dict[str, object], object, Instant], Produced]

Fire: TypeAlias = Callable[[Instant], bool]
"""Fires at an instant if it can, oldest tokens first, and tells whether it did."""

NEVER = Instant(2**63 - 1)
BINDINGS_PER_MARKING_MAX = 100_000


class Place(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A place: where it stands in the marking is its position in `CompiledNet.places`.

    Attributes
    ----------
    port : ``in``, ``out`` or empty
    fusion : name of a resource place shared between pages, or empty
    initial : tokens at the start, with the time after the start when they are ready
    capacity : most tokens it may hold, or None; verified and simulated, never waited for
    """

    name: str
    colour: ColourSet
    timed: bool = False
    port: str = ""
    fusion: str = ""
    initial: tuple[tuple[Token, Instant], ...] = ()
    capacity: int | None = None

    def admit(self, value: object) -> Token:
        """Return plain data as a token of this place's colour.

        Raises
        ------
        Invalid
            The value is not of the colour.
        """
        try:
            token = freeze(value)
        except TypeError as error:
            raise Invalid(self._misfit(value, str(error))) from error
        if not self.colour.admits(token):
            raise Invalid(self._misfit(value, ""))
        return token

    def _misfit(self, value: object, hint: str) -> Fault:
        return Fault(
            source="",
            path=f"place {self.name}",
            expected=colour_text(self.colour.colour),
            found=f"{value!r:.200}",
            hint=hint,
        )


class Binding(msgspec.Struct, frozen=True, gc=False):
    """One way for a transition to fire: its variables and the tokens it takes."""

    variables: dict[str, object]
    consumed: Consumed


class Swift(msgspec.Struct, frozen=True, eq=False):
    """How a transition is fired where nothing of it is kept.

    Attributes
    ----------
    bind : makes the function for a marking; instants at which tokens get ready go to its second
        argument, a heap
    at_once : places on which a token may be ready when it is put
    """

    bind: Callable[[Marking, list[tuple[Instant, int]]], Fire]
    at_once: tuple[int, ...]


def _no_swift() -> None:
    """Tell that a transition is fired step by step only."""


class CompiledTransition(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A transition; its functions were generated from the inscriptions, once.

    Attributes
    ----------
    takes, puts : places of the input and output arcs, in arc order
    counts : tokens taken by each input arc; 0 where that depends on the binding
    reads_result : whether an output depends on the answer of the work
    find : ``find(marking, now)``: the first binding that is enabled at `now`, oldest tokens
        first; None when there is none
    make : ``make(variables, result, now)``: what `produce` returns
    duration : ns that the work of a binding is expected to take (0 without work)
    parts : enumerators of the independent groups of arcs; `bindings` combines them
    lenient : `parts` and `make` for verification, which computes with unknown values
    inhibits : places that must be empty, which `find` looks at and `parts` do not
    resets : places that are emptied, which `find` and `bindings` take along
    draws : whether an inscription draws by chance, which only a simulation can
    swift : how it is fired where nothing of it is kept; None where only `find` and `make` can
    """

    name: str
    priority: int
    work: TransitionWork | None
    takes: tuple[int, ...]
    counts: tuple[int, ...]
    puts: tuple[int, ...]
    variables: tuple[str, ...]
    reads_result: bool
    find: Callable[[Marking, Instant], Binding | None]
    duration: Callable[[Binding], int]
    make: Make
    parts: Parts
    lenient: Callable[[], tuple[Parts, Make]]
    inhibits: tuple[int, ...] = ()
    resets: tuple[int, ...] = ()
    draws: bool = False
    swift: Callable[[], Swift | None] = _no_swift

    def bindings(self, marking: Marking, now: Instant) -> Iterator[Binding]:
        """Yield every enabled binding once: equal tokens of equal ready time are not told apart.

        The first is the one that `find` returns. At most `BINDINGS_PER_MARKING_MAX` are yielded.
        """
        if self.find(marking, now) is None:
            return
        seen: set[object] = set()
        for variables, consumed in self._combine(marking, now, 0):
            key = (frozenset(variables.items()), consumed)
            if key in seen:
                continue
            if len(seen) == BINDINGS_PER_MARKING_MAX:
                return
            seen.add(key)
            yield Binding(variables, consumed + swept(self.resets, marking, consumed))

    def _combine(
        self, marking: Marking, now: Instant, index: int
    ) -> Iterator[tuple[dict[str, object], Consumed]]:
        if index == len(self.parts):
            yield {}, ()
            return
        rest = list(self._combine(marking, now, index + 1))
        for variables, consumed in self.parts[index](marking, now):
            for more, further in rest:
                yield {**variables, **more}, consumed + further

    def ready_at(self, marking: Marking) -> Instant | None:
        """Return the earliest instant at which the tokens present enable it; None for never.

        Tokens only become ready as time passes, so the instant is found by bisection.
        """
        earliest = Instant(0)
        for place, count in zip(self.takes, self.counts, strict=True):
            times = marking[place].times
            if len(times) < count:
                return None
            if count:
                earliest = max(earliest, times[count - 1])
        if self.find(marking, earliest) is not None:
            return earliest
        if self.find(marking, NEVER) is None:
            return None
        instants = sorted({t for p in self.takes for t in marking[p].times if t > earliest})
        low, high = 0, len(instants) - 1
        while low < high:
            middle = (low + high) // 2
            if self.find(marking, instants[middle]) is not None:
                high = middle
            else:
                low = middle + 1
        return instants[low]

    def produce(self, binding: Binding, result: Mapping[str, object], now: Instant) -> Produced:
        """Return what a firing that ends at `now` puts: (place, token, ready at).

        Raises
        ------
        Invalid
            An expression fails on these values, or a token is not of its place's colour.
        """
        return self.make(binding.variables, result, now)


def swept(resets: Sequence[int], marking: Marking, consumed: Consumed) -> Consumed:
    """Return the tokens that emptying some places takes, beyond those taken already."""
    rest: list[tuple[int, Token, Instant]] = []
    for place in resets:
        left = Bag(marking[place])
        for taken, value, ready_at in consumed:
            if taken == place:
                left.remove(value, ready_at)
        rest += [(place, value, ready_at) for value, ready_at in left]
    return tuple(rest)


class CompiledNet(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A compiled net or page; markings are sequences of bags in the order of `places`.

    Attributes
    ----------
    by_priority : transition numbers, highest priority first, then document order
    consumers : per place, the numbers of the transitions that take from it
    freed : per place, the numbers of the transitions that it inhibits; empty where none is
    timeline : what a simulation tells time and chance, where inscriptions of CPN ML ask for them
    final : whether token counts (in the order of `places`) are a finished marking; None when
        the document does not say
    final_reads : numbers of the places that `final` looks at
    """

    id: str
    name: str = ""
    places: tuple[Place, ...]
    transitions: tuple[CompiledTransition, ...]
    by_priority: tuple[int, ...]
    consumers: tuple[tuple[int, ...], ...]
    final: Callable[[Sequence[int]], bool] | None = None
    final_reads: frozenset[int] = frozenset()
    freed: tuple[tuple[int, ...], ...] = ()
    timeline: Budget | None = None

    def initial_marking(self, start: Instant = Instant(0)) -> list[Bag]:  # noqa: B008  # an int
        """Return the marking at the start: every place's initial tokens, ready from `start`."""
        return [
            Bag((value, Instant(start + at) if place.timed else at) for value, at in place.initial)
            for place in self.places
        ]

    def place_number(self, name: str) -> int:
        """Return the position of a place; the name must be one of this net's."""
        return next(n for n, place in enumerate(self.places) if place.name == name)
