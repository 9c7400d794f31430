"""One macro step in the making: its deltas applied at once, its agenda and its notices."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from fabloop.base.instant import Instant
from fabloop.base.journal import Row
from fabloop.process.apply import APPLIERS, remember
from fabloop.process.commands import Notice, Reply, Variables
from fabloop.process.definition import Node
from fabloop.process.deltas import (
    FORMAT,
    ROW_KIND,
    Body,
    Delta,
    LocalsSet,
    Passed,
    VariablesSet,
    encode_body,
)
from fabloop.process.event_deltas import KpisSet
from fabloop.process.state import Frame, Instance, State

INSTRUCTIONS_PER_VISIT_MAX = 100
"""What a message or signal that is thrown may run in each instance that it reaches, on top."""

INSTRUCTIONS_PER_TRIGGER_MAX = 10_000
"""Nodes and firings that one trigger may run before the process is taken for an endless loop."""


ROUNDS_PER_COMMAND_MAX = 1_000
"""Rounds of activities with a loop that one command may begin."""


class Step:
    """Collects what one command does; nothing of it counts before `State.commit`.

    Attributes
    ----------
    agenda : tokens on their way: frame, node to enter, variables they bring
    pages : frames of pages that may be able to fire
    touched : frames in which something ended, so that they may have come to their end
    rounds : acts that may begin their next round
    rounds_left : rounds that this command may still begin; the others wait for `AdvanceTo`
    resting : frames of pages that neither ended nor wait for work or time
    pending : conditions that read something that has changed
    vacant : processes and keys of which an instance that a message has started has ended
    mixed : several streams are changed in turn
    thrown : messages and signals that were thrown
    budget : instructions left before the trigger is stopped
    """

    # What few commands change stays in the class: a step is made for each of them.
    rounds_left = ROUNDS_PER_COMMAND_MAX
    mixed = False
    thrown = 0
    budget = INSTRUCTIONS_PER_TRIGGER_MAX
    _settled = 0
    _stream = ""

    def __init__(self, state: State, at: Instant, command: str) -> None:
        self.state = state
        self.at = at
        self.command = command
        self.agenda: deque[tuple[int, Node, Variables]] = deque()
        self.pages: dict[int, None] = {}
        self.touched: dict[int, None] = {}
        self.rounds: dict[int, None] = {}
        self.resting: dict[int, None] = {}
        self.pending: dict[int, None] = {}
        self.vacant: dict[tuple[str, str], None] = {}
        self.notices: list[Notice] = []
        self._rows: list[tuple[str, list[Delta]]] = []
        self._deltas: list[Delta] = []
        self._trail: dict[int, list[int]] = {}

    def focus(self, stream: str) -> None:
        """Let the following deltas go to the row of `stream`."""
        if stream == self._stream:
            return
        if self._deltas or self._trail:
            self._flush()
        self._stream = stream
        self.state.touch(stream)

    def trigger(self, instance: Instance) -> None:
        """Begin to change an instance for a new reason."""
        self.focus(instance.stream)
        self.budget = INSTRUCTIONS_PER_TRIGGER_MAX

    def visit(self, stream: str) -> None:
        """Begin to change another instance, before what was begun has come to rest."""
        self.focus(stream)
        self.mixed = True
        self.budget += INSTRUCTIONS_PER_VISIT_MAX

    def emit(self, delta: Delta) -> None:
        """Record a delta and apply it; note whether conditions read what it changes."""
        self._deltas.append(delta)
        APPLIERS[type(delta)](self.state, delta, self.at)  # `apply`, without a call for each
        if self.state.readers:
            self._note_change(delta)

    def _note_change(self, delta: Delta) -> None:
        readers = self.state.readers
        match delta:
            case VariablesSet(frame, values):
                for name in values:
                    self.pending.update(readers.get((frame, name), {}))
            case LocalsSet(act, values):
                for key in self.state.acts[act].conditions:
                    if any(name in values for _, name in self.state.conditions[key].reads):
                        self.pending[key] = None
            case KpisSet(values):
                for name in ("", *values):
                    self.pending.update(readers.get((0, name), {}))
            case _:
                pass

    def emit_to(self, stream: str, delta: Delta) -> None:
        """Record and apply a delta of another stream; the focus comes back."""
        focus = self._stream
        self.focus(stream)
        self.emit(delta)
        self.focus(focus)

    def mint(self) -> int:
        """Return a new key; a delta that carries it must follow."""
        self.state.last_key += 1
        return self.state.last_key

    def passed(self, frame: Frame, node: Node) -> None:
        """Note for the history that a token ran through a node."""
        trail = self._trail.get(frame.key)
        if trail is None:
            trail = self._trail[frame.key] = []
        trail.append(node.number)

    @contextmanager
    def attempt(self, *, keep: bool = True) -> Iterator[None]:
        """Undo what is done within where it is refused, or where it is not to be kept."""
        self._flush()
        self._stream = ""
        mark, rows, notices = self.state.savepoint(), len(self._rows), len(self.notices)
        self._settled = rows
        done = False
        try:
            yield
            done = True
        finally:
            if not (done and keep):
                self.state.rollback_to(mark)
                self._deltas = []
                self._stream = ""
                del self._rows[rows:], self.notices[notices:]
                for left in (self.agenda, self.pages, self.touched, self.rounds, self.resting):
                    left.clear()
                self.pending.clear()
                self.vacant.clear()
                self._trail.clear()

    def rows(self, actor: str, request: str, reply: Reply) -> tuple[Row, ...]:
        """Return the rows to append as one group; the first carries the request and its reply."""
        self._flush()
        if request and self._rows:
            remember(self.state, request, reply)
        rows = []
        for number, (stream, deltas) in enumerate(self._rows):
            first = request if number == 0 else ""
            body = Body(self.command, reply if first else None, deltas)
            row = Row(
                stream=stream,
                kind=ROW_KIND,
                body=encode_body(body),
                version=FORMAT,
                at=self.at,
                actor=actor,
                request=first,
                partition=self.state.partition,
            )
            rows.append(row)
        return tuple(rows)

    def _flush(self) -> None:
        if self._trail:
            for frame, nodes in self._trail.items():
                self._deltas.append(Passed(frame, nodes))
            self._trail.clear()
        if self._deltas:
            last = self._rows[-1] if len(self._rows) > self._settled else None
            if last is not None and last[0] == self._stream:
                last[1].extend(self._deltas)
            else:
                self._rows.append((self._stream, self._deltas))
            self._deltas = []
