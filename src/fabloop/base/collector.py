"""The cycle collector of Python: kept from walking a large heap in which nothing is to be found."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG_OBJECTS_MAX = 50_000
"""New objects between two short collections, for a program that holds many and drops few."""


@contextmanager
def paused() -> Iterator[None]:
    """Make many objects that stay, without a collection in between."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def settle() -> None:
    """Leave what there is alone from now on, and collect what is new less often.

    To be called once, when a long-running program has started: full collections of a large state
    would hold up every answer for tens of milliseconds, again and again.
    """
    gc.collect()
    gc.freeze()
    _, middle, old = gc.get_threshold()
    gc.set_threshold(YOUNG_OBJECTS_MAX, middle, old)
