"""The fast way: payloads that are as they should be, to columns without an object per reading.

Whatever the typed decoders do not take goes to `salvage`, which reads value by value.
"""

from collections.abc import Callable
from itertools import chain
from types import GenericAlias
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from fabloop.sense.readings.payloads.binary import binary_columns
from fabloop.sense.readings.payloads.decoded import (
    ARRIVAL,
    TIME_GREATEST_NS,
    Decoded,
    checked,
)
from fabloop.sense.readings.payloads.forms import Encoding, Form, Layout
from fabloop.sense.readings.payloads.salvage import salvage
from fabloop.sense.readings.quality import BAD, GOOD, is_bad

Cells = list[float | str | None]
"""Values as they came: numbers, texts of states, and null where nothing is known."""

Decode = Callable[[bytes], Decoded]
Single = tuple[int, float, int]
"""Time (or `ARRIVAL`), value and quality of one reading."""


def decoder_of(form: Form) -> Decode:
    """Return the function that reads payloads of a form; it never raises for what it is given."""
    match form.layout:
        case Layout.SINGLE:
            return lambda payload: salvage(payload, form)
        case Layout.ROWS:
            return _rows(form)
        case Layout.COLUMNS:
            return _columns(form)
        case Layout.BINARY:
            return lambda payload: binary_columns(payload, named=form.named)


def single_decoder_of(form: Form) -> Callable[[bytes], Single | None]:
    """Return the function that reads one plain reading; None: `salvage` must look at it.

    Its value may still be no number: that is cheaper to see for many readings at once.
    """
    one: Any = msgspec.defstruct(
        "One",
        [("value", float), ("time", int, ARRIVAL), ("quality", int, GOOD), ("unit", str, "")],
        rename={each: getattr(form.fields, each) for each in ("value", "time", "quality", "unit")},
        kw_only=True,
        gc=False,
    )
    decode, number = _decode_of(form, one), _decode_of(form, float)
    scale = form.time_unit.ns
    latest = TIME_GREATEST_NS // scale
    is_json = form.encoding is Encoding.JSON

    def single(payload: bytes) -> Single | None:
        try:
            if is_json and payload[:1] != b"{":
                return ARRIVAL, number(payload), GOOD
            found = decode(payload)
        except msgspec.DecodeError:
            return None
        time: int = found.time
        if found.unit or not 0 <= found.quality <= 255:
            return None
        if 0 <= time <= latest:
            return time * scale, found.value, found.quality
        return (ARRIVAL, found.value, found.quality) if time == ARRIVAL else None

    return single


def _decode_of(form: Form, type_: Any) -> Callable[[bytes], Any]:
    if form.encoding is Encoding.MSGPACK:
        return msgspec.msgpack.Decoder(type_).decode
    return msgspec.json.Decoder(type_).decode


def _rows(form: Form) -> Decode:
    """Rows of equal length: with a name or without, all with a quality or none."""
    decoders = [
        (_decode_of(form, GenericAlias(list, (_row_type(form, trusted=trusted),))), trusted)
        for trusted in (False, True)
    ]

    def rows(payload: bytes) -> Decoded:
        for decode, trusted in decoders:
            try:
                found = decode(payload)
            except msgspec.DecodeError:
                continue
            decoded = _of_rows(form, found, trusted=trusted) if found else None
            return salvage(payload, form) if decoded is None else decoded
        return salvage(payload, form)

    return rows


def _row_type(form: Form, *, trusted: bool) -> Any:
    """Return the type of a row; objects that the garbage collector need not look at."""
    fields: list[tuple[str, Any]] = [("time", int), ("name", str), ("value", float | str | None)]
    if not form.named:
        del fields[1]
    if trusted:
        fields.append(("quality", int))
    return msgspec.defstruct("Row", fields, array_like=True, forbid_unknown_fields=True, gc=False)


def _of_rows(form: Form, rows: Any, *, trusted: bool) -> Decoded | None:
    try:
        times = np.array([row.time for row in rows], np.int64)
    except OverflowError:
        return None
    instants = _times(times, form.time_unit.ns)
    quality = _qualities([row.quality for row in rows]) if trusted else None
    if instants is None or (trusted and quality is None):
        return None
    names = [row.name for row in rows] if form.named else None
    return _of_cells(instants, [row.value for row in rows], quality, names)


def _of_cells(
    times: NDArray[np.int64], cells: Cells, quality: NDArray[np.uint8] | None,
    names: list[str] | None,
) -> Decoded | None:  # fmt: skip
    """Return readings whose values may be texts or null; None: `salvage` must look at them."""
    odd = [at for at, cell in enumerate(cells) if type(cell) is not float]
    if not odd:
        return checked(times, np.array(cells, np.float64), quality, names)
    trust = np.full(len(cells), GOOD, np.uint8) if quality is None else quality
    texts: dict[int, str] = {}
    for at in odd:
        cell, cells[at] = cells[at], np.nan
        if isinstance(cell, str):
            texts[at] = cell
        elif trust[at] == GOOD:
            trust[at] = BAD
    values, bad = np.array(cells, np.float64), is_bad(trust)
    numeric = np.isfinite(values) | bad
    numeric[list(texts)] = True
    if not numeric.all() or (len(times) and times.max() > TIME_GREATEST_NS):
        return None
    if bad.any():
        values[bad] = np.nan
        texts = {at: each for at, each in texts.items() if not bad[at]}
    return Decoded(times, values, trust, names, texts=texts or None)


def _columns(form: Form) -> Decode:
    """Lists of equal length: each reading with its name, or times and a list for each name."""
    fields = form.fields
    table: Any = msgspec.defstruct(
        "Table",
        [
            ("time", list[int]),
            ("value", list[float | str | None] | dict[str, list[float | str | None]]),
            ("name", list[str], []),
            ("quality", list[int], []),
            ("unit", msgspec.Raw, msgspec.Raw()),
        ],
        rename={
            each: getattr(fields, each) for each in ("time", "value", "name", "quality", "unit")
        },
        kw_only=True,
    )
    decode = _decode_of(form, table)

    def columns(payload: bytes) -> Decoded:
        try:
            found = decode(payload)
        except msgspec.DecodeError:
            return salvage(payload, form)
        times = _times(found.time, form.time_unit.ns)
        if times is None or bytes(found.unit) or not found.time:
            return salvage(payload, form)
        if isinstance(found.value, dict):
            decoded = _side_by_side(times, found.value) if not found.quality else None
        else:
            decoded = _below_each_other(times, found, named=form.named)
        return salvage(payload, form) if decoded is None else decoded

    return columns


def _side_by_side(times: NDArray[np.int64], values: dict[str, Cells]) -> Decoded | None:
    count = len(times)
    if not values or any(len(column) != count for column in values.values()):
        return None
    names = [name for name in values for _ in range(count)]
    cells = list(chain.from_iterable(values.values()))
    return _of_cells(np.tile(times, len(values)), cells, None, names)


def _below_each_other(times: NDArray[np.int64], found: Any, *, named: bool) -> Decoded | None:
    count = len(times)
    quality = _qualities(found.quality) if found.quality else None
    if found.quality and (quality is None or len(quality) != count):
        return None
    if len(found.value) != count or (named and len(found.name) != count):
        return None
    names = found.name if named else None
    return _of_cells(times, found.value, quality, names)


def _times(numbers: Any, unit_ns: int) -> NDArray[np.int64] | None:
    """Return times in ns; None: one of them is beyond what the unit lets it be."""
    try:
        times = np.array(numbers, np.int64)
    except OverflowError:
        return None
    if len(times) and (times.min() < 0 or times.max() > TIME_GREATEST_NS // unit_ns):
        return None
    return times * unit_ns


def _qualities(numbers: Any) -> NDArray[np.uint8] | None:
    try:
        return np.array(numbers, np.uint8)
    except OverflowError:
        return None
