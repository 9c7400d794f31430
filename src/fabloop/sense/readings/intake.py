"""The intake: decoded payloads to readings in SI of numbered series; what is refused is counted.

All adapters whose payloads name their series share it. It computes and never waits.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from fabloop.base.instant import SECOND, Instant
from fabloop.sense.readings.batch import Batch, SeriesNumbers, Times
from fabloop.sense.readings.chronology import Chronology, back_sentence, late_sentence
from fabloop.sense.readings.conditioning import Conditioning, state_number
from fabloop.sense.readings.payloads.binary import KNOWN_NAMES_MAX
from fabloop.sense.readings.payloads.decoded import ARRIVAL, Decoded, Refusal, not_a_number
from fabloop.sense.readings.payloads.names import IndexedNames
from fabloop.sense.readings.quality import LAST_USABLE, UNCERTAIN, Qualities, is_bad, is_good
from fabloop.sense.readings.series import Catalogue, Series
from fabloop.sense.readings.tally import Tally

SERIES_MAX = 100_000
"""Series of one source; a sender that names ever new ones does not fill our memory."""
AHEAD_MAX_S = 60.0
"""How far the clock of a sender may be ahead of ours before its times are not believed."""

TOO_MANY_SERIES = "too-many-series"
UNIT_CHANGED = "unit-changed"
CLOCK_AHEAD = "clock-ahead"
CLOCK_BACK = "clock-back"
BEHIND = "behind"
RETAINED = "retained"

REPEATING_FROM = 16
"""Names in a payload from which on they are taken to come again in the same order."""
REFUSED = -1
"""Stands for the number of a series that was not entered."""

Describe = Callable[[str, str], Series]
"""From a name and the unit that the source told ("": none) to the series.

Raises `ValueError` for a unit that nobody knows.
"""


class Channel(dict[str, int]):
    """Numbers of series by the name in a payload; "" where the channel has only one.

    ``channel[name]`` enters the series when it is first asked for; `REFUSED`: there are too many.
    """

    def __init__(self, describe: Describe, enter: Callable[[Series], int]) -> None:
        super().__init__()
        self._tables: dict[tuple[str, ...], SeriesNumbers] = {}
        self.describe = describe
        self._enter = enter

    def __missing__(self, name: str) -> int:
        number = self._enter(self.describe(name, ""))
        if number != REFUSED:  # names without end do not fill our memory
            self[name] = number
        return number

    def __setitem__(self, name: str, number: int) -> None:
        """Note the number of a series, which may be another than before."""
        super().__setitem__(name, number)
        self._tables.clear()

    def numbers(self, names: Sequence[str]) -> SeriesNumbers:
        """Return the number of the series of each reading."""
        if isinstance(names, IndexedNames):
            return self._table(names.distinct)[names.positions]
        if len(names) >= REPEATING_FROM:
            return self._table(tuple(names))
        return np.fromiter(map(self.__getitem__, names), np.int32, len(names))

    def _table(self, names: tuple[str, ...]) -> SeriesNumbers:
        """Return the numbers of a list of names that comes again and again."""
        table = self._tables.get(names)
        if table is None:
            table = np.fromiter(map(self.__getitem__, names), np.int32, len(names))
            if len(self._tables) >= KNOWN_NAMES_MAX:
                self._tables.clear()
            self._tables[names] = table
        return table


class Intake:
    """Takes what was decoded for the series of one source."""

    def __init__(
        self, catalogue: Catalogue, tally: Tally, *, ahead_max_s: float = AHEAD_MAX_S
    ) -> None:
        self._catalogue = catalogue
        self._tally = tally
        self._conditioning = Conditioning(catalogue)
        self._ahead_ns = round(ahead_max_s * SECOND)
        self._chronology = Chronology()
        self._entered: set[str] = set()

    def channel(self, describe: Describe) -> Channel:
        """Return a channel whose series are entered as they come."""
        return Channel(describe, self.enter)

    def enter(self, series: Series) -> int:
        """Return the number of a series, new or described anew; `REFUSED`: there are too many."""
        if series.address not in self._entered:
            if len(self._entered) >= SERIES_MAX:
                return REFUSED
            self._entered.add(series.address)
        return self._conditioning.enter(series)

    def renew(self, series: Series) -> int:
        """Return the number of a series that may be told in another unit than before.

        What is measured in another unit has a number of its own in the catalogue, so that what
        was stored keeps its meaning.
        """
        before = self._catalogue.numbers().get(series.key)
        if before is not None and self._catalogue[before].unit != series.unit:
            self._tally.amend(UNIT_CHANGED, 1, _unit_changed(self._catalogue[before], series))
        return self.enter(series)

    def taken(self, channel: Channel, decoded: Decoded, *, retained: bool = False) -> Batch:
        """Return the readings of a payload, before `fitted`."""
        if decoded.refused:
            self._tally.refuse(decoded.refused)
        if decoded.units:
            decoded = self._with_units(channel, decoded, decoded.units)
        count = len(decoded.times)
        if decoded.names is None:
            numbers = np.full(count, channel[""] if count else 0, np.int32)
        else:
            numbers = channel.numbers(decoded.names)
        batch = Batch(decoded.times, numbers, decoded.values, decoded.quality)
        if decoded.texts:
            batch = self._with_states(batch, decoded.texts)
        return self._ageless(batch) if retained else batch

    def _with_units(self, channel: Channel, decoded: Decoded, units: dict[str, str]) -> Decoded:
        """Take the units that the sender told; readings in a unit that cannot be are refused."""
        troubles = {name: self._told(channel, name, unit) for name, unit in units.items()}
        troubles = {name: trouble for name, trouble in troubles.items() if trouble}
        if not troubles:
            return decoded
        names = decoded.names or [""] * len(decoded.times)
        kept = np.array([name not in troubles for name in names], np.bool_)
        told = next(iter(troubles.values()))
        self._tally.refuse([Refusal(UNIT_CHANGED, told, int((~kept).sum()))])
        places = np.cumsum(kept) - 1
        texts = {int(places[at]): text for at, text in (decoded.texts or {}).items() if kept[at]}
        return Decoded(
            decoded.times[kept], decoded.values[kept], decoded.quality[kept],
            None if decoded.names is None else [each for each in names if each not in troubles],
            texts=texts or None,
        )  # fmt: skip

    def _told(self, channel: Channel, name: str, unit: str) -> str:
        number = channel.get(name, REFUSED)
        if number != REFUSED and self._catalogue[number].unit == unit:
            return ""
        try:
            series = channel.describe(name, unit)
        except ValueError as error:
            return unknown_unit(channel.describe(name, "").address, str(error))
        number = self.renew(series) if number != REFUSED else self.enter(series)
        if number != REFUSED:
            channel[name] = number
        return ""

    def _with_states(self, batch: Batch, texts: dict[int, str]) -> Batch:
        """Replace texts of states by their numbers; other texts are no numbers."""
        values = batch.values.copy()
        strange: list[int] = []
        for position, text in texts.items():
            number = int(batch.series[position])
            state = None if number == REFUSED else state_number(self._catalogue[number], text)
            if state is None:
                strange.append(position)
                self._tally.refuse([not_a_number(repr(text)[:80])])
            else:
                values[position] = state
        stated = Batch(batch.times, batch.series, values, batch.quality)
        return stated.where(np.delete(np.arange(len(batch)), strange)) if strange else stated

    def _ageless(self, batch: Batch) -> Batch:
        """What was kept by the sender without a time may be of any age: usable, not certain."""
        ageless = (batch.times == ARRIVAL) & is_good(batch.quality)
        if not ageless.any():
            return batch
        self._tally.amend(RETAINED, int(ageless.sum()))
        quality = np.where(ageless, np.uint8(LAST_USABLE), batch.quality)
        return Batch(batch.times, batch.series, batch.values, quality)

    def fitted(
        self, batch: Batch, now: Instant, *, live: bool = True, aside: bool = False
    ) -> Batch:
        """Return what is finite and of a series, in SI, at times that can be; it is received.

        `live`: the last reading was taken just now, so that it tells the skew of the clocks.
        `aside`: readings of a history come beside new ones, so no clock went back.
        """
        if not len(batch):
            return batch
        bad = is_bad(batch.quality)
        numeric = np.isfinite(batch.values) | bad
        kept = (batch.series != REFUSED) & numeric
        if not kept.all():
            self._count_unkept(batch, numeric)
            batch, bad = batch.where(kept), bad[kept]
        values = np.where(bad, np.nan, batch.values) if bad.any() else batch.values
        values = self._conditioning.si(batch.series, values)
        quality = self._conditioning.trust(batch.series, values, batch.quality)
        times, quality = self._in_time(batch.times, quality, now)
        if not aside:
            self._tell_backwards(times, batch.series, now)
        if live and len(times) and batch.times[-1] != ARRIVAL:
            self._tally.skew(int(batch.times[-1]) - now)
        self._tally.receive(len(times))
        return Batch(times, batch.series, values, quality)

    def _count_unkept(self, batch: Batch, numeric: NDArray[np.bool_]) -> None:
        crowded = int((batch.series == REFUSED).sum())
        if crowded:
            self._tally.refuse([too_many(crowded)])
        strange = (batch.series != REFUSED) & ~numeric
        if strange.any():
            self._tally.refuse([not_a_number(str(batch.values[strange][0]), int(strange.sum()))])

    def _in_time(self, times: Times, quality: Qualities, now: Instant) -> tuple[Times, Qualities]:
        """Return times that may be believed; where a clock is far ahead of ours, ours counts."""
        arrived = times == ARRIVAL
        ahead = times > now + self._ahead_ns
        if ahead.any():
            self._tally.amend(CLOCK_AHEAD, int(ahead.sum()), _clock_ahead(times, now))
            quality = np.where(ahead & is_good(quality), np.uint8(UNCERTAIN), quality)
        restamped = arrived | ahead
        return (np.where(restamped, np.int64(now), times) if restamped.any() else times), quality

    def _tell_backwards(self, times: Times, series: SeriesNumbers, now: Instant) -> None:
        """Count readings far behind the newest of their series, and clocks that went back."""
        judged = self._chronology.judged(times, series, now)
        if judged.behind:
            self._tally.amend(BEHIND, judged.behind, late_sentence(judged))
        if judged.back:
            address = self._catalogue[judged.back[0]].address
            self._tally.amend(CLOCK_BACK, len(judged.back), back_sentence(judged, address))


def unknown_unit(address: str, found: str) -> str:
    """Return the sentence about a unit that cannot be."""
    return (
        f"Expected a unit that fits the mapping for {address}, but found {found}. "
        "Correct it at the sender, or in the mapping."
    )


def _unit_changed(before: Series, after: Series) -> str:
    return (
        f"Expected '{before.unit}' for {before.address}, but found '{after.unit}': what comes now "
        "is kept apart from what came before. Check that the change was meant."
    )


def too_many(count: int) -> Refusal:
    """Return the refusal of readings of more series than a source may have."""
    return Refusal(
        TOO_MANY_SERIES,
        f"Expected at most {SERIES_MAX} series of one source, but found more. "
        "Look for a sender that makes up names, or divide the source.",
        count,
    )


def _clock_ahead(times: Times, now: Instant) -> str:
    seconds = (int(times.max()) - now) / SECOND
    return (
        f"Expected times of at most now, but found one {seconds:.0f} s ahead: the time of arrival "
        "counts instead. Set the clock of the sender."
    )
