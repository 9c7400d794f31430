"""Killed at any moment, the kernel has lost nothing acknowledged and done nothing twice."""

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
SEED = 20261123


def killed(place: object, kills: int) -> str:
    """Return what a program has seen that kills its children at random moments."""
    paths = os.pathsep.join([str(TESTS.with_name("src")), str(TESTS)])
    program = [sys.executable, str(TESTS / "app" / "killed_kernel.py")]
    done = subprocess.run(
        [*program, str(place), str(SEED), str(kills)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_twenty_kills_over_an_sqlite_file_lose_and_repeat_nothing(tmp_path):
    assert "kills=20," in killed(tmp_path, 20)


def test_kills_over_postgresql_lose_and_repeat_nothing(postgres):
    assert "kills=5," in killed(postgres, 5)
