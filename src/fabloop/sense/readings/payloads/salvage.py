"""The slow way: a payload that did not decode as it should is read value by value.

One bad reading does not cost its neighbours: what can be taken is taken, the rest is refused
with a reason, a count and a sentence.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import numpy as np

from fabloop.base.instant import instant_of
from fabloop.sense.readings.payloads.decoded import (
    ARRIVAL,
    MALFORMED,
    NAMELESS,
    TIME_GREATEST_NS,
    TIME_LEAST_NS,
    UNKNOWN_QUALITY,
    Decoded,
    Refusal,
    not_a_number,
    time_out_of_range,
)
from fabloop.sense.readings.payloads.forms import Encoding, Form, Layout
from fabloop.sense.readings.quality import BAD, GOOD, STATUS_MASK, UNCERTAIN

WORD_CHARACTERS_MAX = 64
"""Of a state that is sent as a bare word."""
QUALITY_WORDS = {"good": GOOD, "uncertain": UNCERTAIN, "bad": BAD}

Parts = tuple[Any, Any, Any, Any, Any]
"""Time, name, value, quality and unit of one reading, as they came."""


class _Unreadable(Exception):
    """The document is not laid out as agreed; what was found instead."""


def salvage(payload: bytes | memoryview, form: Form) -> Decoded:
    """Return what can be taken of a payload, reading by reading."""
    try:
        document = _document(payload, form.encoding, form.layout)
        parts = list(_parts(document, form))
    except (_Unreadable, ValueError, msgspec.DecodeError, RecursionError) as error:
        return _nothing(Refusal(MALFORMED, _malformed(form, str(error))))
    return _Salvage(form).taken(parts)


def taken_of(readings: Iterable[Parts], form: Form) -> Decoded:
    """Return what can be taken of readings that were read from elsewhere, such as a table."""
    return _Salvage(form).taken(readings)


def _nothing(refusal: Refusal) -> Decoded:
    empty = np.empty(0)
    return Decoded(empty.astype(np.int64), empty, empty.astype(np.uint8), None, refused=(refusal,))


def _malformed(form: Form, found: str) -> str:
    return (
        f"Expected {form.layout} in {form.encoding}, but found bytes that are none ({found}). "
        "Check the form of the topic in the mapping."
    )


def _document(payload: bytes | memoryview, encoding: Encoding, layout: Layout) -> Any:
    if encoding is Encoding.MSGPACK:
        return msgspec.msgpack.decode(payload)
    try:
        return json.loads(bytes(payload))  # unlike msgspec it reads NaN, which many senders write
    except ValueError:
        if layout is not Layout.SINGLE or payload[:1] in (b"{", b"["):
            raise
        word = bytes(payload).decode().strip()
        if not 0 < len(word) <= WORD_CHARACTERS_MAX:
            raise
        return word  # a state, as many send it: without quotes


def _parts(document: Any, form: Form) -> Iterator[Parts]:
    match form.layout:
        case Layout.SINGLE:
            yield _of_object(document, form) if isinstance(document, Mapping) else (
                None, None, document, None, None,
            )  # fmt: skip
        case Layout.ROWS:
            if not isinstance(document, list):
                raise _Unreadable(f"a {type(document).__name__} instead of a list of readings")
            yield from (_of_row(row, form) for row in document)
        case Layout.COLUMNS | Layout.BINARY:
            if not isinstance(document, Mapping):
                raise _Unreadable(f"a {type(document).__name__} instead of an object of lists")
            yield from _of_columns(document, form)


def _of_object(row: Mapping[str, Any], form: Form) -> Parts:
    names = form.fields
    if names.value not in row:
        raise _Unreadable(f"an object without {names.value!r}")
    return (
        row.get(names.time), row.get(names.name), row[names.value],
        row.get(names.quality), row.get(names.unit),
    )  # fmt: skip


def _of_row(row: Any, form: Form) -> Parts:
    if isinstance(row, Mapping):
        return _of_object(row, form)
    if not isinstance(row, list):
        raise _Unreadable(f"a {type(row).__name__} instead of a row")
    least = 3 if form.named else 2
    if not least <= len(row) <= least + 1:
        raise _Unreadable(f"a row of {len(row)} instead of {least} or {least + 1} parts")
    name = row[1] if form.named else None
    return row[0], name, row[least - 1], row[least] if len(row) > least else None, None


def _of_columns(table: Mapping[str, Any], form: Form) -> Iterator[Parts]:
    fields = form.fields
    values = table.get(fields.value)
    if isinstance(values, Mapping):
        for name, column in values.items():
            yield from _of_columns({**table, fields.value: column, fields.name: name}, form)
        return
    if not isinstance(values, list):
        raise _Unreadable(f"no list {fields.value!r}")
    count = len(values)
    columns = [
        _column(table, field, count)
        for field in (fields.time, fields.name, fields.quality, fields.unit)
    ]
    for position in range(count):
        time, name, quality, unit = (column[position] for column in columns)
        yield time, name, values[position], quality, unit


def _column(table: Mapping[str, Any], field: str, count: int) -> list[Any]:
    found = table.get(field)
    if not isinstance(found, list):
        return [found] * count
    if len(found) != count:
        raise _Unreadable(f"{len(found)} of {field!r} for {count} values")
    return found


class _Salvage:
    """Takes reading by reading; what cannot be taken is counted by reason."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._refused: dict[str, tuple[str, int]] = {}

    def taken(self, readings: Iterable[Parts]) -> Decoded:
        """Return the readings that can be taken."""
        times: list[int] = []
        names: list[str] = []
        values: list[float] = []
        qualities: list[int] = []
        units: dict[str, str] = {}
        texts: dict[int, str] = {}
        for time, name, value, quality, unit in readings:
            if self._form.named and not isinstance(name, str):
                self._refuse(Refusal(NAMELESS, _nameless(name)))
                continue
            trust = self._quality(quality)
            instant = self._time(time)
            if trust is None or instant is None:
                continue
            number = self._number(value, trust)
            if isinstance(number, str):
                texts[len(values)] = number
                number = math.nan
            if number is None:
                continue
            times.append(instant)
            names.append(name if isinstance(name, str) else "")
            values.append(number)
            qualities.append(BAD if value is None and trust == GOOD else trust)
            if isinstance(unit, str):
                units[names[-1] if self._form.named else ""] = unit
        return Decoded(
            np.array(times, np.int64), np.array(values, np.float64), np.array(qualities, np.uint8),
            names if self._form.named else None, units or None, texts or None,
            tuple(Refusal(why, told, count) for why, (told, count) in self._refused.items()),
        )  # fmt: skip

    def _refuse(self, refusal: Refusal) -> None:
        told, count = self._refused.get(refusal.reason, (refusal.sentence, 0))
        self._refused[refusal.reason] = told, count + 1

    def _number(self, value: Any, quality: int) -> float | str | None:
        if quality & STATUS_MASK == BAD or value is None:
            return math.nan
        if isinstance(value, (bool, int, float)):
            number = _float(value)
            if math.isfinite(number):
                return number
        elif isinstance(value, str):
            return value
        self._refuse(not_a_number(repr(value)[:80]))
        return None

    def _quality(self, quality: Any) -> int | None:
        if quality is None:
            return GOOD
        if isinstance(quality, int) and not isinstance(quality, bool) and 0 <= quality <= 255:
            return quality
        if isinstance(quality, str) and quality.lower() in QUALITY_WORDS:
            return QUALITY_WORDS[quality.lower()]
        self._refuse(
            Refusal(
                UNKNOWN_QUALITY,
                f"Expected a quality of 0..255 or one of {', '.join(QUALITY_WORDS)}, "
                f"but found {quality!r:.80}. Send the quality byte of OPC DA.",
            )
        )
        return None

    def _time(self, time: Any) -> int | None:
        if time is None:
            return ARRIVAL
        try:
            if isinstance(time, str):
                instant: int = instant_of(time)
            elif isinstance(time, bool):
                raise TypeError
            else:
                unit = self._form.time_unit.ns
                whole = int(time)  # apart from the fraction, since a double holds no ns since 1970
                instant = whole * unit + round((time - whole) * unit)
        except (TypeError, ValueError, OverflowError):
            instant = -1
        if TIME_LEAST_NS <= instant <= TIME_GREATEST_NS:
            return instant
        self._refuse(time_out_of_range(repr(time)[:80]))
        return None


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _nameless(found: Any) -> str:
    return (
        f"Expected the name of a series with each reading, but found {found!r:.80}. "
        "Name it in the payload, or by {name} in the topic of the mapping."
    )
