"""Questions of a week that are open, and answers to them that are given in other processes."""

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from fabloop.adapters.sqlite.reader import SqliteReader
from fabloop.app.muffin.folders import LOG_FILE
from fabloop.app.service_runtime.facts import (
    AnswerRefused,
    PersonAnswered,
    PersonAsked,
    QuestionWithdrawn,
    RepairProposed,
    RungTried,
    RuntimeFact,
)
from fabloop.app.service_runtime.ladder import Given
from fabloop.app.service_runtime.log import facts_of
from fabloop.app.value_texts import in_zone, instant_text
from fabloop.base.errors import Conflict, NotFound, NotPermitted
from fabloop.base.instant import Instant

ANSWERS_FILE = "answers.jsonl"
ANSWERS_MAX = 100_000
NONE = "none"
"""Says that none of the offers is wanted."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A question that is open: who is asked, until when, and what is done else."""

    asked: PersonAsked
    proposal: RepairProposed | None = None


class _Kept(msgspec.Struct, frozen=True):
    repair: str
    offer: str
    by: str
    role: str = ""


def open_questions(folder: Path) -> tuple[Question, ...]:
    """Return what is asked in a week, whether somebody plays it now or not."""
    history = facts_of(SqliteReader(folder / LOG_FILE))
    facts = [fact for _, fact in history]
    proposals = {each.repair: each for each in facts if isinstance(each, RepairProposed)}
    asked: dict[str, PersonAsked] = {}
    for each in facts:
        match each:
            case PersonAsked(repair=repair):
                asked[repair] = each
            case PersonAnswered(repair=repair) | QuestionWithdrawn(repair=repair):
                asked.pop(repair, None)
            case RungTried(repair=repair, helps=True):
                asked.pop(repair, None)
            case _:
                pass
    return tuple(
        Question(asked=each, proposal=proposals.get(repair)) for repair, each in asked.items()
    )


def give(folder: Path, about: str, wanted: str, by: str, role: str) -> PersonAnswered:
    """Keep an answer until the week takes it up; it is safe when this returns.

    Raises
    ------
    NotFound
        Nothing is asked about this, or there is no such offer.
    NotPermitted
        Somebody else was asked.
    Conflict
        There are too many answers.
    """
    question = _question(open_questions(folder), about)
    asked = question.asked
    if asked.who not in (by, role):
        raise NotPermitted(
            f"Expected the answer about '{asked.repair}' from '{asked.who}', but '{by}' answers. "
            f"Say so by --as '{asked.who}' if that is your role."
        )
    offer = _offer(asked, wanted)
    number = _append(folder, _Kept(repair=asked.repair, offer=offer, by=by, role=role))
    return PersonAnswered(about=asked.about, repair=asked.repair, by=by, offer=offer, number=number)


def _question(open_: Sequence[Question], about: str) -> Question:
    for each in open_:
        if about in (each.asked.repair, each.asked.about):
            return each
    known = ", ".join(f"{e.asked.repair} ({e.asked.about})" for e in open_) or "none"
    raise NotFound(
        f"Expected an open question about '{about}', but found none. Open questions: {known}."
    )


def _offer(asked: PersonAsked, wanted: str) -> str:
    if wanted == NONE:
        return ""
    if wanted in asked.options:
        return wanted
    if wanted.isdigit() and 0 < int(wanted) <= len(asked.options):
        return asked.options[int(wanted) - 1]
    known = ", ".join((*asked.options, NONE))
    raise NotFound(f"Expected one of {known}, but found '{wanted}'. Choose one of them.")


def _append(folder: Path, kept: _Kept) -> int:
    """Write an answer behind those before it; return its number."""
    with (folder / ANSWERS_FILE).open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        known = file.read()
        whole = known[: known.rfind(b"\n") + 1]  # a half line was never told to be safe
        if whole.count(b"\n") >= ANSWERS_MAX:
            raise Conflict(f"Expected at most {ANSWERS_MAX} answers. Begin a new week.")
        file.truncate(len(whole))
        file.write(msgspec.json.encode(kept) + b"\n")
        file.flush()
        os.fsync(file.fileno())
        return whole.count(b"\n") + 1


class Mailbox:
    """Answers that were given since; each is taken up once, whatever a crash makes of it."""

    def __init__(self, folder: Path, history: Sequence[tuple[Instant, RuntimeFact]]) -> None:
        self._file = folder / ANSWERS_FILE
        self._taken = max(
            (f.number for _, f in history if isinstance(f, PersonAnswered | AnswerRefused)),
            default=0,
        )
        self._size = -1

    def has_news(self) -> bool:
        """Tell whether the file has changed since it was read."""
        return self._file.is_file() and self._file.stat().st_size != self._size

    def news(self) -> tuple[Given, ...]:
        """Return what was answered since; `Given.number` tells them apart."""
        size = self._file.stat().st_size if self._file.is_file() else 0
        if size == self._size:
            return ()
        self._size = size
        if not size:
            return ()
        lines = [e for e in self._file.read_bytes().splitlines(keepends=True) if e.endswith(b"\n")]
        found = []
        for number, line in enumerate(lines[self._taken :], self._taken + 1):
            kept = msgspec.json.decode(line, type=_Kept)
            found.append(
                Given(
                    number=number, repair=kept.repair, offer=kept.offer, by=kept.by,
                    roles=frozenset((kept.role,)),
                )
            )  # fmt: skip
        self._taken = len(lines)
        return tuple(found)


def question_text(question: Question, zone: str) -> str:
    """Return a question with its ways out as a person reads it, times in a zone."""
    asked = question.asked
    until = f" until {instant_text(asked.expires_at, zone)}" if asked.expires_at is not None else ""
    lines = [f"{asked.repair}: {in_zone(asked.question, zone)}"]
    ways = (
        () if question.proposal is None else (question.proposal.chosen, *question.proposal.others)
    )
    known = {each.id: each for each in ways}
    for number, option in enumerate(asked.options, 1):
        way = known.get(option)
        told = "" if way is None else (
            f": {way.where}: {'; '.join(way.steps)} ({way.cost_minor / 100:.2f} {way.currency}"
            f"{', too late for the goals' if way.late else ''})"
        )  # fmt: skip
        lines.append(f"  {number}. {option}{told}")
    lines += [f"  {in_zone(each, zone)}" for each in asked.because]
    lines.append(f"  Without an answer{until}: {asked.default}.")
    return "\n".join(lines)
