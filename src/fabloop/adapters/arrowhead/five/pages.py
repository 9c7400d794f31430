"""Parts of lists: which page, of which size, sorted by what."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from fabloop.adapters.arrowhead.five.reading import Reading
from fabloop.adapters.arrowhead.five.wire import Page

T = TypeVar("T")
SIZE_MAX = 1_000

Sorts = Mapping[str, Callable[[Any], Any]]
"""By what a list can be sorted."""

BY_NUMBER: Sorts = {
    "id": lambda each: each.number,
    "name": lambda each: each.key,
    "createdAt": lambda each: each.created_at,
}


def page_of(found: Sequence[T], page: Page | None, sorts: Sorts, reading: Reading) -> list[T]:
    """Return a page of a list, sorted as is asked, else by its first sort; without one, its start.

    What is wrong with the request for a page is noted in `reading`.
    """
    asked = page or Page()
    direction = (asked.direction or "ASC").strip().upper()
    field = (asked.sort_field or "").strip() or next(iter(sorts))
    size = SIZE_MAX if asked.size is None else asked.size
    if (asked.page is None) != (asked.size is None):
        reading.add("pagination", "both page and size, or none of them", "one of them")
    if asked.page is not None and asked.page < 0:
        reading.add("pagination.page", "a page from 0", str(asked.page))
    if not 0 < size <= SIZE_MAX:
        reading.add("pagination.size", f"a size from 1 to {SIZE_MAX}", str(size))
    if direction not in ("ASC", "DESC"):
        reading.add("pagination.direction", "ASC or DESC", repr(asked.direction))
    if field not in sorts:
        reading.add("pagination.sortField", f"one of {', '.join(sorts)}", repr(field))
    reading.check()
    ordered = sorted(found, key=sorts[field], reverse=direction == "DESC")
    start = (asked.page or 0) * size
    return ordered[start : start + size]
