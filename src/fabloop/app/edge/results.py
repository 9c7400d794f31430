"""Results on their way to the centre: on disk, in order, until the centre has said it has them."""

import threading
from pathlib import Path

import msgspec

from fabloop.adapters.result_log import ResultLog
from fabloop.app.edge.health import ResultsHealth
from fabloop.app.edge.link import FactTold
from fabloop.base.errors import Unavailable
from fabloop.base.instant import Instant

RESULTS_FILE = "results.db"
COMMIT_S = 0.25
"""How long a result waits for its commit: a power cut costs at most so much."""
PENDING_MAX = 50_000
"""Results that wait in memory for a disk that takes nothing; the oldest of more are dropped."""
LIMIT_BYTES = 2**30
"""Results on disk; the oldest of more are dropped."""


class Readings(msgspec.Struct, frozen=True, array_like=True, tag="readings"):
    """Readings of one instant: values (float64) and qualities (uint8) as they lie in memory."""

    app: str
    machine: str
    names: tuple[str, ...]
    at: int
    values: bytes
    qualities: bytes


AnyResult = Readings | FactTold


class Numbered(msgspec.Struct, frozen=True, array_like=True):
    """A result with its place in the order."""

    number: int
    result: AnyResult


_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[AnyResult] = msgspec.msgpack.Decoder(AnyResult)


class Results:
    """Results in order, committed a few times a second; what is handed out is safe on disk.

    Everything that is dropped is counted.
    """

    def __init__(self, file: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self._log = ResultLog(file)
        self._limit_bytes = limit_bytes
        self._pending: list[bytes] = []
        self._dropped = 0
        self._trouble = ""
        self._changed = threading.Condition()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._write, name="edge-results", daemon=True)
        self._thread.start()

    def keep(self, result: AnyResult) -> None:
        """Take a result."""
        body = _ENCODER.encode(result)
        with self._changed:
            self._pending.append(body)
            if len(self._pending) > PENDING_MAX:
                del self._pending[0]
                self._dropped += 1

    def after(self, number: int, limit: int, timeout_s: float) -> tuple[Numbered, ...]:
        """Return results beyond a number as soon as there are some; none when time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._log.last > number, timeout_s)
            found = self._log.after(number, limit)
        return tuple(Numbered(each, _DECODER.decode(body)) for each, body in found)

    def acknowledge(self, number: int) -> None:
        """Forget results up to a number: the centre has them."""
        with self._changed:
            self._log.forget(number)

    def health(self) -> ResultsHealth:
        """Return how many wait, and since when."""
        with self._changed:
            first = self._log.after(0, 1)
            oldest = Instant(_DECODER.decode(first[0][1]).at) if first else None
            return ResultsHealth(
                kept=self._log.last,
                waiting=self._log.waiting + len(self._pending),
                oldest_waiting=oldest,
                dropped=self._dropped,
                trouble=self._trouble,
            )

    def close(self) -> None:
        """Commit what is pending, and let go of the file."""
        self._ending.set()
        self._thread.join()
        with self._changed:
            self._log.close()

    def _write(self) -> None:
        while not self._ending.wait(COMMIT_S):
            self._commit()
        self._commit()

    def _commit(self) -> None:
        with self._changed:
            if not self._pending:
                return
            self._append()
            beyond = self._log.bytes - self._limit_bytes
            if beyond > 0:
                self._dropped += self._log.drop(beyond)
                self._trouble = f"More than {self._limit_bytes} bytes of results; nobody takes them"
            self._changed.notify_all()

    def _append(self) -> None:
        try:
            self._log.append(self._pending)
        except Unavailable as error:
            self._trouble = str(error)
        else:
            self._pending = []
            self._trouble = ""
