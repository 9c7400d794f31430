"""The cheapest changes that resolve given conflicts, by CP-SAT; a change is paid for once.

Each conflict lists sets of changes, any of which resolves it. Thousands of them differ in nothing
but their price: those that resolve the same conflicts. Of each such group the cheapest ones are in
the model, and one literal stands for the others at the price of the next; where that literal is
chosen, more of the group come in and it is solved again. So the optimum stays exact.
"""

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec
from ortools.sat.python import cp_model

from fabloop.plan.reasons.change import Change, Key

EFFORT = 0.5
"""Deterministic seconds for the choice of changes that resolve all conflicts known."""

SCALE = 1_000_000
"""Prices are counted in millionths."""

FIRST_OF_GROUP = 8
"""Changes of a group that are in the model at first."""

BRANCHES_MAX = 2_000
"""Ways to divide what is ruled out among parts; beyond, all parts are one model."""

Ways: TypeAlias = Sequence[tuple[Change, ...]]
Level: TypeAlias = tuple[Key, float]


class Cover(msgspec.Struct, frozen=True):
    """Changes by key that resolve all conflicts; `proven` means that none cheaper do."""

    chosen: dict[Key, Change]
    proven: bool


class _Option(msgspec.Struct, frozen=True):
    """Changes that together resolve some of the conflicts (by number)."""

    changes: tuple[Change, ...]
    resolves: frozenset[int]
    price: float


class _Group(msgspec.Struct, frozen=True):
    """Options that resolve the same conflicts and share nothing with others, cheapest first."""

    resolves: frozenset[int]
    options: tuple[_Option, ...]


def cheapest_cover(
    conflicts: Sequence[Ways], ruled_out: Sequence[tuple[Change, ...]] = ()
) -> Cover | None:
    """Return the cheapest changes with a way out of every conflict; None where there are none.

    No answer contains all changes of a set that is ruled out, at its amounts or more.
    """
    return Covering(conflicts).cheapest(ruled_out)


class Covering:
    """Conflicts to be covered, asked again as more sets of changes are ruled out.

    Conflicts that share no change are solved apart: of each set that is ruled out, one part has
    to do without its share, and which one is found best first.
    """

    def __init__(self, conflicts: Sequence[Ways]) -> None:
        self._conflicts = conflicts
        self._parts = [_Part(each) for each in _apart(conflicts)]
        self._owner = {key: number for number, part in enumerate(self._parts) for key in part.keys}

    def cheapest(self, ruled_out: Sequence[tuple[Change, ...]]) -> Cover | None:
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
            kept = next((n for n, each in sets.items() if _contains(cover.chosen, each)), None)
            if kept is None:
                return cover
            search.branch(kept)
        if not search.gave_up:
            return None
        return _modelled(_Grouping(self._conflicts), ruled_out)


def _contains(chosen: Mapping[Key, Change], changes: Iterable[Change]) -> bool:
    found = ((chosen.get(each.key), each.level) for each in changes)
    return all(made is not None and made.level >= level for made, level in found)


def _apart(conflicts: Sequence[Ways]) -> list[list[Ways]]:
    """Return the conflicts in groups that share no change."""
    parts: list[tuple[set[Key], list[Ways]]] = []
    for ways in conflicts:
        keys, group = {each.key for changes in ways for each in changes}, [ways]
        others = []
        for part in parts:
            if part[0].isdisjoint(keys):
                others.append(part)
            else:
                keys |= part[0]
                group = [*part[1], *group]
        parts = [*others, (keys, group)]
    return [group for _, group in parts]


def _shares(changes: Sequence[Change], owner: Mapping[Key, int]) -> dict[int, tuple[Change, ...]]:
    """Return which part has which of the changes."""
    shares: dict[int, tuple[Change, ...]] = {}
    for each in changes:
        part = owner[each.key]
        shares[part] = (*shares.get(part, ()), each)
    return shares


class _Part:
    """Conflicts that share changes with each other and with no others."""

    def __init__(self, conflicts: Sequence[Ways]) -> None:
        self._conflicts = conflicts
        self.keys = {each.key for ways in conflicts for changes in ways for each in changes}
        self._known: dict[frozenset[int], Cover | None] = {}
        self._grouping: _Grouping | None = None

    def cheapest(self, avoided: Mapping[int, tuple[Change, ...]]) -> Cover | None:
        """Return the cheapest cover that contains none of the sets, which go by number."""
        name = frozenset(avoided)
        if name not in self._known:
            ruled_out = list(avoided.values())
            if len(self._conflicts) == 1:
                self._known[name] = self._least(ruled_out)
            else:
                self._grouping = self._grouping or _Grouping(self._conflicts)
                self._known[name] = _modelled(self._grouping, ruled_out)
        return self._known[name]

    def _least(self, ruled_out: Sequence[tuple[Change, ...]]) -> Cover | None:
        """Return the way out of the only conflict that takes least."""
        best: tuple[float, list[Key]] | None = None
        found = None
        for changes in self._conflicts[0]:
            price = sum(each.price for each in changes)
            if best is not None and price > best[0]:
                continue
            rank = price, [each.key for each in changes]
            chosen = {each.key: each for each in changes}
            if best is not None and rank >= best:
                continue
            if not any(_contains(chosen, each) for each in ruled_out):
                best, found = rank, chosen
        return None if found is None else Cover(found, proven=True)


_Avoided: TypeAlias = tuple[frozenset[int], ...]
"""Per part, the sets (by number) of which it does without its share."""


class _Branches:
    """Covers put together from parts, the cheapest first; each rules sets out in its own way."""

    def __init__(
        self, parts: Sequence[_Part], shares: Mapping[int, Mapping[int, tuple[Change, ...]]]
    ) -> None:
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


def _modelled(grouping: "_Grouping", ruled_out: Sequence[tuple[Change, ...]]) -> Cover | None:
    """Return the cheapest cover of conflicts that share changes, by CP-SAT."""
    groups, linked = grouping.of({each.key for changes in ruled_out for each in changes})
    width = FIRST_OF_GROUP
    while True:
        model = _Model(grouping.count, linked, ruled_out)
        for group in groups:
            model.add(group, width)
        cover, cut = model.solve()
        if not cut:
            return cover
        width *= 4


class _Grouping:
    """Options that stand for themselves, in groups, and the options that share changes."""

    def __init__(self, conflicts: Sequence[Ways]) -> None:
        self.count = len(conflicts)
        self._uses: dict[Key, list[_Option]] = defaultdict(list)
        together: set[Key] = set()
        options = [
            _Option(changes, frozenset((number,)), sum(each.price for each in changes))
            for number, ways in enumerate(conflicts)
            for changes in ways
        ]
        for option in options:
            for each in option.changes:
                self._uses[each.key].append(option)
            if len(option.changes) > 1:
                together.update(each.key for each in option.changes)
        rows: dict[frozenset[int], list[_Option]] = defaultdict(list)
        for option in _singles(conflicts, together):
            rows[option.resolves].append(option)
        private: dict[frozenset[int], list[_Option]] = defaultdict(list)
        self._linked: list[_Option] = []
        for option in options:
            if any(each.key in together for each in option.changes):
                own = all(self._is_of(option.resolves, each.key) for each in option.changes)
                (private[option.resolves] if own else self._linked).append(option)
        self._groups = [
            _Group(row[0].resolves, tuple(sorted(row, key=_rank)))
            for row in (*rows.values(), *private.values())
        ]

    def of(self, explicit: Collection[Key]) -> tuple[list[_Group], list[_Option]]:
        """Return groups and linked options; what has one of these keys counts as linked."""
        if not explicit:
            return self._groups, self._linked
        linked = {id(each): each for each in self._linked}
        linked |= {id(each): each for key in explicit for each in self._uses.get(key, ())}
        groups = [_without(each, explicit) for each in self._groups]
        return [each for each in groups if each.options], list(linked.values())

    def _is_of(self, resolves: frozenset[int], key: Key) -> bool:
        """Tell whether a change is asked for by these conflicts alone."""
        return all(each.resolves == resolves for each in self._uses[key])


def _without(group: _Group, keys: Collection[Key]) -> _Group:
    """Return the group without the options that have one of the keys."""
    kept = tuple(
        each for each in group.options if not any(change.key in keys for change in each.changes)
    )
    return group if len(kept) == len(group.options) else _Group(group.resolves, kept)


def _singles(conflicts: Sequence[Ways], together: Collection[Key]) -> list[_Option]:
    """Return one option per change and amount that is needed alone; more serves what less does."""
    amounts: dict[Key, dict[float, Change]] = defaultdict(dict)
    needed: dict[Key, list[tuple[float, int]]] = defaultdict(list)
    for number, ways in enumerate(conflicts):
        for changes in ways:
            if len(changes) == 1 and changes[0].key not in together:
                amounts[changes[0].key][changes[0].level] = changes[0]
                needed[changes[0].key].append((changes[0].level, number))
    return [
        _Option(
            (change,),
            frozenset(number for least, number in needed[key] if least <= level),
            change.price,
        )
        for key, levels in amounts.items()
        for level, change in levels.items()
    ]


def _rank(option: _Option) -> tuple[float, list[Key]]:
    return option.price, [each.key for each in option.changes]


class _Model:
    """The constraint model over the options that are in it."""

    def __init__(
        self,
        conflicts: int,
        linked: Sequence[_Option],
        ruled_out: Sequence[tuple[Change, ...]],
    ) -> None:
        self._model = cp_model.CpModel()
        self._clauses: list[list[cp_model.IntVar]] = [[] for _ in range(conflicts)]
        self._terms: list[cp_model.LinearExpr] = []
        self._paid: dict[Key, dict[float, tuple[Change, cp_model.IntVar]]] = defaultdict(dict)
        self._known: dict[frozenset[Level], cp_model.IntVar] = {}
        self._rest: list[cp_model.IntVar] = []
        for option in linked:
            for change in option.changes:
                self._pay(change)
        for option in linked:
            self._resolve(option)
        for changes in ruled_out:
            self._model.add_bool_or([self._unpaid(change) for change in changes])

    def add(self, group: _Group, width: int) -> None:
        """Put the cheapest options of a group in, and a literal for the others."""
        for option in group.options[:width]:
            for change in option.changes:
                self._pay(change)
        for option in group.options[:width]:
            self._resolve(option)
        if len(group.options) > width:
            literal = self._model.new_bool_var("")
            self._rest.append(literal)
            self._terms.append(round(SCALE * group.options[width].price) * literal)
            for number in group.resolves:
                self._clauses[number].append(literal)

    def _pay(self, change: Change) -> None:
        if change.level not in self._paid[change.key]:
            literal = self._model.new_bool_var("")
            self._paid[change.key][change.level] = (change, literal)
            self._terms.append(round(SCALE * change.price) * literal)

    def _resolve(self, option: _Option) -> None:
        literal = self._together(option.changes)
        for number in option.resolves:
            self._clauses[number].append(literal)

    def _together(self, changes: tuple[Change, ...]) -> cp_model.IntVar:
        """Return a literal that needs each of the changes, or more of it, to be paid for."""
        name = frozenset((each.key, each.level) for each in changes)
        if name not in self._known:
            literal = self._known[name] = self._model.new_bool_var("")
            for each in changes:
                self._model.add_bool_or([literal.negated(), *self._enough(each)])
        return self._known[name]

    def _enough(self, change: Change) -> list[cp_model.IntVar]:
        paid = self._paid[change.key].items()
        return [literal for level, (_, literal) in paid if level >= change.level]

    def _unpaid(self, change: Change) -> cp_model.IntVar:
        """Return a literal that is true only where nothing is paid that serves as the change."""
        literal = self._model.new_bool_var("")
        for paid in self._enough(change):
            self._model.add_implication(literal, paid.negated())
        return literal

    def solve(self) -> tuple[Cover | None, bool]:
        """Return the cheapest cover, and whether it asks for options that were left out."""
        for clause in self._clauses:
            self._model.add_bool_or(clause)
        self._model.minimize(cp_model.LinearExpr.sum(self._terms))
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = 7
        solver.parameters.max_deterministic_time = EFFORT
        status = solver.solve(self._model)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return None, False
        if any(solver.boolean_value(literal) for literal in self._rest):
            return None, True
        return Cover(self._read(solver), status == cp_model.OPTIMAL), False

    def _read(self, solver: cp_model.CpSolver) -> dict[Key, Change]:
        chosen: dict[Key, Change] = {}
        for key, levels in self._paid.items():
            for level in sorted(levels):
                change, literal = levels[level]
                if solver.boolean_value(literal):
                    chosen[key] = change
        return chosen
