"""Prints how long ``fabloop --help`` takes, and what of it are imports.

Run: ``python bench/start.py``.
"""

import os
import resource
import statistics
import subprocess
import sys
import time

ROUNDS = 7
HELP = "import sys; from fabloop.cli import main; sys.argv = ['fabloop', '--help']; main()"
CASES = {
    "python -c pass": "pass",
    "import fabloop": "import fabloop",
    "import fabloop.cli": "import fabloop.cli",
    "import fabloop.app.demo": "import fabloop.app.demo",
    "fabloop --help": HELP,
}


def spent(source: str) -> tuple[float, float]:
    """Run source in a fresh interpreter; return its wall and CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", source], check=True, capture_output=True, env={**os.environ}
    )
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu


def main() -> None:
    """Print the median of each case."""
    for name, source in CASES.items():
        walls, cpus = zip(*(spent(source) for _ in range(ROUNDS)), strict=True)
        wall, cpu = statistics.median(walls), statistics.median(cpus)
        print(f"{name:<24} {wall * 1e3:6.0f} ms wall {cpu * 1e3:6.0f} ms CPU (median of {ROUNDS})")


if __name__ == "__main__":
    main()
