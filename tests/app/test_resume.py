"""Killed at any moment and resumed, the story is the one it would have been."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.stories import facts
from fabloop.adapters.sqlite import SqliteJournal
from fabloop.app.demo import JOURNAL_FILE, resume
from fabloop.model.facts import JobBound, LotMade, OrderFinished

TESTS = Path(__file__).parents[1]
TIMES, SEED = 20, 20261123


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twenty killed and resumed stories, and story 0 that never was."""
    folder = tmp_path_factory.mktemp("killed")
    child = subprocess.run(
        [sys.executable, str(TESTS / "app" / "killed_story.py"), folder, str(SEED), str(TIMES)],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert child.returncode == 0, child.stderr[-3000:]
    return folder


def rows(folder):
    journal = SqliteJournal(folder / JOURNAL_FILE)
    found = list(journal.read())
    journal.close()
    return found


def test_every_story_that_was_killed_ends_with_the_same_journal(folder):
    undisturbed = rows(folder / "0")
    assert len(undisturbed) > 100
    for number in range(1, TIMES + 1):
        assert rows(folder / str(number)) == undisturbed, f"story {number}"


def test_most_stories_were_killed_and_some_of_them_again(folder):
    kills = [int((folder / f"{number}.kills").read_text()) for number in range(1, TIMES + 1)]
    assert sum(each > 0 for each in kills) >= TIMES // 2
    assert max(kills) > 1


def test_nothing_is_done_twice_and_every_lot_is_on_record(folder):
    number = next(
        each for each in range(1, TIMES + 1) if (folder / f"{each}.kills").read_text() != "0"
    )
    demo = resume(folder / str(number))
    demo.close()
    wanted = sorted(each.id for each in demo.order.product.operations)
    assert sorted(each.operation for each in demo.house.snapshot.records) == wanted
    assert sorted(each.record.operation for each in facts(demo, LotMade)) == wanted
    assert sorted(each.operation for each in facts(demo, JobBound) if each.main) == wanted
    assert len(facts(demo, OrderFinished)) == 1
