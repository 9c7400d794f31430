"""Prints how often the bound of the total position error holds on machines unlike its model.

Run: ``python bench/tpe.py [machines per kind] [first seed]``.
"""

import sys
import time

import numpy as np

from fabloop.base.instant import Instant
from fabloop.sense.position_error import TermName
from fabloop.sense.program import daily_program
from fabloop.sim.axis.validation import KINDS, Judged, Kind, judged

AT = Instant(1_780_000_000_000_000_000)
PROGRAM = daily_program()
TOGETHER = 4
"""Machines that are simulated side by side."""


def _row(name: str, axes: list[Judged], rejected: int) -> None:
    held = [each.held for each in axes]
    whole = [each.excess >= 1.0 for each in axes]
    excess = [each.excess for each in axes]
    print(
        f"  {name:38}{100 * np.mean(held):8.1f} %{100 * np.mean(whole):8.1f} %"
        f"{np.median(excess):8.2f} x{min(excess):8.2f}{max(excess):8.2f}{len(axes):6}{rejected:6}"
    )


def _reversal(axes: list[Judged]) -> float:
    """Return the mean part of the bound that is reverse play, in micrometres."""
    terms = [
        term.value_m
        for each in axes
        for axis in each.stated.axes
        if axis.axis == each.axis
        for term in axis.terms
        if term.name is TermName.REVERSAL
    ]
    return 1e6 * float(np.mean(terms))


def _of_kind(kind: Kind, machines: int, first: int) -> tuple[list[Judged], int]:
    axes: list[Judged] = []
    for start in range(first, first + machines, TOGETHER):
        seeds = range(start, min(start + TOGETHER, first + machines))
        axes += judged(kind, seeds, PROGRAM, AT)
    return axes, machines - len(axes) // 2


def main(machines: int, first: int) -> None:
    """Print one row per kind of machine and one for the whole mix."""
    began = time.process_time()
    print("held: approaches within the bound; whole: axes whose true 95 % error is within it;")
    print("over: bound / true 95 % error, median, least and most; none: tests rejected")
    heads = f"{'held':>10}{'whole':>10}{'over':>10}{'least':>8}{'most':>8}{'axes':>6}{'none':>6}"
    print(f"{'':40}{heads}")
    everything: list[Judged] = []
    refused = 0
    for number, kind in enumerate(KINDS):
        axes, rejected = _of_kind(kind, machines, first + 1_000 * number)
        _row(kind.name, axes, rejected)
        everything += axes
        refused += rejected
    _row("the whole mix", everything, refused)
    print(f"  reverse play left over: {_reversal(everything):.2f} µm on average")
    print(f"  CPU {time.process_time() - began:.0f} s")


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    main(count, int(sys.argv[2]) if len(sys.argv) > 2 else 0)
