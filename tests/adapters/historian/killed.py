"""A process that keeps readings until it is killed; it tells each number once it is durable."""

import sys
import time
from pathlib import Path

import numpy as np

from fabloop.adapters.historian import Historian, Options
from fabloop.base.errors import Unavailable
from fabloop.base.instant import MINUTE, SECOND, Instant
from fabloop.sense.readings.batch import batch_of
from fabloop.sense.readings.series import Series

BATCH = 500
SERIES = 20


class RealClock:
    """The clock of this machine."""

    def now(self) -> Instant:
        return Instant(time.time_ns())  # noqa: TID251


def batch_number(number: int, start: int):
    """The batch of a number: any process can tell what was in it."""
    place = number * BATCH + np.arange(BATCH)
    return batch_of(start + place * 1_000_000, place % SERIES, place / 8)


def main(folder: str, start: str, first: str) -> None:
    options = Options(commit_ns=SECOND // 50, segment_readings=20_000, upkeep_ns=SECOND // 10)
    historian = Historian(Path(folder), RealClock(), options)
    for number in range(SERIES):
        historian.catalogue.number(Series(source="k", address=f"{number}", name=f"{number}"))
    told, number = 0, int(first)
    kept: list[tuple[int, int]] = []
    while True:
        try:
            kept.append((historian.keep(batch_number(number, int(start))), number))
            number += 1
        except Unavailable:
            time.sleep(0.005)
        while kept and kept[0][0] <= historian.durable():
            told = kept.pop(0)[1]
            sys.stdout.write(f"{told}\n")
            sys.stdout.flush()
        if len(kept) > 50:
            historian.wait(kept[10][0], MINUTE / SECOND)


if __name__ == "__main__":
    main(*sys.argv[1:])
