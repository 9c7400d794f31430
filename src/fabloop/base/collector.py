"""How Python spends its time on itself: its cycle collector, and its turns between threads."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG_OBJECTS_MAX = 50_000
"""New objects between two short collections, for a program that holds many and drops few."""


TURN_S = 0.0005
"""How long a thread may compute while another waits for its turn."""


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
    """Leave what there is alone from now on, collect what is new less often, take turns sooner.

    To be called once, when a program that serves many has started. Full collections of a large
    state would hold up every answer for tens of milliseconds, again and again; and the thread that
    writes to the disk has little to do, ten times for each commit, but everybody waits for it.
    """
    gc.collect()
    gc.freeze()
    _, middle, old = gc.get_threshold()
    gc.set_threshold(YOUNG_OBJECTS_MAX, middle, old)
    sys.setswitchinterval(TURN_S)
