"""Finds what a net can reach by firing it from its initial marking: its bindings and values.

A marking is a tuple with a number for what stands on each place. What a transition can do is
computed once for each combination of what stands on the places around it. With time, the clock
is part of a marking, and of equal tokens the one that was ready first is taken.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any, TypeAlias

import msgspec

from fabloop.base.instant import Instant
from fabloop.process.cpn.bag import Bag
from fabloop.process.cpn.compiled import (
    BINDINGS_PER_MARKING_MAX,
    CompiledNet,
    CompiledTransition,
    Consumed,
)

START = Instant(0)
BYTES_PER_MARKING = 250
"""What a marking takes besides its places: table entries and the way to it."""
BYTES_PER_PART = 32
"""What an item of a list, a part of a product or a letter takes, with its share of the way here."""
STEPS_MAX = 500_000
"""Different steps that are remembered; to find one takes far longer than to take it again."""
CONTENTS_MAX = 200_000
"""Different contents of one place that are remembered."""

Tokens: TypeAlias = tuple[tuple[int, Any], ...]
Marking: TypeAlias = tuple[int, ...]
Changes: TypeAlias = tuple[tuple[int, int], ...]
Way: TypeAlias = tuple[int, Changes]


class Step(msgspec.Struct, frozen=True, gc=False):
    """One way to fire: the transition, its variables, and the tokens it takes and puts.

    What an emptied place loses beyond `takes` depends on the marking and is not told here.
    """

    transition: int
    variables: tuple[tuple[str, object], ...]
    takes: Tokens
    puts: Tokens


class Reached(msgspec.Struct, kw_only=True, eq=False):
    """What was found.

    Attributes
    ----------
    steps : every step that happened
    markings, arcs : how many were seen
    limit : which limit ended the search; empty where everything was seen
    path : the steps to the first marking in which nothing can happen and that is not final
    peaks : the most tokens on each place
    dead : markings in which nothing can happen
    fired : the transitions that happened
    graph : offsets and targets of the arcs, and the final markings
    paths : gives the way to a marking by its number
    """

    steps: list[Step]
    markings: int
    arcs: int
    limit: str
    path: tuple[Step, ...] | None
    peaks: tuple[int, ...]
    dead: int
    fired: frozenset[int]
    graph: tuple["array[int]", "array[int]", "array[int]"]
    paths: Callable[[int], tuple[Step, ...]]


def reach(
    net: CompiledNet, *, markings: int, arcs: int, memory: int, timed: bool = False
) -> Reached:
    """Return what can happen, up to these limits; `timed` with the clock.

    Raises
    ------
    Invalid
        An inscription fails on tokens that can be reached.
    """
    size = BYTES_PER_MARKING + 8 * len(net.places)
    search = _Search(net, min(markings, max(1_000, memory // size)), arcs, timed=timed)
    search.parts_max = memory // BYTES_PER_PART
    return search.run()


class _Search:
    def __init__(self, net: CompiledNet, most: int, arcs: int, *, timed: bool) -> None:
        self.net, self.most, self.arcs_max, self.timed = net, most, arcs, timed
        places = range(len(net.places))
        self.stamped = [timed and place.timed for place in net.places]
        self.clocks = [n for n in places if self.stamped[n]]
        self.contents: list[list[tuple[tuple[Any, int], ...]]] = [[] for _ in places]
        self.numbers: list[dict[Hashable, int]] = [{} for _ in places]
        self.sizes: list[list[int]] = [[] for _ in places]
        self.after: list[dict[tuple[int, int], int]] = [{} for _ in places]
        self.changes: dict[Hashable, int] = {}
        self.change_list: list[tuple[Tokens, Tokens]] = []
        self.steps: list[Step] = []
        self.step_numbers: dict[Step, int] = {}
        self.around = [
            tuple(sorted({*each.takes, *each.inhibits, *each.resets})) for each in net.transitions
        ]
        self.copies = [self._copies(each) for each in net.transitions]
        self.known: list[dict[Marking, tuple[Way, ...]]] = [{} for _ in net.transitions]
        self.ranks = self._ranks()
        self.limit = ""
        self.parts = self.parts_max = 0

    def _ranks(self) -> list[list[int]]:
        """Return the transitions by priority, highest first.

        Where time counts and is left out, priorities are too: what goes first may not be ready.
        """
        if not self.timed and any(place.timed for place in self.net.places):
            return [list(range(len(self.net.transitions)))]
        priorities = sorted({each.priority for each in self.net.transitions}, reverse=True)
        return [
            [n for n, each in enumerate(self.net.transitions) if each.priority == priority]
            for priority in priorities
        ]

    def _copies(self, transition: CompiledTransition) -> dict[int, int]:
        """Return how many equal tokens of a place can matter; places left out have no limit."""
        if 0 in transition.counts:
            return {}
        found: Counter[int] = Counter()
        for place, count in zip(transition.takes, transition.counts, strict=True):
            found[place] += count
        return {place: n for place, n in found.items() if place not in transition.resets}

    # -- contents -----------------------------------------------------------------------------

    def _number(self, place: int, counts: Counter[Any]) -> int:
        items = frozenset(counts.items())
        known = self.numbers[place].get(items)
        if known is None:
            known = self.numbers[place][items] = len(self.contents[place])
            self.contents[place].append(tuple(counts.items()))
            self.sizes[place].append(sum(counts.values()))
            values = [each[0] for each in counts] if self.stamped[place] else list(counts)
            self.parts += sum(len(each) for each in values if isinstance(each, tuple | str))
            name = self.net.places[place].name
            if self.parts > self.parts_max:
                self.limit = f"more than {self.parts_max} parts of values, at {name!r}"
            if known >= CONTENTS_MAX:
                self.limit = f"more than {CONTENTS_MAX} contents of {name!r}"
        return known

    def _changed(self, place: int, content: int, change: int) -> int:
        takes, puts = self.change_list[change]
        counts = Counter(dict(self.contents[place][content]))
        for _, value in takes:
            counts[value] -= 1
            if not counts[value]:
                del counts[value]
        for _, value in puts:
            counts[value] += 1
        return self._number(place, counts)

    def _change(self, takes: Tokens, puts: Tokens) -> int:
        key = (takes, puts)
        if key not in self.changes:
            self.changes[key] = len(self.change_list)
            self.change_list.append(key)
        return self.changes[key]

    # -- firing -------------------------------------------------------------------------------

    def _bag(self, place: int, content: int, most: int | None) -> Bag:
        """Return what stands on a place, of equal tokens at most `most`."""
        bag = Bag()
        if self.stamped[place]:
            for (value, at), count in self.contents[place][content]:
                for _ in range(count if most is None else min(count, most)):
                    bag.add(value, at)
            return bag
        for value, count in self.contents[place][content]:
            bag.values += [value] * (count if most is None else min(count, most))
        bag.times = [START] * len(bag.values)
        return bag

    def _ways(self, number: int, key: Marking, now: Instant) -> tuple[Way, ...]:
        """Return the steps of a transition, each with the change that it makes on each place."""
        transition = self.net.transitions[number]
        bags = [EMPTY] * len(self.net.places)
        for place, content in zip(self.around[number], key, strict=True):
            bags[place] = self._bag(place, content, self.copies[number].get(place))
        found: dict[Hashable, Way] = {}
        for binding in transition.bindings(bags, now):
            same = (
                tuple(sorted(binding.variables.items(), key=_by_name)),
                tuple((place, value) for place, value, _ in binding.consumed),
            )
            if same in found:
                continue  # of equal tokens the one that was ready first is taken
            takes = self._stamped(binding.consumed)
            puts = self._stamped(transition.make(binding.variables, {}, now))
            changes = tuple(
                (
                    place,
                    self._change(
                        tuple(each for each in takes if each[0] == place),
                        tuple(each for each in puts if each[0] == place),
                    ),
                )
                for place in dict.fromkeys(each[0] for each in (*takes, *puts))
            )
            step = self._step(transition, number, binding.variables, takes, puts)
            found[same] = (step, changes)
        if len(found) >= BINDINGS_PER_MARKING_MAX:
            self.limit = f"more than {BINDINGS_PER_MARKING_MAX} bindings of {transition.name!r}"
        return tuple(found.values())

    def _stamped(self, tokens: Consumed) -> Tokens:
        """Return tokens, with their times only on places where they count."""
        if not self.timed:
            return tuple((place, value) for place, value, _ in tokens)
        return tuple(
            (place, (value, at) if self.stamped[place] else value) for place, value, at in tokens
        )

    def _step(
        self, transition: CompiledTransition, number: int, variables: dict[str, object],
        takes: Tokens, puts: Tokens,
    ) -> int:  # fmt: skip
        if transition.resets:  # what was swept away is not taken by name
            takes = tuple(each for each in takes if each[0] not in transition.resets)
        step = Step(number, tuple(sorted(variables.items(), key=_by_name)), takes, puts)
        known = self.step_numbers.get(step)
        if known is None:
            known = self.step_numbers[step] = len(self.steps)
            self.steps.append(step)
            if known >= STEPS_MAX:
                self.limit = f"more than {STEPS_MAX} different steps"
        return known

    def _enabled(self, marking: Marking, now: Instant) -> list[Way]:
        for rank in self.ranks:
            found: list[Way] = []
            for number in rank:
                key = tuple([marking[place] for place in self.around[number]])
                at = (now, *key) if self.timed else key
                ways = self.known[number].get(at)
                if ways is None:
                    ways = self.known[number][at] = self._ways(number, key, now)
                if ways:
                    found += ways
            if found:
                return found
        return []

    def _next(self, marking: Marking) -> tuple[list[Way], Instant]:
        """Return what can happen, and when: at the next instant at which anything can."""
        if not self.timed:
            return self._enabled(marking, START), START
        now = Instant(marking[-1])
        enabled = self._enabled(marking, now)
        if enabled:
            return enabled, now
        later = {at for place in self.clocks for (_, at), _ in self.contents[place][marking[place]]}
        for at in sorted(each for each in later if each > now):
            enabled = self._enabled(marking, at)
            if enabled:
                return enabled, at
        return [], now

    def _successor(self, marking: Marking, changes: Changes, now: Instant) -> Marking:
        then = list(marking)
        if self.timed:
            then[-1] = now
        for place, change in changes:
            key = (then[place], change)
            content = self.after[place].get(key)
            if content is None:
                content = self.after[place][key] = self._changed(place, *key)
            then[place] = content
        return tuple(then)

    # -- search -------------------------------------------------------------------------------

    def run(self) -> Reached:
        """Explore breadth first."""
        contents = [
            self._number(
                n, Counter(place.initial if self.stamped[n] else [v for v, _ in place.initial])
            )
            for n, place in enumerate(self.net.places)
        ]
        start = tuple([*contents, 0] if self.timed else contents)
        index = {start: 0}
        order = [start]
        came: list[tuple[int, int]] = [(0, 0)]
        arcs = dead = state = 0
        stuck: int | None = None
        offsets, targets, finals = array("I", [0]), array("I"), array("I")
        while state < len(order) and not self.limit:
            marking = order[state]
            enabled, now = self._next(marking)
            final = self._is_final(marking)
            if final:
                finals.append(state)
            if not enabled:
                dead += 1
                if stuck is None and not final:
                    stuck = state
            for step, changes in enabled:
                arcs += 1
                then = self._successor(marking, changes, now)
                known = index.get(then)
                if known is None:
                    if len(order) >= self.most:
                        self.limit = f"more than {self.most} markings"
                        break
                    known = index[then] = len(order)
                    order.append(then)
                    came.append((state, step))
                targets.append(known)
            offsets.append(len(targets))
            if arcs > self.arcs_max:
                self.limit = f"more than {self.arcs_max} arcs"
            state += 1
        peaks = tuple(max(each, default=0) for each in self.sizes)
        return Reached(
            steps=self.steps, markings=len(order), arcs=arcs, limit=self.limit, peaks=peaks,
            dead=dead, path=None if stuck is None else self._path(came, stuck),
            fired=frozenset(each.transition for each in self.steps),
            graph=(offsets, targets, finals), paths=lambda state: self._path(came, state),
        )  # fmt: skip

    def _is_final(self, marking: Marking) -> bool:
        final = self.net.final
        if final is None:
            return False
        return bool(
            final([sizes[content] for sizes, content in zip(self.sizes, marking, strict=False)])
        )

    def _path(self, came: list[tuple[int, int]], state: int) -> tuple[Step, ...]:
        steps: list[Step] = []
        while state:
            state, step = came[state]
            steps.append(self.steps[step])
        return tuple(reversed(steps))


EMPTY = Bag()


def _by_name(item: tuple[str, object]) -> str:
    return item[0]
