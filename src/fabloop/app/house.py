"""The house hears a fact, lets the loop run to quiescence, and writes all of it down at once.

One fact from outside and everything that follows from it are one atomic group of journal rows:
after a crash either all of it happened or none of it. What the outside world has to do next (a
machine, a person's answer) is always read off the state, so nothing is asked for twice.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import get_type_hints

import msgspec

from fabloop.app.conductor import Conductor
from fabloop.app.goal_watch import next_look, overdue
from fabloop.app.loop import STEPS
from fabloop.app.plan_ladder import next_expiry, unanswered
from fabloop.app.snapshot import Snapshot
from fabloop.base.codec import from_msgpack
from fabloop.base.errors import Broken
from fabloop.base.instant import Instant
from fabloop.base.journal import Journal, Row
from fabloop.model.disturbance import over_at
from fabloop.model.facts import DisturbanceEnded, Fact
from fabloop.model.knowledge import Knowledge
from fabloop.process.engine import Engine

FACTS_KIND = "facts"
FACTS_VERSION = 1
_FACTS = msgspec.msgpack.Encoder()
"""Keeps the order of names in a fact: what is read back must lead to the same as what was told."""
FOLLOWING_FACTS_MAX = 10_000
"""Facts that one fact may lead to before the loop is taken to be going in circles."""

Listener = Callable[[Instant, Sequence[Fact]], None]


class House:
    """Engine, snapshot and journal behind one door.

    `told` hears every group of facts after it is durable; on opening an existing journal it
    hears nothing of the past (`history` does).
    """

    def __init__(
        self,
        knowledge: Knowledge,
        journal: Journal,
        *,
        told: Listener | None = None,
    ) -> None:
        self._journal = journal
        self._told = told
        self.history: list[tuple[Instant, Fact]] = []
        self.snapshot = Snapshot(knowledge=knowledge)
        self._engine = Engine()
        self._conductor = Conductor(self._engine, self.snapshot)
        self._replay()

    def hears(self, fact: Fact, at: Instant, actor: str = "") -> tuple[Fact, ...]:
        """Take in a fact; return it and all that followed, once it is durable.

        Raises
        ------
        FabloopError
            Something refused half way: nothing was written, and this house must be opened again.
        """
        return self._settle((fact,), at, actor)

    def advance(self, at: Instant) -> tuple[Fact, ...]:
        """Let the process engine's timers and the waiting jobs notice that time has passed."""
        self.snapshot.now = max(self.snapshot.now, at)
        due = [
            job.offered
            for job in self.snapshot.waiting()
            if job.kept and job.kept.look_again_at and job.kept.look_again_at <= at
        ]
        over = (DisturbanceEnded(disturbance=each, at=at) for each in self.snapshot.over(at))
        goals = (*overdue(self.snapshot), *unanswered(self.snapshot))
        return self._settle((*self._conductor.advance(at), *over, *goals, *due), at, "clock")

    def next_due(self) -> Instant | None:
        """Return when `advance` will have something to do."""
        looks = [
            job.kept.look_again_at
            for job in self.snapshot.waiting()
            if job.kept and job.kept.look_again_at
        ]
        ends = [over_at(each) for each in self.snapshot.standing.values()]
        silent, goal = next_expiry(self.snapshot), next_look(self.snapshot)
        due = (*looks, *ends, self._conductor.next_due(), goal, silent)
        return min((each for each in due if each is not None), default=None)

    def _settle(self, facts: Sequence[Fact], at: Instant, actor: str) -> tuple[Fact, ...]:
        """Follow the facts through the loop until nothing follows any more, then write.

        A fact is known as soon as it is found, before any step hears it: what one step has given
        away is never given twice by the next.
        """
        queue, heard = deque[Fact](), list[Fact]()

        def found(follows: Iterable[Fact]) -> None:
            for fact in follows:
                self.snapshot.tell(fact, at)
                queue.append(fact)
                heard.append(fact)

        found(facts)
        while queue:
            if len(heard) > FOLLOWING_FACTS_MAX:
                raise Broken(f"Expected at most {FOLLOWING_FACTS_MAX} facts to follow from one.")
            fact = queue.popleft()
            for step in STEPS_BY_FACT.get(type(fact), ()):
                found(step(fact, self.snapshot))
            found(self._conductor.conduct(fact, at))
        self._write(heard, at, actor)
        return tuple(heard)

    def _write(self, heard: Sequence[Fact], at: Instant, actor: str) -> None:
        rows, self._conductor.rows = self._conductor.rows, []
        if not heard and not rows:
            return
        body = _FACTS.encode(heard)
        group = [
            *rows,
            Row(
                stream="facts",
                kind=FACTS_KIND,
                version=FACTS_VERSION,
                at=at,
                actor=actor,
                body=body,
            ),
        ]
        self._journal.wait(self._journal.append(group))
        self.history.extend((at, fact) for fact in heard)
        if self._told is not None:
            self._told(at, heard)

    def _replay(self) -> None:
        for _, row in self._journal.read():
            if row.kind != FACTS_KIND:
                self._engine.replay([row])
                continue
            for fact in facts_of_row(row):
                self.snapshot.tell(fact, row.at)
                self.history.append((row.at, fact))


def facts_of_row(row: Row) -> list[Fact]:
    """Return the facts of a row of kind `FACTS_KIND`.

    Raises
    ------
    Broken
        Another version wrote the row, or it does not decode.
    """
    if row.version != FACTS_VERSION:
        raise Broken(
            f"Expected facts of version {FACTS_VERSION}, but found {row.version}. "
            "Open the journal with the newer fabloop that wrote it."
        )
    try:
        return from_msgpack(row.body, list[Fact])
    except msgspec.ValidationError as error:
        raise Broken(f"Expected facts in the journal, but they do not decode: {error}.") from error


def _steps_by_fact() -> dict[type, list[Callable[..., tuple[Fact, ...]]]]:
    """Read off the steps' annotations which facts each one hears."""
    found: dict[type, list[Callable[..., tuple[Fact, ...]]]] = {}
    for step in STEPS:
        hears = get_type_hints(step)["fact"]
        for kind in getattr(hears, "__args__", (hears,)):
            found.setdefault(kind, []).append(step)
    return found


STEPS_BY_FACT = _steps_by_fact()
