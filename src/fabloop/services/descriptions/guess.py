"""Keywords of an operation that is not annotated: from its verb, path, names, tags and words."""

from collections.abc import Iterable

from fabloop.services.words import STOPWORDS, telling, words_of

GUESSED_CERTAINTY = 0.6
"""How far guessed keywords count, against 1 for those that the provider gave."""
CONTEXT_WORDS_MAX = 20

_VERBS = {"get": "get", "head": "get", "post": "do", "put": "set", "patch": "change",
          "delete": "delete"}  # fmt: skip


def guessed_verb(name: str, method: str) -> str:
    """Return the first word of the operation's name, or what its method means."""
    words = words_of(name)
    return words[0] if words and not words[0].isdigit() else _VERBS.get(method.lower(), "do")


def guessed_context(tags: Iterable[str], name: str, path: str, summary: str) -> tuple[str, ...]:
    """Return the telling words in the order of how much they usually mean."""
    places = [word for part in path.split("/") if "{" not in part for word in words_of(part)]
    ordered = [
        *(word for tag in tags for word in telling(words_of(tag))),
        *telling(words_of(name)[1:]),
        *(word for word in places if word not in STOPWORDS and not word.isdigit()),
        *telling(words_of(summary)),
    ]
    return tuple(dict.fromkeys(ordered))[:CONTEXT_WORDS_MAX]
