"""Where offers are found: by definition, by provider, and by each plain value of their metadata."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from fabloop.services.cloud.records import ServiceInstance

K = TypeVar("K", bound=Hashable)

VALUES_MAX = 64
"""Values of one offer that it is found by; the others are compared one by one."""
DEPTH_MAX = 8

Ids = dict[str, None]
Value = tuple[bool, str | int | float]
"""A plain value; the truth values are told from 0 and 1."""


class OfferIndex:
    """Keeps ids of offers in the order of their registration."""

    def __init__(self) -> None:
        self._definitions: dict[str, Ids] = {}
        self._providers: dict[str, Ids] = {}
        self._values: dict[tuple[str, str, Value], Ids] = {}
        self._partly: dict[str, int] = {}
        self._sequences: dict[str, tuple[str, ...]] = {}

    def add(self, offer: ServiceInstance) -> None:
        """Find an offer from now on."""
        self._definitions.setdefault(offer.definition, {})[offer.id] = None
        self._providers.setdefault(offer.provider, {})[offer.id] = None
        self._sequences.pop(offer.definition, None)
        values = list(islice(_plain_values(offer.metadata), VALUES_MAX + 1))
        for path, value in values[:VALUES_MAX]:
            self._values.setdefault((offer.definition, path, value), {})[offer.id] = None
        if len(values) > VALUES_MAX:
            self._partly[offer.definition] = self._partly.get(offer.definition, 0) + 1

    def remove(self, offer: ServiceInstance) -> None:
        """Find an offer no more."""
        _discard(self._definitions, offer.definition, offer.id)
        _discard(self._providers, offer.provider, offer.id)
        self._sequences.pop(offer.definition, None)
        values = list(islice(_plain_values(offer.metadata), VALUES_MAX + 1))
        for path, value in values[:VALUES_MAX]:
            _discard(self._values, (offer.definition, path, value), offer.id)
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

    def likely(self, definition: str, values: Mapping[str, object]) -> tuple[str, ...]:
        """Return ids among which all are that have these values at these paths.

        They are those with the rarest of the values, or all of the definition.
        """
        if self._partly.get(definition):
            return self.of_definition(definition)
        rarest: Ids | None = None
        for path, value in values.items():
            assert isinstance(value, str | int | float), "only plain values are asked for"
            if path.count(".") >= DEPTH_MAX:
                continue
            found = self._values.get((definition, path, _keyed(value)))
            if found is None:
                return ()
            if rarest is None or len(found) < len(rarest):
                rarest = found
        return self.of_definition(definition) if rarest is None else tuple(rarest)


def _discard(index: dict[K, Ids], key: K, id_: str) -> None:
    ids = index.get(key)
    if ids is not None:
        ids.pop(id_, None)
        if not ids:
            del index[key]


def _keyed(value: str | float) -> Value:
    return (isinstance(value, bool), value)


def _plain_values(metadata: Mapping[str, object], depth: int = 0) -> Iterator[tuple[str, Value]]:
    for key, value in metadata.items():
        if isinstance(value, str | int | float):
            yield key, _keyed(value)
        elif isinstance(value, Mapping) and depth < DEPTH_MAX:
            yield from ((f"{key}.{path}", found) for path, found in _plain_values(value, depth + 1))
