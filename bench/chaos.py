"""The bakery under chaos: services die, lie and dawdle, guards open, fabloop is killed by force.

Run ``python bench/chaos.py [--seeds 100] [--first 1] [--minutes 3] [--more 2]``. A seed is a run in
real OS processes: fabloop, its services over HTTP, a safety controller over Modbus. It is struck a
dozen times, and then a judge reads the logs of all: orders that ended neither delivered nor
refused, commands that left while a permissive was false or stale, facts that were promised and are
lost, work that was done twice. Seeds that there is no time for are told.
"""

import argparse
import collections
import statistics
import sys
import tempfile
import time
from pathlib import Path

from fabloop.app.chaos.harness import Ran, run


def main() -> int:
    """Run seed after seed; print what was done to them and what broke."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seeds", type=int, default=100)
    asked.add_argument("--first", type=int, default=1)
    asked.add_argument("--minutes", type=float, default=3.0, help="begin no seed after this")
    asked.add_argument("--more", type=int, default=2, help="orders besides the two of the story")
    given = asked.parse_args()
    until, ran = time.monotonic() + given.minutes * 60, list[Ran]()
    for seed in range(given.first, given.first + given.seeds):
        if time.monotonic() > until:
            print(f"{given.seeds - len(ran)} of {given.seeds} seeds were not begun in time")
            break
        with tempfile.TemporaryDirectory(prefix="fabloop-chaos-") as folder:
            ran.append(run(seed, Path(folder), orders_per_day=(given.more,)))
        for breach in ran[-1].breaches:
            print(f"seed {seed}: {breach}", flush=True)
        print(f"{len(ran)} of {given.seeds} seeds are over", file=sys.stderr)
    told(ran)
    return 1 if any(each.breaches for each in ran) else 0


def told(ran: list[Ran]) -> None:
    """Print the sums."""
    if not ran:
        return
    struck = collections.Counter[str]()
    for each in ran:
        struck.update(each.struck)
    walls = sorted(each.wall_s for each in ran)
    print(f"seeds      {len(ran)}, with a breach {sum(bool(each.breaches) for each in ran)}")
    print(f"orders     {sum(each.orders for each in ran)}")
    withheld = sum(each.withheld for each in ran)
    print(f"commands   {sum(each.commands for each in ran)}, withheld {withheld}")
    print(f"facts      {sum(each.facts for each in ran)}")
    print(f"struck     {', '.join(f'{name} {count}' for name, count in sorted(struck.items()))}")
    print(f"wall       median {statistics.median(walls):.1f} s a seed, longest {walls[-1]:.1f} s")


if __name__ == "__main__":
    sys.exit(main())
