"""Which markings of an explored graph cannot reach an end."""

from array import array
from collections.abc import Iterable, Sequence


def first_stuck(offsets: Sequence[int], targets: Sequence[int], ends: Iterable[int]) -> int | None:
    """Return the first state from which no state of `ends` can be reached.

    State n has its arcs at ``targets[offsets[n]:offsets[n + 1]]``.
    """
    good = bytearray(len(offsets) - 1)
    for state in ends:
        good[state] = 1
    _settle(offsets, targets, good)
    if 0 in good:
        _search(offsets, targets, good)
    stuck = good.find(0)
    return None if stuck < 0 else stuck


def _settle(offsets: Sequence[int], targets: Sequence[int], good: bytearray) -> None:
    """Mark states with an arc to a good one, the last found first: few are left after that."""
    above = offsets[-1]
    for state in range(len(good) - 1, -1, -1):
        below = offsets[state]
        if not good[state]:
            for target in targets[below:above]:
                if good[target]:
                    good[state] = 1
                    break
        above = below


def _search(offsets: Sequence[int], targets: Sequence[int], good: bytearray) -> None:
    """Mark every state from which a good one can be reached, over the arcs turned round."""
    states = len(good)
    starts = array("I", bytes(4 * (states + 1)))
    for target in targets:
        starts[target] += 1
    total = 0
    for state in range(states + 1):
        total, starts[state] = total + starts[state], total
    sources = array("I", bytes(4 * len(targets)))
    for source in range(states):
        for arc in range(offsets[source], offsets[source + 1]):
            target = targets[arc]
            sources[starts[target]] = source
            starts[target] += 1
    todo = [state for state in range(states) if good[state]]
    while todo:
        state = todo.pop()
        first = starts[state - 1] if state else 0
        for arc in range(first, starts[state]):
            source = sources[arc]
            if not good[source]:
                good[source] = 1
                todo.append(source)
