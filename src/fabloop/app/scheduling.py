"""Solves a scheduling problem within so many CPU seconds of this process."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from fabloop.plan.shop.answer import Answer, Effort, Halt, Progress
from fabloop.plan.shop.model import Objective, Shop
from fabloop.plan.shop.solve import solve

MOVES_PER_SECOND = 500_000
"""What the improvement of a schedule looks at in a CPU second, roughly."""
IMPROVED_SHARE = 0.4
"""The share of the time after which improving gives way to the search that can prove."""
LOOK_EVERY_S = 0.02


class Timed(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, and the CPU seconds of all threads that it took."""

    answer: Answer
    cpu_s: float


def solve_within(
    shop: Shop,
    cpu_s: float,
    objectives: tuple[Objective, ...] = (Objective.MAKESPAN,),
    *,
    workers: int = 2,
    told: Callable[[Progress], None] = lambda _: None,
) -> Timed:
    """Return the best schedule found within a time.

    It is CPU time of the process, so that a busy machine does not change what is found; what
    other threads do counts as well.
    """
    halt, begun = Halt(), time.process_time()
    moves = int(cpu_s * IMPROVED_SHARE * MOVES_PER_SECOND)
    effort = Effort(seconds=None, moves=moves, workers=workers)
    with _watched(halt, begun, cpu_s):
        answer = solve(shop, objectives, effort=effort, halt=halt, told=told)
    return Timed(answer=answer, cpu_s=time.process_time() - begun)


@contextmanager
def _watched(halt: Halt, begun: float, cpu_s: float) -> Iterator[None]:
    """Ask for a halt when the time is spent, until the block ends."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_EVERY_S):
            spent = time.process_time() - begun
            if spent >= cpu_s:
                halt.ask()
            elif spent >= cpu_s * IMPROVED_SHARE:
                halt.hurry()

    watcher = threading.Thread(target=watch, name="cpu-watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
