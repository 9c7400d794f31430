"""Chosen tables, links and columns to one expression over sources."""

from collections.abc import Mapping

import msgspec

from fabloop.dataspace.anchors import Anchor, Leaf
from fabloop.dataspace.mapping import ROW_NUMBER, Expression, Filter, Join, Output, Spot, Use
from fabloop.dataspace.paths import Step, Ways
from fabloop.dataspace.schema import Column, Schema
from fabloop.dataspace.shred import PARENT_ID, ROW_ID
from fabloop.dataspace.target import (
    Constant,
    Given,
    Operation,
    Target,
    Triple,
    Variable,
    names,
    text_of,
)

USES_MAX = 12
"""Tables of one expression."""


class Assembly(msgspec.Struct, frozen=True, kw_only=True):
    """An expression, and which use of a table each subject got."""

    expression: Expression
    uses: dict[str, str]


class _Draft:
    """An expression while it is put together."""

    def __init__(self) -> None:
        self.uses: list[Use] = []
        self.joins: dict[Join, None] = {}
        self.filters: dict[Filter, None] = {}
        self.outputs: dict[str, Output] = {}
        self._steps: dict[tuple[str, Step], str] = {}

    def use(self, table: str) -> str:
        name = f"t{len(self.uses)}"
        self.uses.append(Use(name=name, table=table))
        return name

    def follow(self, start: str, steps: tuple[Step, ...], *, own: bool) -> str:
        """Return the use at the end of joins; with `own` rows of a list are not shared."""
        here = start
        for number, step in enumerate(steps):
            last = number == len(steps) - 1
            key = here, step
            there = self._steps.get(key)
            if there is None or (own and last and step.to_many):
                there = self.use(step.there.table)
                self._steps[key] = there
                self.joins[
                    Join(
                        left=Spot(use=here, column=step.here.column),
                        right=Spot(use=there, column=step.there.column),
                        folded=step.folded,
                        kind=step.kind,
                    )
                ] = None
            here = there
        return here

    def put(self, triple: Triple, spot: Spot, column: Column, bound: set[str]) -> None:
        """Take the object of a triple from a spot."""
        term = triple.object
        if isinstance(term, Given | Constant):
            self.filters[Filter(spot=spot, term=term)] = None
            return
        if isinstance(term, Operation):
            free = [each for each in names(term) if each not in bound]
            if not free:
                self.filters[Filter(spot=spot, term=term)] = None
                return
            name = free[0]
        else:
            name = term.name
        known = self.outputs.get(name)
        if known is not None:
            self.joins[Join(left=known.spot, right=spot)] = None
            return
        self.outputs[name] = Output(
            variable=name,
            spot=spot,
            unit=column.unit,
            unit_from=column.unit_from,
            kind=column.kind,
        )


def assemble(
    target: Target,
    state: Mapping[str, Anchor],
    leaves: Mapping[int, Leaf],
    schema: Schema,
    ways: Ways,
) -> Assembly | None:
    """Return the expression for a choice of tables and columns.

    None where it is too large, or two subjects that belong together do not hang together.
    """
    draft = _Draft()
    placed: dict[str, str] = {}
    for node, anchor in state.items():
        placed[node] = _placed(draft, anchor, target, placed)
        if anchor.key is not None:
            subject = next(t.subject for t in target.triples if text_of(t.subject) == node)
            spot = Spot(use=placed[node], column=anchor.key.column)
            draft.filters[Filter(spot=spot, term=subject)] = None
        else:
            _identify(draft, node, placed[node], anchor.table, schema)
    bound = {t.object.name for t in target.triples if isinstance(t.object, Variable)}
    for number, leaf in sorted(leaves.items()):
        triple = target.triples[number]
        end = draft.follow(placed[text_of(triple.subject)], leaf.way.steps, own=False)
        draft.put(triple, Spot(use=end, column=leaf.place.column), leaf.column, bound)
    if not _tied(draft, state, target, placed, ways) or len(draft.uses) > USES_MAX:
        return None
    order = {name: number for number, name in enumerate(target.variables())}
    expression = Expression(
        uses=tuple(draft.uses),
        joins=tuple(draft.joins),
        filters=tuple(draft.filters),
        outputs=tuple(sorted(draft.outputs.values(), key=lambda each: order[each.variable])),
    )
    return Assembly(expression=expression, uses=placed)


def _placed(draft: _Draft, anchor: Anchor, target: Target, placed: Mapping[str, str]) -> str:
    """Return the use of a table in which a subject stands."""
    if anchor.parent is None:
        return draft.use(anchor.table)
    start = placed[text_of(target.triples[anchor.parent].subject)]
    return draft.follow(start, anchor.way.steps, own=True)


def _tied(
    draft: _Draft,
    state: Mapping[str, Anchor],
    target: Target,
    placed: Mapping[str, str],
    ways: Ways,
) -> bool:
    """Join subjects that further triples tie together; False where no way leads there."""
    for number, triple in enumerate(target.triples):
        node = text_of(triple.object)
        if node not in state or state[node].key is not None or state[node].parent == number:
            continue
        start = text_of(triple.subject)
        way = ways.between(state[start].table, state[node].table)
        if way is None:
            return False
        end = draft.follow(placed[start], way.steps, own=True)
        if end != placed[node]:
            left = Spot(use=end, column=ROW_NUMBER)
            draft.joins[Join(left=left, right=Spot(use=placed[node], column=ROW_NUMBER))] = None
    return True


def _identify(draft: _Draft, node: str, use: str, table: str, schema: Schema) -> None:
    """Let a variable that has triples stand for rows: by a key that people know, or a number."""
    found = schema.tables[table]
    key = next((each for each in found.keys if each not in (ROW_ID, PARENT_ID)), ROW_NUMBER)
    name = node.removeprefix("?")
    column = found.column(key)
    draft.outputs[name] = Output(
        variable=name,
        spot=Spot(use=use, column=key),
        **({"kind": column.kind} if column is not None else {}),
    )
