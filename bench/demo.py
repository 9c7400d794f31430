"""Prints what playing the wave-gear story costs, and what it writes.

Run: ``python bench/demo.py``. Set-up (imports, reading the documents) and pictures are left out.
"""

import statistics
import tempfile
import time
from pathlib import Path

from fabloop.adapters.sqlite import SqliteJournal
from fabloop.app.demo import JOURNAL_FILE, Demo, Settings, begin, documents_of
from fabloop.app.snapshot import OrderState
from fabloop.model.facts import AdaptationProposed
from fabloop.model.plan import Plan

ROUNDS = 5


def first_plan(state: OrderState) -> Plan:
    """Take the plan that the planner ranks first."""
    assert state.offered is not None
    return state.offered.plans[0]


def agree(proposal: AdaptationProposed) -> bool:
    """Approve whatever is proposed."""
    return bool(proposal.plan.steps)


def story(folder: Path, seed: int) -> Demo:
    """Open a new story."""
    documents = str(documents_of("wavegear"))
    return begin(folder, Settings(story="wavegear", seed=seed, documents=documents))


def played(folder: Path, seed: int) -> tuple[float, float, int]:
    """Play a story; return wall and CPU seconds, and the number of facts."""
    demo = story(folder, seed)
    wall, cpu = time.perf_counter(), time.process_time()
    demo.play(first_plan, agree)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    demo.close()
    return wall, cpu, len(demo.house.history)


def written(folder: Path) -> tuple[int, int, int]:
    """Return rows of the journal, bytes of their bodies and bytes of the file."""
    file = folder / JOURNAL_FILE
    journal = SqliteJournal(file)
    bodies = [len(row.body) for _, row in journal.read()]
    journal.close()
    return len(bodies), sum(bodies), file.stat().st_size


def main() -> None:
    """Play the story several times and print medians."""
    with tempfile.TemporaryDirectory() as place:
        folders = [Path(place) / str(number) for number in range(ROUNDS)]
        results = [played(folder, seed=1) for folder in folders]
        rows, bodies, size = written(folders[0])
    walls, cpus, facts = zip(*results, strict=True)
    print(f"demo, first round:  {walls[0]:.2f} s wall, {cpus[0]:.2f} s CPU")
    print(
        f"demo, median of {ROUNDS}:  {statistics.median(walls):.2f} s wall, "
        f"{statistics.median(cpus):.2f} s CPU"
    )
    print(f"facts: {facts[0]}; journal: {rows} rows, {bodies} B in bodies, {size} B file")


if __name__ == "__main__":
    main()
