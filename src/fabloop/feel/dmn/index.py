"""Finds the rules of a large table that can match, by a column of texts that are only compared."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from fabloop.base.errors import Invalid
from fabloop.feel.dmn.words import Lexicon
from fabloop.feel.nodes import Literal
from fabloop.feel.values import Value

R = TypeVar("R")

RULES_MIN = 8
"""Below so many rules trying them all is as fast."""

GROWTH_MAX = 8
"""How many times as long as the table its index may be; rules for any text stand everywhere."""


class Index(Generic[R]):
    """The rules of a table by the text in one column, in their order."""

    __slots__ = ("by_text", "column", "rest", "rules")

    def __init__(self, column: int, rules: Sequence[R], texts: Sequence[frozenset[str]]) -> None:
        self.column = column
        self.rules = rules
        self.by_text: dict[str, list[R]] = {text: [] for each in texts for text in each}
        self.rest: list[R] = []
        for rule, each in zip(rules, texts, strict=True):
            for found in (self.by_text[text] for text in each) if each else self.everywhere():
                found.append(rule)

    def everywhere(self) -> list[list[R]]:
        """Return all lists of rules."""
        return [self.rest, *self.by_text.values()]

    def candidates(self, values: Sequence[Value]) -> Sequence[R]:
        """Return the rules that can match; all where the column holds no text."""
        value = values[self.column]
        return self.by_text.get(value, self.rest) if type(value) is str else self.rules


def index_of(
    rows: Sequence[R], tests: Sequence[tuple[str, ...]], words: Lexicon
) -> Index[R] | None:
    """Return the index by the column that tells rules apart best; None where none is worth it.

    `tests` are the texts of the input entries, row by row.
    """
    if len(rows) < RULES_MIN:
        return None
    best: tuple[int, int, list[frozenset[str]]] | None = None
    for column, cells in enumerate(zip(*tests, strict=True)):
        texts = [_texts(cell, words) for cell in cells]
        if any(each is None for each in texts):
            continue
        sure = [each or frozenset() for each in texts]
        values = len(frozenset().union(*sure))
        length = sum(len(each) or values + 1 for each in sure)
        if length <= GROWTH_MAX * len(rows) and (best is None or values > best[0]):
            best = (values, column, sure)
    return None if best is None or best[0] == 0 else Index(best[1], rows, best[2])


def _texts(cell: str, words: Lexicon) -> frozenset[str] | None:
    """Return the texts that a cell accepts: none for any value, None where it is no such cell."""
    if cell in ("", "-"):
        return frozenset()
    if not cell.startswith('"'):
        return None
    try:
        tests = words.parser(cell).unary_tests()
    except Invalid:
        return None
    found = [each.value for each in tests if isinstance(each, Literal)]
    plain = len(found) == len(tests) and all(type(each) is str for each in found)
    return frozenset(found) if plain else None
