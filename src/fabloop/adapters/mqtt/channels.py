"""Channels: what a topic means, found out once and then remembered."""

import re
from collections.abc import Callable

import msgspec

from fabloop.adapters.mqtt.mapping import Mapping, TopicRule
from fabloop.model.ids import WorkUnitId
from fabloop.sense.readings.conditioning import Conditioning
from fabloop.sense.readings.described import described
from fabloop.sense.readings.payloads.decode import Decode, Single, decoder_of, single_decoder_of
from fabloop.sense.readings.payloads.forms import Layout
from fabloop.sense.readings.series import Series

SERIES_MAX = 100_000
"""Series of one source; a sender that names ever new ones does not fill our memory."""

REFUSED = -1
"""Stands for the number of a series that was not entered."""


class Channel(dict[str, int]):
    """One topic: how to read it, and the numbers of its series by the name in the payload.

    ``channel[name]`` is the number of a series, entered when first asked for; `REFUSED`: there
    are too many. The name is "" where the topic alone says which series it is.
    """

    def __init__(
        self, rule: TopicRule, reader: "Reader", series_of: Callable[[str, str], Series],
        enter: Callable[[Series], int],
    ) -> None:  # fmt: skip
        super().__init__()
        self.rule = rule
        self.decode = reader.decode
        self.single = reader.single
        self.units: dict[str, str] = {}
        self._series_of = series_of
        self._enter = enter

    def __missing__(self, name: str) -> int:
        number = self[name] = self._enter(self._series_of(name, self.units.get(name, "")))
        return number

    def renew(self, name: str, unit: str) -> int:
        """Return the number of a series whose unit is told anew.

        Raises
        ------
        ValueError
            Nobody knows the unit.
        """
        number = self[name] = self._enter(self._series_of(name, unit))
        self.units[name] = unit
        return number


class Reader(msgspec.Struct, frozen=True):
    """The functions that read payloads of one topic rule."""

    pattern: re.Pattern[str]
    decode: Decode
    single: Callable[[bytes], Single | None] | None


class Channels(dict[bytes, Channel | None]):
    """Channels by topic, found when first asked for; None: no rule wants the topic."""

    def __init__(self, mapping: Mapping, conditioning: Conditioning) -> None:
        super().__init__()
        self._mapping = mapping
        self._conditioning = conditioning
        self._entered: set[str] = set()
        self._readers = [_reader(rule) for rule in mapping.topics]

    def __missing__(self, topic: bytes) -> Channel | None:
        channel = self._found(topic)
        if len(self) < SERIES_MAX:
            self[topic] = channel
        return channel

    def _found(self, topic: bytes) -> Channel | None:
        try:
            words = topic.decode()
        except UnicodeDecodeError:
            return None
        for rule, reader in zip(self._mapping.topics, self._readers, strict=True):
            found = reader.pattern.fullmatch(words)
            if found:
                return Channel(rule, reader, self._describer(rule, words, found), self._enter)
        return None

    def _describer(
        self, rule: TopicRule, topic: str, found: re.Match[str]
    ) -> Callable[[str, str], Series]:
        variables = {name: part.replace("/", ".") for name, part in found.groupdict().items()}
        work_unit = WorkUnitId(rule.work_unit.format(**variables))

        def series_of(name: str, unit: str) -> Series:
            said = {**variables, "name": name} if name else variables
            return described(
                self._mapping.series,
                source=self._mapping.source,
                address=f"{topic}#{name}" if name else topic,
                work_unit=work_unit,
                name=rule.name.format(**said),
                unit=unit,
            )

        return series_of

    def _enter(self, series: Series) -> int:
        if series.address not in self._entered:
            if len(self._entered) >= SERIES_MAX:
                return REFUSED
            self._entered.add(series.address)
        return self._conditioning.enter(series)


def _reader(rule: TopicRule) -> Reader:
    form = msgspec.structs.replace(rule.form, named=rule.named)
    single = single_decoder_of(form) if form.layout is Layout.SINGLE else None
    return Reader(rule.pattern(), decoder_of(form), single)
