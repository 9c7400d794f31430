"""How long it takes from a deviation to a proposal that is ready, in both stories.

Run ``python bench/deviation.py [SECONDS]``. The wave gear: from the test that shows a worn machine
to another plan with its process, verified, compared and durable. The bakery: from the answer that
tells of burnt muffins, or of an oven that stands too long, over the data space, the services found
by what is wanted and the chains composed, to ways out that are planned, woven in, verified, priced
and durable; its services are HTTP servers in processes of their own. Weeks of further seeds are
played until the seconds (90) are over; seconds are told by the clock on the wall.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

SECONDS = 90.0
WAVEGEAR_SHARE = 0.25
AIM_S = 2.0
ROW = "{:<34} {:>9} {:>10} {:>10} {:>10} {:>6}"


def of_wavegear(seed: int) -> list[float]:
    """Return the seconds from each fact that led to a proposal to its being durable."""
    from fabloop.app.demo import Settings, begin, documents_of
    from fabloop.model.facts import AdaptationProposed

    found = []
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(story="wavegear", seed=seed, documents=str(documents_of("wavegear")))
        demo = begin(Path(folder) / "data", settings)
        heard = demo.house.hears

        def timed(fact: object, at: int, actor: str = "") -> tuple[object, ...]:
            begun = time.perf_counter()
            facts = heard(fact, at, actor)
            if any(isinstance(each, AdaptationProposed) for each in facts):
                found.append(time.perf_counter() - begun)
            return facts

        demo.house.hears = timed  # the story's driver calls it by this name
        demo.play(lambda state: state.offered.plans[0], lambda _proposal: True)
        demo.close()
    return found


def of_muffin(seed: int) -> list[float]:
    """Return the seconds from each deviation of a week to its proposal.

    What is imported above would be imported by each process of a service once more.
    """
    from fabloop.app.muffin.documents import FOLDER
    from fabloop.app.muffin.play import MuffinSettings, begin_week

    settings = MuffinSettings(story="muffin", seed=seed, documents=str(FOLDER), scenario="burnt")
    with tempfile.TemporaryDirectory() as folder:
        week = begin_week(Path(folder) / "data", settings)
        try:
            week.play()
            return [each / 1e3 for each in week.mender.took_ms.values()]
        finally:
            week.close()


def gathered(play: Callable[[int], list[float]], seconds: float) -> list[float]:
    """Play one seed after the other until the time is over, at least one."""
    until, found, seed = time.monotonic() + seconds, [], 0
    while not found or time.monotonic() < until:
        seed += 1
        found += play(seed)
    return found


def told(name: str, found: list[float]) -> None:
    """Print a line of the table."""
    p95 = statistics.quantiles(found, n=20, method="inclusive")[18] if len(found) > 1 else found[0]
    print(ROW.format(
        name, len(found), f"{statistics.median(found):.3f} s", f"{p95:.3f} s",
        f"{max(found):.3f} s", "met" if p95 < AIM_S else "missed",
    ))  # fmt: skip


def main() -> None:
    """Print the table."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    print(ROW.format("deviation to proposal", "proposals", "median", "p95", "longest", "<2 s"))
    told("wave gear", gathered(of_wavegear, seconds * WAVEGEAR_SHARE))
    told("bakery", gathered(of_muffin, seconds * (1 - WAVEGEAR_SHARE)))


if __name__ == "__main__":
    main()
