"""Bars that overlap in time, put below each other; and how wide a column of names is."""

from collections.abc import Iterable, Sequence

from fabloop.app.pictures.svg import text_width
from fabloop.base.instant import Instant


def lanes_of(spans: Sequence[tuple[Instant, Instant]]) -> tuple[int, ...]:
    """Return for each span the first lane in which nothing before it goes on; 0 is the first."""
    found = [0] * len(spans)
    free: list[Instant] = []
    for at in sorted(range(len(spans)), key=lambda each: (spans[each], each)):
        start, end = spans[at]
        lane = next((n for n, until in enumerate(free) if until <= start), len(free))
        free[lane : lane + 1] = [end]
        found[at] = lane
    return tuple(found)


def names_width(
    names: Iterable[str], least: float, most: float, *, spare: float = 24.0, size: float = 12
) -> float:
    """Return how wide a column is in which names stand whole, as far as it may grow."""
    widest = max((text_width(each, size) for each in names), default=0.0)
    return min(max(widest + spare, least), most)
