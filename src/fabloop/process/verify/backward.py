"""Which markings of an explored graph cannot reach an end."""

from array import array
from collections.abc import Iterable, Sequence


def first_stuck(offsets: Sequence[int], targets: Sequence[int], ends: Iterable[int]) -> int | None:
    """Return the first state from which no state of `ends` can be reached.

    State n has its arcs at ``targets[offsets[n]:offsets[n + 1]]``.
    """
    states = len(offsets) - 1
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
    good = bytearray(states)
    todo = list(ends)
    for state in todo:
        good[state] = 1
    while todo:
        state = todo.pop()
        first = starts[state - 1] if state else 0
        for arc in range(first, starts[state]):
            source = sources[arc]
            if not good[source]:
                good[source] = 1
                todo.append(source)
    stuck = good.find(0)
    return None if stuck < 0 else stuck
