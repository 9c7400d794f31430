"""The folder of an edge belongs to one process at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fabloop.base.errors import Conflict


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the folder while the block runs; it is free again when the process is gone.

    Raises
    ------
    Conflict
        Another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                f"Expected '{folder}' to be free, but another edge runs there. End that one, or "
                "name another folder."
            ) from None
        yield
