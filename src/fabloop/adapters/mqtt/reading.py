"""Messages of plain topics to readings: the part of the source that computes and never waits."""

from collections.abc import Sequence

from fabloop.adapters.mqtt.mapping import Mapping
from fabloop.adapters.mqtt.packets import Publication
from fabloop.adapters.mqtt.topics import Topics
from fabloop.base.instant import Instant
from fabloop.sense.readings.batch import Batch, batch_of, joined
from fabloop.sense.readings.intake import Intake
from fabloop.sense.readings.payloads.decoded import Refusal
from fabloop.sense.readings.series import Catalogue
from fabloop.sense.readings.tally import Tally

UNKNOWN_TOPIC = "unknown-topic"


class Reading:
    """Turns messages into batches; what it remembers is what the topics mean."""

    def __init__(self, mapping: Mapping, catalogue: Catalogue, tally: Tally) -> None:
        self._tally = tally
        self._intake = Intake(catalogue, tally, ahead_max_s=mapping.ahead_max_s)
        self._topics = Topics(mapping, self._intake)

    def read(self, messages: Sequence[Publication], now: Instant) -> Batch:
        """Return the readings of several messages; what is refused is counted."""
        parts: list[Batch] = []
        singles = _Singles()
        for message in messages:
            topic = self._topics[message.topic]
            if topic is None:
                self._tally.refuse([_unknown_topic(message.topic)])
                continue
            if topic.single is not None and not message.retained:
                found = topic.single(message.payload)
                if found is not None:
                    singles.add(topic.channel[""], *found)
                    continue
            singles.empty_into(parts)
            parts.append(
                self._intake.taken(
                    topic.channel, topic.decode(message.payload), retained=message.retained
                )
            )
        singles.empty_into(parts)
        return self._intake.fitted(joined(parts), now)


class _Singles:
    """Readings that came one by one, until they make up columns."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._numbers: list[int] = []
        self._times: list[int] = []
        self._values: list[float] = []
        self._qualities: list[int] = []

    def add(self, number: int, time: int, value: float, quality: int) -> None:
        self._numbers.append(number)
        self._times.append(time)
        self._values.append(value)
        self._qualities.append(quality)

    def empty_into(self, parts: list[Batch]) -> None:
        if self._times:
            parts.append(batch_of(self._times, self._numbers, self._values, self._qualities))
            self._clear()


def _unknown_topic(topic: bytes) -> Refusal:
    found = topic.decode(errors="replace")
    return Refusal(
        UNKNOWN_TOPIC,
        f"Expected a topic of the mapping, but found '{found:.200}'. Add a rule for it.",
    )
