"""A segment of the hot log becomes parts: one Parquet file for each hour and retention class."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fabloop.adapters.historian.layout import CHUNK_NS, RAW, STANDARD, Retention, part_name
from fabloop.adapters.historian.manifest import Part
from fabloop.adapters.historian.parquet import unit_of, write_raw
from fabloop.adapters.historian.tally import REFUSED
from fabloop.base.instant import Instant
from fabloop.sense.readings.batch import Batch, joined
from fabloop.sense.readings.series import Catalogue, Series
from fabloop.sense.readings.settle import settled

OLDER_THAN_KEPT = f"{REFUSED}older-than-kept"


class Classes:
    """Which retention class each series belongs to: the first whose patterns fit."""

    def __init__(self, rules: tuple[Retention, ...], catalogue: Catalogue) -> None:
        self.rules = rules if rules[-1].name == STANDARD.name else (*rules, STANDARD)
        self._catalogue = catalogue
        self._place = np.zeros(0, np.int16)
        self._revision = -1

    def places(self) -> NDArray[np.int16]:
        """Return the place of the class of each series among the rules."""
        if self._revision != self._catalogue.revision:
            revision = self._catalogue.revision
            found = [self._place_of(each) for each in list(self._catalogue)]
            self._place, self._revision = np.array(found, np.int16), revision
        return self._place

    def rule(self, name: str) -> Retention:
        """Return the rule of a class; one that is no rule any more is kept as the last one is."""
        return next((each for each in self.rules if each.name == name), self.rules[-1])

    def _place_of(self, series: Series) -> int:
        fits = (
            fnmatchcase(series.source, rule.source) and fnmatchcase(series.name, rule.series)
            for rule in self.rules
        )
        return next((place for place, fit in enumerate(fits) if fit), len(self.rules) - 1)


def cut(batch: Batch, classes: Classes) -> Iterator[tuple[Retention, int, Batch]]:
    """Yield the readings of each class and hour."""
    place = classes.places()[batch.series]
    for number in np.unique(place):
        mine = batch if bool((place == number).all()) else batch.where(place == number)
        chunk = mine.times // CHUNK_NS
        first, last = int(chunk.min()), int(chunk.max())
        if first == last:
            yield classes.rules[number], first, mine
            continue
        for each in np.unique(chunk):
            yield classes.rules[number], int(each), mine.where(chunk == each)


def seal(
    folder: Path, batches: list[Batch], classes: Classes, first_part: int, now: Instant
) -> tuple[list[Part], dict[str, int]]:
    """Write readings, in the order of their arrival, to parts; return these and what was counted.

    What is older than its class keeps readings is left out, and counted.
    """
    counts = {"sealed": 0, "restated": 0, OLDER_THAN_KEPT: 0}
    parts: list[Part] = []
    everything = joined(batches)
    if not len(everything):
        return parts, counts
    for rule, chunk, batch in cut(everything, classes):
        if rule.raw_ns is not None and (chunk + 1) * CHUNK_NS < now - rule.raw_ns:
            counts[OLDER_THAN_KEPT] += len(batch)
            continue
        done = settled(batch)
        counts["restated"] += done.restated
        counts["sealed"] += len(done.batch)
        number = first_part + len(parts)
        path = part_name(RAW, rule.name, chunk, number)
        unit = unit_of(done.batch.times)
        written = write_raw(folder / path, [done.batch], unit)
        parts.append(
            Part(
                number=number,
                rank=number,
                kind=RAW,
                class_=rule.name,
                chunk=chunk,
                path=path,
                unit=unit,
                readings=written.readings,
                bytes=written.bytes,
                first_time=written.first_time,
                last_time=written.last_time,
                sealed_at=now,
            )
        )
    return parts, counts
