"""Answers typed at a question: what counts as one, and asking again when something else comes."""

from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")
NO_WORDS = frozenset({"n", "no"})
YES_WORDS = frozenset({"", "y", "yes"})


def ask(
    read: Callable[[], str],
    understand: Callable[[str], Answer],
    complain: Callable[[str], None],
    at_end: Answer,
) -> Answer:
    """Read until an answer is understood; `at_end` stands in when the input has ended.

    Nothing is decided by a slip of the finger: what is not understood is asked again.
    """
    while True:
        try:
            return understand(read().strip().lower())
        except ValueError as error:
            complain(str(error))
        except EOFError:
            return at_end


def plan_number(text: str, count: int) -> int | None:
    """Return which plan is meant, from 1; none for ``n``, the first for nothing typed.

    Raises
    ------
    ValueError
        Something else was typed.
    """
    if text in NO_WORDS:
        return None
    if text == "":
        return 1
    if text.isascii() and text.isdigit() and 1 <= int(text) <= count:
        return int(text)
    raise ValueError(f"Expected a number from 1 to {count}, or n for none, but found {text!r}.")


def is_yes(text: str) -> bool:
    """Return whether a person agrees; nothing typed is yes.

    Raises
    ------
    ValueError
        Neither yes nor no was typed.
    """
    if text in YES_WORDS:
        return True
    if text in NO_WORDS:
        return False
    raise ValueError(f"Expected y or n, but found {text!r}.")
