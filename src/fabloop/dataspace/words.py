"""How near two names are: words, shortened words, synonyms, spelling."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from fabloop.dataspace.thesaurus import GENERIC, GROUPS, SHORT, STOP

SYNONYM = 0.88
"""How near synonyms are; equal words are 1."""
SHORTENED = 0.95
WORDS_REMEMBERED_MAX = 200_000
_SPLIT = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_]+")
_PLURAL_KEPT = ("ss", "us", "is")


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a name in lower case: ``hasIngredient``, ``recipe_QTY`` ..."""
    return tuple(_singular(each.lower()) for each in _SPLIT.findall(name))


def telling_words(name: str) -> tuple[str, ...]:
    """Return the words of a name, shortened ones in full, without those that say nothing."""
    full = tuple(w for each in words_of(name) for w in SHORT.get(each, each).split())
    return tuple(each for each in full if each not in STOP) or full


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 4 and word.endswith(("ses", "xes", "ches", "shes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(_PLURAL_KEPT):
        return word[:-1]
    return word


class Thesaurus:
    """Synonyms: those of `thesaurus`, and groups of whoever keeps a data space or a vocabulary."""

    def __init__(self, groups: Iterable[Sequence[str]] = ()) -> None:
        self._groups: dict[str, set[int]] = {}
        self._more: dict[str, set[int]] = {}
        for number, known in enumerate(GROUPS):
            for word in known:
                self._groups.setdefault(" ".join(telling_words(word)), set()).add(number)
        for number, told in enumerate(groups):
            for word in told:
                self._more.setdefault(" ".join(telling_words(word)), set()).add(number)
        self._known: dict[tuple[str, str], float] = {}

    def said_alike(self, one: str, other: str) -> bool:
        """Tell whether the keeper of the data space said that two names mean the same."""
        left, right = " ".join(telling_words(one)), " ".join(telling_words(other))
        return bool(self._more.get(left, set()) & self._more.get(right, set()))

    def alike(self, one: str, other: str) -> float:
        """Return how near two names are, from 0 to 1."""
        if one == other:
            return 1.0
        key = (one, other) if one < other else (other, one)
        found = self._known.get(key)
        if found is None:
            found = self._alike(*key)
            if len(self._known) < WORDS_REMEMBERED_MAX:
                self._known[key] = found
        return found

    def _alike(self, one: str, other: str) -> float:
        if self.said_alike(one, other):
            return 0.97
        left, right = telling_words(one), telling_words(other)
        if not left or not right:
            return 0.0
        if left == right:
            return 1.0
        phrases = self._same(" ".join(left), " ".join(right))
        together = _spelling("".join(left), "".join(right))
        raw = _spelling("".join(words_of(one)), "".join(words_of(other)))
        return max(
            SYNONYM if phrases else 0.0, self._aligned(left, right), 0.9 * together, 0.9 * raw
        )

    def _same(self, one: str, other: str) -> bool:
        groups, more = self._groups, self._more
        return bool(
            groups.get(one, set()) & groups.get(other, set())
            or more.get(one, set()) & more.get(other, set())
        )

    def _aligned(self, left: tuple[str, ...], right: tuple[str, ...]) -> float:
        """Return the share of words that have a near one on the other side."""
        weight = sum(map(_weight, left)) + sum(map(_weight, right))
        near = sum(_weight(a) * max(self._word(a, b) for b in right) for a in left)
        near += sum(_weight(b) * max(self._word(a, b) for a in left) for b in right)
        return near / weight

    def _word(self, one: str, other: str) -> float:
        if one == other:
            return 1.0
        if self._same(one, other):
            return SYNONYM
        return _spelling(one, other)


def _weight(word: str) -> float:
    return 0.5 if word in GENERIC else 0.3 if word.isdigit() else 1.0


@lru_cache(maxsize=WORDS_REMEMBERED_MAX)
def _spelling(one: str, other: str) -> float:
    """Return how near two words are spelled: equal, shortened, without vowels, with slips."""
    if one == other:
        return 1.0
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    if not short:
        return 0.0
    share = len(short) / len(long)
    best = 0.0
    if len(short) >= 2 and long.startswith(short):
        best = 0.6 + 0.35 * share if len(short) >= 3 else 0.45 + 0.3 * share
    if len(short) >= 2 and _consonants(short) == _consonants(long):
        best = max(best, 0.9)
    if len(short) >= 3 and short[0] == long[0] and share > 0.25 and _is_within(short, long):
        best = max(best, 0.5 + 0.4 * share)
    return max(best, 0.9 * _trigrams_alike(short, long))


def _consonants(word: str) -> str:
    """Return a word as it is written without vowels, which may keep its first letter."""
    return word[0] + re.sub(r"[aeiou]", "", word[1:])


def _is_within(short: str, long: str) -> bool:
    letters = iter(long)
    return all(each in letters for each in short)


@lru_cache(maxsize=WORDS_REMEMBERED_MAX)
def _trigrams(word: str) -> frozenset[str]:
    padded = f"##{word}#"
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))


def _trigrams_alike(one: str, other: str) -> float:
    left, right = _trigrams(one), _trigrams(other)
    return 2 * len(left & right) / (len(left) + len(right))
