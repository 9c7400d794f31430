"""Words of names and sentences: split as programmers and people write them, folded, stemmed."""

import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"[A-Z]{2,}(?=[A-Z][a-z])|[A-Z]?[a-zß-öø-ÿ]+|[A-Z]+|\d+")
_SPACELESS = re.compile(r"(?<=[a-z])(?=[A-Z])")
WORDS_MAX = 2_000
"""How many words of one text are read."""

_STOPWORDS = """
a an and any are as at be been between by can could do does for from get given gets has have
i if in into is it its may more near need needs of off on one only or our please returns
return service services some something someone such than that the their them then there
these they this those to us use used uses using via want was we what when where which who
will with within would you your api request response result results information info
provides provide all also about
"""
STOPWORDS = frozenset(_STOPWORDS.split())
"""Words that say nothing of what a service is about."""


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a name or sentence in lower case; camelCase and snake_case are split."""
    plain = unicodedata.normalize("NFC", text)
    return tuple(each.lower() for each in _WORD.findall(plain)[:WORDS_MAX])


def telling(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words that say something, each as often as it stands there."""
    return tuple(each for each in words if each not in STOPWORDS and not each.isdigit())


_ENDINGS = (
    ("ational", "ate"), ("ization", "ize"), ("isation", "ize"), ("ments", ""), ("ment", ""),
    ("nesses", ""), ("ness", ""), ("ings", ""), ("ing", ""), ("ities", ""), ("ity", ""),
    ("ations", "ate"), ("ation", "ate"), ("ives", ""), ("ers", ""), ("ies", "y"), ("ied", "y"),
    ("sses", "ss"), ("ed", ""), ("ly", ""), ("er", ""), ("es", ""), ("s", ""), ("e", ""),
)  # fmt: skip
STEM_LETTERS_MIN = 3


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Return the common beginning of a word's forms: ``bakes``, ``baking`` and ``baker`` agree.

    It is made for comparing words, not for showing them.
    """
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= STEM_LETTERS_MIN:
            if ending in ("s", "es") and word.endswith("ss"):
                continue
            return _single(word[: -len(ending)] + instead).removesuffix("e")
    return _single(word)


def _single(word: str) -> str:
    """Return the word without a doubled last consonant: ``stopp`` is ``stop``."""
    if len(word) > STEM_LETTERS_MIN and word[-1] == word[-2] and word[-1] not in "aeiouls":
        return word[:-1]
    return word


def slug(text: str) -> str:
    """Return text as an id: lower-case words joined by ``-``; empty where it has none."""
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "-".join(words_of(folded))
