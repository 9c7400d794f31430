"""Looks after sealed files: hours that are over are joined and condensed, old ones are dropped."""

from collections.abc import Callable, Sequence

from fabloop.adapters.historian.condensing import (
    PARTS_PER_LEVEL,
    by_class,
    condensed,
    join,
    rolled_up,
    to_join,
    worth_a_rollup,
)
from fabloop.adapters.historian.layout import CHUNK_NS
from fabloop.adapters.historian.manifest import Part
from fabloop.adapters.historian.stock import Stock
from fabloop.adapters.historian.trend import Trend
from fabloop.base.instant import DAY, Instant


class Upkeep:
    """One round after the other, in the thread that seals.

    Attributes
    ----------
    hours : hours that are condensed to the trend, and the parts that they are made of
    """

    def __init__(self, stock: Stock) -> None:
        self._stock = stock
        self._trend = Trend(stock.folder, write=True)
        self._left_alone: set[str] = set()
        self.hours = self._trend.hours()

    def close(self) -> None:
        """Close the trend."""
        self._trend.close()

    def round(self, now: Instant, between: Callable[[], None], *, at_once: bool = False) -> None:
        """Do what is due; `at_once` does not wait for readings that may still come late.

        After each hour there is time for what cannot wait (`between`).

        Raises
        ------
        OSError
            The disk takes nothing; all stays as it is.
        """
        self._delete_replaced(now)
        for chunk in sorted(self._stock.holdings.seen().shelf.raw):
            try:
                self._look_after(chunk, now, at_once=at_once)
                self._expire(chunk, now)
            except FileNotFoundError as error:
                self._stock.files.lose(error, self._raw(chunk))
            between()
        self._drop_rollups(now)

    def _look_after(self, chunk: int, now: Instant, *, at_once: bool) -> None:
        """Join and condense an hour, if it is over."""
        wait = 0 if at_once else self._stock.options.grace_ns
        is_over = (chunk + 1) * CHUNK_NS + wait <= now
        for parts in by_class(self._raw(chunk)).values():
            rest = now - max(part.sealed_at for part in parts) >= wait
            if is_over and len(parts) > 1 and (rest or len(parts) >= PARTS_PER_LEVEL):
                self._join(parts, now)
            elif not is_over:
                self._join(to_join(parts), now)
        if not is_over or any(len(each) > 1 for each in by_class(self._raw(chunk)).values()):
            return
        for parts in by_class(self._raw(chunk)).values():
            if worth_a_rollup(parts, len(self._stock.catalogue)):
                self._roll_up(chunk, parts, now)
        live = self._raw(chunk)
        numbers = frozenset(part.number for part in live)
        if not numbers <= self.hours.get(chunk, frozenset()):
            self._trend.put(
                chunk, numbers, condensed(self._stock.files, live, self._stock.catalogue)
            )
            self.hours = self.hours | {chunk: numbers}

    def _join(self, parts: Sequence[Part], now: Instant) -> None:
        """Put one part in the place of several; where one is damaged, all stay as they are."""
        if not parts or any(part.path in self._left_alone for part in parts):
            return
        done = join(
            self._stock.folder, self._stock.files, parts, self._stock.manifest.next_part(), now
        )
        damaged = {path for path, _ in self._stock.files.damages}
        if any(part.path in damaged for part in parts):
            self._left_alone |= damaged
            (self._stock.folder / done.part.path).unlink(missing_ok=True)
            return
        self._stock.replace(list(parts), (done.part,), done.restated)

    def _roll_up(self, chunk: int, parts: Sequence[Part], now: Instant) -> None:
        """Condense an hour to minutes, unless a rollup of the same readings is there."""
        name = parts[0].class_
        numbers = {part.number for part in parts}
        rollups = self._stock.holdings.seen().shelf.rollups.get(chunk, ())
        old = [part for part in rollups if part.class_ == name]
        if any(numbers <= set(part.made_of) for part in old):
            return
        number = self._stock.manifest.next_part()
        new = rolled_up(
            self._stock.folder, self._stock.files, parts, number, self._stock.catalogue, now
        )
        self._stock.replace(old, (new,))

    def _expire(self, chunk: int, now: Instant) -> None:
        """Drop readings that are older than their class keeps them; minutes stay in their place."""
        for name, parts in by_class(self._raw(chunk)).items():
            kept = self._stock.classes.rule(name).raw_ns
            if kept is None or (chunk + 1) * CHUNK_NS >= now - kept:
                continue
            self._roll_up(chunk, parts, now)
            self._stock.replace(parts, ())

    def _drop_rollups(self, now: Instant) -> None:
        rollups = self._stock.holdings.seen().shelf.rollups
        for chunk, parts in rollups.items():
            old = [part for part in parts if self._rollup_is_old(part.class_, chunk, now)]
            if old:
                self._stock.replace(old, ())
        oldest = min(self.hours, default=0)
        spans = [rule.rollup_ns for rule in self._stock.classes.rules]
        longest = None if None in spans else max(span for span in spans if span is not None)
        if longest is not None and (oldest + 1) * CHUNK_NS + DAY < now - longest:
            first = (now - longest) // CHUNK_NS
            self._trend.drop(first)
            self.hours = {chunk: made for chunk, made in self.hours.items() if chunk >= first}

    def _rollup_is_old(self, name: str, chunk: int, now: Instant) -> bool:
        kept = self._stock.classes.rule(name).rollup_ns
        return kept is not None and (chunk + 1) * CHUNK_NS < now - kept

    def _raw(self, chunk: int) -> tuple[Part, ...]:
        return self._stock.holdings.seen().shelf.raw_in(chunk)

    def _delete_replaced(self, now: Instant) -> None:
        """Delete files that were replaced long enough ago for every reader to have let go."""
        old = self._stock.manifest.replaced(Instant(now - self._stock.options.rest_ns))
        for part in old:
            self._stock.files.forget(part.path)
            (self._stock.folder / part.path).unlink(missing_ok=True)
        if old:
            self._stock.manifest.forget(old)
