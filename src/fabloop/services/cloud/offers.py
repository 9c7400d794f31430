"""Where offers are found: by definition, by provider, and by each plain value of their metadata."""

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from fabloop.services.cloud.metadata import Hint
from fabloop.services.cloud.records import ServiceInstance

K = TypeVar("K", bound=Hashable)

VALUES_MAX = 64
"""Values of one offer that it is found by; the others are compared one by one."""
DEPTH_MAX = 8

Ids = dict[str, None]
Value = tuple[bool, str | int | float]
"""A plain value; the truth values are told from 0 and 1."""
Ranked = tuple[Any, int, str]
"""A number, the position of the offer that tells it, and its id."""
_WORTH = 4
"""How many times fewer they have to be for it to pay to put them in order."""


class OfferIndex:
    """Keeps ids of offers in the order of their registration."""

    def __init__(self) -> None:
        self._definitions: dict[str, Ids] = {}
        self._providers: dict[str, Ids] = {}
        self._values: dict[tuple[str, str, Value], Ids] = {}
        self._ranked: dict[tuple[str, str], list[Ranked]] = {}
        self._positions: dict[str, int] = {}
        self._next_position = 0
        self._partly: dict[str, int] = {}
        self._sequences: dict[str, tuple[str, ...]] = {}

    def add(self, offer: ServiceInstance) -> None:
        """Find an offer from now on."""
        self._definitions.setdefault(offer.definition, {})[offer.id] = None
        self._providers.setdefault(offer.provider, {})[offer.id] = None
        self._sequences.pop(offer.definition, None)
        position = self._positions[offer.id] = self._next_position
        self._next_position += 1
        values = list(islice(_plain_values(offer.metadata), VALUES_MAX + 1))
        for path, value in values[:VALUES_MAX]:
            self._values.setdefault((offer.definition, path, value), {})[offer.id] = None
            if _is_ranked(value):
                ranked = self._ranked.setdefault((offer.definition, path), [])
                insort(ranked, (value[1], position, offer.id))
        if len(values) > VALUES_MAX:
            self._partly[offer.definition] = self._partly.get(offer.definition, 0) + 1

    def remove(self, offer: ServiceInstance) -> None:
        """Find an offer no more."""
        _discard(self._definitions, offer.definition, offer.id)
        _discard(self._providers, offer.provider, offer.id)
        self._sequences.pop(offer.definition, None)
        position = self._positions.pop(offer.id)
        values = list(islice(_plain_values(offer.metadata), VALUES_MAX + 1))
        for path, value in values[:VALUES_MAX]:
            _discard(self._values, (offer.definition, path, value), offer.id)
            if _is_ranked(value):
                ranked = self._ranked[offer.definition, path]
                del ranked[bisect_left(ranked, (value[1], position))]
                if not ranked:
                    del self._ranked[offer.definition, path]
        if len(values) > VALUES_MAX:
            self._partly[offer.definition] -= 1

    def of_definition(self, definition: str) -> tuple[str, ...]:
        """Return the ids of a definition in order."""
        found = self._sequences.get(definition)
        if found is None:
            found = self._sequences[definition] = tuple(self._definitions.get(definition, ()))
        return found

    def of_provider(self, provider: str) -> tuple[str, ...]:
        """Return the ids of a provider in order."""
        return tuple(self._providers.get(provider, ()))

    def offered_by(self, definition: str, providers: Sequence[str]) -> Iterator[str]:
        """Yield the ids of a definition of some providers, in the order of the providers."""
        known = self._definitions.get(definition, {})
        for provider in providers:
            yield from (each for each in self._providers.get(provider, ()) if each in known)

    def likely(self, definition: str, wanted: Sequence[Hint]) -> tuple[str, ...]:
        """Return ids in order among which all are that meet one of the requirements.

        They are those with the rarest of the values, or within the narrowest of the limits; or all
        of the definition.
        """
        every = self.of_definition(definition)
        if not wanted or self._partly.get(definition):
            return every
        if len(wanted) == 1:
            found = self._narrowest(definition, wanted[0], len(every))
            return every if found is None else tuple(found)
        union: set[str] = set()
        for each in wanted:
            found = self._narrowest(definition, each, len(every))
            if found is None or len(union) + len(found) > len(every) // _WORTH:
                return every
            union.update(found)
        return tuple(sorted(union, key=self._positions.__getitem__))

    def _narrowest(self, definition: str, hint: Hint, count: int) -> Collection[str] | None:
        """Return the fewest ids in order that may meet a requirement; None: it tells nothing."""
        rarest: Ids | None = None
        for path, value in hint.values.items():
            if path.count(".") >= DEPTH_MAX:
                continue
            found = self._values.get((definition, path, _keyed(value)))
            if found is None:
                return ()
            if rarest is None or len(found) < len(rarest):
                rarest = found
        fewest = count if rarest is None else len(rarest)
        within: list[Ranked] | None = None
        for path, (low, high) in hint.limits.items():
            if path.count(".") >= DEPTH_MAX:
                continue
            ranked = self._ranked.get((definition, path), [])
            begin, end = bisect_left(ranked, (low,)), bisect_right(ranked, (high, math.inf))
            if (end - begin) * _WORTH <= fewest:
                within, fewest = ranked[begin:end], end - begin
        if within is None:
            return rarest
        return [id_ for _, _, id_ in sorted(within, key=_position)]


def _discard(index: dict[K, Ids], key: K, id_: str) -> None:
    ids = index.get(key)
    if ids is not None:
        ids.pop(id_, None)
        if not ids:
            del index[key]


def _is_ranked(value: Value) -> bool:
    """Tell whether a value has a rank: a number, but none that is no number."""
    is_truth, plain = value
    return not is_truth and not isinstance(plain, str) and plain == plain


def _position(ranked: Ranked) -> int:
    return ranked[1]


def _keyed(value: str | float) -> Value:
    return (isinstance(value, bool), value)


def _plain_values(metadata: Mapping[str, object], depth: int = 0) -> Iterator[tuple[str, Value]]:
    for key, value in metadata.items():
        if isinstance(value, str | int | float):
            yield key, _keyed(value)
        elif isinstance(value, Mapping) and depth < DEPTH_MAX:
            yield from ((f"{key}.{path}", found) for path, found in _plain_values(value, depth + 1))
