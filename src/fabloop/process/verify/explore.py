"""Explores the markings of a flat net, breadth first, as packed integers.

A marking is one int: per field a few bits and above them a guard bit. Taking tokens is one
subtraction whose borrow, if a field holds too few, is seen in the guard bits; equality and hash
are those of the int. What is enabled after a firing is what was enabled before, with only the
transitions that the firing touched tested again, remembered by the fields they look at; where it
touches many, a tree decides (`decide`).
"""

from array import array
from collections.abc import Iterable
from enum import StrEnum
from math import comb, factorial, prod
from typing import NamedTuple

import msgspec

from fabloop.process.verify.backward import first_stuck
from fabloop.process.verify.decide import Decision
from fabloop.process.verify.flat import Bound, BoundKind, FlatNet, FlatTransition, Limits
from fabloop.process.verify.peaks import Peaks

WIDTHS = (4, 8, 16)
"""Bits per field with the guard bit: the fewest that hold the start are tried, then the next."""
MEMORY_MAX = 500_000
"""Remembered tests of enabledness."""
TESTED_AGAIN_MAX = 100
"""Transitions touched by a firing that are tested one by one; more are decided by the tree."""
MARKING_BYTES, ARC_BYTES = 180, 8
"""What a marking takes beside its packed fields, and an arc."""


class Property(StrEnum):
    """What is verified."""

    SAFE = "safe"
    CAPACITY = "capacity"
    DEADLOCK_FREE = "deadlock free"
    OPTION_TO_COMPLETE = "option to complete"
    PROPER_COMPLETION = "proper completion"
    NO_DEAD_ELEMENT = "no dead element"


class Witness(msgspec.Struct, frozen=True, kw_only=True):
    """How a property fails: transitions (numbers of the explored net) that lead there, and what."""

    firings: tuple[int, ...]
    what: str


class Exploration(msgspec.Struct, kw_only=True, eq=False):
    """What was found.

    Attributes
    ----------
    markings, arcs, dead : counted; `dead` are markings in which nothing can happen, final or not
    seen : markings looked at; fewer than counted where one stands for many
    complete : every reachable marking was seen
    fired : transitions that fired at least once
    never : elements that can never happen
    peaks : the most tokens seen on each place of the net
    """

    markings: int = 0
    arcs: int = 0
    seen: int = 0
    complete: bool = True
    limit: str = ""
    finals: int = 0
    dead: int = 0
    never: tuple[str, ...] = ()
    peaks: list[int] = []
    fired: bytearray
    witnesses: dict[Property, Witness]


class Touch(NamedTuple):
    """The transitions to test again after a firing, twice, and the fields that they look at."""

    numbers: tuple[int, ...]
    members: frozenset[int]
    looks: int


class Overflow(Exception):
    """A field held more tokens than its bits can count."""


def explore(net: FlatNet, limits: Limits) -> Exploration:
    """Return what holds over all reachable markings, up to the limits."""
    tokens = [*net.initial, *(count for each in net.transitions for count in each.post.values())]
    fit = [width for width in WIDTHS if max(tokens, default=0) < 1 << width - 1]
    widths = fit[:2] or WIDTHS[-1:]
    for width in widths:
        try:
            return _Explorer(net, limits, width, last=width == widths[-1]).run()
        except Overflow:
            continue
    raise AssertionError("the last width does not raise")


class _Explorer:
    def __init__(self, net: FlatNet, limits: Limits, width: int, *, last: bool) -> None:
        self.net, self.limits, self.width, self.last = net, limits, width, last
        self.full = (1 << width - 1) - 1
        fields = range(len(net.fields))
        self.guard = sum(1 << (field * width + width - 1) for field in fields)
        self.size = MARKING_BYTES + len(fields) * width // 7
        self._pack_transitions()
        self._pack_checks()
        self.found = Exploration(fired=bytearray(len(net.transitions)), witnesses={})
        self.fired: set[int] = set()
        self.memory: dict[tuple[int, int], tuple[int, ...]] = {}
        self.peaks = Peaks(net, width)

    # -- packing ------------------------------------------------------------------------------

    def _pack(self, tokens: Iterable[tuple[int, int]]) -> int:
        packed = 0
        for field, count in tokens:
            if count > self.full:
                raise Overflow
            packed += count << field * self.width
        return packed

    def _mask(self, fields: Iterable[int]) -> int:
        return sum(self.full << field * self.width for field in set(fields))

    def _pack_transitions(self) -> None:
        transitions = self.net.transitions
        self.pre = [self._pack(each.pre.items()) for each in transitions]
        self.post = [self._pack(each.post.items()) for each in transitions]
        self.delta = [post - pre for pre, post in zip(self.pre, self.post, strict=True)]
        self.zero = [self._mask(each.zero) for each in transitions]
        self.clear = [self._mask(each.clears) for each in transitions]
        self.special = [bool(each.clears or each.leftover) for each in transitions]
        self.yielding = any(each.yields for each in transitions)
        readers: dict[int, set[int]] = {}
        for number, each in enumerate(transitions):
            for field in (*each.pre, *each.zero):
                readers.setdefault(field, set()).add(number)
        self.touches = [self._touch(each, readers) for each in transitions]
        self.decision = Decision(transitions, self.width)
        self.zeros = any(self.zero)

    def _touch(self, transition: FlatTransition, readers: dict[int, set[int]]) -> Touch | None:
        """Return what a firing makes worth testing again; None where that is too much."""
        pre, post = transition.pre, transition.post
        changed = {f for f in (*pre, *post) if pre.get(f) != post.get(f)}
        changed |= transition.clears | {refund.to for refund in transition.refunds}
        touched: set[int] = set()
        for field in changed:
            touched |= readers.get(field, set())
            if len(touched) > TESTED_AGAIN_MAX:
                return None
        numbers = tuple(sorted(touched))
        again = (self.net.transitions[n] for n in numbers)
        looks = self._mask(field for each in again for field in (*each.pre, *each.zero))
        return Touch(numbers, frozenset(numbers), looks)

    def _pack_checks(self) -> None:
        net, width = self.net, self.width
        ones = [
            bound.fields[0] for bound in net.bounds if bound.most == 1 and len(bound.fields) == 1
        ]
        self.above_one = self._mask(ones) & ~sum(1 << field * width for field in set(ones))
        self.wide = [b for b in net.bounds if b.most != 1 or len(b.fields) != 1]
        self.grows: list[list[Bound]] = [
            [
                bound
                for bound in self.wide
                if sum(each.post.get(f, 0) - each.pre.get(f, 0) for f in bound.fields) > 0
                or any(refund.to in bound.fields for refund in each.refunds)
            ]
            for each in net.transitions
        ]
        self.empty = self._mask(net.final.empty)
        self.read = self._mask(field for group in net.final.places for field in group)
        self.ends: dict[int, bool] = {}
        self.resources = self._mask(net.final.equal)
        self.whole = self._pack(net.final.equal.items())

    def _count(self, marking: int, field: int) -> int:
        return marking >> field * self.width & self.full

    # -- rules --------------------------------------------------------------------------------

    def _enabled_among(self, marking: int, numbers: Iterable[int]) -> tuple[int, ...]:
        guard, pre, zero = self.guard, self.pre, self.zero
        raised = marking | guard
        return tuple(
            n for n in numbers if (raised - pre[n]) & guard == guard and not marking & zero[n]
        )

    def _enabled(self, marking: int) -> tuple[int, ...]:
        found = self.decision.enabled(marking)
        if not self.zeros:
            return tuple(found)
        zero = self.zero
        return tuple(n for n in found if not marking & zero[n])

    def _after(self, marking: int, number: int) -> int:
        """Return the marking after a firing that clears fields."""
        transition = self.net.transitions[number]
        rest = marking - self.pre[number]
        back = sum(
            self._count(rest, each.held) * each.count << each.to * self.width
            for each in transition.refunds
        )
        return (rest & ~self.clear[number]) + back + self.post[number]

    def _final(self, marking: int) -> bool:
        final = self.net.final
        if not final.stated or marking & self.empty:
            return False
        if final.test is None:
            return True
        key = marking & self.read
        known = self.ends.get(key)
        if known is None:
            counts = [sum(self._count(marking, f) for f in group) for group in final.places]
            known = self.ends[key] = bool(final.test(counts))
        return known

    # -- search -------------------------------------------------------------------------------

    def run(self) -> Exploration:
        start = self._pack((f, count) for f, count in enumerate(self.net.initial) if count)
        self.index = {start: 0}
        self.parents, self.via = array("I", [0]), array("I", [0])
        self.targets, self.offsets = array("I"), array("I", [0])
        self.final_states = array("I")
        every = self._enabled(start)
        self._check(0, start, every, None)
        level = [(start, every)]
        while level:
            level = self._level(level)
        self._conclude()
        return self.found

    def _level(self, level: list[tuple[int, tuple[int, ...]]]) -> list[tuple[int, tuple[int, ...]]]:
        index, delta, special, fired = self.index, self.delta, self.special, self.fired
        known_of, reached = self.index.get, self.targets.append
        targets, offsets, guard = self.targets, self.offsets, self.guard
        most = self.limits.markings
        following: list[tuple[int, tuple[int, ...]]] = []
        source = len(offsets) - 2
        for marking, enabled in level:
            if self._spent():
                return []
            source += 1
            firing = self._first(enabled) if self.yielding else enabled
            fired.update(firing)
            for number in firing:
                if special[number]:
                    after = self._after(marking, number)
                    self._check_leftover(source, marking, number)
                else:
                    after = marking + delta[number]
                known = known_of(after)
                if known is None:
                    if after & guard:
                        self._overflow(source, number, after)
                        continue
                    known = len(index)
                    if known >= most:
                        self._stop(f"more than {most} markings")
                        continue
                    index[after] = known
                    self.parents.append(source)
                    self.via.append(number)
                    then = self._enabled_after(after, enabled, number)
                    self._check(known, after, then, number)
                    following.append((after, then))
                reached(known)
            offsets.append(len(targets))
        return following

    def _enabled_after(self, marking: int, before: tuple[int, ...], number: int) -> tuple[int, ...]:
        touch = self.touches[number]
        if touch is None:
            return self._enabled(marking)
        numbers, touched, looks = touch
        key = (number, marking & looks)
        again = self.memory.get(key)
        if again is None:
            again = self._enabled_among(marking, numbers)
            if len(self.memory) < MEMORY_MAX:
                self.memory[key] = again
        return (*[each for each in before if each not in touched], *again)

    def _first(self, enabled: tuple[int, ...]) -> list[int]:
        present = set(enabled)
        transitions = self.net.transitions
        return [n for n in enabled if not transitions[n].yields & present]

    def _spent(self) -> bool:
        """Tell whether arcs or memory are used up, and stop if so."""
        limits, arcs = self.limits, len(self.targets)
        if arcs > limits.arcs:
            self._stop(f"more than {limits.arcs} arcs")
        elif len(self.index) * self.size + arcs * ARC_BYTES > limits.memory:
            self._stop(f"more than {limits.memory} bytes of markings and arcs")
        else:
            return False
        return True

    def _stop(self, limit: str) -> None:
        self.found.complete = False
        self.found.limit = self.found.limit or limit

    def _overflow(self, source: int, number: int, after: int) -> None:
        if not self.last:
            raise Overflow
        field = next(
            f for f in range(len(self.net.fields)) if after >> (f + 1) * self.width - 1 & 1
        )
        self._stop(f"more than {self.full} tokens on {self.net.fields[field]!r}")
        for bound in self.net.bounds:
            if field in bound.fields:
                self._bound_fails(bound, source, number)

    # -- checks -------------------------------------------------------------------------------

    def _path(self, state: int) -> tuple[int, ...]:
        firings: list[int] = []
        while state:
            firings.append(self.via[state])
            state = self.parents[state]
        return tuple(reversed(firings))

    def _fails(self, what: Property, state: int, text: str, last: tuple[int, ...] = ()) -> None:
        if what not in self.found.witnesses:
            self.found.witnesses[what] = Witness(firings=(*self._path(state), *last), what=text)

    def _bound_fails(self, bound: Bound, state: int, number: int | None) -> None:
        kinds = {
            BoundKind.SAFE: (Property.SAFE, "two tokens at once at"),
            BoundKind.END: (Property.PROPER_COMPLETION, "two tokens at end"),
            BoundKind.CAPACITY: (Property.CAPACITY, f"more than {bound.most} tokens on"),
        }
        kind, text = kinds[bound.kind]
        last = () if number is None else (number,)
        self._fails(kind, state, f"{text} {bound.name!r}", last)

    def _check(self, state: int, marking: int, enabled: tuple[int, ...], via: int | None) -> None:
        if via is not None:
            self.peaks.note(marking, via)
        if not enabled:
            self.found.dead += 1
        if marking & self.above_one:
            for bound in self.net.bounds:
                lone = bound.most == 1 and len(bound.fields) == 1
                if lone and self._count(marking, bound.fields[0]) > 1:
                    self._bound_fails(bound, state, None)
        for bound in self.wide if via is None else self.grows[via]:
            if sum(self._count(marking, field) for field in bound.fields) > bound.most:
                self._bound_fails(bound, state, None)
        if self._final(marking):
            self.found.finals += 1
            self.final_states.append(state)
            if marking & self.resources != self.whole:
                self._fails(Property.PROPER_COMPLETION, state, self._missing(marking))
        elif not enabled:
            text = f"nothing can happen, with {self._shown(marking)}"
            self._fails(Property.DEADLOCK_FREE, state, text)

    def _check_leftover(self, state: int, marking: int, number: int) -> None:
        rest = marking - self.pre[number]
        left = [
            self.net.fields[field]
            for field, count in self.net.transitions[number].leftover
            if self._count(rest, field) > count
        ]
        if left:
            text = f"tokens left behind on {', '.join(left[:5])}"
            self._fails(Property.PROPER_COMPLETION, state, text, (number,))

    def _missing(self, marking: int) -> str:
        wrong = [
            f"{self.net.fields[field]} ({self._count(marking, field)} instead of {count})"
            for field, count in self.net.final.equal.items()
            if self._count(marking, field) != count
        ]
        return f"resources are not back: {', '.join(wrong[:5])}"

    def _shown(self, marking: int) -> str:
        held = [
            name
            for field, name in enumerate(self.net.fields)
            if self._count(marking, field) and field not in self.net.final.equal
        ]
        return "tokens on " + ", ".join(held[:8]) if held else "no token anywhere"

    def _weighed(self) -> tuple[int, int, int]:
        """Return the markings, arcs and dead markings that those seen stand for."""
        merged = frozenset().union(*(orbit.fields for orbit in self.net.orbits))
        taken = [
            [(field, count) for field, count in each.pre.items() if field in merged]
            for each in self.net.transitions
        ]
        markings = arcs = dead = 0
        for marking in self.index:
            weight = self._weight(marking)
            markings += weight
            enabled = self._enabled(marking)
            dead += 0 if enabled else weight
            for number in self._first(enabled):
                arcs += weight * prod(
                    comb(self._count(marking, field), count) for field, count in taken[number]
                )
        return markings, arcs, dead

    def _weight(self, marking: int) -> int:
        """Return in how many ways tokens that are alike may stand as they do here."""
        weight = 1
        for orbit in self.net.orbits:
            gone = orbit.size - sum(self._count(marking, field) for field in orbit.fields)
            ways = factorial(orbit.size) // factorial(gone)
            for field in orbit.last:
                ways //= factorial(self._count(marking, field))
            weight *= ways
        return weight

    def _conclude(self) -> None:
        found = self.found
        found.markings, found.arcs = len(self.index), len(self.targets)
        found.seen = found.markings
        if self.net.orbits and found.complete:
            found.markings, found.arcs, found.dead = self._weighed()
        found.peaks = self.peaks.most
        for number in self.fired:
            found.fired[number] = 1
        alive = {
            e
            for n, each in enumerate(self.net.transitions)
            if found.fired[n]
            for e in each.elements
        }
        if not found.complete:  # only what has no transition at all is known to be dead
            alive = {e for each in self.net.transitions for e in each.elements}
        dead = found.never = tuple(each for each in self.net.elements if each not in alive)
        if dead:
            text = f"never reached: {', '.join(dead[:8])}"
            found.witnesses[Property.NO_DEAD_ELEMENT] = Witness(firings=(), what=text)
        deadlock = found.witnesses.get(Property.DEADLOCK_FREE)
        if self.net.final.stated and found.complete:
            stuck = first_stuck(self.offsets, self.targets, self.final_states)
            if stuck is not None:
                marking = next(m for m, state in self.index.items() if state == stuck)
                text = f"no end can be reached any more, with {self._shown(marking)}"
                self._fails(Property.OPTION_TO_COMPLETE, stuck, text)
        elif self.net.final.stated and deadlock is not None:
            found.witnesses[Property.OPTION_TO_COMPLETE] = deadlock
