"""Batches wait here for the next commit; one thread makes all that wait durable at once."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from fabloop.adapters.historian.layout import Overflow
from fabloop.base.errors import Unavailable
from fabloop.base.instant import SECOND
from fabloop.sense.readings.batch import Batch, copied, joined

RETRY_S: Final = 0.5
"""How long the disk is left alone after it refused a commit."""

Commit = Callable[[Batch, int], None]
"""Makes readings durable, up to the batch of this number; raises `OSError` where it cannot."""


class Intake:
    """The queue between those who bring readings and the thread that commits them.

    Attributes
    ----------
    durable : number of the last batch that is on the disk
    dropped : readings dropped for want of room, by explicit choice
    trouble : why nothing can be stored now, as a sentence; empty: all is well
    """

    def __init__(
        self,
        commit: Commit,
        idle: Callable[[], None],
        *,
        commit_ns: int,
        pending_max: int,
        overflow: Overflow,
        sequence: int,
    ) -> None:
        self.durable = sequence
        self.dropped = 0
        self.trouble = ""
        self._commit = commit
        self._idle = idle
        self._commit_s = commit_ns / SECOND
        self._pending_max = pending_max
        self._overflow = overflow
        self._sequence = sequence
        self._pending: list[Batch] = []
        self._pending_readings = 0
        self._since = 0.0
        self._awaited = 0
        self._crowded = False
        self._closing = False
        self._over = False
        self._failure: BaseException | None = None
        self._hearers: tuple[Callable[[], None], ...] = ()
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._turning = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="historian-commit", daemon=True)

    def start(self) -> None:
        """Begin to commit."""
        self._thread.start()

    @property
    def last(self) -> int:
        """The number of the last batch that was taken."""
        return self._sequence

    @property
    def pending(self) -> int:
        """Readings that wait for their commit."""
        return self._pending_readings

    def put(self, batch: Batch) -> int:
        """Queue a batch and return its number.

        Raises
        ------
        Unavailable
            There is no room, or the disk takes nothing: the batch was not taken.
        """
        with self._lock:
            if not self._has_room(len(batch)):
                if self._overflow is Overflow.DROP:
                    self.dropped += len(batch)
                    return self._sequence
                if self._overflow is Overflow.WAIT:
                    self._changed.wait_for(lambda: self._has_room(len(batch)) or self._ended())
                self._refuse(len(batch))
            self._sequence += 1
            first = not self._pending
            if first:
                self._since = time.monotonic()
            self._pending.append(batch)
            self._pending_readings += len(batch)
            if first or self._pending_readings >= self._pending_max // 4:
                self._changed.notify_all()
            return self._sequence

    def wait(self, sequence: int, timeout_s: float | None = None) -> bool:
        """Return whether everything up to a batch is durable, as soon as it is or can never be."""
        with self._lock:
            self._awaited = max(self._awaited, sequence)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.durable >= sequence or self._over, timeout_s)
            if self._failure is not None and self.durable < sequence:
                raise self._failure
            return self.durable >= sequence

    def hasten(self, number: int) -> None:
        """Ask for the next commit at once: somebody waits for a batch to be durable.

        What comes while the disk is busy waits for the commit after that, all of it together.
        """
        with self._lock:
            if number > self._awaited:
                self._awaited = number
                self._changed.notify_all()

    def on_durable(self, hear: Callable[[], None]) -> Callable[[], None]:
        """Call a function, in the thread that commits, when more is durable; return its end."""
        with self._lock:
            self._hearers = (*self._hearers, hear)

        def end() -> None:
            with self._lock:
                self._hearers = tuple(each for each in self._hearers if each is not hear)

        return end

    def between_commits(self, work: Callable[[], object]) -> None:
        """Do something while nothing is committed."""
        with self._turning:
            work()

    def crowd(self, crowded: bool) -> None:
        """Say whether too much waits to be sealed, so that nothing more may be taken."""
        with self._lock:
            self._crowded = crowded
            self._changed.notify_all()

    def close(self) -> None:
        """Commit what waits, as far as the disk takes it, and end the thread."""
        with self._lock:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _has_room(self, count: int) -> bool:
        fits = self._pending_readings + count <= self._pending_max or not self._pending
        return fits and not self._crowded and not self.trouble and not self._ended()

    def _ended(self) -> bool:
        return self._closing or self._failure is not None

    def _refuse(self, count: int) -> None:
        """Say why a batch is not taken, unless it may be; the lock is held."""
        if self._failure is not None:
            raise self._failure
        if self._closing:
            raise Unavailable("Expected a historian that is open, but it is closed. Open it again.")
        if self.trouble:
            raise Unavailable(self.trouble)
        if self._crowded:
            raise Unavailable(
                "Expected sealing to keep up, but too many segments wait to be sealed. Bring the "
                "readings again later."
            )
        if not self._has_room(count):
            raise Unavailable(
                f"Expected room for {count} readings, but {self._pending_readings} of at most "
                f"{self._pending_max} wait for the disk. Bring them again later."
            )

    def _run(self) -> None:
        try:
            while self._turn():
                pass
        except BaseException as error:  # noqa: BLE001  # whoever waits has to hear of anything
            with self._lock:
                self._failure = error
        with self._lock:
            self._over = True
            self._changed.notify_all()

    def _turn(self) -> bool:
        """Commit what waits once; return whether there will be more."""
        with self._lock:
            self._changed.wait_for(lambda: bool(self._pending) or self._closing, self._commit_s)
            if self._pending:
                self._changed.wait_for(self._is_due, self._commit_s)
            batches, last = tuple(self._pending), self._sequence
            closing = self._closing
        with self._turning:
            stored = not batches or self._committed(batches, last)
            if batches and stored:
                self._settle(len(batches), last)
                for hear in self._hearers:
                    hear()
            self._idle()
        if not stored and not closing:
            with self._lock:
                self._changed.wait_for(lambda: self._closing, RETRY_S)
        return not closing or (stored and bool(self._pending))

    def _is_due(self) -> bool:
        """Whether what waits should wait no longer; the lock is held."""
        return (
            self._closing
            or self._awaited > self.durable
            or self._pending_readings >= self._pending_max // 4
            or time.monotonic() - self._since >= self._commit_s
        )

    def _committed(self, batches: Sequence[Batch], last: int) -> bool:
        try:
            self._commit(copied(joined(batches)), last)
        except OSError as error:
            text = error.strerror or str(error)
            with self._lock:
                self.trouble = (
                    f"Expected room on the disk for readings, but found: {text}. Free some; what "
                    "was acknowledged is safe, and storing goes on by itself."
                )
            return False
        return True

    def _settle(self, count: int, last: int) -> None:
        with self._lock:
            readings = sum(len(each) for each in self._pending[:count])
            del self._pending[:count]
            self._pending_readings -= readings
            self._since = time.monotonic()
            self.durable = last
            self.trouble = ""
            self._changed.notify_all()
