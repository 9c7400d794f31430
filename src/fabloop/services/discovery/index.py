"""Operations of services as one searchable collection: words, directions, concepts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from fabloop.model.service import Parameter, ServiceDescription, ServiceOperation
from fabloop.services.discovery.likeness import Likeness
from fabloop.services.discovery.meaning import Floats, Sparse, counted, directions, unit_rows
from fabloop.services.words import STOPWORDS, stem, telling, words_of

Doubles: TypeAlias = NDArray[np.float64]

TOPICS = 100
"""Dimensions of the latent space of the collection itself."""
TOPICS_ENTRIES_MIN = 200
"""A smaller collection tells nothing of which words go together."""
SATURATION, LENGTH_SHARE = 1.2, 0.75
"""Parameters k1 and b of BM25, as Robertson and Zaragoza recommend."""
GRAM = 4
ENTRIES_MAX = 20_000


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An operation that can be found, with the service that has it."""

    service: ServiceDescription
    operation: ServiceOperation

    @property
    def name(self) -> str:
        """Service and operation, as people refer to them."""
        return f"{self.service.id}.{self.operation.name}"


def concept_of(parameter: Parameter) -> str:
    """Return what a parameter means: its concept, else its name."""
    return parameter.concept or parameter.name


def keywords_of(entry: Entry) -> tuple[str, ...]:
    """Return the keywords of an operation, those of its service after its own."""
    operation = entry.operation
    own = (operation.verb, *operation.equipment, *operation.context, *entry.service.context)
    return tuple(each for each in dict.fromkeys(own) if each and each not in STOPWORDS)


def text_of(entry: Entry) -> str:
    """Return everything that is said of an operation as one text."""
    operation, service = entry.operation, entry.service
    parameters = (*operation.inputs, *operation.outputs)
    parts = (
        operation.name, service.title, service.description, operation.summary,
        *keywords_of(entry), *(concept_of(each) for each in parameters),
        *(each.description for each in parameters),
    )  # fmt: skip
    return " ".join(part for part in parts if part)


def stems_of(text: str) -> Counter[str]:
    """Return the stems of the telling words of a text, with how often they stand there."""
    return Counter(stem(word) for word in telling(words_of(text)))


def grams_of(stems: Counter[str]) -> Counter[str]:
    """Return the runs of characters of words: what is written a little differently still shares."""
    found: Counter[str] = Counter()
    for word, count in stems.items():
        padded = f" {word} "
        for start in range(max(1, len(padded) - GRAM + 1)):
            found[padded[start : start + GRAM]] += count
    return found


class Space:
    """Texts as tf-idf rows over a fixed set of words."""

    def __init__(self, documents: Sequence[Counter[str]]) -> None:
        self.matrix, self.words = counted(documents)
        self.column = {word: number for number, word in enumerate(self.words)}
        size = len(documents)
        seen = np.diff(self.matrix.tocsc().indptr)
        self.worth = np.log(1.0 + size / np.maximum(1, seen))

    def row(self, document: Counter[str]) -> Doubles:
        """Return a text as a row of length 1; words that no document has are left out."""
        found = np.zeros(len(self.words))
        for word, count in document.items():
            if word in self.column:
                place = self.column[word]
                found[place] = (1.0 + np.log(count)) * self.worth[place]
        length = float(np.linalg.norm(found))
        return found / length if length else found


class Index:
    """Operations with all that ranking needs, computed once."""

    def __init__(self, services: Iterable[ServiceDescription], likeness: Likeness) -> None:
        self.entries = tuple(
            Entry(service=service, operation=operation)
            for service in services
            for operation in service.operations
        )[:ENTRIES_MAX]
        self.likeness = likeness
        self.texts = tuple(text_of(each) for each in self.entries)
        self.stems = tuple(stems_of(each) for each in self.texts)
        self.inputs = tuple(_concepts(each.operation.inputs) for each in self.entries)
        self.outputs = tuple(_concepts(each.operation.outputs) for each in self.entries)
        self.keywords = tuple(keywords_of(each) for each in self.entries)
        named = (*self.inputs, *self.outputs, *self.keywords)
        self.concepts = tuple(dict.fromkeys(name for names in named for name in names))
        self.place = {name: number for number, name in enumerate(self.concepts)}
        likeness.learn(self.concepts)
        self.words = Space(self.stems)
        self.grams = Space([grams_of(each) for each in self.stems])
        self.weights = _bm25(self.words, self.stems)
        self.topics = self._topics()
        self.meanings = self._meanings()

    def _topics(self) -> tuple[Floats, Floats] | None:
        """Return directions of words within the collection, and of its texts."""
        if len(self.entries) < TOPICS_ENTRIES_MIN:
            return None
        of_words = directions(self.words.matrix, TOPICS)
        return of_words, unit_rows(self.words.matrix @ of_words)

    def _meanings(self) -> Floats | None:
        if self.likeness.meanings is None or not self.entries:
            return None
        return self.likeness.meanings.vectors(self.texts)


def _concepts(parameters: Sequence[Parameter]) -> tuple[str, ...]:
    return tuple(concept_of(each) for each in parameters if each.place != "header")


def _bm25(space: Space, documents: Sequence[Counter[str]]) -> Sparse:
    """Return documents x words: what each word adds to the score of Okapi BM25."""
    size = max(1, len(documents))
    mean = max(1.0, sum(sum(each.values()) for each in documents) / size)
    seen = np.diff(space.matrix.tocsc().indptr)
    worth = np.log(1.0 + (size - seen + 0.5) / (seen + 0.5))
    starts, columns, values = [0], [], []
    for document in documents:
        share = 1.0 - LENGTH_SHARE + LENGTH_SHARE * sum(document.values()) / mean
        for word, count in document.items():
            place = space.column[word]
            columns.append(place)
            damped = count * (SATURATION + 1.0) / (count + SATURATION * share)
            values.append(worth[place] * damped)
        starts.append(len(columns))
    found: Sparse = csr_array(
        (np.array(values), np.array(columns, dtype=np.int32), starts),
        shape=(len(documents), len(space.words)),
    )
    return found
