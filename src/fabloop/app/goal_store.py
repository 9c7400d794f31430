"""Goals on the journal of a process store: read beside whoever writes it, as far as it goes."""

from pathlib import Path

import msgspec

from fabloop.adapt.goals.monitor import Monitor
from fabloop.adapt.goals.reach import remaining_in
from fabloop.adapters.sqlite import SqliteReader
from fabloop.app.processes.upkeep import JOURNAL_FILE
from fabloop.base.errors import NotFound
from fabloop.base.instant import Instant
from fabloop.base.journal import JournalReader
from fabloop.model.facts import GoalFact
from fabloop.model.goal import GoalSet
from fabloop.process.definition import DefinitionKey
from fabloop.process.history.record import Recorder
from fabloop.sim.processes.expected import durations_of


class Watched(msgspec.Struct, kw_only=True):
    """A monitor that follows a store.

    Attributes
    ----------
    read_to : number of the last row that was read
    told : what was news, with when it became known
    """

    monitor: Monitor
    reader: JournalReader
    recorder: Recorder
    read_to: int = 0
    estimated: set[DefinitionKey] = msgspec.field(default_factory=set)

    def catch_up(self, until: Instant | None = None) -> list[GoalFact]:
        """Take in what became durable since the last time, and return what is news."""
        news: list[GoalFact] = []
        for number, row in self.reader.read(self.read_to):
            if until is not None and row.at > until:
                break
            self.read_to = number
            events = self.recorder.take(number, row)
            self._estimate()
            news += self.monitor.hear(events)
            news += self.monitor.advance(row.at)
        if until is not None:
            news += self.monitor.advance(until)
        return news

    def _estimate(self) -> None:
        """Estimate remaining times of processes that were deployed meanwhile."""
        known = self.recorder.state.definitions
        for key in known.keys() - self.estimated:
            self.estimated.add(key)
            durations = durations_of(known[key], certain=False)
            own = remaining_in(known[key], self.monitor.book.goals, durations)
            self.monitor.estimate({**self.monitor.estimates, f"{key.id} {key.version}": own})


def watched(store: Path, goals: GoalSet) -> Watched:
    """Return a monitor of a store that has read nothing yet.

    Raises
    ------
    NotFound
        There is no process store.
    """
    path = store / JOURNAL_FILE
    if not path.is_file():
        raise NotFound(
            f"Expected a store of processes in '{store}', but found none. Name the folder of "
            "`fabloop process deploy --store`, or data of a story (`fabloop demo --keep`)."
        )
    return Watched(monitor=Monitor(goals), reader=SqliteReader(path), recorder=Recorder())
