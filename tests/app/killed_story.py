"""Plays the wave-gear story in child processes that kill themselves, until one gets to its end.

Run as a program: ``killed_story.py FOLDER SEED TIMES``. Each of `TIMES` stories is killed at
random appends to its journal (before it, between it and its wait, after its wait), resumed and
maybe killed again. ``FOLDER/0`` is never killed. Beside each folder, ``N.kills`` tells how often
and ``N.seconds`` how long the last resume took to open.
"""

import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.stories import agree, first_plan, settings
from fabloop.adapters.sqlite import SqliteJournal
from fabloop.app.demo import SETTINGS_FILE, begin, documents_of, resume
from fabloop.app.scenario import read_scenario
from fabloop.base.journal import Row

APPENDS = 62
"""About how many groups the story appends: points to be killed at are drawn from these."""
KILLS_MAX = 2
MOMENTS = ("before", "queued", "durable")
AT_ONCE = 2


class DeadlyJournal:
    """An SQLite journal that kills its process at the n-th group, at one of three moments."""

    def __init__(self, path: Path, group: int, moment: str) -> None:
        self._inner = SqliteJournal(path)
        self._left = group
        self._moment = moment

    def append(self, rows: Sequence[Row]) -> int:
        self._left -= 1
        self._dies("before")
        seq = self._inner.append(rows)
        self._dies("queued")
        return seq

    def wait(self, seq: int) -> None:
        self._inner.wait(seq)
        self._dies("durable")

    def read(self, after: int = 0) -> Iterator[tuple[int, Row]]:
        return self._inner.read(after)

    def close(self) -> None:
        self._inner.close()

    def _dies(self, moment: str) -> None:
        if self._left == 0 and self._moment == moment:
            os.kill(os.getpid(), signal.SIGKILL)


def play(folder: Path, group: int, moment: str) -> None:
    """Begin the story of a folder, or go on with it, to its end or the n-th group from here."""

    def journal(path: Path) -> DeadlyJournal:
        return DeadlyJournal(path, group, moment)

    began = time.perf_counter()
    going = (folder / SETTINGS_FILE).is_file()
    if going:
        demo = resume(folder, open_journal=journal)
        folder.with_suffix(".seconds").write_text(str(time.perf_counter() - began))
    else:
        demo = begin(folder, settings(), open_journal=journal)
    demo.play(first_plan, agree)
    demo.close()


def survives(folder: Path, group: int, moment: str) -> bool:
    """Play in a child process; tell whether it got to its end."""
    child = os.fork()
    if child == 0:
        play(folder, group, moment)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    if not killed and os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{folder}: ended with {status}, group {group}, {moment}")
    return not killed


def story(folder: Path, chance: random.Random) -> None:
    """Let a story be killed once or more, then to its end; note how often."""
    kills = 0
    while not survives(folder, chance.randrange(1, APPENDS), chance.choice(MOMENTS)):
        kills += 1
        if kills == KILLS_MAX:
            assert survives(folder, 0, "")
            break
    folder.with_suffix(".kills").write_text(str(kills))


def main(folder: Path, seed: int, times: int) -> None:
    """Play all stories, some at once, each in a process of its own."""
    read_scenario(documents_of("wavegear"))  # what is read and compiled here, no child does again
    assert survives(folder / "0", 0, "")
    for start in range(1, times + 1, AT_ONCE):
        children = []
        for number in range(start, min(start + AT_ONCE, times + 1)):
            child = os.fork()
            if child == 0:
                story(folder / str(number), random.Random(f"{seed}/{number}"))
                os._exit(0)
            children.append(child)
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        if any(codes):
            raise SystemExit(f"stories {start} and following ended with {codes}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
