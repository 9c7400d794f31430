"""Meaning as directions: texts whose vectors point the same way mean much the same."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from fabloop.services.words import stem, telling, words_of

Floats: TypeAlias = NDArray[np.float32]
"""float32, shape (n, d); rows have length 1, or 0 where nothing is known of a text."""

Sparse: TypeAlias = "csr_array[Any]"

DIMENSIONS = 160
ROUNDS = 4
SEEN_MIN = 3
"""How many definitions a word has to occur in to get a direction."""


class Meanings(Protocol):
    """Gives directions to texts; learnt from a dictionary, or by a neural model."""

    @property
    def source(self) -> str:
        """Where the directions come from, for people."""
        ...

    def vectors(self, texts: Sequence[str]) -> Floats:
        """Return a row for each text."""
        ...


class WordVectors:
    """Directions of words; a text points where its words do together.

    `rows` has a row for each of `words`, which are stems.
    """

    def __init__(self, words: Sequence[str], rows: Floats, source: str) -> None:
        self.words = tuple(words)
        self.rows = rows
        self._source = source
        self._row = {word: number for number, word in enumerate(words)}

    @property
    def source(self) -> str:
        """Where the directions come from, for people."""
        return self._source

    def vectors(self, texts: Sequence[str]) -> Floats:
        """Return a row for each text: what its words add up to, repeated ones dampened."""
        found = np.zeros((len(texts), self.rows.shape[1]), dtype=np.float32)
        for number, text in enumerate(texts):
            counts: dict[str, int] = {}
            for word in telling(words_of(text)):
                counts[stem(word)] = counts.get(stem(word), 0) + 1
            for word, count in counts.items():
                if word in self._row:
                    found[number] += (1.0 + np.log(count)) * self.rows[self._row[word]]
        return unit_rows(found)


def unit_rows(rows: NDArray[Any]) -> Floats:
    """Return the rows with length 1; those of length 0 stay."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    result: Floats = (rows / np.maximum(lengths, 1e-9)).astype(np.float32)
    return result


def counted(
    documents: Iterable[Mapping[str, float]], seen_min: int = 1
) -> tuple[Sparse, tuple[str, ...]]:
    """Return documents x words with tf-idf, rows of length 1, and the words."""
    listed = list(documents)
    seen: dict[str, int] = {}
    for document in listed:
        for word in document:
            seen[word] = seen.get(word, 0) + 1
    words = tuple(sorted(word for word, count in seen.items() if count >= seen_min))
    column = {word: number for number, word in enumerate(words)}
    worth = {word: np.log(1.0 + len(listed) / seen[word]) for word in words}
    starts: list[int] = [0]
    columns: list[int] = []
    values: list[float] = []
    for document in listed:
        row = [
            (column[word], (1.0 + np.log(count)) * worth[word])
            for word, count in document.items()
            if word in column
        ]
        length = float(np.sqrt(sum(value * value for _, value in row))) or 1.0
        columns.extend(number for number, _ in row)
        values.extend(value / length for _, value in row)
        starts.append(len(columns))
    matrix: Sparse = csr_array(
        (np.array(values, dtype=np.float32), np.array(columns, dtype=np.int32), starts),
        shape=(len(listed), len(words)),
    )
    return matrix, words


def directions(matrix: Sparse, dimensions: int = DIMENSIONS) -> Floats:
    """Return a row of length 1 for each word: latent semantic analysis of documents x words.

    Subspace iteration on the Gram matrix of the words from a fixed start, so that the same
    documents give the same directions.
    """
    count = matrix.shape[1]
    size = min(dimensions, max(1, count))
    basis = np.cos(np.outer(np.arange(1, count + 1), np.sqrt(np.arange(1, size + 1)))).astype(
        np.float32
    )
    turned = matrix.T.tocsr()
    for _ in range(ROUNDS):
        basis, _ = np.linalg.qr(turned @ (matrix @ basis.astype(np.float32)))
    seen = matrix @ basis.astype(np.float32)
    squares, turn = np.linalg.eigh(seen.T @ seen)
    rows = (basis @ turn) * np.sqrt(np.maximum(squares, 0.0))
    return unit_rows(rows.astype(np.float32))


def learnt(definitions: Iterable[Mapping[str, float]], source: str) -> WordVectors:
    """Return directions of words from a dictionary's definitions (stems with weights)."""
    matrix, words = counted(definitions, SEEN_MIN)
    return WordVectors(words, directions(matrix), source)
