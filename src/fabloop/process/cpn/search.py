"""Generates the source that finds a transition's bindings: nested loops, oldest tokens first.

Arcs that share neither a variable, a condition nor a place are searched apart: a hopeless group
is then not tried again for every choice of another. Within a group, an arc whose value is known
is looked up before one that must be scanned, and each condition is tested as early as possible.
"""

import ast
from collections.abc import Collection

import msgspec

from fabloop.process.cpn.colour import ColourSet
from fabloop.process.cpn.expression import Expression, Misread, Words, express
from fabloop.process.cpn.pattern import Match, is_value, match_pattern


class Arc(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """An input arc: `number` is its position, `lone` that no other arc takes from its place.

    With `many`, `tree` is no pattern: it gives the tokens to take once its names are known.
    """

    number: int
    place: int
    count: int
    tree: ast.expr
    colour: ColourSet
    binds: frozenset[str]
    needs: frozenset[str]
    lone: bool
    many: bool = False


class Condition(msgspec.Struct, frozen=True, eq=False):
    """A conjunct of the guard; an equation may define `sets`, the variables of its `pattern`."""

    test: Expression
    sets: frozenset[str] = frozenset()
    pattern: ast.expr | None = None
    value: Expression | None = None

    @property
    def needs(self) -> frozenset[str]:
        """The variables that must be known before it can be used."""
        return self.test.names if self.value is None else self.value.names


class Source:
    """Lines of Python with indentation."""

    def __init__(self, depth: int = 0) -> None:
        self.lines: list[str] = []
        self.depth = depth

    def add(self, line: str) -> None:
        """Append one line at the current depth."""
        self.lines.append("    " * self.depth + line)


def read_arc(
    number: int, place: int, count: int, tree: ast.expr, colour: ColourSet, *, words: Words,
    lone: bool, many: bool = False,
) -> Arc:  # fmt: skip
    """Return an arc with the names it can bind and those its computed parts need."""
    if many:
        return Arc(
            number=number, place=place, count=count, tree=tree, colour=colour, binds=frozenset(),
            needs=express(tree, words).names, lone=False, many=True,
        )  # fmt: skip
    match = match_pattern(tree, "x", colour, words)
    binds = frozenset(name for name, _ in match.binds)
    needs = frozenset(name for _, test in match.compares for name in test.names) - binds
    return Arc(
        number=number, place=place, count=count, tree=tree, colour=colour, binds=binds,
        needs=needs, lone=lone,
    )  # fmt: skip


def read_conditions(
    parts: list[ast.expr], bound: frozenset[str], words: Words
) -> tuple[list[Condition], frozenset[str]]:
    """Return the guard's conjuncts, and the variables that its equations define.

    Raises Misread where a name is neither bound by an input nor defined by an equation.
    """
    conditions: list[Condition] = []
    known, left = set(bound), list(parts)
    while left:
        for part in left:
            condition = _condition(part, known, words)
            if condition is not None:
                conditions.append(condition)
                left.remove(part)
                known |= condition.sets
                break
        else:
            unknown = sorted(express(left[0], words).names - known)
            raise Misread("names bound by an input", ", ".join(unknown))
    return conditions, frozenset(known) - bound


def _condition(part: ast.expr, known: Collection[str], words: Words) -> Condition | None:
    test = express(part, words)
    if test.names <= set(known):
        return Condition(test)
    if isinstance(part, ast.Compare) and len(part.ops) == 1 and isinstance(part.ops[0], ast.Eq):
        for pattern, value in ((part.left, part.comparators[0]), (part.comparators[0], part.left)):
            sets = _defined(pattern, known, words)
            if sets:
                defined = express(value, words)
                if defined.names <= set(known):
                    return Condition(test, sets, pattern, defined)
    return None


def _defined(pattern: ast.expr, known: Collection[str], words: Words) -> frozenset[str]:
    """Return the names that an equation with this side defines; none where it cannot."""
    if not isinstance(pattern, ast.Name | ast.Tuple):
        return frozenset()
    match = match_pattern(pattern, "x", None, words)
    needs = {name for _, each in match.compares for name in each.names}
    binds = frozenset(name for name, _ in match.binds) - set(known)
    return binds if needs <= set(known) | binds else frozenset()


def group_arcs(
    arcs: list[Arc], conditions: list[Condition]
) -> list[tuple[list[Arc], list[Condition]]]:
    """Return the independent groups of arcs, each with its conditions.

    Conditions that concern no arc go to the first group.
    """
    links: list[set[str]] = [
        {*(f"v{name}" for name in arc.binds | arc.needs), f"p{arc.place}"} for arc in arcs
    ]
    links += [{f"v{name}" for name in condition.needs | condition.sets} for condition in conditions]
    merged: list[set[str]] = []
    for link in links:
        touching = [each for each in merged if each & link]
        merged = [each for each in merged if not each & link] + [set(link).union(*touching)]
    groups: list[tuple[list[Arc], list[Condition]]] = []
    loose = list(conditions)
    for group in merged:
        inside = [arc for arc, link in zip(arcs, links, strict=False) if link & group]
        tests = [c for c, link in zip(conditions, links[len(arcs) :], strict=True) if link & group]
        if inside:
            groups.append((inside, tests))
            loose = [each for each in loose if each not in tests]
    groups.sort(key=lambda group: group[0][0].number)
    groups[0] = (groups[0][0], loose + groups[0][1])
    return groups


class Search:
    """Writes the search of one group into `source`; ends in a line built by `leaf`.

    A `lenient` search lets pass whatever hangs on an unknown value. Variables in `free` are bound
    by nothing: they are tried with every value of their domain, ``d_name``.
    """

    def __init__(
        self,
        group: tuple[list[Arc], list[Condition]],
        words: Words,
        *,
        free: Collection[str] = (),
        lenient: bool = False,
    ) -> None:
        self.free = sorted(free)
        self.arcs, self.conditions = list(group[0]), list(group[1])
        self.words, self.lenient = words, lenient
        self.source = Source(1)
        self.bound: list[str] = []
        self.compares: list[tuple[str, Expression]] = []
        self.consumed: dict[int, str] = {}
        self.used: dict[int, list[str]] = {}
        self.loops = 0
        self.equations = 0
        self.positions = False

    def write(self, leaf: str) -> list[str]:
        """Return the body of ``part(marking, now)``; `leaf` is ``return`` or ``yield``."""
        for place in dict.fromkeys(arc.place for arc in self.arcs):
            self.source.add(
                f"T{place} = marking[{place}].times; V{place} = marking[{place}].values"
            )
        self._search()
        names = ", ".join(f"{name!r}: v_{name}" for name in self.bound)
        taken = "".join(f"{self.consumed[arc.number]}, " for arc in self.arcs)
        self.source.add(f"{leaf} {{{names}}}, ({taken})")
        return self.source.lines

    def write_positions(self) -> tuple[list[str], list[str]]:
        """Return the body of ``part(now)`` for arcs of one token each, and what it returns.

        It reads lists ``T3`` and ``V3`` of place 3 from around it. It returns the values of the
        variables, then the positions of the tokens in arc order, under the names that are told.
        """
        self.positions = True
        self._search()
        names = [f"v_{name}" for name in self.bound]
        places = [self.consumed[arc.number] for arc in self.arcs]
        self.source.add(f"return ({''.join(f'{each}, ' for each in (*names, *places))})")
        return self.source.lines, [*names, *(f"p{arc.number}" for arc in self.arcs)]

    def _search(self) -> None:
        self._settle()
        left = list(self.arcs)
        while left:
            arc = self._next(left)
            if arc is None:
                self._try_all(left)
                continue
            left.remove(arc)
            self._arc(arc)
            self._settle()
        while self.free:
            self._try_all([])
        assert not self.compares, "an arc was placed before the names its pattern compares"
        assert not self.conditions, "a condition was left over"

    @property
    def _fail(self) -> str:
        return "continue" if self.loops else "return None"

    def _require(self, condition: str) -> None:
        if not self.lenient:
            self.source.add(f"if not ({condition}): {self._fail}")
            return
        self.source.add(f"try: ok = bool({condition})")
        self.source.add("except _Undecided: ok = True")
        self.source.add(f"if not ok: {self._fail}")

    def _is_value(self, arc: Arc) -> bool:
        return not self.lenient and is_value(arc.tree, self.bound, self.words)

    def _next(self, left: list[Arc]) -> Arc | None:
        """Return the arc to place next; None where a free variable must be chosen first."""
        for arc in left:
            if not arc.many and self._is_value(arc):
                return arc
        ready = [arc for arc in left if arc.needs <= set(self.bound)]
        if any(not arc.many for arc in ready):
            ready = [arc for arc in ready if not arc.many]
        if not ready and self.free:
            return None
        if not ready:
            needs = sorted(left[0].needs - set(self.bound))
            raise Misread("patterns that can be matched one after another", ", ".join(needs))
        return max(ready, key=lambda arc: (len(arc.binds & set(self.bound)), -arc.number))

    def _try_all(self, left: list[Arc]) -> None:
        """Bind a free variable, one that is waited for if there is one, to each of its values."""
        awaited = {name for arc in left for name in arc.needs}
        name = next((each for each in self.free if each in awaited), self.free[0])
        self.free.remove(name)
        self.source.add(f"for v_{name} in d_{name}:")
        self.loops += 1
        self.source.depth += 1
        self.bound.append(name)
        self._settle()
        self.source.add("pass")

    def _many(self, arc: Arc, used: str) -> None:
        n, p = arc.number, arc.place
        self.source.add(f"m{n} = _tokens({express(arc.tree, self.words).code}, a{p})")
        if self.lenient:
            self.source.add(f"if not all(e in V{p} for e in m{n}): {self._fail}")
            self.consumed[n] = f"*[({p}, e, 0) for e in m{n}]"
            return
        self.source.add(f"k{n} = _gather(T{p}, V{p}, m{n}, now, {used})")
        self.source.add(f"if k{n} is None: {self._fail}")
        self.used.setdefault(p, []).append(f"k{n}")
        self.consumed[n] = f"*[({p}, V{p}[i], T{p}[i]) for i in k{n}]"

    def _arc(self, arc: Arc) -> None:
        n, p = arc.number, arc.place
        used = " + ".join(self.used.get(p, [])) or "()"
        if arc.many:
            self._many(arc, used)
            return
        if self._is_value(arc):
            self.source.add(f"x{n} = {express(arc.tree, self.words).code}")
            self._pick(arc, used)
            return
        if arc.lone and arc.count == 1 and not self.positions:
            self.source.add(f"for t{n}, x{n} in zip(T{p}, V{p}):")
            self._enter(f"if t{n} > now: break")
            self.consumed[n] = f"({p}, x{n}, t{n})"
            self._match(arc)
            return
        if self.lenient:
            self.source.add(f"s{n} = set()")
        if self.positions:
            self.source.add(f"for i{n}, x{n} in enumerate(V{p}):")
            self._enter(f"if T{p}[i{n}] > now: break")
            if used != "()":
                self.source.add(f"if {' or '.join(f'i{n} == {u}' for u in self.used[p])}: continue")
            self._match(arc)
            self.used.setdefault(p, []).append(f"i{n}")
            self.consumed[n] = f"i{n}"
            return
        self.source.add(f"for i{n}, (t{n}, x{n}) in enumerate(zip(T{p}, V{p})):")
        self._enter(f"if t{n} > now: break")
        if used != "()":
            self.source.add(f"if i{n} in {used}: continue")
        if self.lenient:  # which of several equal tokens is taken makes no difference there
            self.source.add(f"if x{n} in s{n}: continue")
            self.source.add(f"s{n}.add(x{n})")
        self._match(arc)
        if arc.count == 1:
            self.source.add(f"k{n} = (i{n},)")
            self._took(arc)
        else:
            self._pick(arc, used)

    def _enter(self, first: str) -> None:
        self.loops += 1
        self.source.depth += 1
        self.source.add(first)

    def _pick(self, arc: Arc, used: str) -> None:
        n, p = arc.number, arc.place
        if self.positions:
            taken = ", ".join(self.used.get(p, []))
            self.source.add(f"k{n} = _pick(T{p}, V{p}, x{n}, 1, now, ({taken}{',' * bool(taken)}))")
            self.source.add(f"if not k{n}: {self._fail}")
            self.source.add(f"i{n} = k{n}[0]")
            self.used.setdefault(p, []).append(f"i{n}")
            self.consumed[n] = f"i{n}"
            return
        self.source.add(f"k{n} = _pick(T{p}, V{p}, x{n}, {arc.count}, now, {used})")
        self.source.add(f"if not k{n}: {self._fail}")
        self._took(arc)

    def _took(self, arc: Arc) -> None:
        n, p = arc.number, arc.place
        self.used.setdefault(p, []).append(f"k{n}")
        if arc.count == 1:
            self.consumed[n] = f"({p}, x{n}, T{p}[k{n}[0]])"
        else:
            self.consumed[n] = f"*[({p}, x{n}, T{p}[i]) for i in k{n}]"

    def _match(self, arc: Arc) -> None:
        self._match_tree(arc.tree, f"x{arc.number}", arc.colour)

    def _match_tree(self, tree: ast.expr, source: str, colour: ColourSet | None) -> None:
        known = Match(tests=[], binds=[(name, "") for name in self.bound], compares=[], colours={})
        match = match_pattern(tree, source, colour, self.words, known)
        for subject, test in match.tests:
            self._require(f"{subject} is _UNKNOWN or {test}" if self.lenient else test)
        for name, subject in match.binds[len(self.bound) :]:
            self.source.add(f"v_{name} = {subject}")
        self.bound = [name for name, _ in match.binds]
        self.compares += match.compares
        self._settle()

    def _settle(self) -> None:
        """Emit everything that has become decidable."""
        known = set(self.bound)
        for compare in [each for each in self.compares if each[1].names <= known]:
            self.compares.remove(compare)
            self._require(f"{compare[0]} == {compare[1].code}")
        for condition in [each for each in self.conditions if each.needs <= known]:
            self.conditions.remove(condition)
            if condition.value is None:
                self._require(condition.test.code)
            else:
                self._define(condition, condition.value)
                return

    def _define(self, condition: Condition, value: Expression) -> None:
        assert condition.pattern is not None, "an equation has a side that it defines"
        self.equations += 1
        subject = f"q{self.equations}"
        self.source.add(f"{subject} = {value.code}")
        self._match_tree(condition.pattern, subject, None)


def trivial(
    group: tuple[list[Arc], list[Condition]], words: Words, free: Collection[str] = ()
) -> Match | None:
    """Return how to take the oldest token where any token will do, else None."""
    arcs, conditions = group
    if len(arcs) != 1 or conditions or free or arcs[0].count != 1 or arcs[0].many:
        return None
    match = match_pattern(arcs[0].tree, f"x{arcs[0].number}", arcs[0].colour, words)
    return None if match.tests or match.compares else match
