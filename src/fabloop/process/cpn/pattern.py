"""Input inscriptions: patterns that bind names, take values apart and compare."""

import ast
from collections.abc import Collection

import msgspec

from fabloop.base.names import did_you_mean
from fabloop.process.cpn.colour import ColourSet, colour_text
from fabloop.process.cpn.expression import (
    Expression,
    Misread,
    Words,
    constructed,
    express,
    record_call,
)
from fabloop.process.cpn.model import (
    AnyColour,
    ListColour,
    ProductColour,
    RecordColour,
    UnionColour,
)


class Match(msgspec.Struct, kw_only=True):
    """What matching one pattern takes, as Python source over its subject.

    Attributes
    ----------
    tests : ``(source, condition)``: conditions on a part that need no variable
    binds : variables in the order they are bound, each with its source
    compares : ``(source, expression)`` that must be equal once the expression's names are bound
    colours : the colour of each bound variable where it is known
    """

    tests: list[tuple[str, str]] = []
    binds: list[tuple[str, str]] = []
    compares: list[tuple[str, Expression]] = []
    colours: dict[str, ColourSet] = {}


def match_pattern(
    tree: ast.expr,
    subject: str,
    colour: ColourSet | None,
    words: Words,
    match: Match | None = None,
) -> Match:
    """Return how to match `tree` against source `subject`; raises Misread.

    Without a colour, the value may be anything.
    """
    reader = _Reader(words, match or Match())
    reader.read(tree, subject, colour)
    return reader.match


def is_value(tree: ast.expr, bound: Collection[str], words: Words) -> bool:
    """Tell whether a pattern is one value once `bound` is known, so that it can be looked up."""
    if isinstance(tree, ast.Name):
        return tree.id != "_" and (tree.id in bound or tree.id in words.constants)
    if isinstance(tree, ast.Tuple | ast.List):
        return all(is_value(each, bound, words) for each in tree.elts)
    if (case := constructed(tree, words)) is not None:
        return is_value(case[1], bound, words)
    if isinstance(tree, ast.Starred) or record_call(tree, words) is not None:
        return False
    return express(tree, words).names <= set(bound)


class _Reader:
    def __init__(self, words: Words, match: Match) -> None:
        self.words, self.match = words, match
        self.bound = {name for name, _ in match.binds}

    def read(self, tree: ast.expr, subject: str, colour: ColourSet | None) -> None:
        if isinstance(tree, ast.Name) and tree.id not in self.words.constants:
            self._name(tree, subject, colour)
        elif isinstance(tree, ast.Tuple | ast.List):
            self._sequence(tree, subject, colour)
        elif (fields := record_call(tree, self.words)) is not None:
            self._record(fields, subject, colour)
        elif (case := constructed(tree, self.words)) is not None:
            self._case(*case, subject, colour)
        else:
            self.match.compares.append((subject, express(tree, self.words)))

    def _name(self, tree: ast.Name, subject: str, colour: ColourSet | None) -> None:
        if tree.id == "_":
            return
        if tree.id in self.bound:
            self.match.compares.append((subject, express(tree, self.words)))
            return
        self.bound.add(tree.id)
        self.match.binds.append((tree.id, subject))
        if colour is not None:
            self.match.colours[tree.id] = colour

    def _sequence(self, tree: ast.Tuple | ast.List, subject: str, colour: ColourSet | None) -> None:
        size = len(tree.elts)
        stars = [n for n, each in enumerate(tree.elts) if isinstance(each, ast.Starred)]
        parts = self._sequence_colours(tree, subject, colour, starred=bool(stars))
        if not stars:
            for index, (each, part) in enumerate(zip(tree.elts, parts, strict=True)):
                self.read(each, f"{subject}[{index}]", part)
            return
        if len(stars) > 1:
            raise Misread("at most one '*' in a pattern", ast.unparse(tree))
        behind = size - stars[0] - 1
        for index, each in enumerate(tree.elts):
            if isinstance(each, ast.Starred):
                end = f"len({subject}) - {behind}" if behind else ""
                self.read(each.value, f"{subject}[{index}:{end}]", colour)
            else:
                place = index if index < stars[0] else index - size
                self.read(each, f"{subject}[{place}]", parts[index])

    def _sequence_colours(
        self,
        tree: ast.Tuple | ast.List,
        subject: str,
        colour: ColourSet | None,
        *,
        starred: bool,
    ) -> list[ColourSet | None]:
        size, tests = len(tree.elts), self.match.tests
        kind = colour.colour if colour is not None else AnyColour()
        match kind:
            case ProductColour(of=of) if not starred and colour is not None:
                if len(of) != size:
                    raise Misread(colour_text(kind), ast.unparse(tree), f"It has {len(of)} parts.")
                return list(colour.parts.values())
            case ListColour() if colour is not None:
                sign, least = (">=", size - 1) if starred else ("==", size)
                tests.append((subject, f"len({subject}) {sign} {least}"))
                return [colour.parts["*"]] * size
            case AnyColour():
                sign, least = (">=", size - 1) if starred else ("==", size)
                test = f"type({subject}) is tuple and len({subject}) {sign} {least}"
                tests.append((subject, test))
                return [None] * size
            case _ if not size and not starred:
                tests.append((subject, f"{subject} == ()"))
                return []
            case _:
                raise Misread(colour_text(kind), f"the pattern {ast.unparse(tree)}")

    def _case(self, case: str, tree: ast.expr, subject: str, colour: ColourSet | None) -> None:
        kind = colour.colour if colour is not None else AnyColour()
        if not isinstance(kind, UnionColour | AnyColour):
            raise Misread(colour_text(kind), f"the case '{case}'")
        known = colour.parts if colour is not None else {}
        if isinstance(kind, UnionColour) and case not in known:
            hint = did_you_mean(case, known)
            raise Misread(f"a case of {colour_text(kind)}", repr(case), hint)
        long = "" if isinstance(kind, UnionColour) else f"len({subject}) == 2 and "
        test = f"type({subject}) is tuple and {long}{subject}[0] == {case!r}"
        self.match.tests.append((subject, test))
        self.read(tree, f"{subject}[1]", known.get(case))

    def _record(self, fields: dict[str, ast.expr], subject: str, colour: ColourSet | None) -> None:
        kind = colour.colour if colour is not None else AnyColour()
        known = colour.parts if colour is not None else {}
        match kind:
            case RecordColour(open=further):
                loose = further
            case AnyColour():
                loose = True
            case _:
                raise Misread(colour_text(kind), "a record pattern")
        for name, each in fields.items():
            if name in known:
                self.read(each, f"{subject}[{name!r}]", known[name])
            elif loose:
                test = f"isinstance({subject}, dict) and {name!r} in {subject}"
                self.match.tests.append((subject, test))
                self.read(each, f"{subject}[{name!r}]", None)
            else:
                raise Misread("a field of the record", repr(name), did_you_mean(name, known))
