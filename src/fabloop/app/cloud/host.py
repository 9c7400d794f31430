"""One owner of a local cloud and its journal: many callers, answers once they are durable."""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Self, TypeVar, cast
from weakref import WeakKeyDictionary

from fabloop.app.processes.slots import Mailbox
from fabloop.base.codec import from_msgpack, to_msgpack
from fabloop.base.errors import Broken, FabloopError, Fault, Invalid, Unavailable
from fabloop.base.instant import Clock, Instant
from fabloop.base.journal import Journal, JournalReader, Row
from fabloop.base.snapshots import Snapshots
from fabloop.services.cloud import changes
from fabloop.services.cloud.command import Command, Question, decided
from fabloop.services.cloud.crypto import Crypto
from fabloop.services.cloud.interfaces import generic_templates
from fabloop.services.cloud.state import State
from fabloop.services.cloud.upkeep import Sweep

T = TypeVar("T")

STREAM = "cloud"
KIND = "cloud"
VERSION = 1
SWEEP_S = 5.0
"""How often what has expired is removed; it counts as gone before."""
ROWS_PER_SNAPSHOT = 50_000
SNAPSHOTS_MAX = 2
"""Snapshots that are kept: the newest, and one before in case that is damaged."""
UNACKNOWLEDGED_MAX = 20_000
"""Answers that may wait for the disk before more commands are refused."""

Put = Callable[[object], None]
Listener = Callable[[], None]


class CloudHost:
    """Decides commands of threads and tasks one after the other, and journals what they change.

    Commands are decided where they are given, and those who wait share the cost of the disk.
    `listen` tells when something has changed that may have to be pushed.

    Parameters
    ----------
    state : as the journal says; it belongs to the host from now on
    """

    def __init__(
        self,
        state: State,
        journal: Journal,
        clock: Clock,
        crypto: Crypto,
        snapshots: Snapshots | None = None,
    ) -> None:
        self.crypto = crypto
        self._state = state
        self._journal = journal
        self._snapshots = snapshots
        self._clock = clock
        self._deciding = threading.Lock()
        self._waiting = threading.Condition()
        self._answers: deque[tuple[int, Put]] = deque()
        self._mailboxes: WeakKeyDictionary[asyncio.AbstractEventLoop, Mailbox] = WeakKeyDictionary()
        self._listeners: list[Listener] = []
        self._last_seq = journal.last()
        self._last_at = Instant(0)
        self._snapshot_seq = max(snapshots.known(), default=0) if snapshots else 0
        self._failure: FabloopError | None = None
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._acknowledge, name="cloud-acknowledge", daemon=True),
            threading.Thread(target=self._keep_up, name="cloud-upkeep", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    # -- commands and questions ---------------------------------------------------------------

    def submit(self, command: Command[T]) -> T:
        """Return the reply of a command once it is durable.

        Raises
        ------
        Invalid, Refused
            The command is wrong or may not be done now.
        Unavailable
            The journal cannot be written, too much waits for it, or the host is closed.
        """
        return cast("T", self._taken(*self._decide(command)))

    async def do(self, command: Command[T]) -> T:
        """Do the same from a task."""
        return cast("T", await self._awaited(*self._decide(command)))

    def query(self, question: Question[T]) -> T:
        """Return the answer to a question, once all that it tells is durable."""
        return cast("T", self._taken(*self._ask(question)))

    async def ask(self, question: Question[T]) -> T:
        """Do the same from a task."""
        return cast("T", await self._awaited(*self._ask(question)))

    def now(self) -> Instant:
        """Return the time of the host's clock."""
        return self._clock.now()

    def listen(self, listener: Listener) -> None:
        """Call `listener` after each command that changed something; it must be quick."""
        self._listeners.append(listener)

    @property
    def failure(self) -> FabloopError | None:
        """Why nothing can be written any more; None while all is well."""
        return self._failure

    def close(self) -> None:
        """Make everything durable, answer, keep a snapshot where it is worth it, and release."""
        with self._waiting:
            if self._closing.is_set():
                return
            self._closing.set()
            self._waiting.notify_all()
        for thread in self._threads:
            thread.join()
        if self._failure is None and self._journal.last() - self._snapshot_seq >= ROWS_PER_SNAPSHOT:
            self._save()
        self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- deciding -----------------------------------------------------------------------------

    def _decide(self, command: Command[T]) -> tuple[int, object]:
        """Return the reply or why there is none, and the row that has to be durable first."""
        self._check_open()
        answer: object
        changed = False
        with self._deciding:
            try:
                reply, row = decided(self._state, command, self._time(), self.crypto)
                answer = reply
                if row is not None:
                    body, kept = _written(row)
                    changed = True
                    self._state.apply(kept)
                    self._last_seq = self._journal.append((self._journalled(body),))
            except FabloopError as error:
                answer = error
                if changed:
                    self._failure = error
            except Exception as error:  # noqa: BLE001  # whatever comes in, the host goes on
                bug = Broken(f"Expected {type(command).__name__} to be decided, but {error!r}.")
                answer = bug
                if changed:
                    self._failure = bug
            seq = self._last_seq
        if changed:
            for listener in self._listeners:
                listener()
        return seq, answer

    def _ask(self, question: Question[T]) -> tuple[int, object]:
        self._check_open()
        with self._deciding:
            try:
                return self._last_seq, question(self._state, self._time())
            except FabloopError as error:
                return self._last_seq, error

    def _journalled(self, body: bytes) -> Row:
        return Row(stream=STREAM, kind=KIND, version=VERSION, at=self._last_at, body=body)

    def _time(self) -> Instant:
        """Return the time to decide at: it never goes back, whatever the clock does."""
        self._last_at = max(self._last_at, self._clock.now())
        return self._last_at

    def _check_open(self) -> None:
        if self._failure is not None:
            raise Unavailable(
                f"Expected the cloud to be able to write, but it failed: {self._failure} "
                "Open it again: nothing that was acknowledged is lost."
            ) from self._failure
        if self._closing.is_set():
            raise Unavailable("Expected the cloud to be open, but it is closed. Open it again.")
        if len(self._answers) >= UNACKNOWLEDGED_MAX:
            raise Unavailable(
                f"Expected at most {UNACKNOWLEDGED_MAX} answers to wait for the disk, but they "
                "are there already. Ask again later; nothing has been done."
            )

    # -- answering ----------------------------------------------------------------------------

    def _taken(self, seq: int, answer: object) -> object:
        """Wait until a row is durable; then return the answer, or raise it."""
        self._journal.wait(seq)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _awaited(self, seq: int, answer: object) -> object:
        """Do the same without holding up the loop."""
        if seq > self._journal.last():
            loop = asyncio.get_running_loop()
            box = self._mailboxes.get(loop)
            if box is None:
                box = self._mailboxes[loop] = Mailbox(loop)
            future: asyncio.Future[object] = loop.create_future()
            with self._waiting:
                self._answers.append((seq, box.sink(future)))
                self._waiting.notify()
            await future
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _acknowledge(self) -> None:
        """Tell tasks what has become durable, in order; runs in its own thread until closed."""
        while True:
            with self._waiting:
                while not self._answers:
                    if self._closing.is_set():
                        return
                    self._waiting.wait()
                seq = self._answers[0][0]
            try:
                self._journal.wait(seq)
            except FabloopError as error:
                self._failure = self._failure or error
            durable = self._journal.last()
            while self._answers and (self._answers[0][0] <= durable or self._failure):
                seq, put = self._answers.popleft()
                put(seq if seq <= durable else self._failure)

    # -- upkeep -------------------------------------------------------------------------------

    def _keep_up(self) -> None:
        """Remove what has expired, and keep snapshots; runs in its own thread until closed."""
        while not self._closing.wait(SWEEP_S):
            with contextlib.suppress(FabloopError):
                self.submit(Sweep())
            if self._journal.last() - self._snapshot_seq >= ROWS_PER_SNAPSHOT:
                with contextlib.suppress(FabloopError):
                    self._save()

    def _save(self) -> None:
        """Keep a snapshot: what there is now is taken in one go, and written at leisure."""
        if self._snapshots is None:
            return
        with self._deciding:
            parts = self._state.parts()
            seq = self._last_seq
        self._journal.wait(seq)
        self._snapshots.save(seq, parts)
        self._snapshot_seq = seq
        for old in self._snapshots.known()[SNAPSHOTS_MAX:]:
            self._snapshots.drop(old)


def _written(row: changes.Row) -> tuple[bytes, changes.Row]:
    """Return a row as it is written, and as it is going to be read: nobody else holds that one.

    Raises
    ------
    Invalid
        It cannot be written, or not be read again.
    """
    try:
        body = to_msgpack(row)
        return body, from_msgpack(body, changes.Row)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        expected = "texts, numbers from -2^63 to 2^64-1, truth values, lists and objects of these"
        raise Invalid(
            Fault(source="cloud", path="", expected=expected, found=str(error))
        ) from error


def recovered(journal: JournalReader, snapshots: Snapshots | None = None) -> State:
    """Return the state that a journal tells, from its newest snapshot that can be read.

    Raises
    ------
    Broken
        A row is none of ours, or of a newer version.
    """
    state, seq = State(), 0
    for known in snapshots.known() if snapshots is not None else ():
        try:
            assert snapshots is not None, "there is one that is known"
            state, seq = State.of_parts(snapshots.parts(known)), known
            break
        except (ValueError, FabloopError):  # a damaged one: the one before, or the whole journal
            continue
    for number, row in journal.read(seq):
        if row.kind != KIND or row.version != VERSION:
            raise Broken(
                f"Expected row {number} of kind '{KIND}' and version {VERSION}, but found "
                f"'{row.kind}' and {row.version}. Open it with the release that wrote it."
            )
        try:
            state.apply(from_msgpack(row.body, changes.Row))
        except ValueError as error:
            raise Broken(f"Expected row {number} to be readable, but {error}.") from error
    return state


def host_of(
    journal: Journal, clock: Clock, crypto: Crypto, snapshots: Snapshots | None = None
) -> CloudHost:
    """Return the host of a journal; a new one begins with the generic interface templates."""
    state = recovered(journal, snapshots)
    if journal.last() == 0:
        first = generic_templates(clock.now())
        state.apply(first)
        body = to_msgpack(first)
        row = Row(stream=STREAM, kind=KIND, version=VERSION, at=clock.now(), body=body)
        journal.wait(journal.append((row,)))
    return CloudHost(state, journal, clock, crypto, snapshots)
