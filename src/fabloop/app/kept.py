"""What is kept of a story or said by documents, read beside whoever writes it."""

from pathlib import Path

import msgspec

from fabloop.adapters.documents import documents_in
from fabloop.adapters.sqlite.reader import SqliteReader
from fabloop.app.demo import JOURNAL_FILE, SETTINGS_FILE, Settings
from fabloop.app.house import FACTS_KIND, facts_of_row
from fabloop.app.scenario import read_scenario
from fabloop.app.snapshot import Snapshot
from fabloop.base.codec import from_json
from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.base.journal import JournalReader
from fabloop.model.documents import resolve
from fabloop.model.facts import Fact, KnowledgeRead

Told = list[tuple[Instant, Fact]]


class Kept(msgspec.Struct, kw_only=True):
    """A state of the loop that follows a journal which others write.

    Attributes
    ----------
    reader : None where there are documents only
    read_to : sequence number of the last row that was read
    until : what was told later is left out; None: nothing is
    """

    snapshot: Snapshot
    reader: JournalReader | None
    read_to: int = 0
    until: Instant | None = None
    history: Told = []

    def catch_up(self) -> Told:
        """Take in what became durable since the last time, and return it."""
        news: Told = []
        for number, row in self.reader.read(self.read_to) if self.reader else ():
            self.read_to = number
            if row.kind != FACTS_KIND or (self.until is not None and row.at > self.until):
                continue
            for fact in facts_of_row(row):
                self.snapshot.tell(fact, row.at)
                news.append((row.at, fact))
        self.history.extend(news)
        return news


def kept_in(folder: Path, until: Instant | None = None) -> Kept:
    """Open the data that `fabloop demo --keep` left in a folder, or a folder of documents.

    Nothing is written and no lock is taken: whoever carries the story on is not disturbed.

    Raises
    ------
    Invalid
        The documents, or the settings of the story, have faults.
    NotFound
        There are neither documents nor a story.
    """
    file = folder / SETTINGS_FILE
    if not file.is_file():
        return _of_documents(folder)
    try:
        settings = from_json(file.read_bytes(), Settings)
    except msgspec.MsgspecError as error:
        fault = Fault(source=str(file), path="$", expected="a story's settings", found=str(error))
        raise Invalid(fault) from error
    knowledge = read_scenario(Path(settings.documents)).knowledge
    found = Kept(
        snapshot=Snapshot(knowledge=knowledge),
        reader=SqliteReader(folder / JOURNAL_FILE),
        until=until,
    )
    found.catch_up()
    return found


def _of_documents(folder: Path) -> Kept:
    """Return what documents say, as of the newest value in them."""
    knowledge = resolve(documents_in(folder))
    snapshot = Snapshot(knowledge=knowledge)
    last = max((each.at for each in knowledge.kpis), default=Instant(0))
    snapshot.tell(KnowledgeRead(digest="", seed=0), last)
    return Kept(snapshot=snapshot, reader=None)
