"""One owner of an engine, its journal and its time: many callers, answers once they are durable."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Self, TypeVar, cast
from weakref import WeakKeyDictionary

import msgspec
from msgspec.structs import replace

from fabloop.app.processes.clocks import HostClock
from fabloop.app.processes.polls import Parked, Poll, Polls
from fabloop.app.processes.questions import Question
from fabloop.app.processes.slots import Mailbox, Sink, Slot
from fabloop.base.errors import Broken, Conflict, FabloopError, Unavailable
from fabloop.base.instant import Instant
from fabloop.base.journal import Journal, Row
from fabloop.base.snapshots import Snapshots
from fabloop.process.commands import (
    ActiveJob,
    AdvanceTo,
    AssignJob,
    Command,
    JobsActivated,
    Notice,
    Reply,
)
from fabloop.process.engine import Engine
from fabloop.process.operations import AdvanceBatch, BatchState, PauseBatch
from fabloop.process.recovery import answered, save_snapshot

T = TypeVar("T")

QUEUE_MAX = 10_000
"""Commands that may wait to be decided before more are refused."""

COMMANDS_PER_ROUND_MAX = 256
"""Commands decided before the rows are handed to the journal."""

UNACKNOWLEDGED_ROUNDS_MAX = 64
"""Rounds that may wait for the disk before deciding stops."""

LOOK_AGAIN_S = 60.0
"""How long the host sleeps at most: the clock of the wall may have been set meanwhile."""

ROWS_UNTIL_SNAPSHOT = 20_000
"""Rows since the last snapshot that make another one worth its time on closing."""

TROUBLES_MAX = 100
REST_S = 1.0
"""Pause after a timer or batch that failed, so that the host is there for everybody else."""

_LAST = -1
_ANSWERS = 1

Listener = Callable[[Sequence[Notice]], None]


class _Order(msgspec.Struct, frozen=True, eq=False):
    command: Command
    actor: str
    request: str
    sink: Sink[Reply]


class _Round(msgspec.Struct, frozen=True, eq=False):
    """What was decided together: the row to wait for, then the answers and notices to give."""

    seq: int
    answers: list[tuple[Sink[object], object]]
    notices: list[Notice]


class Host:
    """Decides commands of many threads and tasks one after the other, and keeps time.

    A thread decides whatever waits and hands the rows to the journal as one group; another waits
    for the disk and then answers, in order. So the cost of the disk is shared by all that wait, and
    nobody is told what could still be lost, not even that something was refused.

    Parameters
    ----------
    engine : as the journal says; it belongs to the host from now on
    clock : of this machine, or one that is stepped
    snapshots : where one is kept on closing, so that the next opening is quick

    Attributes
    ----------
    troubles : the last errors that nobody was told: of listeners, timers and batches
    """

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        clock: HostClock,
        snapshots: Snapshots | None = None,
    ) -> None:
        self._engine = engine
        self._journal = journal
        self._snapshots = snapshots
        self._clock = clock
        self._changed = threading.Condition()
        self._orders: deque[_Order] = deque()
        self._deciding = threading.Lock()
        self._polls = Polls()
        self._rounds: deque[_Round] = deque()
        self._decided = threading.Condition()
        self._listeners: list[Listener] = []
        self._mailboxes: WeakKeyDictionary[asyncio.AbstractEventLoop, Mailbox] = WeakKeyDictionary()
        self._last_seq = 0
        self._last_at = Instant(0)
        self._closing = False
        self._closed = False
        self._failure: Exception | None = None
        self._rest_until_s = 0.0
        self.troubles: deque[Exception] = deque(maxlen=TROUBLES_MAX)
        self._threads = [
            threading.Thread(target=self._decide, name="host-decide", daemon=True),
            threading.Thread(target=self._acknowledge, name="host-acknowledge", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    # -- commands -----------------------------------------------------------------------------

    def submit(self, command: Command, *, actor: str = "", request: str = "") -> Reply:
        """Return the reply once it is durable; the same `request` is done once only.

        Raises
        ------
        Invalid, NotFound, Conflict
            The command is refused.
        Unavailable
            Too many commands wait, the journal cannot be written, or the host is closed.
        """
        if threading.current_thread() is self._threads[_ANSWERS]:
            raise Conflict(
                "Expected a listener not to wait for an answer, but it submits "
                f"{type(command).__name__}: nobody could give it. Use `post` there."
            )
        slot = Slot[Reply]()
        self.post(command, slot.put, actor=actor, request=request)
        return slot.take()

    async def submit_async(self, command: Command, *, actor: str = "", request: str = "") -> Reply:
        """Do the same from a task."""
        future, sink = self._awaited()
        self.post(command, cast("Sink[Reply]", sink), actor=actor, request=request)
        return cast("Reply", await future)

    def post(
        self, command: Command, sink: Sink[Reply], *, actor: str = "", request: str = ""
    ) -> None:
        """Queue a command; `sink` gets the reply or the error from another thread."""
        with self._changed:
            self._check_open()
            if len(self._orders) >= QUEUE_MAX:
                raise Unavailable(
                    f"Expected at most {QUEUE_MAX} commands to wait, but they are there already. "
                    "Send the same again later; nothing has been done."
                )
            self._orders.append(_Order(command, actor, request, sink))
            self._changed.notify()

    def advance(self) -> None:
        """Look at the clock again: to be called after a stepped clock was set."""
        self.submit(AdvanceTo(now=self._clock.now()))

    # -- jobs ---------------------------------------------------------------------------------

    def poll(self, poll: Poll, timeout_s: float) -> tuple[ActiveJob, ...]:
        """Return jobs as soon as there is one; none when there was none until the timeout."""
        slot = Slot[tuple[ActiveJob, ...]]()
        self.post_poll(poll, timeout_s, slot.put)
        return slot.take()

    async def poll_async(self, poll: Poll, timeout_s: float) -> tuple[ActiveJob, ...]:
        """Do the same from a task."""
        future, sink = self._awaited()
        self.post_poll(poll, timeout_s, cast("Sink[tuple[ActiveJob, ...]]", sink))
        return cast("tuple[ActiveJob, ...]", await future)

    def post_poll(
        self, poll: Poll, timeout_s: float, sink: Sink[tuple[ActiveJob, ...]]
    ) -> Callable[[], None]:
        """Queue a poll; `sink` gets the jobs from another thread.

        What is returned ends the poll: unless jobs are on their way already, it gets none.
        """
        with self._changed:
            self._check_open()
            parked = self._polls.add(poll, time.monotonic() + timeout_s, sink)
            self._changed.notify()

        def end() -> None:
            with self._changed:
                self._polls.cancel(parked)
                self._changed.notify()

        return end

    # -- reading ------------------------------------------------------------------------------

    def ask(self, question: Callable[[Engine], T]) -> T:
        """Return what a question finds, once all that it saw is durable."""
        with self._changed:
            self._check_open()
        with self._deciding:
            found = question(self._engine)
            seq = self._last_seq
        if seq:
            self._journal.wait(seq)
        return found

    def query(self, question: Question[T]) -> T:
        """Return the answer to a question, once all that it tells is durable."""
        return self.ask(lambda engine: question.answer(engine, self.now()))

    @property
    def failure(self) -> Exception | None:
        """Why nothing can be written any more; None while all is well."""
        return self._failure

    def now(self) -> Instant:
        """Return the time of the host's clock."""
        return self._clock.now()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Tell `listener` all notices once they are durable; call what is returned to end it.

        It is called in the order of the journal, one round of commands at a time, and must be
        quick: answers wait for it, so it may `post` and never `submit`. One that raises hears
        nothing any more; `troubles` tells why.
        """
        with self._decided:
            self._listeners = [*self._listeners, listener]

        def end() -> None:
            with self._decided:
                self._listeners = [each for each in self._listeners if each is not listener]

        return end

    # -- the end ------------------------------------------------------------------------------

    def close(self) -> None:
        """Decide what waits, make it durable, answer, and release the journal."""
        with self._changed:
            if self._closed:
                return
            self._closing = True
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        if self._snapshots is not None and self._failure is None:
            self._keep(self._snapshots)
        self._journal.close()

    def _keep(self, snapshots: Snapshots) -> None:
        last = self._journal.last()
        if last - max(snapshots.known(), default=0) >= ROWS_UNTIL_SNAPSHOT:
            save_snapshot(self._engine, last, snapshots)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._failure is not None:
            raise Unavailable(
                f"Expected the host to be able to write, but it failed: {self._failure} "
                "Open the store again: nothing that was acknowledged is lost."
            ) from self._failure
        if self._closing:
            raise Unavailable("Expected the host to be open, but it is closed. Open it again.")

    def _awaited(self) -> tuple[asyncio.Future[object], Callable[[object], None]]:
        loop = asyncio.get_running_loop()
        box = self._mailboxes.get(loop)
        if box is None:
            box = self._mailboxes[loop] = Mailbox(loop)
        future: asyncio.Future[object] = loop.create_future()
        return future, box.sink(future)

    # -- deciding -----------------------------------------------------------------------------

    def _decide(self) -> None:
        """Decide what waits, round after round; runs in its own thread until closed."""
        with self._deciding:
            wake_s = self._wake_s()
        while (orders := self._next_orders(wake_s)) is not None:
            with self._deciding:
                made = _Maker(self._engine, self._journal, self._time())
                made.decide(orders, self._polls)
                if not self._rests():
                    self._note(made.keep_time(self._batches()))
                made.serve(self._polls, time.monotonic())
                wake_s = self._wake_s()
                try:
                    if made.rows:
                        self._last_seq = self._journal.append(made.rows)
                except FabloopError as error:
                    self._fail(error, made.answers)
                    break
            if made.answers or made.notices:
                self._hand_over(_Round(self._last_seq, made.answers, made.notices))
        self._polls.end()
        with self._decided:
            self._rounds.append(_Round(_LAST, [], []))
            self._decided.notify_all()

    def _next_orders(self, wake_s: float) -> list[_Order] | None:
        """Wait for something to do, until `wake_s`; None when nothing will come any more."""
        with self._changed:
            while not (self._orders or self._polls.fresh or self._polls.dropped):
                if self._closing or self._failure is not None:
                    return None
                left_s = wake_s - time.monotonic()
                if left_s <= 0:
                    break
                self._changed.wait(left_s)
            count = min(len(self._orders), COMMANDS_PER_ROUND_MAX)
            return [self._orders.popleft() for _ in range(count)]

    def _wake_s(self) -> float:
        """Return when there is something to do by itself, on the monotonic clock."""
        now_s = time.monotonic()
        if self._rests():
            left_s = self._polls.wait_s(now_s)
            rest_s = self._rest_until_s - now_s
            return now_s + (rest_s if left_s is None else min(rest_s, left_s))
        if self._batches():
            return now_s
        due = self._engine.next_due()
        waits = (
            self._polls.wait_s(now_s),
            self._clock.seconds_until(due) if due is not None else None,
            LOOK_AGAIN_S,
        )
        return now_s + min(each for each in waits if each is not None)

    def _rests(self) -> bool:
        """Whether time and batches stand still after one of them failed."""
        return time.monotonic() < self._rest_until_s

    def _note(self, troubles: Sequence[Exception]) -> None:
        if troubles:
            self.troubles.extend(troubles)
            self._rest_until_s = time.monotonic() + REST_S

    def _batches(self) -> tuple[int, ...]:
        if not self._engine.state.batches:
            return ()
        return tuple(
            each.key for each in self._engine.batches() if each.state is BatchState.RUNNING
        )

    def _time(self) -> Instant:
        """Return the time to decide at: it never goes back, whatever the clock does."""
        self._last_at = max(self._last_at, self._clock.now())
        return self._last_at

    def _fail(self, error: Exception, answers: Sequence[tuple[Sink[object], object]]) -> None:
        """Refuse everything from now on: the engine is ahead of its journal."""
        with self._changed:
            self._failure = self._failure or error
            waiting, self._orders = self._orders, deque()
            self._changed.notify_all()
        for sink, _ in answers:
            sink(error)
        for order in waiting:
            order.sink(error)

    def _hand_over(self, made: _Round) -> None:
        with self._decided:
            while len(self._rounds) >= UNACKNOWLEDGED_ROUNDS_MAX and self._failure is None:
                self._decided.wait()
            self._rounds.append(made)
            self._decided.notify_all()

    # -- answering ----------------------------------------------------------------------------

    def _acknowledge(self) -> None:
        """Answer what has become durable, in order; runs in its own thread until closed."""
        while True:
            with self._decided:
                while not self._rounds:
                    self._decided.wait()
                made = self._rounds.popleft()
                self._decided.notify_all()
            if made.seq == _LAST:
                return
            try:
                if made.seq:
                    self._journal.wait(made.seq)
            except FabloopError as error:
                self._fail(error, made.answers)
                continue
            for sink, answer in made.answers:
                sink(answer)
            if made.notices:
                self._tell(made.notices)

    def _tell(self, notices: list[Notice]) -> None:
        for listener in self._listeners:
            try:
                listener(notices)
            except Exception as error:  # noqa: BLE001  # a listener must not stop the answers
                self.troubles.append(error)
                with self._decided:
                    self._listeners = [each for each in self._listeners if each is not listener]


class _Maker:
    """Makes one round: decides orders, lets time pass, gives out jobs."""

    def __init__(self, engine: Engine, journal: Journal, at: Instant) -> None:
        self.engine = engine
        self.journal = journal
        self.at = at
        self.rows: list[Row] = []
        self.answers: list[tuple[Sink[object], object]] = []
        self.notices: list[Notice] = []

    def decide(self, orders: Sequence[_Order], polls: Polls) -> None:
        """Decide commands in the order in which they came."""
        for order in orders:
            sink = cast("Sink[object]", order.sink)
            self.answers.append((sink, self.handled(order.command, order.actor, order.request)))
            if isinstance(order.command, AssignJob):
                polls.wake_all()

    def handled(self, command: Command, actor: str = "", request: str = "") -> Reply | Exception:
        """Return the reply, or why there is none."""
        try:
            known = answered(self.journal, self.engine, request)
            if known is not None:
                return known
            outcome = self.engine.handle(command, at=self.at, actor=actor, request=request)
        except FabloopError as error:
            return error
        except Exception as error:  # noqa: BLE001  # whatever a caller hands in, the host goes on
            return Broken(f"Expected {type(command).__name__} to be decided, but {error!r}.")
        self.rows += outcome.rows
        self.notices += outcome.notices
        return outcome.reply

    def keep_time(self, batches: Sequence[int]) -> list[Exception]:
        """Let happen what is due, and batches go a step further; return what failed."""
        troubles = []
        due = self.engine.next_due()
        if due is not None and due <= self.at:
            reply = self.handled(AdvanceTo(now=self.at), "clock")
            if isinstance(reply, Exception):
                troubles.append(reply)
        for key in batches:
            reply = self.handled(AdvanceBatch(batch=key), "host")
            if isinstance(reply, Exception):
                self.handled(PauseBatch(batch=key), "host")
                troubles.append(reply)
        return troubles

    def serve(self, polls: Polls, now_s: float) -> None:
        """Give jobs to those who wait for them."""
        polls.wake(self.notices)
        for parked in polls.due(now_s):
            answer = self._activated(parked)
            if answer or parked.deadline_s <= now_s:
                polls.remove(parked)
                self.answers.append((cast("Sink[object]", parked.sink), answer))

    def _activated(self, parked: Parked) -> tuple[ActiveJob, ...] | Exception:
        jobs: tuple[ActiveJob, ...] = ()
        for wish in parked.wishes(self.engine.state.ready):
            wanted = replace(wish, limit=wish.limit - len(jobs))
            reply = self.handled(wanted, wish.worker)
            if isinstance(reply, Exception):
                return jobs or reply
            assert isinstance(reply, JobsActivated), "jobs are answered with jobs"
            jobs += reply.jobs
            if len(jobs) >= parked.poll.limit:
                break
        return jobs
