"""Topics: what each one means, found out once and then remembered."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from fabloop.adapters.mqtt.mapping import Mapping, TopicRule
from fabloop.model.ids import WorkUnitId
from fabloop.sense.readings.described import described
from fabloop.sense.readings.intake import SERIES_MAX, Channel, Describe, Intake
from fabloop.sense.readings.payloads.decode import Decode, Single, decoder_of, single_decoder_of
from fabloop.sense.readings.payloads.forms import Layout
from fabloop.sense.readings.series import Series

DecodeSingle = Callable[[bytes], Single | None]


@dataclass(frozen=True, slots=True)
class Topic:
    """How the payloads of a topic are read, and the series in them."""

    decode: Decode
    single: DecodeSingle | None
    channel: Channel


class Topics(dict[bytes, Topic | None]):
    """Topics by name, found when first asked for; None: no rule wants it."""

    def __init__(self, mapping: Mapping, intake: Intake) -> None:
        super().__init__()
        self._mapping = mapping
        self._intake = intake
        self._readers = [(rule, rule.pattern(), *_decoders(rule)) for rule in mapping.topics]

    def __missing__(self, name: bytes) -> Topic | None:
        topic = self._found(name)
        if len(self) < SERIES_MAX:
            self[name] = topic
        return topic

    def _found(self, name: bytes) -> Topic | None:
        try:
            words = name.decode()
        except UnicodeDecodeError:
            return None
        for rule, pattern, decode, single in self._readers:
            found = pattern.fullmatch(words)
            if found:
                return Topic(decode, single, self._intake.channel(self._of(rule, words, found)))
        return None

    def _of(self, rule: TopicRule, topic: str, found: re.Match[str]) -> Describe:
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


def _decoders(rule: TopicRule) -> tuple[Decode, DecodeSingle | None]:
    form = msgspec.structs.replace(rule.form, named=rule.named)
    single = single_decoder_of(form) if form.layout is Layout.SINGLE else None
    return decoder_of(form), single
