"""Numbers by chance from a seed, the same everywhere."""

from collections.abc import Callable

_MASK = 2**64 - 1


def chance(seed: int) -> Callable[[int], int]:
    """Return a generator of numbers below its argument (splitmix64); equal seeds, equal numbers.

    Notes
    -----
    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    state = seed & _MASK

    def below(limit: int) -> int:
        nonlocal state
        state = (state + 0x9E3779B97F4A7C15) & _MASK
        mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return ((mixed ^ (mixed >> 31)) * limit) >> 64

    return below
