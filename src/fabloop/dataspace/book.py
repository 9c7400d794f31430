"""The book of mappings: versions by target, open questions, and what persons said."""

from collections.abc import Iterable

import msgspec

from fabloop.base.instant import Instant
from fabloop.dataspace.mapping import Mapping, Pin, Proposal
from fabloop.dataspace.schema import Place

VERSIONS_KEPT = 50
"""Versions of one target that are remembered."""
QUESTIONS_MAX = 10_000
PINS_MAX = 100_000


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A target of which a person has to choose the mapping.

    Attributes
    ----------
    why : ``weak``: no proposal is good enough; ``close``: two are nearly as good; ``refused``: a
        person refused what would have been used
    """

    target: str
    proposals: tuple[Proposal, ...]
    why: str
    at: Instant


class Asked(msgspec.Struct, frozen=True, kw_only=True, tag="asked"):
    """A question was put."""

    question: Question


class Adopted(msgspec.Struct, frozen=True, kw_only=True, tag="adopted"):
    """A mapping is in force from now on."""

    mapping: Mapping


class Invalidated(msgspec.Struct, frozen=True, kw_only=True, tag="invalidated"):
    """A mapping holds no more; `by` is the person who took it back, where that is why."""

    target: str
    version: int
    reasons: tuple[str, ...]
    at: Instant
    by: str = ""


class Told(msgspec.Struct, frozen=True, kw_only=True, tag="told"):
    """A person said what words mean, and what are no joins."""

    by: str
    at: Instant
    pins: tuple[Pin, ...] = ()
    no_joins: tuple[tuple[Place, Place], ...] = ()


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True, tag="withdrawn"):
    """A question needs no answer any more, or was answered by: none of these."""

    target: str
    by: str
    at: Instant


Entry = Asked | Adopted | Invalidated | Told | Withdrawn
"""What is written into the book, and never changed."""


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """What the entries amount to."""

    mappings: dict[str, tuple[Mapping, ...]] = {}
    questions: dict[str, Question] = {}
    pins: dict[tuple[str, Place], bool] = {}
    no_joins: frozenset[frozenset[Place]] = frozenset()

    def valid(self, target: str) -> Mapping | None:
        """Return the mapping in force for a target, if there is one."""
        versions = self.mappings.get(target, ())
        return versions[-1] if versions and not versions[-1].invalid else None

    def next_version(self, target: str) -> int:
        """Return the number of the mapping that is adopted next."""
        versions = self.mappings.get(target, ())
        return versions[-1].version + 1 if versions else 1

    def known_pins(self) -> tuple[Pin, ...]:
        """Return what persons said about words and columns."""
        return tuple(
            Pin(phrase=phrase, place=place, is_right=is_right)
            for (phrase, place), is_right in self.pins.items()
        )


def write(book: Book, entry: Entry) -> Book:
    """Return the book with one entry more."""
    match entry:
        case Asked(question=question):
            if len(book.questions) >= QUESTIONS_MAX and question.target not in book.questions:
                return book
            return _with(book, questions=book.questions | {question.target: question})
        case Adopted(mapping=mapping):
            versions = (*book.mappings.get(mapping.target, ()), mapping)[-VERSIONS_KEPT:]
            return _with(
                book,
                mappings=book.mappings | {mapping.target: versions},
                questions=_without(book, mapping.target),
            )
        case Invalidated():
            return _with(book, mappings=book.mappings | {entry.target: _ended(book, entry)})
        case Told():
            pins = book.pins | {(p.phrase, p.place): p.is_right for p in entry.pins}
            no_joins = book.no_joins | {frozenset(pair) for pair in entry.no_joins}
            return _with(book, pins=dict(list(pins.items())[-PINS_MAX:]), no_joins=no_joins)
        case Withdrawn(target=target):
            return _with(book, questions=_without(book, target))


def read(entries: Iterable[Entry]) -> Book:
    """Return the book that some entries amount to."""
    book = Book()
    for entry in entries:
        book = write(book, entry)
    return book


def _ended(book: Book, entry: Invalidated) -> tuple[Mapping, ...]:
    return tuple(
        msgspec.structs.replace(each, invalid=entry.reasons, refused_by=entry.by)
        if each.version == entry.version
        else each
        for each in book.mappings.get(entry.target, ())
    )


def _without(book: Book, target: str) -> dict[str, Question]:
    return {name: each for name, each in book.questions.items() if name != target}


def _with(book: Book, **changes: object) -> Book:
    return msgspec.structs.replace(book, **changes)
