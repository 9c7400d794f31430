"""What people chose when no composition was certain, to be offered first the next time."""

from collections.abc import Iterable, Sequence

import msgspec

from fabloop.base.instant import Instant


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a person is asked: which of these ways to take. `key` is the same for the same goal."""

    key: str
    goal: str
    options: tuple[tuple[str, ...], ...]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A person's choice, with who made it, when, and out of what.

    `withdrawn` takes back what was said before about the same goal.
    """

    key: str
    goal: str
    chosen: tuple[str, ...]
    by: str
    at: Instant
    options: tuple[tuple[str, ...], ...] = ()
    note: str = ""
    withdrawn: bool = False


def answer_to(question: Question, number: int, by: str, at: Instant, note: str = "") -> Answer:
    """Return the answer that takes an option, counted from 0."""
    return Answer(
        key=question.key,
        goal=question.goal,
        chosen=question.options[number],
        by=by,
        at=at,
        options=question.options,
        note=note,
    )


def remembered(answers: Iterable[Answer], key: str) -> Answer | None:
    """Return the last answer that stands for a goal."""
    last: Answer | None = None
    for each in answers:
        if each.key == key:
            last = None if each.withdrawn else each
    return last


def first_of(options: Sequence[tuple[str, ...]], answer: Answer | None) -> int | None:
    """Return which option was chosen before; None where it is none of them any more."""
    if answer is None:
        return None
    return next((number for number, each in enumerate(options) if each == answer.chosen), None)
