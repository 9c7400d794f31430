"""The facts of a runtime: written down before anybody acts on them, read after a crash."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from fabloop.adapters.sqlite import SqliteJournal
from fabloop.app.service_runtime.facts import RuntimeFact
from fabloop.base.errors import Broken
from fabloop.base.instant import Instant
from fabloop.base.journal import JournalReader, Row

KIND = "runtime-facts"
VERSION = 1
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[RuntimeFact])

Listener = Callable[[Instant, Sequence[RuntimeFact]], None]


def facts_of(journal: JournalReader) -> list[tuple[Instant, RuntimeFact]]:
    """Return the facts of a journal, whoever writes it."""
    history: list[tuple[Instant, RuntimeFact]] = []
    for _, row in journal.read():
        if row.kind != KIND or row.version != VERSION:
            raise Broken(f"Expected rows of kind '{KIND}' {VERSION}, but found '{row.kind}'.")
        history += [(row.at, fact) for fact in _DECODER.decode(row.body)]
    return history


class FactLog:
    """Facts in the order in which they were told; `told` hears them once they are durable."""

    def __init__(self, file: Path, told: Listener | None = None) -> None:
        self._journal = SqliteJournal(file)
        self._told = told
        self.history: list[tuple[Instant, RuntimeFact]] = []
        self.history += facts_of(self._journal)

    def tell(self, at: Instant, *facts: RuntimeFact) -> None:
        """Write facts down together; return once they are durable."""
        if not facts:
            return
        body = _ENCODER.encode(facts)
        row = Row(stream="runtime", kind=KIND, version=VERSION, at=at, body=body)
        self._journal.wait(self._journal.append([row]))
        self.history += [(at, fact) for fact in facts]
        if self._told is not None:
            self._told(at, facts)

    def facts(self) -> tuple[RuntimeFact, ...]:
        """Return what was told so far, without when."""
        return tuple(fact for _, fact in self.history)

    def close(self) -> None:
        """Release the file."""
        self._journal.close()
