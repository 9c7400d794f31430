"""The cheapest changes that resolve given conflicts; a change is paid for once.

Each conflict lists sets of changes, any of which resolves it. A few conflicts that share changes
are solved by sets of them, more by CP-SAT. Most of the thousands of ways out are too dear to be in
any cheapest choice: a few are in its model at first, and what it then costs tells which others have
to be there for the optimum to be exact.
"""

import heapq
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec
from ortools.sat.python import cp_model

from fabloop.plan.reasons.bundles import Bundles, Changes, Ways, floors
from fabloop.plan.reasons.change import Change, Key
from fabloop.plan.reasons.sharing import GaveUp, Sharing, contains, sharing_of

EFFORT = 0.5
"""Deterministic seconds for the choice of changes that resolve all conflicts known."""

SCALE = 1_000_000
"""Prices are counted in millionths."""

FIRST = 8
"""Ways out of each conflict that are in the model at first."""

QUICK = 64
"""Ways out of each conflict, those that share most first, that a first cover is made of."""

SLACK = 0.5
"""How much dearer covers are looked at than one that is known, so that the next are there too."""

TOLERANCE = 1e-5
"""Prices that differ by less count as equal."""

BRANCHES_MAX = 2_000
"""Ways to divide what is ruled out among parts; beyond, all parts are one model."""


class Cover(msgspec.Struct, frozen=True):
    """Changes by key that resolve all conflicts; `proven` means that none cheaper do."""

    chosen: dict[Key, Change]
    proven: bool

    @property
    def price(self) -> float:
        """What the changes are worth together."""
        return sum([each.price for each in self.chosen.values()])


def cheapest_cover(conflicts: Sequence[Ways], ruled_out: Sequence[Changes] = ()) -> Cover | None:
    """Return the cheapest changes with a way out of every conflict; None where there are none.

    No answer contains all changes of a set that is ruled out, at its amounts or more.
    """
    return Covering(conflicts).cheapest(ruled_out)


class Covering:
    """Conflicts to be covered, asked again as more sets of changes are ruled out.

    Conflicts that share no change are solved apart: of each set that is ruled out, one part has
    to do without its share, and which one is found best first.
    """

    def __init__(self, conflicts: Sequence[Ways], known: "_Known | None" = None) -> None:
        self._conflicts = list({id(each): each for each in conflicts}.values())
        known = known or _Known({}, {})
        keyed = [(known.keys_of(each), each) for each in self._conflicts]
        self._parts = [
            known.parts.get(_name(ways)) or _Part(keys, ways) for keys, ways in _apart(keyed)
        ]
        self._known = known
        known.parts.clear()
        known.parts.update({each.name: each for each in self._parts})
        self._owner = {key: number for number, part in enumerate(self._parts) for key in part.keys}

    def again(self, conflicts: Sequence[Ways]) -> "Covering":
        """Return the cover of other conflicts; parts that are the same ones are taken over."""
        return Covering(conflicts, self._known)

    def cheapest(self, ruled_out: Sequence[Changes]) -> Cover | None:
        """Return the cheapest cover; of several calls each rules out what the one before did."""
        if not all(self._conflicts):
            return None
        sets = {
            number: each
            for number, each in enumerate(ruled_out)
            if all(change.key in self._owner for change in each)
        }
        shares = {number: _shares(each, self._owner) for number, each in sets.items()}
        search = _Branches(self._parts, shares)
        search.push((frozenset(),) * len(self._parts))
        for cover in search:
            kept = next((n for n, each in sets.items() if contains(cover.chosen, each)), None)
            if kept is None:
                return cover
            search.branch(kept)
        if not search.gave_up:
            return None
        return _modelled(Bundles(self._conflicts), ruled_out)


class _Known(msgspec.Struct, frozen=True):
    """What was found out of conflicts, by which objects they are, and of parts of them."""

    keys: dict[int, tuple[Ways, frozenset[Key]]]
    parts: "dict[frozenset[int], _Part]"

    def keys_of(self, ways: Ways) -> frozenset[Key]:
        """Return what the ways out of a conflict are about."""
        if id(ways) not in self.keys:
            keys = frozenset([each.key for changes in ways for each in changes])
            self.keys[id(ways)] = ways, keys
        return self.keys[id(ways)][1]


def _name(conflicts: Sequence[Ways]) -> frozenset[int]:
    return frozenset(id(each) for each in conflicts)


def _apart(
    conflicts: Sequence[tuple[frozenset[Key], Ways]],
) -> list[tuple[frozenset[Key], list[Ways]]]:
    """Return the conflicts, told with what they are about, in groups that share no change."""
    parts: list[tuple[frozenset[Key], list[Ways]]] = []
    for keys, ways in conflicts:
        group = [ways]
        others = []
        for part in parts:
            if part[0].isdisjoint(keys):
                others.append(part)
            else:
                keys |= part[0]  # noqa: PLW2901  # what the group is about grows
                group = [*part[1], *group]
        parts = [*others, (keys, group)]
    return parts


def _shares(changes: Sequence[Change], owner: Mapping[Key, int]) -> dict[int, Changes]:
    """Return which part has which of the changes."""
    shares: dict[int, Changes] = {}
    for each in changes:
        part = owner[each.key]
        shares[part] = (*shares.get(part, ()), each)
    return shares


class _Part:
    """Conflicts that share changes with each other and with no others.

    Of several conflicts only the ways out are looked at that a cover as cheap as one that is known
    may have.
    """

    def __init__(self, keys: frozenset[Key], conflicts: Sequence[Ways]) -> None:
        self._conflicts = conflicts
        self.keys = keys
        self.name = _name(conflicts)
        self._known: dict[frozenset[int], Cover | None] = {}
        self._priced: _Priced | None = None
        self._near: _Near | None = None
        self._most = 0.0
        self._ranked: list[Changes] = []

    def cheapest(self, avoided: Mapping[int, Changes]) -> Cover | None:
        """Return the cheapest cover that contains none of the sets, which go by number."""
        name = frozenset(avoided)
        if name not in self._known:
            ruled_out = list(avoided.values())
            if len(self._conflicts) == 1:
                self._known[name] = self._least(ruled_out)
            else:
                self._known[name] = self._shared(ruled_out)
        return self._known[name]

    def _shared(self, ruled_out: Sequence[Changes]) -> Cover | None:
        """Return the cheapest cover of several conflicts."""
        if self._priced is None or self._near is None:
            self._priced = _Priced(self._conflicts)
            self._most = self._priced.quick() + SLACK
            self._near = _Near(self._priced.within(self._most))
        while True:
            cover = self._near.cheapest(ruled_out)
            if cover is not None and cover.price <= self._most + TOLERANCE:
                return cover
            if self._near.size == self._priced.size:
                return cover
            self._most = 2 * self._most if cover is None else cover.price + SLACK
            self._near = _Near(self._priced.within(self._most))

    def _least(self, ruled_out: Sequence[Changes]) -> Cover | None:
        """Return the way out of the only conflict that takes least."""
        if not self._ranked:
            self._ranked = sorted(self._conflicts[0], key=_price_and_names)
        for changes in self._ranked:
            chosen = {each.key: each for each in changes}
            if not any(contains(chosen, each) for each in ruled_out):
                return Cover(chosen, proven=True)
        return None


class _Near:
    """Several conflicts with some ways out of each, solved by sets of them or by a model."""

    def __init__(self, conflicts: Sequence[Ways]) -> None:
        self.size = sum(len(ways) for ways in conflicts)
        self._bundles: Bundles | None = None
        self._sharing: Sharing | None = sharing_of(conflicts)
        self._needed = conflicts if self._sharing is None else self._sharing.needed

    def cheapest(self, ruled_out: Sequence[Changes]) -> Cover | None:
        """Return the cheapest cover by these ways that contains none of the sets."""
        if self._sharing is not None:
            try:
                chosen = self._sharing.cheapest(ruled_out)
            except GaveUp:
                self._sharing = None
            else:
                return None if chosen is None else Cover(chosen, proven=True)
        self._bundles = self._bundles or Bundles(self._needed)
        return _modelled(self._bundles, ruled_out)


def _price_and_names(changes: Changes) -> tuple[float, list[Key]]:
    return _price(changes), _names(changes)


def _price(changes: Changes) -> float:
    return sum([each.price for each in changes])


_Avoided: TypeAlias = tuple[frozenset[int], ...]
"""Per part, the sets (by number) of which it does without its share."""


class _Branches:
    """Covers put together from parts, the cheapest first; each rules sets out in its own way."""

    def __init__(self, parts: Sequence[_Part], shares: Mapping[int, Mapping[int, Changes]]) -> None:
        self._parts = parts
        self._shares = shares
        self._queue: list[tuple[float, int, _Avoided, Cover]] = []
        self._pushed: set[_Avoided] = set()
        self._last: _Avoided = ()

    @property
    def gave_up(self) -> bool:
        """Whether there were too many ways to rule the sets out."""
        return len(self._pushed) > BRANCHES_MAX

    def __iter__(self) -> Iterator[Cover]:
        while self._queue and not self.gave_up:
            _, _, self._last, cover = heapq.heappop(self._queue)
            yield cover

    def branch(self, kept: int) -> None:
        """Go on from the last cover by letting each part in turn do without its share of a set."""
        for part in self._shares[kept]:
            avoided = list(self._last)
            avoided[part] |= {kept}
            self.push(tuple(avoided))

    def push(self, avoided: _Avoided) -> None:
        """Put the cheapest cover of a choice in, where there is one."""
        if avoided in self._pushed:
            return
        self._pushed.add(avoided)
        chosen: dict[Key, Change] = {}
        proven = True
        for number, (part, own) in enumerate(zip(self._parts, avoided, strict=True)):
            cover = part.cheapest({each: self._shares[each][number] for each in own})
            if cover is None:
                return
            chosen |= cover.chosen
            proven = proven and cover.proven
        price = sum(each.price for each in chosen.values())
        heapq.heappush(
            self._queue, (price, len(self._pushed), avoided, Cover(chosen, proven=proven))
        )


def _modelled(bundles: Bundles, ruled_out: Sequence[Changes]) -> Cover | None:
    """Return the cheapest cover of conflicts that share changes."""
    explicit = {each.key for changes in ruled_out for each in changes}
    return _Priced(bundles.kept(explicit)).cheapest(ruled_out)


class _Priced:
    """Conflicts with the ways out of each, sorted by the least that they add to any cover.

    A change that serves at most *n* conflicts adds at least an *n*-th of its price for each. So
    the sum of the least shares is a bound, and a way whose share is greater than the least one by
    more than a known cover is above that bound is in no cheaper cover.
    """

    def __init__(self, conflicts: Sequence[Ways]) -> None:
        used: dict[Key, set[int]] = defaultdict(set)
        for number, ways in enumerate(conflicts):
            for each in (change for changes in ways for change in changes):
                used[each.key].add(number)
        prices = floors(conflicts)

        def share(changes: Changes) -> float:
            return sum([prices[each.key][each.level] / len(used[each.key]) for each in changes])

        self._shares: list[list[float]] = []
        self._ways: list[list[Changes]] = []
        for ways in conflicts:
            shared = ((share(changes), changes) for changes in ways)
            ranked = sorted(shared, key=lambda each: each[0])
            self._ways.append([changes for _, changes in ranked])
            self._shares.append([each for each, _ in ranked])
        self._bound = sum(shares[0] for shares in self._shares)
        self.size = sum(len(ways) for ways in self._ways)

    def quick(self) -> float:
        """Return what some cover takes that is found at once, conflict by conflict."""
        chosen: dict[Key, Change] = {}
        order = sorted(range(len(self._ways)), key=lambda each: -self._shares[each][0])
        for number in order:
            ways = self._ways[number][:QUICK]
            best = min(ways, key=lambda changes: sum(_more(each, chosen) for each in changes))
            for each in best:
                if _more(each, chosen):
                    chosen[each.key] = each
        return sum(each.price for each in chosen.values())

    def within(self, most: float) -> list[list[Changes]]:
        """Return the ways out that may be in a cover which takes no more than that."""
        slack = most - self._bound + TOLERANCE
        rows = zip(self._ways, self._shares, strict=True)
        return [ways[: bisect_right(shares, shares[0] + slack)] for ways, shares in rows]

    def cheapest(self, ruled_out: Sequence[Changes]) -> Cover | None:
        """Return the cheapest cover by CP-SAT; few ways are in the model, but all that matter."""
        counts = [min(FIRST, len(ways)) for ways in self._ways]
        most = float("inf")
        while True:
            kept = [
                [changes for changes in ways[:count] if _price(changes) <= most]
                for ways, count in zip(self._ways, counts, strict=True)
            ]
            cover = _solved(kept, ruled_out)
            if cover is None:
                wider = [min(4 * n, len(ways)) for n, ways in zip(counts, self._ways, strict=True)]
            else:
                most = cover.price + TOLERANCE
                wider = self._within(cover)
                wider = [max(each) for each in zip(counts, wider, strict=True)]
            if wider == counts:
                return cover
            counts = wider

    def _within(self, cover: Cover) -> list[int]:
        """Return how many ways out of each conflict may be in a cheaper cover."""
        slack = cover.price - self._bound
        return [bisect_right(shares, shares[0] + slack + TOLERANCE) for shares in self._shares]


def _more(change: Change, chosen: Mapping[Key, Change]) -> float:
    """Return what a change takes beside those that are chosen."""
    known = chosen.get(change.key)
    if known is None:
        return change.price
    return 0.0 if known.level >= change.level else max(0.0, change.price - known.price)


def _names(changes: Changes) -> list[Key]:
    return [each.key for each in changes]


class _Model:
    """The constraint model: of each change and amount, whether so much of it or more is made."""

    def __init__(self, conflicts: Sequence[Ways]) -> None:
        self.model = cp_model.CpModel()
        self._amounts: dict[Key, list[Change]] = {}
        self._made: dict[Key, list[cp_model.IntVar]] = {}
        self._pay(change for ways in conflicts for changes in ways for change in changes)
        for ways in conflicts:
            self.model.add_bool_or([self._together(changes) for changes in ways])

    def _pay(self, changes: Iterable[Change]) -> None:
        """Let more of a change be paid for on top of less of it."""
        amounts: dict[Key, dict[float, Change]] = defaultdict(dict)
        for each in changes:
            amounts[each.key][each.level] = each
        literals: list[cp_model.IntVar] = []
        prices: list[int] = []
        for key, levels in amounts.items():
            row = self._amounts[key] = [levels[level] for level in sorted(levels)]
            made = self._made[key] = [self.model.new_bool_var("") for _ in row]
            paid = 0
            for place, (_change, literal) in enumerate(zip(row, made, strict=True)):
                price = min(round(SCALE * each.price) for each in row[place:])
                literals.append(literal)
                prices.append(price - paid)
                paid = price
                if place:
                    self.model.add_implication(literal, made[place - 1])
        self.model.minimize(cp_model.LinearExpr.weighted_sum(literals, prices))

    def _enough(self, change: Change) -> cp_model.IntVar | None:
        """Return whether so much of a change or more is made; None where it never is."""
        row = self._amounts.get(change.key, [])
        place = bisect_left(row, change.level, key=lambda each: each.level)
        return self._made[change.key][place] if place < len(row) else None

    def _together(self, changes: Changes) -> cp_model.IntVar:
        parts = [literal for each in changes if (literal := self._enough(each)) is not None]
        assert len(parts) == len(changes), "all of them are paid for"
        if len(parts) == 1:
            return parts[0]
        literal = self.model.new_bool_var("")
        for part in parts:
            self.model.add_implication(literal, part)
        return literal

    def rule_out(self, changes: Iterable[Change]) -> None:
        """Let not all of the changes be made together, at their amounts or more."""
        parts = [self._enough(each) for each in changes]
        known = [literal.negated() for literal in parts if literal is not None]
        if len(known) == len(parts):
            self.model.add_bool_or(known)

    def read(self, solver: cp_model.CpSolver) -> dict[Key, Change]:
        """Return the changes that are made."""
        chosen: dict[Key, Change] = {}
        for key, made in self._made.items():
            for change, literal in zip(self._amounts[key], made, strict=True):
                if solver.boolean_value(literal):
                    chosen[key] = change
        return chosen


def _solved(conflicts: Sequence[Ways], ruled_out: Sequence[Changes]) -> Cover | None:
    """Return the cheapest cover by these ways; None where there is none, or none is found."""
    model = _Model(conflicts)
    for changes in ruled_out:
        model.rule_out(changes)
    solver = cp_model.CpSolver()
    solver.parameters.catch_sigint_signal = False  # it would swallow Ctrl-C
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 7
    solver.parameters.max_deterministic_time = EFFORT
    status = solver.solve(model.model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    return Cover(model.read(solver), status == cp_model.OPTIMAL)
