"""Ways from one table to another over links, the most certain first."""

import heapq
from collections.abc import Iterable

import msgspec

from fabloop.dataspace.schema import Link, LinkKind, Place, Schema

HOPS_MAX = 3
HOP = 0.93
"""What each join costs of the confidence."""
TO_MANY = 0.9
"""What a join costs besides that gives several rows for one."""
OUTWARDS = 0.85
"""What it costs to say of a nested row what is said of the row that it stands in."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A join from a column of a table that one has to one of a table that one gets."""

    here: Place
    there: Place
    kind: LinkKind
    confidence: float
    overlap: float = 1.0
    folded: bool = False
    to_many: bool = False


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """Joins one after the other; none where both ends are one table."""

    steps: tuple[Step, ...] = ()
    confidence: float = 1.0


class Ways:
    """The best way between any two tables of a schema, found when it is asked for."""

    def __init__(self, schema: Schema, refused: Iterable[frozenset[Place]] = ()) -> None:
        self._from: dict[str, list[Step]] = {}
        self._known: dict[str, dict[str, Way]] = {}
        for link in schema.links:
            if frozenset((link.many, link.one)) in refused:
                continue
            self._add(_step(link, link.many, link.one, to_many=False))
            self._add(_step(link, link.one, link.many, to_many=True))

    def _add(self, step: Step) -> None:
        self._from.setdefault(step.here.table, []).append(step)

    def between(self, start: str, end: str) -> Way | None:
        """Return the most certain way, None where there is none of at most `HOPS_MAX` joins."""
        return self.reach(start).get(end)

    def reach(self, start: str) -> dict[str, Way]:
        """Return all tables that can be reached, each with the most certain way to it."""
        if start not in self._known:
            self._known[start] = self._search(start)
        return self._known[start]

    def _search(self, start: str) -> dict[str, Way]:
        best: dict[str, Way] = {}
        heap: list[tuple[float, int, str, Way]] = [(-1.0, 0, start, Way())]
        number = 0
        while heap:
            _, _, table, way = heapq.heappop(heap)
            if table in best:
                continue
            best[table] = way
            if len(way.steps) == HOPS_MAX:
                continue
            for step in self._from.get(table, ()):
                if step.there.table not in best:
                    number += 1
                    on = _extended(way, step)
                    heapq.heappush(heap, (-on.confidence, number, step.there.table, on))
        return best


def _extended(way: Way, step: Step) -> Way:
    if step.kind is LinkKind.NESTED:
        factor = 1.0 if step.to_many else OUTWARDS
    else:
        factor = HOP * (TO_MANY if step.to_many else 1.0)
    return Way(steps=(*way.steps, step), confidence=way.confidence * step.confidence * factor)


def _step(link: Link, here: Place, there: Place, *, to_many: bool) -> Step:
    return Step(
        here=here,
        there=there,
        kind=link.kind,
        confidence=link.confidence,
        overlap=link.overlap,
        folded=link.folded,
        to_many=to_many,
    )
