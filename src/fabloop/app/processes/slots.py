"""Where the answer to a command goes: a thread that waits, a task that waits, or a function."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

Sink = Callable[[T | Exception], None]
"""Takes an answer or the reason why there is none; it must be quick and not raise."""


class Slot(Generic[T]):
    """Lets one thread wait for one answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()
        self._answer: T | Exception | None = None

    def put(self, answer: T | Exception) -> None:
        """Give the answer; once."""
        self._answer = answer
        self._lock.release()

    def take(self) -> T:
        """Wait for the answer and return it, or raise it."""
        self._lock.acquire()
        answer = self._answer
        if isinstance(answer, Exception):
            raise answer
        assert answer is not None, "a slot is released with its answer"
        return answer


class Mailbox:
    """Brings answers into an event loop: many with one wake-up."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._answers: deque[tuple[asyncio.Future[object], object]] = deque()
        self._woken = False

    def sink(self, future: asyncio.Future[object]) -> Callable[[object], None]:
        """Return where the answer for a future of this loop goes."""

        def put(answer: object) -> None:
            with self._lock:
                self._answers.append((future, answer))
                if self._woken:
                    return
                self._woken = True
            try:
                self._loop.call_soon_threadsafe(self._deliver)
            except RuntimeError:  # the loop has closed: nobody waits any more
                self._answers.clear()

        return put

    def _deliver(self) -> None:
        with self._lock:
            answers, self._answers, self._woken = self._answers, deque(), False
        for future, answer in answers:
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
