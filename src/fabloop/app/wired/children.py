"""Processes that end when the one that started them does, however that ends."""

import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, TypeAlias

from fabloop.base.errors import Unavailable

START_S_MAX = 120.0
END_S_MAX = 10.0
Pipe: TypeAlias = "Connection[Any, Any]"
Work = Callable[["Ties", Any], None]
_CONTEXT = get_context("forkserver")


class Ties:
    """What a child has to do with its parent: say that it is ready, and see when to end."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def ready(self, told: object) -> None:
        """Tell the parent that the work has begun."""
        self._pipe.send(told)

    def is_over(self) -> bool:
        """Tell whether to end: the parent said so, or is gone."""
        return self._pipe.poll(0)

    def wait_until_over(self) -> None:
        """Return when it is time to end."""
        self._pipe.poll(None)


class Child:
    """A process that does some work until it is ended.

    The work is called with its `Ties`, and with what it was given; it calls `Ties.ready`.
    """

    def __init__(self, name: str, work: Work, given: object) -> None:
        self.name = name
        self._ours, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(
            target=_live, args=(theirs, self._ours, work, given), name=name, daemon=True
        )
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int | None:
        """The process."""
        return self._process.pid

    @property
    def lives(self) -> bool:
        """Whether the process is there."""
        return self._process.is_alive()

    def ends_within(self, seconds: float) -> bool:
        """Tell whether the process has ended, or does so within a time."""
        self._process.join(seconds)
        return not self._process.is_alive()

    def told(self) -> Any:
        """Return what the child said when it was ready.

        Raises
        ------
        Unavailable
            It ended before, or is not ready in time.
        """
        try:
            if self._ours.poll(START_S_MAX):
                return self._ours.recv()
            found = f"nothing within {START_S_MAX:.0f} s"
        except (EOFError, OSError):
            self._process.join(END_S_MAX)
            found = f"that it ended with exit code {self._process.exitcode}"
        raise Unavailable(f"Expected process '{self.name}' to begin its work, but found {found}.")

    def ask_to_end(self) -> None:
        """Let it end; `end` waits for that."""
        with suppress(OSError):
            self._ours.send(None)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def end(self) -> None:
        """End it, by force if it does not end by itself."""
        self.ask_to_end()
        self._process.join(END_S_MAX)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()
        self._ours.close()


def prepare(modules: Sequence[str]) -> None:
    """Load modules once for all children that will be started."""
    _CONTEXT.set_forkserver_preload(list(modules))


def _live(theirs: Pipe, ours: Pipe, work: Work, given: object) -> None:
    ours.close()  # or the end of the parent would go unnoticed
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    try:
        work(Ties(theirs), given)
    except (BrokenPipeError, ConnectionResetError):
        sys.exit(1)
