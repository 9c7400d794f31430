"""Which words of an expression make up one name: the longest known one, or words side by side."""

from collections.abc import Iterable, Sequence

from fabloop.feel.lexer import Kind, Token, tokens_of

KEYWORDS = frozenset(
    [
        "true",
        "false",
        "null",
        "if",
        "then",
        "else",
        "for",
        "in",
        "return",
        "some",
        "every",
        "satisfies",
        "and",
        "or",
        "not",
        "between",
        "instance",
        "function",
        "external",
    ]
)
"""Words that end a name; a known name may still contain them (``date and time``)."""

MEMBER_NAMES = ("time offset", "start included", "end included")
"""Properties of built-in values whose names have spaces."""


class KnownNames:
    """The names in scope that have several words or signs in them, found by their first word."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._by_word: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        for name in names:
            self.add(name)

    def copy(self) -> "KnownNames":
        """Return the same names, to which others can be added."""
        other = KnownNames()
        other._by_word = {word: list(found) for word, found in self._by_word.items()}
        return other

    def add(self, name: str) -> None:
        """Make a name known; a name of one plain word needs no help and is not kept."""
        words = tuple(token.text for token in tokens_of(name)[:-1])
        if len(words) > 1:
            found = self._by_word.setdefault(words[0], [])
            if (name, words) not in found:
                found.append((name, words))
                found.sort(key=lambda entry: -len(entry[1]))

    def match(self, tokens: Sequence[Token], at: int) -> tuple[str, int] | None:
        """Return the longest known name that starts at a token, and its number of tokens."""
        for name, words in self._by_word.get(tokens[at].text, ()):
            if tuple(token.text for token in tokens[at : at + len(words)]) == words:
                return name, len(words)
        return None


def plain_run(tokens: Sequence[Token], at: int, *, first_free: bool = False) -> int:
    """Return how many words side by side may form one name: no keyword among them.

    Two names never stand side by side in FEEL, so such words can only be one name.
    `first_free` lets the first word be a keyword, as after a dot.
    """
    count = 0
    while tokens[at + count].kind is Kind.WORD:
        keyword = tokens[at + count].text in KEYWORDS
        if keyword and not (first_free and count == 0):
            break
        count += 1
    return count
