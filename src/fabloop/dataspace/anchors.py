"""Where the subjects of a target may stand in the sources: beam search over tables and links."""

from collections.abc import Mapping, Sequence
from itertools import islice

import msgspec

from fabloop.dataspace.likeness import Judge, Likeness
from fabloop.dataspace.links import short_name
from fabloop.dataspace.mapping import Evidence, Ground
from fabloop.dataspace.paths import Step, Way, Ways
from fabloop.dataspace.schema import Column, LinkKind, Place, Scalar, Schema, Table
from fabloop.dataspace.shred import PARENT_ID, ROW_ID
from fabloop.dataspace.target import Constant, Given, Operation, Target, Triple, Variable, text_of
from fabloop.dataspace.thesaurus import GENERIC
from fabloop.dataspace.words import telling_words, words_of

ANCHORS_MAX = 12
"""Columns that are followed up for one given value, and tables for one variable."""
STATES_MAX = 60
"""Combinations of tables that are followed up together."""
LEAVES_MAX = 4
"""Columns that are followed up for one predicate."""
LIKENESS_MIN = 0.25
LINK_MIN = 0.35
"""What a link is worth of which the names say nothing."""
SEVERAL = 0.85
"""What it costs to take for an attribute of one row what several rows of another table have."""
SAME_ROW = 0.85
"""What it costs to take for a thing of its own what stands in the row of another one."""
REFERENCE = 0.8
"""What it costs to take for a value what only refers to a row that has values."""
_GROUNDS = {LinkKind.NESTED: Ground.NESTED, LinkKind.DECLARED: Ground.DECLARED,
            LinkKind.FOUND: Ground.SHARED, LinkKind.ANSWERED: Ground.ANSWER}  # fmt: skip


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a mapping is looked for.

    Attributes
    ----------
    given : values of what is handed in, as far as they are known beforehand
    wanted : units in which variables are wanted
    located : columns in which a given value was looked up, by its name, and whether it is there
    """

    target: Target
    given: Mapping[str, tuple[Scalar, ...]] = {}
    wanted: Mapping[str, str] = {}
    located: Mapping[str, Mapping[Place, bool]] = {}


class Leaf(msgspec.Struct, frozen=True, kw_only=True):
    """A column that may be what a triple names, and the way to it from the subject's table."""

    way: Way
    place: Place
    column: Column
    like: Likeness
    score: float


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """A table in which a subject may stand; `key` is where a given one is looked up."""

    table: str
    like: Likeness
    key: Place | None = None
    parent: int | None = None
    way: Way = Way()


State = dict[str, Anchor]


class Search:
    """Finds where the subjects of one target may stand."""

    def __init__(self, wish: Wish, schema: Schema, judge: Judge, ways: Ways) -> None:
        self._wish = wish
        self._schema = schema
        self._judge = judge
        self._ways = ways
        self._leaves: dict[tuple[str, int], list[Leaf]] = {}
        self._references = {each.many for each in schema.links if each.kind is not LinkKind.FOUND}
        self._entity = self._entity_words()
        self._subjects = {text_of(t.subject): t.subject for t in wish.target.triples}

    def states(self) -> list[State]:
        """Return combinations of anchors for all subjects, the best first."""
        states: list[State] = [{}]
        for node in self._order():
            scored = [
                (_product(state) * anchor.like.score * self.worth(node, anchor.table),
                 state | {node: anchor})
                for state in states
                for anchor in self._anchors(node, state)
            ]  # fmt: skip
            scored.sort(key=lambda each: -each[0])
            states = [state for _, state in scored[:STATES_MAX]]
        return states

    def own_leaves(self, node: str) -> list[int]:
        """Return the numbers of the triples of a subject whose objects are no rows."""
        return [
            number
            for number, triple in enumerate(self._wish.target.triples)
            if text_of(triple.subject) == node and not self._is_row(triple)
        ]

    def _is_row(self, triple: Triple) -> bool:
        """Tell whether the object of a triple is a variable that has triples of its own."""
        return isinstance(triple.object, Variable) and text_of(triple.object) in self._subjects

    def worth(self, node: str, table: str) -> float:
        """Return how well the triples of a subject can be filled from a table on."""
        found = 1.0
        for number in self.own_leaves(node):
            leaves = self.leaves(number, table)
            found *= leaves[0].score if leaves else 0.05
        return found

    def leaves(self, number: int, table: str) -> list[Leaf]:
        """Return the columns that may be what a triple names, seen from a table, the best first."""
        key = table, number
        if key not in self._leaves:
            found = [
                leaf
                for name, way in self._ways.reach(table).items()
                for leaf in self._in_table(number, self._schema.tables[name], way)
            ]
            found.sort(key=lambda each: (-each.score, len(each.way.steps), each.place))
            self._leaves[key] = found[:LEAVES_MAX]
        return self._leaves[key]

    def _in_table(self, number: int, table: Table, way: Way) -> list[Leaf]:
        triple = self._wish.target.triples[number]
        entity = self._entity.get(text_of(triple.subject), ())
        found = []
        for column in table.columns:
            if column.name in (ROW_ID, PARENT_ID):
                continue
            place = Place(table=table.name, column=column.name)
            like = self._weigh(triple, place, column, table, entity)
            score = like.score * way.confidence
            if any(step.to_many for step in way.steps):
                score *= SEVERAL
            if place in self._references and set(telling_words(column.name)) <= GENERIC:
                score *= REFERENCE
            if score >= LIKENESS_MIN:
                found.append(Leaf(way=way, place=place, column=column, like=like, score=score))
        return found

    def _weigh(
        self, triple: Triple, place: Place, column: Column, table: Table, entity: Sequence[str]
    ) -> Likeness:
        judge, phrase = self._judge, triple.predicate
        variable = next(iter(_free(triple)), "")
        like = judge.attribute(phrase, place, column, table, entity=entity, hint=variable)
        if judge.said(phrase, place) is not None or like.score < LIKENESS_MIN:
            return like
        if isinstance(triple.object, Operation):
            like = judge.numeric(like, phrase, place, column)
        if variable in self._wish.wanted:
            like = judge.in_unit(like, phrase, place, column, self._wish.wanted[variable])
        if isinstance(triple.object, Constant | Given):
            name, values = self._handed(triple.object)
            there = judge.given(name, values, place, column, table, {})
            if any(each.ground is Ground.NO_VALUE for each in there.evidence):
                like = Likeness(score=like.score * 0.8, evidence=like.evidence)
            else:
                like = Likeness(score=like.score, evidence=(*like.evidence, *there.evidence[1:]))
        return like

    def _handed(self, term: Constant | Given) -> tuple[str, tuple[Scalar, ...]]:
        if isinstance(term, Constant):
            return str(term.value), (term.value,)
        return term.name, tuple(self._wish.given.get(term.name, ()))

    def _anchors(self, node: str, state: State) -> list[Anchor]:
        """Return where a subject may stand, once those before it stand somewhere."""
        subject = self._subjects[node]
        if isinstance(subject, Given | Constant):
            found = self._of_given(subject)
        else:
            found = self._linked(node, state) or self._of_root(node)
        found.sort(key=lambda each: -each.like.score * self.worth(node, each.table))
        return found[:ANCHORS_MAX]

    def places_of(self, subject: Given | Constant) -> list[Anchor]:
        """Return where a given value may be looked up."""
        return self._of_given(subject)

    def _of_given(self, subject: Given | Constant) -> list[Anchor]:
        name, values = self._handed(subject)
        located = self._wish.located.get(name, {})
        found = []
        for table in self._schema.tables.values():
            for column in table.columns:
                if column.name in (ROW_ID, PARENT_ID):
                    continue
                place = Place(table=table.name, column=column.name)
                like = self._judge.given(name, values, place, column, table, located)
                if like.score >= LIKENESS_MIN:
                    found.append(Anchor(table=table.name, like=like, key=place))
        return found

    def _of_root(self, node: str) -> list[Anchor]:
        """Return the tables that may hold a variable of which nothing is known but its triples."""
        nothing = Likeness(score=1.0)
        return [
            Anchor(table=name, like=nothing)
            for name in self._schema.tables
            if self.worth(node, name) > 0.05
        ]

    def _linked(self, node: str, state: State) -> list[Anchor]:
        """Return the tables to which a link leads from the subject before."""
        for number, triple in enumerate(self._wish.target.triples):
            start = state.get(text_of(triple.subject))
            if text_of(triple.object) == node and start is not None:
                return [
                    Anchor(table=name, like=like, parent=number, way=way)
                    for name, way in self._ways.reach(start.table).items()
                    if (like := self._link(triple.predicate, start, name, way, node)).score > 0
                ]
        return []

    def _link(self, phrase: str, start: Anchor, end: str, way: Way, node: str) -> Likeness:
        """Weigh a way as what a predicate between two subjects names."""
        alike = self._judge.thesaurus.alike
        around = set(words_of(short_name(start.table)))
        own = [each for each in words_of(short_name(end)) if each not in around]
        names = [alike(phrase, short_name(end)), alike(phrase, "_".join(own)) if own else 0.0]
        names += [alike(phrase, step.here.column) for step in way.steps[:1]]
        if not way.steps:
            columns = self._schema.tables[end].columns
            names.append(SAME_ROW * max(alike(phrase, each.name) for each in columns))
        named = max(LINK_MIN, *names)
        about = f"{phrase} ?{node.lstrip('?')}"
        grounds = [
            Evidence(about=about, place=short_name(end), ground=Ground.NAME, score=round(named, 3)),
            *(step_evidence(phrase, step) for step in way.steps),
        ]
        if not way.steps:
            grounds.append(Evidence(about=about, place=end, ground=Ground.SAME_ROW, score=1.0))
        return Likeness(score=named * way.confidence, evidence=tuple(grounds))

    def _entity_words(self) -> dict[str, tuple[str, ...]]:
        """Return for each subject the words of the predicates that lead to it."""
        found: dict[str, tuple[str, ...]] = {}
        for triple in self._wish.target.triples:
            node = text_of(triple.object)
            found[node] = (*found.get(node, ()), *telling_words(triple.predicate))
        return found

    def _order(self) -> list[str]:
        """Return the subjects: what is given first, then what links lead to."""
        left = dict(self._subjects)
        order: list[str] = []
        while left:
            ready = [each for each, term in left.items() if not isinstance(term, Variable)]
            ready = ready or [
                text_of(t.object) for t in self._wish.target.triples
                if text_of(t.subject) in order and text_of(t.object) in left
            ]  # fmt: skip
            objects = {text_of(t.object) for t in self._wish.target.triples}
            roots = [each for each in left if each not in objects]
            chosen = next(iter(islice([*ready, *roots, *left], 1)))
            order.append(chosen)
            del left[chosen]
        return order


def step_evidence(about: str, step: Step) -> Evidence:
    """Return what speaks for a join."""
    return Evidence(
        about=about,
        place=f"{step.here} = {step.there}",
        ground=_GROUNDS[step.kind],
        score=step.confidence,
        found=f"{step.overlap:.0%}" if step.kind is LinkKind.FOUND else "",
    )


def _free(triple: Triple) -> list[str]:
    """Return the variable of a triple's object, which may stand within arithmetic."""
    match triple.object:
        case Variable():
            return [triple.object.name]
        case Operation():
            return [each.lstrip("?") for each in _variables(triple.object)]
        case _:
            return []


def _variables(term: Operation) -> list[str]:
    found: list[str] = []
    for side in (term.left, term.right):
        if isinstance(side, Variable):
            found.append(side.name)
        elif isinstance(side, Operation):
            found += _variables(side)
    return found


def _product(state: State) -> float:
    found = 1.0
    for anchor in state.values():
        found *= anchor.like.score
    return found
