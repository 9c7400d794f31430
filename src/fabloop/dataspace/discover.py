"""Mapping discovery: ranked expressions over sources that fill a target, with their evidence."""

from collections.abc import Iterable, Sequence
from itertools import islice, product

import msgspec

from fabloop.dataspace.anchors import Leaf, Search, State, Wish, step_evidence
from fabloop.dataspace.assemble import Assembly, assemble
from fabloop.dataspace.likeness import Judge
from fabloop.dataspace.mapping import (
    Certain,
    Discovery,
    Doubtful,
    Evidence,
    Expression,
    Pin,
    Proposal,
    Unmapped,
)
from fabloop.dataspace.paths import Ways
from fabloop.dataspace.schema import Place, Schema
from fabloop.dataspace.target import Constant, Given, text_of

CERTAIN_MIN = 0.75
"""From this confidence on a mapping may be used without asking."""
MARGIN_MIN = 0.06
"""By so much the best mapping has to be better than the next one."""
PROPOSED_MIN = 0.35
"""Below this confidence nothing is proposed."""
PROPOSALS_MAX = 5
BACK = 0.75
"""What it costs to take for an attribute of rows what the row has that leads to them."""
CHOICES_MAX = 64
"""Combinations of columns that are looked at for one combination of tables."""


def discover(
    wish: Wish, schema: Schema, judge: Judge, refused: Iterable[frozenset[Place]] = ()
) -> Discovery:
    """Return how a target can be filled: for certain, perhaps in several ways, or not at all.

    `refused` are joins that a person said are none.
    """
    ways = Ways(schema, refused)
    search = Search(wish, schema, judge, ways)
    found: dict[Expression, Proposal] = {}
    for state in search.states():
        for proposal in _proposals(search, state, wish, schema, ways):
            known = found.get(proposal.expression)
            if known is None or known.confidence < proposal.confidence:
                found[proposal.expression] = proposal
    ranked = sorted(found.values(), key=lambda each: (-each.confidence, len(each.expression.uses)))
    ranked = [each for each in ranked if each.confidence >= PROPOSED_MIN]
    return _judged(ranked, search, wish, schema)


def _judged(ranked: Sequence[Proposal], search: Search, wish: Wish, schema: Schema) -> Discovery:
    if not ranked:
        return _unmapped(search, wish, schema)
    best, others = ranked[0], tuple(ranked[1:PROPOSALS_MAX])
    if best.confidence < CERTAIN_MIN:
        return Doubtful(proposals=(best, *others), why="weak")
    rows = {text_of(triple.subject).removeprefix("?") for triple in wish.target.triples}
    rivals = [each for each in others if _places(each, rows) != _places(best, rows)]
    if rivals and best.confidence - rivals[0].confidence < MARGIN_MIN:
        return Doubtful(proposals=(best, *others), why="close")
    return Certain(best=best, others=others)


def _places(proposal: Proposal, rows: set[str]) -> frozenset[tuple[str, Place]]:
    """Return where the values are found: proposals that agree in this are variants of one."""
    expression = proposal.expression
    return frozenset(
        (each.variable, expression.place(each.spot))
        for each in expression.outputs
        if each.variable not in rows
    )


def _proposals(
    search: Search, state: State, wish: Wish, schema: Schema, ways: Ways
) -> Iterable[Proposal]:
    """Yield the best choices of columns for one choice of tables."""
    numbers = [number for node in state for number in search.own_leaves(node)]
    options = [_options(search, number, state, wish) for number in numbers]
    choices = [
        choice
        for choice in islice(product(*options), CHOICES_MAX)
        if _all_different(choice, numbers, state, wish)
    ]
    choices.sort(key=lambda choice: -_score(each.score for each in choice))
    for choice in choices[:PROPOSALS_MAX]:
        leaves = dict(zip(numbers, choice, strict=True))
        assembly = assemble(wish.target, state, leaves, schema, ways)
        if assembly is not None:
            yield _proposal(assembly, state, leaves, wish)


def _options(search: Search, number: int, state: State, wish: Wish) -> list[Leaf]:
    """Return the columns for a triple; what leads to its subject is hardly its attribute."""
    node = text_of(wish.target.triples[number].subject)
    before = set()
    at = state[node]
    while at.parent is not None:
        at = state[text_of(wish.target.triples[at.parent].subject)]
        before.add(at.table)
    before.discard(state[node].table)
    found = [
        msgspec.structs.replace(each, score=each.score * BACK)
        if each.place.table in before and each.way.steps
        else each
        for each in search.leaves(number, state[node].table)
    ]
    return sorted(found, key=lambda each: -each.score)


def _all_different(
    choice: Sequence[Leaf], numbers: Sequence[int], state: State, wish: Wish
) -> bool:
    """Tell whether each triple of a subject has a column of its own, which is not its key."""
    seen = set()
    for number, leaf in zip(numbers, choice, strict=True):
        node = text_of(wish.target.triples[number].subject)
        if (node, leaf.place) in seen or (not leaf.way.steps and leaf.place == state[node].key):
            return False
        seen.add((node, leaf.place))
    return True


def _score(parts: Iterable[float]) -> float:
    """Return one confidence for several: between their geometric mean and the least of them."""
    several = list(parts)
    whole = 1.0
    for each in several:
        whole *= each
    return 0.5 * whole ** (1 / len(several)) + 0.5 * min(several) if several else 1.0


def _proposal(assembly: Assembly, state: State, leaves: dict[int, Leaf], wish: Wish) -> Proposal:
    parts = [each.like.score for each in state.values() if each.key or each.parent is not None]
    parts += [each.score for each in leaves.values()]
    evidence: list[Evidence] = []
    for anchor in state.values():
        evidence += anchor.like.evidence
    for number, leaf in leaves.items():
        predicate = wish.target.triples[number].predicate
        evidence += [step_evidence(predicate, step) for step in leaf.way.steps]
        evidence += leaf.like.evidence
    return Proposal(
        expression=assembly.expression,
        confidence=round(_score(parts), 3),
        evidence=tuple(dict.fromkeys(evidence)),
        pins=tuple(_pins(state, leaves, wish)),
    )


def _pins(state: State, leaves: dict[int, Leaf], wish: Wish) -> Iterable[Pin]:
    for node, anchor in state.items():
        subject = next(t.subject for t in wish.target.triples if text_of(t.subject) == node)
        if isinstance(subject, Given) and anchor.key is not None:
            yield Pin(phrase=subject.name, place=anchor.key)
    for number, leaf in leaves.items():
        yield Pin(phrase=wish.target.triples[number].predicate, place=leaf.place)


def _unmapped(search: Search, wish: Wish, schema: Schema) -> Unmapped:
    """Return which words of a target have no counterpart anywhere, and what came near."""
    missing, near = [], []
    for number, triple in enumerate(wish.target.triples):
        best = max(
            (leaf for table in schema.tables for leaf in search.leaves(number, table)),
            key=lambda each: each.like.score,
            default=None,
        )
        if best is None or best.like.score < PROPOSED_MIN:
            missing.append(triple.predicate)
        else:
            near.append(f"{triple.predicate}: {best.place}")
        subject = triple.subject
        if isinstance(subject, Given | Constant) and not search.places_of(subject):
            missing.append(text_of(subject))
    return Unmapped(missing=tuple(dict.fromkeys(missing)), near=tuple(near))
