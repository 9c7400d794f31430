"""Orders operations by how well they do what is wanted: signature, words, meaning."""

from collections.abc import Sequence
from itertools import pairwise

import msgspec
import numpy as np

from fabloop.services.discovery.index import Doubles, Index, grams_of, stems_of
from fabloop.services.discovery.meaning import unit_rows
from fabloop.services.words import telling, words_of

FEEDBACK_TOP = 10
"""How many of the best hits tell what else the intent means (Rocchio's feedback)."""
NEUTRAL = 0.5
"""What a side of the signature counts that the intent says nothing of."""


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """What the parts of a score count; found by cross-validation, see ``bench/discovery.py``.

    Attributes
    ----------
    outputs : what is wanted against all else of the signature
    text : words and meaning of the whole text against the signature
    feedback : likeness to the best hits against the signature
    """

    outputs: float = 3.0
    text: float = 0.4
    feedback: float = 1.0


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for: a text, keywords, and what should go in and come out, as concepts."""

    text: str = ""
    keywords: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """Scores of all entries, higher is better, and their parts: float64, shape (entries,)."""

    total: Doubles
    signature: Doubles
    words: Doubles
    meaning: Doubles | None


def rank(index: Index, wanted: Wanted, weights: Weights | None = None) -> Scores:
    """Return how well each entry does what is wanted; it judges likeness only, nothing hard."""
    weights = weights or Weights()
    text = " ".join((wanted.text, *wanted.keywords, *wanted.inputs, *wanted.outputs))
    signature = _signature(index, wanted, weights)
    words = (_lexical(index, text) + _gram(index, text)) / 2.0
    near = [_bm25(index, text)]
    topics, meaning = _topic(index, text), _meaning(index, text)
    near += [each for each in (topics, meaning) if each is not None]
    of_text: Doubles = np.mean(np.stack(near), axis=0)
    first = signature + (weights.text + weights.feedback) * of_text
    total = signature + weights.text * of_text + weights.feedback * _feedback(index, text, first)
    if not (wanted.inputs or wanted.outputs):
        total = total + words
    return Scores(total=total, signature=signature, words=words, meaning=meaning)


def _signature(index: Index, wanted: Wanted, weights: Weights) -> Doubles:
    """Return how well inputs and outputs, else the keywords, agree: 0 to 1."""
    if wanted.inputs or wanted.outputs:
        outputs = _sides(index, wanted.outputs, index.outputs)
        inputs = _sides(index, wanted.inputs, index.inputs)
        parts = (weights.outputs, 1.0, 1.0, 1.0)
        sides = (outputs[0], outputs[1], inputs[1], inputs[0])
        found: Doubles = np.average(np.stack(sides), axis=0, weights=parts)
        return found
    return _covered(index, wanted.keywords or tuple(dict.fromkeys(telling(words_of(wanted.text)))))


def _covered(index: Index, keywords: Sequence[str]) -> Doubles:
    """Return how well the keywords, alone or two together, are covered by those of each entry."""
    found = np.zeros(len(index.entries))
    if not keywords:
        return found
    pairs = [f"{one} {other}" for one, other in pairwise(keywords)]
    table = index.likeness.table((*keywords, *pairs), index.concepts)
    for number, names in enumerate(index.keywords):
        named = (*names, *index.inputs[number], *index.outputs[number])
        if named:
            best = table[:, [index.place[name] for name in named]].max(axis=1)
            alone, joint = best[: len(keywords)], best[len(keywords) :]
            left = np.concatenate(([0.0], joint))
            right = np.concatenate((joint, [0.0]))
            found[number] = np.maximum(alone, np.maximum(left, right)).mean()
    return found


def _sides(
    index: Index, wanted: Sequence[str], given: Sequence[tuple[str, ...]]
) -> tuple[Doubles, Doubles]:
    """Return how well each entry covers what is wanted, and how well that covers the entry."""
    covered, needed = np.zeros(len(given)), np.zeros(len(given))
    if not wanted:
        return covered + NEUTRAL, covered
    table = index.likeness.table(wanted, index.concepts)
    for number, names in enumerate(given):
        if names:
            part = table[:, [index.place[name] for name in names]]
            covered[number] = part.max(axis=1).mean()
            needed[number] = part.max(axis=0).mean()
    return covered, needed


def _bm25(index: Index, text: str) -> Doubles:
    """Return BM25 as a share of what the text itself would reach."""
    asked = np.zeros(len(index.words.words))
    for each in stems_of(text):
        if each in index.words.column:
            asked[index.words.column[each]] = 1.0
    found: Doubles = np.asarray(index.weights @ asked, dtype=np.float64)
    best = float(found.max(initial=0.0))
    return found / best if best > 0.0 else found


def _lexical(index: Index, text: str) -> Doubles:
    found: Doubles = index.words.matrix @ index.words.row(stems_of(text))
    return found


def _gram(index: Index, text: str) -> Doubles:
    found: Doubles = index.grams.matrix @ index.grams.row(grams_of(stems_of(text)))
    return found


def _topic(index: Index, text: str) -> Doubles | None:
    if index.topics is None:
        return None
    of_words, of_texts = index.topics
    row = unit_rows((index.words.row(stems_of(text)) @ of_words)[np.newaxis, :])[0]
    found: Doubles = (of_texts @ row).astype(np.float64)
    return found


def _meaning(index: Index, text: str) -> Doubles | None:
    if index.meanings is None or index.likeness.meanings is None:
        return None
    found: Doubles = (index.meanings @ index.likeness.meanings.vectors([text])[0]).astype(float)
    return found


def _feedback(index: Index, text: str, first: Doubles) -> Doubles:
    """Return the likeness to the text and to the best hits together."""
    if index.meanings is not None and index.likeness.meanings is not None:
        rows, own = index.meanings, index.likeness.meanings.vectors([text])[0]
    elif index.topics is not None:
        rows = index.topics[1]
        own = unit_rows((index.words.row(stems_of(text)) @ index.topics[0])[np.newaxis, :])[0]
    else:
        return np.zeros(len(first))
    best = np.argsort(-first, kind="stable")[:FEEDBACK_TOP]
    middle = unit_rows((0.5 * own + 0.5 * rows[best].mean(axis=0))[np.newaxis, :])[0]
    return np.asarray(rows @ middle, dtype=np.float64)
