"""Finds what a net can reach by firing it from its initial marking: its bindings and values.

A marking is a tuple with a number for what stands on each place. What a transition can do is
computed once for each combination of what stands on the places around it. Time is left out.
"""

from collections import Counter
from collections.abc import Hashable
from typing import TypeAlias

import msgspec

from fabloop.base.instant import Instant
from fabloop.process.cpn.bag import Bag
from fabloop.process.cpn.compiled import BINDINGS_PER_MARKING_MAX, CompiledNet, CompiledTransition
from fabloop.process.cpn.token import Token

START = Instant(0)
BYTES_PER_MARKING = 250
"""What a marking takes besides its places: table entries and the way to it."""
CONTENTS_MAX = 200_000
"""Different contents of one place that are remembered."""

Tokens: TypeAlias = tuple[tuple[int, Token], ...]
Marking: TypeAlias = tuple[int, ...]


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
    """

    steps: list[Step]
    markings: int
    arcs: int
    limit: str
    path: tuple[Step, ...] | None
    peaks: tuple[int, ...]
    dead: int


def reach(net: CompiledNet, *, markings: int, arcs: int, memory: int) -> Reached:
    """Return what can happen, up to these limits.

    Raises
    ------
    Invalid
        An inscription fails on tokens that can be reached.
    """
    size = BYTES_PER_MARKING + 8 * len(net.places)
    return _Search(net, min(markings, max(1_000, memory // size)), arcs).run()


class _Search:
    def __init__(self, net: CompiledNet, most: int, arcs: int) -> None:
        self.net, self.most, self.arcs_max = net, most, arcs
        places = range(len(net.places))
        self.contents: list[list[tuple[tuple[Token, int], ...]]] = [[] for _ in places]
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
        self.known: list[dict[Marking, tuple[tuple[int, tuple[tuple[int, int], ...]], ...]]] = [
            {} for _ in net.transitions
        ]
        self.ranks = self._ranks()
        self.limit = ""

    def _ranks(self) -> list[list[int]]:
        """Return the transitions by priority, highest first."""
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

    def _number(self, place: int, counts: Counter[Token]) -> int:
        items = frozenset(counts.items())
        known = self.numbers[place].get(items)
        if known is None:
            known = self.numbers[place][items] = len(self.contents[place])
            self.contents[place].append(tuple(counts.items()))
            self.sizes[place].append(sum(counts.values()))
            if known >= CONTENTS_MAX:
                self.limit = f"more than {CONTENTS_MAX} contents of {self.net.places[place].name!r}"
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

    def _ways(
        self, number: int, key: Marking
    ) -> tuple[tuple[int, tuple[tuple[int, int], ...]], ...]:
        """Return the steps of a transition, each with the change that it makes on each place."""
        transition = self.net.transitions[number]
        bags = [EMPTY] * len(self.net.places)
        copies = self.copies[number]
        for place, content in zip(self.around[number], key, strict=True):
            bag = Bag()
            for value, count in self.contents[place][content]:
                bag.values += [value] * min(count, copies.get(place, count))
            bag.times = [START] * len(bag.values)
            bags[place] = bag
        found = []
        for binding in transition.bindings(bags, START):
            takes = tuple((place, value) for place, value, _ in binding.consumed)
            made = transition.make(binding.variables, {}, START)
            puts = tuple((place, value) for place, value, _ in made)
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
            found.append((self._step(transition, number, binding.variables, takes, puts), changes))
        if len(found) >= BINDINGS_PER_MARKING_MAX:
            self.limit = f"more than {BINDINGS_PER_MARKING_MAX} bindings of {transition.name!r}"
        return tuple(found)

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
        return known

    def _enabled(self, marking: Marking) -> list[tuple[int, tuple[tuple[int, int], ...]]]:
        for rank in self.ranks:
            found: list[tuple[int, tuple[tuple[int, int], ...]]] = []
            for number in rank:
                key = tuple([marking[place] for place in self.around[number]])
                ways = self.known[number].get(key)
                if ways is None:
                    ways = self.known[number][key] = self._ways(number, key)
                if ways:
                    found += ways
            if found:
                return found
        return []

    def _successor(self, marking: Marking, changes: tuple[tuple[int, int], ...]) -> Marking:
        then = list(marking)
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
        start = tuple(
            self._number(n, Counter(value for value, _ in place.initial))
            for n, place in enumerate(self.net.places)
        )
        index = {start: 0}
        order = [start]
        came: list[tuple[int, int]] = [(0, 0)]
        arcs = dead = state = 0
        stuck: int | None = None
        while state < len(order) and not self.limit:
            marking = order[state]
            enabled = self._enabled(marking)
            if not enabled:
                dead += 1
                if stuck is None and not self._is_final(marking):
                    stuck = state
            for step, changes in enabled:
                arcs += 1
                then = self._successor(marking, changes)
                if then not in index:
                    if len(order) >= self.most:
                        self.limit = f"more than {self.most} markings"
                        break
                    index[then] = len(order)
                    order.append(then)
                    came.append((state, step))
            if arcs > self.arcs_max:
                self.limit = f"more than {self.arcs_max} arcs"
            state += 1
        peaks = tuple(max(each, default=0) for each in self.sizes)
        return Reached(
            steps=self.steps, markings=len(order), arcs=arcs, limit=self.limit, peaks=peaks,
            dead=dead, path=None if stuck is None else self._path(came, stuck),
        )  # fmt: skip

    def _is_final(self, marking: Marking) -> bool:
        final = self.net.final
        if final is None:
            return False
        return bool(final([self.sizes[p][content] for p, content in enumerate(marking)]))

    def _path(self, came: list[tuple[int, int]], state: int) -> tuple[Step, ...]:
        steps: list[Step] = []
        while state:
            state, step = came[state]
            steps.append(self.steps[step])
        return tuple(reversed(steps))


EMPTY = Bag()


def _by_name(item: tuple[str, object]) -> str:
    return item[0]
