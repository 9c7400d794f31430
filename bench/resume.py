"""Kills the wave-gear story at 20 random points, resumes it, and prints how long opening took.

Run: ``python bench/resume.py``. Each story must end with the journal of one that was never killed.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fabloop.adapters.sqlite import SqliteJournal
from fabloop.app.demo import JOURNAL_FILE, resume

TESTS = Path(__file__).parents[1] / "tests"
TIMES, SEED = 20, 1


def rows(folder: Path) -> list[object]:
    """Return all rows of a story's journal."""
    journal = SqliteJournal(folder / JOURNAL_FILE)
    found: list[object] = list(journal.read())
    journal.close()
    return found


def main() -> None:
    """Kill, resume, compare, and print times."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        subprocess.run(
            [sys.executable, str(TESTS / "app/killed_story.py"), place, str(SEED), str(TIMES)],
            env={**os.environ, "PYTHONPATH": str(TESTS)},
            check=True,
        )
        numbers = range(1, TIMES + 1)
        kills = [int((folder / f"{each}.kills").read_text()) for each in numbers]
        files = (folder / f"{each}.seconds" for each in numbers)
        seconds = [float(file.read_text()) for file in files if file.is_file()]
        undisturbed = rows(folder / "0")
        same = sum(rows(folder / str(each)) == undisturbed for each in numbers)
        begun = time.perf_counter()
        resume(folder / "0").close()
        whole = time.perf_counter() - begun
    print(f"{TIMES} stories, {sum(kills)} kills: {same} of {TIMES} end with the same journal")
    print(
        f"resume at a random point: median {statistics.median(seconds):.2f} s, "
        f"worst {max(seconds):.2f} s wall (documents read again; two stories at once)"
    )
    print(f"open the finished story of {len(undisturbed)} rows: {whole:.2f} s wall")


if __name__ == "__main__":
    main()
