"""Stops in a file: they stand over crashes, and whoever looks sees them, in any OS process."""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from fabloop.app.durable import write_durably
from fabloop.base.errors import Broken
from fabloop.model.ids import ControllerId
from fabloop.model.safety import Stop

STOPS_FILE = "safety-stops.json"


class StopsKept(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept: the stops that stand, and the number of the last request."""

    stops: dict[ControllerId, Stop] = {}
    asked: dict[ControllerId, int] = {}


Change = Callable[[StopsKept], StopsKept]


class StopsFile:
    """The stops of a folder.

    A file that cannot be read counts as damaged and is told: no stop is ever forgotten silently.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / STOPS_FILE
        self._cache: tuple[object, StopsKept] = (None, StopsKept())

    def kept(self) -> StopsKept:
        """Return what is kept now, whoever wrote it.

        Raises
        ------
        Broken
            The file does not hold what was written.
        """
        try:
            state = self._path.stat()
        except FileNotFoundError:
            return StopsKept()
        mark = (state.st_ino, state.st_mtime_ns, state.st_size)
        known, kept = self._cache
        if mark != known:
            kept = self._read()
            self._cache = (mark, kept)  # one assignment: other threads look as well
        return kept

    def stops(self) -> Mapping[ControllerId, Stop]:
        """Return the stops that stand."""
        return self.kept().stops

    def change(self, change: Change) -> StopsKept:
        """Write what a change makes of what is kept; nobody else writes meanwhile."""
        with self._alone():
            before = self.kept()
            after = change(before)
            if after != before:
                write_durably(self._path, msgspec.json.encode(after))
                self._cache = (None, after)
            return after

    def _read(self) -> StopsKept:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=StopsKept)
        except msgspec.MsgspecError as error:
            raise Broken(
                f"Expected the stops that stand in '{self._path}', but found: {error}. Look which "
                "zones stand, remove the file and stop them again."
            ) from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)
