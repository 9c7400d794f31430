"""How alike two concepts are: the same word, a kind of each other, or meant much the same."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

from fabloop.services.discovery.meaning import Floats, Meanings
from fabloop.services.discovery.thesaurus import Lookup, Thesaurus, no_words
from fabloop.services.words import stem, words_of

SENSES_MAX = 3
"""How many senses of a word are compared, the most usual first."""
RELATED_MIN = 0.8
"""Wu and Palmer's measure below this says nothing: all things are things, and most are near."""
RELATED_WEIGHT = 0.8
"""How much a relation counts against the same word."""
HEAD_WEIGHT = 1.5
"""How much the last word of a compound counts against the others."""
WORDS_MAX = 12
MEMORY_MAX = 200_000


class Dictionary:
    """A thesaurus that looks words up when they are first met."""

    def __init__(self, lookup: Lookup = no_words, own: Thesaurus | None = None) -> None:
        self._lookup = lookup
        self.thesaurus = own or Thesaurus()
        self._own = self.thesaurus
        self._asked: set[str] = set()
        self._above = lru_cache(maxsize=MEMORY_MAX)(self._up)

    def learn(self, names: Iterable[str]) -> None:
        """Look up every word of the names, and every ending of a compound."""
        phrases = {
            phrase for name in names for phrase in phrases_of(words_of(name)[:WORDS_MAX])
        } - self._asked
        if phrases:
            self._asked |= phrases
            found = self._lookup(sorted(phrases))
            self.thesaurus = self.thesaurus.joined(found)

    def senses(self, word: str) -> tuple[str, ...]:
        """Return the most usual senses of a word or compound."""
        own = self._own.senses.get(word, ())
        return (*own, *(each for each in self.thesaurus.senses.get(word, ()) if each not in own))[
            : SENSES_MAX + len(own)
        ]

    def _up(self, sense: str) -> dict[str, int]:
        return self.thesaurus.above(sense)

    def related(self, one: str, other: str) -> float:
        """Return Wu and Palmer's measure of the nearest two senses, 0 where nothing is known."""
        best = 0.0
        for a in self.senses(one):
            for b in self.senses(other):
                if a == b:
                    return 1.0
                best = max(best, self._wu_palmer(a, b))
        return best

    def _wu_palmer(self, one: str, other: str) -> float:
        first, second = self._above(one), self._above(other)
        best = 0.0
        for shared in first.keys() & second.keys():
            depth = 2.0 * self.thesaurus.depth.get(shared, 1)
            best = max(best, depth / (depth + first[shared] + second[shared]))
        return best

    def is_kind_of(self, narrow: str, broad: str) -> bool:
        """Tell whether a sense of the one is below (or is) a sense of the other."""
        above = {up for sense in self.senses(narrow) for up in self._above(sense)}
        return not above.isdisjoint(self.senses(broad))


def phrases_of(words: Sequence[str]) -> list[str]:
    """Return each word, and each run of words up to the end: a compound is named by its end."""
    runs = [" ".join(words[start:]) for start in range(len(words))]
    return list(dict.fromkeys((*runs, *words)))


class Likeness:
    """Compares concepts by name; what it found is remembered."""

    def __init__(self, dictionary: Dictionary, meanings: Meanings | None = None) -> None:
        self.dictionary = dictionary
        self.meanings = meanings
        self._vectors: dict[str, Floats] = {}
        self._word = lru_cache(maxsize=MEMORY_MAX)(self._word_like)
        self._named = lru_cache(maxsize=MEMORY_MAX)(self._name_like)

    def learn(self, names: Iterable[str]) -> None:
        """Look up what the names mean, all at once."""
        listed = [each for each in dict.fromkeys(names) if each not in self._vectors]
        self.dictionary.learn(listed)
        if self.meanings is not None and listed:
            rows = self.meanings.vectors([" ".join(words_of(each)) for each in listed])
            self._vectors.update(zip(listed, rows, strict=True))

    def of(self, wanted: str, given: str) -> float:
        """Return how alike two concepts are, from 0 to 1."""
        if wanted == given:
            return 1.0
        one, other = words_of(wanted)[:WORDS_MAX], words_of(given)[:WORDS_MAX]
        if not one or not other:
            return 0.0
        found = self._named(one, other)
        if wanted in self._vectors and given in self._vectors:
            cosine = float(self._vectors[wanted] @ self._vectors[given])
            found = max(found, cosine)
        return min(1.0, found)

    def table(self, wanted: Sequence[str], given: Sequence[str]) -> Floats:
        """Return the likeness of each pair: float32, shape (wanted, given)."""
        self.learn((*wanted, *given))
        found = np.array([[self.of(a, b) for b in given] for a in wanted], dtype=np.float32)
        return found.reshape(len(wanted), len(given))

    def _name_like(self, one: tuple[str, ...], other: tuple[str, ...]) -> float:
        """Return how well the words of two names go together, both ways."""
        if tuple(map(stem, one)) == tuple(map(stem, other)):
            return 1.0
        whole = self.dictionary.related(" ".join(one), " ".join(other))
        if whole == 1.0:
            return 1.0
        return (self._covered(one, other) + self._covered(other, one)) / 2.0

    def _covered(self, one: tuple[str, ...], other: tuple[str, ...]) -> float:
        weights = [1.0] * (len(one) - 1) + [HEAD_WEIGHT]
        best = [max(self._word(a, b) for b in other) for a in one]
        return sum(w * b for w, b in zip(weights, best, strict=True)) / sum(weights)

    def _word_like(self, one: str, other: str) -> float:
        if stem(one) == stem(other):
            return 1.0
        related = self.dictionary.related(one, other)
        if related == 1.0:
            return 1.0
        return RELATED_WEIGHT * max(0.0, (related - RELATED_MIN) / (1.0 - RELATED_MIN))
