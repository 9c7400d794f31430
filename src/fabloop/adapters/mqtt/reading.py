"""Messages to readings: the part of the source that computes and never waits."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fabloop.adapters.mqtt.channels import REFUSED, SERIES_MAX, Channel, Channels
from fabloop.adapters.mqtt.mapping import Mapping
from fabloop.adapters.mqtt.packets import Publication
from fabloop.base.instant import SECOND, Instant
from fabloop.sense.readings.batch import Batch, Times, batch_of, joined
from fabloop.sense.readings.conditioning import Conditioning, state_number
from fabloop.sense.readings.payloads.decoded import (
    ARRIVAL,
    Decoded,
    Refusal,
    not_a_number,
)
from fabloop.sense.readings.quality import LAST_USABLE, UNCERTAIN, Qualities, is_bad, is_good
from fabloop.sense.readings.series import Catalogue
from fabloop.sense.readings.tally import Tally

UNKNOWN_TOPIC = "unknown-topic"
TOO_MANY_SERIES = "too-many-series"
UNIT_CHANGED = "unit-changed"
CLOCK_AHEAD = "clock-ahead"
RETAINED = "retained"


class Reading:
    """Turns messages into batches; what it remembers is what the topics mean."""

    def __init__(self, mapping: Mapping, catalogue: Catalogue, tally: Tally) -> None:
        self._catalogue = catalogue
        self._tally = tally
        self._conditioning = Conditioning(catalogue)
        self._channels = Channels(mapping, self._conditioning)
        self._ahead_ns = round(mapping.ahead_max_s * SECOND)

    def read(self, messages: Sequence[Publication], now: Instant) -> Batch:
        """Return the readings of several messages; what is refused is counted."""
        parts: list[Batch] = []
        times: list[int] = []
        numbers: list[int] = []
        values: list[float] = []
        qualities: list[int] = []
        channels = self._channels
        for message in messages:
            channel = channels[message.topic]
            if channel is None:
                self._tally.refuse([_unknown_topic(message.topic)])
                continue
            if channel.single is not None and not message.retained:
                found = channel.single(message.payload)
                if found is not None:
                    number = channel[""]
                    times.append(found[0])
                    numbers.append(number)
                    values.append(found[1])
                    qualities.append(found[2])
                    continue
            if times:
                parts.append(batch_of(times, numbers, values, qualities))
                times, numbers, values, qualities = [], [], [], []
            parts.append(self._of_payload(channel, message))
        if times:
            parts.append(batch_of(times, numbers, values, qualities))
        return self._fit(joined(parts), now)

    def _of_payload(self, channel: Channel, message: Publication) -> Batch:
        decoded = channel.decode(message.payload)
        if decoded.units:
            decoded = self._with_units(channel, message, decoded)
        if decoded.refused:
            self._tally.refuse(decoded.refused)
        count = len(decoded.times)
        if decoded.names is None:
            numbers = np.full(count, channel[""] if count else 0, np.int32)
        else:
            numbers = np.fromiter(map(channel.__getitem__, decoded.names), np.int32, count)
        batch = Batch(decoded.times, numbers, decoded.values, decoded.quality)
        if decoded.texts:
            batch = self._with_states(batch, decoded.texts)
        return self._retained(batch) if message.retained else batch

    def _with_units(self, channel: Channel, message: Publication, decoded: Decoded) -> Decoded:
        """Take the units that the sender told; readings whose unit we do not know are refused."""
        unknown: dict[str, str] = {}
        for name, unit in (decoded.units or {}).items():
            series = (
                None if channel.get(name, REFUSED) == REFUSED else self._catalogue[channel[name]]
            )
            if series is not None and series.unit == unit:
                continue
            trouble = self._renew(channel, message.topic, name, unit)
            if trouble:
                unknown[name] = trouble
        if not unknown:
            return decoded
        names = decoded.names or [""] * len(decoded.times)
        kept = np.array([name not in unknown for name in names], np.bool_)
        told = next(iter(unknown.values()))
        self._tally.refuse([Refusal(UNIT_CHANGED, told, int((~kept).sum()))])
        texts = decoded.texts or {}
        places = np.cumsum(kept) - 1
        return Decoded(
            decoded.times[kept], decoded.values[kept], decoded.quality[kept],
            None if decoded.names is None else [n for n in names if n not in unknown],
            texts={int(places[at]): text for at, text in texts.items() if kept[at]} or None,
            refused=decoded.refused,
        )  # fmt: skip

    def _renew(self, channel: Channel, topic: bytes, name: str, unit: str) -> str:
        """Go over to the unit that a sender tells; return why it cannot be."""
        place = f"{topic.decode()} {name}".strip()
        before = self._catalogue[channel[name]] if channel[name] != REFUSED else None
        try:
            number = channel.renew(name, unit)
        except ValueError as error:
            channel.units.pop(name, None)
            return (
                f"Expected a unit that can be turned into SI for {place}, but found {error}. "
                "Correct it at the sender."
            )
        if number == REFUSED or before is None or before.unit in ("", unit):
            return ""
        after = self._catalogue[number]
        if before.dimension is not None and after.dimension is not before.dimension:
            channel.renew(name, before.unit)
            return (
                f"Expected {before.dimension} in '{before.unit}' for {place}, "
                f"but found '{unit}'. Give what is measured now a name of its own."
            )
        self._tally.amend(
            UNIT_CHANGED, 1,
            f"Expected '{before.unit}' for {place}, but found '{unit}': values are converted "
            "from now on. Check that the change was meant.",
        )  # fmt: skip
        return ""

    def _with_states(self, batch: Batch, texts: dict[int, str]) -> Batch:
        """Replace texts of states by their numbers; other texts are no numbers."""
        values = batch.values.copy()
        kept = np.ones(len(batch), np.bool_)
        for position, text in texts.items():
            number = int(batch.series[position])
            state = None if number == REFUSED else state_number(self._catalogue[number], text)
            if state is None:
                kept[position] = False
                self._tally.refuse([not_a_number(repr(text)[:80])])
            else:
                values[position] = state
        return Batch(batch.times, batch.series, values, batch.quality).where(kept)

    def _retained(self, batch: Batch) -> Batch:
        """A retained message without a time may be of any age: it is usable, but not certain."""
        ageless = (batch.times == ARRIVAL) & is_good(batch.quality)
        if not ageless.any():
            return batch
        self._tally.amend(RETAINED, int(ageless.sum()))
        quality = np.where(ageless, np.uint8(LAST_USABLE), batch.quality)
        return Batch(batch.times, batch.series, batch.values, quality)

    def _fit(self, batch: Batch, now: Instant) -> Batch:
        """Return what is finite and of a series, in SI, at times that can be."""
        if not len(batch):
            return batch
        numbers, trust = batch.series, batch.quality
        bad = is_bad(trust)
        finite = np.isfinite(batch.values)
        kept = (numbers != REFUSED) & (finite | bad)
        if not kept.all():
            self._count_unkept(batch, finite | bad)
            batch = batch.where(kept)
        values = (
            np.where(is_bad(batch.quality), np.nan, batch.values) if bad.any() else batch.values
        )
        values = self._conditioning.si(batch.series, values)
        quality = self._conditioning.trust(batch.series, values, batch.quality)
        times, quality = self._in_time(batch.times, quality, now)
        self._tally.receive(len(times))
        return Batch(times, batch.series, values, quality)

    def _count_unkept(self, batch: Batch, numeric: NDArray[np.bool_]) -> None:
        crowded = int((batch.series == REFUSED).sum())
        if crowded:
            self._tally.refuse([_too_many(crowded)])
        strange = (batch.series != REFUSED) & ~numeric
        if strange.any():
            self._tally.refuse([not_a_number(str(batch.values[strange][0]), int(strange.sum()))])

    def _in_time(self, times: Times, quality: Qualities, now: Instant) -> tuple[Times, Qualities]:
        """Return times that may be believed; where a clock is far ahead of ours, ours counts."""
        arrived = times == ARRIVAL
        told = times if not arrived.any() else times[~arrived]
        if len(told):
            self._tally.skew(int(told[-1]) - now)
        ahead = times > now + self._ahead_ns
        if ahead.any():
            self._tally.amend(CLOCK_AHEAD, int(ahead.sum()), _clock_ahead(times, now))
            quality = np.where(ahead & is_good(quality), np.uint8(UNCERTAIN), quality)
        if len(told) == len(times) and not ahead.any():
            return times, quality
        return np.where(arrived | ahead, np.int64(now), times), quality


def _unknown_topic(topic: bytes) -> Refusal:
    found = topic.decode(errors="replace")
    return Refusal(
        UNKNOWN_TOPIC,
        f"Expected a topic of the mapping, but found '{found:.200}'. Add a rule for it.",
    )


def _too_many(count: int) -> Refusal:
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
